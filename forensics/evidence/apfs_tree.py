"""What the tree of files of an APFS volume says: inodes, names, extents, extended attributes.

All leaves are read once, in order; a damaged node costs what stands in it, and is counted.

Source: Apple, "Apple File System Reference" (2020-06-22): File-System Objects, Data Streams, Extended Fields.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from forensics.evidence.apfs import Blocks, Superblock, leaves, object_map

_INODE, _XATTR, _EXTENT, _NAME = 3, 4, 8, 9
_TYPE_AT = 60
_ID = (1 << _TYPE_AT) - 1
_LENGTH = (1 << 56) - 1
_IN_A_STREAM = 1
_NAME_LENGTH = 0x3FF
_DATA_STREAM = 8
"""The extended field of an inode that says how long its content is."""

_LONGEST = (1 << 63) - 1

_KEY = struct.Struct("<Q")
_INODE_VALUE = struct.Struct("<8xQQQ8xQ32xH")
_INODE_BYTES = 92
_TWO = struct.Struct("<QQ")
_EXTENT_VALUE = struct.Struct("<QQQ")


@dataclass(frozen=True, slots=True)
class Inode:
    """`stream` is the number under which its extents stand. Times in nanoseconds since 1970, UTC."""

    stream: int
    created: int
    modified: int
    accessed: int
    mode: int
    size: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """An extended attribute: in a stream of its own, or in the tree itself: `data`, `at` an offset in the container."""

    untrusted_name: bytes
    size: int
    stream: int = 0
    at: int = 0
    data: bytes = b""


@dataclass(slots=True)
class Records:
    """By inode; extents by stream: offset in the content, bytes, first block or 0 for a hole, and its tweak: the block
    that it was encrypted as."""

    inodes: dict[int, Inode] = field(default_factory=dict)
    names: dict[int, list[tuple[bytes, int]]] = field(default_factory=dict)
    extents: dict[int, list[tuple[int, int, int, int]]] = field(default_factory=dict)
    attributes: dict[int, list[Attribute]] = field(default_factory=dict)
    damaged: int = 0


def records_of(blocks: Blocks, volume: Superblock, map_tree: int, nodes: Blocks | None = None) -> Records:
    """All records of a volume, or of a snapshot by the object map of its volume; `nodes` are the blocks of its tree
    where those are encrypted.

    Raises `Unreadable` where the map is damaged: nothing can be found then.
    """
    found = Records()
    places = object_map(blocks, map_tree, volume.xid)
    for number, items in leaves(nodes or blocks, volume.root, places):
        if items is None:
            found.damaged += 1
            continue
        for key, value, at in items:
            try:
                _take(found, key, value, number * blocks.size + at, volume.hashed_names)
            except struct.error:
                found.damaged += 1
    return found


def _take(found: Records, key: bytes, value: bytes, at: int, hashed: bool) -> None:
    (owner,) = _KEY.unpack_from(key)
    kind, owner = owner >> _TYPE_AT, owner & _ID
    if kind == _INODE:
        stream, created, modified, accessed, mode = _INODE_VALUE.unpack_from(value)
        found.inodes[owner] = Inode(stream, created, modified, accessed, mode, _size(value))
    elif kind == _NAME:
        (target,) = _KEY.unpack_from(value)
        found.names.setdefault(owner, []).append((_name(key, hashed), target & _ID))
    elif kind == _EXTENT:
        length, block, tweak = _EXTENT_VALUE.unpack_from(value)
        (begins,) = _KEY.unpack_from(key, 8)
        found.extents.setdefault(owner, []).append((begins, length & _LENGTH, block, tweak))
    elif kind == _XATTR:
        found.attributes.setdefault(owner, []).append(_attribute(key, value, at))


def _name(key: bytes, hashed: bool) -> bytes:
    """Names end in a NUL, which the length counts."""
    if hashed:
        return key[12 : 12 + (int.from_bytes(key[8:12], "little") & _NAME_LENGTH)].rstrip(b"\x00")
    return key[10 : 10 + int.from_bytes(key[8:10], "little")].rstrip(b"\x00")


def _size(value: bytes) -> int:
    """The length of an inode's content; 0 without a data stream."""
    if len(value) < _INODE_BYTES + 4:
        return 0
    (count,) = struct.unpack_from("<H", value, _INODE_BYTES)
    at = _INODE_BYTES + 4 + 4 * count
    for number in range(count):
        kind, _, length = struct.unpack_from("<BBH", value, _INODE_BYTES + 4 + 4 * number)
        if kind == _DATA_STREAM:
            (size,) = _KEY.unpack_from(value, at)
            return _believed(size)
        at += -(-length // 8) * 8
    return 0


def _attribute(key: bytes, value: bytes, at: int) -> Attribute:
    flags, length = struct.unpack_from("<HH", value)
    name = _name(key, hashed=False)
    if flags & _IN_A_STREAM:
        stream, size = _TWO.unpack_from(value, 4)
        return Attribute(name, _believed(size), stream)
    return Attribute(name, len(value[4 : 4 + length]), at=at + 4, data=value[4 : 4 + length])


def _believed(size: int) -> int:
    """A length that a content can have (2⁶³ is what APFS allows, and what the case can hold). Raises `struct.error`."""
    if size > _LONGEST:
        raise struct.error("a content is longer than can be")
    return size
