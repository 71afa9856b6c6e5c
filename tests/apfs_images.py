"""Containers of APFS that macOS made, of `images`, and what an independent reader says of them."""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path

from forensics.evidence.apfs import is_sound
from forensics.evidence.times import moment

IMAGES = Path(__file__).parent / "images"
PASSWORD = "password"
BLOCK = 4096

Told = tuple[bytes, int, str, str, str, str]
"""Path, bytes, times of change, creation and access, SHA-256."""


@cache
def apfs(name: str) -> bytes:
    return lzma.decompress((IMAGES / f"{name}.raw.xz").read_bytes())


def expected(name: str) -> set[Told]:
    lines = (IMAGES / f"{name}.expected.txt").read_text().splitlines()
    fields = [line.split("\t") for line in lines if not line.startswith("#")]
    return {
        (bytes.fromhex(path), int(size), moment(int(changed)), moment(int(created)), moment(int(accessed)), digest)
        for path, size, changed, created, accessed, digest in fields
    }


def with_checksum(block: bytes) -> bytes:
    """The block with the checksum that its other bytes have: what was changed in it is then read.

    Fletcher-64 by its definition, word by word; `apfs.is_sound` sums up in another way.
    """
    first = second = 0
    for at in range(8, len(block), 4):
        first = (first + int.from_bytes(block[at : at + 4], "little")) % 0xFFFFFFFF
        second = (second + first) % 0xFFFFFFFF
    low = 0xFFFFFFFF - (first + second) % 0xFFFFFFFF
    high = 0xFFFFFFFF - (first + low) % 0xFFFFFFFF
    made = low.to_bytes(4, "little") + high.to_bytes(4, "little") + block[8:]
    assert is_sound(made)
    return made


def partitioned(container: bytes, start: int) -> bytes:
    """A device with an MBR whose second partition is the container (type AFh), at this sector."""
    entry = bytes([0, 0xFE, 0xFF, 0xFF, 0xAF, 0xFE, 0xFF, 0xFF]) + start.to_bytes(4, "little")
    entry += (len(container) // 512).to_bytes(4, "little")
    table = bytes(446) + bytes(16) + entry + bytes(32) + b"\x55\xaa"
    return table + bytes(start * 512 - 512) + container
