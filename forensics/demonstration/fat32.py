"""A FAT32 disk image written without a driver or a tool, so that a packaged program can make one anywhere.

Field names and sizes are those of Microsoft's "FAT32 File System Specification" 1.03 (fatgen103). The writer also does
what a specification does not ask for and years of use bring: deleted entries whose content still stands, fragments,
left-overs in slack and in free clusters.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

SECTOR = 512
PARTITION_LBA = 2048
"""Where Windows since Vista puts the first partition: at 1 MiB."""

_RESERVED_SECTORS = 32
_FIRST_CLUSTER = 2
_FEWEST_CLUSTERS = 65_525
"""With fewer, every reader takes the volume for FAT16 (fatgen103, "FAT Type Determination")."""

_END_OF_CHAIN = 0x0FFFFFFF
_ENTRY = 32
_LARGEST_FILE = 0xFFFFFFFF
_ARCHIVE, _DIRECTORY, _VOLUME_LABEL, _LONG_NAME = 0x20, 0x10, 0x08, 0x0F
HIDDEN_SYSTEM = 0x06
_DELETED = 0xE5
_SHORT_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()-@^_`{}~")
_FORBIDDEN = frozenset('"*/:<>?\\|') | {chr(code) for code in range(32)}
_CHARACTERS_PER_LONG_ENTRY = 13


@dataclass(frozen=True, slots=True)
class Stamps:
    """The three times of a directory entry, without a zone as FAT keeps them; of `accessed` only the date is kept."""

    modified: datetime
    created: datetime
    accessed: datetime

    @classmethod
    def at(cls, when: datetime) -> Self:
        return cls(when, when, when)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a content went: `runs` are (offset in the image, length) in bytes, in the order of the content."""

    path: str
    size: int
    first_cluster: int
    runs: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Entry:
    name: str
    attributes: int
    stamps: Stamps
    first_cluster: int
    size: int
    deleted: bool = False


@dataclass(slots=True)
class _Directory:
    first_cluster: int
    parent: _Directory | None
    stamps: Stamps
    entries: list[_Entry] = field(default_factory=list)

    def find(self, name: str) -> _Entry | None:
        folded = name.casefold()
        return next((e for e in self.entries if not e.deleted and e.name.casefold() == folded), None)


