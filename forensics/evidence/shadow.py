"""Volume shadow copies: an NTFS volume as it was when Windows made a snapshot of it, read by libvshadow.

A snapshot is copy on write: it holds the blocks of 16 KiB that were overwritten since, and is the volume itself (or a
later snapshot) everywhere else. What no snapshot holds has the addresses of the volume, so that a file which nobody
touched is the same bytes in both; the rest has the addresses of the layer.

Source: libvshadow, "Volume Shadow Snapshot (VSS) format", 2 (volume header), 3 (catalog), 4 (store).
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from forensics.evidence.image import Image
from forensics.evidence.window import Window, WindowFile
from forensics.model import LAYER_BITS, SHADOW, EntryStatus, FileEntry, Layer, Outcome, Run, Volume, not_examined

try:
    import pyvshadow
except ImportError:
    pyvshadow = None

HEADER, IDENTIFIER = 0x1E00, bytes.fromhex("6b87083876c1484eb7ae04046e6cc752")
"""Where the volume header of snapshots stands in an NTFS volume, and what it begins with:
{3808876b-c176-4e48-b7ae-04046e6cc752}."""

BLOCK = 16 << 10
MOST_STORES = 64
"""Of one volume; Windows keeps at most 512, of which 64 may be client-accessible (Microsoft, "Volume Shadow Copy
Service")."""

MOST_BLOCKS = 1 << 22
"""Block descriptors that are read of one store: 64 GiB of copied blocks."""

NOT_INSTALLED = "volume shadow copies: libvshadow-python is not installed; install it and run index again"
UNREADABLE = "volume shadow copies: their catalog is damaged (`vshadowinfo` may read more)"
STORE_DAMAGED = "volume shadow copy: its store is damaged (`vshadowmount` may read more)"
TOO_MANY_BLOCKS = "volume shadow copy: it lists more blocks than are read here (`vshadowmount` reads it)"
TOO_MANY = f"volume shadow copies: only the oldest {MOST_STORES} are examined (`vshadowmount` reads the others)"
NOT_KEPT = "a shadow copy keeps what was in use: the space of deleted files may hold later bytes"

Ranges = list[tuple[int, int]]
"""Start and end, in order, apart from each other."""


@dataclass(frozen=True, slots=True)
class Found:
    """A snapshot: its layer, which ranges of it its own store holds, and where (addresses); why it is not examined, if
    so."""

    layer: Layer
    blocks: Ranges = field(default_factory=list)
    held: Ranges = field(default_factory=list)
    outcome: Outcome | None = None


class Shadow:
    """The bytes of a volume as one snapshot kept them; a `model.Readable`. `changed` are those that later writes to the
    volume touched: everything else is in the volume at the same offset."""

    def __init__(self, volume: Any, number: int, window: Window) -> None:
        """Raises `OSError` where the store cannot be read."""
        # The library keeps no reference to what it reads from.
        self._held = (volume, window)
        stores = range(number - 1, volume.get_number_of_stores())
        self._store = volume.get_store(number - 1)
        self.size = min(int(self._store.get_volume_size()), window.size)
        self.blocks, self.held = blocks(self._store, self.size)
        self.changed = merged([pair for at in stores for pair in blocks(volume.get_store(at), self.size)[0]])

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        data: bytes = self._store.read_buffer_at_offset(length, offset)
        if len(data) != length:
            raise OSError("the shadow copy is shorter than its size")
        return data


class TooManyBlocks(OSError):
    """A store lists more blocks than are read."""


def blocks(store: Any, size: int) -> tuple[Ranges, Ranges]:
    """The ranges of a volume of this size that a store holds, and the ranges of the volume in which it holds them."""
    count = store.get_number_of_blocks()
    if count > MOST_BLOCKS:
        raise TooManyBlocks("too many blocks")
    listed = [store.get_block(at) for at in range(count)]
    return _of_blocks({one.original_offset for one in listed}, size), _of_blocks({one.offset for one in listed}, size)


def _of_blocks(starts: Iterable[int], size: int) -> Ranges:
    return merged([(start, min(start + BLOCK, size)) for start in starts if 0 <= start < size])


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found: Ranges = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def touches(ranges: Ranges, start: int, end: int) -> bool:
    at = bisect.bisect_left(ranges, (end, 0)) - 1
    return at >= 0 and ranges[at][1] > start


def has_shadow_copies(image: Image, volume: Volume) -> bool:
    """Whether the header of snapshots stands in the volume and leads to a catalog; one of zeros is an unused one."""
    header = image.read_at(volume.offset + HEADER, 128)
    # Offset 48: where the catalog begins; 0 where there are no snapshots.
    return header[:16] == IDENTIFIER and any(header[48:56])


def shadow_copies(image: Image, volume: Volume, first: int) -> list[Found]:
    """The snapshots of `volume`, whose layers are attached to the image as numbers from `first` on.

    What cannot be read is among them with the reason: one snapshot, or the number 0 for all of them.
    """

    def found(number: int, size: int, kind: str) -> Layer:
        return Layer(
            first + number << LAYER_BITS, size, f"{SHADOW}{number}", kind, volume.offset, volume.length, None,
            below=volume.layer,
        )  # fmt: skip

    if not has_shadow_copies(image, volume):
        return []
    none = found(0, 0, "shadow copies")
    if pyvshadow is None:
        return [Found(none, outcome=not_examined(NOT_INSTALLED))]
    window = Window(image, volume.offset, volume.length)
    try:
        handle = pyvshadow.volume()
        handle.open_file_object(WindowFile(window))
        count = handle.get_number_of_stores()
    except (OSError, ValueError, OverflowError, MemoryError):
        return [Found(none, outcome=not_examined(UNREADABLE))]
    made = [Found(none, outcome=not_examined(TOO_MANY))] if count > MOST_STORES else []
    for number in range(1, min(count, MOST_STORES) + 1):
        kind = f"shadow copy {number} of {volume.name}"
        try:
            store = handle.get_store(number - 1)
            kind = f"{kind}, {_utc(store.get_creation_time())}"
            shadow = Shadow(handle, number, window)
            shadow.read_at(0, 512)
        except TooManyBlocks:
            made.append(Found(found(number, 0, kind), outcome=not_examined(TOO_MANY_BLOCKS)))
        except (OSError, ValueError, OverflowError, MemoryError):
            made.append(Found(found(number, 0, kind), outcome=not_examined(STORE_DAMAGED)))
        else:
            image.layers[first + number] = shadow
            held = [(volume.offset + start, volume.offset + stop) for start, stop in shadow.held]
            made.append(Found(found(number, shadow.size, kind), shadow.blocks, held))
    return made


def _utc(when: datetime) -> str:
    """A time of the catalog, a FILETIME: 100 ns since 1601, UTC."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when.year > 1601 else "at an unknown time"


def open_shadow(window: Window, layer: Layer) -> Shadow:
    """Open a layer that `shadow_copies` gave. Raises `OSError` where it cannot be opened."""
    if pyvshadow is None:
        raise OSError(NOT_INSTALLED)
    handle = pyvshadow.volume()
    handle.open_file_object(WindowFile(window))
    return Shadow(handle, int(layer.name.removeprefix(SHADOW)), window)


def is_shadow(layer: Layer | None) -> bool:
    return layer is not None and layer.name.startswith(SHADOW)


def as_kept(entry: FileEntry, layer: Layer, shadow: Shadow) -> FileEntry:
    """An entry of a snapshot with the addresses that its bytes have where nothing touched them since: the volume's.

    Of what was deleted already the snapshot promises nothing.
    """
    if entry.status is EntryStatus.DELETED:
        entry = entry._replace(status=EntryStatus.DELETED_UNCERTAIN, uncertain_because=NOT_KEPT)
    begins = [run.device_offset - layer.base for run in entry.runs]
    if any(touches(shadow.changed, at, at + run.length) for at, run in zip(begins, entry.runs, strict=True)):
        return entry
    runs = zip(begins, entry.runs, strict=True)
    return entry._replace(runs=tuple(Run(run.file_offset, layer.offset + at, run.length) for at, run in runs))
