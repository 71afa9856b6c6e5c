"""Where a regular table keeps each field: learnt from some rows, so that the others need not be read as text.

The layout only ever confirms. A row in which one cell is not what the record says is read as a whole like any text, so
the answer is the same, and a table in which a field stands now here, now there has no layout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from forensics.matching import normal
from forensics.matching.agreement import SHORTEST_ADDRESS
from forensics.matching.index import Person
from forensics.rows import Row

ALWAYS = 0.98
"""Share of the rows that expose a field in which it must stand in one and the same column."""

NAME = ("given", "family")


@dataclass(frozen=True, slots=True)
class Layout:
    """Field → column, where `given` and `family` stand for the name; only fields that the sample exposed."""

    columns: dict[str, int]
    day_first: bool

    def elements(self, row: Row, person: Person) -> frozenset[str] | None:
        """The elements of this person in the row, or None where the row has to be read as text."""
        found: set[str] = set()
        for part, column in self.columns.items():
            if column >= len(row):
                return None
            held = _IS_IN[part](row[column], person, self.day_first)
            if held is None:
                continue
            if not held:
                return None
            found.add("name" if part in NAME else part)
        return frozenset(found)


def learn(rows: Sequence[Row], clear: Sequence[tuple[int, Person, frozenset[str]]], day_first: bool) -> Layout | None:
    """The layout that these rows show (row, its person, the elements found), or None where they show none.

    Of records whose values are not here no cell can be told from a hash alone: every row is read as text.
    """
    if not all(isinstance(person, Person) for _, person, _ in clear):
        return None
    exposing: Counter[str] = Counter()
    holding: Counter[tuple[str, int]] = Counter()
    for row, person, elements in clear:
        parts = [part for part in _IS_IN if ("name" if part in NAME else part) in elements]
        exposing.update(parts)
        for column, cell in enumerate(rows[row]):
            holding.update((part, column) for part in parts if _IS_IN[part](cell, person, day_first))
    columns: dict[str, int] = {}
    for part, count in exposing.items():
        often, column = max(((holding[p, c], -c) for p, c in holding if p == part), default=(0, 0))
        if often < ALWAYS * count:
            return None
        columns[part] = -column
    return Layout(columns, day_first) if columns else None


# Each says of a cell whether it is that field of this person: None where the record has no such value.


def _given(cell: str, person: Person, _: bool) -> bool | None:
    return not person.called.isdisjoint(_words(cell)) if person.given and person.family else None


def _family(cell: str, person: Person, _: bool) -> bool | None:
    if not (person.given and person.family):
        return None
    words = _words(cell)
    return person.family <= words or person.family_joined <= words


def _birth_date(cell: str, person: Person, day_first: bool) -> bool | None:
    return person.birth_date in _dates(cell, day_first) if person.birth_date else None


def _ssn(cell: str, person: Person, _: bool) -> bool | None:
    return normal.ssn(cell) == person.ssn if person.ssn else None


def _member_id(cell: str, person: Person, _: bool) -> bool | None:
    # A cell with more in it than the id is for the slow road, which knows about tokens.
    if not person.member_id:
        return None
    return normal.alphanumeric(cell) in (person.member_id, person.id_digits or person.member_id)


def _address(cell: str, person: Person, _: bool) -> bool | None:
    return person.address in normal.alphanumeric(cell) if len(person.address) >= SHORTEST_ADDRESS else None


def _phone(cell: str, person: Person, _: bool) -> bool | None:
    return normal.phone(cell) == person.phone if person.phone else None


def _email(cell: str, person: Person, _: bool) -> bool | None:
    return person.email in normal.fold(cell) if person.email else None


_IS_IN: dict[str, Callable[[str, Person, bool], bool | None]] = {
    "given": _given,
    "family": _family,
    "birth_date": _birth_date,
    "ssn": _ssn,
    "member_id": _member_id,
    "address": _address,
    "phone": _phone,
    "email": _email,
}


@lru_cache(maxsize=1 << 16)
def _words(cell: str) -> frozenset[str]:
    return frozenset(normal.words(cell))


@lru_cache(maxsize=1 << 16)
def _dates(cell: str, day_first: bool) -> frozenset[str]:
    return frozenset(normal.dates(normal.fold(cell), day_first))
