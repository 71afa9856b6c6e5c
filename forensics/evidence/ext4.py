"""Plain directories and files of ext4, many at a time: what The Sleuth Kit would say of them one by one.

Plain are a directory without a trace of a deleted name, and a regular file whose extents stand in its inode, one behind
the other. Of everything else nothing is said here: The Sleuth Kit is asked. Offsets are those of the Linux kernel
(Documentation/filesystems/ext4: super block, group descriptors, inodes, directory entries, extents).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from forensics.evidence.allocation import ranges_of
from forensics.evidence.file_system import TSK_FAILED, FileSystem, little_endian, live_directory
from forensics.evidence.image import Image
from forensics.evidence.plain import NO_FILES, PlainDirectory, PlainFiles, single_runs, spare
from forensics.evidence.times import CLOCK_UTC, moment_texts
from forensics.model import Run

_SUPERBLOCK = 1024
_FILE_TYPE, _EXTENTS_FEATURE, _WIDE = 0x2, 0x40, 0x80
_KNOWN_FEATURES = _FILE_TYPE | _EXTENTS_FEATURE | _WIDE | 0x4 | 0x100 | 0x200 | 0x2000 | 0x4000
"""With journal to replay, MMP, flexible groups, a seed for checksums, large directories."""

_NO_INODES = 0x1
"""A group whose inode table was never written (bg_flags)."""

_INODE = np.dtype(
    {
        "names": ["mode", "size", "atime", "mtime", "dtime", "links", "flags", "magic", "entries", "depth", "extents",
                  "size_high", "mtime_extra", "atime_extra", "crtime", "crtime_extra"],
        "formats": ["<u2", "<u4", "<u4", "<u4", "<u4", "<u2", "<u4", "<u2", "<u2", "<u2", "(12,)<u4",
                    "<u4", "<u4", "<u4", "<u4", "<u4"],
        "offsets": [0, 4, 8, 0x10, 0x14, 0x1A, 0x20, 0x28, 0x2A, 0x2E, 0x34, 0x6C, 0x88, 0x8C, 0x90, 0x94],
    }
)  # fmt: skip
_SMALLEST_INODE = 160
"""Bytes that hold the times above."""

_REGULAR, _KIND = 0x8000, 0xF000
_IN_EXTENTS = 0x80000
_ODD = 0x10000000 | 0x200000 | 0x800 | 0x4
"""Inline data, an attribute's inode, encrypted, compressed."""

_EXTENT_MAGIC = 0xF30A
_WRITTEN = 0x8000
"""The longest extent that was written; above it one was only reserved."""

_SHORTEST_ENTRY = 12
_LARGEST_READ = 64 << 20
"""Bytes of a directory, or of inodes at a time."""

FEW_NAMES = 16
"""Below it, reading the inodes of a directory's names together takes longer than one by one."""

_MOST_GROUPS = 1 << 18
"""32 TiB in groups of 128 MiB."""

_SPARSEST = 64
"""Inodes that are read for each one that is wanted, at most."""


