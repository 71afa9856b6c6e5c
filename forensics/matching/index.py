"""The records in memory: keys sorted for look-up behind a bitmap, and the fields to compare with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forensics import keys
from forensics.matching import normal
from forensics.matching.name_keys import name_keys, without_apostrophes
from forensics.matching.nicknames import ALSO_CALLED
from forensics.model import Kind, SourceRecord

FIELDS = (
    "given_name", "family_name", "birth_date", "ssn", "member_id", "address", "phone", "email",
)  # fmt: skip

SHORTEST_ID_RUN, LONGEST_ID_RUN = 5, 19
"""A member id is found by its longest run of digits; shorter runs are everywhere, longer ones overflow the key."""

PREFIX_MAY_GO = 6
"""An id that is letters and then at least so many digits counts without its letters, as spreadsheets often have it."""

_DIGITS = re.compile(r"[0-9]+")
_fields_of = attrgetter(*FIELDS)


@dataclass(frozen=True, slots=True)
class KeyTable:
    """64-bit keys, ascending, each with a record; `bitmap` says by the leading `bits` bits where looking is idle.

    `coarse` has a bit for every byte of `bitmap`. It is small enough for the processor's own cache and answers most
    questions alone.
    """

    keys: NDArray[np.uint64]
    records: NDArray[np.uint32]
    bits: int
    bitmap: NDArray[np.uint8]
    coarse: NDArray[np.uint8]

    @classmethod
    def build(cls, table_keys: NDArray[np.uint64], records: NDArray[np.uint32]) -> KeyTable:
        order = np.lexsort((records, table_keys))
        table_keys, records = table_keys[order], records[order]
        if len(table_keys):
            first = np.ones(len(table_keys), bool)
            first[1:] = (table_keys[1:] != table_keys[:-1]) | (records[1:] != records[:-1])
            table_keys, records = table_keys[first], records[first]
        # 32 bits a key keep the share of idle look-ups near 3 %, and 2^27 bits still fit beside the processor.
        bits = int(np.clip(np.ceil(np.log2(max(1, len(table_keys)) * 32)), 10, 27))
        present = np.zeros(1 << bits, bool)
        present[(table_keys >> np.uint64(64 - bits)).astype(np.int64)] = True
        bitmap = np.packbits(present, bitorder="little")
        return cls(table_keys, records, bits, bitmap, np.packbits(bitmap != 0, bitorder="little"))

    def find(self, asked: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        at = np.flatnonzero(_bits(self.coarse, asked >> np.uint64(67 - self.bits)))
        at = at[_bits(self.bitmap, asked[at] >> np.uint64(64 - self.bits))]
        if not len(at):
            return np.zeros(0, np.int64), np.zeros(0, np.uint32)
        # In order, neighbours of the table are asked one after the other, and its parts come into the cache once.
        at = at[np.argsort(asked[at])]
        low = np.searchsorted(self.keys, asked[at])
        held = self.keys[np.minimum(low, len(self.keys) - 1)] == asked[at]
        at, low = at[held], low[held]
        count = np.searchsorted(self.keys, asked[at], side="right") - low
        total = int(count.sum())
        place = np.repeat(low, count) + (np.arange(total) - np.repeat(np.cumsum(count) - count, count))
        return np.repeat(at, count), self.records[place]


def _bits(bitmap: NDArray[np.uint8], number: NDArray[np.uint64]) -> NDArray[np.bool_]:
    byte, place = (number >> np.uint64(3)).astype(np.int64), (number & np.uint64(7)).astype(np.uint8)
    return ((bitmap[byte] >> place) & np.uint8(1)).astype(bool)


@dataclass(frozen=True)
class Person:
    """A record's fields in the one spelling that comparing needs."""

    given: str
    called: frozenset[str]
    """The given name, and the usual short and full forms of it."""
    family: frozenset[str]
    family_joined: frozenset[str]
    """The same words with apostrophes left out, as many systems keep them."""
    birth_date: str
    ssn: str
    member_id: str
    id_digits: str
    address: str
    phone: str
    email: str


CHUNK = 20_000
"""Records whose fields are held as Python's strings before they become Arrow's, which take a third of the memory."""


SCHEMA = pa.schema([(name, pa.string()) for name in FIELDS])

_NOBODY: Sequence[Any] = (0, *("" for _ in FIELDS))

_NO_KEYS = np.zeros(0, np.uint64), np.zeros(0, np.int64)


