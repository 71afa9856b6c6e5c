"""RAR archives: every member is listed, and those that are stored unpacked are read.

The only complete decompressor is that of the format's owner, whose licence forbids others to be made from it; a packed
member is therefore listed as not examined, with its name and the way to open it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from forensics.extraction.content import CHILD_LIMIT, CHILDREN_COUNT, CHILDREN_LIMIT, Content, Damaged, NotExamined
from forensics.extraction.locked import LOCKED
from forensics.model import Child, Outcome, Piece, failed, not_examined

PACKED = "RAR compression: no free reader; unpack it with unrar and examine the copy"
_SPLIT = "continued in another volume of the set"

# RAR 4: technote.txt of the format's owner. RAR 5: "RAR 5.0 archive format", rarlab.com.
_FILE_4, _END_4, _MAIN_4, _STORED_4 = 0x74, 0x7B, 0x73, 0x30
_LONG, _FOLDER, _LARGE, _WIDE_NAME, _LOCKED_4, _HEADERS_LOCKED = 0x8000, 0xE0, 0x100, 0x200, 0x04, 0x80
_FILE_5, _LOCK_5, _END_5 = 2, 4, 5


def extract(content: Content) -> Iterator[Piece | Child]:
    """Each file of the archive as a child, with its bytes or the reason why they are not examined."""
    five = content.head.startswith(b"Rar!\x1a\x07\x01\0")
    left, count = CHILDREN_LIMIT, 0
    for name, start, packed, crc, problem in _five(content) if five else _four(content):
        if (count := count + 1) > CHILDREN_COUNT:
            raise NotExamined(f"more than {CHILDREN_COUNT:,} members")
        if problem is None and packed > min(left, CHILD_LIMIT):
            problem = not_examined("larger than the limit for one member")
        if problem is not None:
            yield Child(name, b"", problem)
            continue
        data = content.readable.read_at(start, packed)
        left -= len(data)
        whole = len(data) == packed and (crc is None or zlib.crc32(data) == crc)
        yield Child(name, data) if whole else Child(name, data, failed("the member's checksum differs"))


_Listed = tuple[bytes, int, int, int | None, Outcome | None]
"""Name, where its bytes begin, how many they are, their CRC-32, and what stands against reading them."""


def _four(content: Content) -> Iterator[_Listed]:
    at = content.head.find(b"Rar!\x1a\x07\0") + 7
    while True:
        head = content.readable.read_at(at, 0x10000)
        if len(head) < 7:
            return
        _, kind, flags, size = struct.unpack_from("<HBHH", head)
        if size < 7 or size > len(head):
            raise Damaged("a header of the archive is damaged")
        (added,) = struct.unpack_from("<I", head, 7) if flags & _LONG and size >= 11 else (0,)
        if kind == _MAIN_4 and flags & _HEADERS_LOCKED:
            raise NotExamined(LOCKED)
        if kind == _END_4:
            return
        if kind == _FILE_4 and size >= 32:
            (crc,) = struct.unpack_from("<I", head, 16)
            method = head[25]
            (name_length,) = struct.unpack_from("<H", head, 26)
            name_at = 32
            if flags & _LARGE and size >= 40:
                added += struct.unpack_from("<I", head, 32)[0] << 32
                name_at = 40
            name = head[name_at : min(size, name_at + name_length)]
            if flags & _WIDE_NAME:
                name = name.partition(b"\0")[0]
            if flags & _FOLDER != _FOLDER:
                yield _listed(name, at + size, added, crc, flags & 3, flags & _LOCKED_4, method == _STORED_4)
        at += size + added


def _listed(name: bytes, at: int, size: int, crc: int | None, split: int, locked: int, stored: bool) -> _Listed:
    problem = not_examined(_SPLIT if split else LOCKED if locked else PACKED) if split or locked or not stored else None
    return name.replace(b"\\", b"/"), at, size, crc, problem


class _Numbers:
    """Reads the variable-length numbers of RAR 5: seven bits a byte, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self) -> int:
        value = shift = 0
        while self.at < len(self.data) and shift < 70:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7
        raise Damaged("a header of the archive is damaged")

    def fixed(self) -> int:
        self.at += 4
        if self.at > len(self.data):
            raise Damaged("a header of the archive is damaged")
        return int.from_bytes(self.data[self.at - 4 : self.at], "little")


def _five(content: Content) -> Iterator[_Listed]:
    at = 8
    while True:
        head = content.readable.read_at(at, 7)
        if len(head) < 7:
            return
        outer = _Numbers(head[4:])
        size = outer.number()
        if not 0 < size <= 2 << 20:
            raise Damaged("a header of the archive is damaged")
        body = _Numbers(content.readable.read_at(at + 4 + outer.at, size))
        at += 4 + outer.at + size
        kind, flags = body.number(), body.number()
        extra = body.number() if flags & 1 else 0
        packed = body.number() if flags & 2 else 0
        if kind == _LOCK_5:
            raise NotExamined(LOCKED)
        if kind == _END_5:
            return
        if kind == _FILE_5:
            about = body.number()
            body.number()
            body.number()
            if about & 2:
                body.fixed()
            crc = body.fixed() if about & 4 else None
            compression = body.number()
            body.number()
            length = body.number()
            name = body.data[body.at : body.at + length]
            locked = _has_lock(body.data[len(body.data) - extra :]) if extra else 0
            if not about & 1:
                yield _listed(name, at, packed, crc, flags & 0x18, locked, not compression >> 7 & 7)
        at += packed


def _has_lock(extra: bytes) -> int:
    records = _Numbers(extra)
    while records.at < len(extra):
        size = records.number()
        end = records.at + size
        if records.number() == 1:
            return 1
        records.at = end
    return 0
