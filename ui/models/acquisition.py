"""The tables of an acquisition: what happened while it ran, and what could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from forensics.model import BadRange
from ui import theme
from ui.tally import byte_range
from ui.widgets.tables import CHIP_ROLE

Index = QModelIndex | QPersistentModelIndex
_TEXT = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)

KEPT = 2_000
"""Rows of what happened; the oldest go first. The ledger and the map of the image have all of it."""

KINDS = {
    "start": ("Start", "info"), "check": ("Check", "ok"), "unprotected": ("Check", "warn"),
    "device": ("Device", "info"), "bad": ("Unreadable", "bad"),
    "slow": ("Slow", "warn"), "resumed": ("Resumed", "info"), "copy": ("Copy", "warn"), "phase": ("Phase", "idle"),
    "pause": ("Paused", "warn"), "resume": ("Goes on", "info"), "end": ("End", "idle"),
}  # fmt: skip
"""What a kind of incident is called, and the kind of its chip."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One row: `utc` as HH:MM:SS."""

    utc: str
    kind: str
    message: str


def told(kind: str, locator: str, reason: str, sector_size: int) -> str:
    """The sentence of an incident, with its place in sectors where it has one."""
    place = byte_range(locator)
    if kind not in ("bad", "slow") or place is None:
        return reason
    offset, length = place
    first, last = offset // sector_size, (offset + max(1, length) - 1) // sector_size
    return f"LBA {first:,}" + (f" to {last:,}" if last > first else "") + f": {reason}"


class _Rows(QAbstractTableModel):
    HEADS: tuple[str, ...] = ()
    MONO: frozenset[int] = frozenset()

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.HEADS[section]
        return None

    def cell(self, row: int, column: int) -> str:
        raise NotImplementedError

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.FontRole:
            return theme.mono_font() if index.column() in self.MONO else None
        if role not in _TEXT:
            return None
        text = self.cell(index.row(), index.column())
        return f"{self.HEADS[index.column()]}: {text}" if role == Qt.ItemDataRole.AccessibleTextRole else text


class HappeningModel(_Rows):
    """What happened, the newest first."""

    HEADS = ("UTC", "Kind", "Message")
    MONO = frozenset({0})

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Happening] = []

    def add(self, row: Happening) -> None:
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._rows.insert(0, row)
        self.endInsertRows()
        if len(self._rows) > KEPT:
            self.beginRemoveRows(QModelIndex(), KEPT, len(self._rows) - 1)
            del self._rows[KEPT:]
            self.endRemoveRows()

    def clear(self) -> None:
        self.beginResetModel()
        self._rows = []
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def cell(self, row: int, column: int) -> str:
        happened = self._rows[row]
        kind = KINDS.get(happened.kind, (happened.kind.replace("_", " ").capitalize(), ""))[0]
        return (happened.utc, kind, happened.message)[column]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == CHIP_ROLE and index.isValid() and index.column() == 1:
            return KINDS.get(self._rows[index.row()].kind, ("", "idle"))[1]
        return super().data(index, role)


class BadRangeModel(_Rows):
    """Unreadable places of an image in their order, by sector and by byte."""

    HEADS = ("First LBA", "Last LBA", "Sectors", "Byte offset", "Bytes")
    MONO = frozenset({0, 1, 2, 3, 4})

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[BadRange, ...] = ()
        self._sector = 512

    def show(self, rows: Sequence[BadRange], sector_size: int) -> None:
        if (tuple(rows), sector_size) != (self._rows, self._sector):
            self.beginResetModel()
            self._rows, self._sector = tuple(rows), max(1, sector_size)
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def cell(self, row: int, column: int) -> str:
        bad = self._rows[row]
        first, last = bad.offset // self._sector, (bad.offset + max(1, bad.length) - 1) // self._sector
        return f"{(first, last, last - first + 1, bad.offset, bad.length)[column]:,}"
