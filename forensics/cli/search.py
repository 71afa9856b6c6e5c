"""`search` on the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli.options import CaseArgument, ControlOption, Json, PassphraseFile, Shell
from forensics.jobs.events import Job

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase

Result = dict[str, Any]


def search(
    case: CaseArgument,
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help='Words, "a phrase", begin*, AND OR NOT ( ); - reads it from stdin.')
    ],
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Places on one page.")] = 50,
    after: Annotated[str, typer.Option(metavar="PAGE", help="Go on where a page ended, as it said.")] = "",
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the text around; needs --reason.")] = False,
    reason: Annotated[str, typer.Option(help="Why the text is shown; it goes into the ledger.")] = "",
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Search names and contents, live, deleted and in containers. The text around a find is masked."""
    shell = Shell("search", case, json, passphrase_file, control)
    # Behind the passphrase, where that comes by standard input too.
    typed = sys.stdin.readline().rstrip("\r\n") if query == "-" else query

    def work(opened: OpenCase, _: Job) -> Result:
        from forensics.examination.search import search as find

        return find(opened, query=typed, after=after, limit=limit, reveal=reveal, reason=reason)

    shell.on_case(work, _sentences)


def _sentences(result: Result) -> list[str]:
    lines = [
        f"{result['files']:,} files, {result['names']:,} of them by name; {result['passages']:,} passages of text;"
        f" {result['folders']:,} folders.",
        f"Looked for: {result['read_as']}",
    ]
    if result["waiting"]:
        lines.append(f"{result['waiting']:,} texts are not indexed yet; run: drivecustody index")
    for hit in result["hits"]:
        column = f"  column {hit['column']}" if hit["column"] else ""
        state = f"  ({hit['status']})" if hit["status"].startswith("deleted") else ""
        lines.append(f"{hit['locator']}{column}{state}")
        lines.append("    " + "".join(f"[{text}]" if found else text for text, found in hit["snippet"]))
    if result["after"]:
        lines.append(f"More: --after {result['after']}")
    if result["hits"] and result["masked"]:
        lines.append("Masked around what was typed; --reveal --reason TEXT shows it.")
    return lines
