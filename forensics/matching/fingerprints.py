"""Fingerprints in place of values: what an organisation hands over that keeps its records to itself.

Two kinds. A *look-up* is the 64-bit key by which a record is found on a drive (`forensics.keys`), hashed by SipHash-2-4
under the key, one secret a kind. A *field* is a value in the one spelling that comparing needs, hashed by BLAKE2b (RFC
7693) under the key and salted by the record's own token: equal names of two records have nothing in common, so that
nothing can be counted. Without the key no value can be tried. With it everything can: a billion SSNs take a minute.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forensics.errors import EnvironmentFailed, Refused
from forensics.matching import normal
from forensics.matching.agreement import SHORTEST_ADDRESS
from forensics.matching.nicknames import ALSO_CALLED
from forensics.matching.siphash import siphash
from forensics.model import Kind

if TYPE_CHECKING:
    from forensics.matching.agreement import Text
    from forensics.matching.index import Person

COMPARED = (
    "given", "family", "joined", "birth_date", "ssn", "member_id", "id_digits", "address", "phone", "email",
)  # fmt: skip
"""The fields of a record that are hashed to be compared, in the order of the file."""

SIZE = 8
"""Bytes of a hash and of a token."""

_KEY_FILE = re.compile(r"drivecustody-fingerprint-key-1 ([0-9a-f]{64})\s*")


@dataclass(frozen=True, repr=False)
class FingerprintKey:
    """32 random bytes that the organisation and the case have in common, and nobody else."""

    secret: bytes

    @classmethod
    def read(cls, path: Path) -> FingerprintKey:
        """The key in a file. Raises `Refused` where it is none."""
        try:
            found = _KEY_FILE.fullmatch(path.read_text("ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise EnvironmentFailed(f"{path.name} cannot be read as a key.", "Check the path of --key-file.") from error
        if not found:
            raise Refused(f"{path.name} holds no key of fingerprints.", "Give the one that `records fingerprint` made.")
        return cls(bytes.fromhex(found[1]))

    @classmethod
    def make(cls, path: Path) -> FingerprintKey:
        """A new key, written for its owner alone to read. Raises `FileExistsError` where the file is there."""
        key = cls(secrets.token_bytes(32))
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(f"drivecustody-fingerprint-key-1 {key.secret.hex()}\n")
        return key

    @cached_property
    def check(self) -> str:
        """By which two holders of one key know that it is one; says nothing about the key."""
        return self._derived("check").hex()[:16]

    def token(self, record_key: str) -> str:
        """What a record is called where its own key must not be seen: 16 hex digits, always the same."""
        return self._hash("token", record_key, b"").hex()

    def look_up(self, kind: Kind, made: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The look-ups of keys that `forensics.keys` made."""
        return siphash(made, self._derived(f"look-up {kind}")[:16])

    def of(self, name: str, value: str, token: str) -> str:
        """One field of the record with this token, 16 hex digits."""
        return self._hash(name, value, bytes.fromhex(token)).hex()

    def fields(self, person: Person, token: str) -> dict[str, tuple[str, ...]]:
        """The hashes of a record's fields; of a field that it does not have, none."""
        values: dict[str, Iterable[str]] = {
            "given": [person.given],
            "family": person.family,
            "joined": person.family_joined,
            **{name: [getattr(person, name)] for name in COMPARED[3:]},
        }
        if len(person.address) < SHORTEST_ADDRESS:
            values["address"] = ()
        return {
            name: tuple(sorted(self.of(name, value, token) for value in some if value)) for name, some in values.items()
        }

    def _hash(self, name: str, value: str, salt: bytes) -> bytes:
        return hashlib.blake2b(
            value.encode(), digest_size=SIZE, key=self._fields_key, salt=salt, person=name.encode()
        ).digest()

    @cached_property
    def _fields_key(self) -> bytes:
        return self._derived("fields")

    def _derived(self, purpose: str) -> bytes:
        return hashlib.blake2b(purpose.encode(), key=self.secret, digest_size=32).digest()


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long ids and addresses of the records are, over all of them: which parts of a text are worth hashing."""

    id_digits: tuple[int, ...] = ()
    address_words: tuple[int, ...] = ()

    @classmethod
    def of(cls, persons: Iterable[tuple[Person, str]]) -> Lengths:
        """Of persons, each with the address as it was given."""
        digits: set[int] = set()
        words: set[int] = set()
        for person, address in persons:
            digits.add(len(person.id_digits))
            count = len(_WORDS.findall(normal.fold(address)))
            # `12-B Elm Street` and `12B Elm Street` are one address of four words and of three.
            words.update((count - 1, count, count + 1) if count else ())
        return cls(tuple(sorted(digits - {0})), tuple(sorted(words - {0})))

    def __or__(self, other: Lengths) -> Lengths:
        return Lengths(
            tuple(sorted({*self.id_digits, *other.id_digits})),
            tuple(sorted({*self.address_words, *other.address_words})),
        )


_WORDS = re.compile(r"[^\W_]+")
_EMAIL = re.compile(r"[^\s,;:<>()\[\]{}|\"'@]+@[^\s,;:<>()\[\]{}|\"'@]+[^\s,;:<>()\[\]{}|\"'@.]")


def _as_it_is(value: str) -> str:
    return value


@dataclass(frozen=True, slots=True)
class Fingerprinted:
    """A record of which only fingerprints are here: stands where a `Person` does, and compares itself.

    `back` says of a decoy what a value that stands on the drive was before it was moved ('' where nothing was moved
    there), field by field; a record's own has none.
    """

    hashes: Mapping[str, frozenset[str]]
    token: str
    key: FingerprintKey
    lengths: Lengths
    back: Mapping[str, Callable[[str], str]] = field(default_factory=dict)

    @property
    def ssn(self) -> str:
        """Its hash: as true or false as the value."""
        return self._one("ssn")

    @property
    def birth_date(self) -> str:
        return self._one("birth_date")

    @property
    def member_id(self) -> str:
        return self._one("member_id")

    def _one(self, name: str) -> str:
        return next(iter(self.hashes.get(name, ())), "")

    def elements_in(self, text: Text) -> frozenset[str]:
        """What `agreement.elements_in` says of a record whose values are known, by hashing what the text holds."""
        found = set()
        if self._has_name(text):
            found.add("name")
        numbers = {name: text.long_runs for name in ("ssn", "id_digits") if self.hashes.get(name)}
        if self._holds("birth_date", text.dates):
            found.add("birth_date")
        if self._holds("ssn", text.ssns) or self._holds("ssn", _windows(numbers.get("ssn", ()), (9,))):
            found.add("ssn")
        if (
            self._holds("member_id", text.tokens)
            or self._holds("id_digits", text.tokens)
            or self._holds("id_digits", _windows(numbers.get("id_digits", ()), self.lengths.id_digits))
        ):
            found.add("member_id")
        if self._holds("address", self._addresses(text) if self.hashes.get("address") else ()):
            found.add("address")
        if self._holds("phone", text.phones):
            found.add("phone")
        if self._holds("email", _EMAIL.findall(text.folded) if self.hashes.get("email") else ()):
            found.add("email")
        return frozenset(found)

    def _holds(self, name: str, values: Iterable[str]) -> bool:
        wanted = self.hashes.get(name)
        if not wanted:
            return False
        back = self.back.get(name, _as_it_is)
        return any((was := back(value)) and self.key.of(name, was, self.token) in wanted for value in values)

    def _has_name(self, text: Text) -> bool:
        given, family = self.hashes.get("given"), self.hashes.get("family")
        if not given or not family:
            return False
        called = {form for word in text.words for form in (word, *ALSO_CALLED.get(word, ()))}
        if not self._holds("given", called):
            return False
        return any(
            wanted <= {self.key.of(name, word, self.token) for word in text.words}
            for name in ("family", "joined")
            if (wanted := self.hashes.get(name))
        )

    def _addresses(self, text: Text) -> Iterator[str]:
        words = [word.upper() for word in _WORDS.findall(text.folded)]
        for count in self.lengths.address_words:
            for at in range(len(words) - count + 1):
                yield "".join(words[at : at + count])


def _windows(runs: Iterable[str], lengths: Iterable[int]) -> Iterator[str]:
    for run in runs:
        for length in lengths:
            for at in range(len(run) - length + 1):
                yield run[at : at + length]
