"""Where the window starts: recent cases, and the three ways to begin."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout

from ui.widgets.parts import Card, Glyph, Page, button, label, row


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
        self.recent = Card("Recent cases", spacing=8)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(6)
        self._none = label("Cases you open are listed here. Only their paths are remembered.", "muted", wrap=True)
        self.recent.body.addLayout(self._rows)
        self.recent.body.addWidget(self._none)
        self.body.addWidget(self.recent)
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
