"""Source records: the snapshots in the case, how good they are, and which files of the drive are one of them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from forensics.casefile.records_view import Extract, Snapshot
from forensics.casefile.views import CaseView
from ui.models.persons import element_text
from ui.models.quality import quality_facts
from ui.models.rows import RowsModel
from ui.pages.base import CasePageBase
from ui.pages.records_add import AddRecordsDialog
from ui.session import Session
from ui.summary import Summary
from ui.widgets.parts import Card, Empty, Facts, button, count_text, label, row
from ui.widgets.tables import ROW_HEIGHT, Table

SHOWN_SETS = 4


class RecordsPage(CasePageBase):
    TABLES = frozenset({"source_record", "file_entry"})

    load_wanted = Signal(object)
    """Arguments of `records add` behind the case, as a person checked them."""

    def __init__(self) -> None:
        self.add_button = button("Add records…", "plus", primary=True, tip="A file or a database, looked at first")
        super().__init__("Source records", "", self.add_button)
        self.add_button.clicked.connect(self.ask)
        self.dialog: AddRecordsDialog | None = None
        self._snapshots: list[Snapshot] = []
        self.model = RowsModel(
            ("Name", "As of", "Rows", "Values that stand", "SHA-256"), frozenset({4}), frozenset({2, 3})
        )
        self.table = Table(self.model, (230, 110, 100, 150, 320), "Sets of source records")
        self.table.setMinimumHeight(SHOWN_SETS * ROW_HEIGHT + 40)
        self.table.selectionModel().currentRowChanged.connect(lambda current, _: self._selected(current.row()))
        self.quality, self.columns = Facts(), Facts(mono=("SHA-256",))
        self.quality_card = Card("What was noticed while reading")
        self.quality_card.body.addLayout(self.quality)
        self.quality_card.body.addStretch()
        columns_card = Card("Which column is what")
        columns_card.body.addLayout(self.columns)
        columns_card.body.addStretch()
        self.extracts_model = RowsModel(
            ("Place on the drive", "Status", "Is the file", "As of", "Records"), frozenset({0}), frozenset({4})
        )
        self.extracts = Table(
            self.extracts_model, (380, 90, 200, 100, 90), "Files of the drive that are source records"
        )
        self.extracts.setMinimumHeight(3 * ROW_HEIGHT + 40)
        self.extracts_said = label("", "muted", wrap=True)
        extracts_card = Card("Known extracts", spacing=8)
        extracts_card.body.addWidget(self.extracts_said)
        extracts_card.body.addWidget(self.extracts)
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.table)
        column.addLayout(row(self.quality_card, columns_card, spacing=12))
        column.addWidget(extracts_card)
        column.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        area.setAccessibleName("Source records")
        around = QVBoxLayout(self.content)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(area)
        first = button("Add records…", "plus", primary=True)
        first.clicked.connect(self.ask)
        self.set_empty(
            Empty(
                "database",
                "No source records yet",
                "Load the organisation’s own table of persons: a CSV, TSV, XLSX, Parquet or SQLite file, or a database."
                " You see how it is read, and correct it, before a row goes into the encrypted case.",
                first,
            )
        )

    def enter(self, session: Session) -> None:
        super().enter(session)
        self.reread()

    def leave(self) -> None:
        super().leave()
        if self.dialog:
            self.dialog.reject()
        self._snapshots = []
        self.model.show([])
        self.extracts_model.show([])
        self._selected(-1)

    def reread(self) -> None:
        if self.session:
            self.session.ask("snapshots", _read, lambda told: self._show(*told))

    def show_summary(self, case: Summary) -> None:
        self.show_empty(not case.sources)
        self.add_button.setVisible(bool(case.sources))
        self.sentence.setText(
            f"{case.records:,} record keys in {count_text(len(case.sources), 'set')}; frozen by SHA-256 in the ledger"
            if case.sources
            else ""
        )

    def ask(self) -> AddRecordsDialog:
        """Open the dialog that looks at a file or database before it is loaded."""
        self.dialog = dialog = AddRecordsDialog(self)
        dialog.accepted.connect(lambda: self.load_wanted.emit(dialog.arguments()))
        dialog.finished.connect(lambda _: self._dialog_done(dialog))
        dialog.open()
        return dialog

    def _dialog_done(self, dialog: AddRecordsDialog) -> None:
        dialog.deleteLater()
        self.dialog = None

    def _show(self, snapshots: list[Snapshot], extracts: list[Extract]) -> None:
        self._snapshots = snapshots
        self.model.show(
            [(s.name, s.as_of or "not dated", f"{s.records:,}", f"{s.standing:,}", s.sha256) for s in snapshots]
        )
        if snapshots and not self.table.currentIndex().isValid():
            self.table.selectRow(len(snapshots) - 1)
        self._selected(self.table.currentIndex().row())
        self.extracts_model.show(
            [(e.locator, e.status, e.name, e.as_of or "not dated", f"{e.records:,}") for e in extracts]
        )
        self.extracts.setVisible(bool(extracts))
        self.extracts_said.setText(
            "Byte for byte a file of source records: all its rows are on the drive."
            if extracts
            else "No file of the drive is, byte for byte, one of these files."
        )

    def _selected(self, at: int) -> None:
        if not 0 <= at < len(self._snapshots):
            self.quality.show([])
            self.columns.show([])
            return
        chosen = self._snapshots[at]
        self.quality.show(quality_facts(chosen.quality))
        used = [(element_text(field), column) for field, column in chosen.mapping.items()]
        ignored = chosen.quality.get("ignored_columns") or []
        self.columns.show(
            [*used, *([("Not used", ", ".join(map(str, ignored)))] if ignored else []), ("SHA-256", chosen.sha256)]
        )


def _read(view: CaseView) -> tuple[list[Snapshot], list[Extract]]:
    return view.snapshots(), view.known_extracts()
