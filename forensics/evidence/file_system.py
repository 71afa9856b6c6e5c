"""Opens one file system of an image with The Sleuth Kit, and says what the library does not.

Sources of the offsets: Microsoft "FAT: General Overview of On-Disk Format" 1.03 and "exFAT file system
specification"; the magic numbers are those of libmagic and of each file system's own documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytsk3

from forensics.evidence.image import Image
from forensics.model import APFS, LAYER_BITS
from forensics.randomness import is_random

TSK_FAILED = (OSError, RuntimeError)
"""What pytsk3 raises: OSError for The Sleuth Kit's own errors, RuntimeError for one that came out of our reading."""

IN_USE = int(pytsk3.TSK_FS_META_FLAG_ALLOC)

NAMES = {
    pytsk3.TSK_FS_TYPE_FAT12: "FAT12",
    pytsk3.TSK_FS_TYPE_FAT16: "FAT16",
    pytsk3.TSK_FS_TYPE_FAT32: "FAT32",
    pytsk3.TSK_FS_TYPE_EXFAT: "exFAT",
    pytsk3.TSK_FS_TYPE_NTFS: "NTFS",
    pytsk3.TSK_FS_TYPE_EXT2: "ext2",
    pytsk3.TSK_FS_TYPE_EXT3: "ext3",
    pytsk3.TSK_FS_TYPE_EXT4: "ext4",
    pytsk3.TSK_FS_TYPE_HFS: "HFS+",
    pytsk3.TSK_FS_TYPE_ISO9660: "ISO 9660",
    pytsk3.TSK_FS_TYPE_FFS1: "UFS1",
    pytsk3.TSK_FS_TYPE_FFS1B: "UFS1",
    pytsk3.TSK_FS_TYPE_FFS2: "UFS2",
    pytsk3.TSK_FS_TYPE_YAFFS2: "YAFFS2",
}
FAT = frozenset({"FAT12", "FAT16", "FAT32"})

ENCRYPTED_REASON = "encrypted"
"""What the reason of every volume begins with that a password could open."""

ENCRYPTED = (
    (0, b"LUKS\xba\xbe", "LUKS"),
    (3, b"-FVE-FS-", "BitLocker"),
    (3, b"MSWIN4.1", "BitLocker To Go"),
)
"""Offset in the volume, bytes, name. BitLocker To Go looks like FAT32 to everyone; see `_is_bitlocker_to_go`."""

OPENED_BY_PASSWORD = frozenset(f"{ENCRYPTED_REASON} ({name})" for name in (APFS, *(name for _, _, name in ENCRYPTED)))
"""The reasons of volumes that a password, or the recovery password of BitLocker, opens."""

BITLOCKER_TO_GO_GUID = bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")
"""{4967D63B-2E29-4AD8-8399-F6A339E3D001} at offset 424 of the boot sector (libbde documentation, "Volume header")."""

UNSUPPORTED = (
    (65600, b"_BHRfS_M", "btrfs"),
    (0, b"XFSB", "XFS"),
    (32, b"NXSB", APFS),
    (3, b"ReFS\x00", "ReFS"),
    (1024, b"\x10\x20\xf5\xf2", "F2FS"),
    (512, b"LABELONE", "LVM"),
    (4096, b"\xfc\x4e\x2b\xa9", "Linux RAID"),
    (4086, b"SWAPSPACE2", "Linux swap"),
    (0, b"hsqs", "squashfs"),
    (1024, b"BD", "HFS"),
)


UDF = "UDF"
_VOLUME_STRUCTURES = 32 << 10
"""Where the volume recognition sequence begins (ECMA-167, 2/8.3; UDF 2.60, 2.1.7)."""

_STRUCTURE_SIZES = (2048, 4096)
"""Bytes of one of its structures: of a sector, and 2048 at least (ECMA-167, 2/9.1)."""

_MOST_STRUCTURES = 64

_BEGINNING = 64 << 10

RANDOM = "no known file system; it begins with bytes that look random: encrypted, or overwritten"
"""As VeraCrypt and plain dm-crypt leave a volume: no header tells it."""


