"""Debian's forensics-samples: public images of drives, judged by the originals that come with them and by fls.

The makers copied 36 files to each drive and deleted the folders whose names end with 2: 18 files. Three PNGs in the
package of originals differ from those on the drives (Debian optimised them when it packed them: the same in all
images, by size and pixels), so 16 live and 17 deleted originals are to be found.
"""

from __future__ import annotations

import csv
import hashlib
import lzma
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from worked_example import drivecustody

from forensics.casefile.views import CaseView, NotExamined
from forensics.evidence.files import walk
from forensics.evidence.image import open_image
from forensics.evidence.volumes import volumes
from forensics.model import Locator, Region

SAMPLES = Path("/usr/share/forensics-samples")
REPACKED = {"pic1/debian.png", "pic1/debian_logo.png", "pic2/d-debian.png"}
START = 2048
"""The first sector of the only partition, of every image but `multiple`."""


@dataclass(frozen=True)
class Indexed:
    """A case in which one sample was indexed by the command."""

    image: Path
    case: Path
    passphrase: Path

    def view(self) -> CaseView:
        return CaseView.open(self.case, self.passphrase.read_text().strip())

    def hashes(self) -> list[dict[str, str]]:
        out = self.case.parent / "hashes.csv"
        drivecustody("export", self.case, "hashes", "--out", out, "--passphrase-file", self.passphrase)
        with out.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    def not_examined(self) -> list[NotExamined]:
        with self.view() as view:
            return view.not_examined()

    def entries(self, number: int) -> dict[str, set[tuple[int, str]]]:
        """`live` and `deleted`: address and path of every entry of a volume, as fls names them."""
        found: dict[str, set[tuple[int, str]]] = {"live": set(), "deleted": set()}
        with open_image([self.image]) as image:
            (volume,) = [volume for volume in volumes(image, "E-001") if volume.number == number]
            for entry in walk(image, volume, "E-001"):
                status = "live" if entry.locator.region is Region.LIVE else "deleted"
                path = b"/".join(entry.locator.path).decode("utf-8", "surrogateescape")
                found[status].add((entry.address, path))
        with self.view() as view:
            places = [Locator.parse(row.locator) for row in view.all_files()]
        listed = sum(place.volume == number and not place.inner for place in places)
        assert listed == len(found["live"]) + len(found["deleted"]), "the case holds every entry once"
        return found


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Indexed]:
    return {}


def index(indexed: dict[str, Indexed], kind: str, folder: Path) -> Indexed:
    """The sample of this kind, indexed once for all tests."""
    if kind in indexed:
        return indexed[kind]
    packed = SAMPLES / f"fs.{kind}.xz"
    if not packed.is_file():
        pytest.skip(f"forensics-samples-{kind} is not installed; `python3 start.py test` says how to get it")
    image, case, secret = folder / f"{kind}.raw", folder / f"{kind}.dcase", folder / "secret"
    with lzma.open(packed) as source, image.open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    secret.write_text("a passphrase for tests\n")
    key = ("--passphrase-file", secret)
    drivecustody(
        "new", case, "--number", "1", "--title", "Samples", "--organisation", "Plan", "--entity-type",
        "hipaa_covered_entity", "--examiner", "E", *key,
    )  # fmt: skip
    drivecustody("receive", case, "--exhibit", "E-001", "--from", "Debian", "--to", "E", *key)
    drivecustody("import-image", case, "--exhibit", "E-001", image, *key)
    drivecustody("index", case, *key)
    indexed[kind] = Indexed(image, case, secret)
    return indexed[kind]


def originals(folder: str = "original-files") -> dict[str, str]:
    """Path → SHA-256 of what the drives were filled with."""
    root = SAMPLES / folder
    if not root.is_dir():
        pytest.skip("forensics-samples-files is not installed; `python3 start.py test` says how to get it")
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def was_deleted(path: str) -> bool:
    return path.split("/")[0].endswith("2")


def fls(image: Path, start: int) -> dict[str, set[tuple[int, str]]]:
    """`live` and `deleted`: address and path of all that fls lists but directories and its own inventions.

    Left out, and why: directories and pipes have no content; labels, FATs and bitmaps are The Sleuth Kit's names for
    parts of the file system (kind v); of an NTFS stream its attribute (the 128 of `64-128-2`) says that it is data.
    """
    command = ["fls", "-r", "-p", "-o", str(start), str(image)]
    printed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    found: dict[str, set[tuple[int, str]]] = {"live": set(), "deleted": set()}
    for line in printed.splitlines():
        match = re.fullmatch(r"(\S)/(\S) (\* )?(\d+)(?:-(\d+)-\d+)?(?:\(realloc\))?:\t(.*)", line)
        assert match is not None, line
        kind, attribute, name = {match[1], match[2]}, match[5], match[6].removeprefix("$OrphanFiles/")
        if kind & {"d", "v", "V", "l"} or attribute not in (None, "128") or name.endswith("(Volume Label Entry)"):
            continue
        found["deleted" if match[3] else "live"].add((int(match[4]), name))
    return found


