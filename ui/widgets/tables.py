"""The table that every list of the window uses, and the delegate that draws states as chips."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from ui import theme

CHIP_ROLE = Qt.ItemDataRole.UserRole
"""A model answers with ok, warn, bad, info or idle where the text of a cell is a state."""

ROW_HEIGHT = 32


class ChipDelegate(QStyledItemDelegate):
    """Draws a cell with a `CHIP_ROLE` as its word on a coloured ground."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        kind = index.data(CHIP_ROLE)
        if not kind:
            super().paint(painter, option, index)
            return
        plain = QStyleOptionViewItem(option)
        self.initStyleOption(plain, index)
        text, plain.text = plain.text, ""
        widget: QWidget = option.widget
        widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, plain, painter, widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(12, QFont.Weight.DemiBold))
        cell = option.rect
        width = min(painter.fontMetrics().horizontalAdvance(text) + 18, cell.width() - 10)
        ground = QRectF(cell.x() + 8, cell.center().y() - 9, width, 20)
        tokens = {"info": ("accent_soft", "accent"), "idle": ("surface2", "muted")}
        soft, ink = tokens.get(kind, (f"{kind}_soft", kind))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.now().color(soft))
        painter.drawRoundedRect(ground, 9, 9)
        painter.setPen(theme.now().color(ink))
        painter.drawText(ground, int(Qt.AlignmentFlag.AlignCenter), text)
        painter.restore()


class Table(QTableView):
    """A table of one height of row, selected by rows, left by Tab; it measures no cell, so a million rows are free."""

    def __init__(self, model: QAbstractItemModel, widths: Sequence[int], name: str) -> None:
        super().__init__()
        self.setModel(model)
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setIconSize(QSize(17, 17))
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(ChipDelegate(self))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)

    def make_sortable(self, columns: Sequence[int], first: int) -> None:
        """Let a click on these column heads sort; other heads leave the order as it is."""
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSortIndicator(first, Qt.SortOrder.AscendingOrder)
        last = [(first, Qt.SortOrder.AscendingOrder)]

        def sort(column: int, order: Qt.SortOrder) -> None:
            if column in columns:
                last[0] = (column, order)
                self.model().sort(column, order)
            else:
                header.blockSignals(True)
                header.setSortIndicator(*last[0])
                header.blockSignals(False)

        header.sortIndicatorChanged.connect(sort)
