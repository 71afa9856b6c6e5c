"""The numbers of exposure: what is sure at least, the estimate with its interval, and the strata they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from forensics.casefile.views import SourcePlace
from ui.models.persons import TIER, element_text
from ui.models.rows import RowsModel
from ui.widgets.bars import LEGEND, ROW, Bars
from ui.widgets.parts import Card, Facts, Stat, count_text, label, row
from ui.widgets.tables import Table

TIERS = ("confirmed", "probable", "possible")
REGIONS = (
    ("live", "live"),
    ("deleted", "deleted"),
    ("unallocated", "unallocated"),
    ("archived", "in containers"),
)
SHOWN_STATES = 9
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Found:
    """What is counted in the case beside the assessment."""

    elements: dict[str, dict[str, int]]
    places: dict[str, int] | None
    most: SourcePlace | None


class NumbersPanel(QScrollArea):
    def __init__(self) -> None:
        super().__init__()
        self.stats = {
            "floor": Stat("At least", "shield-check", "ok"),
            "estimate": Stat("Estimate", "users", "accent"),
            "ceiling": Stat("At most", "user-question"),
            "ssn": Stat("With SSN", "id", "bad"),
            "confirmed": Stat("Confirmed", "shield-check", "ok"),
            "probable": Stat("Probable", "user-exclamation", "warn"),
            "possible": Stat("Possible", "user-question", "accent"),
            "minors": Stat("Minors", "mood-kid"),
            "deceased": Stat("Deceased", "history"),
            "not_in_records": Stat("In no record", "database"),
        }
        self.bars = Bars([tier.capitalize() for tier in TIERS], "Persons by data element and tier")
        self.states = Bars(["Confirmed and probable"], "Persons by state of residence", 76)
        chart = Card("Data elements", label("persons of all three tiers; 95 % interval", "small"), spacing=6)
        chart.body.addWidget(self.bars)
        chart.body.addStretch()
        where = Card("By state of residence", spacing=6)
        self.other_states = label("", "small", wrap=True)
        where.body.addWidget(self.states)
        where.body.addWidget(self.other_states)
        where.body.addStretch()
        self.facts = Facts(mono=("Result SHA-256",))
        side = Card("What the numbers say")
        side.body.addLayout(self.facts)
        side.body.addStretch()
        self._said: dict[str, str] = {}
        self._intervals: dict[str, str] = {}
        self._elements: dict[str, dict[str, int]] = {}
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        cards = list(self.stats.values())
        column.addLayout(row(*cards[:4], spacing=10))
        column.addLayout(row(*cards[4:], spacing=10))
        column.addLayout(row(chart, where, spacing=12, stretch=(3, 2)))
        column.addWidget(side)
        column.addStretch()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inner)
        self.setAccessibleName("Exposure in numbers")

    def clear(self) -> None:
        """Nothing of a case that was closed may stay."""
        self._said, self._intervals, self._elements = {}, {}, {}
        for stat in self.stats.values():
            stat.show_number("–")
        self.bars.show_rows(())
        self.states.show_rows(())
        self.facts.show([])

    def show_result(self, result: Mapping[str, Any], records: int) -> None:
        """Show what `assess` found. What was not measured says so."""
        tiers = result.get("tiers") or {}
        affected = tiers.get("confirmed", 0) + tiers.get("probable", 0)
        measured = result.get("estimate") is not None
        self.stats["floor"].show_number(
            _number(result.get("floor")), "confirmed, less what chance may explain" if measured else "confirmed"
        )
        self.stats["estimate"].show_number(
            _number(result.get("estimate")), interval_text(result) or "see what the numbers say"
        )
        self.stats["ceiling"].show_number(_number(result.get("ceiling")), "all candidates in examined bytes")
        ssn = (result.get("elements") or {}).get("ssn") or {"n": 0}
        self.stats["ssn"].show_number(f"{ssn['n']:,}", interval_text(ssn) or f"interval {NOT_MEASURED}")
        reasons = {
            "confirmed": "by SSN or member ID",
            "probable": "by name and birth date",
            "possible": "not counted as affected",
        }
        for tier in TIERS:
            self.stats[tier].show_number(f"{tiers.get(tier, 0):,}", reasons[tier])
        for name in ("minors", "deceased"):
            count = result.get(name)
            self.stats[name].show_number(
                "–" if count is None else f"{count:,}", NOT_MEASURED if count is None else _share(count, affected)
            )
        unknown = result.get("not_in_records")
        self.stats["not_in_records"].show_number(
            "–" if unknown is None else _number(unknown), NOT_MEASURED if unknown is None else "persons on the drive"
        )
        self._intervals = {
            element_text(name): text
            for name, part in (result.get("elements") or {}).items()
            if (text := short_interval(part))
        }
        states = sorted((result.get("states") or {}).items(), key=lambda item: (-item[1], item[0]))
        shown = [(state or "Unknown", (count,)) for state, count in states[:SHOWN_STATES]]
        self.states.show_rows(shown)
        rest = states[SHOWN_STATES:]
        people = count_text(sum(count for _, count in rest), "person")
        self.other_states.setText(f"{count_text(len(rest), 'further state')}: {people}" if rest else "")
        self.other_states.setVisible(bool(rest))
        missing = result.get("not_examined") or {}
        self._said |= {
            "Affected": f"{affected:,} of {result.get('persons_after_merge') or records:,} persons in the records",
            "Estimate": _estimate(result),
            "In no record": NOT_MEASURED if unknown is None else _in_no_record(result),
            "Not examined": count_text(missing.get("items", 0), "item") + _reasons(missing.get("reasons") or {}),
            "Result SHA-256": str(result.get("result_sha256") or ""),
        }
        self._show()

    def show_found(self, found: Found) -> None:
        self._elements = found.elements
        if found.places:
            parts = ", ".join(f"{words} {found.places.get(name, 0):,}" for name, words in REGIONS)
            self._said["Places"] = f"{found.places.get('total', 0):,}: {parts}"
        if found.most:
            self._said["Most in"] = f"{found.most.locator} ({count_text(found.most.persons, 'person')})"
        self._show()

    def _show(self) -> None:
        self.bars.show_rows(
            [(element_text(name), tuple(by.get(tier, 0) for tier in TIERS)) for name, by in self._elements.items()],
            self._intervals,
        )
        self.bars.setMaximumHeight(LEGEND + ROW * max(1, len(self._elements)))
        order = ("Affected", "Estimate", "In no record", "Not examined", "Places", "Most in", "Result SHA-256")
        self.facts.show((name, self._said[name]) for name in order if self._said.get(name))


class StrataPanel(QWidget):
    """Every way in which persons were found, how many of them chance explains, and the tier that follows."""

    def __init__(self) -> None:
        super().__init__()
        self.model = RowsModel(
            ("Found by", "Tier", "Found", "By chance (95 %)", "Decoys found", "Because"), right=frozenset({2, 4})
        )
        self.table = Table(self.model, (286, 96, 66, 136, 140, 300), "Strata")
        self.said = label("", "muted", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(
            label(
                "Decoys are records with one identifier replaced so that it cannot be on the drive for cause: what is"
                " found of them is chance. A stratum is confirmed where chance explains at most 0.5 % of it, probable"
                " where at most 10 %.",
                "muted",
                wrap=True,
            )
        )
        column.addWidget(self.table, 1)
        column.addWidget(self.said)

    def clear(self) -> None:
        self.model.show([])
        self.said.setText("")

    def show_result(self, result: Mapping[str, Any]) -> None:
        self.model.show([_stratum(one) for one in result.get("strata") or ()])
        self.said.setText(_estimate(result))


def _stratum(one: Mapping[str, Any]) -> tuple[str, ...]:
    chance = "not measurable" if one["chance"] is None else f"{one['chance_low']:,} to {one['chance_high']:,}"
    moves = f"{one['decoys_found']:,} in {one['moves']:.1f} moves" if one["moves"] else "–"
    return (one["name"], TIER[one["tier"]][0], f"{one['found']:,}", chance, moves, one["because"] or "–")


def _number(value: Any) -> str:
    """A count; a dash where it was not measured. A part that brings its own interval says its number."""
    if isinstance(value, Mapping):
        value = value.get("n")
    return "–" if value is None else f"{value:,}"


def interval_text(part: Mapping[str, Any]) -> str:
    """A measured interval in words; empty where it was not measured."""
    low, high = part.get("low"), part.get("high")
    return "" if low is None or high is None else f"95 % interval {low:,} to {high:,}"


def short_interval(part: Mapping[str, Any]) -> str:
    low, high = part.get("low"), part.get("high")
    return "" if low is None or high is None else f"{low:,} – {high:,}"


def _estimate(result: Mapping[str, Any]) -> str:
    why = str(result.get("estimate_status") or "")
    estimate, low, high = result.get("estimate"), result.get("low"), result.get("high")
    if estimate is None:
        return why if why.startswith(NOT_MEASURED) else f"{NOT_MEASURED}; {why}".rstrip("; ")
    between = f", between {low:,} and {high:,}" if low is not None and high is not None else ""
    return f"{estimate:,}{between}" + (f"; {why}" if why else "")


def _reasons(reasons: Mapping[str, int]) -> str:
    most = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:2]
    return f" ({', '.join(f'{reason} {count:,}' for reason, count in most)})" if most else ""


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} of affected".replace("%", " %") if whole else "of nobody"


def _in_no_record(result: Mapping[str, Any]) -> str:
    """How many persons beside members are in no record, and in which table most of them stand."""
    said = f"{_number(result['not_in_records'])} persons on the drive"
    tables = [table for table in result.get("not_in_records_tables") or () if table["not_in_records"]]
    if not tables:
        return said
    most = tables[0]
    rows = f"{most['not_in_records']:,} of {most['rows']:,} rows"
    return f"{said}, in {count_text(len(tables), 'table')} of members; most in {most['locator']} ({rows})"
