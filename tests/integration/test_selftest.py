"""The self-test passes here, and fails, naming the check, for each thing that a broken workstation would get wrong."""

from __future__ import annotations

import copy
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import selftest_recipe

from forensics import hashing
from forensics.casefile import workstation
from forensics.casefile.case import CaseDetails
from forensics.errors import Cancelled, Defect
from forensics.examination import selftest
from forensics.examination.receive import new
from forensics.examination.report import report
from forensics.examination.selftest import Known, result_id, self_test, within
from forensics.exposure import tiers
from forensics.jobs.events import silent
from forensics.model import Evidence, Fact

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIVECUSTODY_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "state"


def failing(result: dict[str, Any]) -> set[str]:
    return {f"{fact['subject']}: {fact['check']}" for fact in result["facts"] if fact["holds"] is not True}


def known(change: Callable[[dict[str, Any]], None] | None = None, **changes: Any) -> Known:
    """The shipped one with changed answers; their digest is kept, so that only the check in question can fail."""
    shipped = Known.shipped()
    answers = copy.deepcopy(shipped.answers)
    if change:
        change(answers)
    return Known(**{"drive": shipped.drive, "records": shipped.records, "answers": answers,
                    "answers_sha256": shipped.answers_sha256, **changes})  # fmt: skip


# --------------------------------------------------------------------------------------------------------- it passes


def test_it_passes_here_is_kept_for_reports_and_leaves_nothing_behind(tmp_path: Path, state: Path) -> None:
    folder = tmp_path / "temp"
    folder.mkdir()
    done = _run(folder)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    result = events[-1]["result"]
    assert failing(result) == set()
    assert (done.returncode, events[-1]["outcome"], result["intact"]) == (0, "ok", True)
    assert len(result["facts"]) > 30
    assert {event["event"] for event in events} == {"started", "progress", "finished"}
    assert list(folder.iterdir()) == []
    kept = workstation.last_self_test()
    assert kept is not None
    assert (kept.result_id, kept.intact, kept.current) == (result["result_id"], True, True)
    _printed_in_a_report(tmp_path, result["result_id"])


def _run(folder: Path) -> subprocess.CompletedProcess[str]:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "forensics", "selftest", "--json", "--control", "stdin"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdin
        assert child.stdout
        # The window holds the input open: the end of it would be a stop.
        child.stdin.write("\n")
        child.stdin.flush()
        out = child.stdout.read()
        child.stdin.close()
        return subprocess.CompletedProcess([], child.wait(60), out)


def _printed_in_a_report(tmp_path: Path, expected: str) -> None:
    details = CaseDetails("C-1", "A case", "Org", ("business",), "Examiner")
    with new(tmp_path / "c.dcase", details, "a passphrase of many words") as case:
        report(case, silent(), out=tmp_path / "with.pdf")
        (tmp_path / "state" / "selftest.json").unlink()
        report(case, silent(), out=tmp_path / "without.pdf")
    texts = [
        " ".join(subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout.split())
        for path in (tmp_path / "with.pdf", tmp_path / "without.pdf")
    ]
    assert f"Workstation self-test: id {expected}" in texts[0]
    assert "Workstation self-test: not run on this workstation" in texts[1]


def test_the_answers_are_what_other_tools_say_of_the_stored_drive(tmp_path: Path) -> None:
    """mtools, unzip, mmls, sha256sum and text search over the stored drive; the recipe asks the truth as well."""
    made = selftest_recipe.make(tmp_path / "made")
    shipped = Known.shipped()
    made.image.write_bytes(gzip.decompress(shipped.drive.read_bytes()))
    assert made.records.read_bytes() == gzip.decompress(shipped.records.read_bytes())
    assert selftest_recipe.answers(made) == shipped.answers


# ---------------------------------------------------------------------------------------------------------- it fails


def test_every_changed_answer_is_named_by_its_own_check(tmp_path: Path) -> None:
    def change(answers: dict[str, Any]) -> None:
        confirmed = [p for p in answers["persons"] if p["tier"] == "confirmed"]
        confirmed[0]["tier"] = "probable"
        confirmed[1]["elements"] = confirmed[1]["elements"][:-1]
        by_row = next(p for p in answers["persons"] if (p["first_place"] or "").endswith("!row 4"))
        by_row["first_place"] = by_row["first_place"][:-1] + "5"
        answers["volumes"][0]["offset"] += 512
        answers["entries"]["live"] += 1
        next(f for f in answers["files"] if f["status"] == "deleted")["sha256"] = "0" * 64
        answers["not_examined"] = []
        answers["counts"]["minors"] += 1
        answers["image"]["sha1"] = "0" * 40
        answers["records"]["rows"] += 1

    result = self_test(silent(), known(change))
    assert failing(result) == {
        "RAW image: SHA-1", "E01 image: SHA-1", "contents: volumes", "contents: entries by status",
        "contents, deleted: files with size and SHA-256", "contents: not examined", "source records: rows",
        "persons: minors", "persons: tiers", "persons: elements", "persons: first places",
    }  # fmt: skip
    assert (int(result["status"]), result["intact"]) == (1, False)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("drivecustody-selftest-")]


