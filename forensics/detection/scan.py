"""The raw scan: every run of digits in a stretch of bytes, typed, keyed and asked of the records' index.

Works on what is there, allocated or not, without knowing the format: bytes (ASCII, Latin-1, UTF-8), UTF-16 of either
byte order at either phase, and EBCDIC (code page 037). Nothing that does not hit is kept.

What it does not find: in UTF-16, name words with letters beyond U+00FF; in code page 037, less than 127 bytes of text
on their own; a value with markup or a line break inside; `2/3/1961` meant as 2 March where no dates around it tell.
Offsets in UTF-16 are those of the characters' low bytes, because in a run of them the two byte orders look alike.

Within a block everything is vectorised; a block of 256 KiB stays in the processor's cache. Each block is looked at
with `MARGIN` bytes on either side, so that no value is lost at a border, and a hit belongs to the block it starts in.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forensics import keys
from forensics.model import Kind, Probe

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

BLOCK = 512 << 10
MARGIN = 512

BEFORE, AFTER = 96, 64
"""A name counts with a birth date if it starts at most so many bytes before or after it."""

NAME_GAP = 24
"""Two words count as one name if at most so many bytes lie between them."""

KINDS = (Kind.SSN, Kind.MEMBER_ID, Kind.NAME_AND_BIRTH_DATE)

WIDE_ENOUGH = 11
LONGEST = 64
"""Runs of so many digits are taken as fixed-width columns run together, and every window in them is tried."""

U64 = np.uint64


class Hits(NamedTuple):
    """What was found, one element a hit: offset and length in bytes, index into KINDS, record, bytes a character."""

    offset: Ints
    length: Ints
    kind: NDArray[np.uint8]
    record: NDArray[np.uint32]
    width: NDArray[np.uint8]


def scan(
    data: bytes | memoryview,
    probe: Probe,
    start: int = 0,
    stop: int | None = None,
    kinds: Collection[Kind] = KINDS,
    rows: Ints | None = None,
) -> Hits:
    """All hits of these kinds that start in ``data[start:stop]``; what lies before and behind is only context.

    `rows` are the offsets at which the rows of a table start, ascending and from 0 on: a name counts there with a birth
    date of its own row only.
    """
    whole = np.frombuffer(data, np.uint8)
    stop = len(whole) if stop is None else stop
    parts: list[Hits] = []
    for at in range(start, stop, BLOCK):
        end = min(at + BLOCK, stop)
        low, high = max(0, at - MARGIN), min(len(whole), end + MARGIN)
        for view, phase, width in _readings(whole[low:high]):
            near = None if rows is None else rows[slice(*np.searchsorted(rows, (low, high)))]
            borders = None if near is None else np.append((near - phase - low) // width, len(view))
            found = _scan_view(view, probe, kinds, borders)
            if found is None:
                continue
            offset = found.offset * width + phase + low
            mine = (offset >= at) & (offset < end)
            if mine.any():
                parts.append(
                    Hits(
                        offset[mine],
                        found.length[mine] * width,
                        found.kind[mine],
                        found.record[mine],
                        np.full(int(mine.sum()), width, np.uint8),
                    )
                )
    return _each_once(_joined(parts))


def _each_once(hits: Hits) -> Hits:
    """The hits by offset; where two pairs of words, or two readings, give the same one, it comes once."""
    order = np.lexsort((hits.record, hits.kind, hits.offset))
    new = np.ones(len(order), bool)
    columns: tuple[NDArray[Any], ...] = (hits.offset[order], hits.kind[order], hits.record[order])
    new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return _taken(hits, order[new])


def _taken(hits: Hits, which: Ints) -> Hits:
    return Hits(hits.offset[which], hits.length[which], hits.kind[which], hits.record[which], hits.width[which])


def _joined(parts: list[Hits]) -> Hits:
    if not parts:
        nothing = np.zeros(0, np.int64)
        return Hits(nothing, nothing, nothing.astype(np.uint8), nothing.astype(np.uint32), nothing.astype(np.uint8))
    return Hits(*(np.concatenate(column) for column in zip(*parts, strict=True)))


# -------------------------------------------------------------------------------------------------------- readings


def _table(*ranges: tuple[int, int]) -> NDArray[np.bool_]:
    table = np.zeros(256, bool)
    for low, high in ranges:
        table[low : high + 1] = True
    return table


# Letters, digits, blank, line ends, comma, hyphen and slash in code page 037.
_EBCDIC = _table(
    (0xC1, 0xC9), (0xD1, 0xD9), (0xE2, 0xE9), (0xF0, 0xF9), (0x81, 0x89), (0x91, 0x99), (0xA2, 0xA9), (0x40, 0x40),
    (0x15, 0x15), (0x25, 0x25), (0x0D, 0x0D), (0x6B, 0x6B), (0x60, 0x61),
)  # fmt: skip
_FROM_EBCDIC = np.frombuffer(
    bytes(bytes([byte]).decode("cp037").encode("latin-1", "replace")[0] for byte in range(256)), np.uint8
)
_EBCDIC_CELL, _EBCDIC_LEAST = 64, 58
"""A block is read in code page 037 if in any so many bytes in a row at least so many are of that text."""


def _readings(block: Bytes) -> list[tuple[Bytes, int, int]]:
    """The block as the texts it may be: bytes of text, offset of the first, bytes a character."""
    if not block.any():
        return []
    readings = [(block, 0, 1)]
    if not block.all():
        readings += _utf_16(block)
    if _has_ebcdic(block):
        readings.append((_FROM_EBCDIC[block], 0, 1))
    return readings


_DIGIT_OR_LETTER = _table((48, 57), (65, 90), (97, 122), (0xC0, 0xFF))
_HYPHEN = 0x2D
_NO_TEXT = np.full(1, 0xFF, np.uint8)


def _utf_16(block: Bytes) -> list[tuple[Bytes, int, int]]:
    """The low bytes at even and at odd offsets, where they stand in characters up to U+00FF; dashes become hyphens."""
    zero = block == 0
    # Every value has three characters in a row; in other data three such zeros are rare, and the rest can be left.
    if not (zero[:-4] & zero[2:-2] & zero[4:]).any():
        return []
    readings = []
    for phase in (0, 1):
        low = block[phase::2]
        behind = block[phase + 1 :: 2]
        before = block[1 - phase :: 2] if phase else np.concatenate((_NO_TEXT, block[1::2]))
        little = _characters(low, behind if len(behind) == len(low) else np.append(behind, _NO_TEXT))
        big = _characters(low, before[: len(low)])
        if _eight_in_a_row(little):
            readings.append((little, phase, 2))
        # Inside a run both orders see the same; only where the run ends, or a dash stands in it, the right one matters.
        if _DIGIT_OR_LETTER[low[(big != 0) & (little == 0)]].any() and _eight_in_a_row(big):
            readings.append((big, phase, 2))
    return readings


def _characters(low: Bytes, high: Bytes) -> Bytes:
    text: Bytes = np.where((high == 0) & (low >= 9), low, np.uint8(0))
    # U+2010 to U+2014; beyond Latin-1 the only characters that stand inside a value.
    text[(high == 0x20) & ((low - np.uint8(0x10)) <= 4)] = _HYPHEN
    return text


def _eight_in_a_row(text: Bytes) -> bool:
    there = text != 0
    longer = there[:-1] & there[1:]
    longer = longer[:-2] & longer[2:]
    longer = longer[:-4] & longer[4:]
    return bool(longer.any())


def _has_ebcdic(block: Bytes) -> bool:
    fits = _EBCDIC[block]
    whole = len(block) - len(block) % _EBCDIC_CELL
    if not whole:
        return bool(fits.mean() > _EBCDIC_LEAST / _EBCDIC_CELL)
    # One bit a byte, so that the bits of one word of 64 are the bytes of one cell.
    counts = np.bitwise_count(np.packbits(fits[:whole]).view(U64))
    return bool((counts >= _EBCDIC_LEAST).any())


# ----------------------------------------------------------------------------------------------------- digit runs


class _Runs(NamedTuple):
    text: Bytes
    start: Ints
    length: Ints


def _runs(text: Bytes, member: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Start and length of the maximal stretches whose bytes are members."""
    edges = np.flatnonzero(member[1:] != member[:-1]) + 1
    if len(member) and member[0]:
        edges = np.concatenate(([0], edges))
    if len(edges) & 1:
        edges = np.append(edges, len(text))
    return edges[0::2], edges[1::2] - edges[0::2]


