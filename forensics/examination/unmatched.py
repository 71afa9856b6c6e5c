"""Persons on the drive who are in no record: counted, and where their rows stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from forensics.casefile.unmatched import TableOnDrive
from forensics.errors import Defect
from forensics.model import Locator

LISTED = 50
"""Tables of the result: those with most such rows."""

EXAMPLES = 5
"""Rows of a table that the result names; `export CASE not-in-records` names all."""


def not_in_records(tables: Sequence[TableOnDrive]) -> tuple[int | None, list[dict[str, Any]]]:
    """Distinct persons in rows that show no record, of tables that show records, and these tables.

    A person who stands in two copies of a table counts once. None where tables show records and the columns of none of
    them are known. Raises `Defect` where the rows of a table do not add up.
    """
    known = [table for table in tables if table.unknown < table.rows - table.shown or table.rows == table.shown]
    if tables and not known:
        return None, []
    persons = np.unique(np.concatenate([np.zeros(0, np.uint64), *(table.persons for table in tables)]))
    ordered = sorted(tables, key=lambda table: (-table.unmatched, -table.unknown, table.locator))
    return len(persons), [_row(table) for table in ordered[:LISTED]]


def _row(table: TableOnDrive) -> dict[str, Any]:
    other = table.rows - table.shown - table.unmatched - table.unknown
    if other < 0:
        raise Defect(f"A table has {table.rows} rows, and more of them were rated.")
    return {
        "locator": table.locator,
        "rows": table.rows,
        "in_records": table.shown,
        "not_in_records": table.unmatched,
        "columns_unknown": table.unknown,
        "no_person": other,
        "share": round(table.unmatched / table.rows, 4),
        "first": [place(table, int(number)) for number in table.numbers[:EXAMPLES]],
    }


def place(table: TableOnDrive, number: int) -> str:
    """The locator of one row of a table."""
    return str(Locator.parse(table.locator).into(f"{table.unit} {number}"))


def places(tables: Sequence[TableOnDrive]) -> Iterator[tuple[str]]:
    """The locator of every row that looks like a person and is in no record."""
    for table in tables:
        for number in table.numbers.tolist():
            yield (place(table, number),)
