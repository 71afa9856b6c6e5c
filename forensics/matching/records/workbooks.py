"""Records in workbooks and Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from forensics.errors import Refused
from forensics.matching.records.origin import Origin, Row, Table, behind_titles, cell_text

SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})


@contextmanager
def of_workbook(origin: Origin) -> Iterator[Table]:
    """The sheet that `table` names, else the first visible one that holds a table."""
    import python_calamine

    if origin.query:
        raise Refused(f"{origin.said} is a workbook.", "Name its sheet with --table instead of --query.")
    try:
        with python_calamine.CalamineWorkbook.from_path(origin.path) as book:
            visible = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.visible == python_calamine.SheetVisibleEnum.Visible
            ]
            names = visible + [name for name in book.sheet_names if name not in visible]
            if origin.table:
                chosen = [name for name in names if name.casefold() == origin.table.casefold()]
                if not chosen:
                    raise Refused(f"{origin.said} has no sheet {origin.table}.", f"Its sheets are: {', '.join(names)}.")
                table = _sheet(book, chosen[0])
                read = chosen[0]
            else:
                read, table = "", Table((), iter(()))
                for read in names:
                    table = _sheet(book, read)
                    if len(table.header) > 1:
                        break
    except python_calamine.CalamineError as error:
        raise Refused(f"{origin.said} cannot be opened as a workbook.", "Save it again as XLSX or CSV.") from error
    table.how = ", ".join(part for part in (f"sheet {read}", table.how) if part)
    table.others = [name for name in names if name != read]
    yield table


def _sheet(book: Any, name: str) -> Table:
    sheet = book.get_sheet_by_name(name)
    rows = sheet.to_python(skip_empty_area=True)
    first_row = (sheet.start[0] if sheet.start else 0) + 1
    return behind_titles(([cell_text(value) for value in row] for row in rows), first_row)


@contextmanager
def of_parquet(origin: Origin) -> Iterator[Table]:
    import pyarrow
    import pyarrow.parquet

    if origin.table or origin.query:
        raise Refused(f"{origin.said} is a Parquet file and holds one table.", "Leave out --table and --query.")

    def rows(file: Any) -> Iterator[Row]:
        for batch in file.iter_batches(50_000):
            yield from zip(
                *([cell_text(value) for value in column.to_pylist()] for column in batch.columns), strict=True
            )

    try:
        with pyarrow.parquet.ParquetFile(origin.path) as file:
            yield Table(tuple(file.schema_arrow.names), rows(file), 1, "Parquet")
    except pyarrow.ArrowException as error:
        raise Refused(f"{origin.said} cannot be read as Parquet.", "Save it again, or as CSV in UTF-8.") from error
