"""The values of the parts of the report that are not counts of persons: testimony, times, lists, exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forensics.model import Tier


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One statement of the certificate. `who` and `utc` are empty where nobody made it for these acquisitions."""

    key: str
    text: str
    who: str = ""
    utc: str = ""

    @property
    def ticked(self) -> bool:
        return bool(self.who)


@dataclass(frozen=True, slots=True)
class Testimony:
    """What the examiner says in person. `executed` is whether this document is signed with its certificate."""

    employer: str
    qualifications: str
    second_examiner: str
    statements: tuple[StatementLine, ...]
    executed: bool

    @property
    def complete(self) -> bool:
        return bool(self.employer and self.qualifications) and all(line.ticked for line in self.statements)


@dataclass(frozen=True, slots=True)
class Program:
    """With what it was done: `build` is the SHA-256 of the program's own files, `self_test` a sentence."""

    name: str
    version: str
    build: str
    self_test: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the waterfall: what is left, what fell out on the way from the step before, and why."""

    name: str
    number: int
    fell_out: int = 0
    because: str = ""


@dataclass(frozen=True, slots=True)
class PartlyKnown:
    """A table that shows records, and rows in it that look like persons and show none. `unknown` rows are in parts of
    which the columns are not known, `rest` are no persons: headers, totals."""

    locator: str
    rows: int
    shown: int
    unmatched: int
    unknown: int
    rest: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatedTable:
    """A table of the exhibit, and the dated snapshots of the records: of `told_by` persons who tell them apart, as of →
    how many agree, differ, and are not in the snapshot. `p` is the sign test against the nearest other."""

    locator: str
    identical_to: tuple[str, ...]
    persons: int
    told_by: int
    said: str
    p: float
    snapshots: tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class RecallRow:
    """Invented persons planted in one layout, and found; shares 0 to 1, None where nobody could be planted."""

    layout: str
    planted: int
    found: int
    share: float | None
    low: float | None
    high: float | None
    note: str


@dataclass(frozen=True, slots=True)
class OtherRule:
    """What would have been counted by another rule: persons by tier, and the interval over all of them."""

    name: str
    tiers: Mapping[Tier, int]
    low: int
    estimate: int
    high: int


@dataclass(frozen=True, slots=True)
class Extract:
    """A content of the exhibit that is byte for byte one of the files of source records."""

    locator: str
    name: str
    as_of: str
    records: int


@dataclass(frozen=True, slots=True)
class Times:
    """What the file table says about time. `by_day` is day (ISO 8601) → (created, modified) entries; `clocks` is clock
    → entries; `undated` entries have no time at all. `marks` are days that the organisation named."""

    by_day: Mapping[str, tuple[int, int]]
    clocks: Mapping[str, int]
    undated: int
    marks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One person of annex D. `record` is masked already."""

    record: str
    tier: Tier
    places: int
    first_place: str
    elements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListDigest:
    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A list that left the case. `encrypted_to` is the SHA-256 of a certificate, empty where it left in clear."""

    utc: str
    kind: str
    rows: int
    sha256: str
    encrypted_to: str


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture of the exhibit. `jpeg` is None where the file is no picture, or not the one that was kept.

    `sha256` is of the file that was taken in; `jpeg` is a smaller copy of it for a page.
    """

    name: str
    sha256: str
    jpeg: bytes | None
    exhibit: str = ""
