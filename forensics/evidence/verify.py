"""Re-reads an image and computes its digests again: what was written is what was read, and stays so."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from forensics import hashing
from forensics.errors import NotIntact
from forensics.evidence import ewf_check
from forensics.evidence.containers import EWF
from forensics.evidence.ewf_libewf import LibewfReader
from forensics.evidence.image import Image

BLOCK = 1 << 20
AHEAD = 6
"""Blocks read and not yet taken by the slowest thread; with the one in work and the one that waits for room, fewer than
blocks are valid for."""
assert AHEAD + 2 < ewf_check.VALID_FOR

Take = Callable[[bytes | memoryview], object]
"""Gets a block, which is good until it returns."""

_REMEDY = "Fetch it again from where it was stored, or acquire again."


def verify(
    image: Image,
    algorithms: Sequence[str],
    progress: Callable[[int, int], None],
    check: Callable[[], None],
    *,
    by_libewf: bool = False,
    besides: Mapping[str, Take] | None = None,
) -> dict[str, str]:
    """Reads the whole image and returns algorithm → lower-case hex. The caller compares the digests.

    An E01 is read by our own reader, and every checksum in its files is recomputed. With `by_libewf` libewf reads it
    as well and must give the same bytes: it shares no code with ours, and other programs read through it.
    Whoever is named in `besides` gets every block too, in order.
    Raises `NotIntact` naming the place where a checksum or the two readers do not match or the image cannot be read;
    `check` may raise to stop.
    """
    consumers: list[_Consumer] = []
    digests = {name: hashing.new(name) for name in algorithms}
    open_judge = ExitStack()
    try:
        consumers += [_Consumer(name, digest.update) for name, digest in digests.items()]
        if by_libewf and image.format == EWF:
            judge = open_judge.enter_context(closing(LibewfReader(image.segments)))
            consumers.append(_Consumer("libewf", _Comparison(judge).update))
        consumers += [_Consumer(name, take) for name, take in (besides or {}).items()]
        for consumer in consumers:
            consumer.start()
        done = 0
        with closing(blocks(image, check)) as pieces:
            for block in pieces:
                check()
                for consumer in consumers:
                    consumer.put(block)
                done += len(block)
                progress(done, image.size)
        if done != image.size:
            raise NotIntact(f"The image holds {done} bytes of the drive and should hold {image.size}.", _REMEDY)
        for consumer in consumers:
            consumer.conclude()
        return {name: digest.hexdigest() for name, digest in digests.items()}
    finally:
        for consumer in consumers:
            consumer.end()
        open_judge.close()


def blocks(image: Image, check: Callable[[], None]) -> Generator[bytes | memoryview, None, None]:
    """The bytes of the drive in `image`, in order and in pieces of 1 MiB or so, every checksum of an E01 recomputed.

    A piece keeps its bytes until `ewf_check.VALID_FOR` more were taken.

    Raises `NotIntact` as `verify` does. Close the generator to end its threads.
    """
    if image.format == EWF:
        yield from _within(ewf_check.contents(image.segments, check), image.size)
        return
    for offset in range(0, image.size, BLOCK):
        yield _read(image, offset, BLOCK)


def _within(blocks: Generator[memoryview, None, None], size: int) -> Generator[memoryview, None, None]:
    """Cuts off what a tool wrote past the end of the drive to fill the last chunk."""
    with closing(blocks):
        for block in blocks:
            if block := block[:size]:
                yield block
            size -= len(block)


def _read(image: Image | LibewfReader, offset: int, length: int) -> bytes:
    try:
        return image.read_at(offset, length)
    except OSError as error:
        raise NotIntact(f"The image cannot be read at byte {offset} of the drive.", _REMEDY) from error


class _Comparison:
    """The second reader of an E01."""

    def __init__(self, image: LibewfReader) -> None:
        self._image = image
        self._offset = 0

    def update(self, block: bytes | memoryview) -> None:
        # As bytes, because a view is compared element by element.
        if _read(self._image, self._offset, len(block)) != bytes(block):
            raise NotIntact(
                f"libewf reads other bytes than DriveCustody within {len(block)} bytes from byte {self._offset} of the "
                "drive.",
                _REMEDY,
            )
        self._offset += len(block)


def segment_digests(paths: Sequence[Path], algorithm: str = "sha256") -> dict[str, str]:
    """File name → digest of the whole file: what no checksum inside covers shows here."""
    return {path.name: hashing.of_file(path, algorithm) for path in paths}


class _Consumer(threading.Thread):
    """Takes every block, in order, in a thread of its own; after a failure it only lets them go."""

    def __init__(self, name: str, take: Take) -> None:
        super().__init__(name=f"verify-{name}", daemon=True)
        self._take = take
        self._blocks: queue.Queue[bytes | memoryview | None] = queue.Queue(AHEAD)
        self._failure: Exception | None = None
        self._stop_asked = False

    def run(self) -> None:
        while (block := self._blocks.get()) is not None:
            if self._failure is None and not self._stop_asked:
                try:
                    self._take(block)
                except Exception as error:  # whatever it is, it belongs to the caller of `verify`
                    self._failure = error

    def put(self, block: bytes | memoryview) -> None:
        self._blocks.put(block)

    def conclude(self) -> None:
        """Waits until every block was taken. Raises what went wrong with one."""
        self._blocks.put(None)
        self.join()
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """Ends the thread, without what it has not taken yet."""
        self._stop_asked = True
        if self.is_alive():
            self._blocks.put(None)
            self.join()
