"""The error map of an acquisition, in the syntax of GNU ddrescue, so that other tools read it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import Refused
from forensics.evidence.sink import create_exclusively, sync_folder, write_all
from forensics.model import BadRange

FINISHED, BAD_SECTOR = "+", "-"
"""Block status characters of the GNU ddrescue manual, "Mapfile structure"; `?`, `*`, `/` are not yet read."""


@dataclass(frozen=True, slots=True)
class ErrorMap:
    """How much of `size` bytes was read: what is bad, and what nobody has tried to the end (`unread`)."""

    size: int
    bad: tuple[BadRange, ...]
    unread: tuple[BadRange, ...] = ()


def write_map(path: Path, size: int, bad: Sequence[BadRange]) -> None:
    """Writes the map of a finished acquisition. Raises `Refused` where `path` exists."""
    lines = ["# Mapfile. Created by DriveCustody", "# current_pos  current_status  current_pass"]
    lines.append(f"0x{size:08X}     {FINISHED}               1")
    lines.append("#      pos        size  status")
    lines += [f"0x{pos:08X}  0x{length:08X}  {status}" for pos, length, status in _blocks(size, bad)]
    descriptor = create_exclusively(path)
    try:
        write_all(descriptor, ("\n".join(lines) + "\n").encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def read_map(path: Path) -> ErrorMap:
    """The map in a ddrescue map file, ours or another's. Raises `Refused` where it is not one."""
    blocks: list[tuple[int, int, str]] = []
    lines = [line for line in path.read_text("ascii", "replace").splitlines() if line and not line.startswith("#")]
    try:
        # The first line is the position where ddrescue stopped, not a block.
        for line in lines[1:]:
            position, length, status = line.split()
            blocks.append((int(position, 0), int(length, 0), status))
    except ValueError as error:
        raise Refused("The error map is not in the syntax of ddrescue.", "Name the map file of this image.") from error
    if not blocks:
        raise Refused("The error map lists no blocks.", "Name the map file of this image.")
    return ErrorMap(
        size=blocks[-1][0] + blocks[-1][1],
        bad=tuple(BadRange(pos, length) for pos, length, status in blocks if status == BAD_SECTOR),
        unread=tuple(BadRange(pos, length) for pos, length, status in blocks if status not in (BAD_SECTOR, FINISHED)),
    )


def _blocks(size: int, bad: Sequence[BadRange]) -> Iterator[tuple[int, int, str]]:
    position = 0
    for gap in sorted(bad, key=lambda item: item.offset):
        if gap.offset > position:
            yield position, gap.offset - position, FINISHED
        yield gap.offset, gap.length, BAD_SECTOR
        position = gap.offset + gap.length
    if position < size:
        yield position, size - position, FINISHED
