"""What is compared when no key agrees exactly: the fields, the levels of likeness of each, and what each level weighs.

Every share below is stated beforehand, so that a row weighs the same whatever else is on the drive. `same` is how often
two entries of one person are that much alike (the m of Fellegi and Sunter 1969), `relative` how often those of two
people of one household are, where it is not what anybody's are. How often anybody's are (u) is measured in the records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.matching import normal
from forensics.matching.likeness import Bools, Places, Spellings, begins, edits, shared
from forensics.matching.nicknames import NICKNAME_PLACES, SHORT_FORMS

Levels = NDArray[np.int8]
Compare = Callable[[Spellings, Spellings, Places, Places], Levels]
"""Two sets of values, and for each pair its place in the one and in the other."""


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


_EQUAL, _OTHER_FORM, _ONE_LETTER, _SOUNDS, _BEGINNING, _TWO_LETTERS, _DIFFERS = range(7)


def _names(left: Spellings, right: Spellings, one: Places, other: Places, other_form: Bools, shortest: int) -> Levels:
    """`other_form`: pairs that are two forms of one name; `shortest`: letters of a beginning that tell something."""
    distance = edits(left, right, one, other)
    length = np.minimum(left.lengths[one], right.lengths[other])
    alike = (left.sounds[one] == right.sounds[other]) & (left.sounds[one] != 0)
    return np.select(
        [
            _equal(left, right, one, other, distance == 0),
            other_form,
            (distance <= 1) & (length >= SHORTEST_TYPO),
            alike & (length > SHORTEST_TYPO),
            begins(left, right, one, other) & ((length >= SHORTEST_BEGINNING) | (length <= shortest)),
            (distance == 2) & (length >= 2 * SHORTEST_TYPO),
        ],
        [_EQUAL, _OTHER_FORM, _ONE_LETTER, _SOUNDS, _BEGINNING, _TWO_LETTERS],
        _DIFFERS,
    ).astype(np.int8)


def _equal(left: Spellings, right: Spellings, one: Places, other: Places, looks: Bools) -> Bools:
    """Which of the pairs that look equal are so to the last letter."""
    equal = np.zeros(len(one), bool)
    for n in np.flatnonzero(looks).tolist():
        equal[n] = left.values[one[n]] == right.values[other[n]]
    return equal


def _given(left: Spellings, right: Spellings, one: Places, other: Places) -> Levels:
    mine, theirs = ([NICKNAME_PLACES.get(value, 0) for value in spelled.values] for spelled in (left, right))
    short = SHORT_FORMS[np.array(mine, np.int64)[one], np.array(theirs, np.int64)[other]]
    short |= _pet_form(left, right, one, other) | _pet_form(right, left, other, one)
    return _names(left, right, one, other, short | _parts(left, right, one, other), 1)


def _stem(name: str) -> str:
    """The name without a pet ending, or empty where it has none."""
    stem = next((name.removesuffix(ending) for ending in ("ie", "ey", "y") if name.endswith(ending)), "")
    return stem[:-1] if len(stem) > SHORTEST_BEGINNING and stem[-1] == stem[-2] else stem


def _pet_form(left: Spellings, right: Spellings, one: Places, other: Places) -> Bools:
    """Whether the left name is the beginning of the right one with a pet ending, as Davey of David."""
    stems = Spellings([_stem(value) for value in left.values])
    shorter = (stems.lengths[one] >= SHORTEST_BEGINNING) & (stems.lengths[one] < right.lengths[other])
    return shorter & begins(stems, right, one, other)


def _family(left: Spellings, right: Spellings, one: Places, other: Places) -> Levels:
    return _names(left, right, one, other, _parts(left, right, one, other), 0)


def _parts(left: Spellings, right: Spellings, one: Places, other: Places) -> Bools:
    """Pairs of which one has several words, and the other is one of them or has the same letters."""
    mine, theirs = (np.array([" " in value for value in spelled.values], bool) for spelled in (left, right))
    part = np.zeros(len(one), bool)
    for n in np.flatnonzero(mine[one] | theirs[other]).tolist():
        part[n] = _part_of(left.values[one[n]], right.values[other[n]])
    return part


def _part_of(one: str, other: str) -> bool:
    """Whether one is a part of the other (Ortega of Ortega Ruiz), or the same in one word."""
    first, second = set(one.split()), set(other.split())
    return first <= second or second <= first or one.replace(" ", "") == other.replace(" ", "")


def _dates(left: Spellings, right: Spellings, one: Places, other: Places) -> Levels:
    """Of digits, year first: equal, day and month exchanged, one digit, two of year, month and day, different."""
    mine, theirs = left.letters[one], right.letters[other]
    whole = (left.lengths[one] == 8) & (right.lengths[other] == 8)
    year, month, day = ((mine[:, part] == theirs[:, part]).all(1) for part in (_YEAR, _MONTH, _DAY))
    crosswise = year & (mine[:, _MONTH] == theirs[:, _DAY]).all(1) & (mine[:, _DAY] == theirs[:, _MONTH]).all(1)
    distance = edits(left, right, one, other)
    two = year.astype(int) + month + day == 2
    return np.select([distance == 0, whole & crosswise, distance == 1, whole & two], [0, 1, 2, 3], 4).astype(np.int8)


_YEAR, _MONTH, _DAY = slice(0, 4), slice(4, 6), slice(6, 8)


def _numbers(left: Spellings, right: Spellings, one: Places, other: Places) -> Levels:
    """Equal, one edit, two edits, different."""
    distance = edits(left, right, one, other)
    equal = _equal(left, right, one, other, distance == 0)
    return np.where(equal, 0, np.clip(distance, 1, 3)).astype(np.int8)


def _texts(left: Spellings, right: Spellings, one: Places, other: Places) -> Levels:
    """Equal, nearly, partly, different, by common trigrams."""
    alike = shared(left, right, one, other)
    equal = _equal(left, right, one, other, alike == 1)
    return np.select([equal, alike >= ALIKE, alike >= SOMEWHAT_ALIKE], [0, 1, 2], 3).astype(np.int8)


def _suffixes(left: Spellings, right: Spellings, one: Places, other: Places) -> Levels:
    return (edits(left, right, one, other) > 0).astype(np.int8)


_NUMBER_LEVELS = (
    Level("equal", 0.88), Level("one digit differs", 0.07), Level("two digits differ", 0.02), Level("different", 0.03),
)  # fmt: skip

FIELDS = (
    Field(
        "given_name",
        (
            Level("equal", 0.78, 0.05), Level("a short form or part of it", 0.06, 0.01),
            Level("one letter differs", 0.07), Level("sounds alike", 0.02),
            Level("its beginning", 0.03), Level("two letters differ", 0.01), Level("different", 0.03),
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


def _given_name(text: str) -> str:
    """Its words without initials, unless it is nothing else."""
    words = normal.words(text)
    return " ".join([word for word in words if len(word) > 1] or words[:1])


def _family_name(text: str) -> str:
    return " ".join(normal.words(text.replace("'", "").replace("’", "")))


def _number(text: str) -> str:
    return _NOT_DIGITS.sub("", text)


def _suffix(text: str) -> str:
    return {"2nd": "ii", "3rd": "iii"}.get(plain := "".join(_WORD.findall(normal.fold(text))), plain)


SPELLED: Mapping[str, Callable[[str], str]] = {
    "given_name": _given_name,
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
