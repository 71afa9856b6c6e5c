"""The passwords an examiner tries on locked contents, kept where the contents are: inside the encrypted case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, select, update

from forensics.casefile import schema
from forensics.casefile.store import Store

_FACT = "passwords"


def remembered(store: Store) -> tuple[str, ...]:
    """The passwords of this case, in the order in which they were given."""
    return tuple(store.fact(_FACT) or ())


def remember(store: Store, given: Iterable[str]) -> bool:
    """Add passwords to those of the case. Whether there was a new one among them."""
    before = remembered(store)
    after = tuple(dict.fromkeys((*before, *given)))
    if after != before:
        store.put_fact(_FACT, list(after))
    return after != before


def reopen(store: Store, reasons: Sequence[str]) -> int:
    """Make everything that ended for one of these reasons work left again; how many entries that are.

    A locked member of an archive has no bytes of its own in the case: there the archive is examined again, and what
    came out of it is removed.
    """
    table = schema.file_entry
    with store.begin() as connection:
        locked = connection.execute(
            select(table.c.id, table.c.parent_id).where(table.c.outcome.is_not(None), table.c.reason.in_(reasons))
        ).all()
        again: set[int] = set()
        for row in locked:
            held = connection.scalar(select(schema.content.c.part).where(schema.content.c.entry_id == row.id).limit(1))
            again.add(row.id if row.parent_id is None or held is not None else row.parent_id)
        for entry in again:
            _clear(connection, entry)
        for entry in again:
            connection.execute(
                update(table).where(table.c.id == entry).values(outcome=None, reason="", has_pieces=False, notes="")
            )
    return len(again)


def _clear(connection: Connection, entry: int) -> None:
    """Remove the pieces of an entry, and all that came out of it."""
    table = schema.file_entry
    below: list[int] = []
    level = [entry]
    while level:
        level = list(connection.scalars(select(table.c.id).where(table.c.parent_id.in_(level))))
        below += level
    connection.execute(delete(schema.piece).where(schema.piece.c.entry_id.in_([entry, *below])))
    for holding in (schema.content, schema.implausible):
        connection.execute(delete(holding).where(holding.c.entry_id.in_(below)))
    for one in reversed(below):
        connection.execute(delete(table).where(table.c.id == one))
