"""The bytes of an entry of APFS that do not stand on the device as they are: compressed, encrypted, or with holes."""

from __future__ import annotations

from bisect import bisect_right

from forensics.evidence.apfs import Unreadable
from forensics.evidence.apfs_files import Opened, at_entry, stream_name
from forensics.evidence.apfs_tree import Attribute
from forensics.evidence.decmpfs import DECMPFS, RESOURCE_FORK, Compressed, uncompressed_size
from forensics.evidence.image import Image
from forensics.model import FileEntry, Readable, Volume


def open_apfs(image: Image, volume: Volume, entry: FileEntry) -> Readable:
    """The content of `entry`. Raises `OSError` where its records cannot be read any more; so does reading."""
    try:
        opened = at_entry(image, volume, entry)
    except Unreadable as error:
        raise OSError(str(error)) from error
    inode = opened.records.inodes.get(entry.address)
    attributes = {one.untrusted_name: one for one in opened.records.attributes.get(entry.address, ())}
    last = entry.locator.path[-1] if entry.locator.path else b""
    for name, one in attributes.items():
        if last.endswith(b":" + stream_name(name)) and one.size == entry.size:
            return _attribute(image, opened, one)
    header = attributes.get(DECMPFS)
    if header is not None and uncompressed_size(header.data) == entry.size:
        fork = attributes.get(RESOURCE_FORK, Attribute(RESOURCE_FORK, 0))
        return Compressed(header.data, _attribute(image, opened, fork))
    if inode is None or inode.size != entry.size:
        raise OSError("the record of this entry cannot be read")
    return _Stream(image, opened, inode.stream, entry.size)


def _attribute(image: Image, opened: Opened, attribute: Attribute) -> Readable:
    if attribute.stream:
        return _Stream(image, opened, attribute.stream, attribute.size)
    return _Held(attribute.data)


class _Held:
    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = data

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + max(0, length)]


class _Stream:
    """A stream by its extents: zeros where there is none, and without its encryption."""

    def __init__(self, image: Image, opened: Opened, stream: int, size: int) -> None:
        self.size = size
        self._image = image
        self._opened = opened
        self._extents = sorted(opened.records.extents.get(stream, ()))
        self._starts = [extent[0] for extent in self._extents]

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        pieces = []
        while length > 0:
            index = bisect_right(self._starts, offset) - 1
            begins, held, block, tweak = self._extents[index] if index >= 0 else (0, 0, 0, 0)
            if offset < begins + held:
                take = min(length, begins + held - offset)
                piece = self._read(block, tweak, offset - begins, take) if block else bytes(take)
            else:
                ends = self._starts[index + 1] if index + 1 < len(self._starts) else self.size
                piece = bytes(min(length, ends - offset))
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return b"".join(pieces)

    def _read(self, block: int, tweak: int, inside: int, length: int) -> bytes:
        size, nodes = self._opened.blocks.size, self._opened.nodes
        first, skip = divmod(inside, size)
        start = self._opened.blocks.offset + (block + first) * size
        if nodes is None:
            data = self._image.read_at(start + skip, length)
        else:
            whole = -(-(skip + length) // size) * size
            data = nodes.decrypted(self._image.read_at(start, whole), tweak + first)[skip : skip + length]
        if len(data) < length:
            raise OSError("the image ends inside the file")
        return data
