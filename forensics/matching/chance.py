"""Decoys: the records with one value moved to where it cannot be on the drive for cause, so that its hits are chance.

A decoy of a number is the number moved by one of `SHIFTS`, cyclically in its number space, the same distance for all
records: blocks in which numbers were issued stay blocks, and meet whatever blocks of other numbers the drive holds. A
decoy of a name with its birth date is the same day of another year: names of a generation, days by which forms are
filled in (1 January) and given names keep the frequencies they have. No second index is needed: what stands on the
drive is moved back, and asked of the same one.

A value that some record really has is not asked, because it may be there for cause; `Held.kept` says how many decoys
that leaves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forensics import keys
from forensics.matching.index import PREFIX_MAY_GO, Person, RecordIndex
from forensics.matching.windows import Found
from forensics.model import Kind

SEEDS = 20
"""Decoys of each record and kind."""

RECORD_BITS, SEED_BITS = 24, 5
"""Bits of a decoy's number that are its record's (16 million records) and its seed; its kind stands above them."""

LONGEST_NUMBER = 17
"""Digits of an id beyond which its key no longer gives it back."""

YEARS = (*range(-9, -1), *range(2, 10), -12, -11, 11, 12)
"""Years by which a decoy's birth date is moved. One and ten are left out: mistyped years look like them."""

DECOY_KINDS = (Kind.SSN, Kind.MEMBER_ID, Kind.NAME_AND_BIRTH_DATE)

_RUN = re.compile(r"[0-9]+")


