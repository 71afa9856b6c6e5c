"""The words of a text, hashed as `forensics.keys` hashes a word of a name."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forensics import keys
from forensics.detection.stretches import PADDING, U64, Bytes, Ints, eight_bytes, pack, stretches

SHORTEST_WORD, LONGEST_WORD = 2, 32


class Words(NamedTuple):
    """Words by place."""

    start: Ints
    end: Ints
    hashes: NDArray[np.uint64]


def words_within(text: Bytes, low: Ints, high: Ints) -> Words | None:
    """The words of a padded text between these places, each pair of them at least one apart; None if there are none.

    Where the places cover little of the text the rest is skipped. A word that reaches over one of them is cut or left.
    """
    if not len(low):
        return None
    order = np.argsort(low)
    low, furthest = low[order], np.maximum.accumulate(high[order])
    new = np.ones(len(low), bool)
    new[1:] = low[1:] > furthest[:-1]
    begin, end = low[new], np.append(furthest[:-1][new[1:]], furthest[-1:])
    count = end - begin
    total = int(count.sum())
    if total * 2 > len(text):
        return _find_words(text)
    before = np.cumsum(count) - count
    at = np.repeat(begin - before, count) + np.arange(total)
    parts = np.zeros(total + PADDING, np.uint8)
    parts[:total] = text[at]
    parts[before[1:]] = 0  # no word goes on from one part to the next
    words = _find_words(parts)
    return words and Words(at[words.start], at[words.end - 1] + 1, words.hashes)


def _find_words(text: Bytes) -> Words | None:
    upper = (text - np.uint8(65)) < np.uint8(26)
    lower = text + (upper.view(np.uint8) << np.uint8(5))
    start, end = stretches(pack(_letters(lower)))
    length = end - start
    keep = np.flatnonzero((length >= SHORTEST_WORD) & (length <= LONGEST_WORD))
    if not len(keep):
        return None
    return Words(start[keep], end[keep], _hashes(lower, start[keep], length[keep]))


def _letters(lower: Bytes) -> NDArray[np.bool_]:
    """Which bytes are letters of a word.

    Bytes from 0x80 on are, with few exceptions: in UTF-8 and Latin-1 alike that is what they are inside a name. 0xFF is
    none in UTF-8, nearly none in Latin-1, and what erased flash memory is filled with. U+0080 to U+00BF and U+2000 to
    U+203F (no-break space, dashes, the typographic apostrophe) are no letters, in UTF-8 as in the one byte that Latin-1
    and Windows-1252 take for them.
    """
    letters: NDArray[np.bool_] = ((lower - np.uint8(97)) < np.uint8(26)) | ((lower - np.uint8(0x80)) < np.uint8(0x7F))
    high = np.flatnonzero(lower >= 0x80)
    if len(high):
        byte = lower[high]
        alone = high[byte < 0xC0]
        letters[alone[(alone > 0) & (lower[alone - 1] < 0x80)]] = False
        pair = high[byte == 0xC2]
        letters[pair] = letters[pair + 1] = False
        three = high[byte == 0xE2]
        three = three[lower[three + 1] == 0x80]
        letters[three] = letters[three + 1] = letters[three + 2] = False
    return letters


_POWERS = np.array([pow(keys.TOKEN_BASE, place, 1 << 64) for place in range(LONGEST_WORD)], U64)
_FIRST_BYTES = np.array([(1 << 8 * count) - 1 for count in range(9)], U64)
_BYTE = U64(0xFF)


def _hashes(lower: Bytes, start: Ints, length: Ints) -> NDArray[np.uint64]:
    """`keys.token_hash` of the words at these places, eight of their bytes at a time."""
    whole, total = eight_bytes(lower), np.zeros(len(start), U64)
    for first in range(0, LONGEST_WORD, 8):
        longer = np.flatnonzero(length > first)
        if not len(longer):
            break
        eight = whole[start[longer] + first] & _FIRST_BYTES[np.minimum(length[longer] - first, 8)]
        part = (eight & _BYTE) * _POWERS[first]
        for place in range(1, 8):
            part += ((eight >> U64(8 * place)) & _BYTE) * _POWERS[first + place]
        total[longer] += part
    return total
