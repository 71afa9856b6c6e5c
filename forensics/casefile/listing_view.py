"""Every entry of a case with all that other tools ask for, a page at a time: what the exports are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine, select

from forensics.casefile import schema
from forensics.casefile.runs import unpack_runs
from forensics.model import Run

PAGE = 2_000


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One entry. Texts are empty where nothing is known; `path` is escaped for people; times are ISO 8601."""

    id: int
    exhibit: str
    volume: int
    locator: str
    path: str
    status: str
    archived: bool
    size: int
    address: int
    type: str
    outcome: str
    reason: str
    modified: str
    created: str
    accessed: str
    md5: str
    sha1: str
    sha256: str
    runs: tuple[Run, ...]
    known: str
    """The sets of known files that its content is in, separated by `; `."""
    clock: str
    uncertain_because: str
    notes: str
    """What a person should know beside the outcome, separated by `; `."""


class ListingView:
    """The part of `CaseView` that lists everything."""

    _engine: Engine

    def listing(self, volume: int | None = None, with_runs: bool = False) -> Iterator[ListedFile]:
        """All entries by locator, of one volume (its number in `volume_numbers`) or of all."""
        t = schema.file_entry
        known = self.known_of_entries()
        columns = [c for c in t.c if c.name != "runs" or with_runs]
        after = ""
        while True:
            query = select(*columns).where(t.c.locator > after).order_by(t.c.locator).limit(PAGE)
            if volume is not None:
                query = query.where(t.c.volume_id == volume)
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
            for row in rows:
                inside = row.parent_id is not None
                inner = "!" + "!".join(row.locator.split("!")[1:]) if inside else ""
                yield ListedFile(
                    row.id, row.exhibit, row.volume_id, row.locator,
                    (row.folder + inner) if inside else "/".join(filter(None, (row.folder, row.name))),
                    row.status, inside, row.size, row.address, row.type or "", row.outcome or "pending", row.reason,
                    row.modified, row.created, row.accessed, row.md5 or "", row.sha1 or "", row.sha256 or "",
                    unpack_runs(row.runs) if with_runs else (), "; ".join(known.get(row.id, ())),
                    row.clock, row.uncertain_because, row.notes,
                )  # fmt: skip
            if len(rows) < PAGE:
                return
            after = rows[-1].locator

    def volume_numbers(self, exhibit: str) -> list[int]:
        """The numbers that the volumes of an exhibit have in the case, in the order of `volumes`."""
        t = schema.volume
        with self._engine.connect() as connection:
            query = select(t.c.id).where(t.c.exhibit == exhibit).order_by(t.c.number, t.c.layers)
            return list(connection.scalars(query))

    def known_of_entries(self) -> dict[int, tuple[str, ...]]:
        """Entry number → names of the sets of known files that its content is in."""
        k, s = schema.known_file, schema.known_set
        found: dict[int, tuple[str, ...]] = {}
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(k.c.entry_id, s.c.name).join(s, s.c.id == k.c.set_id).order_by(k.c.entry_id, s.c.name)
            )
            for entry, name in rows:
                found[entry] = (*found.get(entry, ()), name)
        return found
