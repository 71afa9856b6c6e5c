"""Persons who do not exist, and how they would be written on a drive: planted in copies of its contents to see whether
they are found.

Names, days and streets are those of the records, mixed between people, so that hyphens, accents and common names are as
frequent as among the real ones. Numbers are none that anybody has. What is planted is known; what is found of it is the
recall of that spelling at that place, and of no other.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from forensics import keys
from forensics.matching import normal
from forensics.matching.check_digit_arrays import CHECK_DIGITS
from forensics.matching.index import Person, RecordIndex
from forensics.matching.layout import Layout
from forensics.model import Kind, SourceRecord

_RUN = re.compile(r"[0-9]+")
TRIES = 200

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def invented(models: Sequence[SourceRecord], count: int, index: RecordIndex, seed: int) -> list[SourceRecord]:
    """So many persons made of these records, each with a name and a birth date, and numbers that no record has.

    Fewer where the records have no names with birth dates to make them of.
    """
    rng = np.random.default_rng([seed, count])
    named = [m for m in models if m.given_name and m.family_name]
    born = [m.birth_date for m in models if m.birth_date]
    if not named or not born:
        return []
    numbered, members = [m.ssn for m in models if m.ssn], [m.member_id for m in models if m.member_id]
    lived, called = [m for m in models if m.address], [m.phone for m in models if m.phone]
    taken: set[str] = set()

    def any_of(some: Sequence[str]) -> str:
        return some[int(rng.integers(len(some)))] if some else ""

    made = []
    for number in range(count):
        one, other = (named[int(rng.integers(len(named)))] for _ in range(2))
        home = lived[int(rng.integers(len(lived)))] if lived else one
        made.append(
            SourceRecord(
                f"spike {number}",
                one.given_name,
                family_name=other.family_name,
                birth_date=any_of(born),
                ssn=_free(Kind.SSN, any_of(numbered), index, taken, rng),
                member_id=_free(Kind.MEMBER_ID, any_of(members), index, taken, rng),
                address=home.address,
                city=home.city,
                state=home.state,
                postal_code=home.postal_code,
                phone=any_of(called),
            )
        )
    return made


def _free(kind: Kind, like: str, index: RecordIndex, taken: set[str], rng: np.random.Generator) -> str:
    """A number in the form of this one that no record has, or empty where there is none."""
    run = max(_RUN.findall(like), key=len, default="")
    if not 4 < len(run) <= 17:
        return ""
    before, _, behind = like.partition(run)
    for _ in range(TRIES):
        other = run[:3] + "".join(map(str, rng.integers(0, 10, len(run) - 3).tolist()))
        if kind is Kind.MEMBER_ID and index.check_digit:
            payload = np.array([int(other[:-1])], np.uint64)
            other = other[:-1] + str(int(CHECK_DIGITS[index.check_digit](payload, len(other) - 1)[0]))
        if kind is Kind.SSN and not normal.ssn(other):
            continue
        asked = keys.digits(np.array([int(other)], np.uint64), len(other))
        if other not in taken and not len(index.find(kind, asked)[0]):
            taken.add(other)
            return f"{before}{other}{behind}"
    return ""


# --------------------------------------------------------------------------------------------------- how it is written


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write a person in a line of text. `fields` are those of `SourceRecord` that it needs."""

    name: str
    fields: tuple[str, ...]
    write: Callable[[SourceRecord], str]


def _ssn(one: SourceRecord, mark: str) -> str:
    return f"{one.ssn[:3]}{mark}{one.ssn[3:5]}{mark}{one.ssn[5:]}"


def _american(iso: str) -> str:
    year, month, day = iso.split("-")
    return f"{int(month)}/{int(day)}/{year}"


def _written(iso: str) -> str:
    year, month, day = iso.split("-")
    return f"{MONTHS[int(month) - 1]} {int(day)}, {year}"


EBCDIC, EBCDIC_RECORD, ALONE = "EBCDIC, records of 240 bytes", 240, "EBCDIC, a line alone"

_BOTH = ("given_name", "family_name")

SPELLINGS = (
    Spelling("SSN with hyphens, first and last name", ("ssn", *_BOTH),
             lambda one: f"{_ssn(one, '-')} {one.given_name} {one.family_name}"),
    Spelling("SSN bare, last name, first name", ("ssn", *_BOTH),
             lambda one: f"{one.ssn};{one.family_name};{one.given_name}"),
    Spelling("SSN with dots, date month first", ("ssn", "birth_date"),
             lambda one: f"no. {_ssn(one, '.')} born {_american(one.birth_date)}"),
    Spelling("member id, name in capitals", ("member_id", *_BOTH),
             lambda one: f"{one.member_id} {one.family_name.upper()}, {one.given_name.upper()}"),
    Spelling("member id, date of eight digits", ("member_id", "birth_date"),
             lambda one: f"{one.member_id}|{one.birth_date.replace('-', '')}"),
    Spelling("name, date month first, telephone", ("birth_date", "phone", *_BOTH),
             lambda one: f"{one.given_name} {one.family_name}, {_american(one.birth_date)}, {one.phone[:3]}-"
                         f"{one.phone[3:6]}-{one.phone[6:]}"),
    Spelling("last name, first name, date in words", ("birth_date", *_BOTH),
             lambda one: f"{one.family_name}, {one.given_name} ({_written(one.birth_date)})"),
)  # fmt: skip

