"""`report` on the command line: what is missing, what the examiner states, the PDF, and counsel's memorandum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli import sentences
from forensics.cli.options import (
    CaseArgument,
    ControlOption,
    IdentityPassphraseFile,
    Json,
    PassphraseFile,
    Shell,
    Sign,
    load_signer,
)
from forensics.jobs.events import Job

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase

Result = dict[str, Any]


def report(
    case: CaseArgument,
    out: Annotated[Path | None, typer.Option(help="The PDF to write; it must not exist.")] = None,
    counsel: Annotated[
        Path | None, typer.Option(metavar="PDF", help="Counsel's memorandum, which never goes into a package.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="List what is missing before a signature.")] = False,
    statement: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Make a statement of the certificate; all makes each.")
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who makes the statements; else the examiner.")] = "",
    employer: Annotated[str, typer.Option(help="The examiner's employer.")] = "",
    qualifications: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The examiner's qualifications, as text.")
    ] = None,
    second_examiner: Annotated[str, typer.Option(metavar="NAME", help="Who reviewed the work.")] = "",
    legend: Annotated[str, typer.Option(help="A legend for the cover; none unless given.")] = "",
    sign: Sign = "",
    without_certificate: Annotated[
        bool, typer.Option("--without-certificate", help="Sign the report; its certificate stays unmade and says so.")
    ] = False,
    timestamp: Annotated[str, typer.Option(metavar="URL", help="A time stamping authority (RFC 3161).")] = "",
    since: Annotated[
        int | None, typer.Option("--since", min=1, help="--counsel: the earlier report to compare with.")
    ] = None,
    identity_passphrase_file: IdentityPassphraseFile = None,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Write the report: signed with --sign, else a draft with a watermark.

    The certificate is made by statements of the examiner (--statement all --employer … --qualifications FILE). One that
    was begun has to be complete before a signature; without any statement the report is signed and says that its
    certificate was not made.
    """
    stated = bool(statement or employer or qualifications or second_examiner or legend)
    if not (out or counsel or check or stated):
        raise typer.BadParameter("give --out PDF, --counsel PDF, --check, or something to state", param_hint="--out")
    if sign and out is None:
        raise typer.BadParameter("a signature needs a PDF to sign", param_hint="--out")

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination import testify
        from forensics.examination.report import report as write

        result: Result = {}
        if stated:
            with opened.held("report"):
                testify.state(
                    opened, employer=employer, qualifications=qualifications, second_examiner=second_examiner,
                    legend=legend,
                )  # fmt: skip
                if statement:
                    result["statements"] = testify.tick(opened, statement, by)
        if check or out is None:
            result |= testify.check(opened, certificate=not without_certificate)
        if check:
            return result
        if out is not None:
            result |= write(
                opened, job, out=out, signer=load_signer(sign, identity_passphrase_file), timestamp=timestamp or None,
                certificate=not without_certificate and testify.begun(opened),
            )  # fmt: skip
        if counsel is not None:
            from forensics.examination.counsel import counsel_memo

            result["counsel"] = counsel_memo(opened, job, out=counsel, since=since)
        return result

    Shell("report", case, json, passphrase_file, control).on_case(work, _lines)


def _lines(result: Result) -> list[str]:
    lines = sentences.of_out(result) if "out" in result else []
    if "counsel" in result:
        lines += sentences.of_out(result["counsel"])
        lines.append("  For counsel only: it is not part of the evidence package.")
    if "statements" in result:
        lines.append(f"Stated: {', '.join(result['statements'])}")
    if "checklist" in result and "out" not in result and "counsel" not in result:
        for item in result["checklist"]:
            mark = "yes " if item["holds"] else "NOTE" if item["need"] == "note" else "OPEN"
            remedy = f"  ({item['remedy']})" if item["remedy"] else ""
            lines.append(f"{mark}  {item['said']}{remedy}")
        left = len(result["missing"])
        lines.append("Nothing is missing before a signature." if not left else f"{left} missing before a signature.")
    return lines
