"""Several dated snapshots of one table: one person a key, every set of values findable, the newest of them standing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, bindparam, func, select, update

from forensics.casefile import schema
from forensics.casefile.rows import read_source_record
from forensics.casefile.stored import SourceSet
from forensics.errors import Refused
from forensics.model import SourceRecord

COMPARED = (
    "given_name", "middle_name", "family_name", "suffix", "birth_date", "ssn", "member_id", "address", "city", "state",
    "postal_code", "phone", "email", "fingerprints",
)  # fmt: skip
"""The fields that make two rows of one key two sets of values. A change of another field is none."""

STRANGERS = 0.2
"""Share of common keys that may name somebody with another birth date and another family name."""

_table = schema.source_record


_unused = Table("unused_value", MetaData(), Column("value", String, primary_key=True), prefixes=["TEMPORARY"])


def blank(connection: Connection, set_id: int, name: str, values: Collection[str]) -> None:
    """Empty the field of that name in the records of a set that hold one of these values, whatever their case.

    The temporary table lies in memory (`database.py`): nothing of it is written to a disk.
    """
    _unused.create(connection)
    connection.execute(_unused.insert(), [{"value": value.lower()} for value in values])
    column = _table.c[name]
    holds = func.lower(column).in_(select(_unused.c.value))
    connection.execute(update(_table).where(_table.c.set_id == set_id, column != "", holds).values({name: ""}))
    _unused.drop(connection)


def standing_of(engine: Engine) -> dict[int, int]:
    """Number of each older set of values → the standing one of its key; empty where there is one snapshot."""
    with engine.connect() as connection:
        query = select(_table.c.id, _table.c.standing_id).where(_table.c.standing_id.is_not(None))
        return {int(row.id): int(row.standing_id) for row in connection.execute(query)}


def older_values(engine: Engine) -> Iterator[tuple[int, SourceRecord]]:
    """Number of the standing record, and the record, of each older set of values of a key."""
    query = select(_table).where(_table.c.standing_id.is_not(None))
    with engine.connect() as connection:
        for row in connection.execution_options(yield_per=5_000).execute(query):
            yield int(row.standing_id), read_source_record(row)


class Snapshots:
    """Puts the rows of a new set beside those of earlier ones. `counts` says how they compare."""

    def __init__(self, connection: Connection, set_id: int, source: SourceSet) -> None:
        self._connection = connection
        self._set_id = set_id
        self._dated = bool(source.as_of)
        sets = schema.source_set
        self._as_of = {int(row.id): str(row.as_of) for row in connection.execute(select(sets.c.id, sets.c.as_of))}
        self._alone = connection.scalar(select(func.count()).select_from(_table)) == 0
        self._strangers = self._shared = 0
        self.counts = {"same": 0, "changed": 0, "new": 0}

    def add(self, page: Sequence[dict[str, Any]]) -> None:
        """Write a page of rows. Raises `Refused` where keys are taken and the sets are no dated snapshots."""
        rows = [{**row, "set_id": self._set_id, "last_set": self._set_id} for row in page]
        if self._alone:
            self._connection.execute(_table.insert(), rows)
            return
        known = self._known([row["record_key"] for row in rows])
        fresh, seen, also = [], [], []
        for row in rows:
            earlier = known.get(row["record_key"], [])
            if not earlier:
                self.counts["new"] += 1
                fresh.append(row)
                continue
            self._compare(row, earlier)
            same = next((e for e in earlier if all(getattr(e, name) == row[name] for name in COMPARED)), None)
            self.counts["same" if same else "changed"] += 1
            if same is not None:
                also.append({"record": same.id, "set_id": self._set_id})
            if same is None:
                fresh.append(row)
            elif self._newer(self._set_id, same.last_set):
                seen.append(
                    {"of": same.id, "last_set": self._set_id, "extra": row["extra"], "deceased": row["deceased"]}
                )
        if fresh:
            self._connection.execute(_table.insert(), fresh)
        if also:
            self._connection.execute(schema.also_in.insert(), also)
        if seen:
            statement = update(_table).where(_table.c.id == bindparam("of"))
            self._connection.execute(
                statement.values(
                    last_set=bindparam("last_set"), extra=bindparam("extra"), deceased=bindparam("deceased")
                ),
                seen,
            )
        self._stand(known)

    def finish(self) -> None:
        """Raises `Refused` where too many of the common keys name somebody else."""
        if self._strangers > STRANGERS * self._shared:
            raise Refused(
                f"{self._strangers:,} of {self._shared:,} keys that an earlier file has too name another person.",
                "This is no snapshot of one table: give a column with --key whose values are unique over all files.",
            )

    def _known(self, keys: Iterable[str]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        keys = list(keys)
        for at in range(0, len(keys), 500):
            query = select(_table).where(_table.c.record_key.in_(keys[at : at + 500])).order_by(_table.c.id)
            for row in self._connection.execute(query):
                found.setdefault(row.record_key, []).append(row)
        return found

    def _compare(self, row: dict[str, Any], earlier: Sequence[Any]) -> None:
        if not self._dated or not all(self._as_of[e.set_id] for e in earlier):
            raise Refused(
                "A record key of this file is in the case already, from another file.",
                "Give every snapshot of one table its day with --as-of; for another table, give a column whose values"
                " are unique over all files with --key.",
            )
        self._shared += 1
        self._strangers += all(
            e.birth_date != row["birth_date"] and e.family_name.casefold() != row["family_name"].casefold()
            for e in earlier
        )

    def _newer(self, one: int, other: int) -> bool:
        return (self._as_of[one], one) > (self._as_of[other], other)

    def _stand(self, known: dict[str, list[Any]]) -> None:
        changes = []
        for rows in self._known(known).values():
            standing = max(rows, key=lambda row: (self._as_of[row.last_set], row.last_set))
            for row in rows:
                wanted = None if row is standing else standing.id
                if row.standing_id != wanted:
                    changes.append({"of": row.id, "standing": wanted})
        if changes:
            statement = update(_table).where(_table.c.id == bindparam("of"))
            self._connection.execute(statement.values(standing_id=bindparam("standing")), changes)