class FileSystemUnreadable(Exception):
    """Why a volume was not opened, as a fixed phrase without content of the exhibit; `name` is what it seems to be."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FileSystem:
    """An open file system: The Sleuth Kit's handle, its name, and the address where it starts."""

    handle: pytsk3.FS_Info
    name: str
    offset: int

    @property
    def block_size(self) -> int:
        """The Sleuth Kit's unit of addresses; a sector in FAT and exFAT."""
        size: int = self.handle.info.block_size
        return size


class _TskImage(pytsk3.Img_Info):  # type: ignore[misc]
    """Lets The Sleuth Kit read an `Image`, or the layer of it that begins at `base`."""

    def __init__(self, image: Image, base: int) -> None:
        self._image = image
        self._base = base
        super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL)

    def read(self, offset: int, length: int) -> bytes:
        return self._image.read_at(self._base + offset, length)

    def get_size(self) -> int:
        return self._image.end(self._base) - self._base

    def close(self) -> None:
        """The image belongs to whoever opened it."""


def tsk_image(image: Image, base: int = 0) -> pytsk3.Img_Info:
    return _TskImage(image, base)


def open_file_system(image: Image, offset: int) -> FileSystem:
    """The file system that starts at the address `offset`. It stays open as long as `image` does.

    Raises `FileSystemUnreadable` for an encrypted, unknown, ambiguous or damaged one.
    """
    known = image.file_systems.get(offset)
    if isinstance(known, FileSystem):
        return known
    _refuse_by_magic(image, offset)
    try:
        base = offset >> LAYER_BITS << LAYER_BITS
        handle = pytsk3.FS_Info(tsk_image(image, base), offset=offset - base)
        name = NAMES.get(handle.info.ftype, "")
        if not name:
            raise FileSystemUnreadable("", "file system not supported")
        handle.open_dir("/")
    except TSK_FAILED as error:
        raise _why(image, offset, str(error)) from error
    opened = FileSystem(handle, name, offset)
    image.file_systems[offset] = opened
    return opened


def _refuse_by_magic(image: Image, offset: int) -> None:
    for position, magic, name in ENCRYPTED:
        if _at(image, offset + position, len(magic)) == magic and (
            name != "BitLocker To Go" or _is_bitlocker_to_go(image, offset)
        ):
            raise FileSystemUnreadable(name, f"{ENCRYPTED_REASON} ({name})")


def _is_bitlocker_to_go(image: Image, offset: int) -> bool:
    return _at(image, offset + 424, 16) == BITLOCKER_TO_GO_GUID


def _why(image: Image, offset: int, untrusted_message: str) -> FileSystemUnreadable:
    if has_udf(image, offset):
        return FileSystemUnreadable(UDF, f"file system not supported ({UDF})")
    for position, magic, name in UNSUPPORTED:
        if _at(image, offset + position, len(magic)) == magic:
            return FileSystemUnreadable(name, f"file system not supported ({name})")
    if "ore than one file system" in untrusted_message:
        return FileSystemUnreadable("", "ambiguous: more than one file system fits")
    if "ncryption detected" in untrusted_message or is_random(_at(image, offset, _BEGINNING)):
        return FileSystemUnreadable("", RANDOM)
    if "Cannot determine file system type" in untrusted_message:
        return FileSystemUnreadable("", "no known file system")
    return FileSystemUnreadable("", "file system damaged or unreadable")


def has_udf(image: Image, offset: int) -> bool:
    """Whether the volume at `offset` says that it holds UDF, alone or beside ISO 9660. The Sleuth Kit has no reader."""
    for size in _STRUCTURE_SIZES:
        for number in range(_MOST_STRUCTURES):
            identifier = _at(image, offset + _VOLUME_STRUCTURES + number * size, 6)[1:]
            if identifier in (b"NSR02", b"NSR03"):
                return True
            if identifier not in (b"CD001", b"CDW02", b"BEA01", b"BOOT2"):
                break
    return False


