"""What people read of the source records: the snapshots, and the files of the drive that are one of them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from forensics.casefile import schema


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One set of source records: `records` are its rows; `standing` those of its values that stand, because no later
    snapshot has others. `mapping` is field → column, `quality` what was noticed while it was read (counts only).

    `former` are those whose last word it is although there is a later snapshot of the same table: they left before
    that. `key_check` says with which key it was made where it is one of fingerprints; it is empty where values were
    supplied.
    """

    id: int
    name: str
    sha256: str
    as_of: str
    records: int
    standing: int
    mapping: dict[str, str]
    quality: dict[str, Any]
    former: int = 0
    key_check: str = ""

    @property
    def by_fingerprints(self) -> bool:
        return bool(self.key_check)


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
        sets = self._rows(select(t).order_by(t.c.id))
        former = self._former({int(row.id): str(row.as_of) for row in sets}) if len(sets) > 1 else {}
        found = []
        for row in sets:
            quality = json.loads(row.quality)
            made_with = str(json.loads(quality.pop("fingerprints", "{}")).get("key_check", ""))
            found.append(
                Snapshot(
                    row.id, row.name, row.sha256, row.as_of, row.records, standing.get(row.id, 0),
                    json.loads(row.mapping), quality, former.get(row.id, 0), made_with,
                )
            )  # fmt: skip
        return found

    def _former(self, days: Mapping[int, str]) -> dict[int, int]:
        """Set → keys that it was the last to have, where a later set has other keys of the same table."""
        r, also = schema.source_record, schema.also_in
        newer = r.alias()
        same = select(r.c.set_id, also.c.set_id).join(r, r.c.id == also.c.record)
        changed = select(r.c.set_id, newer.c.set_id).join(newer, newer.c.id == r.c.standing_id)
        table = {number: {number} for number in days}
        for one, other in (*self._rows(same.distinct()), *self._rows(changed.distinct())):
            together = table[one] | table[other]
            table |= dict.fromkeys(together, together)
        last = select(r.c.last_set, func.count()).where(r.c.standing_id.is_(None)).group_by(r.c.last_set)
        return {
            int(number): int(count)
            for number, count in self._rows(last)
            if number in table and any(days[other] > days[number] for other in table[number])
        }

    def known_extracts(self) -> list[Extract]:
        """Files of the drive with the SHA-256 of a file of source records, by locator."""
        files, sets = schema.file_entry, schema.source_set
        query = (
            select(files.c.locator, files.c.status, sets.c.name, sets.c.as_of, sets.c.records, sets.c.sha256)
            .join(sets, sets.c.sha256 == files.c.sha256)
            .order_by(files.c.locator)
        )
        return [Extract(*row) for row in self._rows(query)]
