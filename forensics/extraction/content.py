"""What an extractor is given, what it may yield, and the limits that hold for all of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from forensics.model import Child, Piece, Readable, Unit

WHOLE_LIMIT = 256 << 20
"""Bytes of a content whose parser needs all of it in memory."""

TEXT_LIMIT = 512 << 20
"""Bytes of extracted text that one content may yield."""

CHILD_LIMIT = 512 << 20
"""Bytes of one child."""

CHILDREN_LIMIT = 768 << 20
"""Bytes of all children of one content together: they are in the worker's memory twice while it sends them."""

CHILDREN_COUNT = 200_000

PIECE_BYTES = 8 << 20
"""Where streams are cut: small enough to stay in memory several times over, large enough that a cut is rare."""

OVERLAP = 512
"""Bytes that two pieces without rows share; the longest layout of one person's key fields fits (exposure.md)."""

RATIO_FREE = 64 << 20
RATIO_LIMIT = 200
"""Compressed content may expand to 64 MiB freely, and beyond that to 200 times its size: zip bombs start near 1000."""


class NotExamined(Exception):
    """Ends an extractor with `not_examined(reason)`; what it yielded before is kept."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Damaged(Exception):
    """Ends an extractor with `failed(reason)`; what it yielded before is kept."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person should know of a content that was examined all the same: a fixed phrase, nothing quoted."""

    phrase: str


@dataclass(frozen=True, slots=True)
class BytesReadable:
    """Bytes in memory, a child of an archive for instance, as a `Readable`."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@dataclass(frozen=True, slots=True)
class Content:
    """One content to extract from: its bytes, its name, and what the sniffer made of it. `head` is its first 64 KiB.

    `passwords` are those that the examiner gave; each extractor that meets a lock tries the empty one and these.
    """

    type: str
    untrusted_name: bytes
    readable: Readable
    head: bytes
    passwords: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return self.readable.size

    def whole(self) -> bytes:
        """All bytes. Raises `NotExamined` above `WHOLE_LIMIT`."""
        if self.size > WHOLE_LIMIT:
            raise NotExamined(f"larger than the limit of {WHOLE_LIMIT >> 20} MiB for this type")
        return self.readable.read_at(0, self.size)

    def stream(self) -> io.BufferedReader:
        """The same bytes as a seekable binary file."""
        return io.BufferedReader(_Stream(self.readable), 1 << 20)


Found = Piece | Child | Note

Extractor = Callable[[Content], Iterator[Found]]
"""Yields pieces, children and notes as it finds them; raises `NotExamined`, `Damaged` or whatever its parser raises."""


def pieces(
    lines: Iterable[str], steps: tuple[str, ...], unit: Unit, *, table: bool = False, first: int = 1
) -> Iterator[Piece]:
    """Extracted text as UTF-8 pieces, cut between lines. Cells of a table are separated by TAB.

    A line must not hold a line feed: then line n of the stream is what the locator calls `unit` n.
    """
    held: list[bytes] = []
    size = offset = count = 0
    number = first
    for some, lines_in in _encoded(lines):
        if held and size + len(some) > PIECE_BYTES:
            yield _piece(held, steps, unit, table, number, offset)
            number += count
            offset += size
            held, size, count = [], 0, 0
        held.append(some)
        size += len(some)
        count += lines_in
    if held:
        yield _piece(held, steps, unit, table, number, offset)


_TOGETHER = 1 << 17
"""Characters that are encoded together: line by line takes three times as long over a million rows."""


def _encoded(lines: Iterable[str]) -> Iterator[tuple[bytes, int]]:
    """Some lines as UTF-8, each with its line feed, and how many they are.

    Lone surrogates come out of damaged UTF-16; they have no UTF-8.
    """
    some: list[str] = []
    size, most = 0, min(_TOGETHER, PIECE_BYTES // 8)
    for line in lines:
        if some and size + len(line) >= most:
            yield ("\n".join(some) + "\n").encode("utf-8", "replace"), len(some)
            some, size = [], 0
        some.append(line)
        size += len(line)
    if some:
        yield ("\n".join(some) + "\n").encode("utf-8", "replace"), len(some)


def _piece(held: list[bytes], steps: tuple[str, ...], unit: Unit, table: bool, first: int, offset: int) -> Piece:
    data = b"".join(held)
    return Piece(steps, unit, table, first, offset, len(data), "utf-8", "\t" if table else "", data=data)


_BREAKS = {ord(c): " " for c in "\t\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"}


def one_line(text: str) -> str:
    """The text with every tab and line break as a blank, so that a cell stays a cell and a line a line."""
    return text.translate(_BREAKS) if not text.isprintable() else text


class _Stream(io.RawIOBase):
    def __init__(self, readable: Readable) -> None:
        self._readable = readable
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._readable.size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the start")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._readable.read_at(self._position, len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