def shifts(space: int) -> tuple[int, ...]:
    """The distances for numbers below `space`: half of them near, growing by the same factor; half of them far, evenly.

    Near ones meet the neighbourhood of a block of numbers, far ones the rest of the space. All are odd.
    """
    near_count = SEEDS // 2
    first, last = max(997.0, space**0.45), space / 25
    near = first * (last / first) ** (np.arange(near_count) / (near_count - 1))
    signed = [int(size) // 2 * 2 + 1 if place % 2 else -(int(size) // 2 * 2 + 1) for place, size in enumerate(near)]
    far = [int(space * (place + 0.618) / (SEEDS - near_count)) // 2 * 2 + 1 for place in range(SEEDS - near_count)]
    return tuple(shift % space for shift in (*signed, *far))


Asked = tuple[NDArray[np.int64], NDArray[np.uint32]]


@dataclass(frozen=True, slots=True)
class Held:
    """How many records have values of a kind, and how many of their decoys could be asked, seed by seed."""

    records: int
    kept: tuple[int, ...]


class Decoys:
    """The records' index asked for decoys: a `Probe`, and the persons behind the numbers that it gives."""

    def __init__(self, index: RecordIndex) -> None:
        self._index = index
        self.id_digits = index.id_digits

    def find(self, kind: Kind, asked: NDArray[np.uint64]) -> Asked:
        fresh = _not_held(len(asked), self._index.find(kind, asked)[0])
        values, length = keys.digits_of(asked[fresh])
        found = []
        for size in _sizes(length):
            of_size = np.flatnonzero(length == size)
            space = 10**size
            for seed, shift in enumerate(shifts(space)):
                moved = (values[of_size] + np.uint64(space - shift)) % np.uint64(space)
                at, record = self._index.find(kind, keys.digits(moved, size))
                found.append((fresh[of_size[at]], record | _above(kind, seed)))
        return _together(found)

    def find_names(self, names: NDArray[np.uint64], days: NDArray[np.int64]) -> Asked:
        fresh = _not_held(len(names), self._index.find_names(names, days)[0])
        found = []
        for seed, years in enumerate(YEARS):
            moved, exists = _years_on(days[fresh], -years)
            here = fresh[exists]
            at, record = self._index.find_names(names[here], moved[exists])
            found.append((here[at], record | _above(Kind.NAME_AND_BIRTH_DATE, seed)))
        return _together(found)

    def person(self, record: int) -> Person:
        """The decoy: its record's fields, but for the one value that was moved."""
        kind, seed, number = _parts(record)
        person = self._index.person(number)
        if kind is Kind.SSN:
            return replace(person, ssn=_moved(person.ssn, seed))
        if kind is Kind.MEMBER_ID:
            run = max(_RUN.findall(person.member_id), key=len)
            before, _, behind = person.member_id.partition(run)
            moved = f"{before}{_moved(run, seed)}{behind}"
            tail = moved.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            return replace(
                person, member_id=moved, id_digits=tail if tail.isdigit() and len(tail) >= PREFIX_MAY_GO else ""
            )
        born = date.fromisoformat(person.birth_date)
        try:
            return replace(person, birth_date=born.replace(year=born.year + YEARS[seed]).isoformat())
        except ValueError:  # 29 February, or a year no calendar has
            return replace(person, birth_date="")


def held(index: RecordIndex, kind: Kind) -> Held:
    """How many records can have decoys of this kind, and how many of the decoys are no record's own value."""
    table = index.tables[kind]
    records = len(np.unique(table.records))
    if kind is Kind.NAME_AND_BIRTH_DATE:
        # Two records with one name and birthdays a whole number of years apart are too rare to count.
        return Held(records, (records,) * len(YEARS))
    values, length = keys.digits_of(table.keys)
    kept = np.zeros(SEEDS, np.int64)
    for size in _sizes(length):
        some = values[length == size]
        space = 10**size
        for seed, shift in enumerate(shifts(space)):
            moved = keys.digits((some + np.uint64(shift)) % np.uint64(space), size)
            kept[seed] += len(some) - len(np.unique(index.find(kind, moved)[0]))
    return Held(records, tuple(int(count) for count in kept))


def agreement_by_accident(index: RecordIndex) -> dict[str, float]:
    """The chance that two records drawn at random agree: in full name, in birth date, and in any line of contact."""
    table = index.fields
    full = pc.binary_join_element_wise(*(pc.utf8_lower(table[name]) for name in ("given_name", "family_name")), " ")
    contact = max(_collision(table[name]) for name in ("address", "phone", "email"))
    return {"name": _collision(full), "birth_date": _collision(table["birth_date"]), "contact": contact}


def _collision(column: pa.ChunkedArray) -> float:
    values, counts = pc.value_counts(pc.utf8_trim_whitespace(column)).flatten()
    sizes = np.asarray(counts, np.float64)[np.asarray(pc.not_equal(values, ""))]
    return float(((sizes / sizes.sum()) ** 2).sum()) if len(sizes) else 0.0


def code(found: Found) -> int:
    """What is kept of a decoy's hit: its number, and above 32 bits one bit for each of `AGREEING` that stands there."""
    return found.record | sum(1 << place for place, field in enumerate(AGREEING) if field in found.elements) << 32


AGREEING = ("name", "birth_date", "ssn", "member_id", "address", "phone", "email")


@dataclass(frozen=True, slots=True)
class DecoyHit:
    """A decoy found somewhere on the drive: of which record and kind, by which move, and what agreed there."""

    kind: Kind
    seed: int
    record: int
    elements: frozenset[str]


def decode(number: int) -> DecoyHit:
    """The decoy's hit that `code` wrote down."""
    kind, seed, record = _parts(number & 0xFFFFFFFF)
    fields = number >> 32
    return DecoyHit(kind, seed, record, frozenset(field for place, field in enumerate(AGREEING) if fields >> place & 1))


def _above(kind: Kind, seed: int) -> np.uint32:
    return np.uint32((DECOY_KINDS.index(kind) << SEED_BITS | seed) << RECORD_BITS)


def _parts(number: int) -> tuple[Kind, int, int]:
    above = number >> RECORD_BITS
    return DECOY_KINDS[above >> SEED_BITS], above & ((1 << SEED_BITS) - 1), number & ((1 << RECORD_BITS) - 1)


def _sizes(length: NDArray[np.int64]) -> list[int]:
    sizes: list[int] = np.unique(length).tolist()
    return [size for size in sizes if size <= LONGEST_NUMBER]


def _moved(number: str, seed: int) -> str:
    space = 10 ** len(number)
    return str((int(number) + shifts(space)[seed]) % space).zfill(len(number))


def _years_on(days: NDArray[np.int64], years: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The same day of the month so many years on, and whether it exists (29 February)."""
    moment = days.astype("datetime64[D]")
    month = moment.astype("datetime64[M]")
    day = (moment - month).astype(np.int64)
    target = month + np.timedelta64(12 * years, "M")
    moved = target.astype("datetime64[D]") + day
    exists: NDArray[np.bool_] = moved.astype("datetime64[M]") == target
    return moved.astype(np.int64), exists


def _not_held(count: int, at: NDArray[np.int64]) -> NDArray[np.int64]:
    fresh = np.ones(count, bool)
    fresh[at] = False
    return np.flatnonzero(fresh)


def _nothing() -> Asked:
    return np.zeros(0, np.int64), np.zeros(0, np.uint32)


def _together(found: list[Asked]) -> Asked:
    if not found:
        return _nothing()
    return np.concatenate([at for at, _ in found]), np.concatenate([record for _, record in found])
