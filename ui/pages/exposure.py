"""Exposure: how many persons, with which elements, how sure and why; and the persons, by the keys of their records."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QButtonGroup, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from forensics.casefile.views import CaseView
from ui.models.passports import Passports
from ui.models.persons import PersonModel
from ui.pages.base import CasePageBase
from ui.pages.contents import FILTER_DELAY_MS
from ui.pages.exposure_numbers import Found, NumbersPanel, StrataPanel
from ui.pages.exposure_recall import RecallPanel
from ui.session import Session
from ui.summary import Summary
from ui.widgets.banner import Banner
from ui.widgets.filter_field import FilterField
from ui.widgets.parts import Empty, button, count_text, label, row
from ui.widgets.passport_actions import PassportActions
from ui.widgets.passport_panel import PassportPanel
from ui.widgets.tables import Table

NOBODY = "Select a person to see where they stand and why."


class ExposurePage(CasePageBase):
    TABLES = frozenset({"exposure", "evidence", "decision"})

    def __init__(self) -> None:
        self.filter = FilterField("Filter by record key", "Filter persons by record key", 200)
        self.tabs = {
            "numbers": button("Numbers", "users"),
            "strata": button("How sure", "shield-check", tip="How sure the numbers are, and why"),
            "recall": button("What is missed", "search"),
            "persons": button("Persons", "id"),
        }
        super().__init__("Exposure", "", *self.tabs.values())
        self.model: PersonModel | None = None
        self.table: Table | None = None
        self.passports: Passports | None = None
        self.numbers, self.strata, self.recall = NumbersPanel(), StrataPanel(), RecallPanel()
        self.recall.measure_wanted.connect(lambda: self.verb_wanted.emit("recall"))
        self.stats, self.bars, self.facts = self.numbers.stats, self.numbers.bars, self.numbers.facts
        self.banner = Banner()
        self.panel = PassportPanel()
        self.panel.setMinimumWidth(324)
        self.deeds = PassportActions(self.panel)
        self.deeds.said.connect(self.banner.say)
        self.count = label("", "small")
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.setHandleWidth(12)
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(self.panel)
        persons = QWidget()
        column = QVBoxLayout(persons)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row(self.filter, self.count, spacing=12))
        column.addWidget(self._split, 1)
        self.panels = QStackedWidget()
        self._places: dict[str, QWidget] = {
            "numbers": self.numbers, "strata": self.strata, "recall": self.recall, "persons": persons,
        }  # fmt: skip
        group = QButtonGroup(self)
        for name, made in self.tabs.items():
            made.setCheckable(True)
            group.addButton(made)
            self.panels.addWidget(self._places[name])
            made.clicked.connect(lambda _=False, name=name: self.show_panel(name))
        around = QVBoxLayout(self.content)
        around.setContentsMargins(0, 0, 0, 0)
        around.setSpacing(10)
        around.addWidget(self.banner)
        around.addWidget(self.panels, 1)
        first = button("Go to the case", "briefcase", primary=True)
        first.clicked.connect(lambda: self.verb_wanted.emit("page:case"))
        self.set_empty(
            Empty(
                "users",
                "Nobody has been counted yet",
                "The contents are compared with the source records first; then exposure is assessed.",
                first,
            )
        )
        self._delay = QTimer(self, singleShot=True, interval=FILTER_DELAY_MS)
        self._delay.timeout.connect(lambda: self.model and self.model.filter(self.filter.text().strip()))
        self.filter.textChanged.connect(lambda _: self._delay.start())
        self.show_panel("numbers")

    def show_panel(self, name: str) -> None:
        """Show ``numbers``, ``strata``, ``recall`` or ``persons``."""
        self.panels.setCurrentWidget(self._places[name])
        self.tabs[name].setChecked(True)

    def enter(self, session: Session) -> None:
        super().enter(session)
        self.deeds.enter(session)
        self.passports = Passports(session.companion, self)
        self.passports.ready.connect(self._show_passport)
        self.passports.refused.connect(self._no_passport)
        self.model = PersonModel(session, self)
        self.table = Table(self.model, [column.width for column in PersonModel.COLUMNS], "Affected persons")
        self.table.make_sortable(self.model.sortable(), 1)
        self._split.insertWidget(0, self.table)
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 2)
        self._split.setSizes([640, 400])
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._want())
        # The page of a row may come after the row was selected.
        self.model.dataChanged.connect(lambda *_: self._want())
        self.model.modelReset.connect(lambda: self.panel.show_nobody(NOBODY))
        self.model.loaded.connect(
            lambda rows: self.count.setText(
                f"{count_text(rows, 'person')} shown by record key · names, numbers and dates stay in the case"
            )
        )
        self.reread()

    def leave(self) -> None:
        super().leave()
        self.deeds.leave()
        if self.table:
            self.table.setParent(None)
            self.table.deleteLater()
        for part in (self.model, self.passports):
            if part:
                part.deleteLater()
        self.model, self.table, self.passports = None, None, None
        self._delay.stop()
        self.filter.clear()
        self.panel.show_nobody(NOBODY)
        self.numbers.clear()
        self.strata.clear()
        self.recall.clear()
        self.count.setText("")
        self.banner.hide()
        self.show_panel("numbers")

    def reread(self) -> None:
        if self.session and self.model and self.passports:
            self.passports.forget()
            self.model.reload()
            self.session.ask("exposure", _found, self.numbers.show_found)

    def focus_filter(self) -> bool:
        if self.is_empty:
            return False
        self.show_panel("persons")
        self.filter.setFocus()
        self.filter.selectAll()
        return True

    def show_summary(self, case: Summary) -> None:
        result = case.assessment
        self.show_empty(result is None)
        for made in self.tabs.values():
            made.setVisible(result is not None)
        if result is None:
            self.sentence.setText("")
            return
        exhibits = ", ".join(exhibit.label for exhibit in case.exhibits)
        self.sentence.setText(f"Persons found on {exhibits}, compared with {case.records:,} source records")
        self.numbers.show_result(result, case.records)
        self.strata.show_result(result)
        self.recall.show_result(result, case.by_fingerprints)

    def _want(self) -> None:
        key = self._current_key()
        if key and self.passports and (key != self.panel.record_key or key not in self.passports):
            self.panel.show_waiting(key)
            self.passports.want(key)

    def _current_key(self) -> str:
        index = self.table.currentIndex() if self.table else QModelIndex()
        person = self.model.row_at(index.row()) if self.model and index.isValid() else None
        return person.record_key if person else ""

    def _show_passport(self, key: str, told: dict[str, Any]) -> None:
        if key == self._current_key():
            self.panel.show_passport(told)

    def _no_passport(self, key: str, why: str) -> None:
        if key == self._current_key():
            self.panel.show_nobody(why)


def _found(view: CaseView) -> Found:
    return Found(view.elements_by_tier(), view.places(), next(iter(view.documents_with_persons(1)), None))
