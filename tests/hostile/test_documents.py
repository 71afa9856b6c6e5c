"""Documents that bite: the command ends well, each has a status, and nothing is written or read that should not be."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from forensics.casefile.store import Store
from hostile.documents import monsters, mutations
from hostile.drives import MIB, Examined, drive_of_files, examine


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


@pytest.fixture(scope="module")
def bitten(tmp_path_factory: pytest.TempPathFactory) -> Examined:
    folder = tmp_path_factory.mktemp("monsters")
    return examine(folder, _drive(folder, list(monsters()), 512 * MIB))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_monster_of_the_design_ends_with_a_status(bitten: Examined) -> None:
    bitten.must_hold(seconds=900)
    with bitten.view() as view:
        rows = {row.name: row for row in view.all_files() if row.status == "live"}
        everything = list(view.all_files())
    assert set(rows) == {name for name, _ in monsters()}
    assert all(row.outcome in ("ok", "empty") or row.reason for row in everything)
    # What was not followed to its end says so somewhere: in the monster itself, or in what came out of it.
    for name in ("flat-bomb.zip", "overlapping.zip", "sixty-deep.zip", "flat-bomb.gz"):
        family = [row for row in everything if name in row.locator]
        assert any(row.outcome in ("failed", "not_examined") for row in family), name


@pytest.mark.slow
def test_no_entity_of_a_document_brings_in_a_file_of_this_computer(bitten: Examined) -> None:
    line = Path("/etc/passwd").read_bytes().splitlines()[0]
    with bitten.view() as view:
        key, folder = view.key, view.folder
    with Store(folder, key) as store:
        for stored in store.pieces():
            data = store.piece(stored.id).piece.data or b""
            assert line not in data


@pytest.mark.slow
@pytest.mark.parametrize(
    "members", [10_000, pytest.param(200_000, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)])]
)
def test_an_archive_of_many_members_is_bounded(tmp_path: Path, members: int) -> None:
    tree = tmp_path / "documents"
    tree.mkdir()
    with zipfile.ZipFile(tree / "many.zip", "w") as archive:
        for number in range(members):
            archive.writestr(f"{number:06}.txt", b"x")
    found = examine(tmp_path, drive_of_files(tmp_path / "drive.raw", tree, 128 * MIB))
    found.must_hold(seconds=600)
