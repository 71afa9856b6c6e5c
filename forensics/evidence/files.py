"""Walks a volume: every file entry with content, live and deleted, with the bytes of the device that it occupies.

    live      yielded as the directories are read
    deleted   yielded at the end, when it is known what live files occupy

What is uncertain about a deleted file, and so is flagged `deleted-uncertain`:
  * bytes of it belong to a live file or directory now, or another deleted file claims them as well;
  * on FAT and exFAT deletion erases the chain of clusters: the content is taken from consecutive free clusters, and
    where others lie between, or the volume ends before, that is a guess;
  * on FAT32 Windows erases the upper half of the first cluster's number, so where no deleted file starts beyond
    cluster 65,535 and live ones do, every start may be wrong;
  * on NTFS the record may have been used again (its sequence number tells), on ext the place was erased: then there
    is a name and no content, and the size is 0.
A fragmented deleted FAT file whose neighbours are free, too, and claimed by nobody cannot be told from a whole one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, NamedTuple

import numpy as np
import pytsk3

from forensics.evidence.allocation import Layout, allocated, pairs
from forensics.evidence.apfs_files import list_apfs
from forensics.evidence.ext4 import ext4_of
from forensics.evidence.fat import fat_of
from forensics.evidence.file_system import (
    FAT,
    IN_USE,
    LABEL_MARK,
    NO_LABEL,
    TSK_FAILED,
    FileSystem,
    FileSystemUnreadable,
    open_file_system,
)
from forensics.evidence.image import Image
from forensics.evidence.ntfs import Mft
from forensics.evidence.overlap import Claims, Occupied
from forensics.evidence.plain import PlainDirectory, PlainReader
from forensics.evidence.times import Times, clock_of, make_process_clock_utc
from forensics.model import APFS, OK, EntryStatus, FileEntry, Locator, Region, Run, Volume

DIRECTORIES = frozenset({pytsk3.TSK_FS_META_TYPE_DIR, pytsk3.TSK_FS_META_TYPE_VIRT_DIR})

ORPHANS = b"$OrphanFiles"
"""The Sleuth Kit's directory of entries that no directory names any more."""

EXFAT_INVENTED = frozenset(
    {b"$ALLOC_BITMAP", b"$UPCASE_TABLE", b"$VOLUME_GUID", b"$TEX_FAT", b"$ACT", NO_LABEL.removesuffix(LABEL_MARK)}
)
"""Names that The Sleuth Kit gives to structures of exFAT (exfatfs.h); they are in no directory of the exhibit."""

NTFS_BAD_CLUSTERS = 8
"""$BadClus: its stream $Bad is as long as the volume and holds only what cannot be read."""

DATA_ATTRIBUTES = frozenset(
    {
        pytsk3.TSK_FS_ATTR_TYPE_DEFAULT,
        pytsk3.TSK_FS_ATTR_TYPE_NTFS_DATA,
        pytsk3.TSK_FS_ATTR_TYPE_HFS_DATA,
        pytsk3.TSK_FS_ATTR_TYPE_HFS_RSRC,
    }
)
FAT_LIKE = FAT | {"exFAT"}

DEEPEST = 1000
"""Directories inside one another; a loop that is none by its addresses ends here."""

NAME_ONLY = "only the name is left: its record was used again"
PLACE_ERASED = "only the name is left: size and place were erased"
SHARED_LIVE = "part of its space belongs to a live file now"
SHARED_DELETED = "another deleted file claims part of the same space"
FRAGMENTED = "other files lie between its clusters"
TOO_SHORT = "its clusters end before its size"
HALF_NUMBER = "the first cluster's number may be incomplete"
NO_DIRECTORY = "this directory could not be read"
NO_RECORD = "its record could not be read"


ELSEWHERE = int(pytsk3.TSK_FS_ATTR_RUN_FLAG_SPARSE) | int(pytsk3.TSK_FS_ATTR_RUN_FLAG_FILLER)
"""Runs that hold no bytes: a hole, or what The Sleuth Kit puts where it knows no place."""

