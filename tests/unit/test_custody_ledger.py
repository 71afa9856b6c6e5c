"""The ledger must show every later change, and survive a crash without losing what it already held."""

from __future__ import annotations

import hashlib
import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.custody import ledger
from forensics.custody.ledger import CLOCK_SET_BACK, NO_HEAD, TORN_TAIL, Ledger, check, check_bytes
from forensics.errors import Defect, EnvironmentFailed, NotIntact
from forensics.model import Fact

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "resources" / "package" / "verify_ledger.py"


def fill(book: Ledger, entries: int = 6) -> bytes:
    for number in range(entries):
        book.append(
            ("receive", "acquire", "note")[number % 3],
            actor="ab" * 32,
            exhibit="E-001",
            data={"n": number, "place": "Zürich", "hashes": {"sha256": "0" * 64}, "list": [1, None, True, "x\n"]},
        )
    return book.path.read_bytes()


def broken(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.holds is False]


def resealed(lines: list[bytes], first: int = 1) -> bytes:
    """The lines sealed anew as somebody would who knows the format: numbers, `prev` and own digests all agree."""
    out, prev = [], NO_HEAD
    for number, line in enumerate(lines, first):
        entry = json.loads(line)
        entry.pop("sha256")
        entry |= {"seq": number, "prev": prev}
        dump = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"  # noqa: E731
        entry["sha256"] = hashlib.sha256(dump(entry)).hexdigest()
        out.append(dump(entry))
        prev = hashlib.sha256(out[-1]).hexdigest()
    return b"".join(out)


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "custody")


def test_entries_read_back_as_they_were_written(book: Ledger) -> None:
    assert book.head() == (0, NO_HEAD)
    assert book.events() == []
    first = book.append("receive", actor="a", exhibit="E-001", data={"place": "Zürich", "n": 2**63 - 1})
    second = book.append("note", actor="b")
    assert book.events() == [first, second]
    assert (first.seq, second.seq) == (1, 2)
    assert first.data == {"place": "Zürich", "n": 2**63 - 1}
    last_line = book.path.read_bytes().splitlines(keepends=True)[-1]
    assert book.head() == (2, hashlib.sha256(last_line).hexdigest()) == (2, second.digest)
    assert json.loads(last_line)["prev"] == first.digest
    assert not broken(check(book.path))
    assert book.path.stat().st_mode & 0o777 == 0o600


def test_every_flipped_byte_of_a_ledger_is_found(book: Ledger) -> None:
    data = fill(book)
    unseen = [
        (at, mask)
        for at in range(len(data))
        for mask in (0x01, 0x80)
        if not broken(check_bytes(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :], "ledger"))
    ]
    assert unseen == []


def test_a_flipped_byte_in_the_last_line_is_found_though_no_line_follows(book: Ledger) -> None:
    data = fill(book)
    place = data.rindex(b"receive" if b"receive" in data.splitlines()[-1] else b"note")
    facts = broken(check_bytes(data[:place] + b"N" + data[place + 1 :], "ledger"))
    assert [fact.check for fact in facts] == ["own digests"]
    assert facts[0].detail.startswith("line 6, byte ")


def test_rows_removed_moved_or_doubled_are_found(book: Ledger) -> None:
    lines = fill(book).splitlines(keepends=True)
    last = len(lines) - 1
    for at in range(len(lines)):
        kinds = {
            "doubled": lines[: at + 1] + lines[at:],
            "removed": lines[:at] + lines[at + 1 :] if at < last else None,
            "swapped": [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]] if at < last else None,
        }
        for kind, changed in kinds.items():
            if changed is not None:
                assert broken(check_bytes(b"".join(changed), "ledger")), (kind, at)


def test_an_entry_rewritten_with_its_own_digest_made_anew_is_found_by_the_line_after_it(book: Ledger) -> None:
    lines = fill(book).splitlines(keepends=True)
    for at in range(len(lines) - 1):
        # Sealed anew up to here only: number, `prev` and own digest of every line agree, the next `prev` does not.
        forged = resealed([*lines[:at], lines[at].replace(b"E-001", b"E-002")])
        facts = broken(check_bytes(forged + b"".join(lines[at + 1 :]), "ledger"))
        assert [fact.check for fact in facts] == ["chain"]
        assert facts[0].detail.startswith(f"line {at + 2}, byte {len(forged)}:")


