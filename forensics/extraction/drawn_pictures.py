"""Pictures inside Word, Excel and PowerPoint of 1997 to 2003, by the marks of their own records ([MS-ODRAW] 2.2.23)."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from forensics.extraction.archives import EXPANDS
from forensics.extraction.content import CHILDREN_COUNT, RATIO_FREE, NotExamined
from forensics.model import Child, failed, not_examined

_BLIP = re.compile(
    rb"[\x00\x10\x20\x30\x40\x50\x60\x70\x80\x90\xa0\xb0][\x21\x3d\x46\x54\x6e\x7a][\x1a-\x1f\x29]\xf0", re.DOTALL
)
"""Instance and version 0, then the type of the record, little-endian."""

_KINDS: dict[tuple[int, int], tuple[str, int]] = {
    (0x3D4, 0xF01A): ("emf", 16), (0x3D5, 0xF01A): ("emf", 32),
    (0x216, 0xF01B): ("wmf", 16), (0x217, 0xF01B): ("wmf", 32),
    (0x542, 0xF01C): ("pict", 16), (0x543, 0xF01C): ("pict", 32),
    (0x46A, 0xF01D): ("jpg", 17), (0x46B, 0xF01D): ("jpg", 33),
    (0x6E2, 0xF01D): ("jpg", 17), (0x6E3, 0xF01D): ("jpg", 33),
    (0x6E0, 0xF01E): ("png", 17), (0x6E1, 0xF01E): ("png", 33),
    (0x7A8, 0xF01F): ("dib", 17), (0x7A9, 0xF01F): ("dib", 33),
    (0x6E4, 0xF029): ("tif", 17), (0x6E5, 0xF029): ("tif", 33),
}  # fmt: skip
"""Instance and type → what the picture is, and the bytes of digests (and a tag) that stand before it."""

_METAFILES = ("emf", "wmf", "pict")
_HEADER = struct.Struct("<2HI")
_METAFILE = struct.Struct("<I16s8sI2B")
"""[MS-ODRAW] 2.2.31: size, bounds, size in EMU, size as it is saved, whether it is deflated, filter."""


def pictures(stream: bytes) -> Iterator[Child]:
    """Each picture in a stream of an old Office file as a child `picture n`; metafiles without their compression."""
    number = end = 0
    for match in _BLIP.finditer(stream):
        at = match.start()
        # The bytes of one picture may look like the header of another.
        if at < end or at + _HEADER.size > len(stream):
            continue
        flags, kind, length = _HEADER.unpack_from(stream, at)
        known = _KINDS.get((flags >> 4, kind)) if not flags & 0x0F else None
        if known is None or at + _HEADER.size + length > len(stream):
            continue
        name, before = known
        start, end = at + _HEADER.size + before, at + _HEADER.size + length
        if (number := number + 1) > CHILDREN_COUNT:
            raise NotExamined(f"more than {CHILDREN_COUNT:,} members")
        label = f"picture {number}.{'bmp' if name == 'dib' else name}".encode()
        if name in _METAFILES:
            yield _metafile(label, stream[start:end])
        else:
            yield Child(label, _with_file_header(stream[start:end]) if name == "dib" else stream[start:end])


def _metafile(label: bytes, data: bytes) -> Child:
    if len(data) < _METAFILE.size:
        return Child(label, b"", failed("the picture is cut short"))
    *_, saved, packing, _ = _METAFILE.unpack_from(data)
    body = data[_METAFILE.size : _METAFILE.size + saved]
    # 0 is DEFLATE, 254 is none at all.
    if packing != 0:
        return Child(label, body)
    unpacking = zlib.decompressobj()
    try:
        body = unpacking.decompress(body, RATIO_FREE)
    except zlib.error:
        return Child(label, b"", failed("the compressed data is damaged"))
    return Child(label, body) if not unpacking.unconsumed_tail else Child(label, b"", not_examined(EXPANDS))


def _with_file_header(bitmap: bytes) -> bytes:
    """A bitmap as a file: its pixels stand behind the header and the palette ([MS-WMF] 2.2.2.3)."""
    if len(bitmap) < 40:
        return bitmap
    header, bits, packing, used = *struct.unpack_from("<I10xH", bitmap), *struct.unpack_from("<I12xI", bitmap, 16)
    colours = min(used or (1 << bits if bits <= 8 else 0), 256)
    pixels = 14 + header + 4 * colours + (12 if packing == 3 and header == 40 else 0)
    return struct.pack("<2sI4xI", b"BM", 14 + len(bitmap), pixels) + bitmap
