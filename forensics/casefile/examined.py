"""What `index` found out about entries goes into the case: many of them in one transaction and few statements."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import zstandard
from sqlalchemy import Connection, bindparam, select, update

from forensics.casefile import schema
from forensics.casefile.rows import entry_row, read_entry
from forensics.casefile.store import CONTENT_PART, Store
from forensics.casefile.stored import ExaminedChild, ExaminedEntry, StoredEntry
from forensics.model import OK, EntryStatus, FileEntry, Locator

ROWS = 500
_HASHES = ("md5", "sha1", "sha256")


def finish_entries(store: Store, examined: Sequence[ExaminedEntry], links: Sequence[tuple[int, int]] = ()) -> None:
    """Record what was found out about entries: all of it, with pieces and children, or nothing.

    `links` are entries and those whose content they repeat.
    """
    if not examined:
        return
    compress = zstandard.ZstdCompressor(level=3).compress
    table = schema.file_entry
    found = update(table).where(table.c.id == bindparam("entry"))
    pieces = [row for item in examined for row in piece_rows(item, compress)]
    with store.begin() as connection:
        connection.execute(found, [_found(item) for item in examined])
        if pieces:
            connection.execute(schema.piece.insert(), pieces)
        if links:
            rows = [{"entry_id": entry, "same_as": same_as} for entry, same_as in links]
            connection.execute(schema.same_content.insert(), rows)
        _add_children(connection, [item for item in examined if item.children], compress)


def _found(item: ExaminedEntry) -> dict[str, Any]:
    return {
        "entry": item.id,
        "type": item.type,
        "outcome": str(item.outcome.kind),
        "reason": item.outcome.reason,
        "has_pieces": bool(item.pieces),
        "notes": "; ".join(item.notes),
        **{name: item.hashes.get(name) for name in _HASHES},
    }


def piece_rows(item: ExaminedEntry, compress: Callable[[bytes], bytes]) -> Iterator[dict[str, Any]]:
    """The pieces of an entry as rows of their table."""
    for piece in item.pieces:
        yield {
            "entry_id": item.id,
            "steps": json.dumps(piece.steps),
            "unit": str(piece.unit),
            "is_table": piece.table,
            "first": piece.first,
            "byte_offset": piece.offset,
            "byte_length": piece.length,
            "encoding": piece.encoding,
            "delimiter": piece.delimiter,
            "overlap": piece.overlap,
            "data": None if piece.data is None else compress(piece.data),
        }


def _add_children(
    connection: Connection, containers: Sequence[ExaminedEntry], compress: Callable[[bytes], bytes]
) -> None:
    table = schema.file_entry
    parents, taken = _parents(connection, [item.id for item in containers])
    added: list[tuple[dict[str, Any], ExaminedChild]] = []
    for item in containers:
        parent = parents[item.id]
        for number, child in enumerate(item.children):
            locator = _free(parent.entry.locator, child.untrusted_name, number, taken[parent.id])
            taken[parent.id].add(str(locator))
            added.append((_child_row(parent, locator, child), child))
    insert = table.insert().returning(table.c.id, sort_by_parameter_order=True)
    for at in range(0, len(added), ROWS):
        some = added[at : at + ROWS]
        numbers = connection.scalars(insert, [row for row, _ in some])
        contents = [
            {"entry_id": entry, "part": part, "byte_offset": at, "data": compress(child.data[at : at + CONTENT_PART])}
            for entry, (_, child) in zip(numbers, some, strict=True)
            for part, at in enumerate(range(0, len(child.data), CONTENT_PART))
        ]
        if contents:
            connection.execute(schema.content.insert(), contents)


def _parents(connection: Connection, numbers: Sequence[int]) -> tuple[dict[int, StoredEntry], dict[int, set[str]]]:
    """The containers, and the locators that their children of an earlier examination have."""
    table = schema.file_entry
    parents: dict[int, StoredEntry] = {}
    taken: dict[int, set[str]] = defaultdict(set)
    for at in range(0, len(numbers), ROWS):
        some = numbers[at : at + ROWS]
        for row in connection.execute(select(table).where(table.c.id.in_(some))):
            parents[row.id] = read_entry(row)
        for row in connection.execute(select(table.c.parent_id, table.c.locator).where(table.c.parent_id.in_(some))):
            taken[row.parent_id].add(row.locator)
    return parents, taken


def _free(parent: Locator, untrusted_name: bytes, number: int, taken: set[str]) -> Locator:
    """Containers may hold one name twice; the number keeps both and can be found in the container's listing. A member
    may even be called what that gives."""
    locator = parent.into(untrusted_name)
    while str(locator) in taken:
        untrusted_name += b" (member %d)" % (number + 1)
        locator = parent.into(untrusted_name)
    return locator


def _child_row(parent: StoredEntry, locator: Locator, child: ExaminedChild) -> dict[str, Any]:
    entry = FileEntry(locator, EntryStatus.CHILD, len(child.data), 0, "", "", "", (), "")
    ended = child.outcome is not None and child.outcome != OK
    return {
        **entry_row(parent.volume, parent.id, parent.depth + 1, entry),
        "outcome": str(child.outcome.kind) if ended and child.outcome else None,
        "reason": child.outcome.reason if ended and child.outcome else "",
    }
