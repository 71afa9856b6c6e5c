"""Adding source records: a file or database is looked at first, and a person corrects which column is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QGridLayout,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from forensics.casefile.records_view import Snapshot
from forensics.model import ELEMENTS
from ui.bridge import Command, Ending
from ui.models.persons import element_text
from ui.models.quality import quality_facts
from ui.pages.records_fingerprints import FingerprintPanel, refusal
from ui.widgets.parts import Chooser, Elided, Glyph, button, label, relabel, row

FILES = (
    "Tables (*.csv *.tsv *.txt *.xlsx *.xlsm *.xlsb *.xls *.parquet *.db *.sqlite *.sqlite3);;"
    "Fingerprints (*.fingerprints);;All files (*)"
)

FIELDS = (
    "given_name", "middle_name", "family_name", "full_name", "suffix", "birth_date", "sex", "ssn", "member_id",
    "address", "city", "state", "postal_code", "country", "phone", "email", "guardian_name", "deceased",
    "member_until", "language", "confidential_address", "personal_representative", "program", "ssa_verified",
    "sensitive", *(
        one for one in ELEMENTS
        if one not in ("name", "birth_date", "ssn", "member_id", "address", "phone", "email")
    ),
)  # fmt: skip
"""What a column may be, in the words of `records add --map`; the key is chosen apart."""

ORDERS = (("", "as guessed"), ("mdy", "month first"), ("dmy", "day first"), ("excel", "serial days"))

LOOK_DELAY_MS = 250


class _Column:
    """One column of the source: its field to be corrected, why it was taken for it, and the shape of a cell."""

    def __init__(self, grid: QGridLayout, at: int, name: str, changed: Any) -> None:
        self.name = name
        self.guessed = ""
        self.chosen = False
        self.box = Chooser()
        self.box.setAccessibleName(f"Field of column {name}")
        self.box.view().setAccessibleName(f"Field of column {name}")
        self.box.addItem("Not used", "")
        for field in FIELDS:
            self.box.addItem(element_text(field), field)
        self.why, self.shape = label("", "small", wrap=True), Elided("", "mono")
        self.box.activated.connect(lambda _: self._choose(changed))
        title = Elided(name, "strong")
        title.setMinimumWidth(120)
        for column, part in enumerate((title, self.box, self.why, self.shape)):
            grid.addWidget(part, at, column)

    def _choose(self, changed: Any) -> None:
        self.chosen = True
        changed()

    def show(self, told: Mapping[str, Any], cell: str) -> None:
        field = str(told["field"])
        self.guessed = field if not self.chosen else self.guessed
        if not self.chosen:
            self.box.setCurrentIndex(max(0, self.box.findData("" if field == "record_key" else field)))
        looks = "" if told["looks"] is None else f", {told['looks']:.0%} look so".replace("%", " %")
        why = str(told["why"]) or ("the key" if field == "record_key" else "not recognised")
        self.why.setText(f"{why} · {told['filled']:,} filled{looks}")
        self.shape.setText(cell or "(empty)")
        self.shape.setAccessibleName(f"Shape of a cell of {self.name}: {cell or 'empty'}")

    @property
    def field(self) -> str:
        return str(self.box.currentData())


class AddRecordsDialog(QDialog):
    """`arguments` are those of `records add` behind the case; the dialog can be accepted when a look found enough.

    `held` are the sets that the case has: values and fingerprints do not go together.
    """

    def __init__(self, parent: QWidget | None = None, held: Sequence[Snapshot] = ()) -> None:
        super().__init__(parent)
        self._held = held
        self.setWindowTitle("Add source records")
        self.resize(940, 640)
        self.command: Command | None = None
        self.checking: Command | None = None
        self._again = False
        self._url = False
        self._columns: list[_Column] = []
        self.preview: dict[str, Any] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 18)
        column.setSpacing(10)
        column.addWidget(label("Add source records", "h1"))
        column.addWidget(
            label(
                "Nothing is loaded before you have seen how it is read. Samples show shapes, x a letter and 9 a digit;"
                " no value leaves the file.", "muted", wrap=True,
            )
        )  # fmt: skip
        self.path = QLineEdit()
        self.path.setAccessibleName("File of source records")
        self.path.setPlaceholderText("CSV, TSV, XLSX, Parquet or SQLite, or a file of fingerprints")
        choose = button("File…", "folder-open", tip="Choose a file of records")
        database = button(
            "Database…", "database",
            tip="Choose a text file whose first line is an SQLAlchemy URL; it may hold a password, so it is not typed",
        )  # fmt: skip
        choose.clicked.connect(lambda: self._choose(False))
        database.clicked.connect(lambda: self._choose(True))
        self.path.editingFinished.connect(self._typed)
        column.addLayout(row(self.path, choose, database, spacing=8, stretch=(1, 0, 0)))
        self.table, self.key, self.dates = QLineEdit(), Chooser(), Chooser()
        self.name, self.as_of = QLineEdit(), QLineEdit()
        self.table.setPlaceholderText("the first")
        self.as_of.setPlaceholderText("YYYY-MM-DD")
        self.name.setPlaceholderText("as the file")
        for value, text in ORDERS:
            self.dates.addItem(text, value)
        self.dates.activated.connect(lambda _: self._soon())
        self.key.activated.connect(lambda _: self._soon())
        self.table.editingFinished.connect(self._look)
        self.as_of.textChanged.connect(lambda _: self._check())
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        fields: tuple[tuple[str, QWidget], ...] = (
            ("Sheet or table", self.table), ("Key of a record", self.key), ("Birth dates", self.dates),
            ("Name of the set", self.name), ("As of", self.as_of),
        )  # fmt: skip
        self._of_tables: list[QWidget] = [self.table, self.key, self.dates]
        for at, (name, part) in enumerate(fields):
            part.setAccessibleName(name)
            caption = label(name, "small")
            caption.setBuddy(part)
            grid.addWidget(caption, 0, at)
            grid.addWidget(part, 1, at)
            grid.setColumnStretch(at, 1)
            if part in self._of_tables:
                self._of_tables.append(caption)
        for box in (self.key, self.dates):
            box.view().setAccessibleName(box.accessibleName())
        column.addLayout(grid)
        self._fields = grid
        self.said = label("", "muted", wrap=True)
        self._problem_glyph = Glyph("alert-triangle", "warn", 18)
        self.problem = label("", "bad", wrap=True)
        self.problem.setAccessibleName("What is missing")
        column.addWidget(self.said)
        column.addLayout(row(self._problem_glyph, self.problem, spacing=8, stretch=(0, 1)))
        self._inner = QWidget()
        self._inner.setObjectName("scrolled")
        self._grid = QGridLayout(self._inner)
        self._grid.setContentsMargins(8, 8, 8, 8)
        self._grid.setVerticalSpacing(6)
        self._grid.setHorizontalSpacing(12)
        for at, stretch in enumerate((2, 2, 3, 3)):
            self._grid.setColumnStretch(at, stretch)
        area = QScrollArea()
        area.setObjectName("plain")
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._inner)
        area.setAccessibleName("Columns of the source")
        self._of_tables.append(area)
        column.addWidget(area, 1)
        self.prints = FingerprintPanel()
        self.prints.key_given.connect(self._look_by_key)
        column.addWidget(self.prints, 1)
        self._by_fingerprints = False
        self.add_button = button("Add records", primary=True)
        self.add_button.clicked.connect(self.accept)
        cancel = button("Cancel")
        cancel.clicked.connect(self.reject)
        self.check_button = button("Check every row", tip="Read it all and report what it shows; nothing is loaded")
        self.check_button.clicked.connect(self._check_rows)
        for made in (self.add_button, cancel, choose, database, self.check_button):
            made.setAutoDefault(False)
        self.quality = label("", "muted", wrap=True)
        self.quality.setAccessibleName("What every row shows")
        self.quality.hide()
        column.addWidget(self.quality)
        column.addLayout(row(self.check_button, label(""), self.add_button, cancel, spacing=8, stretch=(0, 1, 0, 0)))
        self._delay = QTimer(self, singleShot=True, interval=LOOK_DELAY_MS)
        self._delay.timeout.connect(self._look)
        self._say_problem("")
        self._show_fingerprints(False)
        self._check()

    # ------------------------------------------------------------------------------------------------------ source

    def _choose(self, url: bool) -> None:
        title = "A text file with the URL of a database" if url else "Source records"
        chosen, _ = QFileDialog.getOpenFileName(self, title, "", "All files (*)" if url else FILES)
        if chosen:
            self.look_at(chosen, url)

    def _typed(self) -> None:
        if self.path.text().strip() != self.preview.get("path", ""):
            self.look_at(self.path.text().strip(), False)

    def look_at(self, path: str, url: bool = False) -> None:
        """Look at a file of records, or with `url` at the database that a file names; choices made so far are gone."""
        self._drop_check()
        self._url = url
        self.path.setText(path)
        self.preview = {"path": path}
        self._forget_columns()
        self.key.clear()
        self.dates.setCurrentIndex(0)
        self.table.clear()
        self.prints.forget()
        self._show_fingerprints(False)
        self._look()

    def _look_by_key(self) -> None:
        self._drop_check()
        self._look()

    def _soon(self) -> None:
        self._drop_check()
        self.preview.pop("columns", None)
        self._check()
        self._delay.start()

    def _look(self) -> None:
        if not self.path.text().strip():
            return
        if self.command is not None:
            self._again = True
            return
        self.said.setText("Looking at it …")
        self.preview.pop("columns", None)
        self._check()
        self.command = Command("records", parent=self)
        self.command.finished.connect(self._looked)
        self.command.start(("preview", *self._source()))

    def _looked(self, ending: Ending) -> None:
        command, self.command = self.command, None
        if command:
            command.deleteLater()
        if self._again:
            self._again = False
            self._look()
            return
        if not ending.done:
            self.said.setText("")
            self._say_problem(f"{ending.sentence} {ending.remedy}".strip())
            self._check()
            return
        self._show(ending.result)

    def _show_fingerprints(self, by_fingerprints: bool) -> None:
        """Show what a file of fingerprints needs in place of what a table does, or the other way round."""
        self._by_fingerprints = by_fingerprints
        for part in self._of_tables:
            part.setVisible(not by_fingerprints)
        for at in range(3):
            self._fields.setColumnStretch(at, 0 if by_fingerprints else 1)
        self.prints.setVisible(by_fingerprints)
        self.name.setPlaceholderText("as the file")
        self.as_of.setPlaceholderText("YYYY-MM-DD")

    def _show(self, told: dict[str, Any]) -> None:
        prints = told.get("fingerprints")
        if bool(prints) is not self._by_fingerprints:
            self._show_fingerprints(bool(prints))
        refused = refusal(bool(prints), str((prints or {}).get("key_check", "")), self._held)
        if refused:
            told = {**told, "missing": refused}
        if prints:
            self.preview = {**told, "path": self.path.text().strip()}
            self.prints.show_told(told)
            self.name.setPlaceholderText(prints["name"] or "as the file")
            self.as_of.setPlaceholderText(prints["as_of"] or "YYYY-MM-DD")
            self.said.setText(f"{told['file']} · fingerprints of {prints['records']:,} records; no value is in it")
            self._say_problem(str(told["missing"]))
            self._check()
            return
        header = [str(name) for name in told["header"]]
        if [one.name for one in self._columns] != header:
            self._forget_columns()
            heads = ("Column", "Is", "Because", "Shape of a cell")
            for at, text in enumerate(heads):
                self._grid.addWidget(label(text, "small"), 0, at)
            self._columns = [_Column(self._grid, at, name, self._soon) for at, name in enumerate(header, 1)]
            self._grid.setRowStretch(len(header) + 1, 1)
            self.key.clear()
            self.key.addItem("as guessed", "")
            for name in header:
                self.key.addItem(name, name)
        self.preview = {**told, "path": self.path.text().strip()}
        self.key.setItemText(0, f"as guessed: {told['key']}" if told["key"] else "choose one")
        rows = told["rows"]
        for at, (part, one) in enumerate(zip(self._columns, told["columns"], strict=True)):
            part.show(one, next((line[at] for line in rows if at < len(line) and line[at]), ""))
        others = f" Not read: {', '.join(told['not_read'])}." if told["not_read"] else ""
        dates = told["dates"]
        unsure = "" if dates["certain"] else f" Birth dates: {dates['why']}; choose the order."
        self.said.setText(f"{told['file']} · read as: {told['read_as'] or 'a table'}  {others}{unsure}".rstrip())
        missing = str(told["missing"])
        choose = "" if refused else " Choose below which column is which, or the key."
        self._say_problem(f"{missing}{choose}" if missing else "")
        self._check()

    def _forget_columns(self) -> None:
        self._columns = []
        while (item := self._grid.takeAt(0)) is not None:
            if (part := item.widget()) is not None:
                part.setParent(None)
                part.deleteLater()

    def _say_problem(self, text: str) -> None:
        self.problem.setText(text)
        for part in (self.problem, self._problem_glyph):
            part.setVisible(bool(text))

    def _check(self) -> None:
        day = self.as_of.text().strip()
        seen = self.preview.get("columns")
        ready = (
            (bool(seen) or (self._by_fingerprints and seen is not None))
            and not self.preview.get("missing")
            and _is_day(day)
        )
        self.add_button.setEnabled(ready)
        self.check_button.setEnabled(self.checking is not None or (ready and self.command is None))

    # --------------------------------------------------------------------------------------------------- every row

    def _check_rows(self) -> None:
        """Read the whole source as it would be loaded, or stop doing so."""
        if self.checking is not None:
            self.checking.cancel()
            return
        self._say_quality("Reading every row …")
        self.checking = Command("records", parent=self)
        self.checking.progressed.connect(lambda at: self._say_quality(f"Reading every row: {at.done:,} read …"))
        self.checking.finished.connect(self._checked)
        self.checking.start(("preview", *self._source(), "--quality"))
        relabel(self.check_button, "Stop", False)
        self._check()

    def _checked(self, ending: Ending) -> None:
        command, self.checking = self.checking, None
        if command:
            command.deleteLater()
        relabel(self.check_button, "Check every row", False)
        if ending.done:
            self._say_quality(" · ".join(f"{name}: {said}" for name, said in quality_facts(ending.result["quality"])))
        else:
            self._say_quality("" if ending.cancelled else f"{ending.sentence} {ending.remedy}".strip())
        self._check()

    def _say_quality(self, text: str) -> None:
        self.quality.setText(text)
        self.quality.setVisible(bool(text))

    def _drop_check(self) -> None:
        """What was checked is no longer what would be loaded."""
        if self.checking is not None:
            self.checking.abandon()
            self.checking.deleteLater()
            self.checking = None
            relabel(self.check_button, "Check every row", False)
        self._say_quality("")

    # --------------------------------------------------------------------------------------------------- arguments

    def _source(self) -> list[str]:
        given = ["--url-file", self.path.text().strip()] if self._url else [self.path.text().strip()]
        if self._by_fingerprints:
            return given + self.prints.arguments()
        if self.table.text().strip():
            given += ["--table", self.table.text().strip()]
        if self.key.currentData():
            given += ["--key", str(self.key.currentData())]
        order = str(self.dates.currentData() or "")
        for part in self._columns:
            field = part.field
            if field == "birth_date" and (order or part.chosen):
                given += ["--map", f"{part.name}=birth_date" + (f":{order}" if order else "")]
            elif part.chosen:
                given += ["--map", f"{part.name}={field or 'unused'}"]
        return given

    def arguments(self) -> list[str]:
        """What `records add` is told, behind the case."""
        given = self._source()
        if name := self.name.text().strip():
            given += ["--name", name]
        if day := self.as_of.text().strip():
            given += ["--as-of", day]
        return given

    def choose(self, column: str, field: str) -> None:
        """Say what a column is, as a person would in its box; an empty field says that it is not used."""
        part = next(one for one in self._columns if one.name == column)
        part.box.setCurrentIndex(part.box.findData(field))
        part.box.activated.emit(part.box.currentIndex())

    def done(self, result: int) -> None:
        self._delay.stop()
        self._drop_check()
        if self.command is not None:
            self.command.abandon()
            self.command = None
        super().done(result)


def _is_day(text: str) -> bool:
    from datetime import date

    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
