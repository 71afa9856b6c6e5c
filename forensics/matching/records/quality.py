"""What is noticed about a source of records while it is read: counts and shapes, never a value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from forensics.matching import check_digits, normal
from forensics.model import SourceRecord

PLACEHOLDER_SSNS = {digit * 9 for digit in "0123456789"} | {"123456789", "987654321", "078051120", "219099999"}
"""Repeated digits and the numbers once printed as samples (SSA, "Social Security Numbers: misused numbers")."""

PLACEHOLDER_DATES = {"1900-01-01", "1901-01-01", "1111-11-11", "1899-12-30", "9999-12-31"}

SHARED_BY_TOO_MANY = 25
"""A telephone number, mail or street address of more records than this belongs to no person."""

SSN_OF_TOO_MANY = 5
"""A Social Security number of more records than this was typed in for want of one."""

EARLIEST_BIRTH = "1890-01-01"
"""Nobody born before lives; the oldest verified person died at 122."""

IDS_KEPT = 20_000
"""Member ids by which their shape and check digit are recognised."""


@dataclass(slots=True)
class Quality:
    """What was noticed while reading: counts only, never a value."""

    rows: int = 0
    records: int = 0
    repeated_rows: int = 0
    """Rows that were in the source already, cell for cell; they were read once."""
    without_name: int = 0
    without_birth_date: int = 0
    without_ssn: int = 0
    unreadable_dates: int = 0
    unreadable_ssns: int = 0
    ambiguous_dates: int = 0
    """Birth dates that could be read day first or month first, while nothing in the column shows which."""
    dates_against_order: int = 0
    """Birth dates that can only be read in the other order than the column's."""
    implausible_dates: dict[str, int] = field(default_factory=dict)
    placeholders: dict[str, int] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)
    """Field → records whose value too many others have; such phones, mail addresses and SSNs are not used."""
    empty: dict[str, int] = field(default_factory=dict)
    """Field → records in which its column is empty."""
    duplicate_ssns: int = 0
    """Records whose Social Security number another record of the source has too."""
    member_id_shapes: dict[str, int] = field(default_factory=dict)
    """Shape (A a letter, 9 a digit) → sampled ids that have it, the commonest first."""
    member_id_check_digit: str = ""
    ignored_columns: list[str] = field(default_factory=list)
    persons: int = 0
    """Distinct persons: records with one name, birth date and Social Security number or address count once."""


class Tally:
    """Counts values while records go by; holds them as long as the reading lasts."""

    def __init__(self, quality: Quality) -> None:
        self._quality = quality
        self._today = date.today().isoformat()
        self._phones: Counter[str] = Counter()
        self._emails: Counter[str] = Counter()
        self._addresses: Counter[int] = Counter()
        self._ssns: Counter[str] = Counter()
        self._ids: list[str] = []

    def add(self, record: SourceRecord) -> None:
        quality = self._quality
        quality.records += 1
        quality.without_name += not (record.given_name and record.family_name)
        quality.without_birth_date += not record.birth_date
        quality.without_ssn += not record.ssn
        if record.birth_date:
            if record.birth_date > self._today:
                _count(quality.implausible_dates, "in the future")
            elif record.birth_date < EARLIEST_BIRTH:
                _count(quality.implausible_dates, "before 1890")
        if record.phone:
            self._phones[record.phone] += 1
        if record.email:
            self._emails[record.email.casefold()] += 1
        if record.address:
            self._addresses[hash((normal.alphanumeric(record.address), record.postal_code))] += 1
        if record.ssn:
            self._ssns[record.ssn] += 1
        if record.member_id and len(self._ids) < IDS_KEPT:
            self._ids.append(record.member_id)

    def finish(self) -> dict[str, frozenset[str]]:
        """Complete the remarks; gives field → values that belong to no person, which matching must not use."""
        quality = self._quality
        unused = {
            "phone": _above(self._phones, SHARED_BY_TOO_MANY),
            "email": _above(self._emails, SHARED_BY_TOO_MANY),
            "ssn": _above(self._ssns, SSN_OF_TOO_MANY),
        }
        for name, counts in (("phone", self._phones), ("email", self._emails), ("ssn", self._ssns)):
            if held := sum(counts[value] for value in unused[name]):
                quality.shared[name] = held
        if crowded := sum(count for count in self._addresses.values() if count > SHARED_BY_TOO_MANY):
            quality.shared["address"] = crowded
        quality.duplicate_ssns = sum(count for count in self._ssns.values() if 1 < count <= SSN_OF_TOO_MANY)
        quality.member_id_shapes = dict(Counter(map(shape, self._ids)).most_common(5))
        quality.member_id_check_digit = check_digits.recognised(
            max(re.findall(r"[0-9]+", value), key=len, default="") for value in self._ids
        )
        return {name: values for name, values in unused.items() if values}


def _above(counts: Counter[str], most: int) -> frozenset[str]:
    return frozenset(value for value, count in counts.items() if count > most)


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def shape(value: str) -> str:
    """The value with every letter an A and every digit a 9."""
    return "".join("9" if c.isdigit() else "A" if c.isalpha() else c for c in value[:30])


def one_person_by(one: SourceRecord, other: SourceRecord) -> str:
    """The rule by which two records are one person, in words, or empty: the rule that `DistinctPersons` counts by."""
    if _who(one) != _who(other) or not all(_who(one)):
        return ""
    if one.ssn and one.ssn == other.ssn:
        return "same full name, birth date and SSN"
    if (address := normal.alphanumeric(one.address)) and address == normal.alphanumeric(other.address):
        return "same full name, birth date and address"
    return ""


def namesakes(one: SourceRecord, other: SourceRecord) -> bool:
    """Whether two records have one full name and birth date, both known."""
    return all(_who(one)) and _who(one) == _who(other)


def _who(record: SourceRecord) -> tuple[str, str, str]:
    return (normal.fold(record.given_name), normal.fold(record.family_name), record.birth_date)


class DistinctPersons:
    """Counts persons as records go by: records that share full name and birth date, and with it the Social Security
    number or the address line, are one person. Keeps a hash of each value and none of the values."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._owner: dict[int, int] = {}

    def add(self, record: SourceRecord) -> None:
        place = len(self._parents)
        self._parents.append(place)
        who = _who(record)
        if not all(who):
            return
        for kind, value in (("ssn", record.ssn), ("address", normal.alphanumeric(record.address))):
            if value:
                first = self._owner.setdefault(hash((*who, kind, value)), place)
                if first != place:
                    self._parents[self._root(place)] = self._root(first)

    def _root(self, place: int) -> int:
        parents = self._parents
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    def count_of(self, places: Iterable[int]) -> int:
        """The persons of some of the records, which are named by the order in which they were added, from 0."""
        return len({self._root(place) for place in places})

    def count(self) -> int:
        return sum(place == parent for place, parent in enumerate(self._parents))
