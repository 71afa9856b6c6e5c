"""A table of any length: the numbers of its rows at once, the rows a page at a time as they come on screen."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from forensics.casefile.views import CaseView
from ui import theme
from ui.session import Session
from ui.widgets.tables import CHIP_ROLE

PAGE = 256
KEPT_PAGES = 64
Index = QModelIndex | QPersistentModelIndex
Row = TypeVar("Row")

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class Column:
    """A column: the name the case sorts by (None where it does not), its head, and how it is set."""

    def __init__(self, sort_by: str | None, head: str, width: int, right: bool = False, mono: bool = False) -> None:
        self.sort_by, self.head, self.width, self.right, self.mono = sort_by, head, width, right, mono


class PagedModel(QAbstractTableModel, Generic[Row]):
    """The part that files and persons share. All questions go through the session, so `data` never waits.

    A cell whose page is still on its way is empty; `dataChanged` tells when it is there.
    """

    loaded = Signal(int)
    """How many rows there are now, after every new order or filter."""

    COLUMNS: tuple[Column, ...] = ()
    NAME = ""

    def __init__(self, session: Session, order_by: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._ids: array[int] = array("q")
        self._pages: OrderedDict[int, list[Row | None]] = OrderedDict()
        self._asked: set[int] = set()
        self._old: set[int] = set()
        self._generation = self._epoch = 0
        self._order_by, self._descending, self._text = order_by, False, ""

    # ---------------------------------------------------------------------------------- what a kind of row says

    def _ask_ids(self, view: CaseView, order_by: str, descending: bool, text: str) -> array[int]:
        raise NotImplementedError

    def _ask_rows(self, view: CaseView, ids: Sequence[int]) -> dict[int, Row]:
        raise NotImplementedError

    def _text_of(self, row: Row, column: int) -> str:
        raise NotImplementedError

    def _chip_of(self, row: Row, column: int) -> str | None:  # noqa: ARG002
        return None

    def _icon_of(self, row: Row, column: int) -> Any:  # noqa: ARG002
        return None

    def _muted(self, row: Row) -> bool:  # noqa: ARG002
        return False

    # ------------------------------------------------------------------------------------------------- ordering

    def reload(self) -> None:
        """Read the order again, and the rows that are on screen."""
        self._generation += 1
        generation, order_by, descending, text = self._generation, self._order_by, self._descending, self._text
        question = self._question(order_by, descending, text)
        self._session.ask(self.NAME, question, lambda ids: self._take_ids(generation, ids))

    def _question(self, order_by: str, descending: bool, text: str) -> Any:
        return lambda view: self._ask_ids(view, order_by, descending, text)

    def filter(self, text: str) -> None:
        self._text = text
        self.reload()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if 0 <= column < len(self.COLUMNS) and (name := self.COLUMNS[column].sort_by):
            self._order_by, self._descending = name, order is Qt.SortOrder.DescendingOrder
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.COLUMNS) - 1)
            self.reload()

    def sortable(self) -> list[int]:
        return [at for at, column in enumerate(self.COLUMNS) if column.sort_by]

    def _take_ids(self, generation: int, ids: array[int]) -> None:
        if generation != self._generation:
            return
        # A page asked for under the old order must not be filed under the new one.
        self._epoch += 1
        self._asked.clear()
        if ids == self._ids:
            # Rows may have changed under the same numbers: they stay on screen until they are read again.
            self._old = set(self._pages)
            if ids:
                self.dataChanged.emit(self.index(0, 0), self.index(len(ids) - 1, len(self.COLUMNS) - 1))
        else:
            self.beginResetModel()
            self._ids = ids
            self._pages.clear()
            self._old.clear()
            self.endResetModel()
        self.loaded.emit(len(ids))

    # ----------------------------------------------------------------------------------------------------- rows

    def row_at(self, row: int) -> Row | None:
        """The row, or None while its page is on its way."""
        number, at = divmod(row, PAGE)
        page = self._pages.get(number)
        if page is None or number in self._old:
            self._want(number)
        if page is None:
            return None
        self._pages.move_to_end(number)
        return page[at]

    def _want(self, number: int) -> None:
        if number in self._asked:
            return
        self._asked.add(number)
        ids = self._ids[number * PAGE : (number + 1) * PAGE]
        epoch = self._epoch
        self._session.ask(
            f"{self.NAME} {number}",
            lambda view: self._ask_rows(view, ids),
            lambda rows: self._take_page(epoch, number, [rows.get(i) for i in ids]),
        )

    def _take_page(self, epoch: int, number: int, page: list[Row | None]) -> None:
        if epoch != self._epoch:
            return
        self._pages[number] = page
        self._old.discard(number)
        if len(self._pages) > KEPT_PAGES:
            dropped, _ = self._pages.popitem(last=False)
            self._asked.discard(dropped)
        first = number * PAGE
        self.dataChanged.emit(self.index(first, 0), self.index(first + len(page) - 1, len(self.COLUMNS) - 1))

    # ------------------------------------------------------------------------------------------- what Qt asks for

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.COLUMNS):
            return None
        column = self.COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            # Qt draws the arrow of the sorted column over the end of its head.
            return column.head + ("\N{EM SPACE}" if column.right and column.sort_by == self._order_by else "")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.right else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        column = index.column()
        setting = self.COLUMNS[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if setting.right else _LEFT
        if role == Qt.ItemDataRole.FontRole:
            return theme.mono_font() if setting.mono else None
        if role not in _FROM_THE_ROW or (row := self.row_at(index.row())) is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._text_of(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{setting.head}: {self._text_of(row, column)}"
        if role == Qt.ItemDataRole.DecorationRole:
            return self._icon_of(row, column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return theme.now().color("muted") if self._muted(row) else None
        return self._chip_of(row, column)


_FROM_THE_ROW = frozenset(
    map(
        int,
        (
            Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole,
            Qt.ItemDataRole.DecorationRole, Qt.ItemDataRole.ForegroundRole, CHIP_ROLE,
        ),
    )
)  # fmt: skip
