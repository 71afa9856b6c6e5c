"""LUKS: the headers of both versions, their key slots, and the data without their encryption.

libluksde does not read what today's cryptsetup makes as LUKS2, and takes twenty seconds for one password of LUKS1 where
OpenSSL takes two. Read here is what cryptsetup makes unless told otherwise: AES with one data segment; the rest is left
to libluksde.

Sources: "LUKS On-Disk Format Specification" 1.2.3, "LUKS2 On-Disk Format Specification" 1.1.1 (cryptsetup project).
Everything in a header is untrusted and read within limits; nothing is ever written.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
from collections.abc import Iterator
from typing import Any

from forensics.evidence import sectors
from forensics.model import Readable

MAGIC = b"LUKS\xba\xbe"
_BINARY = 4096
_HEADER_LIMIT = 4 << 20
"""The largest of the sizes that the specification allows (2.1)."""

_SLOTS_LIMIT = 32
_STRIPES = 4000
_KEY_LIMIT = 512
_MEMORY_LIMIT_KIB = 2 << 20
"""cryptsetup takes 1 GiB at most unless told otherwise, and a worker has 3 GiB."""

_READ = 1 << 20


class CannotOpen(Exception):
    """Why no password could open the volume here; `reason` is a fixed phrase."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


OTHER_CIPHER = "encrypted (LUKS, in a way that is not read here; `cryptsetup open` opens it)"
DAMAGED = "encrypted (LUKS), its header damaged"


