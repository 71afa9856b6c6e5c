"""How sure a person's places make us: the best tier that what agrees there allows; decoys decide whether it is given.

The rule is fixed and printed with the report. It never lets a number alone confirm anybody, because a number is what
chance agrees on most easily.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from forensics.exposure.strata import STRATA, stratum_at
from forensics.model import Evidence, Exposure, Region, SourceRecord, Tier

RULE = {
    Tier.CONFIRMED: "an identifier (SSN or member id) with the full name or the birth date in one row or window, and "
    "nothing there that says otherwise; or three of these four fields, whatever the fourth says; and decoys show that "
    "chance explains at most 0.5 % of the persons so found",
    Tier.PROBABLE: "full name with birth date in one row or window, and no identifier there that says otherwise, or "
    "else the address, telephone number or e-mail address as well; and decoys show that chance explains at most 10 % "
    "of the persons so found",
    Tier.POSSIBLE: "an identifier alone, or fields of one row that contradict each other; and, where they were looked "
    "for, rows that are only much like a record",
}

MAJORITY_YEARS = 18


def tier_of(evidence: Evidence) -> Tier | None:
    """The best tier that one place allows, or None where it is no evidence of this person."""
    stratum = stratum_at(evidence)
    return None if stratum is None else STRATA[stratum].ceiling


def counting(evidence: Sequence[Evidence]) -> tuple[int | None, list[Evidence]]:
    """The stratum of a person (into `STRATA`), and the places that count for it.

    Only places of strata that may be confirmed or probable count where there are any: a number alone says nothing new
    about somebody whom a whole row shows.
    """
    rated = [(stratum, item) for item in evidence if (stratum := stratum_at(item)) is not None]
    if not rated:
        return None, []
    best = min(stratum for stratum, _ in rated)
    if STRATA[best].ceiling is not Tier.POSSIBLE:
        rated = [(stratum, item) for stratum, item in rated if STRATA[stratum].ceiling is not Tier.POSSIBLE]
    return best, [item for _, item in rated]


def exposure_of(record: SourceRecord, tier: Tier, evidence: Sequence[Evidence], today: date) -> Exposure:
    """One person from the places that count (`counting`). `today` is the day on which somebody is a minor or not."""
    by_place: dict[str, Evidence] = {item.locator: item for item in evidence}
    elements = frozenset[str]().union(*(item.elements for item in evidence))
    return Exposure(
        record_key=record.record_key,
        tier=tier,
        elements=tuple(sorted(elements)),
        places=len(by_place),
        live=_count(by_place.values(), Region.LIVE),
        deleted=_count(by_place.values(), Region.DELETED),
        unallocated=_count(by_place.values(), Region.UNALLOCATED),
        archived=sum(item.archived for item in by_place.values()),
        first_place=min(by_place),
        state=record.state,
        minor=is_minor(record.birth_date, today),
        deceased=record.deceased,
        review="pending",
    )


def _count(evidence: Iterable[Evidence], region: Region) -> int:
    return sum(item.region is region for item in evidence)


def is_minor(birth_date: str, today: date) -> bool:
    """Whether somebody born then is younger than 18 years on that day; a person without a birth date is not."""
    if not birth_date:
        return False
    born = date.fromisoformat(birth_date)
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return years < MAJORITY_YEARS
