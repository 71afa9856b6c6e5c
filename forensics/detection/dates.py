"""The dates in a text, as numbers and with the month written out; `words` finds the words of the latter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forensics import keys
from forensics.detection.digit_runs import Runs, number, value
from forensics.detection.stretches import U64, Ints
from forensics.detection.words import Words


class Dates(NamedTuple):
    day: Ints
    """Days since 1970-01-01."""
    offset: Ints
    length: Ints


FIRST_YEAR, LAST_YEAR = 1890, 2040
_HYPHEN = 0x2D
_BETWEEN = np.zeros(256, bool)
_BETWEEN[[0x20, 0x2D, 0x2E, 0x2F]] = True
_FIRST_DAYS = (
    np.arange(f"{FIRST_YEAR}-01", f"{LAST_YEAR + 1}-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)
)
"""Of each month from `FIRST_YEAR` on, and of one more."""


def _dates_of(year: Ints, month: Ints, day: Ints, offset: Ints, length: Ints) -> Dates:
    """The dates among these that exist in the calendar."""
    ok = np.flatnonzero(
        (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    )
    months = (year[ok] - FIRST_YEAR) * 12 + month[ok] - 1
    days = _FIRST_DAYS[months] + day[ok] - 1
    exists = days < _FIRST_DAYS[months + 1]
    ok = ok[exists]
    return Dates(days[exists], offset[ok], length[ok])


def numeric_dates(runs: Runs) -> Dates:
    """Dates of numbers alone: `1961-02-03`, `2/3/1961`, `19610203` and their like."""
    text, start, length = runs.text, runs.start, runs.short
    found = [_NO_DATES]
    some = start[np.flatnonzero(length == 8)]
    if len(some):
        all_digits = value(text, some, 8).view(np.int64)
        eight = np.full(len(some), 8, np.int64)
        found.append(_dates_of(all_digits // 10_000, all_digits // 100 % 100, all_digits % 100, some, eight))
        month = all_digits // 1_000_000
        found.append(_dates_of(all_digits % 10_000, month, all_digits // 10_000 % 100, some, eight))
    if len(start) < 3:
        return all_dates(found)
    at = np.flatnonzero((length[1:-1] <= 2) & (length[:-2] <= 4) & (length[2:] <= 4))
    end, following = start[at] + length[at], start[at + 1] + length[at + 1]
    gap = text[end]
    close = (start[at + 1] - end == 1) & (start[at + 2] - following == 1) & _BETWEEN[gap] & (gap == text[following])
    at = at[close]
    if not len(at):
        return all_dates(found)
    span = start[at + 2] + length[at + 2] - start[at]
    ymd = (length[at] == 4) & (length[at + 2] <= 2)
    big_end = at[ymd]
    if len(big_end):
        year = value(text, start[big_end], 4).view(np.int64)
        found.append(_dates_of(year, number(runs, big_end + 1), number(runs, big_end + 2), start[big_end], span[ymd]))
    tail = (length[at] <= 2) & ((length[at + 2] == 4) | (length[at + 2] == 2))
    at, span = at[tail], span[tail]
    if not len(at):
        return all_dates(found)
    four = length[at + 2] == 4
    year = np.empty(len(at), np.int64)
    year[four] = value(text, start[at[four] + 2], 4).view(np.int64)
    year[~four] = value(text, start[at[~four] + 2], 2).view(np.int64) + 1900
    first, second = number(runs, at), number(runs, at + 1)
    swapped = (first > 12) | ((second <= 12) & _day_first_around(first, second))
    month, day = np.where(swapped, second, first), np.where(swapped, first, second)
    found.append(_dates_of(year, month, day, start[at], span))
    # A two-digit year does not say its century; the name beside it decides.
    found.append(_dates_of(year[~four] + 100, month[~four], day[~four], start[at[~four]], span[~four]))
    return all_dates(found)


VOTERS = 16
"""Dates before and after one that says neither of itself, by which it is read as day or month first."""


def _day_first_around(first: Ints, second: Ints) -> NDArray[np.bool_]:
    """Whether more of the dates around each one begin with a number that is no month than have one that is no day."""
    votes = ((first > 12) & (second <= 12)).astype(np.int64) - ((second > 12) & (first <= 12))
    sums = np.concatenate(([0], np.cumsum(votes)))
    place = np.arange(len(votes))
    after, before = np.minimum(place + VOTERS + 1, len(votes)), np.maximum(place - VOTERS, 0)
    more: NDArray[np.bool_] = sums[after] > sums[before]
    return more


_NO_DATES = Dates(*(np.zeros(0, np.int64),) * 3)


def all_dates(found: list[Dates]) -> Dates:
    return Dates(*(np.concatenate(column) for column in zip(*found, strict=True)))


LONGEST_MONTH = 14
"""Bytes between the day and the year of `3. September, 1961` at most."""


def days_with_year(runs: Runs) -> Ints:
    """The runs that may be the day of a written date: a year stands so close behind that the month has room."""
    start, length = runs.start, runs.short
    is_day = length[:-1] <= 2
    long = np.flatnonzero(is_day & (length[1:] == 4))
    century = value(runs.text, start[long + 1], 2)
    long = long[(century >= 18) & (century <= 20) & (_gap_behind(runs, long) <= LONGEST_MONTH)]
    short = np.flatnonzero(is_day & (length[1:] == 2))
    short = short[_gap_behind(runs, short) == len("-Feb-")]
    return np.concatenate((long, short[_hyphens_between(runs, short, short + 1)]))


def _gap_behind(runs: Runs, which: Ints) -> Ints:
    """Bytes between these runs and the next."""
    gap: Ints = runs.start[which + 1] - runs.start[which] - runs.length[which]
    return gap


def _hyphens_between(runs: Runs, day: Ints, year: Ints) -> NDArray[np.bool_]:
    """Whether hyphens stand behind these days and before these years, as in a spreadsheet's `3-Feb-61`."""
    behind, before = runs.text[runs.start[day] + runs.length[day]], runs.text[runs.start[year] - 1]
    fits: NDArray[np.bool_] = (behind == _HYPHEN) & (before == _HYPHEN)
    return fits


