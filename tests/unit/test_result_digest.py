"""The same drive and records give the same digest, whoever found what first; anything else gives another."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.examination import match as matching
from forensics.examination.acquire import acquire
from forensics.examination.assess import assess
from forensics.examination.index import index
from forensics.examination.receive import new, receive
from forensics.examination.records import add_records
from forensics.exposure.digest import ResultDigest, basis
from forensics.exposure.strata import STRATA
from forensics.exposure.tiers import counting, exposure_of
from forensics.jobs.events import silent
from forensics.model import Evidence, Region
from tests.unit.review_fixtures import ANNA, BEN, CARA, RECORDS, cases_day, cheap_guesses, evidence

__all__ = ["cheap_guesses"]

PLACES = [replace(evidence(1, "E-001/vol2/list.csv!row 2", "name ssn", more="address"), record=1),
          replace(evidence(1, "E-001/vol2/notes.txt@90+40", "ssn", "name", road="line"), record=1)]  # fmt: skip
SETTINGS, ESTIMATE = {"level": 0.95}, {"tiers": {"confirmed": 2}, "strata": [{"chance": 0.25}]}


def digest(people: list[tuple[int, list[Evidence]]], estimate: dict[str, object] = ESTIMATE, **settings: object) -> str:
    made = ResultDigest()
    for number, places in people:
        stratum, counted = counting(places)
        assert stratum is not None
        record = RECORDS[number]
        person = exposure_of(record, STRATA[stratum].ceiling, counted, cases_day())
        made.add(person, basis(record, places))
    return made.hexdigest(settings={**SETTINGS, **settings}, estimate=estimate)


def test_neither_the_order_of_persons_nor_that_of_places_is_in_it() -> None:
    people = [(0, PLACES), (1, PLACES[:1])]
    assert digest(people) == digest([(1, PLACES[:1]), (0, [*reversed(PLACES), PLACES[0]])])
    assert len(digest(people)) == 64


def test_it_can_be_made_again_from_its_description_alone() -> None:
    import hashlib

    def line(value: object) -> bytes:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    record = {name: getattr(ANNA, name) for name in ANNA.__slots__}
    places = [["E-001/vol2/list.csv!row 2", "live", "False", "table", "", "address name ssn", "name ssn", ""]]
    rests_on = hashlib.sha256(line({"record": record, "places": places})).hexdigest()
    person = {
        "record_key": "W1", "tier": "confirmed", "elements": ["address", "name", "ssn"], "places": 1, "live": 1,
        "deleted": 0, "unallocated": 0, "archived": 0, "first_place": "E-001/vol2/list.csv!row 2", "state": "CT",
        "minor": False, "deceased": False,
    }  # fmt: skip
    one = hashlib.sha256(line({"person": person, "basis": rests_on})).hexdigest()
    head = line({"drivecustody": "result", "form": 3}) + line({"settings": SETTINGS}) + line({"estimate": ESTIMATE})
    assert digest([(0, PLACES[:1])]) == hashlib.sha256(head + one.encode() + b"\n").hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        digest([(0, PLACES[:1])], level=0.9),
        digest([(0, PLACES[:1])], {**ESTIMATE, "tiers": {"confirmed": 3}}),
        digest([(1, PLACES[:1])]),
        digest([(0, PLACES)]),
        digest([(0, [replace(PLACES[0], region=Region.DELETED)])]),
        digest([(0, [replace(PLACES[0], road="line")])]),
        digest([(0, [replace(PLACES[0], why="given name one letter differs (+5.0)")])]),
        digest([(0, [replace(PLACES[0], conflict=frozenset({"birth_date"}))])]),
        digest([]),
    ],
)
def test_any_other_result_has_another(other: str) -> None:
    assert other != digest([(0, PLACES[:1])])


def test_a_value_that_only_the_record_holds_is_in_it_so_that_nobody_can_try_numbers_out() -> None:
    assert basis(ANNA, PLACES) != basis(replace(ANNA, email="anna@example.com"), PLACES)
    assert basis(ANNA, PLACES) != basis(replace(ANNA, extra={"language": "es"}), PLACES)


# --------------------------------------------------------------------------------------------------- the whole way


def drive(path: Path, seed: int) -> None:
    """A megabyte without a file system: rows of the records here and there, and rows of strangers."""
    rng = random.Random(seed)
    data = bytearray(rng.randbytes(1 << 20).translate(bytes(65 + n % 26 for n in range(256))))
    for at, record in enumerate((ANNA, BEN, CARA, ANNA)):
        row = f"\n{record.given_name},{record.family_name},{record.birth_date},{record.ssn},{record.phone}\n".encode()
        place = (at * 2 + 1) * (1 << 17) + rng.randrange(1 << 16)
        data[place : place + len(row)] = row
    path.write_bytes(data)


def records(path: Path, phone: str = "203-555-0101") -> None:
    lines = ["id,first_name,last_name,dob,ssn,phone,address"]
    for r in RECORDS:
        number = phone if r is ANNA else r.phone
        lines.append(f"{r.record_key},{r.given_name},{r.family_name},{r.birth_date},{r.ssn},{number},{r.address}")
    path.write_text("\n".join(lines) + "\n")


def examined(folder: Path, name: str, workers: int, monkeypatch: pytest.MonkeyPatch, number: str) -> dict[str, object]:
    details = CaseDetails(number, name, "Plan", ("business",), name, incident="2026-01-05")
    with monkeypatch.context() as patched:
        patched.setattr(matching, "RANGE", 1 << 16)
        patched.setattr(os, "cpu_count", lambda: workers)
        with new(folder / f"{name}.dcase", details, "correct horse battery staple") as case:
            receive(case, silent(), exhibit="E-001", received_from="A", received_by="B")
            acquire(case, silent(), exhibit="E-001", source=folder / "drive.img")
            index(case, silent())
            add_records(case, silent(), file=folder / f"{number}.csv", key="id")
            matching.match(case, silent())
            result = assess(case, silent())
            assert case.store.fact("assessment") == result
            assert case.ledger.events()[-1].data["result_sha256"] == result["result_sha256"]
            assert case.store.evidence_counts()[0] >= 4
            if workers == 2:  # rows of evidence in another order than they were found in
                again = assess(case, silent())
                assert again == result
    return result


def test_two_cases_and_one_or_two_workers_find_the_same_and_a_changed_record_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protection, "MEMORY_KIB", 64)
    drive(tmp_path / "drive.img", 7)
    records(tmp_path / "one.csv")
    records(tmp_path / "two.csv", phone="203-555-0102")
    one = examined(tmp_path, "first", 1, monkeypatch, "one")
    two = examined(tmp_path, "second", 2, monkeypatch, "one")
    assert one == two
    assert len(str(one["result_sha256"])) == 64
    changed = examined(tmp_path, "third", 2, monkeypatch, "two")
    assert changed["tiers"] == one["tiers"]
    assert changed["result_sha256"] != one["result_sha256"]
