"""A short table of text: a few rows that are all there at once."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt

from ui import theme
from ui.models.paged import Index


class RowsModel(QAbstractTableModel):
    """A few rows of text, held as they are; `mono` are the columns of hashes and locators, `right` those of numbers."""

    def __init__(self, heads: tuple[str, ...], mono: frozenset[int] = frozenset(), right: frozenset[int] = frozenset()):
        super().__init__()
        self._heads, self._mono, self._right = heads, mono, right
        self._texts: list[tuple[str, ...]] = []

    def show(self, texts: list[tuple[str, ...]]) -> None:
        if texts != self._texts:
            self.beginResetModel()
            self._texts = texts
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._texts)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self._heads):
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(section)
        return self._heads[section] if role == Qt.ItemDataRole.DisplayRole else None

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column in self._right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        text = self._texts[index.row()][index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self._heads[index.column()]}: {text}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(index.column())
        return theme.mono_font() if role == Qt.ItemDataRole.FontRole and index.column() in self._mono else None
