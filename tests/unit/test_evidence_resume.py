"""An interrupted image is gone on with and becomes the image that an uninterrupted reading would have made."""

import hashlib
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import Cancelled, EnvironmentFailed, Refused
from forensics.evidence import rescue
from forensics.evidence.ewf_resume import kept_ewf
from forensics.evidence.ewf_writer import EwfSink, EwfStamp
from forensics.evidence.image import open_image
from forensics.evidence.imager import BLOCK, Imaging, image
from forensics.evidence.raw import RawSink
from forensics.evidence.sink import Sink
from forensics.model import BadRange

SECTOR = 512
SIZE = 24 * BLOCK + 5 * SECTOR
CONTENT = (hashlib.shake_128(b"drive").digest(9 * BLOCK) + b"row after row\n" * 600_000 + bytes(SIZE))[:SIZE]
STAMP = EwfStamp(bytes(range(16)), 1_700_000_000)


class Drive:
    sector_size = SECTOR

    def __init__(self, content: bytes = CONTENT, bad: tuple[BadRange, ...] = (), gone_after: int = 1 << 60) -> None:
        self.content, self.size, self.bad, self.gone_after = content, len(content), bad, gone_after
        self.reads: list[tuple[int, int]] = []

    def read_into(self, buffer: memoryview, offset: int) -> int:
        end = offset + len(buffer)
        self.reads.append((offset, len(buffer)))
        if end > self.gone_after or any(b.offset < end and offset < b.offset + b.length for b in self.bad):
            raise OSError(5, "bad")
        buffer[:] = self.content[offset:end]
        return len(buffer)


def open_sink(folder: Path, format: str, resume: bool = False, segment_size: int = 3 * BLOCK) -> Sink:
    if format == "raw":
        return RawSink(folder / "E-001.raw", SIZE, resume=resume)
    path = folder / "E-001.E01"
    kept = kept_ewf(path) if resume else None
    if resume and kept is None:
        path.unlink(missing_ok=True)
    return EwfSink(path, SIZE, segment_size=segment_size, stamp=STAMP, resume=kept)


def take(drive: Drive, sink: Sink, check: Callable[[], None] = lambda: None, copy: Sink | None = None) -> Imaging:
    return image(drive, sink, ("md5", "sha1", "sha256"), progress=lambda *_: None, check=check, copy=copy)


def stop_after(calls: int) -> Callable[[], None]:
    left = iter(range(calls))

    def check() -> None:
        if next(left, None) is None:
            raise Cancelled

    return check


def with_zeros(bad: tuple[BadRange, ...]) -> bytes:
    changed = bytearray(CONTENT)
    for item in bad:
        changed[item.offset : item.offset + item.length] = bytes(item.length)
    return bytes(changed)


def require_whole(found: Imaging, sink: Sink, bad: tuple[BadRange, ...]) -> None:
    expected = with_zeros(bad)
    assert found.bad == bad
    assert found.hashes["sha256"] == hashlib.sha256(expected).hexdigest()
    with open_image(sink.segments) as opened:
        assert opened.read_at(0, SIZE) == expected
    assert (sink.folder / rescue.RESCUE_MAP).exists() == bool(bad), "after a crash nothing else knows the bad ranges"
    rescue.forget_rescue(sink.folder)
    assert not list(sink.folder.glob(rescue.RESCUE + "*"))
    if sink.format == "e01":
        judged = subprocess.run(["ewfverify", "-q", sink.segments[0]], capture_output=True, text=True, check=False)
        assert "SUCCESS" in judged.stdout


BAD = (
    BadRange(5 * BLOCK + 3 * SECTOR, SECTOR),
    BadRange(12 * BLOCK - SECTOR, 90 * SECTOR),
    BadRange(SIZE - SECTOR, SECTOR),
)


@pytest.mark.parametrize("format", ["raw", "e01"])
@pytest.mark.parametrize("bad", [(), BAD], ids=["sound", "bad places"])
@pytest.mark.parametrize("calls", [3, 14, 40, 700])
def test_a_cancelled_image_is_gone_on_with(tmp_path: Path, format: str, bad: tuple[BadRange, ...], calls: int) -> None:
    try:
        take(Drive(bad=bad), open_sink(tmp_path, format), stop_after(calls))
        assert calls > 24
        return
    except Cancelled:
        pass
    sink = open_sink(tmp_path, format, resume=True)
    require_whole(take(Drive(bad=bad), sink), sink, bad)


