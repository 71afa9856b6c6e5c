"""Re-reads an image and computes its digests again: what was written is what was read, and stays so."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from forensics import hashing
from forensics.errors import NotIntact
from forensics.evidence.containers import EWF
from forensics.evidence.ewf_check import check_ewf
from forensics.evidence.image import Image

BLOCK = 1 << 20
AHEAD = 8
"""Blocks read and not yet hashed by the slowest digest."""


def verify(
    image: Image, algorithms: Sequence[str], progress: Callable[[int, int], None], check: Callable[[], None]
) -> dict[str, str]:
    """Reads the whole image, by libewf where it is E01, and returns algorithm → lower-case hex.

    For E01 every checksum in its files is recomputed besides. The caller compares the digests.
    Raises `NotIntact` naming the place where a checksum does not match or the image cannot be read; `check` may
    raise to stop.
    """
    stop = threading.Event()
    checker = _Task("checksums", lambda: _check_structure(image, stop))
    digests = {name: _DigestThread(name) for name in algorithms}
    threads: list[_Task | _DigestThread] = [checker, *digests.values()]
    try:
        for thread in threads:
            thread.start()
        for offset in range(0, image.size, BLOCK):
            check()
            checker.raise_failure()
            try:
                block = image.read_at(offset, BLOCK)
            except OSError as error:
                checker.join()
                checker.raise_failure()
                raise NotIntact(
                    f"The image cannot be read at byte {offset} of the drive.",
                    "Fetch it again from where it was stored, or acquire again.",
                ) from error
            for digest in digests.values():
                digest.put(block)
            progress(offset + len(block), image.size)
        result = {name: digest.finish() for name, digest in digests.items()}
        checker.join()
        checker.raise_failure()
        return result
    finally:
        stop.set()
        for digest in digests.values():
            digest.end()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def segment_digests(paths: Sequence[Path], algorithm: str = "sha256") -> dict[str, str]:
    """File name → digest of the whole file: what no checksum inside covers shows here."""
    return {path.name: hashing.of_file(path, algorithm) for path in paths}


class _Stopped(Exception):
    """The check of the structure is no longer wanted."""


def _check_structure(image: Image, stop: threading.Event) -> None:
    def stopped() -> None:
        if stop.is_set():
            raise _Stopped

    if image.format == EWF:
        check_ewf(image.segments, stopped)


class _Task(threading.Thread):
    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._failure: Exception | None = None

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._failure = error

    def raise_failure(self) -> None:
        if self._failure is not None and not isinstance(self._failure, _Stopped):
            raise self._failure


class _DigestThread(threading.Thread):
    def __init__(self, algorithm: str) -> None:
        self._digest = hashing.new(algorithm)
        self._blocks: queue.Queue[bytes | None] = queue.Queue(AHEAD)
        super().__init__(name=f"digest-{algorithm}", daemon=True)

    def run(self) -> None:
        while (block := self._blocks.get()) is not None:
            self._digest.update(block)

    def put(self, block: bytes) -> None:
        self._blocks.put(block)

    def finish(self) -> str:
        self.end()
        self.join()
        return self._digest.hexdigest()

    def end(self) -> None:
        if self.is_alive():
            self._blocks.put(None)
