"""Sorted 64-bit keys, each with a record, behind bitmaps that say where looking is idle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Records = NDArray[np.uint32]

U64 = np.uint64

BITS_A_KEY = 32
"""Bits of a bitmap for each key: about one look-up in 32 is idle then."""

FEWEST_BITS, MOST_BITS = 10, 27
"""Leading bits of a key that a bitmap goes by; 2^27 bits still fit beside the processor."""

PARTITION_BITS = 4
"""Keys are sorted by so many of their leading bits apart, which needs room beside the table for one part alone."""

MOST_STEPS = 16
"""Keys that are looked at one after the other; a value that many records share has as many."""

_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Presence:
    """By the leading `bits` bits of a key, whether it may be there: False is sure, True is not.

    `coarse` has a bit for every byte of `bitmap`. It is small enough for the processor's own cache and answers most
    questions alone.
    """

    bits: int
    bitmap: NDArray[np.uint8]
    coarse: NDArray[np.uint8]

    @classmethod
    def of(cls, ascending: Keys) -> Presence:
        """Of keys in ascending order."""
        bits = int(np.clip(np.ceil(np.log2(max(1, len(ascending)) * BITS_A_KEY)), FEWEST_BITS, MOST_BITS))
        bitmap = np.zeros(1 << bits - 3, np.uint8)
        for first in range(0, len(ascending), _AT_ONCE):
            number = ascending[first : first + _AT_ONCE] >> U64(64 - bits)
            byte = (number >> U64(3)).view(np.int64)
            begin = np.flatnonzero(np.concatenate(([True], byte[1:] != byte[:-1])))
            bitmap[byte[begin]] |= np.bitwise_or.reduceat(_bit(number), begin)
        return cls(bits, bitmap, np.packbits(bitmap != 0, bitorder="little"))

    def places(self, asked: Keys) -> NDArray[np.int64]:
        """Where in `asked` the keys are that may be there."""
        at = np.flatnonzero(_held(self.coarse, asked >> U64(67 - self.bits)))
        return at[_held(self.bitmap, asked[at] >> U64(64 - self.bits))]

    @property
    def nbytes(self) -> int:
        return self.bitmap.nbytes + self.coarse.nbytes


def distinct(keys: Keys) -> Keys:
    """The keys in ascending order, each once."""
    ascending = np.sort(keys)
    new = np.ones(len(ascending), bool)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return ascending[new]


def _bit(number: Keys) -> NDArray[np.uint8]:
    """The bit of its byte that stands for each number."""
    bit: NDArray[np.uint8] = np.left_shift(np.uint8(1), number.astype(np.uint8) & np.uint8(7))
    return bit


def _held(bitmap: NDArray[np.uint8], number: Keys) -> NDArray[np.bool_]:
    held: NDArray[np.bool_] = (bitmap.take((number >> U64(3)).view(np.int64)) & _bit(number)) != 0
    return held


@dataclass(frozen=True, slots=True)
class KeyTable:
    """64-bit keys, ascending, each with its records, ascending; `presence` says where looking is idle.

    Keys are spread evenly, so `begins`, the place of the first key from each of evenly spread numbers on, leaves one or
    two of them to look at.
    """

    keys: Keys
    records: Records
    presence: Presence
    begins: Records

    @classmethod
    def build(cls, parts: Sequence[tuple[Keys, Records]]) -> KeyTable:
        """From keys and the record of each, in any order, in parts; a pair that comes twice counts once."""
        keys, records = _sorted(parts)
        return cls(keys, records, Presence.of(keys), _begins(keys))

    def find(self, asked: Keys) -> tuple[NDArray[np.int64], Records]:
        """The places in `asked` that hit, and the records; a key of two records comes twice."""
        at = self.presence.places(asked)
        if not len(at):
            return np.zeros(0, np.int64), np.zeros(0, np.uint32)
        # In order, neighbours of the table are asked one after the other, and its parts come into the cache once.
        at = at[np.argsort(asked[at])]
        low = self._first_not_below(asked[at])
        held = np.flatnonzero(self.keys[np.minimum(low, len(self.keys) - 1)] == asked[at])
        at, low = at[held], low[held]
        count = np.searchsorted(self.keys, asked[at], side="right") - low
        total = int(count.sum())
        place = np.repeat(low - (np.cumsum(count) - count), count) + np.arange(total)
        return np.repeat(at, count), self.records[place]

    def _first_not_below(self, wanted: Keys) -> NDArray[np.int64]:
        """`np.searchsorted`, in a tenth of the time."""
        part = (wanted >> U64(64 - (len(self.begins) - 1).bit_length() + 1)).view(np.int64)
        place, end = self.begins[part].astype(np.int64), self.begins[part + 1].astype(np.int64)
        left = np.flatnonzero(place < end)
        for _ in range(MOST_STEPS):
            left = left[self.keys[place[left]] < wanted[left]]
            place[left] += 1
            left = left[place[left] < end[left]]
            if not len(left):
                return place
        place[left] = np.searchsorted(self.keys, wanted[left])
        return place

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.records.nbytes + self.begins.nbytes + self.presence.nbytes


def _sorted(parts: Sequence[tuple[Keys, Records]]) -> tuple[Keys, Records]:
    """The keys of all parts in order, and for equal keys the records; what comes twice comes once."""
    total = sum(len(keys) for keys, _ in parts)
    all_keys, all_records, filled = np.empty(total, U64), np.empty(total, np.uint32), 0
    prefixes = [(keys >> U64(64 - PARTITION_BITS)).astype(np.uint8) for keys, _ in parts]
    for prefix in range(1 << PARTITION_BITS):
        chosen = [np.flatnonzero(of_part == prefix) for of_part in prefixes]
        keys = np.concatenate([np.zeros(0, U64), *(made[at] for (made, _), at in zip(parts, chosen, strict=True))])
        records = np.concatenate(
            [np.zeros(0, np.uint32), *(holders[at] for (_, holders), at in zip(parts, chosen, strict=True))]
        )
        order = np.argsort(keys)
        keys, records = keys[order], records[order]
        equal = np.flatnonzero(keys[1:] == keys[:-1])
        if len(equal):
            tied = np.union1d(equal, equal + 1)
            records[tied] = records[tied][np.lexsort((records[tied], keys[tied]))]
            twice = equal[records[equal] == records[equal + 1]]
            keys, records = np.delete(keys, twice), np.delete(records, twice)
        all_keys[filled : filled + len(keys)], all_records[filled : filled + len(keys)] = keys, records
        filled += len(keys)
    return all_keys[:filled], all_records[:filled]


def _begins(ascending: Keys) -> Records:
    """Where the keys from each of evenly spread numbers on begin, about one number a key, and where the last end."""
    bits = max(1, len(ascending).bit_length() - 1)
    many = np.zeros((1 << bits) + 1, np.uint32)
    for first in range(0, len(ascending), _AT_ONCE):
        number = (ascending[first : first + _AT_ONCE] >> U64(64 - bits)).view(np.int64)
        lowest = int(number[0])
        counts = np.bincount(number - lowest)
        many[lowest + 1 : lowest + 1 + len(counts)] += counts.astype(np.uint32)
    return np.cumsum(many, dtype=np.uint32)
