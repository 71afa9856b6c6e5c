"""File systems that lie: the command ends well, every volume and every file has a status, nothing is written elsewhere.

One drive carries 112 volumes, each another mutation of a healthy one. Debian 12 has no mkfs for HFS+: it is left out.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from hostile.drives import MIB, PARTITIONS, SLOT, blank, drive_of_volumes, examine, mutated, templates


def _drive(folder: Path, seed: int) -> Path:
    chance = random.Random(seed)
    healthy = list(templates(folder).values())
    return drive_of_volumes(
        folder / "drive.raw", [mutated(healthy[n % len(healthy)], chance) for n in range(PARTITIONS)]
    )


@pytest.mark.slow
def test_a_hundred_damaged_file_systems_each_end_with_a_status(tmp_path: Path) -> None:
    found = examine(tmp_path, _drive(tmp_path, 20200301))
    found.must_hold(seconds=300)
    with found.view() as view:
        volumes = view.volumes()
    assert len(volumes) == PARTITIONS
    # The mutations leave some readable: a drive that is all unreadable would prove little.
    assert 20 < sum(volume.outcome.kind == "ok" for volume in volumes) < PARTITIONS


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(9))
def test_a_thousand_damaged_file_systems_each_end_with_a_status(tmp_path: Path, seed: int) -> None:
    examine(tmp_path, _drive(tmp_path, seed)).must_hold(seconds=900)


def test_the_healthy_volumes_that_are_mutated_are_examined_whole(tmp_path: Path) -> None:
    made = templates(tmp_path)
    found = examine(tmp_path, drive_of_volumes(tmp_path / "drive.raw", list(made.values())))
    found.must_hold(seconds=120)
    with found.view() as view:
        # FAT32 is cut off behind its first megabytes, and The Sleuth Kit reads it all the same.
        assert [v.file_system for v in view.volumes()] == list(made)
        names = [row.name for row in view.all_files()]
    assert names.count("members.csv") == 6
    assert "members.csv:stream" in names


def _fat_with(folder: Path, change: str) -> bytes:
    """A FAT16 volume in which one directory entry lies. Entries are 32 bytes: name, 26 = first cluster, 28 = size."""
    data = bytearray(templates(folder)["FAT16"])
    at = data.index(b"BIG     BIN")
    sub = data.index(b"ONE        \x10")
    first = struct.unpack_from("<H", data, sub + 26)[0]
    if change == "a file of 4 GiB on 4 MiB":
        struct.pack_into("<I", data, at + 28, 0xFFFFFFFF)
    elif change == "a directory in itself":
        inside = data.index(b"TWO        \x10")
        struct.pack_into("<H", data, inside + 26, first)
    elif change == "a chain of clusters in a loop":
        reserved, sector = struct.unpack_from("<H", data, 14)[0], struct.unpack_from("<H", data, 11)[0]
        start = struct.unpack_from("<H", data, at + 26)[0]
        struct.pack_into("<H", data, reserved * sector + (start + 2) * 2, start)
    return bytes(data)


def _ext4_with_a_sparse_giant(folder: Path) -> bytes:
    """An inode of 16 TB (i_size 0x4, i_size_high 0x6C of big.bin's) whose blocks are those of 100 KiB."""
    data = bytearray(templates(folder)["ext4"])
    table = struct.unpack_from("<I", data, 1024 * (2 if data[1024 + 0x14] else 1) + 8)[0] * 1024
    size = struct.unpack_from("<H", data, 1024 + 0x58)[0]
    for inode in range(11, 40):
        at = table + inode * size
        if struct.unpack_from("<I", data, at + 4)[0] == 102400:
            struct.pack_into("<I", data, at + 4, 0)
            struct.pack_into("<I", data, at + 0x6C, 16 << 40 >> 32)
            return bytes(data)
    raise AssertionError("the inode was not found")


def test_loops_giants_and_files_larger_than_the_drive_end_with_a_reason(tmp_path: Path) -> None:
    changes = ("a file of 4 GiB on 4 MiB", "a directory in itself", "a chain of clusters in a loop")
    made = []
    for number, change in enumerate(changes):
        (tmp_path / str(number)).mkdir()
        made.append(_fat_with(tmp_path / str(number), change))
    (tmp_path / "giant").mkdir()
    made.append(_ext4_with_a_sparse_giant(tmp_path / "giant"))
    found = examine(tmp_path, drive_of_volumes(tmp_path / "drive.raw", made))
    found.must_hold(seconds=240)
    with found.view() as view:
        rows = [row for row in view.all_files() if row.name.lower() == "big.bin" and row.status == "live"]
        giants = [row for row in rows if row.size >= 0xFFFFFFFF]
        # The Sleuth Kit takes a FAT entry of more bytes than its volume for no entry: its clusters are raw-scanned.
        assert [row.size for row in giants] == [16 << 40]
        assert {row.outcome for row in giants} <= {"failed", "not_examined"}
        assert len(list(view.all_files())) < 200


def test_a_drive_cut_off_in_the_middle_of_everything(tmp_path: Path) -> None:
    made = drive_of_volumes(tmp_path / "whole.raw", list(templates(tmp_path).values()))
    cut = blank(tmp_path / "cut.raw", 0)
    cut.write_bytes(made.read_bytes()[: 3 * SLOT + MIB + 12_345])
    found = examine(tmp_path, cut)
    found.must_hold(seconds=120)
