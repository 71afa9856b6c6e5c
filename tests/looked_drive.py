"""A small drive whose contents are worth a look: pictures and bombs, a locked archive, a fragmented file, a table."""

from __future__ import annotations

import io
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pyzipper
from PIL import Image

from forensics.casefile.case import CaseDetails
from forensics.examination.import_image import import_image
from forensics.examination.index import index
from forensics.examination.open_case import OpenCase
from forensics.examination.receive import new, receive
from forensics.jobs.events import silent

PASSPHRASE = "correct horse battery staple"
PASSWORD = "rosebud 42"
NEEDLE = b"Needle-7f3a"
BLOCK = 4 << 20
SIZE = 24 << 20

BIG = bytearray(b"0123456789abcdef" * ((17 << 20) // 16))
BIG[BLOCK - 4 : BLOCK - 4 + len(NEEDLE)] = NEEDLE
BIG[3 * BLOCK - 1 : 3 * BLOCK - 1 + len(NEEDLE)] = NEEDLE
BIG[-len(NEEDLE) :] = NEEDLE
PLACES = (BLOCK - 4, 3 * BLOCK - 1, len(BIG) - len(NEEDLE))
"""Where the needle stands in `big.bin`: across both borders of what is looked through at once, and at its end."""

MEMBERS = "id,given,ssn\r\n" + "".join(f"M{n:03d},Given{n},899-{n % 80 + 10}-{1000 + n}\r\n" for n in range(300))


def picture(size: tuple[int, int] = (1200, 900), kind: str = "PNG") -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    made = Image.new("RGB", size, (255, 0, 0))
    made.paste((0, 0, 255), (size[0] // 2, 0, size[0], size[1]))
    out = io.BytesIO()
    made.save(out, kind)
    return out.getvalue()


def bomb(wide: int, high: int, bits: int = 1) -> bytes:
    """A PNG of a few kilobytes that claims to be this large, and is: every row is zero."""
    row = 1 + (wide * bits * (3 if bits == 8 else 1) + 7) // 8
    packer, packed = zlib.compressobj(9), bytearray()
    for _ in range(high):
        packed += packer.compress(bytes(row))
    packed += packer.flush()

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", wide, high, bits, 2 if bits == 8 else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", bytes(packed)) + chunk(b"IEND", b"")


def locked_zip() -> bytes:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w") as archive:
        archive.setencryption(pyzipper.WZ_AES)
        archive.setpassword(PASSWORD.encode())
        archive.writestr("locked.csv", MEMBERS)
    return out.getvalue()


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inside/notes.txt", "The inner Okapi is written here.\r\nAnd Xylophone\r\n")
        packed.writestr("members.csv", MEMBERS)
    return out.getvalue()


DELETED = b"a deleted text names the Xylophone of Okapi\n"
FILES = {
    "HR/members.csv": MEMBERS.encode(),
    "HR/memo.txt": "First line\r\nSecond line\r\nÄrger 🦓 and the Okapi stand here\r\n".encode(),
    "HR/Old/copy.csv": MEMBERS.encode(),
    "Pictures/sun.png": picture(),
    "Pictures/sun.jpg": picture((3000, 1000), "JPEG"),
    "Pictures/huge.png": bomb(60_000, 60_000),
    "Pictures/wide.png": bomb(20_000, 20_000),
    "Pictures/broken.png": picture()[:300] + b"\xff" * 300,
    "Pictures/liar.png": b"this is no picture, it is the Okapi in disguise\r\n" * 3,
    "locked.zip": locked_zip(),
    "backup.zip": archive(),
    "empty.txt": b"",
}


def make_image(folder: Path) -> Path:
    """FAT16 without a partition table. `big.bin` lies in what a deleted file left and behind it: in two fragments."""
    path, source = folder / "drive.img", folder / "one"
    with path.open("wb") as stream:
        stream.truncate(SIZE)
    subprocess.run(["mkfs.vfat", "-F", "16", path], check=True, capture_output=True)
    subprocess.run(["mmd", "-i", path, "::HR", "::HR/Old", "::Pictures"], check=True, capture_output=True)

    def put(name: str, content: bytes) -> None:
        source.write_bytes(content)
        subprocess.run(["mcopy", "-i", path, source, f"::{name}"], check=True, capture_output=True)

    put("first.tmp", bytes(6 << 20))
    for name, content in FILES.items():
        put(name, content)
    subprocess.run(["mdel", "-i", path, "::first.tmp"], check=True, capture_output=True)
    put("big.bin", bytes(BIG))
    put("gone.txt", DELETED)
    subprocess.run(["mdel", "-i", path, "::gone.txt"], check=True, capture_output=True)
    return path


def make_case(folder: Path, image: Path, recognition: bool = False) -> OpenCase:
    """A case in which this image was examined; the same whether there is something that reads pictures or not, unless
    they are to be read."""
    details = CaseDetails("1", "T", "O", ("business",), "Kim")
    opened = new(folder / "looked.dcase", details, PASSPHRASE)
    receive(opened, silent(), exhibit="E-001", received_from="A", received_by="B")
    import_image(opened, silent(), exhibit="E-001", files=[image])
    index(opened, silent(), recognition=recognition)
    return opened
