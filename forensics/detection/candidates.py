"""What in a text could be somebody's identifier: numbers by kind, and names beside dates."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forensics import keys
from forensics.detection.digit_runs import ALWAYS, Runs, digit_runs, value
from forensics.detection.names import HaveNames, NamesWithDates, names_with_dates
from forensics.detection.stretches import U64, Bytes, Ints
from forensics.model import Kind

WIDE_ENOUGH = 11
LONGEST = 64
"""Runs of so many digits are taken as fixed-width columns run together, and every window in them is tried."""


class Numbers(NamedTuple):
    """Numbers that could be of any of these kinds: their keys, offsets and lengths."""

    kinds: frozenset[Kind]
    key: NDArray[np.uint64]
    offset: Ints
    length: Ints


class Candidates(NamedTuple):
    """All candidates of a text."""

    numbers: list[Numbers]
    names: NamesWithDates | None


def candidates(
    text: Bytes, kinds: Collection[Kind], id_digits: Collection[int], have_names: HaveNames, rows: Ints | None = None
) -> Candidates | None:
    """The candidates of these kinds, None if the text has no digits of use; ids have `id_digits` digits.

    A table's rows start at `rows`.
    """
    runs = digit_runs(text, every=min(id_digits, default=ALWAYS) < ALWAYS)
    if runs is None:
        return None
    numbers: list[Numbers] = []
    if Kind.SSN in kinds or Kind.MEMBER_ID in kinds:
        numbers = [*_bare_numbers(runs, id_digits), *_grouped_ssn(runs)]
    return Candidates(numbers, names_with_dates(runs, have_names, rows) if Kind.NAME_AND_BIRTH_DATE in kinds else None)


_SSN, _MEMBER_ID, _BOTH = frozenset((Kind.SSN,)), frozenset((Kind.MEMBER_ID,)), frozenset((Kind.SSN, Kind.MEMBER_ID))


def _bare_numbers(runs: Runs, id_digits: Collection[int]) -> list[Numbers]:
    found = []
    run_together = np.flatnonzero((runs.short >= WIDE_ENOUGH) & (runs.short <= LONGEST))
    for size in sorted({9, *id_digits}):
        kinds = _MEMBER_ID if size != 9 else _BOTH if 9 in id_digits else _SSN
        start = runs.start[np.flatnonzero(runs.short == size)]
        longer = run_together[runs.short[run_together] > size]
        if len(longer):
            start = np.concatenate((start, _windows(runs, longer, size)))
        if len(start):
            key = keys.digits(value(runs.text, start, size), size)
            found.append(Numbers(kinds, key, start, np.broadcast_to(np.int64(size), start.shape)))
    for short in (7, 8):  # a spreadsheet drops leading zeros
        start = runs.start[np.flatnonzero(runs.short == short)]
        if len(start):
            key = keys.digits(value(runs.text, start, short), 9)
            found.append(Numbers(_SSN, key, start, np.broadcast_to(np.int64(short), start.shape)))
    return found


def _windows(runs: Runs, which: Ints, size: int) -> Ints:
    """The start of every window of `size` digits in these runs."""
    count = runs.length[which] - size + 1
    before = np.cumsum(count) - count
    windows: Ints = np.repeat(runs.start[which] - before, count) + np.arange(count.sum())
    return windows


_HYPHENS = np.zeros(256, bool)
_HYPHENS[[0x20, 0x2D, 0x2E, 0xA0]] = True
# UTF-8 of no-break space, and of the hyphens and dashes U+2010 to U+2014.
_TWO_BYTE_GAP = (0xC2, 0xA0)
_THREE_BYTE_GAP = (0xE2, 0x80)


def _grouped_ssn(runs: Runs) -> list[Numbers]:
    if len(runs.start) < 3:
        return []
    length, text = runs.short, runs.text
    at = np.flatnonzero((length[:-2] == 3) & (length[1:-1] == 2) & (length[2:] == 4))
    if not len(at):
        return []
    end_1, end_2 = runs.start[at] + 3, runs.start[at + 1] + 2
    gap = runs.start[at + 1] - end_1
    same = (gap == runs.start[at + 2] - end_2) & (gap >= 1) & (gap <= 3)
    at, end_1, end_2, gap = at[same], end_1[same], end_2[same], gap[same]
    if not len(at):
        return []
    alike = text[end_1] == text[end_2]
    second, third = text[end_1 + np.minimum(gap - 1, 1)], text[end_1 + gap - 1]
    dash = (third >= 0x90) & (third <= 0x94)
    fits = alike & (
        ((gap == 1) & _HYPHENS[text[end_1]])
        | ((gap == 2) & (text[end_1] == _TWO_BYTE_GAP[0]) & (second == _TWO_BYTE_GAP[1]))
        | ((gap == 3) & (text[end_1] == _THREE_BYTE_GAP[0]) & (second == _THREE_BYTE_GAP[1]) & dash)
    )  # fmt: skip
    at = at[fits]
    if not len(at):
        return []
    number = value(text, runs.start[at], 3) * U64(100) + value(text, runs.start[at + 1], 2)
    number = number * U64(10_000) + value(text, runs.start[at + 2], 4)
    return [Numbers(_SSN, keys.digits(number, 9), runs.start[at], runs.start[at + 2] + 4 - runs.start[at])]
