"""Processes of the program are made to crash, and nothing of their memory is on the disk afterwards."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from worked_example import COMMAND, drivecustody

from forensics.jobs import core_dumps, pool

PASSPHRASE = "correct horse battery staple"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at the cores that Linux writes")


def cores_wanted() -> None:
    """As a person has it who debugs other programs: cores without limit, handed on to whatever is started here."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder where this system does write cores, of any other program."""
    made = tmp_path / "here"
    made.mkdir()
    try:
        plain = subprocess.Popen([sys.executable, "-c", "import os; os.abort()"], cwd=made, preexec_fn=cores_wanted)
    except subprocess.SubprocessError:
        pytest.skip("the limit on core files cannot be lifted here")
    _, status = os.waitpid(plain.pid, 0)
    plain.returncode = -os.WTERMSIG(status)
    if not os.WCOREDUMP(status):
        pytest.skip("this system writes no cores")
    for path in made.iterdir():
        path.unlink()
    return made


def crashed(command: list[object], folder: Path, line: bytes, **environment: str) -> int:
    """Start it with cores wanted, wait until it is up, abort it; its wait status."""
    child = subprocess.Popen(
        list(map(str, command)), cwd=folder, preexec_fn=cores_wanted, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **environment},
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        if line:
            child.stdin.write(line)
            child.stdin.flush()
            assert b"started" in child.stdout.readline()
        else:
            # The window says nothing; it is up when it has loaded Qt, and has forbidden cores by then or never does.
            maps, until = Path(f"/proc/{child.pid}/maps"), time.monotonic() + 60
            while "libQt6Widgets" not in maps.read_text() and time.monotonic() < until:
                time.sleep(0.1)
            time.sleep(1.0)
        assert child.poll() is None
        child.send_signal(signal.SIGABRT)
        _, status = os.waitpid(child.pid, 0)
    child.returncode = -os.WTERMSIG(status)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return status


def test_a_crash_of_the_command_with_a_case_open_leaves_no_core(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "crash.dcase"
    drivecustody(
        "new", case, "--number", "1", "--title", "T", "--organisation", "O", "--entity-type", "business",
        "--examiner", "A. Okafor", env={"DRIVECUSTODY_PASSPHRASE": PASSPHRASE},
    )  # fmt: skip
    status = crashed([COMMAND, "serve", case, "--control", "stdin"], folder, f"{PASSPHRASE}\n".encode())
    assert not os.WCOREDUMP(status)
    assert list(folder.iterdir()) == []


def test_a_crash_of_the_window_leaves_no_core(folder: Path, tmp_path: Path) -> None:
    status = crashed(
        [COMMAND.with_name("drivecustody-window")], folder, b"",
        QT_QPA_PLATFORM="offscreen", HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path / "config"),
    )  # fmt: skip
    assert not os.WCOREDUMP(status)
    assert list(folder.iterdir()) == []


def die(item: int) -> int:
    if item == 2:
        os.abort()
    return item


def test_a_crash_of_a_worker_leaves_no_core(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    monkeypatch.chdir(folder)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        found = {result.item: result.outcome.kind for result in pool.run(die, [1, 2, 3], workers=1, seconds=30.0)}
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    assert found[2] != found[1] == found[3]
    assert list(folder.iterdir()) == []


def test_it_says_what_the_system_promised() -> None:
    """Asked in a process of its own: the limit cannot be lifted again."""
    said = subprocess.run(
        [sys.executable, "-c", "from forensics.jobs import core_dumps as c; print(c.forbid())"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.strip() == str(core_dumps.CoreDumps(True, ("RLIMIT_CORE 0", "PR_SET_DUMPABLE 0")))
