"""One person, everything, why, beside a list: masked until somebody says why the values are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from ui.models.persons import TIER, element_text
from ui.models.review import REVIEW
from ui.widgets.parts import (
    Card,
    Facts,
    Glyph,
    Wrapped,
    button,
    chip,
    count_text,
    label,
    relabel,
    row,
    set_chip,
    time_text,
)

SHOWN_PLACES = 12
"""More places than this are counted; the row or window that counts comes first."""

ORDER = (
    "given_name", "middle_name", "family_name", "suffix", "birth_date", "ssn", "member_id", "address", "city",
    "state", "postal_code", "country", "phone", "email", "deceased",
)  # fmt: skip


def words(names: Sequence[str]) -> str:
    """Elements for people, on one line."""
    return ", ".join(map(element_text, names))


def record_facts(record: Mapping[str, str]) -> list[tuple[str, str]]:
    """The fields of a record with their names, known ones first; without its key, which stands above them."""
    known = [name for name in ORDER if name in record]
    rest = sorted(name for name in record if name not in ORDER and name != "record_key")
    return [(element_text(name), str(record[name])) for name in (*known, *rest)]


class _Place(QWidget):
    """One place: where, what agrees, what differs, and what else stands there."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 6)
        column.setSpacing(2)
        self.where = Wrapped()
        self.agrees, self.differs, self.also = (label("", wrap=True) for _ in range(3))
        self._differs_glyph = Glyph("alert-triangle", "warn", 16)
        self._agrees_glyph = Glyph("check", "ok", 16)
        column.addWidget(self.where)
        for glyph, said in ((self._agrees_glyph, self.agrees), (self._differs_glyph, self.differs)):
            line = QHBoxLayout()
            line.setSpacing(6)
            line.addWidget(glyph, 0, Qt.AlignmentFlag.AlignTop)
            line.addWidget(said, 1)
            column.addLayout(line)
        self.also.setObjectName("small")
        column.addWidget(self.also)

    def show_place(self, told: Mapping[str, Any], number: int) -> None:
        self.where.setText(str(told["place"]))
        self.where.setAccessibleName(f"Place {number}: {told['place']}")
        agree, conflict = list(told["agree"]), list(told["conflict"])
        self.agrees.setText(f"Agrees: {words(agree)}" if agree else "Nothing that identifies a person agrees")
        self._agrees_glyph.become("check" if agree else "x", "ok" if agree else "muted")
        self.differs.setText(f"Differs: {words(conflict)}")
        for part in (self.differs, self._differs_glyph):
            part.setVisible(bool(conflict))
        said = [str(told["stratum"] or "identifies nobody"), str(told["region"])]
        if told["archived"]:
            said.append("in a container")
        if told["uncertain"]:
            said.append("deleted, clusters uncertain")
        if told["also"]:
            said.append(f"also there: {words(list(told['also']))}")
        if told["other_records"]:
            said.append(f"{count_text(int(told['other_records']), 'other record')} here")
        if not told["counts"]:
            said.append("a further place")
        self.also.setText(" · ".join(said))


