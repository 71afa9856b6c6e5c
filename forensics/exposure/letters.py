"""Which letter goes to whom: one version a recipient, by what is known of them on the day of mailing.

Pure. Nothing here writes a value anywhere; who calls it decides what leaves the case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from forensics.exposure.tiers import is_minor
from forensics.model import SourceRecord

SUBSTITUTE_AT = 10
"""45 CFR 164.404(d)(2)(ii): from so many persons without a sufficient address on, substitute notice is conspicuous.
Next of kin are not counted."""

_NO = frozenset({"", "n", "no", "false", "0", "f", "none"})
_YES = frozenset({"y", "yes", "true", "1", "t", "x", "confidential"})


class Version(StrEnum):
    """The letters that differ in their text. Whose Social Security number stands on the exhibit is told so; parents are
    offered a check for credit files in the child's name."""

    ADULT_SSN = "adult with SSN"
    ADULT = "adult"
    MINOR_SSN = "minor with SSN"
    MINOR = "minor"
    DECEASED_SSN = "deceased with SSN"
    DECEASED = "deceased"


class AddressKind(StrEnum):
    """Where the letter goes: `CONFIDENTIAL` is one that the person asked for; `ASK` is one that has to be looked up,
    because the record says that there is a confidential one and not which; `MISSING` leads to substitute notice."""

    HOME = "home"
    CONFIDENTIAL = "confidential"
    ASK = "ask"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. `lines` are the address, empty where there is none to be used. `language` is as the records have it,
    `age_known` False where no birth date says that the person is of age."""

    version: Version
    addressee: str
    kind: AddressKind
    lines: tuple[str, ...]
    language: str
    age_known: bool = True


@dataclass
class LetterCounts:
    """How many letters of each version, address and language; `check` proves that they are all of them."""

    versions: Counter[Version] = field(default_factory=Counter)
    addresses: Counter[AddressKind] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    through_representatives: int = 0
    age_unknown: int = 0
    substitute: int = 0
    """Persons without a sufficient address, next of kin not among them."""

    def add(self, record: SourceRecord, letter: Letter) -> None:
        self.versions[letter.version] += 1
        self.addresses[letter.kind] += 1
        self.languages[letter.language or "not stated"] += 1
        self.through_representatives += bool(representative(record))
        self.age_unknown += not letter.age_known
        self.substitute += letter.kind is AddressKind.MISSING and not record.deceased

    @property
    def total(self) -> int:
        return self.versions.total()

    @property
    def conspicuous(self) -> bool:
        """Whether so many lack an address that substitute notice has to be conspicuous."""
        return self.substitute >= SUBSTITUTE_AT

    def adds_up(self, persons: int) -> bool:
        return persons == self.total == self.addresses.total() == self.languages.total()


def letter(record: SourceRecord, elements: Iterable[str], mailing: date) -> Letter:
    """The letter for one person who is notified, as they are on the day of mailing."""
    ssn = "ssn" in set(elements)
    name = full_name(record)
    minor = is_minor(record.birth_date, mailing)
    if record.deceased:
        version = Version.DECEASED_SSN if ssn else Version.DECEASED
        addressee = f"To the next of kin or personal representative of {name}"
    elif minor:
        version = Version.MINOR_SSN if ssn else Version.MINOR
        guardian = record.extra.get("guardian_name", "").strip()
        addressee = f"{guardian}, parent or guardian of {name}" if guardian else f"To the parent or guardian of {name}"
    else:
        version = Version.ADULT_SSN if ssn else Version.ADULT
        addressee = name
    # 45 CFR 164.502(g): a personal representative is treated as the individual.
    if who := representative(record):
        addressee = f"{who}, personal representative of {name}"
    kind, lines = _address(record)
    return Letter(
        version, addressee, kind, lines, record.extra.get("language", "").strip(),
        age_known=bool(record.birth_date) or record.deceased,
    )  # fmt: skip


def has_address(record: SourceRecord) -> bool:
    """Whether a letter to this person can be addressed from the records, or from a confidential address to be asked."""
    return _address(record)[0] is not AddressKind.MISSING


def full_name(record: SourceRecord) -> str:
    parts = (record.given_name, record.middle_name, record.family_name, record.suffix)
    return " ".join(part for part in parts if part)


def representative(record: SourceRecord) -> str:
    """The personal representative's name where the records have one, `To the` where they say only that there is one."""
    told = record.extra.get("personal_representative", "").strip()
    if told.casefold() in _NO:
        return ""
    return "To the representative" if told.casefold() in _YES else told


def _address(record: SourceRecord) -> tuple[AddressKind, tuple[str, ...]]:
    confidential = record.extra.get("confidential_address", "").strip()
    if confidential.casefold() not in _NO:
        # 45 CFR 164.522(b): who asked to be written to elsewhere is not written to at home.
        if confidential.casefold() in _YES:
            return AddressKind.ASK, ()
        return AddressKind.CONFIDENTIAL, (confidential,)
    place = " ".join(part for part in (record.city, record.state, record.postal_code) if part)
    # A street is not enough without the place it is in, nor is a town without a street.
    if not record.address or not (record.postal_code or (record.city and record.state)):
        return AddressKind.MISSING, ()
    country = record.extra.get("country", "").strip()
    return AddressKind.HOME, tuple(part for part in (record.address, place, country) if part)
