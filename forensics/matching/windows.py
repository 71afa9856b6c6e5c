"""The road of the raw scan: hits become evidence by what else stands in their line, or close by.

Fields count together within one line; where the line alone does not show who it is, within `NEAR` bytes on either
side. No wider; and not over a line that shows somebody else, nor from one row of a table into the next.
"""

from __future__ import annotations

import bisect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forensics.matching.agreement import DECIDING, Text, elements_in
from forensics.matching.fingerprints import Fingerprinted
from forensics.matching.index import Person, RecordIndex
from forensics.model import Kind

LINE = 600
"""Bytes to either side within which the ends of a line are looked for."""

NEAR = 200

REACH = 4 * LINE
"""Bytes further than which no line matters to a hit: a line of UTF-16 has two bytes a character, on either side."""

IDENTIFIERS, NAMESAKE = frozenset({"ssn", "member_id"}), frozenset({"name", "birth_date"})

RANK = (Kind.SSN, Kind.MEMBER_ID, Kind.NAME_AND_BIRTH_DATE)
"""Of several hits at one place the first kind gives the place its offset."""


class FoundHits(Protocol):
    """Hits of the raw scan, column by column; `kind` indexes into RANK."""

    @property
    def offset(self) -> NDArray[np.int64]: ...
    @property
    def length(self) -> NDArray[np.int64]: ...
    @property
    def kind(self) -> NDArray[np.uint8]: ...
    @property
    def record(self) -> NDArray[np.uint32]: ...
    @property
    def width(self) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, slots=True)
class Found:
    """One record at one place of a stretch of bytes: `offset` and `length` of the value that stands for the place."""

    record: int
    offset: int
    length: int
    elements: frozenset[str]
    road: str
    conflict: frozenset[str] = frozenset()
    """The identifiers by which its line shows somebody else of the same name and birth date."""
    wide: frozenset[str] = frozenset()
    """Of a number alone: the deciding fields within twice the window, for those who ask what a wider one would show."""

    @property
    def agree(self) -> frozenset[str]:
        return self.elements & DECIDING


@dataclass(frozen=True, slots=True)
class _Hit:
    offset: int
    length: int
    kind: int
    width: int

    @property
    def order(self) -> tuple[int, int]:
        return self.kind, self.offset


class Persons(Protocol):
    """Whoever knows the fields behind the numbers that hits carry: the records' index, or its decoys."""

    def person(self, record: int) -> Person | Fingerprinted: ...


def find_in_text(data: bytes, hits: FoundHits, index: Persons) -> list[Found]:
    """The evidence of these hits in `data`, one a record and line, by offset.

    Places where only a name or a date would agree are none and are left out; a number alone is kept.
    """
    by_record: dict[int, list[_Hit]] = {}
    for offset, length, kind, record, width in zip(
        hits.offset.tolist(), hits.length.tolist(), hits.kind.tolist(), hits.record.tolist(), hits.width.tolist(),
        strict=True,
    ):  # fmt: skip
        by_record.setdefault(record, []).append(_Hit(offset, length, kind, width))
    texts: dict[tuple[int, int, int], Text] = {}
    lines: dict[tuple[int, int], tuple[int, int]] = {}
    found: list[Found] = []
    unsure: dict[int, list[_Hit]] = {}
    clear: dict[tuple[int, int], set[int]] = {}
    where: dict[tuple[int, int], tuple[int, int]] = {}
    for record, all_hits in by_record.items():
        for here, (begin, end) in _by_line(data, all_hits, lines):
            best = min(here, key=lambda hit: hit.order)
            elements = elements_in(index.person(record), _text(texts, data, begin, end, best))
            if len(elements & DECIDING) > 1:
                found.append(Found(record, best.offset, best.length, elements, "line"))
                where[record, best.offset] = begin, end
                clear.setdefault((begin, end), set()).add(record)
            else:
                unsure.setdefault(record, []).extend(here)
    fences = _Fences(clear)
    for record, here in unsure.items():
        for cluster in _clusters(here):
            best = min(cluster, key=lambda hit: hit.order)
            fence = fences.around(record, cluster)
            begin, end = _window(data, cluster, best, fence)
            elements = elements_in(index.person(record), _text(texts, data, begin, end, best))
            deciding = elements & DECIDING
            if len(deciding) > 1:
                found.append(Found(record, best.offset, best.length, elements, "window"))
            elif deciding & IDENTIFIERS:
                begin, end = _window(data, cluster, best, fence, 2)
                wide = elements_in(index.person(record), _text(texts, data, begin, end, best)) & DECIDING
                found.append(Found(record, best.offset, best.length, elements, "window", wide=wide))
    return sorted(_namesakes_told(found, where), key=lambda item: (item.offset, item.record))


