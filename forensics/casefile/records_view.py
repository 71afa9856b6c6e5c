"""What people read of the source records: the snapshots, and the files of the drive that are one of them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from forensics.casefile import schema


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One set of source records: `records` are its rows; `standing` those of its values that stand, because no later
    snapshot has others. `mapping` is field → column, `quality` what was noticed while it was read (counts only)."""

    id: int
    name: str
    sha256: str
    as_of: str
    records: int
    standing: int
    mapping: dict[str, str]
    quality: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extract:
    """A file of the drive that is, byte for byte, a file of source records: all its `records` are on the drive."""

    locator: str
    status: str
    name: str
    as_of: str
    records: int
    sha256: str


class RecordsView(ABC):
    """The part of a case's view that is about source records; the view itself knows how to ask."""

    @abstractmethod
    def _rows(self, query: Select[Any]) -> Sequence[Any]: ...

    def snapshots(self) -> list[Snapshot]:
        """The sets of source records in the order in which they were loaded."""
        t, r = schema.source_set, schema.source_record
        query = select(r.c.set_id, func.count()).where(r.c.standing_id.is_(None)).group_by(r.c.set_id)
        standing = {int(row[0]): int(row[1]) for row in self._rows(query)}
        return [
            Snapshot(
                row.id, row.name, row.sha256, row.as_of, row.records, standing.get(row.id, 0),
                json.loads(row.mapping), json.loads(row.quality),
            )
            for row in self._rows(select(t).order_by(t.c.id))
        ]  # fmt: skip

    def known_extracts(self) -> list[Extract]:
        """Files of the drive with the SHA-256 of a file of source records, by locator."""
        files, sets = schema.file_entry, schema.source_set
        query = (
            select(files.c.locator, files.c.status, sets.c.name, sets.c.as_of, sets.c.records, sets.c.sha256)
            .join(sets, sets.c.sha256 == files.c.sha256)
            .order_by(files.c.locator)
        )
        return [Extract(*row) for row in self._rows(query)]
