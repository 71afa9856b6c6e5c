"""Rows of a table that shows records, which look like persons too and are no record's: former members, other people.

What a person looks like there is learnt from the rows that show records: which column holds what. A row is a person if
its name and numbers have the form that they have in those rows; a header or a total line has not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from forensics import keys
from forensics.matching import normal
from forensics.matching.agreement import DECIDING
from forensics.matching.day_numbers import with_dates
from forensics.matching.fingerprint_file import FingerprintIndex
from forensics.matching.index import RecordIndex
from forensics.matching.layout import NAME, Layout, Row, learn
from forensics.matching.tables import FoundRow, recognise
from forensics.matching.unlinked import LEAST_ROWS

SAMPLE = 200
"""Rows that show a record by two fields, spread over the piece, from which the columns are learnt."""

LEAST_FIELDS = 2
"""Of name, birth date, SSN and member id, how many a row must have to be a person."""

_FORM = re.compile(r"[^\W\d_]+|\d")


def unmatched_rows(
    rows: Sequence[Row], found: Sequence[FoundRow], index: RecordIndex
) -> tuple[tuple[int, int], ...] | None:
    """Number (from 0, within the rows given) and a 64-bit hash of the person in each row that is in no record.

    Rows with one hash show one person: by name and birth date, else by SSN or id. None where too few rows show a
    record for the columns to be known, or where the records are only fingerprints.
    """
    shown = {one.row for one in found}
    clear = [one for one in found if len(one.agree & DECIDING) > 1 and not one.conflict]
    if len(clear) < LEAST_ROWS or isinstance(index, FingerprintIndex):
        return None
    left = [number for number, row in enumerate(rows) if number not in shown and any(cell.strip() for cell in row)]
    if not left:
        return ()
    # Day numbers of a spreadsheet were dates when the rows were compared, and have to be again.
    rows = with_dates(rows, [(one.row, one.record) for one in clear], index, lambda *_: 0)
    day_first = bool(recognise(rows, index).day_first)
    sampled = clear[:: max(1, len(clear) // SAMPLE)]
    layout = learn(rows, [(one.row, index.person(one.record), one.elements) for one in sampled], day_first)
    if layout is None:
        return None
    column = layout.columns.get("member_id")
    forms = {_form(rows[one.row][column]) for one in sampled if column is not None and column < len(rows[one.row])}
    told = ((number, _person(rows[number], layout, forms)) for number in left)
    return tuple((number, who) for number, who in told if who is not None)


def _form(cell: str) -> str:
    """The cell with every word a letter and every digit a nine."""
    return _FORM.sub(lambda part: "9" if part[0].isdigit() else "A", cell.strip())


def _person(row: Row, layout: Layout, forms: set[str]) -> int | None:
    """A hash of who stands in a row, or None where nobody does."""

    def cell(part: str) -> str:
        at = layout.columns.get(part)
        return row[at].strip() if at is not None and at < len(row) else ""

    parts = [part for part in NAME if part in layout.columns]
    name = sorted({word for part in parts for word in normal.words(cell(part))})
    # One column of a full name stands for both parts of it.
    whole = bool(parts) and all(cell(part) for part in parts) and len(name) > 1
    written = cell("birth_date"), cell("ssn"), cell("member_id")
    born = normal.single_date(written[0], layout.day_first)
    number = normal.ssn(written[1])
    identifier = normal.alphanumeric(written[2]) if _form(written[2]) in forms else ""
    fields = whole + bool(born) + bool(number) + bool(identifier)
    if fields < LEAST_FIELDS:
        return None
    who = " ".join([*name, born]) if whole and born else number or identifier or born
    return keys.token_hash(who.encode())
