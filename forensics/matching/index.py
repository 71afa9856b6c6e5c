"""The records in memory: keys sorted for look-up behind a bitmap, and the fields to compare with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forensics import keys
from forensics.matching import normal
from forensics.model import Kind, SourceRecord

FIELDS = (
    "given_name", "family_name", "birth_date", "ssn", "member_id", "address", "phone", "email",
)  # fmt: skip

SHORTEST_ID_RUN, LONGEST_ID_RUN = 5, 19
"""A member id is found by its longest run of digits; shorter runs are everywhere, longer ones overflow the key."""

PREFIX_MAY_GO = 6
"""An id that is letters and then at least so many digits counts without its letters, as spreadsheets often have it."""

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class KeyTable:
    """64-bit keys, ascending, each with a record; `bitmap` says by the leading `bits` bits where looking is idle."""

    keys: NDArray[np.uint64]
    records: NDArray[np.uint32]
    bits: int
    bitmap: NDArray[np.uint8]

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
        return cls(table_keys, records, bits, np.packbits(present, bitorder="little"))

    def find(self, asked: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        head = asked >> np.uint64(64 - self.bits)
        bit = (self.bitmap[(head >> np.uint64(3)).astype(np.int64)] >> (head & np.uint64(7)).astype(np.uint8)) & 1
        at = np.flatnonzero(bit)
        if not len(at) or not len(self.keys):
            return np.zeros(0, np.int64), np.zeros(0, np.uint32)
        low = np.searchsorted(self.keys, asked[at])
        high = np.searchsorted(self.keys, asked[at], side="right")
        count = high - low
        total = int(count.sum())
        place = np.repeat(low, count) + (np.arange(total) - np.repeat(np.cumsum(count) - count, count))
        return np.repeat(at, count), self.records[place]


@dataclass(frozen=True)
class Person:
    """A record's fields in the one spelling that comparing needs."""

    given: str
    family: frozenset[str]
    birth_date: str
    ssn: str
    member_id: str
    id_digits: str
    address: str
    phone: str
    email: str


class RecordIndex:
    """All source records of a case, findable: the `Probe` that `detection` asks. Pickles to a worker by its arrays."""

    def __init__(self, tables: dict[Kind, KeyTable], fields: pa.Table, id_digits: frozenset[int]) -> None:
        self.tables = tables
        self.fields = fields
        self.id_digits = id_digits

    @classmethod
    def build(cls, records: Iterable[tuple[int, SourceRecord]]) -> RecordIndex:
        """From records with their numbers, which count up from 1 without gaps of note (they index an array)."""
        found: dict[Kind, tuple[list[Any], list[int]]] = {kind: ([], []) for kind in Kind}
        names: list[tuple[int, int]] = []
        births: list[str] = []
        columns: dict[str, list[str]] = {field: [] for field in FIELDS}
        id_runs: list[tuple[int, int]] = []
        for number, record in records:
            for field in FIELDS:
                column = columns[field]
                column.extend([""] * (number - len(column)))
                column.append(getattr(record, field))
            if record.ssn:
                found[Kind.SSN][0].append(int(record.ssn))
                found[Kind.SSN][1].append(number)
            run = max(_DIGITS.findall(record.member_id), key=len, default="")
            if SHORTEST_ID_RUN <= len(run) <= LONGEST_ID_RUN:
                id_runs.append((int(run), len(run)))
                found[Kind.MEMBER_ID][1].append(number)
            if record.birth_date and record.given_name and record.family_name:
                pairs = _name_hashes(record.given_name, record.family_name)
                names += pairs
                births += [record.birth_date] * len(pairs)
                found[Kind.NAME_AND_BIRTH_DATE][1].extend([number] * len(pairs))
        run_values = np.array([value for value, _ in id_runs], np.uint64)
        run_lengths = np.array([length for _, length in id_runs], np.int64)
        words = np.array(names, np.uint64).reshape(-1, 2)
        table_keys = {
            Kind.SSN: keys.digits(np.array(found[Kind.SSN][0], np.uint64), 9),
            Kind.MEMBER_ID: keys.digits(run_values, run_lengths),
            Kind.NAME_AND_BIRTH_DATE: keys.name_and_date(
                words[:, 0], words[:, 1], np.array(births, "datetime64[D]").astype(np.int64)
            ),
        }
        tables = {kind: KeyTable.build(table_keys[kind], np.array(found[kind][1], np.uint32)) for kind in Kind}
        return cls(tables, pa.table(columns), frozenset(int(length) for length in run_lengths))

    def find(self, kind: Kind, asked: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self.tables[kind].find(asked)

    @cached_property
    def _columns(self) -> list[Any]:
        return [self.fields.column(field).combine_chunks() for field in FIELDS]

    @cached_property
    def _known(self) -> dict[int, Person]:
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {"tables": self.tables, "fields": self.fields, "id_digits": self.id_digits}

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
    tail = identifier.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return Person(
        given=next(iter(normal.words(given)), ""),
        family=frozenset(normal.words(family)),
        birth_date=birth_date,
        ssn=ssn,
        member_id=identifier,
        id_digits=tail if tail.isdigit() and len(tail) >= PREFIX_MAY_GO else "",
        address=normal.alphanumeric(address),
        phone=phone,
        email=normal.fold(email.strip()),
    )


@lru_cache(maxsize=1 << 18)
def _word_hashes(word: str) -> tuple[int, ...]:
    """The hash of every spelling a name's word may have on a drive: one for plain ASCII, a few for accents."""
    spelled = {normal.fold(word).encode("ascii", "ignore")}
    if not word.isascii():
        for form in {word.lower(), word.upper(), word.capitalize()}:
            for encoding in ("utf-8", "latin-1"):
                with suppress(UnicodeEncodeError):
                    # Of bytes only ASCII letters can be lowered, and the raw scan sees bytes.
                    spelled.add(form.encode(encoding).lower())
    return tuple(keys.token_hash(spelling) for spelling in sorted(spelled) if len(spelling) > 1)


_NAME_WORD = re.compile(r"[^\W\d_]+")


def _name_hashes(given: str, family: str) -> list[tuple[int, int]]:
    """Keys of the first given name with the first and the last word of the family name."""
    given_words = _NAME_WORD.findall(given)
    family_words = [word for word in _NAME_WORD.findall(family) if len(word) > 1]
    if not given_words or not family_words:
        return []
    ends = {family_words[0], family_words[-1]} if len(family_words) > 1 else (family_words[0],)
    return [(one, two) for word in sorted(ends) for one in _word_hashes(given_words[0]) for two in _word_hashes(word)]
