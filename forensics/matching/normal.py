"""One spelling for each value: what makes a value on a drive and a value in a record the same value."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_ASCII_ALPHANUMERIC = {code: None for code in range(128) if not chr(code).isalnum()}

_MONTHS = {
    name: number
    for number, month in enumerate(
        (
            "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
            "november", "december",
        ),
        1,
    )
    for name in (month, month[:3])
} | {"sept": 9}  # fmt: skip

_DIGIT = re.compile(r"\d")
_NUMERIC_DATE = re.compile(r"(?<![\d/.-])(\d{1,4})([-/. ])(\d{1,2})\2(\d{1,4})(?![\d/-])")
_COMPACT_DATE = re.compile(r"(?<!\d)(\d{8})(?!\d)")
_WRITTEN_DATE = re.compile(
    r"(?<![^\W_])(?:(\d{1,2})(?:st|nd|rd|th)?[ ./-]{0,2})?"
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)[ ./-]{0,2}(?:(\d{1,2})(?:st|nd|rd|th)?,?[ ]{1,2})?(\d{4})(?!\d)"
)
_SHORT_WRITTEN_DATE = re.compile(
    r"(?<![^\W_])(\d{1,2})-(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)-(\d{2})(?![^\W_])"
)

_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
"""Letters that Unicode does not take apart into a plain one and a mark, though people do."""


def fold(text: str) -> str:
    """Lower case without accents, in one composed form; what people write alike becomes equal."""
    if text.isascii():
        return text.lower()
    # Taking apart may uncover a capital (in letter-like symbols), and lowering it something to take apart.
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    decomposed = unicodedata.normalize("NFKD", decomposed.casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_PLAIN)
    return plain.replace("’", "'").replace("‘", "'")


def words(text: str) -> list[str]:
    """The folded words of a text: runs of letters."""
    return _WORD.findall(fold(text))


def alphanumeric(text: str) -> str:
    """The folded text without anything but letters and digits, in upper case."""
    return letters_and_digits(fold(text))


def letters_and_digits(folded: str) -> str:
    """The same of a text that is folded already."""
    return (folded.translate(_ASCII_ALPHANUMERIC) if folded.isascii() else _NOT_ALPHANUMERIC.sub("", folded)).upper()


def _iso(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def dates(text: str, day_first: bool | None = False) -> set[str]:
    """Every calendar date that stands in the text, ISO 8601.

    Of `2/3/1961` only the American reading counts unless `day_first`, and with None either; `23/3/1961` has one reading
    anyway. A two-digit year counts in either century.
    """
    found: set[str] = set()
    if _DIGIT.search(text):
        for first, _, second, third in _NUMERIC_DATE.findall(text):
            if len(first) == 4:
                found.add(_iso(int(first), int(second), int(third)))
            elif len(first) <= 2 and len(third) in (2, 4):
                one, two, year = int(first), int(second), int(third)
                swapped = (day_first and two <= 12) or one > 12
                month, day = (two, one) if swapped else (one, two)
                for full in (year,) if len(third) == 4 else (1900 + year, 2000 + year):
                    found.add(_iso(full, month, day))
                    if day_first is None:
                        found.add(_iso(full, day, month))
        for run in _COMPACT_DATE.findall(text):
            found.add(_iso(int(run[:4]), int(run[4:6]), int(run[6:])))
            found.add(_iso(int(run[4:]), int(run[:2]), int(run[2:4])))
        lowered = text.lower()
        for day, month, year in _SHORT_WRITTEN_DATE.findall(lowered):
            for century in (1900, 2000):
                found.add(_iso(century + int(year), _MONTHS[month], int(day)))
        for before, month, behind, year in _WRITTEN_DATE.findall(lowered):
            if day := before or behind:
                found.add(_iso(int(year), _MONTHS[month[:3]], int(day)))
    found.discard("")
    return found


@lru_cache(maxsize=1 << 16)
def single_date(text: str, day_first: bool = False) -> str:
    """The date a cell is, ISO 8601, or empty where it is none or not only one."""
    found = dates(text.strip(), day_first)
    if len(found) == 2 and not re.search(r"\d{4}", text):
        # A birth date is not in the future: of two centuries the one that has passed.
        found = {iso for iso in found if iso <= date.today().isoformat()} or found
        return max(found)
    return found.pop() if len(found) == 1 else ""


_GROUPED_SSN = re.compile(r"(?<!\d)(\d{3})([-. \u00a0\u2010-\u2014])(\d{2})\2(\d{4})(?!\d)")
_BARE_NUMBER = re.compile(r"(?<!\d)\d{7,9}(?!\d)")
_LONG_RUN = re.compile(r"\d{11,64}")
_PHONE = re.compile(r"(?<!\d)(?:\+?1[-. ]?)?\(?(\d{3})\)?[-. /]{0,2}(\d{3})[-. ]?(\d{4})(?!\d)")


def ssn(text: str) -> str:
    """The nine digits of a Social Security number cell, leading zeros restored, or empty where it is none.

    Numbers that cannot have been issued (area 000 or 666, group 00, serial 0000; SSA POMS RM 10201.030) are none.
    """
    compact = text.strip().removesuffix(".0")
    if grouped := _GROUPED_SSN.fullmatch(compact):
        number = grouped[1] + grouped[3] + grouped[4]
    elif compact.isascii() and compact.isdigit() and 7 <= len(compact) <= 9:
        number = compact.zfill(9)
    else:
        return ""
    possible = number[:3] not in ("000", "666") and number[3:5] != "00" and number[5:] != "0000"
    return number if possible else ""


def ssns(text: str) -> set[str]:
    """Every nine-digit number in the text that is written as a Social Security number may be."""
    found = {a + b + c for a, _, b, c in _GROUPED_SSN.findall(text)}
    found.update(number.zfill(9) for number in _BARE_NUMBER.findall(text))
    return found


def long_runs(text: str) -> list[str]:
    """Runs of 11 to 64 digits: columns of fixed width that ran together."""
    return _LONG_RUN.findall(text)


def phone(text: str) -> str:
    """The ten digits of a North American telephone number, or empty where it is none."""
    number = "".join(c for c in text if c.isdigit())
    if len(number) == 11 and number[0] == "1":
        number = number[1:]
    return number if len(number) == 10 else ""


def phones(text: str) -> set[str]:
    return {a + b + c for a, b, c in _PHONE.findall(text)}