def test_a_ledger_that_does_not_count_from_one_is_found(book: Ledger) -> None:
    lines = fill(book).splitlines(keepends=True)
    facts = broken(check_bytes(resealed(lines, first=2), "ledger"))
    assert [fact.check for fact in facts] == ["sequence"]


def test_an_emptied_or_missing_ledger_is_not_called_intact(book: Ledger) -> None:
    assert broken(check(book.path))
    fill(book)
    book.path.write_bytes(b"")
    assert broken(check(book.path))


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (b'"offset":', b'"offset": '),
        (b'"seq":3', b'"seq":3.0'),
        (b'"seq":3', b'"seq":03'),
        (b"Z\\u00fcrich", b"Z\\u00FCrich"),
        (b"Z\\u00fcrich", "Zürich".encode()),
        (b'"n":2', b'"n":2,"n":2'),
        (b'"n":2', b'"n":2e0'),
        (b'"n":2', b'"n":-0'),
        (b'"n":2', b'"n":NaN'),
        (b'"n":2', b'"n":' + b"[" * 100_000),
        (b'"n":2', b'"n":' + b"9" * 5000),
        (b'"exhibit":"E-001",', b""),
        (b"\n", b"\r\n"),
        (b"\n", b"\n\n"),
        (b"{", b"\xef\xbb\xbf{"),
    ],
)
def test_a_line_that_says_the_same_in_other_bytes_is_found(book: Ledger, written: bytes, instead: bytes) -> None:
    data = fill(book)
    third = data.splitlines(keepends=True)[2]
    assert written in third
    changed = data.replace(third, third.replace(written, instead, 1))
    assert broken(check_bytes(changed, "ledger"))
    # Also where the attacker computed the line's own digest anew: the form itself must be refused.
    assert "canonical form" in {fact.check for fact in broken(check_bytes(changed, "ledger"))}


def test_a_ledger_sealed_anew_throughout_passes_so_that_nobody_believes_check_alone(book: Ledger) -> None:
    lines = fill(book).splitlines(keepends=True)
    assert not broken(check_bytes(resealed(lines[:2] + lines[3:]), "ledger"))


_EDITS = st.one_of(
    st.tuples(st.just("replace"), st.integers(0, 10**6), st.binary(min_size=1, max_size=4)),
    st.tuples(st.just("insert"), st.integers(0, 10**6), st.binary(min_size=1, max_size=4)),
    st.tuples(st.just("delete"), st.integers(0, 10**6), st.integers(1, 200)),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(_EDITS, min_size=1, max_size=3))
def test_no_edit_of_the_bytes_goes_unseen(tmp_path_factory: pytest.TempPathFactory, edits: list[Any]) -> None:
    original = _a_ledger(tmp_path_factory)
    data = original
    for kind, place, what in edits:
        at = place % (len(data) + 1)
        if kind == "delete":
            data = data[:at] + data[at + what :]
        else:
            data = data[:at] + what + data[at + (len(what) if kind == "replace" else 0) :]
    cut_at_a_line = original.startswith(data) and data.endswith(b"\n")
    if data != original and not cut_at_a_line:
        assert broken(check_bytes(data, "ledger"))


_MADE: list[bytes] = []


def _a_ledger(factory: pytest.TempPathFactory) -> bytes:
    if not _MADE:
        _MADE.append(fill(Ledger(factory.mktemp("edits") / "custody")))
    return _MADE[0]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('abc\x00"\\', max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(data=st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), _JSON, max_size=4))
def test_whatever_data_is_accepted_reads_back_the_same_and_checks(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]
) -> None:
    book = Ledger(tmp_path_factory.mktemp("any") / "custody")
    assert book.append("note", actor="a", data=data).data == data
    assert book.events()[0].data == data
    assert not broken(check(book.path))


