"""Every file on the drive is found, live or deleted, and what is uncertain about it is said."""

import hashlib
import os
import pickle
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forensics.evidence.content import open_content
from forensics.evidence.files import (
    FRAGMENTED,
    HALF_NUMBER,
    PLACE_ERASED,
    SHARED_DELETED,
    SHARED_LIVE,
    walk,
)
from forensics.evidence.image import Image, open_image
from forensics.evidence.overlap import Claims, Occupied
from forensics.evidence.volumes import volumes
from forensics.model import EntryStatus, FileEntry, Locator, Region, Run, Volume

IMAGES = Path(__file__).parents[1] / "images"
MIB = 1 << 20


def noise(name: str, size: int) -> bytes:
    return hashlib.shake_128(name.encode()).digest(size)


def examine(path: Path) -> tuple[Image, Volume, list[FileEntry]]:
    image = open_image([path])
    volume = volumes(image, "E-001")[-1]
    return image, volume, list(walk(image, volume, "E-001"))


def named(entries: list[FileEntry], *path: bytes) -> FileEntry:
    (entry,) = [entry for entry in entries if entry.locator.path == path]
    return entry


def content(image: Image, volume: Volume, entry: FileEntry) -> bytes:
    return open_content(image, volume, entry).read_at(0, entry.size)


def fls(path: Path, *options: str) -> dict[str, set[tuple[int, str]]]:
    """`live` and `deleted`: address and path of every regular file that fls lists, without The Sleuth Kit's own."""
    command = ["fls", "-r", "-p", "-F", *options, path]
    printed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    found: dict[str, set[tuple[int, str]]] = {"live": set(), "deleted": set()}
    for line in printed.splitlines():
        match = re.fullmatch(r"(\S)/(\S) (\* )?(\d+)(?:-(\d+)-\d+)?(?:\(realloc\))?:\t(.*)", line)
        assert match is not None, line
        kind, attribute, name = {match[1], match[2]}, match[5], match[6].removeprefix("$OrphanFiles/")
        if kind <= {"r", "-"} and attribute in (None, "128") and not name.endswith("(Volume Label Entry)"):
            found["deleted" if match[3] else "live"].add((int(match[4]), name))
    return found


def as_fls(entries: list[FileEntry]) -> dict[str, set[tuple[int, str]]]:
    found: dict[str, set[tuple[int, str]]] = {"live": set(), "deleted": set()}
    for entry in entries:
        path = b"/".join(entry.locator.path).decode()
        found["live" if entry.locator.region is Region.LIVE else "deleted"].add((entry.address, path))
    return found


# --------------------------------------------------------------------------------------------------------------- FAT


class Stick:
    """A FAT stick with a partition table, filled with mtools: slot 2 of mmls, at sector 2048."""

    def __init__(self, folder: Path, mebibytes: int = 40, bits: str = "32") -> None:
        self.path = folder / "stick.raw"
        self.folder = folder
        with self.path.open("wb") as stream:
            stream.truncate((mebibytes + 1) * MIB)
        volume = folder / "volume"
        with volume.open("wb") as stream:
            stream.truncate(mebibytes * MIB)
        subprocess.run(
            ["mkfs.vfat", "-F", bits, "-s", "1" if bits == "32" else "4", volume], check=True, capture_output=True
        )
        with self.path.open("r+b") as stream:
            stream.seek(446)
            stream.write(struct.pack("<B3sB3sII", 0, bytes(3), 0x0C, bytes(3), 2048, mebibytes * 2048))
            stream.seek(510)
            stream.write(b"\x55\xaa")
            stream.seek(MIB)
            stream.write(volume.read_bytes())

    def mtools(self, command: str, *arguments: str | Path) -> None:
        environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC"}
        done = [command, "-i", f"{self.path}@@1M", *arguments]
        subprocess.run(done, check=True, env=environment, capture_output=True)

    def put(self, name: str, data: bytes) -> None:
        (self.folder / "one").write_bytes(data)
        self.mtools("mcopy", self.folder / "one", f"::{name}")

    def delete(self, name: str) -> None:
        self.mtools("mdel", f"::{name}")


