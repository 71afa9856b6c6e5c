"""Microsoft Access databases (Jet 3 and 4, ACE) as tables."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from forensics.extraction.columnar import cell
from forensics.extraction.content import Content, Damaged, Found, one_line, pieces
from forensics.model import Unit

_FORMATS = {0: 3, 1: 4, 2: 5, 3: 2010}
"""Jet 3 (Access 97), Jet 4 (2000 to 2003), ACE 12 (2007), ACE 14 (2010), as the parser calls them."""


def extract(content: Content) -> Iterator[Found]:
    """Each table a stream, the column names its row 1. A table that cannot be read does not stop the others."""
    database = _opened(content.whole())
    damage = ""
    for name in database.catalog:
        try:
            table = database.parse_table(name)
            columns = {str(column): values for column, values in (table or {}).items()}
        except Exception as error:
            damage = f"a table could not be parsed ({type(error).__name__})"
            continue
        yield from pieces(_rows(columns), (one_line(str(name)),), Unit.ROW, table=True)
    if content.size % database.page_size:
        damage = "the database is cut short"
    if damage:
        raise Damaged(damage)


def _opened(data: bytes) -> Any:
    """The parser over bytes in memory: by itself it knows only paths."""
    from access_parser import access_parser

    access_parser.parse_type = _one_value

    class InMemory(access_parser.AccessParser):  # type: ignore[misc]
        def __init__(self) -> None:
            self.db_data = data
            # The file says its format in one byte at 0x14; what stands behind it belongs to something else.
            self.version = _FORMATS.get(data[0x14], 2010)
            self.page_size = access_parser.PAGE_SIZE_V3 if self.version == 3 else access_parser.PAGE_SIZE_V4
            self._table_defs, self._data_pages, self._all_pages = access_parser.categorize_pages(data, self.page_size)
            self._tables_with_data = self._link_tables_to_data()
            self.catalog = self._parse_catalog()

    return InMemory()


def _one_value(kind: Any, data: Any, *arguments: Any, **named: Any) -> Any:
    """A value as the parser reads it, or empty: a date out of range would cost the whole table."""
    from access_parser.utils import parse_type

    try:
        return parse_type(kind, data, *arguments, **named)
    except (ArithmeticError, ValueError, TypeError, IndexError, struct.error):
        return ""


def _rows(columns: dict[str, Any]) -> Iterator[str]:
    yield "\t".join(map(one_line, columns))
    for row in zip_longest(*columns.values(), fillvalue=""):
        yield "\t".join(map(cell, row))
