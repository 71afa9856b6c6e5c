"""`known` on the command line: sets of known files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli.options import CaseArgument, ControlOption, Json, PassphraseFile, Shell
from forensics.jobs.events import Job

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase

Result = dict[str, Any]

known_app = typer.Typer(help="Sets of known files.", no_args_is_help=True)


@known_app.command("add")
def add(
    case: CaseArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="NSRL RDSv3 (SQLite), hashdeep, or a list of hashes.")],
    name: Annotated[str, typer.Option(help="What to call this set.")] = "",
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Mark the files whose content is in a set of known files."""
    if not file.is_file():
        raise typer.BadParameter("there is no such file", param_hint="FILE")

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.known import add as mark

        return mark(opened, job, file=file, name=name)

    Shell("known", case, json, passphrase_file, control).on_case(
        work,
        lambda r: [f"{r['files']:,} files are among the {r['hashes']:,} of {r['name']}.", f"  SHA256 {r['sha256']}"],
    )


@known_app.command("list")
def list_sets(
    case: CaseArgument, json: Json = False, passphrase_file: PassphraseFile = None, control: ControlOption = ""
) -> None:
    """List the sets of known files in the case."""

    def work(opened: OpenCase, _: Job) -> Result:
        from forensics.examination.known import listed

        return listed(opened)

    Shell("known", case, json, passphrase_file, control).on_case(
        work,
        lambda result: (
            [
                f"{s['name']}: {s['files']:,} files of {s['hashes']:,} hashes ({s['kind']}), read {s['added_utc']}"
                for s in result["sets"]
            ]
            or ["No set of known files yet."]
        ),
    )


@known_app.command("remove")
def remove(
    case: CaseArgument,
    name: Annotated[str, typer.Option(help="Which set.")],
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Forget a set of known files."""

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination.known import remove as forget

        return forget(opened, job, name=name)

    Shell("known", case, json, passphrase_file, control).on_case(work, lambda r: [f"Forgot {r['name']}."])
