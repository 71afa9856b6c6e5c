"""Due dates: calendar days, and business days that leave out weekends and the holidays of the United States.

The holidays are those of 5 U.S.C. 6103(a). One that falls on a Saturday is kept on the Friday before it (6103(b)), one
that falls on a Sunday on the Monday after (Executive Order 11582, section 3).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from functools import cache

_MONDAY, _THURSDAY = 0, 3

HOLIDAYS = (
    "New Year's Day", "Birthday of Martin Luther King, Jr.", "Washington's Birthday", "Memorial Day", "Juneteenth",
    "Independence Day", "Labor Day", "Columbus Day", "Veterans Day", "Thanksgiving Day", "Christmas Day",
)  # fmt: skip
"""As the statute names them; a rule may say which of them are business days all the same."""

JUNETEENTH_SINCE = 2021
"""Public Law 117-17."""


def after(start: date, days: int) -> date:
    """The last of `days` calendar days; the day of `start` is day 0 and is not counted."""
    return start + timedelta(days=days)


def business_days_after(start: date, days: int, not_kept: Collection[str] = ()) -> date:
    """The last of `days` business days after `start`, whose own day is not counted. `not_kept` are names of `HOLIDAYS`
    that count as business days."""
    day = start
    left = days
    while left:
        day += timedelta(days=1)
        if day.weekday() < 5 and day not in _kept(day.year, frozenset(not_kept)):
            left -= 1
    return day


def days_after_year_end(start: date, days: int) -> date:
    """The last of `days` calendar days after the year in which `start` lies."""
    return date(start.year, 12, 31) + timedelta(days=days)


@cache
def holidays(year: int) -> dict[str, date]:
    """The name of each holiday that falls in the year → the day on which it is kept, which may be in another year."""
    days = {
        "New Year's Day": _observed(date(year, 1, 1)),
        "Birthday of Martin Luther King, Jr.": _weekday(year, 1, _MONDAY, 3),
        "Washington's Birthday": _weekday(year, 2, _MONDAY, 3),
        "Memorial Day": _last_monday_of_may(year),
        "Juneteenth": _observed(date(year, 6, 19)),
        "Independence Day": _observed(date(year, 7, 4)),
        "Labor Day": _weekday(year, 9, _MONDAY, 1),
        "Columbus Day": _weekday(year, 10, _MONDAY, 2),
        "Veterans Day": _observed(date(year, 11, 11)),
        "Thanksgiving Day": _weekday(year, 11, _THURSDAY, 4),
        "Christmas Day": _observed(date(year, 12, 25)),
    }
    if year < JUNETEENTH_SINCE:
        del days["Juneteenth"]
    return days


@cache
def _kept(year: int, not_kept: frozenset[str]) -> frozenset[date]:
    # New Year's Day of the next year is kept in this one where it is a Saturday.
    return frozenset(day for of in (year, year + 1) for name, day in holidays(of).items() if name not in not_kept)


def _observed(day: date) -> date:
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _weekday(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())
