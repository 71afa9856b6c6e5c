"""What of an unfinished E01 image can be gone on with: everything up to the last whole pair of tables.

A chunk says nothing of where it begins; only a table does. Chunks that a crash left without one are cut off.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

from forensics.errors import NotIntact
from forensics.evidence import ewf_format as ewf
from forensics.evidence.ewf_format import CHUNK, DESCRIPTOR_SIZE, checksum

_GROUP = 32
"""Chunks that are given back at once: 1 MiB."""


@dataclass(frozen=True, slots=True)
class KeptTable:
    """One table of an unfinished image: where its chunks begin in `segment`, and where the last one ends."""

    segment: Path
    starts: tuple[int, ...]
    compressed: tuple[bool, ...]
    end: int


@dataclass(frozen=True, slots=True)
class KeptEwf:
    """An unfinished image: its whole tables, and `position`, where the last of its `segments` is to be cut.

    `identifier` is that of the segment set.
    """

    segments: tuple[Path, ...]
    position: int
    earlier_bytes: int
    has_chunks: bool
    tables: tuple[KeptTable, ...]
    identifier: bytes

    @property
    def chunks(self) -> int:
        return sum(len(table.starts) for table in self.tables)

    def pieces(self, size: int) -> Iterator[bytes]:
        """The bytes of the source that the tables hold, 1 MiB at a time. `size` is that of the source.

        Raises `NotIntact` where a chunk does not match its checksum.
        """
        done = 0
        for table in self.tables:
            ends = [*table.starts[1:], table.end]
            with table.segment.open("rb") as stream:
                for first in range(0, len(table.starts), _GROUP):
                    group = slice(first, first + _GROUP)
                    piece = b"".join(
                        _chunk(stream, table.segment, start, end, packed)
                        for start, end, packed in zip(
                            table.starts[group], ends[group], table.compressed[group], strict=True
                        )
                    )
                    done += len(piece)
                    yield piece if done <= size else piece[: size - done]


def kept_ewf(first: Path) -> KeptEwf | None:
    """What can be gone on with in the image whose first segment is `first`; None where not one table is whole."""
    segments: list[Path] = []
    tables: list[KeptTable] = []
    earlier = position = length = 0
    identifier = b""
    has_chunks = False
    for path in ewf.segment_paths(first):
        if not path.is_file():
            break
        found = _segment(path)
        if found is None:
            break  # its beginning is not whole, so it holds no table either: it is made anew
        earlier += length
        segments.append(path)
        identifier = identifier or found.identifier
        tables += found.tables
        position, has_chunks, length = found.cut, bool(found.tables), path.stat().st_size
        if not found.goes_on:
            break
    if not tables:
        return None
    if found is None and not _ends_in_next(segments[-1]):
        return None
    return KeptEwf(tuple(segments), position, earlier, has_chunks, tuple(tables), identifier)


@dataclass(frozen=True, slots=True)
class _Segment:
    cut: int
    goes_on: bool
    tables: tuple[KeptTable, ...]
    identifier: bytes


def _segment(path: Path) -> _Segment | None:
    """The whole tables of one segment. None where not even its volume section is whole."""
    tables: list[KeptTable] = []
    identifier = b""
    cut = sectors_end = 0
    table: KeptTable | None = None
    stored = b""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        position = ewf.FILE_HEADER.size
        while True:
            stream.seek(position)
            raw = stream.read(DESCRIPTOR_SIZE)
            if len(raw) < DESCRIPTOR_SIZE or checksum(raw[:-4]) != raw[-4:]:
                break
            kind, following, _ = ewf.DESCRIPTOR.unpack(raw[:-4])
            kind = kind.rstrip(b"\0")
            if kind in (b"next", b"done"):
                return _Segment(cut, kind == b"next", tuple(tables), identifier)
            if not position + DESCRIPTOR_SIZE <= following <= size:
                break
            body = b"" if kind == b"sectors" else stream.read(following - position - DESCRIPTOR_SIZE)
            if kind in (b"volume", b"data"):
                if len(body) != ewf.VOLUME.size + 4 or checksum(body[:-4]) != body[-4:]:
                    break
                if tables:
                    # Of an image that was being finished: this and what follows is made again.
                    break
                identifier, cut = ewf.VOLUME.unpack(body[:-4])[-1], following
            elif kind == b"sectors":
                sectors_end = following
            elif kind == b"table":
                table, stored = _table(path, body, sectors_end), body
            elif kind == b"table2":
                if table is None or body != stored:
                    break
                tables.append(table)
                cut = following
            elif kind in (b"error2", b"digest", b"hash"):
                break
            position = following
    return _Segment(cut, False, tuple(tables), identifier) if cut else None


def _table(path: Path, body: bytes, sectors_end: int) -> KeptTable | None:
    header = ewf.TABLE_HEADER.size
    if len(body) < header + 8 or checksum(body[:header]) != body[header : header + 4]:
        return None
    count, base = ewf.TABLE_HEADER.unpack_from(body)
    entries = body[header + 4 : header + 4 + 4 * count]
    if len(body) != header + 8 + 4 * count or checksum(entries) != body[-4:]:
        return None
    values = struct.unpack(f"<{count}I", entries)
    return KeptTable(
        path,
        tuple(base + (value & ~ewf.COMPRESSED) for value in values),
        tuple(bool(value & ewf.COMPRESSED) for value in values),
        sectors_end,
    )


def _ends_in_next(path: Path) -> bool:
    found = _segment(path)
    return found is not None and found.goes_on


def _chunk(stream: BinaryIO, path: Path, start: int, end: int, compressed: bool) -> bytes:
    stream.seek(start)
    data = stream.read(end - start)
    try:
        if compressed:
            inflater = isal_zlib.decompressobj()
            content = bytes(inflater.decompress(data, CHUNK + 1))
            intact = bool(inflater.eof) and len(content) <= CHUNK
        else:
            content = data[:-4]
            intact = len(data) > 4 and checksum(content) == data[-4:]
    except Exception:  # isal's own error class is not typed
        intact = False
    if not intact:
        raise NotIntact(
            f"The unfinished {path.name} is damaged at its byte {start} and cannot be gone on with.",
            "Begin a new image.",
        )
    return content
