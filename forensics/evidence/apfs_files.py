"""Entries of the volumes of an APFS container, and of what only their snapshots still hold.

Of deleted files APFS keeps no names: its map of objects leads to what is in use, and a snapshot's to what was. Their
bytes are read by the raw scan. A container is a volume without entries; the volumes in it stand beside it with no
length, because the bytes are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from forensics.evidence.allocation import Layout
from forensics.evidence.apfs import (
    VOLUME_DAMAGED,
    Blocks,
    Snapshot,
    Superblock,
    Unreadable,
    snapshots,
    superblock_at,
    superblocks,
)
from forensics.evidence.apfs_keys import Decrypting, volume_key
from forensics.evidence.apfs_tree import Attribute, Inode, Records, records_of
from forensics.evidence.decmpfs import DECMPFS, RESOURCE_FORK, uncompressed_size
from forensics.evidence.file_system import ENCRYPTED_REASON
from forensics.evidence.image import Image
from forensics.evidence.times import CLOCK_UTC, moment
from forensics.model import APFS, OK, EntryStatus, FileEntry, Locator, Outcome, Region, Run, Volume, not_examined

ENCRYPTED_APFS = f"{ENCRYPTED_REASON} ({APFS})"
SNAPSHOTS_DAMAGED = "snapshots of an APFS volume: their list is damaged"

STEP = APFS.lower()
SNAPSHOTS, OLDER = "-snapshots", "-older-snapshots"
MOST_SNAPSHOTS = 64
OLDER_LEFT = f"snapshots of an APFS volume: only the newest {MOST_SNAPSHOTS} are read (a Mac mounts the others)"

NO_NAME = "no directory names it"
SAME_PATH = "another file has the same path"
NO_RECORD = "its record could not be read"
TREE_DAMAGED = "part of the volume's records could not be read"
UNNAMED = b"$OrphanFiles"

_SYMBOLIC_LINK = b"com.apple.fs.symlink"
_ROOT, _PRIVATE = 2, 3
_KIND, _DIRECTORY, _REGULAR = 0o170000, 0o040000, 0o100000
_DEEPEST = 1000


def apfs_volumes(image: Image, holder: Volume) -> Iterator[Volume]:
    """The volume that holds a container, and behind it those that are in it; what cannot be read with the reason."""
    try:
        blocks = Blocks(image, holder.offset)
        found = superblocks(blocks)
    except Unreadable as error:
        yield replace(holder, outcome=not_examined(str(error)))
        return
    holder = replace(holder, block_size=blocks.size, outcome=OK)
    yield holder

    def inside(step: str, label: str, outcome: Outcome) -> Volume:
        return replace(holder, length=0, kind="volume of APFS", label=label, outcome=outcome, layers=(step,))

    for number, one in enumerate(found, 1):
        step = f"{STEP}{number}"
        if isinstance(one, Unreadable):
            yield inside(step, "", not_examined(str(one)))
            continue
        outcome = not_examined(ENCRYPTED_APFS) if one.encrypted else OK
        yield inside(step, one.untrusted_name, outcome)
        kept, whole = snapshots(blocks, one)
        label = f"snapshots of {one.untrusted_name}"
        if kept:
            yield inside(step + SNAPSHOTS, label, outcome)
        if not whole or len(kept) > MOST_SNAPSHOTS:
            yield inside(step + OLDER, label, not_examined(OLDER_LEFT if whole else SNAPSHOTS_DAMAGED))


def list_apfs(image: Image, volume: Volume, exhibit: str) -> tuple[list[FileEntry], Layout | None]:
    """What `files.list_volume` gives, of a container or a volume in one.

    Raises `OSError` where it could be read before and now cannot.
    """
    if not volume.layers:
        return [], Layout(b"", b"", None)
    try:
        opened = opened_volume(image, volume)
        if volume.layers[0].endswith(SNAPSHOTS):
            found = _only_in_snapshots(opened, volume, exhibit)
        else:
            found = _Entries(opened, volume, exhibit).all()
        return list(_each_place_once(found)), None
    except Unreadable as error:
        raise OSError(str(error)) from error


def _each_place_once(entries: Iterable[FileEntry]) -> Iterator[FileEntry]:
    """No two entries have one locator: of files with one path the first is live, and others are uncertain."""
    told: set[tuple[tuple[bytes, ...], int | None]] = set()
    for entry in entries:
        if (entry.locator.path, entry.locator.address) in told:
            entry = _doubted(entry, SAME_PATH)
            if (entry.locator.path, entry.locator.address) in told:
                continue
        told.add((entry.locator.path, entry.locator.address))
        yield entry


@dataclass(frozen=True, slots=True)
class Opened:
    """A volume of a container, or what a snapshot kept of it, with all that its tree says; `nodes` are those of an
    encrypted one that a password opened."""

    blocks: Blocks
    superblock: Superblock
    records: Records
    nodes: Decrypting | None = None


def opened_volume(image: Image, volume: Volume) -> Opened:
    """It stays open as long as the image does. Raises `Unreadable`, also where its password does not open it."""
    name = f"{volume.offset}/{volume.name}"
    known = image.file_systems.get(name)
    if isinstance(known, Opened):
        return known
    blocks = Blocks(image, volume.offset)
    superblock = _superblock(blocks, volume)
    nodes = None
    if superblock.encrypted:
        key = volume_key(blocks, superblock.identifier, volume.layer.key) if volume.layer else None
        if key is None:
            raise Unreadable(ENCRYPTED_APFS)
        nodes = Decrypting(blocks, key)
    opened = Opened(blocks, superblock, records_of(blocks, superblock, superblock.map_tree, nodes), nodes)
    image.file_systems[name] = opened
    return opened


def _superblock(blocks: Blocks, volume: Volume) -> Superblock:
    number = int(volume.layers[0].removeprefix(STEP).removesuffix(SNAPSHOTS))
    found = superblocks(blocks)
    superblock = found[number - 1] if number <= len(found) else Unreadable(VOLUME_DAMAGED)
    if isinstance(superblock, Unreadable):
        raise superblock
    return superblock


def opens(image: Image, volume: Volume, password: str) -> bool:
    """Whether the password opens this encrypted volume. Raises `Unreadable` where none would."""
    blocks = Blocks(image, volume.offset)
    return volume_key(blocks, _superblock(blocks, volume).identifier, password) is not None


def at_entry(image: Image, volume: Volume, entry: FileEntry) -> Opened:
    """The tree in which the entry stands. Raises `Unreadable`."""
    opened = opened_volume(image, volume)
    if not volume.layers[0].endswith(SNAPSHOTS):
        return opened
    # Entries come by snapshot.
    name, untrusted_snapshot = f"{volume.offset}/{volume.name}/one", entry.locator.path[0]
    held: tuple[bytes, Opened] | None = image.file_systems.get(name)
    if held is None or held[0] != untrusted_snapshot:
        held = image.file_systems[name] = untrusted_snapshot, _of_snapshot(opened, untrusted_snapshot)
    return held[1]


def _of_snapshot(opened: Opened, untrusted_name: bytes) -> Opened:
    for snapshot in snapshots(opened.blocks, opened.superblock)[0]:
        if snapshot.untrusted_name == untrusted_name:
            return _at(opened, snapshot)
    raise Unreadable(SNAPSHOTS_DAMAGED)


def _at(opened: Opened, snapshot: Snapshot) -> Opened:
    """The volume as a snapshot kept it. Its nodes are in the object map of the volume."""
    superblock = superblock_at(opened.blocks, snapshot.superblock)
    records = records_of(opened.blocks, superblock, opened.superblock.map_tree, opened.nodes)
    return Opened(opened.blocks, superblock, records, opened.nodes)


def _kept(opened: Opened, attribute: Attribute) -> tuple[Run, ...]:
    """Where the value of an extended attribute stands on the device: in a stream, or in the tree."""
    if attribute.stream:
        return _runs(opened, attribute.stream, attribute.size)
    place = opened.blocks.offset + attribute.at
    return (Run(0, place, attribute.size),) if attribute.size and opened.nodes is None else ()


def _runs(opened: Opened, stream: int, size: int) -> tuple[Run, ...]:
    """Nothing where the device has the bytes encrypted."""
    found, blocks = [], opened.blocks
    for begins, length, block, _ in opened.records.extents.get(stream, ()):
        inside = min(length, size - begins, (blocks.count - block) * blocks.size)
        if block and inside > 0 and opened.nodes is None:
            found.append(Run(begins, blocks.offset + block * blocks.size, inside))
    return tuple(found)


def _only_in_snapshots(opened: Opened, volume: Volume, exhibit: str) -> Iterator[FileEntry]:
    """What a snapshot holds and neither the volume nor an older snapshot does, under the name of the snapshot."""
    known = {_identity(entry, ()) for entry in _Entries(opened, volume, exhibit).all()}
    listed, _ = snapshots(opened.blocks, opened.superblock)
    for snapshot in listed[-MOST_SNAPSHOTS:]:
        folder = (snapshot.untrusted_name,)
        try:
            then = _at(opened, snapshot)
        except Unreadable:
            yield _Entries(opened, volume, exhibit).unread(folder)
            continue
        for entry in _Entries(then, volume, exhibit, folder).all():
            identity = _identity(entry, folder)
            if identity not in known:
                known.add(identity)
                yield entry


def _identity(entry: FileEntry, folder: tuple[bytes, ...]) -> tuple[object, ...]:
    return (entry.locator.path[len(folder) :], entry.address, entry.size, entry.modified, entry.runs)


def stream_name(untrusted_attribute: bytes) -> bytes:
    """What an extended attribute is called behind the name of its file, as one of HFS+ is."""
    return b"rsrc" if untrusted_attribute == RESOURCE_FORK else untrusted_attribute


class _Entries:
    """The entries of one tree; `folder` is what their paths begin with."""

    def __init__(self, opened: Opened, volume: Volume, exhibit: str, folder: tuple[bytes, ...] = ()) -> None:
        self._opened = opened
        self._records = opened.records
        self._volume = volume
        self._exhibit = exhibit
        self._folder = folder
        self._told: set[int] = set()

    def all(self) -> Iterator[FileEntry]:
        for directory, path in ((_ROOT, self._folder), (_PRIVATE, (*self._folder, b"private-dir"))):
            yield from self._below(directory, path)
        for number, inode in self._records.inodes.items():
            if number not in self._told and inode.mode & _KIND == _REGULAR:
                path = (*self._folder, UNNAMED, b"OrphanFile-%d" % number)
                for entry in self._of(number, inode, path):
                    yield _doubted(entry, NO_NAME)
        if self._records.damaged:
            yield self.unread((*self._folder, UNNAMED))

    def unread(self, path: tuple[bytes, ...]) -> FileEntry:
        return self._entry(path, 0, 0, (), None, TREE_DAMAGED)

    def _below(self, root: int, path: tuple[bytes, ...]) -> Iterator[FileEntry]:
        """What every name below a directory leads to, depth first, each directory once."""
        waiting = [(root, path)]
        self._told.add(root)
        while waiting:
            number, path = waiting.pop()
            directories = []
            for untrusted_name, target in self._records.names.get(number, ()):
                here, inode = (*path, untrusted_name), self._records.inodes.get(target)
                if inode is None:
                    yield self._entry(here, target, 0, (), None, NO_RECORD)
                    continue
                directory = inode.mode & _KIND == _DIRECTORY
                if directory and (target in self._told or len(here) > _DEEPEST):
                    continue
                self._told.add(target)
                yield from self._of(target, inode, here)
                if directory:
                    directories.append((target, here))
            waiting += reversed(directories)

    def _of(self, number: int, inode: Inode, path: tuple[bytes, ...]) -> Iterator[FileEntry]:
        """The content of a file, and the extended attributes of anything, as streams of it."""
        attributes = {one.untrusted_name: one for one in self._records.attributes.get(number, ())}
        packed = attributes.pop(DECMPFS, None)
        if packed is not None:
            attributes.pop(RESOURCE_FORK, None)
        if inode.mode & _KIND == _REGULAR:
            size = inode.size if packed is None else uncompressed_size(packed.data)
            runs = _runs(self._opened, inode.stream, size) if packed is None else ()
            yield self._entry(path, number, size, runs, inode)
        attributes.pop(_SYMBOLIC_LINK, None)
        for name, one in attributes.items():
            yield self._entry(
                (*path[:-1], path[-1] + b":" + stream_name(name)), number, one.size, _kept(self._opened, one), inode
            )

    def _entry(
        self, path: tuple[bytes, ...], address: int, size: int, runs: tuple[Run, ...], inode: Inode | None,
        doubt: str = "",
    ) -> FileEntry:  # fmt: skip
        volume = self._volume
        locator = Locator(self._exhibit, volume.number, Region.LIVE, None, path, layers=volume.layers)
        times = (moment(inode.modified), moment(inode.created), moment(inode.accessed)) if inode else ("", "", "")
        return FileEntry(locator, EntryStatus.LIVE, size, address, *times, runs, CLOCK_UTC, doubt)


def _doubted(entry: FileEntry, doubt: str) -> FileEntry:
    place = entry.locator
    locator = Locator(place.exhibit, place.volume, Region.DELETED, entry.address, place.path, layers=place.layers)
    return entry._replace(locator=locator, status=EntryStatus.DELETED_UNCERTAIN, uncertain_because=doubt)
