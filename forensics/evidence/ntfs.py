"""What the MFT of an NTFS volume says and pytsk3 does not pass on."""

from __future__ import annotations

import struct
from typing import Any

from forensics.evidence.file_system import TSK_FAILED, FileSystem
from forensics.evidence.image import Image

DATA = 0x80
END = 0xFFFFFFFF
MFT = 0


class Mft:
    """The records of an NTFS volume, read as they stand."""

    def __init__(self, image: Image, system: FileSystem) -> None:
        boot = image.read_at(system.offset, 512)
        signed = int.from_bytes(boot[64:65], "little", signed=True)
        size = 1 << min(-signed, 16) if signed < 0 else signed * boot[13] * int.from_bytes(boot[11:13], "little")
        self._size = size if 512 <= size <= 65536 else 0
        self._system = system
        self._table: Any = None

    def initialised_lengths(self, address: int) -> dict[int, int]:
        """Attribute id → bytes of a non-resident $DATA that were ever written; the rest of it reads as zeros.

        An interrupted copy has the size of its source at once and grows into it: what stands behind is older data of
        somebody else's. Only attributes in the base record are here; those in extension records are left out.
        Layout: Linux `fs/ntfs/layout.h`, ATTR_RECORD.
        """
        try:
            untrusted = self._record(address)
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

    def _record(self, address: int) -> bytes:
        """The record with its update sequence applied: the last two bytes of every sector stand elsewhere."""
        size = self._size
        if not size:
            return b""
        if self._table is None:
            self._table = self._system.handle.open_meta(MFT)
        record = bytearray(self._table.read_random(address * size, size))
        if len(record) < size:
            return b""
        offset, count = struct.unpack_from("<HH", record, 4)
        for index in range(1, count):
            end, fix = index * 512, offset + 2 * index
            if end > size or fix + 2 > size:
                break
            record[end - 2 : end] = record[fix : fix + 2]
        return bytes(record)
