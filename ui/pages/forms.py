"""What a verb must be told and a person must fill in: one dialog a verb, each of which yields its arguments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from ui.widgets.parts import Chooser, Tick, button, label, row

ENTITY_TYPES = (
    ("hipaa_covered_entity", "HIPAA covered entity (health plan, provider)"),
    ("hipaa_business_associate", "HIPAA business associate"),
    ("business", "Business"),
    ("financial_institution", "Financial institution"),
    ("state_or_local_agency", "State or local agency"),
    ("licensed_clinic_facility_homehealth_hospice", "Licensed clinic, facility, home health or hospice"),
)
"""The kinds of organisation that duties tell apart, first the model case."""


class Form(QDialog):
    """A dialog of named fields; it can be accepted when every required one is filled in."""

    def __init__(self, title: str, sentence: str, accept: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(560)
        self._required: list[QLineEdit] = []
        self._rules: list[Callable[[], str]] = []
        self._at = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 18)
        column.setSpacing(14)
        column.addWidget(label(title, "h1"))
        column.addWidget(label(sentence, "muted", wrap=True))
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(14)
        self.grid.setVerticalSpacing(9)
        self.grid.setColumnStretch(1, 1)
        column.addLayout(self.grid)
        self.problem = label("", "bad", wrap=True)
        self.problem.setAccessibleName("What is missing")
        column.addWidget(self.problem)
        column.addStretch()
        buttons = QDialogButtonBox()
        self.accept_button = button(accept, primary=True)
        cancel = button("Cancel")
        cancel.setAutoDefault(False)
        self.accept_button.setDefault(True)
        buttons.addButton(self.accept_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(cancel, QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def line(
        self, name: str, value: str = "", hint: str = "", required: bool = False, secret: bool = False
    ) -> QLineEdit:
        field = QLineEdit(value)
        field.setPlaceholderText(hint)
        field.setAccessibleName(name)
        if secret:
            field.setEchoMode(QLineEdit.EchoMode.Password)
        if required:
            self._required.append(field)
        field.textChanged.connect(self.check)
        self._place(name, field, field)
        return field

    def path(self, name: str, kind: str, hint: str = "", required: bool = False, filters: str = "") -> QLineEdit:
        """A path that may be typed or chosen; `kind` is ``file``, ``folder`` or ``new``."""
        field = QLineEdit()
        field.setPlaceholderText(hint)
        field.setAccessibleName(name)
        field.textChanged.connect(self.check)
        if required:
            self._required.append(field)
        browse = button("Choose…", "folder-open")
        browse.setAccessibleName(f"Choose: {name}")
        browse.setAutoDefault(False)

        def choose() -> None:
            if kind == "folder":
                chosen = QFileDialog.getExistingDirectory(self, name, field.text())
            elif kind == "new":
                chosen, _ = QFileDialog.getSaveFileName(self, name, field.text(), filters)
            else:
                chosen, _ = QFileDialog.getOpenFileName(self, name, field.text(), filters)
            if chosen:
                field.setText(chosen)

        browse.clicked.connect(choose)
        self._place(name, row(field, browse, spacing=8, stretch=(1, 0)), field)
        return field

    def choice(self, name: str, options: tuple[tuple[str, str], ...]) -> QComboBox:
        box = Chooser()
        box.setAccessibleName(name)
        box.view().setAccessibleName(name)
        for value, text in options:
            box.addItem(text, value)
        self._place(name, box, box)
        return box

    def rule(self, broken: Callable[[], str]) -> None:
        """Add a rule: `broken` gives the sentence that says what is wrong, or nothing."""
        self._rules.append(broken)

    def _place(self, name: str, part: QWidget | QLayout, field: QWidget) -> None:
        caption = label(name, "muted")
        caption.setBuddy(field)
        self.grid.addWidget(caption, self._at, 0, Qt.AlignmentFlag.AlignVCenter)
        if isinstance(part, QLayout):
            self.grid.addLayout(part, self._at, 1)
        else:
            self.grid.addWidget(part, self._at, 1)
        if self._at == 0:
            field.setFocus()
        self._at += 1

    def check(self) -> bool:
        """Whether the form can be accepted; says what is wrong once everything required is filled in."""
        filled = all(field.text().strip() for field in self._required)
        wrong = next((sentence for rule in self._rules if (sentence := rule())), "") if filled else ""
        self.problem.setText(wrong)
        self.problem.setVisible(bool(wrong))
        self.accept_button.setEnabled(filled and not wrong)
        return filled and not wrong


class ExamineForm(Form):
    """Everything `run` needs for a new case."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Examine a drive",
            "Images the drive read-only, indexes it, compares it with your records and writes a draft report."
            " Set the write blocker before you plug the drive in.",
            "Examine",
            parent,
        )
        self.source = self.path("Device or image", "file", "/dev/sdX, or an image (E01, raw)", required=True)
        self.records = self.path(
            "Source records", "file", "CSV, XLSX or Parquet", required=True,
            filters="Tables (*.csv *.tsv *.txt *.xlsx *.parquet);;All files (*)",
        )  # fmt: skip
        self.case = self.path("Case folder", "new", "NAME.dcase", required=True, filters="Cases (*.dcase)")
        self.number = self.line("Case number", required=True)
        self.title = self.line("Title", required=True)
        self.organisation = self.line("Organisation", required=True)
        self.entity = self.choice("What it is", ENTITY_TYPES)
        self.examiner = self.line("Examiner", required=True)
        self.passphrase = self.line("Passphrase", "", "Encrypts the case; it cannot be recovered", True, True)
        self.again = self.line("Passphrase again", "", "", True, True)
        self.rule(lambda: "" if self.passphrase.text() == self.again.text() else "The two passphrases differ.")
        self.rule(lambda: "A case with this name exists; open it instead." if self.case_path().exists() else "")
        self.check()

    def case_path(self) -> Path:
        given = Path(self.case.text().strip())
        return given if given.suffix == ".dcase" else given.with_name(given.name + ".dcase")

    def arguments(self) -> list[str]:
        return [
            str(self.case_path()), self.source.text().strip(), "--records", self.records.text().strip(),
            "--number", self.number.text().strip(), "--title", self.title.text().strip(),
            "--organisation", self.organisation.text().strip(), "--entity-type", str(self.entity.currentData()),
            "--examiner", self.examiner.text().strip(),
        ]  # fmt: skip


