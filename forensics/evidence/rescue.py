"""A source that has unreadable places: the good areas first, then each bad one down to the sector.

The order is that of GNU ddrescue: a drive that is dying gives what it can before anybody insists on what it cannot. An
image is written in order, so what is read ahead waits in a sparse file beside it, with a map that says what is in
there. Where the destination has no room for that file, bad places are gone through as they come.
"""

from __future__ import annotations

import mmap
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from forensics.evidence.areas import BAD, READ, UNSCRAPED, UNTRIED, UNTRIMMED, Areas
from forensics.evidence.map_file import read_areas, save_areas
from forensics.evidence.reading import PAGE, Disconnected, Reading
from forensics.evidence.sink import create_exclusively, write_failed
from forensics.model import BadRange

BLOCK = 1 << 20
RESCUE, RESCUE_MAP = "acquisition.rescue", "acquisition.rescue.map"
"""What was read ahead, and the map of it (`+` is in the file, `-` was tried to the end). They go when the image is
finished, and are what an interrupted acquisition goes on from."""

FIRST_SKIP, LONGEST_SKIP = BLOCK, 1 << 30
"""How far past a failure the first pass goes on; twice as far after each further one."""

SAVE_EVERY_S = 10.0
TELL_EVERY_S = 0.5


def forget_rescue(folder: Path) -> None:
    """The image in `folder` is finished and its map is written: what was kept to go on from is removed."""
    for name in (RESCUE, RESCUE_MAP):
        (folder / name).unlink(missing_ok=True)


