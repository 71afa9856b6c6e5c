"""A parser may abort, hang, flood or eat memory: its item is named, the others are done, and no process is left."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from forensics.errors import Cancelled, Defect, EnvironmentFailed
from forensics.jobs import pool
from forensics.model import OK, failed

GIB = 1 << 30
_opened: list[str] = []


class Panic(BaseException):
    """Stands for pyo3's PanicException, which is no Exception either."""


def misbehave(item: str) -> str:
    match item:
        case "abort":
            os.abort()
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(0)
        case "hang":
            time.sleep(600)
        case "raise":
            raise ValueError("123-45-6789 is not to be seen")
        case "panic":
            raise Panic("123-45-6789 is not to be seen")
        case "hungry":
            return str(len(bytearray(3 * GIB)))
        case "exit politely":
            sys.exit(3)
        case "unpicklable":
            return threading.Lock()  # type: ignore[return-value]
        case "print":
            os.write(1, b"123-45-6789")
            os.write(2, b"123-45-6789")
            return repr(os.read(0, 10))
        case "device gone":
            raise EnvironmentFailed("The device is gone.", "Plug it in again.")
    return item.upper()


def reasons(results: Iterator[pool.Result[str, str]]) -> dict[str, str]:
    return {result.item: result.outcome.reason or str(result.value) for result in results}


