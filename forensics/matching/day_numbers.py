"""Birth dates that a spreadsheet has left as day numbers: which columns hold them, and the same rows with dates.

A workbook keeps a date as a number of days; saved as text without its format, 3 February 1961 is 22315. No number says
that of itself, so a column counts as one of birth dates only where it agrees with what the records say of its rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import partial

from forensics.matching.index import RecordIndex
from forensics.rows import Row, Rows

SAMPLE = 400
"""Rows, spread over a piece, that decide about its columns."""

LEAST_ROWS = 3
"""Rows whose person is known by a number and born on the cell's day; by accident that is one row in 30,000."""

SHARE = 0.5
"""Share of the rows with such a person and such a cell in which the two must agree."""

LEAST_NAMED, NAMED_SHARE = 10, 0.2
"""Rows, and share of the sampled ones, of which a record has the name and the day. A common name is born on any day
once in some hundred records at most."""

_NUMBER = re.compile(r"([0-9]{1,5})(?:\.0+)?")

_SYSTEM_1900, _SYSTEM_1904 = date(1899, 12, 30), date(1904, 1, 1)
"""Day 0 of the two date systems (ECMA-376-1, 18.17.4.1). Days before 61 of the first are one off, because it counts a
29 February 1900 that never was; that is two months of birth dates of people over 120."""

SYSTEMS = (_SYSTEM_1900, _SYSTEM_1904)

Named = Callable[[Rows, int], int]
"""How many of these rows show a record by name and by the date in that column."""


def with_dates(rows: Rows, hits: Iterable[tuple[int, int]], index: RecordIndex, named: Named) -> Rows:
    """The rows with ISO dates where a column holds day numbers of birth dates; the very same rows where none does.

    `hits` are row and record of what a number in the row has shown.
    """
    sample = rows[:: max(1, len(rows) // SAMPLE)]
    columns = _columns_of_numbers(sample)
    if not columns:
        return rows
    known = _by_persons(rows, hits, index, columns)
    systems = {
        column: system
        for column in columns
        if (system := known.get(column) or _by_names(sample, column, named)) is not None
    }
    return _dated(rows, systems) if systems else rows


def _columns_of_numbers(sample: Sequence[Row]) -> list[int]:
    width = max((len(row) for row in sample), default=0)
    found = []
    for column in range(width):
        cells = [row[column] for row in sample if column < len(row) and row[column].strip()]
        if len(cells) >= LEAST_ROWS and sum(_day(cell) is not None for cell in cells) >= SHARE * len(cells):
            found.append(column)
    return found


def _day(cell: str) -> int | None:
    number = _NUMBER.fullmatch(cell.strip())
    return int(number[1]) if number else None


def _by_persons(
    rows: Rows, hits: Iterable[tuple[int, int]], index: RecordIndex, columns: Sequence[int]
) -> dict[int, date]:
    """Column → the date system in which it agrees with the birth dates of the persons its rows show by a number."""
    pairs = list(hits)
    asked: Counter[int] = Counter()
    agreed: Counter[tuple[int, date]] = Counter()
    for row, record in pairs[:: max(1, len(pairs) // SAMPLE)]:
        born = index.person(record).birth_date
        if not born:
            continue
        for column in columns:
            day = _day(rows[row][column]) if column < len(rows[row]) else None
            if day is not None:
                asked[column] += 1
                agreed.update((column, system) for system in SYSTEMS if _iso(day, system) == born)
    return {
        column: system
        for (column, system), count in agreed.items()
        if count >= LEAST_ROWS and count >= SHARE * asked[column]
    }


def _by_names(sample: Sequence[Row], column: int, named: Named) -> date | None:
    for system in SYSTEMS:
        count = named(_dated(Rows.of(sample), {column: system}), column)
        if count >= LEAST_NAMED and count >= NAMED_SHARE * len(sample):
            return system
    return None


def _dated(rows: Rows, systems: dict[int, date]) -> Rows:
    return rows.changed({column: partial(_date_of, system) for column, system in systems.items()})


def _date_of(system: date, cell: str) -> str:
    day = _day(cell)
    return cell if day is None else _iso(day, system)


def _iso(day: int, system: date) -> str:
    return (system + timedelta(days=day)).isoformat()
