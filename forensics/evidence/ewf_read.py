"""Reads an E01 at any place. libewf does so too, more slowly, and gives zeros for a damaged chunk without a word.

Each chunk is checked as it is read: a stored one by its Adler-32, a compressed one by that at the end of its stream.
"""

from __future__ import annotations

import bisect
import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

import deflate

from forensics.errors import EnvironmentFailed
from forensics.evidence import ewf_format as ewf
from forensics.evidence.ewf_format import checksum
from forensics.evidence.ewf_layout import Table, entries, layout

CACHE = 4 << 20
"""Bytes of inflated chunks that are kept, or one chunk if that is larger."""

KEPT_TABLES = 8
"""Tables whose entries are kept: 2 GiB of the drive each, in 256 KiB."""

KEPT_FILES = 16
"""Segment files open at once: a set may have 14,971."""

AHEAD = 512 << 10
"""Packed bytes read at once where reading goes on where it ended."""

AT_ONCE = 2 << 20
"""Packed bytes read at once at most, but for one chunk that is larger."""

_ZEROS_PACKED = 512
"""A chunk of zeros takes at most so many bytes, whoever packed it."""


class DamagedChunk(OSError):
    """Bytes `offset` to `offset + length` of the drive are not in the image as they were written."""

    def __init__(self, offset: int, length: int) -> None:
        super().__init__(f"bytes {offset} to {offset + length - 1} of the drive do not match their checksum")
        self.offset = offset
        self.length = length


