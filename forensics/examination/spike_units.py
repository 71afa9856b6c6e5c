"""The work of one worker in the spike test: persons are put into a copy of some bytes, and looked for as always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from forensics.detection.scan import MARGIN
from forensics.examination.units import (
    Located,
    ScanPiece,
    ScanRange,
    compare_piece,
    compare_range,
    piece_data,
    range_data,
    table_rows,
    take_index,
)
from forensics.exposure.strata import stratum_of
from forensics.extraction.tables import row_starts
from forensics.matching.agreement import DECIDING
from forensics.matching.index import RecordIndex
from forensics.matching.layout import learn
from forensics.matching.spikes import SPELLINGS, bare_line, row_bytes, row_like, spelled
from forensics.matching.strangers import SAMPLE
from forensics.matching.tables import recognise
from forensics.matching.unlinked import LEAST_ROWS
from forensics.model import SourceRecord

APART = 4096
"""Bytes of free space that each planted line gets to itself."""


@dataclass(frozen=True, slots=True)
class Spike:
    """A share of the test: where to plant, and which persons (numbers in the index), layout by layout.

    `gaps` are device bytes (start, stop) of a range that belong to no file.
    """

    item: ScanRange | ScanPiece
    persons: tuple[tuple[str, tuple[int, ...]], ...]
    gaps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Planted:
    """Layout → how many were planted, and of them how many were found in each stratum at best."""

    planted: Mapping[str, int]
    found: Mapping[str, Mapping[int, int]]


NEIGHBOURS = 12
"""Rows of a table that are tried as a model for one planted row."""

AS_THE_TABLE = "as the table writes its rows"

_persons: Mapping[int, SourceRecord] = {}
_index: RecordIndex | None = None


def take_spikes(index: RecordIndex, persons: Mapping[int, SourceRecord]) -> None:
    """Keep index and invented persons for the life of this worker."""
    global _persons, _index
    _persons, _index = persons, index
    take_index(index)


def plant(spike: Spike) -> Planted:
    """Plant and look. What does not fit is not planted and not counted."""
    if _index is None:
        raise ValueError("the worker was not given the records")
    item = spike.item
    if isinstance(item, ScanRange):
        low, data, _ = range_data(item)
        changed, planted = _in_free_space(data, low, spike)
        located = compare_range(item, low, changed, _index, decoys=False).located
    else:
        data, lead = piece_data(item)
        changed, planted = (_in_table if item.piece.table else _in_text)(item, data, lead, spike)
        located = compare_piece(item.piece, changed, lead, _index, decoys=False).located
    return _marks(planted, located)


def _marks(planted: Mapping[int, str], located: Sequence[Located]) -> Planted:
    best: dict[int, int] = {}
    for one in located:
        stratum = stratum_of(one.agree, one.elements, one.conflict) if one.record in planted else None
        if stratum is not None:
            best[one.record] = min(best.get(one.record, stratum), stratum)
    counts: dict[str, int] = {}
    found: dict[str, dict[int, int]] = {}
    for person, layout in planted.items():
        counts[layout] = counts.get(layout, 0) + 1
        if person in best:
            here = found.setdefault(layout, {})
            here[best[person]] = here.get(best[person], 0) + 1
    return Planted(counts, found)


def _queue(spike: Spike) -> list[tuple[str, int]]:
    """Layout and person in turn, so that where places are few every layout gets its share of them."""
    rounds = zip_longest(*([(layout, person) for person in persons] for layout, persons in spike.persons))
    return [one for turn in rounds for one in turn if one]


def _in_free_space(data: bytes, low: int, spike: Spike) -> tuple[bytes, dict[int, str]]:
    """Lines written over bytes that belong to no file, at even and odd offsets, each alone in its stretch."""
    stretches = [at for start, stop in spike.gaps for at in range(max(start, low + MARGIN), stop - APART, APART)]
    changed, planted = bytearray(data), dict[int, str]()
    queue = _queue(spike)
    rng = np.random.default_rng([len(data), len(queue)])
    for at, (layout, person) in zip(rng.permutation(len(stretches)).tolist(), queue, strict=False):
        encoding, _, name = layout.partition(": ")
        spelling = next(one for one in SPELLINGS if one.name == name)
        text = spelled(_persons[person], spelling)
        if text is None:
            continue
        line = bare_line(text, encoding)
        begin = stretches[at] - low + APART // 2 + person % 2
        changed[begin : begin + len(line)] = line
        planted[person] = layout
    return bytes(changed), planted


def _in_text(item: ScanPiece, data: bytes, lead: int, spike: Spike) -> tuple[bytes, dict[int, str]]:
    """Lines put between those of a text."""
    encoding = item.piece.encoding
    starts = row_starts(data, encoding)
    last = len(data) - item.piece.overlap
    queue = _queue(spike)
    lines = starts[(starts >= lead) & (starts < last)]
    # Spread over the text; where it has fewer lines than persons, as many as it has.
    places = lines[np.unique(np.linspace(0, len(lines) - 1, min(len(lines), len(queue))).astype(np.int64))].tolist()
    insert: list[tuple[int, bytes]] = []
    planted: dict[int, str] = {}
    for at, (layout, person) in zip(places, queue, strict=False):
        spelling = next(one for one in SPELLINGS if layout.endswith(one.name))
        text = spelled(_persons[person], spelling)
        if text is not None:
            insert.append((at, f"{text}\n".encode(encoding, "ignore")))
            planted[person] = layout
    return _with(data, insert), planted


def _in_table(item: ScanPiece, data: bytes, lead: int, spike: Spike) -> tuple[bytes, dict[int, str]]:
    """Rows put between those of a table, each written as a row beside it that shows a record."""
    piece = item.piece
    if _index is None:
        raise ValueError("the worker was not given the records")
    table = table_rows(piece, data, lead, len(data), _index)
    clear = [one for one in table.found if len(one.agree & DECIDING) > 1 and not one.conflict]
    if len(clear) < LEAST_ROWS:
        return data, {}
    sampled = clear[:: max(1, len(clear) // SAMPLE)]
    people = [(one.row, _index.person(one.record), one.elements) for one in sampled]
    layout = learn(table.cells, people, bool(recognise(table.cells, _index).day_first))
    if layout is None:
        return data, {}
    insert: list[tuple[int, bytes]] = []
    planted: dict[int, str] = {}
    queue = [(name, person) for name, persons in spike.persons for person in persons]
    rng = np.random.default_rng([len(data), len(queue)])
    for name, person in queue:
        # A row may write a value in a way that is not understood, or have one that this person lacks: then another one.
        for at in rng.integers(len(clear), size=NEIGHBOURS).tolist():
            like = clear[at]
            cells = row_like(table.cells[like.row], _index.person(like.record), layout, _persons[person])
            begin, end = table.cells.bounds(like.row)
            if cells is None or begin == 0:
                continue
            line_end = "\r\n" if "\r" in data[begin:end].decode(piece.encoding, "replace") else "\n"
            insert.append((begin, row_bytes(cells, piece.delimiter, piece.encoding, line_end)))
            planted[person] = name
            break
    return _with(data, insert), planted


def _with(data: bytes, insert: Sequence[tuple[int, bytes]]) -> bytes:
    parts, before = [], 0
    for at, more in sorted(insert):
        parts += [data[before:at], more]
        before = at
    return b"".join([*parts, data[before:]])
