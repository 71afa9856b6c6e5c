"""The zones of an ISO 9660 volume's times, which The Sleuth Kit leaves out: it gives local times as if they were UTC.

Layout: ECMA-119, 4th edition, 8.4 "Primary volume descriptor", 8.5 "Supplementary", 9.1 "Directory record".
"""

from __future__ import annotations

from forensics.evidence.image import Image

_DESCRIPTORS = 16
_SECTOR = 2048
_MOST_DESCRIPTORS = 32
_PRIMARY, _SUPPLEMENTARY, _END = 1, 2, 255
_ROOT = 156
"""Where the record of the root directory stands in a descriptor."""

_DIRECTORY = 0x02
_MOST_DIRECTORY = 64 << 20
_MOST_RECORDS = 4_000_000

Quarters = int
"""An offset from Greenwich in quarters of an hour, -48 to 52 (9.1.5)."""


def zones(image: Image, offset: int) -> dict[int, Quarters]:
    """Logical block where a content begins → the zone of its recorded time, as all records that name the block say.

    A block of which two records say different zones is left out.
    """
    found: dict[int, Quarters] = {}
    doubtful: set[int] = set()
    seen: set[int] = set()
    records = 0
    for number in range(_DESCRIPTORS, _DESCRIPTORS + _MOST_DESCRIPTORS):
        descriptor = _at(image, offset, number * _SECTOR, _SECTOR)
        if descriptor[1:6] != b"CD001" or descriptor[0] == _END:
            break
        if descriptor[0] not in (_PRIMARY, _SUPPLEMENTARY):
            continue
        block = int.from_bytes(descriptor[128:130], "little") or _SECTOR
        waiting = [_extent(descriptor[_ROOT : _ROOT + 34])]
        while waiting and records < _MOST_RECORDS:
            start, length = waiting.pop()
            if start in seen:
                continue
            seen.add(start)
            listed = _at(image, offset, start * block, min(length, _MOST_DIRECTORY))
            at = 0
            while at + 34 <= len(listed) and records < _MOST_RECORDS:
                size = listed[at]
                if not size:
                    # No record crosses the border of a sector: what is left of it is zeros.
                    at = (at // _SECTOR + 1) * _SECTOR
                    continue
                record = listed[at : at + size]
                at += size
                if len(record) < 34:
                    continue
                records += 1
                begin, extent = _extent(record)
                quarters = int.from_bytes(record[24:25], "little", signed=True)
                if not -48 <= quarters <= 52 or found.setdefault(begin, quarters) != quarters:
                    doubtful.add(begin)
                # The directory itself and the one above it have names of one byte, 0 and 1.
                if record[25] & _DIRECTORY and record[33] > 1:
                    waiting.append((begin, extent))
    return {block: quarters for block, quarters in found.items() if block not in doubtful}


def _at(image: Image, offset: int, place: int, length: int) -> bytes:
    """Bytes of the volume, none beyond the end of what it lies in: the address there may be another layer's."""
    if offset + place >= image.end(offset):
        return b""
    try:
        return image.read_at(offset + place, length)
    except OSError:
        return b""


def _extent(record: bytes) -> tuple[int, int]:
    return int.from_bytes(record[2:6], "little"), int.from_bytes(record[10:14], "little")
