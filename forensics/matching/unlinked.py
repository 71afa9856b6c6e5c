"""The rows of a table that show nobody exactly, as fields that linkage can compare.

What the columns mean is learnt from the rows that do show somebody: a table of which no row does stays unread here.
"""

from __future__ import annotations

from collections.abc import Sequence

from forensics.matching import normal
from forensics.matching.agreement import DECIDING
from forensics.matching.index import RecordIndex
from forensics.matching.layout import NAME, Layout, learn
from forensics.matching.tables import FoundRow, recognise
from forensics.rows import Row

LEAST_ROWS = 20
"""Rows that show somebody by two fields, below which the columns are not known well enough."""

LEAST_FIELDS = 3
"""Fields of a row, below which nothing in it could tell one person from another."""

FIELD_OF = {"given": "given_name", "family": "family_name"}


def unlinked_rows(
    rows: Sequence[Row], found: Sequence[FoundRow], index: RecordIndex
) -> list[tuple[int, dict[str, str]]]:
    """Number (from 0, within the rows given) and fields of each row in which `find_in_rows` found nobody.

    The fields are named as those of `SourceRecord`, and dates are ISO 8601 where the cell is one date. Rows without a
    name, and rows with fewer than three fields, are left out.
    """
    clear = [one for one in found if len(one.agree & DECIDING) > 1 and not one.conflict]
    if len(clear) < LEAST_ROWS:
        return []
    day_first = bool(recognise(rows, index).day_first)
    layout = learn(rows, [(one.row, index.person(one.record), one.elements) for one in clear], day_first)
    if layout is None:
        return []
    shown = {one.row for one in found}
    told = [(number, _fields(row, layout)) for number, row in enumerate(rows) if number not in shown]
    return [
        (number, fields)
        for number, fields in told
        if len(fields) >= LEAST_FIELDS and not fields.keys().isdisjoint(FIELD_OF.values())
    ]


def _fields(row: Row, layout: Layout) -> dict[str, str]:
    held = {
        part: row[column].strip()
        for part, column in layout.columns.items()
        if column < len(row) and row[column].strip()
    }
    fields = {FIELD_OF.get(part, part): cell for part, cell in held.items()}
    if "birth_date" in fields:
        fields["birth_date"] = normal.single_date(fields["birth_date"], layout.day_first) or fields["birth_date"]
    if {layout.columns.get(part) for part in NAME} == {layout.columns.get("given")} and "given" in held:
        fields |= _both_names(held["given"])
    return {field: value for field, value in fields.items() if value}


def _both_names(cell: str) -> dict[str, str]:
    """Given and family name of a cell that holds both: `Last, First` or `First Last`."""
    before, comma, behind = cell.partition(",")
    if comma:
        return {"given_name": behind.strip(), "family_name": before.strip()}
    words = cell.split()
    return {"given_name": " ".join(words[:-1]), "family_name": words[-1]}
