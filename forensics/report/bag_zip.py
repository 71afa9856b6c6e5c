"""One exact ZIP form for packages: stored members, no time stamps, no gaps, so that any other byte is an alteration.

A ZIP says everything twice, in front of each member and in the central directory at its end, and readers believe
different halves; between and after them there is room for bytes that nobody reads. Here the whole file is determined by
names and contents (APPNOTE.TXT 6.3.10: local headers 4.3.7, central directory 4.3.12, ZIP64 4.3.14–15), so reading is
writing again and comparing. Stored, because the contents are compressed already and stay readable in place.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

_LIMIT32, _LIMIT16 = 0xFFFFFFFF, 0xFFFF
_LOCAL, _CENTRAL, _END, _END64, _LOCATOR64 = 0x04034B50, 0x02014B50, 0x06054B50, 0x06064B50, 0x07064B50
_DATE = 0x21
"""1 January 1980, the earliest date of the format: a package has one date, in bag-info.txt."""
_MODE = 0o100644 << 16
_BLOCK = 1 << 20
_LOCAL_HEADER = struct.Struct("<IHHHHHIIIHH")


class NotAsWritten(Exception):
    """The file is not what `ZipWriter` writes; `name` is the member where that shows, if one is known."""

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the ZIP. `offset` is where its contents begin."""

    name: str
    size: int
    crc: int
    header: int
    offset: int
    sha256: str = ""


def _local(name: bytes, size: int, crc: int) -> bytes:
    large = size >= _LIMIT32
    extra = struct.pack("<HHQQ", 1, 16, size, size) if large else b""
    shown = _LIMIT32 if large else size
    version = 45 if large else 20
    head = _LOCAL_HEADER.pack(_LOCAL, version, 0, 0, 0, _DATE, crc, shown, shown, len(name), len(extra))
    return head + name + extra


def _directory(members: Sequence[Member], start: int) -> Iterator[tuple[str, bytes]]:
    """The records after the last member, each with the name it is about."""
    size = 0
    for member in members:
        name = member.name.encode("ascii")
        sizes = [member.size, member.size] if member.size >= _LIMIT32 else []
        places = [member.header] if member.header >= _LIMIT32 else []
        wide = sizes + places
        extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        version = 45 if wide else 20
        shown = _LIMIT32 if sizes else member.size
        record = struct.pack(
            "<IHHHHHHIIIHHHHHII", _CENTRAL, 0x0300 | version, version, 0, 0, 0, _DATE, member.crc, shown, shown,
            len(name), len(extra), 0, 0, 0, _MODE, _LIMIT32 if places else member.header,
        ) + name + extra  # fmt: skip
        size += len(record)
        yield member.name, record
    count = len(members)
    end = b""
    if count >= _LIMIT16 or size >= _LIMIT32 or start >= _LIMIT32:
        end += struct.pack("<IQHHIIQQQQ", _END64, 44, 0x0300 | 45, 45, 0, 0, count, count, size, start)
        end += struct.pack("<IIQI", _LOCATOR64, 0, start + size, 1)
    few, small, near = min(count, _LIMIT16), min(size, _LIMIT32), min(start, _LIMIT32)
    yield "", end + struct.pack("<IHHHHIIH", _END, 0, 0, few, few, small, near, 0)


class ZipWriter:
    """Writes members one after another to a stream that need not be seekable."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._place = stream, 0
        self._members: list[Member] = []

    def add(self, name: str, size: int, crc: int, contents: Iterator[bytes]) -> None:
        """Write one member whose size and CRC-32 are known. Raises `ValueError` where the contents are others."""
        header = _local(name.encode("ascii"), size, crc)
        start = self._place
        self._write(header)
        seen, running = 0, 0
        for block in contents:
            seen, running = seen + len(block), zlib.crc32(block, running)
            self._write(block)
        if (seen, running) != (size, crc):
            raise ValueError("the contents changed while they were written")
        self._members.append(Member(name, size, crc, start, start + len(header)))

    def finish(self) -> None:
        """Write the central directory; nothing may be added after."""
        for _, record in _directory(self._members, self._place):
            self._write(record)

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._place += len(data)


def read_members(stream: BinaryIO, length: int) -> list[Member]:
    """The members with the SHA-256 of their contents, where every byte of the file is as `ZipWriter` writes it.

    Raises `NotAsWritten` at the first byte that is not, `OSError` where reading fails.
    """
    members: list[Member] = []
    place = 0
    while True:
        stream.seek(place)
        head = stream.read(_LOCAL_HEADER.size)
        if len(head) < _LOCAL_HEADER.size or head[:4] != _LOCAL.to_bytes(4, "little"):
            break
        member = _read_member(stream, place, head, length, members[-1].name if members else "")
        members.append(member)
        place = member.offset + member.size
    stream.seek(place)
    for name, record in _directory(members, place):
        if stream.read(len(record)) != record:
            raise NotAsWritten("the central directory is not as it was written", name)
        place += len(record)
    if place != length:
        raise NotAsWritten(f"{length - place:,} bytes follow the end of the ZIP")
    return members


def _read_member(stream: BinaryIO, place: int, head: bytes, length: int, before: str) -> Member:
    *_, crc, size, _, name_length, extra_length = _LOCAL_HEADER.unpack(head)
    raw = stream.read(name_length)
    extra = stream.read(extra_length)
    if not raw.isascii() or len(raw) != name_length:
        raise NotAsWritten("the header of a member cannot be read", before)
    name = raw.decode("ascii")
    if size == _LIMIT32 and len(extra) == 20:
        size = int.from_bytes(extra[4:12], "little")
    if head + raw + extra != _local(raw, size, crc):
        raise NotAsWritten("the header of this member is not as it was written", name)
    offset = place + len(head) + len(raw) + len(extra)
    if offset + size > length:
        raise NotAsWritten("this member is cut short", name)
    running, digest, left = 0, hashlib.sha256(), size
    while left:
        block = stream.read(min(left, _BLOCK))
        if not block:
            raise NotAsWritten("this member is cut short", name)
        running, left = zlib.crc32(block, running), left - len(block)
        digest.update(block)
    if running != crc:
        raise NotAsWritten("the contents of this member are not those that were written", name)
    return Member(name, size, crc, place, offset, digest.hexdigest())
