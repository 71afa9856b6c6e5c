"""Opens what packs other contents: ZIP by an own reader, TAR, and single compressed files.

An own reader, because names on an exhibit are bytes, because a member that lies about its size must cost that member
only, and because two members over the same bytes are a bomb. Nothing is ever written to disk: a name like `../../x` is
a name. How deep archives nest is the caller's to count.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import tarfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import zstandard
from isal import isal_zlib

from forensics.extraction import zip_locks
from forensics.extraction.content import (
    CHILD_LIMIT,
    CHILDREN_COUNT,
    CHILDREN_LIMIT,
    RATIO_FREE,
    RATIO_LIMIT,
    BytesReadable,
    Content,
    Damaged,
    Found,
    NotExamined,
)
from forensics.extraction.locked import LOCKED, OPENED
from forensics.model import Child, Outcome, OutcomeKind, Piece, Readable, failed, not_examined

EXPANDS = "expands beyond the limit"
_BLOCK = 1 << 20
_IN_CACHE = 16 << 10
"""Bytes that are expanded at once where nothing is kept: what comes out is seen before it leaves the cache."""

_INFLATE_ERROR = cast(type[Exception], isal_zlib.error)

# APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3
_LOCAL = b"PK\3\4"
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_END_64_LOCATOR = struct.Struct("<4sIQI")
_END_SEARCH = _END.size + 0xFFFF
_ENCRYPTED, _CHECKSUM_BEHIND, _STRONG = 0x0001, 0x0008, 0x0040
_STORED, _DEFLATED, _BZIP2 = 0, 8, 12


# ------------------------------------------------------------------------------------------------------------- ZIP


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of a ZIP's central directory. Sizes and the offset of its local header are what the archive claims."""

    untrusted_name: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    offset: int
    time: int = 0
    extra: bytes = b""

    @property
    def locked(self) -> bool:
        return bool(self.flags & _ENCRYPTED)

    @property
    def is_folder(self) -> bool:
        return self.untrusted_name.endswith(b"/") and self.size == 0


def central_directory(readable: Readable) -> tuple[int, int, int] | None:
    """(offset, size, shift) of a ZIP's central directory, or None. `shift`: bytes that stand before the archive."""
    start = max(0, readable.size - _END_SEARCH)
    tail = readable.read_at(start, readable.size - start)
    at = len(tail)
    while (at := tail.rfind(b"PK\5\6", 0, at)) >= 0:
        if at + _END.size <= len(tail):
            *_, size, offset, _ = _END.unpack_from(tail, at)
            end = start + at
            if (locator_at := end - _END_64_LOCATOR.size) >= 0:
                magic, _, end_64, _ = _END_64_LOCATOR.unpack(readable.read_at(locator_at, _END_64_LOCATOR.size))
                record = readable.read_at(end_64, _END_64.size) if magic == b"PK\6\7" else b""
                if len(record) == _END_64.size and record.startswith(b"PK\6\6"):
                    *_, size, offset = _END_64.unpack(record)
                    end = end_64
            # Self-extracting archives have a program in front, and offsets that do not know about it.
            where = end - size
            if size == 0 and offset in (0, end):
                return end, 0, 0
            if where >= 0 and size and readable.read_at(where, 4) == b"PK\1\2":
                return where, size, where - offset
            if size and readable.read_at(offset, 4) == b"PK\1\2":
                return offset, size, 0
    return None


