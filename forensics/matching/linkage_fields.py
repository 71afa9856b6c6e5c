"""What is compared when no key agrees exactly: the fields, the levels of likeness of each, and what each level weighs.

Every share below is stated beforehand, so that a row weighs the same whatever else is on the drive. `same` is how often
two entries of one person are that much alike (the m of Fellegi and Sunter 1969), `relative` how often those of two
people of one household are, where it is not what anybody's are. How often anybody's are (u) is measured in the records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.matching import normal
from forensics.matching.likeness import edits, shared, signatures, sound
from forensics.matching.nicknames import stands_for

Levels = NDArray[np.int8]
Compare = Callable[[Sequence[str], Sequence[str]], Levels]


@dataclass(frozen=True, slots=True)
class Level:
    """One degree of likeness, as it is told, and its shares; `relative` None: as often as among anybody."""

    words: str
    same: float
    relative: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A field; levels from alike to different: the first is equality, the last is no likeness.

    `household`: a family or an address has it in common, so it says nothing of which member is meant. Of the fields of
    one `group` only the best agreement counts and only the worst difference, because they go together.
    """

    name: str
    levels: tuple[Level, ...]
    compare: Compare
    household: bool = False
    group: str = ""


ALIKE = 0.8
SOMEWHAT_ALIKE = 0.5
"""Shares of common trigrams (Dice) from which two addresses are nearly the same, or partly."""

SHORTEST_TYPO = 3
"""Letters of a name from which one wrong letter still leaves it recognisable."""

SHORTEST_BEGINNING = 3


def _names(left: Sequence[str], right: Sequence[str], *, given: bool) -> Levels:
    distance = edits(left, right)
    levels = np.full(len(distance), _DIFFERS, np.int8)
    for n, (one, other) in enumerate(zip(left, right, strict=True)):
        levels[n] = _name_level(one, other, int(distance[n]), given)
    return levels


_EQUAL, _OTHER_FORM, _ONE_LETTER, _SOUNDS, _BEGINNING, _TWO_LETTERS, _DIFFERS = range(7)


