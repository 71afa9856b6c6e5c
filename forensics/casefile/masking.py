"""What of a person's values may stand on a screen or page that nobody gave a reason for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from forensics.model import SourceRecord

HIDDEN = "•"


def masked(record: SourceRecord) -> dict[str, str]:
    """Field → what may be shown of it: initials, the year of birth, the last four of a number. Empty fields are absent.

    A field that this module has no rule for shows only that it is there.
    """
    shown = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if value in ("", False, None, {}):
            continue
        shown[field.name] = _RULES.get(field.name, _nothing)(str(value))
    return shown


def last_characters(value: str) -> str:
    """At most the last four characters of an identifier, the rest hidden."""
    return _last_four(value)


def _whole(value: str) -> str:
    return value


def _yes(_: str) -> str:
    return "yes"


def _nothing(_: str) -> str:
    return HIDDEN * 6


def _initial(value: str) -> str:
    return value[:1] + HIDDEN * 3


def _year(value: str) -> str:
    return f"{value[:4]}-{HIDDEN * 2}-{HIDDEN * 2}"


def _last_four(value: str) -> str:
    # Of a short number four digits would be nearly all of it.
    shown = min(4, len(value) // 2)
    return HIDDEN * (len(value) - shown) + value[len(value) - shown :]


def _email(value: str) -> str:
    name, at, host = value.partition("@")
    ending = host.rpartition(".")[2]
    return f"{name[:1]}{HIDDEN * 3}{at}{HIDDEN * 3}.{ending}" if at else _nothing(value)


_RULES: dict[str, Callable[[str], str]] = {
    "record_key": _whole,
    "given_name": _initial,
    "middle_name": _initial,
    "family_name": _initial,
    "suffix": _whole,
    "birth_date": _year,
    "ssn": lambda value: f"{HIDDEN * 3}-{HIDDEN * 2}-{value[-4:]}" if len(value) == 9 else _nothing(value),
    "member_id": _last_four,
    "phone": _last_four,
    "email": _email,
    "state": _whole,
    "country": _whole,
    "postal_code": lambda value: value[:2] + HIDDEN * 3,
    "deceased": _yes,
}
