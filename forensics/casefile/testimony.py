"""What the examiner says in person: qualifications, and statements that only a human can make.

A statement is ticked by somebody, for the acquisitions as they were then: where an image is acquired again, or another
exhibit joins, it has to be made again. The ledger has an entry for every tick; this is what counts of them now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from forensics.model import Acquisition

STATEMENTS = {
    "corpus": "The exhibits named here are those that I received and examined; I identified each by its label, and by "
    "the serial number of the device where it has one.",
    "qualified": "I am qualified, by the knowledge, training and experience stated above, to acquire electronic "
    "storage and to compare digests.",
    "reliable": "The process used, a copy of every byte that could be read and digests over those bytes, is generally "
    "accepted and known to me to be reliable.",
    "matched": "I compared the digests of the acquisition with those of the later reading of the image, and they are "
    "the same.",
    "disclosed": "The digests stated here are disclosed so that every other party can make the same comparison with "
    "the exhibit or its image.",
    "true": "I declare under penalty of perjury that the foregoing is true and correct.",
}
"""Key → the sentence, in the order of the certificate. Federal Rules of Evidence 902(14) with 902(11); the last has the
form of 28 U.S.C. 1746."""

FACT, TICKS = "examiner_sheet", "statements"


@dataclass(frozen=True, slots=True)
class Tick:
    """One statement as somebody made it. `current` is whether it is about the acquisitions as they are now."""

    key: str
    who: str
    utc: str
    current: bool


def about(acquisitions: Sequence[Acquisition]) -> str:
    """SHA-256 over what a statement is about: each exhibit, its size and its digests."""
    told = [[made.exhibit, made.size, made.hashes, made.verified] for made in acquisitions]
    return hashlib.sha256(json.dumps(sorted(told), sort_keys=True).encode("utf-8")).hexdigest()


def text_digest(key: str) -> str:
    """SHA-256 of the sentence: the ledger shows which words were ticked."""
    return hashlib.sha256(STATEMENTS[key].encode("utf-8")).hexdigest()


def ticks(stored: dict[str, dict[str, Any]] | None, acquisitions: Sequence[Acquisition]) -> dict[str, Tick]:
    """The statements made so far, by key."""
    now = about(acquisitions)
    return {
        key: Tick(key, told["who"], told["utc"], told["about"] == now and told["text"] == text_digest(key))
        for key, told in (stored or {}).items()
        if key in STATEMENTS
    }
