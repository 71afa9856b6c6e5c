"""The parts of the EWF-E01 layout that writer and checker share.

Source: Joachim Metz, "Expert Witness Compression Format (EWF)", libewf documentation; names are those used there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from isal import isal_zlib

SIGNATURE = b"EVF\x09\x0d\x0a\xff\x00"
LOGICAL_SIGNATURE = b"LVF\x09\x0d\x0a\xff\x00"
EWF2_SIGNATURE = b"EVF2\x0d\x0a\x81\x00"
EWF2_LOGICAL_SIGNATURE = b"LEF2\x0d\x0a\x81\x00"

CHUNK = 32768
"""Bytes of the source in one chunk: 64 sectors of 512 bytes, what every tool writes by default."""

TABLE_LIMIT = 65534
"""Entries in one table section: EnCase 6 reads no more."""

SECTORS_LIMIT = 0x7FF00000
"""Bytes of one sectors section: a table entry has 31 bits for the offset."""

COMPRESSED = 1 << 31
"""The highest bit of a table entry says that the chunk is a zlib stream; otherwise an Adler-32 follows its bytes."""

FILE_HEADER = struct.Struct("<8sBHH")
DESCRIPTOR = struct.Struct("<16sQQ40x")
DESCRIPTOR_SIZE = DESCRIPTOR.size + 4
TABLE_HEADER = struct.Struct("<I4xQ4x")
VOLUME = struct.Struct("<B3xIIIQIIIB3xI4xIB3xI4x16s963x5x")
"""Media type, chunks, sectors a chunk, bytes a sector, sectors, CHS, media flags, PALM volume start sector, SMART logs
start sector, compression level, error granularity, segment file set identifier, signature."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SEGMENT_LIMIT = 99 + 22 * 26 * 26
"""E01 to E99, then EAA to ZZZ."""


def checksum(data: bytes | memoryview) -> bytes:
    """Adler-32 as it stands in the file, little-endian."""
    return struct.pack("<I", isal_zlib.adler32(data))


def with_checksum(data: bytes) -> bytes:
    return data + checksum(data)


def descriptor(kind: bytes, next_offset: int, size: int) -> bytes:
    """A section descriptor; `size` counts the descriptor itself."""
    return with_checksum(DESCRIPTOR.pack(kind, next_offset, size))


def segment_extension(number: int) -> str:
    """The file extension of segment `number`, 1-based: E01 … E99, EAA … EAZ, EBA … ZZZ.

    Raises `ValueError` past the last.
    """
    if not 1 <= number <= SEGMENT_LIMIT:
        raise ValueError("an E01 image has 1 to 14,971 segments")
    if number <= 99:
        return f"E{number:02d}"
    index = number - 100
    first = LETTERS[LETTERS.index("E") + index // 676]
    return first + LETTERS[index // 26 % 26] + LETTERS[index % 26]


def segment_paths(first: Path) -> Iterator[Path]:
    """The names of a segment set in order, from the path of its first segment (`.E01`, in either case)."""
    lower = first.suffix.islower()
    for number in range(1, SEGMENT_LIMIT + 1):
        extension = segment_extension(number)
        yield first.with_suffix("." + (extension.lower() if lower else extension))
