"""`index` killed twenty times, at any moment, ends with the tables of an index that nobody disturbed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from case_tables import PASSPHRASE, tables
from shadow_copies import vss
from worked_example import COMMAND, drivecustody

from forensics.demonstration.drive import make_demonstration

KILLS = 20


def index(case: Path, kill_after: float | None = None) -> bool:
    """Run it; True where it was killed before its end."""
    child = subprocess.Popen(
        [COMMAND, "index", case, "--json"], env={**os.environ, **PASSPHRASE}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if kill_after is None:
        assert child.wait(timeout=300) == 0
        return False
    try:
        child.wait(timeout=kill_after)
        return False
    except subprocess.TimeoutExpired:
        workers = psutil.Process(child.pid).children(recursive=True)
        child.send_signal(signal.SIGKILL)
        child.wait()
        _, alive = psutil.wait_procs(workers, timeout=10)
        assert alive == [], "a worker outlived its parent"
        return True


def killed_twenty_times(tmp_path: Path, image: Path, filled: tuple[str, ...]) -> None:
    """Each kill is at a moment of an undisturbed run's length; `filled` are tables that must not be empty in it."""
    fresh = tmp_path / "fresh.dcase"
    drivecustody(
        "new", fresh, "--number", "1", "--title", "T", "--organisation", "O", "--entity-type", "hipaa_covered_entity",
        "--examiner", "E", env=PASSPHRASE,
    )  # fmt: skip
    drivecustody("receive", fresh, "--exhibit", "E-001", "--from", "A", "--to", "B", env=PASSPHRASE)
    drivecustody("import-image", fresh, "--exhibit", "E-001", image, env=PASSPHRASE)
    undisturbed, killed = tmp_path / "undisturbed.dcase", tmp_path / "killed.dcase"
    shutil.copytree(fresh, undisturbed)
    begun = time.monotonic()
    index(undisturbed)
    length = time.monotonic() - begun
    wanted = tables(undisturbed)
    assert all(wanted[name] for name in ("volume", "file_entry", "coverage", *filled))

    chance = random.Random(20160817)
    kills, rounds = 0, 0
    shutil.copytree(fresh, killed)
    while kills < KILLS:
        if not index(killed, kill_after=chance.uniform(0.1, 1.0) * length):
            # This one came to its end: it must be right, and the rest of the kills fall upon a new one.
            assert tables(killed) == wanted
            rounds += 1
            shutil.rmtree(killed)
            shutil.copytree(fresh, killed)
            continue
        kills += 1
    index(killed)
    assert tables(killed) == wanted
    assert drivecustody("verify", killed, env=PASSPHRASE)


@pytest.mark.slow
def test_an_index_killed_twenty_times_ends_in_the_same_tables(tmp_path: Path) -> None:
    drive = make_demonstration(tmp_path / "demo", members=800, affected=200)
    killed_twenty_times(tmp_path, drive.image, ("piece", "content", "volume_layout"))


@pytest.mark.slow
def test_an_index_of_shadow_copies_killed_twenty_times_ends_in_the_same_tables(tmp_path: Path) -> None:
    image = tmp_path / "drive.raw"
    image.write_bytes(vss())
    killed_twenty_times(tmp_path, image, ("shadow_store", "same_content"))
