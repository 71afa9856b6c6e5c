"""The table road: columns are recognised by what they hold, rows are looked up by them, and compared field by field."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from forensics import keys
from forensics.matching import normal
from forensics.matching.agreement import DECIDING, Text, elements_in
from forensics.matching.day_numbers import with_dates
from forensics.matching.index import Person, RecordIndex
from forensics.matching.layout import learn
from forensics.matching.windows import IDENTIFIERS, Persons
from forensics.model import Kind
from forensics.rows import Row, Rows

_EPOCH = date(1970, 1, 1).toordinal()

SAMPLE = 400
"""Rows, spread over a piece, by which its columns are recognised."""

MOSTLY = 0.6
"""Share of a column's sampled cells that must have a shape for the column to have it."""

LAYOUT_SAMPLE = 600
"""Pairs of row and record that are read as text to learn a table's layout; most pairs of a small table."""

LEAST_CLEAR = 100
"""Clear rows below which a layout would rest on too little, and reading every row as text costs nothing."""

ROLES = ("ssn", "member_id", "birth_date")
"""Fields whose cell can contradict a record; a name is spelled in too many ways for that."""

ROLE_SAMPLE = 100
"""Recognised rows by which the columns of these fields are found."""

ROLE_SHARE = 0.5
"""Share of recognised rows in which a column must hold the person's value for it to be that field's column."""


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One record in one row (counted from 0 within the rows given). `conflict`: fields whose cell says otherwise."""

    row: int
    record: int
    elements: frozenset[str]
    agree: frozenset[str]
    conflict: frozenset[str]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table by the shape of their cells; `day_first` are dates like 23/03/1961."""

    ssn: tuple[int, ...]
    ids: tuple[int, ...]
    dates: tuple[int, ...]
    day_first: frozenset[int]
    names: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows as they are compared: day numbers of a spreadsheet as dates, and what the columns look like."""

    rows: Rows
    columns: Columns

    @classmethod
    def of(cls, rows: Sequence[Row], hits: Iterable[tuple[int, int]], index: RecordIndex) -> Reading:
        """`hits` are row and record of what a number in a row has shown."""
        dated = with_dates(Rows.of(rows), hits, index, lambda sample, column: _named(sample, column, index))
        return cls(dated, recognise(dated, index))

    @property
    def day_first(self) -> bool:
        return bool(self.columns.day_first)

    def text(self, row: int) -> Text:
        return Text("\t".join(self.rows.row(row)), self.day_first)


def find_in_rows(rows: Sequence[Row], hits: Iterable[tuple[int, int]] | None, index: RecordIndex) -> list[FoundRow]:
    """The evidence in these rows, see `evidence_in`."""
    hits = None if hits is None else list(hits)
    return evidence_in(Reading.of(rows, hits or (), index), hits, index)


def evidence_in(table: Reading, hits: Iterable[tuple[int, int]] | None, index: RecordIndex) -> list[FoundRow]:
    """The evidence in a table: from the columns, and from `hits` (row, record) of the raw scan over the same bytes.

    The raw scan finds every number that a cell holds, so columns are asked for names with dates only, which may stand
    too far apart for it. Where it was not made (`hits` is None) they are asked for numbers too.
    A row in which only an identifier agrees is kept (it may be chance, and later stages say so); one in which only a
    name or a date agrees is not evidence.
    """
    rows, day_first = table.rows, table.day_first
    pairs = sorted(set(hits or ()) | _joined(rows, table.columns, index, numbers=hits is None))
    index.know(record for _, record in pairs)
    agreed = _agreeing(table, pairs, index)
    roles = _roles(rows, agreed, day_first)
    return [
        FoundRow(row, record, elements | differing[1], elements & DECIDING, differing[0])
        for row, record, person, elements in agreed
        for differing in [_differences(rows.row(row), person, elements, roles, day_first)]
    ]


def chance_in(table: Reading, hits: Iterable[tuple[int, int]], decoys: Persons) -> list[tuple[int, frozenset[str]]]:
    """What evidence a table seems to have for decoys: each with the elements that agree. `hits` are row and decoy."""
    texts: dict[int, Text] = {}
    found = []
    for row, decoy in hits:
        text = texts.get(row)
        if text is None:
            text = texts[row] = table.text(row)
        elements = elements_in(decoys.person(decoy), text)
        if _is_evidence(elements):
            found.append((decoy, elements))
    return found


def _is_evidence(elements: frozenset[str]) -> bool:
    return len(elements & DECIDING) > 1 or not elements.isdisjoint(IDENTIFIERS)


def _agreeing(
    table: Reading, pairs: Sequence[tuple[int, int]], index: RecordIndex
) -> list[tuple[int, int, Person, frozenset[str]]]:
    """Row, record, person and elements of the pairs that are evidence. A sample is read as text; what it shows of the
    table's layout decides how the others are read."""
    rows = table.rows
    texts: dict[int, Text] = {}

    def as_text(row: int, person: Person) -> frozenset[str]:
        if row not in texts:
            texts[row] = table.text(row)
        return elements_in(person, texts[row])

    step = max(1, len(pairs) // LAYOUT_SAMPLE)
    sampled = [(row, index.person(record)) for row, record in pairs[::step]]
    read = [(row, person, as_text(row, person)) for row, person in sampled]
    clear = [item for item in read if len(item[2] & DECIDING) > 1]
    layout = learn(rows, clear, table.day_first) if len(clear) >= LEAST_CLEAR else None
    agreed = []
    for row, record in pairs:
        person = index.person(record)
        elements = layout.elements(rows.row(row), person) if layout else None
        if elements is None:
            elements = as_text(row, person)
        if _is_evidence(elements):
            agreed.append((row, record, person, elements))
    return agreed


def recognise(rows: Sequence[Row], index: RecordIndex) -> Columns:
    """What each column looks like, from a sample spread over the rows."""
    step = max(1, len(rows) // SAMPLE)
    sample = rows[::step]
    width = max((len(row) for row in sample), default=0)
    ssn, ids, dates, names = [], [], [], []
    day_first = set()
    for column in range(width):
        cells = [row[column].strip() for row in sample if column < len(row) and row[column].strip()]
        if not cells:
            continue
        least = MOSTLY * len(cells)
        if sum(bool(normal.ssn(cell)) for cell in cells) >= least:
            ssn.append(column)
        if sum(len(cell) <= 40 and _id_run(cell, index) is not None for cell in cells) >= least:
            ids.append(column)
        american = [len(cell) <= 40 and bool(normal.dates(cell)) for cell in cells]
        other = [len(cell) <= 40 and bool(normal.dates(cell, True)) for cell in cells]
        if sum(one or two for one, two in zip(american, other, strict=True)) >= least:
            dates.append(column)
            if sum(other) > sum(american) or _second_number_exceeds(cells) < _first_number_exceeds(cells):
                day_first.add(column)
        elif sum(len(cell) <= 80 and _letters(cell) for cell in cells) >= least:
            names.append(column)
    return Columns(tuple(ssn), tuple(ids), tuple(dates), frozenset(day_first), tuple(names))


_LEADING_NUMBERS = re.compile(r"\s*([0-9]{1,2})\s*[-./]\s*([0-9]{1,2})\s*[-./]")


def _letters(cell: str) -> bool:
    return sum(c.isalpha() for c in cell) >= 0.7 * len(cell)


def _leading_numbers(cells: Sequence[str]) -> list[tuple[int, int]]:
    found = (_LEADING_NUMBERS.match(cell) for cell in cells)
    return [(int(numbers[1]), int(numbers[2])) for numbers in found if numbers]


def _first_number_exceeds(cells: Sequence[str]) -> int:
    return sum(first > 12 for first, _ in _leading_numbers(cells))


def _second_number_exceeds(cells: Sequence[str]) -> int:
    return sum(second > 12 for _, second in _leading_numbers(cells))


def _id_run(cell: str, index: RecordIndex) -> tuple[int, int] | None:
    """Value and length of the cell's longest run of digits, where member ids have such a run."""
    run, longest = "", ""
    for c in cell:
        run = run + c if c in "0123456789" else ""
        if len(run) > len(longest):
            longest = run
    return (int(longest), len(longest)) if len(longest) in index.id_digits else None


def _joined(rows: Rows, columns: Columns, index: RecordIndex, numbers: bool) -> set[tuple[int, int]]:
    """Row and record of every row that a column, or a name with a date, finds in the index."""
    pairs: set[tuple[int, int]] = set()

    def ask(kind: Kind, at: NDArray[np.int64], asked: NDArray[np.uint64]) -> None:
        place, record = index.find(kind, asked)
        pairs.update(zip(at[place].tolist(), record.tolist(), strict=True))

    for column in columns.ssn if numbers else ():
        number = rows.column(column).mapped(lambda cell: int(normal.ssn(cell) or 0), np.uint64, 0)
        at = np.flatnonzero(number)
        ask(Kind.SSN, at, keys.digits(number[at], 9))
    for column in columns.ids if numbers else ():
        held = rows.column(column)
        runs = {cell: _id_run(cell, index) or (0, 0) for cell in held.cells}
        length = held.mapped(lambda cell: runs[cell][1], np.int64, 0)  # noqa: B023 - asked at once
        value = held.mapped(lambda cell: runs[cell][0], np.uint64, 0)  # noqa: B023
        at = np.flatnonzero(length)
        ask(Kind.MEMBER_ID, at, keys.digits(value[at], length[at]))
    pairs |= _by_name(rows, columns, index)
    return pairs


def _named(rows: Rows, column: int, index: RecordIndex) -> int:
    """How many of the rows show a record by the name in them and the ISO date in this column."""
    columns = replace(recognise(rows, index), dates=(column,), day_first=frozenset())
    return len({row for row, _ in _by_name(rows, columns, index)})


def _by_name(rows: Rows, columns: Columns, index: RecordIndex) -> set[tuple[int, int]]:
    """Row and record of every row whose name, together with a date, is a record's."""
    pairs: set[tuple[int, int]] = set()
    if columns.dates and columns.names:
        dates = [days_in(rows, column, column in columns.day_first) for column in columns.dates]
        for one, two in combinations(_words_in(rows, columns.names[:MOST_NAME_CELLS]), 2):
            both = (one != 0) & (two != 0)
            name = keys.name_part(keys.mix(one), keys.mix(two))
            for day in dates:
                at = np.flatnonzero(both & (day != NO_DAY))
                place, record = index.find_names(name[at], day[at])
                pairs.update(zip(at[place].tolist(), record.tolist(), strict=True))
    return pairs


MOST_NAME_CELLS, MOST_NAME_WORDS = 6, 4

NO_DAY = np.iinfo(np.int64).min


def _words_in(rows: Rows, columns: Sequence[int]) -> Iterator[NDArray[np.uint64]]:
    """The words of these columns, hashed: first words of the first, second words of it, and so on; 0 where none is."""
    for number in columns:
        column = rows.column(number)
        words = [_word_hashes(cell) for cell in column.cells]
        for place in range(max(map(len, words), default=0)):
            of_cell = [cell[place] if place < len(cell) else 0 for cell in words]
            yield np.array([*of_cell, 0], np.uint64)[column.code]


def days_in(rows: Rows, column: int, day_first: bool) -> NDArray[np.int64]:
    """The date of each cell of a column in days since 1970-01-01, `NO_DAY` where it is none."""
    return rows.column(column).mapped(_DAY[day_first], np.int64, NO_DAY)


def _day(cell: str, day_first: bool) -> int:
    iso = normal.single_date(cell, day_first)
    return date.fromisoformat(iso).toordinal() - _EPOCH if iso else NO_DAY


_DAY = tuple(lru_cache(maxsize=1 << 17)(partial(_day, day_first=day_first)) for day_first in (False, True))


@lru_cache(maxsize=1 << 17)
def _word_hashes(cell: str) -> tuple[int, ...]:
    words = [word for word in normal.words(cell) if len(word) > 1]
    return tuple(keys.token_hash(word.encode("ascii", "ignore")) for word in words[:MOST_NAME_WORDS])


def _roles(rows: Rows, agreed: Sequence[tuple[int, int, Person, frozenset[str]]], day_first: bool) -> dict[str, int]:
    """Field → the column that holds it, where rows whose person is clear show one."""
    clear = [item for item in agreed if len(item[3] & DECIDING) > 1]
    clear = clear[:: max(1, len(clear) // ROLE_SAMPLE)]
    held: Counter[str] = Counter()
    holding: Counter[tuple[str, int]] = Counter()
    for row, _, person, elements in clear:
        fields = elements & frozenset(ROLES)
        held.update(fields)
        for column, cell in enumerate(rows[row]):
            holding.update((field, column) for field in fields & elements_in(person, Text(cell, day_first)))
    roles: dict[str, int] = {}
    for field in ROLES:
        columns = [(holding[field, column], -column) for f, column in holding if f == field]
        if columns and max(columns)[0] >= ROLE_SHARE * held[field]:
            roles[field] = -max(columns)[1]
    return roles


def _differences(
    row: Row, person: Person, elements: frozenset[str], roles: dict[str, int], day_first: bool
) -> tuple[frozenset[str], frozenset[str]]:
    """Fields whose cell holds another value than the record, and fields that a cell exposes all the same."""
    conflict, exposed = set(), set()
    for field, column in roles.items():
        cell = row[column].strip() if column < len(row) else ""
        if field in elements or not cell:
            continue
        if field == "ssn":
            value, own = normal.ssn(cell), person.ssn
        elif field == "birth_date":
            value, own = normal.single_date(cell, day_first), person.birth_date
        else:
            value, own = normal.alphanumeric(cell), person.member_id
        if not value:
            continue
        exposed.add(field)
        if own:
            conflict.add(field)
    return frozenset(conflict), frozenset(exposed)
