"""How sure a place makes us that it shows this person: the rule until decoys measure the chance error.

The rule is fixed and printed with the report. It never lets a number alone confirm anybody, because a number is what
chance agrees on most easily.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from forensics.model import Evidence, Exposure, Region, SourceRecord, Tier

RULE = {
    Tier.CONFIRMED: "an identifier (SSN or member id) with the full name or the birth date in one row or window, and "
    "nothing there that says otherwise; or three of these four fields, whatever the fourth says",
    Tier.PROBABLE: "full name with birth date in one row or window, and no identifier there that says otherwise, or "
    "else the address, telephone number or e-mail address as well",
    Tier.POSSIBLE: "an identifier alone, or fields of one row that contradict each other",
}

IDENTIFIERS = frozenset({"ssn", "member_id"})

MAJORITY_YEARS = 18

_RANK = {Tier.CONFIRMED: 0, Tier.PROBABLE: 1, Tier.POSSIBLE: 2}


CONTACT = frozenset({"address", "phone", "email"})


def tier_of(evidence: Evidence) -> Tier | None:
    """The tier of one place, or None where it is no evidence of this person.

    A person whom the organisation keeps under two ids has rows that agree with one of them and differ from the other;
    that is why three agreeing fields outweigh a fourth that differs.
    """
    agree, conflict = evidence.agree, evidence.conflict
    if agree & IDENTIFIERS and (len(agree) >= 3 or (agree & {"name", "birth_date"} and not conflict)):
        return Tier.CONFIRMED
    if {"name", "birth_date"} <= agree and (not conflict or evidence.elements & CONTACT):
        return Tier.PROBABLE
    return Tier.POSSIBLE if agree & IDENTIFIERS or len(agree) > 1 else None


def counting(evidence: Sequence[Evidence]) -> tuple[Tier | None, list[Evidence]]:
    """The tier of a person, and the places that count for it.

    Only places of the better tiers count where there are any: a number alone says nothing new about somebody whom a
    whole row shows.
    """
    rated = [(tier, item) for item in evidence if (tier := tier_of(item)) is not None]
    if not rated:
        return None, []
    best = min((tier for tier, _ in rated), key=_RANK.__getitem__)
    if best is not Tier.POSSIBLE:
        rated = [(tier, item) for tier, item in rated if tier is not Tier.POSSIBLE]
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