class Luks:
    """The data of a LUKS volume without their encryption; a `model.Readable`. `offset` is where they begin in it."""

    def __init__(self, container: Readable, password: str) -> None:
        """Raises `ValueError` where the password opens no key slot, and `CannotOpen`."""
        try:
            header = _header(container)
            segment = _segment(header)
            self.offset = int(segment["offset"])
            self._sector = int(segment["sector_size"])
            self._cipher = segment["encryption"]
            self._first = int(segment.get("iv_tweak", 0))
            dynamic = segment["size"] == "dynamic"
            size = container.size - self.offset if dynamic else int(segment["size"])
            self.size = min(size, container.size - self.offset) // self._sector * self._sector
            if self._sector not in (512, 1024, 2048, 4096) or self.offset < _BINARY or self.size <= 0:
                raise CannotOpen(DAMAGED)
            self._key = _volume_key(container, header, password)
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise CannotOpen(DAMAGED) from error
        self._container = container

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        parts = []
        at, end = offset // self._sector * self._sector, offset + length
        while at < end:
            take = min(_READ, -(-(end - at) // self._sector) * self._sector)
            data = self._container.read_at(self.offset + at, take)
            if len(data) != take:
                raise OSError("the encrypted volume ends before its size")
            parts.append(
                sectors.decrypt(self._cipher, self._key, data, self._first + at // sectors.SECTOR, self._sector)
            )
            at += take
        skip = offset % self._sector
        return b"".join(parts)[skip : skip + length]


def data_offset(container: Readable) -> int:
    """Where the data begin. Raises `CannotOpen` where the header does not say."""
    try:
        return int(next(iter(_header(container)["segments"].values()))["offset"])
    except (KeyError, TypeError, AttributeError, ValueError, StopIteration) as error:
        raise CannotOpen(DAMAGED) from error


def _header(container: Readable) -> dict[str, Any]:
    return _header1(container) if version(container) == 1 else _header2(container)


def version(container: Readable) -> int:
    """1 or 2; whatever else a header that is none of these says."""
    return int.from_bytes(container.read_at(6, 2), "big")


_HEADER1 = struct.Struct(">6sH32s32s32sII20s32sI40s")
_SLOT1 = struct.Struct(">II32sII")
_ACTIVE = 0x00AC71F3


def _header1(container: Readable) -> dict[str, Any]:
    """A header of LUKS1 (tables 1 and 2) in the terms of LUKS2."""
    head = container.read_at(0, _HEADER1.size + 8 * _SLOT1.size)
    if len(head) < _HEADER1.size + 8 * _SLOT1.size:
        raise CannotOpen(DAMAGED)
    _, _, cipher, mode, digest, start, size, made, salt, iterations, _ = _HEADER1.unpack_from(head)
    encryption, algorithm = f"{_text(cipher)}-{_text(mode)}", _text(digest)
    slots = {}
    for number in range(8):
        active, rounds, salted, at, stripes = _SLOT1.unpack_from(head, _HEADER1.size + number * _SLOT1.size)
        if active == _ACTIVE:
            slots[str(number)] = {
                "type": "luks2", "key_size": size, "af": {"stripes": stripes, "hash": algorithm},
                "area": {"offset": at * sectors.SECTOR, "encryption": encryption, "key_size": size},
                "kdf": {
                    "type": "pbkdf2", "hash": algorithm, "iterations": rounds, "salt": base64.b64encode(salted),
                },
            }  # fmt: skip
    segment = {
        "type": "crypt", "offset": start * sectors.SECTOR, "size": "dynamic", "sector_size": sectors.SECTOR,
        "encryption": encryption,
    }  # fmt: skip
    proof = {
        "type": "pbkdf2", "keyslots": list(slots), "hash": algorithm, "iterations": iterations,
        "salt": base64.b64encode(salt), "digest": base64.b64encode(made),
    }  # fmt: skip
    return {"keyslots": slots, "segments": {"0": segment}, "digests": {"0": proof}}


def _text(padded: bytes) -> str:
    return padded.split(b"\x00")[0].decode("ascii", "replace")


def _header2(container: Readable) -> dict[str, Any]:
    """The JSON of the first header that its checksum confirms (2.1: the second stands behind the first)."""
    at = 0
    for magic in (MAGIC, b"SKUL\xba\xbe"):
        binary = container.read_at(at, _BINARY)
        size = int.from_bytes(binary[8:16], "big")
        if binary[:6] == magic and int.from_bytes(binary[6:8], "big") == 2 and _BINARY < size <= _HEADER_LIMIT:
            area = container.read_at(at + _BINARY, size - _BINARY)
            # The checksum is taken over both with its own field empty.
            if hashlib.sha256(binary[:448] + bytes(64) + binary[512:] + area).digest() == binary[448:480]:
                try:
                    header = json.loads(area.split(b"\x00", 1)[0])
                except (ValueError, RecursionError) as error:
                    raise CannotOpen(DAMAGED) from error
                if isinstance(header, dict):
                    return header
            at = size
        else:
            break
    raise CannotOpen(DAMAGED)


def _segment(header: dict[str, Any]) -> dict[str, Any]:
    crypted: list[dict[str, Any]] = list(header["segments"].values())
    if len(crypted) != 1 or crypted[0]["type"] != "crypt" or crypted[0]["encryption"] not in sectors.CIPHERS:
        raise CannotOpen(OTHER_CIPHER)
    return crypted[0]


def _volume_key(container: Readable, header: dict[str, Any], password: str) -> bytes:
    for number, slot in _slots(header):
        key = _of_slot(container, slot, password.encode("utf-8"))
        if key is not None and _confirmed(header, number, key):
            return key
    raise ValueError("the password opens no key slot")


def _slots(header: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The slots by priority; 0 means that a slot is used only where it is named (3.2)."""
    slots = [(n, s) for n, s in header["keyslots"].items() if s.get("type") == "luks2"][:_SLOTS_LIMIT]
    yield from sorted(slots, key=lambda one: -int(one[1].get("priority", 1)))


def _of_slot(container: Readable, slot: dict[str, Any], password: bytes) -> bytes | None:
    size, area, split = int(slot["key_size"]), slot["area"], slot["af"]
    if not 0 < size <= _KEY_LIMIT or int(split["stripes"]) != _STRIPES or area["encryption"] not in sectors.CIPHERS:
        return None
    derived = _derived(slot["kdf"], password, int(area["key_size"]))
    if derived is None:
        return None
    length = -(-size * _STRIPES // sectors.SECTOR) * sectors.SECTOR
    data = container.read_at(int(area["offset"]), length)
    if len(data) != length:
        return None
    return _merged(sectors.decrypt(area["encryption"], derived, data, 0)[: size * _STRIPES], size, split["hash"])


def _derived(kdf: dict[str, Any], password: bytes, length: int) -> bytes | None:
    salt = base64.b64decode(kdf["salt"])
    if length not in (16, 24, 32, 64):
        return None
    if kdf["type"] == "pbkdf2":
        return hashlib.pbkdf2_hmac(_hash(kdf["hash"]), password, salt, int(kdf["iterations"]), length)
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2i, Argon2id  # few volumes need it, every worker starts

    kinds: dict[str, type[Argon2i] | type[Argon2id]] = {"argon2id": Argon2id, "argon2i": Argon2i}
    memory = int(kdf["memory"])
    if kdf["type"] not in kinds or memory > _MEMORY_LIMIT_KIB:
        return None
    made = kinds[kdf["type"]](
        salt=salt, length=length, iterations=int(kdf["time"]), lanes=int(kdf["cpus"]), memory_cost=memory
    )
    return bytes(made.derive(password))


def _hash(name: str) -> str:
    if name not in ("sha1", "sha256", "sha384", "sha512"):
        raise CannotOpen(OTHER_CIPHER)
    return name


def _merged(split: bytes, size: int, algorithm: str) -> bytes:
    """The key out of its anti-forensic stripes (LUKS1 on-disk format 1.2.3, "AFmerge")."""
    name = _hash(algorithm)
    width = hashlib.new(name, usedforsecurity=False).digest_size
    mixed = bytes(size)
    for at in range(0, size * (_STRIPES - 1), size):
        mixed = _xor(mixed, split[at : at + size])
        parts = []
        for number, start in enumerate(range(0, size, width)):
            block = mixed[start : start + width]
            digest = hashlib.new(name, number.to_bytes(4, "big") + block, usedforsecurity=False).digest()
            parts.append(digest[: len(block)])
        mixed = b"".join(parts)
    return _xor(mixed, split[size * (_STRIPES - 1) :])


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


def _confirmed(header: dict[str, Any], slot: str, key: bytes) -> bool:
    for digest in header["digests"].values():
        if digest["type"] == "pbkdf2" and slot in digest["keyslots"]:
            expected = base64.b64decode(digest["digest"])
            made = hashlib.pbkdf2_hmac(
                _hash(digest["hash"]), key, base64.b64decode(digest["salt"]), int(digest["iterations"]), len(expected)
            )
            return hmac.compare_digest(made, expected)
    return False
