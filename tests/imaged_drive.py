"""One acquisition of a drive with faults, and everything that must be right of its image."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from faulty_drive import MIB, FaultyDrive, loop_device, without

from forensics.evidence import rescue
from forensics.evidence.ewf_resume import kept_ewf
from forensics.evidence.ewf_writer import EwfSink, EwfStamp
from forensics.evidence.image import open_image
from forensics.evidence.imager import Imaging, image
from forensics.evidence.map_file import write_map
from forensics.evidence.raw import RawSink
from forensics.evidence.sink import Sink
from forensics.evidence.source import open_source
from forensics.model import BadRange

ALGORITHMS = ("md5", "sha1", "sha256")
FORMATS = ("raw", "e01")
STAMP = EwfStamp(bytes(range(16)), 1_700_000_000)


def open_sink(folder: Path, format: str, size: int) -> Sink:
    """A new image in `folder`, or the one that was left unfinished there."""
    if format == "raw":
        return RawSink(folder / "E-001.raw", size, resume=True)
    path = folder / "E-001.E01"
    kept = kept_ewf(path)
    if kept is None:
        path.unlink(missing_ok=True)
    return EwfSink(path, size, segment_size=5 * MIB, stamp=STAMP, resume=kept)


def acquire(
    device: Path,
    folder: Path,
    format: str,
    *,
    retries: int = 1,
    check: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Imaging, Sink]:
    """Begins an image or goes on with what is there."""
    folder.mkdir(exist_ok=True)
    with open_source(device) as source:
        sink = open_sink(folder, format, source.size)
        found = image(source, sink, ALGORITHMS, progress=progress, check=check, retries=retries)
        assert source.direct, "the direct descriptor was given up on the way"
    return found, sink


def require_right(drive: FaultyDrive, found: Imaging, sink: Sink, bad: Sequence[BadRange]) -> None:
    """Every readable byte is that of the drive, exactly the planted sectors are bad, and the judges agree."""
    expected = without(drive.content, bad)
    assert found.bad == tuple(bad)
    assert found.hashes == {name: hashlib.new(name, expected).hexdigest() for name in ALGORITHMS}
    with open_image(sink.segments) as opened:
        assert opened.size == len(expected)
        for offset in range(0, len(expected), MIB):
            assert opened.read_at(offset, MIB) == expected[offset : offset + MIB], f"within the MiB at {offset}"
    require_map(sink.folder / "acquisition.map", found, expected)
    rescue.forget_rescue(sink.folder)
    left = {path.name for path in sink.folder.iterdir()} - {path.name for path in sink.segments}
    assert left == {"acquisition.map"}, "more than the image is there"
    if sink.format == "e01":
        require_judge(sink.segments[0], found, bad)


def require_map(path: Path, found: Imaging, expected: bytes) -> None:
    """The map as another program reads it: by the grammar of the ddrescue manual, none of our code."""
    path.unlink(missing_ok=True)
    write_map(path, len(expected), found.bad)
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    blocks = [re.fullmatch(r"(0x[0-9A-F]+)  (0x[0-9A-F]+)  ([+-])", line) for line in lines[1:]]
    position = 0
    bad = []
    for block in blocks:
        assert block is not None
        offset, length = int(block[1], 16), int(block[2], 16)
        assert offset == position
        position += length
        if block[3] == "-":
            bad.append(BadRange(offset, length))
    assert position == len(expected)
    assert tuple(bad) == found.bad


def require_judge(path: Path, found: Imaging, bad: Sequence[BadRange]) -> None:
    """ewfverify finds the image whole, and ewfinfo lists the same errors."""
    judged = subprocess.run(["ewfverify", "-q", "-d", "sha256", path], capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout
    assert "SUCCESS" in judged.stdout
    assert found.hashes["md5"] in judged.stdout
    assert found.hashes["sha256"] in judged.stdout
    shown = subprocess.run(["ewfinfo", path], capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"at sector\(s\): (\d+) - (\d+) number: (\d+)", shown)
    assert [(int(first), int(count)) for first, _, count in listed] == [
        (item.offset // 512, item.length // 512) for item in bad
    ]


def require_nothing_called_bad_that_is_not(folder: Path, bad: Sequence[BadRange]) -> None:
    """What an interrupted acquisition left says of no good sector that it is bad."""
    path = folder / rescue.RESCUE_MAP
    if not path.exists():
        return
    planted = {sector for item in bad for sector in range(item.offset, item.offset + item.length, 512)}
    for line in path.read_text().splitlines():
        if line.startswith("0x") and line.endswith("-"):
            offset, length = (int(word, 16) for word in line.split()[:2])
            assert set(range(offset, offset + length, 512)) <= planted, line


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """An ext4 of this size in a file, mounted: it runs full as a real one does."""
    folder.mkdir()
    image = folder.with_suffix(".ext4")
    image.write_bytes(b"")
    with image.open("r+b") as stream:
        stream.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-b", "1024", "-m", "0", "-O", "^has_journal", image], check=True)
    with loop_device(image) as device:
        subprocess.run(["mount", device, folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def take_room(disk: Path, but: int) -> None:
    """Somebody else fills the disk, all but so many bytes."""
    descriptor = os.open(disk / "other", os.O_CREAT | os.O_WRONLY)
    os.sync()  # ext4 counts what waits to be written larger than it will be
    for size in (MIB, 1024):
        with suppress(OSError):
            while True:
                os.write(descriptor, b"x" * size)
                os.fsync(descriptor)
    os.ftruncate(descriptor, os.fstat(descriptor).st_size - but)
    os.close(descriptor)


both_formats = pytest.mark.parametrize("format", FORMATS)
