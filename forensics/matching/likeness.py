"""How alike two spellings are, for many pairs at once: edits, shared trigrams, sound, and names that stand for another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

LONGEST = 24
"""Letters of a value that are compared; few names, dates and numbers are longer."""

TOO_FAR = 9
"""What `edits` says of values whose lengths alone differ by more than `MOST_EDITS`."""

MOST_EDITS = 2

_CHUNK = 1 << 15
_SIGNATURE_WORDS = 8


def edits(left: Sequence[str], right: Sequence[str]) -> NDArray[np.int8]:
    """The number of letters to insert, delete, replace or exchange with their neighbour, pair by pair.

    Optimal string alignment, which touches no letter twice; exact up to `MOST_EDITS`, above it only known to be more.
    """
    result = np.full(len(left), TOO_FAR, np.int8)
    lengths = np.array([[min(len(a), LONGEST), min(len(b), LONGEST)] for a, b in zip(left, right, strict=True)])
    if not len(lengths):
        return result
    close = np.flatnonzero(np.abs(lengths[:, 0] - lengths[:, 1]) <= MOST_EDITS)
    close = close[np.argsort(lengths[close].max(1), kind="stable")]
    for start in range(0, len(close), _CHUNK):
        at = close[start : start + _CHUNK]
        result[at] = _alignment(_letters(left, at), _letters(right, at), lengths[at])
    return result


def _letters(values: Sequence[str], at: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Letters down, pairs across: the steps of the alignment then run over what lies together."""
    fixed = np.array([values[n] for n in at.tolist()], f"U{LONGEST}")
    return np.ascontiguousarray(fixed.view(np.uint32).reshape(len(at), LONGEST).T)


def _alignment(left: NDArray[np.uint32], right: NDArray[np.uint32], lengths: NDArray[np.int64]) -> NDArray[np.int8]:
    rows, columns = (int(n) for n in lengths.max(0))
    pairs = lengths.shape[0]
    table = np.full((rows + 1, columns + 1, pairs), TOO_FAR, np.int8)
    table[0] = np.minimum(np.arange(columns + 1, dtype=np.int8), TOO_FAR)[:, None]
    table[:, 0] = np.minimum(np.arange(rows + 1, dtype=np.int8), TOO_FAR)[:, None]
    for i in range(1, rows + 1):
        for j in range(max(1, i - MOST_EDITS), min(columns, i + MOST_EDITS) + 1):
            replaced = table[i - 1, j - 1] + (left[i - 1] != right[j - 1])
            best = np.minimum(replaced, np.minimum(table[i - 1, j], table[i, j - 1]) + np.int8(1))
            if i > 1 and j > 1:
                exchanged = (left[i - 1] == right[j - 2]) & (left[i - 2] == right[j - 1])
                best = np.where(exchanged, np.minimum(best, table[i - 2, j - 2] + np.int8(1)), best)
            table[i, j] = np.minimum(best, TOO_FAR)
    return table[lengths[:, 0], lengths[:, 1], np.arange(pairs)]


def signatures(values: Sequence[str]) -> NDArray[np.uint64]:
    """For each value the set of its trigrams as 512 bits, by a hash that is the same everywhere."""
    made = np.zeros((len(values), _SIGNATURE_WORDS), np.uint64)
    for n, value in enumerate(values):
        bits = 0
        padded = f" {value} " if value else ""
        for at in range(len(padded) - 2):
            bits |= 1 << (crc32(padded[at : at + 3].encode()) % (64 * _SIGNATURE_WORDS))
        made[n] = np.frombuffer(bits.to_bytes(8 * _SIGNATURE_WORDS, "little"), "<u8")
    return made


def shared(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Dice's coefficient of two signatures, pair by pair: 1 for the same trigrams, 0 for none in common."""
    both = np.bitwise_count(left & right).sum(1, dtype=np.int64)
    each = np.bitwise_count(left).sum(1, dtype=np.int64) + np.bitwise_count(right).sum(1, dtype=np.int64)
    return 2 * both / np.maximum(each, 1)


_SOUND = {
    letter: digit
    for letters, digit in (("bfpv", "1"), ("cgjkqsxz", "2"), ("dt", "3"), ("l", "4"), ("mn", "5"), ("r", "6"))
    for letter in letters
}


@lru_cache(maxsize=1 << 18)
def sound(name: str) -> str:
    """The Soundex code of a name of lower-case letters (US National Archives, "The Soundex Indexing System")."""
    letters = [letter for letter in name if "a" <= letter <= "z"]
    if not letters:
        return ""
    code, last = letters[0].upper(), _SOUND.get(letters[0], "")
    for letter in letters[1:]:
        digit = _SOUND.get(letter, "")
        if digit and digit != last:
            code += digit
        if letter not in "hw":
            last = digit
    return (code + "000")[:4]
