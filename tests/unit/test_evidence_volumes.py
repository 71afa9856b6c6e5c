"""A drive is never shown as empty because we could not read it."""

import random
import re
import struct
import subprocess
from pathlib import Path

import pytest

from forensics.evidence.content import open_content
from forensics.evidence.file_system import RANDOM
from forensics.evidence.files import walk
from forensics.evidence.image import open_image
from forensics.evidence.volumes import BESIDE_ISO, volumes
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


@pytest.mark.parametrize("block", ["512", "2048", "4096"])
def test_udf_is_named_and_not_examined(tmp_path: Path, block: str) -> None:
    """mkudffs on a file of 20 MiB."""
    path = tmp_path / "udf"
    with path.open("wb") as stream:
        stream.truncate(20 << 20)
    subprocess.run(["mkudffs", f"--blocksize={block}", "--media-type=hd", path], check=True, capture_output=True)
    (volume,) = of(path)
    assert (volume.file_system, volume.length) == ("UDF", 20 << 20)
    assert volume.outcome == not_examined("file system not supported (UDF)")


def _tree(folder: Path) -> Path:
    tree = folder / "tree"
    (tree / "Sub").mkdir(parents=True)
    (tree / "members.csv").write_text("name,ssn\nAda,123-45-6789\n")
    (tree / "Sub" / "notes.txt").write_text("notes" * 4000)
    return tree


def test_of_a_disc_with_udf_beside_iso_9660_one_is_examined_and_the_other_named(tmp_path: Path) -> None:
    """genisoimage -udf."""
    path = tmp_path / "disc.iso"
    subprocess.run(["genisoimage", "-quiet", "-udf", "-J", "-o", path, _tree(tmp_path)], check=True)
    iso, udf = of(path)
    assert (iso.name, iso.file_system, iso.outcome) == ("vol0", "ISO 9660", OK)
    assert (udf.name, udf.file_system, udf.offset, udf.length) == ("vol0/udf", "UDF", 0, 0)
    assert udf.outcome == not_examined(BESIDE_ISO)


def test_hfs_plus_beside_iso_9660_is_a_volume_of_its_own_with_its_files(tmp_path: Path) -> None:
    """xorriso -hfsplus: an Apple partition map, HFS+ in one of its partitions."""
    path = tmp_path / "disc.iso"
    made = ["xorriso", "-as", "mkisofs", "-hfsplus", "-J", "-R", "-V", "HYBRID", "-o", path, _tree(tmp_path)]
    subprocess.run(made, check=True, capture_output=True)
    iso, hfs = of(path)
    assert (iso.file_system, iso.label) == ("ISO 9660", "HYBRID")
    assert (hfs.file_system, hfs.label, hfs.block_size, hfs.outcome) == ("HFS+", "HYBRID", 2048, OK)
    listed = subprocess.run(
        ["fls", "-rF", "-o", str(hfs.offset // 512), path], capture_output=True, check=True, text=True
    )
    names = {line.split("\t")[1] for line in listed.stdout.splitlines() if "$" not in line}
    with open_image([path]) as image:
        entries = {e.locator.path: e for e in walk(image, hfs, "E-001") if not e.locator.path[0].startswith(b"$")}
        contents = {path: open_content(image, hfs, entry) for path, entry in entries.items()}
        assert {b"/".join(p).decode() for p in entries} == names == {"members.csv", "Sub/notes.txt"}
        assert contents[b"members.csv",].read_at(0, 100) == b"name,ssn\nAda,123-45-6789\n"
        assert contents[b"Sub", b"notes.txt"].read_at(0, 20_000) == b"notes" * 4000


def test_every_logical_partition_of_nested_extended_ones_is_a_volume(tmp_path: Path) -> None:
    """sfdisk: a primary partition and four logical ones, each in an extended partition of its own."""
    path = tmp_path / "drive"
    with path.open("wb") as stream:
        stream.truncate(64 << 20)
    table = "label: dos\nstart=2048,size=8192,type=1\nstart=10240,type=5\n" + "".join(
        f"start={12288 + n * 20480},size=16384,type=c\n" for n in range(4)
    )
    subprocess.run(["sfdisk", "-q", path], input=table.encode(), check=True)
    for start, size in ((2048, 8192), *((12288 + n * 20480, 16384) for n in range(4))):
        command = ["mkfs.fat", "-n", f"AT{start}", "--offset", str(start), path, str(size // 2)]
        subprocess.run(command, check=True, capture_output=True)
    found = of(path)
    assert [(v.label, v.offset, v.length, v.outcome) for v in found] == [
        (f"AT{start}", start * 512, size * 512, OK)
        for start, size in ((2048, 8192), *((12288 + n * 20480, 16384) for n in range(4)))
    ]


def test_a_volume_of_random_bytes_is_said_to_be_one(tmp_path: Path) -> None:
    """As VeraCrypt and plain dm-crypt leave a volume: no header at all."""
    (tmp_path / "drive").write_bytes(random.Random(20261128).randbytes(1 << 20))
    (volume,) = of(tmp_path / "drive")
    assert volume.outcome == not_examined(RANDOM)
    # The rest of it is what was there before, where a container was made the quick way.
    (tmp_path / "quick").write_bytes(random.Random(20261128).randbytes(1 << 19) + bytes(1 << 19))
    (volume,) = of(tmp_path / "quick")
    assert volume.outcome == not_examined(RANDOM)


def test_a_marked_partition_beside_a_file_system_in_the_first_sector_stays_in_sight(tmp_path: Path) -> None:
    """An exFAT volume whose boot sector holds a table that leads to a LUKS header, and to nothing."""
    path = tmp_path / "drive"
    with path.open("wb") as stream:
        stream.truncate(20 << 20)
    subprocess.run(["mkfs.exfat", path], check=True, capture_output=True)
    data = bytearray(path.read_bytes())
    entry = struct.Struct("<4B4B2I")
    data[446:510] = (
        entry.pack(0, 0, 0, 0, 0x83, 0, 0, 0, 30_000, 2000) + entry.pack(0, 0, 0, 0, 0x83, 0, 0, 0, 34_000, 2000)
    ).ljust(64, b"\0")
    data[30_000 * 512 : 30_000 * 512 + 8] = b"LUKS\xba\xbe\0\2"
    path.write_bytes(data)
    assert [(v.file_system, v.outcome.reason) for v in of(path)] == [("exFAT", ""), ("LUKS", "encrypted (LUKS)")]


BITLOCKER_TO_GO = b"\xeb\x58\x90MSWIN4.1".ljust(424, b"\x00") + bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")


@pytest.mark.parametrize(
    ("position", "magic", "reason"),
    [
        (0, b"LUKS\xba\xbe\x00\x02", "encrypted (LUKS)"),
        (0, b"\xeb\x58\x90-FVE-FS-", "encrypted (BitLocker)"),
        (0, BITLOCKER_TO_GO, "encrypted (BitLocker To Go)"),
        (65600, b"_BHRfS_M", "file system not supported (btrfs)"),
        (32, b"NXSB", "file system damaged or unreadable (the container of APFS)"),
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
