"""Every E01 that somebody's program writes reads the same by our reader, by libewf, and as its source.

The sets are made by ewfacquire (`ewfacquire -f FORMAT -c LEVEL -b SECTORS -S 1048576`) and by our own imager.
"""

from __future__ import annotations

import hashlib
import pickle
import random
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from forensics.evidence.ewf_libewf import LibewfReader
from forensics.evidence.ewf_read import EwfReader
from forensics.evidence.ewf_writer import Compression, EwfSink
from forensics.evidence.image import open_image

IMAGES = Path(__file__).parents[1] / "images"
FORMATS = ("ewf", "smart", "ftk", "encase1", "encase2", "encase5", "encase6", "encase7", "linen5", "linen7")
ODD = 3 * 512
"""So much is missing of the last chunk."""


def content() -> bytes:
    chance = random.Random(7)
    rows = "".join(
        f"{chance.randrange(10**9):09d},Smith{chance.randrange(9999)},Anna,1960-04-11\n" for _ in range(24000)
    ).encode()
    whole = hashlib.shake_128(b"drive").digest(1_200_000) + rows + bytes(600_000) + rows[:300_000]
    return whole[: len(whole) // 32768 * 32768 - ODD]


CONTENT = content()


def made(folder: Path, format: str, compression: str = "fast", sectors: int = 64) -> list[Path]:
    raw = folder / "drive.dd"
    raw.write_bytes(CONTENT)
    command = ["ewfacquire", "-u", "-q", "-f", format, "-c", compression, "-b", str(sectors), "-S", "1048576"]
    subprocess.run([*command, "-d", "sha1", "-t", folder / "E-001", raw], check=True, capture_output=True)
    return sorted(path for path in folder.iterdir() if path.stem == "E-001")


def ours(folder: Path, compression: Compression) -> list[Path]:
    sink = EwfSink(folder / "E-001.E01", len(CONTENT), compression=compression, segment_size=1 << 20)
    sink.write(memoryview(CONTENT))
    sink.finish({"md5": hashlib.md5(CONTENT).hexdigest()}, ())
    return list(sink.segments)


Reader = EwfReader | LibewfReader
READERS: tuple[Callable[[list[Path]], Reader], ...] = (EwfReader, LibewfReader)


@pytest.fixture(params=READERS, ids=["ours", "libewf"])
def reader(request: pytest.FixtureRequest) -> Callable[[list[Path]], Reader]:
    return request.param  # type: ignore[no-any-return]


def require_right(found: Reader, expected: bytes, seed: int = 1) -> None:
    assert (found.size, found.sector_size) == (len(expected), 512)
    assert found.read_at(0, found.size) == expected
    chance = random.Random(seed)
    for _ in range(300):
        offset = chance.randrange(len(expected))
        length = min(chance.choice((1, 100, 4096, 65536, 300_000)), len(expected) - offset)
        assert found.read_at(offset, length) == expected[offset : offset + length], (offset, length)
    for offset in range(0, len(expected), 65536):
        assert found.read_at(offset, min(65536, len(expected) - offset)) == expected[offset : offset + 65536]


@pytest.mark.parametrize("compression", ["none", "fast", "best"])
@pytest.mark.parametrize("format", FORMATS)
def test_a_set_of_ewfacquire_reads_as_its_source(
    tmp_path: Path, format: str, compression: str, reader: Callable[[list[Path]], Reader]
) -> None:
    segments = made(tmp_path, format, compression)
    assert len(segments) > 1
    with closing(reader(segments)) as found:
        require_right(found, CONTENT)
        assert found.stored_hashes["md5"] == hashlib.md5(CONTENT).hexdigest()


@pytest.mark.parametrize("format", FORMATS)
def test_both_readers_tell_the_same_stored_digests(tmp_path: Path, format: str) -> None:
    segments = made(tmp_path, format)
    with closing(EwfReader(segments)) as one, closing(LibewfReader(segments)) as other:
        assert one.stored_hashes == other.stored_hashes


@pytest.mark.parametrize("sectors", [16, 128, 2048, 32768])
def test_chunks_of_any_size(tmp_path: Path, sectors: int, reader: Callable[[list[Path]], Reader]) -> None:
    with closing(reader(made(tmp_path, "encase6", sectors=sectors))) as found:
        require_right(found, CONTENT)


@pytest.mark.parametrize("compression", list(Compression))
def test_a_set_of_our_imager_reads_as_its_source(
    tmp_path: Path, compression: Compression, reader: Callable[[list[Path]], Reader]
) -> None:
    with closing(reader(ours(tmp_path, compression))) as found:
        require_right(found, CONTENT)


@pytest.mark.parametrize("name", ["nps-2010-emails.E01", "ext2.E01"])
def test_a_public_image_reads_as_by_libewf(name: str) -> None:
    with closing(EwfReader([IMAGES / name])) as one, closing(LibewfReader([IMAGES / name])) as other:
        require_right(one, other.read_at(0, other.size))
        assert one.stored_hashes == other.stored_hashes


def test_what_our_reader_declines_is_read_by_libewf(tmp_path: Path) -> None:
    segments = made(tmp_path, "ewfx")
    with open_image(segments) as image:
        assert image.by_libewf
        assert image.read_at(0, image.size) == CONTENT
    with open_image([IMAGES / "ext2.E01"]) as image:
        assert not image.by_libewf
        with pickle.loads(pickle.dumps(image)) as again:
            assert again.read_at(0, 4096) == image.read_at(0, 4096)


def test_more_segments_than_files_that_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.evidence.ewf_read.KEPT_FILES", 1)
    monkeypatch.setattr("forensics.evidence.ewf_read.KEPT_TABLES", 1)
    with closing(EwfReader(made(tmp_path, "encase6", "none"))) as found:
        require_right(found, CONTENT)


def test_several_threads_read_at_once(tmp_path: Path) -> None:
    wrong: list[int] = []
    with closing(EwfReader(made(tmp_path, "encase6"), cache=1 << 17)) as found:

        def read(seed: int) -> None:
            try:
                require_right(found, CONTENT, seed)
            except BaseException:
                wrong.append(seed)
                raise

        threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_memory_kept_is_bounded(tmp_path: Path) -> None:
    with closing(EwfReader(made(tmp_path, "encase6"), cache=8 * 32768)) as found:
        for offset in range(0, found.size - 4096, 32768):
            found.read_at(offset, 4096)
        assert len(found._kept) == 8
