"""An image is known by its bytes: what would only seem to open is refused, what is incomplete is named."""

import hashlib
import pickle
import shutil
import subprocess
from pathlib import Path

import pytest

from forensics.errors import DriveCustodyError, EnvironmentFailed, NotIntact, Refused
from forensics.evidence.ewf_writer import Compression, EwfSink
from forensics.evidence.image import open_image

IMAGES = Path(__file__).parents[1] / "images"
CONTENT = hashlib.shake_128(b"drive").digest(20 * 32768)


def e01(folder: Path, segment_size: int = 100_000) -> list[Path]:
    """An E01 of CONTENT in several segments, as the imager makes it."""
    sink = EwfSink(folder / "E-001.E01", len(CONTENT), compression=Compression.NONE, segment_size=segment_size)
    sink.write(memoryview(CONTENT))
    sink.finish({"md5": hashlib.md5(CONTENT).hexdigest(), "sha1": hashlib.sha1(CONTENT).hexdigest()}, ())
    return list(sink.segments)


def failure(*paths: Path) -> DriveCustodyError:
    with pytest.raises(DriveCustodyError) as caught:
        open_image(paths)
    assert caught.value.remedy
    return caught.value


def test_an_e01_gives_the_bytes_and_the_digests_that_it_claims(tmp_path: Path) -> None:
    segments = e01(tmp_path)
    with open_image(segments[:1]) as image:
        assert (image.format, image.size, image.sector_size) == ("e01", len(CONTENT), 512)
        assert image.segments == tuple(segments)
        assert image.read_at(0, image.size) == CONTENT
        assert image.read_at(32767, 2) == CONTENT[32767:32769]
        assert image.read_at(image.size - 3, 100) == CONTENT[-3:]
        assert image.read_at(image.size, 1) == image.read_at(image.size + 100, 1) == b""
        assert image.stored_hashes == {
            "md5": hashlib.md5(CONTENT).hexdigest(),
            "sha1": hashlib.sha1(CONTENT).hexdigest(),
        }


def test_segments_may_be_named_in_any_order(tmp_path: Path) -> None:
    with open_image(list(reversed(e01(tmp_path)))) as image:
        assert image.read_at(0, image.size) == CONTENT


def test_the_name_of_an_image_does_not_matter(tmp_path: Path) -> None:
    shutil.copy(IMAGES / "ext2.E01", tmp_path / "disk.001")
    with open_image([tmp_path / "disk.001"]) as image:
        assert image.format == "e01"
        assert hashlib.md5(image.read_at(0, image.size)).hexdigest() == "196066add11fb71c4c49cf1bb50d6d24"


@pytest.mark.parametrize("missing", [0, 2, -1])
def test_a_missing_segment_is_named(tmp_path: Path, missing: int) -> None:
    segments = e01(tmp_path)
    segments[missing].unlink()
    first = segments[1] if missing == 0 else segments[0]
    for paths in ([first], [path for path in segments if path.exists()]):
        error = failure(*paths)
        assert isinstance(error, Refused)
        assert segments[missing].name in error.message


def test_an_acquisition_that_never_ended_is_no_image(tmp_path: Path) -> None:
    sink = EwfSink(tmp_path / "E-001.E01", len(CONTENT))
    sink.write(memoryview(CONTENT))
    sink.abandon()
    assert isinstance(failure(tmp_path / "E-001.E01"), NotIntact)


def test_a_segment_of_another_kind_among_the_files_is_refused(tmp_path: Path) -> None:
    segments = e01(tmp_path)
    (tmp_path / "raw").write_bytes(CONTENT)
    assert isinstance(failure(*segments, tmp_path / "raw"), Refused)
    assert isinstance(failure(tmp_path / "raw", *segments), Refused)
    assert isinstance(failure(*segments, segments[0]), Refused)


def test_a_split_raw_image_is_one_image_again(tmp_path: Path) -> None:
    """`split -b 100000 -d -a 3 --numeric-suffixes=1`, as many imagers do."""
    (tmp_path / "whole").write_bytes(CONTENT)
    command = ["split", "-b", "100000", "-a", "3", "--numeric-suffixes=1", tmp_path / "whole", tmp_path / "disk."]
    subprocess.run(command, check=True)
    with open_image([tmp_path / "disk.001"]) as image:
        assert (image.format, image.size, len(image.segments)) == ("raw", len(CONTENT), 7)
        assert image.read_at(0, image.size) == CONTENT
        assert image.read_at(99_999, 200_002) == CONTENT[99_999:300_001]
        assert image.stored_hashes == {}
    assert "disk.001" in failure(tmp_path / "disk.002").remedy
    (tmp_path / "disk.004").unlink()
    assert "disk.004" in failure(tmp_path / "disk.001").message


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("VMDK", b"COWD"),
        ("qcow", b"QFI\xfb\x00\x00\x00\x01"),
        ("Ex01", b"EVF2\x0d\x0a\x81\x00"),
        ("L01", b"LVF\x09\x0d\x0a\xff\x00"),
        ("Lx01", b"LEF2\x0d\x0a\x81\x00"),
        ("AD1", b"ADSEGMENTEDFILE\x00"),
        ("AFF", b"AFF10\r\n\x00"),
        ("AFF4", b"PK\x03\x04" + bytes(26) + b"container.description"),
        ("ZIP", b"PK\x03\x04"),
        ("gzip", b"\x1f\x8b\x08\x00"),
        ("VDI", b"<<< Oracle VM VirtualBox Disk Image >>>\n".ljust(64, b"\x00") + b"\x7f\x10\xda\xbe"),
    ],
)
def test_a_container_is_refused_by_name_with_the_way_out(tmp_path: Path, name: str, head: bytes) -> None:
    """Made of its first bytes; The Sleuth Kit would open every one of them as a raw disk."""
    path = tmp_path / "image.raw"
    path.write_bytes(head.ljust(4096, b"\x00"))
    error = failure(path)
    assert isinstance(error, Refused)
    assert name in error.message


def test_what_is_no_file_or_empty_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert isinstance(failure(tmp_path / "nothing"), EnvironmentFailed)
    assert isinstance(failure(tmp_path), Refused)
    assert isinstance(failure(tmp_path / "empty"), Refused)
    assert isinstance(failure(), Refused)


def test_a_worker_can_open_the_image_again(tmp_path: Path) -> None:
    with open_image(e01(tmp_path)[:1]) as image, pickle.loads(pickle.dumps(image)) as again:
        assert again.read_at(1000, 1000) == image.read_at(1000, 1000) == CONTENT[1000:2000]
