"""`review CASE sample …` on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from forensics.model import Tier

if TYPE_CHECKING:
    from forensics.examination.open_case import OpenCase

Result = dict[str, Any]

STEPS = ("draw", "list", "show", "answer", "close", "result")


def parsed(words: list[str]) -> tuple[str, int, str]:
    """The step, and of an answer its item and what was said. Raises `BadParameter` for what is no step of a sample."""
    step, *rest = words or [""]
    if step not in STEPS:
        raise typer.BadParameter(f"choose one of: {', '.join(STEPS)}", param_hint="sample")
    if step == "show" and len(rest) == 1 and rest[0].isdigit():
        return step, int(rest[0]), ""
    if step != "answer":
        if rest or step == "show":
            takes = "the number of an item" if step == "show" else "nothing more"
            raise typer.BadParameter(f"sample {step} takes {takes}", param_hint="sample")
        return step, 0, ""
    if len(rest) != 2 or not rest[0].isdigit():
        raise typer.BadParameter("an answer is written: answer ITEM yes|no|unsure", param_hint="sample")
    return step, int(rest[0]), rest[1]


def work(
    case: OpenCase,
    words: tuple[str, int, str],
    *,
    size: int | None,
    seed: int | None,
    tiers: tuple[Tier, ...],
    pending: bool,
    reviewer: str,
    by: str,
) -> Result:
    from forensics.examination import sample

    step, item, said = words
    if step == "list":
        return sample.questions(case, reviewer=reviewer, unanswered=pending)
    if step == "result":
        return sample.result(case)
    if step == "show":
        return sample.show(case, item=item, by=reviewer or by)
    with case.held("review"):
        if step == "draw":
            return sample.draw(case, size=size or sample.SIZE, seed=seed, tiers=tiers, by=by)
        if step == "close":
            return sample.close(case, by=by)
        return sample.answer(case, item=item, said=said, reviewer=reviewer)


def lines(result: Result) -> list[str]:
    """What the result of a step says to people."""
    if "questions" in result:
        shown = [
            f"{q['item']:>6} {'answered' if q['answered'] else '':<8}  {q['place']}\n"
            + " " * 17
            + " · ".join(f"{name.replace('_', ' ')} {value}" for name, value in q["record"].items())
            for q in result["questions"]
        ]
        left = f"{result['unanswered']:,} of {result['items']:,} left for {result['reviewer']}."
        return [*shown, f"{left} Answer one: review CASE sample answer ITEM yes|no|unsure --reviewer NAME"]
    if "lines" in result:
        record = " · ".join(f"{name.replace('_', ' ')} {value}" for name, value in result["record"].items())
        at = [f"{'>' if line['here'] else ' '} {line['number'] or ''} {line['text']}" for line in result["lines"]]
        return [f"Item {result['item']}: {record}", result["place"], *at, "Is this the person of the record?"]
    if "answer" in result:
        return [f"Item {result['item']}: {result['answer']}. {result['unanswered']:,} left for {result['reviewer']}."]
    if "precision" not in result:
        return [f"Sample {result['sample']}: {result['items']:,} items from {result['population']:,} persons."]
    rows = [("all", result["precision"]), *result["tiers"].items()]
    shown = [f"{name:<10} {_share(found)}" for name, found in rows]
    said = f"Catch-rows: {result['caught']:,} of {result['catch_answers']:,} answers were no."
    stands = [] if result["current"] else ["It was drawn from an earlier result and says nothing of this one."]
    return [*shown, said, *stands]


def _share(found: Result) -> str:
    counts = f"{found['answered']:,} of {found['items']:,} answered, {found['errors']:,} wrong"
    if found["share"] is None:
        return f"{counts}: not measurable, {found['because']}"
    return f"{counts}: {_percent(found['share'])} right (95 %: {_percent(found['low'])} to {_percent(found['high'])})"


def _percent(part: float) -> str:
    """A share that never rounds to all where it is not all."""
    return "> 99.9 %" if 0.9995 <= part < 1 else f"{100 * part:.1f} %"
