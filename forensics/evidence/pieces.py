"""A digest of every 4 MiB of a source: where an image is not what was acquired, they say which part of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forensics import hashing
from forensics.errors import NotIntact
from forensics.evidence.sink import create_exclusively, write_all
from forensics.model import Extent

PIECE = 4 << 20
_ALGORITHM = "blake3"
"""The fastest digest that cannot be forged: another SHA-256 would cost a fifth of the whole acquisition."""

_HEAD = f"# BLAKE3 of each {PIECE} bytes of the source, in order; the last piece may be shorter\n"


class PieceDigests:
    """Takes the bytes of a source in order and in blocks of any length; `digests` has one for each piece at the end."""

    def __init__(self) -> None:
        self.digests: list[str] = []
        self._digest = hashing.new(_ALGORITHM)
        self._left = PIECE

    def update(self, block: bytes | memoryview) -> None:
        view = memoryview(block)
        while len(view):
            part = view[: self._left]
            self._digest.update(part)
            self._left -= len(part)
            view = view[len(part) :]
            if not self._left:
                self._end()

    def conclude(self) -> list[str]:
        """The digests, that of a shorter last piece included."""
        if self._left < PIECE:
            self._end()
        return self.digests

    def _end(self) -> None:
        self.digests.append(self._digest.hexdigest())
        self._digest = hashing.new(_ALGORITHM)
        self._left = PIECE


def save_pieces(path: Path, digests: list[str]) -> None:
    """One line a piece. Raises `Refused` where `path` exists."""
    descriptor = create_exclusively(path)
    with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor, not a path
        write_all(stream.fileno(), (_HEAD + "".join(f"{digest}\n" for digest in digests)).encode())


def read_pieces(path: Path) -> list[str]:
    """What `save_pieces` wrote. Raises `NotIntact` where it is not that."""
    head, _, rest = path.read_text("ascii", "replace").partition("\n")
    if head + "\n" != _HEAD:
        raise NotIntact(
            f"{path.name} does not hold digests of pieces.", "Fetch it from the second copy or the package."
        )
    return rest.split()


def differing_pieces(expected: list[str], found: list[str], size: int) -> Iterator[Extent]:
    """The parts of a source of `size` bytes whose digests differ; neighbours are one part."""
    start = -1
    for number in range(-(-size // PIECE) + 1):
        wrong = number * PIECE < size and expected[number : number + 1] != found[number : number + 1]
        if wrong and start < 0:
            start = number
        elif not wrong and start >= 0:
            yield Extent(start * PIECE, min(number * PIECE, size) - start * PIECE)
            start = -1
