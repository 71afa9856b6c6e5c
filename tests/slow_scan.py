"""The raw scan once more, byte by byte and without arrays: what `detection.scan` has to find, said a second time.

Nothing is shared with the scan but the constants of its promise. Values are compared as they are, not by keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from forensics.model import Kind

Hit = tuple[int, int, Kind, int]
"""Offset and length in bytes, kind, record."""


@dataclass(frozen=True)
class Held:
    """What the records hold: numbers by nine digits, ids by their digits, and words of a name with a birth date."""

    ssns: Mapping[bytes, int]
    ids: Mapping[bytes, int]
    births: Mapping[tuple[frozenset[bytes], date], int]


def slow_scan(data: bytes, held: Held, ebcdic: bool) -> set[Hit]:
    """All hits in the data, which is read in code page 037 as well where `ebcdic` says that it may be."""
    hits = set(_in_text(data, held))
    if ebcdic:
        hits |= set(_in_text(data.decode("cp037").encode("latin-1", "replace"), held))
    for phase in (0, 1):
        for order in ("little", "big"):
            text = bytes(_utf_16(data, phase, order))
            hits |= {(at * 2 + phase, size * 2, kind, record) for at, size, kind, record in _in_text(text, held)}
    return hits


def _utf_16(data: bytes, phase: int, order: str) -> Iterator[int]:
    """The low bytes at a phase: of characters up to U+00FF as they are, of U+2010 to U+2014 a hyphen, else zero."""
    for at in range(phase, len(data), 2):
        other = at + 1 if order == "little" else at - 1
        high = data[other] if 0 <= other < len(data) else 0xFF
        if high == 0x20 and 0x10 <= data[at] <= 0x14:
            yield ord("-")
        else:
            yield data[at] if high == 0 and data[at] >= 9 else 0


def _in_text(text: bytes, held: Held) -> Iterator[Hit]:
    for at, digits, size in _numbers(text):
        if len(digits) == 9 and digits in held.ssns:
            yield at, size, Kind.SSN, held.ssns[digits]
        if size == len(digits) and digits in held.ids:
            yield at, size, Kind.MEMBER_ID, held.ids[digits]
    words = list(_words(text))
    pairs = [
        (one[0], frozenset((one[2], two[2])))
        for step in (1, 2, 3)
        for one, two in zip(words, words[step:], strict=False)
        if two[0] - one[1] <= 24 * step
    ]
    for day, at, size in _dates(text, words):
        for start, names in pairs:
            if at - 96 <= start < at + size + 64 and (names, day) in held.births:
                yield at, size, Kind.NAME_AND_BIRTH_DATE, held.births[names, day]


_GROUPED = re.compile(
    # Of the second gap only its length and its first byte count.
    rb"(?<![0-9])(?=([0-9]{3})(?:([ .\xa0-])([0-9]{2})\2|(?:\xc2\xa0)([0-9]{2})\xc2[^0-9]"
    rb"|(?:\xe2\x80[\x90-\x94])([0-9]{2})\xe2[^0-9]{2})([0-9]{4})(?![0-9]))",
    re.DOTALL,
)


def _numbers(text: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Where numbers begin, their digits with zeros that were lost, and how many bytes they stand on."""
    for run in re.finditer(rb"[0-9]+", text):
        digits, size = run[0], len(run[0])
        yield run.start(), digits, size
        if size in (7, 8):
            yield run.start(), digits.rjust(9, b"0"), size
        if 11 <= size <= 64:
            for begin in range(size):
                for end in range(begin + 1, size + 1):
                    if end - begin < size:
                        yield run.start() + begin, digits[begin:end], end - begin
    for group in _GROUPED.finditer(text):
        middle = group[3] or group[4] or group[5]
        yield group.start(), group[1] + middle + group[6], group.end(6) - group.start()


