"""The FAT32 writer, judged by dosfstools, mtools and The Sleuth Kit, none of which it uses.

Fixture: an image of 96 MiB with clusters of 1 KiB, written into a temporary folder by the writer under test.
"""

from __future__ import annotations

import os
import re
import subprocess
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from forensics.demonstration.fat32 import PARTITION_LBA, SECTOR, Fat32Image, Placed, Stamps

CLUSTER = 1024
WHEN = Stamps(datetime(2016, 8, 15, 9, 30, 11), datetime(2016, 8, 19, 18, 42, 10), datetime(2016, 8, 21))
NAMES = (
    "README.TXT", "lower.txt", "Member list for review.xlsx", "Member list for print.xlsx", "Ünïcode – naïve.txt",
    "noextension", ".hidden", "two.dots.in.name.csv", "thirteen.long", "x" * 240 + ".txt", "A+B,C=1;2.csv",
)  # fmt: skip


def run(*command: object) -> bytes:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}  # mtools reads long names by it
    return subprocess.run([str(part) for part in command], capture_output=True, check=True, env=environment).stdout


def new_image(folder: Path, **changes: Any) -> Fat32Image:
    arguments: dict[str, Any] = {
        "size": 96 << 20, "cluster_size": CLUSTER, "label": "TEST STICK", "serial": 0x20160815,
        "formatted": datetime(2016, 2, 11, 8, 5, 26),
    }  # fmt: skip
    return Fat32Image(folder / "drive.img", **(arguments | changes))


def content(seed: int, size: int) -> bytes:
    return bytes((seed + i * 7 + i // 256) & 0xFF for i in range(size))


def fsck(folder: Path) -> str:
    """What fsck.vfat says of the partition; it exits with 1 where it finds anything to mend."""
    partition = folder / "partition.img"
    run("dd", f"if={folder / 'drive.img'}", f"of={partition}", "bs=1M", "skip=1", "conv=sparse", "status=none")
    return run("fsck.vfat", "-n", partition).decode()


def mcopy(folder: Path, path: str) -> bytes:
    return run("mcopy", "-i", f"{folder / 'drive.img'}@@{PARTITION_LBA * SECTOR}", f"::{path}", "-")


def entries(folder: Path) -> dict[str, tuple[str, bool]]:
    """Path → (metadata address, deleted) as fls sees it."""
    found = {}
    for line in run("fls", "-r", "-p", "-o", PARTITION_LBA, folder / "drive.img").decode().splitlines():
        if match := re.fullmatch(r"\S+ (\* )?(\d+)(?:\(realloc\))?:\t(.*)", line):
            found[match[3]] = (match[2], bool(match[1]))
    return found


@pytest.fixture(scope="module")
def used_stick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Placed]]:
    folder = tmp_path_factory.mktemp("fat32")
    placed: dict[str, Placed] = {}
    with new_image(folder) as image:
        image.directory("Folder", WHEN)
        image.directory("Folder/Deeper folder", WHEN)
        for number, name in enumerate(NAMES):
            placed[name] = image.file(f"Folder/{name}", content(number, 700 * number), WHEN)
        placed["gone"] = image.file("Folder/gone for good.csv", content(40, 5_000), WHEN)
        placed["pieces"] = image.file("Folder/Deeper folder/pieces.bin", content(50, 20_500), WHEN, stride=3, gap=2)
        placed["note"] = image.file("note.txt", b"buy lamp oil", WHEN, slack=b"LEFT OVER " * 200)
        for number in range(300):
            image.file(f"Folder/Deeper folder/many {number}.txt", b"%d" % number, WHEN)
        image.delete(placed["gone"])
        image.leave_free(3)
        placed["stray"] = image.stray(b"NOBODY POINTS HERE " * 200)
        placed["over"] = image.file("over.bin", content(60, 3_000), WHEN)
        image.ghost("Folder/was here.csv", placed["over"], 2_500, WHEN)
    return folder, placed


def test_fsck_finds_nothing_to_mend(used_stick: tuple[Path, dict[str, Placed]]) -> None:
    said = fsck(used_stick[0]).splitlines()
    assert len(said) == 2, said
    assert re.search(r"317 files, \d+/\d+ clusters", said[1])


def test_mmls_finds_one_fat32_partition_to_the_end_of_the_device(used_stick: tuple[Path, dict[str, Placed]]) -> None:
    last = run("mmls", used_stick[0] / "drive.img").decode().splitlines()[-1]
    assert re.search(r"0000002048 +0000196607 +0000194560 +Win95 FAT32", last)


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_mtools_reads_every_file_back_under_its_long_name(
    used_stick: tuple[Path, dict[str, Placed]], number: int
) -> None:
    assert mcopy(used_stick[0], f"/Folder/{NAMES[number]}") == content(number, 700 * number)


def test_a_directory_of_several_clusters_keeps_every_entry(used_stick: tuple[Path, dict[str, Placed]]) -> None:
    live = [path for path, (_, deleted) in entries(used_stick[0]).items() if "/many " in path and not deleted]
    assert len(live) == 300
    assert mcopy(used_stick[0], "/Folder/Deeper folder/many 299.txt") == b"299"


