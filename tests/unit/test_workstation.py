"""What is kept of the last self-test, and what reports and the window are told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forensics.casefile import workstation


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIVECUSTODY_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def result(**changes: Any) -> dict[str, Any]:
    facts = [{"subject": "a", "check": "b", "holds": holds, "detail": ""} for holds in (True, True, False)]
    return {
        "result_id": "0123456789abcdef", "time": "2026-01-02T03:04:05Z", "intact": False, "facts": facts,
        "environment": workstation.environment(), **changes,
    }  # fmt: skip


def test_a_workstation_without_a_self_test_says_so(state: Path) -> None:
    assert workstation.last_self_test() is None
    assert "not run on this workstation" in workstation.last_self_test_in_words()


def test_the_last_self_test_is_told_with_id_date_and_count(state: Path) -> None:
    assert workstation.keep(result())
    test = workstation.last_self_test()
    assert test is not None
    assert (test.passed, test.checks, test.intact, test.current) == (2, 3, False, True)
    words = workstation.last_self_test_in_words()
    assert "id 0123456789abcdef, 2026-01-02T03:04:05Z, passed 2 of 3 checks." in words
    assert "other versions" not in words


@pytest.mark.parametrize("name", ["program", "python", "libraries", "platform"])
def test_a_self_test_with_other_versions_is_told_to_be_one(state: Path, name: str) -> None:
    workstation.keep(result(environment={**workstation.environment(), name: "another"}))
    assert "other versions" in workstation.last_self_test_in_words()


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"facts": 3}', "\0\0"])
def test_a_damaged_result_counts_as_none(state: Path, damage: str) -> None:
    workstation.keep(result())
    next(state.iterdir()).write_text(damage)
    assert workstation.last_self_test() is None


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(state: Path) -> None:
    state.write_text("a file where the folder should be")
    assert workstation.keep(result()) is False
