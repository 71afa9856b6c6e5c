"""The queue of review and the questions of a blind sample, as tables."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from forensics.casefile.review_view import QueueRow
from forensics.casefile.views import CaseView
from forensics.model import ELEMENTS, Tier
from ui import theme
from ui.models.paged import PAGE, Column, Index, PagedModel
from ui.models.persons import TIER, element_text
from ui.session import Session
from ui.widgets.tables import CHIP_ROLE

REVIEW = {"pending": ("Pending", "idle"), "included": ("Included", "ok"), "excluded": ("Excluded", "bad")}
"""State of review → its word and the kind of its chip."""

NEAR = 512
"""Rows to either side of the current one."""

_TEXTS = frozenset(
    map(int, (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole, CHIP_ROLE))
)


class QueueModel(PagedModel[QueueRow]):
    """Everybody in the order of review; a person whose state no longer fits the filter leaves without a new order."""

    NAME = "queue"
    COLUMNS = (
        Column(None, "Record key", 158, mono=True),
        Column(None, "Tier", 108),
        Column(None, "Conflicts", 84, right=True),
        Column(None, "Places", 70, right=True),
        Column(None, "Review", 100),
        Column(None, "Elements found", 250),
        Column(None, "First place", 380),
    )

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(session, "queue", parent)
        self._tiers: tuple[Tier, ...] = tuple(Tier)
        self._review, self._conflicts = "pending", False

    def choose(self, tiers: Sequence[Tier], review: str, conflicts: bool) -> None:
        """Show persons of these tiers in this state (empty: every state), all of them or only those with conflicts."""
        self._tiers, self._review, self._conflicts = tuple(tiers), review, conflicts
        self.reload()

    def _question(self, order_by: str, descending: bool, text: str) -> Any:  # noqa: ARG002
        tiers, review, conflicts = self._tiers, self._review, self._conflicts
        return lambda view: view.queue_ids(tiers, review, conflicts, text)

    def _ask_rows(self, view: CaseView, ids: Sequence[int]) -> dict[int, QueueRow]:
        return view.queue(ids)

    def record_at(self, row: int) -> int | None:
        return self._ids[row] if 0 <= row < len(self._ids) else None

    def row_of(self, record: int, near: int = 0) -> int:
        """The row of a record number, or -1 where it is not in the queue as it is shown; looked for `near` a row
        first, because going through a million takes longer than a key press may."""
        first = max(0, near - NEAR)
        for start, ids in ((first, self._ids[first : near + NEAR]), (0, self._ids)):
            try:
                return start + ids.index(record)
            except ValueError:
                continue
        return -1

    def decided(self, record: int, review: str, near: int = 0) -> None:
        """Somebody was decided: the row leaves the queue where it no longer fits, or is read again."""
        row = self.row_of(record, near)
        if row < 0:
            return
        if self._review in ("", review):
            self._old.add(row // PAGE)
            self._asked.discard(row // PAGE)
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.COLUMNS) - 1))
            return
        known: dict[int, QueueRow] = {}
        for number, page in self._pages.items():
            for at, held in enumerate(page):
                if held is not None:
                    known[self._ids[number * PAGE + at]] = held
        self.beginRemoveRows(QModelIndex(), row, row)
        # An order that is on its way was asked for before this decision, or after it: either is taken as it comes.
        del self._ids[row]
        self._epoch += 1
        self._asked.clear()
        for number in [number for number in self._pages if number >= row // PAGE]:
            ids: array[int] = self._ids[number * PAGE : (number + 1) * PAGE]
            self._pages[number] = [known.get(one) for one in ids]
            if None in self._pages[number]:
                self._old.add(number)
        self.endRemoveRows()

    def _text_of(self, row: QueueRow, column: int) -> str:
        match column:
            case 0:
                return row.record_key
            case 1:
                return TIER[row.tier][0]
            case 2 | 3:
                count = (row.conflicts, row.places)[column - 2]
                return f"{count:,}" if count else "–"
            case 4:
                return REVIEW[row.review][0]
            case 5:
                return ", ".join(element_text(name) for name in ELEMENTS if name in row.elements)
            case _:
                return row.first_place

    def _chip_of(self, row: QueueRow, column: int) -> str | None:
        return {1: TIER[row.tier][1], 4: REVIEW[row.review][1]}.get(column)


class QuestionModel(QAbstractTableModel):
    """The questions of a blind sample for one reviewer. What they are, tier or catch-row, is nowhere in it."""

    HEADS = ("Item", "Answered", "Place")
    WIDTHS = (60, 92, 300)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._questions: list[dict[str, Any]] = []

    def show(self, questions: Sequence[dict[str, Any]]) -> None:
        self.beginResetModel()
        self._questions = list(questions)
        self.endResetModel()

    def question(self, row: int) -> dict[str, Any] | None:
        return self._questions[row] if 0 <= row < len(self._questions) else None

    def answered(self, item: int) -> None:
        for row, question in enumerate(self._questions):
            if question["item"] == item:
                question["answered"] = True
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.HEADS) - 1))

    def next_open(self, row: int) -> int:
        """The next question behind `row` that is not answered, from the start again; -1 where none is left."""
        count = len(self._questions)
        rows = ((row + 1 + step) % count for step in range(count))
        return next((at for at in rows if not self._questions[at]["answered"]), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._questions)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.HEADS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.FontRole:
            return theme.mono_font() if index.column() == 2 else None
        if role not in _TEXTS:
            return None
        question, column = self._questions[index.row()], index.column()
        if role == CHIP_ROLE:
            return ("ok" if question["answered"] else "idle") if column == 1 else None
        text = (f"{question['item']}", "Yes" if question["answered"] else "Open", question["place"])[column]
        return f"{self.HEADS[column]}: {text}" if role == Qt.ItemDataRole.AccessibleTextRole else text
