"""Reads the source a second time beside its image: equal bytes are the best proof that the image is right.

Flash that is worn, or a bridge that fails, may say something else each time it is asked and report no error. What the
second reading says otherwise is kept as well, for neither can be called the right one.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from forensics.evidence.areas import BAD, READ, Areas
from forensics.evidence.image import Image
from forensics.evidence.map_file import save_areas
from forensics.evidence.reading import Reading
from forensics.evidence.sink import create_exclusively, write_failed
from forensics.evidence.source import Source
from forensics.evidence.verify import BLOCK, blocks
from forensics.model import BadRange, Extent, SecondRead

DIFFERING, DIFFERING_MAP = "second-read.raw", "second-read.map"
"""The bytes of the second reading that differ, at their places in a sparse file, and the map that says which (`+`)."""


def read_again(
    source: Source,
    image: Image,
    bad: Sequence[BadRange],
    folder: Path,
    progress: Callable[[int, int], None],
    check: Callable[[], None],
) -> SecondRead:
    """Compares every byte of `source` with `image`; `bad` are the ranges where zeros stand in the image.

    What differs is put into `folder`. Raises `EnvironmentFailed` where the device is gone or `folder` is full, and
    `NotIntact` where the image is damaged; `check` may raise to stop.
    """
    for name in (DIFFERING, DIFFERING_MAP):  # of a second reading that was interrupted
        (folder / name).unlink(missing_ok=True)
    comparison = _Comparison(source, bad, folder)
    digest = hashlib.sha256()
    offset = 0
    try:
        with closing(blocks(image, check)) as pieces:
            for piece in pieces:
                for start in range(0, len(piece), BLOCK):
                    check()
                    expected = bytes(piece[start : start + BLOCK])
                    digest.update(comparison.read(offset, expected))
                    offset += len(expected)
                progress(offset, source.size)
        comparison.conclude()
    finally:
        comparison.close()
    return SecondRead(digest.hexdigest(), comparison.extents(READ), comparison.extents(BAD))


class _Comparison:
    """The second reading: in its map `+` differs and `-` was read the first time and is not now."""

    def __init__(self, source: Source, bad: Sequence[BadRange], folder: Path) -> None:
        self._reading = Reading(source)
        self._sector = source.sector_size
        self._bad_before = Areas(source.size, [(item.offset, item.length, BAD) for item in bad])
        self._areas = Areas(source.size)
        self._folder = folder
        self._memory = mmap.mmap(-1, BLOCK)
        self._descriptor = -1

    def read(self, offset: int, expected: bytes) -> bytes:
        """What the source says at `offset` now, with zeros for what it does not give."""
        with memoryview(self._memory) as whole, whole[: len(expected)] as view:
            if not self._reading.read(view, offset):
                self._by_sectors(view, offset)
                self._reading.require_answer(offset)
            found = bytes(view)
        if found != expected:
            for start in range(0, len(found), self._sector):
                piece = found[start : start + self._sector]
                if piece != expected[start : start + self._sector] and not _has(self._areas, offset + start, BAD):
                    self._keep(offset + start, piece)
        return found

    def conclude(self) -> None:
        try:
            if self._descriptor >= 0:
                os.fsync(self._descriptor)
                save_areas(self._folder / DIFFERING_MAP, self._areas)
        except OSError as error:
            raise write_failed(error, 0) from error

    def extents(self, status: str) -> tuple[Extent, ...]:
        return tuple(Extent(item.offset, item.length) for item in self._areas.ranges(status))

    def close(self) -> None:
        self._memory.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _by_sectors(self, view: memoryview, offset: int) -> None:
        for start in range(0, len(view), self._sector):
            with view[start : start + self._sector] as piece:
                if not self._reading.read(piece, offset + start):
                    piece[:] = bytes(len(piece))
                    if not _has(self._bad_before, offset + start, BAD):
                        self._areas.mark(offset + start, len(piece), BAD)

    def _keep(self, offset: int, piece: bytes) -> None:
        try:
            if self._descriptor < 0:
                self._descriptor = create_exclusively(self._folder / DIFFERING)
            os.pwrite(self._descriptor, piece, offset)
        except OSError as error:
            raise write_failed(error, 0) from error
        self._areas.mark(offset, len(piece), READ)


def _has(areas: Areas, offset: int, status: str) -> bool:
    return any(found == status for _, _, found in areas.blocks(offset, offset + 1))
