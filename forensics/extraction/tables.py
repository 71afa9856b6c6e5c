"""Delimited and plain text that stands in a file as it is: encodings, delimiters, rows, and where to cut.

Nothing is copied: pieces point into the content, so a hit keeps its byte offset on the exhibit. A row is counted as a
spreadsheet would: quoted line breaks do not end it (RFC 4180), blank lines count. Where the quoting of a piece is
broken, its rows are its lines. `row_starts` decides it from the bytes of the piece alone, so a later reader gets the
same rows.
"""

from __future__ import annotations

import codecs
import csv
import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from forensics.extraction.content import OVERLAP, PIECE_BYTES, Content
from forensics.model import Child, Piece, Unit

_Units = NDArray[np.uint8] | NDArray[np.uint16]

DELIMITERS = ",;\t|"
_NAMED_TABLES = (b".csv", b".tsv", b".tab", b".psv")
_SAMPLE_ROWS = 200
_QUOTED = re.compile(r'"(?:[^"]|"")*"')

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 26, 27}) + b"\x7f"
_EBCDIC_TEXT = bytes("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:-/'()|\n\x85".encode("cp037"))


def encoding_of(head: bytes, size: int | None = None) -> tuple[str, int] | None:
    """The encoding and the length of the byte order mark, or None where these bytes are not text.

    `head` is the start of a content of `size` bytes. The answer is utf-8, utf-16-le, utf-16-be, latin-1 or cp037.
    """
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding, len(mark)
    if not head:
        return None
    if b"\0" in head:
        return _utf_16_without_mark(head)
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls <= len(head) // 200:
        try:
            cut = size is not None and size > len(head)
            codecs.getincrementaldecoder("utf-8")().decode(head, final=not cut)
            return "utf-8", 0
        except UnicodeDecodeError:
            high = sum(byte >= 0x80 for byte in head[:4096])
            if high * 10 <= 3 * len(head[:4096]) and not _looks_ebcdic(head):
                return "latin-1", 0
    return ("cp037", 0) if _looks_ebcdic(head) else None


def _utf_16_without_mark(head: bytes) -> tuple[str, int] | None:
    even = head[: len(head) & ~1][:8192]
    pairs = np.frombuffer(even, np.uint8).reshape(-1, 2)
    if not len(pairs):
        return None
    zeros = (pairs == 0).mean(axis=0)
    # Western text has its zero bytes on one side; a code unit of zero is no text at all.
    for encoding, zero_side, full_side in (("utf-16-le", zeros[1], zeros[0]), ("utf-16-be", zeros[0], zeros[1])):
        if zero_side >= 0.6 and full_side <= 0.02:
            text = even.decode(encoding, "replace")
            odd = sum(not (c.isprintable() or c in "\t\r\n\f") for c in text)
            if odd <= len(text) // 100:
                return encoding, 0
    return None


def _looks_ebcdic(head: bytes) -> bool:
    sample = head[:8192]
    text = len(sample) - len(sample.translate(None, _EBCDIC_TEXT))
    return len(sample) >= 64 and text * 100 >= 95 * len(sample) and sample.count(0x40) * 100 >= 3 * len(sample)


@functools.lru_cache(2)
def delimiter_of(head: bytes, encoding: str, untrusted_name: bytes = b"") -> str:
    """The delimiter of the table that starts with `head`, empty where it reads like no table.

    Most sampled rows have to have the same number of delimiters, two rows at least. A name that says table
    (`.csv`, `.tsv`) is believed with less, and a single column under such a name is a table with commas.

    Kept for the next call: who tells the type asks first, and who reads the table once more.
    """
    ends = _row_ends(head, encoding, cut=True)
    bounds = [0, *map(int, ends[:_SAMPLE_ROWS])]
    if len(ends) < 2:
        bounds.append(len(head))
    named = untrusted_name.lower().endswith(_NAMED_TABLES)
    rows = [head[a:b].decode(encoding, "replace").strip("\r\n") for a, b in itertools.pairwise(bounds)]
    rows = [_QUOTED.sub("", row) if '"' in row else row for row in rows if row.strip()]
    together = "".join(rows)
    best, best_score = "", 0.0
    for delimiter in DELIMITERS:
        if delimiter not in together:
            continue
        counts = Counter([row.count(delimiter) for row in rows])
        counts.pop(0, None)
        if not counts:
            continue
        number, often = counts.most_common(1)[0]
        share = often / len(rows)
        # Prose has commas too, but seldom as many in one line as in the next.
        enough = 0.3 if named else 0.8 if number >= 2 or delimiter == "\t" else 0.95
        fewest = 1 if named else 2 if number >= 2 or delimiter == "\t" else 4
        if share >= enough and len(rows) >= fewest and (score := share + number / 1000) > best_score:
            best, best_score = delimiter, score
    return best or ("," if named and rows else "")


def row_starts(data: bytes, encoding: str) -> NDArray[np.int64]:
    """Byte offsets in `data` at which rows start: always 0 first, empty for no bytes.

    `data` begins at a row. An odd last byte of UTF-16 belongs to the last row.
    """
    if not data:
        return np.zeros(0, np.int64)
    ends = _row_ends(data, encoding)
    starts = np.concatenate([np.zeros(1, np.int64), ends])
    width = 2 if encoding.startswith("utf-16") else 1
    inside: NDArray[np.int64] = starts[starts <= max(0, len(data) - width)]
    return inside


