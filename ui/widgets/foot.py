"""The foot of the window: what is protected, and by whom it is examined."""

from __future__ import annotations

from PySide6.QtWidgets import QStatusBar

from ui.widgets.parts import label


class Foot(QStatusBar):
    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self._exhibits, self._ledger, self._examiner = label(), label(), label()
        self.addWidget(self._exhibits)
        self.addWidget(self._ledger)
        self.addPermanentWidget(self._examiner)
        self.addPermanentWidget(label("No network"))

    def say(self, exhibits: str = "", ledger: str = "", examiner: str = "") -> None:
        self._exhibits.setText(exhibits)
        self._ledger.setText(ledger)
        self._examiner.setText(examiner)
