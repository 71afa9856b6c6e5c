"""Entries whose content is in a set of known files. The sets stay outside; the case has their names and the hits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from forensics.casefile import schema

BATCH = 10_000


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A set of known files as it was read: `sha256` of its file, how many `hashes` it had, how many entries are in it.

    `kind` is `nsrl`, `hashdeep` or `list`.
    """

    name: str
    kind: str
    sha256: str
    hashes: int
    added_utc: str
    files: int = 0


def digests(engine: Engine) -> dict[str, dict[str, list[int]]]:
    """Algorithm → digest in lower-case hex → the entries that have it; without empty files, which say nothing."""
    t = schema.file_entry
    found: dict[str, dict[str, list[int]]] = {"sha256": {}, "sha1": {}, "md5": {}}
    with engine.begin() as connection:
        rows = connection.execute(select(t.c.id, t.c.md5, t.c.sha1, t.c.sha256).where(t.c.size > 0))
        for row in rows:
            for kind, of_kind in found.items():
                if digest := getattr(row, kind):
                    of_kind.setdefault(digest, []).append(row.id)
    return found


def put_set(engine: Engine, made: KnownSet, entries: Iterable[tuple[int, str]]) -> None:
    """Keep a set and the entries in it, each with the algorithm; a set of that name is replaced. All or nothing."""
    k, s = schema.known_file, schema.known_set
    with engine.begin() as connection:
        old = connection.scalar(select(s.c.id).where(s.c.name == made.name))
        if old is not None:
            connection.execute(k.delete().where(k.c.set_id == old))
            connection.execute(s.delete().where(s.c.id == old))
        number = connection.execute(
            s.insert()
            .values(
                name=made.name, kind=made.kind, sha256=made.sha256, hashes=made.hashes, added_utc=made.added_utc
            )
            .returning(s.c.id)
        ).scalar_one()  # fmt: skip
        rows = [{"entry_id": entry, "set_id": number, "by": by} for entry, by in entries]
        for at in range(0, len(rows), BATCH):
            connection.execute(k.insert(), rows[at : at + BATCH])


def remove_set(engine: Engine, name: str) -> bool:
    """Forget a set; False where there is none of that name."""
    k, s = schema.known_file, schema.known_set
    with engine.begin() as connection:
        old = connection.scalar(select(s.c.id).where(s.c.name == name))
        if old is None:
            return False
        connection.execute(k.delete().where(k.c.set_id == old))
        connection.execute(s.delete().where(s.c.id == old))
        return True


def sets(engine: Engine) -> list[KnownSet]:
    """The sets of the case by name."""
    k, s = schema.known_file, schema.known_set
    count = select(func.count()).where(k.c.set_id == s.c.id).scalar_subquery()
    query = select(s.c.name, s.c.kind, s.c.sha256, s.c.hashes, s.c.added_utc, count).order_by(s.c.name)
    with engine.begin() as connection:
        return [KnownSet(*row) for row in connection.execute(query)]


def sets_by_locator(engine: Engine) -> list[tuple[str, str]]:
    """Locator of each entry that is in a set of known files, and the name of the set."""
    k, s, f = schema.known_file, schema.known_set, schema.file_entry
    query = (
        select(f.c.locator, s.c.name)
        .join(k, k.c.entry_id == f.c.id)
        .join(s, s.c.id == k.c.set_id)
        .order_by(f.c.locator, s.c.name)
    )
    with engine.connect() as connection:
        return [(row.locator, row.name) for row in connection.execute(query)]
