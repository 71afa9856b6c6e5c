"""Documents that bite: the command ends well, each has a status, and nothing is written or read that should not be."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostile.documents import mutations
from hostile.drives import MIB, drive_of_files, examine


def _drive(folder: Path, documents: list[tuple[str, bytes]], size: int) -> Path:
    tree = folder / "documents"
    tree.mkdir()
    for name, data in documents:
        (tree / name).write_bytes(data)
    return drive_of_files(folder / "drive.raw", tree, size)


@pytest.mark.slow
def test_two_hundred_damaged_documents_each_end_with_a_status(tmp_path: Path) -> None:
    found = examine(tmp_path, _drive(tmp_path, list(mutations(200, 20200301)), 96 * MIB))
    found.must_hold(seconds=300)
    with found.view() as view:
        rows = [row for row in view.all_files() if row.status == "live"]
        outcomes = view.counts_by("outcome")
    assert len(rows) == 200
    # Some are still whole enough to be read: else the mutations would prove little.
    assert outcomes["ok"] > 50


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(4))
def test_two_thousand_damaged_documents_each_end_with_a_status(tmp_path: Path, seed: int) -> None:
    examine(tmp_path, _drive(tmp_path, list(mutations(500, seed)), 128 * MIB)).must_hold(seconds=1800)
