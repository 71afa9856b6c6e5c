"""Rows of a table that shows records, which look like persons too and are no record's: former members, other people.

What a person looks like there is learnt from the rows that show records: which column holds what. A row is a person if
its name and numbers have the form that they have in those rows; a header or a total line has not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

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
    who_in = _Rows(layout, forms).person
    told = ((number, who_in(rows[number])) for number in left)
    return tuple((number, who) for number, who in told if who is not None)


_ASCII_FORM = {code: "9" if chr(code).isdigit() else "A" for code in range(128) if chr(code).isalnum()}
_LETTERS = re.compile("AA+")


@lru_cache(maxsize=1 << 12)
def _form(cell: str) -> str:
    """The cell with every word a letter and every digit a nine."""
    cell = cell.strip()
    if cell.isascii():
        return _LETTERS.sub("A", cell.translate(_ASCII_FORM))
    return _FORM.sub(lambda part: "9" if part[0].isdigit() else "A", cell)


@lru_cache(maxsize=1 << 16)
def _name_words(cell: str) -> tuple[str, ...]:
    return tuple(normal.words(cell))


class _Rows:
    """Tells who stands in a row of a table with this layout; an id counts in the forms that it has beside records."""

    def __init__(self, layout: Layout, forms: set[str]) -> None:
        self._columns, self._forms, self._day_first = layout.columns, forms, layout.day_first
        self._names = [layout.columns[part] for part in NAME if part in layout.columns]

    def person(self, row: Row) -> int | None:
        """A hash of who stands in a row, or None where nobody does."""
        width = len(row)
        names = [row[at] if at < width else "" for at in self._names]
        name = sorted({word for cell in names for word in _name_words(cell)})
        # One column of a full name stands for both parts of it.
        whole = len(name) > 1 and all(cell.strip() for cell in names)
        born = normal.single_date(self._cell(row, "birth_date"), self._day_first)
        number = normal.ssn(self._cell(row, "ssn"))
        written = self._cell(row, "member_id")
        identifier = normal.alphanumeric(written) if written and _form(written) in self._forms else ""
        if whole + bool(born) + bool(number) + bool(identifier) < LEAST_FIELDS:
            return None
        who = " ".join([*name, born]) if whole and born else number or identifier or born
        return int.from_bytes(hashlib.blake2b(who.encode("utf-8", "replace"), digest_size=8).digest(), "little")

    def _cell(self, row: Row, part: str) -> str:
        at = self._columns.get(part)
        return row[at].strip() if at is not None and at < len(row) else ""
