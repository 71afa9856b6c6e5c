"""Decoys: the records with one value moved to where it cannot be on the drive for cause, so that its hits are chance.

A decoy of a number is the number moved by one of its `shifts`, cyclically in its number space, as far for all
records: blocks in which numbers were issued stay blocks, and meet whatever blocks of other numbers the drive holds. A
decoy of a name with its birth date is the same day of another year: names of a generation, days by which forms are
filled in (1 January) and given names keep the frequencies they have. No second index is needed: what stands on the
drive is moved back, and asked of the same one.

Where member ids have a check digit, decoys of two families more are made: the same id with a wrong one, which nobody
can have been given, and an id that nobody was given with its right one. They measure an id that stands alone.

A value that some record really has is not asked, because it may be there for cause; `Held.kept` says how many decoys
that leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forensics import keys
from forensics.errors import Refused
from forensics.matching.check_digit_arrays import CHECK_DIGITS
from forensics.matching.fingerprints import Fingerprinted
from forensics.matching.index import MOST_KNOWN, PREFIX_MAY_GO, Person, RecordIndex
from forensics.model import Kind, Moved

SEEDS = 20
"""Decoys of each record and kind."""

WRONG = 9
"""Of an id with a check digit, the decoys with a wrong one; those with a right one, `SEEDS` of them, follow."""

RECORD_BITS, SEED_BITS = 24, 5
"""Bits of a decoy's number that are its record's (16 million records) and its seed; its kind stands above them."""

LONGEST_NUMBER = 17
"""Digits of an id beyond which its key no longer gives it back."""

YEARS = (*range(-9, -1), *range(2, 10), -12, -11, 11, 12)
"""Years by which a decoy's birth date is moved. One and ten are left out: mistyped years look like them."""

MOVES = (Moved.SSN, Moved.MEMBER_ID, Moved.NAME_AND_BIRTH_DATE, Moved.CHECKED_ID)

_TEN = np.uint64(10)
_RUN = re.compile(r"[0-9]+")


@lru_cache
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
    """The records' index asked for decoys: a `Probe`, and the persons behind the numbers that it gives.

    Raises `Refused` for more records than a decoy's number can tell apart.
    """

    def __init__(self, index: RecordIndex) -> None:
        if len(index.fields) > 1 << RECORD_BITS:
            raise Refused(
                f"Chance cannot be measured for more than {(1 << RECORD_BITS) - 1:,} source records.",
                "Compare with fewer records at a time: one case a snapshot.",
            )
        self._index = index
        self._known: dict[int, Person | Fingerprinted] = {}
        self.id_digits = index.id_digits

    def find(self, kind: Kind, asked: NDArray[np.uint64]) -> Asked:
        fresh = _not_held(len(asked), self._index.find(kind, asked)[0])
        values, length = keys.digits_of(asked[fresh])
        found = []
        for size in _sizes(length):
            of_size = np.flatnonzero(length == size)
            some, space = values[of_size], 10**size
            for seed, shift in enumerate(shifts(space)):
                at, record = self._index.find(kind, keys.digits(_cyclic(some, space - shift, space), size))
                found.append((fresh[of_size[at]], record | _above(Moved(kind), seed)))
            if kind is Kind.MEMBER_ID and self._index.check_digit and size > 1:
                for seed, (which, before) in enumerate(_before(some, size, self._index.check_digit)):
                    at, record = self._index.find(kind, keys.digits(before, size))
                    found.append((fresh[of_size[which[at]]], record | _above(Moved.CHECKED_ID, seed)))
        return _together(found)

    def have_names(self, names: NDArray[np.uint64]) -> NDArray[np.bool_]:
        return self._index.have_names(names)  # a decoy keeps its record's name

    def find_names(self, names: NDArray[np.uint64], days: NDArray[np.int64]) -> Asked:
        fresh = _not_held(len(names), self._index.find_names(names, days)[0])
        day = days[fresh] - FIRST_DAY
        inside = (day >= 0) & (day < LAST_DAY - FIRST_DAY)
        fresh, day = fresh[inside], day[inside]
        asked = names[fresh]
        found = []
        for seed, (exists, part) in enumerate(_before_the_move()):
            at, record = self._index.find(Kind.NAME_AND_BIRTH_DATE, asked ^ part[day])
            real = exists[day[at]]
            found.append((fresh[at[real]], record[real] | _above(Moved.NAME_AND_BIRTH_DATE, seed)))
        return _together(found)

    def person(self, record: int) -> Person | Fingerprinted:
        """The decoy: its record's fields, but for the one value that was moved; kept for a while."""
        person = self._known.get(record)
        if person is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            person = self._known[record] = self._made(record)
        return person

    def _made(self, record: int) -> Person | Fingerprinted:
        kind, seed, number = _parts(record)
        person: Person | Fingerprinted = self._index.person(number)
        if isinstance(person, Fingerprinted):
            return replace(person, back=_back(kind, seed, self._index.check_digit))
        if kind is Moved.SSN:
            return replace(person, ssn=_moved(person.ssn, seed))
        if kind in (Moved.MEMBER_ID, Moved.CHECKED_ID):
            run = max(_RUN.findall(person.member_id), key=len)
            before, _, behind = person.member_id.partition(run)
            other = _moved(run, seed) if kind is Moved.MEMBER_ID else _rechecked(run, seed, self._index.check_digit)
            moved = f"{before}{other}{behind}"
            tail = moved.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            return replace(
                person, member_id=moved, id_digits=tail if tail.isdigit() and len(tail) >= PREFIX_MAY_GO else ""
            )
        born = date.fromisoformat(person.birth_date)
        try:
            return replace(person, birth_date=born.replace(year=born.year + YEARS[seed]).isoformat())
        except ValueError:  # 29 February, or a year no calendar has
            return replace(person, birth_date="")


