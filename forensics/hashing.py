"""Several digests of the same bytes in one pass, behind the face of hashlib."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

ALGORITHMS = ("md5", "sha1", "sha256")
"""What an acquisition computes unless told otherwise; MD5 and SHA-1 because E01 stores them (EnCase 6)."""

BLOCK = 1 << 20


class Digest(Protocol):
    """The part of hashlib's interface that this program uses."""

    def update(self, data: bytes | bytearray | memoryview, /) -> object: ...
    def digest(self) -> bytes: ...
    def hexdigest(self) -> str: ...
    def copy(self) -> Digest: ...


_fresh: dict[str, Digest] = {}
"""Digests of nothing: OpenSSL looks an algorithm up anew for each digest made by name, not for a copy."""


def new(algorithm: str) -> Digest:
    """A digest by name: any of hashlib's, or `blake3`. Works under FIPS, where MD5 must be declared not for security.

    Raises `ValueError` for a name that neither knows.
    """
    fresh = _fresh.get(algorithm)
    if fresh is None:
        fresh = _fresh[algorithm] = _made(algorithm)
    return fresh.copy()


def _made(algorithm: str) -> Digest:
    if algorithm == "blake3":
        import blake3

        return blake3.blake3()
    return hashlib.new(algorithm, usedforsecurity=False)


class Digests:
    """The same bytes through several algorithms at once."""

    def __init__(self, algorithms: Iterable[str] = ALGORITHMS) -> None:
        self._parts = {name: new(name) for name in algorithms}

    def update(self, data: bytes | bytearray | memoryview) -> None:
        for part in self._parts.values():
            part.update(data)

    def hexdigests(self) -> dict[str, str]:
        """Algorithm → lower-case hexadecimal digest."""
        return {name: part.hexdigest() for name, part in self._parts.items()}


def of_bytes(data: bytes, algorithm: str = "sha256") -> str:
    digest = new(algorithm)
    digest.update(data)
    return digest.hexdigest()


def of_file(path: Path, algorithm: str = "sha256") -> str:
    """The hexadecimal digest of a file's bytes, read in blocks of 1 MiB."""
    digest = new(algorithm)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
