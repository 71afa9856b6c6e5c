"""The child process: what it says arrives, and whatever becomes of it, the window hears of it exactly once."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from ui import bridge
from ui.bridge import Command, Ending, Progress

CHILD = """
import json, sys, threading, time
secret = sys.stdin.readline().rstrip("\\n")
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
def say(**event):
    print(json.dumps(event), flush=True)
verb, mode = sys.argv[1], sys.argv[2]
say(event="started", verb=verb, case="x.dcase")
if mode == "secret":
    say(event="finished", outcome="ok", result={"secret": secret, "arguments": sys.argv[1:]})
elif mode == "work":
    for done in range(0, 101, 20):
        say(event="progress", phase="scan", done=done, total=100, unit="items", eta_s=None if done == 0 else 1.5)
    say(event="changed", tables=["file_entry", "volume"])
    say(event="noted", outcome="not_examined", locator="E-001/vol1/a.zip", reason="encrypted")
    say(event="finished", outcome="ok", result={"entries": 3})
elif mode == "noise":
    print("Warning: a library speaks Mr Smith 123-45-6789", flush=True)
    print("[1, 2]", flush=True)
    print(json.dumps({"event": "progress", "phase": "scan"}), flush=True)
    print("Mr Smith", file=sys.stderr, flush=True)
    say(event="finished", outcome="ok", result={})
elif mode == "wait":
    stop.wait(30)
    say(event="finished", outcome="cancelled", result={"message": "Stopped at your request."})
    sys.exit(130)
elif mode == "hang":
    say(event="progress", phase="scan", done=1, total=2, unit="items", eta_s=None)
    time.sleep(60)
elif mode == "refused":
    say(event="finished", outcome="refused", result={"message": "No records.", "remedy": "Load records first."})
    sys.exit(3)
elif mode == "dies":
    print("Traceback: Mr Smith 123-45-6789", file=sys.stderr, flush=True)
    sys.exit(70)
elif mode == "twolines":
    whole = json.dumps({"event": "finished", "outcome": "ok", "result": {"n": 1}})
    sys.stdout.write(whole[:10]); sys.stdout.flush(); time.sleep(0.2)
    sys.stdout.write(whole[10:] + "\\n"); sys.stdout.flush()
