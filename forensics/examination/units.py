"""The work of one worker: read, hash, extract or scan in one process, so that bytes need not travel.

Everything here runs in an isolated worker of `jobs.pool`, on hostile bytes. A worker gets paths of image segments,
numbers and, for what came out of containers, the bytes themselves; never the key of the case.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forensics import hashing
from forensics.casefile.stored import ExaminedChild, ExaminedEntry, Seen
from forensics.detection.scan import KINDS, MARGIN, Asked, Hits, scan, scan_for
from forensics.evidence.content import open_content
from forensics.examination.listing import held_image as _image
from forensics.extraction.content import OVERLAP, PIECE_BYTES, BytesReadable
from forensics.extraction.delimited_rows import DelimitedRows
from forensics.extraction.extract import PACKED, extract, recognise
from forensics.extraction.recognition import Recogniser
from forensics.extraction.tables import row_starts
from forensics.matching import chance
from forensics.matching.chance import Decoys
from forensics.matching.index import RecordIndex
from forensics.matching.strangers import unmatched_rows
from forensics.matching.tables import FoundRow, Reading, chance_in, evidence_in
from forensics.matching.windows import LETTER_ROAD, Found, find_in_text, of_one_person, without_explained
from forensics.model import (
    EMPTY,
    OK,
    EntryStatus,
    FileEntry,
    Kind,
    Layer,
    Outcome,
    OutcomeKind,
    Piece,
    Readable,
    Unit,
    Volume,
    failed,
    not_examined,
)

_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class ExamineEntry:
    """One content to hash and extract: in the image, or as `data` where it came out of a container."""

    id: int
    entry: FileEntry
    segments: tuple[Path, ...]
    volume: Volume | None
    data: bytes | None
    may_have_children: bool


@dataclass(frozen=True, slots=True)
class ScanRange:
    """The addresses from `start` to `stop`, of the device or of `layer`; those in `elsewhere` (start, stop) are matched
    by pieces."""

    unit: int
    exhibit: str
    segments: tuple[Path, ...]
    start: int
    stop: int
    elsewhere: tuple[tuple[int, int], ...]
    layer: Layer | None = None


@dataclass(frozen=True, slots=True)
class ScanPiece:
    """One piece; `piece.data` is set, or its bytes are in the image, or came along in `data` from `data_offset` on."""

    unit: int
    entry_id: int
    entry: FileEntry
    piece: Piece
    segments: tuple[Path, ...]
    volume: Volume | None
    data: bytes | None
    data_offset: int


@dataclass(frozen=True, slots=True)
class Located:
    """One record at one place of a content or a range: `number` is the row or line, else the offset counts."""

    record: int
    number: int | None
    offset: int
    length: int
    elements: frozenset[str]
    agree: frozenset[str]
    conflict: frozenset[str]
    road: str
    why: str = ""
    wide: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Compared:
    """What one share of the work found: the evidence, the decoys' hits (`chance.code`), each once, and what else."""

    located: list[Located]
    decoys: tuple[int, ...]
    seen: Seen
    damaged: int = 0
    """Bytes of the range that were not compared, because the image does not match its own checksums there."""


TOO_DEEP = "nested deeper than 16 containers"
IMPOSSIBLE = not_examined("its size is more than the drive holds; the raw scan reads what was written of it")
NTFS_PACKS = 16
"""Clusters that NTFS packs into one at best: the unit of its compression (Linux fs/ntfs/layout.h)."""

DAMAGED_IMAGE = failed("the image does not match its checksums here; the rest of the range was compared")
OVERWRITTEN = Outcome(OutcomeKind.EMPTY, "no longer whole; the raw scan reads the space it had")

_index: RecordIndex | None = None
_passwords: tuple[str, ...] = ()
_recogniser: Recogniser | None = None


# ------------------------------------------------------------------------------------------------------------- index


def take_aids(passwords: tuple[str, ...], recogniser: Recogniser | None = None) -> None:
    """Keep the examiner's list of passwords, and what reads text off pictures, for the life of this worker."""
    global _passwords, _recogniser
    _passwords, _recogniser = passwords, recogniser


