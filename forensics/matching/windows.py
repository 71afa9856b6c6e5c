"""The road of the raw scan: hits become evidence by what else stands in their line, or close by.

Fields count together within one line; where the line alone does not show who it is, within `NEAR` bytes on either
side. No wider.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forensics.matching.agreement import DECIDING, Text, elements_in
from forensics.matching.index import RecordIndex
from forensics.model import Kind

LINE = 600
"""Bytes to either side within which the ends of a line are looked for."""

NEAR = 200

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


def find_in_text(data: bytes, hits: FoundHits, index: RecordIndex) -> list[Found]:
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
    for record, all_hits in by_record.items():
        for here, (begin, end) in _by_line(data, all_hits, lines):
            best = min(here, key=lambda hit: hit.order)
            elements = elements_in(index.person(record), _text(texts, data, begin, end, best))
            if len(elements & DECIDING) > 1:
                found.append(Found(record, best.offset, best.length, elements, "line"))
            else:
                unsure.setdefault(record, []).extend(here)
    for record, here in unsure.items():
        for cluster in _clusters(here):
            best = min(cluster, key=lambda hit: hit.order)
            near = NEAR * best.width
            begin = max(best.offset % best.width, cluster[0].offset - near)
            end = min(len(data), cluster[-1].offset + cluster[-1].length + near)
            elements = elements_in(index.person(record), _text(texts, data, begin, end, best))
            deciding = elements & DECIDING
            if len(deciding) > 1 or deciding & {"ssn", "member_id"}:
                found.append(Found(record, best.offset, best.length, elements, "window"))
    return sorted(found, key=lambda item: (item.offset, item.record))


LETTER = 16 << 10
"""Bytes of a text that is short enough to be about one person as a whole."""


def of_one_person(data: bytes, found: list[Found], encoding: str, index: RecordIndex) -> list[Found]:
    """The evidence of a short text with all its values added, where the text shows one person and nobody else.

    In a letter name and address stand far above the number; what stands in it is that person's all the same.
    """
    clear = {item.record for item in found if len(item.agree) > 1}
    if len(data) > LETTER or len(clear) != 1 or {item.record for item in found} != clear:
        return found
    text = Text.of(data.decode("utf-8" if encoding == "binary" else encoding, "replace"))
    return [replace(item, elements=item.elements | elements_in(index.person(item.record), text)) for item in found]


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


# What ends a line in text, and in what is not text; a tabulator is part of a line.
_END = re.compile(rb"[\x00-\x08\x0a-\x1f]")
_EBCDIC_END = re.compile(rb"[\x00-\x04\x06-\x3f]")


def _line(data: bytes, hit: _Hit) -> tuple[int, int]:
    """Begin and end of the line around a hit, cut at `LINE` characters to either side."""
    offset, width = hit.offset, hit.width
    low = max(offset % width, offset - LINE * width)
    high = min(len(data), offset + hit.length + LINE * width)
    end_of_line = _EBCDIC_END if width == 1 and _is_ebcdic(data, offset) else _END
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
        text = known[key] = Text.of(_decode(data[begin:end], hit.width, _is_ebcdic(data, hit.offset)))
    return text


def _decode(raw: bytes, width: int, ebcdic: bool) -> str:
    if width == 2:
        return raw[: len(raw) & ~1].decode("utf-16-le", "replace")
    if ebcdic:
        return raw.decode("cp037")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
