"""What people read of a case: pages and counts, read-only, never holding a transaction between two of them."""

from __future__ import annotations

import array
import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Self

import numpy as np
from sqlalchemy import Select, case, func, select

from forensics.casefile import database, protection, schema
from forensics.casefile import report_versions as versions_of
from forensics.casefile.affected import Affected, affected
from forensics.casefile.case import CaseDetails, CaseFolder
from forensics.casefile.contents_view import ContentsView
from forensics.casefile.coverage import Share, read_coverage
from forensics.casefile.implausible import Implausible, read_implausible
from forensics.casefile.layers import place_of
from forensics.casefile.listing_view import ListingView
from forensics.casefile.person_view import PersonView
from forensics.casefile.records_view import RecordsView
from forensics.casefile.report_versions import Counted, ReportVersion
from forensics.casefile.review_view import ReviewView
from forensics.casefile.rows import pack_elements, read_acquisitions, read_source_sets, read_volume, unpack_elements
from forensics.casefile.search_view import SearchView
from forensics.casefile.stored import SourceSet
from forensics.model import (
    ELEMENTS,
    LAYER_BITS,
    Acquisition,
    CustodyEvent,
    Exposure,
    Locator,
    OutcomeKind,
    Tier,
    Volume,
)

PERSON_COLUMNS = ("record_key", "tier", "elements", "places", "live", "deleted", "unallocated", "archived", "state")


@dataclass(frozen=True, slots=True)
class FileRow:
    """One line of the table of contents. `size` in bytes; `modified` as the file system gave it."""

    id: int
    name: str
    folder: str
    type: str
    size: int
    modified: str
    status: str
    outcome: str
    reason: str
    sha256: str
    locator: str
    md5: str = ""
    sha1: str = ""
    created: str = ""
    accessed: str = ""
    clock: str = ""
    uncertain_because: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class HashRow:
    sha256: str
    md5: str
    sha1: str
    size: int
    status: str
    locator: str


@dataclass(frozen=True, slots=True)
class NotExamined:
    """An item that was not examined, or failed. `size` in bytes."""

    locator: str
    size: int
    reason: str


@dataclass(frozen=True, slots=True)
class ExhibitRow:
    label: str
    received_utc: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """A content in which confirmed or probable persons stand, and how many of each tier."""

    locator: str
    persons: int
    tiers: dict[str, int]


