"""The blind sample: drawn, judged without tiers by keyboard, closed, and what it then says about the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QIntValidator, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QGridLayout,
    QLineEdit,
    QMessageBox,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from forensics.casefile.review_view import Sample
from forensics.casefile.views import CaseView
from ui import theme
from ui.models.review import QuestionModel
from ui.session import Session
from ui.widgets.parts import (
    SELECTABLE,
    Card,
    Chooser,
    Facts,
    Wrapped,
    button,
    count_text,
    label,
    relabel,
    row,
    time_text,
)
from ui.widgets.passport_panel import record_facts
from ui.widgets.reason import ReasonDialog
from ui.widgets.tables import Table

SIZE = 598
"""Not one error among so many shows at most 0.5 % wrong (one-sided, 95 %)."""

LEAST, MOST = 30, 20_000

DRAWN_FROM = (("", "Confirmed and probable"), ("confirmed", "Confirmed only"), ("probable", "Probable only"))


def newest_open(view: CaseView) -> tuple[Sample | None, bool]:
    """The sample that takes answers, if there is one, and whether any was closed."""
    samples = view.samples()
    return next((one for one in samples if not one.closed), None), any(one.closed for one in samples)


class SamplePanel(QWidget):
    """`Y`, `N` and `U` answer, `J` and `K` move. What stands at a place is shown after the look was recorded."""

    said = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.session: Session | None = None
        self.sample: Sample | None = None
        self.dialog: ReasonDialog | None = None
        self._item = 0
        self._masked: dict[str, str] = {}
        self._revealed = False
        self.stack = QStackedWidget()
        self.drawing, self.judging = self._make_drawing(), self._make_judging()
        self.stack.addWidget(self.drawing)
        self.stack.addWidget(self.judging)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack)

    def _make_drawing(self) -> QWidget:
        self.items = QLineEdit(str(SIZE))
        self.items.setValidator(QIntValidator(LEAST, MOST, self.items))
        self.items.setAccessibleName("Items of the sample")
        self.tiers = Chooser()
        for value, text in DRAWN_FROM:
            self.tiers.addItem(text, value)
        self.tiers.setAccessibleName("Drawn from")
        self.tiers.view().setAccessibleName("Drawn from")
        self.draw_button = button("Draw a sample", "plus", primary=True)
        self.draw_button.clicked.connect(self.draw)
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(9)
        fields: tuple[tuple[str, QWidget], ...] = (("Items", self.items), ("Drawn from", self.tiers))
        for at, (name, part) in enumerate(fields):
            caption = label(name, "muted")
            caption.setBuddy(part)
            grid.addWidget(caption, at, 0)
            grid.addWidget(part, at, 1)
        grid.setColumnStretch(2, 1)
        card = Card("How good is the list?")
        card.body.addWidget(
            label(
                "Places are drawn from the persons confirmed and probable, and you say of each whether it shows the"
                " person of the record. Tiers are hidden, and catch-rows, places put to a wrong record, are mixed in."
                " 598 items without one error show that at most 0.5 % of the list is wrong.",
                wrap=True,
            )
        )
        card.body.addLayout(grid)
        card.body.addLayout(row(self.draw_button, label(""), stretch=(0, 1)))
        self.result_card = Card("The last closed sample")
        self.share = label("", "num")
        self.share_said = label("", "muted", wrap=True)
        self.result = Facts()
        self.result_card.body.addWidget(self.share)
        self.result_card.body.addWidget(self.share_said)
        self.result_card.body.addLayout(self.result)
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(card)
        column.addWidget(self.result_card)
        column.addStretch()
        return made

    def _make_judging(self) -> QWidget:
        self.model = QuestionModel(self)
        self.table = Table(self.model, QuestionModel.WIDTHS, "Items of the sample")
        self.table.selectionModel().currentRowChanged.connect(self._selected)
        self.reviewer = QLineEdit()
        self.reviewer.setAccessibleName("Reviewer")
        self.reviewer.editingFinished.connect(self._list)
        self.left = label("", "small")
        self.close_button = button("Close the sample…", "lock", tip="Ends it, seals the answers and says what it shows")
        self.close_button.clicked.connect(self.ask_close)
        self.question = Card("Is this the person of the record?", spacing=8)
        self.facts, self.place = Facts(), Wrapped()
        self.place.setAccessibleName("Place")
        self.passage = label("", wrap=True)
        self.passage.setTextInteractionFlags(SELECTABLE)
        self.passage.setFont(theme.mono_font())
        self.passage.setTextFormat(Qt.TextFormat.PlainText)
        self.note = label("", "muted", wrap=True)
        self.reveal = button("Reveal values…", "lock", tip="Show the record’s values; asks a reason, recorded first")
        self.reveal.clicked.connect(self.ask_reveal)
        inner = QWidget()
        inner.setObjectName("scrolled")
        words = QVBoxLayout(inner)
        words.setContentsMargins(0, 0, 8, 0)
        words.setSpacing(8)
        words.addWidget(label("The record", "strong"))
        words.addLayout(self.facts)
        words.addLayout(row(self.reveal, label(""), stretch=(0, 1)))
        words.addWidget(label("What stands at the place", "strong"))
        words.addWidget(self.place)
        words.addWidget(self.note)
        words.addWidget(self.passage)
        words.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        scroll.setAccessibleName("The item of the sample")
        self.question.body.addWidget(scroll, 1)
        self.answers = {
            "yes": button("Yes (Y)", "check"), "no": button("No (N)", "x"), "unsure": button("Unsure (U)"),
        }  # fmt: skip
        for said, answering in self.answers.items():
            answering.clicked.connect(lambda _=False, said=said: self.answer(said))
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(12)
        split.setChildrenCollapsible(False)
        split.addWidget(self.table)
        split.addWidget(self.question)
        split.setSizes([360, 640])
        work = QWidget()
        column = QVBoxLayout(work)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(split, 1)
        column.addLayout(row(*self.answers.values(), label(""), self.left, spacing=8, stretch=(0, 0, 0, 1, 0)))
        for key, act in (
            ("Y", lambda: self.answer("yes")), ("N", lambda: self.answer("no")), ("U", lambda: self.answer("unsure")),
            ("J", lambda: self._move(1)), ("K", lambda: self._move(-1)),
        ):  # fmt: skip
            shortcut = QShortcut(QKeySequence(key), work)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
        made = QWidget()
        outer = QVBoxLayout(made)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(10)
        caption = label("Reviewer", "muted")
        caption.setBuddy(self.reviewer)
        outer.addLayout(row(caption, self.reviewer, label(""), self.close_button, spacing=8, stretch=(0, 1, 2, 0)))
        outer.addWidget(work, 1)
        return made

    # ------------------------------------------------------------------------------------------------------- case

    def enter(self, session: Session, examiner: str = "") -> None:
        self.session = session
        self.reviewer.setText(examiner)
        self.result_card.hide()
        self.reread()

    def leave(self) -> None:
        if self.dialog:
            self.dialog.reject()
        self.session = self.sample = None
        self.model.show([])
        self.reviewer.clear()
        self.share.setText("")
        self._clear()
        self.result_card.hide()

    def reread(self) -> None:
        if self.session:
            self.session.ask("samples", newest_open, lambda found: self._show_state(*found))

    def _show_state(self, sample: Sample | None, closed: bool) -> None:
        before, self.sample = self.sample, sample
        self.stack.setCurrentWidget(self.judging if sample else self.drawing)
        if sample is not None and (before is None or before.id != sample.id):
            self._list()
        if sample is None and closed and self.session:
            self.session.companion.ask("review sample result", {}, self._show_result, lambda _: None)

    # ------------------------------------------------------------------------------------------------ the four steps

    def draw(self) -> None:
        """Draw a sample as it is filled in."""
        if not self.items.hasAcceptableInput():
            self.said.emit("warn", f"A sample has {LEAST:,} to {MOST:,} items.")
            return
        tiers = [self.tiers.currentData()] if self.tiers.currentData() else []
        self._ask("review sample draw", {"size": int(self.items.text()), "tiers": tiers}, lambda _: self.reread())

    def _list(self) -> None:
        self._ask("review sample list", {"reviewer": self.reviewer.text().strip()}, self._show_questions)

    def _show_questions(self, told: dict[str, Any]) -> None:
        self._clear()
        self.model.show(told["questions"])
        self._say_left(int(told["unanswered"]))
        if self.model.rowCount():
            self.table.selectRow(max(0, self.model.next_open(-1)))

    def _say_left(self, left: int) -> None:
        self.left.setText(f"{left:,} of {count_text(self.model.rowCount(), 'item')} left")

    def _selected(self, current: QModelIndex, _: QModelIndex | None = None) -> None:
        self._clear()
        question = self.model.question(current.row()) if current.isValid() else None
        if question is None:
            return
        self._item = int(question["item"])
        self._show_record(question["record"], False)
        self._masked = dict(question["record"])
        self.place.setText(question["place"])
        self.place.setAccessibleName(f"Place: {question['place']}")
        self.note.setText("Reading what stands there; the look is recorded …")
        item = self._item
        self._ask("review sample show", {"item": item, "by": self.reviewer.text().strip()}, self._show_passage,
                  lambda why: self._show_why(item, why))  # fmt: skip
        for made in self.answers.values():
            made.setEnabled(True)

    def _show_passage(self, told: dict[str, Any]) -> None:
        if told["item"] != self._item:
            return
        self.note.setText("" if told["lines"] else "Nothing could be read there.")
        self.note.setVisible(not told["lines"])
        self.passage.setText(
            "\n".join(f"{'▶' if one['here'] else ' '} {one['number'] or ''} {one['text']}" for one in told["lines"])
        )

    def answer(self, said: str) -> None:
        """Answer the item that is shown, and go on to the next open one."""
        if self._item and self.answers["yes"].isEnabled():
            self._ask(
                "review sample answer",
                {"item": self._item, "answer": said, "reviewer": self.reviewer.text().strip()},
                self._answered,
            )

    def _answered(self, told: dict[str, Any]) -> None:
        self.model.answered(int(told["item"]))
        self._say_left(int(told["unanswered"]))
        if told["item"] == self._item:
            following = self.model.next_open(self.table.currentIndex().row())
            if following >= 0:
                self.table.selectRow(following)
            else:
                self.said.emit("ok", "Every item is answered. Close the sample to see what it shows.")

    def ask_close(self) -> None:
        asked = QMessageBox.question(
            self, "Close the sample",
            f"{self.left.text()}. A closed sample takes no more answers; they are sealed in the ledger. Close it?",
        )  # fmt: skip
        if asked == QMessageBox.StandardButton.Yes:
            self._ask("review sample close", {"by": self.reviewer.text().strip()}, self._closed)

    def _closed(self, told: dict[str, Any]) -> None:
        self.model.show([])
        self._clear()
        self._show_result(told)
        self.reread()

    # --------------------------------------------------------------------------------------------------------- parts

    def _show_result(self, told: Mapping[str, Any]) -> None:
        whole = told["precision"]
        self.share.setText(share_text(whole))
        self.share_said.setText(
            ("of the list is right" if whole["share"] is not None else f"{whole['because']}")
            + ("" if told["current"] else " · drawn from an earlier result: it says nothing of the one that stands")
        )
        kappa = told["kappa"]
        self.result.show(
            (name, said)
            for name, said in (
                ("Answered", f"{told['answered']:,} of {told['items']:,}, {told['errors']:,} wrong,"
                             f" {told['unsure']:,} unsure"),
                *((tier.capitalize(), share_text(part)) for tier, part in told["tiers"].items()),
                ("Catch-rows", f"{told['caught']:,} of {told['catch_answers']:,} answers were no"),
                ("Reviewers", ", ".join(told["reviewers"])),
                ("Agreement (κ)", "" if kappa is None else f"{kappa:.2f}"),
                ("Drawn from", count_text(int(told["population"]), "person")),
                ("Closed", time_text(str(told["closed"]))),
            )
            if said
        )  # fmt: skip
        self.result_card.show()

    def _show_why(self, item: int, why: str) -> None:
        if item == self._item:
            self.note.setText(why)

    def _show_values(self, item: int, record: Mapping[str, str]) -> None:
        if item == self._item:
            self._show_record(record, True)

    def _show_record(self, record: Mapping[str, str], revealed: bool) -> None:
        self._revealed = revealed
        self.facts.show(record_facts(record))
        relabel(self.reveal, "Hide values" if revealed else "Reveal values…")

    def ask_reveal(self) -> None:
        if self._revealed:
            self._show_record(self._masked, False)
            return
        item = self._item
        self.dialog = dialog = ReasonDialog(
            "Reveal values", "That you look at this record’s values, and why, is recorded before they are shown.",
            "Reveal", self,
        )  # fmt: skip
        dialog.accepted.connect(
            lambda: self._ask(
                "review sample reveal", {"item": item, "reason": dialog.reason, "by": self.reviewer.text().strip()},
                lambda told: self._show_values(item, told["record"]),
            )
        )  # fmt: skip
        dialog.finished.connect(lambda _: self._dialog_done(dialog))
        dialog.open()

    def _dialog_done(self, dialog: ReasonDialog) -> None:
        dialog.deleteLater()
        self.dialog = None
        self.table.setFocus()

    def _move(self, step: int) -> None:
        if self.model.rowCount():
            self.table.selectRow(max(0, min(self.table.currentIndex().row() + step, self.model.rowCount() - 1)))

    def _clear(self) -> None:
        self._item, self._masked = 0, {}
        self._show_record({}, False)
        self.place.setText("")
        self.passage.setText("")
        self.note.setText("")
        self.note.show()
        for made in self.answers.values():
            made.setEnabled(False)

    def _ask(self, verb: str, request: dict[str, Any], take: Any, refused: Any = None) -> None:
        if self.session:
            self.session.companion.ask(verb, request, take, refused or (lambda why: self.said.emit("bad", why)))


def share_text(part: Mapping[str, Any]) -> str:
    """A measured share with its interval; never rounded to all where it is not all."""
    if part["share"] is None:
        return "not measurable"

    def percent(value: float) -> str:
        return "> 99.9 %" if 0.9995 <= value < 1 else f"{100 * value:.1f} %"

    return f"{percent(part['share'])} ({percent(part['low'])} to {percent(part['high'])}, 95 %)"
