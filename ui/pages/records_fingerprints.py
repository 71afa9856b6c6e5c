"""Records that come as fingerprints: the key that belongs to them, and what can and cannot be done by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from forensics.casefile.records_view import Snapshot
from ui.models.persons import element_text
from ui.widgets.parts import Facts, button, label, row

MEANING = (
    ("Supplied", "Keyed fingerprints only: no name, number, date or address of anybody is in the file or in the case."),
    (
        "Matching",
        "The same persons, tiers and intervals as with values. Not possible: comparing rows for likeness, and planting"
        " invented persons to measure recall.",
    ),
    (
        "Not measured",
        "Minors, deceased and persons in no record; the state of everybody is unknown, so that duties by state cannot"
        " be counted.",
    ),
    (
        "Letters",
        "Letters and passports have no name, address or value. The organisation knows whose a token is, by its key and"
        " its own table, and completes them.",
    ),
)
"""What fingerprints mean for the case, as `docs/decisions/fingerprints.md` has it."""

KEEP_APART = (
    "File and key together can be tried against every Social Security number in about a minute: keep them apart. The"
    " key is kept in the encrypted case and nowhere else."
)


def refusal(by_fingerprints: bool, key_check: str, held: Sequence[Snapshot]) -> str:
    """Why a case that holds these sets cannot take a file that was looked at; empty where it can.

    One way of comparing a case, and one key: with two, a person would count twice.
    """
    if held and by_fingerprints != held[0].by_fingerprints:
        has = "fingerprints of its records" if held[0].by_fingerprints else "records by their values"
        return f"This case has {has}. One case compares in one way: make another case for this file."
    if held and by_fingerprints and key_check != held[0].key_check:
        return "The fingerprints in the case were made with another key. Ask for all snapshots with one key."
    return ""


def meaning_facts() -> list[tuple[str, str]]:
    return list(MEANING)


class FingerprintPanel(QScrollArea):
    """What a file of fingerprints says of itself, the key it needs, and what it means for the case."""

    key_given = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.key = QLineEdit()
        self.key.setAccessibleName("Key of the fingerprints")
        self.key.setPlaceholderText("the file that the organisation sent by another way")
        self._tried = ""
        choose = button("Key…", "lock", tip="Choose the key that the fingerprints were made with")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        self.key.editingFinished.connect(self._typed)
        caption = label("Key of the fingerprints", "small")
        caption.setBuddy(self.key)
        self.facts = Facts()
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(caption)
        column.addLayout(row(self.key, choose, spacing=8, stretch=(1, 0)))
        column.addWidget(label(KEEP_APART, "small", wrap=True))
        column.addSpacing(4)
        column.addLayout(self.facts)
        column.addStretch()
        self.setObjectName("plain")
        self.setWidgetResizable(True)
        self.setWidget(inner)
        self.setAccessibleName("Fingerprints")

    def forget(self) -> None:
        self.key.clear()
        self._tried = ""
        self.facts.show([])

    def arguments(self) -> list[str]:
        path = self.key.text().strip()
        return ["--key-file", path] if path else []

    def show_told(self, told: Mapping[str, Any]) -> None:
        """Show the answer of `records preview` to a file of fingerprints."""
        said = told["fingerprints"]
        self.facts.show(
            [
                ("Records", f"{said['records']:,}"),
                ("Made of", ", ".join(element_text(field) for field in told["mapping"])),
                ("As of", str(said["as_of"]) or "not dated"),
                ("Key check", str(said["key_check"])),
                *meaning_facts(),
            ]
        )

    def give_key(self, path: str) -> None:
        self.key.setText(path)
        self._typed()

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Key of the fingerprints", "", "Keys (*.key);;All files (*)")
        if chosen:
            self.give_key(chosen)

    def _typed(self) -> None:
        if (path := self.key.text().strip()) != self._tried:
            self._tried = path
            self.key_given.emit()