def _value(text: Bytes, start: Ints, length: int) -> NDArray[np.uint64]:
    value = np.zeros(len(start), U64)
    for place in range(length):
        value = value * U64(10) + (text[start + place] - np.uint8(48)).astype(U64)
    return value


def _number(runs: _Runs, which: Ints) -> Ints:
    """The value of runs of one or two digits."""
    start, length = runs.start[which], runs.length[which]
    first = (runs.text[start] - np.uint8(48)).astype(np.int64)
    second = (runs.text[start + length - 1] - np.uint8(48)).astype(np.int64)
    return np.where(length == 2, first * 10 + second, first)


class _Candidates:
    """Collects typed candidates of a block and asks the probe once a kind."""

    def __init__(self) -> None:
        self._found: dict[Kind, list[tuple[NDArray[np.uint64], Ints, Ints, Ints | None]]] = {kind: [] for kind in KINDS}
        self._days: list[Ints] = []

    def add(self, kind: Kind, offset: Ints, length: Ints | int, key: NDArray[np.uint64]) -> None:
        """Keys of numbers at these offsets."""
        if len(key):
            self._found[kind].append((key, offset, np.broadcast_to(np.asarray(length, np.int64), offset.shape), None))

    def add_names(self, dates: _Dates, name: NDArray[np.uint64], date: Ints) -> None:
        """Names, each beside the date of that number."""
        if len(name):
            self._found[Kind.NAME_AND_BIRTH_DATE].append((name, dates.offset, dates.length, date))
            self._days.append(dates.day[date])

    def ask(self, probe: Probe) -> Hits | None:
        parts = []
        for number, kind in enumerate(KINDS):
            batches = self._found[kind]
            if not batches:
                continue
            asked = np.concatenate([key for key, *_ in batches])
            if kind is Kind.NAME_AND_BIRTH_DATE:
                at, record = probe.find_names(asked, np.concatenate(self._days))
            else:
                at, record = probe.find(kind, asked)
            if not len(at):
                continue
            first = 0
            for key, offset, length, value in batches:
                here = (at >= first) & (at < first + len(key))
                which = at[here] - first
                which = which if value is None else value[which]
                kinds, widths = np.full(len(which), number, np.uint8), np.ones(len(which), np.uint8)
                parts.append(Hits(offset[which], length[which], kinds, record[here], widths))
                first += len(key)
        return _joined(parts) if parts else None