class Zip:
    """The members of a ZIP, and their bytes within limits. Raises `Damaged` where there is no central directory."""

    def __init__(self, readable: Readable) -> None:
        found = central_directory(readable)
        if found is None:
            raise Damaged("the archive has no central directory")
        offset, size, shift = found
        self._readable = readable
        self._directory = offset
        self.members = list(self._entries(readable.read_at(offset, size), shift))

    @staticmethod
    def _entries(directory: bytes, shift: int) -> Iterator[Member]:
        at = count = 0
        while at + _CENTRAL.size <= len(directory) and directory.startswith(b"PK\1\2", at):
            fields = _CENTRAL.unpack_from(directory, at)
            flags, method, time, crc, packed, size = fields[3], fields[4], fields[5], fields[7], fields[8], fields[9]
            name_length, extra_length, comment_length, offset = fields[10], fields[11], fields[12], fields[16]
            name_at = at + _CENTRAL.size
            extra_at = name_at + name_length
            name = directory[name_at:extra_at]
            extra = directory[extra_at : extra_at + extra_length]
            size, packed, offset = _zip64(extra, size, packed, offset)
            aes = extra if method == zip_locks.AES_METHOD else b""
            yield Member(name, method, flags, crc, packed, size, offset + shift, time, aes)
            at = extra_at + extra_length + comment_length
            if (count := count + 1) > CHILDREN_COUNT:
                raise NotExamined(f"more than {CHILDREN_COUNT:,} members")

    def overlapping(self) -> bool:
        """Whether two members claim the same bytes: no archiver does that, but bombs do."""
        end = 0
        for member in sorted(self.members, key=lambda member: member.offset):
            if member.offset < end:
                return True
            end = member.offset + 30 + len(member.untrusted_name) + member.packed
        return end > self._directory and bool(self.members)

    def read(
        self, member: Member, limit: int = CHILD_LIMIT, password: str | None = None
    ) -> tuple[bytes, Outcome | None]:
        """The bytes of a member, and what is wrong with them (None: nothing; the checksum was compared)."""
        if member.locked and password is None:
            return b"", not_examined(LOCKED)
        start = self._data_at(member)
        if start is None:
            return b"", failed("the member's header is missing")
        if member.locked and password is not None:
            return self._unlock(member, start, limit, password)
        if member.method == _STORED:
            if member.packed > limit:
                return b"", not_examined(EXPANDS)
            data = self._readable.read_at(start, member.packed)
            return data, self._judge(data, member)
        make = _METHODS.get(member.method)
        if make is None:
            return b"", not_examined("compression method without a reader in this version")
        data, problem = expand(self._readable, start, member.packed, make, limit)
        return data, problem or self._judge(data, member)

    def tail(self, member: Member, length: int, limit: int = CHILD_LIMIT) -> bytes:
        """The last bytes of a member; empty where it is locked, damaged, or longer than `limit`.

        It is read to its end, but no more of it is kept.
        """
        make = _METHODS.get(member.method)
        start = None if member.locked else self._data_at(member)
        if start is None:
            return b""
        end, problem = _Tail(length), None
        if make is not None:
            problem = _pour(self._readable, start, member.packed, make, limit, end.take, feed=_IN_CACHE)
        elif member.method == _STORED and member.packed <= limit:
            for at in range(0, member.packed, _BLOCK):
                end.take(self._readable.read_at(start + at, min(_BLOCK, member.packed - at)))
        else:
            return b""
        return end.last() if problem is None and end.crc == member.crc else b""

    def _data_at(self, member: Member) -> int | None:
        """Where the bytes of a member begin, behind its local header; None where that is missing."""
        header = self._readable.read_at(member.offset, 30)
        if len(header) < 30 or not header.startswith(_LOCAL):
            return None
        name_length, extra_length = struct.unpack_from("<2H", header, 26)
        return int(member.offset + 30 + name_length + extra_length)

    def _unlock(self, member: Member, start: int, limit: int, password: str) -> tuple[bytes, Outcome | None]:
        """The bytes of a locked member with this password; `LOCKED` where it is not the right one."""
        if member.packed > limit:
            return b"", not_examined(EXPANDS)
        if member.flags & _STRONG:
            return b"", not_examined(LOCKED)
        method, secret = member.method, password.encode()
        packed = self._readable.read_at(start, member.packed)
        aes = zip_locks.aes_parameters(member.extra) if method == zip_locks.AES_METHOD else None
        if aes:
            key_bytes, method = aes
            plain = zip_locks.open_aes(packed, secret, key_bytes)
        else:
            # The byte that is compared is of the time where the checksum was not known beforehand.
            check = member.time >> 8 if member.flags & _CHECKSUM_BEHIND else member.crc >> 24
            plain = zip_locks.open_old(packed, secret, check)
        if plain is None:
            return b"", not_examined(LOCKED)
        data, problem = plain, None
        if method != _STORED:
            make = _METHODS.get(method)
            if make is None:
                return b"", not_examined("compression method without a reader in this version")
            data, problem = expand(BytesReadable(plain), 0, len(plain), make, limit)
        # AE-2 leaves the checksum out: the bytes were authenticated instead.
        if not aes and (problem or isal_zlib.crc32(data) != member.crc):
            return b"", not_examined(LOCKED)
        return data, problem

    @staticmethod
    def _judge(data: bytes, member: Member) -> Outcome | None:
        return None if isal_zlib.crc32(data) == member.crc else failed("the member's checksum differs")


