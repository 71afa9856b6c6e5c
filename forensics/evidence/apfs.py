"""The container of APFS, read from its own structures: the volumes in it, their snapshots, the nodes of their trees.

Source: Apple, "Apple File System Reference" (2020-06-22): Objects, Container, Object Maps, B-Trees, Volumes, Snapshots.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forensics.evidence.file_system import little_endian
from forensics.evidence.image import Image
from forensics.model import LAYER_BITS

MAGIC_AT, MAGIC = 32, b"NXSB"
_VOLUME_MAGIC = b"APSB"

CONTAINER_DAMAGED = "file system damaged or unreadable (the container of APFS)"
VOLUME_DAMAGED = "file system damaged or unreadable (an APFS volume)"
FUSION = "file system not supported (APFS over two drives; a Mac with both opens it)"
SEALED = "file system not supported (a sealed system volume of APFS)"

_BLOCK_SIZES = range(4096, 65537, 4096)
_MOST_CHECKPOINT_BLOCKS = 1 << 16
_MOST_VOLUMES = 100
_MOST_NODES = 1 << 22
"""Nodes of one tree that are read: 16 GiB of them, of the smallest size."""

_HEADER = 56
_ROOT, _LEAF, _FIXED = 1, 2, 4
_ROOT_INFO = 40
"""Bytes of `btree_info_t` at the end of a root node."""

_DELETED_OBJECT = 1
_UNENCRYPTED = 1
_FUSION_FEATURE, _SEALED_FEATURE = 0x100, 0x20
_HASHED_NAMES = 0x1 | 0x8
"""Volumes that are insensitive to case or to normalisation keep a hash in the keys of names."""

_SNAPSHOT_RECORD = 1


class Unreadable(Exception):
    """A structure is not what it has to be; the text is a fixed phrase."""


@dataclass(frozen=True, slots=True)
class Superblock:
    """A volume, or what a snapshot keeps of it. `root` is the tree of its files, an object of the map at `map_tree`."""

    untrusted_name: str
    identifier: str
    encrypted: bool
    hashed_names: bool
    snapshots: int
    xid: int
    root: int
    map_tree: int
    snapshot_tree: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`created` in nanoseconds since 1970, UTC."""

    untrusted_name: bytes
    created: int
    xid: int
    superblock: int


class Blocks:
    """The blocks of a container by number. Raises `Unreadable` where none starts at this address."""

    def __init__(self, image: Image, offset: int) -> None:
        self.offset = offset
        self.size = _BLOCK_SIZES.start
        self._image = image
        first = self.read(0)
        self.size = little_endian(first, 36, 4)
        if first[MAGIC_AT : MAGIC_AT + 4] != MAGIC or self.size not in _BLOCK_SIZES:
            raise Unreadable(CONTAINER_DAMAGED)
        self.count = (image.end(offset) - offset) // self.size

    def read(self, number: int) -> bytes:
        if number * self.size >= 1 << LAYER_BITS:
            raise Unreadable(CONTAINER_DAMAGED)
        try:
            data = self._image.read_at(self.offset + number * self.size, self.size)
        except OSError as error:
            raise Unreadable(CONTAINER_DAMAGED) from error
        if len(data) < self.size:
            raise Unreadable(CONTAINER_DAMAGED)
        return data

    def sound(self, number: int) -> bytes:
        """A block whose checksum is right. Raises `Unreadable` where it is not."""
        block = self.read(number)
        if not is_sound(block):
            raise Unreadable(CONTAINER_DAMAGED)
        return block


def is_apfs(image: Image, offset: int) -> bool:
    try:
        return image.read_at(offset + MAGIC_AT, len(MAGIC)) == MAGIC
    except OSError:
        return False


def superblocks(blocks: Blocks) -> list[Superblock | Unreadable]:
    """The volumes of a container, as its newest checkpoint has them whose object map is sound.

    In the place of a volume that is not read stands why. Raises `Unreadable` for the container itself.
    """
    checkpoint, places = newest_checkpoint(blocks)
    if little_endian(checkpoint, 64, 8) & _FUSION_FEATURE:
        raise Unreadable(FUSION)
    most = min(little_endian(checkpoint, 180, 4), _MOST_VOLUMES)
    oids = [oid for at in range(most) if (oid := little_endian(checkpoint, 184 + 8 * at, 8))]
    return [_volume(blocks, places.get(oid)) for oid in oids]


def newest_checkpoint(blocks: Blocks) -> tuple[bytes, dict[int, int]]:
    """The newest superblock of the container whose object map is sound, and that map. Raises `Unreadable`."""
    for checkpoint in _checkpoints(blocks):
        try:
            tree = little_endian(blocks.sound(little_endian(checkpoint, 160, 8)), 48, 8)
            return checkpoint, object_map(blocks, tree, _xid(checkpoint))
        except Unreadable:
            continue
    raise Unreadable(CONTAINER_DAMAGED)


def _checkpoints(blocks: Blocks) -> list[bytes]:
    """The superblocks of the container, the newest first. Block 0 is a copy of one, perhaps of an old one."""
    first = blocks.read(0)
    found = {_xid(first): first} if is_sound(first) else {}
    count, base = little_endian(first, 104, 4), little_endian(first, 112, 8)
    # The highest bit of the count says that the area is in pieces, under a tree: then block 0 has to do.
    for number in range(base, base + count if count <= _MOST_CHECKPOINT_BLOCKS else base):
        try:
            block = blocks.read(number)
        except Unreadable:
            break
        if block[MAGIC_AT : MAGIC_AT + 4] == MAGIC and is_sound(block):
            found[_xid(block)] = block
    return [found[xid] for xid in sorted(found, reverse=True)]


