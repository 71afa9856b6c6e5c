"""Digests of pieces: the same whatever blocks the bytes come in, and they name the part that differs."""

from __future__ import annotations

from pathlib import Path

import blake3
import pytest

from forensics.errors import NotIntact
from forensics.evidence.pieces import PIECE, PieceDigests, differing_pieces, read_pieces, save_pieces
from forensics.evidence.zero_map import ZeroMeter
from forensics.model import Extent

SIZE = 3 * PIECE + 777
CONTENT = (bytes(range(251)) * (SIZE // 251 + 1))[:SIZE]


def digests(content: bytes, step: int) -> list[str]:
    pieces = PieceDigests()
    for start in range(0, len(content), step):
        pieces.update(content[start : start + step])
    return pieces.conclude()


@pytest.mark.parametrize("step", [PIECE, 1 << 20, 99_991, 9 * PIECE])
def test_pieces_are_those_of_blake3_however_the_bytes_come(step: int) -> None:
    expected = [blake3.blake3(CONTENT[at : at + PIECE]).hexdigest() for at in range(0, SIZE, PIECE)]
    assert digests(CONTENT, step) == expected


def test_a_source_of_whole_pieces_has_no_empty_last_one() -> None:
    assert len(digests(CONTENT[: 2 * PIECE], 1 << 20)) == 2


def test_parts_that_differ_are_named_and_neighbours_are_one_part() -> None:
    right = ["a", "b", "c", "d"]
    assert list(differing_pieces(right, ["a", "x", "y", "d"], SIZE)) == [Extent(PIECE, 2 * PIECE)]
    assert list(differing_pieces(right, ["a", "b", "c", "x"], SIZE)) == [Extent(3 * PIECE, 777)]
    assert list(differing_pieces(right, ["a", "b"], SIZE)) == [Extent(2 * PIECE, PIECE + 777)]
    assert list(differing_pieces(right, right, SIZE)) == []


def test_what_was_saved_is_read_again_and_anything_else_is_not_intact(tmp_path: Path) -> None:
    save_pieces(tmp_path / "pieces", ["aa", "bb"])
    assert read_pieces(tmp_path / "pieces") == ["aa", "bb"]
    (tmp_path / "other").write_text("aa\nbb\n")
    with pytest.raises(NotIntact):
        read_pieces(tmp_path / "other")


@pytest.mark.parametrize("step", [32768, 1000, 5 << 20])
def test_zeros_are_measured_however_the_bytes_come(step: int) -> None:
    content = b"x" * 40_000 + bytes(100_000) + b"y" * 10 + bytes(60_000)
    meter = ZeroMeter(len(content))
    for start in range(0, len(content), step):
        meter.update(content[start : start + step])
    expected = [
        at for at in range(0, len(content), 32768) if not any(content[at : at + 32768])
    ]  # fmt: skip
    assert [at for at in range(0, len(content), 32768) if meter.zeros.is_zero(at)] == expected
