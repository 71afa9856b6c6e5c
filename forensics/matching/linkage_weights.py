"""What the likeness of each field weighs in bits: log2(m / u), with u measured in the records themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.matching.likeness import Bools, Spellings
from forensics.matching.linkage_fields import FIELDS, NAMES, SPELLED, Field

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Codes = NDArray[np.int32]

EXCHANGED = 0.02
"""Share of the rows in which given and family name are held to have changed places."""

SAMPLED_PAIRS = 200_000
"""Pairs of different records by which the likeness of strangers is measured."""

MISSING = -1
"""The level of a field that the row or the record lacks: it says nothing."""

EQUAL = 0
"""The first level of every field."""

GIVEN, FAMILY = "given_name", "family_name"


@dataclass(frozen=True)
class Values:
    """A table by columns: each value once, in the one spelling, and for each row the number of its value (0: none)."""

    distinct: dict[str, list[str]]
    codes: dict[str, Codes]
    count: int

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, str]]) -> Values:
        """From rows of fields by the names of `SourceRecord`; fields that are not compared are left out."""
        known: dict[str, dict[str, int]] = {name: {"": 0} for name in NAMES}
        as_found: dict[str, dict[str, int]] = {name: {} for name in NAMES}
        codes: dict[str, list[int]] = {name: [] for name in NAMES}
        for row in rows:
            for name in NAMES:
                raw = row.get(name, "")
                code = as_found[name].get(raw)
                if code is None:
                    code = as_found[name][raw] = known[name].setdefault(SPELLED[name](raw), len(known[name]))
                codes[name].append(code)
        return cls(
            {name: list(known[name]) for name in NAMES},
            {name: np.array(codes[name], np.int32) for name in NAMES},
            len(codes[NAMES[0]]),
        )


@dataclass
class Said:
    """What one field says of each pair: the level, and the bits for this person and for a relative of this person."""

    level: NDArray[np.int8]
    bits: Floats
    relative: Floats
    last: int
    """The level of no likeness."""

    @property
    def agrees(self) -> Bools:
        """Where the field is there in both and alike to some degree."""
        agrees: Bools = (self.level != MISSING) & (self.level < self.last)
        return agrees

    @property
    def differs(self) -> Bools:
        differs: Bools = self.level == self.last
        return differs


class Weights:
    """Measured once in the records; asked for pairs of a row and a record."""

    def __init__(self, records: Values) -> None:
        self._records = records
        self._anybody = {field.name: _measured(field, records) for field in FIELDS}
        self._share = {
            name: np.bincount(codes, minlength=len(records.distinct[name])) / max(1, int(np.count_nonzero(codes)))
            for name, codes in records.codes.items()
        }

    def say(self, rows: Values, row: Indices, record: Indices) -> tuple[dict[str, Said], NDArray[np.bool_]]:
        """What each field says of the pairs, and in which of them the names have changed places."""
        said = {field.name: self._field(field, field.name, rows, row, record) for field in FIELDS}
        exchanged = self._exchange(said, rows, row, record)
        for group in sorted({field.group for field in FIELDS if field.group}):
            _count_once([said[field.name] for field in FIELDS if field.group == group])
        return said, exchanged

    def _field(self, field: Field, of_row: str, rows: Values, row: Indices, record: Indices) -> Said:
        """The record's field compared with the row's field `of_row`."""
        theirs = self._records.codes[field.name][record]
        level = _levels(
            field, rows.distinct[of_row], self._records.distinct[field.name], rows.codes[of_row][row], theirs
        )
        last = len(field.levels) - 1
        anybody = self._anybody[field.name][level]
        # Whoever is like this value is at least as common as those who have it.
        anybody = np.where(level < last, np.maximum(anybody * (level > 0), self._share[field.name][theirs]), anybody)
        same = np.array([one.same for one in field.levels])[level]
        # Where nearly everybody has the same value, equality says nothing, and difference nothing in favour.
        anybody = np.where(level == 0, np.minimum(anybody, same), anybody)
        anybody = np.where(level == last, np.maximum(anybody, same), anybody)
        stated = np.array([-1.0 if one.relative is None else one.relative for one in field.levels])[level]
        relative = same if field.household else np.where(stated < 0, anybody, np.maximum(stated, anybody))
        there = level != MISSING
        return Said(level, np.log2(same / anybody) * there, np.log2(relative / anybody) * there, last)

    def _exchange(self, said: dict[str, Said], rows: Values, row: Indices, record: Indices) -> NDArray[np.bool_]:
        """Take the names crosswise where that explains them better, and say where."""
        given, family = said[GIVEN], said[FAMILY]
        exchanged = np.zeros(len(row), bool)
        alike = (given.level == 0) | (family.level == 0) | (given.level == MISSING) | (family.level == MISSING)
        at = np.flatnonzero(~alike)
        fields = {field.name: field for field in FIELDS}
        crossed_given = self._field(fields[GIVEN], FAMILY, rows, row[at], record[at])
        crossed_family = self._field(fields[FAMILY], GIVEN, rows, row[at], record[at])
        crossed = crossed_given.bits + crossed_family.bits + np.log2(EXCHANGED)
        better = crossed > given.bits[at] + family.bits[at]
        taken = at[better]
        exchanged[taken] = True
        for mine, cross, price in ((given, crossed_given, np.log2(EXCHANGED)), (family, crossed_family, 0.0)):
            mine.level[taken] = cross.level[better]
            mine.bits[taken] = cross.bits[better] + price
            mine.relative[taken] = cross.relative[better] + price
        return exchanged


def _count_once(fields: list[Said]) -> None:
    """Of fields that go together the best agreement and the worst difference count, and the others nothing."""
    bits = np.array([field.bits for field in fields])
    best, worst = bits.argmax(0), bits.argmin(0)
    for n, field in enumerate(fields):
        counts = ((bits[n] > 0) & (best == n)) | ((bits[n] < 0) & (worst == n))
        field.bits *= counts
        field.relative *= counts


def _measured(field: Field, records: Values) -> Floats:
    """How often two different records have each level of likeness."""
    codes, distinct = records.codes[field.name], records.distinct[field.name]
    holders = np.flatnonzero(codes)
    levels = np.zeros(len(field.levels))
    if len(holders) > 1:
        random = np.random.default_rng(1)
        sampled = min(SAMPLED_PAIRS, 200 * len(holders))
        left = random.integers(0, len(holders), sampled)
        right = (left + random.integers(1, len(holders), sampled)) % len(holders)
        alike = _levels(field, distinct, distinct, codes[holders[left]], codes[holders[right]])
        levels = np.bincount(alike, minlength=len(field.levels)).astype(float)
    shares: Floats = (levels + 0.5) / (levels.sum() + 0.5 * len(levels))
    return shares


def _levels(field: Field, left: list[str], right: list[str], one: Codes, other: Codes) -> NDArray[np.int8]:
    """The level of each pair of values, each different pair compared once."""
    levels = np.full(len(one), MISSING, np.int8)
    there = np.flatnonzero((one != 0) & (other != 0))
    pairs, back = np.unique(one[there].astype(np.int64) * len(right) + other[there], return_inverse=True)
    mine, first = np.unique(pairs // len(right), return_inverse=True)
    theirs, second = np.unique(pairs % len(right), return_inverse=True)
    spelled = Spellings([left[n] for n in mine.tolist()]), Spellings([right[n] for n in theirs.tolist()])
    levels[there] = field.compare(*spelled, first, second)[back]
    return levels
