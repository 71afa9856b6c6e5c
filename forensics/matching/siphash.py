"""SipHash-2-4 of many 64-bit numbers at once: a keyed hash short enough to ask for every candidate of a drive.

Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). Each number is the message of its eight bytes, little
endian. Without the key nothing about a number can be told from its hash; 64 bits are no collision-free digest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_BLOCK = 1 << 14
"""Numbers hashed together, so that the four words of state of each stay in the processor's cache."""

_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_LENGTH = np.uint64(8 << 56)
"""The last word of a message: the number of its bytes, and none of them left over."""


def siphash(numbers: Words, key: bytes) -> Words:
    """The hash of each number under a key of 16 bytes."""
    halves = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:16], "little")
    hashed = np.empty(len(numbers), np.uint64)
    for at in range(0, len(numbers), _BLOCK):
        some = numbers[at : at + _BLOCK].astype(np.uint64)
        state = [np.full(len(some), word ^ halves[place % 2], np.uint64) for place, word in enumerate(_START)]
        spare = np.empty(len(some), np.uint64)
        for word in (some, _LENGTH):
            state[3] ^= word
            _rounds(state, spare, 2)
            state[0] ^= word
        state[2] ^= np.uint64(0xFF)
        _rounds(state, spare, 4)
        hashed[at : at + _BLOCK] = state[0] ^ state[1] ^ state[2] ^ state[3]
    return hashed


def _rounds(state: list[Words], spare: Words, count: int) -> None:
    v0, v1, v2, v3 = state
    for _ in range(count):
        for one, other, by in ((v0, v1, 13), (v2, v3, 16)):
            one += other
            _rotate(other, by, spare)
            other ^= one
        _rotate(v0, 32, spare)
        for one, other, by in ((v0, v3, 21), (v2, v1, 17)):
            one += other
            _rotate(other, by, spare)
            other ^= one
        _rotate(v2, 32, spare)


def _rotate(words: Words, by: int, spare: Words) -> None:
    np.left_shift(words, np.uint64(by), out=spare)
    np.right_shift(words, np.uint64(64 - by), out=words)
    np.bitwise_or(words, spare, out=words)
