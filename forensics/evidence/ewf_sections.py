"""The chain of sections in a segment file of an E01, each descriptor checked before it is believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from forensics.errors import NotIntact
from forensics.evidence import ewf_format as ewf
from forensics.evidence.ewf_format import DESCRIPTOR_SIZE, checksum

REMEDY = "Fetch it again from where it was stored, or acquire again."

LAST = (b"next", b"done")

SECTIONS_LIMIT = 1 << 20
"""Sections in one segment: a file made of nothing but descriptors would be walked for minutes."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its type as the format calls it, where its data begin in the file, and where they end."""

    kind: bytes
    data_offset: int
    end: int


def segment_number(path: Path) -> int:
    """The number that a segment file says it has, 1-based. Raises `NotIntact` where it is too short to say."""
    with path.open("rb") as stream:
        head = stream.read(ewf.FILE_HEADER.size)
    if len(head) < ewf.FILE_HEADER.size:
        raise NotIntact(f"{path.name} is cut off in its first bytes.", REMEDY)
    number: int = ewf.FILE_HEADER.unpack(head)[2]
    return number


def ends_the_image(path: Path) -> bool:
    """Whether this segment is the last by its own account. Raises `NotIntact` where it is damaged or breaks off."""
    kind = b""
    with path.open("rb") as stream:
        for section in sections(stream, path.name):
            kind = section.kind
    return kind == b"done"


def sections(stream: BinaryIO, name: str) -> Iterator[Section]:
    """The sections of a segment in order; the last is `next` or `done`.

    Raises `NotIntact` where a descriptor does not match its checksum or leads out of the file.
    """
    size = stream.seek(0, 2)
    position = ewf.FILE_HEADER.size
    for _ in range(SECTIONS_LIMIT):
        raw = read(stream, position, DESCRIPTOR_SIZE)
        if len(raw) < DESCRIPTOR_SIZE or checksum(raw[:-4]) != raw[-4:]:
            raise NotIntact(f"{name} is damaged: no valid section at byte {position}.", REMEDY)
        kind, following, _length = ewf.DESCRIPTOR.unpack(raw[:-4])
        kind = kind.rstrip(b"\x00")
        if kind in LAST:
            yield Section(kind, position + DESCRIPTOR_SIZE, position + DESCRIPTOR_SIZE)
            return
        if not position + DESCRIPTOR_SIZE <= following <= size:
            raise NotIntact(f"{name} is damaged or cut off after byte {position}.", REMEDY)
        yield Section(kind, position + DESCRIPTOR_SIZE, following)
        position = following
    raise NotIntact(f"{name} has more sections than any program writes.", REMEDY)


def read(stream: BinaryIO, offset: int, length: int) -> bytes:
    """So many bytes of a segment file; fewer where it ends."""
    stream.seek(offset)
    return stream.read(length)
