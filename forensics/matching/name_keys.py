"""What the name in a record may look like on a drive, as the hashes of two of its words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from forensics import keys
from forensics.matching import normal
from forensics.matching.nicknames import ALSO_CALLED


def name_keys(given: Sequence[str], family: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Of names, row by row: the row of each key and the key (`keys.name_part`), one for each pair of spellings."""
    one, two = _Spellings(given, _given_hashes), _Spellings(family, _family_hashes)
    count = one.count * two.count
    row = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    first, second = place // two.count[row], place % two.count[row]
    return row, keys.name_part(one.mixed[one.start[row] + first], two.mixed[two.start[row] + second])


class _Spellings:
    """The hashes of each name, one behind the other in `mixed`: those of a row from its `start` on, `count` of them."""

    def __init__(self, names: Sequence[str], hashes: Callable[[str], tuple[int, ...]]) -> None:
        places = {name: place for place, name in enumerate(dict.fromkeys(names))}
        spelled = [hashes(name) for name in places]
        count = np.array([len(one) for one in spelled], np.int64)
        which = np.fromiter(map(places.__getitem__, names), np.int64, len(names))
        self.count = count[which]
        self.start = (np.cumsum(count) - count)[which]
        self.mixed = keys.mix(np.array([spelling for one in spelled for spelling in one], np.uint64))


@lru_cache(maxsize=1 << 18)
def _word_hashes(word: str) -> tuple[int, ...]:
    """The hash of every spelling a name's word may have on a drive: one for plain ASCII, a few for accents."""
    spelled = {normal.fold(word).encode("ascii", "ignore")}
    if not word.isascii():
        for form in {word.lower(), word.upper(), word.capitalize()}:
            # Of bytes only ASCII letters can be lowered, and the raw scan sees bytes.
            spelled.add(unicodedata.normalize("NFD", form).encode().lower())
            composed = unicodedata.normalize("NFC", form)
            spelled.add(composed.encode().lower())
            with suppress(UnicodeEncodeError):
                spelled.add(composed.encode("latin-1").lower())
    return tuple(keys.token_hash(spelling) for spelling in sorted(spelled) if len(spelling) > 1)


_NAME_WORD = re.compile(r"[^\W\d_]+")
_APOSTROPHE = re.compile(r"['’‘`]")


def without_apostrophes(name: str) -> str:
    return _APOSTROPHE.sub("", name)


def _name_words(name: str) -> list[str]:
    """The words of a name, composed, initials and the `O` of `O'Neil` left out."""
    composed = unicodedata.normalize("NFC", name)
    return [word for word in _NAME_WORD.findall(composed) if len(word) > 1]


def _given_hashes(given: str) -> tuple[int, ...]:
    """What the first given name, or a usual other form of it, may look like on a drive."""
    words = _name_words(given)
    if not words:
        return ()
    others = ALSO_CALLED.get(normal.fold(words[0]), frozenset())
    return tuple(dict.fromkeys(spelling for word in (words[0], *sorted(others)) for spelling in _word_hashes(word)))


def _family_hashes(family: str) -> tuple[int, ...]:
    """What the first and the last word of a family name may look like on a drive, `O'Neil` also as `ONeil`."""
    words = _name_words(family)
    ends = dict.fromkeys(words[:1] + words[-1:] + _name_words(without_apostrophes(family))[:1])
    return tuple(dict.fromkeys(spelling for word in ends for spelling in _word_hashes(word)))
