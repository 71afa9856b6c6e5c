"""`drivecustody acquire` on a real block device: killed, unplugged, out of room; and what its case then says."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from faulty_drive import MIB, SECTOR, FaultyDrive, content_of_a_drive, without
from imaged_drive import ALGORITHMS, both_formats, small_disk, take_room
from worked_example import COMMAND

from forensics.evidence.image import open_image
from forensics.examination.unfinished import STATE
from forensics.model import BadRange

pytestmark = pytest.mark.needs_root

SIZE = 24 * MIB + 5 * SECTOR
CONTENT = content_of_a_drive(SIZE)
BAD = (
    BadRange(3 * SECTOR, SECTOR),
    BadRange(21000 * SECTOR, 3 * SECTOR),
    BadRange(21005 * SECTOR, 20 * SECTOR),
    BadRange(SIZE - 2 * SECTOR, 2 * SECTOR),
)
EXHIBIT = "E-001"
KILLS = 5
"""Of each format."""

OK, ENVIRONMENT = 0, 4

Plug = Callable[[bytes], FaultyDrive]
NewCase = Callable[[Path, FaultyDrive], "Case"]


@dataclass(frozen=True)
class Case:
    path: Path
    drive: FaultyDrive | None

    @property
    def folder(self) -> Path:
        return self.path / "images" / EXHIBIT

    @property
    def unfinished(self) -> bool:
        return not self.ledger("finished", "acquire") or (self.folder / STATE).exists()

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            _words(arguments), env=_environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120
        )

    def acquire(self, *options: object) -> subprocess.CompletedProcess[str]:
        return self.run("acquire", self.path, "--exhibit", EXHIBIT, self.drive.device, "--json", *options)

    def killed(self, delay_s: float, *options: object) -> bool:
        """Kills an acquisition that long after it began; False where it was over before that."""
        before = len(self.ledger("started", "acquire"))
        words = _words(["acquire", self.path, "--exhibit", EXHIBIT, self.drive.device, *options])
        quiet = subprocess.DEVNULL
        with subprocess.Popen(words, env=_environment(), stdin=quiet, stdout=quiet, stderr=quiet) as child:
            while child.poll() is None and len(self.ledger("started", "acquire")) == before:
                time.sleep(0.002)
            with suppress(subprocess.TimeoutExpired):
                child.wait(delay_s)
            child.send_signal(signal.SIGKILL)
        return child.returncode == -signal.SIGKILL

    def ledger(self, event: str, verb: str) -> list[dict[str, Any]]:
        found = []
        for line in (self.path / "custody" / "ledger.jsonl").read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue  # it is being written
            entry = json.loads(line)
            if entry["event"] == event and entry["data"].get("verb") == verb:
                found.append(entry)
        return found

    def require_acquired(self, bad: tuple[BadRange, ...], starts: int, interruptions: int) -> None:
        """Image, manifest and ledger say the same, and it is the truth."""
        expected = without(self.drive.content, bad)
        hashes = {name: hashlib.new(name, expected).hexdigest() for name in ALGORITHMS}
        manifest = json.loads((self.folder / "acquisition.json").read_text())
        said = manifest["acquisition"]
        assert said["hashes"] == hashes
        assert [(item["offset"], item["length"]) for item in said["bad"]] == [(b.offset, b.length) for b in bad]
        assert (said["size"], said["sector_size"], said["verified"]) == (SIZE, SECTOR, True)
        # One that is killed before it touched the drive is in the ledger only.
        assert starts - interruptions <= len(said["begun"]) <= starts
        for name, digest in manifest["files_sha256"].items():
            assert hashlib.sha256((self.folder / name).read_bytes()).hexdigest() == digest
        assert {path.name for path in self.folder.iterdir()} == {*manifest["files_sha256"], "acquisition.json"}
        with open_image([self.folder / name for name in said["segments"]]) as opened:
            assert opened.read_at(0, SIZE) == expected
        assert len(self.ledger("started", "acquire")) == starts
        assert len(self.ledger("interrupted", "acquire")) == interruptions
        ended = self.ledger("finished", "acquire")
        assert len(ended) == starts - interruptions
        assert (ended[-1]["data"]["outcome"], ended[-1]["data"]["hashes"]) == ("ok", hashes)
        assert ended[-1]["data"]["bad_ranges"] == len(bad)
        intact = self.run("verify", self.path)
        assert intact.returncode == OK, intact.stdout + intact.stderr


def _words(arguments: Any) -> list[str]:
    return [str(COMMAND), *map(str, arguments)]


def _environment() -> dict[str, str]:
    return {**os.environ, "DRIVECUSTODY_PASSPHRASE": "correct horse battery staple"}


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case that has the exhibit and no image."""
    path = tmp_path_factory.mktemp("received") / "a.dcase"
    case = Case(path, None)
    made = case.run(
        "new", path, "--number", "C-1", "--title", "t", "--organisation", "O", "--entity-type", "business",
        "--examiner", "X",
    )  # fmt: skip
    assert made.returncode == OK, made.stderr
    assert case.run("receive", path, "--exhibit", EXHIBIT, "--from", "A", "--to", "B").returncode == OK
    return path


@pytest.fixture
def new_case(received: Path) -> Callable[[Path, FaultyDrive], Case]:
    return lambda path, drive: Case(shutil.copytree(received, path), drive)


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    events = [json.loads(line) for line in done.stdout.splitlines()]
    result: dict[str, Any] = next(event for event in events if event["event"] == "finished")["result"]
    return result


