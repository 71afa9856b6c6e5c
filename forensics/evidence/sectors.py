"""Sectors that dm-crypt encrypted, many at once: AES in the XTS mode (IEEE 1619) and in CBC with the usual IVs.

One call a sector would cost more than the cipher itself. Here one call decrypts all blocks, and numpy does what the
mode adds: XTS its tweaks, CBC the block before.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

SECTOR = 512
"""What sectors are counted in, whatever the size of an encrypted one (Linux drivers/md/dm-crypt.c)."""

XTS = ("aes-xts-plain64", "aes-xts-plain")
CBC = ("aes-cbc-essiv:sha256", "aes-cbc-plain64", "aes-cbc-plain")
CIPHERS = (*XTS, *CBC)
"""What cryptsetup ever made by itself; `plain` counts in 32 bits and is the same up to 2 TiB."""

Blocks = NDArray[np.uint64]
"""Sectors, blocks of 16 bytes, and their lower and upper half."""


def decrypt(cipher: str, key: bytes, data: bytes, first: int, sector_size: int = SECTOR) -> bytes:
    """`data`, whole encrypted sectors, without its encryption. `first` is the number of its first 512 bytes."""
    sectors = len(data) // sector_size
    numbers = np.zeros((sectors, 2), "<u8")
    numbers[:, 0] = first + np.arange(sectors, dtype=np.uint64) * (sector_size // SECTOR)
    if cipher.endswith("plain"):
        numbers[:, 0] &= 0xFFFFFFFF
    blocks = np.frombuffer(data, "<u8").reshape(sectors, sector_size // 16, 2)
    if cipher in XTS:
        half = len(key) // 2
        tweaks = _tweaks(_halves(_aes(key[half:], numbers.tobytes())), blocks.shape[1])
        plain = _halves(_aes(key[:half], (blocks ^ tweaks).tobytes(), back=True)).reshape(blocks.shape)
        return bytes((plain ^ tweaks).tobytes())
    if "essiv" in cipher:
        numbers = _halves(_aes(hashlib.sha256(key).digest(), numbers.tobytes()))
    before = np.concatenate((numbers[:, None, :], blocks[:, :-1]), axis=1)
    plain = _halves(_aes(key, data, back=True)).reshape(blocks.shape)
    return bytes((plain ^ before).tobytes())


def _aes(key: bytes, data: bytes, back: bool = False) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    # ECB is the plain block cipher here, which the modes are built of.
    cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305
    return (cipher.decryptor() if back else cipher.encryptor()).update(data)


def _halves(data: bytes) -> Blocks:
    return np.frombuffer(data, "<u8").reshape(-1, 2)


def _tweaks(of_sectors: Blocks, count: int) -> Blocks:
    """The tweak of each block: that of its sector, times x in GF(2^128) for every block before it."""
    made = np.empty((len(of_sectors), count, 2), "<u8")
    low, high = of_sectors[:, 0].copy(), of_sectors[:, 1].copy()
    one, top, polynomial = np.uint64(1), np.uint64(63), np.uint64(0x87)
    for block in range(count):
        made[:, block, 0], made[:, block, 1] = low, high
        carry = high >> top
        high = high << one | low >> top
        low = low << one ^ carry * polynomial
    return made
