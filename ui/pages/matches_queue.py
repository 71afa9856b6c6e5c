"""The review queue: one person after another by keyboard, each with the evidence beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMessageBox, QSplitter, QVBoxLayout, QWidget

from forensics.casefile.review_view import Act, QueueRow
from forensics.casefile.views import CaseView
from forensics.model import Tier
from ui.models.passports import AHEAD, Passports
from ui.models.persons import TIER
from ui.models.review import REVIEW, QueueModel
from ui.pages.contents import FILTER_DELAY_MS
from ui.pages.matches_bulk import BulkForm, Counts
from ui.session import Session
from ui.widgets.filter_field import FilterField
from ui.widgets.parts import Chooser, Stat, Tick, button, count_text, label, row, time_text
from ui.widgets.passport_actions import PassportActions
from ui.widgets.passport_panel import PassportPanel
from ui.widgets.reason import ReasonDialog
from ui.widgets.tables import Table

STATES = (("pending", "Pending"), ("", "All states"), ("included", "Included"), ("excluded", "Excluded"))
DONE = {"included": "included", "excluded": "excluded", "pending": "left undecided"}


def read_counts(view: CaseView) -> Counts:
    return Counts(view.review_counts(), view.conflicts_pending())


class QueuePanel(QWidget):
    """`J` and `K` move, `A` includes, `R` excludes, `U` leaves undecided, `N` notes, `Ctrl+Z` takes back.

    The keys hold while the table or the evidence has the focus, so that nobody is decided by typing into a filter.
    """

    said = Signal(str, str)
    """Kind of a banner and a sentence for it."""

    def __init__(self) -> None:
        super().__init__()
        self.session: Session | None = None
        self.model: QueueModel | None = None
        self.table: Table | None = None
        self.passports: Passports | None = None
        self.dialog: ReasonDialog | BulkForm | None = None
        self._counts: Counts | None = None
        self._own_acts: set[int] = set()
        self._record: int | None = None
        self.stats = {
            "confirmed": Stat("Confirmed", "shield-check", "ok"),
            "probable": Stat("Probable", "user-exclamation", "warn"),
            "possible": Stat("Possible", "user-question", "accent"),
            "conflicts": Stat("With conflicts", "git-compare", "bad"),
        }
        self.tier, self.state = Chooser(), Chooser()
        self.tier.addItem("All tiers", "")
        for tier in Tier:
            self.tier.addItem(TIER[tier][0], str(tier))
        for value, text in STATES:
            self.state.addItem(text, value)
        for box, name in ((self.tier, "Tier"), (self.state, "State of review")):
            box.setAccessibleName(name)
            box.view().setAccessibleName(name)
            box.currentIndexChanged.connect(self._choose)
        self.conflicts = Tick("Conflicts only")
        self.conflicts.toggled.connect(self._choose)
        self.filter = FilterField("Filter by record key", "Filter the queue by record key", 150)
        self.bulk = button("Decide a tier…", "users", tip="Include or exclude everybody of a tier who is pending")
        self.bulk.clicked.connect(self.ask_bulk)
        self.panel = PassportPanel()
        self.panel.setMinimumWidth(324)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setHandleWidth(12)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.panel)
        self.position = label("", "small")
        self.include = button("Include (A)", "check", tip="This person is affected")
        self.exclude = button("Exclude… (R)", "x", tip="This person is not affected; asks a reason")
        self.undecided = button("Undecided (U)", tip="Leave this person open, and go on")
        self.note = button("Note… (N)", tip="Add a note; the state stays as it is")
        self.undo = button("Undo (Ctrl+Z)", tip="Take back the newest decision; nothing is erased")
        self.buttons = (self.include, self.exclude, self.undecided, self.note, self.undo)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(row(*self.stats.values(), spacing=10))
        column.addLayout(
            row(self.tier, self.state, self.conflicts, self.filter, self.bulk, spacing=8, stretch=(0, 0, 0, 1, 0))
        )
        self.work = QWidget()
        inner = QVBoxLayout(self.work)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(10)
        inner.addWidget(self.split, 1)
        inner.addLayout(row(*self.buttons, label(""), self.position, spacing=6, stretch=(0, 0, 0, 0, 0, 1, 0)))
        column.addWidget(self.work, 1)
        for key, act in (
            ("J", lambda: self.go(1)), ("K", lambda: self.go(-1)), ("A", self.decide_include),
            ("R", self.ask_exclude), ("U", self.leave_undecided), ("N", self.ask_note),
        ):  # fmt: skip
            shortcut = QShortcut(QKeySequence(key), self.work)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
        undo = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self.work)
        undo.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        undo.activated.connect(self.ask_undo)
        for made, act in zip(
            self.buttons,
            (self.decide_include, self.ask_exclude, self.leave_undecided, self.ask_note, self.ask_undo),
            strict=True,
        ):
            made.clicked.connect(act)
        self.deeds = PassportActions(self.panel)
        self.deeds.said.connect(self.said)
        self._delay = QTimer(self, singleShot=True, interval=FILTER_DELAY_MS)
        self._delay.timeout.connect(lambda: self.model and self.model.filter(self.filter.text().strip()))
        self.filter.textChanged.connect(lambda _: self._delay.start())
        self._allow()

    # ------------------------------------------------------------------------------------------------------- case

    def enter(self, session: Session) -> None:
        self.session = session
        self.deeds.enter(session)
        session.changed.connect(self._changed)
        self.passports = Passports(session.companion, self)
        self.passports.ready.connect(self._show_passport)
        self.passports.refused.connect(self._no_passport)
        self.model = QueueModel(session, self)
        self.table = Table(self.model, [column.width for column in QueueModel.COLUMNS], "Review queue")
        self.split.insertWidget(0, self.table)
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 2)
        self.split.setSizes([620, 420])
        self.model.loaded.connect(self._loaded)
        self.model.dataChanged.connect(lambda *_: self._go_ahead())
        self.table.selectionModel().currentRowChanged.connect(self._selected)
        self._choose()
        session.ask("review counts", read_counts, self._show_counts)

    def leave(self) -> None:
        self._delay.stop()
        self.deeds.leave()
        if self.dialog:
            self.dialog.reject()
        if self.table:
            self.table.setParent(None)
            self.table.deleteLater()
        for part in (self.model, self.passports):
            if part:
                part.deleteLater()
        self.session, self.model, self.table, self.passports = None, None, None, None
        self._record, self._counts = None, None
        self._own_acts.clear()
        self.filter.clear()
        self.panel.show_nobody("Select a person to see where they stand and why.")
        self._allow()

    def reread(self, everything: bool) -> None:
        """Read the order and the counts again; `everything` where evidence may have changed as well."""
        if self.session and self.model and self.passports:
            if everything:
                self.passports.forget()
            self.model.reload()
            self.session.ask("review counts", read_counts, self._show_counts)

    def _changed(self, tables: frozenset[str]) -> None:
        """A verb went over the evidence or ended: what is kept of anybody may be old."""
        if self.passports and (tables == Session.ALL or tables & {"evidence", "source_record"}):
            self.passports.forget()
            if self.panel.record_key:
                self.passports.want(self.panel.record_key)

    def _show_counts(self, counts: Counts) -> None:
        self._counts = counts
        for tier in map(str, Tier):
            pending, included, excluded = (counts.by_state[state][tier] for state in REVIEW)
            self.stats[tier].show_number(f"{pending:,}", f"pending · {included:,} in · {excluded:,} out")
        self.stats["conflicts"].show_number(f"{counts.all_conflicts:,}", "pending, a field differs")
        self.bulk.setEnabled(any(counts.pending(tier) for tier in Tier))

    def _choose(self) -> None:
        if self.model:
            tiers = [Tier(self.tier.currentData())] if self.tier.currentData() else list(Tier)
            self.model.choose(tiers, str(self.state.currentData()), self.conflicts.isChecked())

    # ------------------------------------------------------------------------------------------------------ moving

    def current(self) -> QueueRow | None:
        """The person that a key would decide; None while nobody is selected or the row is on its way."""
        if self.model is None or self.table is None or self._record is None:
            return None
        found = self.model.row_at(self.table.currentIndex().row()) if self.table.currentIndex().isValid() else None
        return found if found and found.record == self._record else None

    def go(self, step: int) -> None:
        """Select the next or the previous person."""
        if self.model and self.table and self.model.rowCount():
            self._select(max(0, min(self.table.currentIndex().row() + step, self.model.rowCount() - 1)))

    def _select(self, at: int) -> None:
        if self.model and self.table:
            flags = QItemSelectionModel.SelectionFlag
            index = self.model.index(at, 0)
            self.table.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
            self.table.scrollTo(index)

    def _loaded(self, rows: int) -> None:
        if self.model is None or self.table is None:
            return
        near = max(0, self.table.currentIndex().row())
        at = self.model.row_of(self._record, near) if self._record is not None else -1
        if rows and (at >= 0 or not self.table.currentIndex().isValid()):
            self._select(max(0, at))
        elif not rows:
            self._nobody()
        self._say_position()

    def _nobody(self) -> None:
        self._record = None
        decided = self.state.currentData() == "pending"
        self.panel.show_nobody("Nobody is left in this queue." if decided else "Nobody is in this state.")
        self._allow()

    def _selected(self, current: QModelIndex, _: QModelIndex | None = None) -> None:
        self._record = self.model.record_at(current.row()) if self.model and current.isValid() else None
        if self._record is None:
            self._nobody()
        self.panel.hide_values()
        self._go_ahead()
        self._say_position()

    def _say_position(self) -> None:
        rows = self.model.rowCount() if self.model else 0
        at = self.table.currentIndex().row() + 1 if self.table and self.table.currentIndex().isValid() else 0
        self.position.setText(f"{at:,} of {rows:,}" if at else count_text(rows, "person"))

    def _go_ahead(self) -> None:
        """Have the passport of the current person, and those of the next ones behind it."""
        person = self.current()
        self._allow()
        if person is None or self.model is None or self.table is None or self.passports is None:
            return
        if self.panel.record_key != person.record_key:
            self.panel.show_waiting(person.record_key)
            self.passports.want(person.record_key)
        at, last = self.table.currentIndex().row(), self.model.rowCount()
        following = [self.model.row_at(number) for number in range(at + 1, min(at + 1 + AHEAD, last))]
        self.passports.ahead([one.record_key for one in following if one])

    def _show_passport(self, key: str, told: dict[str, Any]) -> None:
        person = self.current()
        if person and person.record_key == key:
            self.panel.show_passport(told)

    def _no_passport(self, key: str, why: str) -> None:
        person = self.current()
        if person and person.record_key == key:
            self.panel.show_nobody(why)

    def _allow(self) -> None:
        person = self.current()
        for made in (self.include, self.exclude, self.undecided, self.note):
            made.setEnabled(person is not None)

    # --------------------------------------------------------------------------------------------------- deciding

    def decide_include(self) -> None:
        self._decide("included", "")

    def leave_undecided(self) -> None:
        """A pending person is passed over; a decided one becomes pending again, with a row that says so."""
        person = self.current()
        if person and person.review != "pending":
            self._decide("pending", "")
        elif person:
            self.go(1)

    def ask_exclude(self) -> None:
        if person := self.current():
            self._ask_reason(
                "Exclude this person",
                f"{person.record_key} will not be notified. The reason stays in the case and is printed in no list.",
                "Exclude", lambda reason: self._decide("excluded", reason, person),
            )  # fmt: skip

    def ask_note(self) -> None:
        if person := self.current():
            self._ask_reason(
                "Note", f"Kept with the decisions about {person.record_key}; they stay {DONE[person.review]}.",
                "Keep the note", lambda reason: self._decide(person.review, reason, person, stay=True),
            )  # fmt: skip

    def _ask_reason(self, title: str, sentence: str, accept: str, take: Callable[[str], None]) -> None:
        self.dialog = dialog = ReasonDialog(title, sentence, accept, self)
        dialog.accepted.connect(lambda: take(dialog.reason))
        dialog.finished.connect(lambda _: self._dialog_done(dialog))
        dialog.open()

    def _dialog_done(self, dialog: ReasonDialog | BulkForm) -> None:
        dialog.deleteLater()
        if self.dialog is dialog:
            self.dialog = None
        if self.table:
            self.table.setFocus()

    def _decide(self, decision: str, reason: str, person: QueueRow | None = None, stay: bool = False) -> None:
        person = person or self.current()
        if person is None or self.session is None:
            return
        if not stay and person.record == self._record:
            self.go(1)
        record, key = person.record, person.record_key
        self.session.companion.ask(
            "review decide", {"keys": [key], "decision": decision, "reason": reason},
            lambda told: self._decided(record, key, decision, told), self._refused,
        )  # fmt: skip

    def _decided(self, record: int, key: str, decision: str, told: dict[str, Any]) -> None:
        self._own_acts.add(int(told["act"]))
        if self.passports:
            self.passports.forget([key])
        if self.model:
            self.model.decided(record, decision, max(0, self.table.currentIndex().row()) if self.table else 0)
        if self.panel.record_key == key and self.passports and self._record == record:
            self.passports.want(key)
        self._say_position()

    def _refused(self, why: str) -> None:
        self.said.emit("bad", why)
        self.reread(True)

    # ----------------------------------------------------------------------------------------------- undo and bulk

    def ask_undo(self) -> None:
        """Take the newest decision back: at once where it was made in this window, else after a question."""
        if self.session:
            self.session.ask("newest act", lambda view: view.newest_act(), self._undo)

    def _undo(self, act: Act | None) -> None:
        if self.session is None:
            return
        if act is None:
            self.said.emit("info", "Nothing was decided yet, so there is nothing to take back.")
            return
        if act.act not in self._own_acts or act.persons > 1:
            made = f"{count_text(act.persons, 'person')}, {DONE[act.decision]} by {act.who}, {time_text(act.utc)}"
            asked = QMessageBox.question(self, "Undo", f"Take this decision back?\n\n{made}")
            if asked != QMessageBox.StandardButton.Yes:
                return
        self.session.companion.ask("review undo", {"act": act.act}, self._undone, self._refused)

    def _undone(self, told: dict[str, Any]) -> None:
        keys = list(told["review"])
        if self.passports:
            self.passports.forget(keys)
        if len(keys) == 1:
            self.said.emit("info", f"{keys[0]} is {REVIEW[told['review'][keys[0]]][0].lower()} again.")
        else:
            self.said.emit("info", f"{count_text(len(keys), 'decision')} taken back.")
        self.reread(False)
        if self.panel.record_key in keys and self.passports:
            self.passports.want(self.panel.record_key)

    def ask_bulk(self) -> None:
        if self._counts is None:
            return
        self.dialog = form = BulkForm(self._counts, self)
        form.accepted.connect(lambda: self._decide_tier(form.tier, form.decision, form.said))
        form.finished.connect(lambda _: self._dialog_done(form))
        form.open()

    def _decide_tier(self, tier: str, decision: str, reason: str) -> None:
        if self.session:
            self.bulk.setEnabled(False)
            self.said.emit("info", "The tier is being decided …")
            self.session.companion.ask(
                "review decide", {"tiers": [tier], "decision": decision, "reason": reason}, self._tier_decided,
                self._refused,
            )  # fmt: skip

    def _tier_decided(self, told: dict[str, Any]) -> None:
        self._own_acts.add(int(told["act"]))
        self.said.emit("ok", f"{count_text(int(told['decided']), 'person')} {DONE[told['decision']]}.")
        self.reread(True)
