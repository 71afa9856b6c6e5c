"""Which of a person's values stand in a stretch of text: the one place where a record and a text are compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Text:
    """A stretch of text, prepared once for all the persons it is compared with."""

    folded: str
    words: frozenset[str]
    dates: frozenset[str]
    ssns: frozenset[str]
    long_runs: tuple[str, ...]
    tokens: frozenset[str]
    letters_and_digits: str
    phones: frozenset[str]

    @classmethod
    def of(cls, text: str, day_first: bool | None = False) -> Text:
        folded = normal.fold(text)
        tokens = {token.replace("-", "") for token in _TOKEN.findall(folded.upper())}
        return cls(
            folded,
            frozenset(normal.words(folded)),
            frozenset(normal.dates(folded, day_first)),
            frozenset(normal.ssns(text)),
            tuple(normal.long_runs(text)),
            frozenset(tokens),
            normal.letters_and_digits(folded),
            frozenset(normal.phones(text)),
        )


def elements_in(person: Person | Fingerprinted, text: Text) -> frozenset[str]:
    """The elements of the catalogue whose value, as this person's record has it, stands in the text."""
    if not isinstance(person, Person):
        return person.elements_in(text)
    found = set()
    family = person.family and (person.family <= text.words or person.family_joined <= text.words)
    if family and person.given and not person.called.isdisjoint(text.words):
        found.add("name")
    if person.birth_date and person.birth_date in text.dates:
        found.add("birth_date")
    if person.ssn and (person.ssn in text.ssns or any(person.ssn in run for run in text.long_runs)):
        found.add("ssn")
    if person.member_id and _has_id(person, text):
        found.add("member_id")
    if len(person.address) >= SHORTEST_ADDRESS and person.address in text.letters_and_digits:
        found.add("address")
    if person.phone and person.phone in text.phones:
        found.add("phone")
    if person.email and person.email in text.folded:
        found.add("email")
    return frozenset(found)


def _has_id(person: Person, text: Text) -> bool:
    if person.member_id in text.tokens:
        return True
    digits = person.id_digits
    return bool(digits) and (digits in text.tokens or any(digits in run for run in text.long_runs))