def examine_entry(item: ExamineEntry) -> ExaminedEntry:
    """Hashes, type, pieces and children of one content."""
    if _impossible(item):
        return ExaminedEntry(item.id, "unknown", {}, IMPOSSIBLE)
    content = _content(item)
    try:
        hashes = _hash(content)
    except OSError:
        if item.entry.status is EntryStatus.DELETED_UNCERTAIN:
            return ExaminedEntry(item.id, "unknown", {}, OVERWRITTEN)
        return ExaminedEntry(item.id, "unreadable", {}, failed("its content could not be read"))
    if not content.size:
        return ExaminedEntry(item.id, "empty", hashes, EMPTY)
    names = item.entry.locator.inner or item.entry.locator.path
    found = extract(content, names[-1] if names else b"", _passwords)
    pieces, outcome = found.pieces, found.outcome
    children = tuple(
        ExaminedChild(child.untrusted_name, child.data, None if child.outcome == OK else child.outcome)
        for child in found.children
    )
    if children and not item.may_have_children:
        children, outcome = (), failed(TOO_DEEP)
    if item.data is not None and found.type not in PACKED and all(piece.data is not None for piece in pieces):
        # The image shows these bytes only compressed, so the raw scan has to read them here.
        pieces += _raw_pieces(len(item.data))
    return ExaminedEntry(item.id, found.type, hashes, outcome, pieces, children, found.notes)


def recognise_entry(item: ExamineEntry) -> ExaminedEntry:
    """The text on one picture or scan that was examined before: only what that did not tell already."""
    if _recogniser is None:
        raise ValueError("the worker was not given what reads pictures")
    names = item.entry.locator.inner or item.entry.locator.path
    found = recognise(_content(item), names[-1] if names else b"", _passwords, _recogniser)
    return ExaminedEntry(item.id, found.type, {}, found.outcome, found.pieces, (), found.notes)


def _impossible(item: ExamineEntry) -> bool:
    """Whether an entry of the image claims more bytes than the drive could hold, packed as tightly as NTFS can.

    A sparse file may: its holes would be hashed for days, and what was written of it is read by the raw scan.
    """
    if item.data is not None:
        return False
    most = _image(item.segments).size
    return item.entry.size > (most if item.entry.runs else most * NTFS_PACKS)


def _content(item: ExamineEntry) -> Readable:
    if item.data is not None:
        return BytesReadable(item.data)
    if item.volume is None:
        raise ValueError("an entry of the image needs its volume")
    return open_content(_image(item.segments, item.volume.layer), item.volume, item.entry)


def _hash(content: Readable) -> dict[str, str]:
    digests = hashing.Digests()
    offset = 0
    while offset < content.size:
        block = content.read_at(offset, _READ)
        if not block:
            raise OSError("the content ends before its size")
        digests.update(block)
        offset += len(block)
    return digests.hexdigests()


