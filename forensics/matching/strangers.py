"""Rows of a table that shows records, which look like persons too and are no record's: former members, other people.

What a person looks like there is learnt from the rows that show records: which column holds what. A row is a person if
its name and numbers have the form that they have in those rows; a header or a total line has not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from forensics import keys
from forensics.matching import normal
from forensics.matching.agreement import DECIDING
from forensics.matching.fingerprint_file import FingerprintIndex
from forensics.matching.index import RecordIndex
from forensics.matching.layout import NAME, Layout, learn
from forensics.matching.tables import NO_DAY, FoundRow, Reading, days_in
from forensics.matching.unlinked import LEAST_ROWS
from forensics.rows import Row, Rows

SAMPLE = 200
"""Rows that show a record by two fields, spread over the piece, from which the columns are learnt."""

LEAST_FIELDS = 2
"""Of name, birth date, SSN and member id, how many a row must have to be a person."""

_FORM = re.compile(r"[^\W\d_]+|\d")


def unmatched_rows(
    table: Reading, found: Sequence[FoundRow], index: RecordIndex
) -> tuple[NDArray[np.int64], NDArray[np.uint64]] | None:
    """Number (from 0, within the rows given) and a hash of the person in each row that is in no record.

    Rows with one hash show one person: by name and birth date, else by SSN or id. None where too few rows show a
    record for the columns to be known, or where the records are only fingerprints.
    """
    rows = table.rows
    clear = [one for one in found if len(one.agree & DECIDING) > 1 and not one.conflict]
    if len(clear) < LEAST_ROWS or isinstance(index, FingerprintIndex):
        return None
    left = rows.filled()
    left[[one.row for one in found]] = False
    if not left.any():
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    sampled = clear[:: max(1, len(clear) // SAMPLE)]
    layout = learn(rows, [(one.row, index.person(one.record), one.elements) for one in sampled], table.day_first)
    if layout is None:
        return None
    column = layout.columns.get("member_id")
    forms = {_form(rows[one.row][column]) for one in sampled if column is not None and column < len(rows[one.row])}
    return _Persons(layout, forms).in_rows(rows, np.flatnonzero(left))


_ASCII_FORM = {code: "9" if chr(code).isdigit() else "A" for code in range(128) if chr(code).isalnum()}
_LETTERS = re.compile("AA+")


@lru_cache(maxsize=1 << 12)
def _form(cell: str) -> str:
    """The cell with every word a letter and every digit a nine."""
    cell = cell.strip()
    if cell.isascii():
        return _LETTERS.sub("A", cell.translate(_ASCII_FORM))
    return _FORM.sub(lambda part: "9" if part[0].isdigit() else "A", cell)


MOST_WORDS = 4
"""Different words of a cell with a name beyond which its row is read alone."""


class _Names:
    """The names of all rows: the sum over the different words of a hash of each, which is the name in any order."""

    def __init__(self, rows: Rows, columns: Sequence[int]) -> None:
        count = len(rows)
        self.hash, self.words = np.zeros(count, np.uint64), np.zeros(count, np.int64)
        self.whole, self.long = np.ones(count, bool), np.zeros(count, bool)
        held = [self._add(rows, column) for column in columns]
        for one, other in combinations(held, 2):
            self._count_once(one, other)

    def _add(self, rows: Rows, number: int) -> NDArray[np.uint64]:
        """Adds the words of a column, and gives their hashes: an array of `MOST_WORDS` a row, 0 where there is none."""
        column = rows.column(number)
        words = [sorted(set(normal.words(cell))) for cell in column.cells]
        hashes = np.zeros((len(words) + 1, MOST_WORDS), np.uint64)
        for place, here in enumerate(words):
            for at, word in enumerate(here[:MOST_WORDS]):
                hashes[place, at] = _word(word)
        counts = np.array([*map(len, words), 0], np.int64)[column.code]
        self.whole &= np.array([*(bool(cell.strip()) for cell in column.cells), False], bool)[column.code]
        self.long |= counts > MOST_WORDS
        self.words += counts
        self.hash += hashes.sum(1, dtype=np.uint64)[column.code]
        return hashes[column.code]

    def _count_once(self, one: NDArray[np.uint64], other: NDArray[np.uint64]) -> None:
        """A word that stands in both columns counts once."""
        for mine in one.T:
            if not mine.any():
                break
            for theirs in other.T:
                same = (mine == theirs) & (mine != 0)
                self.hash[same] -= mine[same]
                self.words[same] -= 1


@lru_cache(maxsize=1 << 16)
def _word(word: str) -> int:
    return int(keys.mix(np.array([keys.token_hash(word.encode("utf-8", "replace"))], np.uint64))[0])


class _Persons:
    """Tells who stands in a row of a table with this layout; an id counts in the forms that it has beside records."""

    def __init__(self, layout: Layout, forms: set[str]) -> None:
        self._columns, self._forms, self._day_first = layout.columns, forms, layout.day_first
        self._names = list(dict.fromkeys(layout.columns[part] for part in NAME if part in layout.columns))

    def in_rows(self, rows: Rows, left: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Those of the rows `left` in which somebody stands, and a hash of who it is."""
        hashes, known = np.zeros(len(rows), np.uint64), np.zeros(len(rows), bool)
        born = self._columns.get("birth_date")
        if self._names and born is not None:
            names, day = _Names(rows, self._names), days_in(rows, born, self._day_first)
            known = names.whole & (names.words > 1) & ~names.long & (day != NO_DAY)
            hashes[known] = keys.mix(names.hash[known] ^ keys.date_part(day[known]))
        told = known.copy()
        for number in left[~known[left]].tolist():
            who = self._alone(rows[number])
            told[number] = who is not None
            hashes[number] = who or 0
        left = left[told[left]]
        return left, hashes[left]

    def _alone(self, row: Row) -> int | None:
        """Who stands in a row that has no whole name with a birth date, or too long a name; None where nobody does."""
        name = {word for cell in self._name_cells(row) for word in normal.words(cell)}
        # One column of a full name stands for both parts of it.
        whole = len(name) > 1 and all(cell.strip() for cell in self._name_cells(row))
        born = normal.single_date(self._cell(row, "birth_date"), self._day_first)
        number = normal.ssn(self._cell(row, "ssn"))
        written = self._cell(row, "member_id")
        identifier = normal.alphanumeric(written) if written and _form(written) in self._forms else ""
        if whole + bool(born) + bool(number) + bool(identifier) < LEAST_FIELDS:
            return None
        if whole and born:
            total = np.array([_word(word) for word in name], np.uint64).sum(dtype=np.uint64)
            day = np.array([born], "datetime64[D]").astype(np.int64)
            return int(keys.mix(total ^ keys.date_part(day))[0])
        who = number or identifier or born
        return int.from_bytes(hashlib.blake2b(who.encode("utf-8", "replace"), digest_size=8).digest(), "little")

    def _name_cells(self, row: Row) -> list[str]:
        return [row[at] if at < len(row) else "" for at in self._names]

    def _cell(self, row: Row, part: str) -> str:
        at = self._columns.get(part)
        return row[at].strip() if at is not None and at < len(row) else ""
