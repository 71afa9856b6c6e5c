"""What a case holds of entries, pieces, work and records, as plain values: workers take and give them too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from forensics.model import Evidence, FileEntry, Outcome, Piece


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A file entry with its number in the case; `parent` is set for what came out of a container."""

    id: int
    volume: int
    parent: int | None
    depth: int
    entry: FileEntry


@dataclass(frozen=True, slots=True)
class StoredPiece:
    id: int
    entry: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class MatchUnit:
    """A share of the work of `match`: device bytes from `start` to `stop`, or one piece."""

    id: int
    exhibit: str
    start: int
    stop: int
    piece: int | None


@dataclass(frozen=True, slots=True)
class ExaminedChild:
    """A member of a container on its way into the case: a pending entry with its bytes, or one that ended at once."""

    untrusted_name: bytes
    data: bytes
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class ExaminedEntry:
    """What `index` found out about one entry."""

    id: int
    type: str
    hashes: dict[str, str]
    outcome: Outcome
    pieces: tuple[Piece, ...] = ()
    children: tuple[ExaminedChild, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundEvidence:
    """Evidence with the entry it stands in; `tail` completes that entry's locator, or is all of it."""

    entry: int | None
    tail: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Seen:
    """What a unit of `match` held beside its evidence. `hits`: values of records in it, before anything else was asked.

    Of a piece of a table: `rows` that hold anything, `shown` those that show a record, and of the others that look like
    persons `unmatched`: the number of each and a hash of whose it is, both as little-endian 64-bit integers, or None
    where the columns are not known.
    """

    hits: int = 0
    rows: int = 0
    shown: int = 0
    unmatched: tuple[bytes, bytes] | None = None


@dataclass(frozen=True, slots=True)
class KnownExtract:
    """A file of the drive whose SHA-256 is that of a file of source records: all its `records` are on the drive."""

    locator: str
    status: str
    name: str
    as_of: str
    records: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SourceSet:
    name: str
    sha256: str
    as_of: str
    records: int
    mapping: dict[str, str]
    quality: dict[str, Any] = field(default_factory=dict)
