"""The full-text index of a case: made by `index`, inside case.db, so that it is as encrypted as what it is made from.

Two FTS5 tables without content: the words of `search_part` by its number, and the names of entries by theirs. The text
itself stands once, compressed, in `search_body`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import zstandard
from sqlalchemy import Connection, Engine, select

from forensics.casefile import schema

TOKENIZE = 'tokenize="unicode61 remove_diacritics 2"'
"""Words are runs of letters and digits (Unicode L, N, Co); case and accents do not count."""

_TABLES = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS search_text USING fts5(text, content='', contentless_delete=1, {TOKENIZE})",
    "CREATE VIRTUAL TABLE IF NOT EXISTS search_name"
    f" USING fts5(name, folder, content='', contentless_delete=1, {TOKENIZE})",
    # Whoever removes a piece or an entry needs not know that it could be searched.
    "CREATE TRIGGER IF NOT EXISTS search_forgets_piece AFTER DELETE ON piece BEGIN"
    " DELETE FROM search_text WHERE rowid IN (SELECT id FROM search_part WHERE piece_id = old.id);"
    " DELETE FROM search_body WHERE part_id IN (SELECT id FROM search_part WHERE piece_id = old.id);"
    " DELETE FROM search_part WHERE piece_id = old.id; DELETE FROM search_piece WHERE piece_id = old.id; END",
    "CREATE TRIGGER IF NOT EXISTS search_forgets_entry AFTER DELETE ON file_entry BEGIN"
    " DELETE FROM search_name WHERE rowid = old.id; DELETE FROM known_file WHERE entry_id = old.id; END",
    # Terms held in memory before they are written: more than the default of 1 MiB saves a third of the CPU.
    "INSERT INTO search_text(search_text, rank) VALUES ('hashsize', 16777216)",
)

ROW_END = "\ue000"
"""A word that nobody types, put behind every row of a table in the index: no phrase runs from one row into the next."""

NAMES = 20_000
"""Names that go into the index in one transaction."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """Part of a piece's text: 16 KiB or so. `first` is the number of its first row or line, 0 where there are none.

    `own` characters are its own; what follows is the start of the next part again, so that phrases across are found.
    `text` is UTF-8, compressed by Zstandard; of a table, a line for each row and U+001F between cells.
    """

    byte_offset: int
    first: int
    own: int
    text: bytes


@dataclass(frozen=True, slots=True)
class PieceText:
    """What became of the text of one piece; `reason` says why there is none."""

    piece: int
    entry: int
    parts: tuple[TextPart, ...]
    table: bool = False
    reason: str = ""


class SearchIndex:
    """Writes the index. One at a time, beside the store of the same case."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.begin() as connection:
            for statement in _TABLES:
                connection.exec_driver_sql(statement)

    def add_names(self) -> int:
        """Put the next names into the index; returns how many, 0 once all are in."""
        with self._engine.begin() as connection:
            last = connection.exec_driver_sql("SELECT coalesce(max(rowid), 0) FROM search_name").scalar_one()
            return connection.exec_driver_sql(
                "INSERT INTO search_name(rowid, name, folder)"
                " SELECT id, name, folder FROM file_entry WHERE id > ? ORDER BY id LIMIT ?",
                (last, NAMES),
            ).rowcount

    def pending(self, after: int, limit: int = 1_000) -> list[int]:
        """Pieces whose text is not in the index, with a number above `after`, in that order."""
        piece, done = schema.piece, schema.search_piece
        query = (
            select(piece.c.id)
            .join(done, done.c.piece_id == piece.c.id, isouter=True)
            .where(piece.c.id > after, piece.c.encoding != "binary", done.c.piece_id.is_(None))
            .order_by(piece.c.id)
            .limit(limit)
        )
        with self._engine.begin() as connection:
            return list(connection.scalars(query))

    def pending_bytes(self) -> int:
        """Bytes of all pieces whose text is not in the index."""
        with self._engine.begin() as connection:
            return int(
                connection.exec_driver_sql(
                    "SELECT coalesce(sum(byte_length), 0) FROM piece"
                    " WHERE encoding != 'binary' AND id NOT IN (SELECT piece_id FROM search_piece)"
                ).scalar_one()
            )

    def add(self, texts: Sequence[PieceText]) -> None:
        """Put the text of pieces into the index: all of it, or nothing."""
        if not texts:
            return
        with self._engine.begin() as connection:
            _add_parts(connection, texts)
            connection.execute(
                schema.search_piece.insert(), [{"piece_id": one.piece, "reason": one.reason} for one in texts]
            )

    def counts(self) -> dict[str, int]:
        """How much can be searched: `names`, `parts`, and `characters` of text."""
        with self._engine.begin() as connection:
            names = connection.exec_driver_sql("SELECT count(*) FROM search_name_docsize").scalar_one()
            parts, own = connection.exec_driver_sql("SELECT count(*), coalesce(sum(own), 0) FROM search_part").one()
        return {"names": names, "parts": parts, "characters": own}


def _add_parts(connection: Connection, texts: Sequence[PieceText]) -> None:
    parts = [(one, part) for one in texts for part in one.parts]
    if not parts:
        return
    first = connection.exec_driver_sql("SELECT coalesce(max(id), 0) + 1 FROM search_part").scalar_one()
    numbered = list(enumerate(parts, first))
    connection.execute(
        schema.search_part.insert(),
        [
            {
                "id": number, "piece_id": one.piece, "entry_id": one.entry, "byte_offset": part.byte_offset,
                "first": part.first, "own": part.own,
            }
            for number, (one, part) in numbered
        ],
    )  # fmt: skip
    connection.execute(
        schema.search_body.insert(), [{"part_id": number, "text": part.text} for number, (_, part) in numbered]
    )
    decompress = zstandard.ZstdDecompressor().decompress
    connection.exec_driver_sql(
        "INSERT INTO search_text(rowid, text) VALUES (?, ?)",
        [(number, with_row_ends(decompress(part.text).decode("utf-8"), one.table)) for number, (one, part) in numbered],
    )


def with_row_ends(text: str, table: bool) -> str:
    """A text as it goes into the index."""
    return text.replace("\n", f"\n{ROW_END} ") if table else text
