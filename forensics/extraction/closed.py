"""Types that are known by their first bytes and have no reader: what hides in them is listed, with what opens it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_BY_KEY = "encrypted ({}); {} opens it"
_PACKED = "packed ({}), no reader in this version: unpack it and examine the copy"
_DOCUMENT = "{}, no reader in this version: export it and examine the copy"
_PICTURE = "image ({}), no reader in this version, no text examined"
_DISK = "image of a disk ({}): take it in as an exhibit of its own"
SOUND = "audio, what is said was not examined"
FILM = "video, what is shown and said was not examined"
RANDOM = "of an unknown type, its bytes look random: encrypted, or packed"

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "luks": "encrypted container",
        "openpgp": _BY_KEY.format("OpenPGP", "the recipient's private key, or the passphrase,"),
        "openssl": _BY_KEY.format("openssl enc", "its password"),
        "age": _BY_KEY.format("age", "the recipient's key, or the passphrase,"),
        "keepass": _BY_KEY.format("KeePass", "its master password or key file"),
        "axcrypt": _BY_KEY.format("AxCrypt", "its password"),
        "smime": _BY_KEY.format("S/MIME", "the recipient's private key"),
        "compress": _PACKED.format("compress"),
        "lz4": _PACKED.format("LZ4"),
        "lzip": _PACKED.format("lzip"),
        "lha": _PACKED.format("LHA"),
        "arj": _PACKED.format("ARJ"),
        "ace": _PACKED.format("ACE"),
        "stuffit": _PACKED.format("StuffIt"),
        "rpm": _PACKED.format("RPM"),
        "deb": _PACKED.format("Debian package"),
        "wim": _PACKED.format("Windows image"),
        "chm": _PACKED.format("compiled HTML help"),
        "squashfs": _PACKED.format("squashfs"),
        "onenote": _DOCUMENT.format("OneNote"),
        "djvu": _DOCUMENT.format("DjVu"),
        "orc": _DOCUMENT.format("ORC table"),
        "avro": _DOCUMENT.format("Avro table"),
        "arrow": _DOCUMENT.format("Arrow table"),
        "hdf5": _DOCUMENT.format("HDF5"),
        "heif": _PICTURE.format("HEIF"),
        "avif": _PICTURE.format("AVIF"),
        "jpeg-xl": _PICTURE.format("JPEG XL"),
        "jpeg-2000": _PICTURE.format("JPEG 2000"),
        "psd": _PICTURE.format("Photoshop"),
        "iso": _DISK.format("ISO 9660 or UDF"),
        "e01": _DISK.format("E01"),
        "vhdx": _DISK.format("VHDX"),
        "vhd": _DISK.format("VHD"),
        "vmdk": _DISK.format("VMDK"),
        "qcow2": _DISK.format("qcow2"),
        "vdi": _DISK.format("VDI"),
        "audio": SOUND,
        "video": FILM,
    }
)
"""Types whose bytes are compressed, encrypted or encoded, and why they are not examined."""

_MARKS = (
    (0, b"LUKS\xba\xbe", "luks"),
    (0, b"-----BEGIN PGP MESSAGE-----", "openpgp"),
    (0, b"Salted__", "openssl"),
    (0, b"age-encryption.org/v1\n", "age"),
    (0, b"-----BEGIN AGE ENCRYPTED FILE-----", "age"),
    (0, b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", "keepass"),
    (0, b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5", "keepass"),
    (0, b"\xc0\xb9\x07\x2e\x4f\x93\xf1\x46\xa0\x15\x79\x2c\xa1\xd9\xe8\x21", "axcrypt"),
    (0, b"\x1f\x9d", "compress"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"LZIP\1", "lzip"),
    (7, b"**ACE**", "ace"),
    (0, b"SIT!", "stuffit"),
    (0, b"StuffIt ", "stuffit"),
    (0, b"\xed\xab\xee\xdb", "rpm"),
    (0, b"!<arch>\ndebian-binary", "deb"),
    (0, b"MSWIM\0\0\0", "wim"),
    (0, b"ITSF\3\0\0\0", "chm"),
    (0, b"hsqs", "squashfs"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "onenote"),
    (0, b"AT&TFORM", "djvu"),
    (0, b"Obj\1", "avro"),
    (0, b"ARROW1\0\0", "arrow"),
    (0, b"FEA1", "arrow"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"\xff\x0a", "jpeg-xl"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "jpeg-xl"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg-2000"),
    (0, b"8BPS\0\1", "psd"),
    (32769, b"CD001", "iso"),
    (32769, b"BEA01", "iso"),
    (0, b"EVF\x09\x0d\x0a\xff\0", "e01"),
    (0, b"EVF2\r\n\x81\0", "e01"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"conectix", "vhd"),
    (0, b"KDMV", "vmdk"),
    (0, b"QFI\xfb", "qcow2"),
    (64, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"fLaC", "audio"),
    (0, b"OggS", "audio"),
    (0, b"#!AMR", "audio"),
    (0, b"caff\0\1", "audio"),
    (0, b"\x1a\x45\xdf\xa3", "video"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video"),
    (0, b"FLV\1", "video"),
    (0, b"\0\0\1\xba", "video"),
)
"""Offset, bytes and type, by the formats' own documents and libmagic's database."""

_ENVELOPED = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"
"""DER of the object identifier of CMS EnvelopedData (RFC 5652, 6.1)."""

_BRANDS = {
    b"heic": "heif", b"heix": "heif", b"heim": "heif", b"heis": "heif", b"hevc": "heif", b"mif1": "heif",
    b"msf1": "heif", b"avif": "avif", b"avis": "avif", b"M4A ": "audio", b"M4B ": "audio",
}  # fmt: skip
"""Of the box `ftyp` (ISO/IEC 14496-12, 4.3; 23008-12, 10); other brands are films."""

_ARJ_HEADER = range(30, 2601)
"""Bytes that the first header of an ARJ may have (its technical notes)."""


def closed_type(head: bytes) -> str:
    """One of the types in `REASONS`, or empty where these bytes begin none of them."""
    for offset, mark, kind in _MARKS:
        if head.startswith(mark, offset):
            return kind
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video")
    if head.startswith(b"RIFF") and head[8:12] in (b"WAVE", b"AVI "):
        return "audio" if head[8:12] == b"WAVE" else "video"
    if re.match(rb"..-l[hz][0-9ds]-", head, re.DOTALL):
        return "lha"
    # ID3v2.4, 3.1: two bytes of version, of which none is ever FF.
    if head.startswith(b"ID3") and len(head) > 4 and head[3] < 0x10 and head[4] < 0xFF:
        return "audio"
    if head.startswith(b"\x60\xea") and int.from_bytes(head[2:4], "little") in _ARJ_HEADER:
        return "arj"
    if head.startswith(b"ORC") and len(head) > 3 and head[3] < 0x20:
        return "orc"
    if head.startswith(b"\x30") and _ENVELOPED in head[:24]:
        return "smime"
    return "openpgp" if _is_openpgp(head) else ""


def _is_openpgp(head: bytes) -> bool:
    """Whether a message for a public key or a passphrase begins here (RFC 9580, 4.2, 5.1 and 5.3)."""
    if len(head) < 8 or not head[0] & 0x80:
        return False
    if head[0] & 0x40:
        tag, body = head[0] & 0x3F, 2 if head[1] < 192 else 3
        size = head[1] if body == 2 else ((head[1] - 192) << 8) + head[2] + 192
    else:
        tag, wide = head[0] >> 2 & 0x0F, head[0] & 3
        if wide > 1:
            return False
        body = 2 + wide
        size = int.from_bytes(head[1:body], "big")
    # A session key: version 3 and an algorithm of public keys, or version 4 to 6 and a symmetric one.
    if tag == 1:
        return head[body] in (3, 6) and 40 <= size <= 2100
    return tag == 3 and head[body] in (4, 5, 6) and head[body + 1] in range(1, 14) and 4 <= size <= 100
