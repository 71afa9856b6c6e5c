"""The start of the window: application, fonts, colours, and what a person sees when we are wrong."""

from __future__ import annotations

import sys
import traceback
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QLoggingCategory, QSettings
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMessageBox

from forensics.jobs import core_dumps
from ui import theme
from ui.collector import Collector


def make_application(arguments: Sequence[str], dark: bool = False) -> QApplication:
    """The application with our fonts and colours; the one that is there already if there is one."""
    there = QApplication.instance()
    app = there if isinstance(there, QApplication) else QApplication(list(arguments))
    app.setApplicationName("DriveCustody")
    app.setOrganizationName("DriveCustody")
    app.setStyle("Fusion")
    # Reports link to places on a page without a zoom, which PDF allows and Qt warns about for every link.
    QLoggingCategory.setFilterRules("qt.pdf.links=false")
    theme.load_fonts()
    theme.apply(app, dark)
    app.setWindowIcon(QIcon(theme.icon("fingerprint", "accent", 64)))
    if app.findChild(Collector) is None:
        Collector(app)
    return app


def where(error: BaseException) -> str:
    """The kind of a defect and its place in our code: no values and no message, which may hold personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    return type(error).__name__ + (f" in {Path(last.filename).name}, line {last.lineno}" if last else "")


def report_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell about a defect without telling anything of the case."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    if QApplication.activeModalWidget() is not None:
        # A defect in painting comes again with every paint: one message about it is enough.
        return
    QMessageBox.critical(
        QApplication.activeWindow(),
        "DriveCustody",
        f"Something in the window went wrong; this is our defect ({where(error)}).\n\n"
        "Your case was not changed: the window only reads it. Close the window and open the case again.",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window, with a case if one is named: ``drivecustody-window [CASE] [--passphrase-file FILE]``.

    With a passphrase file the case opens without asking, as after the worked example.
    """
    core_dumps.forbid()
    given = list(sys.argv if arguments is None else arguments)
    options = ArgumentParser(prog="drivecustody-window", description="Opens the window, with a case if one is named.")
    options.add_argument("case", nargs="?", type=Path, metavar="CASE")
    options.add_argument("--passphrase-file", type=Path, metavar="FILE")
    named, for_qt = options.parse_known_args(given[1:])
    settings = QSettings("DriveCustody", "DriveCustody")
    app = make_application([given[0], *for_qt], settings.value("dark", False, type=bool) is True)
    sys.excepthook = report_defect
    from ui.main_window import MainWindow

    window = MainWindow(settings)
    window.show()
    if named.case is None and shown_to_a_person():
        window.first_self_test()
    elif named.case is not None:
        window.ask_passphrase(named.case, _first_line(named.passphrase_file))
    return app.exec()


def shown_to_a_person() -> bool:
    """Whether the window is on a screen; tests draw it without one, and start what they need themselves."""
    return QApplication.platformName() not in ("offscreen", "minimal")


def _first_line(path: Path | None) -> str:
    """The passphrase in a file; empty where there is none, and the person is asked."""
    try:
        return path.read_text("utf-8").split("\n", 1)[0].rstrip("\r") if path else ""
    except (OSError, UnicodeDecodeError):
        return ""


if __name__ == "__main__":
    raise SystemExit(main())