def _keys(fields: pa.Table) -> Iterator[tuple[Kind, NDArray[np.uint64], NDArray[np.int64]]]:
    """Kind, keys, and the row of each key, of a table of `FIELDS`."""
    row, ssn = _filled(fields["ssn"])
    yield Kind.SSN, keys.digits(_numbers(ssn), 9), row
    row, run = _id_runs(fields["member_id"])
    yield Kind.MEMBER_ID, keys.digits(_numbers(run), np.asarray(pc.utf8_length(run), np.int64)), row
    row, born = _filled(fields["birth_date"])
    of, names = name_keys(*(fields[name].take(pa.array(row)).to_pylist() for name in ("given_name", "family_name")))
    days = np.asarray(born.cast(pa.date32()).cast(pa.int32()), np.int64)
    yield Kind.NAME_AND_BIRTH_DATE, names ^ keys.date_part(days[of]), row[of]


def _filled(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.ChunkedArray]:
    """The rows in which a column holds something, and what."""
    held = pc.not_equal(column, "")
    return np.flatnonzero(np.asarray(held)), column.filter(held)


def _numbers(runs: pa.ChunkedArray) -> NDArray[np.uint64]:
    return np.asarray(runs.cast(pa.uint64()), np.uint64)


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


class RecordIndex:
    """All source records of a case, findable: the `Probe` that `detection` asks. Pickles to a worker by its arrays."""

    def __init__(
        self, tables: dict[Kind, KeyTable], fields: pa.Table, id_digits: frozenset[int], check_digit: str = ""
    ) -> None:
        self.tables = tables
        self.fields = fields
        self.id_digits = id_digits
        self.check_digit = check_digit

    @classmethod
    def build(cls, records: Iterable[tuple[int, SourceRecord]], check_digit: str = "") -> RecordIndex:
        """From records with their numbers, see `from_fields`."""
        return cls.from_fields(((number, *_fields_of(record)) for number, record in records), check_digit)

    @classmethod
    def from_fields(cls, rows: Iterable[Sequence[Any]], check_digit: str = "") -> RecordIndex:
        """From the number and the `FIELDS` of each record; numbers count up from 1 without gaps of note (they index an
        array).

        `check_digit` is the scheme that their member ids follow, a name in `check_digit_arrays.CHECK_DIGITS`.
        """
        chunks: list[pa.Table] = []
        found: dict[Kind, list[tuple[NDArray[np.uint64], NDArray[np.int64]]]] = {kind: [_NO_KEYS] for kind in Kind}
        held = -1
        ordered = iter(rows)
        while page := list(islice(ordered, CHUNK)):
            if page[-1][0] - held != len(page):
                there = {row[0]: row for row in page}
                page = [there.get(number, _NOBODY) for number in range(held + 1, page[-1][0] + 1)]
            chunk = pa.table(list(zip(*page, strict=True))[1:], SCHEMA)
            chunks.append(chunk)
            for kind, made, row in _keys(chunk):
                found[kind].append((made, row + held + 1))
            held += len(page)
        tables = {
            kind: KeyTable.build(
                np.concatenate([made for made, _ in parts]),
                np.concatenate([record for _, record in parts]).astype(np.uint32),
            )
            for kind, parts in found.items()
        }
        fields = pa.concat_tables([SCHEMA.empty_table(), *chunks]).combine_chunks()
        lengths = np.unique(keys.digits_of(tables[Kind.MEMBER_ID].keys)[1])
        return cls(tables, fields, frozenset(lengths.tolist()), check_digit)

    def find(self, kind: Kind, asked: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self.tables[kind].find(asked)

    def find_names(
        self, names: NDArray[np.uint64], days: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self.find(Kind.NAME_AND_BIRTH_DATE, names ^ keys.date_part(days))

    @cached_property
    def _columns(self) -> list[Any]:
        return [self.fields.column(field).combine_chunks() for field in FIELDS]

    @cached_property
    def _known(self) -> dict[int, Person]:
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {
            "tables": self.tables,
            "fields": self.fields,
            "id_digits": self.id_digits,
            "check_digit": self.check_digit,
        }

    def person(self, record: int) -> Person:
        """The fields of one record, kept once they were asked for."""
        person = self._known.get(record)
        if person is None:
            person = self._known[record] = _person(*(column[record].as_py() for column in self._columns))
        return person


def _person(
    given: str, family: str, birth_date: str, ssn: str, member_id: str, address: str, phone: str, email: str
) -> Person:
    identifier = normal.alphanumeric(member_id)
    given_words = normal.words(given)
    first = next((word for word in given_words if len(word) > 1), "".join(given_words[:1]))
    tail = identifier.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return Person(
        given=first,
        called=frozenset((first,)) | ALSO_CALLED.get(first, frozenset()),
        family=frozenset(normal.words(family)),
        family_joined=frozenset(normal.words(without_apostrophes(family))),
        birth_date=birth_date,
        ssn=ssn,
        member_id=identifier,
        id_digits=tail if tail.isdigit() and len(tail) >= PREFIX_MAY_GO else "",
        address=normal.alphanumeric(address),
        phone=phone,
        email=normal.fold(email.strip()),
    )