class CaseView(ReviewView, PersonView, RecordsView, SearchView, ListingView, ContentsView):
    """A case opened for reading; cheap to hold, safe beside a running job."""

    def __init__(self, folder: CaseFolder, key: bytes) -> None:
        folder.require()
        self.folder = folder
        self.key = key
        self._engine = database.reader(folder.database, key)

    @classmethod
    def open(cls, path: Path, passphrase: str) -> Self:
        """Unlock and open. Raises `Refused` for a wrong passphrase or a folder that is no case."""
        folder = CaseFolder(path)
        folder.require()
        return cls(folder, protection.unlock(folder.key_file, passphrase))

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, query: Select[Any]) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def _numbers(self, query: Select[Any]) -> array.array[int]:
        """The one column of a query, in pages: fetching a million rows at once would hold the window's thread up."""
        numbers = array.array("q")
        with self._engine.connect() as connection:
            streamed = connection.execution_options(yield_per=2_000)
            for page in streamed.scalars(query).partitions():
                numbers.extend(page)
        return numbers

    def fact(self, name: str) -> Any:
        rows = self._rows(select(schema.fact.c.value).where(schema.fact.c.name == name))
        return json.loads(rows[0].value) if rows else None

    # --------------------------------------------------------------------------------------------------------- case

    def details(self) -> CaseDetails:
        return CaseDetails.from_json(json.dumps(self.fact("details")))

    def exhibits(self) -> list[ExhibitRow]:
        rows = self._rows(select(schema.exhibit).order_by(schema.exhibit.c.label))
        return [ExhibitRow(r.label, r.received_utc, json.loads(r.details)) for r in rows]

    def acquisitions(self) -> list[Acquisition]:
        with self._engine.connect() as connection:
            return read_acquisitions(connection)

    def source_sets(self) -> list[SourceSet]:
        with self._engine.connect() as connection:
            return read_source_sets(connection)

    def record_count(self) -> int:
        """Record keys in the case, each counted once over all snapshots."""
        t = schema.source_record
        return int(self._rows(select(func.count()).select_from(t).where(t.c.standing_id.is_(None)))[0][0])

    def volumes(self) -> list[Volume]:
        table = schema.volume
        return [
            read_volume(row)
            for row in self._rows(select(table).order_by(table.c.exhibit, table.c.number, table.c.layers))
        ]

    def assessment(self) -> dict[str, Any] | None:
        """The result of `assess`, or None before it."""
        result: dict[str, Any] | None = self.fact("assessment")
        return result

    def ledger(self) -> list[CustodyEvent]:
        """The custody ledger as it stands in its file; nothing is checked here (`verify` does that)."""
        path = self.folder.custody / "ledger.jsonl"
        if not path.is_file():
            return []
        events = []
        for line in path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
                events.append(
                    CustodyEvent(
                        entry["seq"], entry["utc"], entry["actor"], entry["event"], entry["exhibit"], entry["data"],
                        entry.get("sha256", ""),
                    )
                )  # fmt: skip
            except (ValueError, KeyError, TypeError):
                break
        return events

    # ----------------------------------------------------------------------------------------------------- contents

    def file_ids(
        self, order_by: str = "id", descending: bool = False, text: str = "", only: str = ""
    ) -> array.array[int]:
        """As `file_ids_in`, of all exhibits."""
        return self.file_ids_in(None, order_by, descending, text, only)

    def files(self, ids: Sequence[int]) -> dict[int, FileRow]:
        """The rows with these numbers."""
        t = schema.file_entry
        columns = (
            t.c.id, t.c.name, t.c.folder, t.c.type, t.c.size, t.c.modified, t.c.status, t.c.outcome, t.c.reason,
            t.c.sha256, t.c.locator, t.c.md5, t.c.sha1, t.c.created, t.c.accessed, t.c.clock, t.c.uncertain_because,
            t.c.notes,
        )  # fmt: skip
        rows = self._rows(select(*columns).where(t.c.id.in_(list(ids))))
        return {
            r.id: FileRow(
                r.id, r.name, r.folder, r.type or "", r.size, r.modified, r.status, r.outcome or "pending", r.reason,
                r.sha256 or "", r.locator, r.md5 or "", r.sha1 or "", r.created, r.accessed, r.clock,
                r.uncertain_because, r.notes,
            )
            for r in rows
        }  # fmt: skip

    def all_files(self) -> Iterator[FileRow]:
        ids = self.file_ids("id")
        for at in range(0, len(ids), 500):
            page = self.files(ids[at : at + 500])
            yield from (page[i] for i in ids[at : at + 500])

    def hashes(self) -> Iterator[HashRow]:
        """One row an entry with content that was hashed, by locator."""
        t = schema.file_entry
        query = select(t.c.sha256, t.c.md5, t.c.sha1, t.c.size, t.c.status, t.c.locator).where(t.c.sha256.is_not(None))
        for row in self._rows(query.order_by(t.c.locator)):
            yield HashRow(*row)

    def counts_by(self, column: str) -> dict[str, int]:
        """How many entries have each value of `type`, `status` or `outcome`."""
        chosen = schema.file_entry.c[column]
        rows = self._rows(select(chosen, func.count()).group_by(chosen).order_by(func.count().desc(), chosen))
        return {value or "pending": count for value, count in rows}

    def status_of(self, exhibit: str) -> dict[int, str]:
        """Entry number → status, of the entries of one exhibit."""
        t = schema.file_entry
        return {row.id: row.status for row in self._rows(select(t.c.id, t.c.status).where(t.c.exhibit == exhibit))}

    def not_examined(self) -> list[NotExamined]:
        """All that was not examined: volumes, entries and shares of the raw scan, by locator."""
        found = [
            NotExamined(f"{v.exhibit}/{v.name}", v.length, v.outcome.reason)
            for v in self.volumes()
            if v.outcome.kind not in (OutcomeKind.OK, OutcomeKind.EMPTY)
        ]
        t = schema.file_entry
        bad = ("not_examined", "failed")
        for row in self._rows(select(t.c.locator, t.c.size, t.c.reason).where(t.c.outcome.in_(bad))):
            found.append(NotExamined(*row))
        u, p = schema.match_unit, schema.piece
        query = (
            select(u, t.c.locator, p.c.byte_length)
            .join(p, p.c.id == u.c.piece_id, isouter=True)
            .join(t, t.c.id == p.c.entry_id, isouter=True)
            .where(u.c.outcome.in_(bad))
        )
        for row in self._rows(query):
            if row.piece_id is None:
                size = row.stop - row.start
                place = Locator(row.exhibit, offset=row.start, length=size)
                if row.start >> LAYER_BITS:
                    place = place_of(self.volumes(), row.exhibit, row.start, size)
                found.append(NotExamined(str(place), size, row.reason))
            else:
                found.append(NotExamined(row.locator, row.byte_length, row.reason))
        return sorted(found, key=lambda item: (item.locator, item.reason))

    def coverage(self) -> list[Share]:
        """Every byte of every exhibit once, by volume and fate; nothing before `index` ended."""
        with self._engine.connect() as connection:
            return read_coverage(connection)

    def implausible(self) -> list[Implausible]:
        """Files whose bytes are not to be believed, by locator."""
        with self._engine.connect() as connection:
            return read_implausible(connection)

    # ----------------------------------------------------------------------------------------------------- exposure

    def person_ids(
        self,
        order_by: str = "record_key",
        descending: bool = False,
        tiers: Sequence[Tier] = tuple(Tier),
        text: str = "",
    ) -> array.array[int]:
        """The record numbers of the affected persons that fit, in order."""
        table = schema.exposure
        if order_by not in PERSON_COLUMNS:
            raise ValueError(f"no such column: {order_by}")
        query = select(table.c.record).where(table.c.tier.in_([str(tier) for tier in tiers]))
        if text:
            pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            query = query.where(table.c.record_key.like(pattern, escape="\\"))
        column: Any = table.c[order_by]
        if order_by == "tier":
            column = case({"confirmed": 0, "probable": 1, "possible": 2}, value=table.c.tier)
        direction = column.desc() if descending else column
        return self._numbers(query.order_by(direction, table.c.record_key))

    def persons(self, records: Sequence[int]) -> dict[int, Exposure]:
        """The persons with these record numbers. No names, numbers or dates: only what was exposed, and where."""
        table = schema.exposure
        return {
            row.record: _exposure(row) for row in self._rows(select(table).where(table.c.record.in_(list(records))))
        }

    def all_persons(self, tiers: Sequence[Tier]) -> Iterator[Exposure]:
        """The affected persons of these tiers, by record key."""
        ids = self.person_ids(tiers=tiers)
        for at in range(0, len(ids), 500):
            page = self.persons(ids[at : at + 500])
            yield from (page[i] for i in ids[at : at + 500])

    def affected(self) -> Iterator[Affected]:
        """Everybody found with their newest values, by number of the record. Holds personal data."""
        return affected(self._engine)

    def report_versions(self) -> list[ReportVersion]:
        """The reports made, oldest first."""
        return versions_of.versions(self._engine)

    def persons_of_report(self, number: int) -> dict[str, Counted]:
        """Record key → the person as that report counted them."""
        return versions_of.persons_of(self._engine, number)

    def persons_now(self) -> dict[str, Counted]:
        """Record key → the person as a report would count them now."""
        return versions_of.persons_now(self._engine)

    def newest_reasons(self) -> dict[str, str]:
        """Record key → the reason of the newest decision about it."""
        return versions_of.newest_reasons(self._engine)

    def decided(self) -> Sequence[tuple[str, str]]:
        """Record key and what review says, of everybody found."""
        t = schema.exposure
        return [(row.record_key, row.review) for row in self._rows(select(t.c.record_key, t.c.review))]

    def elements_by_tier(self) -> dict[str, dict[str, int]]:
        """Element → tier → persons; only elements that somebody has."""
        table = schema.exposure
        counts: dict[str, dict[str, int]] = {}
        for row in self._rows(select(table.c.elements, table.c.tier, func.count().label("n")).group_by(
            table.c.elements, table.c.tier
        )):  # fmt: skip
            for element in unpack_elements(row.elements):
                by_tier = counts.setdefault(element, dict.fromkeys(map(str, Tier), 0))
                by_tier[row.tier] += row.n
        return {element: counts[element] for element in ELEMENTS if element in counts}

    def places(self) -> dict[str, int] | None:
        """Distinct places of confirmed and probable persons: `total`, by region, `archived`; None before `assess`."""
        counts: dict[str, int] | None = self.fact("places")
        return counts

    def documents_with_persons(self, limit: int = 25) -> list[SourcePlace]:
        """The contents in which most confirmed and probable persons stand, most first."""
        # Counted here: the database would sort a row for every piece of evidence in memory, ten times as large.
        e, f, x = schema.evidence, schema.file_entry, schema.exposure
        counts: dict[int, dict[str, int]] = {}
        for tier in ("confirmed", "probable"):
            standing = (
                select(e.c.entry_id * _RECORDS + e.c.record)
                .join(x, x.c.record == e.c.record)
                .where(x.c.tier == tier, e.c.agree.in_(_IDENTIFYING), e.c.entry_id.is_not(None))
            )
            persons = np.unique(np.frombuffer(self._numbers(standing), np.int64))
            for entry, number in zip(*np.unique(persons // _RECORDS, return_counts=True), strict=True):
                counts.setdefault(int(entry), {})[tier] = int(number)
        most = heapq.nlargest(limit, counts, key=lambda entry: (sum(counts[entry].values()), -entry))
        rows = self._rows(select(f.c.id, f.c.locator).where(f.c.id.in_(most)))
        places = [SourcePlace(row.locator, sum(counts[row.id].values()), counts[row.id]) for row in rows]
        return sorted(places, key=lambda place: (-place.persons, place.locator))

    def days_of_entries(self) -> tuple[dict[str, tuple[int, int]], dict[str, int], int]:
        """Day → entries created and modified on it, clock → entries, and how many entries have no time; of the entries
        of file systems, not of what is inside containers."""
        t = schema.file_entry
        own = t.c.status != "child"
        days: dict[str, list[int]] = {}
        for place, column in enumerate((t.c.created, t.c.modified)):
            day = func.substr(column, 1, 10)
            for row in self._rows(select(day, func.count()).where(own, column != "").group_by(day)):
                days.setdefault(row[0], [0, 0])[place] = row[1]
        clocks = {row[0]: row[1] for row in self._rows(select(t.c.clock, func.count()).where(own).group_by(t.c.clock))}
        none = select(func.count()).where(own, t.c.created == "", t.c.modified == "")
        return {day: (pair[0], pair[1]) for day, pair in sorted(days.items())}, clocks, int(self._rows(none)[0][0])

    def first_person_ids(self, limit: int, tiers: Sequence[Tier]) -> list[int]:
        """The record numbers of the first persons of these tiers, in the order of the source records."""
        t = schema.exposure
        query = select(t.c.record).where(t.c.tier.in_([str(tier) for tier in tiers])).order_by(t.c.record).limit(limit)
        return [row[0] for row in self._rows(query)]

    def types(self) -> list[tuple[str, int, int]]:
        """Type, items and bytes of content, most items first."""
        t = schema.file_entry
        kind = func.coalesce(t.c.type, "unknown")
        query = select(kind, func.count(), func.coalesce(func.sum(t.c.size), 0)).group_by(kind)
        return [(row[0], row[1], row[2]) for row in self._rows(query.order_by(func.count().desc(), kind))]


_RECORDS = 1 << 32
"""More than the numbers of records, so that entry and record fit one number."""

_DECIDING = ("name", "birth_date", "ssn", "member_id")
# Every value of `agree` in which two of the deciding fields agree: a single one shows nobody.
_IDENTIFYING = [
    pack_elements(fields) for size in range(2, len(_DECIDING) + 1) for fields in combinations(_DECIDING, size)
]


def _exposure(row: Any) -> Exposure:
    elements = unpack_elements(row.elements)
    return Exposure(
        row.record_key, Tier(row.tier), tuple(sorted(elements)), row.places, row.live, row.deleted, row.unallocated,
        row.archived, row.first_place, row.state, row.minor, row.deceased, row.review,
    )  # fmt: skip
