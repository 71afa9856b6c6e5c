"""One mutated volume with shadow copies, examined in a worker as `index` does it: listed, walked and read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from forensics.evidence.files import list_volume
from forensics.evidence.image import open_image
from forensics.evidence.shadow import Shadow, as_kept, shadow_copies
from forensics.evidence.volumes import shadow_volume, volumes
from forensics.model import LAYER_BITS, OutcomeKind


@dataclass(frozen=True)
class Mutation:
    image: Path
    patches: tuple[tuple[int, bytes], ...]


class _Patched:
    """The reader of an image with some bytes changed."""

    def __init__(self, reader: object, patches: tuple[tuple[int, bytes], ...]) -> None:
        self._reader = reader
        self._patches = patches

    def __getattr__(self, name: str) -> object:
        return getattr(self._reader, name)

    def read_at(self, offset: int, length: int) -> bytes:
        data = bytearray(self._reader.read_at(offset, length))  # type: ignore[attr-defined]
        for at, changed in self._patches:
            for n, byte in enumerate(changed):
                if offset <= at + n < offset + len(data):
                    data[at + n - offset] = byte
        return bytes(data)


def read_all(item: Mutation) -> list[tuple[str, str, int, int]]:
    """Of each shadow copy: its name, its reason, how many entries it has, and how many of its blocks could be read."""
    told = []
    with open_image([item.image]) as image:
        image._reader = _Patched(image._reader, item.patches)  # type: ignore[assignment]
        (volume,) = volumes(image, "E-001")
        if volume.file_system != "NTFS":
            return [("vol0", volume.outcome.reason, 0, 0)]
        for found in shadow_copies(image, volume, 1):
            made = shadow_volume(image, volume, found.layer, found.outcome)
            entries, read = 0, 0
            shadow = image.layers.get(found.layer.base >> LAYER_BITS)
            if isinstance(shadow, Shadow):
                listed, _ = list_volume(image, made, "E-001")
                entries = len([as_kept(entry, found.layer, shadow) for entry in listed])
                for start, stop in found.blocks:
                    try:
                        read += len(image.read_at(found.layer.base + start, min(stop - start, 1 << 20))) > 0
                    except OSError:
                        continue
            assert made.outcome.kind is OutcomeKind.OK or made.outcome.reason
            told.append((made.name, made.outcome.reason, entries, read))
    return told
