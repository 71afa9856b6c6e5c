"""Writes an E01 image that EnCase 6, ewfverify and libewf read: libewf's Python binding can only read.

Layout of every segment: header sections, then as often as needed `sectors`, `table`, `table2`, then `next`; the last
one ends with the errors, the digests and `done`. See `ewf_format` for the source.
"""

from __future__ import annotations

import bisect
import errno
import os
import platform
import struct
import time
import uuid
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import deflate
from isal import isal_zlib

from forensics import __version__
from forensics.errors import Defect, Refused
from forensics.evidence import ewf_format as ewf
from forensics.evidence.ewf_format import CHUNK, DESCRIPTOR_SIZE, checksum, descriptor, with_checksum
from forensics.evidence.ewf_resume import KeptEwf
from forensics.evidence.sink import create_exclusively, sync_folder, write_all, write_failed
from forensics.model import BadRange

ZEROS = bytes(CHUNK)
ZERO_CHUNK = zlib.compress(ZEROS, 9)

SAMPLE = slice(8192, 12288)
SAMPLE_INCOMPRESSIBLE = 4000
"""A sample of 4096 bytes that does not even get this small stands for a chunk not worth the time."""

SMALLEST_SEGMENT = 65536
ENDING = 4096
"""Room kept in a segment for the sections that end the last one."""

MEDIA_REMOVABLE, FLAG_IMAGE, FLAG_PHYSICAL = 0, 1, 2
UINT32_LIMIT = 1 << 32
TABLES_OF_AN_IMAGE = 64
FEWEST_IN_A_TABLE, MOST_IN_A_TABLE = 256, 16384
"""Chunks of a table: a sixty-fourth of the drive, so that a crash costs no more than that, between 8 and 512 MiB."""

BLOCKS_OF_A_FILE_SYSTEM = 2 * 65536
"""A file is cut and grows by whole blocks, and none that is in use is larger than 64 KiB."""

WRITEV_LIMIT = 1000
"""Buffers in one writev call; Linux allows 1024 (IOV_MAX)."""


class Compression(StrEnum):
    """`fast` is ISA-L level 2, about 1 GB a CPU second; `small` is libdeflate level 6; `none` stores every chunk."""

    FAST = "fast"
    SMALL = "small"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class EwfMetadata:
    """What the header of an E01 image tells about the exhibit."""

    case_number: str = ""
    exhibit: str = ""
    examiner: str = ""
    description: str = ""
    notes: str = ""
    model: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class EwfStamp:
    """What two writings of one image must share to be the same to the byte: 16 bytes of identifier, and when it was
    begun (seconds since 1970)."""

    identifier: bytes
    seconds: int


def new_stamp() -> EwfStamp:
    return EwfStamp(uuid.uuid4().bytes, int(time.time()))