def _namesakes_told(found: list[Found], where: Mapping[tuple[int, int], tuple[int, int]]) -> list[Found]:
    """The same, where a line's identifier says which of two persons with one name and birth date it is.

    `where` gives the line of a record at an offset; what a window showed has none.
    """
    told: dict[tuple[int, int], frozenset[str]] = {}
    lines = [where.get((item.record, item.offset)) for item in found]
    for item, line in zip(found, lines, strict=True):
        if line and item.agree & IDENTIFIERS and item.agree >= NAMESAKE:
            told[line] = told.get(line, frozenset()) | (item.agree & IDENTIFIERS)
    return [
        replace(item, conflict=told[line]) if line and line in told and item.agree == NAMESAKE else item
        for item, line in zip(found, lines, strict=True)
    ]


class _Fences:
    """Lines that show somebody: the window of somebody else ends at them."""

    def __init__(self, clear: Mapping[tuple[int, int], set[int]]) -> None:
        self._lines = sorted(clear)
        self._persons = [clear[line] for line in self._lines]

    def around(self, record: int, cluster: Sequence[_Hit]) -> tuple[int, int]:
        """Between which offsets these hits of a record may look around."""
        first, last = cluster[0].offset, cluster[-1].offset
        low, high = 0, sys.maxsize
        here = bisect.bisect_right(self._lines, (first, first))
        at = here - 1
        while at >= 0 and self._lines[at][0] >= first - REACH:
            if self._lines[at][1] <= first and record not in self._persons[at]:
                low = self._lines[at][1]
                break
            at -= 1
        at = here
        while at < len(self._lines) and self._lines[at][0] <= last + REACH:
            if self._lines[at][0] > last and record not in self._persons[at]:
                high = self._lines[at][0]
                break
            at += 1
        return low, high


def _window(
    data: bytes, cluster: Sequence[_Hit], best: _Hit, fence: tuple[int, int], times: int = 1
) -> tuple[int, int]:
    """Begin and end of the stretch around hits of one record in which its fields count together, `times` as wide."""
    low, high = fence
    line = _line(data, best)
    if _is_row(data, line, best.width):
        return line
    near = NEAR * best.width * times
    begin = max(low, cluster[0].offset - near)
    begin += (best.offset - begin) % best.width
    return begin, min(high, len(data), cluster[-1].offset + cluster[-1].length + near)


_DELIMITERS = {b",": 3, b";": 2, b"\t": 2, b"|": 2}
"""What separates the cells of a row, and how many of them no two neighbouring lines of prose have alike."""

_LINE_ENDS = b"\r\n"


def _is_row(data: bytes, line: tuple[int, int], width: int) -> bool:
    """Whether a line before or behind has as many delimiters: these are rows of a table, one person each."""
    begin, end = line
    own = data[begin:end:width]
    # The last whole line of what stands before, and the first of what stands behind.
    before = data[begin % width if begin < LINE * width else begin - LINE * width : begin : width]
    behind = data[end : end + LINE * width : width]
    neighbours = (before.rstrip(_LINE_ENDS).rpartition(b"\n")[2], behind.lstrip(_LINE_ENDS).partition(b"\n")[0])
    return any(
        own.count(delimiter) >= least and own.count(delimiter) in (line.count(delimiter) for line in neighbours)
        for delimiter, least in _DELIMITERS.items()
    )


def without_explained(data: bytes, found: Sequence[Found]) -> bytes:
    """The data with zeros where it shows somebody by two fields or more: what stands there is not there by chance.

    A finding of a table's row covers the row; of a line, the line; of a window, the window.
    """
    rest = bytearray(data)
    for item in found:
        if len(item.agree) < 2:
            continue
        begin, end = item.offset, item.offset + item.length
        if item.road == "window":
            begin, end = max(0, begin - 2 * NEAR), end + 2 * NEAR
        elif item.road != "row":
            # A zero beside a character ends a line of bytes, and the widest reading of the two is taken out.
            lines = [_line(data, _Hit(item.offset, item.length, 0, width)) for width in (1, 2)]
            begin, end = min(line[0] for line in lines), max(line[1] for line in lines)
        rest[begin:end] = bytes(min(end, len(rest)) - begin)
    return bytes(rest)


LETTER = 16 << 10
"""Bytes of a text that is short enough to be about one person as a whole."""

LETTER_ROAD = "letter"


