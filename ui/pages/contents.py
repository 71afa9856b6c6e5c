"""The contents of the exhibits: a tree, the files, what a search found and what was not examined, and one in detail."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from forensics.casefile.contents_view import Kinds, Place, Same, Shares
from forensics.casefile.coverage import Share
from forensics.casefile.search_view import SearchCounts, SearchHit
from forensics.casefile.views import CaseView, FileRow, NotExamined
from forensics.model import LAYER_BITS, Locator
from ui.models.files import FileModel, kinds_by_name
from ui.models.hits import HitModel, NotExaminedModel
from ui.models.tree import ContentsTree
from ui.pages.base import CasePageBase
from ui.pages.coverage import CoverageDialog, Ledger
from ui.pages.passwords import PasswordsDialog
from ui.session import Session
from ui.summary import Summary
from ui.widgets.coverage_bar import CoverageBar
from ui.widgets.file_menu import FileMenu, ask_for_copy
from ui.widgets.filter_field import FilterField
from ui.widgets.parts import SELECTABLE, Chooser, Elided, Empty, button, count_text, label, row, size_text
from ui.widgets.preview import Preview
from ui.widgets.tables import Table

FILTERS = (
    ("", "All"), ("deleted", "Deleted"), ("archived", "In containers"), ("known", "Known"),
    ("not_examined", "Not examined"),
)  # fmt: skip

CHOICES: dict[str, tuple[str, Kinds | None]] = {
    "All types": ("", None),
    **{name: ("", kinds) for name, kinds in kinds_by_name().items()},
    "Misleading name": ("misnamed", None),
    "There more than once": ("repeated", None),
}
"""What the chooser shows only: a quick filter of its own, or types of content."""

FILTER_DELAY_MS = 150
TREE_WIDE = 255


class ContentsPage(CasePageBase):
    TABLES = frozenset({"file_entry", "volume", "search_part", "known_file"})

    passwords_given = Signal(object)
    """A tuple of passwords to try on what is locked."""

    def __init__(self) -> None:
        self.filter = FilterField("Name or folder", "Filter files by name or folder", 190)
        self.search = FilterField("Search names and text", "Search names and text, Enter starts it", 210)
        self.search.setToolTip('Words, "a phrase", begin*, AND OR NOT ( ); Enter starts it  (Ctrl+Shift+F)')
        self.passwords = button("Passwords…", "lock", tip="Try passwords on what is locked")
        super().__init__("Contents", "", self.filter, self.search, self.passwords)
        self.model: FileModel | None = None
        self.table: Table | None = None
        self.tree_model: ContentsTree | None = None
        self.hits: HitModel | None = None
        self.hit_table: Table | None = None
        self.unexamined = NotExaminedModel(self)
        self._quick = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        for value, text in FILTERS:
            made = button(text)
            made.setCheckable(True)
            made.setChecked(not value)
            self._quick.addButton(made)
            self._buttons[value] = made
            made.clicked.connect(lambda _=False, value=value: self._choose(value))
        self.found_button = button("Search")
        self.found_button.setCheckable(True)
        self.found_button.hide()
        self.found_button.clicked.connect(self._show_hits)
        self._quick.addButton(self.found_button)
        self.kind = Chooser()
        self.kind.setAccessibleName("Only files of one type")
        self.kind.addItems(list(CHOICES))
        self.kind.view().setAccessibleName("Types of files")
        self.kind.currentTextChanged.connect(self._choose_kind)
        self.count = label("", "small", wrap=True)
        self.count.setTextInteractionFlags(SELECTABLE)
        self.coverage = Elided("", "small")
        self.bar = CoverageBar()
        self.ledger_button = button("Coverage…", tip="Every byte of the image by what became of it")
        self.tree = QTreeView()
        self.tree.setAccessibleName("Volumes and folders")
        self.tree.setHeaderHidden(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setMinimumWidth(175)
        self.unexamined_table = Table(self.unexamined, [wide for _, wide in NotExaminedModel.COLUMNS], "Not examined")
        self.unexamined_table.selectionModel().currentRowChanged.connect(self._selected_unexamined)
        self.lists = QStackedWidget()
        self.preview = Preview()
        self._lay_out()
        first = button("Go to the case", "briefcase", primary=True)
        first.clicked.connect(lambda: self.verb_wanted.emit("page:case"))
        self.set_empty(Empty("files", "Nothing is indexed yet", "The exhibit is imaged first, then indexed.", first))
        self._delay = QTimer(self, singleShot=True, interval=FILTER_DELAY_MS)
        self._delay.timeout.connect(lambda: self.model and self.model.filter(self.filter.text().strip()))
        self.filter.textChanged.connect(lambda _: self._delay.start())
        self.search.returnPressed.connect(self._search)
        self.search.textChanged.connect(lambda text: None if text else self._end_search())
        self.passwords.clicked.connect(self._ask_passwords)
        self.ledger_button.clicked.connect(self._ask_ledger)
        self.preview.told.connect(self.count.setText)
        self.lists.currentChanged.connect(lambda _: self.kind.setEnabled(self.lists.currentWidget() is self.table))
        keys = QShortcut(QKeySequence("Ctrl+Shift+F"), self)
        keys.activated.connect(self._focus_search)

    def _lay_out(self) -> None:
        self.down = QSplitter(Qt.Orientation.Vertical)
        self.across = QSplitter(Qt.Orientation.Horizontal)
        for splitter in (self.down, self.across):
            splitter.setHandleWidth(12)
            splitter.setChildrenCollapsible(False)
        upper = QWidget()
        upper.setObjectName("page")
        above = QVBoxLayout(upper)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(4)
        above.addWidget(self.count)
        above.addWidget(self.lists, 1)
        self.down.addWidget(upper)
        self.down.addWidget(self.preview)
        self.down.setStretchFactor(0, 1)
        self.down.setSizes([420, 280])
        self.across.addWidget(self.tree)
        self.across.addWidget(self.down)
        self.across.setStretchFactor(0, 1)
        self.across.setStretchFactor(1, 4)
        self.across.setSizes([TREE_WIDE, 900])
        self.lists.addWidget(self.unexamined_table)
        column = QVBoxLayout(self.content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        buttons = (*self._buttons.values(), self.found_button)
        column.addLayout(row(*buttons, label(""), self.kind, spacing=8, stretch=(*[0] * len(buttons), 1, 0)))
        column.addWidget(self.across, 1)
        column.addLayout(row(self.bar, self.coverage, self.ledger_button, stretch=(1, 2, 0)))

    # -------------------------------------------------------------------------------------------------------- case

    def enter(self, session: Session) -> None:
        super().enter(session)
        self.preview.enter(session.companion)
        self.model = FileModel(session, self)
        self.table = Table(self.model, [column.width for column in FileModel.COLUMNS], "Files")
        self.table.make_sortable(self.model.sortable(), 0)
        for at, column in enumerate(FileModel.ORDER):
            header = self.table.horizontalHeader()
            header.moveSection(header.visualIndex(column), at)
        self.menu = FileMenu(self.table, self._file_selected)
        self.menu.bytes_wanted.connect(lambda _: self.preview.show_tab("bytes"))
        self.menu.folder_wanted.connect(self._show_folder)
        self.menu.copy_wanted.connect(
            lambda file: ask_for_copy(self, file, self.preview.reason, self.preview.save_copy)
        )
        self.hits = HitModel(session, self)
        self.hit_table = Table(self.hits, [wide for _, wide in HitModel.COLUMNS], "Places that were found")
        self.lists.addWidget(self.table)
        self.lists.addWidget(self.hit_table)
        self.lists.setCurrentWidget(self.table)
        self.tree_model = ContentsTree(session, self)
        self.tree.setModel(self.tree_model)
        self.tree.selectionModel().currentChanged.connect(self._place_chosen)
        self.tree_model.loaded.connect(self._unfold)
        self.model.loaded.connect(self._loaded)
        self.model.modelReset.connect(self._deselect)
        self.table.selectionModel().currentRowChanged.connect(self._selected)
        self.model.dataChanged.connect(lambda *_: self._read_again())
        self.hit_table.selectionModel().currentRowChanged.connect(self._selected_hit)
        self.hits.counted.connect(self._counted)
        self.hits.refused.connect(self.count.setText)
        self.reread()

    def leave(self) -> None:
        super().leave()
        self.preview.leave()
        self.search.clear()
        self.tree.setModel(None)
        for table in (self.table, self.hit_table):
            if table:
                self.lists.removeWidget(table)
                table.setParent(None)
                table.deleteLater()
        for model in (self.model, self.hits, self.tree_model):
            if model:
                model.deleteLater()
        self.model = self.table = self.hits = self.hit_table = self.tree_model = None
        self.unexamined.show([])
        self.filter.clear()
        self.kind.setCurrentIndex(0)
        self._delay.stop()
        self._buttons[""].setChecked(True)
        self.found_button.hide()
        self.bar.show_shares(Shares(0, 0, 0))
        self.coverage.setText("")
        self.count.setText("")

    def reread(self) -> None:
        if self.model and self.tree_model and self.session:
            self.model.reload()
            self.tree_model.reload()
            self.session.ask("shares", lambda view: (view.shares(), view.coverage()), self._take_shares)
            self.session.ask("not examined", lambda view: view.not_examined(), self._take_unexamined)

    def focus_filter(self) -> bool:
        self.filter.setFocus()
        self.filter.selectAll()
        return True

    def _focus_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def show_summary(self, case: Summary) -> None:
        self.show_empty(not case.entries)
        for part in (self.filter, self.search, self.passwords):
            part.setVisible(bool(case.entries))
        names = ", ".join(exhibit.label for exhibit in case.exhibits)
        self.sentence.setText(f"All files of {names}, live, deleted and in containers" if case.entries else "")
        examined = case.by_outcome.get("ok", 0) + case.by_outcome.get("empty", 0)
        said = [f"{examined:,} of {case.entries:,} examined"]
        if case.not_examined:
            said.append(f"{count_text(case.not_examined, 'item')} not examined ({size_text(case.not_examined_bytes)})")
        if case.pending:
            said.append(f"{case.pending:,} waiting")
        self.coverage.setText(" · ".join(said))

    # ------------------------------------------------------------------------------------------------- tree and files

    def _unfold(self) -> None:
        """Open the exhibits, so that their volumes are in sight, and a volume that is the only one of its exhibit."""
        if self.tree_model:
            for at in range(self.tree_model.rowCount()):
                exhibit = self.tree_model.index(at, 0)
                self.tree.expand(exhibit)
                if self.tree_model.rowCount(exhibit) == 1:
                    self.tree.expand(self.tree_model.index(0, 0, exhibit))

    def _place_chosen(self, current: QModelIndex, _: QModelIndex | None = None) -> None:
        if not self.tree_model or not self.model or not current.isValid():
            return
        node = self.tree_model.node(current)
        if node.icon == "lock":
            # Nothing of this volume was read; why not stands in the list of what was not examined.
            self._buttons["not_examined"].click()
            if (at := self.unexamined.row_of(node.volume)) is not None:
                self.unexamined_table.selectRow(at)
            return
        place = node.place
        if place is None:
            self.preview.show_image(node.locator)
            place = Place(0, exhibit=node.locator)
        if self.model.which == "not_examined":
            self._buttons[""].setChecked(True)
            self.model.only(CHOICES[self.kind.currentText()][0])
        if self.found_button.isChecked():
            self._buttons.get(self.model.which, self._buttons[""]).setChecked(True)
        self._show_files()
        self.model.go_into(place)

    def _choose(self, which: str) -> None:
        if self.model:
            if CHOICES[self.kind.currentText()][0]:
                self.kind.setCurrentIndex(0)
            self.model.only(which)
        self._show_files()

    def _choose_kind(self, name: str) -> None:
        if self.model is None:
            return
        which, kinds = CHOICES[name]
        if which:
            self._buttons[""].setChecked(True)
            self.model.only(which)
        elif self.model.which in {which for which, _ in CHOICES.values()}:
            self.model.only("")
        self.model.of_kinds(kinds)
        if not self._buttons["not_examined"].isChecked():
            self._show_files()

    def _show_files(self) -> None:
        if self.table and self.model:
            closed = bool(self.tree_model and self.tree_model.node(self.tree.currentIndex()).volume)
            if closed and self.model.which != "not_examined":
                # A volume that was not examined has no files: what is shown now is not of it.
                self.tree.setCurrentIndex(QModelIndex())
            self.lists.setCurrentWidget(self.unexamined_table if self.model.which == "not_examined" else self.table)
            self.count.setToolTip("")
            self._loaded(self.model.rowCount())

    def _loaded(self, rows: int) -> None:
        if self.model and self.lists.currentWidget() is self.table:
            self.count.setText(f"{count_text(rows, 'file')} shown")
        elif self.lists.currentWidget() is self.unexamined_table:
            self.count.setText(count_text(self.unexamined.rowCount(), "item"))

    def _file_selected(self) -> FileRow | None:
        here = self.table.currentIndex() if self.table else QModelIndex()
        return self.model.row_at(here.row()) if self.model and here.isValid() else None

    def _deselect(self) -> None:
        """Other files are in the table; an image, a hit and what was not examined are not among them."""
        if self.lists.currentWidget() is self.table and not self.preview.of_image:
            self.preview.show_file(None)

    def _read_again(self) -> None:
        """Rows came, or came anew: what is shown of the one that is selected may have changed."""
        if self.table and self.lists.currentWidget() is self.table:
            self._selected(self.table.currentIndex())

    def _selected(self, current: QModelIndex, _: QModelIndex | None = None) -> None:
        if self.model and current.isValid() and (found := self.model.row_at(current.row())):
            self._show_entry(found)

    def _show_entry(self, file: FileRow) -> None:
        if self.session:
            self.session.ask(
                "about file",
                lambda view: (view.first_part(file.id), view.same_content(file.id)),
                lambda about: self.preview.show_file(file, *about),
            )

    def _show_folder(self, file: FileRow) -> None:
        """The files beside this one, in its volume."""
        if self.session:
            number = file.id
            self.session.ask("place of file", lambda view: view.place_of(number), self._go_into)

    def _go_into(self, place: Place | None) -> None:
        if self.model and place:
            self._buttons[""].setChecked(True)
            self.kind.setCurrentIndex(0)
            self.filter.clear()
            self.model.only("")
            self.model.go_into(place)
            self._show_files()

    def _take_shares(self, found: tuple[Shares, list[Share]]) -> None:
        """Until all entries have an outcome there is no ledger, or one of the time before."""
        shares, ledger = found
        if ledger and not shares.waiting:
            self.bar.show_ledger(ledger)
        else:
            self.bar.show_shares(shares)

    def _ask_ledger(self) -> None:
        if self.session:
            self.session.ask("coverage ledger", Ledger.of, self._show_ledger)

    def _show_ledger(self, ledger: Ledger) -> None:
        dialog = CoverageDialog(ledger, self)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _take_unexamined(self, items: list[NotExamined]) -> None:
        self.unexamined.show(items)
        if self.model:
            self._loaded(self.model.rowCount())

    def _selected_unexamined(self, current: QModelIndex, _: QModelIndex | None = None) -> None:
        item = self.unexamined.item(current.row()) if current.isValid() else None
        if item is None or self.session is None:
            return
        self.session.ask(
            "entry at", lambda view: _entry_of(view, item.locator), lambda found: self._take_entry(item, found)
        )

    def _take_entry(self, item: NotExamined, found: tuple[FileRow, int | None, Same] | int | None) -> None:
        if isinstance(found, tuple):
            self.preview.show_file(*found)
            return
        place = Locator.parse(item.locator)
        offset = place.offset if found is None else found
        self.preview.show_image(place.exhibit, offset, place.length or 1, (item.locator, item.reason))

    # -------------------------------------------------------------------------------------------------------- search

    def _search(self) -> None:
        query = self.search.text().strip()
        if self.hits and query:
            self.count.setText("Searching …")
            self.hits.search(query)
            self.found_button.show()
            self.found_button.setChecked(True)
            self._show_hits()

    def _end_search(self) -> None:
        if self.hits and self.hits.query:
            self.hits.search("")
        self.found_button.hide()
        if self.model and self.found_button.isChecked():
            self._buttons.get(self.model.which, self._buttons[""]).setChecked(True)
            self._show_files()

    def _show_hits(self) -> None:
        if self.hit_table:
            self.lists.setCurrentWidget(self.hit_table)

    def _counted(self, counts: SearchCounts) -> None:
        said = (
            f"{count_text(counts.files, 'file')}, {counts.names:,} by name · {count_text(counts.passages, 'passage')}"
            f" · {count_text(counts.folders, 'folder')}"
        )
        if counts.waiting:
            said += f" · {counts.waiting:,} texts wait for the index"
        self.count.setText(said)
        self.count.setToolTip(f"Looked for: {counts.read_as}")

    def _selected_hit(self, current: QModelIndex, _: QModelIndex | None = None) -> None:
        hit = self.hits.hit(current.row()) if self.hits and current.isValid() else None
        if hit is None or self.session is None:
            return
        entry = hit.entry
        self.session.ask(
            "file of hit",
            lambda view: view.files([entry]).get(entry) if entry is not None else None,
            lambda file: self._show_hit(hit, file),
        )

    def _show_hit(self, hit: SearchHit, file: FileRow | None) -> None:
        if hit.kind == "name" and file is not None:
            self._show_entry(file)
        else:
            self.preview.show_hit(hit, file)

    # ------------------------------------------------------------------------------------------------------ passwords

    def _ask_passwords(self) -> None:
        dialog = PasswordsDialog(self)
        dialog.given.connect(self._try_passwords)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _try_passwords(self, passwords: object) -> None:
        self.passwords_given.emit(passwords)


def _entry_of(view: CaseView, locator: str) -> tuple[FileRow, int | None, Same] | int | None:
    """The entry with this locator; of a volume where it begins in the image, None where that is in no image."""
    number = view.entry_at(locator)
    if number is None:
        volumes = (v for v in view.volumes() if f"{v.exhibit}/{v.name}" == locator)
        return next((v.offset for v in volumes if not v.offset >> LAYER_BITS), None)
    return view.files([number])[number], view.first_part(number), view.same_content(number)