REGULAR = int(pytsk3.TSK_FS_META_TYPE_REG)
VIRTUAL_NAME = int(pytsk3.TSK_FS_NAME_TYPE_VIRT)
VIRTUAL_DIRECTORY_NAME = int(pytsk3.TSK_FS_NAME_TYPE_VIRT_DIR)
NAME_DELETED = int(pytsk3.TSK_FS_NAME_FLAG_UNALLOC)
RESIDENT = int(pytsk3.TSK_FS_ATTR_RES)
PACKED = int(pytsk3.TSK_FS_ATTR_COMP)
NTFS_DATA = int(pytsk3.TSK_FS_ATTR_TYPE_NTFS_DATA)
HFS_RESOURCE = int(pytsk3.TSK_FS_ATTR_TYPE_HFS_RSRC)


class _Named(NamedTuple):
    """A directory entry, the metadata it leads to, and what stands against believing it."""

    path: tuple[bytes, ...]
    address: int
    deleted: bool
    file: Any | None
    meta: Any | None
    directory: bool
    doubt: str = ""


def list_volume(image: Image, volume: Volume, exhibit: str) -> tuple[list[FileEntry], Layout | None]:
    """What `walk` gives, and where the rest of the volume's allocated bytes lie; None where it was not examined."""
    if volume.outcome != OK:
        return [], None
    if volume.file_system == APFS:
        return list_apfs(image, volume, exhibit)
    found = _begin(image, volume, exhibit)
    entries = list(found.entries())
    held = allocated(image, found.system)
    return entries, Layout(_pairs(found.slack), _pairs(found.packed), None if held is None else pairs(held))


