"""An acquisition reads every byte once, loses no good sector, and ends cleanly whatever happens."""

import errno
import hashlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import Cancelled, EnvironmentFailed, Refused
from forensics.evidence.imager import BLOCK, Imaging, image
from forensics.evidence.raw import RawSink
from forensics.evidence.sink import Sink
from forensics.evidence.source import Source, open_source
from forensics.model import BadRange

SECTOR = 512
ALGORITHMS = ("md5", "sha1", "sha256")


class FaultySource:
    """Bytes that answer an error for any read that touches `bad`, and another once `gone_after` was passed."""

    sector_size = SECTOR

    def __init__(
        self,
        content: bytes,
        bad: tuple[BadRange, ...] = (),
        gone_after: int | None = None,
        gone_error: int = errno.ENODEV,
        bad_error: int = errno.EIO,
    ) -> None:
        self.content = content
        self.size = len(content)
        self._bad = bad
        self._gone_after = gone_after
        self._gone_error = gone_error
        self._bad_error = bad_error
        self._gone = False
        self.reads_after_it_was_gone = 0

    def read_into(self, buffer: memoryview, offset: int) -> int:
        end = offset + len(buffer)
        if self._gone_after is not None and end > self._gone_after:
            self._gone = True
        if self._gone:
            self.reads_after_it_was_gone += 1
            raise OSError(self._gone_error, "gone")
        if any(item.offset < end and offset < item.offset + item.length for item in self._bad):
            buffer[:] = b"\xaa" * len(buffer)  # a failed read leaves anything behind
            raise OSError(self._bad_error, "bad")
        piece = self.content[offset:end]
        buffer[: len(piece)] = piece
        return len(piece)


def noise(size: int) -> bytes:
    return hashlib.shake_128(b"drive").digest(size)


def acquire(source: Source, sink: Sink, check: Callable[[], None] = lambda: None) -> Imaging:
    return image(source, sink, ALGORITHMS, progress=lambda _done, _size: None, check=check)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """No thread and no open file outlives what happens inside."""
    threads, files = threading.active_count(), open_files()
    yield
    assert threading.active_count() == threads
    assert open_files() == files


def with_zeros(content: bytes, bad: tuple[BadRange, ...]) -> bytes:
    changed = bytearray(content)
    for item in bad:
        changed[item.offset : item.offset + item.length] = bytes(item.length)
    return bytes(changed)


def test_a_raw_image_is_the_source_byte_for_byte_and_the_digests_are_those_of_other_tools(tmp_path: Path) -> None:
    path = tmp_path / "source"
    path.write_bytes(noise(3 * BLOCK + 12345))
    with nothing_left_behind(), open_source(path) as source:
        found = acquire(source, RawSink(tmp_path / "E-001.raw", source.size))
    subprocess.run(["cmp", path, tmp_path / "E-001.raw"], check=True)
    for algorithm in ALGORITHMS:
        line = subprocess.run([f"{algorithm}sum", path], capture_output=True, check=True, text=True).stdout
        assert found.hashes[algorithm] == line.split()[0]
    assert found.bad == ()


def test_only_the_owner_may_read_an_image_and_an_earlier_one_is_never_overwritten(tmp_path: Path) -> None:
    acquire(FaultySource(noise(4096)), RawSink(tmp_path / "E-001.raw", 4096))
    assert (tmp_path / "E-001.raw").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refused, match="never overwritten"):
        RawSink(tmp_path / "E-001.raw", 4096)


def test_zeros_are_counted_so_that_a_drive_that_sends_nothing_else_is_noticed(tmp_path: Path) -> None:
    content = noise(32768) + bytes(5 * 32768) + noise(32768) + bytes(1000)
    found = acquire(FaultySource(content), RawSink(tmp_path / "E-001.raw", len(content)))
    assert found.zero_bytes == 5 * 32768 + 1000


@settings(max_examples=25, deadline=None)
@given(
    sectors=st.sets(st.integers(0, 4999), max_size=40),
    error=st.sampled_from([errno.EIO, errno.ENODATA, errno.EREMOTEIO, errno.ETIMEDOUT]),
)
def test_unreadable_sectors_are_zero_filled_and_listed_and_no_good_sector_is_lost(
    tmp_path_factory: pytest.TempPathFactory, sectors: set[int], error: int
) -> None:
    content = noise(5000 * SECTOR)
    bad = tuple(BadRange(sector * SECTOR, SECTOR) for sector in sorted(sectors))
    target = tmp_path_factory.mktemp("image") / "E-001.raw"
    with nothing_left_behind():
        found = acquire(FaultySource(content, bad, bad_error=error), RawSink(target, len(content)))
    expected = with_zeros(content, bad)
    assert target.read_bytes() == expected
    assert found.hashes["sha256"] == hashlib.sha256(expected).hexdigest()
    listed = [start for item in found.bad for start in range(item.offset, item.offset + item.length, SECTOR)]
    assert listed == [item.offset for item in bad]
    assert all(a.offset + a.length < b.offset for a, b in zip(found.bad, found.bad[1:], strict=False))


