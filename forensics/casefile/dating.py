"""What the evidence of each table says of each dated snapshot: read for `exposure.dating`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import Engine, select

from forensics.casefile import schema
from forensics.casefile.rows import pack_elements

_CONTACT = pack_elements(("address", "phone", "email"))


@dataclass(frozen=True, slots=True)
class PersonInTable:
    """One person of a table: the best score of each set of values found there, by its record; `key` is the standing
    record. A score counts the fields that agree."""

    key: int
    scores: Mapping[int, int]


def snapshots(engine: Engine) -> list[Any]:
    """Number, name and day of each set of records, in the order of their days."""
    t = schema.source_set
    with engine.connect() as connection:
        return list(connection.execute(select(t.c.id, t.c.name, t.c.as_of).order_by(t.c.as_of, t.c.id)))


def telling_keys(engine: Engine) -> dict[int, dict[int, int]]:
    """The keys (by their standing record) that are not in every set, or not with the same values: set → the record that
    has the values of that set."""
    record, also = schema.source_record, schema.also_in
    with engine.connect() as connection:
        sets = len(connection.execute(select(schema.source_set.c.id)).all())
        rows = connection.execute(select(record.c.id, record.c.standing_id, record.c.set_id)).all()
        more = connection.execute(select(also.c.record, also.c.set_id)).all()
    if not rows:
        return {}
    numbers, standing, first = (np.array(column, np.int64) for column in zip(
        *((row.id, row.standing_id or row.id, row.set_id) for row in rows), strict=True))  # fmt: skip
    versions = np.bincount(standing)
    of_number = np.zeros(int(numbers.max()) + 1, np.int64)
    of_number[numbers] = standing
    later = np.array([(row.record, row.set_id) for row in more], np.int64).reshape(-1, 2)
    held = np.bincount(np.concatenate([standing, of_number[later[:, 0]]]), minlength=len(versions))
    telling = (held > 0) & ((versions > 1) | (held < sets))
    found: dict[int, dict[int, int]] = {}
    for number, key, set_id in zip(numbers.tolist(), standing.tolist(), first.tolist(), strict=True):
        if telling[key]:
            found.setdefault(key, {})[set_id] = number
    for number, set_id in later.tolist():
        if telling[of_number[number]]:
            found[int(of_number[number])][set_id] = number
    return found


def persons_in_tables(engine: Engine) -> Iterator[tuple[str, list[PersonInTable]]]:
    """Locator of each table, sheet or text of the drive that shows records, and its persons, one after the other."""
    e, f = schema.evidence, schema.file_entry
    query = (
        select(e.c.entry_id, e.c.tail, e.c.record, e.c.version, e.c.elements, e.c.agree, f.c.locator)
        .join(f, f.c.id == e.c.entry_id)
        .where(e.c.road != "linkage")
        .order_by(e.c.entry_id)
    )
    with engine.connect() as connection:
        rows = connection.execution_options(yield_per=5_000).execute(query)
        for _, of_entry in groupby(rows, key=lambda row: row.entry_id):
            tables: dict[str, dict[int, dict[int, int]]] = {}
            for row in of_entry:
                scores = tables.setdefault(row.locator + _table(row.tail), {}).setdefault(row.record, {})
                score = row.agree.bit_count() + (row.elements & _CONTACT).bit_count()
                scores[row.version] = max(score, scores.get(row.version, 0))
            for locator, persons in tables.items():
                yield locator, [PersonInTable(key, scores) for key, scores in persons.items()]


def _table(tail: str) -> str:
    """What of a tail names the stream within the content: a sheet or member, without row, line or bytes."""
    return tail.rpartition("!")[0] if "!" in tail else ""