def _scan_view(text: Bytes, probe: Probe, kinds: Collection[Kind], borders: Ints | None) -> Hits | None:
    start, length = _runs(text, (text - np.uint8(48)) < np.uint8(10))
    if not len(start):
        return None
    runs = _Runs(text, start, length)
    candidates = _Candidates()
    if Kind.SSN in kinds or Kind.MEMBER_ID in kinds:
        _bare_numbers(runs, probe, candidates)
        _grouped_ssn(runs, candidates)
    if Kind.NAME_AND_BIRTH_DATE in kinds:
        _names_with_dates(runs, candidates, borders)
    return candidates.ask(probe)


def _windows(runs: _Runs, which: Ints, size: int) -> Ints:
    """The start of every window of `size` digits in these runs."""
    count = runs.length[which] - size + 1
    before = np.cumsum(count) - count
    windows: Ints = np.repeat(runs.start[which], count) + (np.arange(count.sum()) - np.repeat(before, count))
    return windows


def _bare_numbers(runs: _Runs, probe: Probe, candidates: _Candidates) -> None:
    nine = np.flatnonzero(runs.length == 9)
    candidates.add(Kind.SSN, runs.start[nine], 9, keys.digits(_value(runs.text, runs.start[nine], 9), 9))
    for short in (7, 8):  # a spreadsheet drops leading zeros
        some = np.flatnonzero(runs.length == short)
        candidates.add(Kind.SSN, runs.start[some], short, keys.digits(_value(runs.text, runs.start[some], short), 9))
    run_together = np.flatnonzero((runs.length >= WIDE_ENOUGH) & (runs.length <= LONGEST))
    if len(run_together):
        at = _windows(runs, run_together, 9)
        candidates.add(Kind.SSN, at, 9, keys.digits(_value(runs.text, at, 9), 9))
    for size in sorted(probe.id_digits):
        some = np.flatnonzero(runs.length == size)
        candidates.add(
            Kind.MEMBER_ID, runs.start[some], size, keys.digits(_value(runs.text, runs.start[some], size), size)
        )
        longer = run_together[runs.length[run_together] > size]
        if len(longer):
            at = _windows(runs, longer, size)
            candidates.add(Kind.MEMBER_ID, at, size, keys.digits(_value(runs.text, at, size), size))


