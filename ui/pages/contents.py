"""The table of contents: every file of the exhibits, live, deleted and in containers, and one of them in detail."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QButtonGroup, QPushButton, QSplitter, QVBoxLayout

from forensics.casefile.views import FileRow
from ui.models.files import OUTCOME, STATUS, FileModel, kind_text
from ui.pages.base import CasePageBase
from ui.session import Session
from ui.summary import Summary
from ui.widgets.filter_field import FilterField
from ui.widgets.parts import Card, Elided, Empty, Facts, button, count_text, label, row, size_text, time_text
from ui.widgets.tables import Table

FILTERS = (("", "All"), ("deleted", "Deleted"), ("not_examined", "Not examined"), ("archived", "In containers"))

FILTER_DELAY_MS = 150


class ContentsPage(CasePageBase):
    TABLES = frozenset({"file_entry", "volume"})

    def __init__(self) -> None:
        self.filter = FilterField("Filter by name or folder", "Filter files by name or folder")
        super().__init__("Contents", "", self.filter)
        self.model: FileModel | None = None
        self.table: Table | None = None
        self._quick = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        for value, text in FILTERS:
            made = button(text)
            made.setCheckable(True)
            made.setChecked(not value)
            self._quick.addButton(made)
            self._buttons[value] = made
            made.clicked.connect(lambda _=False, value=value: self.model and self.model.only(value))
        self.count = label("", "small")
        self.coverage = Elided("", "small")
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.setHandleWidth(12)
        self._split.setChildrenCollapsible(False)
        self.detail = Card("No file is selected", spacing=8)
        self.facts = Facts(mono=("SHA-256", "MD5", "SHA-1", "Locator"))
        self.detail.body.addLayout(self.facts)
        self.detail.body.addStretch()
        column = QVBoxLayout(self.content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(row(*self._buttons.values(), label(""), spacing=8, stretch=(*[0] * len(FILTERS), 1)))
        column.addWidget(self._split, 1)
        column.addLayout(row(self.coverage, self.count, stretch=(1, 0)))
        first = button("Go to the case", "briefcase", primary=True)
        first.clicked.connect(lambda: self.verb_wanted.emit("page:case"))
        self.set_empty(Empty("files", "Nothing is indexed yet", "The exhibit is imaged first, then indexed.", first))
        self._delay = QTimer(self, singleShot=True, interval=FILTER_DELAY_MS)
        self._delay.timeout.connect(lambda: self.model and self.model.filter(self.filter.text().strip()))
        self.filter.textChanged.connect(lambda _: self._delay.start())

    def enter(self, session: Session) -> None:
        super().enter(session)
        self.model = FileModel(session, self)
        self.table = Table(self.model, [column.width for column in FileModel.COLUMNS], "Files")
        self.table.make_sortable(self.model.sortable(), 0)
        self._split.addWidget(self.table)
        self._split.addWidget(self.detail)
        self._split.setStretchFactor(0, 1)
        self._split.setSizes([520, 180])
        self.model.loaded.connect(self._loaded)
        self.model.modelReset.connect(lambda: self._show_file(None))
        self.table.selectionModel().currentRowChanged.connect(self._selected)
        self.model.dataChanged.connect(lambda *_: self._selected(self.table.currentIndex()) if self.table else None)
        self.model.reload()

    def leave(self) -> None:
        super().leave()
        if self.table:
            self.table.setParent(None)
            self.table.deleteLater()
        if self.model:
            self.model.deleteLater()
        self.model = self.table = None
        self.filter.clear()
        self._delay.stop()
        self._buttons[""].setChecked(True)
        self._show_file(None)
        self.coverage.setText("")
        self.count.setText("")

    def reread(self) -> None:
        if self.model:
            self.model.reload()

    def focus_filter(self) -> bool:
        self.filter.setFocus()
        self.filter.selectAll()
        return True

    def show_summary(self, case: Summary) -> None:
        self.show_empty(not case.entries)
        self.filter.setVisible(bool(case.entries))
        names = ", ".join(exhibit.label for exhibit in case.exhibits)
        self.sentence.setText(f"All files of {names}, live, deleted and in containers" if case.entries else "")
        examined = case.by_outcome.get("ok", 0) + case.by_outcome.get("empty", 0)
        said = [f"{examined:,} of {case.entries:,} examined"]
        if case.not_examined:
            said.append(f"{count_text(case.not_examined, 'item')} not examined ({size_text(case.not_examined_bytes)})")
        if case.pending:
            said.append(f"{case.pending:,} waiting")
        self.coverage.setText(" · ".join(said))

    def _loaded(self, rows: int) -> None:
        self.count.setText(f"{count_text(rows, 'file')} shown")

    def _selected(self, current: QModelIndex, _: QModelIndex | None = None) -> None:
        if self.model and current.isValid() and (found := self.model.row_at(current.row())):
            self._show_file(found)

    def _show_file(self, file: FileRow | None) -> None:
        if file is None:
            self.detail.title.setText("No file is selected")
            self.facts.show([("Next", "Select a file to see its hash, its times and where it stands.")])
            return
        self.detail.title.setText(file.name)
        outcome = OUTCOME.get(file.outcome, (file.outcome, ""))[0]
        state = f"{STATUS.get(file.status, (file.status, ''))[0]} · {outcome}"
        for doubt in (file.reason, file.uncertain_because):
            state += f": {doubt}" if doubt else ""
        self.facts.show(
            [
                ("SHA-256", file.sha256 or "not hashed"),
                ("MD5", file.md5 or "not hashed"),
                ("SHA-1", file.sha1 or "not hashed"),
                ("Locator", file.locator),
                ("Modified", time_text(file.modified)),
                ("Created", f"{time_text(file.created)} · accessed {time_text(file.accessed)}"),
                ("Size", f"{size_text(file.size)} ({file.size:,} bytes), {kind_text(file.type)}"),
                ("State", state),
            ]
        )
