"""What every format of our own images promises, over all of them: the bytes come back, and nothing is written over."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.errors import Cancelled, Refused
from forensics.evidence.ewf_writer import Compression, EwfSink
from forensics.evidence.image import open_image
from forensics.evidence.imager import image
from forensics.evidence.raw import RawSink, SplitRawSink
from forensics.evidence.sink import Sink
from forensics.evidence.verify import verify
from forensics.model import BadRange

Make = Callable[[Path, int], Sink]

SINKS: dict[str, Make] = {
    "raw": lambda folder, size: RawSink(folder / "image.raw", size),
    "split raw": lambda folder, size: SplitRawSink(folder / "image", size, (1 << 20) + 512),
    **{
        f"e01 {compression}": (
            lambda folder, size, compression=compression: EwfSink(
                folder / "image.E01", size, compression=compression, segment_size=1 << 20
            )
        )
        for compression in Compression
    },
}
SIZE = (3 << 20) + 5 * 512


class Drive:
    """A drive of text, noise and zeros, with two sectors that cannot be read."""

    size = SIZE
    sector_size = 512
    bad = (BadRange(70 * 512, 512), BadRange(3000 * 512, 512))

    def __init__(self) -> None:
        chance = random.Random(4)
        self.data = bytearray(b"member 12345, row after row\n" * 40_000 + chance.randbytes(1 << 20))
        self.data += bytes(SIZE - len(self.data))
        for bad in self.bad:
            self.data[bad.offset : bad.offset + bad.length] = bytes(bad.length)

    def read_into(self, buffer: memoryview, offset: int) -> int:
        end = offset + len(buffer)
        if any(offset < bad.offset + bad.length and bad.offset < end for bad in self.bad):
            raise OSError(5, "Input/output error")
        buffer[:] = self.data[offset:end]
        return len(buffer)


@pytest.fixture(params=SINKS, ids=list(SINKS))
def make(request: pytest.FixtureRequest) -> Make:
    return SINKS[request.param]


def take(sink: Sink, drive: Drive) -> dict[str, str]:
    found = image(drive, sink, ("md5", "sha1", "sha256"), progress=lambda *_: None, check=lambda: None)
    assert found.bad == drive.bad
    return found.hashes


def test_what_was_written_reads_back_and_has_the_hashes_that_were_said(make: Make, tmp_path: Path) -> None:
    drive = Drive()
    sink = make(tmp_path, SIZE)
    said = take(sink, drive)
    assert said["sha256"] == hashlib.sha256(drive.data).hexdigest()
    with open_image(sink.segments) as opened:
        assert opened.size == SIZE
        assert opened.read_at(0, SIZE) == bytes(drive.data)
        assert opened.read_at(SIZE - 10, 100) == bytes(drive.data[-10:])
        assert verify(opened, ("md5", "sha1", "sha256"), lambda *_: None, lambda: None) == said
        for name, value in opened.stored_hashes.items():
            assert said[name] == value


def test_an_image_that_is_there_is_never_written_over(make: Make, tmp_path: Path) -> None:
    sink = make(tmp_path, SIZE)
    take(sink, Drive())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(Refused):
        make(tmp_path, SIZE)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_only_its_owner_can_read_an_image(make: Make, tmp_path: Path) -> None:
    sink = make(tmp_path, SIZE)
    take(sink, Drive())
    assert {path.stat().st_mode & 0o077 for path in sink.segments} == {0}


def test_a_cancelled_image_is_kept_and_does_not_pass_for_a_whole_one(make: Make, tmp_path: Path) -> None:
    sink = make(tmp_path, SIZE)
    calls = iter(range(100))

    def stop_soon() -> None:
        if next(calls) > 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        image(Drive(), sink, ("md5",), progress=lambda *_: None, check=stop_soon)
    left = list(tmp_path.iterdir())
    assert left
    names = {path.name for path in left}
    assert "image.raw" not in names
    if "image.E01" in names:
        assert not any(b"done\0" in path.read_bytes() for path in left)


def test_the_space_it_asks_for_is_enough(make: Make, tmp_path: Path) -> None:
    sink = make(tmp_path, SIZE)
    asked = sink.required_bytes
    take(sink, Drive())
    assert sum(path.stat().st_size for path in sink.segments) <= asked


def test_a_raw_image_in_more_parts_than_three_digits_name_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="1,000 parts"):
        SplitRawSink(tmp_path / "image", 1000 << 20, 1 << 20)
    with pytest.raises(Refused, match="1 MiB or more"):
        SplitRawSink(tmp_path / "image", 4096, 512)
    assert not list(tmp_path.iterdir())
