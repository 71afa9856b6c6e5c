"""The records in memory: keys sorted for look-up behind a bitmap, and the fields to compare with."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from operator import attrgetter
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

_DIGITS = re.compile(r"[0-9]+")
_EPOCH = date(1970, 1, 1).toordinal()
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


CHUNK = 50_000
"""Records whose fields are held as Python's strings before they become Arrow's, which take a third of the memory."""


def _chunk(columns: list[list[str]]) -> pa.Table:
    """What the columns hold, as a table; the columns are empty after it."""
    table = pa.table({name: pa.array(column, pa.string()) for name, column in zip(FIELDS, columns, strict=True)})
    for column in columns:
        column.clear()
    return table


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
        """From records with their numbers, which count up from 1 without gaps of note (they index an array).

        `check_digit` is the scheme that their member ids follow, a name in `check_digit_arrays.CHECK_DIGITS`.
        """
        columns: list[list[str]] = [[] for _ in FIELDS]
        chunks: list[pa.Table] = []
        held = 0
        ssns, ids, id_lengths = array("Q"), array("Q"), array("q")
        first, second, births = array("Q"), array("Q"), array("q")
        holders: dict[Kind, array[int]] = {kind: array("I") for kind in Kind}
        for number, record in records:
            values = _fields_of(record)
            for column, value in zip(columns, values, strict=True):
                column.extend([""] * (number - held - len(column)))
                column.append(value)
            if len(columns[0]) >= CHUNK:
                held += len(columns[0])
                chunks.append(_chunk(columns))
            given, family, birth_date, ssn, member_id, *_ = values
            if ssn:
                ssns.append(int(ssn))
                holders[Kind.SSN].append(number)
            run = max(_DIGITS.findall(member_id), key=len, default="")
            if SHORTEST_ID_RUN <= len(run) <= LONGEST_ID_RUN:
                ids.append(int(run))
                id_lengths.append(len(run))
                holders[Kind.MEMBER_ID].append(number)
            if birth_date:
                day = date.fromisoformat(birth_date).toordinal() - _EPOCH
                for one in _given_hashes(given):
                    for two in _family_hashes(family):
                        first.append(one)
                        second.append(two)
                        births.append(day)
                        holders[Kind.NAME_AND_BIRTH_DATE].append(number)
        lengths = np.array(id_lengths, np.int64)
        table_keys = {
            Kind.SSN: keys.digits(np.array(ssns, np.uint64), 9),
            Kind.MEMBER_ID: keys.digits(np.array(ids, np.uint64), lengths),
            Kind.NAME_AND_BIRTH_DATE: keys.name_and_date(
                np.array(first, np.uint64), np.array(second, np.uint64), np.array(births, np.int64)
            ),
        }
        tables = {kind: KeyTable.build(table_keys[kind], np.array(holders[kind], np.uint32)) for kind in Kind}
        fields = pa.concat_tables([*chunks, _chunk(columns)]).combine_chunks()
        return cls(tables, fields, frozenset(np.unique(lengths).tolist()), check_digit)

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
    tail = identifier.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return Person(
        given=next((word for word in given_words if len(word) > 1), "".join(given_words[:1])),
        family=frozenset(normal.words(family)),
        family_joined=frozenset(normal.words(_APOSTROPHE.sub("", family))),
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
            # Of bytes only ASCII letters can be lowered, and the raw scan sees bytes.
            spelled.add(unicodedata.normalize("NFD", form).encode().lower())
            composed = unicodedata.normalize("NFC", form)
            spelled.add(composed.encode().lower())
            with suppress(UnicodeEncodeError):
                spelled.add(composed.encode("latin-1").lower())
    return tuple(keys.token_hash(spelling) for spelling in sorted(spelled) if len(spelling) > 1)


_NAME_WORD = re.compile(r"[^\W\d_]+")
_APOSTROPHE = re.compile(r"['’‘`]")


def _name_words(name: str) -> list[str]:
    """The words of a name, composed, initials and the `O` of `O'Neil` left out."""
    composed = unicodedata.normalize("NFC", name)
    return [word for word in _NAME_WORD.findall(composed) if len(word) > 1]


@lru_cache(maxsize=1 << 18)
def _given_hashes(given: str) -> tuple[int, ...]:
    """What the first given name may look like on a drive."""
    return _word_hashes(_name_words(given)[0]) if _name_words(given) else ()


@lru_cache(maxsize=1 << 18)
def _family_hashes(family: str) -> tuple[int, ...]:
    """What the first and the last word of a family name may look like on a drive, `O'Neil` also as `ONeil`."""
    words = _name_words(family)
    ends = dict.fromkeys(words[:1] + words[-1:] + _name_words(_APOSTROPHE.sub("", family))[:1])
    return tuple(dict.fromkeys(spelling for word in ends for spelling in _word_hashes(word)))
