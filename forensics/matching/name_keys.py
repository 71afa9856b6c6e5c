"""What the name in a record may look like on a drive, as the hashes of two of its words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forensics import keys
from forensics.matching import normal
from forensics.matching.nicknames import ALSO_CALLED


class NameKeys:
    """Makes the keys of names; spellings that were met before are not made again."""

    def __init__(self) -> None:
        self._given, self._family = _Spellings(_given_hashes), _Spellings(_family_hashes)

    def of(self, given: pa.ChunkedArray, family: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Of names, row by row: the row of each key and the key (`keys.name_part`), one for each pair of spellings."""
        one, two = self._given.of(given), self._family.of(family)
        count = one.many * two.many
        row = np.repeat(np.arange(len(count)), count)
        place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        first, second = np.divmod(place, two.many[row])
        return row, keys.name_part(one.mixed[one.start[row] + first], two.mixed[two.start[row] + second])


class _Spelled(NamedTuple):
    """Hashes of names: those of a row are in `mixed` from its `start` on, `many` of them."""

    mixed: NDArray[np.uint64]
    start: NDArray[np.int64]
    many: NDArray[np.int64]


class _Spellings:
    def __init__(self, hashes: Callable[[str], tuple[int, ...]]) -> None:
        self._hashes = lru_cache(maxsize=NAMES_KNOWN)(hashes)

    def of(self, names: pa.ChunkedArray) -> _Spelled:
        """The hashes of these names, of each different one once."""
        distinct = names.combine_chunks().dictionary_encode()
        spelled = [self._hashes(name) for name in distinct.dictionary.to_pylist()]
        count = np.fromiter(map(len, spelled), np.int64, len(spelled))
        which = np.asarray(distinct.indices, np.int64)
        mixed = keys.mix(np.fromiter(chain.from_iterable(spelled), np.uint64, int(count.sum())))
        return _Spelled(mixed, (np.cumsum(count) - count)[which], count[which])


NAMES_KNOWN = 1 << 18
"""Different names whose hashes are kept, some 300 bytes each."""


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
