"""Files on an exFAT volume without a mount: the volume of `mkfs.exfat`, and directory entries put into its root.

Microsoft's exFAT specification, revision 1.00; sections are named where a number comes from. Every file lies in one
piece, behind the one before it. `fsck.exfat` is the judge (tests/unit/test_labelled_filesystems.py).
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

CLUSTER = 4096
_NO_CHAIN = 0x03  # AllocationPossible and NoFatChain (6.3.4)
_END = 0xFFFFFFFF
_IN_USE = 0x80
_TIME = (2018 - 1980) << 25 | 5 << 21 | 4 << 16 | 9 << 11


def make(path: Path, size: int, files: Sequence[tuple[str, bytes]], deleted: Sequence[tuple[str, bytes]]) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)
    subprocess.run(["mkfs.exfat", "-c", str(CLUSTER), path], check=True, capture_output=True)
    with path.open("r+b") as stream:
        _Volume(stream).put([(*file, True) for file in files] + [(*file, False) for file in deleted])


class _Volume:
    def __init__(self, stream) -> None:
        self.stream = stream
        boot = self._read(0, 512)
        shift = boot[108]
        self.fat = struct.unpack_from("<I", boot, 80)[0] << shift
        self.heap = struct.unpack_from("<I", boot, 88)[0] << shift
        self.root = struct.unpack_from("<I", boot, 96)[0]
        entries = self._read(self._at(self.root), CLUSTER)
        kinds = {entries[at]: entries[at : at + 32] for at in range(0, CLUSTER, 32) if entries[at]}
        self.used = sum(1 for at in range(0, CLUSTER, 32) if entries[at])
        self.bitmap = self._at(struct.unpack_from("<I", kinds[0x81], 20)[0])
        length = struct.unpack_from("<Q", kinds[0x81], 24)[0]
        self.taken = bytearray(self._read(self.bitmap, length))
        self.free = max(n for n in range(8 * length) if self.taken[n >> 3] >> (n & 7) & 1) + 3

    def put(self, files: Sequence[tuple[str, bytes, bool]]) -> None:
        entries = bytearray(self._read(self._at(self.root), 32 * self.used))
        for name, data, live in files:
            first = self.free
            self.stream.seek(self._at(first))
            self.stream.write(data)
            count = -(-len(data) // CLUSTER)
            self.free += count
            if live:
                self._take(first, count)
            entries += _entry_set(name, data, first, live)
        self._grow_root(-(-len(entries) // CLUSTER))
        for part, cluster in enumerate(self.chain):
            self.stream.seek(self._at(cluster))
            self.stream.write(entries[part * CLUSTER : (part + 1) * CLUSTER].ljust(CLUSTER, b"\0"))
        self.stream.seek(self.bitmap)
        self.stream.write(self.taken)

    def _grow_root(self, clusters: int) -> None:
        """The root directory has no length of its own: it is as long as its chain (7.1 and 4.1)."""
        self.chain = [self.root, *range(self.free, self.free + clusters - 1)]
        self.free += clusters - 1
        for cluster, following in zip(self.chain, [*self.chain[1:], _END], strict=True):
            self.stream.seek(self.fat + 4 * cluster)
            self.stream.write(struct.pack("<I", following))
        if clusters > 1:
            self._take(self.chain[1], clusters - 1)

    def _take(self, first: int, count: int) -> None:
        for cluster in range(first, first + count):
            self.taken[cluster - 2 >> 3] |= 1 << (cluster - 2 & 7)

    def _at(self, cluster: int) -> int:
        return self.heap + (cluster - 2) * CLUSTER

    def _read(self, offset: int, length: int) -> bytes:
        self.stream.seek(offset)
        return self.stream.read(length)


def _entry_set(name: str, data: bytes, first: int, live: bool) -> bytes:
    """A file's primary entry, its stream extension and its name (7.4, 7.6, 7.7); deleted: without InUse (6.2.1.4)."""
    units = name.encode("utf-16-le")
    parts = [units[at : at + 30].ljust(30, b"\0") for at in range(0, len(units), 30)]
    head = struct.pack("<BBHHHIII", 0x85, 1 + len(parts), 0, 0x20, 0, _TIME, _TIME, _TIME).ljust(32, b"\0")
    size = len(data)
    stream = struct.pack("<BBBBHHQIIQ", 0xC0, _NO_CHAIN, 0, len(units) // 2, _name_hash(units), 0, size, 0, first, size)
    whole = bytearray(head + stream + b"".join(b"\xc1\0" + part for part in parts))
    struct.pack_into("<H", whole, 2, _checksum(whole))
    if not live:
        for at in range(0, len(whole), 32):
            whole[at] &= ~_IN_USE & 0xFF
    return bytes(whole)


def _checksum(entries: bytes) -> int:
    """Figure 2 of section 6.3.3."""
    total = 0
    for at, byte in enumerate(entries):
        if at not in (2, 3):
            total = ((total & 1) << 15 | total >> 1) + byte & 0xFFFF
    return total


def _name_hash(units: bytes) -> int:
    """Figure 4 of section 7.6.4, of the name in capitals; names here are ASCII."""
    total = 0
    for byte in units.decode("utf-16-le").upper().encode("utf-16-le"):
        total = ((total & 1) << 15 | total >> 1) + byte & 0xFFFF
    return total