@both_formats
def test_bad_sectors_are_in_the_result_and_in_the_case(
    plug: Plug, new_case: NewCase, tmp_path: Path, format: str
) -> None:
    drive = plug(CONTENT)
    drive.plant(BAD)
    case = new_case(tmp_path / "a.dcase", drive)
    done = case.acquire("--format", format)
    assert done.returncode == OK, done.stderr
    acquisition = result_of(done)["acquisition"]
    assert [(item["offset"], item["length"]) for item in acquisition["bad"]] == [(b.offset, b.length) for b in BAD]
    case.require_acquired(BAD, starts=1, interruptions=0)


@both_formats
def test_kill_9_at_random_points_and_the_same_command_again(
    plug: Plug, new_case: NewCase, tmp_path: Path, format: str
) -> None:
    drive = plug(CONTENT)
    everywhere = (BadRange(0, SIZE),)
    drive.plant(BAD, slow=everywhere, delay_s=0.004)  # or most kills would come after the reading
    chance = Random(format)
    undisturbed = new_case(tmp_path / "undisturbed.dcase", drive)
    begun = time.monotonic()
    assert undisturbed.killed(60, "--format", format) is False
    lasts = time.monotonic() - begun
    kills = number = 0
    while kills < KILLS:
        case = new_case(tmp_path / f"{number}.dcase", drive)
        number += 1
        starts = 0
        while case.unfinished and starts < 3:
            starts += 1
            kills += case.killed(chance.uniform(0, lasts), "--format", format)
        if case.unfinished:
            starts += 1
            done = case.acquire("--format", format)
            assert done.returncode == OK, done.stderr
        # A kill between the last entry and the end of the process interrupts nothing.
        case.require_acquired(BAD, starts, starts - len(case.ledger("finished", "acquire")))


KILLED_AT = """
import os, signal
from forensics.casefile.store import Store
from forensics.cli import main
from forensics.custody.ledger import Ledger

kept, appended = Store.add_acquisition, Ledger.append

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def keep(self, acquisition):
    kept(self, acquisition)
    if {place!r} == "the case has it":
        die()

def append(self, event, **more):
    done = appended(self, event, **more)
    if event == "finished" and {place!r} == "the ledger has it":
        die()
    return done

Store.add_acquisition, Ledger.append = keep, append
main()
"""


@both_formats
@pytest.mark.parametrize(("place", "finished"), [("the case has it", False), ("the ledger has it", True)])
def test_a_kill_when_it_is_all_but_over_leaves_no_acquisition_that_the_ledger_does_not_know(
    plug: Plug, new_case: NewCase, tmp_path: Path, format: str, place: str, finished: bool
) -> None:
    drive = plug(CONTENT)
    drive.plant(BAD)
    case = new_case(tmp_path / "a.dcase", drive)
    words = ["acquire", str(case.path), "--exhibit", EXHIBIT, str(drive.device), "--format", format]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT.format(place=place), *words],
        env=_environment(), capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    done = case.acquire()
    assert done.returncode == OK, done.stdout
    case.require_acquired(BAD, starts=2, interruptions=0 if finished else 1)


@both_formats
def test_a_drive_pulled_out_ends_with_the_status_of_the_environment_and_is_gone_on_with(
    plug: Plug, new_case: NewCase, tmp_path: Path, format: str
) -> None:
    drive = plug(CONTENT)
    drive.plant(BAD)
    case = new_case(tmp_path / "a.dcase", drive)
    drive.pull_out(14 * MIB)
    done = case.acquire("--format", format)
    assert done.returncode == ENVIRONMENT, done.stdout
    assert "disconnected" in done.stdout + done.stderr
    assert not (case.folder / "acquisition.json").exists()
    assert case.run("verify", case.path).returncode == OK
    drive.plug_in()
    assert case.acquire().returncode == OK
    case.require_acquired(BAD, starts=2, interruptions=0)


@both_formats
def test_a_full_destination_ends_with_the_status_of_the_environment_and_is_gone_on_with(
    plug: Plug, new_case: NewCase, tmp_path: Path, format: str
) -> None:
    drive = plug(CONTENT)
    drive.plant(BAD, slow=(BadRange(SIZE // 2, SIZE // 2),), delay_s=0.05)
    with small_disk(tmp_path / "small", 96 * MIB) as disk:
        case = new_case(disk / "a.dcase", drive)
        words = _words(["acquire", case.path, "--exhibit", EXHIBIT, drive.device, "--format", format, "--json"])
        with subprocess.Popen(
            words, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        ) as child:  # fmt: skip
            while child.poll() is None and drive.traffic.read_bytes < SIZE // 2:
                time.sleep(0.002)
            take_room(disk, but=3 * MIB)
            told, _ = child.communicate(timeout=60)
        assert child.returncode == ENVIRONMENT, told
        assert "full" in told
        (disk / "other").unlink()
        drive.plant(BAD)
        done = case.acquire()
        assert done.returncode == OK, done.stderr
        # The ledger is on the same disk: where not even its last entry had room, the next start says what happened.
        case.require_acquired(BAD, 2, interruptions=len(case.ledger("interrupted", "acquire")))


def test_an_unfinished_image_is_thrown_away_on_request(plug: Plug, new_case: NewCase, tmp_path: Path) -> None:
    drive = plug(CONTENT)
    case = new_case(tmp_path / "a.dcase", drive)
    drive.pull_out(14 * MIB)
    assert case.acquire("--format", "raw").returncode == ENVIRONMENT
    drive.plug_in()
    assert case.acquire("--restart", "--format", "e01").returncode == OK
    said = json.loads((case.folder / "acquisition.json").read_text())["acquisition"]
    assert (said["format"], len(said["begun"])) == ("e01", 1)
    assert (case.folder / "E-001.E01").exists()
    assert not list(case.folder.glob("*.raw*"))
