"""Plain directories of FAT are read many entries at a time: entry by entry as The Sleuth Kit gives them."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.evidence import files
from forensics.evidence.allocation import Layout
from forensics.evidence.fat import Fat
from forensics.evidence.files import list_volume
from forensics.evidence.image import Image, open_image
from forensics.evidence.volumes import volumes
from forensics.model import FileEntry

KINDS = {"FAT12": ("12", "2M", "2"), "FAT16": ("16", "5M", "1"), "FAT32": ("32", "34M", "1")}
SECTOR, SLOT = 512, 32


def fill(tree: Path) -> None:
    """Folders empty, large, nested; names short, long, in capitals or not, of other scripts; files of all sizes."""
    chance = random.Random(5)
    many = tree / "many"
    many.mkdir(parents=True)
    for number in range(220):
        (many / f"{'n' * (number % 60)}{number} letter.txt").write_bytes(b"a" * (number * 7))
    short = tree / "SHORT"
    (short / "EMPTY").mkdir(parents=True)
    for name in (
        "A",
        "README.TXT",
        "lower.txt",
        "MIXED.txt",
        "smalls.TXT",
        "12345678.123",
        "NOEXT",
        "X.Y",
        "TIL~DE{1}.$$$",
    ):
        (short / name).write_bytes(chance.randbytes(chance.randrange(1, 9000)))
    (short / "NOTHING.DAT").touch()
    deep = tree / "a folder" / "in another" / "and deeper"
    deep.mkdir(parents=True)
    for name in (
        "Brannick, Johan.docx",
        "x" * 120 + ".pdf",
        "exactly 13 ch",
        "exactly twenty-six letters",
        "two.dots.here",
    ):
        (deep / name).write_bytes(chance.randbytes(chance.randrange(40_000)))
    other = tree / "other scripts"
    other.mkdir()
    for name in ("Gehälter 2025.xlsx", "中文文件.txt", "Zażółć gęślą jaźń"):
        (other / name).write_bytes(chance.randbytes(3000))
    for number, path in enumerate(sorted(tree.rglob("*"))):
        os.utime(path, (86_400 * 365 * 12 + number * 40_003, 86_400 * 365 * 20 + number * 70_001))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("fat")
    fill(folder / "tree")
    images = {}
    for name, (width, size, sectors) in KINDS.items():
        path = folder / name
        with path.open("xb") as stream:
            stream.truncate(int(size[:-1]) << 20)
        run("mkfs.fat", "-F", width, "-s", sectors, "-n", "STICK", path)
        run("mcopy", "-s", "-m", "-Q", "-i", path, *sorted((folder / "tree").iterdir()), "::/")
        images[name] = path.read_bytes()
    return images


def run(*command: object) -> None:
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    subprocess.run([str(part) for part in command], check=True, capture_output=True, env=environment)


class Geometry:
    """Where things are, by the boot sector."""

    def __init__(self, image: bytes) -> None:
        def number(at: int, width: int) -> int:
            return int.from_bytes(image[at : at + width], "little")

        self.fat = number(14, 2) * SECTOR
        self.fat_size = (number(22, 2) or number(36, 4)) * SECTOR
        self.root = self.fat + image[16] * self.fat_size
        self.heap = self.root + number(17, 2) * SLOT
        self.cluster = image[13] * SECTOR

    def folders(self, image: bytes) -> list[int]:
        """Where each directory below the root begins: by its `.` entry."""
        return [at for at in range(self.heap, len(image), self.cluster) if image[at : at + 11] == b".          "]


def listed(path: Path) -> tuple[list[FileEntry], Layout | None]:
    with open_image([path]) as image:
        return list_volume(image, volumes(image, "E-001")[-1], "E-001")


def unreadable(monkeypatch: pytest.MonkeyPatch, bad: int) -> None:
    """One byte of every image that cannot be read."""
    real = Image.read_at

    def read_at(self: Image, offset: int, length: int) -> bytes:
        if offset <= bad < offset + length:
            raise OSError("damaged")
        return real(self, offset, length)

    monkeypatch.setattr(Image, "read_at", read_at)


class Both:
    """An image as it is listed, and as The Sleuth Kit alone lists it."""

    def __init__(self, path: Path, image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        path.write_bytes(image)
        self.plain = 0
        self.orphans_searched = True
        with monkeypatch.context() as patch:
            patch.setattr(Fat, "directory", self._counted(Fat.directory))
            patch.setattr(Fat, "without_orphans", self._told(Fat.without_orphans))
            self.ours = listed(path)
            patch.setattr(files, "fat_of", lambda image, system: None)
            self.theirs = listed(path)
        path.unlink()

    def _counted(self, real: Callable[[Fat, int], object]) -> Callable[[Fat, int], object]:
        def directory(reader: Fat, address: int) -> object:
            found = real(reader, address)
            self.plain += found is not None
            return found

        return directory

    def _told(self, real: Callable[[Fat, bool], bool]) -> Callable[[Fat, bool], bool]:
        def without_orphans(reader: Fat, all_plain: bool) -> bool:
            self.orphans_searched = not real(reader, all_plain)
            return not self.orphans_searched

        return without_orphans


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_told_at_once_is_what_the_sleuth_kit_tells(
    tmp_path: Path, made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    both = Both(tmp_path / "fat", made[kind], monkeypatch)
    assert both.ours == both.theirs
    assert len(both.theirs[0]) == 238
    assert both.plain == 7, "all folders"
    assert not both.orphans_searched


def _slot(name: bytes = b"OLDFILE TXT", attributes: int = 0x20, cluster: int = 9, size: int = 700) -> bytes:
    times = bytes.fromhex("00 64 21 5b 21 5b")
    return (
        name + bytes([attributes, 0, 0]) + times + (cluster >> 16).to_bytes(2, "little") + bytes.fromhex("0064 215b")
        + (cluster & 0xFFFF).to_bytes(2, "little") + size.to_bytes(4, "little")
    )  # fmt: skip


def _last_cluster(image: bytes, where: Geometry) -> int:
    return where.heap + (len(image) - where.heap) // where.cluster * where.cluster - where.cluster


@pytest.mark.parametrize("kind", KINDS)
def test_an_orphan_in_free_space_is_found(
    tmp_path: Path, made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A directory that was deleted and whose name was overwritten: its cluster is free and nobody names it."""
    image = bytearray(made[kind])
    at = _last_cluster(image, Geometry(image))
    image[at : at + 3 * SLOT] = _slot(b".          ", 0x10, 0x500, 0) + _slot(b"..         ", 0x10, 0, 0) + _slot()
    both = Both(tmp_path / "fat", bytes(image), monkeypatch)
    assert both.ours == both.theirs
    assert any(entry.locator.path == (b"OLDFILE.TXT",) for entry in both.ours[0])


