"""The runs of digits in a text that can be part of an identifier or of a date, and their values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forensics.detection.stretches import U64, Bytes, Ints, Mask, ahead, eight_bytes, pack, padded, stretches

ALWAYS = 4
"""Runs of at least so many digits are always seen, and whatever stands within `REACH` bytes of them."""

REACH = 64


class Runs(NamedTuple):
    """Runs of digits by place, in a padded text."""

    text: Bytes
    start: Ints
    length: Ints
    short: NDArray[np.uint8]
    """The lengths again, all above `LONGEST` as that, because small numbers are compared eight times as fast."""


LONGEST = 255


def digit_runs(text: Bytes, every: bool = False) -> Runs | None:
    """The runs of digits in a text, None if there are none; without `every` those that stand near nothing of use may be
    missing or cut short.

    Of use is a run of `ALWAYS` digits or more, and what may be a date with a year of two digits: `3/2/61`, `3-Feb-61`.
    Numbers in groups and all other dates have such a run. In noise, a digit in 25 bytes, next to nothing is.
    """
    mask = pack((text - np.uint8(48)) < np.uint8(10))
    if not every:
        mask = np.where(_near(_useful(mask)), mask, U64(0))
    start, end = stretches(mask)
    if not len(start):
        return None
    length = end - start
    return Runs(padded(text), start, length, np.minimum(length, LONGEST).astype(np.uint8))


def _useful(digit: Mask) -> Mask:
    """Where a run of use begins, or the last digit before the first gap of a date."""
    two = digit & ahead(digit, 1)
    gap = digit & ~ahead(digit, 1)
    one_between = gap & ahead(digit, 2)
    shorter = ahead(one_between & ahead(two, 2), 2)  # the middle number has one digit
    longer = ahead(one_between & ahead(two, 2), 3)
    month = gap & ahead(two, len("-Feb-") + 1)
    return (two & ahead(two, 2)) | (one_between & (shorter | longer)) | month


def _near(useful: Mask) -> NDArray[np.bool_]:
    """The elements of a mask within `REACH` bytes of a place of use."""
    some = useful != 0
    near: NDArray[np.bool_] = some.copy()
    near[1:] |= some[:-1]
    near[:-1] |= some[1:]
    return near


_ZEROS = U64(0x3030303030303030)
_DIGITS_AT_ONCE = 8


def value(text: Bytes, start: Ints, length: int) -> NDArray[np.uint64]:
    """The values of so many digits, up to 19, from these places of a padded text on."""
    rest, last = length - _DIGITS_AT_ONCE, eight_bytes(text)[start + max(0, length - _DIGITS_AT_ONCE)]
    digits = last - _ZEROS
    if rest < 0:
        digits <<= U64(-8 * rest)  # what follows goes, and zeros come before
    digits = (digits * U64(10) + (digits >> U64(8))) & U64(0x00FF00FF00FF00FF)
    digits = (digits * U64(100) + (digits >> U64(16))) & U64(0x0000FFFF0000FFFF)
    digits = (digits * U64(10_000) + (digits >> U64(32))) & U64(0xFFFFFFFF)
    return digits + value(text, start, rest) * U64(10**_DIGITS_AT_ONCE) if rest > 0 else digits


def number(runs: Runs, which: Ints) -> Ints:
    """The value of runs of one or two digits."""
    start, length = runs.start[which], runs.length[which]
    first = (runs.text[start] - np.uint8(48)).astype(np.int64)
    second = (runs.text[start + length - 1] - np.uint8(48)).astype(np.int64)
    return np.where(length == 2, first * 10 + second, first)
