"""`match --fuzzy` on a drive: misspelled rows of a table are offered with their reason, and never as sure."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.demonstration.members import Member, make_members
from forensics.errors import Cancelled
from forensics.examination.acquire import acquire
from forensics.examination.assess import assess
from forensics.examination.index import index
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.passport import passport
from forensics.examination.receive import new, receive
from forensics.examination.records import add_records
from forensics.exposure.strata import LINKAGE
from forensics.jobs.events import Job, silent

HEADER = ["First", "Last", "Born", "Street", "Phone"]


def typo(word: str) -> str:
    return word[:2] + ("x" if word[2] != "x" else "z") + word[3:]


def cells(one: Member, given: str) -> list[str]:
    return [given, one.last_name, one.birth_date, one.address, one.phone]


def table(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([HEADER, *rows])
    return out.getvalue().encode()


MEMBERS = list(
    {(m.first_name, m.last_name, m.birth_date): m for m in make_members(900, np.random.default_rng(31))}.values()
)
EXACT, MARRED = MEMBERS[:300], [one for one in MEMBERS[300:400] if len(one.first_name) > 4]
STRANGERS = list(make_members(100, np.random.default_rng(77)))


@pytest.fixture
def case(tmp_path: Path) -> Iterator[OpenCase]:
    rows = [cells(one, one.first_name) for one in EXACT] + [cells(one, typo(one.first_name)) for one in MARRED]
    rows += [cells(one, one.first_name) for one in STRANGERS]
    (tmp_path / "list.csv").write_bytes(table(rows))
    drive = tmp_path / "drive.img"
    drive.write_bytes(bytes(8 << 20))
    subprocess.run(["mkfs.vfat", drive], check=True, capture_output=True)
    subprocess.run(["mcopy", "-i", drive, tmp_path / "list.csv", "::list.csv"], check=True)
    lines = ["Member ID,First Name,Last Name,DOB,Address,Phone"]
    lines += [f"{m.member_id},{m.first_name},{m.last_name},{m.birth_date},{m.address},{m.phone}" for m in MEMBERS]
    (tmp_path / "records.csv").write_text("\n".join(lines) + "\n")
    details = CaseDetails("2026-001", "A case", "Plan", ("business",), "R. Reader", incident="2026-01-05")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protection, "MEMORY_KIB", 64)
        opened = new(tmp_path / "c.dcase", details, "correct horse battery staple")
    with opened:
        receive(opened, silent(), exhibit="E-001", received_from="A", received_by="B")
        acquire(opened, silent(), exhibit="E-001", source=drive)
        index(opened, silent())
        add_records(opened, silent(), file=tmp_path / "records.csv")
        yield opened


def alike(case: OpenCase) -> dict[str, str]:
    """Record key → why, of the persons found by likeness only."""
    return {
        record.record_key: evidence[0].why
        for _, record, evidence in case.store.evidence_by_record()
        if {item.road for item in evidence} == {LINKAGE}
    }


def test_misspelled_rows_are_offered_with_a_reason_and_nobody_else(case: OpenCase) -> None:
    before = match(case, silent())
    assert before["rows_alike"] is None
    exact = assess(case, silent())
    told = match(case, silent(), fuzzy=True)
    found = alike(case)
    marred = {one.member_id for one in MARRED}
    assert len(set(found) & marred) >= 0.9 * len(marred)
    assert set(found) <= marred
    assert told["rows_alike"] >= len(found)
    for key, why in found.items():
        member = next(one for one in MARRED if one.member_id == key)
        assert "given name one letter differs" in why
        assert "probability" in why
        assert member.first_name not in why
        assert member.last_name not in why
    after = assess(case, silent())
    assert after["tiers"]["possible"] == exact["tiers"]["possible"] + len(found)
    assert [after["tiers"][tier] for tier in ("confirmed", "probable")] == [
        exact["tiers"][tier] for tier in ("confirmed", "probable")
    ]
    assert after["low"] == exact["low"], "what is only alike adds nothing to the lower bound"
    assert after["high"] == exact["high"] + len(found), "and stays open in the upper one"
    assert after["result_sha256"] != exact["result_sha256"]
    shown = passport(case, record_key=next(iter(found)))
    assert shown["tier"] == "possible"
    assert any("one letter differs" in place["why"] for place in shown["evidence"])


def test_an_interrupted_comparison_goes_on_and_finds_the_same(case: OpenCase) -> None:
    match(case, silent())
    seen = []

    class Impatient(Job):
        def progress(self, phase: str, *rest: object) -> None:
            seen.append(phase)

        def check(self) -> None:
            if "compare for likeness" in seen:
                raise Cancelled

    with pytest.raises(Cancelled):
        match(case, Impatient(lambda _: None), fuzzy=True)
    assert not case.store.fact("linked")
    assert alike(case) == {}
    match(case, silent(), fuzzy=True)
    once = alike(case)
    match(case, silent(), fuzzy=True)
    assert once
    assert alike(case) == once
