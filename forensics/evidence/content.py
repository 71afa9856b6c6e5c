"""The bytes of a file entry, for whoever examines them."""

from __future__ import annotations

import bisect
from typing import Any

import pytsk3

from forensics.evidence.apfs_content import open_apfs
from forensics.evidence.file_system import TSK_FAILED, FileSystemUnreadable, open_file_system
from forensics.evidence.image import Image
from forensics.model import APFS, FileEntry, Readable, Run, Volume

SMALL = 64 << 10
"""Bytes up to which a read is worth one of its neighbours' as well."""

ENDS_INSIDE = "the image ends inside the file"


def open_content(image: Image, volume: Volume, entry: FileEntry) -> Readable:
    """The content of `entry`, which `walk` gave, perhaps in another process. Its layers must be attached.

    From the device's own bytes where the entry's runs cover its size; otherwise (resident, compressed, sparse) by The
    Sleuth Kit from the entry's metadata address. Reading raises `OSError` where that fails; so does opening.
    """
    if len(entry.runs) == 1 and entry.runs[0].length == entry.size:
        return _OneRun(image, entry.runs[0].device_offset, entry.size)
    if sum(run.length for run in entry.runs) == entry.size:
        return _RunContent(image, entry.runs, entry.size)
    if volume.file_system == APFS:
        return open_apfs(image, volume, entry)
    return _TskContent(image, volume, entry)


class _OneRun:
    __slots__ = ("_image", "_start", "size")

    def __init__(self, image: Image, start: int, size: int) -> None:
        self.size = size
        self._image = image
        self._start = start

    def read_at(self, offset: int, length: int) -> bytes:
        if length > self.size - offset:
            length = self.size - offset
        if length <= 0:
            return b""
        # Neighbours on the drive are mostly examined one after the other.
        reader = self._image.ahead if length <= SMALL else self._image
        data = reader.read_at(self._start + offset, length)
        if len(data) < length:
            raise OSError(ENDS_INSIDE)
        return data


class _RunContent:
    def __init__(self, image: Image, runs: tuple[Run, ...], size: int) -> None:
        self.size = size
        self._image = image
        self._runs = sorted(runs, key=lambda run: run.file_offset)
        self._starts = [run.file_offset for run in self._runs]

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        pieces = []
        index = bisect.bisect_right(self._starts, offset) - 1
        while length > 0:
            run = self._runs[index]
            inside = offset - run.file_offset
            piece = self._image.read_at(run.device_offset + inside, min(length, run.length - inside))
            if not piece:
                raise OSError(ENDS_INSIDE)
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
            if inside + len(piece) == run.length:
                index += 1
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _TskContent:
    def __init__(self, image: Image, volume: Volume, entry: FileEntry) -> None:
        self.size = entry.size
        try:
            system = open_file_system(image, volume.offset)
            self._file = system.handle.open_meta(entry.address)
            self._kind, self._identifier = _attribute(self._file, system.name, entry)
        except FileSystemUnreadable as error:
            raise OSError("the file system of this entry cannot be opened") from error
        except RuntimeError as error:
            raise OSError("the record of this entry cannot be read") from error

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        try:
            data: bytes = self._file.read_random(offset, length, self._kind, self._identifier)
        except TSK_FAILED as error:
            raise OSError("the content cannot be read") from error
        if len(data) < length:
            raise OSError("the content is shorter than its size")
        return data


def _attribute(file: Any, file_system: str, entry: FileEntry) -> tuple[Any, int]:
    """Type and id of the attribute that holds the content.

    The stream's name is the part of the path behind the last colon. A file whose own name has a colon (POSIX names
    on NTFS) is told apart by there being no such stream, or by its size.
    """
    untrusted_name = entry.locator.path[-1] if entry.locator.path else b""
    stream = untrusted_name.rpartition(b":")[2] if b":" in untrusted_name else b""
    whole: tuple[Any, int] | None = None
    for attribute in file:
        info = attribute.info
        if info.type == pytsk3.TSK_FS_ATTR_TYPE_HFS_RSRC and stream == b"rsrc" and info.size == entry.size:
            return info.type, info.id
        if info.type == pytsk3.TSK_FS_ATTR_TYPE_NTFS_DATA:
            name = info.name or b""
            if name and name == stream and info.size == entry.size:
                return info.type, info.id
            if not name:
                whole = whole or (info.type, info.id)
        elif info.type in (pytsk3.TSK_FS_ATTR_TYPE_DEFAULT, pytsk3.TSK_FS_ATTR_TYPE_HFS_DATA):
            whole = whole or (info.type, info.id)
    if whole is None:
        raise OSError(f"the {file_system} record holds no content")
    return whole
