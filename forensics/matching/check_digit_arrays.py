"""Check digits of many numbers at once, for the schemes that have one decimal digit of their own in last place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from forensics.matching.check_digits import DAMM, DOUBLED, MULTIPLY, PERMUTE

Numbers = NDArray[np.uint64]

_TEN = np.uint64(10)


def _square(rows: tuple[str, ...]) -> NDArray[np.uint8]:
    return np.array([[int(digit) for digit in row] for row in rows], np.uint8)


_MULTIPLY, _PERMUTE, _DAMM = _square(MULTIPLY), _square(PERMUTE), _square(DAMM)
_INVERSE = np.argmin(_MULTIPLY, axis=1).astype(np.uint8)
"""In Verhoeff's group the element that multiplies to 0."""

_DOUBLED = np.array(DOUBLED, np.uint64)


def _digit(payload: Numbers, place: int) -> NDArray[np.int64]:
    """The digit at `place`, counted from the right and from 0."""
    return (payload // np.uint64(10**place) % _TEN).astype(np.int64)


def _luhn(payload: Numbers, size: int) -> Numbers:
    total = np.zeros(len(payload), np.uint64)
    for place in range(size):
        digit = _digit(payload, place)
        total += digit.astype(np.uint64) if place % 2 else _DOUBLED[digit]
    return (_TEN - total % _TEN) % _TEN


def _npi(payload: Numbers, size: int) -> Numbers:
    return _luhn(payload + np.uint64(80840 * 10**size), size + 5)


def _verhoeff(payload: Numbers, size: int) -> Numbers:
    check = np.zeros(len(payload), np.uint8)
    for place in range(size):
        check = _MULTIPLY[check, _PERMUTE[(place + 1) % 8, _digit(payload, place)]]
    found: Numbers = _INVERSE[check].astype(np.uint64)
    return found


def _damm(payload: Numbers, size: int) -> Numbers:
    check = np.zeros(len(payload), np.uint8)
    for place in reversed(range(size)):
        check = _DAMM[check, _digit(payload, place)]
    return check.astype(np.uint64)


CHECK_DIGITS: dict[str, Callable[[Numbers, int], Numbers]] = {
    "luhn": _luhn, "npi": _npi, "verhoeff": _verhoeff, "damm": _damm,
}  # fmt: skip
"""Name of a scheme (as in `check_digits.SCHEMES`) → the check digits of numbers without one, all of `size` digits.
Not here: mod 11, whose tenth part of numbers has none, and mod 97, which has two."""