class Ext4:
    """A `PlainReader`, made by `ext4_of`."""

    clock = CLOCK_UTC

    def __init__(self, image: Image, system: FileSystem, superblock: bytes) -> None:
        number = partial(little_endian, superblock)
        self._image = image
        self._system = system
        self._start = system.offset
        self._end = image.end(system.offset)
        self._block = 1024 << min(number(0x18, 4), 6)
        self._blocks = number(4, 4) + (number(0x150, 4) << 32 if number(0x60, 4) & _WIDE else 0)
        self._per_group = number(0x28, 4)
        self._inode_size = number(0x58, 2)
        self._last_inode = int(system.handle.info.last_inum)
        descriptor = max(32, number(0xFE, 2)) if number(0x60, 4) & _WIDE else 32
        groups = -(-(self._last_inode - 1) // self._per_group)
        table = image.read_at(self._start + (number(0x14, 4) + 1) * self._block, groups * descriptor)
        self._groups = [table[at : at + descriptor] for at in range(0, len(table) - descriptor + 1, descriptor)]

    # -------------------------------------------------------------------------------------------------- directories

    def directory(self, address: int) -> PlainDirectory | None:
        data = self._content_of_directory(address)
        found = None if data is None else self._entries_in(data)
        if data is None or found is None:
            return None
        starts, lengths, numbers = found
        names = [data[start : start + length] for start, length in zip(starts, lengths, strict=True)]
        if len(set(names)) != len(names) or b"\0" in b"/".join(names):
            return None
        for dots in (b".", b".."):
            if dots in names:
                place = names.index(dots)
                del names[place], numbers[place]
        return PlainDirectory(names, numbers, self._files_at(numbers) if len(names) >= FEW_NAMES else NO_FILES)

    def without_orphans(self, _all_plain: bool, /) -> bool:
        """The Sleuth Kit takes an inode that is not in use for an orphan where it was in use once, and no name leads to
        it: one that holds nothing never was."""
        room = _LARGEST_READ
        for number, one in enumerate(self._groups):
            bitmap = self._at(little_endian(one, 4, 4) + (little_endian(one, 0x24, 4) << 32), -(-self._per_group // 8))
            table = self._table_of(one)
            if bitmap is None or table is None:
                return False
            count = min(self._per_group, self._last_inode - 1 - number * self._per_group)
            free = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little")[:count] == 0
            if little_endian(one, 0x12, 2) & _NO_INODES:
                free[:] = True
            for first, length in ranges_of(free.view(np.uint8), 0, self._inode_size).tolist():
                room -= length
                held = self._at(table, length, first) if room >= 0 else None
                if held is None or held.count(0) < length:
                    return False
        return True

    def _table_of(self, group: bytes) -> int | None:
        """The block in which the inodes of a group begin; None where that is not in the volume."""
        table = little_endian(group, 8, 4) + (little_endian(group, 0x28, 4) << 32)
        return table if 0 < table < self._blocks else None

    def _at(self, block: int, length: int, inside: int = 0) -> bytes | None:
        """So many bytes from a block on, or from `inside` its bytes; None where they are not there."""
        try:
            data = self._image.read_at(self._start + block * self._block + inside, length)
        except OSError:
            return None
        return data if len(data) == length else None

    def _content_of_directory(self, address: int) -> bytes | None:
        file = live_directory(self._system, address) if 0 < address < self._last_inode else None
        if file is None:
            return None
        try:
            size = int(file.info.meta.size)
            if not 0 < size <= _LARGEST_READ or size % self._block:
                return None
            data: bytes = file.read_random(0, size)
        except TSK_FAILED:
            return None
        return data if len(data) == size else None

    def _entries_in(self, data: bytes) -> tuple[list[int], list[int], list[int]] | None:
        """Where each name begins, its length and its inode number; None where anything in a directory's blocks could be
        read as a deleted entry."""
        heads: list[int] = []
        halves: memoryview[int] = np.frombuffer(data, "<u2").astype(np.uint16).data
        for start in range(0, len(data), self._block):
            at, last = start, start + self._block - _SHORTEST_ENTRY
            while at <= last:
                heads.append(at)
                length = halves[(at >> 1) + 2]
                if length < _SHORTEST_ENTRY or length & 3:
                    return None
                at += length
        place = np.array(heads, np.int64)
        words = np.frombuffer(data, "<u4")
        number = words[place >> 2].astype(np.int64)
        rest = words[(place >> 2) + 1].astype(np.int64)
        length, name_length = rest & 0xFFFF, rest >> 16 & 0xFF
        ends = place // self._block * self._block + self._block
        # The checksum at the end of a block, or a node of the hash tree: no entry, which may end anywhere.
        empty = (name_length == 0) & (number == 0)
        needed = np.where(empty, 4, name_length + 11 & ~3)
        named = (name_length > 0) & (number > 0) & (number < self._last_inode) & (length >= needed)
        if not ((empty | named) & (place + length <= ends)).all():
            return None
        spare = np.flatnonzero(empty | (length - needed >= _SHORTEST_ENTRY))
        stops = np.where(empty, np.minimum(place + length + 8, ends), place + length)
        spaces = zip((place + needed)[spare].tolist(), stops[spare].tolist(), ends[spare].tolist(), strict=True)
        if any(self._may_be_entries(data, *space) for space in spaces):
            return None
        return (place[~empty] + 8).tolist(), name_length[~empty].tolist(), number[~empty].tolist()

    def _may_be_entries(self, data: bytes, start: int, stop: int, end: int) -> bool:
        """Whether an entry could begin anywhere in this space that no entry holds, in the block that ends at `end`."""
        space = data[start:stop]
        if len(space) < _SHORTEST_ENTRY or not space.strip(b"\0"):
            return False
        words = np.frombuffer(space, "<u4", len(space) // 4)
        inodes, rest = words[:-2], words[1:-1]
        length, name = rest & 0xFFFF, rest >> 16 & 0xFF
        room = end - start - 4 * np.arange(len(inodes))
        possible = (inodes <= self._last_inode) & (name > 0) & (length >= (name + 11 & ~np.uint32(3)))
        return bool((possible & (length % 4 == 0) & (length <= room)).any())

    # -------------------------------------------------------------------------------------------------------- files

    def _files_at(self, numbers: Sequence[int]) -> PlainFiles:
        """Those of these inodes that are plain files."""
        wanted = np.array(numbers, np.int64)
        groups = (wanted - 1) // self._per_group
        found = [
            (places, inodes)
            for places in (np.flatnonzero(groups == group) for group in np.unique(groups).tolist())
            if (inodes := self._inodes(wanted[places])) is not None
        ]
        if not found:
            return NO_FILES
        places, inodes = found[0]
        if len(found) > 1:
            places = np.concatenate([part[0] for part in found])
            order = np.argsort(places)
            places, inodes = places[order], np.concatenate([part[1] for part in found])[order]
        plain = self._plain(inodes)
        if not plain.all():
            places, inodes = places[plain], inodes[plain]
        return self._files(places, inodes)

    def _inodes(self, numbers: NDArray[np.int64]) -> NDArray[np.void] | None:
        """The inodes with these numbers, which are of one group; None where they are not there or lie too far apart."""
        inside = numbers - 1
        group = int(inside[0]) // self._per_group
        inside = inside % self._per_group
        first, last = int(inside.min()), int(inside.max())
        if group >= len(self._groups) or last - first > _SPARSEST * len(inside):
            return None
        one = self._groups[group]
        if little_endian(one, 0x12, 2) & _NO_INODES:
            return None
        table, wanted = self._table_of(one), (last - first + 1) * self._inode_size
        if table is None or wanted > _LARGEST_READ:
            return None
        data = self._at(table, wanted, first * self._inode_size)
        if data is None:
            return None
        rows = np.ndarray((last - first + 1,), _INODE, data, strides=(self._inode_size,))
        found: NDArray[np.void] = rows[inside - first]
        return found

    def _plain(self, inodes: NDArray[np.void]) -> NDArray[np.bool_]:
        """Which are regular files with their content in up to four extents that were written, without a hole and within
        the volume."""
        entries = inodes["entries"]
        plain = (
            (inodes["links"] > 0) & (inodes["dtime"] == 0) & (inodes["flags"] & _IN_EXTENTS != 0)
            & (inodes["mode"] & _KIND == _REGULAR) & (inodes["size_high"] == 0)
            & (inodes["flags"] & _ODD == 0) & (inodes["magic"] == _EXTENT_MAGIC) & (inodes["depth"] == 0)
            & (entries <= 4)
        )  # fmt: skip
        extents = inodes["extents"].reshape(-1, 4, 3).astype(np.int64)
        logical, middle, low = extents[:, :, 0], extents[:, :, 1], extents[:, :, 2]
        length = middle & 0xFFFF
        last = min(self._blocks, (self._end - self._start) // self._block)
        used = np.arange(4) < entries[:, None]
        whole = (middle >> 16 == 0) & (length > 0) & (length <= _WRITTEN) & (low > 0) & (low + length <= last)
        held = np.where(used, length, 0)
        expected = np.cumsum(held, axis=1) - held
        plain &= (~used | whole & (logical == expected)).all(axis=1)
        enough: NDArray[np.bool_] = plain & (held.sum(axis=1) * self._block >= inodes["size"])
        return enough

    def _files(self, places: NDArray[np.int64], inodes: NDArray[np.void]) -> PlainFiles:
        extents = inodes["extents"].reshape(-1, 4, 3).astype(np.int64)
        starts = self._start + extents[:, :, 2] * self._block
        lengths = (extents[:, :, 1] & 0xFFFF) * self._block
        size, entries = inodes["size"].astype(np.int64), inodes["entries"]
        one = (entries == 1) & (size > 0) & (size <= lengths[:, 0])
        sizes = size.tolist()
        runs = single_runs(starts[:, 0], sizes)
        slack = spare(starts[one, 0], size[one], lengths[one, 0])
        for at in np.flatnonzero(~one).tolist():
            used = int(entries[at])
            runs[at] = self._runs(sizes[at], starts[at, :used].tolist(), lengths[at, :used].tolist(), slack)
        return PlainFiles(
            places.tolist(), sizes, runs, _moments(inodes["mtime"], inodes["mtime_extra"]),
            _moments(inodes["crtime"], inodes["crtime_extra"]), _moments(inodes["atime"], inodes["atime_extra"]), slack,
        )  # fmt: skip

    def _runs(self, size: int, starts: list[int], lengths: list[int], slack: list[int]) -> tuple[Run, ...]:
        runs: list[Run] = []
        position = 0
        for start, held in zip(starts, lengths, strict=True):
            length = max(0, min(held, size - position))
            if length:
                runs.append(Run(position, start, length))
            if held > length:
                slack += (start + length, held - length)
            position += held
        return tuple(runs)


def _moments(seconds: NDArray[np.uint32], extra: NDArray[np.uint32]) -> list[str]:
    return moment_texts(seconds.astype(np.int64), (extra >> 2).astype(np.int64), "Z")


def ext4_of(image: Image, system: FileSystem) -> Ext4 | None:
    """The plain part of an ext4 file system; None for any other, or where its layout is not the usual one."""
    if system.name != "ext4":
        return None
    try:
        superblock = image.read_at(system.offset + _SUPERBLOCK, 1024)
        return _of_superblock(image, system, superblock) if len(superblock) == 1024 else None
    except OSError:
        return None


def _of_superblock(image: Image, system: FileSystem, superblock: bytes) -> Ext4 | None:
    number = partial(little_endian, superblock)
    features, inodes = number(0x60, 4), number(0x28, 4)
    usual = (
        number(0x38, 2) == 0xEF53
        and features & ~_KNOWN_FEATURES == 0
        and features & _FILE_TYPE
        and number(0x18, 4) <= 6
        and _SMALLEST_INODE <= number(0x58, 2) <= 4096
        and 0 < inodes <= 1 << 20
        and number(0, 4) <= inodes * _MOST_GROUPS
        and number(0xFE, 2) <= 64
    )
    return Ext4(image, system, superblock) if usual else None
