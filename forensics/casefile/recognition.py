"""What became of the text on pictures, by the notes and reasons that examining left on the entries."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select

from forensics.casefile import schema
from forensics.casefile.store import Store


def count_noted(store: Store, phrase: str) -> int:
    """How many entries have this phrase among their notes."""
    table = schema.file_entry
    with store.begin() as connection:
        query = select(func.count()).where(table.c.notes.contains(phrase, autoescape=True))
        return connection.scalar(query) or 0


def count_left(store: Store, notes: Sequence[str], reasons: Sequence[str]) -> int:
    """How many entries have one of these notes, or ended for one of these reasons."""
    table = schema.file_entry
    noted = [table.c.notes.contains(phrase, autoescape=True) for phrase in notes]
    with store.begin() as connection:
        return connection.scalar(select(func.count()).where(or_(*noted, table.c.reason.in_(reasons)))) or 0