class ReceiveForm(Form):
    def __init__(self, examiner: str, exhibit: str, parent: QWidget | None = None) -> None:
        super().__init__("Receive an exhibit", "The exhibit enters custody now; this is the first entry that names it.",
                         "Receive", parent)  # fmt: skip
        self.exhibit = self.line("Exhibit", exhibit, required=True)
        self.giver = self.line("Received from", required=True)
        self.taker = self.line("Received by", examiner, required=True)
        self.fields = {
            "--description": self.line("Description", "", "Make, model, marks"),
            "--seal": self.line("Seal", "", "Number on the bag"),
            "--place": self.line("Place"),
            "--purpose": self.line("Purpose"),
            "--authority": self.line("Authority"),
        }
        self.check()

    def arguments(self) -> list[str]:
        given = [
            "--exhibit", self.exhibit.text().strip(), "--from", self.giver.text().strip(), "--to",
            self.taker.text().strip(),
        ]  # fmt: skip
        for option, field in self.fields.items():
            if text := field.text().strip():
                given += [option, text]
        return given


class IndexForm(Form):
    """Whether pictures are read as well. Asked only where there is something that reads them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Index contents",
            "Text on photographs and scanned pages can be recognised after everything else is examined. It takes about"
            " a second a picture, can be stopped, and goes on later. Pictures that are not read are listed as not"
            " examined.",
            "Index contents", parent,
        )  # fmt: skip
        self.read_pictures = Tick("Read text off pictures and scans")
        self.read_pictures.setChecked(True)
        self.grid.addWidget(self.read_pictures, 0, 0, 1, 2)
        self.check()

    def arguments(self) -> list[str]:
        return [] if self.read_pictures.isChecked() else ["--no-recognition"]


class SignForm(Form):
    """Who signs. The command reads the passphrase of the identity from a file, so that none passes through here."""

    TITLE = "Sign the report"
    SENTENCE = "A signature says that you stand by every statement in the report. Read the preview first."
    ACCEPT = "Sign"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.TITLE, self.SENTENCE, self.ACCEPT, parent)
        self.identity = self.line("Identity", "", "As `drivecustody identity list` names it", required=True)
        self.secret = self.path("Its passphrase file", "file", "Readable by you alone", required=True)
        self.check()

    def arguments(self) -> list[str]:
        return ["--sign", self.identity.text().strip(), "--identity-passphrase-file", self.secret.text().strip()]


class PackageForm(SignForm):
    """Who signs the evidence package."""

    TITLE = "Make the evidence package"
    SENTENCE = (
        "The newest report, the ledger, the acquisition records and the recipe to check them go into one ZIP file. No"
        " list of persons and no memorandum for counsel is in it."
    )
    ACCEPT = "Make the package"
