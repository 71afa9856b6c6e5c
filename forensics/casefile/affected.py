"""Affected persons beside their own newest values: what letters and duties are made from. Holds personal data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from forensics.casefile import schema
from forensics.casefile.rows import read_source_record, unpack_elements
from forensics.model import SourceRecord, Tier

_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Affected:
    """One person found: which record, how sure, which elements, what review says, and the newest values of the key."""

    number: int
    tier: Tier
    elements: tuple[str, ...]
    minor: bool
    review: str
    record: SourceRecord


def affected(engine: Engine) -> Iterator[Affected]:
    """Everybody found, by number of the record. A letter goes where the newest snapshot says that somebody lives, which
    need not be the row by which they were found."""
    x, found = schema.exposure, schema.source_record.alias("found")
    newest = schema.source_record.alias("newest")
    query = (
        select(newest, x.c.record, x.c.tier, x.c.elements.label("exposed"), x.c.minor.label("was_minor"), x.c.review)
        .join(found, found.c.id == x.c.record)
        .join(newest, newest.c.id == func.coalesce(found.c.standing_id, found.c.id))
        .order_by(x.c.record)
        .limit(_PAGE)
    )
    after = -1
    while True:
        with engine.connect() as connection:
            rows = connection.execute(query.where(x.c.record > after)).all()
        for row in rows:
            yield Affected(
                row.record, Tier(row.tier), tuple(sorted(unpack_elements(row.exposed))), row.was_minor, row.review,
                read_source_record(row),
            )  # fmt: skip
        if len(rows) < _PAGE:
            return
        after = rows[-1].record
