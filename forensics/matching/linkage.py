"""Rows of the drive that no exact key found, linked to records by all their fields: typos, nicknames, exchanged names.

Fellegi and Sunter's weights, added up in bits, against two rivals besides the other records: somebody who is in no
record, and a relative of the person who is in no record. Household fields count for both, so they never decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.matching.key_table import KeyTable
from forensics.matching.likeness import Bools
from forensics.matching.linkage_fields import FIELDS
from forensics.matching.linkage_household import Households
from forensics.matching.linkage_keys import keys_of
from forensics.matching.linkage_weights import FAMILY, GIVEN, MISSING, Floats, Indices, Said, Values, Weights

LEAST = 0.9
"""Probability from which a record is offered as the row's: at best probable, never confirmed."""

IN_RECORDS = 0.5
"""Share of such rows that are held to be of somebody in the records."""

RELATIVES = 0.5
"""Relatives of a person who are in no record and might stand on the drive instead."""

LEAST_AGREEING = 3
"""Fields that have to agree to some degree; address, city and postal code are one. In few records even a first name
and a postal code are rare enough to add up."""

MOST_ALIKE = 400
"""Records with one key above which the key says too little to fetch them all."""

BATCH = 2_000
"""Rows that are compared at a time: bounds the memory."""

EXCHANGED_PLACES = " in the place of the other name"


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one field says: its level of likeness in words, and how many bits for this person (below 0: against)."""

    field: str
    level: str
    bits: float


@dataclass(frozen=True, slots=True)
class Link:
    """The best record of a row, counted from 0. `weight` is the sum of the contributions in bits; `margin` how far the
    second best record is behind (None: there is no other); `probability` counts every rival."""

    row: int
    record: int
    probability: float
    weight: float
    margin: float | None
    contributions: tuple[Contribution, ...]

    @property
    def agree(self) -> frozenset[str]:
        """Fields that are equal in row and record."""
        return frozenset(one.field for one in self.contributions if one.level == "equal")

    def explained(self) -> str:
        """The weights in words, without the values: these stand in the row and in the record."""
        return "; ".join(f"{one.field.replace('_', ' ')} {one.level} ({one.bits:+.1f})" for one in self.contributions)


class Linker:
    """The records, ready to be asked. A row's link does not depend on what other rows are asked about."""

    def __init__(self, records: Iterable[tuple[int, Mapping[str, str]]], relatives: float = RELATIVES) -> None:
        """From records with their numbers; fields are named as those of `SourceRecord`. With no `relatives` a twin or a
        namesake in the household is taken for the person: only to see what that rival costs."""
        self._relatives = relatives
        numbers: list[int] = []

        def rows() -> Iterator[Mapping[str, str]]:
            for number, fields in records:
                numbers.append(number)
                yield fields

        self._values = Values.of(rows())
        self._numbers = numbers
        self._tables = [_table(made, present) for made, present in keys_of(self._values.distinct, self._values.codes)]
        self._weights = Weights(self._values)
        self._households = Households(self._values)

    def link(self, rows: Sequence[Mapping[str, str]], least: float = LEAST) -> list[Link]:
        """For each row the record that it most probably shows, where that is at least as probable as `least`."""
        return [
            link
            for start in range(0, len(rows), BATCH)
            for link in self._link(Values.of(rows[start : start + BATCH]), start, least)
        ]

    def _link(self, rows: Values, first: int, least: float) -> Iterator[Link]:
        row, record = self._candidates(rows)
        if not len(row):
            return
        said, exchanged = self._weights.say(rows, row, record)
        weight = sum((one.bits for one in said.values()), np.zeros(len(row)))
        relative = sum((one.relative for one in said.values()), np.zeros(len(row)))
        one_of_them = IN_RECORDS / self._values.count
        mine = one_of_them * np.exp2(weight)
        rivals = np.bincount(row, mine + one_of_them * self._relatives * np.exp2(relative), rows.count) + 1 - IN_RECORDS
        probability = mine / rivals[row]
        enough = (_agreeing(said) >= LEAST_AGREEING) & self._households.told_apart(said, rows, row, record)
        for best, margin in _best(row, weight):
            if probability[best] >= least and enough[best]:
                yield Link(
                    first + int(row[best]),
                    self._numbers[record[best]],
                    float(probability[best]),
                    float(weight[best]),
                    margin,
                    tuple(_told(said, exchanged, best)),
                )

    def _candidates(self, rows: Values) -> tuple[Indices, Indices]:
        """Row and record of every pair that has a key in common, each once, in order."""
        pairs = [np.zeros(0, np.int64)]
        for table, (asked, present) in zip(self._tables, keys_of(rows.distinct, rows.codes), strict=True):
            at = np.flatnonzero(present)
            place, record = table.find(asked[at])
            pairs.append(at[place] * self._values.count + record)
        pair = np.unique(np.concatenate(pairs))
        return pair // self._values.count, pair % self._values.count


def _table(made: NDArray[np.uint64], present: NDArray[np.bool_]) -> KeyTable:
    """The records by one key, without the keys that too many of them share."""
    at = np.flatnonzero(present)
    _, which, often = np.unique(made[at], return_inverse=True, return_counts=True)
    at = at[often[which] <= MOST_ALIKE]
    return KeyTable.build([(made[at], at.astype(np.uint32))])


def _agreeing(said: Mapping[str, Said]) -> Indices:
    """How many fields of each pair agree to some degree, those of one group once."""
    agree: dict[str, Bools] = {}
    for field in FIELDS:
        name, agrees = field.group or field.name, said[field.name].agrees
        agree[name] = agree[name] | agrees if name in agree else agrees
    count: Indices = np.sum(list(agree.values()), axis=0, dtype=np.int64)
    return count


def _best(row: Indices, weight: Floats) -> Iterator[tuple[int, float | None]]:
    """For each row its best pair, and by how many bits the next one is behind."""
    order = np.lexsort((-weight, row))
    firsts = np.flatnonzero(np.r_[True, np.diff(row[order]) != 0])
    for first in firsts.tolist():
        best = int(order[first])
        following = order[first + 1] if first + 1 < len(order) else best
        another = following != best and row[following] == row[best]
        yield best, float(weight[best] - weight[following]) if another else None


def _told(said: Mapping[str, Said], exchanged: Bools, pair: int) -> Iterator[Contribution]:
    for field in FIELDS:
        one = said[field.name]
        if one.level[pair] != MISSING:
            words = field.levels[one.level[pair]].words
            if exchanged[pair] and field.name in (GIVEN, FAMILY):
                words += EXCHANGED_PLACES
            yield Contribution(field.name, words, float(one.bits[pair]))
