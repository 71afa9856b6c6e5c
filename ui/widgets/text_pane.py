"""A stretch of extracted text, as lines or as the cells of a table, with what was found in it marked."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QItemSelectionModel, Signal
from PySide6.QtGui import QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QAbstractItemView, QPlainTextEdit, QTextEdit, QVBoxLayout, QWidget

from ui import theme
from ui.models.hits import CellModel
from ui.widgets.parts import Elided, button, row
from ui.widgets.tables import Table

CELL = "\x1f"
Found = tuple[int, int] | None
"""Where in a text something was found, and how many characters of it."""


class _Pane(QWidget):
    """What both have: where the stretch is from, and the stretches to either side of it."""

    turned = Signal(int)
    """0 for the stretch before, 1 for the one behind."""

    def __init__(self, shown: QWidget, earlier: str, later: str) -> None:
        super().__init__()
        self.where = Elided("", "small", middle=True)
        self.earlier, self.later = button(earlier), button(later)
        self.earlier.clicked.connect(lambda: self.turned.emit(0))
        self.later.clicked.connect(lambda: self.turned.emit(1))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(shown, 1)
        column.addLayout(row(self.where, self.earlier, self.later, spacing=8, stretch=(1, 0, 0)))

    def allow(self, before: bool, behind: bool) -> None:
        self.earlier.setEnabled(before)
        self.later.setEnabled(behind)


class TextPane(_Pane):
    """Lines of text. The content is the exhibit's: it is shown as plain text and nothing of it is followed."""

    def __init__(self) -> None:
        self.text = QPlainTextEdit()
        self.text.setObjectName("passage")
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("Text of the file")
        super().__init__(self.text, "Earlier", "Later")

    def show_text(self, text: str, where: str, found: Found) -> None:
        self.text.setPlainText(text)
        self.where.setText(where)
        marks = []
        if found:
            mark = QTextEdit.ExtraSelection()
            mark.cursor = self._cursor(text, found)
            mark.format = _look()
            marks.append(mark)
            start = QTextCursor(mark.cursor)
            start.setPosition(mark.cursor.selectionStart())
            self.text.setTextCursor(start)
            self.text.centerCursor()
        self.text.setExtraSelections(marks)

    def clear(self) -> None:
        self.text.setExtraSelections([])
        self.text.clear()

    def marked(self) -> str:
        """What is marked, as it stands on screen."""
        return "".join(mark.cursor.selectedText() for mark in self.text.extraSelections())

    def _cursor(self, text: str, found: tuple[int, int]) -> QTextCursor:
        cursor = QTextCursor(self.text.document())
        last = self.text.document().characterCount() - 1
        at, length = found
        start = _on_screen(text[:at])
        cursor.setPosition(min(start, last))
        cursor.setPosition(min(start + _on_screen(text[at : at + length]), last), QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange and hasattr(self, "text"):
            marks = self.text.extraSelections()
            for mark in marks:
                mark.format = _look()
            self.text.setExtraSelections(marks)


FITTED = 60
"""Columns that are measured; only their rows in sight are."""

NARROWEST, WIDEST, MARGIN = 60, 320, 12


class CellPane(_Pane):
    """Rows of a table with their numbers."""

    def __init__(self) -> None:
        self.cells = CellModel()
        self.table = Table(self.cells, [], "Rows of the file")
        self.table.verticalHeader().show()
        super().__init__(self.table, "Earlier rows", "Later rows")

    def show_text(self, text: str, first: int, where: str, found: Found) -> None:
        marked = None
        if found:
            line_start = text.rfind("\n", 0, found[0]) + 1
            marked = text.count("\n", 0, found[0]), text.count(CELL, line_start, found[0])
        self.cells.show([line.split(CELL) for line in text.split("\n")], first, marked)
        self.where.setText(f"{where}, from row {first:,}")
        for column in range(min(self.cells.columnCount(), FITTED)):
            wide = self.table.sizeHintForColumn(column) + MARGIN
            self.table.setColumnWidth(column, max(NARROWEST, min(wide, WIDEST)))
        if marked:
            # Not selected: the selection would cover the mark.
            here = self.cells.index(*marked)
            self.table.selectionModel().setCurrentIndex(here, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.table.scrollTo(here, QAbstractItemView.ScrollHint.PositionAtCenter)

    def clear(self) -> None:
        self.cells.show([], 0)


def _on_screen(text: str) -> int:
    """How many places a text takes in a Qt document: UTF-16 units, and one for both characters of a DOS line end."""
    return len(text.replace("\r\n", "\n").encode("utf-16-le", "surrogatepass")) // 2


def _look() -> QTextCharFormat:
    look = QTextCharFormat()
    look.setBackground(theme.now().color("warn_soft"))
    look.setForeground(theme.now().color("warn"))
    look.setFontUnderline(True)
    return look