class PassportPanel(Card):
    """Shows the answer to `passport`. What was revealed is gone as soon as another person is shown."""

    reveal_wanted = Signal()
    save_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(margin=14, spacing=8)
        self.record_key = ""
        self._masked: dict[str, str] = {}
        self._revealed = False
        self.key = label("", "strong")
        self.key.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.tier, self.review = chip("", "idle"), chip("", "idle")
        self.note = label("", "muted", wrap=True)
        self.facts = Facts()
        self.reveal = button("Reveal…", tip="Show the values; asks a reason and is recorded first")
        self.save = button("Save as PDF…", "download", tip="The passport as a page, masked; recorded in the ledger")
        self.reveal.clicked.connect(self._toggle)
        self.save.clicked.connect(self.save_wanted)
        self._sections: dict[str, tuple[QLabel, QLabel]] = {}
        self.places_title, self.places_more = label("", "strong"), label("", "small", wrap=True)
        self._places: list[_Place] = []
        self._places_column = QVBoxLayout()
        self._places_column.setSpacing(0)
        self.check, self.why, self.arose, self.decisions = (label("", wrap=True) for _ in range(4))
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        self._add_section(column, "To check", self.check)
        column.addWidget(self.places_title)
        column.addLayout(self._places_column)
        column.addWidget(self.places_more)
        self.record_title = label("The record", "strong")
        column.addWidget(self.record_title)
        column.addLayout(self.facts)
        self._add_section(column, "Why this tier", self.why)
        self._add_section(column, "How the person arose", self.arose)
        self._add_section(column, "Decisions", self.decisions)
        column.addStretch()
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(inner)
        self.area.setAccessibleName("Passport of the selected person")
        self.body.addLayout(row(self.key, self.tier, self.review, spacing=8, stretch=(1, 0, 0)))
        self._actions = QWidget()
        line = row(self.reveal, self.save, label(""), spacing=8, stretch=(0, 0, 1))
        line.setContentsMargins(0, 0, 0, 0)
        self._actions.setLayout(line)
        self.body.addWidget(self._actions)
        self.body.addWidget(self.note)
        self.body.addWidget(self.area, 1000)
        self.body.addStretch(1)
        self.show_nobody("Select a person to see where they stand and why.")

    def _add_section(self, column: QVBoxLayout, title: str, text: QLabel) -> None:
        head = label(title, "strong")
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._sections[title] = (head, text)
        column.addWidget(head)
        column.addWidget(text)

    def show_nobody(self, sentence: str) -> None:
        """Show nobody, and why."""
        self.record_key, self._masked = "", {}
        self.key.setText("")
        self.note.setText(sentence)
        self.note.show()
        for part in (self.tier, self.review, self._actions, self.area):
            part.hide()
        self.facts.show([])

    def show_waiting(self, record_key: str) -> None:
        """Another person is on the way: nothing of the one before may stay."""
        if record_key != self.record_key:
            self.show_nobody("Reading the evidence …")
            self.key.setText(record_key)

    def show_passport(self, told: Mapping[str, Any]) -> None:
        self.record_key = str(told["record_key"])
        self._masked = {name: str(value) for name, value in told["record"].items()}
        self.key.setText(self.record_key)
        self.key.setAccessibleName(f"Record key: {self.record_key}")
        set_chip(self.tier, *TIER[str(told["tier"])])
        set_chip(self.review, *REVIEW[str(told["review"])])
        self.note.hide()
        for part in (self.tier, self.review, self._actions, self.area):
            part.show()
        self._show_record(self._masked, False)
        evidence = sorted(told["evidence"], key=lambda one: not one["counts"])
        self._show_places(evidence, int(told["places"]))
        flags = [text for text, holds in (("Minor", told["minor"]), ("Deceased", told["deceased"])) if holds]
        self._say("To check", [*(f"{flag}." for flag in flags), *told["check"]])
        self._say("Why this tier", told["why"])
        self._say("How the person arose", _arose(told["arose"]))
        self._say("Decisions", [_decision(one) for one in told["decisions"]])
        self.area.verticalScrollBar().setValue(0)

    def show_values(self, record_key: str, values: Mapping[str, str]) -> None:
        """Show what a recorded reveal gave, if this person is still shown."""
        if record_key == self.record_key:
            self._show_record(values, True)
            self.area.ensureWidgetVisible(self.record_title, 0, self.area.height() - 40)

    def hide_values(self) -> None:
        if self.record_key:
            self._show_record(self._masked, False)

    @property
    def revealed(self) -> bool:
        return self._revealed

    def _toggle(self) -> None:
        if self._revealed:
            self.hide_values()
        else:
            self.reveal_wanted.emit()

    def _show_record(self, record: Mapping[str, str], revealed: bool) -> None:
        self._revealed = revealed
        self.facts.show(record_facts(record))
        relabel(self.reveal, "Hide" if revealed else "Reveal…", False)
        self.reveal.setAccessibleName("Hide the values" if revealed else "Reveal the values…")

    def _show_places(self, evidence: Sequence[Mapping[str, Any]], places: int) -> None:
        shown = evidence[:SHOWN_PLACES]
        while len(self._places) < len(shown):
            made = _Place()
            self._places.append(made)
            self._places_column.addWidget(made)
        for number, (part, told) in enumerate(zip(self._places, shown, strict=False), 1):
            part.show_place(told, number)
            part.show()
        for part in self._places[len(shown) :]:
            part.hide()
        self.places_title.setText(f"Found at {count_text(places, 'place')}")
        more = len(evidence) - len(shown)
        self.places_more.setText(f"{more:,} further rows of evidence are not shown here; the search finds them.")
        self.places_more.setVisible(more > 0)

    def _say(self, title: str, lines: Sequence[str]) -> None:
        head, text = self._sections[title]
        text.setText("\n".join(f"• {line}" for line in lines) if len(lines) > 1 else "".join(lines))
        head.setVisible(bool(lines))
        text.setVisible(bool(lines))


def _arose(arose: Mapping[str, Any]) -> list[str]:
    lines = []
    for one in arose["rows"]:
        until = f" to {one['last_as_of']}" if one["last_as_of"] != one["as_of"] else ""
        day = f", {one['as_of']}" if one["as_of"] else ""
        state = "its values stand" if one["standing"] else f"older values: {words(list(one['differs']))}"
        lines.append(f"{one['name']}{day}{until}: {state}.")
    for one in arose["same_person"]:
        found = f"{one['tier']}, {one['review']}" if one["tier"] else "not found"
        lines.append(f"Also record {one['record_key']}: {one['rule']} ({found}).")
    lines += [f"Namesake: record {key}." for key in arose["namesakes"]]
    return lines


def _decision(one: Mapping[str, Any]) -> str:
    what = REVIEW[str(one["decision"])][0] if one["undoes"] is None else f"Taken back, {one['decision']} again"
    reason = f": {one['reason']}" if one["reason"] else ""
    return f"{time_text(str(one['utc']))}, {one['who']}: {what}{reason}"