_HYPHENS = _table((0x20, 0x20), (0x2D, 0x2E), (0xA0, 0xA0))
# UTF-8 of no-break space, and of the hyphens and dashes U+2010 to U+2014.
_TWO_BYTE_GAP = (0xC2, 0xA0)
_THREE_BYTE_GAP = (0xE2, 0x80)


def _grouped_ssn(runs: _Runs, candidates: _Candidates) -> None:
    if len(runs.start) < 3:
        return
    length, text = runs.length, runs.text
    at = np.flatnonzero((length[:-2] == 3) & (length[1:-1] == 2) & (length[2:] == 4))
    if not len(at):
        return
    end_1, end_2 = runs.start[at] + 3, runs.start[at + 1] + 2
    gap = runs.start[at + 1] - end_1
    same = (gap == runs.start[at + 2] - end_2) & (gap >= 1) & (gap <= 3)
    at, end_1, end_2, gap = at[same], end_1[same], end_2[same], gap[same]
    if not len(at):
        return
    alike = text[end_1] == text[end_2]
    second, third = text[end_1 + np.minimum(gap - 1, 1)], text[end_1 + gap - 1]
    dash = (third >= 0x90) & (third <= 0x94)
    fits = alike & (
        ((gap == 1) & _HYPHENS[text[end_1]])
        | ((gap == 2) & (text[end_1] == _TWO_BYTE_GAP[0]) & (second == _TWO_BYTE_GAP[1]))
        | ((gap == 3) & (text[end_1] == _THREE_BYTE_GAP[0]) & (second == _THREE_BYTE_GAP[1]) & dash)
    )  # fmt: skip
    at = at[fits]
    if len(at):
        value = _value(text, runs.start[at], 3) * U64(100) + _value(text, runs.start[at + 1], 2)
        value = value * U64(10_000) + _value(text, runs.start[at + 2], 4)
        whole = runs.start[at + 2] + 4 - runs.start[at]
        candidates.add(Kind.SSN, runs.start[at], whole, keys.digits(value, 9))


# ----------------------------------------------------------------------------------------------------------- dates


class _Dates(NamedTuple):
    day: Ints
    """Days since 1970-01-01."""
    offset: Ints
    length: Ints


FIRST_YEAR, LAST_YEAR = 1890, 2040
_DATE_GAP = _table((0x20, 0x20), (0x2D, 0x2F))


def _dates_of(year: Ints, month: Ints, day: Ints, offset: Ints, length: Ints) -> _Dates:
    """The dates among these that exist in the calendar."""
    ok = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    year, month, day = year[ok], month[ok], day[ok]
    months = (year - 1970) * 12 + month - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    exists = first + day <= following
    return _Dates((first + day - 1)[exists], offset[ok][exists], length[ok][exists])