def of_one_person(data: bytes, found: list[Found], encoding: str, index: RecordIndex) -> list[Found]:
    """The evidence of a short text with all its values added, where the text shows one person and nobody else.

    In a letter name and address stand far above the number; what stands in it is that person's all the same.
    """
    clear = {item.record for item in found if len(item.agree) > 1}
    if len(data) > LETTER or len(clear) != 1 or {item.record for item in found} != clear:
        return found
    text = Text(data.decode("utf-8" if encoding == "binary" else encoding, "replace"), day_first=None)
    return [
        replace(item, elements=item.elements | elements_in(index.person(item.record), text), road=LETTER_ROAD)
        for item in found
    ]


def _clusters(hits: Sequence[_Hit]) -> list[list[_Hit]]:
    """Hits of one record that lie within `NEAR` bytes of each other are one place."""
    clusters: list[list[_Hit]] = []
    for hit in sorted(hits, key=lambda hit: hit.offset):
        if clusters and hit.offset - clusters[-1][-1].offset <= NEAR * hit.width:
            clusters[-1].append(hit)
        else:
            clusters.append([hit])
    return clusters


def _by_line(
    data: bytes, hits: list[_Hit], lines: dict[tuple[int, int], tuple[int, int]]
) -> Iterator[tuple[list[_Hit], tuple[int, int]]]:
    """The hits of one record line by line, each with begin and end of its line."""
    here: list[_Hit] = []
    span = (0, 0)
    for hit in sorted(hits, key=lambda hit: hit.offset):
        if here and hit.offset < span[1] and hit.width == here[0].width:
            here.append(hit)
            continue
        if here:
            yield here, span
        where = (hit.offset, hit.width)
        if where not in lines:
            lines[where] = _line(data, hit)
        here, span = [hit], lines[where]
    if here:
        yield here, span


# What ends a line in text, and in what is not text: control characters but for a tabulator, and erased flash memory.
_END = re.compile(rb"[\x00-\x08\x0a-\x1f\xff]")
# In UTF-16 0x10 to 0x14 are the low bytes of dashes (U+2010 to U+2014), which stand inside values.
_UTF_16_END = re.compile(rb"[\x00-\x08\x0a-\x0f\x15-\x1f\xff]")
_EBCDIC_END = re.compile(rb"[\x00-\x04\x06-\x3f\xff]")


def _line(data: bytes, hit: _Hit) -> tuple[int, int]:
    """Begin and end of the line around a hit, cut at `LINE` characters to either side."""
    offset, width = hit.offset, hit.width
    low = max(offset % width, offset - LINE * width)
    high = min(len(data), offset + hit.length + LINE * width)
    end_of_line = _UTF_16_END if width == 2 else _EBCDIC_END if _is_ebcdic(data, offset) else _END
    # In UTF-16 every second byte is the character; the hit says at which of the two phases.
    before, behind = data[low:offset:width], data[offset:high:width]
    opening, closing = end_of_line.search(before[::-1]), end_of_line.search(behind)
    begin = offset - width * opening.start() if opening else low
    return begin, offset + width * closing.start() if closing else high


def _is_ebcdic(data: bytes, offset: int) -> bool:
    """Whether the hit's first character is a letter or digit of code page 037 and none of ASCII."""
    return data[offset] >= 0x81


def _text(known: dict[tuple[int, int, int], Text], data: bytes, begin: int, end: int, hit: _Hit) -> Text:
    key = (begin, end, hit.width)
    text = known.get(key)
    if text is None:
        if hit.width == 2:
            decoded = _decode_utf_16(data, begin, end)
        else:
            decoded = _decode(data[begin:end], _is_ebcdic(data, hit.offset))
        # A line does not say which number is the month: the scan has asked the dates around it.
        text = known[key] = Text(decoded, day_first=None)
    return text


# What two bytes of something else make would be letters of a word they stand beside. Latin, Greek and Cyrillic are not.
_NOT_OF_TEXT = re.compile("[^\x00-\u00fe\u0100-\u052f\u1e00-\u20ff]")


def _decode_utf_16(data: bytes, begin: int, end: int) -> str:
    """The characters whose low bytes stand at `begin` and at every second byte behind it.

    Where the two byte orders do not read alike (at the ends of a run, around dashes) both readings stand in the text.
    """
    size = (end - begin) & ~1
    little = data[begin : begin + size].decode("utf-16-le", "replace")
    big = data[begin - 1 : begin - 1 + size] if begin else b"\xff" + data[: size - 1]
    other = big.decode("utf-16-be", "replace")
    return _NOT_OF_TEXT.sub(" ", little if other == little else f"{little}\t{other}")


def _decode(raw: bytes, ebcdic: bool) -> str:
    if ebcdic:
        return raw.decode("cp037")
    raw = raw.replace(b"\xff", b" ")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # One foreign byte beside a text says nothing about the others: both readings are compared.
        return f"{raw.decode('utf-8', 'replace')}\t{raw.decode('latin-1')}"
