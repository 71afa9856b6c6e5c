"""Where the chunks of an E01 are: the sizes of the image and its tables, whose entries are read when needed.

Only 24 bytes of each table are read to open an image, so that opening one of many terabytes is quick and small.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from forensics.errors import NotIntact
from forensics.evidence import ewf_format as ewf
from forensics.evidence.ewf_format import checksum
from forensics.evidence.ewf_sections import REMEDY, Section, read, sections

CHUNK_LIMIT = 1 << 26
"""Bytes of the drive in one chunk; EnCase and ewfacquire go to 16 MiB."""

TABLE_SIZE_LIMIT = 1 << 26
"""Bytes of the entries of one table: no program writes more than 256 KiB, those before EnCase 6 less."""

KNOWN = frozenset(
    (b"header", b"header2", b"xheader", b"volume", b"disk", b"data", b"sectors", b"table", b"table2", b"error2",
     b"session", b"hash", b"digest", b"xhash", b"next", b"done")
)  # fmt: skip
_HEADER = ewf.TABLE_HEADER.size + 4
_ENTRY_LIMIT = 0x7FFFFFFF


class Declined(Exception):
    """Why an E01 that may well be whole is left to libewf, as a fixed phrase."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One writing of a table: where its entries begin, how many there are, and what is added to each."""

    entries_at: int
    count: int
    base: int


@dataclass(frozen=True, slots=True)
class Table:
    """The chunks from number `first`: in which segment and between which bytes of it they lie.

    `copies` are the writings whose header is whole; `sealed` says that a checksum follows the entries, which the
    oldest layout has not.
    """

    segment: int
    first: int
    count: int
    low: int
    high: int
    sealed: bool
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """What opening an E01 tells."""

    size: int
    sector_size: int
    chunk_size: int
    tables: tuple[Table, ...]
    stored_hashes: dict[str, str]


@dataclass(slots=True)
class _Found:
    segment: int
    low: int
    high: int
    sealed: bool
    copies: list[Copy]


def layout(paths: Sequence[Path]) -> Layout:
    """The layout of the image in the segments `paths`.

    Raises `NotIntact` where its structure is damaged beyond what the copies in it tell, `Declined` for what is not
    read here.
    """
    sizes: tuple[int, int, int, int] | None = None
    found: list[_Found] = []
    hashes: dict[str, str] = {}
    for segment, path in enumerate(paths):
        with path.open("rb") as stream:
            sectors: Section | None = None
            for section in sections(stream, path.name):
                if section.kind not in KNOWN:
                    raise Declined("a section that is not known here")
                if section.kind == b"sectors":
                    sectors = section
                elif section.kind in (b"volume", b"disk", b"data"):
                    told = _sizes(stream, section)
                    if told is not None and sizes not in (None, told):
                        raise Declined("two statements of its sizes")
                    sizes = told or sizes
                elif section.kind == b"table":
                    found.append(_table(stream, segment, section, sectors))
                elif section.kind == b"table2" and found and found[-1].segment == segment:
                    found[-1].copies += _copies(stream, section)
                elif section.kind in (b"hash", b"digest"):
                    hashes |= _digests(stream, section)
                elif section.kind == b"xhash":
                    raise Declined("hashes in XML")
    if sizes is None:
        raise NotIntact(f"{paths[0].name} is damaged: it does not say how large the image is.", REMEDY)
    chunks, per_chunk, sector, count = sizes
    chunk_size, size = per_chunk * sector, count * sector
    if not 0 < chunk_size <= CHUNK_LIMIT or not 0 < size <= chunks * chunk_size:
        raise Declined("sizes that do not fit together")
    return Layout(size, sector, chunk_size, _numbered(found, chunks, paths), hashes)


def _sizes(stream: BinaryIO, section: Section) -> tuple[int, int, int, int] | None:
    """Chunks, sectors a chunk, bytes a sector, sectors; None where the section does not match its checksum."""
    length = section.end - section.data_offset
    if length not in (94, ewf.VOLUME.size + 4):
        raise Declined("a volume section of another length")
    data = read(stream, section.data_offset, length)
    if checksum(data[:-4]) != data[-4:]:
        return None
    # SMART has 32 bits for the number of sectors, EnCase 64.
    chunks, per_chunk, sector, count = struct.unpack_from("<4xIIII" if length == 94 else "<4xIIIQ", data)
    return chunks, per_chunk, sector, count


def _table(stream: BinaryIO, segment: int, section: Section, sectors: Section | None) -> _Found:
    copies = _copies(stream, section)
    if sectors is None:  # the oldest layout: the chunks follow the entries
        return _Found(segment, section.data_offset + _HEADER, section.end, False, copies)
    base = copies[0].base if copies else 0
    if sectors.end - base > _ENTRY_LIMIT:
        # EnCase before 6.7.1 let entries run over into the bit that says "compressed".
        raise Declined("a table whose offsets run over")
    return _Found(segment, sectors.data_offset, sectors.end, True, copies)


def _copies(stream: BinaryIO, section: Section) -> list[Copy]:
    data = read(stream, section.data_offset, _HEADER)
    if len(data) < _HEADER or checksum(data[:-4]) != data[-4:]:
        return []
    count, base = ewf.TABLE_HEADER.unpack_from(data)
    if 4 * count > min(section.end - section.data_offset - _HEADER, TABLE_SIZE_LIMIT):
        return []
    return [Copy(section.data_offset + _HEADER, count, base)]


def _digests(stream: BinaryIO, section: Section) -> dict[str, str]:
    """The digests of a `hash` (MD5) or `digest` section (MD5, SHA-1); none where it is damaged or they are not set."""
    length = 36 if section.kind == b"hash" else 80
    data = read(stream, section.data_offset, length)
    if section.end - section.data_offset < length or checksum(data[:-4]) != data[-4:]:
        return {}
    fields = {"md5": data[:16]} if section.kind == b"hash" else {"md5": data[:16], "sha1": data[16:36]}
    return {name: value.hex() for name, value in fields.items() if any(value)}


def _numbered(found: list[_Found], chunks: int, paths: Sequence[Path]) -> tuple[Table, ...]:
    """The tables with the numbers of their chunks; of one whose headers are all damaged the others tell the count."""
    unknown = [one for one in found if not one.copies]
    known = sum(one.copies[0].count for one in found if one.copies)
    if len(unknown) > 1 or (unknown and known > chunks):
        raise NotIntact(f"{paths[unknown[0].segment].name} is damaged: both copies of a table are.", REMEDY)
    tables = []
    first = 0
    for one in found:
        count = one.copies[0].count if one.copies else chunks - known
        if count:
            copies = tuple(copy for copy in one.copies if copy.count == count)
            tables.append(Table(one.segment, first, count, one.low, one.high, one.sealed, copies))
        first += count
    return tuple(tables)


def entries(stream: BinaryIO, table: Table) -> tuple[array[int], int] | None:
    """The entries of a table as they stand there and the base of their offsets, from the first copy that is whole.

    None where no copy matches its checksum.
    """
    for copy in table.copies:
        length = 4 * copy.count
        data = read(stream, copy.entries_at, length + (4 if table.sealed else 0))
        if table.sealed and checksum(data[:length]) != data[length:]:
            continue
        if len(data) < length:
            continue
        found = array("I", data[:length])
        if sys.byteorder == "big":
            found.byteswap()
        return found, copy.base
    return None