@pytest.mark.parametrize("bits", ["16", "32"])
def test_live_and_deleted_files_of_a_stick_have_the_content_of_their_originals(tmp_path: Path, bits: str) -> None:
    stick = Stick(tmp_path, bits=bits)
    stick.mtools("mmd", "::Work")
    stick.put("Work/members.csv", noise("members", 70_001))
    stick.put("Work/full_tmp.csv", noise("gone", 33_333))
    stick.put("a longer name than eight.txt", noise("long", 5000))
    stick.put("empty.txt", b"")
    stick.delete("Work/full_tmp.csv")
    image, volume, entries = examine(stick.path)
    with image:
        assert (volume.number, volume.offset, volume.file_system) == (2, MIB, f"FAT{bits}")
        live = named(entries, b"Work", b"members.csv")
        assert live.locator == Locator("E-001", 2, path=(b"Work", b"members.csv"))
        assert content(image, volume, live) == noise("members", 70_001)
        assert content(image, volume, named(entries, b"a longer name than eight.txt")) == noise("long", 5000)
        assert (named(entries, b"empty.txt").size, named(entries, b"empty.txt").runs) == (0, ())
        gone = named(entries, b"Work", b"_ull_tmp.csv")
        assert gone.status is EntryStatus.DELETED
        assert (gone.locator.region, gone.locator.address) == (Region.DELETED, gone.address)
        assert content(image, volume, gone) == noise("gone", 33_333)
        assert str(gone.locator) == f"E-001/vol2/deleted/{gone.address}/Work/_ull_tmp.csv"
        assert as_fls(entries) == fls(stick.path, "-o", "2048")


def test_runs_are_places_on_the_device_and_end_with_the_file(tmp_path: Path) -> None:
    stick = Stick(tmp_path)
    stick.put("one.bin", noise("one", 1000))
    image, _volume, entries = examine(stick.path)
    image.close()
    (run,) = named(entries, b"one.bin").runs
    assert (run.file_offset, run.length) == (0, 1000)
    assert stick.path.read_bytes()[run.device_offset : run.device_offset + 1000] == noise("one", 1000)


def test_a_deleted_file_whose_space_a_live_file_took_is_uncertain(tmp_path: Path) -> None:
    """mtools starts at the first free cluster again once FSINFO's hint (at sector 1, offset 492) is gone."""
    stick = Stick(tmp_path)
    stick.put("first.bin", noise("first", 20_000))
    stick.put("kept.bin", noise("kept", 2000))
    stick.delete("first.bin")
    forget_hint(stick)
    stick.mtools("mmd", "::New")
    stick.put("New/second.bin", noise("second", 4000))
    image, _volume, entries = examine(stick.path)
    image.close()
    gone = named(entries, b"_irst.bin")
    assert (gone.status, gone.uncertain_because) == (EntryStatus.DELETED_UNCERTAIN, SHARED_LIVE)
    assert named(entries, b"kept.bin").status is EntryStatus.LIVE


def test_a_deleted_file_into_which_the_root_directory_grew_is_uncertain(tmp_path: Path) -> None:
    """A cluster of 512 bytes holds 16 names; the 20 new ones need a second, the first that is free."""
    stick = Stick(tmp_path)
    stick.mtools("mmd", "::Sub")
    stick.put("Sub/gone.bin", noise("gone", 400))
    stick.delete("Sub/gone.bin")
    forget_hint(stick)
    for number in range(20):
        stick.put(f"E{number}", b"")
    image, _volume, entries = examine(stick.path)
    image.close()
    assert named(entries, b"Sub", b"_one.bin").uncertain_because == SHARED_LIVE


def forget_hint(stick: Stick) -> None:
    with stick.path.open("r+b") as stream:
        stream.seek(MIB + 512 + 488)
        stream.write(b"\xff" * 8)


def test_a_deleted_file_around_others_is_uncertain(tmp_path: Path) -> None:
    """Written into the hole of 10 clusters that a deleted file left, and on behind `wall`; then deleted."""
    stick = Stick(tmp_path)
    stick.put("hole.bin", noise("hole", 5120))
    stick.put("wall.bin", noise("wall", 5120))
    stick.delete("hole.bin")
    forget_hint(stick)
    stick.put("torn.bin", noise("torn", 10_240))
    stick.delete("torn.bin")
    image, _volume, entries = examine(stick.path)
    image.close()
    gone = named(entries, b"_orn.bin")
    assert (gone.status, gone.uncertain_because) == (EntryStatus.DELETED_UNCERTAIN, FRAGMENTED)


