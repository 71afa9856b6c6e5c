"""Parquet files, and files of SAS, SPSS and Stata, as tables: the names of the columns are row 1."""

from __future__ import annotations

import datetime
import io
import math
from collections.abc import Iterator
from typing import Any

from forensics.extraction.content import Content, Found, NotExamined, one_line, pieces
from forensics.model import Unit

TABLE = ("table",)
_ROWS = 16_384
_CELL = 64 << 10
_WHOLE_NUMBER_LIMIT = 1e21
_CELLS_LIMIT = 200_000_000
"""Cells of one table: a few kilobytes of a run-length encoded column may claim any number of rows."""


def cell(value: Any) -> str:
    """A value as a person would write it down: ISO dates, whole numbers without a fraction."""
    if value is None:
        return ""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < _WHOLE_NUMBER_LIMIT else repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return one_line(value.decode("utf-8", "replace")) if len(value) <= _CELL else ""
    if isinstance(value, dict):
        return " ".join(filter(None, map(cell, value.values())))
    if isinstance(value, list | tuple):
        return " ".join(filter(None, map(cell, value)))
    return one_line(str(value))


def extract_parquet(content: Content) -> Iterator[Found]:
    """One stream `table`; values of nested columns stand in one cell."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # The arenas of other allocators alone take more address space than a worker has.
    pool = pa.system_memory_pool()
    pa.set_memory_pool(pool)
    pa.set_cpu_count(1)
    with pq.ParquetFile(pa.py_buffer(content.whole()), pre_buffer=False) as file:
        if file.metadata.num_rows * max(1, file.metadata.num_columns) > _CELLS_LIMIT:
            raise NotExamined(f"more than {_CELLS_LIMIT:,} cells")
        yield from pieces(_parquet_rows(file), TABLE, Unit.ROW, table=True)


def _parquet_rows(file: Any) -> Iterator[str]:
    yield "\t".join(one_line(name) for name in file.schema_arrow.names)
    for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
        columns = [map(cell, column.to_pylist()) for column in batch.columns]
        for row in zip(*columns, strict=True):
            yield "\t".join(row)


def extract_statistics(content: Content) -> Iterator[Found]:
    """One stream `table`; dates and times as they are shown there, values instead of their labels."""
    import pyreadstat

    readers: dict[str, Any] = {
        "sas7bdat": pyreadstat.read_sas7bdat,
        "sas-xport": pyreadstat.read_xport,
        "spss": pyreadstat.read_sav,
        "spss-portable": pyreadstat.read_por,
        "stata": pyreadstat.read_dta,
    }
    columns, about = readers[content.type](io.BytesIO(content.whole()), output_format="dict")
    if about.number_rows and about.number_rows * max(1, len(columns)) > _CELLS_LIMIT:
        raise NotExamined(f"more than {_CELLS_LIMIT:,} cells")
    yield from pieces(_rows(columns), TABLE, Unit.ROW, table=True)


def _rows(columns: dict[str, Any]) -> Iterator[str]:
    yield "\t".join(one_line(name) for name in columns)
    values = [map(cell, column.tolist() if hasattr(column, "tolist") else column) for column in columns.values()]
    for row in zip(*values, strict=False):
        yield "\t".join(row)