def _zip64(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 0x0001:
            values = [v for (v,) in struct.iter_unpack("<Q", extra[at + 4 : at + 4 + length // 8 * 8])]
            # Only the values that do not fit stand here, in this order.
            size = values.pop(0) if size == 0xFFFFFFFF and values else size
            packed = values.pop(0) if packed == 0xFFFFFFFF and values else packed
            offset = values.pop(0) if offset == 0xFFFFFFFF and values else offset
        at += 4 + length
    return size, packed, offset


def extract_zip(content: Content) -> Iterator[Found]:
    """Each file of the archive as a child; a locked or damaged one carries the outcome it has to be listed with."""
    archive = Zip(content.readable)
    files = [member for member in archive.members if not member.is_folder]
    if archive.overlapping():
        raise NotExamined("members overlap, as in a ZIP bomb")
    left = CHILDREN_LIMIT
    passwords = list(content.passwords)
    unopened = all(member.locked for member in files)
    for member in sorted(files, key=lambda member: member.locked and member.packed) if unopened else files:
        limit = min(left, CHILD_LIMIT)
        data, problem = archive.read(member, limit)
        for password in tuple(passwords) if member.locked else ():
            data, problem = archive.read(member, limit, password)
            if problem is None or problem.reason != LOCKED:
                yield OPENED
                # What opened one member most likely opens the next.
                passwords.remove(password)
                passwords.insert(0, password)
                break
        if unopened and problem and problem.reason == LOCKED:
            raise NotExamined(LOCKED)
        unopened = False
        left -= len(data)
        yield Child(member.untrusted_name, data, problem) if problem else Child(member.untrusted_name, data)


# ------------------------------------------------------------------------------------------------ one content, packed


class Expander(Protocol):
    """The part of `bz2.BZ2Decompressor` that every decompressor here has."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Inflate:
    """ISA-L's inflate, which takes a third of zlib's time, with the face of the others."""

    def __init__(self, wbits: int) -> None:
        self._inner = isal_zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(0, max_length))


def _raw_inflate() -> Expander:
    return _Inflate(-zlib.MAX_WBITS)


def expand(
    readable: Readable, start: int, packed: int, make: Callable[[], Expander], limit: int, *, several: bool = False
) -> tuple[bytes, Outcome | None]:
    """What `packed` bytes from `start` expand to, and what is wrong with it (None: nothing, it ended where it should).

    `several`: streams may follow one another, as `cat a.gz b.gz` makes them; what follows the last is left alone.
    Stops at `limit` bytes, and at `RATIO_LIMIT` times the input beyond `RATIO_FREE`; then the bytes are dropped.
    """
    parts: list[bytes] = []
    problem = _pour(readable, start, packed, make, limit, parts.append, several=several)
    if problem and problem.kind is OutcomeKind.NOT_EXAMINED:
        return b"", problem
    return b"".join(parts), problem


def _pour(
    readable: Readable,
    start: int,
    packed: int,
    make: Callable[[], Expander],
    limit: int,
    take: Callable[[bytes], object],
    *,
    several: bool = False,
    feed: int = _BLOCK,
) -> Outcome | None:
    """Gives `take` what the bytes expand to, part by part, and says what was wrong; as `expand`, but keeps nothing.

    `feed`: bytes that are expanded at once.
    """
    size = taken = streams = 0
    expander = make()
    while True:
        block = b""
        if expander.needs_input or expander.eof:
            block = readable.read_at(start + taken, min(feed, packed - taken)) if taken < packed else b""
            taken += len(block)
        if expander.eof:
            streams += 1
            rest = expander.unused_data + block
            if not several or not rest:
                return None
            expander, block = make(), rest
        try:
            out = expander.decompress(block, _BLOCK)
        except (_INFLATE_ERROR, OSError, lzma.LZMAError, EOFError, ValueError):
            # Padding behind a whole stream is common: tapes, block devices, downloads.
            return None if streams else failed("the compressed data is damaged")
        take(out)
        size += len(out)
        if size > limit or (size > RATIO_FREE and size > RATIO_LIMIT * taken):
            return not_examined(EXPANDS)
        if not out and not block and not expander.eof:
            return None if streams else failed("the compressed data is cut short")


class _Tail:
    """The last bytes of what is poured into it, at least `length` of them, and the CRC-32 of all."""

    def __init__(self, length: int) -> None:
        self._length, self._held = length, 0
        self._parts: deque[bytes] = deque()
        self.crc = 0

    def take(self, part: bytes) -> None:
        self.crc = isal_zlib.crc32(part, self.crc)
        self._parts.append(part)
        self._held += len(part)
        while self._held - len(self._parts[0]) >= self._length:
            self._held -= len(self._parts.popleft())

    def last(self) -> bytes:
        return b"".join(self._parts)[-self._length :]


def _packed(make: Callable[[], Expander], suffixes: tuple[bytes, ...]) -> Callable[[Content], Iterator[Piece | Child]]:
    def extract(content: Content) -> Iterator[Piece | Child]:
        data, problem = expand(content.readable, 0, content.size, make, CHILD_LIMIT, several=True)
        if data:
            yield Child(_inner_name(content.untrusted_name, suffixes), data)
        if problem:
            raise (NotExamined if problem.kind is OutcomeKind.NOT_EXAMINED else Damaged)(problem.reason)

    return extract


def _inner_name(untrusted_name: bytes, suffixes: tuple[bytes, ...]) -> bytes:
    for suffix in suffixes:
        if untrusted_name.lower().endswith(suffix) and len(untrusted_name) > len(suffix):
            tar = suffix in (b".tgz", b".tbz2", b".txz", b".tzst")
            return untrusted_name[: -len(suffix)] + (b".tar" if tar else b"")
    return b"content"


_METHODS: dict[int, Callable[[], Expander]] = {_DEFLATED: _raw_inflate, _BZIP2: bz2.BZ2Decompressor}

extract_gzip = _packed(lambda: _Inflate(16 + zlib.MAX_WBITS), (b".gz", b".tgz"))
extract_bzip2 = _packed(bz2.BZ2Decompressor, (b".bz2", b".tbz2"))
extract_xz = _packed(lzma.LZMADecompressor, (b".xz", b".txz"))
extract_lzma = _packed(lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE), (b".lzma",))


_WINDOW_LIMIT = 256 << 20
"""Bytes of memory that a Zstandard frame may ask for: the largest that `zstd --ultra --long=28` makes."""


_ZSTD_FEED = 512
"""Bytes given to the decompressor at once: four of them may say 128 KiB (RFC 8878, 3.1.1.2.2, RLE blocks)."""


def _zstd_frame() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=_WINDOW_LIMIT).decompressobj()


def extract_zstd(content: Content) -> Iterator[Piece | Child]:
    """What Zstandard frames (RFC 8878) hold, one behind the other, as a child."""
    parts: list[bytes] = []
    size = 0
    problem = ""
    most = min(CHILD_LIMIT, max(RATIO_FREE, RATIO_LIMIT * content.size))
    frame, started = _zstd_frame(), True
    with content.stream() as stream:
        while block := stream.read(_ZSTD_FEED):
            try:
                while block:
                    part = frame.decompress(block)
                    block = frame.unused_data if frame.eof else b""
                    parts.append(part)
                    size += len(part)
                    if size > most:
                        raise NotExamined(EXPANDS)
                    if frame.eof:
                        frame = _zstd_frame()
                        started = bool(block)
                    else:
                        started = True
            except zstandard.ZstdError:
                problem = "the compressed data is damaged"
                break
    if not problem and started:
        problem = "the compressed data is cut short"
    if size:
        yield Child(_inner_name(content.untrusted_name, (b".zst", b".tzst")), b"".join(parts))
    if problem:
        raise Damaged(problem)


# ------------------------------------------------------------------------------------------------------------- TAR


def extract_tar(content: Content) -> Iterator[Piece | Child]:
    """Each regular file of the archive as a child. Links, devices and folders have no content and are left out."""
    left, count = CHILDREN_LIMIT, 0
    with content.stream() as stream, tarfile.open(fileobj=stream, mode="r:", encoding="utf-8") as archive:
        for member in archive:
            if not member.isreg():
                continue
            if (count := count + 1) > CHILDREN_COUNT:
                raise NotExamined(f"more than {CHILDREN_COUNT:,} members")
            name = member.name.encode("utf-8", "surrogateescape")
            if member.size > min(left, CHILD_LIMIT):
                yield Child(name, b"", not_examined(EXPANDS))
                continue
            reader = archive.extractfile(member)
            data = reader.read() if reader else b""
            left -= len(data)
            cut = len(data) < member.size
            yield Child(name, data, failed("the member is cut short")) if cut else Child(name, data)