def test_a_deleted_file_is_shown_as_deleted_and_its_content_comes_back(
    used_stick: tuple[Path, dict[str, Placed]],
) -> None:
    folder, _ = used_stick
    address, deleted = entries(folder)["Folder/gone for good.csv"]
    assert deleted
    assert run("icat", "-r", "-o", PARTITION_LBA, folder / "drive.img", address) == content(40, 5_000)
    with pytest.raises(subprocess.CalledProcessError):
        mcopy(folder, "/Folder/gone for good.csv")


def test_the_entry_of_an_overwritten_file_points_to_what_overwrote_it(
    used_stick: tuple[Path, dict[str, Placed]],
) -> None:
    folder, _ = used_stick
    address, deleted = entries(folder)["Folder/was here.csv"]
    assert deleted
    assert run("icat", "-o", PARTITION_LBA, folder / "drive.img", address)[:CLUSTER] == content(60, CLUSTER)


def test_a_fragmented_file_is_whole_for_who_follows_its_chain(used_stick: tuple[Path, dict[str, Placed]]) -> None:
    folder, placed = used_stick
    assert mcopy(folder, "/Folder/Deeper folder/pieces.bin") == content(50, 20_500)
    assert len(placed["pieces"].runs) == 7
    image = (folder / "drive.img").read_bytes()
    for name, where in placed.items():
        joined = b"".join(image[offset : offset + length] for offset, length in where.runs)
        assert len(joined) == where.size, name
    address, _ = entries(folder)["Folder/Deeper folder/pieces.bin"]
    sectors = run("istat", "-o", PARTITION_LBA, folder / "drive.img", address).decode().split("Sectors:")[1].split()
    first_of_cluster = [int(sector) for sector in sectors[::2]]
    jumps = sum(after - before != 2 for before, after in pairwise(first_of_cluster))
    assert jumps == 6


def test_slack_keeps_what_was_there_behind_the_sector_in_which_the_file_ends(
    used_stick: tuple[Path, dict[str, Placed]],
) -> None:
    folder, placed = used_stick
    assert mcopy(folder, "/note.txt") == b"buy lamp oil"
    offset = placed["note"].runs[0][0]
    cluster = (folder / "drive.img").read_bytes()[offset : offset + CLUSTER]
    assert cluster[12:SECTOR] == bytes(SECTOR - 12)
    assert cluster[SECTOR:] == (b"LEFT OVER " * 52)[:SECTOR]
    assert cluster[SECTOR:] in run("blkls", "-s", "-o", PARTITION_LBA, folder / "drive.img")


def test_stray_content_is_in_unallocated_space_and_no_entry_leads_to_it(
    used_stick: tuple[Path, dict[str, Placed]],
) -> None:
    folder, placed = used_stick
    assert b"NOBODY POINTS HERE " * 200 in run("blkls", "-o", PARTITION_LBA, folder / "drive.img")
    sector = placed["stray"].runs[0][0] // SECTOR - PARTITION_LBA
    assert b"not found" in run("ifind", "-o", PARTITION_LBA, "-d", sector, folder / "drive.img")


def test_times_stand_as_they_were_given(used_stick: tuple[Path, dict[str, Placed]]) -> None:
    folder, _ = used_stick
    address, _ = entries(folder)["note.txt"]
    said = run("istat", "-z", "UTC", "-o", PARTITION_LBA, folder / "drive.img", address).decode()
    assert "Written:\t2016-08-15 09:30:10" in said  # FAT counts in two seconds
    assert "Created:\t2016-08-19 18:42:10" in said
    assert "Accessed:\t2016-08-21" in said


def test_an_image_of_gigabytes_takes_no_more_room_than_its_content(tmp_path: Path) -> None:
    with new_image(tmp_path, size=5 << 30, cluster_size=4096) as image:
        image.file("a.txt", b"a", WHEN)
    assert (tmp_path / "drive.img").stat().st_size == 5 << 30
    assert (tmp_path / "drive.img").stat().st_blocks * 512 < 1 << 20
    assert mcopy(tmp_path, "/a.txt") == b"a"


def test_a_volume_too_small_for_fat32_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too few for FAT32"):
        new_image(tmp_path, size=48 << 20)
    assert not (tmp_path / "drive.img").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "drive.img").write_bytes(b"somebody's")
    with pytest.raises(FileExistsError):
        new_image(tmp_path)
    assert (tmp_path / "drive.img").read_bytes() == b"somebody's"


@pytest.mark.parametrize("name", ["", "a/b", "what?", "ends.", "x" * 256, "twice.txt", "TWICE.TXT"])
def test_a_name_that_fat_cannot_hold_is_not_taken(tmp_path: Path, name: str) -> None:
    with new_image(tmp_path) as image:
        image.file("twice.txt", b"", WHEN)
        with pytest.raises(ValueError, match=r"FAT|there already|no such directory"):
            image.file(name, b"", WHEN)


def test_a_full_volume_says_so(tmp_path: Path) -> None:
    image = new_image(tmp_path, size=70 << 20)
    with image, pytest.raises(ValueError, match="full"):
        image.leave_free(71_680)
