"""The program against drives nobody tuned it to, by what its command promises to scripts: targets of the estimate."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from labelled.drive import Marks, Truth, make_drive, marks
from labelled.filesystems import SYSTEMS
from labelled.population import Plan, make_population, write_records
from worked_example import drivecustody

SEVERAL = [(seed, SYSTEMS[seed % 5]) for seed in range(100, 120)]


def made(folder: Path, seed: int, system: str, *, own: bool = True) -> Truth:
    try:
        return make_drive(folder, seed, system, own=own)
    except PermissionError as error:
        pytest.skip(str(error))


def persons(folder: Path) -> Path:
    """The export of a run over the drive in this folder."""
    env = {"DRIVECUSTODY_PASSPHRASE": "labelled"}
    drivecustody("run", folder / "c.dcase", folder / "drive.img", "--records", folder / "records.csv", env=env)
    drivecustody("export", folder / "c.dcase", "persons", "--all-tiers", "--out", folder / "persons.csv", env=env)
    return folder / "persons.csv"


def examined(folder: Path, seed: int, system: str) -> Marks:
    truth = made(folder, seed, system)
    found = marks(persons(folder), truth)
    print(found.table())
    return found


def hold_to_precision(found: Marks) -> None:
    assert len(found.confirmed) > 100
    assert len(found.wrong_confirmed) <= 0.001 * len(found.confirmed)
    assert len(found.wrong_probable) <= 0.05 * len(found.probable), found.table()


def hold_to_recall(found: Marks) -> None:
    assert found.recall("plain") >= 0.99, found.table()
    assert found.recall("plain", "trap") >= 0.95, found.table()


@pytest.fixture(scope="module")
def on_fat32(tmp_path_factory: pytest.TempPathFactory) -> Marks:
    return examined(tmp_path_factory.mktemp("fat32"), 1, "fat32")


@pytest.fixture(scope="module")
def on_raw(tmp_path_factory: pytest.TempPathFactory) -> Marks:
    return examined(tmp_path_factory.mktemp("raw"), 2, "raw")


def test_who_stands_on_a_drive_is_found(on_fat32: Marks) -> None:
    hold_to_recall(on_fat32)


def test_who_is_called_exposed_is_on_the_drive(on_fat32: Marks, on_raw: Marks) -> None:
    hold_to_precision(on_fat32)
    hold_to_precision(on_raw)


def test_the_elements_of_a_person_are_right(on_fat32: Marks) -> None:
    assert on_fat32.elements_right() >= 0.99, on_fat32.table()


def test_who_stands_on_a_drive_without_a_file_system_is_found(on_raw: Marks) -> None:
    hold_to_recall(on_raw)


def test_numbers_and_four_digits_alone_make_nobody_sure(on_fat32: Marks) -> None:
    assert on_fat32.found["ssn alone"][1] == on_fat32.found["other birth date"][1] == 0


def test_a_strangers_drive_confirms_nobody(tmp_path: Path) -> None:
    truth = made(tmp_path, 5, "exfat", own=False)
    assert not marks(persons(tmp_path), truth).confirmed
    told = drivecustody("assess", tmp_path / "c.dcase", "--json", env={"DRIVECUSTODY_PASSPHRASE": "labelled"})
    result = json.loads(told.splitlines()[-1])["result"]
    assert result["tiers"]["confirmed"] == result["floor"] == 0


def test_an_empty_drive_shows_nobody(tmp_path: Path) -> None:
    write_records(make_population(6).snapshot, tmp_path / "records.csv")
    (tmp_path / "drive.img").write_bytes(bytes(8 << 20))
    subprocess.run(["mkfs.vfat", tmp_path / "drive.img"], check=True, capture_output=True)
    with persons(tmp_path).open(newline="") as stream:
        assert list(csv.DictReader(stream)) == []
    told = drivecustody("assess", tmp_path / "c.dcase", "--json", env={"DRIVECUSTODY_PASSPHRASE": "labelled"})
    result = json.loads(told.splitlines()[-1])["result"]
    assert [result[name] for name in ("floor", "low", "estimate", "high", "ceiling", "not_in_records")] == [0] * 6
    assert {step["n"] for step in result["waterfall"]} == {0}


def test_five_million_random_numbers_confirm_nobody(tmp_path: Path) -> None:
    write_records(make_population(7, Plan(people=20_000)).snapshot, tmp_path / "records.csv")
    numbers = np.random.default_rng(7).integers(0, 10**9, 5_000_000)
    (tmp_path / "drive.img").write_bytes("".join(f"{number:09d}\n" for number in numbers.tolist()).encode())
    with persons(tmp_path).open(newline="") as stream:
        tiers = {row["tier"] for row in csv.DictReader(stream)}
    assert tiers == {"possible"}
    told = drivecustody("assess", tmp_path / "c.dcase", "--json", env={"DRIVECUSTODY_PASSPHRASE": "labelled"})
    result = json.loads(told.splitlines()[-1])["result"]
    assert result["ceiling"] > 50, "chance alone found nobody: nothing is tried here"
    assert result["floor"] == 0
    assert result["low"] == 0, "the interval has to allow that nobody is on the drive"


@pytest.mark.nightly
@pytest.mark.parametrize(("seed", "system"), SEVERAL)
def test_the_targets_hold_on_many_drives(seed: int, system: str, tmp_path: Path) -> None:
    found = examined(tmp_path, seed, system)
    hold_to_precision(found)
    hold_to_recall(found)
    if system != "raw":
        assert found.elements_right() >= 0.99, found.table()