class EwfReader:
    """The drive in an E01, byte by byte; safe from several threads."""

    def __init__(self, paths: Sequence[Path], cache: int = CACHE) -> None:
        """Raises `NotIntact` for a damaged structure, `Declined` for one that libewf is to read."""
        try:
            found = layout(paths)
        except OSError as error:
            raise EnvironmentFailed("A file of the image cannot be read.", "Check its drive.") from error
        self.size = found.size
        self.sector_size = found.sector_size
        self.stored_hashes = found.stored_hashes
        self._lock = threading.Lock()
        self._files = _Files(paths)
        self._chunk = found.chunk_size
        self._last = (found.size - 1) // found.chunk_size
        self._tables = found.tables
        self._firsts = [table.first for table in found.tables]
        self._entries: OrderedDict[int, tuple[array[int], int] | None] = OrderedDict()
        self._kept: OrderedDict[int, bytes | bytearray] = OrderedDict()
        self._room = max(1, cache // self._chunk)
        self._zeros = bytes(self._chunk)
        self._zeros_packed = b""
        self._ahead = (-1, 0, memoryview(b""))
        self._next = -1

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`, all of which must be within the drive.

        Raises `DamagedChunk` where one of them is in a chunk that does not match its checksum or that no table has.
        """
        size = self._chunk
        first, begin = divmod(offset, size)
        last = (offset + length - 1) // size
        with self._lock:
            if first == last:
                content = self._content(first, first, True)
                return bytes(memoryview(content)[begin : begin + length])
            keep = last - first < self._room // 8
            parts: list[bytes | bytearray | memoryview] = []
            for number in range(first, last + 1):
                # The chunk at either end is wanted again by whoever reads on.
                content = self._content(number, last, keep or number in (first, last))
                low = begin if number == first else 0
                high = offset + length - number * size if number == last else size
                parts.append(content if high - low == len(content) else memoryview(content)[low:high])
        return b"".join(parts)

    def close(self) -> None:
        with self._lock:
            self._files.close()
            self._kept.clear()
            self._entries.clear()

    # -------------------------------------------------------------------------------------------------------- chunks

    def _content(self, number: int, wanted: int, keep: bool) -> bytes | bytearray | memoryview:
        """What chunk `number` holds, kept for later with `keep`; chunks up to `wanted` will be asked for next."""
        known = self._kept.get(number)
        if known is not None:
            self._kept.move_to_end(number)
            return known
        packed, compressed = self._packed(number, wanted)
        self._next = number + 1
        content = self._unpacked(number, packed, compressed)
        if keep:
            if isinstance(content, memoryview):
                content = bytes(content)
            self._kept[number] = content
            if len(self._kept) > self._room:
                self._kept.popitem(last=False)
        return content

    def _unpacked(self, number: int, packed: memoryview, compressed: bool) -> bytes | bytearray | memoryview:
        content: bytes | bytearray | memoryview
        if not compressed:
            content = packed[:-4]
            if checksum(content) != packed[-4:]:
                raise self._damaged(number)
        else:
            short = len(packed) <= _ZEROS_PACKED
            if short and packed == self._zeros_packed:
                return self._zeros
            try:
                content = deflate.zlib_decompress(packed, self._chunk)
            except Exception as error:  # its own error class, MemoryError, ValueError: the chunk is not intact
                raise self._damaged(number) from error
            if short and content == self._zeros:
                self._zeros_packed = bytes(packed)
                content = self._zeros
        needed = self.size - number * self._chunk if number == self._last else self._chunk
        if not needed <= len(content) <= self._chunk:
            raise self._damaged(number)
        return content

    def _packed(self, number: int, wanted: int) -> tuple[memoryview, bool]:
        """A chunk as it stands in its segment, and whether it is a zlib stream."""
        at = bisect.bisect_right(self._firsts, number) - 1
        table = self._tables[at] if at >= 0 else None
        if table is None or number >= table.first + table.count:
            raise self._damaged(number)
        found = self._entries_of(at)
        if found is None:
            raise self._damaged(number)
        entries, base = found
        index = number - table.first
        start, end = self._span(table, entries, base, index)
        if not (table.low <= start < end <= table.high) or end - start > 2 * self._chunk + 4096:
            raise self._damaged(number)
        compressed = bool(entries[index] & ewf.COMPRESSED)
        segment, begins, data = self._ahead
        if segment != table.segment or start < begins or end > begins + len(data):
            stop = end
            if wanted > number:
                other = self._span(table, entries, base, min(wanted - table.first, table.count - 1))[1]
                stop = max(end, min(other, start + AT_ONCE))
            if number == self._next:
                stop = max(stop, start + AHEAD)
            data = memoryview(self._files.read(table.segment, start, min(stop, table.high) - start))
            if len(data) < end - start:
                raise OSError("a file of the image became shorter while it was open")
            begins = start
            self._ahead = (table.segment, begins, data)
        return data[start - begins : end - begins], compressed

    @staticmethod
    def _span(table: Table, entries: array[int], base: int, index: int) -> tuple[int, int]:
        start = base + (entries[index] & ~ewf.COMPRESSED)
        if index + 1 == table.count:
            return start, table.high
        return start, base + (entries[index + 1] & ~ewf.COMPRESSED)

    def _entries_of(self, at: int) -> tuple[array[int], int] | None:
        if at in self._entries:
            self._entries.move_to_end(at)
            return self._entries[at]
        table = self._tables[at]
        found = self._entries[at] = entries(self._files.open(table.segment), table)
        if len(self._entries) > KEPT_TABLES:
            self._entries.popitem(last=False)
        return found

    def _damaged(self, number: int) -> DamagedChunk:
        offset = number * self._chunk
        return DamagedChunk(offset, min(self._chunk, self.size - offset))


class _Files:
    """The segment files, of which the last used are open."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._open: OrderedDict[int, FileIO] = OrderedDict()
        self._closed = False

    def open(self, segment: int) -> FileIO:
        stream = self._open.get(segment)
        if stream is not None:
            self._open.move_to_end(segment)
            return stream
        if self._closed:
            raise OSError("the image was closed")
        stream = self._open[segment] = self._paths[segment].open("rb", buffering=0)
        if len(self._open) > KEPT_FILES:
            self._open.popitem(last=False)[1].close()
        return stream

    def read(self, segment: int, offset: int, length: int) -> bytes:
        """So many bytes, fewer where the file ends."""
        stream = self.open(segment)
        stream.seek(offset)
        data = stream.read(length)
        while len(data) < length and (more := stream.read(length - len(data))):
            data += more
        return data

    def close(self) -> None:
        self._closed = True
        for stream in self._open.values():
            stream.close()
        self._open.clear()