"""


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    script = tmp_path / "child.py"
    script.write_text(CHILD, "utf-8")
    return [sys.executable, str(script)]


def run(qtbot: QtBot, program: list[str], mode: str, secret: str = "") -> tuple[Ending, dict[str, list[Any]]]:
    command = Command("match", program)
    heard: dict[str, list[Any]] = {"progressed": [], "changed": [], "noted": [], "finished": []}
    command.progressed.connect(heard["progressed"].append)
    command.changed.connect(heard["changed"].append)
    command.noted.connect(lambda *what: heard["noted"].append(what))
    command.finished.connect(heard["finished"].append)
    with qtbot.waitSignal(command.finished, timeout=15_000):
        command.start([mode], secret)
    qtbot.wait(50)
    assert len(heard["finished"]) == 1
    assert not command.running
    return heard["finished"][0], heard


def test_the_secret_goes_by_standard_input_and_never_as_an_argument(qtbot: QtBot, program: list[str]) -> None:
    ending, _ = run(qtbot, program, "secret", "key:00ff")
    assert ending.result["secret"] == "key:00ff"
    assert ending.result["arguments"] == ["match", "secret", "--json", "--control", "stdin"]


def test_progress_changes_and_notes_arrive_in_order(qtbot: QtBot, program: list[str]) -> None:
    ending, heard = run(qtbot, program, "work")
    assert [progress.permille for progress in heard["progressed"]] == [0, 200, 400, 600, 800, 1000]
    assert heard["progressed"][1] == Progress("scan", 20, 100, "items", 1.5)
    assert heard["changed"] == [frozenset({"file_entry", "volume"})]
    assert heard["noted"] == [("not_examined", "E-001/vol1/a.zip", "encrypted")]
    assert ending == Ending("match", "ok", {"entries": 3}, "", "", 0)


def test_an_event_that_comes_in_two_parts_is_one_event(qtbot: QtBot, program: list[str]) -> None:
    assert run(qtbot, program, "twolines")[0].result == {"n": 1}


def test_what_a_library_prints_is_neither_an_event_nor_shown(qtbot: QtBot, program: list[str]) -> None:
    ending, heard = run(qtbot, program, "noise")
    assert ending.done
    assert heard["progressed"] == []
    assert "Smith" not in repr(ending)


def test_cancel_is_the_end_of_the_input_and_the_child_ends_by_itself(qtbot: QtBot, program: list[str]) -> None:
    command = Command("match", program)
    with qtbot.waitSignal(command.started, timeout=15_000):
        command.start(["wait"])
    with qtbot.waitSignal(command.finished, timeout=5_000) as heard:
        command.cancel()
    assert heard.args[0].cancelled
    assert heard.args[0].status == 130


LISTENER = """
import json, sys
sys.stdin.readline()
said = {"event": "progress", "phase": "image", "done": 1, "total": 9, "unit": "bytes", "eta_s": None}
print(json.dumps(said), flush=True)
heard = [line.rstrip() for line in sys.stdin]
print(json.dumps({"event": "finished", "outcome": "cancelled", "result": {"heard": heard}}), flush=True)
"""


def test_pause_and_resume_are_lines_of_the_input_and_cancel_still_its_end(qtbot: QtBot, tmp_path: Path) -> None:
    script = tmp_path / "listener.py"
    script.write_text(LISTENER, "utf-8")
    command = Command("acquire", [sys.executable, str(script)])
    command.resume()
    with qtbot.waitSignal(command.progressed, timeout=15_000):
        command.start(())
    command.pause()
    command.pause()
    assert command.paused
    command.resume()
    assert not command.paused
    command.pause()
    with qtbot.waitSignal(command.finished, timeout=5_000) as heard:
        command.cancel()
    assert heard.args[0].result == {"heard": ["pause", "resume", "pause"]}
    command.resume()
    assert command.paused, "nothing can be asked of a child that has ended"


def test_a_child_that_only_looks_is_ended_at_once_and_says_nothing_more(qtbot: QtBot, program: list[str]) -> None:
    command = Command("devices", program)
    ended: list[Ending] = []
    command.finished.connect(ended.append)
    with qtbot.waitSignal(command.progressed, timeout=15_000):
        command.start(["hang"])
    command.abandon()
    assert not command.running
    qtbot.wait(100)
    assert ended == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot ask a console process to end")
def test_a_child_that_does_not_listen_is_made_to_end(
    qtbot: QtBot, program: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "TERMINATE_AFTER_MS", 200)
    monkeypatch.setattr(bridge, "KILL_AFTER_MS", 400)
    command = Command("match", program)
    with qtbot.waitSignal(command.progressed, timeout=15_000):
        command.start(["hang"])
    with qtbot.waitSignal(command.finished, timeout=5_000) as heard:
        command.cancel()
    assert heard.args[0].cancelled


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_child_that_was_killed_is_reported_with_what_to_do(qtbot: QtBot, program: list[str]) -> None:
    command = Command("match", program)
    with qtbot.waitSignal(command.progressed, timeout=15_000):
        command.start(["hang"])
    with qtbot.waitSignal(command.finished, timeout=5_000) as heard:
        os.kill(command.process_id, signal.SIGKILL)
    ending = heard.args[0]
    assert ending.outcome == "failed"
    assert ending.status is None
    assert "signal 9" in ending.sentence
    assert "go on from there" in ending.remedy


def test_a_refusal_brings_its_sentence_and_its_remedy(qtbot: QtBot, program: list[str]) -> None:
    ending, _ = run(qtbot, program, "refused")
    assert (ending.outcome, ending.sentence, ending.remedy) == ("refused", "No records.", "Load records first.")
    assert ending.status == 3


def test_a_defect_of_the_child_shows_its_status_and_nothing_it_wrote(qtbot: QtBot, program: list[str]) -> None:
    ending, _ = run(qtbot, program, "dies")
    assert ending.outcome == "failed"
    assert "status 70" in ending.sentence
    assert "Smith" not in repr(ending)


def test_a_program_that_is_missing_is_reported(qtbot: QtBot, tmp_path: Path) -> None:
    ending, _ = run(qtbot, [str(tmp_path / "absent")], "work")
    assert ending.outcome == "failed"
    assert ending.remedy


def test_the_passphrase_variable_does_not_reach_the_child(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIVECUSTODY_PASSPHRASE", "secret")
    script = tmp_path / "environment.py"
    script.write_text(
        "import json, os; print(json.dumps({'event': 'finished', 'outcome': 'ok',"
        " 'result': {'found': 'DRIVECUSTODY_PASSPHRASE' in os.environ}}))",
        "utf-8",
    )
    ending, _ = run(qtbot, [sys.executable, str(script)], "")
    assert ending.result == {"found": False}


def test_signals_do_not_lose_references_to_constants(qapp: QObject) -> None:
    """PySide6 6.12.0 loses one reference to None a signal on Python 3.11, and aborts after a few hundred."""

    class Source(QObject):
        spoke = Signal()

    source = Source()
    source.spoke.connect(lambda: None)
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(200):
        source.spoke.emit()
    after = sys.getrefcount(None), sys.getrefcount(True)
    assert all(abs(then - now) < 50 for then, now in zip(before, after, strict=True))
