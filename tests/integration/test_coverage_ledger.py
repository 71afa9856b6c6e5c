"""Every byte of a device has one fate, and the fates sum to its size; The Sleuth Kit counts the free ones too."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from worked_example import drivecustody

from forensics.casefile.coverage import Claim, Fate, divide
from forensics.casefile.views import CaseView
from forensics.model import OK, Volume, not_examined

MIB = 1 << 20
PASSPHRASE = {"DRIVECUSTODY_PASSPHRASE": "a passphrase for tests"}


class Case:
    """One case for all drives of this module, each an exhibit of its own: a new case takes seconds."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "c.dcase"
        self.exhibits = 0
        drivecustody(
            "new", self.path, "--number", "1", "--title", "T", "--organisation", "O", "--entity-type",
            "hipaa_covered_entity", "--examiner", "E", env=PASSPHRASE,
        )  # fmt: skip

    def indexed(self, image: Path) -> tuple[str, dict[str, Any]]:
        """The label of the exhibit that this image became, and the result of `index`."""
        self.exhibits += 1
        label = f"E-{self.exhibits:03}"
        drivecustody("receive", self.path, "--exhibit", label, "--from", "A", "--to", "B", env=PASSPHRASE)
        drivecustody("import-image", self.path, "--exhibit", label, image, env=PASSPHRASE)
        last = json.loads(drivecustody("index", self.path, "--json", env=PASSPHRASE).splitlines()[-1])
        assert last["event"] == "finished", last
        return label, last["result"]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("case"))


def shares(case: Case, image: Path) -> dict[str, dict[str, int]]:
    """Volume → fate → bytes, after it was asserted that they sum to the device, in the result and in the view."""
    label, result = case.indexed(image)
    told = result["coverage"][label]
    size = image.stat().st_size
    assert told["size"] == size
    assert sum(count for fates in told["volumes"].values() for count in fates.values()) == size
    with CaseView.open(case.path, PASSPHRASE["DRIVECUSTODY_PASSPHRASE"]) as view:
        kept = [share for share in view.coverage() if share.exhibit == label]
        for volume in view.volumes():
            if volume.exhibit == label:
                # Here none lies inside another.
                assert sum(share.bytes for share in kept if share.volume == volume.number) == volume.length
    assert sum(share.bytes for share in kept) == size
    assert {(f"vol{s.volume}" if s.volume is not None else "outside", str(s.fate)): s.bytes for s in kept} == {
        (place, fate): count for place, fates in told["volumes"].items() for fate, count in fates.items()
    }
    volumes: dict[str, dict[str, int]] = told["volumes"]
    return volumes


def blank(path: Path, size: int) -> Path:
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


def run(*command: object) -> str:
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC"}
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, capture_output=True, text=True, env=environment).stdout


def noise(name: str, size: int) -> bytes:
    """Bytes without a pattern that do not look encrypted either: such a file would not be examined."""
    return hashlib.shake_128(name.encode()).digest(size).translate(bytes(n & 0x7F for n in range(256)))


def filled(folder: Path, system: str, size: int = 20 * MIB) -> Path:
    """A file system with one live file of 70,001 bytes and, on FAT, a deleted one of 33,333."""
    path = blank(folder / f"{system}.volume", size)
    (folder / "live").write_bytes(noise("live", 70_001))
    (folder / "gone").write_bytes(noise("gone", 33_333))
    match system:
        case "fat12" | "fat16" | "fat32":
            sectors = {"fat12": 16, "fat16": 4, "fat32": 1}[system]
            run("mkfs.vfat", "-F", system[3:], "-s", sectors, path)
            run("mcopy", "-i", path, folder / "live", folder / "gone", "::")
            run("mdel", "-i", path, "::gone")
        case "ntfs":
            run("mkntfs", "-F", "-q", path)
            run("ntfscp", "-f", path, folder / "live", "live")
        case "exfat":
            run("mkfs.exfat", path)
        case "ext2" | "ext4":
            run(f"mkfs.{system}", "-q", "-F", path)
            run("debugfs", "-w", "-R", f"write {folder / 'live'} live", path)
    return path


def free_bytes(system: str, path: Path) -> int:
    """What the file system's own tools, or blkls, call free."""
    if system.startswith("ext"):
        told = run("dumpe2fs", "-h", path)
        blocks, size = re.search(r"Free blocks:\s+(\d+)", told), re.search(r"Block size:\s+(\d+)", told)
        assert blocks is not None
        assert size is not None
        return int(blocks[1]) * int(size[1])
    listed = subprocess.run(["blkls", "-A", str(path)], check=True, capture_output=True).stdout
    return len(listed)


@pytest.mark.parametrize("system", ["fat12", "fat16", "fat32", "ntfs", "exfat", "ext2", "ext4"])
def test_a_device_without_partitions_is_one_volume_whose_free_space_is_what_the_judge_counts(
    case: Case, tmp_path: Path, system: str
) -> None:
    path = filled(tmp_path, system, 40 * MIB if system == "fat32" else 20 * MIB)
    (fates,) = shares(case, path).values()
    free = fates["unallocated"] + fates.get("deleted", 0)
    judged = free_bytes(system, path)
    # blkls leaves out the rest of a volume that is no whole cluster, and NTFS's copy of the boot sector at its end.
    assert judged <= free <= judged + 2 * 65536
    if system != "exfat":
        unit = 512 if system == "fat32" else 8192 if system == "fat12" else 2048 if system == "fat16" else 1024
        assert fates["slack"] >= -70_001 % unit
        assert fates["live"] >= 70_001
    if system.startswith("fat"):
        assert (fates["live"], fates["deleted"], fates["slack"]) == (70_001, 33_333, -70_001 % unit)
        assert fates["file_system"] == path.stat().st_size - free - 70_001 - fates["slack"]


