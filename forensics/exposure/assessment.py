"""The counts of a case: every number from the persons themselves or from decoys, and None for what nobody measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from forensics.errors import Defect
from forensics.exposure.estimate import Measured, interval
from forensics.model import ELEMENTS, Evidence, Exposure, Region, Tier

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
    strata: Counter[int] = field(default_factory=Counter)
    held: Counter[tuple[int, str]] = field(default_factory=Counter)

    def add(self, stratum: int, person: Exposure) -> None:
        self.tiers[person.tier] += 1
        self.strata[stratum] += 1
        self.held.update((stratum, element) for element in person.elements)
        if person.tier in SURE:
            self.sure += 1
            self.elements.update(person.elements)
            self.states[person.state or "unknown"] += 1
            self.minors += person.minor
            self.deceased += person.deceased


@dataclass
class Places:
    """Distinct places, with the strata of the persons that stand there; `archived` are those inside containers."""

    _seen: dict[int, int] = field(default_factory=dict)

    def add(self, stratum: int, evidence: Iterable[Evidence]) -> None:
        for item in evidence:
            # Half the memory of the text, and two of a million places are mistaken for one with p < 1e-7.
            place = hash(item.locator)
            kind = _REGIONS.index(item.region) << 1 | item.archived
            self._seen[place] = self._seen.get(place, kind) | 1 << (stratum + _KIND_BITS)

    def counts(self, strata: Iterable[int]) -> dict[str, int]:
        """The places at which persons of these strata stand."""
        wanted = sum(1 << (stratum + _KIND_BITS) for stratum in strata)
        kinds = Counter(place & ((1 << _KIND_BITS) - 1) for place in self._seen.values() if place & wanted)
        by_region = {str(region): kinds[number << 1] + kinds[number << 1 | 1] for number, region in enumerate(_REGIONS)}
        return {"total": kinds.total(), **by_region, "archived": sum(kinds[kind] for kind in kinds if kind & 1)}


_REGIONS = tuple(Region)
_KIND_BITS = 4


def assessment(
    counts: Counts,
    *,
    strata: Sequence[Measured],
    source_records: int,
    persons_after_merge: int | None,
    not_examined: Iterable[tuple[int, str]],
) -> dict[str, Any]:
    """The result of `assess`, with every key of the command line's contract, and `strata`: how each was measured.

    Elements, states, minors and deceased are of the persons confirmed or probable; the interval of an element is of the
    persons of all strata whose value stands there. `floor` is what is confirmed less the most that chance explains of
    it, `ceiling` every candidate in the bytes examined. `not_examined` gives size in bytes and reason of each item.
    Raises `Defect` if the sums differ.
    """
    items = list(not_examined)
    reasons = Counter(reason for _, reason in items)
    places = range(len(strata))
    everyone = interval(strata, [counts.strata[place] for place in places])
    confirmed = [counts.strata[place] if strata[place].tier is Tier.CONFIRMED else 0 for place in places]
    by_element = {
        element: interval(strata, [counts.held[place, element] for place in places])
        for element in ELEMENTS
        if any(counts.held[place, element] for place in places)
    }
    result = {
        "source_records": source_records,
        "persons_after_merge": persons_after_merge,
        "floor": min(everyone.low, interval(strata, confirmed).low),
        "estimate": everyone.estimate,
        "low": everyone.low,
        "high": everyone.high,
        "ceiling": counts.tiers.total(),
        "estimate_status": status(strata),
        "tiers": {str(tier): counts.tiers[tier] for tier in Tier},
        "elements": {
            element: {"n": counts.elements[element], "low": measured.low, "high": measured.high}
            for element, measured in by_element.items()
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
        "strata": [
            {
                "name": one.name, "tier": str(one.tier), "because": one.because, "found": one.found,
                "chance": one.chance, "chance_low": one.chance_low, "chance_high": one.chance_high,
                "upper": one.upper, "decoys_found": one.decoys_found, "moves": one.moves,
                "dispersion": one.dispersion,
            }
            for one in strata
        ],
    }  # fmt: skip
    if counts.states.total() != counts.sure or counts.sure != sum(counts.tiers[tier] for tier in SURE):
        raise Defect("The persons by state and by tier do not add up to one number.")
    if sum(one.found for one in strata) != counts.tiers.total():
        raise Defect("The persons by stratum and by tier do not add up to one number.")
    return result


def status(strata: Sequence[Measured]) -> str:
    """What was measured, and what the interval leaves open because nothing measures it."""
    left = [f"{one.name} ({one.found:,})" for one in strata if one.found and one.chance is None]
    if not left:
        return "measured by decoys on this exhibit"
    return "measured by decoys on this exhibit; not measurable, and open in the interval: " + ", ".join(left)
