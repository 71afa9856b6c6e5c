"""A small case in which four made-up people were found, without a drive: what review, passport and exports read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics.casefile import case as cases
from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.casefile.store import Store
from forensics.casefile.stored import FoundEvidence, MatchUnit, SourceSet
from forensics.examination.open_case import OpenCase
from forensics.exposure.tiers import counting, exposure_of
from forensics.model import (
    OK,
    EntryStatus,
    Evidence,
    Exposure,
    FileEntry,
    Locator,
    Region,
    SourceRecord,
    Volume,
)

DETAILS = CaseDetails("2026-001", "A case", "Plan", ("covered-entity",), "R. Reader", incident="2026-01-05")

ANNA = SourceRecord(
    "W1", "Anna", "", "Marlowe", "", "1980-02-03", "899771234", "W1", "12 Elm St", "Hartford", "CT", "06103",
    "2035550101", "anna@example.org",
)  # fmt: skip
BEN = SourceRecord("W2", "Ben", "", "Marlowe", "", "2012-05-06", "899775678", "W2", "12 Elm St", "Hartford", "CT")
CARA = SourceRecord("W3", "Cara", "", "Nolan", "", "1975-07-08", "899779999", "W3", "1 Oak Ave", "Boston", "MA")
DREW = SourceRecord("W4", "Drew", "", "Osei", "", "1966-09-10", "", "W4", "7 Ash Rd", "Boston", "MA", deceased=True)
ANNA_AGAIN = SourceRecord("W5", "Anna", "", "Marlowe", "", "1980-02-03", "899771234", "W5", "9 New St", "Derby", "CT")
RECORDS = (ANNA, BEN, CARA, DREW, ANNA_AGAIN)


def evidence(record: int, tail: str, agree: str, conflict: str = "", more: str = "", road: str = "table") -> Evidence:
    fields, differs = frozenset(agree.split()), frozenset(conflict.split())
    return Evidence(tail, record, Region.LIVE, False, fields | differs | frozenset(more.split()), fields, differs, road)


FOUND = (
    (1, evidence(1, "!row 2", "name birth_date ssn member_id", more="address")),
    (1, evidence(2, "!row 3", "name birth_date ssn")),
    (2, evidence(1, "@10+40", "name birth_date", road="line")),
    (2, evidence(3, "@90+40", "ssn", "name birth_date", road="line")),
    (1, evidence(4, "!row 4", "name birth_date")),
)


@pytest.fixture(autouse=True)
def cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id at its lowest cost: nobody guesses here."""
    monkeypatch.setattr(protection, "MEMORY_KIB", 64)
    monkeypatch.setattr(protection, "ITERATIONS", 1)
    monkeypatch.setattr(protection, "LANES", 1)


def assess(store: Store) -> None:
    """What `assess` writes of the evidence that is there."""
    persons: list[tuple[int, Exposure]] = []
    for number, record, found in store.evidence_by_record():
        tier, counted = counting(found)
        assert tier is not None
        persons.append((number, exposure_of(record, tier, counted, cases_day())))
    result: dict[str, Any] = {"tiers": {"confirmed": 2, "probable": 1, "possible": 1}, "source_records": len(RECORDS)}
    store.replace_exposure(persons, result, {"total": 5})


def cases_day() -> Any:
    from datetime import date

    return date(2026, 1, 5)


def fill(store: Store) -> None:
    store.add_exhibit("E-001", "2026-01-06T09:00:00Z", {})
    store.add_volumes([Volume("E-001", 2, 0, 1 << 30, "partition", "FAT32", "", 4096, OK)])
    entries = [
        FileEntry(Locator("E-001", 2, path=(name,)), EntryStatus.LIVE, 500, 5, "", "", "", (), "FAT")
        for name in (b"list.csv", b"notes.txt")
    ]
    store.add_entries(store.volumes("E-001")[0][0], entries)
    store.add_source_set(SourceSet("members.csv", "ab" * 32, "2026-01-01", 0, {"record_key": "id"}), RECORDS)
    store.plan_match([MatchUnit(0, "E-001", 0, 100, None)])
    store.finish_unit(1, OK, [FoundEvidence(entry, item.locator, item) for entry, item in FOUND])
    store.put_fact("matched", True)
    assess(store)


@pytest.fixture
def found_case(tmp_path: Path, cheap_guesses: None) -> Iterator[OpenCase]:
    """The case, open for work. W1 and W2 are confirmed, W4 probable, W3 possible with a conflict."""
    folder, key, _ = cases.create(tmp_path / "found.dcase", DETAILS, "correct horse battery staple")
    with Store(folder, key) as store:
        fill(store)
    with OpenCase(folder, key) as opened:
        yield opened
