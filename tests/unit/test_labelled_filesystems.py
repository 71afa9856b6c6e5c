"""The labelled drives have file systems that other programs accept, and what was put into slack and free space."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from labelled.filesystems import SYSTEMS, make_image

FILES = [(f"file {n}.txt", b"hello %d " % n * 700) for n in range(40)]


def image(folder: Path, system: str) -> Path:
    path = folder / "drive.img"
    stretches = {"slack": [b"SLACKFRAG"], "free": [b"FREEFRAG" * 99]}
    try:
        gone = [("gone.txt", b"gone " * 2000)]
        make_image(path, system, files=FILES, deleted=gone, seed=1, partitioned=False, **stretches)
    except PermissionError as error:
        pytest.skip(str(error))
    return path


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_kind_of_drive_holds_what_was_put_there(system: str, tmp_path: Path) -> None:
    data = image(tmp_path, system).read_bytes()
    for wanted in (FILES[0][1], FILES[39][1], b"SLACKFRAG", b"FREEFRAG" * 99, b"gone " * 2000):
        assert data.count(wanted) == 1


@pytest.mark.parametrize("system", [system for system in SYSTEMS if system != "raw"])
def test_the_sleuth_kit_lists_live_files_and_not_the_deleted_one(system: str, tmp_path: Path) -> None:
    listed = subprocess.run(["fls", "-u", image(tmp_path, system)], capture_output=True, text=True, check=True).stdout
    assert listed.count("file ") >= 40
    assert "gone.txt" not in listed


def test_fsck_accepts_the_exfat_volume(tmp_path: Path) -> None:
    said = subprocess.run(["fsck.exfat", "-n", image(tmp_path, "exfat")], capture_output=True, text=True)
    assert "clean" in said.stdout
    assert said.returncode == 0
