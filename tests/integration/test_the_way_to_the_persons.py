"""From the values met on a drive to persons: every step adds up, and other rules say what they would have counted."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from exposed_drive import CLOSE, NOTED, RECORDS, SHOWN, files, indexed, write_records

from forensics.errors import Defect
from forensics.examination.assess import assess
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.report import report
from forensics.exposure.trail import checked
from forensics.jobs.events import silent

Result = dict[str, Any]

TWICE = [one._replace(member_id=f"W99900000{place}") for place, one in enumerate(SHOWN[:3])]
"""Members whom the organisation has under another id as well."""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenCase]:
    folder = tmp_path_factory.mktemp("way")
    records = write_records([*RECORDS, *TWICE], folder / "records.csv")
    with indexed(folder, files(), (records, "2026-01-01")) as opened:
        match(opened, silent())
        yield opened


@pytest.fixture(scope="module")
def result(case: OpenCase) -> Result:
    return assess(case, silent())


def step(result: Result, name: str) -> Result:
    return next(one for one in result["waterfall"] if one["step"] == name)


def test_every_step_is_the_one_before_less_what_fell_out(result: Result) -> None:
    steps = result["waterfall"]
    assert [one["step"] for one in steps] == [
        "values of records met", "rows of evidence", "places, each once a record", "places that are evidence",
        "places that count", "records with a place", "confirmed or probable", "persons",
    ]  # fmt: skip
    for before, one in pairwise(steps):
        assert before["n"] == one["n"] + one["fell_out"]
    tiers = result["tiers"]
    assert step(result, "records with a place")["n"] == sum(tiers.values()) == result["ceiling"]
    assert step(result, "confirmed or probable")["n"] == tiers["confirmed"] + tiers["probable"]
    assert step(result, "records with a place")["n"] >= len(SHOWN) + len(NOTED) + len(CLOSE)
    assert step(result, "persons")["fell_out"] == len(TWICE)
    # Each row has five values or more, and two files have them all.
    assert step(result, "values of records met")["n"] > 2 * 2 * len(SHOWN)
    assert step(result, "records with a place")["fell_out"] >= len(SHOWN)


@pytest.mark.parametrize("place", range(1, 8))
@pytest.mark.parametrize("field", ["n", "fell_out"])
def test_a_step_that_does_not_add_up_is_a_defect(result: Result, place: int, field: str) -> None:
    broken = copy.deepcopy(result["waterfall"])
    broken[place][field] += 1
    with pytest.raises(Defect, match="does not add up"):
        checked(broken)


def test_other_rules_say_what_they_would_have_counted(result: Result) -> None:
    rules = {one["rule"]: one for one in result["sensitivity"]}
    used, sure, confirmed, line, wider = rules.values()
    assert {tier: used[tier] for tier in result["tiers"]} == result["tiers"]
    assert (used["low"], used["estimate"], used["high"]) == (result["low"], result["estimate"], result["high"])
    assert sure["possible"] == 0
    assert sure["high"] == used["high"] - len(NOTED)
    assert confirmed["probable"] == confirmed["possible"] == 0
    assert confirmed["low"] >= result["floor"]
    # Within a line the number stands alone in both files; within 400 bytes both have the name.
    assert used["possible"] == len(NOTED)
    assert line["possible"] == len(NOTED) + len(CLOSE)
    assert wider["possible"] == 0
    assert wider["confirmed"] == used["confirmed"] + len(NOTED)
    for one in rules.values():
        assert one["low"] <= one["estimate"] <= one["high"]


def test_the_report_prints_both(case: OpenCase, result: Result, tmp_path: Path) -> None:
    from worked_example import text_of

    report(case, silent(), out=tmp_path / "r.pdf")
    said = text_of(tmp_path / "r.pdf")
    for one in result["waterfall"]:
        assert one["step"] in said
        assert f"{one['n']:,}" in said
    for one in result["sensitivity"]:
        assert one["rule"] in said
        assert f"{one['low']:,} – {one['high']:,}" in said
    assert "sensitivity" not in said.partition("not in this report")[2]
