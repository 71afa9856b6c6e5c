"""What is known of every byte of a source while it is read: the areas of a GNU ddrescue map, in memory."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator

from forensics.model import BadRange

UNTRIED, UNTRIMMED, UNSCRAPED, BAD, READ = "?", "*", "/", "-", "+"
"""Block status characters of the GNU ddrescue manual, "Mapfile structure"."""


class Areas:
    """`size` bytes, each with one status; neighbours of one status are one area."""

    def __init__(self, size: int, blocks: Iterable[tuple[int, int, str]] = ()) -> None:
        self.size = size
        self._starts = [0]
        self._status = [UNTRIED]
        for offset, length, status in blocks:
            self.mark(offset, length, status)

    def mark(self, offset: int, length: int, status: str) -> None:
        """Give the bytes from `offset` this status, whatever theirs was."""
        end = min(offset + length, self.size)
        if end <= offset:
            return
        first, last = self._split(offset), self._split(end)
        self._starts[first:last] = [offset]
        self._status[first:last] = [status]
        for index in (first + 1, first):
            if 0 < index < len(self._status) and self._status[index] == self._status[index - 1]:
                del self._starts[index], self._status[index]

    def blocks(self, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, str]]:
        """Offset, length and status of the areas that `start` to `end` touches, cut to them."""
        end = self.size if end is None else min(end, self.size)
        index = max(bisect.bisect_right(self._starts, start) - 1, 0)
        while index < len(self._starts) and self._starts[index] < end:
            low = max(self._starts[index], start)
            high = self._starts[index + 1] if index + 1 < len(self._starts) else self.size
            if min(high, end) > low:
                yield low, min(high, end) - low, self._status[index]
            index += 1

    def ranges(self, *statuses: str, start: int = 0) -> list[BadRange]:
        """The areas of these statuses from `start` on, in order."""
        return [BadRange(offset, length) for offset, length, status in self.blocks(start) if status in statuses]

    def amount(self, *statuses: str, start: int = 0) -> int:
        """How many bytes have one of these statuses."""
        return sum(item.length for item in self.ranges(*statuses, start=start))

    def _split(self, offset: int) -> int:
        """The index of the area that begins at `offset`, after one was made to."""
        if offset >= self.size:
            return len(self._starts)
        index = bisect.bisect_left(self._starts, offset)
        if index == len(self._starts) or self._starts[index] != offset:
            self._starts.insert(index, offset)
            self._status.insert(index, self._status[index - 1])
        return index
