"""Which column is which field: guessed with its reasons, overruled by a person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from forensics.errors import Refused
from forensics.matching import normal
from forensics.matching.records.fields import DATE_ORDERS, FIELDS, LOOKS, NAMES, is_date
from forensics.matching.records.origin import Origin, Row, Table, opened

SAMPLED = 5_000
"""Rows from the start by which columns are recognised."""

BY_CONTENT = 0.95
"""Share of its filled cells that must look like a field for a column to be taken for it whatever its name."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the source and why it is what it is. `field` is empty where it is not used.

    `looks` is the share of the `filled` sampled cells that look like the field; None where its values look like
    anything.
    """

    column: str
    field: str
    why: str
    filled: int
    looks: float | None = None


@dataclass(frozen=True, slots=True)
class DateOrder:
    """How birth dates are read. `certain` is False where no sampled date shows whether day or month comes first."""

    order: str
    why: str
    certain: bool


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A source of records that was opened and understood: its header, and which column is which field."""

    origin: Origin
    header: tuple[str, ...]
    mapping: dict[str, str]
    """Field → column, in the order of `FIELDS`."""
    key: str
    """The column whose value names a record."""
    columns: tuple[Column, ...]
    dates: DateOrder
    how: str = ""
    others: tuple[str, ...] = ()
    missing: str = ""
    """What it lacks to be read, in a sentence; empty where it can be read."""

    @property
    def path(self) -> Path:
        return self.origin.path


UNUSED = "unused"
"""Said of a column instead of a field: what was guessed of it does not hold."""


def understand(source: Path | Origin, overrides: Mapping[str, str], key: str = "", complete: bool = True) -> SourceFile:
    """Guess the columns of a source of records; `overrides` maps columns to fields, or to `UNUSED`, and wins.

    With `complete` False what is not enough to be read is no error but said in `missing`. `birth_date:dmy`,
    `birth_date:mdy` and `birth_date:excel` say how the numbers of birth dates are to be read.
    Raises `Refused` for a source that is no table, a column that is not there, a field that does not exist, and where
    neither an identifier nor name and birth date can be found.
    """
    origin = Origin(source) if isinstance(source, Path) else source
    with opened(origin) as table:
        sample = list(islice(table.rows, SAMPLED))
        found = _understood(origin, table, sample, overrides, key)
    if found.missing and complete:
        raise Refused(
            found.missing, f"Map columns with --map COLUMN=FIELD, or --key; they are: {', '.join(found.header)}."
        )
    return found


def _understood(
    origin: Origin, table: Table, sample: Sequence[Row], overrides: Mapping[str, str], key: str
) -> SourceFile:
    said, header = origin.said, table.header
    _check_header(said, header, sample)
    wanted, order = _overrides(said, header, overrides)
    cells = _filled(header, sample)
    guessed = guess(header, cells)
    for column, name in wanted.items():
        guessed = {f: found for f, found in guessed.items() if found.column != column and f != name}
        if name != UNUSED:
            guessed[name] = _seen(column, name, "chosen", cells)
    if key and key not in header:
        raise Refused(f"{said} has no column {key}.", f"Its columns are: {', '.join(header)}.")
    mapping = {name: found.column for name, found in guessed.items()}
    key = key or mapping.get("record_key") or mapping.get("member_id") or mapping.get("ssn") or ""
    missing = ""
    if not key:
        missing = f"No column of {said} was recognised as the key of a record."
    named = "full_name" in mapping or {"given_name", "family_name"} <= mapping.keys()
    if not missing and not (named and ("birth_date" in mapping or "ssn" in mapping or "member_id" in mapping)):
        missing = f"{said} lacks what identifies a person: a name, with a birth date, SSN or member id."
    if key:
        mapping["record_key"] = key
    by_column = {found.column: found for found in guessed.values()}
    columns = tuple(
        by_column.get(column) or Column(column, "record_key" if column == key else "", "", len(cells[column]))
        for column in header
    )
    dates = date_order(cells.get(mapping.get("birth_date", ""), ()), order)
    in_order = {name: mapping[name] for name in FIELDS if name in mapping}
    return SourceFile(origin, header, in_order, key, columns, dates, table.how, tuple(table.others), missing)


def _check_header(said: str, header: Sequence[str], sample: Sequence[Row]) -> None:
    if len(header) < 2 or not sample:
        raise Refused(
            f"{said} holds no table of records.",
            "Give a CSV, TSV, Parquet, XLSX or SQLite file with a header and one row a record.",
        )
    if any(map(_is_value, header)):
        raise Refused(
            f"{said} has no header line: its first line holds the values of a record.",
            "Put a line with the names of the columns first.",
        )
    repeated = [name for name, count in Counter(header).items() if count > 1 and name]
    if repeated:
        raise Refused(f"{said} has the column {repeated[0]} twice.", "Rename one of them.")


