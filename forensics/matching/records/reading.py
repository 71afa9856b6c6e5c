"""Rows to source records: every value brought to one spelling, what cannot be read counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache

from forensics import hashing
from forensics.errors import Refused
from forensics.hashing import Digest
from forensics.matching import normal
from forensics.matching.records.columns import SourceFile, order_shown
from forensics.matching.records.fields import KEPT, is_date, is_serial_day
from forensics.matching.records.origin import Row, opened
from forensics.matching.records.quality import PLACEHOLDER_DATES, PLACEHOLDER_SSNS, Quality, Tally
from forensics.model import SourceRecord

_NO = {"", "n", "no", "false", "0", "f", "alive"}

_EXCEL_EPOCH = date(1899, 12, 30)
"""Behind day 60, which stands for a day that never was."""


class Reader:
    """The records of a source in its order, normalised. Once all were taken, `quality` is complete, `unused` holds the
    values that belong to no person, and `sha256` is what was read.

    Raises `Refused` where the key is missing in a row, or stands in two that differ.
    """

    def __init__(self, source: SourceFile, quality: Quality) -> None:
        self.source = source
        self.quality = quality
        self.unused: dict[str, frozenset[str]] = {}
        self._digest = hashing.new("sha256")

    @property
    def sha256(self) -> str:
        """SHA-256 of the rows that were read, header first: each cell as a netstring (its bytes in UTF-8 behind their
        number and a colon, a comma behind them), a line feed after each row."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[SourceRecord]:
        source, quality = self.source, self.quality
        place = {name: source.header.index(column) for name, column in source.mapping.items()}
        used = set(source.mapping.values())
        quality.ignored_columns = [column for column in source.header if column not in used]
        quality.empty = dict.fromkeys(source.mapping, 0)
        tally = Tally(quality)
        seen: dict[str, tuple[int, int]] = {}
        with opened(source.origin, source.key) as table:
            if table.header != source.header:
                raise Refused(f"{source.origin.said} changed while it was read.", "Run this again.")
            if source.origin.is_url:
                _feed(self._digest, table.header)
            for line, row in enumerate(table.rows, table.header_row + 1):
                if source.origin.is_url:
                    _feed(self._digest, row)
                if not any(cell.strip() for cell in row):
                    continue
                quality.rows += 1
                key = row[place["record_key"]].strip() if place["record_key"] < len(row) else ""
                if not key:
                    raise Refused(
                        f"Row {line} of {source.origin.said} has nothing in its key column {source.key}.",
                        "Choose a column that is filled in every row with --key.",
                    )
                content = hash(tuple(row))
                if key in seen:
                    if seen[key][1] == content:
                        quality.repeated_rows += 1
                        continue
                    raise Refused(
                        f"Rows {seen[key][0]} and {line} of {source.origin.said} have the same {source.key}.",
                        "Choose a column whose values are unique with --key, or remove the double rows.",
                    )
                seen[key] = line, content
                record = _record(row, place, source, quality)
                tally.add(record)
                yield record
        self.unused = tally.finish()


def read(source: SourceFile, quality: Quality) -> Iterator[SourceRecord]:
    """The records of a source; `quality` is complete when the last was taken."""
    return iter(Reader(source, quality))


def _feed(digest: Digest, row: Row) -> None:
    cells = [cell.encode("utf-8", "surrogatepass") for cell in row]
    digest.update(b"".join(b"%d:%b," % (len(cell), cell) for cell in cells) + b"\n")


def _record(row: Row, place: Mapping[str, int], source: SourceFile, quality: Quality) -> SourceRecord:
    width = len(row)
    cells = {name: row[at].strip() if at < width else "" for name, at in place.items()}
    for name, value in cells.items():
        if not value:
            quality.empty[name] += 1

    def cell(name: str) -> str:
        return cells.get(name, "")

    given, middle, family = cell("given_name"), cell("middle_name"), cell("family_name")
    if not family and (full := cell("full_name")):
        given, middle, family = _split_name(full)
    number = normal.ssn(cell("ssn"))
    quality.unreadable_ssns += bool(cell("ssn") and not number)
    ssn = _without_placeholder(number, PLACEHOLDER_SSNS, "ssn", quality)
    return SourceRecord(
        record_key=cell("record_key"),
        given_name=given,
        middle_name=middle,
        family_name=family,
        suffix=cell("suffix"),
        birth_date=_birth_date(cell("birth_date"), source, quality),
        ssn=ssn,
        member_id=cell("member_id"),
        address=cell("address"),
        city=cell("city"),
        state=cell("state").upper(),
        postal_code=cell("postal_code"),
        phone=normal.phone(cell("phone")),
        email=cell("email"),
        deceased=cell("deceased").lower() not in _NO,
        extra={name: _kept(name, cells[name]) for name in KEPT if cells.get(name)},
    )


def _kept(name: str, text: str) -> str:
    return normal.single_date(text) or text if name == "member_until" else text


def _birth_date(text: str, source: SourceFile, quality: Quality) -> str:
    if not text:
        return ""
    order = source.dates.order
    if order == "excel" and is_serial_day(text):
        found = _of_serial(int(text))
    else:
        shown = order_shown(text)
        quality.dates_against_order += shown not in ("", "?", order)
        quality.ambiguous_dates += shown == "?" and not source.dates.certain
        found = normal.single_date(text, order == "dmy")
    quality.unreadable_dates += not found and not is_date(text)
    return _without_placeholder(found, PLACEHOLDER_DATES, "birth_date", quality)


@lru_cache(maxsize=1 << 16)
def _of_serial(day: int) -> str:
    return (_EXCEL_EPOCH + timedelta(days=day + (day < 60))).isoformat()


def _without_placeholder(value: str, placeholders: set[str], name: str, quality: Quality) -> str:
    if value not in placeholders:
        return value
    quality.placeholders[name] = quality.placeholders.get(name, 0) + 1
    return ""


def _split_name(full: str) -> tuple[str, str, str]:
    """Given, middle and family name of `Last, First Middle` or `First Middle Last`."""
    if "," in full:
        family, _, rest = full.partition(",")
        given, _, middle = rest.strip().partition(" ")
        return given, middle.strip(), family.strip()
    parts = full.split()
    if len(parts) < 2:
        return "", "", full
    return parts[0], " ".join(parts[1:-1]), parts[-1]
