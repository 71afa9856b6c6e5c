"""An E01 of ours is an E01 to everyone: ewfverify and libewf are the judges."""

import hashlib
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyewf
import pytest
import pytsk3

from forensics.errors import Refused
from forensics.evidence import ewf_format, ewf_writer
from forensics.evidence.ewf_writer import Compression, EwfMetadata, EwfSink
from forensics.evidence.imager import Imaging, image
from forensics.evidence.source import open_source
from forensics.model import BadRange

CHUNK = 32768


class Content:
    """A source out of memory, with unreadable sectors."""

    sector_size = 512

    def __init__(self, content: bytes, bad: Sequence[BadRange] = ()) -> None:
        self.content = content
        self.size = len(content)
        self._bad = bad

    def read_into(self, buffer: memoryview, offset: int) -> int:
        if any(item.offset < offset + len(buffer) and offset < item.offset + item.length for item in self._bad):
            raise OSError(5, "bad")
        piece = self.content[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        return len(piece)


class Zeros:
    """A drive that holds nothing, of any size."""

    sector_size = 512

    def __init__(self, size: int) -> None:
        self.size = size

    def read_into(self, buffer: memoryview, offset: int) -> int:
        return min(len(buffer), self.size - offset)


def mix(size: int) -> bytes:
    """A third noise, a third text, a third zeros."""
    third = size // 3
    text = b"1970-01-01,Doe,Jane,12 Main Street\r\n" * (third // 36 + 1)
    return hashlib.shake_128(b"mix").digest(third) + text[:third] + bytes(size - 2 * third)


def write(source: Content | Zeros, path: Path, **options: object) -> tuple[Imaging, EwfSink]:
    sink = EwfSink(path, source.size, **options)  # type: ignore[arg-type]
    found = image(source, sink, ("md5", "sha1", "sha256"), progress=lambda _d, _s: None, check=lambda: None)
    return found, sink


def ewfverify(path: Path) -> str:
    """MD5 of the media as ewfverify computes it. Fails unless it finds the image whole."""
    command = ["ewfverify", "-q", "-d", "sha256", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "SUCCESS" in done.stdout
    stored = re.search(r"MD5 hash stored in file:\s+(\w+)", done.stdout)
    computed = re.search(r"MD5 hash calculated over data:\s+(\w+)", done.stdout)
    assert stored is not None
    assert computed is not None
    assert stored[1] == computed[1]
    return computed[1]


def media(path: Path) -> bytes:
    handle = pyewf.handle()
    handle.open(pyewf.glob(str(path)))
    try:
        return bytes(handle.read_buffer_at_offset(handle.get_media_size(), 0))
    finally:
        handle.close()


@pytest.mark.parametrize("compression", list(Compression))
@pytest.mark.parametrize(
    "content",
    [bytes(10 * CHUNK), mix(30 * CHUNK + 512), mix(96 * CHUNK), mix(512)],
    ids=["zeros", "odd size", "whole chunks", "one sector"],
)
def test_ewfverify_accepts_the_image_and_libewf_reads_the_same_bytes(
    tmp_path: Path, content: bytes, compression: Compression
) -> None:
    path = tmp_path / "E-001.E01"
    found, sink = write(Content(content), path, compression=compression)
    assert ewfverify(path) == hashlib.md5(content).hexdigest() == found.hashes["md5"]
    assert media(path) == content
    assert sink.written_bytes == path.stat().st_size <= sink.required_bytes


@pytest.mark.parametrize("compression", list(Compression))
def test_more_than_99_segments_are_named_as_encase_names_them_and_none_is_too_large(
    tmp_path: Path, compression: Compression
) -> None:
    content = hashlib.shake_128(b"noise").digest(110 * CHUNK)
    path = tmp_path / "E-001.E01"
    _found, sink = write(Content(content), path, compression=compression, segment_size=65536)
    names = [item.name for item in sink.segments]
    assert names[98:101] == ["E-001.E99", "E-001.EAA", "E-001.EAB"]
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted(names)
    assert all(item.stat().st_size <= 65536 for item in sink.segments)
    assert all(item.stat().st_mode & 0o777 == 0o600 for item in sink.segments)
    assert ewfverify(path) == hashlib.md5(content).hexdigest()
    assert media(path) == content
    assert sink.written_bytes <= sink.required_bytes


def test_a_segment_that_is_filled_to_the_brim_stays_within_its_size(tmp_path: Path) -> None:
    """FAT32 takes no byte beyond 4 GiB. Stored chunks take 32,772 bytes: three of them and the 1,217 bytes before
    them leave 10 bytes of this size, too few for the tables.
    """
    content = hashlib.shake_128(b"noise").digest(20 * CHUNK)
    size = 13 + 1128 + 76 + 3 * 32772 + 10
    path = tmp_path / "E-001.E01"
    _found, sink = write(Content(content), path, compression=Compression.NONE, segment_size=size)
    assert max(item.stat().st_size for item in sink.segments) <= size
    assert ewfverify(path) == hashlib.md5(content).hexdigest()


def test_segment_names_end_at_zzz() -> None:
    assert [ewf_format.segment_extension(number) for number in (1, 99, 100, 125, 126, 775, 776, 14971)] == [
        "E01", "E99", "EAA", "EAZ", "EBA", "EZZ", "FAA", "ZZZ",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="14,971"):
        ewf_format.segment_extension(14972)


def test_several_tables_and_several_sectors_sections_in_one_segment_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The format's limits (65,534 chunks, 2 GiB) brought down to where a test reaches them."""
    monkeypatch.setattr(ewf_writer.ewf, "TABLE_LIMIT", 7)
    monkeypatch.setattr(ewf_writer.ewf, "SECTORS_LIMIT", 4 * CHUNK)
    content = mix(100 * CHUNK)
    write(Content(content), tmp_path / "E-001.E01")
    assert ewfverify(tmp_path / "E-001.E01") == hashlib.md5(content).hexdigest()


@pytest.mark.slow
def test_an_image_of_more_than_65534_chunks_is_read(tmp_path: Path) -> None:
    found, _sink = write(Zeros(65600 * CHUNK), tmp_path / "E-001.E01")
    assert ewfverify(tmp_path / "E-001.E01") == found.hashes["md5"]


def test_unreadable_sectors_are_written_into_the_image_as_ewfinfo_shows_them(tmp_path: Path) -> None:
    content = mix(40 * CHUNK)
    bad = (BadRange(512 * 100, 512), BadRange(512 * 2000, 512 * 3))
    found, _sink = write(Content(content, bad), tmp_path / "E-001.E01")
    assert found.bad == bad
    shown = subprocess.run(["ewfinfo", tmp_path / "E-001.E01"], capture_output=True, text=True, check=True).stdout
    assert "total number: 2" in shown
    assert "at sector(s): 100 - 100 number: 1" in shown
    assert "at sector(s): 2000 - 2002 number: 3" in shown
    ewfverify(tmp_path / "E-001.E01")


def test_the_header_tells_case_exhibit_and_device(tmp_path: Path) -> None:
    metadata = EwfMetadata(
        case_number="2026-17",
        exhibit="E-001",
        examiner="Ana Müller",
        description="stick\tof\nclerk",
        notes="sealed",
        model="Ultra",
        serial="4C53",
    )
    write(Content(mix(512)), tmp_path / "E-001.E01", metadata=metadata)
    handle = pyewf.handle()
    handle.open([str(tmp_path / "E-001.E01")])
    values = handle.get_header_values()
    handle.close()
    assert values["case_number"] == "2026-17"
    assert values["evidence_number"] == "E-001"
    assert values["examiner_name"] == "Ana Müller"
    assert values["description"] == "stick of clerk"
    assert values["notes"] == "sealed"
    assert values["model"] == "Ultra"
    assert values["serial_number"] == "4C53"
    shown = subprocess.run(["ewfinfo", tmp_path / "E-001.E01"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"File format:\s+EnCase 6", shown)


def test_what_an_e01_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for size, options in ((1000, {}), (1 << 40, {"segment_size": 1 << 20}), (512, {"segment_size": 1000})):
        with pytest.raises(Refused) as caught:
            EwfSink(tmp_path / "E-001.E01", size, **options)  # type: ignore[arg-type]
        assert caught.value.remedy
    with pytest.raises(Refused):
        EwfSink(tmp_path / "E-001.img", 512)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_e01_is_never_overwritten(tmp_path: Path) -> None:
    write(Content(mix(512)), tmp_path / "E-001.E01")
    before = (tmp_path / "E-001.E01").read_bytes()
    with pytest.raises(Refused, match="never overwritten"):
        EwfSink(tmp_path / "E-001.E01", 512)
    assert (tmp_path / "E-001.E01").read_bytes() == before


def test_an_error_beyond_what_32_bits_can_name_is_left_to_the_map_and_the_others_are_kept(tmp_path: Path) -> None:
    """error2 has 32 bits for the first sector: 2 TiB of sectors of 512 bytes."""
    content = mix(CHUNK)
    sink = EwfSink(tmp_path / "E-001.E01", len(content))
    sink.write(memoryview(content))
    sink.finish({"md5": hashlib.md5(content).hexdigest()}, [BadRange(512, 512), BadRange(2 << 40, 512)])
    shown = subprocess.run(["ewfinfo", tmp_path / "E-001.E01"], capture_output=True, text=True, check=True).stdout
    assert "total number: 1" in shown
    assert "at sector(s): 1 - 1 number: 1" in shown


@pytest.mark.parametrize("compression", list(Compression))
def test_the_sleuth_kit_lists_the_same_files_in_an_image_as_in_the_drive(
    tmp_path: Path, compression: Compression
) -> None:
    content = (Path(__file__).parents[1] / "images" / "imynd.dd").read_bytes()
    (tmp_path / "drive.dd").write_bytes(content)
    write(Content(content), tmp_path / "E-001.E01", compression=compression, segment_size=65536)
    listed = [
        subprocess.run(["fls", "-r", "-i", kind, tmp_path / name], capture_output=True, text=True, check=True).stdout
        for kind, name in (("raw", "drive.dd"), ("ewf", "E-001.E01"))
    ]
    assert listed[0] == listed[1] != ""


class _Ewf(pytsk3.Img_Info):  # type: ignore[misc]
    """An E01 as other programs of Python read it: pyewf below pytsk3, none of our code between."""

    def __init__(self, handle: pyewf.handle) -> None:
        self._handle = handle
        super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL)

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self._handle.read_buffer_at_offset(size, offset))

    def get_size(self) -> int:
        return int(self._handle.get_media_size())


def _files(image: pytsk3.Img_Info) -> dict[str, str]:
    """Name → SHA-256 of every file in the root folder."""
    found = {}
    for entry in pytsk3.FS_Info(image).open_dir("/"):
        meta = entry.info.meta
        if meta and meta.type == pytsk3.TSK_FS_META_TYPE_REG and meta.size:
            content = entry.read_random(0, meta.size)
            found[entry.info.name.name.decode()] = hashlib.sha256(content).hexdigest()
    return found


@pytest.mark.parametrize("compression", list(Compression))
def test_pyewf_and_pytsk3_read_the_same_files_in_an_image_as_in_the_drive(
    tmp_path: Path, compression: Compression
) -> None:
    content = (Path(__file__).parents[1] / "images" / "imynd.dd").read_bytes()
    (tmp_path / "drive.dd").write_bytes(content)
    write(Content(content), tmp_path / "E-001.E01", compression=compression, segment_size=65536)
    handle = pyewf.handle()
    handle.open(pyewf.glob(str(tmp_path / "E-001.E01")))
    assert _files(_Ewf(handle)) == _files(pytsk3.Img_Info(str(tmp_path / "drive.dd"))) != {}
    handle.close()


def test_fast_stores_noise_and_goes_on_compressing_what_follows_it(tmp_path: Path) -> None:
    content = hashlib.shake_128(b"noise").digest(2 * CHUNK) + b"row after row\r\n" * (8 * CHUNK // 15 + 1)
    content = content[: 10 * CHUNK]
    _found, sink = write(Content(content), tmp_path / "E-001.E01", compression=Compression.FAST)
    assert sink.written_bytes < 2 * CHUNK + CHUNK // 2
    assert media(tmp_path / "E-001.E01") == content


@pytest.mark.parametrize("compression", [Compression.FAST, Compression.SMALL])
def test_the_judges_read_a_file_system_in_more_than_65536_chunks(tmp_path: Path, compression: Compression) -> None:
    """A volume of 2.2 GB, nearly all of it holes, with a file that reaches into its last block group."""
    folder, drive, first = tmp_path / "files", tmp_path / "drive.dd", tmp_path / "E-001.E01"
    folder.mkdir()
    for number in range(3):
        (folder / f"list-{number}.csv").write_bytes(mix(3_000_000 + number))
    with drive.open("wb") as stream:
        stream.truncate(66_000 * CHUNK + 512)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", folder, drive], check=True, capture_output=True)
    with drive.open("r+b") as stream:
        stream.seek(-512, os.SEEK_END)
        stream.write(b"the last sector of the drive".ljust(512, b"."))
    with open_source(drive) as source:
        sink = EwfSink(first, source.size, compression=compression, segment_size=4 << 20)
        image(source, sink, ("md5", "sha1", "sha256"), progress=lambda _d, _s: None, check=lambda: None)
    assert len(sink.segments) > 1
    shown = subprocess.run(["ewfinfo", first], capture_output=True, text=True, check=True).stdout
    assert re.search(rf"Number of sectors:\s+{drive.stat().st_size // 512}\b", shown)
    listed = [
        subprocess.run(["fls", "-r", "-p", "-i", kind, path], capture_output=True, text=True, check=True).stdout
        for kind, path in (("raw", drive), ("ewf", first))
    ]
    assert listed[0] == listed[1]
    assert "list-2.csv" in listed[1]
    handle = pyewf.handle()
    handle.open(pyewf.glob(str(first)))
    assert _files(_Ewf(handle)) == _files(pytsk3.Img_Info(str(drive)))
    assert len(_files(_Ewf(handle))) == 3
    assert bytes(handle.read_buffer_at_offset(512, drive.stat().st_size - 512)).startswith(b"the last sector")
    handle.close()
