"""The volumes of an image: partitions by their table, or the whole device where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytsk3

from forensics.evidence.apfs_files import apfs_volumes
from forensics.evidence.file_system import (
    TSK_FAILED,
    UDF,
    FileSystemUnreadable,
    allocation_unit,
    has_udf,
    label,
    open_file_system,
    tsk_image,
)
from forensics.evidence.image import Image
from forensics.model import APFS, OK, Layer, Outcome, Volume, not_examined

WHOLE_DEVICE = 0

BRIDGE = "udf"
"""The layer of a volume that holds UDF beside the ISO 9660 that is read of it."""

BESIDE_ISO = "file system not supported (UDF); the ISO 9660 of the same volume is examined, and may name fewer files"


def volumes(image: Image, exhibit: str) -> list[Volume]:
    """Every volume of the image, at least one: what cannot be examined says so and why, and is never an empty drive.

    `number` is the slot that `mmls` prints. Number 0 is the whole device: where there is no partition table, and
    besides the partitions where a file system starts in the first sector all the same (a hybrid ISO, a stick once
    used without a table); both are then examined, because each may hold files that the other does not. A disc that
    holds UDF beside ISO 9660 has a volume more, of no length: the bytes are the same. So has a container of APFS, for
    each volume in it.
    """
    found = _partitions(image, exhibit)
    whole = _volume(image, exhibit, WHOLE_DEVICE, 0, image.size, "whole device")
    if whole.outcome == OK:
        # Boot code can look like a table whose partitions lead nowhere; the file system itself is the better witness.
        # What has the mark of something is no accident, though.
        found = [whole, *(part for part in found if part.offset > 0 and (part.outcome == OK or part.file_system))]
    found = [one for volume in found or [whole] for one in _inside(image, volume)]
    return [*found, *(_bridge(volume) for volume in found if _is_bridge(image, volume))]


def _inside(image: Image, volume: Volume) -> Iterable[Volume]:
    return apfs_volumes(image, volume) if volume.file_system == APFS else [volume]


def _is_bridge(image: Image, volume: Volume) -> bool:
    return volume.file_system == "ISO 9660" and volume.outcome == OK and has_udf(image, volume.offset)


def _bridge(volume: Volume) -> Volume:
    return Volume(
        volume.exhibit, volume.number, volume.offset, 0, "beside ISO 9660", UDF, "", 0, not_examined(BESIDE_ISO),
        (*volume.layers, BRIDGE),
    )  # fmt: skip


def layer_volume(image: Image, holder: Volume, layer: Layer) -> Volume:
    """What `holder` is under this layer, which is attached: the same number, and its file system if it has one."""
    if holder.file_system == APFS:
        return replace(holder, outcome=OK, layers=(*holder.layers, layer.name), layer=layer)
    seen = _volume(image, holder.exhibit, holder.number, layer.base, layer.size, layer.kind)
    return replace(seen, layers=(*holder.layers, layer.name), layer=layer)


def shadow_volume(image: Image, holder: Volume, layer: Layer, outcome: Outcome | None) -> Volume:
    """A shadow copy of `holder`: examined, or with the reason why it is not."""
    if outcome is None:
        # Its own label is its volume's; what it is and of which time is what tells it from the others.
        return replace(layer_volume(image, holder, layer), label=layer.kind)
    layers = (*holder.layers, layer.name)
    return Volume(holder.exhibit, holder.number, layer.base, 0, layer.kind, "", layer.kind, 0, outcome, layers, layer)


def _partitions(image: Image, exhibit: str) -> list[Volume]:
    found = []
    try:
        table = pytsk3.Volume_Info(tsk_image(image))
        unit = table.info.block_size
        for part in table:
            if int(part.flags) & int(pytsk3.TSK_VS_PART_FLAG_ALLOC):
                kind = part.desc.decode("utf-8", "replace").rstrip("\x00")
                found.append(_volume(image, exhibit, part.addr, part.start * unit, part.len * unit, kind))
    except TSK_FAILED:
        return found
    return found


def _volume(image: Image, exhibit: str, number: int, offset: int, length: int, kind: str) -> Volume:
    name, title, unit = "", "", 0
    outcome: Outcome = OK
    if offset >= image.end(offset):
        outcome = not_examined("starts past the end of the image")
    else:
        try:
            system = open_file_system(image, offset)
            name, title, unit = system.name, label(image, system), allocation_unit(image, system)
        except FileSystemUnreadable as error:
            name = error.name
            outcome = not_examined(error.reason)
    length = max(0, min(length, image.end(offset) - offset))
    return Volume(exhibit, number, offset, length, kind, name, title, unit, outcome)
