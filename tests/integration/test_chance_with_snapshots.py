"""Chance is measured by persons: a second snapshot of the same people makes it neither larger nor smaller."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exposed_drive import PEOPLE, RECORDS, cells, indexed, moved, table, write_records

from forensics.examination.assess import assess
from forensics.examination.match import match
from forensics.jobs.events import silent
from forensics.matching.index import RecordIndex
from forensics.model import Moved, SourceRecord

NUMBERS = np.random.default_rng(5).integers(773_000_000, 899_999_999, 150_000)
"""Where the members' SSNs are: enough accidents to be measured."""

DRIVE = {
    "list.csv": table([cells(one) for one in RECORDS[:300]]),
    "numbers.txt": "".join(f"{n:09}\n" for n in NUMBERS.tolist()).encode(),
}


def strata(folder: Path, *records: tuple[Path, str]) -> dict[str, dict[str, Any]]:
    with indexed(folder, DRIVE, *records) as case:
        match(case, silent())
        return {one["name"]: one for one in assess(case, silent())["strata"]}


def test_a_second_snapshot_leaves_chance_as_it_is(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    people = [m for m in PEOPLE if m.ssn]
    first = write_records(people, tmp_path / "first.csv")
    once = strata(tmp_path / "one", (first, "2026-05-01"))
    second = write_records([moved(one) for one in people], tmp_path / "second.csv")
    twice = strata(tmp_path / "two", (first, "2026-05-01"), (second, "2026-06-01"))
    alone = once["SSN alone or contradicted"]
    assert alone["found"] > 0
    assert alone["decoys_found"] > 10, "chance found nothing: nothing is tried here"
    for name, one in once.items():
        assert one == pytest.approx(twice[name]), name


def test_decoys_of_all_values_are_counted_for_the_person_who_has_them() -> None:
    from forensics.examination.records_index import by_person, decoys_of

    one = SourceRecord("K1", "Ada", "", "Byrne", birth_date="1961-02-03", ssn="523456781", member_id="W1000001")
    other = SourceRecord("K2", "Eve", "", "Roth", birth_date="1971-02-03", ssn="623456781")
    newer = replace(one, ssn="723456781")
    index = RecordIndex.build(enumerate([one, other, newer], 1))
    told = decoys_of(index)
    assert told["kinds"][str(Moved.SSN)]["records"] == 3
    persons = by_person(told, index, {1: 3})
    assert persons["kinds"][str(Moved.SSN)] == {"records": 2, "kept": [2] * 20}
    assert persons["kinds"][str(Moved.MEMBER_ID)]["records"] == 1
    assert by_person(told, index, {}) is told
