"""A real block device with unreadable and slow sectors: no good one is lost, every bad one is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from faulty_drive import MIB, SECTOR, FaultyDrive, content_of_a_drive
from imaged_drive import acquire, both_formats, require_right

from forensics.evidence import reading
from forensics.model import BadRange

pytestmark = pytest.mark.needs_root

SIZE = 24 * MIB + 5 * SECTOR
CONTENT = content_of_a_drive(SIZE)
SECTORS = SIZE // SECTOR

Plug = Callable[[bytes], FaultyDrive]


def sectors(*runs: tuple[int, int]) -> tuple[BadRange, ...]:
    """First sector and number of sectors → ranges."""
    return tuple(BadRange(first * SECTOR, count * SECTOR) for first, count in runs)


def scattered(seed: int) -> tuple[BadRange, ...]:
    """Sixty runs of one to forty sectors, none next to another."""
    chance = Random(seed)
    runs, position = [], 0
    for _ in range(60):
        position += chance.randrange(1, 1200)
        count = chance.choice([1, 1, 1, 2, 7, 8, 9, 40])
        if position + count > SECTORS:
            break
        runs.append((position, count))
        position += count
    return sectors(*runs)


@both_formats
@pytest.mark.parametrize(
    "bad",
    [
        sectors((5001, 1)),
        sectors((0, 1)),
        sectors((0, 300)),
        sectors((SECTORS - 1, 1)),
        sectors((SECTORS - 2000, 2000)),
        sectors((12345, 3), (12349, 1), (12351, 2), (12400, 90), (12500, 1)),
        sectors((2 * 2048 - 1, 2), (4 * 2048, 1), (7 * 2048 - 1, 1)),
        sectors((3 * 2048, 5 * 2048 + 3)),
        scattered(1),
        scattered(2),
    ],
    ids=[
        "single", "leading", "leading run", "trailing", "trailing run", "cluster", "at the edges of blocks",
        "longer than blocks", "scattered", "scattered otherwise",
    ],
)  # fmt: skip
def test_every_readable_byte_and_exactly_the_bad_sectors(
    plug: Plug, tmp_path: Path, format: str, bad: tuple[BadRange, ...]
) -> None:
    drive = plug(CONTENT)
    drive.plant(bad)
    found, sink = acquire(drive.device, tmp_path / "image", format)
    require_right(drive, found, sink, bad)
    assert drive.traffic.shortest == SECTOR, "bad places were not gone through by the sector"


@both_formats
def test_a_sound_drive_is_read_once(plug: Plug, tmp_path: Path, format: str) -> None:
    drive = plug(CONTENT)
    before = drive.traffic.read_bytes
    found, sink = acquire(drive.device, tmp_path / "image", format)
    require_right(drive, found, sink, ())
    assert drive.traffic.read_bytes - before <= SIZE + 64 * 1024


@both_formats
def test_slow_sectors_cost_no_byte_and_are_counted(
    plug: Plug, tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SLOW_SECONDS", 0.2)
    drive = plug(CONTENT)
    slow = sectors((3000, 8), (30000, 1))
    bad = sectors((20000, 2))
    drive.plant(bad, slow=slow, delay_s=0.3)
    found, sink = acquire(drive.device, tmp_path / "image", format)
    require_right(drive, found, sink, bad)
    assert found.slow_reads >= 2


def test_places_that_are_slow_and_bad_are_reached_last(
    plug: Plug, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drive that hesitates before it fails: what lies behind such a place is read first."""
    monkeypatch.setattr(reading, "SLOW_SECONDS", 0.05)
    drive = plug(CONTENT)
    bad = sectors((9000, 4))
    drive.plant(bad, slow=bad, delay_s=0.1)
    found, sink = acquire(drive.device, tmp_path / "image", "raw")
    require_right(drive, found, sink, bad)


@both_formats
def test_a_sector_that_answers_at_the_second_time_is_no_bad_one(plug: Plug, tmp_path: Path, format: str) -> None:
    drive = plug(CONTENT)
    bad, healing = sectors((40000, 1)), sectors((10000, 2))
    drive.plant((*healing, *bad))
    calls = 0

    def heal() -> None:
        nonlocal calls
        calls += 1
        if drive.traffic.shortest == SECTOR:
            drive.plant(bad)

    found, sink = acquire(drive.device, tmp_path / "image", format, check=heal)
    require_right(drive, found, sink, bad)
    assert calls > 24