def little_endian(data: bytes, at: int, width: int) -> int:
    """The number in `width` bytes from `at` on; bytes beyond the end count as zeros."""
    return int.from_bytes(data[at : at + width], "little")


def live_directory(system: FileSystem, address: int) -> Any | None:
    """The Sleuth Kit's file of the directory with this metadata address; None unless it is one and in use.

    The names in a directory that is not in use are deleted ones.
    """
    try:
        file = system.handle.open_meta(address)
    except TSK_FAILED:
        return None
    meta = file.info.meta
    in_use = meta is not None and meta.type == pytsk3.TSK_FS_META_TYPE_DIR and meta.flags & IN_USE
    return file if in_use else None


def _at(image: Image, offset: int, length: int) -> bytes:
    try:
        return image.read_at(offset, length)
    except OSError:
        return b""


# ---------------------------------------------------------------------------------------------- what TSK keeps quiet


def allocation_unit(image: Image, system: FileSystem) -> int:
    """Bytes of the smallest piece that the file system gives to a file."""
    boot = _at(image, system.offset, 512)
    if system.name in FAT:
        return int.from_bytes(boot[11:13], "little") * boot[13] or system.block_size
    if system.name == "exFAT":
        return 1 << min(boot[108] + boot[109], 25)
    return system.block_size


def label(image: Image, system: FileSystem) -> str:
    """The volume's label, or an empty text where there is none or it is not read here."""
    try:
        if system.name in FAT or system.name == "exFAT":
            return _label_of_root(system)
        if system.name.startswith("ext"):
            return _text(_at(image, system.offset + 1024 + 120, 16).split(b"\x00")[0], "utf-8")
        if system.name == "NTFS":
            return _ntfs_label(system)
        if system.name == "HFS+":
            return _hfs_label(system)
        if system.name == "ISO 9660":
            return _text(_at(image, system.offset + 32768 + 40, 32), "ascii")
    except TSK_FAILED:
        return ""
    return ""


LABEL_MARK = b" (Volume Label Entry)"
"""What The Sleuth Kit puts after the name of the directory entry that holds a FAT or exFAT label."""

NO_LABEL = b"$EMPTY_VOLUME_LABEL" + LABEL_MARK
"""What it calls the label that an exFAT volume has not (exfatfs.h)."""


def _label_of_root(system: FileSystem) -> str:
    for entry in system.handle.open_dir("/"):
        name = entry.info.name.name
        if name.endswith(LABEL_MARK) and name != NO_LABEL:
            return _text(name.removesuffix(LABEL_MARK), "utf-8")
    return ""


NTFS_VOLUME_FILE = 3
"""$Volume's place in the MFT; its $VOLUME_NAME attribute is UTF-16."""


def _ntfs_label(system: FileSystem) -> str:
    volume = system.handle.open_meta(NTFS_VOLUME_FILE)
    for attribute in volume:
        info = attribute.info
        if info.type == pytsk3.TSK_FS_ATTR_TYPE_NTFS_VNAME and info.size:
            return _text(volume.read_random(0, info.size, info.type, info.id), "utf-16-le")
    return ""


HFS_CATALOG_FILE = 4


def _hfs_label(system: FileSystem) -> str:
    """The name of the root folder: the record behind the key of parent 1 in the catalog's first leaf (TN1150)."""
    catalog = system.handle.open_meta(HFS_CATALOG_FILE)
    header = catalog.read_random(0, 40)
    # BTHeaderRec, behind a node descriptor of 14 bytes: depth, root, leaf records, first leaf, last leaf, node size.
    first, size = int.from_bytes(header[24:28], "big"), int.from_bytes(header[32:34], "big")
    node = catalog.read_random(first * size, 14 + 520)
    parent, length = int.from_bytes(node[16:20], "big"), int.from_bytes(node[20:22], "big")
    return _text(node[22 : 22 + 2 * min(length, 255)], "utf-16-be") if parent == 1 else ""


def _text(untrusted: bytes, encoding: str) -> str:
    return untrusted.decode(encoding, "replace").rstrip("\x00 ")
