"""How values are written on drives: the generator's own formatters, one a habit."""

from __future__ import annotations

import unicodedata
from datetime import date

from labelled.population import Person

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def grouped(ssn: str, mark: str = "-") -> str:
    return f"{ssn[:3]}{mark}{ssn[3:5]}{mark}{ssn[5:]}" if ssn else ""


def without_zeros(ssn: str) -> str:
    """What a spreadsheet makes of it."""
    return str(int(ssn)) if ssn else ""


def iso(day: date) -> str:
    return day.isoformat()


def american(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def american_padded(day: date) -> str:
    return f"{day.month:02d}/{day.day:02d}/{day.year}"


def day_first(day: date) -> str:
    return f"{day.day:02d}/{day.month:02d}/{day.year}"


def short_year(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year % 100:02d}"


def compact(day: date) -> str:
    return f"{day.year}{day.month:02d}{day.day:02d}"


def written(day: date) -> str:
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def military(day: date) -> str:
    return f"{day.day:02d}{MONTHS[day.month - 1][:3].upper()}{day.year}"


def hyphened(day: date) -> str:
    return f"{day.day}-{MONTHS[day.month - 1][:3]}-{day.year % 100:02d}"


def serial_1900(day: date) -> str:
    """Excel's day number; it has a 29 February 1900, so from March 1900 on one more than the days that passed."""
    return str((day - date(1899, 12, 30)).days)


def serial_1904(day: date) -> str:
    """Of workbooks that began on a Macintosh."""
    return str((day - date(1904, 1, 1)).days)


def full_name(p: Person) -> str:
    return " ".join(part for part in (p.given, p.middle, p.family, p.suffix) if part)


def first_last(p: Person) -> str:
    return f"{p.given} {p.family}"


def last_first(p: Person) -> str:
    """`Smith Jr., Mary A`"""
    suffix = f" {p.suffix}." if p.suffix else ""
    return f"{p.family}{suffix}, {p.given}{' ' + p.middle if p.middle else ''}"


def apart(text: str) -> str:
    """Letters and marks one after the other (NFD), as macOS writes names."""
    return unicodedata.normalize("NFD", text)


def telephone(p: Person) -> str:
    return f"({p.phone[:3]}) {p.phone[3:6]}-{p.phone[6:]}"


def telephone_dashes(p: Person) -> str:
    return f"{p.phone[:3]}-{p.phone[3:6]}-{p.phone[6:]}"
