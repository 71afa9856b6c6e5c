"""Reads an E01 image from end to end by its own checksums, in several threads.

libewf gives zeros for a chunk that does not match its checksum, ignores the second table and the second header, and
inflates one chunk at a time. Here every checksum of the format is recomputed, and a damaged place is named.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

from forensics.errors import NotIntact, Refused
from forensics.evidence import ewf_format as ewf
from forensics.evidence.ewf_format import DESCRIPTOR_SIZE, checksum
from forensics.evidence.ewf_sections import REMEDY, Section, read, sections

_SINGLE_CHECKSUM = {b"digest": 80, b"hash": 36}
"""Sections that are a fixed structure with its Adler-32 in the last four bytes, and how long they are."""

_GROUP = 32
"""Chunks read and inflated at once: 1 MiB where a chunk has its usual size."""

_AHEAD = 6
"""Groups read and not yet taken: what bounds the memory."""

_RING = 18
"""Buffers that are used in turn, because memory that is new each time costs a page fault for every 4 KiB. A buffer
comes again after `_RING` groups, of which `_AHEAD` and one more are not yet given."""

VALID_FOR = _RING - _AHEAD - 2
"""A block of `contents` keeps its bytes until so many more were taken."""

_LARGEST_KEPT = 4 << 20

_ZEROS_PACKED = 512
"""A chunk of zeros takes at most so many bytes, whoever packed it."""


def contents(paths: Sequence[Path], check: Callable[[], None]) -> Generator[memoryview, None, None]:
    """The bytes of the drive out of the segments `paths`, in order, in blocks of 1 MiB or so, each good for the time
    that `VALID_FOR` more are taken.

    Every checksum in the files is recomputed on the way. Raises `NotIntact` naming segment and place, for chunks the
    bytes of the drive that they hold: of damaged ones at the end, zeros having stood for them. Raises `Refused` for a
    layout that cannot be read here. `check` may raise to stop. Close the generator to end its threads.
    """
    chunks = _Chunks()
    waiting: deque[Future[memoryview]] = deque()
    # MD5 fills a processor, and whoever takes it from MD5 makes everybody wait.
    threads = max(1, min(4, (os.cpu_count() or 1) - 1))
    with ThreadPoolExecutor(threads, thread_name_prefix="inflate") as pool:
        for path in paths:
            with path.open("rb") as stream:
                for group in _groups(stream, path.name, chunks):
                    check()
                    waiting.append(pool.submit(chunks.unpack, group))
                    if len(waiting) > _AHEAD:
                        yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    chunks.conclude()


def _groups(stream: BinaryIO, name: str, chunks: _Chunks) -> Iterator[_Group]:
    """Checks what is not chunks in one segment, and gives its chunks."""
    table = b""
    sectors: Section | None = None
    for section in sections(stream, name):
        if section.kind == b"sectors":
            sectors = section
            continue
        data = read(stream, section.data_offset, section.end - section.data_offset) if _is_small(section) else b""
        if section.kind in (b"header", b"header2", b"xheader", b"xhash"):
            try:
                zlib.decompress(data)
            except zlib.error as error:
                raise _damaged(name, section) from error
        elif section.kind in (b"volume", b"disk", b"data") and len(data) in (94, ewf.VOLUME.size + 4):
            _compare(data[:-4], data[-4:], name, section)
            chunks.learn_sizes(data)
        elif section.kind in _SINGLE_CHECKSUM:
            _compare(data[:-4], data[-4:], name, section)
        elif section.kind == b"error2":
            (count,) = struct.unpack_from("<I", data)
            _compare(data[:516], data[516:520], name, section)
            _compare(data[520 : 520 + 8 * count], data[520 + 8 * count : 524 + 8 * count], name, section)
        elif section.kind == b"table":
            table = data
            yield from chunks.groups(stream, name, section, data, sectors)
        elif section.kind == b"table2" and data != table:
            raise _damaged(name, section)


def _is_small(section: Section) -> bool:
    """No section but `sectors` (and EnCase 1's `table`) is large in earnest; a lying size must not fill memory."""
    if section.end - section.data_offset > 1 << 26 and section.kind != b"sectors":
        raise Refused("The E01 image has a section of a size that is not checked here.", "Verify it with `ewfverify`.")
    return True


@dataclass(frozen=True, slots=True)
class _Group:
    """Chunks that lie side by side: their number on the drive, and where each is in `packed`."""

    segment: str
    first: int
    packed: memoryview
    spans: tuple[tuple[int, int, bool], ...]
    """Start, end, and whether the chunk is a zlib stream."""
    room: memoryview
    """Where the contents go."""


class _Buffers:
    """Memory that is used again and again, in turn."""

    def __init__(self) -> None:
        self._kept = [bytearray() for _ in range(_RING)]
        self._next = 0

    def take(self, length: int) -> memoryview:
        if length > _LARGEST_KEPT:
            return memoryview(bytearray(length))
        self._next = (self._next + 1) % _RING
        if len(self._kept[self._next]) < length:
            self._kept[self._next] = bytearray(length)
        return memoryview(self._kept[self._next])[:length]


class _Chunks:
    """The chunks of all segments, numbered as their tables come."""

    def __init__(self) -> None:
        self._chunk_size = 0
        self._sector = 512
        self._expected = 0
        self._counted = 0
        self._damaged: list[tuple[int, str]] = []
        self._zeros = b""
        self._zeros_packed = b""
        self._packed = _Buffers()
        self._rooms = _Buffers()

    def learn_sizes(self, volume: bytes) -> None:
        _media, self._expected, per_chunk, self._sector = struct.unpack_from("<B3xIII", volume)
        self._chunk_size = per_chunk * self._sector
        if not 0 < self._chunk_size <= 1 << 26:
            raise NotIntact("The E01 image states an impossible size of its chunks.", REMEDY)
        self._zeros = bytes(self._chunk_size)

    def groups(
        self, stream: BinaryIO, name: str, section: Section, table: bytes, sectors: Section | None
    ) -> Iterator[_Group]:
        if not self._chunk_size or len(table) < ewf.TABLE_HEADER.size + 4:
            raise _damaged(name, section)
        count, base = ewf.TABLE_HEADER.unpack_from(table)
        header = ewf.TABLE_HEADER.size
        _compare(table[:header], table[header : header + 4], name, section)
        body = table[header + 4 : header + 4 + 4 * count]
        if len(body) < 4 * count:
            raise _damaged(name, section)
        if sectors is not None:  # without it this is the older layout, whose tables end in the chunks themselves
            _compare(body, table[header + 4 + 4 * count :][:4], name, section)
        entries = struct.unpack(f"<{count}I", body)
        starts = [base + (entry & ~ewf.COMPRESSED) for entry in entries]
        ends = [*starts[1:], sectors.end if sectors is not None else section.end][:count]
        if any(end <= start for start, end in zip(starts, ends, strict=True)):
            raise Refused("The E01 image has a table that is not checked here.", "Verify it with `ewfverify`.")
        step = max(1, _GROUP * ewf.CHUNK // self._chunk_size)
        for first in range(0, count, step):
            part = slice(first, first + step)
            origin = starts[first]
            if ends[part][-1] - origin > 4 * step * self._chunk_size:
                raise _damaged(name, section)
            packed = self._packed.take(ends[part][-1] - origin)
            stream.seek(origin)
            if stream.readinto(packed) != len(packed):  # type: ignore[attr-defined]
                raise _damaged(name, section)
            spans = tuple(
                (start - origin, end - origin, bool(entry & ewf.COMPRESSED))
                for start, end, entry in zip(starts[part], ends[part], entries[part], strict=True)
            )
            yield _Group(name, self._counted, packed, spans, self._rooms.take(len(spans) * self._chunk_size))
            self._counted += len(spans)

    def unpack(self, group: _Group) -> memoryview:
        """The contents of a group, with zeros for each damaged chunk. May run in several threads."""
        room, filled = group.room, 0
        for number, (start, end, compressed) in enumerate(group.spans, group.first):
            content = self._content(group.packed[start:end], compressed, number == self._expected - 1)
            if content is None:
                self._damaged.append((number, group.segment))
                content = self._zeros
            room[filled : filled + len(content)] = content
            filled += len(content)
        return room[:filled]

    def conclude(self) -> None:
        if self._damaged:
            number, name = min(self._damaged)
            first, last = number * self._chunk_size, (number + 1) * self._chunk_size - 1
            raise NotIntact(
                f"{name} is damaged: bytes {first} to {last} of the drive (sectors {first // self._sector} to "
                f"{last // self._sector}) do not match their checksum ({len(self._damaged)} chunks in all).",
                REMEDY,
            )
        if self._counted != self._expected:
            raise NotIntact(f"The E01 image holds {self._counted} chunks and should hold {self._expected}.", REMEDY)

    def _content(self, chunk: memoryview, compressed: bool, last: bool) -> bytes | memoryview | None:
        """What the chunk holds, or None where it is damaged. Only the last one may hold less than the others."""
        content: bytes | memoryview
        if not compressed:
            content = chunk[:-4]
            whole = len(content) == self._chunk_size or (last and 0 < len(content) < self._chunk_size)
            return content if whole and checksum(content) == chunk[-4:] else None
        short = len(chunk) <= _ZEROS_PACKED
        if short and chunk == self._zeros_packed:
            return self._zeros
        try:
            # The zlib stream ends in an Adler-32 of its contents, which the decompressor compares.
            inflater = isal_zlib.decompressobj()
            content = inflater.decompress(chunk, self._chunk_size + 1)
        except Exception:  # isal's own error class is not typed; whatever it is, the chunk is not intact
            return None
        whole = len(content) == self._chunk_size or (last and len(content) < self._chunk_size)
        if not (inflater.eof and whole):
            return None
        if short and content == self._zeros:
            self._zeros_packed = bytes(chunk)
        return content


def _compare(data: bytes, stored: bytes, name: str, section: Section) -> None:
    if checksum(data) != stored:
        raise _damaged(name, section)


def _damaged(name: str, section: Section) -> NotIntact:
    kind = section.kind.decode("ascii", "replace")
    return NotIntact(
        f"{name} is damaged: the {kind} section at byte {section.data_offset - DESCRIPTOR_SIZE} does not match its "
        "checksum.",
        REMEDY,
    )
