"""The counts of a case: every number from the persons themselves, and None for what nobody measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from forensics.errors import Defect
from forensics.model import ELEMENTS, Evidence, Exposure, Region, Tier

NOT_MEASURED = "not measured"
"""The status of an estimate without decoys: no number stands in for one."""

SURE = frozenset({Tier.CONFIRMED, Tier.PROBABLE})


@dataclass
class Counts:
    """Adds persons up one at a time; the memory it needs does not grow with them."""

    tiers: Counter[Tier] = field(default_factory=Counter)
    elements: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    minors: int = 0
    deceased: int = 0
    sure: int = 0

    def add(self, person: Exposure) -> None:
        self.tiers[person.tier] += 1
        if person.tier in SURE:
            self.sure += 1
            self.elements.update(person.elements)
            self.states[person.state or "unknown"] += 1
            self.minors += person.minor
            self.deceased += person.deceased


@dataclass
class Places:
    """Distinct places at which confirmed and probable persons stand; `archived` are those inside containers."""

    _seen: set[int] = field(default_factory=set)
    total: int = 0
    archived: int = 0
    regions: Counter[Region] = field(default_factory=Counter)

    def add(self, evidence: Iterable[Evidence]) -> None:
        for item in evidence:
            # Half the memory of the text, and two of a million places are mistaken for one with p < 1e-7.
            place = hash(item.locator)
            if place not in self._seen:
                self._seen.add(place)
                self.total += 1
                self.archived += item.archived
                self.regions[item.region] += 1

    def counts(self) -> dict[str, int]:
        by_region = {str(region): self.regions[region] for region in Region}
        return {"total": self.total, **by_region, "archived": self.archived}


def assessment(
    counts: Counts,
    *,
    source_records: int,
    persons_after_merge: int,
    not_examined: Iterable[tuple[int, str]],
) -> dict[str, Any]:
    """The result of `assess`, with every key of the command line's contract.

    Elements, states, minors and deceased are of the persons confirmed or probable. `ceiling` counts every candidate in
    the bytes examined. `not_examined` gives size in bytes and reason of each item. Raises `Defect` if the sums differ.
    """
    items = list(not_examined)
    reasons = Counter(reason for _, reason in items)
    result = {
        "source_records": source_records,
        "persons_after_merge": persons_after_merge,
        "floor": None,
        "estimate": None,
        "low": None,
        "high": None,
        "ceiling": counts.tiers.total(),
        "estimate_status": NOT_MEASURED,
        "tiers": {str(tier): counts.tiers[tier] for tier in Tier},
        "elements": {
            element: {"n": counts.elements[element], "low": None, "high": None}
            for element in ELEMENTS
            if counts.elements[element]
        },
        "states": dict(sorted(counts.states.items())),
        "minors": counts.minors,
        "deceased": counts.deceased,
        "not_in_records": None,
        "not_examined": {
            "items": len(items),
            "bytes": sum(size for size, _ in items),
            "reasons": dict(sorted(reasons.items())),
        },
    }
    if counts.states.total() != counts.sure or counts.sure != sum(counts.tiers[tier] for tier in SURE):
        raise Defect("The persons by state and by tier do not add up to one number.")
    return result
