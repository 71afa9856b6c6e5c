"""The times of a file entry as ISO 8601 text, with a zone only where the file system knows one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forensics.evidence.file_system import FAT, TSK_FAILED, FileSystem
from forensics.evidence.image import Image
from forensics.evidence.iso9660 import zones

CLOCK_UTC = "UTC"
CLOCK_LOCAL = "local, zone unknown"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = 253402300799
"""9999-12-31T23:59:59Z, the last second that `datetime` and ISO 8601's four digits hold."""


class Times(NamedTuple):
    """Empty text where the file system keeps no such time or it was never set."""

    modified: str = ""
    created: str = ""
    accessed: str = ""
    clock: str = CLOCK_UTC


def make_process_clock_utc() -> None:
    """Sets this process's time zone to UTC.

    The Sleuth Kit turns FAT's local times into seconds with the process's zone; in UTC that loses nothing and is
    undone exactly. Jobs run in processes of their own, so nobody's clock on the screen changes.
    """
    if os.environ.get("TZ") != "UTC":
        os.environ["TZ"] = "UTC"
        if hasattr(time, "tzset"):
            time.tzset()


def clock_of(image: Image, system: FileSystem) -> Callable[[Any], Times]:
    """What reads the times of a metadata structure of The Sleuth Kit (`TSK_FS_META`) in this file system."""
    if system.name in FAT:
        return _fat
    if system.name == "exFAT":
        return _exfat(image, system)
    if system.name == "ISO 9660":
        return _iso9660(image, system)
    return _utc


def _utc(meta: Any) -> Times:
    return Times(
        _naive(meta.mtime, meta.mtime_nano, "Z"),
        _naive(meta.crtime, meta.crtime_nano, "Z"),
        _naive(meta.atime, meta.atime_nano, "Z"),
    )


DAY = 86_400


_NANOSECOND_BITS = 30


def moment_texts(seconds: NDArray[np.int64], nanoseconds: NDArray[np.int64], zone: str) -> list[str]:
    """Moments of the Unix clock, many of which are mostly equal; nanoseconds of up to 30 bits."""
    keys, places = np.unique(seconds << _NANOSECOND_BITS | nanoseconds, return_inverse=True)
    texts = []
    for key in keys.tolist():
        text, fraction = _naive(key >> _NANOSECOND_BITS, 0), key & (1 << _NANOSECOND_BITS) - 1
        if text and 0 < fraction < 1_000_000_000:
            text = f"{text}.{fraction:09d}".rstrip("0")
        texts.append(text and text + zone)
    found: list[str] = np.array(texts, object)[places].tolist()
    return found


def moment(nanoseconds: int) -> str:
    """A moment in nanoseconds of the Unix clock, UTC."""
    return _naive(*divmod(nanoseconds, 1_000_000_000), "Z")


@lru_cache(4096)
def _naive(seconds: int, nanoseconds: int, zone: str = "") -> str:
    if not 0 < seconds <= LAST:
        return ""
    text = _date(seconds // DAY) + _time_of_day(seconds % DAY)
    if 0 < nanoseconds < 1_000_000_000:
        text += f".{nanoseconds:09d}".rstrip("0")
    return text + zone


@lru_cache(4096)
def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).strftime("%Y-%m-%dT")


@lru_cache(DAY)
def _time_of_day(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def _fat(meta: Any) -> Times:
    """FAT keeps local times without a zone, and of the access only the date."""
    return Times(
        _naive(meta.mtime, meta.mtime_nano),
        _naive(meta.crtime, meta.crtime_nano),
        _naive(meta.atime, 0)[:10],
        CLOCK_LOCAL,
    )


def _iso9660(image: Image, system: FileSystem) -> Callable[[Any], Times]:
    """ISO 9660 keeps one local time, of the file that was recorded, with its zone; The Sleuth Kit calls it created."""
    zone_of = zones(image, system.offset)

    def read(meta: Any) -> Times:
        local = _naive(meta.crtime, 0)
        quarters = zone_of.get(_first_block(system, meta.addr))
        if not local or quarters is None:
            return Times(local, clock=CLOCK_LOCAL if local else CLOCK_UTC)
        return Times(_naive(meta.crtime - 15 * 60 * quarters, 0, "Z"))

    return read


def _first_block(system: FileSystem, address: int) -> int:
    """Where the content of a metadata address begins, -1 where it has none."""
    try:
        for attribute in system.handle.open_meta(address):
            for run in attribute:
                return int(run.addr)
    except TSK_FAILED:
        pass
    return -1


FIRST_INODE = 3
"""The Sleuth Kit numbers directory entries from 3, 32 bytes each, from the start of the cluster heap (fatfs.h)."""

FILE_ENTRY = 0x85
IN_USE = 0x80
"""exFAT specification, 7.4 "File directory entry": type 85h, and 05h when the file was deleted."""


def _exfat(image: Image, system: FileSystem) -> Callable[[Any], Times]:
    """exFAT keeps a zone with every time (7.4.10), which The Sleuth Kit leaves out; so the entry is read here."""
    boot = image.read_at(system.offset, 512)
    heap = system.offset + (int.from_bytes(boot[88:92], "little") << min(boot[108], 12))

    def read(meta: Any) -> Times:
        entry = image.read_at(heap + (meta.addr - FIRST_INODE) * 32, 32)
        if len(entry) < 32 or entry[0] | IN_USE != FILE_ENTRY:
            return Times()
        created = _exfat_time(entry[8:12], entry[20], entry[22])
        modified = _exfat_time(entry[12:16], entry[21], entry[23])
        accessed = _exfat_time(entry[16:20], 0, entry[24])
        clock = CLOCK_UTC if modified.endswith("Z") or not modified else CLOCK_LOCAL
        return Times(modified, created, accessed, clock)

    return read


def _exfat_time(stamp: bytes, ten_milliseconds: int, offset: int) -> str:
    """7.4.5: DOS time with hundredths; 7.4.10: bit 7 = the offset is valid, then quarters of an hour, signed."""
    value = int.from_bytes(stamp, "little")
    seconds = (value & 31) * 2 + min(ten_milliseconds, 199) / 100
    try:
        when = datetime(
            1980 + (value >> 25), value >> 21 & 15, value >> 16 & 31, value >> 11 & 31, value >> 5 & 63
        ) + timedelta(seconds=seconds)
    except ValueError:
        return ""
    if offset & 0x80:
        quarters = (offset & 0x7F) - (0x80 if offset & 0x40 else 0)
        when -= timedelta(minutes=15 * quarters)
    text = when.isoformat(timespec="milliseconds" if when.microsecond else "seconds")
    return text + "Z" if offset & 0x80 else text
