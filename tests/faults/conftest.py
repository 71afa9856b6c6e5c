"""Drives with faults for one test, taken down at its end whatever happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from faulty_drive import FaultyDrive, faulty_drive, why_not


@pytest.fixture(scope="session")
def _block_devices() -> None:
    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture
def plug(_block_devices: None, tmp_path: Path) -> Iterator[Callable[[bytes], FaultyDrive]]:
    """Gives a drive of this content. At the end of the test none of them was written to."""
    with ExitStack() as stack:
        drives: list[FaultyDrive] = []

        def make(content: bytes) -> FaultyDrive:
            drives.append(stack.enter_context(faulty_drive(tmp_path / f"drive-{len(drives)}", content)))
            return drives[-1]

        yield make
        assert [drive.traffic.writes for drive in drives] == [0] * len(drives), "the exhibit was written to"
