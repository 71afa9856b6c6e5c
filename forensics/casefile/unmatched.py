"""Rows of tables that show records and are in no record themselves: kept by the piece, read by the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, select

from forensics.casefile import schema
from forensics.casefile.stored import Seen
from forensics.model import Locator


@dataclass(frozen=True, slots=True)
class TableOnDrive:
    """One table of the drive, all its pieces together.

    `rows` hold anything, `shown` of them a record; `unmatched` look like persons and are in no record, `numbers` and
    `persons` (hashes; equal ones are one person) of each. `unknown` are rows of pieces whose columns are not known.
    """

    locator: str
    unit: str
    rows: int
    shown: int
    unknown: int
    numbers: NDArray[np.int64]
    persons: NDArray[np.uint64]

    @property
    def unmatched(self) -> int:
        return len(self.numbers)


def add(connection: Connection, unit: int, seen: Seen) -> None:
    """Keep what a unit saw of a table, if it was a piece of one."""
    if not seen.rows:
        return
    numbers, persons = seen.unmatched or (b"", b"")
    # A worker that did not tell as many persons as rows told nothing.
    known = seen.unmatched is not None and len(numbers) == len(persons) and len(numbers) % 8 == 0
    pack = zstandard.ZstdCompressor(level=3).compress
    connection.execute(
        schema.table_rows.insert(),
        {
            "unit_id": unit,
            "rows": seen.rows,
            "shown": seen.shown,
            "unmatched": len(numbers) // 8 if known else None,
            "numbers": pack(numbers if known else b""),
            "persons": pack(persons if known else b""),
        },
    )


def tables_on_drive(engine: Engine) -> list[TableOnDrive]:
    """The tables that show records, by locator."""
    seen, unit, piece, entry = schema.table_rows, schema.match_unit, schema.piece, schema.file_entry
    query = (
        select(seen, entry.c.locator, piece.c.steps, piece.c.unit)
        .join(unit, unit.c.id == seen.c.unit_id)
        .join(piece, piece.c.id == unit.c.piece_id)
        .join(entry, entry.c.id == piece.c.entry_id)
        .order_by(entry.c.locator, piece.c.steps, piece.c.id)
    )
    with engine.connect() as connection:
        pieces = connection.execute(query).all()
    tables = [_together(key, list(some)) for key, some in groupby(pieces, key=lambda row: (row.locator, row.steps))]
    return [table for table in tables if table.shown]


def _together(key: tuple[str, str], pieces: Sequence[Any]) -> TableOnDrive:
    unpack = zstandard.ZstdDecompressor().decompress
    locator, steps = key
    return TableOnDrive(
        str(Locator.parse(locator).into(*json.loads(steps))),
        str(pieces[0].unit),
        sum(row.rows for row in pieces),
        sum(row.shown for row in pieces),
        sum(row.rows - row.shown for row in pieces if row.unmatched is None),
        np.concatenate([np.frombuffer(unpack(row.numbers), "<i8") for row in pieces]).astype(np.int64),
        np.concatenate([np.frombuffer(unpack(row.persons), "<u8") for row in pieces]).astype(np.uint64),
    )