def test_what_was_kept_is_not_read_from_the_drive_again(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        take(Drive(), open_sink(tmp_path, "e01"), stop_after(17))
    sink = open_sink(tmp_path, "e01", resume=True)
    assert sink.kept_bytes == 17 * BLOCK
    drive = Drive()
    require_whole(take(drive, sink), sink, ())
    assert all(length <= 65536 for offset, length in drive.reads if offset < sink.kept_bytes), "only the sample"


@pytest.mark.parametrize("format", ["raw", "e01"])
def test_a_killed_writer_leaves_what_can_be_gone_on_with(tmp_path: Path, format: str) -> None:
    """The files cut off at any byte, as a crash leaves them: no last table, half a chunk, half a header."""
    whole = tmp_path / "whole"
    whole.mkdir()
    sink = open_sink(whole, format, segment_size=5 * BLOCK)
    take(Drive(), sink)
    if format == "raw":
        sink.segments[0].rename(whole / "E-001.raw.partial")
    files = sorted(whole.iterdir())
    chance = random.Random(7)
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        last = chance.randrange(len(files))
        for path in files[: last + 1]:
            shutil.copy(path, folder)
        cut = chance.choice([chance.randrange(files[last].stat().st_size), chance.randrange(3000)])
        with (folder / files[last].name).open("r+b") as stream:
            stream.truncate(cut)
        again = open_sink(folder, format, resume=True, segment_size=5 * BLOCK)
        require_whole(take(Drive(), again), again, ())
        shutil.rmtree(folder)


@pytest.mark.parametrize("sectors_read", [1, 20, 85])
def test_a_drive_pulled_out_while_its_bad_places_are_read_loses_nothing(tmp_path: Path, sectors_read: int) -> None:
    """Behind a loop device a pulled drive says EIO for everything: what failed then must be tried again."""
    bad = (BadRange(12 * BLOCK, 90 * SECTOR), *(BadRange((28000 + 8 * n) * SECTOR, SECTOR) for n in range(40)))
    drive = Drive(bad=bad)

    def check() -> None:
        if sum(length == SECTOR for _, length in drive.reads) >= sectors_read + 90:
            drive.gone_after = 0

    def read(drive: Drive, sink: Sink, check: Callable[[], None]) -> Imaging:
        return image(drive, sink, ("sha256", "md5"), progress=lambda *_: None, check=check, retries=0)

    with pytest.raises(EnvironmentFailed, match="disconnected"):
        read(drive, open_sink(tmp_path, "e01"), check)
    sink = open_sink(tmp_path, "e01", resume=True)
    require_whole(read(Drive(bad=bad), sink, lambda: None), sink, bad)


@pytest.mark.parametrize("format", ["raw", "e01"])
def test_an_image_is_never_gone_on_with_from_another_drive(tmp_path: Path, format: str) -> None:
    with pytest.raises(Cancelled):
        take(Drive(), open_sink(tmp_path, format), stop_after(12))
    other = Drive(hashlib.shake_128(b"other").digest(SIZE))
    with pytest.raises(Refused, match="another drive"):
        take(other, open_sink(tmp_path, format, resume=True))
    sink = open_sink(tmp_path, format, resume=True)
    require_whole(take(Drive(), sink), sink, ())


def test_the_good_areas_are_read_before_anybody_insists_on_a_bad_one(tmp_path: Path) -> None:
    drive = Drive(bad=(BadRange(3 * BLOCK, SECTOR),))
    take(drive, open_sink(tmp_path, "raw"))
    first_sector = next(i for i, (_, length) in enumerate(drive.reads) if length == SECTOR and i < len(drive.reads) - 1)
    before = {offset // BLOCK for offset, length in drive.reads[:first_sector] if length > 4096}
    assert set(range(24)) <= before


def test_without_room_to_read_ahead_bad_places_are_read_as_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(rescue.shutil, "disk_usage", lambda _: usage._replace(free=SIZE))
    sink = open_sink(tmp_path, "raw")
    found = take(Drive(bad=BAD), sink)
    assert found.in_place
    require_whole(found, sink, BAD)


def test_a_second_copy_is_the_same_to_the_byte(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    first, second = (open_sink(folder, "e01") for folder in folders)
    assert take(Drive(bad=BAD), first, copy=second).copy_failure == ""
    names = [path.name for path in first.segments]
    assert len(names) > 2
    assert [path.name for path in second.segments] == names
    assert all((folders[0] / name).read_bytes() == (folders[1] / name).read_bytes() for name in names)


class FullDisk(RawSink):
    def write(self, block: memoryview) -> None:
        if self.written_bytes >= 2 * BLOCK:
            raise OSError(28, "full")
        super().write(block)


def test_a_second_copy_whose_disk_fails_does_not_cost_the_first(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    sink = open_sink(tmp_path, "raw")
    found = take(Drive(), sink, copy=FullDisk(tmp_path / "b" / "E-001.raw", SIZE))
    assert "full" in found.copy_failure
    require_whole(found, sink, ())


@settings(max_examples=15, deadline=None)
@given(
    places=st.lists(st.tuples(st.integers(0, SIZE // SECTOR - 1), st.integers(1, 400)), max_size=12),
    format=st.sampled_from(["raw", "e01"]),
)
def test_any_map_of_unreadable_ranges_gives_every_readable_byte(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]], format: str
) -> None:
    sectors = sorted({s for start, count in places for s in range(start, min(start + count, SIZE // SECTOR))})
    bad: list[BadRange] = []
    for sector in sectors:
        if bad and bad[-1].offset + bad[-1].length == sector * SECTOR:
            bad[-1] = BadRange(bad[-1].offset, bad[-1].length + SECTOR)
        else:
            bad.append(BadRange(sector * SECTOR, SECTOR))
    sink = open_sink(tmp_path_factory.mktemp("image"), format)
    require_whole(take(Drive(bad=tuple(bad)), sink), sink, tuple(bad))