class Fat32Image:
    """A new disk image with an MBR and one FAT32 partition, open for adding files; `close` makes it mountable.

    Content is written as it comes, tables and directories on `close`. Free clusters are handed out upwards and never
    twice, so what was deleted stays. `size` and `cluster_size` in bytes. The file is made sparse where the system can.
    Raises `ValueError` for a size that makes no FAT32 volume, a name FAT cannot hold or a full volume, and
    `FileExistsError` rather than write over anything. `written` hears of each piece of content as it is on disk.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: int,
        cluster_size: int,
        label: str,
        serial: int,
        formatted: datetime,
        written: Callable[[int], None] | None = None,
    ) -> None:
        self._written = written
        self._sectors = size // SECTOR - PARTITION_LBA
        self._cluster_size = cluster_size
        per_cluster = cluster_size // SECTOR
        # A slightly generous table: it has an entry for its own sectors as well. Everything that makes FAT32 does so.
        self._fat_sectors = -(-(self._sectors - _RESERVED_SECTORS) * 4 // (SECTOR * per_cluster + 8))
        self._fat_sectors += -self._fat_sectors % 8
        self._data_lba = PARTITION_LBA + _RESERVED_SECTORS + 2 * self._fat_sectors
        self._clusters = (PARTITION_LBA + self._sectors - self._data_lba) // per_cluster
        if self._clusters < _FEWEST_CLUSTERS:
            raise ValueError(f"{self._clusters} clusters are too few for FAT32")
        if len(label) > 11 or not set(label) <= _SHORT_NAME_CHARACTERS | {" "}:
            raise ValueError("a volume label has at most 11 capital letters, digits and few signs")
        self._label = label.ljust(11).encode("ascii")
        self._serial = serial
        self._fat = np.zeros(self._clusters + _FIRST_CLUSTER, dtype="<u4")
        self._fat[0] = 0x0FFFFFF8
        self._fat[1] = _END_OF_CHAIN
        self._free = _FIRST_CLUSTER
        self._stream: BinaryIO = path.open("xb")
        self._stream.truncate(size)
        self._root = _Directory(self._take(1), None, Stamps.at(formatted))
        self._chain([self._root.first_cluster])
        self._directories = [self._root]
        self._root.entries.append(_Entry(label, _VOLUME_LABEL, Stamps.at(formatted), 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._stream.close()

    # ------------------------------------------------------------------------------------------------- adding

    def directory(self, path: str, stamps: Stamps, *, attributes: int = 0) -> None:
        """An empty directory; its parent must be there."""
        parent, name = self._place_for(path)
        cluster = self._take(1)
        self._chain([cluster])
        parent.entries.append(_Entry(name, _DIRECTORY | attributes, stamps, cluster, 0))
        self._directories.append(_Directory(cluster, parent, stamps))

    def file(
        self,
        path: str,
        content: bytes | Iterable[bytes],
        stamps: Stamps,
        *,
        attributes: int = 0,
        stride: int = 0,
        gap: int = 1,
        slack: bytes = b"",
    ) -> Placed:
        """A file. With a `stride`, that many clusters at a time with `gap` free ones between: a fragmented file.

        `slack` is what the end of the last cluster held before: it stays behind the sector in which the file ends,
        whose own rest is zero, as Windows leaves it. What does not fit is not written.
        """
        parent, name = self._place_for(path)
        clusters, size = self._write(content, stride, gap, slack)
        if size > _LARGEST_FILE:
            raise ValueError("a file on FAT is smaller than 4 GiB")
        self._chain(clusters)
        first = clusters[0] if clusters else 0
        parent.entries.append(_Entry(name, _ARCHIVE | attributes, stamps, first, size))
        return Placed(path, size, first, self._runs(clusters, size))

    def delete(self, placed: Placed) -> None:
        """Delete a file as an operating system does: the entry is marked, the chain freed, the content left."""
        parent, name = self._locate(placed.path)
        entry = parent.find(name)
        if entry is None:
            raise ValueError("no such file")
        entry.deleted = True
        for offset, length in placed.runs:
            first = self._cluster_at(offset)
            self._fat[first : first + -(-length // self._cluster_size)] = 0

    def ghost(self, path: str, over: Placed, size: int, stamps: Stamps) -> None:
        """The deleted entry of a file whose clusters the live file `over` has taken since."""
        parent, name = self._place_for(path)
        parent.entries.append(_Entry(name, _ARCHIVE, stamps, over.first_cluster, size, deleted=True))

    def stray(self, content: bytes) -> Placed:
        """Content in free clusters that no entry, live or deleted, has ever pointed to."""
        clusters, size = self._write(content, 0, 0, b"")
        return Placed("", size, clusters[0] if clusters else 0, self._runs(clusters, size))

    def leave_free(self, clusters: int) -> None:
        """Go on a bit further up: these clusters stay free and zero."""
        self._take(clusters)

    # ------------------------------------------------------------------------------------------------- content

    def _take(self, count: int) -> int:
        first = self._free
        if first + count > self._clusters + _FIRST_CLUSTER:
            raise ValueError("the volume is full")
        self._free += count
        return first

    def _offset(self, cluster: int) -> int:
        return self._data_lba * SECTOR + (cluster - _FIRST_CLUSTER) * self._cluster_size

    def _cluster_at(self, offset: int) -> int:
        return (offset - self._data_lba * SECTOR) // self._cluster_size + _FIRST_CLUSTER

    def _write(self, content: bytes | Iterable[bytes], stride: int, gap: int, slack: bytes) -> tuple[list[int], int]:
        """Write into clusters taken as needed; the clusters in order, and the bytes."""
        unit = self._cluster_size * (stride or 1024)
        clusters: list[int] = []
        size = 0
        waiting = bytearray()
        for block in (content,) if isinstance(content, bytes) else content:
            waiting += block
            size += len(block)
            while len(waiting) >= unit:
                self._put(clusters, bytes(waiting[:unit]), gap if stride else 0)
                del waiting[:unit]
        if waiting:
            last = bytes(waiting)
            last += bytes(-len(last) % SECTOR)
            last += slack[: -len(last) % self._cluster_size]
            self._put(clusters, last, 0)
        return clusters, size

    def _put(self, clusters: list[int], data: bytes, gap: int) -> None:
        count = -(-len(data) // self._cluster_size)
        first = self._take(count)
        clusters.extend(range(first, first + count))
        self._stream.seek(self._offset(first))
        self._stream.write(data)
        self._take(gap)
        if self._written:
            self._written(len(data))

    def _chain(self, clusters: list[int]) -> None:
        if clusters:
            self._fat[clusters[:-1]] = clusters[1:]
            self._fat[clusters[-1]] = _END_OF_CHAIN

    def _runs(self, clusters: list[int], size: int) -> tuple[tuple[int, int], ...]:
        runs: list[tuple[int, int]] = []
        left, previous = size, -1
        for cluster in clusters:
            part = min(left, self._cluster_size)
            left -= part
            if cluster == previous + 1:
                offset, length = runs[-1]
                runs[-1] = (offset, length + part)
            else:
                runs.append((self._offset(cluster), part))
            previous = cluster
        return tuple(runs)

    # ------------------------------------------------------------------------------------------------- names

    def _locate(self, path: str) -> tuple[_Directory, str]:
        *parents, name = path.split("/")
        directory = self._root
        for step in parents:
            entry = directory.find(step)
            if entry is None or not entry.attributes & _DIRECTORY:
                raise ValueError("no such directory")
            directory = next(d for d in self._directories if d.first_cluster == entry.first_cluster)
        return directory, name

    def _place_for(self, path: str) -> tuple[_Directory, str]:
        directory, name = self._locate(path)
        if not name or len(name) > 255 or name[-1] in ". " or set(name) & _FORBIDDEN:
            raise ValueError("FAT cannot hold this name")
        if directory.find(name):
            raise ValueError("a file of this name is there already")
        return directory, name

    # ------------------------------------------------------------------------------------------------- closing

    def close(self) -> None:
        """Write directories, both tables and the boot sectors. Nothing can be added afterwards."""
        for directory in self._directories:
            self._write_directory(directory)
        used = int(np.flatnonzero(self._fat)[-1]) + 1
        table = self._fat[:used].tobytes()
        for copy in range(2):
            self._at(PARTITION_LBA + _RESERVED_SECTORS + copy * self._fat_sectors, table)
        self._at(0, self._mbr())
        boot, info = self._boot_sector(), self._fsinfo()
        for first in (0, 6):  # the second is the backup that BPB_BkBootSec points to
            self._at(PARTITION_LBA + first, boot + info + bytes(510) + b"\x55\xaa")
        self._stream.close()

    def _at(self, lba: int, data: bytes) -> None:
        self._stream.seek(lba * SECTOR)
        self._stream.write(data)

    def _write_directory(self, directory: _Directory) -> None:
        blob = b""
        if directory.parent is not None:
            above = directory.parent
            # fatgen103: the parent's cluster in ".." is 0 where the parent is the root, whatever cluster that has.
            parent_cluster = above.first_cluster if above.parent is not None else 0
            blob += _short_entry(b".          ", _DIRECTORY, directory.stamps, directory.first_cluster, 0)
            blob += _short_entry(b"..         ", _DIRECTORY, directory.stamps, parent_cluster, 0)
        taken: set[bytes] = set()
        for entry in directory.entries:
            blob += _directory_entries(entry, taken)
        clusters = [directory.first_cluster]
        more = -(-len(blob) // self._cluster_size) - 1
        if more > 0:
            first = self._take(more)
            clusters += range(first, first + more)
        self._chain(clusters)
        for position, cluster in enumerate(clusters):
            self._stream.seek(self._offset(cluster))
            start = position * self._cluster_size
            self._stream.write(blob[start : start + self._cluster_size].ljust(self._cluster_size, b"\0"))

    def _mbr(self) -> bytes:
        # CHS addresses end at 8 GB; FE FF FF is what Windows writes for "use the LBA".
        partition = struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", 0x0C, b"\xfe\xff\xff", PARTITION_LBA, self._sectors)
        return bytes(440) + struct.pack("<IH", self._serial ^ 0xFFFFFFFF, 0) + partition + bytes(48) + b"\x55\xaa"

    def _boot_sector(self) -> bytes:
        head = b"\xeb\x58\x90" + b"MSWIN4.1"
        head += struct.pack("<HBHBHHBHHHII", SECTOR, self._cluster_size // SECTOR, _RESERVED_SECTORS, 2, 0, 0, 0xF8, 0,
                            63, 255, PARTITION_LBA, self._sectors)  # fmt: skip
        head += struct.pack("<IHHIHH12x", self._fat_sectors, 0, 0, self._root.first_cluster, 1, 6)
        head += struct.pack("<BBBI", 0x80, 0, 0x29, self._serial) + self._label + b"FAT32   "
        return head + b"\xf4\xeb\xfd".ljust(510 - len(head), b"\0") + b"\x55\xaa"  # boot code: hlt; jmp to it

    def _fsinfo(self) -> bytes:
        free = int(np.count_nonzero(self._fat[_FIRST_CLUSTER:] == 0))
        return struct.pack("<I480xIII12x", 0x41615252, 0x61417272, free, self._free - 1) + b"\0\0\x55\xaa"


def _dos_time(when: datetime) -> tuple[int, int]:
    date = (when.year - 1980) << 9 | when.month << 5 | when.day
    return date, when.hour << 11 | when.minute << 5 | when.second // 2


def _short_entry(name: bytes, attributes: int, stamps: Stamps, cluster: int, size: int) -> bytes:
    created_date, created_time = _dos_time(stamps.created)
    tenths = stamps.created.second % 2 * 100 + stamps.created.microsecond // 10_000  # in hundredths, whatever its name
    accessed_date, _ = _dos_time(stamps.accessed)
    modified_date, modified_time = _dos_time(stamps.modified)
    return struct.pack("<11sBBBHHHHHHHI", name, attributes, 0, tenths, created_time, created_date, accessed_date,
                       cluster >> 16, modified_time, modified_date, cluster & 0xFFFF, size)  # fmt: skip


def _directory_entries(entry: _Entry, taken: set[bytes]) -> bytes:
    if entry.attributes & _VOLUME_LABEL:
        return _short_entry(entry.name.ljust(11).encode("ascii"), _VOLUME_LABEL, entry.stamps, 0, 0)
    short, is_exact = _short_name(entry.name, taken)
    taken.add(short)
    blob = b"" if is_exact else _long_entries(entry.name, short)
    blob += _short_entry(short, entry.attributes, entry.stamps, entry.first_cluster, entry.size)
    if entry.deleted:
        marked = bytearray(blob)
        marked[::_ENTRY] = bytes([_DELETED]) * (len(blob) // _ENTRY)
        blob = bytes(marked)
    return blob


def _short_name(name: str, taken: set[bytes]) -> tuple[bytes, bool]:
    """The 8.3 name, and whether it says all that the name does (then no long entries are needed)."""
    stem, _, extension = name.rpartition(".") if "." in name.strip(".") else (name, "", "")
    plain = f"{stem[:8]:<8}{extension[:3]:<3}".encode("ascii", "replace")
    fits = len(stem) <= 8 and len(extension) <= 3 and set(stem + extension) <= _SHORT_NAME_CHARACTERS
    if fits and stem and plain not in taken:
        return plain, True
    base = "".join(c for c in stem.upper() if c in _SHORT_NAME_CHARACTERS) or "FILE"
    ending = "".join(c for c in extension.upper() if c in _SHORT_NAME_CHARACTERS)[:3]
    number = 1
    while True:
        tail = f"~{number}"
        short = f"{base[: 8 - len(tail)] + tail:<8}{ending:<3}".encode("ascii")
        if short not in taken:
            return short, False
        number += 1


def _long_entries(name: str, short: bytes) -> bytes:
    checksum = 0
    for byte in short:
        checksum = ((checksum & 1) << 7 | checksum >> 1) + byte & 0xFF
    text = name.encode("utf-16-le")
    per_entry = 2 * _CHARACTERS_PER_LONG_ENTRY
    if len(text) % per_entry:
        text += b"\0\0"
        text += b"\xff" * (-len(text) % per_entry)
    pieces = [text[i : i + per_entry] for i in range(0, len(text), per_entry)]
    blob = b""
    for number in range(len(pieces), 0, -1):
        piece = pieces[number - 1]
        order = number | (0x40 if number == len(pieces) else 0)
        blob += struct.pack("<B10sBBB12sH4s", order, piece[:10], _LONG_NAME, 0, checksum, piece[10:22], 0, piece[22:])
    return blob
