"""The records in memory: tables of keys to find them by, and the fields to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forensics import keys
from forensics.matching import normal
from forensics.matching.key_table import KeyTable, Presence
from forensics.matching.name_keys import without_apostrophes
from forensics.matching.nicknames import ALSO_CALLED
from forensics.matching.record_keys import RecordKeys
from forensics.model import Kind, SourceRecord

FIELDS = (
    "given_name", "family_name", "birth_date", "ssn", "member_id", "address", "phone", "email",
)  # fmt: skip

PREFIX_MAY_GO = 6
"""An id that is letters and then at least so many digits counts without its letters, as spreadsheets often have it."""

_fields_of = attrgetter(*FIELDS)


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


class RecordIndex:
    """All source records of a case, findable: the `Probe` that `detection` asks. Pickles to a worker by its arrays."""

    def __init__(
        self,
        tables: dict[Kind, KeyTable],
        fields: pa.Table,
        id_digits: frozenset[int],
        check_digit: str = "",
        names: Presence | None = None,
    ) -> None:
        """`names` says which pairs of words are names (`keys.name_part`); without it any may be."""
        self.tables = tables
        self.fields = fields
        self.id_digits = id_digits
        self.check_digit = check_digit
        self.names = names

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
        return cls.from_tables(tables_of(rows), check_digit)

    @classmethod
    def from_tables(cls, chunks: Iterable[pa.Table], check_digit: str = "") -> RecordIndex:
        """From tables of `FIELDS` without nulls; the first row of the first is record 0, which nobody has."""
        found, fields, held = RecordKeys(), [SCHEMA.empty_table()], 0
        for chunk in chunks:
            fields.append(chunk)
            found.add(chunk, held)
            held += len(chunk)
        return cls(found.tables(), pa.concat_tables(fields), frozenset(found.id_digits), check_digit, found.names())

    def find(self, kind: Kind, asked: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self.tables[kind].find(asked)

    def have_names(self, names: NDArray[np.uint64]) -> NDArray[np.bool_]:
        if self.names is None:
            return np.ones(len(names), bool)
        held = np.zeros(len(names), bool)
        held[self.names.places(names)] = True
        return held

    def find_names(
        self, names: NDArray[np.uint64], days: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self.find(Kind.NAME_AND_BIRTH_DATE, names ^ keys.date_part(days))

    @cached_property
    def _columns(self) -> list[Any]:
        return [self.fields.column(field) for field in FIELDS]

    @cached_property
    def _known(self) -> dict[int, Person]:
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {
            "tables": self.tables,
            "fields": self.fields,
            "id_digits": self.id_digits,
            "check_digit": self.check_digit,
            "names": self.names,
        }

    def know(self, records: Iterable[int]) -> None:
        """Read the fields of all these records together, which costs less than reading each when it is asked for."""
        fresh = np.array(sorted(set(records).difference(self._known))[:MOST_KNOWN], np.int64)
        if len(self._known) + len(fresh) > MOST_KNOWN:
            self._known.clear()
        first = 0
        for chunk in self.fields.to_batches():
            some = fresh[np.searchsorted(fresh, first) : np.searchsorted(fresh, first + len(chunk))]
            if len(some):
                of_some = chunk.take(pa.array(some - first))
                columns = (of_some.column(field).to_pylist() for field in FIELDS)
                self._known.update(zip(some.tolist(), map(_person, *columns), strict=True))
            first += len(chunk)

    def person(self, record: int) -> Person:
        """The fields of one record, kept for a while once they were asked for."""
        person = self._known.get(record)
        if person is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            person = self._known[record] = _person(*(column[record].as_py() for column in self._columns))
        return person


MOST_KNOWN = 1 << 16
"""Persons that are kept for the next time, some 2 KiB each: more than one piece of a drive shows."""


def tables_of(rows: Iterable[Sequence[Any]]) -> Iterator[pa.Table]:
    """The rows, each behind its number, as tables without gaps, the first from number 0 on."""
    held = -1
    ordered = iter(rows)
    while page := list(islice(ordered, CHUNK)):
        if page[-1][0] - held != len(page):
            there = {row[0]: row for row in page}
            page = [there.get(number, _NOBODY) for number in range(held + 1, page[-1][0] + 1)]
        held += len(page)
        yield pa.table(list(zip(*page, strict=True))[1:], SCHEMA)


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
