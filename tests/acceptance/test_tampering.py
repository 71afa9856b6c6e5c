"""One flipped byte, wherever it is, makes `verify` fail and say where. Judged on the worked example's own files."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError
from worked_example import COMMAND, Example, flipped

from forensics.casefile.case import CaseFolder
from forensics.casefile.views import CaseView
from forensics.custody import ledger
from forensics.errors import DriveCustodyError
from forensics.examination.verify import verify
from forensics.jobs.events import silent
from forensics.model import Tier
from forensics.report.package_check import check_package
from forensics.report.signing import check_bytes

SMALL = 4096


@pytest.fixture
def case(example: Example, tmp_path: Path) -> Path:
    """A copy of the finished case without its database, which `verify` does not open."""
    copy = tmp_path / "copy.dcase"
    shutil.copytree(example.case, copy)
    return copy


@pytest.fixture(scope="module")
def bag(example: Example, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked example's package, unpacked."""
    folder = tmp_path_factory.mktemp("bag")
    with zipfile.ZipFile(example.package) as packed:
        packed.extractall(folder)
    return next(path for path in folder.iterdir() if path.is_dir())


def broken(path: Path) -> list[str]:
    """Subjects of the facts that do not hold."""
    return [fact["subject"] for fact in verify(silent(), path)["facts"] if fact["holds"] is False]


def test_nothing_is_broken_before_anything_is_changed(case: Path, bag: Path) -> None:
    assert broken(case) == []
    assert broken(bag) == []


def test_a_flip_anywhere_in_the_image_is_found_and_named(case: Path) -> None:
    images = case / "images" / "E-001"
    for path in sorted(images.iterdir()):
        data = path.read_bytes()
        every = range(len(data)) if len(data) < 200 else random.Random(7).sample(range(len(data)), 12)
        for at in {0, len(data) - 1, *every}:
            path.write_bytes(flipped(data, at))
            said = broken(case)
            assert any("E-001" in subject and path.name in subject for subject in said), (path.name, at, said)
        path.write_bytes(data)


def test_a_missing_segment_is_found(case: Path) -> None:
    next((case / "images" / "E-001").glob("*.E01")).unlink()
    assert broken(case) == ["E-001/E-001.E01"]


