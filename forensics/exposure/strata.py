"""Strata: what agrees at a person's best place. They are fixed before any decoy is read, and printed with the report.

Within a stratum false hits arise in one way, so that the decoys of that way measure them.
"""

from __future__ import annotations

from dataclasses import dataclass

from forensics.model import Evidence, Moved, Tier

IDENTIFIERS = frozenset({"ssn", "member_id"})
WHO = frozenset({"name", "birth_date"})
CONTACT = frozenset({"address", "phone", "email"})


@dataclass(frozen=True, slots=True)
class Stratum:
    """`ceiling` is the best tier that it can have; `moved` whose decoys measure it; without any, nothing does, because
    of what `unmeasured_because` says."""

    name: str
    ceiling: Tier
    moved: tuple[Moved, ...]
    unmeasured_because: str = ""


STRATA = (
    Stratum("three of SSN, member id, name and birth date", Tier.CONFIRMED, (Moved.SSN, Moved.MEMBER_ID)),
    Stratum("SSN with name or birth date", Tier.CONFIRMED, (Moved.SSN,)),
    Stratum("member id with name or birth date", Tier.CONFIRMED, (Moved.MEMBER_ID,)),
    Stratum("name, birth date and contact", Tier.PROBABLE, (Moved.NAME_AND_BIRTH_DATE,)),
    Stratum("name and birth date", Tier.PROBABLE, (Moved.NAME_AND_BIRTH_DATE,)),
    Stratum(
        "name and birth date, another identifier", Tier.POSSIBLE, (), "a namesake, or a wrong record or row"
    ),
    Stratum("alike in several fields, none of them sure", Tier.POSSIBLE, (), "weights of linkage are no measurement"),
    Stratum("SSN alone or contradicted", Tier.POSSIBLE, (Moved.SSN,)),
    Stratum(
        "member id alone or contradicted", Tier.POSSIBLE, (Moved.CHECKED_ID,),
        "ids are issued in blocks, and other numbers run through the same blocks",
    ),
)  # fmt: skip
"""From the best to the weakest."""

_THREE, _SSN, _ID, _CONTACT, _NAMED, _CONTRADICTED, _ALIKE, _SSN_ALONE, _ID_ALONE = range(len(STRATA))


LINKAGE = "linkage"
"""The road of evidence that is no agreement but likeness of a whole row."""

BEYOND_A_LINE = frozenset({"window", "letter"})
"""Roads of evidence whose fields need not stand in one line or row."""


def stratum_at(place: Evidence) -> int | None:
    """The index into `STRATA` of one place, or None where it is no evidence of this person."""
    return _ALIKE if place.road == LINKAGE else stratum_of(place.agree, place.elements, place.conflict)


def stratum_of(agree: frozenset[str], elements: frozenset[str], conflict: frozenset[str] = frozenset()) -> int | None:
    """The index into `STRATA` of fields that agree and differ, or None where they are no evidence of this person.

    A person whom the organisation keeps under two ids has rows that agree with one of them and differ from the other;
    that is why three agreeing fields outweigh a fourth that differs.
    """
    numbers, who = agree & IDENTIFIERS, agree & WHO
    if numbers and len(agree) >= 3:
        return _THREE
    if numbers and who and not conflict:
        return _SSN if "ssn" in numbers else _ID
    if who == WHO:
        if elements & CONTACT:
            return _CONTACT
        return _CONTRADICTED if conflict else _NAMED
    if numbers:
        return _SSN_ALONE if "ssn" in numbers else _ID_ALONE
    return None
