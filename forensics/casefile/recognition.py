"""What became of the text on pictures: which are left to be read, and what was read of them goes into the case."""

from __future__ import annotations

from collections.abc import Sequence

import zstandard
from sqlalchemy import ColumnElement, bindparam, func, select, update

from forensics.casefile import schema
from forensics.casefile.examined import piece_rows
from forensics.casefile.rows import read_entry
from forensics.casefile.store import Store
from forensics.casefile.stored import ExaminedEntry, StoredEntry


def pictures_left(
    store: Store, reasons: Sequence[str], types: Sequence[str], after: int, limit: int = 256
) -> list[StoredEntry]:
    """Entries of these types that ended for one of these reasons, with a number above `after`, in that order."""
    table = schema.file_entry
    query = (
        select(table)
        .where(table.c.reason.in_(reasons), _read_itself(), table.c.type.in_(types), table.c.id > after)
        .order_by(table.c.id)
        .limit(limit)
    )
    with store.begin() as connection:
        return [read_entry(row) for row in connection.execute(query)]


def alike_left(store: Store, entry: int, reasons: Sequence[str]) -> list[int]:
    """The numbers of the other entries with the content of this one that ended for one of these reasons."""
    table = schema.file_entry
    here = select(table.c.sha256).where(table.c.id == entry).scalar_subquery()
    query = select(table.c.id).where(
        table.c.sha256 == here, table.c.id != entry, table.c.reason.in_(reasons), _read_itself()
    )
    with store.begin() as connection:
        return list(connection.scalars(query.order_by(table.c.id)))


def add_recognised(store: Store, read: Sequence[ExaminedEntry]) -> None:
    """Add what was read off pictures to what is known of them: all of it, or nothing. Their outcome is the new one."""
    if not read:
        return
    table = schema.file_entry
    compress = zstandard.ZstdCompressor(level=3).compress
    pieces = [row for item in read for row in piece_rows(item, compress)]
    with store.begin() as connection:
        numbers = [item.id for item in read]
        before = {
            row.id: row
            for row in connection.execute(
                select(table.c.id, table.c.notes, table.c.has_pieces).where(table.c.id.in_(numbers))
            )
        }
        connection.execute(
            update(table).where(table.c.id == bindparam("entry")),
            [
                {
                    "entry": item.id,
                    "outcome": str(item.outcome.kind),
                    "reason": item.outcome.reason,
                    "has_pieces": before[item.id].has_pieces or bool(item.pieces),
                    "notes": "; ".join(filter(None, (before[item.id].notes, *item.notes))),
                }
                for item in read
            ],
        )
        if pieces:
            connection.execute(schema.piece.insert(), pieces)


def count_noted(store: Store, phrase: str) -> int:
    """How many entries have this phrase among their notes."""
    table = schema.file_entry
    with store.begin() as connection:
        query = select(func.count()).where(table.c.notes.contains(phrase, autoescape=True))
        return connection.scalar(query) or 0


def count_left(store: Store, reasons: Sequence[str]) -> int:
    """How many entries ended for one of these reasons."""
    table = schema.file_entry
    with store.begin() as connection:
        return connection.scalar(select(func.count()).where(table.c.reason.in_(reasons), _read_itself())) or 0


def _read_itself() -> ColumnElement[bool]:
    """What repeats another entry (in a shadow copy) gets what is read off that one."""
    return schema.file_entry.c.id.not_in(select(schema.same_content.c.entry_id))