def _name_level(one: str, other: str, distance: int, given: bool) -> int:
    if distance == 0:
        return _EQUAL
    if stands_for(one, other) if given else _part_of(one, other):
        return _OTHER_FORM
    short, long = sorted((one, other), key=len)
    if distance == 1 and len(short) >= SHORTEST_TYPO:
        return _ONE_LETTER
    if sound(one) == sound(other) and one[0] == other[0] and distance <= max(2, len(short) // 3):
        return _SOUNDS
    if long.startswith(short) and (len(short) >= SHORTEST_BEGINNING or (given and len(short) == 1)):
        return _BEGINNING
    if distance == 2 and len(short) >= 2 * SHORTEST_TYPO:
        return _TWO_LETTERS
    return _SOUNDS if sound(one) == sound(other) and len(short) > SHORTEST_TYPO else _DIFFERS


def _part_of(one: str, other: str) -> bool:
    """Whether one is one of the parts of the other: Ortega of Ortega Ruiz."""
    first, second = set(one.split()), set(other.split())
    return max(len(first), len(second)) > 1 and bool(
        first <= second or second <= first or one.replace(" ", "") == other.replace(" ", "")
    )


def _given(left: Sequence[str], right: Sequence[str]) -> Levels:
    return _names(left, right, given=True)


def _family(left: Sequence[str], right: Sequence[str]) -> Levels:
    return _names(left, right, given=False)


def _dates(left: Sequence[str], right: Sequence[str]) -> Levels:
    """Of digits, year first: equal, day and month exchanged, one digit, two of year, month and day, different."""
    distance = edits(left, right)
    levels = np.full(len(distance), 4, np.int8)
    for n, (one, other) in enumerate(zip(left, right, strict=True)):
        parts = [(value[:4], value[4:6], value[6:]) for value in (one, other)]
        if distance[n] == 0:
            levels[n] = 0
        elif parts[0] == (parts[1][0], parts[1][2], parts[1][1]):
            levels[n] = 1
        elif distance[n] == 1:
            levels[n] = 2
        elif sum(a == b for a, b in zip(*parts, strict=True)) == 2:
            levels[n] = 3
    return levels


def _numbers(left: Sequence[str], right: Sequence[str]) -> Levels:
    """Equal, one edit, two edits, different."""
    distance = edits(left, right)
    return np.minimum(distance, 3).astype(np.int8)


def _texts(left: Sequence[str], right: Sequence[str]) -> Levels:
    """Equal, nearly, partly, different, by common trigrams."""
    values = sorted({*left, *right})
    place = {value: n for n, value in enumerate(values)}
    made = signatures(values)
    one, other = np.array([place[v] for v in left], int), np.array([place[v] for v in right], int)
    alike = shared(made[one], made[other])
    near = edits(left, right) <= 1
    levels = np.where(alike >= ALIKE, 1, np.where(alike >= SOMEWHAT_ALIKE, 2, 3)).astype(np.int8)
    levels[near] = 1
    levels[one == other] = 0
    return levels


def _suffixes(left: Sequence[str], right: Sequence[str]) -> Levels:
    return np.array([one != other for one, other in zip(left, right, strict=True)], np.int8)


_NUMBER_LEVELS = (
    Level("equal", 0.88), Level("one digit differs", 0.07), Level("two digits differ", 0.02), Level("different", 0.03),
)  # fmt: skip

FIELDS = (
    Field(
        "given_name",
        (
            Level("equal", 0.78, 0.05), Level("a short form of it", 0.06, 0.01), Level("one letter differs", 0.07),
            Level("sounds alike", 0.02), Level("its beginning", 0.03), Level("two letters differ", 0.01),
            Level("different", 0.03),
        ),
        _given,
    ),
    Field(
        "family_name",
        (
            Level("equal", 0.82), Level("part of it", 0.03), Level("one letter differs", 0.07),
            Level("sounds alike", 0.02), Level("its beginning", 0.01), Level("two letters differ", 0.01),
            Level("different", 0.04),
        ),
        _family,
        household=True,
    ),
    Field("suffix", (Level("equal", 0.97, 0.3), Level("different", 0.03, 0.7)), _suffixes),
    Field(
        "birth_date",
        (
            Level("equal", 0.90, 0.03), Level("day and month exchanged", 0.01), Level("one digit differs", 0.05),
            Level("two of year, month and day are equal", 0.02), Level("different", 0.02),
        ),
        _dates,
    ),
    Field("ssn", _NUMBER_LEVELS, _numbers),
    Field("member_id", _NUMBER_LEVELS, _numbers),
    Field(
        "address",
        (
            Level("equal", 0.60), Level("nearly equal", 0.20), Level("partly equal", 0.08), Level("different", 0.12),
        ),
        _texts,
        household=True,
        group="where",
    ),
    Field(
        "city",
        (Level("equal", 0.80), Level("nearly equal", 0.08), Level("partly equal", 0.02), Level("different", 0.10)),
        _texts,
        household=True,
        group="where",
    ),
    Field(
        "postal_code",
        (
            Level("equal", 0.82), Level("one digit differs", 0.06), Level("two digits differ", 0.02),
            Level("different", 0.10),
        ),
        _numbers,
        household=True,
        group="where",
    ),
    Field(
        "phone",
        (
            Level("equal", 0.78), Level("one digit differs", 0.05), Level("two digits differ", 0.02),
            Level("different", 0.15),
        ),
        _numbers,
        household=True,
    ),
    Field(
        "email",
        (Level("equal", 0.75), Level("nearly equal", 0.08), Level("partly equal", 0.02), Level("different", 0.15)),
        _texts,
    ),
)  # fmt: skip

NAMES = tuple(field.name for field in FIELDS)

_NOT_DIGITS = re.compile(r"\D")
_STREET = {
    "street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "lane": "ln", "court": "ct", "place": "pl",
    "boulevard": "blvd", "circle": "cir", "terrace": "ter", "highway": "hwy", "parkway": "pkwy", "square": "sq",
    "apartment": "apt", "suite": "ste", "north": "n", "south": "s", "east": "e", "west": "w",
}  # fmt: skip
"""What the United States Postal Service abbreviates (Publication 28, appendices B and C)."""

_WORD = re.compile(r"[^\W_]+")


def _address(text: str) -> str:
    return " ".join(_STREET.get(word, word) for word in _WORD.findall(normal.fold(text)))


def _first_name(text: str) -> str:
    words = normal.words(text)
    return next((word for word in words if len(word) > 1), "".join(words[:1]))


def _family_name(text: str) -> str:
    return " ".join(normal.words(text.replace("'", "").replace("’", "")))


def _number(text: str) -> str:
    return _NOT_DIGITS.sub("", text)


def _suffix(text: str) -> str:
    return {"2nd": "ii", "3rd": "iii"}.get(plain := "".join(_WORD.findall(normal.fold(text))), plain)


SPELLED: Mapping[str, Callable[[str], str]] = {
    "given_name": _first_name,
    "family_name": _family_name,
    "suffix": _suffix,
    "birth_date": _number,
    "ssn": _number,
    "member_id": normal.alphanumeric,
    "address": _address,
    "city": _address,
    "postal_code": lambda text: normal.alphanumeric(text)[:5],
    "phone": lambda text: normal.phone(text) or _number(text),
    "email": lambda text: normal.fold(text.strip()),
}
"""The one spelling in which each field is compared."""
