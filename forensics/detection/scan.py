"""The raw scan: every run of digits in a stretch of bytes, typed, keyed and asked of the records' index.

Works on what is there, allocated or not, without knowing the format: bytes (ASCII, Latin-1, UTF-8), UTF-16 of either
byte order at either phase, and EBCDIC (code page 037). Nothing that does not hit is kept.

What it does not find: in UTF-16, name words with letters beyond U+00FF; in code page 037, less than 127 bytes of text
on their own; a value with markup or a line break inside; `2/3/1961` meant as 2 March where no dates around it tell.
Offsets in UTF-16 are those of the characters' low bytes, because in a run of them the two byte orders look alike.

Within a block everything is vectorised. Each block is looked at with `MARGIN` bytes on either side, so that no value is
lost at a border, and a hit belongs to the block it starts in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forensics.detection.candidates import Candidates, candidates
from forensics.detection.readings import readings
from forensics.detection.stretches import Ints
from forensics.model import Kind, Probe

BLOCK = 512 << 10
MARGIN = 512

KINDS = (Kind.SSN, Kind.MEMBER_ID, Kind.NAME_AND_BIRTH_DATE)


class Hits(NamedTuple):
    """What was found, one element a hit: offset and length in bytes, index into KINDS, record, bytes a character."""

    offset: Ints
    length: Ints
    kind: NDArray[np.uint8]
    record: NDArray[np.uint32]
    width: NDArray[np.uint8]


class Asked(NamedTuple):
    """A probe, and the kinds it is asked for."""

    probe: Probe
    kinds: Collection[Kind] = KINDS


def scan(
    data: bytes | memoryview,
    probe: Probe,
    start: int = 0,
    stop: int | None = None,
    kinds: Collection[Kind] = KINDS,
    rows: Ints | None = None,
) -> Hits:
    """All hits of these kinds that start in ``data[start:stop]``; what lies before and behind is only context.

    `rows` are the offsets at which the rows of a table start, ascending from 0: there a name counts with a birth date
    of its own row only.
    """
    (hits,) = scan_for(data, (Asked(probe, kinds),), start, stop, rows)
    return hits


def scan_for(
    data: bytes | memoryview, asked: Sequence[Asked], start: int = 0, stop: int | None = None, rows: Ints | None = None
) -> list[Hits]:
    """What `scan` gives for each of these probes; what the data holds is looked for once and asked of all of them."""
    _keep_freed_memory()
    whole = np.frombuffer(data, np.uint8)
    stop = len(whole) if stop is None else stop
    kinds = {kind for one in asked for kind in one.kinds}
    id_digits = frozenset().union(*(one.probe.id_digits for one in asked))
    by_name = [one.probe for one in asked if Kind.NAME_AND_BIRTH_DATE in one.kinds]

    def have_names(names: NDArray[np.uint64]) -> NDArray[np.bool_]:
        held: NDArray[np.bool_] = np.logical_or.reduce([probe.have_names(names) for probe in by_name])
        return held

    parts: list[list[Hits]] = [[] for _ in asked]
    for at in range(start, stop, BLOCK):
        end = min(at + BLOCK, stop)
        low, high = max(0, at - MARGIN), min(len(whole), end + MARGIN)
        for view, phase, width in readings(whole[low:high]):
            borders = (
                None if rows is None else (rows[slice(*np.searchsorted(rows, (low, high)))] - phase - low) // width
            )
            there = candidates(view, kinds, id_digits, have_names, borders)
            if there is None:
                continue
            for one, found in zip(asked, parts, strict=True):
                hits = _ask(there, one)
                if not len(hits.offset):
                    continue
                offset = hits.offset * width + phase + low
                mine = np.flatnonzero((offset >= at) & (offset < end))
                widths = np.full(len(offset), width, np.uint8)
                found.append(_taken(Hits(offset, hits.length * width, hits.kind, hits.record, widths), mine))
    return [_each_once(_joined(found)) for found in parts]


@cache
def _keep_freed_memory() -> None:
    """Let the process keep what the arrays of one block took for those of the next.

    From the largest piece that glibc sees freed, up to 32 MiB, it learns to keep twice as much (mallopt(3), dynamic
    `M_MMAP_THRESHOLD`). Otherwise memory goes back to the system after each block and comes anew, page by page, which
    costs a third of the scan. The piece is not written to, so it takes no memory. Other C libraries pay no heed.
    """
    np.empty(31 << 20, np.uint8)


def _ask(there: Candidates, asked: Asked) -> Hits:
    """The candidates that a probe knows; offsets and lengths in characters."""
    parts = []
    for kind in (Kind.SSN, Kind.MEMBER_ID):
        numbers = [some for some in there.numbers if kind in some.kinds] if kind in asked.kinds else []
        if numbers:
            at, record = asked.probe.find(kind, np.concatenate([some.key for some in numbers]))
            first = 0
            for some in numbers:
                here = np.flatnonzero((at >= first) & (at < first + len(some.key)))
                parts.append(_hits(kind, some.offset, some.length, at[here] - first, record[here]))
                first += len(some.key)
    if there.names is not None and Kind.NAME_AND_BIRTH_DATE in asked.kinds:
        names, date, dates = there.names
        at, record = asked.probe.find_names(names, dates.day[date])
        parts.append(_hits(Kind.NAME_AND_BIRTH_DATE, dates.offset, dates.length, date[at], record))
    return _joined(parts)


def _hits(kind: Kind, offset: Ints, length: Ints, which: Ints, record: NDArray[np.uint32]) -> Hits:
    number, width = np.full(len(which), KINDS.index(kind), np.uint8), np.ones(len(which), np.uint8)
    return Hits(offset[which], length[which], number, record, width)


def _each_once(hits: Hits) -> Hits:
    """The hits by offset; where two pairs of words, or two readings, give the same one, it comes once."""
    order = np.lexsort((hits.record, hits.kind, hits.offset))
    new = np.ones(len(order), bool)
    columns: tuple[NDArray[Any], ...] = (hits.offset[order], hits.kind[order], hits.record[order])
    new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return _taken(hits, order[new])


def _taken(hits: Hits, which: Ints) -> Hits:
    return Hits(hits.offset[which], hits.length[which], hits.kind[which], hits.record[which], hits.width[which])


def _joined(parts: list[Hits]) -> Hits:
    if not parts:
        nothing = np.zeros(0, np.int64)
        return Hits(nothing, nothing, nothing.astype(np.uint8), nothing.astype(np.uint32), nothing.astype(np.uint8))
    return Hits(*(np.concatenate(column) for column in zip(*parts, strict=True)))
