"""Where the window starts: recent cases, and the three ways to begin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout

from forensics.casefile.workstation import SelfTest
from ui.widgets.parts import Card, Glyph, Page, button, chip, label, row, set_chip, time_text

WHAT_IT_IS = "A small known drive goes through everything, and what is found is compared with known answers."


class Choice(Card):
    def __init__(self, icon: str, title: str, text: str, action: QPushButton) -> None:
        super().__init__(spacing=8)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.body.addWidget(Glyph(icon, "accent", 28))
        self.body.addWidget(label(title, "h2"))
        words = label(text, "muted", wrap=True)
        words.setMinimumHeight(words.fontMetrics().lineSpacing() * 3 + 4)
        words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(words)
        self.body.addLayout(row(action, label(""), stretch=(0, 1)))


class HomePage(Page):
    """Shown while no case is open."""

    case_wanted = Signal(str)
    """The path of a case to open; empty to choose one."""

    examine_wanted = Signal()
    example_wanted = Signal()
    self_test_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("DriveCustody", "Whose data was on the drive, which elements, how sure, and the proof")
        self.open_button = button("&Open case…", "folder-open", key="Ctrl+O")
        self.examine_button = button("&Examine a drive…", "usb", primary=True, key="Ctrl+N")
        self.example_button = button("&Run the worked example", "player-play")
        self.open_button.clicked.connect(lambda: self.case_wanted.emit(""))
        self.examine_button.clicked.connect(self.examine_wanted)
        self.example_button.clicked.connect(self.example_wanted)
        self.body.addLayout(
            row(
                Choice(
                    "usb",
                    "A returned drive",
                    "Image it read-only, find whose records are on it, and write the report.",
                    self.examine_button,
                ),
                Choice("briefcase", "A case on this workstation", "Go on where you stopped.", self.open_button),
                Choice(
                    "player-play",
                    "See how it works",
                    "A small made-up drive and its records, examined from end to end. No real person is in it.",
                    self.example_button,
                ),
                spacing=14,
            )
        )
        self.lamp = chip("", "idle")
        self.workstation = Card("Self-test of this workstation", self.lamp, spacing=8)
        self.self_test = label("", "muted", wrap=True)
        self.self_test_button = button("Run the self-&test", "circle-check")
        self.self_test_button.clicked.connect(self.self_test_wanted)
        self.workstation.body.addLayout(row(self.self_test, self.self_test_button, spacing=14, stretch=(1, 0)))
        self.recent = Card("Recent cases", spacing=8)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(6)
        self._none = label("Cases you open are listed here. Only their paths are remembered.", "muted", wrap=True)
        self.recent.body.addLayout(self._rows)
        self.recent.body.addWidget(self._none)
        self.body.addWidget(self.recent)
        self.body.addWidget(self.workstation)
        self.body.addStretch()

    def show_recent(self, cases: list[str]) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if widget := item.widget():
                widget.deleteLater()
        for path in cases:
            entry = button(f"{Path(path).stem}   —   {path}".replace("&", "&&"), "briefcase")
            entry.setObjectName("recent")
            entry.setAccessibleName(f"Open {Path(path).stem}")
            entry.setToolTip(path)
            entry.clicked.connect(lambda _=False, path=path: self.case_wanted.emit(path))
            self._rows.addWidget(entry)
        self._none.setVisible(not cases)

    def show_self_test(self, test: SelfTest | None, running: bool = False) -> None:
        """Show whether this workstation passed its self-test, and when."""
        state = lamp(test, running)
        set_chip(self.lamp, state.word, state.kind)
        self.lamp.setAccessibleName(f"Self-test: {state.word}")
        self.self_test.setText(state.sentence)
        self.self_test_button.setEnabled(not running)


@dataclass(frozen=True, slots=True)
class Lamp:
    """The state of the workstation: a word on a chip of this kind, and a sentence."""

    word: str
    kind: str
    sentence: str


def lamp(test: SelfTest | None, running: bool = False) -> Lamp:
    if running:
        return Lamp("Running", "info", WHAT_IT_IS)
    if test is None:
        return Lamp("Not run yet", "idle", f"{WHAT_IT_IS} Until it was run, reports say so.")
    passed = f"{test.passed} of {test.checks} checks passed, {time_text(test.time)}. Result {test.result_id}."
    if not test.intact:
        remedy = "Install DriveCustody again, and examine no drive here before the self-test passes."
        return Lamp("Failed", "bad", f"{passed} {remedy}")
    if not test.current:
        return Lamp("Out of date", "warn", f"{passed} The program or the system changed since: run it again.")
    return Lamp("Passed", "ok", f"{passed} Reports print it.")
