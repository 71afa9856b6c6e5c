"""Which dated snapshot of the records each table of the drive agrees with, from the evidence of a case."""

from __future__ import annotations

from typing import Any

from forensics.casefile import dating as kept
from forensics.casefile.known_files import sets_by_locator
from forensics.casefile.store import Store
from forensics.exposure.dating import Dated, Telling, dating

LISTED = 50
"""Tables of the result: those that show most persons."""


def dated_tables(store: Store) -> list[dict[str, Any]]:
    """The tables of the drive that show most persons, each with what it says of the snapshots; none where there are not
    two snapshots with a day. What a file is by its hash stands beside it: a snapshot, or a set of known files."""
    snapshots = kept.snapshots(store.engine)
    if len(snapshots) < 2 or not all(one.as_of for one in snapshots):
        return []
    telling = kept.telling_keys(store.engine)
    order = [one.id for one in snapshots]
    tables = []
    for locator, persons in kept.persons_in_tables(store.engine):
        told = Telling(len(order), len(persons))
        for person in persons:
            versions = telling.get(person.key)
            if versions is not None:
                told.add([person.scores.get(versions[s], 0) if s in versions else None for s in order])
        tables.append((locator, told))
    same: dict[str, tuple[str, ...]] = {}
    for extract in store.known_extracts():
        same[extract.locator] = (*same.get(extract.locator, ()), f"{extract.name}, {extract.as_of}")
    for locator, name in sets_by_locator(store.engine):
        same[locator] = (*same.get(locator, ()), f"known files {name}")
    return dating(tables, [Dated(one.name, one.as_of) for one in snapshots], same)[:LISTED]
