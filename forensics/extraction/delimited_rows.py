"""A piece of a delimited table as rows whose columns can be read at once, whatever quotes stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forensics.extraction.tables import parse_row
from forensics.rows import Column, Rows

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

_QUOTE, _LINE_FEED, _CARRIAGE_RETURN, _NEXT_LINE = 0x22, 0x0A, 0x0D, 0x85

LONGEST_QUOTED = 100_000
"""Bytes of a row with quotes beyond which it is read by `csv`, which has a limit of its own for a cell (131,072)."""

_CP037 = np.frombuffer(bytes(range(256)).decode("cp037").encode("latin-1"), np.uint8)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Where the rows of a text begin and end, without their line breaks, and where delimiters stand between cells."""

    text: Bytes
    begin: Ints
    end: Ints
    delimiters: Ints
    first: Ints
    """For each row the place of its first delimiter among all, and how many it has."""
    count: Ints
    quoted: bool
    odd: NDArray[np.bool_]
    """Rows that only reading as a whole tells: quotes inside of cells, line breaks that end nothing."""


class DelimitedRows(Rows):
    """The rows that begin at `starts` (as `tables.row_starts` gives them) in `data`; their cells are `parse_row`'s."""

    def __init__(self, data: bytes, starts: Ints, encoding: str, delimiter: str) -> None:
        self._data, self._starts, self._encoding, self._delimiter = data, starts, encoding, delimiter
        self._bounds = [*starts.tolist(), len(data)]
        self._read: dict[int, list[str]] = {}
        self._columns: dict[int, Column] = {}

    def __len__(self) -> int:
        return len(self._starts)

    def bounds(self, number: int) -> tuple[int, int]:
        """Between which bytes a row stands, with its line break."""
        return self._bounds[number], self._bounds[number + 1]

    def row(self, number: int) -> list[str]:
        row = self._read.get(number)
        if row is None:
            begin, end = self.bounds(number)
            row = self._read[number] = parse_row(self._data[begin:end], self._encoding, self._delimiter)
        return row

    def column(self, number: int) -> Column:
        column = self._columns.get(number)
        if column is None:
            column = self._columns[number] = self._column(number)
        return column

    def _column(self, number: int) -> Column:
        cells = self._cells
        if cells is None:
            return super().column(number)
        have = np.flatnonzero((cells.count >= number) & ~cells.odd)
        begin, end = _cell(cells, have, number)
        values = _taken(cells.text, begin, end).dictionary_encode()
        different = _decoded(values.dictionary, self._one_byte)
        code = np.full(len(self), -1, np.int32)
        code[have] = values.indices
        odd = np.flatnonzero(cells.odd).tolist()
        known = {cell: place for place, cell in enumerate(different)} if odd else {}
        for row in odd:
            for cell in self.row(row)[number : number + 1]:
                if cell not in known:
                    known[cell] = len(different)
                    different.append(cell)
                code[row] = known[cell]
        return Column(different, code)

    def filled(self) -> NDArray[np.bool_]:
        return self._filled.copy()

    @cached_property
    def _filled(self) -> NDArray[np.bool_]:
        cells = self._cells
        if cells is None:
            return super().filled()
        shows = np.zeros(256, bool)
        shows[0x21:0x7F] = True
        shows[[_QUOTE, *self._delimiter.encode()]] = False
        filled: NDArray[np.bool_] = np.logical_or.reduceat(shows[cells.text], cells.begin)
        for number in np.flatnonzero(~filled).tolist():
            filled[number] = any(cell.strip() for cell in self.row(number))
        return filled

    @property
    def _one_byte(self) -> str:
        """The encoding of `_cells.text`, of one byte for every character that tells cells and rows apart."""
        return "utf-8" if self._encoding == "utf-8" else "latin-1"

    @cached_property
    def _cells(self) -> _Cells | None:
        """None where a character may be something else than one byte, and where there are no rows."""
        read = _as_bytes(self._data, self._starts, self._encoding) if len(self) else None
        return None if read is None else _cells(*read, self._delimiter, self._encoding != "utf-8")


def _decoded(cells: pa.BinaryArray, encoding: str) -> list[str]:
    try:
        # What is ASCII reads alike in all encodings of one byte.
        if encoding == "utf-8" or pc.all(pc.string_is_ascii(cells.cast(pa.string()))).as_py() is not False:
            return cells.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]
    except pa.ArrowInvalid:
        pass
    return [cell.decode(encoding, "replace") for cell in cells.to_pylist()]


