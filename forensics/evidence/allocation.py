"""Which bytes of a volume its file system holds for itself and its files: read from the file system's own map of them.

The Sleuth Kit's Python interface has no walk over blocks, so the maps are read here:

    FAT      the file allocation table       Microsoft "FAT: General Overview of On-Disk Format" 1.03
    exFAT    the allocation bitmap           "exFAT file system specification", 7.1
    NTFS     $Bitmap, record 6               Linux fs/ntfs/layout.h
    ext2-4   the block bitmaps of groups     Linux Documentation/filesystems/ext4
    HFS+     the allocation file             Apple Technical Note TN1150
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from forensics.evidence.file_system import FAT, TSK_FAILED, FileSystem, little_endian
from forensics.evidence.image import Image

Ranges = NDArray[np.int64]
"""Rows of start and length, in bytes of the device, ascending."""

MOST_UNITS = 1 << 29
"""Clusters or blocks whose map is read: 64 MiB of bits, or 2 GiB of a FAT that no drive has."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands in a volume beside the contents of entries: little-endian int64 pairs of device offset and length.

    `allocated` is None where no map was read. `slack` lies behind the ends of live files in the space they hold;
    `packed` holds compressed files, whose bytes are no bytes of the content.
    """

    slack: bytes
    packed: bytes
    allocated: bytes | None


def pairs(rows: Ranges) -> bytes:
    return rows.astype("<i8").tobytes()


def allocated(image: Image, system: FileSystem) -> Ranges | None:
    """The allocated bytes of a volume, with the file system's own; None where its map is unknown or makes no sense."""
    try:
        if system.name in FAT:
            return _fat(image, system)
        if system.name == "exFAT":
            return _exfat(image, system)
        if system.name == "NTFS":
            return _ntfs(image, system)
        if system.name.startswith("ext"):
            return _ext(image, system)
        if system.name == "HFS+":
            return _hfs(system)
    except (*TSK_FAILED, ValueError, MemoryError):
        return None
    return None


