"""Files that HFS+ and APFS keep compressed: a header in an extended attribute, the content behind it or in the resource
fork, in blocks of 64 KiB.

Source: Apple, xnu `bsd/sys/decmpfs.h` (header, magic) and `AppleFSCompression` types as libfsapfs and The Sleuth Kit
document them: 1, 9, 10 not compressed; 3, 4 zlib; 7, 8 LZVN; 11, 12 LZFSE; odd ones in the attribute, even ones in the
resource fork.
"""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

from forensics.model import Readable

DECMPFS, RESOURCE_FORK = b"com.apple.decmpfs", b"com.apple.ResourceFork"

_HEADER = struct.Struct("<4sIQ")
_MAGIC = b"fpmc"
_BLOCK = 64 << 10
_PLAIN, _ZLIB, _LZVN, _LZFSE = (1, 9, 10), (3, 4), (7, 8), (11, 12)
_ZLIB_FORK_TABLE = 0x104
"""Behind the header of the resource fork (256 bytes) and the length of its one resource."""

_MOST_BYTES = 1 << 40
"""A header that claims more is none: the table of its blocks alone would take 128 MiB."""


def uncompressed_size(header: bytes) -> int:
    """The length of the content; 0 where the header is none."""
    if len(header) < _HEADER.size:
        return 0
    magic, _, size = _HEADER.unpack_from(header)
    return int(size) if magic == _MAGIC and size < _MOST_BYTES else 0


class Compressed:
    """The content behind a header and a resource fork; a `model.Readable`. Raises `OSError` where it cannot be read."""

    def __init__(self, header: bytes, fork: Readable) -> None:
        self.size = uncompressed_size(header)
        if not self.size:
            raise OSError("the header of a compressed file is damaged")
        _, self._kind, _ = _HEADER.unpack_from(header)
        self._inline = header[_HEADER.size :]
        self._fork = fork
        self._blocks = self._table()
        self._held: tuple[int, bytes] = (-1, b"")

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        pieces = []
        while length > 0:
            block, inside = (0, offset) if self._kind % 2 else divmod(offset, _BLOCK)
            piece = self._block(block)[inside : inside + length]
            if not piece:
                raise OSError("the content is shorter than its size")
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return b"".join(pieces)

    def _table(self) -> list[tuple[int, int]]:
        """Where each block begins and ends in the fork; one block is the content in the attribute."""
        if self._kind % 2:
            return [(0, len(self._inline))]
        count = -(-self.size // _BLOCK)
        try:
            if self._kind in _ZLIB:
                pairs = struct.unpack(f"<{2 * count}I", self._fork.read_at(_ZLIB_FORK_TABLE + 4, 8 * count))
                starts = [_ZLIB_FORK_TABLE + start for start in pairs[::2]]
                return [(start, start + length) for start, length in zip(starts, pairs[1::2], strict=True)]
            borders = struct.unpack(f"<{count + 1}I", self._fork.read_at(0, 4 * count + 4))
        except struct.error as error:
            raise OSError("the resource fork of a compressed file is damaged") from error
        return list(pairwise(borders))

    def _block(self, number: int) -> bytes:
        if self._held[0] != number:
            if number >= len(self._blocks):
                raise OSError("the content is shorter than its size")
            start, end = self._blocks[number]
            packed = self._inline if self._kind % 2 else self._fork.read_at(start, end - start)
            length = self.size if self._kind % 2 else min(_BLOCK, self.size - number * _BLOCK)
            self._held = number, _unpacked(self._kind, packed, length)
        return self._held[1]


def _unpacked(kind: int, packed: bytes, length: int) -> bytes:
    if kind in _PLAIN:
        return packed[:length]
    # A block that would not have shrunk stands as it is behind a byte that says so.
    if kind in _ZLIB:
        if packed[:1] and packed[0] & 0x0F == 0x0F:
            return packed[1 : 1 + length]
        try:
            return zlib.decompressobj().decompress(packed, length)
        except zlib.error as error:
            raise OSError("a compressed block is damaged") from error
    if kind in _LZVN:
        if packed[:1] == b"\x06":
            return packed[1 : 1 + length]
        return _lzfse(b"bvxn" + struct.pack("<II", length, len(packed)) + packed + b"bvx$", length)
    if kind in _LZFSE:
        if packed[:1] == b"\xff":
            return packed[1 : 1 + length]
        return _lzfse(packed, length)
    raise OSError(f"compressed in a way that is not read (decmpfs type {kind})")


def _lzfse(packed: bytes, length: int) -> bytes:
    try:
        import lzfse
    except ImportError as error:
        raise OSError("compressed by LZFSE or LZVN; install the package lzfse and run index again") from error
    try:
        data: bytes = lzfse.decompress(packed)
    except (lzfse.error, MemoryError) as error:
        # It takes more and more room for what does not end.
        raise OSError("a compressed block is damaged") from error
    return data[:length]
