"""Spreadsheets as tables: every sheet, hidden ones too, with the row numbers that Excel shows."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np
import python_calamine

from forensics.extraction import binary_office, office
from forensics.extraction.content import BytesReadable, Content, Damaged, Found, NotExamined, one_line, pieces_of
from forensics.extraction.locked import LOCKED, decrypted
from forensics.model import Piece, Readable, Unit

_WHOLE_NUMBER_LIMIT = 1e21
"""Above it a float has more digits than any identifier, and Excel itself shows an exponent."""


def extract(content: Content) -> Iterator[Found]:
    """Each sheet of an XLSX, XLSM, XLSB, XLS or ODS file as a table of one line a row; then what else it packs.

    Row n of the stream is row n of the sheet, empty rows counted; the first cell is column A. A sheet that cannot be
    read does not stop the others: the outcome says so at the end.
    """
    data = content.whole()
    readable = BytesReadable(data)
    zipped = content.type != "xls"
    if zipped:
        office.refuse_bombs(readable)
    elif binary_office.workbook_is_locked(data):
        yield from decrypted(content, data)
        return
    with ThreadPoolExecutor(1) as beside:
        # Both this and the parser of the sheets leave Python alone while they unpack.
        notes = beside.submit(_notes, content.type, readable)
        try:
            workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        except python_calamine.PasswordError:
            raise NotExamined(LOCKED) from None
        damage = ""
        for name in workbook.sheet_names:
            try:
                sheet = workbook.get_sheet_by_name(name)
                yield from pieces_of(_rows(sheet), (name,), Unit.ROW, table=True)
                del sheet
            except (python_calamine.CalamineError, ValueError) as error:
                damage = f"a sheet could not be parsed ({type(error).__name__})"
        yield from notes.result()
    if zipped:
        yield from office.packed(readable)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        yield from binary_office.notes_of_workbook(data)
    if damage:
        raise Damaged(damage)


def _notes(kind: str, readable: Readable) -> list[Piece]:
    return [] if kind in ("xls", "ods") else list(office.notes_of_workbook(readable))


_TOGETHER = 128
"""Rows that are written down together: cell by cell takes three times as long over a million rows."""

_FIRST_SHOWN = 0x20
"""TAB and most line breaks are below; those of `_BREAKS_BEYOND` are not ASCII."""

_BREAKS_BEYOND = ("\x85", "\u2028", "\u2029")


def _rows(sheet: Any) -> Iterator[tuple[bytes, int]]:
    """Some rows at a time as lines of UTF-8, and how many. Cells that are empty at the end of a row are left out."""
    margin = "\t" * sheet.start[1] if sheet.start else ""
    rows = sheet.iter_rows()
    mixed: set[int] = set()
    while some := list(islice(rows, _TOGETHER)):
        text, encoded, ragged = _lines(some, mixed)
        if margin or ragged:
            filled = [line.rstrip("\t") for line in text[:-1].split("\n")]
            encoded = _encoded("\n".join([margin + line if line else "" for line in filled]) + "\n")
        yield encoded, len(some)


def _lines(some: list[list[Any]], mixed: set[int]) -> tuple[str, bytes, bool]:
    """These rows as lines, the same in UTF-8, and whether a line may end in empty cells.

    `mixed`: columns seen so far that hold more than text; it grows.
    Most columns are text without any break, which one look at all of the text tells.
    """
    width = len(some[0])
    if 2 * len(mixed) < width:
        for number in mixed:
            for row, cell in zip(some, _column(tuple([row[number] for row in some])), strict=True):
                row[number] = cell
        try:
            text = "\n".join(map("\t".join, some)) + "\n"
        except TypeError:
            mixed.update(number for number, cells in enumerate(zip(*some, strict=True)) if {*map(type, cells)} != {str})
        else:
            encoded = _encoded(text)
            below = np.count_nonzero(np.frombuffer(encoded, np.uint8) < _FIRST_SHOWN)
            if below == len(some) * width and (text.isascii() or not any(map(text.__contains__, _BREAKS_BEYOND))):
                return text, encoded, "" in [row[-1] for row in some]
    columns = map(_column, zip(*some, strict=True))
    text = "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"
    return text, _encoded(text), "\t\n" in text


def _encoded(text: str) -> bytes:
    """Lone surrogates come out of damaged UTF-16; they have no UTF-8."""
    return text.encode("utf-8", "replace")


def _column(cells: tuple[Any, ...]) -> Iterable[str]:
    kinds = set(map(type, cells))
    if kinds == {str}:
        return cells if "".join(cells).isprintable() else map(one_line, cells)
    if kinds == {float} and (plain := _plain_numbers(cells)):
        return plain
    return map(_text, cells)


def _plain_numbers(cells: Sequence[float]) -> list[str]:
    """What `_text` says of each, if none is so large or small that its text has an exponent; else nothing."""
    text = repr([*cells])[1:-1] + ", "
    if "e" in text or "n" in text or "-0.0, " in text:  # an exponent, infinite, no number, a zero with a sign
        return []
    return text.replace(".0, ", ", ")[:-2].split(", ")


def _text(cell: Any) -> str:
    """A cell as its reader would write it down: ISO dates, whole numbers without a fraction."""
    if type(cell) is str:
        return one_line(cell)
    if type(cell) is float:
        text = repr(cell)
        if text.endswith(".0") and cell:
            return text[:-2]
        return str(int(cell)) if cell.is_integer() and abs(cell) < _WHOLE_NUMBER_LIMIT else text
    if type(cell) is bool:
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time()
        return cell.date().isoformat() if midnight else cell.isoformat(" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return "" if cell is None else one_line(str(cell))