def _is_value(cell: str) -> bool:
    """Whether this is somebody's number, date or address and not the name of a column; such a cell is never shown."""
    return bool(normal.ssn(cell) or normal.dates(cell) or normal.phone(cell) or "@" in cell)


def _overrides(said: str, header: Sequence[str], overrides: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Column → field as a person chose, and the order of dates that they chose with it."""
    wanted, order = {}, ""
    for column, chosen in overrides.items():
        name, _, way = chosen.partition(":")
        if column not in header:
            raise Refused(f"{said} has no column {column}.", f"Its columns are: {', '.join(header)}.")
        if name not in FIELDS and name != UNUSED:
            raise Refused(f"There is no record field {name}.", f"The fields are: {', '.join(FIELDS)}.")
        if way and (name != "birth_date" or way not in DATE_ORDERS):
            raise Refused(
                f"{chosen} is no way to read a column.",
                "Dates of birth are " + ", ".join(f"birth_date:{known}" for known in DATE_ORDERS) + ".",
            )
        wanted[column], order = name, way or order
    return wanted, order


# ------------------------------------------------------------------------------------------------------------ guessing


def _filled(header: Sequence[str], sample: Sequence[Row]) -> dict[str, list[str]]:
    return {
        column: [cell for row in sample if place < len(row) and (cell := row[place].strip())]
        for place, column in enumerate(header)
    }


def guess(header: Sequence[str], cells: Mapping[str, Sequence[str]]) -> dict[str, Column]:
    """Field → column, by the name of the column and, where the names say nothing, by what stands in it."""
    found: dict[str, Column] = {}
    plain = {column: re.sub(r"[^a-z0-9]", "", column.lower()) for column in header if column}
    for name, spellings in NAMES.items():
        for spelling in spellings:
            taken = {known.column for known in found.values()}
            match = [column for column in plain if plain[column] == spelling and column not in taken]
            if match:
                found[name] = _seen(match[0], name, "name of the column", cells)
                break
    for name in ("ssn", "birth_date", "email"):
        taken = {known.column for known in found.values()}
        candidates = [
            seen
            for column in header
            if name not in found and column not in taken and cells[column] and _tells(name, cells[column])
            for seen in [_seen(column, name, "what its cells look like", cells)]
            if seen.looks is not None and seen.looks > BY_CONTENT
        ]
        if candidates:
            # Of several columns of dates, births lie farthest back.
            found[name] = (
                min(candidates, key=lambda seen: _middle_date(cells[seen.column]))
                if (name == "birth_date")
                else candidates[0]
            )
    return found


def _tells(name: str, cells: Sequence[str]) -> bool:
    """Nine plain digits may be any number, and five a postal code: only the written form tells without a name."""
    if name == "ssn":
        return sum("-" in cell for cell in cells) > len(cells) / 2
    return name != "birth_date" or sum(map(is_date, cells)) > BY_CONTENT * len(cells)


def _middle_date(cells: Sequence[str]) -> str:
    dates = sorted(min(normal.dates(cell) or normal.dates(cell, True) or {""}) for cell in cells)
    return dates[len(dates) // 2]


def _seen(column: str, name: str, why: str, cells: Mapping[str, Sequence[str]]) -> Column:
    held, looks = cells.get(column, ()), LOOKS.get(name)
    share = sum(map(looks, held)) / len(held) if looks and held else None
    return Column(column, name, why, len(held), share)


# --------------------------------------------------------------------------------------------------------------- dates

_TWO_NUMBERS = re.compile(r"\s*(\d{1,2})([-/. ])(\d{1,2})\2(?:\d{4}|\d{2})(?!\d)")


def order_shown(cell: str) -> str:
    """``dmy`` or ``mdy`` where a number above twelve shows it, ``?`` where both readings exist, empty elsewhere."""
    if not (numbers := _TWO_NUMBERS.match(cell)):
        return ""
    one, two = int(numbers[1]), int(numbers[3])
    if one == two:
        return ""
    return "dmy" if one > 12 >= two else "mdy" if two > 12 >= one else "?" if one <= 12 else ""


def date_order(cells: Iterable[str], chosen: str = "") -> DateOrder:
    """How a column of birth dates is to be read, by what its cells show."""
    held = list(cells)
    if chosen:
        return DateOrder(chosen, "chosen", True)
    if held and sum(cell.isdigit() and len(cell) <= 5 for cell in held) > BY_CONTENT * len(held):
        return DateOrder("excel", "serial days of a spreadsheet", True)
    shown = Counter(map(order_shown, held))
    dmy, mdy, either = shown["dmy"], shown["mdy"], shown["?"]
    if dmy > mdy:
        return DateOrder("dmy", f"{dmy:,} sampled dates have a day above 12 first", not mdy)
    if mdy:
        return DateOrder("mdy", f"{mdy:,} sampled dates have a day above 12 second", not dmy)
    if either:
        return DateOrder("mdy", f"nothing in {either:,} sampled dates shows whether the day comes first", False)
    return DateOrder("mdy", "", True)
