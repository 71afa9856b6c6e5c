"""`drivecustody` on the command line: the verbs as commands, events as progress bars or JSON lines, an exit status."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the console script."""
    if sys.argv[1:] == ["--version"]:
        # Answered before anything heavy is imported: the window asks at every start.
        from forensics import __version__

        print(f"drivecustody {__version__}")
        return
    from multiprocessing import freeze_support

    freeze_support()
    from forensics.jobs import core_dumps

    core_dumps.forbid()
    from forensics.cli.commands import app

    app()