@pytest.mark.parametrize(
    "data", [{"x": 1.5}, {"x": [{"y": 0.0}]}, {"ü": 1}, {"x": {"ü": 1}}, {"x": 2**63}, {"x": b"bytes"}, {"x": {1: 2}}]
)
def test_data_without_a_canonical_form_is_not_written(book: Ledger, data: dict[str, Any]) -> None:
    book.append("note", actor="a")
    before = book.path.read_bytes()
    with pytest.raises(Defect):
        book.append("note", actor="a", data=data)
    with pytest.raises(Defect):
        book.append(7, actor="a")  # type: ignore[arg-type]
    assert book.path.read_bytes() == before


# ----------------------------------------------------------------------------------------------- crashes and damage


@pytest.mark.parametrize("left", [b'{"actor":"x', b"\0" * 7000, b"x"])
def test_a_torn_last_line_is_set_aside_and_recorded(book: Ledger, left: bytes) -> None:
    before = fill(book, 3)
    with book.path.open("ab") as stream:
        stream.write(left)
    assert [fact.check for fact in broken(check(book.path))] == ["complete last line"]
    assert len(book.events()) == 3
    assert book.append("note", actor="a").seq == 5
    assert book.path.read_bytes().startswith(before)
    record = book.events()[3]
    assert record.event == TORN_TAIL
    assert record.data == {"file": "torn-1.txt", "length": len(left), "sha256": hashlib.sha256(left).hexdigest()}
    torn = book.folder / "torn-1.txt"
    assert torn.read_bytes() == left
    assert not broken(check(book.path))
    torn.write_bytes(left + b"!")
    assert [fact.subject for fact in broken(check(book.path))] == ["torn-1.txt"]
    torn.unlink()
    assert [fact.holds for fact in check(book.path) if fact.subject == "torn-1.txt"] == [None]


def test_a_torn_first_line_is_set_aside_too(book: Ledger) -> None:
    book.folder.mkdir()
    book.path.write_bytes(b'{"act')
    assert book.append("note", actor="a").seq == 2
    assert not broken(check(book.path))


def test_at_every_byte_where_power_may_fail_the_entries_before_are_kept(book: Ledger, tmp_path: Path) -> None:
    data = fill(book, 3)
    start = data.rindex(b"\n", 0, -1) + 1
    for cut in itertools.chain(range(start + 1, len(data), 37), [len(data) - 1]):
        other = Ledger(tmp_path / str(cut))
        other.folder.mkdir()
        other.path.write_bytes(data[:cut])
        other.append("note", actor="a")
        assert other.path.read_bytes().startswith(data[:start])
        assert (other.folder / "torn-1.txt").read_bytes() == data[start:cut]
        assert not broken(check(other.path))


def test_nothing_is_sealed_onto_a_damaged_last_line(book: Ledger) -> None:
    data = fill(book, 3)
    for at in (len(data) - 400, len(data) - 2):
        damaged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        book.path.write_bytes(damaged)
        with pytest.raises(NotIntact, match="last line"):
            book.append("note", actor="a")
        with pytest.raises(NotIntact):
            book.head()
        with pytest.raises(NotIntact):
            book.events()
        assert book.path.read_bytes() == damaged


def test_a_ledger_that_cannot_be_written_says_so_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvironmentFailed) as raised:
        Ledger(tmp_path / "file" / "custody").append("note", actor="a")
    assert raised.value.remedy


_APPEND_FOREVER = """
import sys
from pathlib import Path
from forensics.custody.ledger import Ledger
book = Ledger(Path(sys.argv[1]))
while True:
    print(book.append("note", actor="a", data={"filler": "x" * 20000}).seq, flush=True)
"""


