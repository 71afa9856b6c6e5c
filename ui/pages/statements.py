"""What only the examiner can say: each statement of the certificate with a box of its own, none ticked beforehand."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QWidget

from forensics.casefile.testimony import STATEMENTS
from ui.pages.forms import Form
from ui.summary import Summary
from ui.widgets.parts import label, row

WIDTH = 700


class StatementsForm(Form):
    """Employer, qualifications and statements. A statement that stands is shown ticked and cannot be taken back; one
    that was made about another image has to be made again."""

    def __init__(self, case: Summary, parent: QWidget | None = None) -> None:
        super().__init__(
            "Statements of the examiner",
            "Tick only what you can say yourself. Each tick becomes an entry of the custody ledger under your name.",
            "Make these statements",
            parent,
        )
        self.setMinimumWidth(WIDTH)
        self._sheet = case.examiner_sheet
        self.employer = self.line("Employer", self._sheet.get("employer", ""))
        known = bool(self._sheet.get("qualifications"))
        stated = "Stated; a new file replaces it" if known else "A text file, two pages at most"
        self.qualifications = self.path("Qualifications", "file", stated)
        self.second = self.line("Second examiner", self._sheet.get("second_examiner", ""), "Who reviews the work")
        made = {tick.key: tick for tick in case.statements if tick.current}
        self.boxes: dict[str, QCheckBox] = {}
        for key, text in STATEMENTS.items():
            box = QCheckBox()
            box.setAccessibleName(text)
            if key in made:
                box.setChecked(True)
                box.setEnabled(False)
                text = f"{text} (made by {made[key].who}, {made[key].utc})"
            self.boxes[key] = box
            said = label(text, wrap=True)
            said.ensurePolished()
            # A dialog asks a wrapped sentence for its height at another width than the one it gets.
            said.setMinimumHeight(said.heightForWidth(WIDTH - 110))
            self.grid.addLayout(row(box, said, spacing=10, stretch=(0, 1)), self._at, 0, 1, 2)
            self._at += 1
        self.check()

    def arguments(self) -> list[str]:
        """The options of `report` for what is new here; empty where nothing is."""
        given = []
        for option, field, before in (
            ("--employer", self.employer, self._sheet.get("employer", "")),
            ("--qualifications", self.qualifications, ""),
            ("--second-examiner", self.second, self._sheet.get("second_examiner", "")),
        ):
            text = field.text().strip()
            if text and text != before:
                given += [option, text]
        for key, box in self.boxes.items():
            if box.isChecked() and box.isEnabled():
                given += ["--statement", key]
        return given
