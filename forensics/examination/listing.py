"""The first work of a worker: volumes of an image, what is in their layers, and the entries of each.

As in `units`, on hostile bytes in an isolated worker; apart from them because listing loads half of what they need.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from pathlib import Path

from forensics.evidence.allocation import Layout
from forensics.evidence.files import list_volume
from forensics.evidence.image import Image, open_image
from forensics.evidence.layers import attach, unlock
from forensics.evidence.luks import CannotOpen
from forensics.evidence.shadow import Ranges, Shadow, as_kept, is_shadow, shadow_copies
from forensics.evidence.volumes import layer_volume, shadow_volume, volumes
from forensics.model import LAYER_BITS, FileEntry, Layer, Outcome, Volume, not_examined


@dataclass(frozen=True, slots=True)
class ListVolumes:
    exhibit: str
    segments: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class UnlockVolume:
    """An encrypted volume, the passwords to try on it, and the number that its layer would have."""

    exhibit: str
    segments: tuple[Path, ...]
    volume: Volume
    passwords: tuple[str, ...] = field(repr=False)
    number: int


@dataclass(frozen=True, slots=True)
class Unlocked:
    """What is in an encrypted volume, or how trying to open it ended: None where no password fitted."""

    volume: Volume | None
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class ListShadows:
    """A volume that may have shadow copies, and the first number that their layers would have."""

    exhibit: str
    segments: tuple[Path, ...]
    volume: Volume
    number: int


@dataclass(frozen=True, slots=True)
class ListEntries:
    exhibit: str
    segments: tuple[Path, ...]
    volume: Volume


_images: dict[tuple[Path, ...], Image] = {}


def held_image(segments: tuple[Path, ...], layer: Layer | None = None) -> Image:
    """The image in these files with this layer attached; it stays open for the life of this worker."""
    image = _images.get(segments)
    if image is None:
        image = _images[segments] = open_image(segments)
    if layer is not None:
        attach(image, layer)
    return image


def list_volumes(item: ListVolumes) -> list[Volume]:
    return volumes(held_image(item.segments), item.exhibit)


def unlock_volume(item: UnlockVolume) -> Unlocked:
    image = held_image(item.segments)
    try:
        layer = unlock(image, item.volume, item.passwords, item.number)
    except CannotOpen as refused:
        return Unlocked(None, not_examined(refused.reason))
    return Unlocked(None if layer is None else layer_volume(image, item.volume, layer), None)


def list_shadows(item: ListShadows) -> list[tuple[Volume, Ranges, Ranges]]:
    """The shadow copies of a volume as volumes, newest first, what the store of each holds, and at which addresses."""
    image = held_image(item.segments, item.volume.layer)
    return [
        (shadow_volume(image, item.volume, one.layer, one.outcome), one.blocks, one.held)
        for one in reversed(shadow_copies(image, item.volume, item.number))
    ]


def list_entries(item: ListEntries) -> tuple[list[FileEntry], Layout | None]:
    layer = item.volume.layer
    image = held_image(item.segments, layer)
    # Entries by the hundred thousand and no cycles among them: the collector would only walk them again and again.
    gc.disable()
    try:
        entries, layout = list_volume(image, item.volume, item.exhibit)
    finally:
        # Enabled again, it would walk them three times more.
        gc.freeze()
        gc.enable()
    if layer is None or not is_shadow(layer):
        return entries, layout
    shadow = image.layers[layer.base >> LAYER_BITS]
    assert isinstance(shadow, Shadow)
    return [as_kept(entry, layer, shadow) for entry in entries], layout
