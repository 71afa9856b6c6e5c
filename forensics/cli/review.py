"""`review` on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli import sample
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
from forensics.errors import EnvironmentFailed, Refused
from forensics.jobs.events import Job
from forensics.model import Tier

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase

Result = dict[str, Any]

ACTIONS = ("list", "decide", "undo", "sample")
"""What `review` does."""


def review(
    case: CaseArgument,
    action: Annotated[str, typer.Argument(metavar="|".join(ACTIONS))],
    keys: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY…|draw|list|show ITEM|answer ITEM yes|no|unsure|close|result]",
            help="Record keys; - reads them from stdin, one a line. Behind sample: the step.",
        ),
    ] = None,
    keys_file: Annotated[
        Path | None, typer.Option("--keys-file", metavar="FILE", help="Record keys, one a line.")
    ] = None,
    tier: Annotated[list[str] | None, typer.Option(metavar="T", help="confirmed, probable or possible.")] = None,
    pending: Annotated[bool, typer.Option("--pending", help="list: only who, or what, is not decided.")] = False,
    conflicts: Annotated[bool, typer.Option("--conflicts", help="list: only who has conflicts.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="list: not more persons than this.")] = None,
    include: Annotated[bool, typer.Option("--include", help="decide: the person is affected.")] = False,
    exclude: Annotated[bool, typer.Option("--exclude", help="decide: the person is not.")] = False,
    undecided: Annotated[bool, typer.Option("--undecided", help="decide: it is open; --reason is a note.")] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides; else the examiner.")] = "",
    size: Annotated[int | None, typer.Option(min=1, help="sample draw: how many items.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="sample draw: to draw one again.")] = None,
    reviewer: Annotated[str, typer.Option(metavar="NAME", help="sample: who answers; else the examiner.")] = "",
    sign: Sign = "",
    identity_passphrase_file: IdentityPassphraseFile = None,
    json: Json = False,
    passphrase_file: PassphraseFile = None,
    control: ControlOption = "",
) -> None:
    """Review who was found: the queue, decisions and their undoing, and blind samples."""
    if action not in ACTIONS:
        raise typer.BadParameter(f"choose one of: {', '.join(ACTIONS)}", param_hint="ACTION")
    if include + exclude + undecided > 1:
        raise typer.BadParameter("say one of the three", param_hint="--include/--exclude/--undecided")
    tiers = _tiers(tier or [])
    words = sample.parsed(keys or []) if action == "sample" else None
    shell = Shell("review", case, json, passphrase_file, control)

    def work(opened: OpenCase, _: Job) -> Result:
        from forensics.examination import review as reviewing

        if words is not None:
            return sample.work(
                opened, words, size=size, seed=seed, tiers=tiers, pending=pending, reviewer=reviewer, by=by
            )
        if action == "list":
            return reviewing.queue(
                opened, tiers=tiers or tuple(Tier), pending=pending, conflicts=conflicts, limit=limit
            )
        chosen = read_keys(keys or [], keys_file, control)
        with opened.held("review"):
            if action == "undo":
                return reviewing.undo(opened, keys=chosen, by=by, reason=reason)
            decision = "included" if include else "excluded" if exclude else "pending" if undecided else ""
            return reviewing.decide(
                opened, decision=decision, keys=chosen, tiers=tiers, reason=reason, by=by,
                signer=load_signer(sign, identity_passphrase_file),
            )  # fmt: skip

    shell.on_case(work, _lines if words is None else sample.lines)


def read_keys(given: list[str], file: Path | None, control: str) -> list[str]:
    """Record keys from arguments, from a file, or from standard input, so that an id number can stay off the command
    line, which others on the machine can read.
    """
    keys = [key for key in given if key != "-"]
    if "-" in given:
        if control:
            raise Refused("Standard input holds the passphrase already.", "Give the keys with --keys-file FILE.")
        keys += [line.strip() for line in sys.stdin if line.strip()]
    if file is not None:
        try:
            keys += [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise EnvironmentFailed(f"{file.name} cannot be read as text.", "Give one record key a line.") from error
    return keys


def _tiers(names: list[str]) -> tuple[Tier, ...]:
    try:
        return tuple(Tier(name.strip()) for text in names for name in text.split(",") if name.strip())
    except ValueError:
        raise typer.BadParameter("choose confirmed, probable or possible", param_hint="--tier") from None


def _lines(result: Result) -> list[str]:
    if "decided" in result:
        return [f"{result['decided']:,} person(s) {result['decision']}." + (" Signed." if result["signed"] else "")]
    if "undone" in result:
        return [f"{result['undone']:,} decision(s) taken back."]
    lines = [
        f"{p['review']:<9} {p['tier']:<10} {p['conflicts']:>3} conflict(s) {p['places']:>5} place(s)  {p['record_key']}"
        for p in result["persons"]
    ]
    states = " · ".join(f"{name} {count:,}" for name, count in result["review"].items())
    return [*lines, f"{len(result['persons']):,} of {result['total']:,} shown. {states}"]