def _words(text: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Start, end and lower case of the words of 2 to 32 bytes."""
    # U+0080 to U+00BF in UTF-8, U+2000 to U+203F, and a byte of 0x80 to 0xBF alone are no letters.
    letters = bytearray(text)
    for at, byte in enumerate(text):
        if byte == 0xC2:
            letters[at : at + 2] = b"  "[: len(text) - at]
        elif text[at : at + 2] == b"\xe2\x80" and at + 2 < len(text):
            letters[at : at + 3] = b"   "
        elif at and 0x80 <= byte < 0xC0 and text[at - 1] < 0x80:
            letters[at] = 0x20
    for word in re.finditer(rb"[A-Za-z\x80-\xfe]+", bytes(letters)):
        if 2 <= len(word[0]) <= 32:
            yield word.start(), word.end(), bytes(text[word.start() : word.end()]).lower()


_TRIPLE = re.compile(rb"(?<![0-9])(?=([0-9]{1,4})([ ./-])([0-9]{1,2})\2([0-9]{1,4})(?![0-9]))")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = {name.encode(): number for number, month in enumerate(_MONTHS, 1) for name in (month, month[:3])}
_MONTH[b"sept"] = 9

Dated = tuple[date, int, int]


def _dates(text: bytes, words: list[tuple[int, int, bytes]]) -> Iterator[Dated]:
    """Days, where they begin, and how many bytes they stand on."""
    ambiguous = []
    for triple in _TRIPLE.finditer(text):
        first, middle, last = triple[1], triple[3], triple[4]
        at, size = triple.start(), triple.end(4) - triple.start()
        if len(first) == 4 and len(last) <= 2:
            yield from _existing(int(first), int(middle), int(last), at, size)
        if len(first) <= 2 and len(last) in (2, 4):
            ambiguous.append((int(first), int(middle), last, at, size))
    for place, (first_number, second, last, at, size) in enumerate(ambiguous):
        around = ambiguous[max(0, place - 16) : place + 17]
        votes = sum((a > 12 >= b) - (b > 12 >= a) for a, b, *_ in around)
        day_first = first_number > 12 or (second <= 12 and votes > 0)
        month, day = (second, first_number) if day_first else (first_number, second)
        for year in (int(last),) if len(last) == 4 else (1900 + int(last), 2000 + int(last)):
            yield from _existing(year, month, day, at, size)
    runs = list(re.finditer(rb"[0-9]+", text))
    for run in runs:
        if len(run[0]) == 8:
            yield from _existing(int(run[0][:4]), int(run[0][4:6]), int(run[0][6:]), run.start(), 8)
            yield from _existing(int(run[0][4:]), int(run[0][:2]), int(run[0][2:4]), run.start(), 8)
    for start, end, word in words:
        if word in _MONTH:
            yield from _written(text, runs, start, end, _MONTH[word])


def _written(text: bytes, runs: list[re.Match[bytes]], start: int, end: int, month: int) -> Iterator[Dated]:
    """The dates of which this is the month: `3 Feb 1961`, `3-Feb-61`, `February 3, 1961`."""
    before = [run for run in runs if run.end() <= start][-1:]
    behind = [run for run in runs if run.start() >= end][:2]
    for day in before:
        for year in behind[:1]:
            near = start - day.end() <= 4 and year.start() - end <= 3 and len(day[0]) <= 2
            hyphens = text[day.end()] == text[year.start() - 1] == ord("-") if near else False
            if near and len(year[0]) == 4 and 18 <= int(year[0][:2]) <= 20 and year.start() - day.end() <= 14:
                yield from _existing(int(year[0]), month, int(day[0]), day.start(), year.end() - day.start())
            if hyphens and len(year[0]) == 2 and year.start() - day.end() == 5:
                for century in (1900, 2000):
                    written = century + int(year[0])
                    yield from _existing(written, month, int(day[0]), day.start(), year.end() - day.start())
    if len(behind) == 2:
        day, year = behind
        near = 1 <= day.start() - end <= 2 and 1 <= year.start() - day.end() <= 4
        if near and len(day[0]) <= 2 and len(year[0]) == 4 and 18 <= int(year[0][:2]) <= 20:
            yield from _existing(int(year[0]), month, int(day[0]), start, year.end() - start)


def _existing(year: int, month: int, day: int, at: int, size: int) -> Iterator[Dated]:
    if 1890 <= year <= 2040 and 1 <= month <= 12:
        try:
            yield date(year, month, day), at, size
        except ValueError:
            return
