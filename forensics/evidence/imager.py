"""One pass over a source: every byte is read once, hashed and written, and what cannot be read is named.

    reader (the caller) ── ring of 16 buffers of 1 MiB ──┬── one thread a digest
                                                         └── writer
A buffer goes back to the ring when its last consumer has let go of it, so memory stays bounded by the ring.
"""

from __future__ import annotations

import errno
import mmap
import os
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from forensics import hashing
from forensics.errors import EnvironmentFailed
from forensics.evidence.sink import Sink, require_space, write_failed
from forensics.evidence.source import Source
from forensics.model import BadRange

BLOCK = 1 << 20
RING = 16
PAGE = 4096
"""The second step into a block that failed; sectors are the third."""

ZERO_UNIT = 32768
"""Granularity at which zeros are counted: the chunk of an E01 image."""

GONE = frozenset({errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.ESHUTDOWN, errno.ENOTCONN})
"""What Linux answers when the device itself is away."""

OURS = frozenset({errno.EINVAL, errno.EBADF, errno.EFAULT})
"""What a read answers when the request is wrong: not a bad sector. With O_DIRECT a bad one has many names besides EIO
(ENODATA for a medium error, EREMOTEIO, ETIMEDOUT, EILSEQ; Linux block/blk-core.c, `blk_errors`)."""

SUSPICIOUS = 64
"""So many unreadable sectors in a row ask whether the device still answers at all. A removed drive behind some
bridges answers EIO for ever, and must not become an image of zeros."""

_ZEROS = bytes(ZERO_UNIT)


@dataclass(frozen=True, slots=True)
class Imaging:
    """What one pass found. `hashes` maps algorithm to lower-case hex over all bytes, with zeros for the `bad` ranges.

    `zero_bytes` are the bytes in aligned 32 KiB units that hold nothing but zeros, whether the drive sent them or
    a bad range stands there.
    """

    hashes: dict[str, str]
    bad: tuple[BadRange, ...]
    zero_bytes: int


def image(
    source: Source,
    sink: Sink,
    algorithms: Sequence[str],
    *,
    progress: Callable[[int, int], None],
    check: Callable[[], None],
) -> Imaging:
    """Images `source` into `sink` and returns digests, unreadable ranges and the amount of zeros.

    `progress` gets bytes done and bytes in all; `check` may raise to stop (`Cancelled`). However this ends, all
    threads have ended and the sink is finished or abandoned, with what was written kept.
    Raises `EnvironmentFailed` where the destination is or gets full, or the device was disconnected.
    """
    pipeline = _Pipeline(sink, algorithms)
    reader = _Reader(source, check)
    try:
        require_space(sink.folder, sink.required_bytes - sink.written_bytes)
        pipeline.start()
        zero_bytes = 0
        for offset in range(0, source.size, BLOCK):
            check()
            buffer = pipeline.free_buffer()
            buffer.length = min(BLOCK, source.size - offset)
            reader.fill(buffer.view[: buffer.length], offset)
            zero_bytes += buffer.zero_bytes()
            pipeline.hand_over(buffer)
            progress(offset + buffer.length, source.size)
        pipeline.join()
        hashes = pipeline.hexdigests()
        try:
            sink.finish(hashes, reader.bad)
        except OSError as error:
            raise write_failed(error, 0) from error
    except BaseException:
        pipeline.abort()
        sink.abandon()
        raise
    finally:
        pipeline.close()
    return Imaging(hashes, tuple(reader.bad), zero_bytes)


# ---------------------------------------------------------------------------------------------------------- reader


