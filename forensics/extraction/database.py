"""SQLite databases as tables. Read in memory: the file is never opened where it lies, so no journal is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from forensics.extraction.content import Content, Damaged, one_line, pieces
from forensics.model import Child, Piece, Unit


def extract(content: Content) -> Iterator[Piece | Child]:
    """Each table a stream, the column names its row 1. Deleted records stay to the scan of all bytes."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(_without_write_ahead_log(content.whole()))
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        damage = ""
        tables = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
        for name, sql in tables:
            # A virtual table runs the code of its module on the exhibit's terms.
            if not isinstance(name, str) or str(sql).lstrip()[:14].upper().startswith("CREATE VIRTUAL"):
                continue
            try:
                yield from pieces(_rows(connection, name), (one_line(name),), Unit.ROW, table=True)
            except sqlite3.Error as error:
                damage = f"a table could not be read ({type(error).__name__})"
    if damage:
        raise Damaged(damage)


def _without_write_ahead_log(data: bytes) -> bytes:
    """The database with its header saying rollback journal: in memory there is no log to look for.

    SQLite file format, offsets 18 and 19: 2 means WAL, 1 the rollback journal.
    """
    return data[:18] + b"\x01\x01" + data[20:] if data[18:20] == b"\x02\x02" else data


def _rows(connection: sqlite3.Connection, untrusted_table: str) -> Iterator[str]:
    quoted = '"' + untrusted_table.replace('"', '""') + '"'
    cursor = connection.execute(f"SELECT * FROM {quoted}")  # noqa: S608 (quoted above; names cannot be bound)
    yield "\t".join(one_line(column[0]) for column in cursor.description)
    for row in cursor:
        yield "\t".join(map(_text, row))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return one_line(value.decode("utf-8", "replace")) if len(value) <= 1 << 16 else ""
    return one_line(str(value))
