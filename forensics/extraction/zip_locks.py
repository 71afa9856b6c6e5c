"""Opens locked members of a ZIP with a given password: the old cipher of PKZIP, and AES as WinZip writes it."""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib

# APPNOTE.TXT 6.3.10, section 6.1.6 and appendix E (AE-1 and AE-2, as published by WinZip)
_HEADER = 12
_AES_EXTRA = 0x9901
AES_METHOD = 99
_STRENGTHS = {1: 16, 2: 24, 3: 32}
_ROUNDS = 1000
_VERIFIER, _MAC = 2, 10
_BLOCK = 16
_CRC_TABLE = tuple(zlib.crc32(bytes([n]), 0xFFFFFFFF) ^ 0xFFFFFFFF for n in range(256))


def aes_parameters(extra: bytes) -> tuple[int, int] | None:
    """Bytes of the key, and the compression method beneath the encryption; None where this is no AES member."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == _AES_EXTRA and length >= 7 and at + 4 + length <= len(extra):
            _, _, strength, method = struct.unpack_from("<H2sBH", extra, at + 4)
            return (_STRENGTHS[strength], method) if strength in _STRENGTHS else None
        at += 4 + length
    return None


def open_aes(data: bytes, password: bytes, key_bytes: int) -> bytes | None:
    """What the member holds, still compressed; None where the password is a wrong one or the bytes were changed."""
    # Loaded here because every ZIP comes through this module, and few have locks.
    import numpy as np
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    salt = data[: key_bytes // 2]
    body = data[len(salt) + _VERIFIER : len(data) - _MAC]
    if len(data) < len(salt) + _VERIFIER + _MAC:
        return None
    derived = hashlib.pbkdf2_hmac("sha1", password, salt, _ROUNDS, 2 * key_bytes + _VERIFIER)
    if derived[-_VERIFIER:] != data[len(salt) : len(salt) + _VERIFIER]:
        return None
    mac = hmac.new(derived[key_bytes : 2 * key_bytes], body, hashlib.sha1).digest()[:_MAC]
    if not hmac.compare_digest(mac, data[-_MAC:]):
        return None
    # The counter is little-endian and begins at one: no mode of the library counts like that.
    count = -(-len(body) // _BLOCK)
    counters = np.zeros((count, 2), "<u8")
    counters[:, 0] = np.arange(1, count + 1, dtype=np.uint64)
    encryptor = Cipher(algorithms.AES(derived[:key_bytes]), modes.ECB()).encryptor()  # noqa: S305 (makes a CTR stream)
    stream = np.frombuffer(encryptor.update(counters.tobytes()), np.uint8)[: len(body)]
    return (np.frombuffer(body, np.uint8) ^ stream).tobytes()


def open_old(data: bytes, password: bytes, check: int) -> bytes | None:
    """The same of PKZIP's cipher. One wrong password in 256 passes here, and only the member's checksum shows it."""
    table = _CRC_TABLE
    one, two, three = 0x12345678, 0x23456789, 0x34567890
    for byte in password:
        one = (one >> 8) ^ table[(one ^ byte) & 0xFF]
        two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        three = (three >> 8) ^ table[(three ^ (two >> 24)) & 0xFF]
    out = bytearray()
    for number, byte in enumerate(data):
        key = three | 2
        byte ^= ((key * (key ^ 1)) >> 8) & 0xFF
        out.append(byte)
        one = (one >> 8) ^ table[(one ^ byte) & 0xFF]
        two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        three = (three >> 8) ^ table[(three ^ (two >> 24)) & 0xFF]
        if number == _HEADER - 1 and byte != check:
            return None
    return bytes(out[_HEADER:]) if len(out) >= _HEADER else None
