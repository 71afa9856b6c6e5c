"""Where an E01 is damaged its reader says so, and gives every byte beside the damage."""

from __future__ import annotations

import hashlib
import random
import time
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from forensics.errors import DriveCustodyError, NotIntact
from forensics.evidence import ewf_format as ewf
from forensics.evidence.ewf_layout import Declined
from forensics.evidence.ewf_read import DamagedChunk, EwfReader
from forensics.evidence.ewf_writer import Compression, EwfSink
from forensics.evidence.image import open_image

CHUNK = 32768
CONTENT = hashlib.shake_128(b"drive").digest(8 * CHUNK) + b"a row of text\n" * 20000 + bytes(6 * CHUNK)
CONTENT = CONTENT[: len(CONTENT) // 512 * 512]


def e01(folder: Path, compression: Compression = Compression.FAST, segment_size: int = 150_000) -> list[Path]:
    sink = EwfSink(folder / "E-001.E01", len(CONTENT), compression=compression, segment_size=segment_size)
    sink.write(memoryview(CONTENT))
    sink.finish({"md5": hashlib.md5(CONTENT).hexdigest()}, ())
    return list(sink.segments)


def change(path: Path, offset: int, mask: int = 0xFF) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= mask
    path.write_bytes(data)


def place(path: Path, what: bytes) -> int:
    return path.read_bytes().index(what)


@pytest.mark.parametrize("length", [1, 4096, 3 * CHUNK])
def test_a_damaged_chunk_is_reported_and_its_neighbours_are_read(tmp_path: Path, length: int) -> None:
    segments = e01(tmp_path, Compression.NONE)
    change(segments[0], place(segments[0], CONTENT[2 * CHUNK + 100 : 2 * CHUNK + 140]))
    with closing(EwfReader(segments)) as found:
        for _ in range(2):
            with pytest.raises(DamagedChunk) as caught:
                found.read_at(2 * CHUNK + 10, length)
            assert (caught.value.offset, caught.value.length) == (2 * CHUNK, CHUNK)
        assert found.read_at(0, 2 * CHUNK) == CONTENT[: 2 * CHUNK]
        assert found.read_at(3 * CHUNK, len(CONTENT) - 3 * CHUNK) == CONTENT[3 * CHUNK :]


def test_zeros_stand_for_damaged_chunks_only_where_they_are_asked_for_and_counted(tmp_path: Path) -> None:
    segments = e01(tmp_path, Compression.NONE, 10_000_000)
    for chunk in (0, 3, 4):
        change(segments[0], place(segments[0], CONTENT[chunk * CHUNK + 100 : chunk * CHUNK + 140]))
    expected = bytearray(CONTENT)
    expected[:CHUNK] = bytes(CHUNK)
    expected[3 * CHUNK : 5 * CHUNK] = bytes(2 * CHUNK)
    with open_image(segments) as image:
        assert image.read_around(0, image.size + 9) == (bytes(expected), 3 * CHUNK)
        assert image.read_around(3 * CHUNK + 7, 10) == (bytes(10), 10)
        assert image.read_around(CHUNK - 5, 15) == (bytes(5) + CONTENT[CHUNK : CHUNK + 10], 5)
        assert image.read_around(CHUNK, 15) == (CONTENT[CHUNK : CHUNK + 15], 0)


def test_a_damaged_chunk_of_zeros_is_no_zeros(tmp_path: Path) -> None:
    segments = e01(tmp_path, segment_size=10_000_000)
    whole = segments[0].read_bytes()
    table = whole.rindex(b"table2" + bytes(10)) + ewf.DESCRIPTOR_SIZE
    count, base = ewf.TABLE_HEADER.unpack_from(whole, table)
    at = table + ewf.TABLE_HEADER.size + 4 + 4 * (count - 2)
    change(segments[0], base + (int.from_bytes(whole[at : at + 4], "little") & 0x7FFFFFFF) + 20)
    with closing(EwfReader(segments)) as found:
        found.read_at((count - 3) * CHUNK, 10)
        with pytest.raises(DamagedChunk):
            found.read_at((count - 2) * CHUNK, 10)


@pytest.mark.parametrize("inside", [2, 8, 30], ids=["count", "base", "entries"])
@pytest.mark.parametrize("kinds", [(b"table\0",), (b"table2",), (b"table\0", b"table2")], ids=["1", "2", "both"])
def test_a_damaged_table_is_read_from_its_copy(tmp_path: Path, kinds: tuple[bytes, ...], inside: int) -> None:
    """Without either, the chunks that they tell of are unreadable, and no others."""
    segments = e01(tmp_path, Compression.NONE)
    assert len(segments) > 2
    for kind in kinds:
        change(segments[1], place(segments[1], kind + bytes(10)) + ewf.DESCRIPTOR_SIZE + inside)
    with closing(EwfReader(segments)) as found:
        if len(kinds) == 1:
            assert found.read_at(0, found.size) == CONTENT
            return
        lost = [table for table in found._tables if table.segment == 1]
        first, end = lost[0].first, lost[-1].first + lost[-1].count
        assert 0 < first < end < len(CONTENT) // CHUNK
        for chunk in range(first, end):
            with pytest.raises(DamagedChunk):
                found.read_at(chunk * CHUNK, 10)
        assert found.read_at(0, first * CHUNK) == CONTENT[: first * CHUNK]
        assert found.read_at(end * CHUNK, found.size - end * CHUNK) == CONTENT[end * CHUNK :]


def test_tables_damaged_beyond_their_copies_are_named(tmp_path: Path) -> None:
    segments = e01(tmp_path, Compression.NONE)
    for segment in segments[:2]:
        for kind in (b"table\0", b"table2"):
            change(segment, place(segment, kind + bytes(10)) + ewf.DESCRIPTOR_SIZE + 2)
    with pytest.raises(NotIntact, match=r"E-001\.E0[12] is damaged"):
        EwfReader(segments)


def test_a_damaged_statement_of_the_sizes_is_not_believed(tmp_path: Path) -> None:
    segments = e01(tmp_path, Compression.NONE)
    change(segments[0], place(segments[0], b"volume" + bytes(10)) + ewf.DESCRIPTOR_SIZE + 16, 1)
    with closing(EwfReader(segments)) as found:
        assert found.size == len(CONTENT), "the later segments say it again"
    (tmp_path / "one").mkdir()
    alone = e01(tmp_path / "one", Compression.NONE, 10_000_000)
    for kind in (b"volume", b"data\0\0"):
        if kind + bytes(10) in alone[0].read_bytes():
            change(alone[0], place(alone[0], kind + bytes(10)) + ewf.DESCRIPTOR_SIZE + 16, 1)
    with pytest.raises(NotIntact, match="how large"):
        EwfReader(alone)


def test_a_count_that_its_table_has_no_room_for_is_not_believed(tmp_path: Path) -> None:
    segments = e01(tmp_path, Compression.NONE)
    data = bytearray(segments[1].read_bytes())
    for kind in (b"table\0", b"table2"):
        at = data.index(kind + bytes(10)) + ewf.DESCRIPTOR_SIZE
        data[at : at + 4] = (1 << 28).to_bytes(4, "little")
        data[at + 20 : at + 24] = ewf.checksum(bytes(data[at : at + 20]))
    segments[1].write_bytes(data)
    with closing(EwfReader(segments)) as found:
        assert sum(table.count for table in found._tables) == -(-len(CONTENT) // CHUNK)


def test_a_whole_stream_of_too_few_bytes_is_damage(tmp_path: Path) -> None:
    """A chunk of another place, packed rightly, would move everything behind it."""
    segments = e01(tmp_path, Compression.FAST, 10_000_000)
    data = bytearray(segments[0].read_bytes())
    packed = zlib.compress(b"short", 0)
    table = data.rindex(b"table2" + bytes(10)) + ewf.DESCRIPTOR_SIZE
    count, base = ewf.TABLE_HEADER.unpack_from(data, table)
    at = table + ewf.TABLE_HEADER.size + 4 + 4 * 10
    start = base + (int.from_bytes(data[at : at + 4], "little") & 0x7FFFFFFF)
    assert count > 11
    data[start : start + len(packed)] = packed
    segments[0].write_bytes(data)
    with closing(EwfReader(segments)) as found, pytest.raises(DamagedChunk):
        found.read_at(10 * CHUNK, 2 * CHUNK)


def test_a_file_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    segments = e01(tmp_path, Compression.NONE)
    with closing(EwfReader(segments)) as found:
        found.read_at(0, 1)
        segments[1].write_bytes(segments[1].read_bytes()[:1000])
        with pytest.raises(OSError, match=r"shorter|checksum"):
            found.read_at(0, found.size)


def _resealed(data: bytearray, chance: random.Random) -> None:
    """A lie with a right checksum: another count, base, entry, size or section length, as an attacker writes them."""
    kinds = [kind for kind in (b"volume", b"table\0", b"table2", b"sectors") if kind + bytes(10) in data]
    if not kinds:
        return
    kind = chance.choice(kinds)
    at = data.index(kind + bytes(10))
    body = at + ewf.DESCRIPTOR_SIZE
    if kind == b"volume":
        start, length = body, ewf.VOLUME.size
    elif kind == b"sectors" or chance.random() < 0.3:
        start, length = at, ewf.DESCRIPTOR_SIZE - 4
    elif chance.random() < 0.5:
        start, length = body, ewf.TABLE_HEADER.size
    else:
        count = int.from_bytes(data[body : body + 4], "little")
        start, length = body + ewf.TABLE_HEADER.size + 4, min(4 * count, 400)
    lie = chance.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, chance.getrandbits(32), chance.getrandbits(12)))
    where = start + 4 * chance.randrange(max(1, (min(length, 40) if kind == b"volume" else length) // 4))
    data[where : where + 4] = lie.to_bytes(4, "little")
    data[start + length : start + length + 4] = ewf.checksum(bytes(data[start : start + length]))


def _try(segments: list[Path], chance: random.Random) -> None:
    """Opens and reads: right bytes, or an error that is named; nothing else and not for long."""
    began = time.monotonic()
    try:
        found = EwfReader(segments)
    except (DriveCustodyError, Declined):
        return
    with closing(found):
        for offset in [*range(0, min(found.size, len(CONTENT)), CHUNK), chance.randrange(found.size)]:
            try:
                data = found.read_at(offset, min(100, found.size - offset))
            except OSError:
                continue
            assert len(data) == min(100, found.size - offset)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("seed", range(4))
def test_no_lie_in_an_e01_hangs_or_kills_its_reader(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    segments = e01(tmp_path)
    whole = [segment.read_bytes() for segment in segments]
    for _ in range(120):
        number = chance.randrange(len(segments))
        data = bytearray(whole[number])
        for _ in range(chance.randrange(1, 4)):
            _resealed(data, chance)
        segments[number].write_bytes(data)
        _try(segments, chance)
        segments[number].write_bytes(whole[number])


@pytest.mark.parametrize("seed", range(4))
def test_no_flipped_byte_gives_other_bytes_of_the_drive(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    segments = e01(tmp_path)
    whole = [segment.read_bytes() for segment in segments]
    reported = 0
    for _ in range(150):
        number = chance.randrange(len(segments))
        data = bytearray(whole[number])
        data[chance.randrange(13, len(data))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.1:
            del data[chance.randrange(len(data)) :]
        segments[number].write_bytes(data)
        try:
            found = EwfReader(segments)
        except DriveCustodyError:
            reported += 1
        else:
            with closing(found):
                assert found.size == len(CONTENT)
                for offset in range(0, found.size, CHUNK):
                    try:
                        assert found.read_at(offset, min(CHUNK, found.size - offset)) == CONTENT[offset:][:CHUNK]
                    except DamagedChunk:
                        reported += 1
        segments[number].write_bytes(whole[number])
    assert reported > 50