def test_two_deleted_files_that_claim_the_same_space_are_both_uncertain(tmp_path: Path) -> None:
    stick = Stick(tmp_path)
    stick.put("first.bin", noise("first", 20_000))
    stick.mtools("mmd", "::New")
    stick.delete("first.bin")
    forget_hint(stick)
    stick.put("New/second.bin", noise("second", 4000))
    stick.delete("New/second.bin")
    stick.put("untouched.bin", noise("untouched", 100_000))
    stick.delete("untouched.bin")
    image, _volume, entries = examine(stick.path)
    with image:
        for path in ((b"_irst.bin",), (b"New", b"_econd.bin")):
            gone = named(entries, *path)
            assert gone.status is EntryStatus.DELETED_UNCERTAIN
        assert named(entries, b"New", b"_econd.bin").uncertain_because == SHARED_DELETED


def test_a_live_file_is_not_also_deleted_where_its_directory_took_a_deleted_ones_space(tmp_path: Path) -> None:
    """A promise of The Sleuth Kit's that this room relies on."""
    stick = Stick(tmp_path)
    stick.mtools("mmd", "::Old", "::Keep")
    stick.mtools("mdeltree", "::Old")
    forget_hint(stick)
    stick.mtools("mmd", "::Keep/New")
    stick.put("Keep/New/list.csv", noise("list", 4000))
    image, _volume, entries = examine(stick.path)
    image.close()
    assert [str(entry.locator) for entry in entries] == ["E-001/vol2/Keep/New/list.csv"]


def test_where_windows_may_have_cut_a_start_cluster_in_half_the_file_is_uncertain(tmp_path: Path) -> None:
    """A live file beyond cluster 65,535; Windows erases the upper half of a deleted file's start (here 0 anyway)."""
    stick = Stick(tmp_path)
    stick.put("low.bin", noise("low", 5000))
    stick.put("filler.bin", bytes(34 * MIB))
    stick.put("high.bin", noise("high", 5000))
    stick.delete("low.bin")
    image, _volume, entries = examine(stick.path)
    image.close()
    assert named(entries, b"_ow.bin").uncertain_because == HALF_NUMBER


def test_fat_times_carry_no_zone_whatever_the_zone_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = Stick(tmp_path)
    (tmp_path / "dated").write_bytes(b"x")
    os.utime(tmp_path / "dated", (1331510400, 1331519400))  # 2012-03-12T02:30:00Z: in New York that hour was skipped
    stick.mtools("mcopy", "-m", tmp_path / "dated", "::dated")
    monkeypatch.setenv("TZ", "America/New_York")
    image, _volume, entries = examine(stick.path)
    image.close()
    entry = named(entries, b"dated")
    assert (entry.modified, entry.clock) == ("2012-03-12T02:30:00", "local, zone unknown")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry.accessed)


# ---------------------------------------------------------------------------------------------------------------- ext


def test_the_fixture_of_dfvfs_has_the_files_that_fls_lists() -> None:
    image, volume, entries = examine(IMAGES / "ext2.E01")
    with image:
        assert as_fls(entries) == fls(IMAGES / "ext2.E01", "-i", "ewf")
        assert len(entries) == 3
        passwords = named(entries, b"passwords.txt")
        assert (passwords.size, passwords.modified, passwords.clock) == (116, "2021-07-22T14:07:32Z", "UTC")
        icat = ["icat", "-i", "ewf", IMAGES / "ext2.E01", str(passwords.address)]
        assert content(image, volume, passwords) == subprocess.run(icat, capture_output=True, check=True).stdout


def test_names_of_deleted_files_are_kept_where_nothing_else_is(tmp_path: Path) -> None:
    """An image whose own name is beyond ASCII, too."""
    image, volume, entries = examine(Path(shutil.copy(IMAGES / "imynd.dd", tmp_path / "ímynd.dd")))
    with image:
        gone = [entry for entry in entries if entry.locator.region is Region.DELETED]
        assert {entry.locator.path for entry in gone} == {
            (b"a_directory", b".another_file.swp"),
            (b"a_directory", b"another_file~"),
        }
        for entry in gone:
            assert (entry.status, entry.size) == (EntryStatus.DELETED_UNCERTAIN, 0)
            assert entry.uncertain_because == PLACE_ERASED
            assert content(image, volume, entry) == b""
        assert len(entries) == 5


