"""The places that a search found, a page after the other as one scrolls; and what was not examined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QFont

from forensics.casefile.search_view import SearchCounts, SearchHit, SearchPage
from forensics.casefile.views import CaseView, NotExamined
from forensics.errors import Refused
from ui import theme
from ui.models.files import STATUS
from ui.session import Session
from ui.widgets.parts import size_text

Index = QModelIndex | QPersistentModelIndex

PAGE = 100

_ICONS = {"folder": "folder", "name": "file", "text": "file-text"}
_KINDS = {"folder": "Folder", "name": "Name", "text": "Text"}


class HitModel(QAbstractTableModel):
    """The hits of one query. The counts come first; of hits as many as were scrolled to."""

    counted = Signal(object)
    """`SearchCounts`, once for each query."""

    refused = Signal(str)
    """Why a query is none, and what to write instead."""

    COLUMNS = (("Found", 360), ("Where", 330), ("Kind", 80), ("Status", 130))

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._hits: list[SearchHit] = []
        self._query = self._after = ""
        self._asked = False

    @property
    def query(self) -> str:
        return self._query

    def search(self, query: str) -> None:
        """Look for something else; an empty query finds nothing."""
        self.beginResetModel()
        self._hits, self._query, self._after, self._asked = [], query, "", bool(query)
        self.endResetModel()
        self._session.ask("search page", lambda _: None, lambda _: None)
        if query:
            self._session.ask(
                "search counts", lambda view: _counts(view, query), lambda counts: self._take_counts(query, counts)
            )

    def _take_counts(self, query: str, counts: SearchCounts | Refused) -> None:
        if query != self._query:
            return
        if isinstance(counts, Refused):
            self.refused.emit(str(counts))
            return
        self.counted.emit(counts)
        self._ask()

    def _ask(self) -> None:
        query, after = self._query, self._after
        self._asked = True
        self._session.ask("search page", lambda view: view.search_page(query, after, PAGE), self._take)

    def _take(self, page: SearchPage | None) -> None:
        if page is None:
            return
        self._asked, self._after = False, page.after
        if page.hits:
            first = len(self._hits)
            self.beginInsertRows(QModelIndex(), first, first + len(page.hits) - 1)
            self._hits += page.hits
            self.endInsertRows()

    def hit(self, row: int) -> SearchHit | None:
        return self._hits[row] if 0 <= row < len(self._hits) else None

    # ------------------------------------------------------------------------------------------- what Qt asks for

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and bool(self._after) and not self._asked

    def fetchMore(self, parent: Index) -> None:
        if self.canFetchMore(parent):
            self._ask()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._hits)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return _head([head for head, _ in self.COLUMNS], section, orientation, role)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or (hit := self.hit(index.row())) is None:
            return None
        column = index.column()
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return theme.icon(_ICONS[hit.kind], "muted", 16)
        if role not in _TEXTS:
            return None
        said = "".join(text for text, _ in hit.snippet)
        if column == 0:
            # What was found stands in the middle of what surrounds it; in one line its start must be in sight.
            found = said.find(next((text for text, marked in hit.snippet if marked), ""))
            text = said if found < 24 or role != Qt.ItemDataRole.DisplayRole else "… " + said[found - 20 :]
        elif column == 1:
            text = hit.locator
        elif column == 2:
            text = _KINDS[hit.kind]
        else:
            text = STATUS.get(hit.status, (hit.status, ""))[0]
        return f"{self.COLUMNS[column][0]}: {text}" if role == Qt.ItemDataRole.AccessibleTextRole else text


class NotExaminedModel(QAbstractTableModel):
    """Everything that was not examined, with its size and the reason."""

    COLUMNS = (("Reason", 430), ("Where", 360), ("Size", 110))

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._items: list[NotExamined] = []

    def show(self, items: Sequence[NotExamined]) -> None:
        ordered = sorted(items, key=lambda item: (item.reason, -item.size, item.locator))
        if ordered != self._items:
            self.beginResetModel()
            self._items = ordered
            self.endResetModel()

    def row_of(self, locator: str) -> int | None:
        """Where an item stands; None where it is not among them."""
        return next((row for row, item in enumerate(self._items) if item.locator == locator), None)

    def item(self, row: int) -> NotExamined | None:
        return self._items[row] if 0 <= row < len(self._items) else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._items)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return _head([head for head, _ in self.COLUMNS], section, orientation, role)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or role not in _TEXTS or (item := self.item(index.row())) is None:
            return None
        text = (item.reason, item.locator, size_text(item.size))[index.column()]
        return f"{self.COLUMNS[index.column()][0]}: {text}" if role == Qt.ItemDataRole.AccessibleTextRole else text


class CellModel(QAbstractTableModel):
    """A stretch of a table as it was extracted: rows with their numbers, and the cell that was found."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[list[str]] = []
        self._wide = self._first = 0
        self._found: tuple[int, int] | None = None

    def show(self, rows: list[list[str]], first: int, found: tuple[int, int] | None = None) -> None:
        """`first` is the number of the first row; `found` row and column, from 0, of the cell to be marked."""
        self.beginResetModel()
        self._rows, self._first, self._found = rows, first, found
        self._wide = max(map(len, rows), default=0)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else self._wide

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return str(section + 1) if orientation is Qt.Orientation.Horizontal else str(self._first + section)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        if role in (Qt.ItemDataRole.BackgroundRole, Qt.ItemDataRole.ForegroundRole, Qt.ItemDataRole.FontRole):
            return self._mark(role) if (row, column) == self._found else None
        if role not in _TEXTS:
            return None
        cells = self._rows[row]
        text = cells[column] if column < len(cells) else ""
        where = f"Row {self._first + row}, column {column + 1}: "
        return where + text if role == Qt.ItemDataRole.AccessibleTextRole else text

    def _mark(self, role: int) -> Any:
        """How the cell that was found is set: by its ground and, for those who see no colours, by a line below."""
        if role == Qt.ItemDataRole.FontRole:
            made = theme.font(13, QFont.Weight.DemiBold)
            made.setUnderline(True)
            return made
        return theme.now().color("warn_soft" if role == Qt.ItemDataRole.BackgroundRole else "warn")


_TEXTS = frozenset(
    map(int, (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole))
)


def _head(heads: list[str], section: int, orientation: Qt.Orientation, role: int) -> Any:
    if role != Qt.ItemDataRole.DisplayRole or orientation is not Qt.Orientation.Horizontal:
        return None
    return heads[section] if 0 <= section < len(heads) else None


def _counts(view: CaseView, query: str) -> SearchCounts | Refused:
    try:
        return view.search_counts(query)
    except Refused as refused:
        return refused
