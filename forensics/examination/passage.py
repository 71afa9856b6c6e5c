"""What stands at a place, for a reviewer's eyes: the row or line with its neighbours, or the bytes around an offset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from forensics.casefile.stored import StoredEntry
from forensics.errors import Refused
from forensics.evidence.content import open_content
from forensics.evidence.image import open_image
from forensics.evidence.layers import attach
from forensics.examination.images import image_paths
from forensics.examination.isolation import Isolation
from forensics.examination.open_case import OpenCase
from forensics.examination.units import ScanPiece, piece_bytes
from forensics.extraction.tables import parse_row, row_starts
from forensics.jobs import pool
from forensics.model import FileEntry, Layer, Locator, Region, Unit, Volume

BESIDE_ROWS, BESIDE_BYTES = 1, 200
"""Rows or bytes to either side: as far as fields count together without a row (`matching.windows.NEAR`)."""

LONGEST = 2_000
"""Characters of one line that are shown."""

SECONDS = 30.0
OPENING_SECONDS = 120.0
"""With an encrypted volume to be opened first."""


_STEP = re.compile(r"(row|line|paragraph) ([0-9]+)")


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """Part of a content of the image."""

    segments: tuple[Path, ...]
    volume: Volume
    entry: FileEntry
    offset: int
    length: int


def read_entry(item: ReadEntry) -> bytes:
    """Part of a content, read by a worker: the file system is as hostile here as anywhere."""
    with open_image(item.segments) as image:
        if item.volume.layer is not None:
            attach(image, item.volume.layer)
        return open_content(image, item.volume, item.entry).read_at(item.offset, item.length)


@dataclass(frozen=True, slots=True)
class _ReadFree:
    """Bytes that belong to no entry, at an offset of the device or of a volume's layer."""

    segments: tuple[Path, ...]
    layer: Layer | None
    offset: int
    length: int


def _read_free(item: _ReadFree) -> bytes:
    with open_image(item.segments) as image:
        base = 0
        if item.layer is not None:
            attach(image, item.layer)
            base = item.layer.base
        return image.read_at(base + item.offset, item.length)


def read_free(
    case: OpenCase, segments: tuple[Path, ...], place: Locator, offset: int, length: int
) -> tuple[bytes, int]:
    """Bytes of the device from `offset`, or of the layer that `place` is in, and the size of it.

    A layer is opened by a worker. Raises `Refused` where there is no such layer.
    """
    if not place.layers:
        with open_image(segments) as image:
            return image.read_at(offset, max(0, min(length, image.size - offset))), image.size
    volumes = (volume for _, volume, _ in case.store.volumes(place.exhibit))
    layer = next((v.layer for v in volumes if (v.number, v.layers) == (place.volume, place.layers)), None)
    if layer is None:
        raise Refused("There is no such volume.", "Take the locator from the case.")
    item = _ReadFree(segments, layer, offset, max(0, min(length, layer.size - offset)))
    read = pool.run(_read_free, [item], workers=1, seconds=OPENING_SECONDS, locks=Isolation().locks([segments]))
    return next(iter(read)).value or b"", layer.size


@dataclass(frozen=True, slots=True)
class _Rows:
    piece: ScanPiece
    number: int


def rows_near(item: _Rows) -> list[tuple[int, str]]:
    """The row or line with this number and its neighbours, read by a worker."""
    piece = item.piece.piece
    data = piece.data if piece.data is not None else piece_bytes(item.piece, piece.offset, piece.length)
    if piece.table:
        bounds = [*row_starts(data, piece.encoding).tolist(), len(data)]
        spans = list(pairwise(bounds))
    else:
        ends = [at for at, byte in enumerate(data) if byte == 10]
        spans = list(pairwise([0, *(end + 1 for end in ends), len(data)]))
    here = item.number - piece.first
    found = []
    for at in range(max(0, here - BESIDE_ROWS), min(len(spans), here + BESIDE_ROWS + 1)):
        start, stop = spans[at]
        if piece.table:
            text = " | ".join(parse_row(data[start:stop], piece.encoding, piece.delimiter))
        else:
            text = data[start:stop].decode("utf-8" if piece.data is not None else piece.encoding, "replace")
        found.append((piece.first + at, text))
    return found


