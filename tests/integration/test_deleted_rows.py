"""A database shows the rows it has; those that were deleted from it still stand in its bytes, and are found there.

SQLite writes the values of a row without anything between them. A number right behind which another begins is none that
the raw scan can tell; in this order none does.
"""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pytest

from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.demonstration.members import make_members
from forensics.examination.acquire import acquire
from forensics.examination.index import index
from forensics.examination.match import match
from forensics.examination.receive import new, receive
from forensics.examination.records import add_records
from forensics.jobs.events import silent

FIRST, GONE, LAST = list(make_members(60, np.random.default_rng(8)))[:3]


def test_a_deleted_row_of_a_database_on_the_drive_is_found_in_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, image, records = tmp_path / "members.db", tmp_path / "drive.img", tmp_path / "records.csv"
    rows = [(m.ssn, m.first_name, m.last_name, m.birth_date, m.member_id) for m in (FIRST, GONE, LAST)]
    database = sqlite3.connect(path)
    database.execute("PRAGMA secure_delete = off")
    database.execute("CREATE TABLE members (ssn, first, last, born, id)")
    database.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?)", rows)
    database.commit()
    database.execute("DELETE FROM members WHERE id = ?", (GONE.member_id,))
    database.commit()
    database.close()
    image.write_bytes(bytes(8 << 20))
    subprocess.run(["mkfs.vfat", image], check=True, capture_output=True)
    subprocess.run(["mcopy", "-i", image, path, "::members.db"], check=True)
    lines = ["SSN,First Name,Last Name,DOB,Member ID", *(",".join(row) for row in rows)]
    records.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(protection, "MEMORY_KIB", 64)
    details = CaseDetails("2026-001", "A case", "Plan", ("business",), "R. Reader", incident="2026-01-05")
    with new(tmp_path / "c.dcase", details, "correct horse battery staple") as case:
        receive(case, silent(), exhibit="E-001", received_from="A", received_by="B")
        acquire(case, silent(), exhibit="E-001", source=image)
        index(case, silent())
        add_records(case, silent(), file=records)
        match(case, silent())
        found = {
            record.record_key: {item.locator for item in evidence}
            for _, record, evidence in case.store.evidence_by_record()
        }
    assert "E-001/vol0/members.db!members!row 2" in found[FIRST.member_id]
    assert found[GONE.member_id]
    assert all(place.startswith("E-001/vol0/members.db@") for place in found[GONE.member_id])