def test_a_flip_of_any_byte_of_the_ledger_is_found(case: Path) -> None:
    path = case / "custody" / "ledger.jsonl"
    data = path.read_bytes()
    missed = [
        at
        for at in range(len(data))
        if all(fact.holds is not False for fact in ledger.check_bytes(flipped(data, at), "ledger"))
    ]
    assert missed == []
    path.write_bytes(flipped(data, len(data) // 2))
    assert any("ledger.jsonl" in subject for subject in broken(case))


def test_entries_cannot_be_dropped_from_the_end_once_signed(case: Path) -> None:
    path = case / "custody" / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    signed = max(n for n, line in enumerate(lines) if json.loads(line)["event"] == "checkpoint")
    path.write_bytes(b"".join(lines[:signed]))
    assert broken(case)


def test_a_flip_of_any_byte_of_a_checkpoint_is_found(case: Path) -> None:
    for path in sorted((case / "custody" / "checkpoints").glob("[0-9]*")):
        data = path.read_bytes()
        for at in random.Random(11).sample(range(len(data)), 40):
            path.write_bytes(flipped(data, at))
            assert any(path.stem in subject for subject in broken_custody(case)), (path.name, at)
        path.write_bytes(data)


def broken_custody(case: Path) -> list[str]:
    from forensics.custody.checkpoints import check_checkpoints

    return [fact.subject for fact in check_checkpoints(case / "custody") if fact.holds is False]


def test_a_flip_in_the_signed_report_is_found(example: Example) -> None:
    data = example.report.read_bytes()
    a, b, c, d = signed_ranges(data)
    uncovered = range(a + b, c)
    assert c + d == len(data)
    # Every byte that the signature does not cover itself, and a sample of those it does.
    for at in [*uncovered[::3], *random.Random(3).sample(range(b), 60), *range(c, len(data))[-60:]]:
        facts = check_bytes(flipped(data, at), "report.pdf")
        assert any(fact.holds is False for fact in facts), at


def signed_ranges(pdf: bytes) -> tuple[int, int, int, int]:
    import re

    found = re.search(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", pdf)
    assert found
    return tuple(map(int, found.groups()))  # type: ignore[return-value]


def test_a_flip_in_any_file_of_the_package_is_found_and_named(bag: Path) -> None:
    assert missed_flips(bag, 6, 6) == []
    assert broken(bag) == []


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_flip_of_any_byte_of_a_small_file_of_the_package_is_found(bag: Path) -> None:
    assert missed_flips(bag, SMALL, 100) == []


def missed_flips(bag: Path, few: int, sampled: int) -> list[tuple[str, int]]:
    """Flips that nothing shows: of `few` bytes of each small file, or all where there are not so many."""
    missed = []
    for path in sorted(p for p in bag.rglob("*") if p.is_file()):
        data = path.read_bytes()
        most = few if len(data) < SMALL else sampled
        every = range(len(data)) if len(data) <= most else random.Random(5).sample(range(len(data)), most)
        for at in every:
            path.write_bytes(flipped(data, at))
            said = [fact.subject for fact in check_package(bag) if fact.holds is False]
            if not any(path.name in subject for subject in said):
                missed.append((path.name, at))
        path.write_bytes(data)
    return missed


def test_a_flipped_page_of_the_database_is_an_error_and_never_another_value(example: Example, case: Path) -> None:
    """SQLCipher seals each page by its own code: a changed one is an error, the others are as they were."""
    path = case / "case.db"
    data = path.read_bytes()

    def told(view: CaseView) -> object:
        return list(view.hashes()), list(view.all_files()), list(view.all_persons(tuple(Tier))), view.assessment()

    with example.view() as view:
        key, whole = view.key, told(view)
    chance, refused = random.Random(13), 0
    for at in chance.sample(range(len(data) // 4096), 40):
        path.write_bytes(flipped(data, at * 4096 + chance.randrange(4096)))
        try:
            with CaseView(CaseFolder(case), key) as view:
                assert told(view) == whole
        except (DriveCustodyError, SQLAlchemyError):
            refused += 1
    assert refused
    path.write_bytes(flipped(data, 40))
    with pytest.raises(DriveCustodyError), CaseView(CaseFolder(case), key) as view:
        view.counts_by("status")


def test_a_file_put_into_the_package_or_taken_out_is_found(bag: Path) -> None:
    planted = bag / "data" / "planted.txt"
    planted.write_text("not ours")
    assert any("planted.txt" in subject for subject in broken(bag))
    planted.unlink()
    manifest = bag / "data" / "manifests" / "hashes.csv"
    away = manifest.rename(bag.parent / "away")
    assert any("hashes.csv" in subject for subject in broken(bag))
    away.rename(manifest)


def test_a_flip_in_the_zip_is_found(example: Example, tmp_path: Path) -> None:
    data = example.package.read_bytes()
    copy = tmp_path / "package-1.zip"
    for at in [*range(0, 64), *random.Random(9).sample(range(len(data)), 100), *range(len(data))[-64:]]:
        copy.write_bytes(flipped(data, at))
        assert any(fact.holds is False for fact in check_package(copy)), at


def test_the_command_ends_with_status_1_and_names_the_place(case: Path) -> None:
    path = case / "images" / "E-001" / "acquisition.json"
    path.write_bytes(flipped(path.read_bytes(), 100))
    done = subprocess.run([COMMAND, "verify", case], capture_output=True, text=True)
    assert done.returncode == 1
    assert "DOES NOT HOLD  E-001/acquisition.json" in done.stdout


def test_the_packages_own_recipe_works_without_this_program(bag: Path) -> None:
    for command in (
        ["sha256sum", "--quiet", "-c", "manifest-sha256.txt"],
        ["sha256sum", "--quiet", "-c", "tagmanifest-sha256.txt"],
        ["python3", "verify_ledger.py", "data/custody/ledger.jsonl"],
    ):
        assert subprocess.run(command, cwd=bag, capture_output=True).returncode == 0, command