def read_slack(case: OpenCase, segments: tuple[Path, ...], place: Locator, offset: int, length: int) -> bytes:
    """Bytes behind the content of a file or of its end, `offset` from its start. Raises `Refused` where no file is."""
    stored = case.store.entry_by_locator(place.whole)
    volume = next(v for number, v, _ in case.store.volumes(place.exhibit) if number == stored.volume)
    last = max(stored.entry.runs, key=lambda run: run.file_offset, default=None)
    if last is None:
        raise Refused("This file holds no space of its own.", "Take the locator from the case.")
    start = max(offset, last.file_offset)
    address = last.device_offset + start - last.file_offset
    base = volume.layer.base if volume.layer is not None else 0
    return read_free(case, segments, place, address - base, max(0, offset + length - start))[0]


def passage(case: OpenCase, locator: str) -> list[dict[str, Any]]:
    """Lines of what stands at the place, each with its `number` (None for bytes), `text`, and whether it is `here`.

    Unprintable characters are shown as `·`. The caller records that somebody looks. Raises `Refused` where nothing can
    be read there.
    """
    place = Locator.parse(locator)
    segments = next((image_paths(case, a) for a in case.store.acquisitions() if a.exhibit == place.exhibit), None)
    if segments is None:
        raise Refused(f"{place.exhibit} has no image.", "First: drivecustody acquire, or import-image.")
    if no_entry(place):
        return _bytes(place, read_free(case, segments, place, *_window(place))[0])
    if place.slack:
        return _bytes(place, read_slack(case, segments, place, *_window(place)))
    stored, steps = _entry(case, place)
    volume = next(v for number, v, _ in case.store.volumes(place.exhibit) if number == stored.volume)
    locks = Isolation().locks([segments])
    seconds = SECONDS if volume.layer is None else OPENING_SECONDS
    step = _STEP.fullmatch(steps[-1]) if steps else None
    if step is None:
        start, length = _window(place)
        if stored.parent is not None:
            return _bytes(place, case.store.content_range(stored.id, start, length))
        wanted = ReadEntry(segments, volume, stored.entry, start, length)
        read = pool.run(read_entry, [wanted], workers=1, seconds=seconds, locks=locks)
        return _bytes(place, next(iter(read)).value or b"")
    unit, number = Unit(step[1]), int(step[2])
    found = case.store.piece_with(stored.id, steps[:-1], unit, number)
    if found is None:
        raise Refused("Nothing was extracted at this place.", "Look at the file itself.")
    piece = case.store.piece(found).piece
    data = None
    if piece.data is None and stored.parent is not None:
        data = case.store.content_range(stored.id, piece.offset, piece.length)
    item = ScanPiece(
        0, stored.id, stored.entry, piece, segments, volume if stored.parent is None else None, data, piece.offset
    )
    near = pool.run(rows_near, [_Rows(item, number)], workers=1, seconds=seconds, locks=locks)
    rows = next(iter(near)).value or []
    return [{"number": at, "text": _visible(text), "here": at == number} for at, text in rows]


def no_entry(place: Locator) -> bool:
    """Whether the place is bytes of the device or of a layer, and nothing that a file system names."""
    return not place.path and (place.volume is None or (bool(place.layers) and place.region is Region.UNALLOCATED))


def _entry(case: OpenCase, place: Locator) -> tuple[StoredEntry, list[str]]:
    """The innermost entry of a locator, and the steps that lead on inside its content."""
    for depth in range(len(place.inner), -1, -1):
        stored = case.store.find_entry(place.whole._replace(inner=place.inner[:depth]))
        if stored is not None:
            return stored, [step.decode("utf-8", "surrogateescape") for step in place.inner[depth:]]
    raise Refused("There is no content at this place.", "Take the locator from the case.")


def _window(place: Locator) -> tuple[int, int]:
    at = place.offset or 0
    start = max(0, at - BESIDE_BYTES)
    return start, at - start + (place.length or 0) + BESIDE_BYTES


def _bytes(place: Locator, data: bytes) -> list[dict[str, Any]]:
    """Bytes as text: as UTF-16 where every other byte is zero, else byte by byte."""
    lead = min(len(data), (place.offset or 0) - _window(place)[0])
    wide = data[lead : lead + (place.length or 16)]
    if wide.count(0) * 3 > len(wide):
        order = "utf-16-le" if wide[1:2] == b"\0" else "utf-16-be"
        text = data[lead % 2 :].decode(order, "replace")
    else:
        text = data.decode("latin-1")
    return [{"number": None, "text": _visible(text), "here": True}]


def _visible(text: str) -> str:
    shown = "".join(c if c.isprintable() else "·" for c in text.rstrip("\r\n"))
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + " …"