class Rescue:
    """Gives any block of the source, with zeros where `retries` attempts beyond the first at every sector failed."""

    def __init__(
        self,
        reading: Reading,
        folder: Path,
        check: Callable[[], None],
        progress: Callable[[int, int], None],
        retries: int,
    ) -> None:
        self._reading = reading
        self._source = reading.source
        self._folder = folder
        self._check = check
        self._progress = progress
        self._retries = retries
        self._map = folder / RESCUE_MAP
        self._descriptor = -1
        self._buffer: mmap.mmap | None = None
        self._doubtful: list[tuple[int, int, str]] = []
        self._saved = time.monotonic()
        self._told = 0.0
        self.in_place = False
        self.areas = read_areas(self._map) if self._map.exists() else Areas(self._source.size)

    @property
    def bad(self) -> list[BadRange]:
        return self.areas.ranges(BAD)

    def fill(self, view: memoryview, offset: int, room_for_image: int) -> None:
        """The bytes at `offset`. `room_for_image` are the bytes that the image still takes at the destination."""
        known = list(self.areas.blocks(offset, offset + len(view)))
        if any(status not in (READ, BAD) for _, _, status in known):
            if all(status == UNTRIED for _, _, status in known) and self._reading.read(view, offset):
                return
            needed = room_for_image + self._source.size - offset
            if shutil.disk_usage(self._folder).free < needed:
                self._descend(view, offset)
                return
            self._read_ahead(offset)
        for start, length, status in list(self.areas.blocks(offset, offset + len(view))):
            self._from_file(view[start - offset : start - offset + length], start, status)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._buffer is not None:
            # An exception on its way up may hold slices of it in its frames; the memory then goes with it.
            with suppress(BufferError):
                self._buffer.close()
            self._buffer = None

    # ------------------------------------------------------------------------------------------------- ahead, in passes

    def _read_ahead(self, start: int) -> None:
        """Everything from `start` to the end that can be read, into the file; the rest is bad."""
        sector = self._source.sector_size
        try:
            self._copy(start, skipping=True)
            self._copy(start, skipping=False)
            self._step(start, UNTRIMMED, PAGE, UNSCRAPED)
            self._step(start, UNSCRAPED, sector, BAD)
            for _attempt in range(self._retries):
                self._step(start, BAD, sector, BAD)
            self._reading.require_answer(start)
        except Disconnected:
            self._doubt()
            raise
        finally:
            self._save(final=True)

    def _copy(self, start: int, skipping: bool) -> None:
        for area in self.areas.ranges(UNTRIED, start=start):
            position, end, skip = area.offset, area.offset + area.length, FIRST_SKIP
            while position < end:
                length = min(BLOCK, end - position)
                slow = self._reading.slow_reads
                good = self._try(position, length, UNTRIED, UNTRIMMED)
                position += length
                if skipping and (not good or self._reading.slow_reads > slow):
                    position += skip
                    skip = min(2 * skip, LONGEST_SKIP)
                elif good:
                    skip = FIRST_SKIP

    def _step(self, start: int, status: str, step: int, failed: str) -> None:
        for area in self.areas.ranges(status, start=start):
            for position in range(area.offset, area.offset + area.length, step):
                self._try(position, min(step, area.offset + area.length - position), status, failed)

    def _try(self, offset: int, length: int, before: str, failed: str) -> bool:
        self._check()
        if self._buffer is None:
            self._buffer = mmap.mmap(-1, BLOCK)
        with memoryview(self._buffer) as whole, whole[:length] as view:
            good = self._reading.read(view, offset)
            if good:
                self._keep(view, offset)
        if good:
            self.areas.mark(offset, length, READ)
            self._doubtful.clear()
            self._tell()
        else:
            self.areas.mark(offset, length, failed)
            last = self._doubtful[-1] if self._doubtful else None
            if last and last[0] + last[1] == offset and last[2] == before:
                self._doubtful[-1] = (last[0], last[1] + length, before)
            else:
                self._doubtful.append((offset, length, before))
        self._save()
        return good

    def _tell(self) -> None:
        # Adding up a long map takes longer than reading a sector.
        if time.monotonic() - self._told >= TELL_EVERY_S:
            self._told = time.monotonic()
            self._progress(self.areas.amount(READ, BAD), self._source.size)

    def _keep(self, view: memoryview, offset: int) -> None:
        try:
            if self._descriptor < 0:
                self._open()
            # What is not written is a hole and reads as zeros.
            if view[0] or view[-1] or bytes(view) != bytes(len(view)):
                done = 0
                while done < len(view):
                    done += os.pwrite(self._descriptor, view[done:], offset + done)
        except OSError as error:
            raise write_failed(error, self._source.size - offset) from error

    def _open(self) -> None:
        path = self._folder / RESCUE
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC) if path.exists() else create_exclusively(path)

    def _doubt(self) -> None:
        """What failed since the drive last answered failed because it was away."""
        for offset, length, status in self._doubtful:
            self.areas.mark(offset, length, status)
        self._doubtful.clear()

    def _save(self, final: bool = False) -> None:
        if not final and time.monotonic() - self._saved < SAVE_EVERY_S:
            return
        self._saved = time.monotonic()
        # What failed last is not yet told from a drive that is away: if we are killed now, it is to be tried again.
        undecided = [item for item in self._doubtful if not final]
        areas = Areas(self.areas.size, self.areas.blocks()) if undecided else self.areas
        for offset, length, status in undecided:
            areas.mark(offset, length, status)
        try:
            if self._descriptor >= 0:
                os.fsync(self._descriptor)
            save_areas(self._map, areas)
        except OSError as error:
            if not final:
                raise write_failed(error, 0) from error
            # The map before this one says less and stays true.

    # -------------------------------------------------------------------------------------------------------- in place

    def _descend(self, view: memoryview, offset: int) -> None:
        """One block in small steps, straight into `view`."""
        self.in_place = True
        try:
            for start, length, status in list(self.areas.blocks(offset, offset + len(view))):
                piece = view[start - offset : start - offset + length]
                if status in (READ, BAD):
                    self._from_file(piece, start, status)
                    continue
                for inner in range(0, length, PAGE):
                    self._check()
                    page = piece[inner : inner + PAGE]
                    if not self._reading.read(page, start + inner):
                        self._descend_page(page, start + inner)
            self._reading.require_answer(offset)
        except Disconnected:
            for start, length, status in list(self.areas.blocks(offset, offset + len(view))):
                if status == BAD:
                    self.areas.mark(start, length, UNTRIED)
            raise
        # Before the block with its zeros goes into the image, so that no zeros are in there which no map explains.
        try:
            save_areas(self._map, self.areas)
        except OSError as error:
            raise write_failed(error, self._source.size - offset) from error

    def _descend_page(self, page: memoryview, offset: int) -> None:
        sector = self._source.sector_size
        for start in range(0, len(page), sector):
            with page[start : start + sector] as target:
                if not any(self._reading.read(target, offset + start) for _ in range(1 + self._retries)):
                    target[:] = bytes(len(target))
                    self.areas.mark(offset + start, len(target), BAD)

    def _from_file(self, view: memoryview, offset: int, status: str) -> None:
        view[:] = bytes(len(view))
        if status == BAD:
            return
        if self._descriptor < 0:
            self._open()
        done = 0
        while done < len(view):
            count = os.preadv(self._descriptor, [view[done:]], offset + done)
            if count == 0:
                return  # the file ends in a hole
            done += count
