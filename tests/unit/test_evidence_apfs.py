"""APFS: every name, time and byte is what dissect.apfs says of containers that macOS made (`images/SOURCES.md`)."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from apfs_images import BLOCK, PASSWORD, Told, apfs, expected, partitioned, with_checksum

from forensics.evidence.apfs import (
    SEALED,
    VOLUME_DAMAGED,
    Blocks,
    Superblock,
    is_sound,
    leaves,
    object_map,
    superblocks,
)
from forensics.evidence.apfs_files import ENCRYPTED_APFS, OLDER_LEFT
from forensics.evidence.content import open_content
from forensics.evidence.decmpfs import Compressed
from forensics.evidence.files import list_volume
from forensics.evidence.image import Image, open_image
from forensics.evidence.layers import unlock
from forensics.evidence.luks import CannotOpen
from forensics.evidence.volumes import layer_volume, volumes
from forensics.extraction.content import BytesReadable
from forensics.model import OK, EntryStatus, FileEntry, Locator, OutcomeKind, Volume

PLAIN = ["apfs", "apfs-beta", "apfs-checkpoints", "apfs-converted"]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[list[Image]]:
    images: list[Image] = []
    yield images
    for image in images:
        image.close()


def image_of(opened: list[Image], path: Path, data: bytes) -> Image:
    path.write_bytes(data)
    opened.append(open_image([path]))
    return opened[-1]


def told(image: Image, volume: Volume) -> list[tuple[FileEntry, Told]]:
    found = []
    for entry in list_volume(image, volume, "E-001")[0]:
        content = open_content(image, volume, entry)
        digest = hashlib.sha256(content.read_at(0, content.size)).hexdigest()
        path = b"/".join(entry.locator.path)
        found.append((entry, (path, entry.size, entry.modified, entry.created, entry.accessed, digest)))
    return found


@pytest.mark.parametrize("name", PLAIN)
def test_entries_are_those_of_an_independent_reader(tmp_path: Path, opened: list[Image], name: str) -> None:
    image = image_of(opened, tmp_path / "drive.dd", apfs(name))
    container, volume = volumes(image, "E-001")
    assert (container.file_system, container.outcome, container.length) == ("APFS", OK, image.size)
    assert list_volume(image, container, "E-001")[0] == []
    found = told(image, volume)
    assert {one for _, one in found} == expected(name)
    assert len(found) == len(expected(name))
    for entry, _ in found:
        assert entry.status is EntryStatus.LIVE
        assert Locator.parse(str(entry.locator)) == entry.locator
        assert str(entry.locator).startswith("E-001/vol0/apfs1/")


def test_what_a_run_says_stands_there_on_the_device(tmp_path: Path, opened: list[Image]) -> None:
    device = partitioned(apfs("apfs"), 2048)
    image = image_of(opened, tmp_path / "drive.dd", device)
    _, volume = volumes(image, "E-001")
    found = told(image, volume)
    assert {one for _, one in found} == expected("apfs")
    whole = [(entry, one) for entry, one in found if entry.size and sum(run.length for run in entry.runs) == entry.size]
    assert len(whole) > 8
    for entry, (*_, digest) in whole:
        data = b"".join(device[run.device_offset : run.device_offset + run.length] for run in entry.runs)
        assert hashlib.sha256(data).hexdigest() == digest
    assert {entry.locator.path[-1].split(b"-")[1] for entry, _ in found if entry.size and not entry.runs} == {
        b"zlib", b"lzvn", b"lzfse",
    }  # fmt: skip


def test_a_password_opens_an_encrypted_volume_and_no_other_does(tmp_path: Path, opened: list[Image]) -> None:
    image = image_of(opened, tmp_path / "drive.dd", apfs("apfs-encrypted"))
    _, locked = volumes(image, "E-001")
    assert (locked.outcome.kind, locked.outcome.reason) == (OutcomeKind.NOT_EXAMINED, ENCRYPTED_APFS)
    assert list_volume(image, locked, "E-001") == ([], None)
    assert unlock(image, locked, ("", "Password", "password "), 1) is None
    layer = unlock(image, locked, ("wrong", PASSWORD), 1)
    assert layer is not None
    volume = layer_volume(image, locked, layer)
    found = told(image, volume)
    assert {one for _, one in found} == expected("apfs-encrypted")
    # What stands on the device is not the content.
    assert not any(entry.runs for entry, _ in found)
    assert all(str(entry.locator).startswith("E-001/vol0/apfs1/decrypted/") for entry, _ in found)


def test_snapshots_give_back_what_is_gone(tmp_path: Path, opened: list[Image]) -> None:
    image = image_of(opened, tmp_path / "drive.dd", apfs("apfs-snapshots"))
    _, volume, kept, older = volumes(image, "E-001")
    assert [one.name for one in (kept, older)] == ["vol0/apfs1-snapshots", "vol0/apfs1-older-snapshots"]
    live = told(image, volume)
    assert len(live) == 1027
    gone = {one[0]: one for _, one in told(image, kept)}
    # The images' own recipe: each of 512 snapshots was taken after its file was written over the one before.
    for number in range(448, 512):
        content = b"Snapshot %d\n" % number
        path, size, *_, digest = gone[b"Snapshot %d/file" % number]
        assert (path, size, digest) == (path, len(content), hashlib.sha256(content).hexdigest())
    assert not any(path.endswith(b"/file") for path in (one[0] for _, one in live))
    assert (older.outcome.kind, older.outcome.reason) == (OutcomeKind.NOT_EXAMINED, OLDER_LEFT)
    paths = [b"/".join(one.split(b"/")[1:]) for one in gone]
    assert len(paths) < 3 * 64, "what did not change is told once"


@pytest.mark.parametrize(
    ("at", "bit", "reason"), [(56, 0x20, SEALED), (32, 0xFF, VOLUME_DAMAGED)], ids=["sealed", "damaged"]
)
def test_a_volume_that_is_not_read_says_why(
    tmp_path: Path, opened: list[Image], at: int, bit: int, reason: str
) -> None:
    data = bytearray(apfs("apfs"))
    changed = 0
    for start in range(0, len(data), BLOCK):
        if data[start + 32 : start + 36] == b"APSB":
            block = bytearray(data[start : start + BLOCK])
            block[at] ^= bit
            data[start : start + BLOCK] = with_checksum(bytes(block))
            changed += 1
    assert changed
    container, volume = volumes(image_of(opened, tmp_path / "drive.dd", bytes(data)), "E-001")
    assert container.outcome == OK
    assert (volume.outcome.kind, volume.outcome.reason) == (OutcomeKind.NOT_EXAMINED, reason)


def test_a_container_in_which_nothing_is_sound_is_not_examined(tmp_path: Path, opened: list[Image]) -> None:
    data = bytearray(apfs("apfs"))
    for at in range(0, len(data), BLOCK):
        data[at + 40] ^= 1
    (volume,) = volumes(image_of(opened, tmp_path / "drive.dd", bytes(data)), "E-001")
    assert (volume.file_system, volume.outcome.kind) == ("APFS", OutcomeKind.NOT_EXAMINED)


def test_a_damaged_node_costs_its_own_entries_and_is_told(tmp_path: Path, opened: list[Image]) -> None:
    data, whole = apfs("apfs-snapshots"), 1027
    image = image_of(opened, tmp_path / "drive.dd", data)
    blocks = Blocks(image, 0)
    (volume,) = superblocks(blocks)
    assert isinstance(volume, Superblock)
    nodes = [number for number, _ in leaves(blocks, volume.root, object_map(blocks, volume.map_tree, volume.xid))]
    assert len(nodes) > 50
    for number in random.Random(7).sample(nodes, 6):
        harmed = bytearray(data)
        harmed[number * BLOCK + 100] ^= 0xFF
        other = image_of(opened, tmp_path / f"{number}.dd", bytes(harmed))
        entries = list_volume(other, volumes(other, "E-001")[1], "E-001")[0]
        sure = [entry for entry in entries if entry.status is EntryStatus.LIVE and not entry.uncertain_because]
        # A node of names costs their names, and their contents stay; one of inodes costs at most what fits in it.
        assert whole - 120 < len(sure) < whole
        assert whole - 40 < len([entry for entry in entries if entry.modified]) <= whole
        assert any(entry.uncertain_because for entry in entries)


@pytest.mark.parametrize(("name", "count"), [("apfs", 60), ("apfs-encrypted", 30), ("apfs-snapshots", 8)])
def test_forged_structures_end_with_entries_or_a_reason(
    tmp_path: Path, opened: list[Image], name: str, count: int
) -> None:
    _read_forged(tmp_path, opened, name, range(count))


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "count"), [("apfs", 2000), ("apfs-encrypted", 1000), ("apfs-snapshots", 200)])
def test_thousands_of_forged_structures_end_with_entries_or_a_reason(
    tmp_path: Path, opened: list[Image], name: str, count: int
) -> None:
    _read_forged(tmp_path, opened, name, range(1000, 1000 + count))


def _read_forged(tmp_path: Path, opened: list[Image], name: str, seeds: range) -> None:
    """Bytes of structures are changed and the checksum set right: what is then read is a lie."""
    data = apfs(name)
    blocks = {at: data[at : at + BLOCK] for at in range(0, len(data), BLOCK)}
    structures = [at for at, block in blocks.items() if is_sound(block)]
    read = 0
    for seed in seeds:
        chance = random.Random(seed)
        harmed = bytearray(data)
        for at in chance.sample(structures, 3):
            block = bytearray(blocks[at])
            for _ in range(chance.randint(1, 6)):
                block[chance.choice([*range(32, 200), *range(200, BLOCK)])] = chance.choice(
                    [0, 1, 0x7F, 0xFF, seed & 255]
                )
            harmed[at : at + BLOCK] = with_checksum(bytes(block))
        image = image_of(opened, tmp_path / "forged.dd", bytes(harmed))
        for volume in volumes(image, "E-001"):
            examined = _unlocked(image, volume) if volume.outcome.reason == ENCRYPTED_APFS else volume
            try:
                entries = list_volume(image, examined, "E-001")[0] if examined else []
            except OSError:
                continue
            assert len({str(entry.locator) for entry in entries}) == len(entries), "the case holds each locator once"
            assert all(0 <= number < 1 << 63 for entry in entries for number in (entry.size, entry.address))
            runs = [run for entry in entries for run in entry.runs]
            assert all(0 <= run.device_offset < run.device_offset + run.length <= len(data) for run in runs)
            assert all(0 <= run.file_offset < 1 << 63 for run in runs)
            for entry in entries[:200]:
                try:
                    content = open_content(image, examined or volume, entry)
                    content.read_at(0, min(content.size, 1 << 20))
                    read += 1
                except OSError:
                    continue
        image.close()
    assert read > len(seeds), "most of what was not touched is read all the same"


def _unlocked(image: Image, volume: Volume) -> Volume | None:
    try:
        layer = unlock(image, volume, (PASSWORD,), 1)
    except CannotOpen:
        return None
    return None if layer is None else layer_volume(image, volume, layer)


# ------------------------------------------------------------------------------------------------- compressed contents


def header(kind: int, size: int, inline: bytes = b"") -> bytes:
    return struct.pack("<4sIQ", b"fpmc", kind, size) + inline


def zlib_fork(blocks: list[bytes]) -> bytes:
    table, at = b"", 4 + 8 * len(blocks)
    for block in blocks:
        table += struct.pack("<II", at, len(block))
        at += len(block)
    return bytes(0x104) + struct.pack("<I", len(blocks)) + table + b"".join(blocks)


def table_fork(blocks: list[bytes]) -> bytes:
    starts = [4 * (len(blocks) + 1)]
    for block in blocks:
        starts.append(starts[-1] + len(block))
    return struct.pack(f"<{len(starts)}I", *starts) + b"".join(blocks)


def test_compressed_contents_of_several_blocks_read_anywhere() -> None:
    lzfse = pytest.importorskip("lzfse")
    data = random.Random(3).randbytes(70_000) + b"members " * 20_000
    blocks = [data[at : at + 65536] for at in range(0, len(data), 65536)]
    # The first block is random: it stands as it is behind its mark.
    forks = {
        4: zlib_fork([b"\xff" + blocks[0], *map(zlib.compress, blocks[1:])]),
        10: table_fork(blocks),
        12: table_fork([b"\xff" + blocks[0], *map(lzfse.compress, blocks[1:])]),
    }
    for kind, fork in forks.items():
        content = Compressed(header(kind, len(data)), BytesReadable(fork))
        assert content.size == len(data)
        assert content.read_at(0, len(data) + 5) == data
        for at in (0, 65_530, 65_536, 131_000, len(data) - 3):
            assert content.read_at(at, 40) == data[at : at + 40]
    for kind, inline in ((1, data[:900]), (3, zlib.compress(data)), (3, b"\xff" + data[:100]), (9, data[:50])):
        size = {1: 900, 9: 50}.get(kind, 100 if inline[0] == 0xFF else len(data))
        assert Compressed(header(kind, size, inline), BytesReadable(b"")).read_at(0, size) == data[:size]


@pytest.mark.parametrize(
    ("made", "fork"),
    [
        (b"", b""), (b"fpmc", b""), (header(4, 0), b""), (header(4, 1 << 62), b""),
        (header(4, 70_000), b"short"), (header(8, 70_000), b"\xff" * 40), (header(3, 10, b"no zlib"), b""),
        (header(11, 10, b"bvx2" + bytes(30)), b""), (header(77, 10, b"x"), b""), (header(12, 200_000), bytes(64)),
    ],
)  # fmt: skip
def test_a_damaged_compressed_content_is_an_error_of_reading(made: bytes, fork: bytes) -> None:
    with pytest.raises(OSError, match=r"compressed|content"):
        Compressed(made, BytesReadable(fork)).read_at(0, 10)