class EwfSink:
    """An E01 image in one or more segments.

    The first segment is `path`; the others are named after it, past `.E99` as `.EAA`. E01 holds MD5 and SHA-1 only,
    and errors up to 2 TiB only: whoever calls keeps the other digests and the error map beside the image.
    """

    format = "e01"

    def __init__(
        self,
        path: Path,
        size: int,
        *,
        sector_size: int = 512,
        compression: Compression = Compression.FAST,
        segment_size: int = 2 << 30,
        metadata: EwfMetadata | None = None,
        physical: bool = True,
        stamp: EwfStamp | None = None,
        resume: KeptEwf | None = None,
    ) -> None:
        """Raises `Refused` where the image cannot be an E01 or `path` exists, `EnvironmentFailed` where it cannot be
        made. `size` is what will be written, in bytes; `segment_size` is the most that one file takes. With `resume`
        the unfinished image at `path` is cut back to its whole tables and gone on with; all else must be as it was.
        """
        _refuse_impossible(path, size, sector_size, segment_size)
        self._first = path
        self._size = size
        self._sector = sector_size
        self._compression = Compression(compression)
        self._limit = segment_size
        self._metadata = metadata or EwfMetadata()
        self._media_flags = FLAG_IMAGE | (FLAG_PHYSICAL if physical else 0)
        stamp = stamp or new_stamp()
        self._identifier, self._seconds = stamp.identifier, stamp.seconds
        chunks = -(-size // CHUNK)
        self._table_limit = min(
            ewf.TABLE_LIMIT, max(FEWEST_IN_A_TABLE, min(MOST_IN_A_TABLE, chunks // TABLES_OF_AN_IMAGE))
        )
        self._names = ewf.segment_paths(path)
        self._segments: list[Path] = []
        self._earlier_bytes = 0
        self._descriptor = -1
        self._position = 0
        self._sectors_at = 0
        self._table: list[int] = []
        self._segment_has_chunks = False
        self._kept = resume
        self._closed = False
        self._full = False
        self._pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="compress")
        try:
            if resume:
                self._go_on(resume)
            else:
                self._open_segment()
        except BaseException:
            self._closed = True
            self.abandon()
            raise

    @property
    def kept_bytes(self) -> int:
        return min(self._kept.chunks * CHUNK, self._size) if self._kept else 0

    def kept(self) -> Iterator[bytes]:
        return self._kept.pieces(self._size) if self._kept else iter(())

    @property
    def required_bytes(self) -> int:
        chunks = -(-self._size // CHUNK)
        stored = self._size + chunks * (4 + 2 * 4)
        segments = -(-stored // (self._limit - ENDING)) + 1
        tables = segments + chunks // self._table_limit + stored // ewf.SECTORS_LIMIT + 1
        return stored + tables * 512 + segments * ENDING

    @property
    def written_bytes(self) -> int:
        return self._earlier_bytes + self._position

    @property
    def segments(self) -> tuple[Path, ...]:
        return tuple(self._segments)

    @property
    def folder(self) -> Path:
        return self._first.parent

    def write(self, block: memoryview) -> None:
        """The next bytes of the source. All blocks but the last hold whole chunks."""
        with self._closed_by_failure():
            self._write(block)

    @contextmanager
    def _closed_by_failure(self) -> Iterator[None]:
        """The table names chunks that are not there, or is there already: it must not be written as it stands."""
        try:
            yield
        except BaseException as error:
            self._closed = True
            self._full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise

    def _write(self, block: memoryview) -> None:
        half = -(-len(block) // CHUNK // 2) * CHUNK or CHUNK
        parts = [block[start : start + half] for start in range(0, len(block), half)]
        waiting: list[bytes | memoryview] = []
        for packed in self._pool.map(self._pack, parts):
            for pieces, flag in packed:
                length = sum(len(piece) for piece in pieces)
                if not self._fits(length):
                    self._flush(waiting)
                    self._end_sectors()
                    if self._segment_full(length):
                        self._next_segment()
                    else:
                        self._start_sectors()
                self._table.append((self._position - self._sectors_at) | flag)
                self._segment_has_chunks = True
                self._position += length
                waiting += pieces
        self._flush(waiting)

    def finish(self, hashes: dict[str, str], bad: Sequence[BadRange]) -> None:
        """Ends the image with its errors and its MD5 and SHA-1 (where `hashes` has them), on stable storage."""
        if self._descriptor < 0:
            raise Defect("An E01 image was finished twice.")
        with self._closed_by_failure():
            self._finish(hashes, bad)
        self._closed = True
        self.abandon()

    def _finish(self, hashes: dict[str, str], bad: Sequence[BadRange]) -> None:
        self._end_sectors()
        if len(self._segments) == 1:
            self._section(b"data", self._volume())
        if errors := self._errors(bad):
            self._section(b"error2", errors)
        md5, sha1 = (bytes.fromhex(hashes.get(name, "")) for name in ("md5", "sha1"))
        if sha1:
            self._section(b"digest", with_checksum(struct.pack("<16s20s40x", md5, sha1)))
        if md5:
            self._section(b"hash", with_checksum(struct.pack("<16s16x", md5)))
        self._append(descriptor(b"done", self._position, 0))
        os.fsync(self._descriptor)
        sync_folder(self.folder)

    def abandon(self) -> None:
        """Closes the image as it is. What was written gets its table first, so that it can be gone on with."""
        self._pool.shutdown()
        if self._descriptor >= 0:
            if not self._closed and self._table:
                with suppress(OSError):
                    self._end_sectors()
                    os.fsync(self._descriptor)
            if self._full and self._segment_has_chunks:
                with suppress(OSError):
                    self._make_room_for_table()
                    os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    # ------------------------------------------------------------------------------------------------------ chunks

    def _pack(self, part: memoryview) -> list[tuple[tuple[bytes | memoryview, ...], int]]:
        packed: list[tuple[tuple[bytes | memoryview, ...], int]] = []
        doubtful = False
        for start in range(0, len(part), CHUNK):
            packed.append(self._pack_chunk(part[start : start + CHUNK], doubtful))
            doubtful = packed[-1][1] == 0
        return packed

    def _pack_chunk(self, chunk: memoryview, doubtful: bool) -> tuple[tuple[bytes | memoryview, ...], int]:
        """The pieces to write and the flag of the table entry. `doubtful`: the chunk before did not get smaller."""
        if self._compression is not Compression.NONE:
            if len(chunk) == CHUNK and chunk[0] == 0 and chunk[-1] == 0 and bytes(chunk) == ZEROS:
                return (ZERO_CHUNK,), ewf.COMPRESSED
            packed = self._compress(chunk, doubtful)
            if packed is not None and len(packed) < len(chunk):
                return (packed,), ewf.COMPRESSED
        return (chunk, checksum(chunk)), 0

    def _compress(self, chunk: memoryview, doubtful: bool) -> bytes | None:
        """A zlib stream, or None where a sample says that it would not pay.

        ISA-L needs for the sample a third of what it needs for the chunk, so `fast` asks only in a run of chunks that
        did not get smaller.
        """
        sample = chunk[SAMPLE]
        if self._compression is Compression.FAST:
            if doubtful and len(sample) and len(isal_zlib.compress(sample, 0)) > SAMPLE_INCOMPRESSIBLE:
                return None
            fast: bytes = isal_zlib.compress(chunk, 2)
            return fast
        small = deflate.zlib_compress
        if len(sample) == SAMPLE.stop - SAMPLE.start and len(small(sample, 6)) > SAMPLE_INCOMPRESSIBLE:
            return None
        return bytes(small(chunk, 6))

    # ---------------------------------------------------------------------------------------------------- sections

    def _fits(self, length: int) -> bool:
        return (
            len(self._table) < self._table_limit
            and self._position - self._sectors_at + length <= ewf.SECTORS_LIMIT
            and not self._segment_full(length)
        )

    def _segment_full(self, length: int) -> bool:
        """Whether `length` more bytes leave no room for what ends a segment. An empty one takes a chunk in any case."""
        tables = 2 * (DESCRIPTOR_SIZE + ewf.TABLE_HEADER.size + 4 + 4 * (len(self._table) + 1) + 4)
        return self._position + length + tables + ENDING > self._limit and self._segment_has_chunks

    def _open_segment(self) -> None:
        path = next(self._names, None)
        if path is None:
            raise Refused("An E01 image has at most 14,971 segments.", "Choose a larger --segment-size.")
        self._descriptor = create_exclusively(path)
        self._segments.append(path)
        self._position = 0
        self._segment_has_chunks = False
        self._append(ewf.FILE_HEADER.pack(ewf.SIGNATURE, 1, len(self._segments), 0))
        if len(self._segments) == 1:
            # EnCase writes header2 twice: a copy in case the first is damaged.
            header2 = zlib.compress(b"\xff\xfe" + self._header2().encode("utf-16-le"))
            self._section(b"header2", header2)
            self._section(b"header2", header2)
            self._section(b"header", zlib.compress(self._header().encode("ascii", "replace")))
            self._section(b"volume", self._volume())
        else:
            self._section(b"data", self._volume())
        self._start_sectors()

    def _go_on(self, kept: KeptEwf) -> None:
        try:
            for path in ewf.segment_paths(self._first):
                if path in kept.segments:
                    next(self._names)
                elif path.exists():
                    path.unlink()  # begun by us, with not one whole table in it
                else:
                    break
            self._segments = list(kept.segments)
            self._earlier_bytes = kept.earlier_bytes
            self._descriptor = os.open(kept.segments[-1], os.O_RDWR | os.O_CLOEXEC)
            os.ftruncate(self._descriptor, kept.position)
            os.lseek(self._descriptor, kept.position, os.SEEK_SET)
        except OSError as error:
            raise write_failed(error, self._size) from error
        self._position = kept.position
        self._segment_has_chunks = kept.has_chunks
        self._start_sectors()

    def _next_segment(self) -> None:
        self._append(descriptor(b"next", self._position, 0))
        os.fsync(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1
        self._earlier_bytes += self._position
        self._open_segment()

    def _make_room_for_table(self) -> None:
        """On a full disk: cuts off the last chunks, so that a table of the others has room where they were."""
        written = os.fstat(self._descriptor).st_size
        starts = [self._sectors_at + (entry & ~ewf.COMPRESSED) for entry in self._table]
        room = 2 * (DESCRIPTOR_SIZE + ewf.TABLE_HEADER.size + 8 + 4 * len(starts)) + BLOCKS_OF_A_FILE_SYSTEM
        kept = bisect.bisect_right(starts, written - room) - 1
        if kept > 0:
            self._table, self._position = self._table[:kept], starts[kept]
            os.ftruncate(self._descriptor, self._position)
            os.lseek(self._descriptor, self._position, os.SEEK_SET)
            self._end_sectors()

    def _start_sectors(self) -> None:
        """Leaves room for the descriptor: it holds the section's size, which is known at its end."""
        self._sectors_at = self._position
        self._table = []
        self._append(bytes(DESCRIPTOR_SIZE))

    def _end_sectors(self) -> None:
        if not self._table:  # gone on with, where nothing more had room or was left
            self._position = self._sectors_at
            os.ftruncate(self._descriptor, self._position)
            os.lseek(self._descriptor, self._position, os.SEEK_SET)
            return
        size = self._position - self._sectors_at
        os.pwrite(self._descriptor, descriptor(b"sectors", self._position, size), self._sectors_at)
        entries = struct.pack(f"<{len(self._table)}I", *self._table)
        table = with_checksum(ewf.TABLE_HEADER.pack(len(self._table), self._sectors_at)) + with_checksum(entries)
        self._section(b"table", table)
        self._section(b"table2", table)

    def _section(self, kind: bytes, data: bytes) -> None:
        size = DESCRIPTOR_SIZE + len(data)
        self._append(descriptor(kind, self._position + size, size) + data)

    def _append(self, data: bytes) -> None:
        write_all(self._descriptor, data)
        self._position += len(data)

    def _flush(self, waiting: list[bytes | memoryview]) -> None:
        """Writes pieces whose place `_position` already counts."""
        for start in range(0, len(waiting), WRITEV_LIMIT):
            pieces = waiting[start : start + WRITEV_LIMIT]
            done = os.writev(self._descriptor, pieces)
            if done < sum(len(piece) for piece in pieces):
                write_all(self._descriptor, b"".join(pieces)[done:])
        waiting.clear()

    # ---------------------------------------------------------------------------------------------------- contents

    def _volume(self) -> bytes:
        level = {Compression.NONE: 0, Compression.FAST: 1, Compression.SMALL: 2}[self._compression]
        chunks = -(-self._size // CHUNK)
        per_chunk = CHUNK // self._sector
        sectors = self._size // self._sector
        body = (MEDIA_REMOVABLE, chunks, per_chunk, self._sector, sectors, 0, 0, 0, self._media_flags, 0, 0, level, 1)
        return with_checksum(ewf.VOLUME.pack(*body, self._identifier))

    def _header2(self) -> str:
        """The header of EnCase 6: UTF-16, tab-separated, the columns in this order and no other."""
        m, now = self._metadata, str(self._seconds)
        about = (m.description, m.case_number, m.exhibit, m.examiner, m.notes, m.model, m.serial)
        values = [_one_line(value) for value in about] + [__version__, platform.system(), now, now, "0", ""]
        main = "a\tc\tn\te\tt\tmd\tsn\tav\tov\tm\tu\tp\tdc"
        sources = "srce\n0\t1\np\tn\tid\tev\ttb\tlo\tpo\tah\tgu\taq\n0\t0\n\t\t\t\t\t-1\t-1\t\t\t\n\n"
        subjects = "sub\n0\t1\np\tn\tid\tnu\tco\tgu\n0\t0\n\t\t\t\t1\t\n\n"
        return f"3\nmain\n{main}\n" + "\t".join(values) + "\n\n" + sources + subjects

    def _header(self) -> str:
        """The older ASCII header, for tools that know no other."""
        m, now = self._metadata, " ".join(str(part) for part in time.gmtime(self._seconds)[:6])
        about = (m.case_number, m.exhibit, m.description, m.examiner, m.notes)
        values = [_one_line(value) for value in about] + [__version__, platform.system(), now, now, "0"]
        return "1\r\nmain\r\nc\tn\ta\te\tt\tav\tov\tm\tu\tp\r\n" + "\t".join(values) + "\r\n\r\n"

    def _errors(self, bad: Sequence[BadRange]) -> bytes:
        """error2: first sector and number of sectors, 32 bits each; what lies beyond is left to the error map."""
        ranges = [(item.offset // self._sector, -(-item.length // self._sector)) for item in bad]
        ranges = [(first, count) for first, count in ranges if first < UINT32_LIMIT and count < UINT32_LIMIT]
        if not ranges:
            return b""
        entries = b"".join(struct.pack("<II", first, count) for first, count in ranges)
        return with_checksum(struct.pack("<I512x", len(ranges))) + with_checksum(entries)


def _one_line(value: str) -> str:
    """Tabs and line ends are the header's own marks."""
    return " ".join(value.split())


def _refuse_impossible(path: Path, size: int, sector_size: int, segment_size: int) -> None:
    if path.suffix.lower() != ".e01":
        raise Refused("The first segment of an E01 image ends in .E01.", "Name it so.")
    if size % sector_size:
        raise Refused(
            "The source is not a whole number of sectors, which E01 cannot hold.", "Acquire it with --format raw."
        )
    if segment_size < SMALLEST_SEGMENT:
        raise Refused(f"A segment takes at least {SMALLEST_SEGMENT} bytes.", "Choose a larger --segment-size.")
    if size // (segment_size - ENDING) + 1 > ewf.SEGMENT_LIMIT:
        raise Refused("This would take more than 14,971 segments.", "Choose a larger --segment-size.")
