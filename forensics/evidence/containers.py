"""Tells what kind of image a file is by its bytes, before anything opens it.

The Sleuth Kit opens every file as a raw disk: of a container it would show the container's own bytes, without an
error. So a container that is not read here is refused by name, with the way to a format that is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from forensics.errors import EnvironmentFailed, Refused
from forensics.evidence import ewf_format as ewf

RAW, EWF = "raw", "e01"

_QEMU = "Convert it: `qemu-img convert -O raw IMAGE IMAGE.raw`."
_UNPACK = "Unpack it first and name the image inside."
_LOGICAL = "It holds files and no disk: ask for the image of the whole drive (E01 or raw)."
_FTK = "Convert it with FTK Imager (File, Export Disk Image) to raw or E01."


@dataclass(frozen=True, slots=True)
class Container:
    """One format by the bytes at `offset` (from the end where negative)."""

    name: str
    offset: int
    magic: bytes
    remedy: str = _QEMU


VIRTUAL_DISKS = (
    ("vhdx", 0, b"vhdxfile"),
    ("vhd", 0, b"conectix"),
    ("vhd", -512, b"conectix"),
    ("vmdk", 0, b"KDMV"),
    ("vmdk", 0, b"# Disk DescriptorFile"),
    ("qcow2", 0, b"QFI\xfb"),
)
"""Format, offset (from the end where negative) and first bytes of the virtual disks that `virtual_disk` reads."""

REFUSED = (
    Container("a VMDK virtual disk of ESX (COWD)", 0, b"COWD"),
    Container("a QED virtual disk", 0, b"QED\x00"),
    Container("a VDI virtual disk", 64, b"\x7f\x10\xda\xbe"),
    Container("a Parallels virtual disk", 0, b"WithoutFreeSpace"),
    Container("a Parallels virtual disk", 0, b"WithouFreSpacExt"),
    Container("an EnCase 7 image (Ex01)", 0, ewf.EWF2_SIGNATURE, "Convert it: `ewfexport -f encase6 IMAGE.Ex01`."),
    Container("an EnCase 7 logical image (Lx01)", 0, ewf.EWF2_LOGICAL_SIGNATURE, _LOGICAL),
    Container("an EnCase logical image (L01)", 0, ewf.LOGICAL_SIGNATURE, _LOGICAL),
    Container("an AD1 logical image", 0, b"ADSEGMENTEDFILE", _LOGICAL),
    Container("an encrypted AD image", 0, b"ADCRYPT", _FTK),
    Container("an AFF image", 0, b"AFF10\r\n\x00", "Convert it: `affconvert -r IMAGE.aff`."),
    Container("an Apple disk image (DMG)", -512, b"koly", "Convert it: `hdiutil convert IMAGE -format UDTO -o OUT`."),
    Container("an Apple sparse image", 0, b"sprs", "Convert it: `hdiutil convert IMAGE -format UDTO -o OUT`."),
    Container("a partclone image", 0, b"partclone-image", "Restore it: `partclone.restore -C -s IMAGE -O OUT.raw`."),
    Container("a Windows image (WIM)", 0, b"MSWIM\x00\x00\x00", _LOGICAL),
    Container("an Android sparse image", 0, b"\x3a\xff\x26\xed", "Convert it: `simg2img IMAGE OUT.raw`."),
    Container("a gzip file", 0, b"\x1f\x8b\x08", _UNPACK),
    Container("a bzip2 file", 0, b"BZh", _UNPACK),
    Container("an xz file", 0, b"\xfd7zXZ\x00", _UNPACK),
    Container("a zstd file", 0, b"\x28\xb5\x2f\xfd", _UNPACK),
    Container("a 7z archive", 0, b"7z\xbc\xaf\x27\x1c", _UNPACK),
    Container("a RAR archive", 0, b"Rar!\x1a\x07", _UNPACK),
)
"""From the formats' own documents and libmagic's database; every one of these opens as raw without a complaint."""

_ZIP = b"PK\x03\x04"
_AFF4_MEMBERS = (b"container.description", b"information.turtle", b"version.txt")


_EWF_NAME = re.compile(r"\.(e\d\d|s\d\d)\Z", re.IGNORECASE)


def container_format(path: Path) -> str:
    """`raw`, `e01`, `vhd`, `vhdx`, `vmdk` or `qcow2`.

    Raises `Refused`, with the steps to convert, for every container that is not read here.
    """
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            return _format(stream, size, path.name)
    except FileNotFoundError as error:
        raise EnvironmentFailed(f"{path.name} does not exist.", "Check the name of the image.") from error
    except IsADirectoryError as error:
        raise Refused(f"{path.name} is a directory, not an image.", "Name the image file inside.") from error
    except OSError as error:
        raise EnvironmentFailed(f"{path.name} cannot be read.", "Check the drive and its permissions.") from error


def _format(stream: BinaryIO, size: int, name: str) -> str:
    if size == 0:
        raise Refused(f"{name} is empty.", "Name another image.")
    stream.seek(0)
    untrusted_head = stream.read(4096)
    if untrusted_head.startswith(ewf.SIGNATURE):
        return EWF
    for format_name, offset, magic in VIRTUAL_DISKS:
        position = offset if offset >= 0 else size + offset
        if position >= 0:
            stream.seek(position)
            if stream.read(len(magic)) == magic:
                return format_name
    for kind in REFUSED:
        position = kind.offset if kind.offset >= 0 else size + kind.offset
        if position < 0:
            continue
        stream.seek(position)
        if stream.read(len(kind.magic)) == kind.magic:
            raise Refused(f"{name} is {kind.name}, which is not read here.", kind.remedy)
    if untrusted_head.startswith(_ZIP):
        if name.lower().endswith(".aff4") or any(member in untrusted_head for member in _AFF4_MEMBERS):
            raise Refused(f"{name} is an AFF4 image, which is not read here.", "Convert it: `aff4.py --extract`.")
        raise Refused(f"{name} is a ZIP archive, not an image.", _UNPACK)
    if _EWF_NAME.search(name):
        raise Refused(
            f"{name} has the name of an E01 image and not its first bytes: it is damaged or wrongly named.",
            "Fetch it again from where it was stored; a raw image needs another name.",
        )
    return RAW
