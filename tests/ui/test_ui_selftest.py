"""The lamp of the workstation on the first page, and the self-test that the window runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from forensics.casefile import workstation
from forensics.casefile.workstation import SelfTest
from ui import app as ui_app
from ui import messages, theme
from ui.bridge import Ending
from ui.main_window import MainWindow
from ui.pages.home import lamp

CHILD = """
import json, os, pathlib, sys
result = json.loads({result!r})
folder = pathlib.Path(os.environ["DRIVECUSTODY_STATE"])
folder.mkdir(parents=True, exist_ok=True)
(folder / "selftest.json").write_text(json.dumps(result))
assert sys.argv[1:] == ["selftest", "--json", "--control", "stdin"], sys.argv
print(json.dumps({{"event": "progress", "phase": "index", "done": 3, "total": 10, "unit": "items", "eta_s": None}}))
sys.stdin.readline()
print(json.dumps({{"event": "finished", "outcome": "ok" if result["intact"] else "failed", "result": result}}))
sys.exit(0 if result["intact"] else 1)
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIVECUSTODY_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def result(intact: bool = True) -> dict[str, object]:
    facts = [{"subject": "persons", "check": check, "holds": True, "detail": ""} for check in ("who", "tiers")]
    facts.append({"subject": "persons", "check": "elements", "holds": intact, "detail": ""})
    return {
        "result_id": "0123456789abcdef", "time": "2026-01-02T03:04:05Z", "intact": intact, "facts": facts,
        "environment": workstation.environment(),
    }  # fmt: skip


def test_the_lamp_has_a_word_for_each_state_and_never_colour_alone() -> None:
    here = workstation.environment()
    passed = SelfTest("0123456789abcdef", "2026-01-02T03:04:05Z", True, 34, 34, here)
    failed = SelfTest("0123456789abcdef", "2026-01-02T03:04:05Z", False, 33, 34, here)
    older = SelfTest("0123456789abcdef", "2026-01-02T03:04:05Z", True, 34, 34, {**here, "program": "0.0.1"})
    states = [lamp(passed), lamp(failed), lamp(older), lamp(None), lamp(None, running=True)]
    assert [state.word for state in states] == ["Passed", "Failed", "Out of date", "Not run yet", "Running"]
    assert [state.kind for state in states] == ["ok", "bad", "warn", "idle", "info"]
    assert "2026-01-02 03:04:05 UTC" in states[0].sentence
    assert "33 of 34" in states[1].sentence
    assert lamp(passed, running=True).word == "Running"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kept", ["none", "passed", "failed"])
def test_the_first_page_shows_it_and_no_word_is_cut_off(
    qtbot: QtBot, qapp: QApplication, window: MainWindow, kept: str, dark: bool
) -> None:
    theme.apply(qapp, dark)
    if kept != "none":
        workstation.keep(result(kept == "passed"))
    window.resize(1024, 680)
    window.leave_case()
    window._show_no_case()
    qtbot.wait(60)
    home = window.home
    expected = {"none": "Not run yet", "passed": "Passed", "failed": "Failed"}[kept]
    assert home.lamp.text() == expected
    assert home.lamp.accessibleName() == f"Self-test: {expected}"
    assert home.self_test.height() >= home.self_test.heightForWidth(home.self_test.width())
    assert home.lamp.width() >= home.lamp.sizeHint().width()
    assert home.self_test_button.isEnabled()


@pytest.mark.parametrize("intact", [True, False], ids=["passes", "fails"])
def test_the_button_runs_it_and_the_lamp_follows(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, intact: bool
) -> None:
    child = tmp_path / "child.py"
    child.write_text(CHILD.format(result=json.dumps(result(intact))))
    monkeypatch.setattr("ui.bridge.own_command", lambda: [sys.executable, str(child)])
    qtbot.mouseClick(window.home.self_test_button, Qt.MouseButton.LeftButton)
    assert window.home.lamp.text() == "Running"
    assert not window.home.self_test_button.isEnabled()
    assert window.rail.strip.isVisible()
    qtbot.waitUntil(lambda: window.command is None, timeout=20_000)
    assert window.home.lamp.text() == ("Passed" if intact else "Failed")
    assert window.home.self_test_button.isEnabled()
    assert window.banner.isVisible()
    assert ("passed" in window.banner.sentence.text()) is intact


def test_a_failed_self_test_names_the_check_and_the_remedy() -> None:
    told = messages.message(Ending("selftest", "failed", result(False), status=1))
    assert told.kind == "bad"
    assert "persons: elements" in told.remedy
    assert "Install DriveCustody again" in told.remedy


def test_it_runs_by_itself_once_and_only_where_there_is_no_result(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(window, "run_verb", lambda verb, arguments: started.append(verb))
    window.first_self_test()
    assert started == ["selftest"]
    workstation.keep(result(False))
    window.first_self_test()
    assert started == ["selftest"]


def test_a_window_on_no_screen_starts_nothing_by_itself() -> None:
    assert not ui_app.shown_to_a_person()
