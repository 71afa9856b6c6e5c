"""One SHA-256 of a whole result: the same drive, records and settings give the same, on any machine and in any case.

What is digested is text in UTF-8, one JSON object a line with sorted keys and no spaces, non-ASCII escaped: first
`{"drivecustody": "result", "form": 3}`, then what was compared and how (`settings`), then the counts (`estimate`), then
one line a person: the SHA-256 in hex of that person's own object, lines sorted; an object names the record's values and
places by a SHA-256 of their own, `basis`. So neither the order in which rows were found
or stored, nor how many processes looked, nor the case's id or clock is in it. Numbers with a fraction are rounded to
nine significant digits, because the last ones belong to the processor.

All values of the record are in it, so that a digest in a report gives nobody's number away: whoever would
try numbers would have to know everything else, and for all persons at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

from forensics.model import Evidence, Exposure, SourceRecord

FORM = 3
"""Of what is digested; another form is another number, so that digests of two versions are not compared by mistake."""


def basis(record: SourceRecord, evidence: Iterable[Evidence]) -> bytes:
    """32 bytes for the values of a record and every place at which it was found."""
    places = sorted({_place(item) for item in evidence})
    return hashlib.sha256(
        _line({"places": places, "record": {name: getattr(record, name) for name in _RECORD}})
    ).digest()


class ResultDigest:
    """Takes the persons of a result one at a time, in any order; 32 bytes of each are kept."""

    def __init__(self) -> None:
        self._persons: list[bytes] = []

    def add(self, person: Exposure, basis: bytes) -> None:
        """One person. What was decided about the person afterwards is no part of the result."""
        said = {name: getattr(person, name) for name in _PERSON}
        self._persons.append(hashlib.sha256(_line({"basis": basis.hex(), "person": said})).digest())

    def hexdigest(self, *, settings: Mapping[str, Any], estimate: Mapping[str, Any]) -> str:
        """The digest with what was compared and how, and the counts; lower-case hex."""
        whole = hashlib.sha256()
        for part in ({"drivecustody": "result", "form": FORM}, {"settings": settings}, {"estimate": estimate}):
            whole.update(_line(_rounded(part)))
        for digest in sorted(self._persons):
            whole.update(digest.hex().encode("ascii") + b"\n")
        return whole.hexdigest()


_PERSON = tuple(field.name for field in fields(Exposure) if field.name != "review")
_RECORD = tuple(field.name for field in fields(SourceRecord))

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def _place(item: Evidence) -> tuple[str, ...]:
    found = _words(item.elements), _words(item.agree), _words(item.conflict)
    return (item.locator, str(item.region), str(item.archived), item.road, item.why, *found)


@lru_cache(maxsize=4096)
def _words(fields: frozenset[str]) -> str:
    return " ".join(sorted(fields))


def _line(value: Any) -> bytes:
    return _encode(value).encode("ascii") + b"\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, Mapping):
        return {str(name): _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else value