def test_what_was_appended_before_a_kill_is_there_after_it(book: Ledger) -> None:
    acknowledged = 0
    for delay in (0.05, 0.08, 0.11):
        child = subprocess.Popen(
            [sys.executable, "-c", _APPEND_FOREVER, str(book.folder)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )
        assert child.stdout
        first = child.stdout.readline()
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        printed = first + child.stdout.read()
        child.stdout.close()
        child.wait()
        acknowledged = int(printed[: printed.rindex(b"\n")].split()[-1])
        after = book.append("note", actor="after the kill")
        assert after.seq > acknowledged
        assert not broken(check(book.path))
    assert acknowledged > 3


def _append_many(folder: Path, name: str, times: int) -> None:
    book = Ledger(folder)
    for number in range(times):
        book.append("note", actor=name, data={"n": number})


def test_four_processes_append_at_once_and_every_entry_is_there_once(book: Ledger) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append_many, args=(book.folder, f"p{n}", 40)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert not broken(check(book.path))
    seen = sorted((event.actor, event.data["n"]) for event in book.events() if event.event == "note")
    assert seen == sorted((f"p{n}", number) for n in range(4) for number in range(40))


# ------------------------------------------------------------------------------------------------------------ clock


def test_a_clock_set_back_is_flagged_once_and_the_ledger_still_checks(
    book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.append("note", actor="a")
    real = time.time_ns
    monkeypatch.setattr(ledger.time, "time_ns", lambda: real() - 3600 * 10**9)
    book.append("note", actor="a")
    book.append("note", actor="a")
    events = book.events()
    assert [event.event for event in events] == ["note", CLOCK_SET_BACK, "note", "note"]
    assert 3599 * 10**6 < events[1].data["behind_us"] < 3601 * 10**6
    assert not broken(check(book.path))
    assert any("flagged, at line 2" in fact.detail for fact in check(book.path))


def test_a_clock_set_back_by_less_than_has_passed_is_flagged_in_the_same_boot(
    book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.append("note", actor="a")
    wall, mono = time.time_ns, time.monotonic_ns
    monkeypatch.setattr(ledger.time, "monotonic_ns", lambda: mono() + 7200 * 10**9)
    monkeypatch.setattr(ledger.time, "time_ns", lambda: wall() + 3600 * 10**9)
    book.append("note", actor="a")
    assert [event.event for event in book.events()] == ["note", CLOCK_SET_BACK, "note"]


def test_a_machine_that_slept_is_not_accused(book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    book.append("note", actor="a")
    wall = time.time_ns
    monkeypatch.setattr(ledger.time, "time_ns", lambda: wall() + 8 * 3600 * 10**9)
    book.append("note", actor="a")
    assert [event.event for event in book.events()] == ["note", "note"]


def test_a_line_dated_before_its_predecessor_without_a_flag_is_found(book: Ledger) -> None:
    lines = fill(book, 3).splitlines(keepends=True)
    entry = json.loads(lines[2])
    entry["utc"] = "2001-01-01T00:00:00.000000Z"
    facts = broken(check_bytes(resealed([*lines[:2], json.dumps(entry).encode()]), "ledger"))
    assert [fact.check for fact in facts] == ["clock"]


# ----------------------------------------------------------------------------------------- the script in the package


def run_script(*arguments: Path) -> subprocess.CompletedProcess[str]:
    # -I -S: no site packages, no environment; it must stand alone.
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), *map(str, arguments)], capture_output=True, text=True
    )


def test_the_stand_alone_script_is_short_and_accepts_an_intact_ledger_and_its_checkpoint(book: Ledger) -> None:
    assert len(SCRIPT.read_text().splitlines()) <= 60
    fill(book)
    size, head = book.head()
    point = book.folder / "000001.txt"
    point.write_text(f"custody-ledger/v1 2026-1 abc\n{size}\n{head}\n")
    done = run_script(book.path, point)
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 lines" in done.stdout
    assert "signature was not checked here" in done.stdout
    book.path.write_bytes(b"".join(book.path.read_bytes().splitlines(keepends=True)[:-1]))
    assert run_script(book.path).returncode == 0
    assert run_script(book.path, point).returncode == 1


def test_the_stand_alone_script_finds_every_flipped_byte(book: Ledger) -> None:
    data = fill(book, 3)
    namespace: dict[str, Any] = {"__name__": "script"}
    exec(compile(SCRIPT.read_text(), str(SCRIPT), "exec"), namespace)
    read = namespace["read_ledger"]
    assert read(data)[-1] == book.head()[1]
    unseen = []
    for at in range(len(data)):
        for mask in (0x01, 0x80):
            try:
                read(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :])
            except ValueError:
                continue
            unseen.append((at, mask))
    assert unseen == []
    book.path.write_bytes(data[:-1])
    done = run_script(book.path)
    assert done.returncode == 1
    assert done.stderr.startswith("DOES NOT HOLD")
    assert run_script().returncode == 1
    assert run_script(book.folder / "absent").returncode == 1