def test_a_long_unreadable_stretch_is_bad_and_not_a_disconnected_drive(tmp_path: Path) -> None:
    content = noise(2 * BLOCK)
    stretch = (BadRange(BLOCK // 2, 1000 * SECTOR),)
    found = acquire(FaultySource(content, stretch), RawSink(tmp_path / "E-001.raw", len(content)))
    assert found.bad == stretch


def test_a_drive_whose_beginning_is_unreadable_is_still_read(tmp_path: Path) -> None:
    content = noise(2 * BLOCK)
    stretch = (BadRange(0, 500 * SECTOR),)
    found = acquire(FaultySource(content, stretch), RawSink(tmp_path / "E-001.raw", len(content)))
    assert found.bad == stretch


@pytest.mark.parametrize("error", [errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.EIO])
def test_a_drive_pulled_out_is_no_image_full_of_zeros(tmp_path: Path, error: int) -> None:
    content = noise(6 * BLOCK)
    source = FaultySource(content, gone_after=3 * BLOCK, gone_error=error)
    with nothing_left_behind(), pytest.raises(EnvironmentFailed, match="disconnected"):
        acquire(source, RawSink(tmp_path / "E-001.raw", len(content)))
    assert not (tmp_path / "E-001.raw").exists()
    kept = (tmp_path / "E-001.raw.partial").read_bytes()
    assert kept == content[: len(kept)]
    assert error == errno.EIO or source.reads_after_it_was_gone == 1, "a device that says it is away is not asked again"


def test_a_drive_that_never_answers_is_disconnected_too(tmp_path: Path) -> None:
    source = FaultySource(noise(BLOCK), gone_after=0, gone_error=errno.EIO)
    with pytest.raises(EnvironmentFailed, match="disconnected"):
        acquire(source, RawSink(tmp_path / "E-001.raw", BLOCK))


@pytest.mark.parametrize("calls", [1, 7, 30])
def test_cancelling_stops_everything_and_keeps_what_was_written(tmp_path: Path, calls: int) -> None:
    left = calls

    def check() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            raise Cancelled

    content = noise(40 * BLOCK)
    with nothing_left_behind(), pytest.raises(Cancelled):
        acquire(FaultySource(content), RawSink(tmp_path / "E-001.raw", len(content)), check)
    assert (tmp_path / "E-001.raw.partial").stat().st_size <= calls * BLOCK


class FullDisk(RawSink):
    def write(self, block: memoryview) -> None:
        if self.written_bytes >= 2 * BLOCK:
            raise OSError(errno.ENOSPC, "full")
        super().write(block)


def test_a_full_destination_says_how_much_is_missing(tmp_path: Path) -> None:
    content = noise(30 * BLOCK)
    with nothing_left_behind(), pytest.raises(EnvironmentFailed, match=f"{28 * BLOCK} more bytes"):
        acquire(FaultySource(content), FullDisk(tmp_path / "E-001.raw", len(content)))
    assert (tmp_path / "E-001.raw.partial").stat().st_size == 2 * BLOCK


class Broken(RawSink):
    def write(self, block: memoryview) -> None:
        raise ZeroDivisionError

    def finish(self, hashes: object, bad: object) -> None:
        raise AssertionError("an image whose writer failed must not be finished")


def test_a_failure_of_the_writer_reaches_the_caller_and_leaves_no_thread(tmp_path: Path) -> None:
    with nothing_left_behind(), pytest.raises(ZeroDivisionError):
        acquire(FaultySource(noise(20 * BLOCK)), Broken(tmp_path / "E-001.raw", 20 * BLOCK))


def test_a_destination_without_room_is_refused_before_the_first_byte(tmp_path: Path) -> None:
    sink = RawSink(tmp_path / "E-001.raw", 1 << 60)
    with nothing_left_behind_but(sink), pytest.raises(EnvironmentFailed, match="bytes free"):
        acquire(FaultySource(noise(BLOCK)), sink)
    assert sink.written_bytes == 0


@contextmanager
def nothing_left_behind_but(sink: RawSink) -> Iterator[None]:
    """Counts from before the sink's own file, which must be closed as well."""
    files = open_files()
    yield
    assert open_files() == files - 1


@contextmanager
def mounted_tmpfs(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.needs_root
def test_a_destination_that_fills_up_on_the_way_ends_cleanly(tmp_path: Path) -> None:
    """A tmpfs of 24 MiB has room for 20 MiB at first; somebody else then takes 10 of them."""
    content = noise(20 * BLOCK)
    with mounted_tmpfs(tmp_path / "small", "24m") as folder:

        def progress(done: int, _size: int) -> None:
            if done == BLOCK:
                (folder / "other").write_bytes(bytes(10 * BLOCK))

        sink = RawSink(folder / "E-001.raw", len(content))
        with pytest.raises(EnvironmentFailed, match="full; up to"):
            image(FaultySource(content), sink, ALGORITHMS, progress=progress, check=lambda: None)
        assert (folder / "E-001.raw.partial").stat().st_size > 0


@contextmanager
def loop_device(path: Path, *options: str) -> Iterator[Path]:
    command = ["losetup", "--find", "--show", *options, path]
    device = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    try:
        yield Path(device)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


@pytest.mark.needs_root
def test_a_block_device_is_read_past_the_page_cache(tmp_path: Path) -> None:
    content = noise(3 * BLOCK + 7 * SECTOR)
    (tmp_path / "drive").write_bytes(content)
    with loop_device(tmp_path / "drive", "--read-only") as device, open_source(device) as source:
        assert source.direct
        assert (source.size, source.sector_size) == (len(content), SECTOR)
        found = acquire(source, RawSink(tmp_path / "E-001.raw", source.size))
        assert source.direct, "the direct descriptor was given up on the way"
    assert found.hashes["sha256"] == hashlib.sha256(content).hexdigest()
    assert (tmp_path / "E-001.raw").read_bytes() == content