FREE = {
    "zeros": bytes(SECTOR),
    "a text": b"Dear members, this is a letter with nothing of a directory in it. " * 8,
    "long names alone": (b"\x41a\0b\0c\0d\0e\0\x0f\0\x55f\0g\0h\0i\0j\0k\0\0\0l\0m\0") * 16,
    "entries in a sector that begins with none": b"\xff" * SLOT + _slot() * 15,
    "entries behind an empty slot with the mark of a long name": bytes(11) + b"\x0f" + bytes(20) + _slot() * 15,
    "deleted entries": _slot(b"\xe5LDFILETXT") * 16,
}


@pytest.mark.parametrize("content", FREE)
@pytest.mark.parametrize("kind", KINDS)
def test_what_free_space_holds_is_judged_as_the_sleuth_kit_judges_it(
    tmp_path: Path, made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, kind: str, content: str
) -> None:
    image = bytearray(made[kind])
    at = _last_cluster(image, Geometry(image))
    image[at : at + SECTOR] = FREE[content][:SECTOR].ljust(SECTOR, b"\0")
    both = Both(tmp_path / "fat", bytes(image), monkeypatch)
    assert both.ours == both.theirs
    assert both.orphans_searched == content.startswith(("entries behind", "deleted"))


def _forged(image: bytes, chance: random.Random) -> bytes:
    """A few bytes changed where directories and tables are, or slots put where they do not belong."""
    forged, where = bytearray(image), Geometry(image)
    folders = where.folders(image)
    for _ in range(chance.randrange(1, 4)):
        folder = chance.choice(folders)
        slot = folder + SLOT * chance.randrange(where.cluster // SLOT)
        match chance.randrange(10):
            case 0:
                forged[slot + chance.randrange(SLOT)] = chance.choice(
                    (0, 5, 0x0F, 0x20, 0x2E, 0xE5, 0xFF, chance.randrange(256))
                )
            case 1:
                forged[slot : slot + SLOT] = _slot(chance.choice((b"\xe5LDFILETXT", b"NEW FILE   ", b"MEMBERS CSV")))
            case 2:
                forged[slot : slot + SLOT] = bytes(SLOT)
            case 3:
                forged[slot : slot + SLOT] = _slot(attributes=chance.randrange(256), cluster=chance.randrange(3000))
            case 4:
                at = where.fat + chance.randrange(min(where.fat_size, 3000))
                forged[at] = chance.choice((0, 0xFF, chance.randrange(256)))
            case 5:
                field = chance.choice((14, 16, 18, 22, 24))
                forged[slot + field : slot + field + 2] = chance.randbytes(2)
            case 6:
                forged[slot + 13] = chance.choice((99, 100, 101, 199, 200, 201))
            case 7:
                forged[chance.choice((0, 6 * SECTOR)) + chance.randrange(11, 48)] = chance.choice((0, 1, 2, 255))
            case 8:
                at = where.root + SLOT * chance.randrange(8)
                forged[at + chance.choice((0, 11))] = chance.choice((0xE5, 0x0F, 0x10, 0x08))
            case _:
                at = chance.randrange(where.heap, len(image)) // SLOT * SLOT
                forged[at : at + SLOT] = _slot(
                    chance.choice((b"\xe5LDFILETXT", b"OLDFILE TXT")), chance.choice((0x10, 0x20))
                )
    return bytes(forged)


@pytest.mark.parametrize(
    "seed", [*range(20), *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(20, 300))]
)
@pytest.mark.parametrize("kind", KINDS)
def test_forged_volumes_are_told_alike(
    tmp_path: Path, made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, kind: str, seed: int
) -> None:
    both = Both(tmp_path / "fat", _forged(made[kind], random.Random(seed)), monkeypatch)
    assert both.ours == both.theirs


@pytest.mark.parametrize("part", ["table", "directory", "free space"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_read_costs_no_more_than_it_costs_the_sleuth_kit(
    tmp_path: Path, made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, kind: str, part: str
) -> None:
    """The Sleuth Kit reads 64 KiB at a time, so that it may lose what stands beside."""
    where = Geometry(made[kind])
    bad = {
        "table": where.fat + SECTOR, "directory": where.folders(made[kind])[-1] + SECTOR - 1,
        "free space": len(made[kind]) - 3 * SECTOR,
    }[part]  # fmt: skip
    unreadable(monkeypatch, bad)
    both = Both(tmp_path / "fat", made[kind], monkeypatch)
    ours, theirs = ({entry for entry in found[0] if not entry.uncertain_because} for found in (both.ours, both.theirs))
    assert theirs <= ours
    if part == "free space":
        assert len(both.ours[0]) == 238
        assert both.orphans_searched
