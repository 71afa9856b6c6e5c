"""What stands behind the end of a file is found at that file; The Sleuth Kit shows the same bytes there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.demonstration.members import make_members
from forensics.examination.acquire import acquire
from forensics.examination.index import index
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import passage
from forensics.examination.receive import new, receive
from forensics.examination.records import add_records
from forensics.jobs.events import silent
from forensics.model import Locator, Region

BEHIND, FREE = list(make_members(60, np.random.default_rng(8)))[:2]
SIZE = 4096 + 904
"""One cluster and a part of a second: also NTFS has such a content outside of its record."""

WHERE = 1300
"""Bytes behind the start of the last cluster; the content ends before."""


def line(one: object) -> bytes:
    fields = ("member_id", "first_name", "last_name", "birth_date", "ssn")
    return "  ".join(getattr(one, name) for name in fields).encode()


def fat(image: Path, files: dict[str, Path]) -> None:
    subprocess.run(["mkfs.vfat", "-F", "16", "-s", "8", image], check=True, capture_output=True)
    for name, source in files.items():
        subprocess.run(["mcopy", "-i", image, source, f"::{name}"], check=True)


def ntfs(image: Path, files: dict[str, Path]) -> None:
    subprocess.run(["mkntfs", "-q", "-F", "-c", "4096", image], check=True, capture_output=True)
    for name, source in files.items():
        subprocess.run(["ntfscp", "-q", image, source, name], check=True)


def ext4(image: Path, files: dict[str, Path]) -> None:
    subprocess.run(["mkfs.ext4", "-q", "-b", "4096", "-F", image], check=True, capture_output=True)
    for name, source in files.items():
        subprocess.run(["debugfs", "-w", "-R", f"write {source} {name}", image], check=True, capture_output=True)


def inode(image: Path, name: str) -> str:
    listed = subprocess.run(["fls", image], check=True, capture_output=True, text=True).stdout
    (found,) = re.findall(rf"^r/r ([0-9-]+):\t{re.escape(name)}$", listed, re.MULTILINE)
    return str(found)


def last_cluster(image: Path, name: str) -> int:
    """Where the last cluster of a file begins, as `istat` and `fsstat` tell."""
    told = subprocess.run(["istat", image, inode(image, name)], check=True, capture_output=True, text=True).stdout
    behind = re.split(r"Sectors:|Direct Blocks:|init_size: [0-9]+", told)[-1]
    numbers = [int(number) for number in re.findall(r"[0-9]+", behind)]
    system = subprocess.run(["fsstat", image], check=True, capture_output=True, text=True).stdout
    if "FAT16" in system:
        # Eight sectors a cluster.
        return numbers[8] * 512
    return numbers[1] * 4096


@pytest.fixture(params=[fat, ntfs, ext4])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    make: Callable[[Path, dict[str, Path]], None] = request.param
    image = tmp_path / "drive.img"
    with image.open("wb") as stream:
        stream.truncate(24 << 20)
    files = {"notes.bin": bytes([7]) * SIZE, "full.bin": bytes([9]) * 8192}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    make(image, {name: tmp_path / name for name in files})
    free = last_cluster(image, "full.bin") + 4096 + 300
    with image.open("r+b") as stream:
        stream.seek(last_cluster(image, "notes.bin") + WHERE)
        stream.write(line(BEHIND))
        stream.seek(free)
        stream.write(line(FREE))
    return image


@pytest.fixture
def case(drive: Path, tmp_path: Path) -> Iterator[OpenCase]:
    rows = ["Member ID,First Name,Last Name,DOB,SSN"]
    rows += [f"{m.member_id},{m.first_name},{m.last_name},{m.birth_date},{m.ssn}" for m in (BEHIND, FREE)]
    (tmp_path / "records.csv").write_text("\n".join(rows) + "\n")
    details = CaseDetails("2026-001", "A case", "Plan", ("business",), "R. Reader", incident="2026-01-05")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protection, "MEMORY_KIB", 64)
        opened = new(tmp_path / "c.dcase", details, "correct horse battery staple")
    with opened:
        receive(opened, silent(), exhibit="E-001", received_from="A", received_by="B")
        acquire(opened, silent(), exhibit="E-001", source=drive)
        index(opened, silent())
        add_records(opened, silent(), file=tmp_path / "records.csv")
        match(opened, silent())
        yield opened


def test_a_hit_behind_the_end_of_a_file_is_at_that_file_and_one_in_free_space_is_not(
    case: OpenCase, drive: Path
) -> None:
    found = {
        record.record_key: (item.locator, item.region)
        for _, record, evidence in case.store.evidence_by_record()
        for item in evidence
    }
    locator, region = found[BEHIND.member_id]
    assert locator.startswith("E-001/vol0/notes.bin:slack@")
    assert region is Region.UNALLOCATED
    place = Locator.parse(locator)
    assert place.offset is not None
    assert place.length is not None
    assert place.offset >= SIZE
    in_slack = subprocess.run(["blkls", "-s", drive], check=True, capture_output=True).stdout
    assert line(BEHIND) in in_slack, "blkls calls it slack as well"
    with_slack = subprocess.run(
        ["icat", "-s", drive, inode(drive, "notes.bin")], check=True, capture_output=True
    ).stdout
    said = with_slack[place.offset : place.offset + place.length]
    assert said
    assert said in line(BEHIND), "icat -s has it at the same offset"
    (shown,) = passage(case, locator)
    assert BEHIND.last_name in shown["text"]

    locator, region = found[FREE.member_id]
    assert locator.startswith("E-001/unallocated@0x"), "a file that fills its clusters has nothing behind it"
    assert line(FREE) not in in_slack