class _Reader:
    """Fills blocks, descends around errors to the sector, and tells a bad sector from a drive that is gone."""

    def __init__(self, source: Source, check: Callable[[], None]) -> None:
        self.bad: list[BadRange] = []
        self._source = source
        self._check = check
        self._failures = 0
        self._first_good: int | None = None
        self._last_good: int | None = None

    def fill(self, view: memoryview, offset: int) -> None:
        """The bytes at `offset`, with zeros where a sector cannot be read; those ranges are added to `bad`."""
        if self._read(view, offset):
            return
        sector = self._source.sector_size
        for start in range(0, len(view), PAGE):
            self._check()
            page = view[start : start + PAGE]
            if sector < PAGE and self._read(page, offset + start):
                continue
            for inner in range(0, len(page), sector):
                self._fill_sector(page[inner : inner + sector], offset + start + inner)

    def _fill_sector(self, view: memoryview, offset: int) -> None:
        for _attempt in range(2):
            if self._read(view, offset):
                return
        view[:] = bytes(len(view))
        if self.bad and self.bad[-1].offset + self.bad[-1].length == offset:
            self.bad[-1] = BadRange(self.bad[-1].offset, self.bad[-1].length + len(view))
        else:
            self.bad.append(BadRange(offset, len(view)))
        self._failures += 1
        if self._failures % SUSPICIOUS == 0 and not self._answers():
            _disconnected(offset, None)

    def _read(self, view: memoryview, offset: int) -> bool:
        """True when the whole of `view` was read; False for a bad spot. Raises where the device is gone."""
        try:
            complete = self._source.read_into(view, offset) == len(view)
        except OSError as error:
            if error.errno in GONE:
                _disconnected(offset, error)
            if error.errno in OURS:
                raise EnvironmentFailed(
                    f"The source cannot be read at {offset}: {os.strerror(error.errno)}.",
                    "This is no bad sector; report it with the model of the drive.",
                ) from error
            return False
        if complete:
            self._failures = 0
            self._last_good = offset
            if self._first_good is None:
                self._first_good = offset
        return complete

    def _answers(self) -> bool:
        """Whether a place that was read before can still be read; before the first, whether any of five can."""
        size, sector = self._source.size, self._source.sector_size
        if self._first_good is not None and self._last_good is not None:
            places = {self._first_good, self._last_good}
        else:
            places = {size * part // 4 // sector * sector for part in range(4)} | {(size - 1) // sector * sector}
        probe = mmap.mmap(-1, PAGE * 16)
        with probe, memoryview(probe) as view:
            for place in places:
                with view[: min(sector, size - place)] as target:
                    try:
                        if self._source.read_into(target, place) == len(target):
                            return True
                    except OSError:
                        continue
        return False


def _disconnected(offset: int, cause: OSError | None) -> NoReturn:
    raise EnvironmentFailed(
        f"The device was disconnected after {offset} bytes. The unfinished image was kept.",
        "Check cable and port, plug the drive in again through the write blocker, and acquire again.",
    ) from cause


# -------------------------------------------------------------------------------------------------------- pipeline


class _Buffer:
    """A page-aligned block (O_DIRECT needs that) that returns to its ring when nobody holds it any more."""

    def __init__(self, ring: queue.SimpleQueue[_Buffer]) -> None:
        self._memory = mmap.mmap(-1, BLOCK)
        self.view = memoryview(self._memory)
        self.length = 0
        self._ring = ring
        self._holders = 0
        self._lock = threading.Lock()

    def hold(self, holders: int) -> None:
        self._holders = holders

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            idle = self._holders == 0
        if idle:
            self._ring.put(self)

    def zero_bytes(self) -> int:
        total = 0
        for start in range(0, self.length, ZERO_UNIT):
            end = min(start + ZERO_UNIT, self.length)
            if (
                self._memory[start] == 0
                and self._memory[end - 1] == 0
                and self._memory[start:end] == _ZEROS[: end - start]
            ):
                total += end - start
        return total

    def close(self) -> None:
        self.view.release()
        # An exception on its way up may hold slices of the view in its frames; the memory then goes with it.
        with suppress(BufferError):
            self._memory.close()


class _Consumer(threading.Thread):
    """Feeds blocks, in order, to one digest or to the sink; after a failure it only lets blocks go."""

    def __init__(self, name: str, feed: Callable[[memoryview], object], stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.blocks: queue.SimpleQueue[_Buffer | None] = queue.SimpleQueue()
        self.failure: BaseException | None = None
        self._feed = feed
        self._stop_asked = stop

    def run(self) -> None:
        while (buffer := self.blocks.get()) is not None:
            try:
                if not self._stop_asked.is_set():
                    with buffer.view[: buffer.length] as block:
                        self._feed(block)
            except BaseException as error:  # whatever it is, it belongs to the caller of `image`
                self.failure = error
                self._stop_asked.set()
            finally:
                buffer.release()


class _Pipeline:
    def __init__(self, sink: Sink, algorithms: Sequence[str]) -> None:
        self._sink = sink
        self._digests = {name: hashing.new(name) for name in algorithms}
        self._stop = threading.Event()
        self._free: queue.SimpleQueue[_Buffer] = queue.SimpleQueue()
        self._buffers: list[_Buffer] = []
        self._consumers = [_Consumer(f"digest-{name}", d.update, self._stop) for name, d in self._digests.items()]
        self._consumers.append(_Consumer("writer", sink.write, self._stop))

    def start(self) -> None:
        self._buffers = [_Buffer(self._free) for _ in range(RING)]
        for buffer in self._buffers:
            self._free.put(buffer)
        for consumer in self._consumers:
            consumer.start()

    def free_buffer(self) -> _Buffer:
        """The next idle buffer. Raises what a consumer raised."""
        buffer = self._free.get()
        if self._stop.is_set():
            self._free.put(buffer)
            self._raise_failure()
        return buffer

    def hand_over(self, buffer: _Buffer) -> None:
        buffer.hold(len(self._consumers))
        for consumer in self._consumers:
            consumer.blocks.put(buffer)

    def join(self) -> None:
        """Waits until every block is hashed and written. Raises what a consumer raised."""
        self._end_threads()
        self._raise_failure()

    def abort(self) -> None:
        self._stop.set()
        self._end_threads()

    def hexdigests(self) -> dict[str, str]:
        return {name: digest.hexdigest() for name, digest in self._digests.items()}

    def close(self) -> None:
        for buffer in self._buffers:
            buffer.close()
        self._buffers = []

    def _end_threads(self) -> None:
        for consumer in self._consumers:
            consumer.blocks.put(None)
        for consumer in self._consumers:
            if consumer.ident is not None:
                consumer.join()

    def _raise_failure(self) -> None:
        for consumer in self._consumers:
            if isinstance(consumer.failure, OSError):
                needed = self._sink.required_bytes - self._sink.written_bytes
                raise write_failed(consumer.failure, needed) from consumer.failure
            if consumer.failure is not None:
                raise consumer.failure