_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH_HASHES = np.array(
    [keys.token_hash(name.encode()) for month in _MONTHS for name in (month, month[:3])]
    + [keys.token_hash(b"sept"), 0],
    U64,
)
_MONTH_NUMBERS = np.array([number for number in range(1, 13) for _ in range(2)] + [9, 0], np.int64)
_MONTH_ORDER = np.argsort(_MONTH_HASHES)
_MONTH_SORTED = _MONTH_HASHES[_MONTH_ORDER]
_LOW_BITS = U64(0xFFF)
_LIKE_A_MONTH = np.zeros(int(_LOW_BITS) + 1, bool)
_LIKE_A_MONTH[(_MONTH_HASHES & _LOW_BITS).view(np.int64)] = True


def written_dates(runs: Runs, words: Words) -> list[Dates]:
    """`February 3, 1961`, `3 Feb 1961`, `03FEB1961`, `3-Feb-61` and their like."""
    like = np.flatnonzero(_LIKE_A_MONTH[(words.hashes & _LOW_BITS).view(np.int64)])
    place = np.minimum(np.searchsorted(_MONTH_SORTED, words.hashes[like]), len(_MONTH_SORTED) - 1)
    is_month = _MONTH_SORTED[place] == words.hashes[like]
    month = _MONTH_NUMBERS[_MONTH_ORDER[place[is_month]]]
    begin, end = words.start[like[is_month]], words.end[like[is_month]]
    if not len(begin):
        return []
    found = []
    following = np.searchsorted(runs.start, end)
    ends = runs.start + runs.length
    for shift in (0, 1):  # month first: day and year follow; day first: only the year does
        year_at = following + 1 - shift
        day_at = following - shift
        ok = (year_at < len(runs.start)) & (day_at >= 0)
        y, d, m, b, e = year_at[ok], day_at[ok], month[ok], begin[ok], end[ok]
        four = runs.length[y] == 4
        ok = four & (runs.length[d] <= 2)
        if shift:
            ok |= (runs.length[y] == 2) & (runs.length[d] <= 2) & _hyphens_between(runs, d, y)
            ok &= (b - ends[d] >= 0) & (b - ends[d] <= 4) & (runs.start[y] - e >= 0) & (runs.start[y] - e <= 3)
        else:
            ok &= (runs.start[d] - e >= 1) & (runs.start[d] - e <= 2)
            ok &= (runs.start[y] - ends[d] >= 1) & (runs.start[y] - ends[d] <= 4)
        y, d, m, b, four = y[ok], d[ok], m[ok], b[ok], four[ok]
        offset = runs.start[d] if shift else b
        length, day = ends[y] - offset, number(runs, d)
        year = np.zeros(len(y), np.int64)
        year[four] = value(runs.text, runs.start[y[four]], 4).view(np.int64)
        year[~four] = number(runs, y[~four]) + 1900
        found.append(_dates_of(year, m, day, offset, length))
        found.append(_dates_of(year[~four] + 100, m[~four], day[~four], offset[~four], length[~four]))
    return found
