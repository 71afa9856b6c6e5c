"""`passport` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli.options import CaseArgument, ControlOption, Json, PassphraseFile, Shell
from forensics.cli.review import read_keys
from forensics.errors import Refused
from forensics.jobs.events import Job

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase

Result = dict[str, Any]


def passport(
    case: CaseArgument,
    record_key: Annotated[
        str, typer.Argument(metavar="[RECORD_KEY]", help="Whose; - reads it from stdin, off the command line.")
    ] = "",
    out: Annotated[Path | None, typer.Option(metavar="PDF", help="Write it as a PDF of one page, masked.")] = None,
    keys_file: Annotated[Path | None, typer.Option("--keys-file", metavar="FILE", help="The key is in it.")] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the values; recorded, with --reason.")] = False,
    reason: Annotated[str, typer.Option(help="Why the values are needed.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who asks; else the examiner.")] = "",
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """One person, everything, why: masked, unless --reveal."""
    if reveal and out is not None:
        raise typer.BadParameter("a PDF is always masked; leave out one of the two", param_hint="--reveal/--out")
    if not record_key and keys_file is None:
        raise typer.BadParameter("give a record key, - or --keys-file", param_hint="RECORD_KEY")
    shell = Shell("passport", case, json, passphrase_file, control)

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination import passport as passports

        keys = read_keys([record_key] if record_key else [], keys_file, control)
        if len(keys) != 1:
            raise Refused("A passport is of one person.", "Give exactly one record key.")
        if out is not None:
            return passports.passport_pdf(opened, job, record_key=keys[0], out=out, by=by)
        if reveal:
            with opened.held("passport"):
                return passports.passport(opened, record_key=keys[0], reveal=True, reason=reason, by=by)
        return passports.passport(opened, record_key=keys[0])

    shell.on_case(work, _lines)


def _lines(result: Result) -> list[str]:
    if "out" in result:
        return [f"Written: {result['out']}", f"  SHA256 {result['sha256']}"]
    lines = [
        f"{result['tier']}, {result['places']:,} place(s), {result['review']}",
        *(f"  {name.replace('_', ' '):<14} {value}" for name, value in result["record"].items()),
        *result["why"],
        f"Exposed: {', '.join(result['elements'])}",
    ]
    for row in result["evidence"]:
        differs = f"; differs: {', '.join(row['conflict'])}" if row["conflict"] else ""
        also = f"; also: {', '.join(row['also'])}" if row["also"] else ""
        lines.append(f"  {row['place']}  {row['region']}  agrees: {', '.join(row['agree'])}{differs}{also}")
    lines += [f"Source: {row['name']} {row['as_of']}".rstrip() for row in result["arose"]["rows"]]
    lines += [f"Same person: {one['record_key']} ({one['rule']})" for one in result["arose"]["same_person"]]
    lines += [f"Decided: {row['utc']} {row['who']} {row['decision']} {row['reason']}" for row in result["decisions"]]
    return [*lines, "To check:", *(f"  {text}" for text in result["check"])]