def with_table(folder: Path, script: str, size: int, volumes: dict[int, Path]) -> Path:
    """A drive whose table sfdisk writes, with file systems at these sectors."""
    path = blank(folder / "drive.raw", size)
    subprocess.run(["sfdisk", "-q", str(path)], input=script.encode(), check=True, capture_output=True)
    with path.open("r+b") as stream:
        for sector, volume in volumes.items():
            stream.seek(sector * 512)
            stream.write(volume.read_bytes())
    return path


def test_a_gpt_drive_sums_with_what_lies_outside_its_partitions(case: Case, tmp_path: Path) -> None:
    fat, ext = filled(tmp_path, "fat16"), filled(tmp_path, "ext4")
    script = f"label: gpt\nstart=2048,size={40960}\nstart=45056,size=40960\n"
    found = shares(case, with_table(tmp_path, script, 50 * MIB, {2048: fat, 45056: ext}))
    assert found["outside"] == {"outside": 10 * MIB}
    assert len(found) == 3
    assert all(sum(fates.values()) == 20 * MIB for place, fates in found.items() if place != "outside")


def test_nested_extended_partitions_are_counted_once(case: Case, tmp_path: Path) -> None:
    one, two, three = (filled(tmp_path, system) for system in ("fat16", "ntfs", "ext2"))
    script = (
        "label: dos\nstart=2048,size=40960,type=6\nstart=43008,size=90112,type=5\n"
        "start=45056,size=40960,type=7\nstart=88064,size=40960,type=83\n"
    )
    volumes = {2048: one, 45056: two, 88064: three}
    found = shares(case, with_table(tmp_path, script, 70 * MIB, volumes))
    assert sum(place != "outside" for place in found) == 3
    assert found["outside"] == {"outside": 10 * MIB}


def test_a_volume_that_cannot_be_read_is_counted_as_such_and_not_as_free(case: Case, tmp_path: Path) -> None:
    luks = blank(tmp_path / "luks", 5 * MIB)
    luks.write_bytes(b"LUKS\xba\xbe\x00\x02" + bytes(5 * MIB - 8))
    unknown = blank(tmp_path / "unknown", 5 * MIB)
    script = "label: dos\nstart=2048,size=10240,type=83\nstart=14336,size=10240,type=83\n"
    found = shares(case, with_table(tmp_path, script, 16 * MIB, {2048: luks, 14336: unknown}))
    assert sorted(map(json.dumps, found.values())) == sorted(
        map(json.dumps, ({"encrypted": 5 * MIB}, {"not_examined": 5 * MIB}, {"outside": 6 * MIB}))
    )


def test_nothing_known_is_one_volume_that_was_not_examined(case: Case, tmp_path: Path) -> None:
    assert shares(case, blank(tmp_path / "zeros", MIB)) == {"vol0": {"not_examined": MIB}}


def test_the_isolation_of_the_workers_is_told_in_the_result(case: Case, tmp_path: Path) -> None:
    _, result = case.indexed(blank(tmp_path / "zeros", MIB))
    held = result["isolation"]
    assert held["workers"] >= 1
    assert held["in_words"]
    assert {"landlock", "seccomp"} < set(held)


# ---------------------------------------------------------------------------------------------------- the arithmetic


def volume(number: int, offset: int, length: int, good: bool = True) -> Volume:
    outcome = OK if good else not_examined("no known file system")
    return Volume("E-001", number, offset, length, "", "", "", 0, outcome)


def test_where_claims_overlap_the_first_fate_wins_and_nothing_is_counted_twice() -> None:
    claims = [
        Claim(Fate.UNALLOCATED, 10, 80), Claim(Fate.LIVE, 20, 10), Claim(Fate.DELETED, 25, 20),
        Claim(Fate.UNREADABLE, 22, 2), Claim(Fate.SLACK, 90, 50),
    ]  # fmt: skip
    assert divide(100, claims, [volume(0, 0, 100), volume(2, 50, 20)]) == {
        (0, Fate.UNREADABLE): 2, (0, Fate.LIVE): 8, (0, Fate.DELETED): 15, (0, Fate.SLACK): 10,
        (0, Fate.OUTSIDE): 10, (0, Fate.UNALLOCATED): 35, (2, Fate.UNALLOCATED): 20,
    }  # fmt: skip


def test_claims_past_the_end_or_before_the_start_take_nothing() -> None:
    claims = [Claim(Fate.LIVE, 200, 10), Claim(Fate.DELETED, -5, 10), Claim(Fate.SLACK, 95, 1 << 60)]
    found = divide(100, claims, [volume(1, 90, 1 << 50)])
    assert sum(found.values()) == 100
    assert found == {(None, Fate.DELETED): 5, (None, Fate.OUTSIDE): 85, (1, Fate.OUTSIDE): 5, (1, Fate.SLACK): 5}


def test_an_empty_device_has_no_shares() -> None:
    assert divide(0, [], []) == {}
