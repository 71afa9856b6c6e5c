"""Tables of a drive beside two dated snapshots: each is put on its day by its rows, or said to be of neither."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exposed_drive import RECORDS, cells, indexed, moved, table, write_records
from worked_example import text_of

from forensics import hashing
from forensics.examination import known
from forensics.examination.assess import assess
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.report import report
from forensics.jobs.events import silent

LEFT, JOINED, MOVED = RECORDS[:15], RECORDS[15:30], [one for one in RECORDS[30:120] if one.phone][:40]
STAYED = RECORDS[120:400]
EARLY = [*LEFT, *MOVED, *STAYED]
LATE = [*JOINED, *map(moved, MOVED), *STAYED]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenCase]:
    folder = tmp_path_factory.mktemp("days")
    early, late = write_records(EARLY, folder / "early.csv"), write_records(LATE, folder / "late.csv")
    contents = {
        "of may.csv": table([cells(one) for one in EARLY]),
        "of june.csv": table([cells(one) for one in reversed(LATE)]),
        "between.csv": table(
            [*map(cells, MOVED[:20]), *(cells(moved(one)) for one in MOVED[20:]), *map(cells, STAYED)]
        ),
        "of any day.csv": table([cells(one) for one in STAYED]),
        "extract.csv": late.read_bytes(),
    }
    # The later one is loaded first: days count, not the order in which files came.
    with indexed(folder, contents, (late, "2026-06-01"), (early, "2026-05-01")) as opened:
        (folder / "hashes.txt").write_text(hashing.of_bytes(contents["of any day.csv"]) + "\n")
        known.add(opened, silent(), file=folder / "hashes.txt", name="leaked lists")
        match(opened, silent())
        yield opened


@pytest.fixture(scope="module")
def result(case: OpenCase) -> dict[str, dict[str, Any]]:
    return {one["locator"].rpartition("/")[2]: one for one in assess(case, silent())["dated_tables"]}


def test_a_table_is_put_on_the_day_of_its_values(result: dict[str, dict[str, Any]]) -> None:
    for name, day, others in (("of may.csv", "2026-05-01", LEFT), ("of june.csv", "2026-06-01", JOINED)):
        told = result[name]
        assert (told["best_as_of"], told["distinguishable"], told["identical_to"]) == ([day], True, [])
        assert told["persons"] == len(EARLY)
        assert told["told_by"] == len(MOVED) + len(others)
        agreeing, other = sorted(told["snapshots"], key=lambda one: one["as_of"] != day)
        assert (agreeing["agree"], agreeing["differ"], agreeing["absent"]) == (told["told_by"], 0, 0)
        assert (other["agree"], other["differ"], other["absent"]) == (0, len(MOVED), len(others))


def test_what_is_of_no_day_is_said_to_be(result: dict[str, dict[str, Any]]) -> None:
    between = result["between.csv"]
    assert (between["distinguishable"], between["told_by"]) == (False, len(MOVED))
    assert [one["agree"] for one in between["snapshots"]] == [20, 20]
    assert result["of any day.csv"]["told_by"] == 0
    assert result["of any day.csv"]["said"].startswith("not distinguishable")


def test_what_a_file_is_by_its_hash_stands_beside_it(result: dict[str, dict[str, Any]]) -> None:
    assert result["extract.csv"]["identical_to"] == ["late.csv, 2026-06-01"]
    assert result["extract.csv"]["best_as_of"] == ["2026-06-01"]
    assert result["of any day.csv"]["identical_to"] == ["known files leaked lists"]


def test_the_report_prints_the_evidence(case: OpenCase, result: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    report(case, silent(), out=tmp_path / "r.pdf")
    said = " ".join(text_of(tmp_path / "r.pdf").split())
    assert "Which snapshot a table agrees with" in said
    assert "agrees best with" in said
    assert "leaked" in said
    assert f"early.csv: {len(LEFT)} records are in no later snapshot: former members" in said
    assert said.count("are in no later snapshot") == 1
    assert (
        f"early.csv: Beside sets loaded before it, {len(EARLY) - len(MOVED) - len(LEFT)} records have the same" in said
    )


def test_one_snapshot_dates_nothing(tmp_path: Path) -> None:
    records = write_records(EARLY, tmp_path / "r.csv")
    with indexed(tmp_path, {"a.csv": table([cells(one) for one in EARLY])}, (records, "2026-05-01")) as opened:
        match(opened, silent())
        assert assess(opened, silent())["dated_tables"] == []
