"""A changed image never passes: not by one bit, wherever it is."""

import hashlib
import random
import re
import subprocess
import threading
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from forensics.errors import Cancelled, DriveCustodyError, NotIntact
from forensics.evidence.ewf_libewf import LibewfReader
from forensics.evidence.ewf_read import DamagedChunk
from forensics.evidence.ewf_writer import Compression, EwfSink
from forensics.evidence.image import open_image
from forensics.evidence.verify import segment_digests, verify
from forensics.model import BadRange

IMAGES = Path(__file__).parents[1] / "images"
CHUNK = 32768
CONTENT = hashlib.shake_128(b"drive").digest(8 * CHUNK) + b"text " * 20000 + bytes(4 * CHUNK - 100000 % 512)
CONTENT = CONTENT[: len(CONTENT) // 512 * 512]


def e01(folder: Path, compression: Compression = Compression.FAST) -> Path:
    sink = EwfSink(folder / "E-001.E01", len(CONTENT), compression=compression)
    sink.write(memoryview(CONTENT))
    hashes = {name: hashlib.new(name, CONTENT).hexdigest() for name in ("md5", "sha1")}
    sink.finish(hashes, [BadRange(512, 512)])
    return folder / "E-001.E01"


def digests(path: Path, *algorithms: str) -> dict[str, str]:
    with open_image([path]) as image:
        return verify(image, algorithms or ("sha256",), lambda _done, _size: None, lambda: None)


@pytest.mark.parametrize("compression", list(Compression))
def test_an_image_gives_the_digests_of_its_source(tmp_path: Path, compression: Compression) -> None:
    path = e01(tmp_path, compression)
    found = digests(path, "md5", "sha1", "sha256", "blake3")
    assert found["md5"] == hashlib.md5(CONTENT).hexdigest()
    assert found["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    (tmp_path / "raw").write_bytes(CONTENT)
    assert digests(tmp_path / "raw", "md5", "sha1", "sha256", "blake3") == found


def test_an_image_of_another_tool_is_verified() -> None:
    assert digests(IMAGES / "ext2.E01", "md5") == {"md5": "196066add11fb71c4c49cf1bb50d6d24"}


def test_no_flipped_bit_in_an_e01_passes(tmp_path: Path) -> None:
    """120 places: all over the file, and most of them in the headers and tables, where libewf looks away.

    The few bits between the end of a zlib stream's last block and its checksum mean nothing: there the content must
    be right, and the digest of the file shows the change.
    """
    path = e01(tmp_path)
    whole = path.read_bytes()
    right, whole_file, caught = digests(path), segment_digests([path]), 0
    chance = random.Random(20)
    places = [chance.randrange(len(whole)) for _ in range(40)]
    places += [chance.choice([chance.randrange(3000), len(whole) - 1 - chance.randrange(3000)]) for _ in range(80)]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            assert digests(path) == right
        except DriveCustodyError:
            caught += 1
        assert segment_digests([path]) != whole_file
    assert caught >= len(places) - 2


@pytest.mark.parametrize("inside", [20, 76 + 4, 76 + 30], ids=["descriptor", "start", "further on"])
@pytest.mark.parametrize(
    "section", [b"header2", b"header\0", b"volume", b"table\0", b"table2", b"data\0", b"error2", b"digest", b"hash"]
)
def test_every_section_of_an_e01_is_checked_also_those_that_libewf_passes_over(
    tmp_path: Path, section: bytes, inside: int
) -> None:
    path = e01(tmp_path)
    whole = bytearray(path.read_bytes())
    # The last of its kind: of the two header2 sections the copy.
    whole[whole.rindex(section + bytes(8)) + inside] ^= 4
    path.write_bytes(whole)
    with pytest.raises(NotIntact):
        digests(path)


@pytest.mark.parametrize(
    ("chunk", "compression"), [(0, Compression.NONE), (5, Compression.NONE), (9, Compression.FAST)]
)
def test_a_damaged_chunk_is_named_by_its_bytes_on_the_drive(
    tmp_path: Path, chunk: int, compression: Compression
) -> None:
    """libewf gives zeros for it and reports nothing, which is why the checksums are recomputed here."""
    path = e01(tmp_path, compression)
    whole = bytearray(path.read_bytes())
    if compression is Compression.NONE:
        place = whole.index(CONTENT[chunk * CHUNK + 100 : chunk * CHUNK + 140])
    else:
        # Chunk 7 is noise and stored with 4 bytes of checksum; the zlib stream of chunk 8 follows it.
        place = whole.index(CONTENT[7 * CHUNK : 7 * CHUNK + 40]) + CHUNK + 4 + 300
    whole[place] ^= 0xFF
    path.write_bytes(whole)
    with open_image([path]) as image:
        with closing(LibewfReader([path])) as judge:
            zeros = judge.read_at(chunk * CHUNK, CHUNK)
            assert zeros == bytes(CHUNK), "libewf has begun to report damage: say so"
        with pytest.raises(DamagedChunk):
            image.read_at(chunk * CHUNK + 10, 1)
        with pytest.raises(NotIntact, match=r"bytes \d+ to \d+ of the drive") as caught:
            verify(image, ("sha256",), lambda _done, _size: None, lambda: None)
    assert f"bytes {chunk * CHUNK} to {(chunk + 1) * CHUNK - 1} " in caught.value.message


def test_a_cut_off_image_does_not_pass(tmp_path: Path) -> None:
    path = e01(tmp_path)
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) - 300, len(whole) // 2, 100, 5):
        path.write_bytes(whole[:length])
        with pytest.raises(DriveCustodyError):
            digests(path)


def test_segment_digests_are_those_of_sha256sum(tmp_path: Path) -> None:
    path = e01(tmp_path)
    line = subprocess.run(["sha256sum", path], capture_output=True, check=True, text=True).stdout
    assert segment_digests([path]) == {"E-001.E01": line.split()[0]}


def test_verification_can_be_stopped_and_leaves_no_thread(tmp_path: Path) -> None:
    path = e01(tmp_path)
    threads = threading.active_count()

    def check() -> None:
        raise Cancelled

    with open_image([path]) as image, pytest.raises(Cancelled):
        verify(image, ("md5", "sha256"), lambda _done, _size: None, check)
    assert threading.active_count() == threads


def test_progress_ends_at_the_size_of_the_drive(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with open_image([e01(tmp_path)]) as image:
        verify(image, ("md5",), lambda done, size: seen.append((done, size)), lambda: None)
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_libewf_must_read_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that gives one other byte in the last block is not believed, and where it was is said."""
    path = e01(tmp_path)
    read = LibewfReader.read_at

    def other(self: LibewfReader, offset: int, length: int) -> bytes:
        block = bytearray(read(self, offset, length))
        if offset + length >= len(CONTENT):
            block[-1] ^= 1
        return bytes(block)

    with open_image([path]) as image:
        right = verify(image, ("md5",), lambda _done, _size: None, lambda: None, by_libewf=True)
        assert right == {"md5": hashlib.md5(CONTENT).hexdigest()}
        monkeypatch.setattr(LibewfReader, "read_at", other)
        with pytest.raises(NotIntact, match="libewf reads other bytes"):
            verify(image, ("md5",), lambda _done, _size: None, lambda: None, by_libewf=True)


def test_a_damaged_chunk_of_zeros_is_found_although_zeros_are_what_libewf_gives_for_it(tmp_path: Path) -> None:
    path = tmp_path / "E-001.E01"
    sink = EwfSink(path, 8 * CHUNK)
    sink.write(memoryview(bytes(8 * CHUNK)))
    sink.finish({"md5": hashlib.md5(bytes(8 * CHUNK)).hexdigest()}, ())
    whole = bytearray(path.read_bytes())
    packed = zlib.compress(bytes(CHUNK), 9)
    places = [found.start() for found in re.finditer(re.escape(packed), whole)]
    assert len(places) == 8
    whole[places[5] + len(packed) - 1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(NotIntact, match=r"sectors 320 to 383\)"):
        digests(path)


def test_a_damaged_chunk_is_named_by_the_sectors_that_ewfverify_names(tmp_path: Path) -> None:
    path = e01(tmp_path, Compression.NONE)
    whole = bytearray(path.read_bytes())
    whole[whole.index(CONTENT[3 * CHUNK + 9 : 3 * CHUNK + 40])] ^= 1
    path.write_bytes(whole)
    with pytest.raises(NotIntact, match=r"sectors 192 to 255\)"):
        digests(path)
    judged = subprocess.run(["ewfverify", path], capture_output=True, text=True, check=False)
    assert judged.returncode != 0
    assert "192 - 255" in judged.stdout