def test_a_sparse_file_reads_as_its_bytes_and_its_holes_as_zeros(tmp_path: Path) -> None:
    """mke2fs -d keeps the hole of 1 MiB in the middle."""
    tree = tmp_path / "tree"
    tree.mkdir()
    with (tree / "sparse").open("wb") as stream:
        stream.write(noise("a", 5000))
        stream.seek(MIB)
        stream.write(noise("b", 5000))
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, tmp_path / "ext", "8m"], check=True, capture_output=True)
    image, volume, entries = examine(tmp_path / "ext")
    with image:
        entry = named(entries, b"sparse")
        assert sum(run.length for run in entry.runs) < entry.size
        assert content(image, volume, entry) == (tree / "sparse").read_bytes()


def test_thousands_of_names_in_one_directory_are_all_found(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(3_000):
        (tree / f"f{number}").touch()
    command = ["mke2fs", "-q", "-t", "ext4", "-N", "4000", "-d", tree, tmp_path / "ext", "32m"]
    subprocess.run(command, check=True, capture_output=True)
    image, _volume, entries = examine(tmp_path / "ext")
    image.close()
    assert {entry.locator.path for entry in entries} == {(b"f%d" % number,) for number in range(3_000)}


# -------------------------------------------------------------------------------------------------------- NTFS, exFAT


def ntfs(folder: Path) -> Path:
    """A volume of 20 MiB with two files and a stream, put there with ntfscp, so that no mount is needed."""
    path = folder / "ntfs"
    with path.open("wb") as stream:
        stream.truncate(20 * MIB)
    subprocess.run(["mkntfs", "-F", "-q", path], check=True, capture_output=True)
    for name, size, options in (("big.bin", 50_000, ()), ("small.txt", 100, ()), ("big.bin", 300, ("-N", "note"))):
        (folder / "one").write_bytes(noise(name + str(size), size))
        subprocess.run(["ntfscp", "-f", *options, path, folder / "one", name], check=True, capture_output=True)
    return path


def test_files_and_streams_of_ntfs_have_their_content(tmp_path: Path) -> None:
    path = ntfs(tmp_path)
    image, volume, entries = examine(path)
    with image:
        assert content(image, volume, named(entries, b"big.bin")) == noise("big.bin50000", 50_000)
        small = named(entries, b"small.txt")
        assert small.runs == (), "a file this small stands in its record"
        assert content(image, volume, small) == noise("small.txt100", 100)
        assert content(image, volume, named(entries, b"big.bin:note")) == noise("big.bin300", 300)
        assert small.modified.endswith("Z")
        assert small.clock == "UTC"
        listed = {item for item in fls(path)["live"] if item[1] != "$BadClus:$Bad"}
        assert listed <= as_fls(entries)["live"]


def test_what_an_interrupted_copy_never_wrote_is_zeros_and_not_older_data(tmp_path: Path) -> None:
    """The initialised size in the record of big.bin is set back from 50,000 to 20,000 (ATTR_RECORD, offset 56)."""
    path = ntfs(tmp_path)
    raw = bytearray(path.read_bytes())
    sizes = struct.pack("<QQQ", 53_248, 50_000, 50_000)
    assert raw.count(sizes) == 1
    place = raw.index(sizes)
    raw[place : place + 24] = struct.pack("<QQQ", 53_248, 50_000, 20_000)
    path.write_bytes(raw)
    image, volume, entries = examine(path)
    with image:
        entry = named(entries, b"big.bin")
        assert sum(run.length for run in entry.runs) == 20_000
        assert content(image, volume, entry) == noise("big.bin50000", 50_000)[:20_000] + bytes(30_000)


@contextmanager
def mounted(path: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["ntfs-3g", path, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.needs_root
def test_deleted_files_of_ntfs_are_found_by_their_record(tmp_path: Path) -> None:
    """Deleted by ntfs-3g; a record that a later file took leaves only the name."""
    path = ntfs(tmp_path)
    with mounted(path, tmp_path / "mount") as folder:
        (folder / "docs").mkdir()
        (folder / "docs" / "gone.bin").write_bytes(noise("gone", 40_000))
        (folder / "docs" / "tiny.txt").write_bytes(b"tiny")
        (folder / "docs" / "kept.txt").write_bytes(b"kept")
    with mounted(path, tmp_path / "again") as folder:
        (folder / "docs" / "gone.bin").unlink()
        (folder / "docs" / "tiny.txt").unlink()
    image, volume, entries = examine(path)
    with image:
        gone, tiny = named(entries, b"docs", b"gone.bin"), named(entries, b"docs", b"tiny.txt")
        assert gone.status is tiny.status is EntryStatus.DELETED
        assert content(image, volume, gone) == noise("gone", 40_000)
        assert content(image, volume, tiny) == b"tiny"
        assert fls(path)["deleted"] == as_fls(entries)["deleted"]


def exfat_entry(name: str, offset: int) -> bytes:
    """A file of one cluster in an exFAT directory (specification, 7.4 to 7.7): 2012-03-12 02:30:00, zone `offset`."""
    stamp = (2012 - 1980) << 25 | 3 << 21 | 12 << 16 | 2 << 11 | 30 << 5
    units = name.encode("utf-16-le")
    first = struct.pack("<BBHHHIIIBBBBB7x", 0x85, 2, 0, 0x20, 0, stamp, stamp, stamp, 0, 0, offset, offset, offset)
    second = struct.pack("<BBBBHHQIIQ", 0xC0, 3, 0, len(name), 0, 0, 1000, 0, 100, 1000)
    third = b"\xc1\x00" + units.ljust(30, b"\x00")
    whole = bytearray(first + second + third)
    total = 0
    for position, byte in enumerate(whole):
        if position not in (2, 3):
            total = ((total >> 1) | (total << 15 & 0x8000)) + byte & 0xFFFF
    whole[2:4] = struct.pack("<H", total)
    return bytes(whole)


def test_exfat_times_are_utc_where_the_entry_tells_its_zone(tmp_path: Path) -> None:
    """mkfs.exfat, and two entries put behind the three that it makes: one in UTC-5 (bit 7, 0x6C = -20 quarters)."""
    path = tmp_path / "exfat"
    with path.open("wb") as stream:
        stream.truncate(20 * MIB)
    subprocess.run(["mkfs.exfat", path], check=True, capture_output=True)
    with path.open("r+b") as stream:
        boot = stream.read(512)
        heap, root = struct.unpack_from("<I", boot, 88)[0], struct.unpack_from("<I", boot, 96)[0]
        directory = (heap << boot[108]) + ((root - 2) << (boot[108] + boot[109]))
        stream.seek(directory + 96)
        stream.write(exfat_entry("zone.txt", 0x80 | 0x6C) + exfat_entry("none.txt", 0))
    image, _volume, entries = examine(path)
    image.close()
    zone, none = named(entries, b"zone.txt"), named(entries, b"none.txt")
    assert (zone.modified, zone.clock) == ("2012-03-12T07:30:00Z", "UTC")
    assert (none.modified, none.clock) == ("2012-03-12T02:30:00", "local, zone unknown")


# ---------------------------------------------------------------------------------------------------- all, and hostile


def test_a_worker_reads_the_same_content_from_an_entry_it_was_given(tmp_path: Path) -> None:
    path = ntfs(tmp_path)
    image, volume, entries = examine(path)
    with image, pickle.loads(pickle.dumps(image)) as other:
        for entry in entries:
            again = pickle.loads(pickle.dumps(entry))
            assert content(other, volume, again) == content(image, volume, entry)


def test_a_directory_that_contains_itself_ends(tmp_path: Path) -> None:
    """The entry of `inner` in a FAT stick is pointed back at the root of its own branch."""
    stick = Stick(tmp_path, bits="16")
    stick.mtools("mmd", "::outer", "::outer/inner")
    stick.put("outer/file.txt", b"x" * 100)
    raw = bytearray(stick.path.read_bytes())
    outer = raw.index(b"OUTER      ")
    inner = raw.index(b"INNER      ")
    raw[inner + 26 : inner + 28] = raw[outer + 26 : outer + 28]
    stick.path.write_bytes(raw)
    image, _volume, entries = examine(stick.path)
    image.close()
    assert len(entries) < 20
    assert any(entry.locator.path[-1] == b"file.txt" for entry in entries)


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_volume_gives_entries_or_an_outcome_and_never_a_crash(tmp_path: Path, seed: int) -> None:
    """A stick with 600 bytes changed, half of them in its first 64 KiB, where tables and directories are."""
    stick = Stick(tmp_path, bits="16", mebibytes=10)
    stick.mtools("mmd", "::Work")
    for number in range(10):
        stick.put(f"Work/file{number}.bin", noise(str(number), 3000))
    raw = bytearray(stick.path.read_bytes())
    stream = hashlib.shake_128(b"%d" % seed).digest(600 * 4)
    for index in range(600):
        place = int.from_bytes(stream[4 * index : 4 * index + 3], "little") % (65536 if index % 2 else 2 * MIB)
        raw[MIB + 64 + place] = stream[4 * index + 3]
    stick.path.write_bytes(raw)
    with open_image([stick.path]) as image:
        for volume in volumes(image, "E-001"):
            for entry in walk(image, volume, "E-001"):
                try:
                    open_content(image, volume, entry).read_at(0, min(entry.size, MIB))
                except OSError:
                    continue


def test_claims_are_found_by_every_shared_byte() -> None:
    live = Occupied()
    live.add([Run(0, 100, 50), Run(50, 150, 50), Run(100, 400, 100)])
    assert live.touches([Run(0, 199, 1)])
    assert live.touches([Run(0, 90, 11)])
    assert live.touches([Run(0, 0, 10), Run(10, 499, 5)])
    assert not live.touches([Run(0, 200, 200), Run(200, 500, 10)])
    assert not live.touches([])
    assert not Occupied().touches([Run(0, 0, 10)])
    live.add([Run(0, 1000, 10), Run(0, 205, 1000)])
    assert live.touches([Run(0, 1204, 1)]), "the longer of two that begin inside one another"
    assert not live.touches([Run(0, 1205, 10)])
    deleted = Claims()
    for name, start, length in (("a", 0, 100), ("b", 10, 10), ("c", 99, 10), ("d", 109, 5), ("a", 300, 5)):
        deleted.add([Run(0, start, length)], name)
    assert deleted.contested() == {"a", "b", "c"}


@pytest.mark.parametrize(("zone", "quarters"), [("America/New_York", -16), ("Asia/Kolkata", 22), ("UTC", 0)])
def test_a_time_of_iso_9660_has_the_zone_that_stands_with_it(tmp_path: Path, zone: str, quarters: int) -> None:
    """genisoimage in another zone; the record itself says what was written."""
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    for name in ("members.csv", "deep/notes.txt"):
        (tree / name).write_text(name)
        os.utime(tree / name, (1591012800, 1591012800))
    path = tmp_path / "disc.iso"
    command = ["genisoimage", "-quiet", "-J", "-R", "-o", path, tree]
    subprocess.run(command, check=True, env={**os.environ, "TZ": zone})
    data = path.read_bytes()
    record = data[data.index(b"MEMBERS.CSV;1") - 33 :]
    assert int.from_bytes(record[24:25], "little", signed=True) == quarters
    with open_image([path]) as image:
        (volume,) = volumes(image, "E-001")
        times = {e.locator.path: (e.modified, e.created, e.clock) for e in walk(image, volume, "E-001")}
    assert times[b"members.csv",] == times[b"deep", b"notes.txt"] == ("2020-06-01T12:00:00Z", "", "UTC")


def test_where_two_records_give_one_content_different_zones_the_time_has_none(tmp_path: Path) -> None:
    """A hard link, whose second record was changed to another zone."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.csv").write_text("one content")
    (tree / "b.csv").hardlink_to(tree / "a.csv")
    path = tmp_path / "disc.iso"
    subprocess.run(["genisoimage", "-quiet", "-cache-inodes", "-o", path, tree], check=True)
    data = bytearray(path.read_bytes())
    first, second = (data.index(name) - 33 for name in (b"A.CSV;1", b"B.CSV;1"))
    assert data[first + 2 : first + 6] == data[second + 2 : second + 6]
    data[second + 24] = 8
    path.write_bytes(data)
    with open_image([path]) as image:
        (volume,) = volumes(image, "E-001")
        entries = list(walk(image, volume, "E-001"))
    assert {e.clock for e in entries if e.size} == {"local, zone unknown"}
    assert not any(e.modified.endswith("Z") for e in entries if e.size)