def descendants() -> list[psutil.Process]:
    """Child processes but for the resource tracker, which multiprocessing keeps and which ends with its parent."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "resource_tracker" not in " ".join(child.cmdline()):
                found.append(child)
    return found


@pytest.fixture(autouse=True)
def _no_worker_outlives_the_test() -> Iterator[None]:
    yield
    assert descendants() == []


@pytest.mark.parametrize("at_once", [1, 7, 64])
def test_each_fault_costs_its_own_item_and_no_other(at_once: int) -> None:
    faults = ["abort", "segfault", "exit", "hang", "raise", "panic", "hungry", "exit politely", "unpicklable"]
    healthy = [f"item {n}" for n in range(200)]
    items = [*healthy[:100], *faults, *healthy[100:]]
    results = list(pool.run(misbehave, items, workers=2, seconds=2, memory_bytes=2 * GIB, share=lambda _: 1 / at_once))
    assert len(results) == len(items), "every item has one result"
    found = reasons(iter(results))
    assert {item: found.pop(item) for item in faults} == {
        "abort": "the worker crashed (signal 6)",
        "segfault": "the worker crashed (signal 11)",
        "exit": "the worker crashed (status 0)",
        "hang": "no answer in 2 s",
        "raise": "the worker failed (ValueError)",
        "panic": "the worker failed (Panic)",
        "hungry": "ran out of memory",
        "exit politely": "the worker failed (SystemExit)",
        "unpicklable": "the worker failed (TypeError)",
    }
    assert found == {item: item.upper() for item in healthy}


def nap(item: int) -> int:
    time.sleep(600 if item == 5 else 0.4)
    return item


def test_of_items_given_at_once_each_has_its_own_time() -> None:
    """Ten times 0.4 s are more than the second that one may take."""
    begun = time.monotonic()
    results = list(pool.run(nap, range(10), workers=1, seconds=1, share=lambda _: 1 / 64))
    assert {r.item: r.outcome for r in results if r.outcome != OK} == {5: failed("no answer in 1 s")}
    assert sorted(r.item for r in results) == list(range(10))
    assert time.monotonic() - begun < 30


def note(item: str) -> str:
    """Writes down that it was at work on an item, and dies at the one that is called so."""
    with Path(item).open("a") as stream:
        stream.write("x")
    if item.endswith("die"):
        os.abort()
    return item


def test_no_item_is_worked_on_again_once_it_was_answered(tmp_path: Path) -> None:
    """Answers to quick items travel together: those that a dying worker had not sent are made again, once."""
    items = [str(tmp_path / (f"{n}" if n % 50 != 25 else f"{n} die")) for n in range(200)]
    results = list(pool.run(note, items, workers=2, seconds=20, share=lambda _: 1 / 64))
    assert {r.item for r in results if r.outcome != OK} == {item for item in items if item.endswith("die")}
    times = {item: len(Path(item).read_text()) for item in items}
    assert all(times[item] == 1 for item in items if item.endswith("die")), "who is to blame is not tried again"
    assert max(times.values()) <= 1 + 4


def lie(item: str) -> str:
    """As a parser that was taken over: it has the pipe and the counter of what was begun."""
    frame = sys._getframe(2)
    match item:
        case "call":
            frame.f_locals["pipe"].send_bytes(b"cos\nsystem\n(S'true'\ntR.")
        case "no list":
            frame.f_locals["pipe"].send("answer")
        case "too many":
            frame.f_locals["pipe"].send([pool._Answer(OK, "made up")] * 1000)
        case "count and hang":
            frame.f_locals["begun"].value = 2**32 - 2
            time.sleep(600)
        case "count back and die":
            frame.f_locals["begun"].value = 0
            os.abort()
    return item.upper()


@pytest.mark.parametrize("lies", ["call", "no list", "too many", "count and hang", "count back and die"])
def test_a_worker_that_lies_costs_one_item_and_ends(lies: str) -> None:
    """With a false count the blame may fall on one other that it was given; no item takes longer than one may."""
    items = [*(f"before {n}" for n in range(20)), lies, *(f"after {n}" for n in range(4))]
    begun = time.monotonic()
    results = list(pool.run(lie, items, workers=1, seconds=1, share=lambda _: 1 / 64))
    assert sorted(r.item for r in results) == sorted(items)
    bad = {r.item for r in results if r.outcome != OK}
    if lies.startswith("count"):
        assert lies in bad
        assert len(bad) <= 2
    else:
        assert bad == {lies}
    assert {r.item: r.value for r in results if r.outcome == OK} == {i: i.upper() for i in items if i not in bad}
    assert time.monotonic() - begun < 90


def die_while_sending(item: int) -> bytes:
    """Item 3 is killed, as the kernel would when memory is short, while its answer is half sent."""
    if item != 3:
        time.sleep(0.1)
        return b""

    def kill() -> None:
        while sys._current_frames()[threading.main_thread().ident or 0].f_code.co_name != "_send":
            time.sleep(0.0005)
        time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    return bytes(300_000_000)


def test_a_worker_killed_while_it_sends_leaves_the_others_alone() -> None:
    results = list(pool.run(die_while_sending, range(12), workers=2, seconds=20))
    assert {r.item: r.outcome for r in results if r.outcome != OK} == {3: failed("the worker crashed (signal 9)")}
    assert sorted(r.item for r in results) == list(range(12))


def send_half(item: int) -> int:
    """Item 1 writes the header of a 1 MB answer and then nothing."""
    if item == 1:
        from multiprocessing.connection import Connection

        pipe = sys._getframe(2).f_locals["pipe"]
        assert isinstance(pipe, Connection)
        os.write(pipe.fileno(), (1_000_000).to_bytes(4, "big") + b"half")
        time.sleep(600)
    return item


def test_half_an_answer_does_not_hold_the_parent() -> None:
    results = list(pool.run(send_half, range(4), workers=2, seconds=1))
    assert {r.item: r.outcome for r in results if r.outcome != OK} == {1: failed("no answer in 1 s")}
    assert len(results) == 4


def answer_at_once(item: int) -> bytes:
    return bytes(1_000_000)


def test_a_slow_consumer_is_no_fault_of_the_workers() -> None:
    results = []
    for result in pool.run(answer_at_once, range(6), workers=2, seconds=0.5):
        time.sleep(0.8)
        results.append(result.outcome)
    assert results == [OK] * 6


def start_slowly() -> None:
    time.sleep(1.5)


def test_the_time_to_start_does_not_count_against_the_first_item() -> None:
    (result,) = pool.run(answer_at_once, [1], workers=1, seconds=1, initializer=start_slowly)
    assert result.outcome == OK


def test_a_worker_cannot_write_to_the_terminal_nor_read_the_passphrase_from_stdin(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert reasons(pool.run(misbehave, ["print"], workers=1, seconds=20)) == {"print": "b''"}
    assert capfd.readouterr() == ("", "")


def limits(item: int) -> tuple[tuple[int, int], tuple[int, int], bool]:
    import resource

    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CORE), ignored


def test_limits_hold_in_every_worker() -> None:
    (result,) = pool.run(limits, [1], workers=1, seconds=20, memory_bytes=2 * GIB)
    assert result.value == ((2 * GIB, 2 * GIB), (0, 0), True)
    with pytest.raises(ValueError, match="address space"):
        next(pool.run(limits, [1], workers=1, seconds=20, memory_bytes=GIB))


def open_image(name: str) -> None:
    _opened.append(name)


def opened(item: int) -> list[str]:
    return _opened


def test_the_initializer_runs_once_in_every_worker() -> None:
    results = list(pool.run(opened, range(6), workers=2, seconds=20, initializer=open_image, initargs=("a",)))
    assert [r.value for r in results] == [["a"]] * 6


def fail_to_open(kind: str) -> None:
    raise EnvironmentFailed("The image is gone.", "Bring it back.") if kind == "house" else KeyError("123-45-6789")


def test_an_initializer_that_fails_stops_the_run_instead_of_failing_every_item() -> None:
    with pytest.raises(EnvironmentFailed, match=r"image is gone\. Bring it back"):
        list(pool.run(opened, range(6), workers=2, seconds=20, initializer=fail_to_open, initargs=("house",)))
    with pytest.raises(Defect, match=r"prepared \(KeyError\)"):
        list(pool.run(opened, range(6), workers=2, seconds=20, initializer=fail_to_open, initargs=("other",)))


def test_a_failure_of_the_machine_is_raised_and_is_no_outcome_of_an_item() -> None:
    with pytest.raises(EnvironmentFailed, match="device is gone"):
        list(pool.run(misbehave, ["a", "device gone", "b"], workers=2, seconds=20))


def test_items_are_pulled_only_as_workers_become_free() -> None:
    pulled = 0

    def endless() -> Iterator[str]:
        nonlocal pulled
        while True:
            pulled += 1
            yield f"item {pulled}"

    results = pool.run(misbehave, endless(), workers=2, seconds=20)
    for _ in range(10):
        next(results)
    assert pulled <= 12
    results.close()  # type: ignore[attr-defined]
    assert descendants() == []


def test_cancel_in_the_middle_is_quick_and_leaves_no_worker() -> None:
    stop_at = time.monotonic() + 1

    def check() -> None:
        if time.monotonic() > stop_at:
            raise Cancelled

    with pytest.raises(Cancelled):
        list(pool.run(misbehave, ["hang"] * 5, workers=2, seconds=600, check=check))
    assert time.monotonic() - stop_at < 5, "the items would take ten minutes"
    assert descendants() == []


def test_a_parent_killed_outright_leaves_no_worker(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from forensics.jobs import pool\n"
        "def hang(where):\n"
        "    open(f'{where}/{os.getpid()}', 'w').close()\n"
        "    time.sleep(600)\n"
        "if __name__ == '__main__':\n"
        f"    list(pool.run(hang, [{str(tmp_path / 'pids')!r}] * 2, workers=2, seconds=600))\n"
    )
    (tmp_path / "pids").mkdir()
    parent = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    patience = time.monotonic() + 30
    while len(pids := list((tmp_path / "pids").iterdir())) < 2 and time.monotonic() < patience:
        time.sleep(0.05)
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    workers = [int(pid.name) for pid in pids]
    while any(map(psutil.pid_exists, workers)) and time.monotonic() < patience:
        time.sleep(0.05)
    assert not any(map(psutil.pid_exists, workers))
