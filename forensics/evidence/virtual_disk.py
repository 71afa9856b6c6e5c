"""Reads virtual disks (VHD, VHDX, VMDK, qcow2) by libyal; what is only a part of one is refused, by name.

libqcow reads an encrypted image without a key and gives the ciphertext, without an error: so the header decides here.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forensics.errors import NotIntact, Refused
from forensics.evidence.source import DEFAULT_SECTOR

VHD, VHDX, VMDK, QCOW = "vhd", "vhdx", "vmdk", "qcow2"

_MERGE = (
    "Take in one file with the whole disk: `qemu-img convert -O raw IMAGE IMAGE.raw`, with all its parts beside it."
)

DIFFERENTIAL = 4
"""libvhdi's disk type of a VHD or VHDX that holds changes against a parent."""

NO_PARENT = 0xFFFFFFFF
"""The parent content identifier of a VMDK that has none (VMware, Virtual Disk Format 5.0, `parentCID`)."""


def virtual_disk_files(format: str, paths: Sequence[Path]) -> tuple[Path, ...]:
    """All files of a virtual disk, the one to open first; the extents of a VMDK are found beside it by their names.

    Raises `Refused` where extents are missing or would lie elsewhere, or the image is not whole by itself.
    """
    first = paths[0]
    if format != VMDK:
        if len(paths) > 1:
            raise Refused(f"{first.name} is a whole image by itself.", "Name that one file only.")
        return (first,)
    handle = _open(VMDK, first)
    try:
        names = [handle.get_extent_descriptor(at).get_filename() or "" for at in range(handle.get_number_of_extents())]
    finally:
        handle.close()
    if _embedded(first):
        return (first,)
    for untrusted_name in names:
        if not untrusted_name or Path(untrusted_name).name != untrusted_name or "\\" in untrusted_name:
            raise Refused(f"{first.name} names an extent outside its own folder.", _MERGE)
        if not (first.parent / untrusted_name).is_file():
            raise Refused(
                f"{untrusted_name}, an extent of {first.name}, is missing.", "Put all extents into one folder."
            )
    return (first, *dict.fromkeys(first.parent / name for name in names))


class VirtualDiskReader:
    """The disk inside the container, byte by byte; safe from several threads."""

    stored_hashes: dict[str, str] = {}  # noqa: RUF012 - never written
    sector_size = DEFAULT_SECTOR

    def __init__(self, format: str, files: Sequence[Path]) -> None:
        """Raises `Refused` for what is only a part of a disk or encrypted, `NotIntact` where it is damaged."""
        self._lock = threading.Lock()
        self._handle = _open(format, files[0])
        self._extents: list[Any] = []
        try:
            if format == VMDK and len(files) == 1:
                # The descriptor inside may still hold the name that the file had before somebody renamed it.
                self._extents = [files[0].open("rb")]
                self._handle.open_extent_data_files_as_file_objects(self._extents)
            elif format == VMDK:
                self._handle.open_extent_data_files()
            elif format in (VHD, VHDX):
                self.sector_size = int(self._handle.get_bytes_per_sector())
            self.size = int(self._handle.get_media_size())
        except OSError as error:
            self.close()
            raise _damaged(files[0]) from error

    def read_at(self, offset: int, length: int) -> bytes:
        with self._lock:
            data: bytes = self._handle.read_buffer_at_offset(length, offset)
        if len(data) != length:
            raise OSError("the image is shorter than it says")
        return data

    def close(self) -> None:
        self._handle.close()
        for stream in self._extents:
            stream.close()


def _open(format: str, path: Path) -> Any:
    handle: Any
    if format == QCOW:
        _require_plain_qcow(path)
    try:
        if format in (VHD, VHDX):
            import pyvhdi

            handle = pyvhdi.file()
            handle.open(str(path))
            if handle.get_disk_type() == DIFFERENTIAL:
                raise Refused(f"{path.name} holds only changes against a parent disk.", _MERGE)
        elif format == VMDK:
            import pyvmdk

            handle = pyvmdk.handle()
            handle.open(str(path))
            if handle.get_parent_content_identifier() not in (None, NO_PARENT):
                raise Refused(f"{path.name} holds only changes against a parent disk (a snapshot).", _MERGE)
        else:
            import pyqcow

            handle = pyqcow.file()
            handle.open(str(path))
    except OSError as error:
        raise _damaged(path) from error
    return handle


def _damaged(path: Path) -> NotIntact:
    return NotIntact(
        f"{path.name} cannot be opened: its structure is damaged or of a kind that is not known here.",
        "Fetch it again from where it was stored, or convert it: `qemu-img convert -O raw IMAGE IMAGE.raw`.",
    )


def _embedded(path: Path) -> bool:
    """Whether a VMDK file holds data itself (a sparse extent) and is not only a description in text."""
    with path.open("rb") as stream:
        return stream.read(4) in (b"KDMV", b"COWD")


_QCOW = struct.Struct(">4sIQIIQIIQQIIQ")
"""The qcow2 header, version 2 (QEMU docs/interop/qcow2.rst); version 3 adds the features at offset 72."""


def _require_plain_qcow(path: Path) -> None:
    with path.open("rb") as stream:
        untrusted_head = stream.read(104)
    if len(untrusted_head) < _QCOW.size:
        raise _damaged(path)
    fields = _QCOW.unpack_from(untrusted_head)
    version, backing, encryption, snapshots = fields[1], fields[2], fields[6], fields[11]
    features = struct.unpack_from(">Q", untrusted_head, 72)[0] if version >= 3 and len(untrusted_head) >= 80 else 0
    convert = "Convert it: `qemu-img convert -O raw IMAGE IMAGE.raw`."
    if version not in (2, 3):
        raise Refused(f"{path.name} is a qcow image of version {version}, which is not read here.", convert)
    if encryption:
        raise Refused(
            f"{path.name} is encrypted.", "Decrypt it with its key: `qemu-img convert` (option --object secret) to raw."
        )
    if backing:
        raise Refused(f"{path.name} holds only changes against a backing file.", _MERGE)
    if snapshots:
        raise Refused(
            f"{path.name} holds {snapshots} snapshot(s) beside its present state.",
            "Each is a disk of its own: `qemu-img convert -l NAME -O raw IMAGE OUT.raw`, and without -l the present.",
        )
    if features & ~1:
        raise Refused(f"{path.name} uses features of qcow2 that are not read here.", convert)
    if features & 1:
        raise Refused(f"{path.name} was not closed properly.", "On a copy: `qemu-img check -r leaks IMAGE`.")
