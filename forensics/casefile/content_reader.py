"""Contents and pieces as a worker needs them, read many at a time: drives of small files hold hundreds of thousands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import zstandard
from sqlalchemy import select

from forensics.casefile import schema
from forensics.casefile.rows import read_entry, read_piece
from forensics.casefile.store import CONTENT_PART, Store
from forensics.casefile.stored import StoredEntry, StoredPiece

T = TypeVar("T")

GROUP = 500
HELD_BYTES = 16 << 20
"""No more bytes of pieces and contents than these are held at a time, but one piece at least."""


@dataclass(frozen=True, slots=True)
class LoadedPiece:
    """A piece with the entry it is of. `data` are bytes of the content from `data_offset`, for what came out of a
    container; None where the bytes stand in the piece itself or on the exhibit."""

    stored: StoredPiece
    holder: StoredEntry
    data: bytes | None
    data_offset: int


def load_pieces(store: Store, numbers: Iterable[int], margin: int = 0) -> Iterator[LoadedPiece]:
    """The pieces with these numbers, in their order, each with `margin` bytes of its content before it."""
    for group in _shares(numbers, lambda _: 0):
        pieces, holders = _rows(store, group)

        def weight(stored: StoredPiece, holders: dict[int, StoredEntry] = holders) -> int:
            holder = holders[stored.entry]
            return max(stored.piece.length, holder.entry.size if _at_once(holder) else 0)

        for share in _shares((pieces[number] for number in group), weight):
            yield from _filled(store, share, holders, margin)


def exhibits_of_pieces(store: Store, tables_only: bool = False) -> list[tuple[int, str]]:
    """The number of every piece, and the exhibit it is of."""
    piece, entry = schema.piece, schema.file_entry
    query = select(piece.c.id, entry.c.exhibit).join(entry, entry.c.id == piece.c.entry_id).order_by(piece.c.id)
    if tables_only:
        query = query.where(piece.c.is_table)
    with store.begin() as connection:
        return [(row.id, row.exhibit) for row in connection.execute(query)]


def _rows(store: Store, numbers: Sequence[int]) -> tuple[dict[int, StoredPiece], dict[int, StoredEntry]]:
    columns = [column for column in schema.piece.c if column.name != "data"]
    entry = schema.file_entry
    with store.begin() as connection:
        rows = connection.execute(select(*columns).where(schema.piece.c.id.in_(numbers))).all()
        pieces = {row.id: StoredPiece(row.id, row.entry_id, read_piece(row, None)) for row in rows}
        of = {piece.entry for piece in pieces.values()}
        holders = {row.id: read_entry(row) for row in connection.execute(select(entry).where(entry.c.id.in_(of)))}
    return pieces, holders


def load_contents(store: Store, entries: Iterable[StoredEntry]) -> Iterator[tuple[StoredEntry, bytes | None]]:
    """Each entry with the bytes that the case holds of it; None for what stands on the exhibit."""
    for share in _shares(entries, lambda stored: stored.entry.size if _at_once(stored) else 0):
        held = _contents(store, share)
        for stored in share:
            if stored.parent is None:
                yield stored, None
            else:
                yield stored, held[stored.id] if stored.id in held else store.content(stored.id)


def _shares(items: Iterable[T], weight_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Runs of items that weigh no more than `HELD_BYTES`, and are no more than `GROUP`."""
    share: list[T] = []
    weight = 0
    for item in items:
        more = weight_of(item)
        if share and (weight + more > HELD_BYTES or len(share) == GROUP):
            yield share
            share, weight = [], 0
        share.append(item)
        weight += more
    if share:
        yield share


def _at_once(holder: StoredEntry) -> bool:
    """Whether the case holds its content, and in one part."""
    return holder.parent is not None and holder.entry.size <= CONTENT_PART


def _contents(store: Store, entries: Iterable[StoredEntry]) -> dict[int, bytes]:
    content = schema.content
    small = {stored.id for stored in entries if _at_once(stored)}
    query = select(content.c.entry_id, content.c.data).where(content.c.entry_id.in_(small), content.c.part == 0)
    with store.begin() as connection:
        rows = connection.execute(query).all()
    unpack = zstandard.ZstdDecompressor().decompress
    return {row.entry_id: unpack(row.data) for row in rows}


def _filled(
    store: Store, share: Sequence[StoredPiece], holders: dict[int, StoredEntry], margin: int
) -> Iterator[LoadedPiece]:
    table = schema.piece
    own = table.c.id.in_([stored.id for stored in share]), table.c.data.is_not(None)
    with store.begin() as connection:
        rows = connection.execute(select(table.c.id, table.c.data).where(*own)).all()
    unpack = zstandard.ZstdDecompressor().decompress
    datas = {row.id: unpack(row.data) for row in rows}
    contents = _contents(store, (holders[stored.entry] for stored in share if stored.id not in datas))
    for stored in share:
        holder, piece = holders[stored.entry], stored.piece
        data, start = None, piece.offset
        if stored.id in datas:
            piece = replace(piece, data=datas[stored.id])
        elif holder.parent is not None:
            start, end = max(0, piece.offset - margin), piece.offset + piece.length
            whole = contents.get(holder.id)
            data = store.content_range(holder.id, start, end - start) if whole is None else whole[start:end]
        yield LoadedPiece(StoredPiece(stored.id, stored.entry, piece), holder, data, start)
