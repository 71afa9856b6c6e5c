"""Shadow copies of an NTFS volume from the image to the evidence. `vss.raw` is from dfvfs (tests/images/SOURCES.md);
the independent judge is vshadowmount of Debian's libvshadow-utils, an older libvshadow, with fls and icat."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import pyvshadow
from shadow_copies import PASSWORDS, PASSWORDS_SIZE, STORED_PASSWORDS, vss
from worked_example import drivecustody

from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.casefile.coverage import Fate
from forensics.casefile.shadows import CHANGED, GONE, STORE, UNCHANGED
from forensics.evidence.shadow import BLOCK
from forensics.examination.acquire import acquire
from forensics.examination.index import index
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import passage
from forensics.examination.receive import new, receive
from forensics.examination.records import add_records
from forensics.jobs.events import silent

PLANTED = b"Member ID,First Name,Last Name,DOB,SSN\r\n0004711,Wilhelmina,Vanderbrook,1961-04-23,219-09-9876\r\n"
PLANTED = PLANTED.ljust(PASSWORDS_SIZE, b"\n")
RECORDS = b"Member ID,First Name,Last Name,DOB,SSN\n0004711,Wilhelmina,Vanderbrook,1961-04-23,219-09-9876\n"
VSS1_SHA256 = "2c6fe1cdd9e3555976aef06f01221a34be1ade98edb837c5baab524f228c6b14"
"""`icat vss.raw 45 | sha256sum`."""

ONLY_THERE = "E-001/vol0/vss1/passwords.txt"


def opened(tmp_path: Path, drive: bytes) -> OpenCase:
    (tmp_path / "drive.raw").write_bytes(drive)
    (tmp_path / "records.csv").write_bytes(RECORDS)
    details = CaseDetails("2026-001", "A case", "Plan", ("business",), "R. Reader", incident="2026-01-05")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protection, "MEMORY_KIB", 64)
        return new(tmp_path / "c.dcase", details, "correct horse battery staple")


def taken(case: OpenCase, tmp_path: Path) -> dict[str, Any]:
    receive(case, silent(), exhibit="E-001", received_from="A", received_by="B")
    acquire(case, silent(), exhibit="E-001", source=tmp_path / "drive.raw")
    result: dict[str, Any] = index(case, silent())
    told = result["coverage"]["E-001"]
    assert sum(n for shares in told["volumes"].values() for n in shares.values()) == told["size"]
    return result


@pytest.fixture
def case(tmp_path: Path) -> Iterator[OpenCase]:
    """In the store of the first shadow copy, passwords.txt holds a person; the volume itself has the file as it was."""
    drive = bytearray(vss())
    drive[STORED_PASSWORDS : STORED_PASSWORDS + PASSWORDS_SIZE] = PLANTED
    with opened(tmp_path, bytes(drive)) as made:
        yield made


def entries(case: OpenCase) -> dict[str, Any]:
    from sqlalchemy import select

    from forensics.casefile import schema

    with case.store.begin() as connection:
        return {row.locator: row for row in connection.execute(select(schema.file_entry))}


def test_each_shadow_copy_is_a_volume_with_its_time_and_a_person_only_in_it_has_a_place_that_says_so(
    case: OpenCase, tmp_path: Path
) -> None:
    result = taken(case, tmp_path)
    volumes = {volume.name: volume for _, volume, _ in case.store.volumes("E-001")}
    assert {name: v.outcome.reason or "ok" for name, v in volumes.items()} == {
        "vol0": "ok", "vol0/vss1": "ok", "vol0/vss2": "ok",
    }  # fmt: skip
    assert volumes["vol0/vss1"].kind == "shadow copy 1 of vol0, 2021-05-01T17:40:03Z"
    assert volumes["vol0/vss2"].label == "shadow copy 2 of vol0, 2021-05-01T17:41:28Z"

    found = entries(case)
    assert found[ONLY_THERE].sha256 == hashlib.sha256(PLANTED).hexdigest()
    assert found["E-001/vol0/passwords.txt"].sha256 == hashlib.sha256(PASSWORDS).hexdigest()
    assert found["E-001/vol0/vss2/passwords.txt"].sha256 == hashlib.sha256(PASSWORDS).hexdigest()
    assert CHANGED in found[ONLY_THERE].notes
    assert UNCHANGED in found["E-001/vol0/vss2/passwords.txt"].notes
    with_pieces = {locator for locator, row in found.items() if row.has_pieces and "passwords" in locator}
    assert with_pieces == {ONLY_THERE, "E-001/vol0/passwords.txt"}, "what is the same is read once"

    shares = result["coverage"]["E-001"]["volumes"]["vol0"]
    assert shares[Fate.SHADOW] > 0

    add_records(case, silent(), file=tmp_path / "records.csv")
    match(case, silent())
    ((_, record, evidence),) = case.store.evidence_by_record()
    assert record.record_key == "0004711"
    # A content that is resident stands in the MFT as well, which the raw scan reads; and nowhere else.
    row, in_record = sorted((one.locator for one in evidence), reverse=True)
    assert row == f"{ONLY_THERE}!row 2"
    assert in_record.startswith("E-001/vol0/vss1/%24MFT@")
    (line,) = [line for line in passage(case, f"{ONLY_THERE}!row 2") if line["here"]]
    assert "Vanderbrook" in line["text"]


def test_the_bytes_and_entries_of_a_shadow_copy_are_those_of_another_reader(tmp_path: Path) -> None:
    mount = shutil.which("vshadowmount")
    if mount is None or not Path("/dev/fuse").exists():
        pytest.skip("needs vshadowmount (libvshadow-utils) and FUSE")
    drive = tmp_path / "judged.raw"
    drive.write_bytes(vss())
    at = tmp_path / "mnt"
    at.mkdir()
    subprocess.run([mount, drive, at], check=True, capture_output=True)
    try:
        listed = {
            number: subprocess.run(
                ["fls", "-r", "-p", "-F", at / f"vss{number}"], check=True, capture_output=True
            ).stdout
            for number in (1, 2)
        }
        kept = {
            (number, inode): hashlib.sha256(
                subprocess.run(["icat", at / f"vss{number}", str(inode)], check=True, capture_output=True).stdout
            ).hexdigest()
            for number in (1, 2)
            for inode in (37, 39, 40, 41, 45)
            if f"{inode}-128".encode() in listed[number]
        }
    finally:
        subprocess.run(["fusermount", "-u", at], check=True)
    with opened(tmp_path, vss()) as case:
        taken(case, tmp_path)
        found = entries(case)
    for number in (1, 2):
        prefix = f"E-001/vol0/vss{number}/"
        theirs = {
            line.rpartition(b":\t")[2].decode() for line in listed[number].splitlines() if line.startswith(b"r/r")
        }
        ours = {
            unquote(row.locator.removeprefix(prefix))
            for row in found.values()
            if row.locator.startswith(prefix) and row.status == "live"
        }
        assert {name for name in theirs if "$" not in name} == {name for name in ours if "$" not in name}
    names = {37: "System Volume Information/WPSettings.dat", 39: "a_directory/a_file", 40: "passwords.txt",
             41: "a_directory/another_file", 45: "%76ss1"}  # fmt: skip
    assert len(kept) == 9
    for (number, inode), sha256 in kept.items():
        assert found[f"E-001/vol0/vss{number}/{names[inode]}"].sha256 == sha256
    assert "E-001/vol0/vss1/%76ss1" not in found, "it was made after the first"
    stores = [row for row in found.values() if row.type == STORE and row.locator.count("/") == 3]
    assert len(stores) == 2


def test_a_file_that_only_a_shadow_copy_has_is_told_as_gone(tmp_path: Path) -> None:
    # In the volume the file has another name now: in its record and in its folder, which the newest store both keeps.
    with_name, kept = "vss1".encode("utf-16-le"), _kept_by_the_newest()
    drive = bytearray(vss())
    at = -1
    while (at := drive.find(with_name, at + 1)) >= 0:
        if at // BLOCK * BLOCK in kept:
            drive[at : at + 8] = "new1".encode("utf-16-le")
    with opened(tmp_path, bytes(drive)) as case:
        taken(case, tmp_path)
        found = entries(case)
    # A name that would be read as a layer has its first letter escaped.
    assert GONE in found["E-001/vol0/vss2/%76ss1"].notes
    assert found["E-001/vol0/vss2/%76ss1"].sha256 == VSS1_SHA256


def _kept_by_the_newest() -> set[int]:
    """The blocks of the volume that the second store holds: what is written there now shows in no shadow copy."""
    handle = pyvshadow.volume()
    handle.open_file_object(io.BytesIO(vss()))
    store = handle.get_store(1)
    return {store.get_block(n).original_offset for n in range(store.get_number_of_blocks())}


def test_by_the_command_line_a_person_of_a_shadow_copy_is_exported_with_a_place_that_says_so(tmp_path: Path) -> None:
    drive = bytearray(vss())
    drive[STORED_PASSWORDS : STORED_PASSWORDS + PASSWORDS_SIZE] = PLANTED
    (tmp_path / "drive.raw").write_bytes(drive)
    (tmp_path / "records.csv").write_bytes(RECORDS)
    case = tmp_path / "cli.dcase"
    environment = {**os.environ, "DRIVECUSTODY_PASSPHRASE": "a passphrase for tests", "HOME": str(tmp_path)}

    def run(*words: str | Path) -> None:
        drivecustody(*words, env=environment)

    run("new", case, "--number", "1", "--title", "T", "--organisation", "O", "--entity-type", "hipaa_covered_entity",
        "--examiner", "E")  # fmt: skip
    run("receive", case, "--exhibit", "E-001", "--from", "A", "--to", "B")
    run("import-image", case, "--exhibit", "E-001", tmp_path / "drive.raw")
    run("index", case)
    run("records", "add", case, tmp_path / "records.csv")
    run("match", case)
    run("assess", case)
    run("export", case, "persons", "--out", tmp_path / "persons.csv")
    run("export", case, "hashes", "--out", tmp_path / "hashes.csv")
    with (tmp_path / "persons.csv").open(newline="") as stream:
        (person,) = csv.DictReader(stream)
    assert person["record_key"] == "0004711"
    assert person["first_place"].startswith("E-001/vol0/vss1/")
    with (tmp_path / "hashes.csv").open(newline="") as stream:
        hashes = {line["locator"]: line["sha256"] for line in csv.DictReader(stream)}
    assert hashes[ONLY_THERE] == hashlib.sha256(PLANTED).hexdigest()
    assert hashes["E-001/vol0/vss2/%76ss1"] == VSS1_SHA256
