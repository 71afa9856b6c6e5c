"""Plain directories and files of ext4 are read many at a time: entry by entry as The Sleuth Kit gives them."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from forensics.evidence import ext4, files
from forensics.evidence.allocation import Layout
from forensics.evidence.file_system import open_file_system
from forensics.evidence.files import list_volume
from forensics.evidence.image import Image, open_image
from forensics.evidence.plain import NO_FILES, PlainFiles
from forensics.evidence.volumes import volumes
from forensics.model import FileEntry

MIB = 1 << 20


def fill(tree: Path) -> None:
    """Folders that are small, large, nested; names of every length; files with and without content, holes, links."""
    chance = random.Random(7)
    for number in range(400):
        (tree / "many").mkdir(parents=True, exist_ok=True)
        (tree / "many" / ("n" * (number % 200) + f"{number}")).write_bytes(b"a" * number)
    (tree / "few" / "deep" / "deeper").mkdir(parents=True)
    for number in range(12):
        (tree / "few" / "deep" / f"{number}.txt").write_bytes(chance.randbytes(chance.randrange(20_000)))
        (tree / "few" / "deep" / "deeper" / f"ä {number}").write_bytes(chance.randbytes(number * 5_000))
    (tree / "few" / "empty").touch()
    (tree / "few" / "nobody").mkdir()
    (tree / "few" / "pointer").symlink_to("deep/1.txt")
    (tree / "few" / "far").symlink_to("x" * 200)
    os.mkfifo(tree / "few" / "pipe")
    (tree / "few" / "twin").hardlink_to(tree / "few" / "deep" / "2.txt")
    with (tree / "few" / "sparse").open("wb") as stream:
        stream.write(b"a" * 5000)
        stream.seek(MIB)
        stream.write(b"b" * 5000)
    with (tree / "few" / "torn").open("wb") as stream:
        for part in range(8):
            stream.seek(part * 16_384)
            stream.write(b"c" * 4096)
    os.utime(tree / "few" / "empty", (0, 1))
    os.utime(tree / "few" / "deep" / "1.txt", ns=(1_700_000_000_123_456_789, 1_600_000_000_000_000_001))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ext4") / "tree"
    folder.mkdir()
    fill(folder)
    return folder


def make(path: Path, tree: Path, *options: str) -> Path:
    command = ["mke2fs", "-q", "-t", "ext4", "-N", "2000", *options, "-d", tree, path, "24m"]
    subprocess.run(command, check=True, capture_output=True)
    return path


def debugfs(path: Path, *commands: str) -> None:
    script = "\n".join(commands)
    subprocess.run(["debugfs", "-w", "-f", "/dev/stdin", path], input=script.encode(), check=True, capture_output=True)


@pytest.fixture(autouse=True, params=["all", "many names"])
def _from_how_many_names_on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "all":
        monkeypatch.setattr(ext4, "FEW_NAMES", 0)


def listed(path: Path) -> tuple[list[FileEntry], Layout | None]:
    with open_image([path]) as image:
        return list_volume(image, volumes(image, "E-001")[-1], "E-001")


def one_by_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[FileEntry], Layout | None]:
    """As The Sleuth Kit gives them, every one."""
    with monkeypatch.context() as patch:
        patch.setattr(files, "ext4_of", lambda image, system: None)
        return listed(path)


def told_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many files are told without The Sleuth Kit."""
    count = 0
    real = ext4.Ext4._files_at

    def counted(self: ext4.Ext4, numbers: list[int]) -> PlainFiles:
        nonlocal count
        found = real(self, numbers)
        count += len(found.places)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(ext4.Ext4, "_files_at", counted)
        patch.setattr(ext4, "FEW_NAMES", 0)
        listed(path)
    return count


