"""Encrypted volumes with contents of our own, made without a device mapper: cryptsetup makes them and tells their key,
and the contents are encrypted sector by sector with the modes of OpenSSL, which our own reader does not use."""

from __future__ import annotations

import hashlib
import lzma
import subprocess
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

IMAGES = Path(__file__).parent / "images"
BITLOCKER_PASSWORD = "anaconda"
BITLOCKER_RECOVERY = "243067-548680-059818-148852-287771-550088-628265-631653"
BITLOCKER_SIZE = 104_857_600
BITLOCKER_PLAIN_SHA256 = "5954795eb41764b59a10d86c26fd3b43fb6d89f433c8edc1e8fd48067d198591"
"""Of the volume without its encryption, as cryptsetup's own tests have it (tests/bitlk-images, images.conf)."""

BITLOCKER_MOVED, BITLOCKER_MOVED_TO = 5_258_240, 92_342_272
"""The first bytes of the volume stand behind its middle (`cryptsetup bitlkDump`, "Volume header")."""


def fat(path: Path, size: int, files: dict[str, bytes], stray: bytes = b"", stray_at: int = 0) -> bytes:
    """A FAT volume with these files; `stray` is written to its free space at `stray_at`."""
    with path.open("wb") as stream:
        stream.truncate(size)
    subprocess.run(["mkfs.vfat", path], check=True, capture_output=True)
    put(path, files)
    data = bytearray(path.read_bytes())
    data[stray_at : stray_at + len(stray)] = stray
    return bytes(data)


def put(path: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        source = path.with_name("to-put")
        source.write_bytes(data)
        subprocess.run(["mcopy", "-i", path, source, f"::{name}"], check=True)


def luks(path: Path, inside: bytes, password: str, *options: str) -> int:
    """A LUKS volume that holds `inside`, made with these options of cryptsetup; returns where its data begin."""
    header = 16 << 20
    with path.open("wb") as stream:
        stream.truncate(header + len(inside))
    key_file = path.with_suffix(".key")
    format_it = ["cryptsetup", "luksFormat", "-q", "--pbkdf-force-iterations", "1000", *options, path, "-"]
    subprocess.run(format_it, input=password.encode(), check=True)
    dump = ["cryptsetup", "luksDump", "-q", "--dump-volume-key", "--volume-key-file", key_file, "-d", "-", path]
    told = subprocess.run(dump, input=password.encode(), check=True, capture_output=True, text=False).stdout.decode()
    sector = 512
    where = subprocess.run(["cryptsetup", "luksDump", path], check=True, capture_output=True, text=True).stdout
    for line in where.splitlines():
        name, _, value = line.strip().partition(":")
        if name == "sector":
            sector = int(value.split()[0])
        if name == "offset":
            header = int(value.split()[0])
        if name == "Payload offset":
            header = int(value) * 512
    assert "MK dump" in told or key_file.is_file()
    with path.open("r+b") as stream:
        stream.seek(header)
        stream.write(_encrypted(key_file.read_bytes(), inside, sector, " ".join(options)))
        stream.truncate(header + len(inside))
    key_file.unlink()
    return header


def bitlocker(path: Path, files: dict[str, bytes], stray: bytes = b"", stray_at: int = 0) -> None:
    """The BitLocker To Go volume of `images` with a FAT volume of ours in it: its own has no table any more."""
    path.write_bytes(lzma.decompress((IMAGES / "bitlk-togo-aes-xts-128.img.xz").read_bytes()))
    key_file = path.with_suffix(".key")
    made = fat(path.with_suffix(".plain"), BITLOCKER_SIZE, files, stray, stray_at)
    path.with_suffix(".plain").unlink()
    dump = ["cryptsetup", "bitlkDump", "-q", "--dump-volume-key", "--volume-key-file", key_file, "-d", "-", path]
    subprocess.run(dump, input=BITLOCKER_PASSWORD.encode(), check=True, capture_output=True)
    key = key_file.read_bytes()
    with path.open("r+b") as stream:
        for at in range(0, len(made), 512):
            # BitLocker's own areas stand behind the middle, where ours has nothing but zeros.
            if at < BITLOCKER_MOVED or any(made[at : at + 512]):
                physical = at + (BITLOCKER_MOVED_TO if at < BITLOCKER_MOVED else 0)
                stream.seek(physical)
                stream.write(xts(key, made[at : at + 512], physical // 512))
    key_file.unlink()


def _encrypted(key: bytes, data: bytes, sector: int, options: str) -> bytes:
    if "cbc" not in options:
        return xts(key, data, 0, sector)
    parts = []
    for at in range(0, len(data), 512):
        iv = (at // 512).to_bytes(16, "little")
        if "essiv" in options:
            iv = _run(Cipher(algorithms.AES(hashlib.sha256(key).digest()), modes.ECB()), iv)
        parts.append(_run(Cipher(algorithms.AES(key), modes.CBC(iv)), data[at : at + 512]))
    return b"".join(parts)


def _run(cipher: Cipher[Any], data: bytes) -> bytes:
    encryptor = cipher.encryptor()
    return encryptor.update(data) + encryptor.finalize()


def xts(key: bytes, data: bytes, first: int, sector: int = 512) -> bytes:
    parts = []
    for at in range(0, len(data), sector):
        tweak = (first + at // 512).to_bytes(16, "little")
        parts.append(_run(Cipher(algorithms.AES(key), modes.XTS(tweak)), data[at : at + sector]))
    return b"".join(parts)
