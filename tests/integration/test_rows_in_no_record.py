"""Rows beside those of members that look like persons and are in no record: counted, with their places."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exposed_drive import RECORDS, SHOWN, STRANGERS, cells, files, indexed, table, write_records
from worked_example import text_of

from forensics.examination.assess import assess
from forensics.examination.export import export
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.report import report
from forensics.jobs.events import silent

TOTAL = ["Total", "", "", "", str(len(SHOWN)), ""]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenCase]:
    folder = tmp_path_factory.mktemp("strangers")
    strangers_only = table([cells(one) for one in STRANGERS])
    whole = {**files(), "theirs.csv": strangers_only, "totals.csv": table([*map(cells, SHOWN), TOTAL, [], TOTAL])}
    with indexed(folder, whole, (write_records(RECORDS, folder / "records.csv"), "")) as opened:
        match(opened, silent())
        yield opened


@pytest.fixture(scope="module")
def result(case: OpenCase) -> dict[str, Any]:
    return assess(case, silent())


def of(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in result["not_in_records_tables"] if one["locator"].endswith(f"/{name}"))


def test_strangers_in_a_table_of_members_are_counted_each_once(result: dict[str, Any]) -> None:
    assert result["not_in_records"] == len(STRANGERS)


def test_each_table_says_how_many_and_where(result: dict[str, Any]) -> None:
    told = of(result, "list.csv")
    assert told["rows"] == 1 + len(SHOWN) + len(STRANGERS)
    assert (told["in_records"], told["not_in_records"]) == (len(SHOWN), len(STRANGERS))
    assert (told["columns_unknown"], told["no_person"]) == (0, 1)
    assert told["share"] == pytest.approx(len(STRANGERS) / told["rows"], abs=1e-4)
    # The first stranger stands behind the header, and then one behind every four members.
    assert told["first"] == [f"{told['locator']}!row {2 + 5 * n}" for n in range(5)]
    assert of(result, "other.csv")["not_in_records"] == 5


def test_headers_totals_and_empty_rows_are_no_persons(result: dict[str, Any]) -> None:
    told = of(result, "totals.csv")
    assert (told["not_in_records"], told["no_person"]) == (0, 3)


def test_a_table_that_shows_no_record_is_not_this_ones_business(result: dict[str, Any]) -> None:
    assert not [one for one in result["not_in_records_tables"] if one["locator"].endswith("theirs.csv")]


def test_every_place_is_exported_and_no_value(case: OpenCase, result: dict[str, Any], tmp_path: Path) -> None:
    export(case, silent(), kind="not-in-records", out=tmp_path / "o.csv")
    with (tmp_path / "o.csv").open(newline="") as stream:
        found = [row["locator"] for row in csv.DictReader(stream)]
    assert len(found) == 2 * len(STRANGERS) + 5
    assert set(of(result, "list.csv")["first"]) <= set(found)


def test_the_report_prints_them(case: OpenCase, result: dict[str, Any], tmp_path: Path) -> None:
    report(case, silent(), out=tmp_path / "r.pdf")
    said = text_of(tmp_path / "r.pdf")
    assert "Persons in no source record" in said
    told = of(result, "list.csv")
    row = next(line for line in said.splitlines() if "list.csv" in line and f"{len(STRANGERS)}" in line)
    assert [part for part in row.split() if part.isdigit()] == [str(told["rows"]), str(len(SHOWN)), "60", "0"]
    assert "persons on the drive who are in no source record" not in said
