"""The error map of an acquisition, in the syntax of GNU ddrescue, so that other tools read it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import Refused
from forensics.evidence.areas import BAD, READ, Areas
from forensics.evidence.sink import create_exclusively, sync_folder, write_all
from forensics.model import BadRange

FINISHED, BAD_SECTOR = READ, BAD


@dataclass(frozen=True, slots=True)
class ErrorMap:
    """How much of `size` bytes was read: what is bad, and what nobody has tried to the end (`unread`)."""

    size: int
    bad: tuple[BadRange, ...]
    unread: tuple[BadRange, ...] = ()


def write_map(path: Path, size: int, bad: Sequence[BadRange]) -> None:
    """Writes the map of a finished acquisition. Raises `Refused` where `path` exists."""
    areas = Areas(size, [(0, size, READ), *((item.offset, item.length, BAD) for item in bad)])
    _write(path, areas)
    sync_folder(path.parent)


def save_areas(path: Path, areas: Areas) -> None:
    """Puts the map of what is known so far in the place of an earlier one; a crash leaves one of the two."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    _write(draft, areas)
    draft.replace(path)
    sync_folder(path.parent)


def read_map(path: Path) -> ErrorMap:
    """The map in a ddrescue map file, ours or another's. Raises `Refused` where it is not one."""
    blocks = _read(path)
    return ErrorMap(
        size=blocks[-1][0] + blocks[-1][1],
        bad=tuple(BadRange(pos, length) for pos, length, status in blocks if status == BAD_SECTOR),
        unread=tuple(BadRange(pos, length) for pos, length, status in blocks if status not in (BAD_SECTOR, FINISHED)),
    )


def read_areas(path: Path) -> Areas:
    """The same with every status as it stands. Raises `Refused` where it is not such a map."""
    blocks = _read(path)
    return Areas(blocks[-1][0] + blocks[-1][1], blocks)


def _write(path: Path, areas: Areas) -> None:
    blocks = list(areas.blocks())
    left = next((pos for pos, _, status in blocks if status not in (FINISHED, BAD_SECTOR)), None)
    position, status = (areas.size, FINISHED) if left is None else (left, "?")
    lines = ["# Mapfile. Created by DriveCustody", "# current_pos  current_status  current_pass"]
    lines.append(f"0x{position:08X}     {status}               1")
    lines.append("#      pos        size  status")
    lines += [f"0x{pos:08X}  0x{length:08X}  {status}" for pos, length, status in blocks]
    descriptor = create_exclusively(path)
    try:
        write_all(descriptor, ("\n".join(lines) + "\n").encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> list[tuple[int, int, str]]:
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
    return blocks
