"""The keys by which records are found, made a table of records at a time."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forensics import keys
from forensics.matching.key_table import KeyTable, Presence, distinct
from forensics.matching.name_keys import NameKeys
from forensics.model import Kind

SHORTEST_ID_RUN, LONGEST_ID_RUN = 5, 19
"""A member id is found by its longest run of digits; shorter runs are everywhere, longer ones overflow the key."""


class _Parts:
    """Keys and the record of each, in arrays so large that the system has their memory back when they go."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[np.uint64], NDArray[np.uint32]]] = []
        self._filled = PART

    def add(self, made: NDArray[np.uint64], records: NDArray[np.int64]) -> None:
        while len(made):
            if self._filled == PART:
                # What is not written to yet takes no memory.
                self._parts.append((np.empty(PART, np.uint64), np.empty(PART, np.uint32)))
                self._filled = 0
            count = min(PART - self._filled, len(made))
            keys, holders = self._parts[-1]
            keys[self._filled : self._filled + count] = made[:count]
            holders[self._filled : self._filled + count] = records[:count]
            self._filled += count
            made, records = made[count:], records[count:]

    def table(self) -> KeyTable:
        """The table of all of them."""
        last = [(keys[: self._filled], records[: self._filled]) for keys, records in self._parts[-1:]]
        return KeyTable.build(self._parts[:-1] + last)


PART = 1 << 22
"""Keys an array: 32 MiB, which is as large as glibc lets an array be that it keeps (mallopt(3))."""


class RecordKeys:
    """The keys of records, kind by kind, as they are read."""

    def __init__(self) -> None:
        self._parts = {kind: _Parts() for kind in Kind}
        self._name_keys = NameKeys()
        self._names: list[NDArray[np.uint64]] = []
        self.id_digits: set[int] = set()

    def add(self, fields: pa.Table, first: int) -> None:
        """Those of a table with the fields of `index.FIELDS`, whose rows are the records from number `first` on."""
        row, ssn = _filled(fields["ssn"])
        self._parts[Kind.SSN].add(keys.digits(_numbers(ssn), 9), row + first)
        row, run = _id_runs(fields["member_id"])
        lengths = np.asarray(pc.binary_length(run), np.int64)
        self.id_digits.update(np.flatnonzero(np.bincount(lengths)).tolist())
        self._parts[Kind.MEMBER_ID].add(keys.digits(_numbers(run), lengths), row + first)
        row, born = _filled(fields["birth_date"])
        of, names = self._name_keys.of(*(fields[name].take(pa.array(row)) for name in ("given_name", "family_name")))
        days = np.asarray(born.cast(pa.date32()).cast(pa.int32()), np.int64)
        self._parts[Kind.NAME_AND_BIRTH_DATE].add(names ^ keys.date_part(days)[of], row[of] + first)
        self._names.append(distinct(names))
        if sum(map(len, self._names[1:])) > max(NAMES_AT_ONCE, len(self._names[0])):
            self._names = [distinct(np.concatenate(self._names))]

    def tables(self) -> dict[Kind, KeyTable]:
        """The tables of all keys; the keys themselves are given up."""
        return {kind: self._parts.pop(kind).table() for kind in Kind}

    def names(self) -> Presence:
        """The names of all records, whatever their birth dates."""
        return Presence.of(distinct(np.concatenate([np.zeros(0, np.uint64), *self._names])))


NAMES_AT_ONCE = 1 << 20
"""Keys of names that are held before those that came twice are taken out."""


def _filled(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.ChunkedArray]:
    """The rows in which a column holds something, and what."""
    held = pc.not_equal(column, "")
    return np.flatnonzero(np.asarray(held)), column.filter(held)


def _numbers(runs: pa.ChunkedArray) -> NDArray[np.uint64]:
    return np.asarray(runs.cast(pa.uint64()), np.uint64)


_DIGITS = re.compile(r"[0-9]+")
_PREFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_ ./#"
"""What ids begin with, nearly all of them: the rest is cut out in Arrow, and only other ids one by one."""


def _id_runs(member_id: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.ChunkedArray]:
    """Row and longest run of digits of the ids that can be found by it."""
    cut = pc.ascii_ltrim(member_id, _PREFIX)
    length = pc.binary_length(cut)
    fits = pc.and_(pc.greater_equal(length, SHORTEST_ID_RUN), pc.less_equal(length, LONGEST_ID_RUN))
    plain = pc.and_(pc.ascii_is_decimal(cut), fits)
    row = np.flatnonzero(np.asarray(plain))
    others, values = _filled(pc.if_else(plain, "", member_id))
    longest = [max(_DIGITS.findall(value), key=len, default="") for value in values.to_pylist()]
    fit = [SHORTEST_ID_RUN <= len(run) <= LONGEST_ID_RUN for run in longest]
    more = pa.array([run for run, fits in zip(longest, fit, strict=True) if fits], pa.string())
    return np.concatenate((row, others[np.array(fit, bool)])), pa.chunked_array(
        [*cut.filter(plain).chunks, more], pa.string()
    )