@pytest.mark.parametrize("kind", ["vfat", "ntfs", "exfat"])
def test_every_original_is_found_by_its_hash_live_and_deleted(
    indexed: dict[str, Indexed], tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    wanted = {path: value for path, value in originals().items() if path not in REPACKED}
    rows = index(indexed, kind, tmp_path_factory.mktemp(kind)).hashes()
    live = {row["sha256"] for row in rows if row["status"] == "live"}
    deleted = {row["sha256"] for row in rows if row["status"] == "deleted"}
    assert {path for path, value in wanted.items() if not was_deleted(path)} == {
        path for path, value in wanted.items() if value in live
    }
    assert {path for path, value in wanted.items() if was_deleted(path)} == {
        path for path, value in wanted.items() if value in deleted
    }
    assert sum(map(was_deleted, wanted)) == 17
    assert len(wanted) == 16 + 17
    # The three that were packed anew are on the drive too, with their old size under their name.
    by_name = {row["locator"].rpartition("/")[2] for row in rows}
    assert {path.rpartition("/")[2] for path in REPACKED} <= by_name


@pytest.mark.parametrize("kind", ["ext2", "ext4"])
def test_ext_keeps_the_live_files_and_nothing_of_the_deleted_ones(
    indexed: dict[str, Indexed], tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    """ext2 and later erase size and blocks of a deleted file: names or numbers are left, and they say so."""
    sample = index(indexed, kind, tmp_path_factory.mktemp(kind))
    wanted = {path: value for path, value in originals().items() if path not in REPACKED}
    rows = sample.hashes()
    found = {row["sha256"] for row in rows}
    assert {path for path in wanted if not was_deleted(path)} == {p for p, value in wanted.items() if value in found}
    with sample.view() as view:
        gone = [row for row in view.all_files() if row.status.startswith("deleted")]
    assert len(gone) >= 17
    assert sum(row.size for row in gone) == 0
    assert {row.status for row in gone} == {"deleted-uncertain"}
    assert all(row.uncertain_because for row in gone)


def test_btrfs_is_not_examined_and_no_empty_drive(
    indexed: dict[str, Indexed], tmp_path_factory: pytest.TempPathFactory
) -> None:
    sample = index(indexed, "btrfs", tmp_path_factory.mktemp("btrfs"))
    (item,) = sample.not_examined()
    assert (item.locator, item.reason) == ("E-001/vol2", "file system not supported (btrfs)")
    assert item.size == sample.image.stat().st_size - START * 512


def test_four_file_systems_on_one_drive_are_told_apart(
    indexed: dict[str, Indexed], tmp_path_factory: pytest.TempPathFactory
) -> None:
    sample = index(indexed, "multiple", tmp_path_factory.mktemp("multiple"))
    with sample.view() as view:
        assert [(v.number, v.file_system) for v in view.volumes()] == [
            (2, "btrfs"), (3, "ext4"), (4, "exFAT"), (5, "NTFS"),
        ]  # fmt: skip
    wanted = set(originals("original-multiple").values())
    rows = sample.hashes()
    for volume in (3, 4, 5):
        held = {row["sha256"] for row in rows if row["locator"].startswith(f"E-001/vol{volume}/")}
        assert wanted <= held, volume
    assert [item.reason for item in sample.not_examined()] == ["file system not supported (btrfs)"]


NTFS_METADATA = {(9, "$Secure"), (24, "$Extend/$Quota"), (25, "$Extend/$ObjId"), (26, "$Extend/$Reparse")}
OURS_ALONE = {
    # Records without a stream of content have no line of their own in fls; here each is an entry of size 0.
    "ntfs": {"live": NTFS_METADATA},
    # Deleted directories whose blocks were erased: here each is an entry that says so, because files stood in it.
    "ext2": {"deleted": {(1793, "movie2"), (3587, "pic2"), (7173, "text2"), (8961, "audio2")}},
    "ext4": {"deleted": {(1793, "audio2"), (1795, "movie2"), (1797, "text2"), (3586, "pic2")}},
}
FLS_ALONE = {
    # As long as the volume, and it holds only what cannot be read.
    "ntfs": {"live": {(8, "$BadClus:$Bad")}},
    # Names that The Sleuth Kit gives to structures of exFAT; no directory of the exhibit has them.
    "exfat": {
        "live": {(388, "$ALLOC_BITMAP"), (389, "$UPCASE_TABLE")},
        "deleted": {(387, "$EMPTY_VOLUME_LABEL")},
    },
}  # fmt: skip
VOLUMES = [
    ("vfat", 2, START, "vfat"), ("ntfs", 2, START, "ntfs"), ("exfat", 2, START, "exfat"), ("ext2", 2, START, "ext2"),
    ("ext4", 2, START, "ext4"), ("multiple", 3, 227328, "healthy ext4"), ("multiple", 4, 309248, "exfat"),
    ("multiple", 5, 391168, "ntfs"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "volume", "start", "system"), VOLUMES)
def test_the_entries_are_those_that_fls_lists(
    indexed: dict[str, Indexed],
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    volume: int,
    start: int,
    system: str,
) -> None:
    sample = index(indexed, kind, tmp_path_factory.mktemp(kind))
    ours, theirs = sample.entries(volume), fls(sample.image, start)
    assert theirs["live"]
    for status in ("live", "deleted"):
        assert ours[status] - theirs[status] == OURS_ALONE.get(system, {}).get(status, set())
        assert theirs[status] - ours[status] == FLS_ALONE.get(system, {}).get(status, set())
