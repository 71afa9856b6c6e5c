"""Names beside dates: pairs of words that some record has as its name, each with the dates that stand near it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forensics import keys
from forensics.detection.dates import LONGEST_MONTH, Dates, all_dates, days_with_year, numeric_dates, written_dates
from forensics.detection.digit_runs import Runs
from forensics.detection.stretches import PADDING, Ints
from forensics.detection.words import LONGEST_WORD, Words, words_within

BEFORE, AFTER = 96, 64
"""A name counts with a birth date if it starts at most so many bytes before or after it."""

NAME_GAP = 24
"""Two words count as one name if at most so many bytes lie between them."""

REACH_BEFORE = BEFORE + LONGEST_WORD + 1
REACH_AFTER = AFTER + 4 * LONGEST_WORD + 6 * NAME_GAP
"""Bytes before and after a date in which the words of a name that counts with it begin and end, with what precedes."""

HaveNames = Callable[[NDArray[np.uint64]], NDArray[np.bool_]]


class NamesWithDates(NamedTuple):
    """Names, each beside a date: key of the name, and the number of its date among `dates`."""

    name: NDArray[np.uint64]
    date: Ints
    dates: Dates


class _Pairs(NamedTuple):
    start: Ints
    """Where the first word begins, ascending."""
    second: Ints
    """Where the second begins."""
    name: NDArray[np.uint64]


def names_with_dates(runs: Runs, have_names: HaveNames, rows: Ints | None = None) -> NamesWithDates | None:
    """The names in a text that `have_names` does not rule out, with every date they may belong to.

    Where the rows of a table start at `rows`, these are the dates of a name's own row.
    """
    dates = numeric_dates(runs)
    day = days_with_year(runs)
    begin = np.concatenate((dates.offset, runs.start[day] - LONGEST_MONTH))
    end = np.concatenate((dates.offset + dates.length, runs.start[day + 1] + 4))
    last = len(runs.text) - PADDING
    words = words_within(runs.text, np.maximum(begin - REACH_BEFORE, 0), np.minimum(end + REACH_AFTER, last))
    if words is None:
        return None
    if len(day):
        dates = all_dates([dates, *written_dates(runs, words)])
    pairs = _pairs(words, have_names)
    first, behind = dates.offset - BEFORE, dates.offset + dates.length + AFTER
    if rows is not None:
        row = np.searchsorted(rows, dates.offset, side="right")
        first, behind = np.maximum(first, np.append(0, rows)[row]), np.minimum(behind, np.append(rows, last)[row])
    low, high = np.searchsorted(pairs.start, first), np.searchsorted(pairs.start, behind)
    count = high - low
    total = int(count.sum())
    if not total:
        return None
    date = np.repeat(np.arange(len(count)), count)
    pair = np.repeat(low - (np.cumsum(count) - count), count) + np.arange(total)
    if rows is not None:
        within = np.flatnonzero(pairs.second[pair] < np.append(rows, last)[row][date])
        pair, date = pair[within], date[within]
    return NamesWithDates(pairs.name[pair], date, dates)


def _pairs(words: Words, have_names: HaveNames) -> _Pairs:
    """Neighbours, and words with one or two middle names or suffixes between them, that may be somebody's name."""
    mixed = keys.mix(words.hashes)
    starts, seconds, names = [], [], []
    for step in (1, 2, 3):
        near = np.flatnonzero(words.start[step:] - words.end[:-step] <= NAME_GAP * step)
        name = keys.name_part(mixed[near], mixed[near + step])
        held = have_names(name)
        starts.append(words.start[near[held]])
        seconds.append(words.start[near[held] + step])
        names.append(name[held])
    start, second, name = np.concatenate(starts), np.concatenate(seconds), np.concatenate(names)
    order = np.argsort(start, kind="stable")
    return _Pairs(start[order], second[order], name[order])