def _pairs(ranges: list[int]) -> bytes:
    """Starts and lengths in turn as rows, ascending and each once."""
    rows = np.array(ranges, np.int64).reshape(-1, 2)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    another = np.ones(len(rows), bool)
    another[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return pairs(rows[another])


def walk(image: Image, volume: Volume, exhibit: str) -> Iterator[FileEntry]:
    """All regular files of `volume`, of every size; NTFS streams as entries of their own, `name:stream`.

    A directory that cannot be read comes as an entry of size 0 that says so. Names are the bytes that The Sleuth Kit
    gives (UTF-8 for FAT, exFAT and NTFS). Sets the time zone of this process to UTC. Nothing for a volume that was
    not examined; raises `OSError` where the image itself cannot be read.
    """
    if volume.outcome == OK:
        yield from _begin(image, volume, exhibit).entries()


def _begin(image: Image, volume: Volume, exhibit: str) -> _Walk:
    make_process_clock_utc()
    try:
        system = open_file_system(image, volume.offset)
    except FileSystemUnreadable as error:
        raise OSError("the file system could be opened before and now cannot") from error
    return _Walk(image, system, volume, exhibit)


class _Walk:
    def __init__(self, image: Image, system: FileSystem, volume: Volume, exhibit: str) -> None:
        self._image = image
        self.system = system
        self._volume = volume
        self._exhibit = exhibit
        self._ntfs = Mft(image, system) if system.name == "NTFS" else None
        self._fat_like = system.name in FAT_LIKE
        self._plain: PlainReader | None = ext4_of(image, system) or fat_of(image, system)
        self._all_plain = True
        self._times = clock_of(image, system)
        self._block = system.block_size
        self._end = image.end(system.offset)
        self._live = Occupied()
        self._live_paths: set[tuple[bytes, ...]] = set()
        self._deleted: list[FileEntry] = []
        self._highest_live_start = 0
        self.slack: list[int] = []
        """Starts and lengths in turn, as `packed`."""
        self.packed: list[int] = []

    def entries(self) -> Iterator[FileEntry]:
        self._claim_root()
        deleted: set[tuple[int, tuple[bytes, ...]]] = set()
        for entries, new in self._found():
            if new:
                yield from entries
                continue
            for entry in entries:
                path = entry.locator.path
                if entry.status is EntryStatus.LIVE:
                    if path not in self._live_paths:
                        self._live_paths.add(path)
                        yield entry
                elif (entry.address, path) not in deleted:
                    deleted.add((entry.address, path))
                    self._deleted.append(entry)
        yield from self._judged()

    def _claim_root(self) -> None:
        """The root directory has no name, but it has space, and may have grown into a deleted file's."""
        try:
            root = self.system.handle.open_meta(self.system.handle.info.root_inum)
        except TSK_FAILED:
            return
        for attribute in self._attributes(root):
            self._live.add(self._runs(attribute, attribute.info, None, live=False))

    # ------------------------------------------------------------------------------------------------- directories

    def _found(self) -> Iterator[tuple[list[FileEntry], bool]]:
        """What every name leads to, depth first, each directory once (by its address); and whether all of it is live,
        with paths that nothing had before."""
        root = self.system.handle.info.root_inum
        seen = {root}
        waiting: list[tuple[int, tuple[bytes, ...], bool]] = [(root, (), False)]
        later: list[tuple[int, tuple[bytes, ...], bool]] = []
        told: dict[tuple[bytes, ...], list[FileEntry]] = {}
        while waiting or later:
            # Deleted directories come last: one whose space a live directory took must not claim its files.
            address, path, deleted = (waiting or later).pop()
            directories: list[_Named] = []
            known = told.get(path)
            reader = None if deleted or not path or known is not None else self._plain
            plain = reader and reader.directory(address)
            if reader and plain:
                told[path] = self._told_at_once(plain, reader.clock, path, directories)
                yield told[path], True
            elif deleted and not path and self._without_orphans():
                continue
            else:
                self._all_plain = self._all_plain and not path
                # Two directories of one path: of files with one path the first is told.
                self._live_paths.update(entry.locator.path for entry in known or ())
                told[path] = []
                for named in self._names(address, path, deleted):
                    yield self._entries_of(named), False
                    if named.directory:
                        directories.append(named)
            if len(path) >= DEEPEST and directories:
                self._all_plain, directories = False, []
            for named in directories:
                if named.address not in seen:
                    seen.add(named.address)
                    (later if named.deleted else waiting).append((named.address, named.path, named.deleted))

    def _names(self, address: int, path: tuple[bytes, ...], deleted: bool) -> Iterator[_Named]:
        try:
            directory = self.system.handle.open_dir(inode=address)
        except TSK_FAILED:
            yield _Named(path, address, deleted, None, None, False, NO_DIRECTORY)
            return
        for entry in self._listed(directory):
            named = self._named(entry, path, deleted)
            if named is not None:
                yield named

    def _without_orphans(self) -> bool:
        """Whether The Sleuth Kit need not search; every live directory was read before."""
        return self._plain is not None and self._plain.without_orphans(self._all_plain)

    def _told_at_once(
        self, plain: PlainDirectory, clock: str, path: tuple[bytes, ...], directories: list[_Named]
    ) -> list[FileEntry]:
        """What the names of a plain directory lead to; adds the directories among them."""
        names, numbers, files = plain.names, plain.addresses, plain.files
        self.slack += files.slack
        runs = list(chain.from_iterable(files.runs))
        self._live.add(runs)
        if runs:
            self._highest_live_start = max(self._highest_live_start, *(run.device_offset for run in runs))
        paths = [(*path, untrusted_name) for untrusted_name in names]
        volume, new = self._volume, tuple.__new__  # a third of the time of calling the classes
        if len(files.places) < len(names):
            some, some_numbers = [paths[place] for place in files.places], [numbers[place] for place in files.places]
        else:
            some, some_numbers = paths, numbers
        located = zip(
            repeat(self._exhibit), repeat(volume.number), repeat(Region.LIVE), repeat(None), some, repeat(()),
            repeat(None), repeat(None), repeat(volume.layers), repeat(False),
        )  # fmt: skip
        columns = zip(
            map(new, repeat(Locator), located), repeat(EntryStatus.LIVE), files.sizes, some_numbers, files.modified,
            files.created, files.accessed, files.runs, repeat(clock), repeat(""),
        )  # fmt: skip
        told = map(new, repeat(FileEntry), columns)
        if some is paths:
            return list(told)
        at_once = dict(zip(files.places, told, strict=True))
        entries: list[FileEntry] = []
        for place, (here, number) in enumerate(zip(paths, numbers, strict=True)):
            if place in at_once:
                entries.append(at_once[place])
                continue
            named = self._at(here, number)
            entries += self._entries_of(named)
            if named.directory:
                directories.append(named)
        return entries

    def _at(self, path: tuple[bytes, ...], address: int) -> _Named:
        """The live file or directory with this metadata address."""
        try:
            file = self.system.handle.open_meta(address)
        except TSK_FAILED:
            return _Named(path, address, False, None, None, False, NO_RECORD)
        meta = file.info.meta
        if meta is None:
            return _Named(path, address, False, None, None, False, NO_RECORD)
        return _Named(path, address, False, file, meta, meta.type in DIRECTORIES)

    def _listed(self, directory: Any) -> Iterator[Any]:
        try:
            yield from directory
        except TSK_FAILED:
            return

    def _named(self, entry: Any, path: tuple[bytes, ...], in_deleted: bool) -> _Named | None:
        info = entry.info
        name, meta = info.name, info.meta
        untrusted_name: bytes = name.name
        kind = name.type
        if untrusted_name in (b".", b"..", b"") or kind == VIRTUAL_NAME or untrusted_name.endswith(LABEL_MARK):
            return None
        address = name.meta_addr
        if not path and self.system.name == "exFAT" and untrusted_name in EXFAT_INVENTED:
            return None
        if kind == VIRTUAL_DIRECTORY_NAME and untrusted_name == ORPHANS:
            return _Named((), address, True, entry, meta, meta is not None and meta.type in DIRECTORIES)
        deleted = in_deleted or bool(name.flags & NAME_DELETED)
        path = (*path, untrusted_name)
        if meta is not None and not deleted:
            return _Named(path, address, False, entry, meta, meta.type in DIRECTORIES)
        file, doubt = self._metadata(entry, deleted)
        if file is None:
            return _Named(path, address, deleted, None, None, False, doubt)
        meta = file.info.meta
        return _Named(path, address, deleted, file, meta, meta.type in DIRECTORIES, doubt)

    def _metadata(self, entry: Any, deleted: bool) -> tuple[Any | None, str]:
        """The file behind a name, and why it may be another's. NTFS gives none with a deleted name: it is fetched."""
        file, name = entry, entry.info.name
        if file.info.meta is None:
            if deleted and not name.meta_addr and not self._ntfs:
                return None, PLACE_ERASED
            try:
                file = self.system.handle.open_meta(name.meta_addr)
            except TSK_FAILED:
                return None, NO_RECORD
            if file.info.meta is None:
                return None, NO_RECORD
        meta = file.info.meta
        if not deleted:
            return file, ""
        if meta.flags & IN_USE and not self._fat_like:
            return None, NAME_ONLY
        # NTFS counts a record's sequence up when the file is deleted, and again for the next file in it. Names of
        # orphans are The Sleuth Kit's own and carry none.
        if self._ntfs and name.meta_seq and meta.seq not in (name.meta_seq, name.meta_seq + 1):
            return None, NAME_ONLY
        return file, ""

    # ----------------------------------------------------------------------------------------------------- entries

    def _entries_of(self, named: _Named) -> list[FileEntry]:
        path, meta, directory, deleted = named.path, named.meta, named.directory, named.deleted
        if meta is None:
            if named.doubt == NO_DIRECTORY and not path:
                return []
            return [self._entry(path, named.address, deleted, 0, (), Times(), named.doubt)]
        if not directory and meta.type not in (REGULAR, 0):
            return []
        address = meta.addr
        written = self._ntfs.initialised_lengths(address) if self._ntfs and not directory else {}
        entries = []
        found, when = False, None
        for attribute in self._attributes(named.file):
            info = attribute.info
            kind = info.type
            stream = _stream(kind, info)
            content = kind in DATA_ATTRIBUTES and not (directory and not stream)
            runs = self._runs(attribute, info, written.get(info.id) if written else None, content and not deleted)
            if not deleted:
                self._live.add(runs)
            if not content or (self._ntfs and address == NTFS_BAD_CLUSTERS and stream == b"$Bad"):
                continue
            found = found or not stream
            here = (*path[:-1], path[-1] + b":" + stream) if stream and path else path
            when = when or self._times(meta)
            entries.append(self._entry(here, address, deleted, info.size, runs, when, ""))
        if not found and not directory and path:
            doubt = PLACE_ERASED if deleted and meta.size else ""
            entries.append(self._entry(path, address, deleted, 0, (), when or self._times(meta), doubt))
        return entries

    def _attributes(self, file: Any) -> list[Any]:
        attributes = []
        try:
            for attribute in file:
                attributes.append(attribute)
        except TSK_FAILED:
            pass
        return attributes

    def _runs(self, attribute: Any, info: Any, written: int | None, live: bool) -> tuple[Run, ...]:
        """Where on the device the content stands; nothing for what is resident or packed.

        Of a live content, also keeps the space it holds beside its bytes.
        """
        flags, size = info.flags, info.size
        if flags & RESIDENT:
            return ()
        if written is not None:
            size = min(size, written)
        packed = flags & PACKED
        block, base, end = self._block, self.system.offset, self._end
        found = []
        try:
            for run in attribute:
                position, held = run.offset * block, run.len * block
                start = base + run.addr * block
                if start >= end or run.flags & ELSEWHERE:
                    continue
                length = 0 if packed else max(0, min(held, size - position))
                if length:
                    found.append(Run(position, start, min(length, end - start)))
                if live and held > length:
                    (self.packed if packed else self.slack).extend((start + length, held - length))
        except TSK_FAILED:
            return ()
        return tuple(found)

    def _entry(
        self,
        path: tuple[bytes, ...],
        address: int,
        deleted: bool,
        size: int,
        runs: tuple[Run, ...],
        when: Times,
        doubt: str,
    ) -> FileEntry:
        volume = self._volume
        if deleted:
            locator = Locator(self._exhibit, volume.number, Region.DELETED, address, path, layers=volume.layers)
            status = EntryStatus.DELETED_UNCERTAIN if doubt else EntryStatus.DELETED
        else:
            locator = Locator(self._exhibit, volume.number, Region.LIVE, None, path, layers=volume.layers)
            status = EntryStatus.LIVE
            if runs and runs[0].device_offset > self._highest_live_start:
                self._highest_live_start = runs[0].device_offset
        return FileEntry(
            locator, status, size, address, when.modified, when.created, when.accessed, runs, when.clock, doubt
        )

    # --------------------------------------------------------------------------------------------- deleted, at last

    def _judged(self) -> Iterator[FileEntry]:
        claims = Claims()
        for entry in self._deleted:
            # A file that was moved and then deleted leaves two entries for the same bytes: no contradiction.
            claims.add(entry.runs, (entry.runs, entry.size, entry.modified))
        contested = claims.contested()
        half_numbers = self._half_numbers_possible()
        for entry in self._deleted:
            doubt = entry.uncertain_because or self._doubt(entry, half_numbers)
            if not doubt and (entry.runs, entry.size, entry.modified) in contested:
                doubt = SHARED_DELETED
            if doubt:
                entry = entry._replace(status=EntryStatus.DELETED_UNCERTAIN, uncertain_because=doubt)
            yield entry

    def _doubt(self, entry: FileEntry, half_numbers: bool) -> str:
        if self._live.touches(entry.runs):
            return SHARED_LIVE
        if self.system.name in FAT_LIKE and entry.size:
            if sum(run.length for run in entry.runs) < entry.size:
                return TOO_SHORT
            if len(entry.runs) > 1:
                return FRAGMENTED
            if half_numbers:
                return HALF_NUMBER
        if self.system.name.startswith("ext") and not entry.size:
            return PLACE_ERASED
        return ""

    def _half_numbers_possible(self) -> bool:
        if self.system.name != "FAT32":
            return False
        unit = self._volume.block_size
        border = self._first_cluster() + (65536 - 2) * unit
        starts = [entry.runs[0].device_offset for entry in self._deleted if entry.runs]
        return bool(starts) and max(starts) < border <= self._highest_live_start

    def _first_cluster(self) -> int:
        """Where cluster 2 of a FAT32 volume starts on the device."""
        boot = self._image.read_at(self._volume.offset, 512)
        sector = int.from_bytes(boot[11:13], "little")
        reserved = int.from_bytes(boot[14:16], "little")
        fats = boot[16] * int.from_bytes(boot[36:40], "little")
        return self._volume.offset + (reserved + fats) * sector


def _stream(kind: int, info: Any) -> bytes:
    """The name of an alternate stream, empty for the file's own content."""
    if kind == HFS_RESOURCE:
        return b"rsrc"
    if kind != NTFS_DATA:
        return b""
    untrusted_name: bytes = info.name or b""
    return untrusted_name
