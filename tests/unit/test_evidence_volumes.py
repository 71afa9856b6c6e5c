"""A drive is never shown as empty because we could not read it."""

import re
import subprocess
from pathlib import Path

import pytest

from forensics.evidence.image import open_image
from forensics.evidence.volumes import volumes
from forensics.model import OK, Volume, not_examined

IMAGES = Path(__file__).parents[1] / "images"


def of(path: Path) -> list[Volume]:
    with open_image([path]) as image:
        return volumes(image, "E-001")


def test_partitions_have_the_slots_and_places_that_mmls_prints() -> None:
    path = IMAGES / "tsk_volume_system.raw"
    printed = subprocess.run(["mmls", path], capture_output=True, check=True, text=True).stdout
    rows = re.findall(r"^(\d+):\s+\d+:\d+\s+(\d+)\s+\d+\s+(\d+)", printed, re.MULTILINE)
    found = of(path)
    assert [(v.number, v.offset, v.length) for v in found] == [
        (int(slot), int(start) * 512, int(length) * 512) for slot, start, length in rows
    ]
    assert found[0].outcome == not_examined("no known file system")
    assert (found[1].file_system, found[1].offset, found[1].outcome) == ("ext2", 352 * 512, OK)


def test_a_file_system_without_a_partition_table_is_volume_0() -> None:
    (volume,) = of(IMAGES / "ext2.E01")
    assert (volume.number, volume.offset, volume.length) == (0, 0, 4194304)
    assert (volume.file_system, volume.label, volume.block_size) == ("ext2", "ext2_test", 1024)


@pytest.mark.parametrize(
    ("bits", "name", "cluster"), [("12", "FAT12", 2048), ("16", "FAT16", 2048), ("32", "FAT32", 512)]
)
def test_a_fat_volume_tells_its_label_and_cluster_size(tmp_path: Path, bits: str, name: str, cluster: int) -> None:
    """mkfs.vfat on a file of 4 MiB (FAT12), else 40 MiB."""
    path = tmp_path / "fat"
    with path.open("wb") as stream:
        stream.truncate((4 if bits == "12" else 40) << 20)
    sectors = str(cluster // 512)
    command = ["mkfs.vfat", "-F", bits, "-s", sectors, "-n", "RETURNED", path]
    subprocess.run(command, check=True, capture_output=True)
    (volume,) = of(path)
    assert (volume.file_system, volume.label, volume.block_size) == (name, "RETURNED", cluster)


@pytest.mark.parametrize(("tool", "name"), [(["mkntfs", "-F", "-q", "-L"], "NTFS"), (["mkfs.exfat", "-L"], "exFAT")])
def test_ntfs_and_exfat_tell_their_label(tmp_path: Path, tool: list[str], name: str) -> None:
    path = tmp_path / "volume"
    with path.open("wb") as stream:
        stream.truncate(20 << 20)
    subprocess.run([*tool, "Zurück", path], check=True, capture_output=True)
    (volume,) = of(path)
    assert (volume.file_system, volume.label, volume.block_size, volume.outcome) == (name, "Zurück", 4096, OK)


BITLOCKER_TO_GO = b"\xeb\x58\x90MSWIN4.1".ljust(424, b"\x00") + bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")


@pytest.mark.parametrize(
    ("position", "magic", "reason"),
    [
        (0, b"LUKS\xba\xbe\x00\x02", "encrypted (LUKS)"),
        (0, b"\xeb\x58\x90-FVE-FS-", "encrypted (BitLocker)"),
        (0, BITLOCKER_TO_GO, "encrypted (BitLocker To Go)"),
        (65600, b"_BHRfS_M", "file system not supported (btrfs)"),
        (32, b"NXSB", "file system not supported (APFS)"),
        (0, b"XFSB", "file system not supported (XFS)"),
        (0, b"", "no known file system"),
    ],
)
def test_what_cannot_be_opened_is_not_examined_and_says_why(
    tmp_path: Path, position: int, magic: bytes, reason: str
) -> None:
    """One megabyte of zeros with the first bytes of the thing."""
    content = bytearray(1 << 20)
    content[position : position + len(magic)] = magic
    (tmp_path / "drive").write_bytes(content)
    (volume,) = of(tmp_path / "drive")
    assert volume.outcome == not_examined(reason)
    assert (volume.number, volume.length) == (0, 1 << 20)


def test_a_partition_past_the_end_of_a_cut_off_image_is_listed(tmp_path: Path) -> None:
    """The first 200,000 bytes of the fixture end inside its second volume."""
    cut = (IMAGES / "tsk_volume_system.raw").read_bytes()
    (tmp_path / "half").write_bytes(cut[: 190 * 1024])
    found = of(tmp_path / "half")
    assert [volume.number for volume in found] == [2, 6]
    assert found[1].offset + found[1].length == 190 * 1024
