"""The key of an encrypted APFS volume out of a password, by the key bags of the container and of the volume.

Sources: Apple, "Apple File System Reference" (2020-06-22), Encryption, for the bags; libfsapfs, "Apple File System
(APFS)" 10, for what is wrapped in their entries (DER); RFC 3394 for the wrapping. All of it is untrusted.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from forensics.evidence import sectors
from forensics.evidence.apfs import Blocks, Unreadable, is_sound, newest_checkpoint
from forensics.evidence.file_system import ENCRYPTED_REASON, little_endian

NO_BAG = f"{ENCRYPTED_REASON} (APFS, its keys cannot be read; a Mac may open it)"
CIPHER = "aes-xts-plain64"

_KEY_LOCKER = 1296
"""Where the superblock of the container names the blocks of its key bag."""

_LOCKER, _ENTRIES, _ENTRY = 32, 48, 24
_VOLUME_KEY, _UNLOCK_RECORDS = 2, 3
_MOST_BLOCKS = 64
_MOST_ITERATIONS = 20_000_000
_AES_128 = 2
"""In the flags of a key: half of it is wrapped, and the other half follows from it (as in CoreStorage)."""


class Decrypting(Blocks):
    """The blocks of a container as those of an encrypted volume."""

    def __init__(self, blocks: Blocks, key: bytes) -> None:
        self.offset, self.size, self.count = blocks.offset, blocks.size, blocks.count
        self._blocks, self._key = blocks, key

    def read(self, number: int) -> bytes:
        return self.decrypted(self._blocks.read(number), number)

    def decrypted(self, data: bytes, tweak: int) -> bytes:
        """Whole blocks; `tweak` is the number as which the first was encrypted."""
        return sectors.decrypt(CIPHER, self._key, data, tweak * self.size // sectors.SECTOR)


def volume_key(blocks: Blocks, identifier: str, password: str) -> bytes | None:
    """The key of the volume with this identifier; None where the password opens none of its records.

    Raises `Unreadable` where the bags cannot be read.
    """
    checkpoint, _ = newest_checkpoint(blocks)
    volume = uuid.UUID(identifier).bytes
    start, count = little_endian(checkpoint, _KEY_LOCKER, 8), little_endian(checkpoint, _KEY_LOCKER + 8, 8)
    wrapped, records = b"", (0, 0)
    for owner, tag, value in _bag(blocks, start, count, checkpoint[72:88]):
        if owner == volume and tag == _VOLUME_KEY:
            wrapped = value
        elif owner == volume and tag == _UNLOCK_RECORDS:
            records = little_endian(value, 0, 8), little_endian(value, 8, 8)
    if not wrapped or not records[1]:
        raise Unreadable(NO_BAG)
    for _, tag, value in _bag(blocks, *records, volume):
        if tag == _UNLOCK_RECORDS and (key := _opened(value, wrapped, password)) is not None:
            return key
    return None


def _bag(blocks: Blocks, start: int, count: int, identifier: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Owner, tag and value of the entries of a key bag; its key is the identifier of whoever it belongs to."""
    if not 0 < count <= _MOST_BLOCKS:
        raise Unreadable(NO_BAG)
    packed = b"".join(map(blocks.read, range(start, start + count)))
    bag = sectors.decrypt(CIPHER, 2 * identifier, packed, start * blocks.size // sectors.SECTOR)
    if not is_sound(bag):
        raise Unreadable(NO_BAG)
    at = _ENTRIES
    for _ in range(little_endian(bag, _LOCKER + 2, 2)):
        length = little_endian(bag, at + 18, 2)
        if at + _ENTRY + length > len(bag):
            return
        yield bag[at : at + 16], little_endian(bag, at + 16, 2), bag[at + _ENTRY : at + _ENTRY + length]
        at += -(-(_ENTRY + length) // 16) * 16


def _opened(record: bytes, wrapped_key: bytes, password: str) -> bytes | None:
    try:
        record_of, key_of = _blob(record), _blob(wrapped_key)
        iterations, flags = int.from_bytes(record_of[0x84], "big"), little_endian(record_of[0x82], 0, 4)
        half, short = bool(flags & _AES_128), bool(little_endian(key_of[0x82], 0, 4) & _AES_128)
        if not 0 < iterations <= _MOST_ITERATIONS:
            return None
        derived = hashlib.pbkdf2_hmac("sha256", password.encode(), record_of[0x85], iterations, 16 if half else 32)
        middle = aes_key_unwrap(derived, record_of[0x83][: 24 if half else 40])
        key = aes_key_unwrap(middle, key_of[0x83][: 24 if short else 40])
        return key + hashlib.sha256(key + key_of[0x81]).digest()[:16] if short else key
    except (InvalidUnwrap, KeyError, ValueError):
        return None


def _blob(data: bytes) -> dict[int, bytes]:
    """The inner fields of a wrapped key: 81 its identifier, 82 flags, 83 the key, 84 iterations, 85 salt."""
    outer = dict(_der(dict(_der(data))[0x30]))
    return dict(_der(outer[0xA3]))


def _der(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and values, one after the other. Raises `ValueError` where they lead out of the data."""
    at = 0
    while at + 2 <= len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            more = length & 0x7F
            length, at = int.from_bytes(data[at : at + more], "big"), at + more
        if at + length > len(data):
            raise ValueError("a value is longer than what holds it")
        yield tag, data[at : at + length]
        at += length
