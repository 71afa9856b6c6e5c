"""Where source records come from, opened: a header, rows of text cells, and how they were read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from forensics.errors import EnvironmentFailed

Row = Sequence[str]

TITLE_LINES = 40
"""Rows at the start among which the header is looked for."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A file of records, or a database whose SQLAlchemy URL is the first line of a file.

    The URL stands in a file because a command line is readable by everybody on the computer. `table` is the sheet of a
    workbook or the table of a database; `query` a SELECT instead of it.
    """

    path: Path
    is_url: bool = False
    table: str = ""
    query: str = ""

    @property
    def said(self) -> str:
        """What messages call it; never the URL."""
        if self.is_url:
            return f"table {self.table}" if self.table else "the query" if self.query else "the database"
        return self.path.name


@dataclass(slots=True)
class Table:
    """Rows of text cells behind their header. `header_row` is counted from 1 in the file; `how` is for people."""

    header: tuple[str, ...]
    rows: Iterator[Row]
    header_row: int = 1
    how: str = ""
    others: list[str] = field(default_factory=list)
    """Tables or sheets of the same file that are not read."""


def opened(origin: Origin, order_by: str = "") -> AbstractContextManager[Table]:
    """The table of an origin, readable while the context lasts. `order_by` is a column that a database sorts by.

    Raises `Refused` for what is no table, `EnvironmentFailed` for what cannot be reached.
    """
    if not origin.path.is_file():
        raise EnvironmentFailed(f"There is no file {origin.path.name}.", "Check the path of the source records.")
    from forensics.matching.records import databases, delimited, workbooks

    if origin.is_url:
        return databases.of_url(origin, order_by)
    try:
        with origin.path.open("rb") as stream:
            head = stream.read(16)
    except PermissionError as error:
        raise EnvironmentFailed(f"{origin.path.name} cannot be read.", "Check its permissions.") from error
    suffix = origin.path.suffix.lower()
    if head == databases.SQLITE:
        return databases.of_sqlite(origin)
    if suffix == ".parquet" or head[:4] == b"PAR1":
        return workbooks.of_parquet(origin)
    if suffix in workbooks.SUFFIXES:
        return workbooks.of_workbook(origin)
    return delimited.of_text(origin)


def behind_titles(rows: Iterator[Row], first_row: int = 1) -> Table:
    """The table in these rows, where lines of title may stand above the header.

    The header is the first row that fills at least half as many cells as the fullest of the first rows, and two.
    """
    head = list(islice(rows, TITLE_LINES))
    filled = [sum(bool(cell.strip()) for cell in row) for row in head]
    least = max(2, max(filled, default=0) / 2)
    at = next((n for n, count in enumerate(filled) if count >= least), len(head))
    if at == len(head):
        return Table((), iter(()), first_row)
    header = tuple(cell.strip() for cell in head[at])
    how = f"header in row {first_row + at}" if first_row + at > 1 else ""
    return Table(header, chain(head[at + 1 :], rows), first_row + at, how)


def cell_text(value: object) -> str:
    """A value of a typed table as the text that a CSV would hold."""
    if value is None or value != value:  # not a number, which is how data frames say that nothing is there
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value)
