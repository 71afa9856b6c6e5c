"""One read of a source, judged: whole, a bad spot, or no drive there any more."""

from __future__ import annotations

import errno
import mmap
import os
import time

from forensics.errors import EnvironmentFailed
from forensics.evidence.source import Source, Watched

PAGE = 4096
"""The second step into a block that failed; sectors are the third."""

GONE = frozenset({errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.ESHUTDOWN, errno.ENOTCONN})
"""What Linux answers when the device itself is away."""

OURS = frozenset({errno.EINVAL, errno.EBADF, errno.EFAULT})
"""What a read answers when the request is wrong: not a bad sector. With O_DIRECT a bad one has many names besides EIO
(ENODATA for a medium error, EREMOTEIO, ETIMEDOUT, EILSEQ; Linux block/blk-core.c, `blk_errors`)."""

SUSPICIOUS = 64
"""So many unreadable places in a row ask whether the device still answers at all. A removed drive behind some
bridges, and behind a loop device, answers EIO for ever, and must not become an image of zeros."""

SLOW_SECONDS = 2.0
"""A sound drive reads 1 MiB in a small part of this; one that retries inside itself takes longer and gives no error."""


class Disconnected(EnvironmentFailed):
    """The device is away. What failed since it last answered is not known to be bad."""


class Reading:
    """Reads a source and keeps count of failures in a row, of slow reads, and of where it last answered."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.slow_reads = 0
        self._failures = 0
        self._first_good: int | None = None
        self._last_good: int | None = None

    def read(self, view: memoryview, offset: int) -> bool:
        """True when the whole of `view` was read; False for a bad spot.

        Raises `Disconnected` where the device is gone, `EnvironmentFailed` where the request itself was wrong.
        """
        began = time.monotonic()
        try:
            complete = self.source.read_into(view, offset) == len(view)
        except OSError as error:
            if error.errno in GONE:
                raise disconnected(offset) from error
            if error.errno in OURS:
                raise EnvironmentFailed(
                    f"The source cannot be read at {offset}: {os.strerror(error.errno)}.",
                    "This is no bad sector; report it with the model of the drive.",
                ) from error
            complete = False
        if time.monotonic() - began > SLOW_SECONDS:
            self.slow_reads += 1
        if complete:
            self._failures = 0
            self._last_good = offset
            if self._first_good is None:
                self._first_good = offset
            return True
        self._failures += 1
        if self._failures % SUSPICIOUS == 0:
            self.require_answer(offset)
        return False

    def require_answer(self, offset: int) -> None:
        """After a failed read: raises `Disconnected` unless the device node is as it was and a place that was read
        before can still be read (before the first, one of five). Nothing is asked where the last read was good.
        """
        if not self._failures:
            return
        if isinstance(self.source, Watched) and (change := self.source.change()):
            raise disconnected(offset, change)
        size, sector = self.source.size, self.source.sector_size
        if self._first_good is not None and self._last_good is not None:
            places = {self._first_good, self._last_good}
        else:
            places = {size * part // 4 // sector * sector for part in range(4)} | {(size - 1) // sector * sector}
        probe = mmap.mmap(-1, PAGE * 16)
        with probe, memoryview(probe) as view:
            for place in places:
                with view[: min(sector, size - place)] as target:
                    try:
                        if self.source.read_into(target, place) == len(target):
                            return
                    except OSError:
                        continue
        raise disconnected(offset)


def disconnected(offset: int, change: str = "") -> Disconnected:
    return Disconnected(
        f"The device was disconnected after {offset} bytes{': ' + change if change else ''}. "
        "The unfinished image was kept.",
        "Check cable and port, plug the drive in again through the write blocker, and acquire again.",
    )
