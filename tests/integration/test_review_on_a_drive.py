"""Passages, blind sample and passport on a drive with documents: what reviewers see is what stands on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.demonstration.drive import make_demonstration
from forensics.examination import review, sample
from forensics.examination.acquire import acquire
from forensics.examination.assess import assess
from forensics.examination.index import index
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import passage
from forensics.examination.passport import passport
from forensics.examination.receive import new, receive
from forensics.examination.records import add_records
from forensics.jobs.events import silent
from forensics.model import SourceRecord

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenCase]:
    folder = tmp_path_factory.mktemp("drive")
    made = make_demonstration(folder / "demo", members=600, affected=200)
    details = CaseDetails("2026-001", "A case", "Plan", ("business",), "R. Reader", incident="2026-01-05")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protection, "MEMORY_KIB", 64)
        opened = new(folder / "c.dcase", details, "correct horse battery staple")
    with opened:
        receive(opened, silent(), exhibit="E-001", received_from="A", received_by="B")
        acquire(opened, silent(), exhibit="E-001", source=made.image)
        index(opened, silent())
        add_records(opened, silent(), file=made.records)
        match(opened, silent())
        assess(opened, silent())
        yield opened


def shows(record: SourceRecord, lines: list[dict[str, Any]]) -> bool:
    """Whether somebody with eyes sees this person in the passage: two of name, number, id and birth date."""
    said = " ".join(line["text"] for line in lines if line["here"]).casefold()
    digits = re.sub(r"\D+", "", said)
    year, month, day = (record.birth_date or "--").split("-")
    dates = [f"{year}-{month}-{day}", f"{month}/{day}/{year}", f"{int(month)}/{int(day)}/{year}", f"{month}{day}{year}",
             f"{year}{month}{day}"]  # fmt: skip
    seen = [
        record.given_name.casefold() in said and record.family_name.casefold() in said,
        bool(record.ssn) and record.ssn in digits,
        bool(record.member_id) and (record.member_id.casefold() in said or record.member_id.lstrip("W") in digits),
        any(date in said for date in dates) or str(year) in said,
    ]
    return sum(seen) >= 2


def test_a_reviewer_with_eyes_measures_the_list_and_passes_every_catch_row(case: OpenCase) -> None:
    sample.draw(case, size=30, seed=11)
    with case.store.begin() as connection:
        keys = {row.id: row.record_key for row in connection.execute(text("SELECT * FROM sample_item"))}
    records = {record.record_key: record for _, record in case.store.source_records()}
    for question in sample.questions(case)["questions"]:
        told = sample.show(case, item=question["item"])
        assert sum(line["here"] for line in told["lines"]) == 1, told["place"]
        said = "yes" if shows(records[keys[question["item"]]], told["lines"]) else "no"
        sample.answer(case, item=question["item"], said=said)
    told = sample.close(case)
    assert (told["caught"], told["catch_answers"]) == (told["catch_rows"], told["catch_rows"])
    assert told["catch_rows"] >= 6
    assert told["precision"]["share"] >= 0.95
    assert told["current"]
    reads = [event.data for event in case.ledger.events() if event.event == "content-read"]
    assert len(reads) == len(keys)
    assert {frozenset(read) for read in reads} == {frozenset({"sample", "item", "by"})}


def test_every_place_of_every_person_can_be_shown_and_shows_what_agreed_there(case: OpenCase) -> None:
    records = {record.record_key: record for _, record in case.store.source_records()}
    kinds: dict[str, int] = {}
    for person in review.queue(case)["persons"][::12]:
        record = records[person["record_key"]]
        for row in passport(case, record_key=person["record_key"])["evidence"]:
            lines = passage(case, row["place"])
            kind = re.sub(r"\d+", "", row["place"].rpartition("!")[2])[:4] if "!" in row["place"] else row["region"]
            kinds[kind] = kinds.get(kind, 0) + 1
            said = " ".join(line["text"] for line in lines if line["here"]).casefold()
            assert said, row["place"]
            if "name" in row["agree"] and row["road"] == "table":
                assert record.family_name.casefold() in said, row["place"]
            if "ssn" in row["agree"] and row["road"] != "letter":
                assert record.ssn[-4:] in re.sub(r"\D+", "", said), row["place"]
    assert {"row ", "line", "unallocated"} <= set(kinds), kinds
