"""Microsoft cabinets ([MS-CAB]): stored and MSZIP folders; files in LZX and Quantum folders are listed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from forensics.extraction.archives import EXPANDS
from forensics.extraction.content import CHILD_LIMIT, CHILDREN_COUNT, CHILDREN_LIMIT, Content, Damaged, NotExamined
from forensics.model import Child, Outcome, Piece, failed, not_examined

_PREVIOUS, _NEXT, _RESERVE = 0x0001, 0x0002, 0x0004
_NAME_IS_UTF = 0x80
_METHODS = {0: "stored", 1: "MSZIP", 2: "Quantum", 3: "LZX"}
_WINDOW = 32 << 10
_CONTINUED = 0xFFFD


def extract(content: Content) -> Iterator[Piece | Child]:
    """Each file of the cabinet as a child; one that cannot be unpacked carries the outcome it has to be listed with."""
    data = content.whole()
    if len(data) < 36:
        raise Damaged("the cabinet's header is cut short")
    (files_at,) = struct.unpack_from("<I", data, 16)
    folder_count, file_count, flags = struct.unpack_from("<3H", data, 26)
    at, folder_extra, block_extra = 36, 0, 0
    if flags & _RESERVE:
        header_extra, folder_extra, block_extra = struct.unpack_from("<HBB", data, at)
        at += 4 + header_extra
    for _ in range(2 * bool(flags & _PREVIOUS) + 2 * bool(flags & _NEXT)):
        at = data.index(b"\0", at) + 1
    folders: list[tuple[int, int, int]] = []
    for _ in range(folder_count):
        begin, blocks, kind = struct.unpack_from("<I2H", data, at)
        folders.append((begin, blocks, kind))
        at += 8 + folder_extra
    if file_count > CHILDREN_COUNT:
        raise NotExamined(f"more than {CHILDREN_COUNT:,} members")
    opened: dict[int, tuple[bytes, Outcome | None]] = {}
    left = CHILDREN_LIMIT
    at = files_at
    for _ in range(file_count):
        if at + 16 > len(data):
            raise Damaged("the cabinet's list of files is cut short")
        size, start, folder = struct.unpack_from("<2IH", data, at)
        end = data.find(b"\0", at + 16)
        if end < 0:
            raise Damaged("the cabinet's list of files is cut short")
        name = data[at + 16 : end].replace(b"\\", b"/")
        at = end + 1
        if folder >= _CONTINUED or folder >= len(folders):
            yield Child(name, b"", not_examined("continued in another cabinet of the set"))
            continue
        if folder not in opened:
            begin, blocks, kind = folders[folder]
            opened[folder] = _folder(data, begin, blocks, kind, block_extra)
        whole, problem = opened[folder]
        member = whole[start : start + size]
        if len(member) < size:
            yield Child(name, member, problem or failed("the member is cut short"))
        elif size > left:
            yield Child(name, b"", not_examined(EXPANDS))
        else:
            left -= size
            yield Child(name, member)


def _folder(data: bytes, at: int, blocks: int, kind: int, extra: int) -> tuple[bytes, Outcome | None]:
    """The bytes of a folder, and what is wrong where they end early."""
    method = _METHODS.get(kind & 0x0F, "unknown")
    if method not in ("stored", "MSZIP"):
        return b"", not_examined(f"{method} compression: no reader in this version")
    out = bytearray()
    for _ in range(blocks):
        if at + 8 > len(data):
            return bytes(out), failed("the compressed data is cut short")
        _, packed, size = struct.unpack_from("<I2H", data, at)
        block = data[at + 8 + extra : at + 8 + extra + packed]
        at += 8 + extra + packed
        if method == "MSZIP":
            # Each block is a deflate stream of its own that may refer to what came before it.
            unpacking = zlib.decompressobj(-zlib.MAX_WBITS, zdict=bytes(out[-_WINDOW:]))
            try:
                block = unpacking.decompress(block[2:], size) if size else b""
            except zlib.error:
                return bytes(out), failed("the compressed data is damaged")
        out += block[:size]
        if len(block) < size:
            return bytes(out), failed("the compressed data is cut short")
        if len(out) > CHILD_LIMIT:
            return b"", not_examined(EXPANDS)
    return bytes(out), None