ENCODINGS = {"UTF-8": "utf-8", "UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be", EBCDIC: "cp037", ALONE: "cp037"}
"""In which a line is put into free space."""


def bare_line(text: str, encoding: str) -> bytes:
    """A line as free space holds it: between line feeds, or, on tapes of mainframes, in a record of fixed length. The
    raw scan knows EBCDIC by its look, and a few characters of it alone have none."""
    line = f"{text:^{EBCDIC_RECORD}}" if encoding == EBCDIC else f"\n{text}\n"
    return line.encode(ENCODINGS[encoding], "ignore")


# ------------------------------------------------------------------------------------------ as a table writes its rows


def row_like(row: Sequence[str], person: Person, layout: Layout, one: SourceRecord) -> list[str] | None:
    """The row with this person's values in place of the other's, in the way in which the row writes them; None where it
    writes one in a way that is not understood."""
    cells = list(row)
    parts: dict[int, list[str]] = {}
    for part, column in layout.columns.items():
        if column >= len(cells):
            return None
        parts.setdefault(column, []).append(part)
    for column, some in parts.items():
        cell = _cell_like(cells[column], set(some), person, one)
        if cell is None:
            return None
        cells[column] = cell
    return cells


def _cell_like(cell: str, parts: set[str], person: Person, one: SourceRecord) -> str | None:
    if not cell.strip():
        return cell
    if parts == {"given", "family"}:
        names = one.family_name, one.given_name
        return _case(f"{names[0]}, {names[1]}" if "," in cell else f"{names[1]} {names[0]}", cell)
    if len(parts) > 1:
        return None
    (part,) = parts
    if part == "given":
        return _case(one.given_name, cell)
    if part == "family":
        return _case(one.family_name, cell)
    if part == "birth_date":
        return next((again(one.birth_date) for again in _DATES if again(person.birth_date) == cell.strip()), None)
    if part in ("ssn", "phone"):
        return _digits_like(cell, getattr(person, part), getattr(one, part))
    if part == "member_id":
        whole = normal.alphanumeric(cell) == person.member_id
        run = max(_RUN.findall(one.member_id), key=len, default="")
        return one.member_id if whole else run or None
    if part == "address":
        return _case(one.address, cell) if one.address else None
    return ""


def _case(text: str, like: str) -> str:
    return text.upper() if like.isupper() else text.lower() if like.islower() else text


def _digits_like(cell: str, value: str, other: str) -> str | None:
    """The cell with other digits, group by group; leading zeros stay lost where they were."""
    digits = "".join(c for c in cell if c in "0123456789")
    if not other or digits.lstrip("0") != value.lstrip("0") or len(digits) > len(other):
        return None
    left = iter(other if len(digits) == len(other) else str(int(other)).rjust(len(digits), "0")[-len(digits) :])
    return "".join(next(left) if c in "0123456789" else c for c in cell)


def _format(pattern: str) -> Callable[[str], str]:
    def write(iso: str) -> str:
        day = date.fromisoformat(iso)
        return pattern.format(
            y=day.year, yy=f"{day.year % 100:02}", m=day.month, d=day.day, month=MONTHS[day.month - 1],
            mon=MONTHS[day.month - 1][:3], MON=MONTHS[day.month - 1][:3].upper(),
        )  # fmt: skip

    return write


_PATTERNS = (
    "{y}-{m:02}-{d:02}", "{m}/{d}/{y}", "{m:02}/{d:02}/{y}", "{y}{m:02}{d:02}", "{d:02}/{m:02}/{y}", "{d}/{m}/{y}",
    "{m:02}-{d:02}-{y}", "{d:02}.{m:02}.{y}", "{d}.{m}.{y}", "{m}/{d}/{yy}", "{m:02}/{d:02}/{yy}", "{month} {d}, {y}",
    "{d} {mon} {y}", "{d:02}-{mon}-{y}", "{d}-{mon}-{yy}", "{d:02}{MON}{y}", "{y}-{m:02}-{d:02} 00:00:00",
    "{y}-{m:02}-{d:02}T00:00:00",
)  # fmt: skip
_DATES = tuple(map(_format, _PATTERNS))


def row_bytes(cells: Sequence[str], delimiter: str, encoding: str, line_end: str) -> bytes:
    """One row of a table as bytes; characters that the encoding lacks are left out."""
    if not delimiter:
        return ("".join(cells) + line_end).encode(encoding, "ignore")
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=line_end).writerow(cells)
    return out.getvalue().encode(encoding, "ignore")


def spelled(one: SourceRecord, spelling: Spelling) -> str | None:
    """The person in this spelling, or None where the person lacks a value of it."""
    return spelling.write(one) if all(getattr(one, name) for name in spelling.fields) else None


def dealt(persons: Sequence[int], kinds: Sequence[str], each: int) -> Iterator[tuple[str, list[int]]]:
    """The persons in equal shares to the kinds of places, nobody twice."""
    for place, kind in enumerate(kinds):
        yield kind, list(persons[place * each : (place + 1) * each])
