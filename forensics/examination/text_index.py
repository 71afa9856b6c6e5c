"""The last pass of `index`: names and extracted text become searchable, inside the case and nowhere else."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import zstandard

from forensics.casefile.search_index import ROW_END, PieceText, SearchIndex, TextPart
from forensics.examination.images import image_paths
from forensics.examination.isolation import Isolation
from forensics.examination.open_case import OpenCase
from forensics.examination.places import scan_pieces
from forensics.examination.units import ScanPiece, piece_bytes
from forensics.extraction.tables import parse_row, row_starts
from forensics.jobs import pool
from forensics.jobs.events import Job
from forensics.model import Piece, Unit

PART = 16 << 10
"""Characters of one part. Smaller ones make the index larger (FTS5: 4 KiB +10 %), larger ones a hit slower to show."""

REPEATED = 256
"""Characters at the end of a part of running text that the next one begins with, for phrases across the cut."""

SECONDS = 300.0
COMMIT_EVERY_S = 1.0
COMMIT_BYTES = 16 << 20

CELL = "\x1f"
"""Between the cells of a row: no letter, so a phrase runs on from one cell to the next."""

_BREAK = re.compile(r"\s")
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), " ")
_IN_ROWS = {code: " " for code in (*_CONTROLS, ord(ROW_END)) if code != ord(CELL)}
"""Cells are without U+001F before they are joined by it: `str.split` takes it for white space."""


def fill_search(case: OpenCase, job: Job, workers: int) -> dict[str, int]:
    """Put every name and text that is not in the search index into it; goes on where it was interrupted."""
    index = SearchIndex(case.store.engine)
    while index.add_names():
        job.check()
    done, total = 0, index.pending_bytes()
    held: list[PieceText] = []
    size, since = 0, time.monotonic()
    images = {a.exhibit: image_paths(case, a) for a in case.store.acquisitions()}
    items, locks = scan_pieces(case, images, _pending(index), margin=0), Isolation().locks(images.values())
    running = pool.run(
        text_parts, items, workers=workers, seconds=SECONDS, check=job.check, locks=locks,
        share=lambda item: pool.of_bytes(item.piece.length),
    )  # fmt: skip
    with closing(running) as results:
        try:
            for result in results:
                item = result.item
                parts = tuple(result.value or ())
                reason = "" if result.value is not None else result.outcome.reason
                held.append(PieceText(item.unit, item.entry_id, parts, item.piece.table, reason))
                size += item.piece.length
                done += item.piece.length
                job.progress("index text", min(done, total), total)
                if size >= COMMIT_BYTES or time.monotonic() - since >= COMMIT_EVERY_S:
                    index.add(held)
                    held, size, since = [], 0, time.monotonic()
        finally:
            index.add(held)
    job.changed("search_part")
    return index.counts()


def _pending(index: SearchIndex) -> Iterator[tuple[int, int]]:
    after = 0
    while pending := index.pending(after):
        for after in pending:
            yield after, after


def text_parts(item: ScanPiece) -> list[TextPart]:
    """The text of a piece in parts, made by a worker: it may have to read it from the file system."""
    piece = item.piece
    data = piece.data if piece.data is not None else piece_bytes(item, piece.offset, piece.length)
    compress = zstandard.ZstdCompressor(level=3).compress
    return [
        TextPart(part.byte_offset, part.first, part.own, compress(part.text.encode("utf-8", "replace")))
        for part in (_of_rows(piece, data) if piece.table else _of_text(piece, data))
        if part.text.strip()
    ]


@dataclass(frozen=True, slots=True)
class _Plain:
    byte_offset: int
    first: int
    own: int
    text: str


def _of_rows(piece: Piece, data: bytes) -> Iterator[_Plain]:
    bounds = [*row_starts(data, piece.encoding).tolist(), len(data)]
    lines: list[str] = []
    size = begun = 0
    for at, (start, stop) in enumerate(pairwise(bounds)):
        cells = parse_row(data[start:stop], piece.encoding, piece.delimiter)
        lines.append(CELL.join([" ".join(cell.split()) for cell in cells]))
        size += len(lines[-1]) + 1
        if size >= PART or stop == len(data):
            yield _Plain(bounds[begun], piece.first + begun, size, "\n".join(lines).translate(_IN_ROWS))
            lines, size, begun = [], 0, at + 1


def _of_text(piece: Piece, data: bytes) -> Iterator[_Plain]:
    encoding = "utf-8" if piece.data is not None else piece.encoding
    text = data.decode(encoding, "replace").translate(_CONTROLS)
    # The last bytes of the piece belong to the next one.
    end = len(text) - (len(data[len(data) - piece.overlap :].decode(encoding, "ignore")) if piece.overlap else 0)
    numbered = piece.unit is not Unit.NONE
    start, offset, line = 0, 0, piece.first
    while start < end:
        stop = _cut(text, start, end, numbered)
        beyond = len(text) if stop >= end else min(len(text), stop + REPEATED)
        yield _Plain(offset, line if numbered else 0, stop - start, text[start : stop if numbered else beyond])
        offset += len(text[start:stop].encode(encoding, "replace"))
        line += text.count("\n", start, stop)
        start = stop


def _cut(text: str, start: int, end: int, by_line: bool) -> int:
    """Where the part that starts here ends: behind a line where places are lines, else at the next white space."""
    if start + PART >= end:
        return end
    if by_line:
        at = text.find("\n", start + PART, end)
        return end if at < 0 else at + 1
    found = _BREAK.search(text, start + PART, min(end, start + 2 * PART))
    return found.end() if found else min(end, start + 2 * PART)
