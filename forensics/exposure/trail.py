"""The way from values met on the drive to persons, step by step, and what other rules would have counted.

Each step says how many are left and how many fell out of the one before, counted apart from each other: `checked` holds
them together, so that nobody is lost between two numbers of a report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from forensics.errors import Defect
from forensics.exposure.estimate import Measured, interval
from forensics.exposure.strata import BEYOND_A_LINE, stratum_at
from forensics.exposure.tiers import counting
from forensics.model import Evidence, Tier


@dataclass
class Trail:
    """Takes the evidence of one record after the other; the memory it needs does not grow with them."""

    rows: int = 0
    repeated: int = 0
    places: int = 0
    no_evidence: int = 0
    evident: int = 0
    set_aside: int = 0
    counted: int = 0
    further: int = 0
    records: int = 0
    in_lines: Counter[int] = field(default_factory=Counter)
    in_wider_windows: Counter[int] = field(default_factory=Counter)

    def add(self, evidence: Sequence[Evidence], stratum: int | None, counted: Sequence[Evidence]) -> None:
        """What was found of one record, with what `tiers.counting` says of it."""
        here = {item.locator for item in evidence}
        evident = {item.locator for item in evidence if stratum_at(item) is not None}
        counting_here = {item.locator for item in counted}
        self.rows += len(evidence)
        self.repeated += len(evidence) - len(here)
        self.places += len(here)
        self.no_evidence += len(here - evident)
        self.evident += len(evident)
        self.set_aside += len(evident - counting_here)
        self.counted += len(counting_here)
        self.further += max(0, len(counting_here) - 1)
        self.records += stratum is not None
        for variant, kept in ((self.in_lines, _in_lines(evidence)), (self.in_wider_windows, _widened(evidence))):
            other = stratum if kept is evidence else counting(kept)[0]
            if other is not None:
                variant[other] += 1


def _in_lines(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    """The places in which everything that agrees stands in one line or row."""
    if not any(item.road in BEYOND_A_LINE for item in evidence):
        return evidence
    return [
        item if item.road not in BEYOND_A_LINE else replace(item, agree=item.agree & {"ssn", "member_id"})
        for item in evidence
    ]


def _widened(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    if not any(item.wide - item.agree for item in evidence):
        return evidence
    return [
        replace(item, agree=item.agree | item.wide, elements=item.elements | item.wide) if item.wide else item
        for item in evidence
    ]


def waterfall(trail: Trail, *, met: int, possible: int, likely: int, persons: int | None) -> list[dict[str, Any]]:
    """The steps, from `met` values of records in the bytes examined, evidence or not, to `persons` confirmed or
    probable (None where records of one person cannot be told). Raises `Defect` where a step does not add up."""
    steps = [
        _step("values of records met", met, 0, ""),
        _step("rows of evidence", trail.rows, met - trail.rows, "nothing of the record beside them, or one place"),
        _step("places, each once a record", trail.places, trail.repeated, "found in two ways, or by two snapshots"),
        _step("places that are evidence", trail.evident, trail.no_evidence, "no identifier, nor name with birth date"),
        _step(
            "places that count", trail.counted, trail.set_aside,
            "an identifier alone, or contradicted, of somebody whom other places show",
        ),
        _step("records with a place", trail.records, trail.further, "further places of a record"),
        _step("confirmed or probable", likely, possible, "possible only"),
    ]  # fmt: skip
    if persons is not None:
        steps.append(_step("persons", persons, likely - persons, "another record of a person counted already"))
    return checked(steps)


def _step(name: str, n: int, fell_out: int, because: str) -> dict[str, Any]:
    return {"step": name, "n": n, "fell_out": fell_out, "because": because}


def checked(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same steps. Raises `Defect` that names the first of which the sum is not the step before."""
    for before, step in pairwise(steps):
        if step["fell_out"] < 0 or before["n"] != step["n"] + step["fell_out"]:
            raise Defect(
                f"The way to the persons does not add up at “{step['step']}”: {before['n']} before, {step['n']} left,"
                f" {step['fell_out']} fell out."
            )
    return steps


def sensitivity(trail: Trail, strata: Sequence[Measured], found: Sequence[int], near: int) -> list[dict[str, Any]]:
    """How many would be counted by other rules; the first row is the rule that was used. `near` are the bytes to either
    side of the window. Tiers are those that decoys gave the strata; no decoy was looked for by another rule."""
    return [_row(name, strata, counts) for name, counts in _variants(trail, strata, found, near)]


def _variants(
    trail: Trail, strata: Sequence[Measured], found: Sequence[int], near: int
) -> Iterator[tuple[str, list[int]]]:
    places = range(len(strata))
    yield "as counted", list(found)
    for name, kept in (
        ("without the possible", {Tier.CONFIRMED, Tier.PROBABLE}),
        ("the confirmed alone", {Tier.CONFIRMED}),
    ):
        yield name, [n if one.tier in kept else 0 for n, one in zip(found, strata, strict=True)]
    yield "one line or row, no window", [trail.in_lines[place] for place in places]
    yield f"window of {2 * near} bytes in place of {near}", [trail.in_wider_windows[place] for place in places]


def _row(name: str, strata: Sequence[Measured], counts: Sequence[int]) -> dict[str, Any]:
    between = interval(strata, counts)
    tiers = {str(tier): sum(n for n, one in zip(counts, strata, strict=True) if one.tier is tier) for tier in Tier}
    return {"rule": name, **tiers, "low": between.low, "estimate": between.estimate, "high": between.high}
