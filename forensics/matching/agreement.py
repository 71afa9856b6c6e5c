"""Which of a person's values stand in a stretch of text: the one place where a record and a text are compared."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from forensics.matching import normal
from forensics.matching.index import Person

if TYPE_CHECKING:
    from forensics.matching.fingerprints import Fingerprinted

DECIDING = frozenset({"name", "birth_date", "ssn", "member_id"})
"""The fields that decide whether a place shows a person; the others are exposed along with them."""

SHORTEST_ADDRESS = 6
"""Letters and digits of an address below which it could stand in any text."""

_TOKEN = re.compile(r"[A-Z0-9](?:[A-Z0-9]|-(?=[A-Z0-9]))*")


class Text:
    """A stretch of text, read once for all the persons it is compared with, and no further than they ask.

    `day_first` is for dates like 2/3/1961, see `normal.dates`.
    """

    def __init__(self, text: str, day_first: bool | None = False) -> None:
        self.written, self._day_first = text, day_first
        self.folded = normal.fold(text)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(normal.words(self.folded))

    @cached_property
    def dates(self) -> frozenset[str]:
        return frozenset(normal.dates(self.folded, self._day_first))

    @cached_property
    def ssns(self) -> frozenset[str]:
        return frozenset(normal.ssns(self.written))

    @cached_property
    def long_runs(self) -> tuple[str, ...]:
        return tuple(normal.long_runs(self.written))

    @cached_property
    def tokens(self) -> frozenset[str]:
        return frozenset(token.replace("-", "") for token in _TOKEN.findall(self.folded.upper()))

    @cached_property
    def letters_and_digits(self) -> str:
        return normal.letters_and_digits(self.folded)

    @cached_property
    def phones(self) -> frozenset[str]:
        return frozenset(normal.phones(self.written))

    def may_have_date(self, iso: str) -> bool:
        """Whether a date's day and the last two digits of its year stand in the text, without which it does not."""
        return (iso[2:4] in self.folded and iso[8:].lstrip("0") in self.folded) or not self.folded.isascii()

    def may_have_words(self, words: frozenset[str]) -> bool:
        """Whether these words stand in the text in any way, without which they are not among its words."""
        return all(map(self.folded.__contains__, words)) or not self.folded.isascii()


def elements_in(person: Person | Fingerprinted, text: Text) -> frozenset[str]:
    """The elements of the catalogue whose value, as this person's record has it, stands in the text."""
    if not isinstance(person, Person):
        return person.elements_in(text)
    found = set()
    # Each is looked for as it would stand there at least in part, before the text is read for all of its kind.
    family = person.family and any(
        text.may_have_words(words) and words <= text.words for words in (person.family, person.family_joined)
    )
    if family and person.given and not person.called.isdisjoint(text.words):
        found.add("name")
    if person.birth_date and text.may_have_date(person.birth_date) and person.birth_date in text.dates:
        found.add("birth_date")
    if (
        person.ssn
        and person.ssn[-4:] in text.written
        and (person.ssn in text.ssns or any(person.ssn in run for run in text.long_runs))
    ):
        found.add("ssn")
    if person.member_id and _has_id(person, text):
        found.add("member_id")
    if len(person.address) >= SHORTEST_ADDRESS and person.address in text.letters_and_digits:
        found.add("address")
    if person.phone and person.phone[-4:] in text.written and person.phone in text.phones:
        found.add("phone")
    if person.email and person.email in text.folded:
        found.add("email")
    return frozenset(found)


def _has_id(person: Person, text: Text) -> bool:
    digits = person.id_digits
    # Without its letters it is shorter: what does not hold that holds neither.
    if (digits or person.member_id) not in text.letters_and_digits:
        return False
    if person.member_id in text.tokens:
        return True
    return bool(digits) and (digits in text.tokens or any(digits in run for run in text.long_runs))
