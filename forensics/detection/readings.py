"""The texts that a stretch of bytes may be: bytes as they are, UTF-16 of either byte order and phase, code page 037."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forensics.detection.stretches import U64, Bytes


def _table(*ranges: tuple[int, int]) -> NDArray[np.bool_]:
    table = np.zeros(256, bool)
    for low, high in ranges:
        table[low : high + 1] = True
    return table


# Letters, digits, blank, line ends, comma, hyphen and slash in code page 037.
_EBCDIC = _table(
    (0xC1, 0xC9), (0xD1, 0xD9), (0xE2, 0xE9), (0xF0, 0xF9), (0x81, 0x89), (0x91, 0x99), (0xA2, 0xA9), (0x40, 0x40),
    (0x15, 0x15), (0x25, 0x25), (0x0D, 0x0D), (0x6B, 0x6B), (0x60, 0x61),
)  # fmt: skip
_FROM_EBCDIC = np.frombuffer(
    bytes(bytes([byte]).decode("cp037").encode("latin-1", "replace")[0] for byte in range(256)), np.uint8
)
_EBCDIC_CELL, _EBCDIC_LEAST = 64, 58
"""A block is read in code page 037 if in any so many bytes in a row at least so many are of that text."""


def readings(block: Bytes) -> list[tuple[Bytes, int, int]]:
    """The block as the texts it may be: bytes of text, offset of the first, bytes a character."""
    if not block.any():
        return []
    found = [(block, 0, 1)]
    if not block.all():
        found += _utf_16(block)
    if _has_ebcdic(block):
        found.append((_FROM_EBCDIC[block], 0, 1))
    return found


_DIGIT_OR_LETTER = _table((48, 57), (65, 90), (97, 122), (0xC0, 0xFF))
_HYPHEN = 0x2D
_NO_TEXT = np.full(1, 0xFF, np.uint8)


def _utf_16(block: Bytes) -> list[tuple[Bytes, int, int]]:
    """The low bytes at even and at odd offsets, where they stand in characters up to U+00FF; dashes become hyphens."""
    zero = block == 0
    # Every value has three characters in a row; elsewhere three zeros with other bytes between are rare.
    every_other = zero[:-4] & zero[2:-2] & zero[4:]
    if not every_other.any() or not (every_other & ~zero[1:-3] & ~zero[3:-1]).any():
        return []
    found = []
    for phase in (0, 1):
        low = block[phase::2]
        behind = block[phase + 1 :: 2]
        before = block[1 - phase :: 2] if phase else np.concatenate((_NO_TEXT, block[1::2]))
        little = _characters(low, behind if len(behind) == len(low) else np.append(behind, _NO_TEXT))
        big = _characters(low, before[: len(low)])
        if _eight_in_a_row(little):
            found.append((little, phase, 2))
        # Inside a run both orders see the same; only where the run ends, or a dash stands in it, the right one matters.
        if _DIGIT_OR_LETTER[low[(big != 0) & (little == 0)]].any() and _eight_in_a_row(big):
            found.append((big, phase, 2))
    return found


def _characters(low: Bytes, high: Bytes) -> Bytes:
    text: Bytes = np.where((high == 0) & (low >= 9), low, np.uint8(0))
    # U+2010 to U+2014; beyond Latin-1 the only characters that stand inside a value.
    text[(high == 0x20) & ((low - np.uint8(0x10)) <= 4)] = _HYPHEN
    return text


def _eight_in_a_row(text: Bytes) -> bool:
    there = text != 0
    longer = there[:-1] & there[1:]
    longer = longer[:-2] & longer[2:]
    longer = longer[:-4] & longer[4:]
    return bool(longer.any())


def _has_ebcdic(block: Bytes) -> bool:
    whole = len(block) - len(block) % _EBCDIC_CELL
    if not whole:
        return bool(_EBCDIC[block].mean() > _EBCDIC_LEAST / _EBCDIC_CELL)
    # All but the line ends are 0x40 or more, which is quicker told than looked up; most cells of other data fall here.
    cells = block[:whole]
    may_be = (cells >= 0x40) | (cells == 0x15) | (cells == 0x25) | (cells == 0x0D)
    some = np.flatnonzero(_counts(may_be) >= _EBCDIC_LEAST)
    fits = _EBCDIC[cells.reshape(-1, _EBCDIC_CELL)[some].ravel()]
    return bool((_counts(fits) >= _EBCDIC_LEAST).any())


def _counts(fits: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """How many are true, cell by cell: one bit a byte, so that the bits of a word of 64 are the bytes of a cell."""
    return np.bitwise_count(np.packbits(fits).view(U64))