def _as_bytes(data: bytes, starts: Ints, encoding: str) -> tuple[Bytes, Ints] | None:
    """Text with one byte for every delimiter, quote and line break, and where its rows start."""
    if encoding in ("utf-8", "latin-1"):
        return np.frombuffer(data, np.uint8), starts
    if encoding == "cp037":
        return _CP037[np.frombuffer(data, np.uint8)], starts
    if encoding in ("utf-16-le", "utf-16-be") and len(data) % 2 == 0:
        units = np.frombuffer(data, "<u2" if encoding == "utf-16-le" else ">u2")
        if not (units > 0xFF).any():
            return units.astype(np.uint8), starts // 2
    return None


def _cells(text: Bytes, begin: Ints, delimiter: str, latin: bool) -> _Cells:
    breaks = np.zeros(256, bool)
    breaks[[_LINE_FEED, _CARRIAGE_RETURN]] = True
    breaks[_NEXT_LINE] = latin
    end = np.append(begin[1:], len(text))
    for _ in range(3):
        end = end - ((end > begin) & breaks[text[np.maximum(end - 1, 0)]])
    # U+0085 is a line break too, and in UTF-8 has this byte for its last.
    breaks[_NEXT_LINE] = True
    odd = (end > begin) & breaks[text[np.maximum(end - 1, 0)]]
    delimiters = np.flatnonzero(text == ord(delimiter)) if delimiter else np.zeros(0, np.int64)
    quotes = np.flatnonzero(text == _QUOTE) if delimiter else np.zeros(0, np.int64)
    if len(quotes):
        delimiters = _outside_of_quotes(text, begin, end, delimiters, quotes, odd)
    first = np.searchsorted(delimiters, begin)
    count = np.searchsorted(delimiters, end) - first
    return _Cells(text, begin, end, delimiters, first, count, bool(len(quotes)), odd)


def _outside_of_quotes(
    text: Bytes, begin: Ints, end: Ints, delimiters: Ints, quotes: Ints, odd: NDArray[np.bool_]
) -> Ints:
    """The delimiters that stand outside of quotes. Rows in which a quote is no border of a cell are marked in `odd`."""
    before = np.searchsorted(quotes, begin)
    held = np.searchsorted(quotes, end) - before
    breaks = np.flatnonzero((text == _LINE_FEED) | (text == _CARRIAGE_RETURN))
    broken = np.searchsorted(breaks, end) > np.searchsorted(breaks, begin)
    odd |= (held > 0) & ((held % 2 == 1) | broken | (end - begin > LONGEST_QUOTED))
    row = np.searchsorted(begin, delimiters, side="right") - 1
    outside: Ints = delimiters[(np.searchsorted(quotes, delimiters) - before[row]) % 2 == 0]
    row = np.searchsorted(begin, quotes, side="right") - 1
    opens = (np.arange(len(quotes)) - before[row]) % 2 == 0
    is_delimiter = np.zeros(len(text) + 2, bool)
    is_delimiter[outside + 1] = True
    fits = np.where(
        opens, (quotes == begin[row]) | is_delimiter[quotes], (quotes + 1 >= end[row]) | is_delimiter[quotes + 2]
    )
    odd[row[~fits]] = True
    return outside


def _cell(cells: _Cells, rows: Ints, number: int) -> tuple[Ints, Ints]:
    """Begin and end of this cell, without its quotes, in these rows."""
    begin, end = cells.begin[rows], cells.end[rows]
    first = cells.first[rows] + number
    if number:
        begin = cells.delimiters[first - 1] + 1
    inner = np.flatnonzero(cells.count[rows] > number)
    end[inner] = cells.delimiters[first[inner]]
    if cells.quoted:
        quoted = (end - begin > 1) & (cells.text[np.minimum(begin, len(cells.text) - 1)] == _QUOTE)
        begin, end = begin + quoted, end - quoted
    return begin, end


def _taken(text: Bytes, begin: Ints, end: Ints) -> pa.BinaryArray:
    """These stretches of the text, one after the other."""
    length = end - begin
    offsets = np.zeros(len(length) + 1, np.int64)
    np.cumsum(length, out=offsets[1:])
    at = np.repeat(begin - offsets[:-1], length) + np.arange(offsets[-1])
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(text[at]))]
    return pa.Array.from_buffers(pa.binary(), len(length), buffers)