def moves_of(index: RecordIndex) -> tuple[Moved, ...]:
    """The decoys that these records can have."""
    return MOVES if index.check_digit else MOVES[:-1]


def held(index: RecordIndex, move: Moved) -> Held:
    """How many records can have decoys of this kind, and how many of the decoys are no record's own value."""
    kind = Kind.MEMBER_ID if move is Moved.CHECKED_ID else Kind(move)
    table = index.tables[kind]
    records = _distinct(table.records)
    if move is Moved.NAME_AND_BIRTH_DATE:
        return Held(records, _free_names(index, records))
    values, length = keys.digits_of(table.keys)
    kept = np.zeros(WRONG + SEEDS if move is Moved.CHECKED_ID else SEEDS, np.int64)
    for size in _sizes(length):
        some = values[length == size]
        for seed, moved in enumerate(_after(some, size, move, index.check_digit)):
            kept[seed] += len(some) - _distinct(index.find(kind, keys.digits(moved, size))[0])
    return Held(records, tuple(int(count) for count in kept))


def _after(values: NDArray[np.uint64], size: int, move: Moved, scheme: str) -> Iterator[NDArray[np.uint64]]:
    """These numbers moved, seed by seed."""
    space = 10**size
    if move is not Moved.CHECKED_ID:
        for shift in shifts(space):
            yield _cyclic(values, shift, space)
        return
    payload, check = np.divmod(values, _TEN)
    for step in range(1, WRONG + 1):
        yield payload * _TEN + (check + np.uint64(step)) % _TEN
    for shift in shifts(space // 10):
        moved = _cyclic(payload, shift, space // 10)
        yield moved * _TEN + CHECK_DIGITS[scheme](moved, size - 1)


def _before(
    values: NDArray[np.uint64], size: int, scheme: str
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
    """Seed by seed, which of these numbers may be ids that were moved, check digit and all, and what they were."""
    space = 10**size
    payload, check = np.divmod(values, _TEN)
    right = CHECK_DIGITS[scheme](payload, size - 1)
    everywhere = np.arange(len(values))
    for step in range(1, WRONG + 1):
        yield everywhere, payload * _TEN + (check + np.uint64(10 - step)) % _TEN
    valid = np.flatnonzero(check == right)
    payload = payload[valid]
    for shift in shifts(space // 10):
        was = _cyclic(payload, space // 10 - shift, space // 10)
        yield valid, was * _TEN + CHECK_DIGITS[scheme](was, size - 1)


def _cyclic(values: NDArray[np.uint64], distance: int, space: int) -> NDArray[np.uint64]:
    """Numbers below `space` moved up by a distance of at most `space`; behind its end they begin anew."""
    moved = values + np.uint64(distance)
    inside: NDArray[np.uint64] = np.minimum(moved, moved - np.uint64(space))  # below zero is far above
    return inside


def _back(kind: Moved, seed: int, scheme: str) -> dict[str, Callable[[str], str]]:
    """What a value on the drive was before this move, where hashes are all that is known of the record."""

    def number(found: str) -> str:
        space = 10 ** len(found)
        return str((int(found) - shifts(space)[seed]) % space).zfill(len(found))

    def checked(found: str) -> str:
        which, before = next(islice(_before(np.array([int(found)], np.uint64), len(found), scheme), seed, None))
        return str(int(before[0])).zfill(len(found)) if len(which) else ""

    def identifier(found: str) -> str:
        run = max(_RUN.findall(found), key=len, default="")
        if not 1 < len(run) <= LONGEST_NUMBER:
            return ""
        start, _, end = found.partition(run)
        was = number(run) if kind is Moved.MEMBER_ID else checked(run)
        return f"{start}{was}{end}" if was else ""

    def born(found: str) -> str:
        day = date.fromisoformat(found)
        try:
            return day.replace(year=day.year - YEARS[seed]).isoformat()
        except ValueError:  # 29 February, or a year no calendar has
            return ""

    if kind is Moved.SSN:
        return {"ssn": number}
    if kind is Moved.NAME_AND_BIRTH_DATE:
        return {"birth_date": born}
    return {"member_id": identifier, "id_digits": identifier}


def _rechecked(number: str, seed: int, scheme: str) -> str:
    """One number moved as `_after` moves many."""
    move = np.array([int(number)], np.uint64)
    moved = next(islice(_after(move, len(number), Moved.CHECKED_ID, scheme), seed, None))
    return str(int(moved[0])).zfill(len(number))


NAMES_ASKED = 200_000
"""Names by which it is told how many decoys of names are free; more would cost seconds and say the same."""


def _free_names(index: RecordIndex, records: int) -> tuple[int, ...]:
    """Of so many records, the decoys of each move that are not another record's name and birth date."""
    table = index.tables[Kind.NAME_AND_BIRTH_DATE]
    step = max(1, len(table.keys) // NAMES_ASKED)
    made, holders = table.keys[::step], table.records[::step]
    births = index.fields.column("birth_date").take(pa.array(holders.astype(np.int64)))
    days = np.array(births.to_pylist(), "datetime64[D]").astype(np.int64)
    names = made ^ keys.date_part(days)
    birthdays, which = np.unique(days, return_inverse=True)
    kept = []
    for years in YEARS:
        moved, exists = _years_on(birthdays, years)
        there = exists[which]
        taken = _distinct(index.find_names(names[there], moved[which[there]])[0])
        kept.append(round(records * (1 - taken / max(1, len(made)))))
    return tuple(kept)


def _distinct(numbers: NDArray[Any]) -> int:
    """How many different numbers these are; none is much larger than the records are many."""
    there = np.zeros(int(numbers.max(initial=0)) + 1, bool)
    there[numbers] = True
    return int(np.count_nonzero(there))


def agreement_by_accident(index: RecordIndex) -> dict[str, float]:
    """The chance that two records drawn at random agree: in full name, in birth date, and in any line of contact."""
    table = index.fields
    full = pc.binary_join_element_wise(*(pc.utf8_lower(table[name]) for name in ("given_name", "family_name")), " ")
    contact = max(_collision(table[name]) for name in ("address", "phone", "email"))
    return {"name": _collision(full), "birth_date": _collision(table["birth_date"]), "contact": contact}


def _collision(column: pa.ChunkedArray) -> float:
    values, counts = pc.value_counts(pc.utf8_trim_whitespace(column)).flatten()
    sizes = np.asarray(counts, np.float64)[np.asarray(pc.not_equal(values, ""))]
    pairs = sizes.sum() * (sizes.sum() - 1)
    # One pair more than agree: in a small table none may, and the chance is not zero for that.
    return min(1.0, float((sizes * (sizes - 1)).sum() + 1) / pairs) if pairs else float(len(sizes))


def code(decoy: int, elements: frozenset[str]) -> int:
    """What is kept of a decoy's hit: its number, and above 32 bits one bit for each of `AGREEING` that stands there."""
    return decoy | sum(1 << place for place, field in enumerate(AGREEING) if field in elements) << 32


AGREEING = ("name", "birth_date", "ssn", "member_id", "address", "phone", "email")


@dataclass(frozen=True, slots=True)
class DecoyHit:
    """A decoy found somewhere on the drive: of which record and kind, by which move, and what agreed there."""

    kind: Moved
    seed: int
    record: int
    elements: frozenset[str]


def decode(number: int) -> DecoyHit:
    """The decoy's hit that `code` wrote down."""
    kind, seed, record = _parts(number & 0xFFFFFFFF)
    fields = number >> 32
    return DecoyHit(kind, seed, record, frozenset(field for place, field in enumerate(AGREEING) if fields >> place & 1))


def _above(kind: Moved, seed: int) -> np.uint32:
    return np.uint32((MOVES.index(kind) << SEED_BITS | seed) << RECORD_BITS)


def _parts(number: int) -> tuple[Moved, int, int]:
    above = number >> RECORD_BITS
    return MOVES[above >> SEED_BITS], above & ((1 << SEED_BITS) - 1), number & ((1 << RECORD_BITS) - 1)


def _sizes(length: NDArray[np.int64]) -> list[int]:
    sizes: list[int] = np.flatnonzero(np.bincount(length)).tolist()
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


FIRST_DAY, LAST_DAY = (date(year, 1, 1).toordinal() - date(1970, 1, 1).toordinal() for year in (1850, 2080))
"""Days since 1970-01-01 between which decoys of names are looked for; no date of the raw scan lies outside."""


@lru_cache(maxsize=1)
def _before_the_move() -> list[tuple[NDArray[np.bool_], NDArray[np.uint64]]]:
    """Seed by seed, for every day from `FIRST_DAY` on: whether a birth date was moved to it, and that date's key."""
    days = np.arange(FIRST_DAY, LAST_DAY)
    parts = []
    for years in YEARS:
        moved, exists = _years_on(days, -years)
        parts.append((exists, keys.date_part(moved)))
    return parts


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