def _raw_pieces(size: int) -> tuple[Piece, ...]:
    return tuple(
        Piece(
            (), Unit.NONE, False, 1, at, min(PIECE_BYTES + OVERLAP, size - at), "binary", "",
            overlap=max(0, min(OVERLAP, size - at - PIECE_BYTES)),
        )
        for at in range(0, size, PIECE_BYTES)
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- match


def take_index(index: RecordIndex) -> None:
    """Keep the records' index for the life of this worker."""
    global _index
    _index = index
    # Rows by the hundred thousand and no cycles among them: the collector would only walk them again and again.
    gc.disable()


def scan_unit(item: ScanRange | ScanPiece) -> Compared:
    """The evidence in one share of the work, and what chance finds in what the evidence does not explain."""
    if _index is None:
        raise ValueError("the worker was not given the records")
    if isinstance(item, ScanRange):
        low, data, damaged = range_data(item)
        return replace(compare_range(item, low, data, _index), damaged=damaged)
    return compare_piece(item.piece, *piece_data(item), _index)


def range_data(item: ScanRange) -> tuple[int, bytes, int]:
    """The device offset at which the bytes of a range and its context begin, these bytes, and for how many of them
    zeros stand because the image is damaged there."""
    image = _image(item.segments, item.layer)
    low = max(item.layer.base if item.layer else 0, item.start - MARGIN)
    found, damaged = image.read_around(low, min(image.end(low), item.stop + MARGIN) - low)
    if not item.elsewhere:
        return low, found, damaged
    data = bytearray(found)
    for start, stop in item.elsewhere:
        # The raw scan runs over these bytes in the pieces; here only their edges are context for what lies beside them.
        inner = slice(max(0, start - low + MARGIN), max(0, stop - low - MARGIN))
        data[inner] = bytes(len(data[inner]))
    return low, bytes(data), damaged


def compare_range(item: ScanRange, low: int, view: bytes, index: RecordIndex, *, decoys: bool = True) -> Compared:
    """The evidence in the bytes of a range, which begin at `low`."""

    def ours(hits: Hits) -> Hits:
        here = np.ones(len(hits.offset), bool)
        for start, stop in item.elsewhere:
            here &= (hits.offset < start - low) | (hits.offset >= stop - low)
        return Hits(hits.offset[here], hits.length[here], hits.kind[here], hits.record[here], hits.width[here])

    first, last = item.start - low, min(item.stop - low, len(view))
    hits, moved = (ours(some) for some in _scanned(view, index, first, last, NUMBERS if decoys else ()))
    found = find_in_text(view, hits, index)
    chances = decoys_in(view, found, moved, index, first, last, ours) if decoys else ()
    return Compared([_in_text(one, low) for one in found], chances, Seen(len(hits.offset)))


NUMBERS, NAMES = (Kind.SSN, Kind.MEMBER_ID), (Kind.NAME_AND_BIRTH_DATE,)


def _scanned(
    data: bytes,
    index: RecordIndex,
    first: int,
    last: int,
    decoys: Collection[Kind],
    rows: NDArray[np.int64] | None = None,
) -> list[Hits]:
    """The hits of the records, and those of their decoys of these kinds."""
    others = Asked(Decoys(index), decoys) if decoys else Asked(index, ())
    return scan_for(data, (Asked(index), others), first, last, rows)


def decoys_in(
    data: bytes,
    found: list[Found],
    moved: Hits,
    index: RecordIndex,
    first: int,
    last: int,
    ours: Callable[[Hits], Hits],
) -> tuple[int, ...]:
    """The decoys' hits in the data, of numbers in `moved`; those of names only where it shows nobody by two fields."""
    decoys = Decoys(index)
    rest = without_explained(data, found)
    hits = [
        *find_in_text(data, moved, decoys),
        *find_in_text(rest, ours(scan(rest, decoys, first, last, NAMES)), decoys),
    ]
    return tuple(sorted({chance.code(one.record, one.elements) for one in hits}))


def decoys_in_rows(table: TableRows, index: RecordIndex) -> tuple[int, ...]:
    """The same of a table's rows, in each of which fields count together as evidence's do."""
    explained = {row.row for row in table.found if len(row.agree) > 1}
    is_name = (table.moved.kind == KINDS.index(Kind.NAME_AND_BIRTH_DATE)).tolist()
    pairs = dict.fromkeys(
        pair
        for pair, name in zip(_rows_of(table.moved, table.starts), is_name, strict=True)
        if not (name and pair[0] in explained)
    )
    return tuple(sorted({chance.code(*one) for one in chance_in(table.reading, pairs, Decoys(index))}))


def _rows_of(hits: Hits, starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Row and record of hits in the bytes of a table whose rows begin at `starts`."""
    at = np.searchsorted(starts, hits.offset, side="right") - 1
    return zip(at.tolist(), hits.record.tolist(), strict=True)


def all_of_them(hits: Hits) -> Hits:
    return hits


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of a piece: where each begins, its cells, how they were read, and the exact evidence in them."""

    starts: NDArray[np.int64]
    cells: DelimitedRows
    reading: Reading
    found: list[FoundRow]
    hits: int
    """Pairs of row and record that the raw scan or a column gave, evidence or not."""
    moved: Hits
    """Hits of the records' decoys, where they were asked for."""


def table_rows(
    piece: Piece, data: bytes, first: int, last: int, index: RecordIndex, *, decoys: bool = False
) -> TableRows:
    """A piece of a table, read row by row; the raw scan is made from `first` to `last`."""
    starts = row_starts(data, piece.encoding)
    hits, moved = _scanned(data, index, first, last, KINDS if decoys else (), starts)
    pairs = list(_rows_of(hits, starts))
    rows = DelimitedRows(data, starts, piece.encoding, piece.delimiter)
    reading = Reading.of(rows, pairs, index)
    found = evidence_in(reading, pairs, index)
    by_columns = {(one.row, one.record) for one in found}.difference(pairs)
    return TableRows(starts, rows, reading, found, len(pairs) + len(by_columns), moved)


def piece_data(item: ScanPiece) -> tuple[bytes, int]:
    """The bytes of a piece, behind so many bytes of context."""
    piece = item.piece
    if piece.data is not None:
        return piece.data, 0
    # What stands before the piece is context for its first values; rows and lines need none.
    lead = min(MARGIN, piece.offset) if piece.unit is Unit.NONE else 0
    return piece_bytes(item, piece.offset - lead, piece.length + lead), lead


def compare_piece(piece: Piece, data: bytes, lead: int, index: RecordIndex, *, decoys: bool = True) -> Compared:
    """The evidence in the bytes of a piece, which stand behind `lead` bytes of context."""
    last = max(lead, len(data) - piece.overlap)
    if piece.table:
        table = table_rows(piece, data, lead, last, index, decoys=decoys)
        return Compared(
            [
                Located(row.record, piece.first + row.row, 0, 0, row.elements, row.agree, row.conflict, "table")
                for row in table.found
            ],
            decoys_in_rows(table, index) if decoys else (),
            _seen_in(piece, table, index),
        )
    hits, moved = _scanned(data, index, lead, last, NUMBERS if decoys else ())
    located = of_one_person(data, find_in_text(data, hits, index), piece.encoding, index)
    of_one = bool(located) and located[0].road == LETTER_ROAD
    chances = decoys_in(data, located, moved, index, lead, last, all_of_them) if decoys and not of_one else ()
    seen = Seen(len(hits.offset))
    if piece.unit is Unit.NONE:
        return Compared([_in_text(found, piece.offset - lead) for found in located], chances, seen)
    lines = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    return Compared(_one_a_line(located, lines, piece.first), chances, seen)


def _seen_in(piece: Piece, table: TableRows, index: RecordIndex) -> Seen:
    unmatched = unmatched_rows(table.reading, table.found, index)
    return Seen(
        table.hits,
        int(np.count_nonzero(table.cells.filled())),
        len({one.row for one in table.found}),
        None if unmatched is None else _packed(piece.first + unmatched[0], unmatched[1]),
    )


def _packed(numbers: NDArray[np.int64], persons: NDArray[np.uint64]) -> tuple[bytes, bytes]:
    return numbers.astype("<i8").tobytes(), persons.astype("<u8").tobytes()


def _in_text(found: Found, base: int) -> Located:
    return Located(
        found.record, None, base + found.offset, found.length, found.elements, found.agree, found.conflict, found.road,
        wide=found.wide,
    )  # fmt: skip


def _one_a_line(found: Sequence[Found], line_ends: NDArray[np.int64], first: int) -> list[Located]:
    kept: dict[tuple[int, int], Located] = {}
    for item in found:
        number = first + int(np.searchsorted(line_ends, item.offset))
        kept.setdefault(
            (item.record, number),
            Located(item.record, number, 0, 0, item.elements, item.agree, item.conflict, item.road, wide=item.wide),
        )
    return list(kept.values())


def piece_bytes(item: ScanPiece, offset: int, length: int) -> bytes:
    """Bytes of the content that the piece is of."""
    if item.data is not None:
        return item.data[offset - item.data_offset : offset - item.data_offset + length]
    if item.volume is None:
        raise ValueError("a piece of the image needs its volume")
    return _read(open_content(_image(item.segments, item.volume.layer), item.volume, item.entry), offset, length)


def _read(source: Readable, offset: int, length: int) -> bytes:
    parts = []
    while length > 0:
        block = source.read_at(offset, min(length, 8 * _READ))
        if not block:
            break
        parts.append(block)
        offset += len(block)
        length -= len(block)
    return b"".join(parts)
