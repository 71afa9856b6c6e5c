"""Exposure: how many persons, with which elements, how sure; and the persons, by the keys of their records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from forensics.casefile.views import CaseView, SourcePlace
from ui.models.persons import PersonModel, element_text
from ui.pages.base import CasePageBase
from ui.pages.contents import FILTER_DELAY_MS
from ui.session import Session
from ui.summary import Summary
from ui.widgets.bars import LEGEND, ROW, Bars
from ui.widgets.filter_field import FilterField
from ui.widgets.parts import Card, Empty, Facts, Stat, button, count_text, label, row
from ui.widgets.tables import ROW_HEIGHT, Table

TIERS = ("confirmed", "probable", "possible")
REGIONS = (
    ("live", "live"),
    ("deleted", "deleted"),
    ("unallocated", "unallocated"),
    ("archived", "in containers"),
)
SHOWN_STATES = 5
SHOWN_ROWS = 8


class ExposurePage(CasePageBase):
    TABLES = frozenset({"exposure", "evidence"})

    def __init__(self) -> None:
        self.filter = FilterField("Filter by record key", "Filter persons by record key", 220)
        super().__init__("Exposure", "", self.filter)
        self.model: PersonModel | None = None
        self.table: Table | None = None
        self.stats = {
            "confirmed": Stat("Confirmed", "shield-check", "ok"),
            "probable": Stat("Probable", "user-exclamation", "warn"),
            "possible": Stat("Possible", "user-question", "accent"),
            "ssn": Stat("With SSN", "id", "bad"),
            "minors": Stat("Minors", "mood-kid"),
            "deceased": Stat("Deceased", "history"),
        }
        self.bars = Bars([tier.capitalize() for tier in TIERS], "Persons by data element and tier")
        chart = Card("Data elements", label("persons of all three tiers", "small"), spacing=6)
        chart.body.addWidget(self.bars)
        chart.body.addStretch()
        self.facts = Facts()
        side = Card("What the numbers say")
        side.body.addLayout(self.facts)
        side.body.addStretch()
        self._said: dict[str, str] = {}
        self._table_place = QVBoxLayout()
        self.count = label("", "small")
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(row(*self.stats.values(), spacing=10))
        column.addLayout(row(chart, side, spacing=12, stretch=(3, 2)))
        column.addLayout(self._table_place, 1)
        column.addWidget(self.count)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        scroll.setAccessibleName("Exposure")
        around = QVBoxLayout(self.content)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(scroll)
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

    def enter(self, session: Session) -> None:
        super().enter(session)
        self.model = PersonModel(session, self)
        self.table = Table(self.model, [column.width for column in PersonModel.COLUMNS], "Affected persons")
        self.table.make_sortable(self.model.sortable(), 1)
        self.table.setMinimumHeight(SHOWN_ROWS * ROW_HEIGHT)
        self._table_place.addWidget(self.table)
        self.model.loaded.connect(
            lambda rows: self.count.setText(
                f"{count_text(rows, 'person')} shown by record key · names, numbers and dates stay in the case"
            )
        )
        self.reread()

    def leave(self) -> None:
        super().leave()
        if self.table:
            self.table.setParent(None)
            self.table.deleteLater()
        if self.model:
            self.model.deleteLater()
        self.model = self.table = None
        self._delay.stop()
        self.filter.clear()
        self._said.clear()
        self.bars.show_rows(())
        self.count.setText("")

    def reread(self) -> None:
        if self.session and self.model:
            self.model.reload()
            self.session.ask("exposure", _numbers, self._show_numbers)

    def focus_filter(self) -> bool:
        self.filter.setFocus()
        self.filter.selectAll()
        return True

    def show_summary(self, case: Summary) -> None:
        result = case.assessment
        self.show_empty(result is None)
        self.filter.setVisible(result is not None)
        if result is None:
            self.sentence.setText("")
            return
        exhibits = ", ".join(exhibit.label for exhibit in case.exhibits)
        self.sentence.setText(f"Persons found on {exhibits}, compared with {case.records:,} source records")
        tiers = result.get("tiers") or {}
        affected = tiers.get("confirmed", 0) + tiers.get("probable", 0)
        reasons = {
            "confirmed": "by SSN or member ID",
            "probable": "by name and birth date",
            "possible": "not counted as affected",
        }
        for tier in TIERS:
            self.stats[tier].show_number(f"{tiers.get(tier, 0):,}", reasons[tier])
        with_ssn = ((result.get("elements") or {}).get("ssn") or {}).get("n", 0)
        self.stats["ssn"].show_number(f"{with_ssn:,}", _share(with_ssn, affected))
        for name in ("minors", "deceased"):
            count = result.get(name) or 0
            self.stats[name].show_number(f"{count:,}", _share(count, affected))
        unknown = result.get("not_in_records")
        missing = result.get("not_examined") or {}
        states = sorted((result.get("states") or {}).items(), key=lambda item: (-item[1], item[0]))
        shown = [f"{state or 'unknown'} {count:,}" for state, count in states[:SHOWN_STATES]]
        if rest := sum(count for _, count in states[SHOWN_STATES:]):
            shown.append(f"others {rest:,}")
        self._said |= {
            "Affected": f"{affected:,} of {result.get('persons_after_merge') or case.records:,} persons in the records",
            "Estimate": _estimate(result),
            "In no record": "" if unknown is None else f"{unknown:,} persons on the drive",
            "Not examined": count_text(missing.get("items", 0), "item") + _reasons(missing.get("reasons") or {}),
            "By state": ", ".join(shown),
        }
        self._show_facts()

    def _show_facts(self) -> None:
        order = ("Affected", "Estimate", "In no record", "Not examined", "Places", "Most in", "By state")
        self.facts.show((name, self._said[name]) for name in order if self._said.get(name))

    def _show_numbers(self, numbers: _Numbers) -> None:
        self.bars.show_rows(
            [(element_text(name), tuple(by.get(tier, 0) for tier in TIERS)) for name, by in numbers.elements.items()]
        )
        self.bars.setMaximumHeight(LEGEND + ROW * max(1, len(numbers.elements)))
        if numbers.places:
            parts = ", ".join(f"{words} {numbers.places.get(name, 0):,}" for name, words in REGIONS)
            self._said["Places"] = f"{numbers.places.get('total', 0):,}: {parts}"
        if numbers.most:
            self._said["Most in"] = f"{numbers.most.locator} ({count_text(numbers.most.persons, 'person')})"
        self._show_facts()


@dataclass(frozen=True, slots=True)
class _Numbers:
    elements: dict[str, dict[str, int]]
    places: dict[str, int] | None
    most: SourcePlace | None


def _numbers(view: CaseView) -> _Numbers:
    return _Numbers(view.elements_by_tier(), view.places(), next(iter(view.documents_with_persons(1)), None))


def _estimate(result: dict[str, Any]) -> str:
    why = str(result.get("estimate_status") or "")
    estimate, low, high = result.get("estimate"), result.get("low"), result.get("high")
    if estimate is None:
        return why if why.startswith("not measured") else f"not measured; {why}".rstrip("; ")
    between = f", between {low:,} and {high:,}" if low is not None and high is not None else ""
    return f"{estimate:,}{between}" + (f"; {why}" if why else "")


def _reasons(reasons: dict[str, int]) -> str:
    most = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:2]
    return f" ({', '.join(f'{reason} {count:,}' for reason, count in most)})" if most else ""


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} of affected".replace("%", " %") if whole else "of nobody"
