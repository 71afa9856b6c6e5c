"""The ring between the reader of a source and those who take its blocks: the digests and the writers of images.

    reader (the caller) ── ring of 16 buffers of 1 MiB ──┬── one thread a digest
                                                         ├── writer
                                                         └── writer of the second copy
A buffer goes back to the ring when its last consumer has let go of it, so memory stays bounded by the ring.
"""

from __future__ import annotations

import mmap
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from forensics import hashing
from forensics.evidence.pieces import PieceDigests
from forensics.evidence.rescue import BLOCK
from forensics.evidence.sink import Sink, write_failed

RING = 16

ZERO_UNIT = 32768
"""Granularity at which zeros are counted: the chunk of an E01 image."""

_ZEROS = bytes(ZERO_UNIT)


class Buffer:
    """A page-aligned block (O_DIRECT needs that) that returns to its ring when nobody holds it any more."""

    def __init__(self, ring: queue.SimpleQueue[Buffer]) -> None:
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

    def zero_units(self) -> list[tuple[int, int]]:
        """Start and end, in this block, of the units that hold nothing but zeros."""
        found = []
        for start in range(0, self.length, ZERO_UNIT):
            end = min(start + ZERO_UNIT, self.length)
            if (
                self._memory[start] == 0
                and self._memory[end - 1] == 0
                and self._memory[start:end] == _ZEROS[: end - start]
            ):
                found.append((start, end))
        return found

    def close(self) -> None:
        self.view.release()
        # An exception on its way up may hold slices of the view in its frames; the memory then goes with it.
        with suppress(BufferError):
            self._memory.close()


class Consumer(threading.Thread):
    """Feeds blocks, in order, to one digest or to a sink; after a failure it only lets blocks go."""

    def __init__(self, name: str, feed: Callable[[memoryview], object], stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.blocks: queue.SimpleQueue[Buffer | None] = queue.SimpleQueue()
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


class _Digest:
    """A digest in its thread, which says on request what it is so far."""

    def __init__(self, algorithm: str) -> None:
        self._digest = hashing.new(algorithm)
        self._length = 0
        self._asked = False
        self.so_far = (0, "")

    def update(self, block: memoryview) -> None:
        self._digest.update(block)
        self._length += len(block)
        if self._asked:
            self._asked = False
            self.so_far = (self._length, self._digest.copy().hexdigest())

    def ask(self) -> None:
        self._asked = True

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


class Pipeline:
    """The threads that hash and write. What becomes of `copy` is in `copy_failure` and stops nobody else."""

    def __init__(self, sink: Sink, algorithms: Sequence[str], pieces: PieceDigests, copy: Sink | None = None) -> None:
        self._sink = sink
        self._digests = {name: _Digest(name) for name in algorithms}
        self._stop = threading.Event()
        self._stop_copy = threading.Event()
        self._free: queue.SimpleQueue[Buffer] = queue.SimpleQueue()
        self._buffers: list[Buffer] = []
        self._hashers = [Consumer(f"digest-{name}", d.update, self._stop) for name, d in self._digests.items()]
        self._hashers.append(Consumer("digests of pieces", pieces.update, self._stop))
        self._consumers = [*self._hashers, Consumer("writer", sink.write, self._stop)]
        self._copiers = [Consumer("second copy", copy.write, self._stop_copy)] if copy else []

    @property
    def copy_failure(self) -> BaseException | None:
        return next((copier.failure for copier in self._copiers), None)

    def start(self) -> None:
        self._buffers = [Buffer(self._free) for _ in range(RING)]
        for buffer in self._buffers:
            self._free.put(buffer)
        for consumer in self._all():
            consumer.start()

    def free_buffer(self) -> Buffer:
        """The next idle buffer. Raises what a consumer raised."""
        buffer = self._free.get()
        if self._stop.is_set():
            self._free.put(buffer)
            self._raise_failure()
        return buffer

    def hand_over(self, buffer: Buffer, *, in_image: bool = False) -> None:
        """Gives the block to everybody who takes it; the writer has it already where it is `in_image`."""
        takers = [*self._hashers, *self._copiers] if in_image else self._all()
        buffer.hold(len(takers))
        for consumer in takers:
            consumer.blocks.put(buffer)

    def join(self) -> None:
        """Waits until every block is hashed and written. Raises what a consumer raised."""
        self._end_threads()
        self._raise_failure()

    def abort(self) -> None:
        """Ends the threads. What was read already is still written: a dying drive may not give it twice."""
        self._end_threads()

    def hexdigests(self) -> dict[str, str]:
        return {name: digest.hexdigest() for name, digest in self._digests.items()}

    def digests_so_far(self) -> dict[str, tuple[int, str]]:
        """Algorithm → how many bytes from the start, and their digest, as of the last call; empty before that."""
        found = {name: digest.so_far for name, digest in self._digests.items() if digest.so_far[0]}
        for digest in self._digests.values():
            digest.ask()
        return found

    def close(self) -> None:
        for buffer in self._buffers:
            buffer.close()
        self._buffers = []

    def _all(self) -> list[Consumer]:
        return [*self._consumers, *self._copiers]

    def _end_threads(self) -> None:
        for consumer in self._all():
            consumer.blocks.put(None)
        for consumer in self._all():
            if consumer.ident is not None:
                consumer.join()

    def _raise_failure(self) -> None:
        for consumer in self._consumers:
            if isinstance(consumer.failure, OSError):
                needed = self._sink.required_bytes - self._sink.written_bytes
                raise write_failed(consumer.failure, needed) from consumer.failure
            if consumer.failure is not None:
                raise consumer.failure
