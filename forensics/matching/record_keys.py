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


class RecordKeys:
    """The keys of records, kind by kind, as they are read."""

    def __init__(self) -> None:
        self._parts: dict[Kind, list[tuple[NDArray[np.uint64], NDArray[np.uint32]]]] = {kind: [] for kind in Kind}
        self._name_keys = NameKeys()
        self._names: list[NDArray[np.uint64]] = []
        self.id_digits: set[int] = set()

    def add(self, fields: pa.Table, first: int) -> None:
        """Those of a table with the fields of `index.FIELDS`, whose rows are the records from number `first` on."""
        row, ssn = _filled(fields["ssn"])
        self._add(Kind.SSN, keys.digits(_numbers(ssn), 9), row + first)
        row, run = _id_runs(fields["member_id"])
        lengths = np.asarray(pc.utf8_length(run), np.int64)
        self.id_digits.update(np.flatnonzero(np.bincount(lengths)).tolist())
        self._add(Kind.MEMBER_ID, keys.digits(_numbers(run), lengths), row + first)
        row, born = _filled(fields["birth_date"])
        of, names = self._name_keys.of(*(fields[name].take(pa.array(row)) for name in ("given_name", "family_name")))
        days = np.asarray(born.cast(pa.date32()).cast(pa.int32()), np.int64)
        self._add(Kind.NAME_AND_BIRTH_DATE, names ^ keys.date_part(days)[of], row[of] + first)
        self._names.append(distinct(names))
        if sum(map(len, self._names[1:])) > max(NAMES_AT_ONCE, len(self._names[0])):
            self._names = [distinct(np.concatenate(self._names))]

    def _add(self, kind: Kind, made: NDArray[np.uint64], records: NDArray[np.int64]) -> None:
        self._parts[kind].append((made, records.astype(np.uint32)))

    def tables(self) -> dict[Kind, KeyTable]:
        """The tables of all keys; the keys themselves are given up."""
        return {kind: KeyTable.build(self._parts.pop(kind)) for kind in Kind}

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
_ONE_RUN = f"^[^0-9]*[0-9]{{{SHORTEST_ID_RUN},{LONGEST_ID_RUN}}}[^0-9]*$"


def _id_runs(member_id: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.ChunkedArray]:
    """Row and longest run of digits of the ids that can be found by it."""
    plain = pc.match_substring_regex(member_id, _ONE_RUN)
    row = np.flatnonzero(np.asarray(plain))
    runs = pc.replace_substring_regex(member_id.filter(plain), "[^0-9]+", "")
    others, values = _filled(pc.if_else(plain, "", member_id))
    longest = [max(_DIGITS.findall(value), key=len, default="") for value in values.to_pylist()]
    fit = [SHORTEST_ID_RUN <= len(run) <= LONGEST_ID_RUN for run in longest]
    more = pa.array([run for run, fits in zip(longest, fit, strict=True) if fits], pa.string())
    return np.concatenate((row, others[np.array(fit, bool)])), pa.chunked_array([*runs.chunks, more], pa.string())