OPTIONS = {
    "usual": (),
    "without checksums": ("-O", "^metadata_csum,^64bit"),
    "blocks of 1 KiB": ("-b", "1024"),
    "blocks of 2 KiB, groups of their own": ("-b", "2048", "-O", "^flex_bg", "-g", "4096"),
    "no journal, large inodes": ("-O", "^has_journal", "-I", "512"),
    "small inodes": ("-I", "128"),
    "inline data": ("-O", "inline_data"),
    "no file types": ("-O", "^filetype"),
    "block maps": ("-O", "^extent,huge_file,^64bit"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_told_at_once_is_what_the_sleuth_kit_tells_one_by_one(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = make(tmp_path / "ext", tree, *OPTIONS[name])
    wanted = one_by_one(path, monkeypatch)
    assert listed(path) == wanted
    assert len(wanted[0]) > 420
    if name in ("small inodes", "no file types", "inline data", "block maps"):
        assert told_at_once(path, monkeypatch) == 0
    else:
        assert told_at_once(path, monkeypatch) > 400


@pytest.mark.parametrize("seed", range(6))
def test_directories_with_a_hash_tree_are_told_at_once(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Where a hash of the tree looks like a deleted entry to The Sleuth Kit, it is asked, and gives that entry."""
    path = make(tmp_path / "ext", tree, "-E", f"hash_seed=0b6f1d4e-0000-4000-8000-{seed:012}")
    done = subprocess.run(["e2fsck", "-fyD", path], capture_output=True)
    assert done.returncode in (0, 1)
    shown = subprocess.run(["debugfs", "-R", "htree /many", path], capture_output=True, check=True).stdout
    assert b"Root node dump" in shown, "the folder has a hash tree"
    entries, layout = listed(path)
    assert (entries, layout) == one_by_one(path, monkeypatch)
    plain = all(entry.locator.region == "live" for entry in entries)
    assert (told_at_once(path, monkeypatch) > 400) == plain


def test_deleted_names_are_found_where_the_rest_of_the_directory_is_plain(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "ext", tree)
    before = told_at_once(path, monkeypatch)
    debugfs(path, "rm /many/n1", "rm /few/deep/3.txt", "rm /few/deep/4.txt", "rm /few/deep/deeper/empty")
    entries, layout = listed(path)
    assert (entries, layout) == one_by_one(path, monkeypatch)
    gone = {entry.locator.path[-1] for entry in entries if entry.locator.region == "deleted"}
    assert {b"n1", b"3.txt", b"4.txt"} <= gone
    assert 0 < told_at_once(path, monkeypatch) < before - 300, "these folders are read name by name"


def searched_for_orphans(path: Path) -> bool:
    with open_image([path]) as image:
        reader = ext4.ext4_of(image, open_file_system(image, 0))
        assert reader is not None
        return not reader.without_orphans(True)


@pytest.mark.parametrize("options", [(), ("-O", "^metadata_csum,^64bit", "-b", "1024", "-I", "512")])
def test_an_inode_that_no_name_leads_to_is_found(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    path = make(tmp_path / "ext", tree, *options)
    assert not searched_for_orphans(path), "no inode was in use but those that are"
    assert not any(entry.locator.region == "deleted" for entry in one_by_one(path, monkeypatch)[0])
    with open_image([path]) as image:
        reader = ext4.ext4_of(image, open_file_system(image, 0))
        assert reader is not None
        table, size = (reader._table_of(reader._groups[0]) or 0) * reader._block, reader._inode_size
    raw = bytearray(path.read_bytes())
    some = next(entry for entry in listed(path)[0] if entry.size)
    at = table + (some.address - 1) * size
    last = table + (reader._per_group - 1) * size
    raw[last : last + size] = raw[at : at + size]
    path.write_bytes(raw)
    assert searched_for_orphans(path)
    entries, layout = listed(path)
    assert (entries, layout) == one_by_one(path, monkeypatch)
    assert [entry.size for entry in entries if entry.address == reader._per_group] == [some.size]


def test_inodes_that_cannot_be_read_are_left_to_the_sleuth_kit(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "ext", tree)
    numbers = [entry.address for entry in listed(path)[0] if entry.locator.path[0] == b"many"]
    with open_image([path]) as image:
        reader = ext4.ext4_of(image, open_file_system(image, 0))
        assert reader is not None
        assert len(reader._files_at(numbers).places) == 400

        def read_at(self: Image, offset: int, length: int) -> bytes:
            raise OSError("damaged")

        monkeypatch.setattr(Image, "read_at", read_at)
        assert reader._files_at(numbers) == NO_FILES
        assert not reader.without_orphans(True)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_or_forged_ext4_gives_the_same_both_ways(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Bytes changed in directories, inodes, group descriptors and the super block, a few to some hundred."""
    chance = random.Random(seed)
    path = make(tmp_path / "ext", tree, "-b", "1024", "-O", "^has_journal" if seed % 2 else "^metadata_csum")
    raw = bytearray(path.read_bytes())
    stats = subprocess.run(["dumpe2fs", path], capture_output=True, check=True).stdout.decode()
    tables = [int(line.split()[3].split("-")[0]) for line in stats.splitlines() if "Inode table at" in line]
    places = [
        lambda: tables[chance.randrange(len(tables))] * 1024 + chance.randrange(1000 * 256),
        lambda: raw.find(b"n" * chance.randrange(1, 150)) + chance.randrange(-600, 600),
        lambda: max(0, raw.find(b"%d.txt" % chance.randrange(12)) + chance.randrange(-100, 100)),
        lambda: 2048 + chance.randrange(256),
    ]
    for _ in range(chance.choice((1, 5, 50, 400))):
        at = max(2048 if seed % 5 else 1024, places[chance.choice((0, 0, 0, 1, 1, 2, 3))]())
        raw[at % len(raw)] = chance.choice((0, 1, 4, 12, 255, chance.randrange(256)))
    path.write_bytes(raw)
    try:
        wanted = one_by_one(path, monkeypatch)
    except OSError:
        with pytest.raises(OSError):  # noqa: PT011 - whichever it is
            listed(path)
        return
    found = listed(path)
    assert found[0] == wanted[0]
    assert found[1] == wanted[1]
