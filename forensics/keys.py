"""The 64-bit keys in which `detection` and `matching` meet: the same value gives the same key in both.

Not a protection: whoever holds a key and a list of candidates can find the value, so keys live and die in memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

U64 = np.uint64
Keys = NDArray[np.uint64]

EPOCH_SHIFT = 100_000
"""Added to days since 1970-01-01, so that every birth date since 1700 is positive."""

TOKEN_BASE = 0x100000001B3
"""The FNV-1a 64-bit prime, here the base of a polynomial token hash (it must be odd to be invertible mod 2^64)."""

_MASK = (1 << 64) - 1


def mix(values: Keys) -> Keys:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014): a bijection that spreads nearby numbers apart."""
    values = values.astype(U64, copy=False)
    x = values ^ values >> U64(30)
    x *= U64(0xBF58476D1CE4E5B9)
    shifted = x >> U64(27)
    x ^= shifted
    x *= U64(0x94D049BB133111EB)
    x ^= np.right_shift(x, U64(31), out=shifted)
    return x


def token_hash(token: bytes) -> int:
    """The polynomial hash of a token, which `detection` computes for all tokens of a block at once."""
    total, power = 0, 1
    for byte in token:
        total = (total + byte * power) & _MASK
        power = (power * TOKEN_BASE) & _MASK
    return total


def name_and_date(first: Keys, second: Keys, days: NDArray[np.int64]) -> Keys:
    """The key of two name tokens (by `token_hash`, in either order) and a birth date in days since 1970-01-01."""
    return name_part(mix(first), mix(second)) ^ date_part(days)


def name_part(mixed_first: Keys, mixed_second: Keys) -> Keys:
    """What two name tokens, each through `mix`, give to their key: it combines with `date_part` by exclusive or."""
    return mixed_first + mixed_second


def date_part(days: NDArray[np.int64]) -> Keys:
    return mix((days + EPOCH_SHIFT).astype(U64) * U64(2) + U64(1))


def digits(values: Keys, length: int | NDArray[np.int64]) -> Keys:
    """The key of a run of digits with this value and number of digits (leading zeros count)."""
    return mix(values * U64(64) + np.asarray(length).astype(U64))


def digits_of(made: Keys) -> tuple[Keys, NDArray[np.int64]]:
    """Value and number of digits of keys that `digits` made: every step of `mix` can be walked back."""
    x = made.astype(U64)
    x ^= x >> U64(31) ^ x >> U64(62)
    x *= U64(pow(0x94D049BB133111EB, -1, 1 << 64))
    x ^= x >> U64(27) ^ x >> U64(54)
    x *= U64(pow(0xBF58476D1CE4E5B9, -1, 1 << 64))
    x ^= x >> U64(30) ^ x >> U64(60)
    return x >> U64(6), (x & U64(63)).astype(np.int64)