def _volume(blocks: Blocks, number: int | None) -> Superblock | Unreadable:
    try:
        return Unreadable(VOLUME_DAMAGED) if number is None else superblock_at(blocks, number)
    except Unreadable as error:
        return error if str(error) == SEALED else Unreadable(VOLUME_DAMAGED)


def superblock_at(blocks: Blocks, number: int) -> Superblock:
    """The volume whose superblock is this block. Raises `Unreadable` where it is none."""
    block = blocks.sound(number)
    if block[MAGIC_AT : MAGIC_AT + 4] != _VOLUME_MAGIC:
        raise Unreadable(VOLUME_DAMAGED)
    features = little_endian(block, 56, 8)
    if features & _SEALED_FEATURE:
        raise Unreadable(SEALED)
    map_tree = 0
    if oid := little_endian(block, 128, 8):
        map_tree = little_endian(blocks.sound(oid), 48, 8)
    return Superblock(
        untrusted_name=block[704:960].split(b"\x00")[0].decode("utf-8", "replace"),
        identifier=str(uuid.UUID(bytes=block[240:256])),
        encrypted=not little_endian(block, 264, 8) & _UNENCRYPTED,
        hashed_names=bool(features & _HASHED_NAMES),
        snapshots=little_endian(block, 216, 8),
        xid=_xid(block),
        root=little_endian(block, 136, 8),
        map_tree=map_tree,
        snapshot_tree=little_endian(block, 152, 8),
    )


def snapshots(blocks: Blocks, volume: Superblock) -> tuple[list[Snapshot], bool]:
    """The snapshots of a volume, the oldest first, and whether all of their list could be read."""
    found, whole = [], True
    for _, items in leaves(blocks, volume.snapshot_tree, None):
        if items is None:
            whole = False
            continue
        for key, value, _ in items:
            if little_endian(key, 0, 8) >> 60 != _SNAPSHOT_RECORD:
                continue
            length = little_endian(value, 48, 2)
            xid = little_endian(key, 0, 8) & (1 << 60) - 1
            name = value[50 : 50 + length].rstrip(b"\x00")
            found.append(Snapshot(name, little_endian(value, 16, 8), xid, little_endian(value, 8, 8)))
    return found, whole and len(found) == volume.snapshots


def object_map(blocks: Blocks, tree: int, xid: int) -> dict[int, int]:
    """In which block each object is, as of a transaction. Raises `Unreadable` where a node of the map is damaged."""
    places: dict[int, int] = {}
    for _, items in leaves(blocks, tree, None):
        if items is None:
            raise Unreadable(CONTAINER_DAMAGED)
        # Of one object the keys ascend by transaction.
        for key, value, _ in items:
            if little_endian(key, 8, 8) <= xid:
                oid = little_endian(key, 0, 8)
                places[oid] = little_endian(value, 8, 8)
                if little_endian(value, 0, 4) & _DELETED_OBJECT:
                    del places[oid]
    return places


Item = tuple[bytes, bytes, int]
"""A key, its value, and where in the block the value stands."""


def leaves(blocks: Blocks, root: int, places: dict[int, int] | None) -> Iterator[tuple[int, list[Item] | None]]:
    """The leaves of a tree in order: number of the block and what is in it; None for a node that is damaged or missing.

    `places` is where the nodes are; without it they are named by their blocks.
    """
    waiting, seen = [root], set[int]()
    while waiting and len(seen) < _MOST_NODES:
        name = waiting.pop()
        number = name if places is None else places.get(name)
        if name in seen or number is None:
            yield 0, None
            continue
        seen.add(name)
        try:
            node = blocks.sound(number)
            items = _items(node)
        except Unreadable:
            yield number, None
            continue
        if little_endian(node, 32, 2) & _LEAF:
            yield number, items
        else:
            waiting += [little_endian(value, 0, 8) for _, value, _ in reversed(items)]


def _items(node: bytes) -> list[Item]:
    """What is in a node of a tree, in the order of its keys. Raises `Unreadable` where that leads out of it."""
    flags, count = little_endian(node, 32, 2), little_endian(node, 36, 4)
    index = _HEADER + little_endian(node, 40, 2)
    keys = index + little_endian(node, 42, 2)
    end = len(node) - (_ROOT_INFO if flags & _ROOT else 0)
    width = 2 if flags & _FIXED else 4
    if index + 2 * width * count > len(node):
        raise Unreadable(CONTAINER_DAMAGED)
    table = np.frombuffer(node, "<u2", width * count, index).reshape(count, width).tolist()
    items = []
    for entry in table:
        if flags & _FIXED:
            # Keys and values of an object map; values of its inner nodes are shorter, and what follows does no harm.
            (key, value), key_length, length = entry, 16, 16
        else:
            key, key_length, value, length = entry
        start = end - value
        if start < keys or start > len(node) or keys + key + key_length > len(node):
            raise Unreadable(CONTAINER_DAMAGED)
        items.append((node[keys + key : keys + key + key_length], node[start : start + length], start))
    return items


def _xid(block: bytes) -> int:
    return little_endian(block, 16, 8)


_MODULUS = (1 << 32) - 1


def is_sound(block: bytes) -> bool:
    """Whether the Fletcher-64 checksum in its first eight bytes is that of the others (Objects, `obj_phys_t`)."""
    words = np.frombuffer(block, "<u4", offset=8).astype(np.uint64)
    # No sum overflows: at most 2¹⁴ words below 2³², each counted 2¹⁴ times at most.
    first = int(words.sum()) % _MODULUS
    second = int((words * np.arange(len(words), 0, -1, dtype=np.uint64)).sum()) % _MODULUS
    low = _MODULUS - (first + second) % _MODULUS
    high = _MODULUS - (first + low) % _MODULUS
    return block[:8] == (high << 32 | low).to_bytes(8, "little") and any(block)