def _numeric_dates(runs: _Runs) -> _Dates:
    text, start, length = runs.text, runs.start, runs.length
    found = [_NO_DATES]
    some = start[length == 8]
    if len(some):
        value = _value(text, some, 8).astype(np.int64)
        eight = np.full(len(some), 8, np.int64)
        found.append(_dates_of(value // 10_000, value // 100 % 100, value % 100, some, eight))
        found.append(_dates_of(value % 10_000, value // 1_000_000, value // 10_000 % 100, some, eight))
    if len(start) < 3:
        return _all_dates(found)
    end = start + length
    close = (start[1:-1] - end[:-2] == 1) & (start[2:] - end[1:-1] == 1)
    close &= (length[1:-1] <= 2) & (length[:-2] <= 4) & (length[2:] <= 4)
    at = np.flatnonzero(close)
    gap = text[end[at]]
    at = at[_DATE_GAP[gap] & (gap == text[end[at + 1]])]
    span = end[at + 2] - start[at]
    ymd = (length[at] == 4) & (length[at + 2] <= 2)
    big_end = at[ymd]
    year = _value(text, start[big_end], 4).astype(np.int64)
    found.append(_dates_of(year, _number(runs, big_end + 1), _number(runs, big_end + 2), start[big_end], span[ymd]))
    tail = (length[at] <= 2) & ((length[at + 2] == 4) | (length[at + 2] == 2))
    at, span = at[tail], span[tail]
    four = length[at + 2] == 4
    year = np.empty(len(at), np.int64)
    year[four] = _value(text, start[at[four] + 2], 4).astype(np.int64)
    year[~four] = _value(text, start[at[~four] + 2], 2).astype(np.int64) + 1900
    first, second = _number(runs, at), _number(runs, at + 1)
    swapped = (first > 12) | ((second <= 12) & _day_first_around(first, second))
    month, day = np.where(swapped, second, first), np.where(swapped, first, second)
    found.append(_dates_of(year, month, day, start[at], span))
    # A two-digit year does not say its century; the name beside it decides.
    found.append(_dates_of(year[~four] + 100, month[~four], day[~four], start[at[~four]], span[~four]))
    return _all_dates(found)


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


_NO_DATES = _Dates(*(np.zeros(0, np.int64),) * 3)


def _all_dates(found: list[_Dates]) -> _Dates:
    return _Dates(*(np.concatenate(column) for column in zip(*found, strict=True)))


LONGEST_MONTH = 14
"""Bytes between the day and the year of `3. September, 1961` at most."""


def _days_with_year(runs: _Runs) -> Ints:
    """The runs that may be the day of a written date: a year stands so close behind that the month has room."""
    start, length = runs.start, runs.length
    gap = start[1:] - start[:-1] - length[:-1]
    long = np.flatnonzero((length[:-1] <= 2) & (length[1:] == 4) & (gap <= LONGEST_MONTH))
    century = _value(runs.text, start[long + 1], 2)
    long = long[(century >= 18) & (century <= 20)]
    short = np.flatnonzero((length[:-1] <= 2) & (length[1:] == 2) & (gap == len("-Feb-")))
    return np.concatenate((long, short[_hyphens_between(runs, short, short + 1)]))


def _hyphens_between(runs: _Runs, day: Ints, year: Ints) -> NDArray[np.bool_]:
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


def _written_dates(runs: _Runs, words: _Words) -> list[_Dates]:
    """`February 3, 1961`, `3 Feb 1961`, `03FEB1961`, `3-Feb-61` and their like."""
    place = np.minimum(np.searchsorted(_MONTH_SORTED, words.hashes), len(_MONTH_SORTED) - 1)
    is_month = _MONTH_SORTED[place] == words.hashes
    month = _MONTH_NUMBERS[_MONTH_ORDER[place[is_month]]]
    begin, end = words.start[is_month], words.end[is_month]
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
        length, day = ends[y] - offset, _number(runs, d)
        year = np.zeros(len(y), np.int64)
        year[four] = _value(runs.text, runs.start[y[four]], 4).astype(np.int64)
        year[~four] = _number(runs, y[~four]) + 1900
        found.append(_dates_of(year, m, day, offset, length))
        found.append(_dates_of(year[~four] + 100, m[~four], day[~four], offset[~four], length[~four]))
    return found


# ----------------------------------------------------------------------------------------------------------- names

# Bytes from 0x80 on are letters, with few exceptions: in UTF-8 and Latin-1 alike that is what they are inside a name.
# 0xFF is none in UTF-8, nearly none in Latin-1, and what erased flash memory is filled with.
_LETTER = _table((65, 90), (97, 122), (128, 254))
_LOWER = np.arange(256, dtype=U64)
_LOWER[65:91] += 32


def _powers(base: int) -> NDArray[np.uint64]:
    powers = np.full(BLOCK + 2 * MARGIN + 1, base, U64)
    powers[0] = 1
    return np.cumprod(powers, dtype=U64)


_POWER = _powers(keys.TOKEN_BASE)
_INVERSE = _powers(pow(keys.TOKEN_BASE, -1, 1 << 64))

SHORTEST_WORD, LONGEST_WORD = 2, 32


class _Words(NamedTuple):
    start: Ints
    end: Ints
    hashes: NDArray[np.uint64]


def _letters(text: Bytes) -> NDArray[np.bool_]:
    letters = _LETTER[text]
    high = text >= 0x80
    if high.any():
        # U+0080 to U+00BF and U+2000 to U+203F (no-break space, dashes, the typographic apostrophe) are no letters, in
        # UTF-8 as in the one byte that Latin-1 and Windows-1252 take for them.
        alone = (text[1:] < 0xC0) & high[1:] & ~high[:-1]
        letters[1:][alone] = False
        pair = np.flatnonzero(text[:-1] == 0xC2)
        letters[pair] = letters[pair + 1] = False
        three = np.flatnonzero((text[:-2] == 0xE2) & (text[1:-1] == 0x80))
        letters[three] = letters[three + 1] = letters[three + 2] = False
    return letters


REACH_BEFORE = BEFORE + LONGEST_WORD + 1
REACH_AFTER = AFTER + 4 * LONGEST_WORD + 6 * NAME_GAP
"""Bytes before and after a date in which the words of a name that counts with it begin and end, with what precedes."""


def _words_near(text: Bytes, begin: Ints, end: Ints) -> _Words | None:
    """The words that may belong to a name beside these stretches of text; where they are rare, others are skipped."""
    if not len(begin):
        return None
    low, high = np.maximum(begin - REACH_BEFORE, 0), np.minimum(end + REACH_AFTER, len(text))
    if int((high - low).sum()) * 2 > len(text):
        return _find_words(text)
    depth = np.zeros(len(text) + 1, np.int32)
    np.add.at(depth, low, 1)
    np.add.at(depth, high, -1)
    inside = np.cumsum(depth[:-1]) > 0
    at = np.flatnonzero(inside)
    parts = text[at]
    parts[1:][at[1:] - at[:-1] > 1] = 0  # the slack of `REACH_BEFORE`: no word of a name begins here
    words = _find_words(parts)
    return words and _Words(at[words.start], at[words.end - 1] + 1, words.hashes)


def _find_words(text: Bytes) -> _Words | None:
    start, length = _runs(text, _letters(text))
    keep = (length >= SHORTEST_WORD) & (length <= LONGEST_WORD)
    start, end = start[keep], (start + length)[keep]
    if not len(start):
        return None
    # Differences of prefix sums give the hash of every word at once; the inverse power moves each to place 0.
    sums = np.zeros(len(text) + 1, U64)
    np.cumsum(_LOWER[text] * _POWER[: len(text)], out=sums[1:])
    return _Words(start, end, (sums[end] - sums[start]) * _INVERSE[start])


def _names_with_dates(runs: _Runs, candidates: _Candidates, borders: Ints | None) -> None:
    dates = _numeric_dates(runs)
    day = _days_with_year(runs)
    words = _words_near(
        runs.text,
        np.concatenate((dates.offset, runs.start[day] - LONGEST_MONTH)),
        np.concatenate((dates.offset + dates.length, runs.start[day + 1] + 4)),
    )
    if words is None:
        return
    if len(day):
        dates = _all_dates([dates, *_written_dates(runs, words)])
    first, last = dates.offset - BEFORE, dates.offset + dates.length + AFTER
    if borders is not None:
        row = np.searchsorted(borders, dates.offset, side="right")
        first = np.maximum(first, np.append(0, borders)[row])
        last = np.minimum(last, borders[row])
    low, high = np.searchsorted(words.start, first), np.searchsorted(words.start, last)
    count = high - low
    total = int(count.sum())
    if not total:
        return
    date = np.repeat(np.arange(len(count)), count)
    word = np.repeat(low, count) + (np.arange(total) - np.repeat(np.cumsum(count) - count, count))
    mixed = keys.mix(words.hashes)
    for step in (1, 2, 3):  # neighbours, and past one or two middle names or suffixes
        near = words.start[step:] - words.end[:-step] <= NAME_GAP * step
        here = np.flatnonzero(np.append(near, np.zeros(step, bool))[word])
        if borders is not None:
            here = here[words.start[word[here] + step] < last[date[here]]]
        pair = word[here]
        candidates.add_names(dates, keys.name_part(mixed[pair], mixed[pair + step]), date[here])
