"""`duties` on the command line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli.options import CaseArgument, ControlOption, Day, Json, PassphraseFile, Shell, day
from forensics.jobs.events import Job

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase

Result = dict[str, Any]


def duties(
    case: CaseArgument,
    rules: Annotated[
        list[Path] | None,
        typer.Option(metavar="TOML", help="Keep rules of a contract or another jurisdiction with the case."),
    ] = None,
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Of the organisation, like America/New_York.")] = "",
    notified: Day = "",
    discovered_at: Annotated[str, typer.Option(metavar="INSTANT", help="For rules in hours: 2016-08-17T14:30.")] = "",
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Notice duties: which fire, for how many, by when, each with its citation. For counsel's review."""
    noticed = day(notified, "--notified")

    def work(opened: OpenCase, job: Job) -> Result:
        from forensics.examination import duties as engine

        if rules or time_zone or noticed or discovered_at:
            return engine.set_duties(
                opened, job, rules=rules or [], time_zone=time_zone, discovered_at=discovered_at,
                noticed=date.fromisoformat(noticed) if noticed else None,
            )  # fmt: skip
        return engine.list_duties(opened)

    Shell("duties", case, json, passphrase_file, control).on_case(work, _lines)


def _lines(result: Result) -> list[str]:
    start = result["discovered"] or "not given"
    kinds = ", ".join(result["entity_types"])
    lines = [
        f"For counsel's review. Discovered {start} ({result['time_zone']}); {kinds}; {result['persons']:,} persons.",
    ]
    if result["open_persons"]:
        lines.append(f"{result['open_persons']:,} persons are only possible and not decided; they are counted apart.")
    if result["persons_without_state"]:
        lines.append(f"{result['persons_without_state']:,} persons have no state of residence in the records.")
    for entity in result["entity_types_without_rules"]:
        lines.append(f"No rule here is about the kind of organisation {entity}.")
    for duty in result["duties"]:
        due = f"{duty['due']} ({duty['weekday']})" if duty["due"] else duty["because"]
        of = f" of {duty['state']}" if duty["state"] else ""
        count = f"{duty['persons']:,} persons{of}" if duty["kind"] != "delay" else ""
        more = f" and {duty['open_persons']:,} open" if duty["open_persons"] else ""
        depends = " MAY APPLY" if duty["firing"] == "depends" else ""
        lines += [
            f"{due}{depends}",
            f"  {duty['notify']}",
            f"  {duty['citation']} [{duty['status']}]  {count}{more}".rstrip(),
        ]
    return lines
