"""What the MFT of an NTFS volume says and pytsk3 does not pass on."""

from __future__ import annotations

import struct
from typing import Any

from forensics.evidence.file_system import TSK_FAILED, FileSystem
from forensics.evidence.image import Image

DATA = 0x80
END = 0xFFFFFFFF
MFT = 0


def initialised_lengths(image: Image, system: FileSystem, address: int) -> dict[int, int]:
    """Attribute id → bytes of a non-resident $DATA that were ever written; the rest of it reads as zeros.

    An interrupted copy has the size of its source at once and grows into it: what stands behind is older data of
    somebody else's. Only attributes in the base record are here; those in extension records are left out.
    Layout: Linux `fs/ntfs/layout.h`, ATTR_RECORD.
    """
    try:
        untrusted = _record(image, system, address)
    except TSK_FAILED:
        return {}
    found = {}
    if untrusted[:4] == b"FILE":
        (position,) = struct.unpack_from("<H", untrusted, 20)
        while position + 64 <= len(untrusted):
            kind, length = struct.unpack_from("<II", untrusted, position)
            if kind == END or length < 16:
                break
            if kind == DATA and untrusted[position + 8]:
                (identifier,) = struct.unpack_from("<H", untrusted, position + 14)
                (found[identifier],) = struct.unpack_from("<Q", untrusted, position + 56)
            position += length
    return found


def _record(image: Image, system: FileSystem, address: int) -> bytes:
    """The record with its update sequence applied: the last two bytes of every sector stand elsewhere."""
    boot = image.read_at(system.offset, 512)
    signed = int.from_bytes(boot[64:65], "little", signed=True)
    size = 1 << min(-signed, 16) if signed < 0 else signed * boot[13] * int.from_bytes(boot[11:13], "little")
    if not 512 <= size <= 65536:
        return b""
    table: Any = system.handle.open_meta(MFT)
    record = bytearray(table.read_random(address * size, size))
    if len(record) < size:
        return b""
    offset, count = struct.unpack_from("<HH", record, 4)
    for index in range(1, count):
        end, fix = index * 512, offset + 2 * index
        if end > size or fix + 2 > size:
            break
        record[end - 2 : end] = record[fix : fix + 2]
    return bytes(record)
