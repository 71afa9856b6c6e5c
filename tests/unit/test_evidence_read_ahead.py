"""Reading ahead changes no byte and no failure, only how often the image is asked."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from forensics.evidence import read_ahead
from forensics.evidence.read_ahead import AHEAD, NEAR, ReadAhead

CONTENT = hashlib.shake_128(b"drive").digest(3 * AHEAD)


class Damaged:
    """A drive some places of which cannot be read; it counts."""

    def __init__(self, *damaged: int) -> None:
        self.size = len(CONTENT)
        self.asked: list[tuple[int, int]] = []
        self._damaged = damaged

    def read_at(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        if any(offset <= place < offset + length for place in self._damaged):
            raise OSError("damaged")
        return CONTENT[offset : offset + length]


def _read(reader: Damaged | ReadAhead, offset: int, length: int) -> bytes | None:
    try:
        return reader.read_at(offset, length)
    except OSError:
        return None


@st.composite
def _reads(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Mostly forward, with jumps, up to and beyond the end."""
    reads, at = [], draw(st.integers(0, len(CONTENT)))
    for _ in range(draw(st.integers(1, 40))):
        length = draw(st.integers(0, 5000) | st.integers(0, 2 * AHEAD))
        reads.append((at, length))
        at = draw(
            st.integers(at, at + NEAR + 10) | st.integers(at + length, at + length + 9000) | st.integers(0, 4 * AHEAD)
        )
    return reads


@given(_reads(), st.lists(st.integers(0, len(CONTENT) - 1), max_size=4))
def test_every_read_gives_what_the_drive_itself_gives(reads: list[tuple[int, int]], damaged: list[int]) -> None:
    drive = Damaged(*damaged)
    ahead = ReadAhead(Damaged(*damaged))
    for read in reads:
        assert _read(ahead, *read) == _read(drive, *read)


def test_neighbours_are_read_together_and_what_lies_apart_is_not() -> None:
    drive = Damaged()
    ahead = ReadAhead(drive)
    for at in range(0, AHEAD, 4096):
        assert ahead.read_at(at, 1000) == CONTENT[at : at + 1000]
    assert len(drive.asked) <= 3
    drive.asked.clear()
    ahead = ReadAhead(drive)
    for at in (0, AHEAD + 2 * NEAR, 5 * NEAR, 2 * AHEAD):
        ahead.read_at(at, 1000)
    assert [length for _, length in drive.asked] == [1000] * 4


def test_whoever_goes_back_in_between_does_not_lose_what_was_read_ahead() -> None:
    drive = Damaged()
    ahead = ReadAhead(drive)
    ahead.read_at(AHEAD, 1000)
    for at in range(AHEAD + 4096, 2 * AHEAD, 4096):
        ahead.read_at(at, 1000)
        ahead.read_at(2 * AHEAD - at, 30)
    assert [length for _, length in drive.asked if length != 30] == [1000, AHEAD]


def test_behind_a_damaged_place_nothing_is_tried_twice() -> None:
    drive = Damaged(AHEAD // 2)
    ahead = ReadAhead(drive)
    for at in range(0, AHEAD, 4096):
        assert (_read(ahead, at, 4096) is None) == (at == AHEAD // 2)
    assert sum(length == read_ahead.AHEAD for _, length in drive.asked) == 1
