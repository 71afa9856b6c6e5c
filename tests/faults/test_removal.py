"""A real block device that is pulled out, and a destination that fills up: nothing is lost, nothing is made up."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faulty_drive import MIB, SECTOR, FaultyDrive, content_of_a_drive
from imaged_drive import (
    acquire,
    both_formats,
    open_sink,
    require_nothing_called_bad_that_is_not,
    require_right,
    small_disk,
    take_room,
)

from forensics.errors import EnvironmentFailed
from forensics.evidence.ewf_writer import EwfSink
from forensics.evidence.reading import Disconnected
from forensics.model import BadRange

pytestmark = pytest.mark.needs_root

SIZE = 24 * MIB + 5 * SECTOR
CONTENT = content_of_a_drive(SIZE)
BAD = (BadRange(6000 * SECTOR, SECTOR), BadRange(30001 * SECTOR, 70 * SECTOR), BadRange(SIZE - SECTOR, SECTOR))

Plug = Callable[[bytes], FaultyDrive]


def kept_bytes(folder: Path, format: str) -> int:
    sink = open_sink(folder, format, SIZE)
    kept = sink.kept_bytes
    sink.abandon()
    return kept


@both_formats
@pytest.mark.parametrize("bad", [(), BAD], ids=["sound", "bad sectors"])
@pytest.mark.parametrize("answer", [errno.EIO, errno.ENODEV], ids=["EIO", "ENODEV"])
@pytest.mark.parametrize("percent", [0, 50, 99])
def test_a_drive_pulled_out_is_disconnected_and_gone_on_with(
    plug: Plug, tmp_path: Path, format: str, bad: tuple[BadRange, ...], answer: int, percent: int
) -> None:
    drive = plug(CONTENT)
    drive.plant(bad)
    drive.pull_out(SIZE * percent // 100, answer)
    with pytest.raises(Disconnected, match="disconnected"):
        acquire(drive.device, tmp_path / "image", format)
    require_nothing_called_bad_that_is_not(tmp_path / "image", bad)
    if not bad:
        assert kept_bytes(tmp_path / "image", format) >= SIZE * percent // 100 - 2 * MIB
    drive.plug_in()
    found, sink = acquire(drive.device, tmp_path / "image", format)
    require_right(drive, found, sink, bad)


@both_formats
def test_a_drive_that_goes_again_and_again_is_finished_in_the_end(plug: Plug, tmp_path: Path, format: str) -> None:
    """Six times as often, and mostly while its bad places are gone through."""
    drive = plug(CONTENT)
    drive.plant(BAD)
    times = 0
    while True:
        drive.pull_out((5 * MIB, 9 * MIB, 2 * MIB, 300 * 1024, 120 * 1024, 12 * MIB)[times % 6])
        try:
            found, sink = acquire(drive.device, tmp_path / "image", format, retries=0)
            break
        except Disconnected:
            require_nothing_called_bad_that_is_not(tmp_path / "image", BAD)
            times += 1
            assert times < 100, "it gets nowhere"
            drive.plug_in()
    assert times > 2
    require_right(drive, found, sink, BAD)


@both_formats
@pytest.mark.parametrize("later", [1, 40, 170, 330])
def test_a_drive_that_is_away_while_it_is_read_by_the_sector_is_not_called_bad(
    plug: Plug, tmp_path: Path, format: str, later: int
) -> None:
    """Forty bad sectors, seven good ones between each two: once it is away, these answer EIO as the bad ones do."""
    drive = plug(CONTENT)
    bad = tuple(BadRange((28000 + 8 * number) * SECTOR, SECTOR) for number in range(40))
    drive.plant(bad)
    left = later

    def check() -> None:
        nonlocal left
        if left > 0 and drive.traffic.shortest == SECTOR:
            left -= 1
            if left == 0:
                drive.pull_out()

    with pytest.raises(Disconnected):
        acquire(drive.device, tmp_path / "image", format, check=check)
    assert left == 0
    require_nothing_called_bad_that_is_not(tmp_path / "image", bad)
    drive.plug_in()
    found, sink = acquire(drive.device, tmp_path / "image", format)
    require_right(drive, found, sink, bad)


@both_formats
@pytest.mark.parametrize("bad", [(), BAD], ids=["sound", "bad sectors"])
def test_a_full_destination_keeps_what_it_has_and_is_gone_on_with_when_there_is_room(
    plug: Plug, tmp_path: Path, format: str, bad: tuple[BadRange, ...]
) -> None:
    drive = plug(CONTENT)
    drive.plant(bad)
    with small_disk(tmp_path / "small", 80 * MIB) as disk:

        def somebody_else_takes_the_room(done: int, _total: int) -> None:
            if done == 3 * MIB:
                take_room(disk, but=2 * MIB)

        with pytest.raises(EnvironmentFailed, match="full"):
            acquire(drive.device, disk / "image", format, progress=somebody_else_takes_the_room)
        require_nothing_called_bad_that_is_not(disk / "image", bad)
        assert kept_bytes(disk / "image", format) >= 2 * MIB
        (disk / "other").unlink()
        found, sink = acquire(drive.device, disk / "image", format)
        require_right(drive, found, sink, bad)


def test_a_destination_that_is_full_when_only_the_end_of_the_image_is_missing(
    plug: Plug, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E01 writes its last table, the errors and the digests at the very end."""
    drive = plug(CONTENT)
    drive.plant(BAD)
    with small_disk(tmp_path / "small", 80 * MIB) as disk:
        finish = EwfSink.finish

        def finish_on_a_full_disk(*arguments: Any) -> None:
            take_room(disk, but=0)
            finish(*arguments)

        monkeypatch.setattr(EwfSink, "finish", finish_on_a_full_disk)
        with pytest.raises(EnvironmentFailed, match="full"):
            acquire(drive.device, disk / "image", "e01")
        monkeypatch.undo()
        assert kept_bytes(disk / "image", "e01") >= 23 * MIB
        (disk / "other").unlink()
        found, sink = acquire(drive.device, disk / "image", "e01")
        require_right(drive, found, sink, BAD)


def test_a_destination_that_is_full_from_the_start_is_refused_before_the_first_byte(plug: Plug, tmp_path: Path) -> None:
    drive = plug(CONTENT)
    before = drive.traffic
    with (
        small_disk(tmp_path / "small", 16 * MIB) as disk,
        pytest.raises(EnvironmentFailed, match="bytes free"),
    ):
        acquire(drive.device, disk / "image", "raw")
    assert drive.traffic == before
