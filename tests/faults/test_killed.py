"""The imager is killed at any moment, over and over, and still makes the image that an undisturbed one would have."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import killed_imaging
import pytest
from faulty_drive import MIB, SECTOR, FaultyDrive, content_of_a_drive
from imaged_drive import acquire, both_formats, require_nothing_called_bad_that_is_not, require_right

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
KILLS = 10
"""Of each format, on a sound drive and on one with bad sectors: forty in all."""

Plug = Callable[[bytes], FaultyDrive]


def imaging(
    drive: FaultyDrive, folder: Path, format: str, kill_at: int = 0, delay_ms: float = 0
) -> dict[str, Any] | None:
    """What an imaging found that ended; None of one that was killed."""
    command = [sys.executable, killed_imaging.__file__, drive.device, folder, format, str(kill_at), str(delay_ms)]
    paths = os.pathsep.join(str(path) for path in (Path(__file__).parents[1], Path(__file__).parents[2]))
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@both_formats
@pytest.mark.parametrize("bad", [(), BAD], ids=["sound", "bad sectors"])
def test_kill_9_at_random_points_and_going_on(
    plug: Plug, tmp_path: Path, format: str, bad: tuple[BadRange, ...]
) -> None:
    drive = plug(CONTENT)
    drive.plant(bad)
    chance = Random(f"{format} {len(bad)}")
    undisturbed = imaging(drive, tmp_path / "undisturbed", format)
    assert undisturbed is not None
    kills = image = 0
    while kills < KILLS:
        folder = tmp_path / f"image-{image}"
        image += 1
        for _ in range(chance.choice([1, 2, 3])):
            # The last of them is killed while it ends.
            at, delay = chance.randrange(1, undisturbed["asked"] + 1), chance.choice([0, 0, 1, 3, 10, 30])
            if imaging(drive, folder, format, at, delay) is not None:
                break  # it went on with so much that it was ready before
            kills += 1
            require_nothing_called_bad_that_is_not(folder, bad)
        found, sink = acquire(drive.device, folder, format)
        require_right(drive, found, sink, bad)
        assert found.hashes == undisturbed["hashes"]
        assert found.zero_bytes == undisturbed["zero_bytes"]
        assert [path.name for path in sink.segments] == undisturbed["segments"]
        for path in sink.segments:
            assert format == "e01" or path.read_bytes() == (tmp_path / "undisturbed" / path.name).read_bytes()


@both_formats
def test_a_second_kill_while_the_unfinished_image_is_read_again(plug: Plug, tmp_path: Path, format: str) -> None:
    drive = plug(CONTENT)
    drive.plant(BAD)
    undisturbed = imaging(drive, tmp_path / "undisturbed", format)
    assert undisturbed is not None
    assert imaging(drive, tmp_path / "image", format, undisturbed["asked"] - 3) is None
    for at in (1, 2, 5):
        assert imaging(drive, tmp_path / "image", format, at) is None
    found, sink = acquire(drive.device, tmp_path / "image", format)
    require_right(drive, found, sink, BAD)