def test_a_broken_tier_rule_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = tiers.stratum_at

    def broken(place: Evidence) -> int | None:
        """Without the contradictions: a row of somebody's other id, or of a namesake, makes a person sure."""
        return sound(replace(place, conflict=frozenset()))

    monkeypatch.setattr(tiers, "stratum_at", broken)
    result = self_test(silent(), known())
    assert {"persons: tiers", "persons: who is affected", "persons: counts by tier"} <= failing(result)
    assert {name.partition(":")[0] for name in failing(result)} == {"persons"}
    assert "W204001486" in next(f["detail"] for f in result["facts"] if f["check"] == "who is affected")


def test_one_changed_byte_of_a_file_on_the_drive_is_found(tmp_path: Path) -> None:
    data = gzip.decompress(Known.shipped().drive.read_bytes())
    at = data.index(b"call the garage")
    drive = tmp_path / "other.img.gz"
    drive.write_bytes(gzip.compress(data[:at] + b"C" + data[at + 1 :], 1))
    result = self_test(silent(), known(drive=drive))
    assert "contents, live: files with size and SHA-256" in failing(result)
    assert {"RAW image: SHA-256", "E01 image: MD5"} <= failing(result)
    detail = next(f["detail"] for f in result["facts"] if f["subject"] == "contents, live")
    assert "note 2.txt" in detail


def test_other_answers_than_those_of_this_version_are_found_even_where_all_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise Defect("It does not work.")

    monkeypatch.setattr(selftest, "receive", broken)
    result = self_test(silent(), known(answers_sha256="0" * 64))
    assert failing(result) == {"known answers: those of this version", "acquire as RAW: ends without an error"}


@pytest.mark.parametrize("error", [Defect("Sums differ."), ValueError("W204000023 does not fit")])
def test_a_verb_that_fails_is_a_check_that_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(selftest, "index", broken)
    result = self_test(silent(), known())
    assert failing(result) == {"index: ends without an error"}
    assert "W204000023" not in json.dumps(result)
    kept = workstation.last_self_test()
    assert kept is not None
    assert not kept.intact


def test_what_the_machine_lacks_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(selftest, "receive", full)
    with pytest.raises(OSError, match="No space"):
        self_test(silent(), known())
    assert not state.exists()


def test_it_can_be_stopped_and_then_nothing_is_kept(tmp_path: Path, state: Path) -> None:
    job = silent()
    job.stop()
    with pytest.raises(Cancelled):
        self_test(job, known())
    assert not state.exists()
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------------------------------- the parts


def test_the_result_id_stands_for_outcome_and_versions_and_not_for_time_or_wording() -> None:
    here = workstation.environment()
    facts = [Fact("persons", "tiers", True, "121 as known"), Fact("report", "written", True, "81032 bytes")]
    same = [Fact("persons", "tiers", True, "121 as known"), Fact("report", "written", True, "81033 bytes")]
    assert result_id(facts, here) == result_id(same, here)
    assert len(result_id(facts, here)) == 16
    others = [
        result_id([Fact("persons", "tiers", False), facts[1]], here),
        result_id(facts[:1], here),
        result_id(facts, {**here, "program": "9.9"}),
        result_id(facts, {**here, "python": "3.99"}),
        result_id(facts, {**here, "libraries": {**here["libraries"], "numpy": "0"}}),
    ]
    assert len({result_id(facts, here), *others}) == 6


def test_a_place_counted_in_bytes_has_to_lie_inside_the_line() -> None:
    line = "E-001/unallocated@0x00001000+40"
    assert within("E-001/unallocated@0x00001000+40", line)
    assert within("E-001/unallocated@0x00001010+11", line)
    assert not within("E-001/unallocated@0x00000fff+11", line)
    assert not within("E-001/unallocated@0x00001020+11", line)
    assert not within("E-001/vol2/list.csv!row 3", line)
    assert within("E-001/vol2/list.csv!row 3", "E-001/vol2/list.csv!row 3")
    assert not within("E-001/vol2/list.csv!row 2", "E-001/vol2/list.csv!row 3")


def test_the_pin_in_the_source_is_that_of_the_stored_answers() -> None:
    assert hashing.of_file(ROOT / "resources" / "selftest" / "answers.json") == selftest.ANSWERS_SHA256
