"""Plain directories of FAT12, FAT16 and FAT32, entry by entry what The Sleuth Kit would say of them.

Plain is a live directory below the root whose entries are all live and whole: each a short name, with its long name, if
any, complete before it; behind the last entry nothing but zeros. Plain among its files are those in consecutive
clusters, and the empty ones without clusters. Offsets and marks are those of Microsoft's "FAT: General Overview of
On-Disk Format" 1.03.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from numpy.typing import NDArray

from forensics.evidence.allocation import fat_entries, ranges_of
from forensics.evidence.file_system import FAT, TSK_FAILED, FileSystem, little_endian, live_directory
from forensics.evidence.image import Image
from forensics.evidence.plain import PlainDirectory, PlainFiles, single_runs, spare
from forensics.evidence.times import CLOCK_LOCAL
from forensics.model import Run

SLOT = 32
FIRST_ADDRESS = 3
"""The Sleuth Kit numbers slots from 3, from the first sector behind the tables of clusters (tsk_fatfs.h)."""

_SHORT = np.dtype(
    {
        "names": ["name", "attributes", "case", "hundredths", "created_time", "created_date", "accessed_date",
                  "high", "time", "date", "low", "size"],
        "formats": ["(11,)u1", "u1", "u1", "u1", "<u2", "<u2", "<u2", "<u2", "<u2", "<u2", "<u2", "<u4"],
        "offsets": [0, 11, 12, 13, 14, 16, 18, 20, 22, 24, 26, 28],
        "itemsize": SLOT,
    }
)  # fmt: skip
_LONG_UNITS = np.concatenate((np.arange(1, 11), np.arange(14, 26), np.arange(28, 32)))
"""Where the 13 UTF-16 units of a slot of a long name are."""

_DELETED, _FOR_E5 = 0xE5, 0x05
"""First byte of a deleted entry, and of a name that begins with that byte."""

_LABEL, _DIRECTORY, _LONG, _UNKNOWN = 0x08, 0x10, 0x0F, 0xC0
_LOWER_BASE, _LOWER_EXTENSION, _NO_CASE = 0x08, 0x10, 0xE7
"""Windows NT keeps here that a short name, or its extension, is in small letters; other bits mean nothing."""

_LAST_LONG, _MOST_LONG = 0x40, 20
_DOTS = b".          ..         "

_IN_NAMES = np.zeros(256, bool)
_IN_NAMES[0x20:0x7F] = True
_IN_NAMES[list(b'"*+,./:;<=>?[\\]|')] = False
"""What a short name of ASCII consists of, by the byte."""

_BAD = 0x0FFFFFF7
"""The mark of a bad cluster; those above it end a chain. In 12 and 16 bits its lower ones."""

_LAST_YEAR = 2037 - 1980
"""The Sleuth Kit knows no later one."""

_FILLER = 0xFFFF
"""The units of a long name behind its end."""

_LARGEST_DIRECTORY = 64 << 20
_MOST_CLUSTERS = 1 << 22
"""64 GiB in clusters of 16 KiB; the table takes 4 bytes of memory for each, the ends of its stretches up to 8 more."""

_FREE_READ = 256 << 10
"""Bytes of free space at a time: what the allocator gives again without new pages."""

_NOTHING = bytes(_FREE_READ)


class Fat:
    """A `PlainReader`, made by `fat_of`."""

    clock = CLOCK_LOCAL

    def __init__(self, image: Image, system: FileSystem, boot: bytes) -> None:
        number = partial(little_endian, boot)
        self._image = image
        self._system = system
        self._sector = sector = number(11, 2)
        self._cluster = boot[13] * sector
        fat_sectors = number(22, 2) or number(36, 4)
        self._root = system.offset + (number(14, 2) + boot[16] * fat_sectors) * sector
        """Where the root directory of FAT12 and FAT16 begins; from here The Sleuth Kit counts slots."""
        self._heap = self._root + -(-number(17, 2) * SLOT // sector) * sector
        self._end = system.offset + (number(19, 2) or number(32, 4)) * sector
        self._clusters = max(0, self._end - self._heap) // self._cluster
        width = {"FAT12": 12, "FAT16": 16, "FAT32": 32}[system.name]
        self.usable = (
            0 < self._clusters <= _MOST_CLUSTERS
            and self._end <= image.end(system.offset)
            and int(system.handle.info.block_size) == sector
            and -(-(self._clusters + 2) * width // 8) <= fat_sectors * sector
        )
        if self.usable:
            table = image.read_at(system.offset + number(14, 2) * sector, -(-(self._clusters + 2) * width // 8))
            self._next = fat_entries(table, width)[: self._clusters + 2].copy()
            # The Sleuth Kit reads a cluster that leads out of the volume as free (fatfs_getFAT).
            self._next[(self._next > self._clusters + 1) & (self._next < _BAD & (1 << width) - 1)] = 0
            self._breaks = np.flatnonzero(self._next != np.arange(1, len(self._next) + 1, dtype=np.uint32))
            self.usable = len(self._next) == self._clusters + 2

    # -------------------------------------------------------------------------------------------------- directories

    def directory(self, address: int) -> PlainDirectory | None:
        found = self._content(address)
        if found is None:
            return None
        data, addresses, cluster = found
        slots = _used(data)
        if slots is None:
            return None
        is_long = slots["attributes"] & _LONG == _LONG
        shorts = np.flatnonzero(~is_long)
        own, named = slots[:2], shorts[2:]
        if (
            shorts[:2].tolist() != [0, 1]
            or own["name"].tobytes() != _DOTS
            or _cluster_of(own)[0] != cluster
            or shorts[-1] != len(slots) - 1
            or not self._are_entries(slots[named], is_long[named - 1])
            or not _are_whole(slots, np.flatnonzero(is_long), shorts)
        ):
            return None
        names = _names(np.frombuffer(data, np.uint8).reshape(-1, SLOT), np.flatnonzero(is_long), shorts)
        if names is None or len(set(names)) != len(names):
            return None
        return PlainDirectory(names, addresses[named].tolist(), self._files(slots[named]))

    def _content(self, address: int) -> tuple[bytes, NDArray[np.int64], int] | None:
        """The bytes of a live directory, the metadata address of each of its slots, and its first cluster."""
        file = live_directory(self._system, address)
        if file is None:
            return None
        try:
            block, base = self._sector, self._system.offset
            places = [(base + run.addr * block, run.len * block) for attribute in file for run in attribute]
            if not places or sum(length for _, length in places) > _LARGEST_DIRECTORY:
                return None
            if any(start < self._heap or start + length > self._end for start, length in places):
                return None
            starts = np.concatenate([np.arange(start, start + length, SLOT) for start, length in places])
            clusters = (starts - self._heap) // self._cluster + 2
            # The Sleuth Kit takes what stands in free clusters for deleted.
            if clusters.max() > self._clusters + 1 or not self._next[clusters].all():
                return None
            data = b"".join(self._image.read_at(*place) for place in places)
        except TSK_FAILED:
            return None
        if len(data) < len(starts) * SLOT:
            return None
        return data, (starts - self._root) // SLOT + FIRST_ADDRESS, int(clusters[0])

    def _are_entries(self, slots: NDArray[np.void], has_long: NDArray[np.bool_]) -> bool:
        """Whether each of these is a live file or directory, of whose fields The Sleuth Kit doubts none. Only what has
        a long name besides may have a short one that is not ASCII."""
        name, cluster, size = slots["name"], _cluster_of(slots), slots["size"]
        letters = _IN_NAMES[name]
        letters[:, :8] |= (name[:, :8] >= 0x80) & has_long[:, None]
        blank = name == 0x20
        rest = blank[:, [1, 2, 3, 4, 5, 6, 8, 9]] & ~blank[:, [2, 3, 4, 5, 6, 7, 9, 10]]
        said = cluster | size | slots["created_time"] | slots["created_date"] | slots["accessed_date"]
        fine = (
            (slots["attributes"] & (_LABEL | _UNKNOWN) == 0)
            & (slots["case"] & _NO_CASE == 0)
            & letters.all(axis=1) & ~blank[:, 0] & ~rest.any(axis=1)
            & ((cluster >= 2) & (cluster <= self._clusters + 1) | (cluster == 0) & (size == 0))
            & (size <= self._clusters * self._cluster)
            & (said | slots["time"] | slots["date"] != 0)
        )  # fmt: skip
        return bool(fine.all())

    # -------------------------------------------------------------------------------------------------------- files

    def _files(self, slots: NDArray[np.void]) -> PlainFiles:
        """Those of these entries that are plain files."""
        cluster, size = _cluster_of(slots), slots["size"].astype(np.int64)
        last = cluster + -(-size // self._cluster) - 1
        end = self._breaks[np.minimum(np.searchsorted(self._breaks, cluster), len(self._breaks) - 1)]
        whole = (size > 0) & (cluster >= 2) & (end >= last) & (last <= self._clusters + 1)
        empty = (size == 0) & (cluster == 0)
        modified, modified_known = _times(slots["date"], slots["time"])
        created, created_known = _times(slots["created_date"], slots["created_time"], slots["hundredths"])
        accessed, accessed_known = _times(slots["accessed_date"])
        known = modified_known & created_known & accessed_known
        places = np.flatnonzero((slots["attributes"] & _DIRECTORY == 0) & (whole | empty) & known)
        cluster, size = cluster[places], size[places]
        starts, sizes = self._heap + (cluster - 2) * self._cluster, size.tolist()
        runs: list[tuple[Run, ...]] = single_runs(starts, sizes)
        for at in np.flatnonzero(size == 0).tolist():
            runs[at] = ()
        return PlainFiles(
            places.tolist(), sizes, runs, modified[places].tolist(), created[places].tolist(),
            accessed[places].tolist(), spare(starts, size, -(-size // self._cluster) * self._cluster),
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------------- orphans

    def without_orphans(self, all_plain: bool, /) -> bool:
        """The Sleuth Kit takes for an orphan what looks like an entry in a free cluster whose sector begins like one,
        and a deleted entry in a directory that is none of its names: plain directories have none."""
        try:
            return all_plain and self._root_is_clean() and not any(map(self._may_hold_entries, self._free_space()))
        except TSK_FAILED:
            return False

    def _root_is_clean(self) -> bool:
        if self._heap > self._root:
            data: bytes = self._image.read_at(self._root, self._heap - self._root)
        else:
            found = self._content(self._system.handle.info.root_inum)
            if found is None:
                return False
            data = found[0]
        return _used(data) is not None

    def _free_space(self) -> Iterator[bytes]:
        for start, length in ranges_of((self._next[2:] == 0).view(np.uint8), self._heap, self._cluster).tolist():
            yield from self._read(start, start + length)
        yield from self._read(self._heap + self._clusters * self._cluster, self._end)

    def _read(self, start: int, stop: int) -> Iterator[bytes]:
        for at in range(start, stop, _FREE_READ):
            yield self._image.read_at(at, min(_FREE_READ, stop - at))

    def _may_hold_entries(self, data: bytes) -> bool:
        if data == _NOTHING[: len(data)]:
            return False
        sectors = np.frombuffer(data, np.uint8, len(data) // self._sector * self._sector).reshape(-1, self._sector)
        heads = sectors[:, :SLOT]
        some = sectors[_could_be_long(heads) | _could_be_short(heads)]
        return bool(_could_be_short(some.reshape(-1, SLOT)).any())


def _used(data: bytes) -> NDArray[np.void] | None:
    """The slots of a directory up to its end; None where one of them is deleted or anything stands behind."""
    first = np.frombuffer(data, np.uint8)[::SLOT]
    ends = np.flatnonzero(first == 0)
    count = int(ends[0]) if len(ends) else len(first)
    if (first[:count] == _DELETED).any() or data.count(0, count * SLOT) < len(data) - count * SLOT:
        return None
    return np.frombuffer(data, _SHORT, count)


def _are_whole(slots: NDArray[np.void], longs: NDArray[np.int64], shorts: NDArray[np.int64]) -> bool:
    """Whether the slots before each short name are those of one long name, from its end to its beginning."""
    after = shorts[np.searchsorted(shorts, longs)] - longs
    begins = ~np.isin(longs - 1, longs, assume_unique=True)
    checksum = slots["hundredths"][longs]
    fine = (
        (after <= _MOST_LONG)
        & (slots["name"][longs, 0] == np.where(begins, after | _LAST_LONG, after))
        & (slots["attributes"][longs] == _LONG) & (slots["case"][longs] == 0) & (slots["low"][longs] == 0)
        & (begins | (checksum == np.roll(checksum, 1)))
    )  # fmt: skip
    return bool(fine.all())


def _names(raw: NDArray[np.uint8], longs: NDArray[np.int64], shorts: NDArray[np.int64]) -> list[bytes] | None:
    """The names of the short slots behind the dots, as The Sleuth Kit spells them; None where that is not certain."""
    owners = np.searchsorted(shorts, longs)
    units = raw[longs[:, None], _LONG_UNITS].view("<u2")[np.lexsort((-longs, owners))]
    if ((units >= 0xD800) & (units < 0xE000) | (units > 0) & (units < 0x20)).any():
        return None
    flat = units.reshape(-1)
    stops = np.cumsum(np.bincount(owners, minlength=len(shorts))) * 13
    starts, stops = stops[1:-1], stops[2:]
    nulls = np.append(np.flatnonzero(flat == 0), len(flat))
    ends = np.minimum(nulls[np.searchsorted(nulls, starts)], stops)
    places = zip(starts.tolist(), ends.tolist(), strict=True)
    if ((flat < 0x80) | (flat == _FILLER)).all():
        ascii_text = flat.astype(np.uint8).tobytes()
        names = [ascii_text[start:end] for start, end in places]
        if b"\xff" in b"/".join(names):
            return None
    else:
        text = flat.tobytes().decode("utf-16-le")
        names = [text[start:end].encode() for start, end in places]
    for at in np.flatnonzero(starts == stops).tolist():
        names[at] = _short_name(raw[shorts[at + 2]].tobytes())
    return names if all(names) else None


def _short_name(slot: bytes) -> bytes:
    base, extension, case = slot[:8].rstrip(b" "), slot[8:11].rstrip(b" "), slot[12]
    base = base.lower() if case & _LOWER_BASE else base
    extension = extension.lower() if case & _LOWER_EXTENSION else extension
    return base + b"." + extension if extension else base


def _cluster_of(slots: NDArray[np.void]) -> NDArray[np.int64]:
    cluster: NDArray[np.int64] = slots["low"].astype(np.int64) | slots["high"].astype(np.int64) << 16
    return cluster


def _times(
    date: NDArray[np.uint16], time: NDArray[np.uint16] | None = None, hundredths: NDArray[np.uint8] | None = None
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """DOS dates and times as `times` gives them, without a time the date alone; and which of them are any. Most files
    have those of others."""
    keys = date.astype(np.int64) << 24
    if time is not None:
        keys |= time.astype(np.int64) << 8
    if hundredths is not None:
        keys |= hundredths
    unique, places = np.unique(keys, return_inverse=True)
    told = [_time(key >> 24, key >> 8 & 0xFFFF, key & 0xFF) for key in unique.tolist()]
    texts = np.array([text if text is None or time is not None else text[:10] for text in told], object)
    known = np.array([text is not None for text in told], bool)
    return texts[places], known[places]


def _time(date: int, time: int, hundredths: int) -> str | None:
    if not date:
        return ""
    if date >> 9 > _LAST_YEAR or hundredths >= 200:
        return None
    try:
        when = datetime(
            1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, (time & 31) * 2
        ) + timedelta(milliseconds=10 * hundredths)
    except ValueError:
        return None
    return when.isoformat() if not when.microsecond else when.isoformat(timespec="milliseconds").rstrip("0")


def _could_be_long(slots: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What may pass for a part of a long name."""
    first = slots[:, 0]
    could: NDArray[np.bool_] = (slots[:, 11] & _LONG == _LONG) & ((first <= _LAST_LONG | 15) | (first == _DELETED))
    return could


def _could_be_short(slots: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What may pass for an entry: much more than does."""
    first, attributes = slots[:, 0], slots[:, 11]
    could: NDArray[np.bool_] = (
        ((first >= 0x20) | (first == _FOR_E5))
        & (attributes & _LONG != _LONG) & (attributes & _UNKNOWN == 0)
        & (slots[:, 12] & _NO_CASE == 0) & (slots[:, 13] <= 200)
    )  # fmt: skip
    return could


def fat_of(image: Image, system: FileSystem) -> Fat | None:
    """The plain part of a FAT file system; None for any other, or where it is not laid out as its boot sector says."""
    if system.name not in FAT:
        return None
    try:
        boot = image.read_at(system.offset, 512)
        if len(boot) < 512 or little_endian(boot, 11, 2) not in (512, 1024, 2048, 4096) or not boot[13]:
            return None
        found = Fat(image, system, boot)
    except OSError:
        return None
    return found if found.usable else None
