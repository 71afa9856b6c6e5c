"""Pulling the plug on `run`, and looking for a planted number everywhere it must not be.

The drive is the demonstration with 400 members, 120 of them on the stick.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from worked_example import COMMAND

from forensics.demonstration.drive import make_demonstration

PASSPHRASE = "correct horse battery staple"
VERBS = ("receive", "acquire", "index", "records", "match", "assess", "report", "package")
KILLS = 12


@dataclass(frozen=True)
class Drive:
    folder: Path
    image: Path
    records: Path
    identities: Path
    identity_passphrase: Path

    def environment(self, **more: str) -> dict[str, str]:
        ours = {"DRIVECUSTODY_PASSPHRASE": PASSPHRASE, "DRIVECUSTODY_IDENTITIES": str(self.identities)}
        return {**os.environ, **ours, **more}

    def run(self, case: Path) -> list[object]:
        return [
            COMMAND, "run", case, self.image, "--records", self.records, "--sign", "Kim", "--json",
            "--identity-passphrase-file", self.identity_passphrase,
        ]  # fmt: skip


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Drive:
    folder = tmp_path_factory.mktemp("drive")
    made = make_demonstration(folder / "demo", members=400, affected=120)
    (folder / "identity").write_text("another passphrase\n")
    made_drive = Drive(folder, made.image, made.records, folder / "identities", folder / "identity")
    for arguments in (["create-authority", "--organisation", "Plan"], ["create", "Kim"]):
        subprocess.run(
            [COMMAND, "identity", *arguments, "--identity-passphrase-file", made_drive.identity_passphrase],
            env=made_drive.environment(), check=True, capture_output=True,
        )  # fmt: skip
    return made_drive


def persons(drive: Drive, case: Path, out: Path) -> bytes:
    subprocess.run(
        [COMMAND, "export", case, "persons", "--all-tiers", "--out", out],
        env=drive.environment(), check=True, capture_output=True,
    )  # fmt: skip
    return out.read_bytes()


@pytest.fixture(scope="module")
def undisturbed(drive: Drive) -> bytes:
    """The persons of a run that nobody disturbed."""
    case = drive.folder / "undisturbed.dcase"
    subprocess.run(drive.run(case), env=drive.environment(), check=True, capture_output=True)
    exported = persons(drive, case, drive.folder / "undisturbed.csv")
    assert exported.count(b"\r\n") > 100
    return exported


def started_verbs(case: Path) -> list[str]:
    """The verbs whose `started` stands in the ledger, in order."""
    path = case / "custody" / "ledger.jsonl"
    if not path.exists():
        return []
    found = []
    for line in path.read_bytes().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry["event"] == "started":
            found.append(entry["data"]["verb"])
    return found


def session(leader: int) -> list[psutil.Process]:
    """Every living process of a session."""
    alive = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
        except (OSError, psutil.Error):
            continue
    return alive


def nobody_left(leader: int) -> bool:
    """Whether every process of a session is gone within five seconds: the system needs a moment to bury them."""
    deadline = time.monotonic() + 5
    while (left := session(leader)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not left


def kill_in(drive: Drive, case: Path, verb: str, delay: float) -> bool:
    """Start a run, kill -9 it `delay` seconds after `verb` began; False where it was over before that."""
    before = started_verbs(case).count(verb)
    child = subprocess.Popen(
        drive.run(case), env=drive.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while child.poll() is None and started_verbs(case).count(verb) == before:
        time.sleep(0.005)
    time.sleep(delay)
    killed = child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert nobody_left(child.pid), "a worker outlived its parent"
    return killed


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_in_the_same_persons(drive: Drive, undisturbed: bytes) -> None:
    chance = random.Random(20160817)
    case = drive.folder / "killed.dcase"
    hit: list[str] = []
    verbs = [*VERBS, "acquire", "index", "match", "index", "match", "report", "acquire", "match"]
    number = 0
    while len(hit) < KILLS and number < 40:
        if not verbs:
            # All of this case is done: what is left is killed in a new one.
            number += 1
            case = drive.folder / f"killed-{number}.dcase"
            verbs = list(VERBS)
        verb = min(verbs, key=VERBS.index)
        verbs.remove(verb)
        if kill_in(drive, case, verb, chance.uniform(0, {"index": 1.2, "match": 1.5}.get(verb, 0.25))):
            hit.append(verb)
    assert len(hit) >= 10
    assert len(set(hit)) >= 5
    for finished in drive.folder.glob("killed*.dcase"):
        subprocess.run(drive.run(finished), env=drive.environment(), check=True, capture_output=True)
        assert persons(drive, finished, drive.folder / f"{finished.stem}.csv") == undisturbed
        done = subprocess.run([COMMAND, "verify", finished], capture_output=True, text=True)
        assert done.returncode == 0, [line for line in done.stdout.splitlines() if "NOT HOLD" in line]


def test_an_interrupt_keeps_what_was_finished_and_says_so(drive: Drive, undisturbed: bytes) -> None:
    case = drive.folder / "interrupted.dcase"
    child = subprocess.Popen(
        drive.run(case), env=drive.environment(), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    while child.poll() is None and "index" not in started_verbs(case):
        time.sleep(0.01)
    time.sleep(0.6)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=30)
    events = [json.loads(line) for line in out.splitlines()]
    assert child.returncode == 130
    assert events[-1]["event"] == "finished"
    assert events[-1]["outcome"] == "cancelled"
    assert nobody_left(child.pid)
    subprocess.run(drive.run(case), env=drive.environment(), check=True, capture_output=True)
    assert persons(drive, case, drive.folder / "interrupted.csv") == undisturbed


def test_other_arguments_on_a_case_that_was_begun_are_refused(drive: Drive, undisturbed: bytes) -> None:
    case = drive.folder / "undisturbed.dcase"
    done = subprocess.run([*drive.run(case), "--title", "Another"], env=drive.environment(), capture_output=True)
    assert done.returncode == 3


# ------------------------------------------------------------------------------------------------------------- leaks


NUMBER = re.compile(rb"(?=([0-9]{9}|[0-9]{3}-[0-9]{2}-[0-9]{4}))")


def needles(records: Path) -> frozenset[bytes]:
    """Values of members that stand on the drive: each SSN with and without hyphens."""
    lines = records.read_text("utf-8").splitlines()[1:]
    numbers = {part for line in lines for part in line.split(",") if len(part) == 11 and part[3] == part[6] == "-"}
    assert len(numbers) > 50
    return frozenset(form.encode() for number in numbers for form in (number, number.replace("-", "")))


def holding(data: bytes, wanted: frozenset[bytes]) -> set[bytes]:
    """Those that stand anywhere in the data, a byte or two (UTF-16) a digit."""
    return {found[1] for part in (data, data[::2], data[1::2]) for found in NUMBER.finditer(part)} & wanted


def files_beneath(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            yield str(path), data
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as bag:
                    for name in bag.namelist():
                        yield f"{path}!{name}", bag.read(name)
            if path.suffix == ".pdf":
                text = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True).stdout
                yield f"{path} (text)", text


def test_no_number_of_a_member_is_readable_outside_the_image(drive: Drive, tmp_path: Path) -> None:
    """In the case folder, in the events, in the process list while it runs, and in the temporary folder."""
    case, temporary = tmp_path / "leaks.dcase", tmp_path / "temporary"
    temporary.mkdir()
    wanted = needles(drive.records)
    some = frozenset(sorted(wanted)[:40])
    log = tmp_path / "log"
    leaked: set[str] = set()
    with log.open("wb") as out:
        child = subprocess.Popen(
            drive.run(case), env=drive.environment(TMPDIR=str(temporary)), stdout=out, stderr=out,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        while child.poll() is None:
            for process in session(child.pid):
                try:
                    said = " ".join(process.cmdline())
                    # The first process was given its passphrase in its environment by us, and what it has forked is
                    # still itself until it has become another program; its workers must not be given it.
                    itself = said == " ".join(psutil.Process(child.pid).cmdline())
                    block = b"" if itself else Path(f"/proc/{process.pid}/environ").read_bytes()
                except (OSError, psutil.Error):
                    continue
                if holding(said.encode() + block, some) or PASSPHRASE.encode() in said.encode() + block:
                    leaked.add(process.name())
            for name, data in files_beneath(temporary):
                if holding(data, some):
                    leaked.add(name)
            time.sleep(0.2)
    assert child.returncode == 0
    assert leaked == set()
    assert holding(log.read_bytes(), wanted) == set()
    places = [name for name, data in files_beneath(case) if "/images/" not in name and holding(data, wanted)]
    assert places == []
    assert [path.name for path in (case / "scratch").iterdir()] == []
    # The search itself works: the image was taken raw here, and there the numbers are.
    assert holding(drive.image.read_bytes(), wanted)
