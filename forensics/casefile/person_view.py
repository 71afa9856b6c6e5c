"""What people read of one person: the rows of the source records that are this person, and who else stands there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from forensics.casefile import schema
from forensics.casefile.rows import read_evidence, read_source_record
from forensics.casefile.snapshots import COMPARED
from forensics.model import Evidence, SourceRecord


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One set of values that the source records have under a key: from which file, as of when, until which file it
    stayed so (`last_as_of`), and which fields differ from the values that stand. No values."""

    name: str
    as_of: str
    last_as_of: str
    sha256: str
    standing: bool
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """One row of evidence, and how many other records were found at the same place."""

    evidence: Evidence
    others: int


class PersonView(ABC):
    """The part of a case's view that is about one person; the view itself knows how to ask."""

    @abstractmethod
    def _rows(self, query: Select[Any]) -> Sequence[Any]: ...

    def in_records(self, record_key: str) -> bool:
        """Whether the source records have this key at all, found on the drive or not."""
        t = schema.source_record
        return bool(self._rows(select(t.c.id).where(t.c.record_key == record_key).limit(1)))

    def source_rows(self, record_key: str) -> list[SourceRow]:
        """Every set of values under a key over all snapshots, by day; one of them stands."""
        t, first, last = schema.source_record, schema.source_set.alias(), schema.source_set.alias()
        query = (
            select(t, first.c.name.label("set_name"), first.c.as_of, first.c.sha256, last.c.as_of.label("last_as_of"))
            .join(first, first.c.id == t.c.set_id)
            .join(last, last.c.id == func.iif(t.c.last_set == 0, t.c.set_id, t.c.last_set))
            .where(t.c.record_key == record_key)
            .order_by(first.c.as_of, t.c.id)
        )
        rows = self._rows(query)
        standing = next((row for row in rows if row.standing_id is None), None)
        return [
            SourceRow(
                row.set_name, row.as_of, row.last_as_of, row.sha256, row is standing,
                tuple(name for name in COMPARED if getattr(row, name) != getattr(standing, name)),
            )
            for row in rows
        ]  # fmt: skip

    def born_on(self, birth_date: str) -> list[SourceRecord]:
        """The standing records with this birth date, by key; for the program, which shows nothing of them unmasked."""
        t = schema.source_record
        query = select(t).where(t.c.birth_date == birth_date, t.c.standing_id.is_(None)).order_by(t.c.record_key)
        return [read_source_record(row) for row in self._rows(query)]

    def entry_status(self, locator: str) -> str:
        """The status of the entry with this locator (`model.EntryStatus`), or empty where there is none."""
        t = schema.file_entry
        rows = self._rows(select(t.c.status).where(t.c.locator == locator))
        return str(rows[0].status) if rows else ""

    def evidence_with_others(self, record: int) -> list[PlaceRow]:
        """Every row of evidence of a record, by place and road."""
        table, entry = schema.evidence, schema.file_entry
        query = (
            select(table, entry.c.locator.label("entry_locator"))
            .join(entry, entry.c.id == table.c.entry_id, isouter=True)
            .where(table.c.record == record)
        )
        mine = self._rows(query)
        others: dict[tuple[Any, ...], set[int]] = {}
        for at in range(0, len(mine), _PAGE):
            page = mine[at : at + _PAGE]
            # What stands at one place was found by one unit; the unit has an index, the place has none.
            beside = select(table.c.unit_id, table.c.entry_id, table.c.tail, table.c.record).where(
                table.c.unit_id.in_({row.unit_id for row in page}),
                table.c.tail.in_({row.tail for row in page}),
                table.c.record != record,
            )
            for *place, other in self._rows(beside):
                others.setdefault(tuple(place), set()).add(other)
        rows = [
            PlaceRow(read_evidence(row), len(others.get((row.unit_id, row.entry_id, row.tail), ()))) for row in mine
        ]
        return sorted(rows, key=lambda row: (row.evidence.locator, row.evidence.road))


_PAGE = 500
