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
from ui.pages.records_fingerprints import meaning_facts
from ui.session import Session
from ui.summary import Summary
from ui.widgets.parts import Card, Empty, Facts, button, count_text, label, row
from ui.widgets.tables import ROW_HEIGHT, Table

SHOWN_SETS = 4
COLUMNS, MADE_OF = "Which column is what", "What the fingerprints are made of"


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
            ("Name", "As of", "Supplied as", "Rows", "Values that stand", "Former members", "SHA-256"),
            frozenset({6}),
            frozenset({3, 4, 5}),
        )
        self.table = Table(self.model, (156, 112, 108, 72, 134, 130, 320), "Sets of source records")
        self.table.setFixedHeight(_height(1))
        self.table.selectionModel().currentRowChanged.connect(lambda current, _: self._selected(current.row()))
        self.quality, self.columns = Facts(), Facts(mono=("SHA-256",))
        self.quality_card = Card("What was noticed while reading")
        self.quality_card.body.addLayout(self.quality)
        self.quality_card.body.addStretch()
        self.columns_card = Card(COLUMNS)
        self.columns_card.body.addLayout(self.columns)
        self.columns_card.body.addStretch()
        self.meaning = Facts()
        self.meaning.show(meaning_facts())
        self.meaning_card = Card("What fingerprints mean for this case", spacing=8)
        self.meaning_card.body.addLayout(self.meaning)
        self.meaning_card.hide()
        self.former_said = label("", "muted", wrap=True)
        self.former_said.hide()
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
        column.addWidget(self.former_said)
        column.addWidget(self.meaning_card)
        column.addLayout(row(self.quality_card, self.columns_card, spacing=12))
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
                "Load the organisation’s own table of persons: a CSV, TSV, XLSX, Parquet or SQLite file, or a database;"
                " or, where values stay there, its file of fingerprints. You see how it is read, and correct it, before"
                " a row goes into the encrypted case.",
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
        self.dialog = dialog = AddRecordsDialog(self, self._snapshots)
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
            [
                (
                    s.name, s.as_of or "not dated", "fingerprints" if s.by_fingerprints else "values",
                    f"{s.records:,}", f"{s.standing:,}", f"{s.former:,}" if s.former else "–", s.sha256,
                )
                for s in snapshots
            ]
        )  # fmt: skip
        self.table.setFixedHeight(_height(len(snapshots)))
        self.meaning_card.setVisible(any(s.by_fingerprints for s in snapshots))
        former = sum(s.former for s in snapshots)
        self.former_said.setText(
            f"{count_text(former, 'former member')}: in an earlier snapshot and in no later one. They are matched and"
            " counted like everybody else, with their last values."
        )
        self.former_said.setVisible(bool(former))
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
        self.columns_card.title.setText(MADE_OF if chosen.by_fingerprints else COLUMNS)
        if chosen.by_fingerprints:
            made_of = ", ".join(element_text(field) for field in chosen.mapping)
            self.columns.show([("Made of", made_of), ("Key check", chosen.key_check), ("SHA-256", chosen.sha256)])
            return
        used = [(element_text(field), column) for field, column in chosen.mapping.items()]
        ignored = chosen.quality.get("ignored_columns") or []
        self.columns.show(
            [*used, *([("Not used", ", ".join(map(str, ignored)))] if ignored else []), ("SHA-256", chosen.sha256)]
        )


def _height(sets: int) -> int:
    """Of a table that shows so many sets, with its head and a bar to scroll it sideways."""
    return min(max(sets, 1), SHOWN_SETS) * ROW_HEIGHT + 56


def _read(view: CaseView) -> tuple[list[Snapshot], list[Extract]]:
    return view.snapshots(), view.known_extracts()
