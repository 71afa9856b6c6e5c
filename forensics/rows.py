"""The rows of a table, as `extraction` reads them and `matching` compares them: one by one, or a column at a time.

A column has each different cell once. What a cell means is then asked of some thousand names and dates, and not of
every row; numbers, of which hardly two are alike, are for the raw scan.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Row = Sequence[str]
S = TypeVar("S", bound=np.generic)


class Column(NamedTuple):
    """The different cells of a column, and which of them each row has: -1 where the row ends before the column."""

    cells: Sequence[str]
    code: NDArray[np.int32]

    @classmethod
    def of(cls, cells: Iterable[str | None]) -> Column:
        """From the cell of every row; None where it has none."""
        known: dict[str, int] = {}
        code = [-1 if cell is None else known.setdefault(cell, len(known)) for cell in cells]
        return cls(list(known), np.array(code, np.int32))

    def mapped(self, meaning: Callable[[str], Any], kind: type[S], nothing: Any) -> NDArray[S]:
        """What the cell of each row means, `nothing` where it has none; each different cell is asked once."""
        told = np.fromiter((meaning(cell) for cell in self.cells), kind, len(self.cells))
        return np.append(told, np.array([nothing], kind))[self.code]


class Rows(Sequence[Row]):
    """A table. Reading it never raises, and no two ways of reading it differ."""

    @staticmethod
    def of(rows: Sequence[Row]) -> Rows:
        return rows if isinstance(rows, Rows) else _Listed(rows)

    @overload
    def __getitem__(self, number: int) -> Row: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Row]: ...
    def __getitem__(self, number: int | slice) -> Row | Sequence[Row]:
        which = range(len(self))[number]
        return self.row(which) if isinstance(which, int) else [self.row(each) for each in which]

    @abstractmethod
    def row(self, number: int) -> Row:
        """The cells of a row, counted from 0."""

    def column(self, number: int) -> Column:
        return Column.of(row[number] if number < len(row) else None for row in self)

    def filled(self) -> NDArray[np.bool_]:
        """Whether anything but blanks stands in each row."""
        return np.fromiter((any(cell.strip() for cell in row) for row in self), np.bool_, len(self))

    def changed(self, meaning: Mapping[int, Callable[[str], str]]) -> Rows:
        """The same rows, with what `meaning` makes of the cells of these columns in their place; none becomes blank."""
        return _Changed(self, meaning)


class _Listed(Rows):
    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, number: int) -> Row:
        return self._rows[number]


class _Changed(Rows):
    def __init__(self, rows: Rows, meaning: Mapping[int, Callable[[str], str]]) -> None:
        self._rows, self._meaning = rows, meaning

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, number: int) -> Row:
        cells = list(self._rows.row(number))
        for column, meaning in self._meaning.items():
            if column < len(cells):
                cells[column] = meaning(cells[column])
        return cells

    def column(self, number: int) -> Column:
        column, meaning = self._rows.column(number), self._meaning.get(number)
        return column if meaning is None else Column([meaning(cell) for cell in column.cells], column.code)

    def filled(self) -> NDArray[np.bool_]:
        return self._rows.filled()
