"""A small drive with tables, notes and strangers, and two dated snapshots of the records it was made from."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.demonstration.members import Member, make_members
from forensics.examination.acquire import acquire
from forensics.examination.index import index
from forensics.examination.open_case import OpenCase
from forensics.examination.receive import new, receive
from forensics.examination.records import add_records
from forensics.jobs.events import silent

PEOPLE = list(
    {(m.first_name, m.last_name, m.birth_date): m for m in make_members(1500, np.random.default_rng(31))}.values()
)
RECORDS = [m for m in PEOPLE[:1200] if m.ssn]
STRANGERS = PEOPLE[1200:1260]

SHOWN = RECORDS[:400]
"""Whose rows stand in the table `list.csv`."""

NOTED = RECORDS[400:460]
"""Whose numbers stand in `notes.txt`, with the name 300 bytes further on: a window of 200 bytes does not reach it."""

CLOSE = RECORDS[460:520]
"""The same in `close.txt`, with the name in the next line but one."""

HEADER = ["Member", "Last", "First", "DOB", "SSN", "Phone"]


def cells(one: Member) -> list[str]:
    return [one.member_id, one.last_name, one.first_name, one.birth_date, one.ssn, one.phone]


def table(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([HEADER, *rows])
    return out.getvalue().encode()


FILLING = "the quick brown fox jumps over the lazy dog and runs on and on. "


def notes(people: Sequence[Member], apart: int) -> bytes:
    lines = []
    for one in people:
        words = (FILLING * 20)[:apart]
        lines.append(f"case {one.ssn}\n{words}\nmet {one.first_name} {one.last_name} again\n{FILLING * 30}\n")
    return "".join(lines).encode()


def write_records(people: Sequence[Member], path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(Member._fields)
        writer.writerows(people)
    return path


def moved(one: Member) -> Member:
    """The same person with another telephone number."""
    return one._replace(phone=f"{one.phone[:-2]}{(int(one.phone[-2:]) + 50) % 100:02}" if one.phone else "")


def files() -> dict[str, bytes]:
    """The files of the drive: the table shows everybody as the first snapshot has them, strangers between them."""
    rows = [cells(one) for one in SHOWN]
    for place, one in enumerate(STRANGERS):
        rows.insert(5 * place, cells(one))
    return {
        "list.csv": table(rows),
        "copy.csv": table(rows),
        "other.csv": table([cells(one) for one in SHOWN[:50]] + [cells(one) for one in STRANGERS[:5]]),
        "notes.txt": notes(NOTED, 300),
        "close.txt": notes(CLOSE, 60),
    }


def make_drive(folder: Path, contents: dict[str, bytes]) -> Path:
    drive = folder / "drive.img"
    drive.write_bytes(bytes(16 << 20))
    subprocess.run(["mkfs.vfat", drive], check=True, capture_output=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
        subprocess.run(["mcopy", "-i", drive, folder / name, f"::{name}"], check=True)
    return drive


@contextmanager
def indexed(folder: Path, contents: dict[str, bytes], *records: tuple[Path, str]) -> Iterator[OpenCase]:
    """A case of a drive with these files, indexed, with these sets of records and the day of each."""
    details = CaseDetails("2026-001", "A case", "Plan", ("business",), "R. Reader", incident="2026-01-05")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protection, "MEMORY_KIB", 64)
        opened = new(folder / "c.dcase", details, "correct horse battery staple")
    with opened:
        receive(opened, silent(), exhibit="E-001", received_from="A", received_by="B")
        acquire(opened, silent(), exhibit="E-001", source=make_drive(folder, contents))
        index(opened, silent())
        for path, day in records:
            add_records(opened, silent(), file=path, as_of=day)
        yield opened