def _units(data: bytes, encoding: str) -> tuple[_Units, int]:
    if encoding == "utf-16-le":
        return np.frombuffer(data, "<u2", len(data) // 2), 2
    if encoding == "utf-16-be":
        return np.frombuffer(data, ">u2", len(data) // 2), 2
    return np.frombuffer(data, np.uint8), 1


def _row_ends(data: bytes, encoding: str, *, cut: bool = False) -> NDArray[np.int64]:
    """Offsets just past each row's line break. `cut`: more bytes follow `data`."""
    units, width = _units(data, encoding)
    line_feed, carriage_return, quote = (0x25, 0x0D, 0x7F) if encoding == "cp037" else (0x0A, 0x0D, 0x22)
    breaks = np.flatnonzero(units == line_feed)
    if encoding == "cp037" and not len(breaks):
        breaks = np.flatnonzero(units == 0x15)
    if not len(breaks):
        # Only old Macintosh files end their lines with a carriage return alone.
        breaks = np.flatnonzero(units == carriage_return)
    quotes = np.flatnonzero(units == quote)
    if len(quotes) and len(breaks):
        outer = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
        # Quotes behind the last row's end belong to the next piece and are judged there.
        judged = quotes[: np.searchsorted(quotes, outer[-1])] if cut and len(outer) else quotes
        if (len(outer) or not cut) and len(judged) % 2 == 0 and _well_quoted(units, judged, quote):
            breaks = outer
    ends: NDArray[np.int64] = (breaks + 1) * width
    return ends


_BEFORE_QUOTE = np.array([0x0A, 0x0D, *map(ord, DELIMITERS)])


def _well_quoted(units: _Units, quotes: NDArray[np.int64], quote: int) -> bool:
    """Whether every quote that opens stands at the start of a field, and every one that closes at the end of one."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = units[opening[opening > 0] - 1]
    after = units[closing[closing < len(units) - 1] + 1]
    allowed = np.append(_BEFORE_QUOTE, quote)
    return bool(np.isin(before, allowed).all() and np.isin(after, allowed).all())


def parse_row(row: bytes, encoding: str, delimiter: str) -> list[str]:
    """The cells of one row as text, quotes removed. Never raises: a row that is no CSV is split as it stands."""
    text = row.decode(encoding, "replace").rstrip("\r\n\x85")
    if not delimiter:
        return [text]
    if '"' in text:
        try:
            cells = next(csv.reader([text], delimiter=delimiter), [])
            return cells or [""]
        except csv.Error:
            pass
    return text.split(delimiter)


def extract(content: Content) -> Iterator[Piece | Child]:
    """Pieces of a text as it stands: rows where it is a table, otherwise overlapping ranges of bytes."""
    found = encoding_of(content.head, content.size)
    if found is None:
        return
    encoding, start = found
    delimiter = delimiter_of(content.head[start:], encoding, content.untrusted_name) if content.type == "csv" else ""
    if delimiter:
        yield from _table_pieces(content, start, encoding, delimiter)
    else:
        yield from _text_pieces(content, start, encoding)


def _table_pieces(content: Content, start: int, encoding: str, delimiter: str) -> Iterator[Piece]:
    first = 1
    while start < content.size:
        data = content.readable.read_at(start, PIECE_BYTES + OVERLAP)
        if not data:
            return
        overlap = 0
        if last := start + len(data) >= content.size:
            length = len(data)
        else:
            window = data[:PIECE_BYTES]
            ends = _row_ends(window, encoding, cut=True)
            length = int(ends[-1]) if len(ends) else 0
        rows = len(row_starts(data[:length], encoding))
        if not length:
            # One row longer than a piece: both parts are of the same row, and share bytes for what crosses the cut.
            length, rows = _character_border(data, len(data), encoding), 0
            overlap = length - _character_border(data, PIECE_BYTES, encoding)
        yield Piece(
            (), Unit.ROW, True, first, start, length, _honest(data[:length], encoding), delimiter, overlap=overlap
        )
        if last:
            return
        first += rows
        start += length - overlap


def _text_pieces(content: Content, start: int, encoding: str) -> Iterator[Piece]:
    while start < content.size:
        data = content.readable.read_at(start, PIECE_BYTES + OVERLAP)
        if not data:
            return
        if start + len(data) >= content.size:
            yield Piece((), Unit.NONE, False, 1, start, len(data), _honest(data, encoding), "")
            return
        cut = _character_border(data, PIECE_BYTES, encoding)
        length = _character_border(data, len(data), encoding)
        yield Piece((), Unit.NONE, False, 1, start, length, _honest(data[:length], encoding), "", overlap=length - cut)
        start += cut


def _character_border(data: bytes, cut: int, encoding: str) -> int:
    """`cut`, or up to three bytes less, so that no UTF-8 sequence is torn. Piece sizes are even, so UTF-16 is whole."""
    if encoding == "utf-8":
        for back in range(4):
            before = data[cut - back - 1 : cut - back]
            if not before or before[0] < 0x80:
                return cut
            if before[0] >= 0xC0:
                # A lead byte: keep it only with all its followers.
                length = 2 if before[0] < 0xE0 else 3 if before[0] < 0xF0 else 4
                return cut if back + 1 >= length else cut - back - 1
    return cut


def _honest(data: bytes, encoding: str) -> str:
    """UTF-8 was judged by the head of the file; a part further on that is not UTF-8 is read as Latin-1."""
    if encoding == "utf-8":
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return "latin-1"
    return encoding
