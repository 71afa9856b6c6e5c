"""Before the records are compared: whether invented persons are planted as well, to measure what would be missed."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from ui.pages.forms import Form
from ui.widgets.parts import Tick, label

LEAST, EACH, MOST = 30, 100, 10_000
"""Persons a layout. Where all of 100 are found, the interval (Clopper and Pearson, 95 %) begins at 96.4 %, of 30 at
88.4 %; a layout with fewer is reported as tried too little."""


class MatchForm(Form):
    """`arguments` are those of `match` behind the case. `planting` is what the form proposes."""

    def __init__(self, by_fingerprints: bool, planting: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(
            "Compare with source records",
            "Every byte of the image, every text and every table row is compared with every record, and with decoys"
            " that measure chance.",
            "Compare",
            parent,
        )
        self.plant = Tick("Also measure recall: plant invented persons")
        self.plant.setChecked(planting and not by_fingerprints)
        self.plant.setEnabled(not by_fingerprints)
        self.plant.toggled.connect(lambda _: self.check())
        self._place("Spike test", self.plant, self.plant)
        self.each = self.line("Persons a layout", str(EACH))
        self._place("", self._said(by_fingerprints), self.plant)
        self.rule(self._wrong)
        self.check()

    def _said(self, by_fingerprints: bool) -> QWidget:
        return label(
            "Not possible in this case: invented persons are made of the records’ own names; these are fingerprints."
            if by_fingerprints
            else "People who do not exist are put into copies of the drive’s contents, in memory only, and looked for"
            " like everybody else: the share that is found, layout by layout, is the recall. It takes a second index of"
            " the records.",
            "small",
            wrap=True,
        )

    def _wrong(self) -> str:
        self.each.setEnabled(self.plant.isChecked())
        text = self.each.text().strip()
        if not self.plant.isChecked() or (text.isascii() and text.isdigit() and LEAST <= int(text) <= MOST):
            return ""
        return f"Persons a layout: a whole number from {LEAST} to {MOST:,}; fewer show too little."

    def arguments(self) -> list[str]:
        return ["--spikes", str(int(self.each.text()))] if self.plant.isChecked() else []
