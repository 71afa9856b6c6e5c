"""How alike two spellings are, for many pairs at once: edits, common trigrams, sound.

Nothing here loops over pairs in Python, only over the different values that occur in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Places = NDArray[np.int64]

LONGEST = 24
"""Letters of a name, date or number that are compared; few are longer."""

LONGEST_TEXT = 64
"""The same of an address."""

MOST_EDITS = 2
TOO_FAR = 9
"""What `edits` says of values that are more than `MOST_EDITS` apart by their lengths alone."""

_CHUNK = 1 << 14
_BITS = 512


class Spellings:
    """Different values, with what comparing them needs, made when it is first asked for."""

    def __init__(self, values: Sequence[str]) -> None:
        self.values = values

    @cached_property
    def lengths(self) -> NDArray[np.int16]:
        return np.array([min(len(value), 1 << 14) for value in self.values], np.int16)

    @cached_property
    def letters(self) -> NDArray[np.uint16]:
        """One row a value, zeros behind its end."""
        return _letters(self.values, LONGEST)

    @cached_property
    def sounds(self) -> NDArray[np.int64]:
        """The Soundex code as a number, 0 for a value without one."""
        return np.array([int(code, 36) if (code := sound(value)) else 0 for value in self.values], np.int64)

    @cached_property
    def signatures(self) -> NDArray[np.uint64]:
        """The set of a value's trigrams as 512 bits."""
        made = [_signatures(self.values[start : start + _CHUNK]) for start in range(0, len(self.values), _CHUNK)]
        return np.concatenate([np.zeros((0, _BITS // 64), np.uint64), *made])


def _letters(values: Sequence[str], longest: int) -> NDArray[np.uint16]:
    fixed = np.array(list(values), f"U{longest}")
    return fixed.view(np.uint32).reshape(len(values), longest).astype(np.uint16)


def _signatures(values: Sequence[str]) -> NDArray[np.uint64]:
    letters = _letters([f" {value} " for value in values], LONGEST_TEXT).astype(np.uint32)
    first, second, third = letters[:, :-2], letters[:, 1:-1], letters[:, 2:]
    mixed = ((first * 31 + second) * 31 + third) * np.uint32(0x9E3779B1)
    # A cell more takes the places behind a value's end, and is cut off.
    place = np.where(third == 0, _BITS, mixed >> np.uint32(23))
    flags = np.zeros((len(values), _BITS + 1), bool)
    np.put_along_axis(flags, place.astype(np.int64), True, 1)
    return np.packbits(flags[:, :_BITS], axis=1, bitorder="little").view(np.uint64)


def edits(left: Spellings, right: Spellings, one: Places, other: Places) -> NDArray[np.int8]:
    """The number of letters to insert, delete, replace or exchange with their neighbour, for each pair of places.

    Optimal string alignment, which touches no letter twice; exact up to `MOST_EDITS`, above it only known to be more.
    """
    result = np.full(len(one), TOO_FAR, np.int8)
    lengths = np.minimum(np.stack([left.lengths[one], right.lengths[other]]), LONGEST)
    close = np.flatnonzero(np.abs(lengths[0] - lengths[1]) <= MOST_EDITS)
    close = close[np.argsort(lengths[:, close].max(0), kind="stable")]
    for start in range(0, len(close), _CHUNK):
        at = close[start : start + _CHUNK]
        # Letters down, pairs across: each step then runs over what lies together.
        pair = np.ascontiguousarray(left.letters[one[at]].T), np.ascontiguousarray(right.letters[other[at]].T)
        result[at] = _alignment(*pair, lengths[:, at])
    return result


def _alignment(left: NDArray[np.uint16], right: NDArray[np.uint16], lengths: NDArray[np.int16]) -> NDArray[np.int8]:
    rows, columns = int(lengths[0].max()), int(lengths[1].max())
    pairs = lengths.shape[1]
    table = np.full((rows + 1, columns + 1, pairs), TOO_FAR, np.int8)
    table[0] = np.minimum(np.arange(columns + 1), TOO_FAR)[:, None]
    table[:, 0] = np.minimum(np.arange(rows + 1), TOO_FAR)[:, None]
    for i in range(1, rows + 1):
        # Outside this band every alignment has more than MOST_EDITS edits.
        for j in range(max(1, i - MOST_EDITS), min(columns, i + MOST_EDITS) + 1):
            best = table[i - 1, j - 1] + (left[i - 1] != right[j - 1])
            np.minimum(best, table[i - 1, j] + np.int8(1), out=best)
            np.minimum(best, table[i, j - 1] + np.int8(1), out=best)
            if i > 1 and j > 1:
                exchanged = (left[i - 1] == right[j - 2]) & (left[i - 2] == right[j - 1])
                np.minimum(best, np.where(exchanged, table[i - 2, j - 2] + np.int8(1), TOO_FAR), out=best)
            np.minimum(best, TOO_FAR, out=table[i, j])
    last: NDArray[np.int8] = table[lengths[0], lengths[1], np.arange(pairs)]
    return last


def shared(left: Spellings, right: Spellings, one: Places, other: Places) -> NDArray[np.float64]:
    """Dice's coefficient of the trigrams, for each pair of places: 1 for the same ones, 0 for none in common."""
    mine, theirs = left.signatures[one], right.signatures[other]
    both = np.bitwise_count(mine & theirs).sum(1, dtype=np.int64)
    each = np.bitwise_count(mine).sum(1, dtype=np.int64) + np.bitwise_count(theirs).sum(1, dtype=np.int64)
    dice: NDArray[np.float64] = 2 * both / np.maximum(each, 1)
    return dice


def begins(left: Spellings, right: Spellings, one: Places, other: Places) -> Bools:
    """Whether the shorter value of each pair is the beginning of the longer one."""
    mine, theirs = left.letters[one], right.letters[other]
    begun: Bools = ((mine == theirs) | (mine == 0) | (theirs == 0)).all(1)
    return begun


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