def ranges_of(bits: NDArray[np.uint8], first: int, unit: int) -> Ranges:
    """Starts and lengths of the set bits (bytes of 0 and 1), each `unit` bytes from `first` on."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], bits, [0])).astype(np.int8)))
    starts, ends = edges[0::2].astype(np.int64), edges[1::2].astype(np.int64)
    return np.stack((first + starts * unit, (ends - starts) * unit), axis=1)


def _with_head(head: tuple[int, int], rest: Ranges) -> Ranges:
    return np.concatenate((np.array([head], np.int64).reshape(-1, 2), rest))


def _fat(image: Image, system: FileSystem) -> Ranges | None:
    boot = image.read_at(system.offset, 512)
    sector, cluster = little_endian(boot, 11, 2), boot[13]
    fat_sectors = little_endian(boot, 22, 2) or little_endian(boot, 36, 4)
    root = -(-little_endian(boot, 17, 2) * 32 // sector) if sector else 0
    heap = little_endian(boot, 14, 2) + boot[16] * fat_sectors + root
    sectors = little_endian(boot, 19, 2) or little_endian(boot, 32, 4)
    if not sector or not cluster or heap >= sectors:
        return None
    count = (sectors - heap) // cluster
    if count > MOST_UNITS:
        return None
    start = system.offset + little_endian(boot, 14, 2) * sector
    width = {"FAT12": 12, "FAT16": 16, "FAT32": 32}[system.name]
    table = image.read_at(start, min(fat_sectors * sector, -(-(count + 2) * width // 8)))
    used = (fat_entries(table, width)[2 : count + 2] != 0).view(np.uint8)
    rest = ranges_of(used, system.offset + heap * sector, cluster * sector)
    return _with_head((system.offset, heap * sector), rest)


def fat_entries(table: bytes, width: int) -> NDArray[np.uint32]:
    """The entries of a FAT whose entries have 12, 16 or 32 bits, of which 28 count."""
    if width == 16:
        return np.frombuffer(table[: len(table) // 2 * 2], "<u2").astype(np.uint32)
    if width == 32:
        return np.frombuffer(table[: len(table) // 4 * 4], "<u4").astype(np.uint32) & np.uint32(0x0FFFFFFF)
    threes = np.frombuffer(table[: len(table) // 3 * 3], np.uint8).astype(np.uint32).reshape(-1, 3)
    both = np.stack((threes[:, 0] | (threes[:, 1] & 15) << 8, threes[:, 1] >> 4 | threes[:, 2] << 4), axis=1)
    left = len(table) % 3
    tail = [table[-2] | (table[-1] & 15) << 8] if left == 2 else []
    return np.concatenate((both.reshape(-1), np.array(tail, np.uint32)))


def _exfat(image: Image, system: FileSystem) -> Ranges | None:
    boot = image.read_at(system.offset, 512)
    sector, cluster = 1 << min(boot[108], 12), 1 << min(boot[108] + boot[109], 25)
    heap, count = little_endian(boot, 88, 4) * sector, little_endian(boot, 92, 4)
    if count > MOST_UNITS:
        return None
    bitmap = system.handle.open("/$ALLOC_BITMAP")
    data = bitmap.read_random(0, min(bitmap.info.meta.size, -(-count // 8)))
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[:count]
    return _with_head((system.offset, heap), ranges_of(bits, system.offset + heap, cluster))


NTFS_BITMAP = 6


def _ntfs(image: Image, system: FileSystem) -> Ranges | None:
    cluster = system.block_size
    sectors = little_endian(image.read_at(system.offset, 512), 40, 8)
    bitmap = system.handle.open_meta(NTFS_BITMAP)
    count = min(sectors * 512 // cluster, bitmap.info.meta.size * 8)
    if count > MOST_UNITS:
        return None
    data = bitmap.read_random(0, -(-count // 8))
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[:count]
    return ranges_of(bits, system.offset, cluster)


EXT_SUPERBLOCK = 1024
EXT_META_BG, EXT_64BIT = 0x10, 0x80
EXT_SPARSE_SUPER = 1
EXT_BLOCK_UNINIT = 2


def _ext(image: Image, system: FileSystem) -> Ranges | None:
    sb = image.read_at(system.offset + EXT_SUPERBLOCK, 1024)
    number = partial(little_endian, sb)
    incompatible, wide = number(0x60, 4), bool(number(0x60, 4) & EXT_64BIT)
    block, first, per_group = 1024 << min(number(0x18, 4), 6), number(0x14, 4), number(0x20, 4)
    blocks = number(4, 4) + (number(0x150, 4) << 32 if wide else 0)
    descriptor = max(32, little_endian(sb, 0xFE, 2)) if wide else 32
    if incompatible & EXT_META_BG or not 0 < per_group <= block * 8 or not first < blocks <= MOST_UNITS:
        return None
    groups = -(-(blocks - first) // per_group)
    table = image.read_at(system.offset + (first + 1) * block, groups * descriptor)
    copies = 1 + -(-groups * descriptor // block) + little_endian(sb, 0xCE, 2)
    sparse = bool(little_endian(sb, 0x64, 4) & EXT_SPARSE_SUPER)
    bits = np.zeros(blocks - first, np.uint8)
    for group in range(groups):
        one = table[group * descriptor : (group + 1) * descriptor]
        if len(one) < descriptor:
            return None
        low, high = group * per_group, min((group + 1) * per_group, blocks - first)
        if little_endian(one, 0x12, 2) & EXT_BLOCK_UNINIT:
            # Nothing was ever written to this group but the copies of the superblock, in the groups that have them.
            if not sparse or _has_copies(group):
                bits[low : min(high, low + copies)] = 1
            continue
        place = little_endian(one, 0, 4) + (little_endian(one, 0x20, 4) << 32 if descriptor >= 64 else 0)
        data = image.read_at(system.offset + place * block, block)
        bits[low:high] = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[: high - low]
    ranges = ranges_of(bits, system.offset + first * block, block)
    # Blocks of 1024 bytes are numbered from 1: before the first is the boot block.
    return _with_head((system.offset, first * block), ranges) if first else ranges


def _has_copies(group: int) -> bool:
    if group <= 1:
        return True
    return any(base**power == group for base in (3, 5, 7) for power in range(1, 16))


HFS_ALLOCATION_FILE = 6


def _hfs(system: FileSystem) -> Ranges | None:
    count = int(system.handle.info.block_count)
    bitmap = system.handle.open_meta(HFS_ALLOCATION_FILE)
    if count > MOST_UNITS:
        return None
    data = bitmap.read_random(0, min(bitmap.info.meta.size, -(-count // 8)))
    return ranges_of(np.unpackbits(np.frombuffer(data, np.uint8))[:count], system.offset, system.block_size)
