"""What a person fills in on the custody page: an event, a transfer that two sign, a checkpoint, files to hand out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QLineEdit, QWidget

from ui.pages.forms import Form
from ui.summary import Summary

EVENTS = (
    ("note", "Note"), ("seal", "Seal"), ("open", "Opening of a seal or container"), ("access", "Access"),
    ("copy", "Copy"), ("image", "Image made elsewhere"), ("verify", "Verification elsewhere"),
    ("export", "Handed out"), ("return", "Return"), ("destroy", "Destruction"),
)  # fmt: skip
SEALS = (("", "Not looked at"), ("yes", "Intact"), ("no", "Broken"), ("unknown", "Cannot be said"))


class _CustodyForm(Form):
    """A form whose filled-in fields become `--set FIELD=VALUE`."""

    def __init__(self, title: str, sentence: str, accept: str, case: Summary, parent: QWidget | None) -> None:
        super().__init__(title, sentence, accept, parent)
        labels = tuple((exhibit.label, exhibit.label) for exhibit in case.exhibits)
        self._exhibits = labels
        self.fields: dict[str, QLineEdit] = {}

    def told(self, name: str, caption: str, hint: str = "") -> None:
        self.fields[name] = self.line(caption, "", hint)

    def settings(self) -> list[str]:
        given = []
        for name, field in self.fields.items():
            if text := field.text().strip():
                given += ["--set", f"{name}={text}"]
        return given


class EventForm(_CustodyForm):
    """An entry that somebody reports; it can be corrected by a later one, never taken out."""

    def __init__(self, case: Summary, parent: QWidget | None = None) -> None:
        super().__init__(
            "Add to the ledger",
            "What is written here can never be taken out; a mistake is corrected by an entry that names it.",
            "Add", case, parent,
        )  # fmt: skip
        self.kind = self.choice("What happened", EVENTS)
        self.exhibit = self.choice("Exhibit", (*self._exhibits, ("", "The case as a whole")))
        self.note = self.line("In words", "", "Who did what, how, why; no data subject's name", required=True)
        self.told("place", "Place")
        self.told("purpose", "Purpose and authority")
        self.told("seal_before", "Seal before")
        self.told("seal_after", "Seal after")
        self.seal = self.choice("Seal found", SEALS)
        self.corrects = self.line("Corrects entry", "", "Its number, where this corrects one")
        self.rule(lambda: "" if not self.corrects.text() or self.corrects.text().isdigit() else "Give a number.")
        self.check()

    def arguments(self) -> list[str]:
        given = ["add", "--type", str(self.kind.currentData()), "--note", self.note.text().strip()]
        if exhibit := str(self.exhibit.currentData()):
            given += ["--exhibit", exhibit]
        if seal := str(self.seal.currentData()):
            given += ["--set", f"seal_intact={seal}"]
        if number := self.corrects.text().strip():
            given += ["--corrects", number]
        return [*given, *self.settings()]


class TransferForm(_CustodyForm):
    """An exhibit changes hands; both parties sign the same state of the ledger."""

    def __init__(self, case: Summary, parent: QWidget | None = None) -> None:
        super().__init__(
            "Transfer an exhibit",
            "Both parties sign one state of the ledger. Whoever has no identity here signs the printed form, or later.",
            "Transfer", case, parent,
        )  # fmt: skip
        self.exhibit = self.choice("Exhibit", self._exhibits)
        self.giver = self.line("Given by", case.details.examiner, required=True)
        self.taker = self.line("Taken by", required=True)
        self.told("to_organisation", "Their organisation")
        self.told("place", "Place")
        self.told("purpose", "Purpose")
        self.told("seal_before", "Seal")
        self.first = self.line("Giver's identity", "", "As `drivecustody identity list` names it")
        self.first_secret = self.path("Its passphrase file", "file", "Readable by you alone")
        self.second = self.line("Taker's identity", "", "Another person's")
        self.second_secret = self.path("Its passphrase file ", "file", "Readable by them alone")
        self.rule(lambda: "The one who gives signs first." if self.second.text() and not self.first.text() else "")
        self.rule(lambda: "A signature needs its passphrase file." if self._lacks_secret() else "")
        self.check()

    def _lacks_secret(self) -> bool:
        pairs = ((self.first, self.first_secret), (self.second, self.second_secret))
        return any(bool(name.text().strip()) and not secret.text().strip() for name, secret in pairs)

    def arguments(self) -> list[str]:
        given = [
            "transfer", "--exhibit", str(self.exhibit.currentData()), "--from", self.giver.text().strip(),
            "--to", self.taker.text().strip(), *self.settings(),
        ]  # fmt: skip
        for name, secret, options in (
            (self.first, self.first_secret, ("--sign", "--identity-passphrase-file")),
            (self.second, self.second_secret, ("--countersign", "--countersign-passphrase-file")),
        ):
            if text := name.text().strip():
                given += [options[0], text, options[1], secret.text().strip()]
        return given


class CheckpointForm(Form):
    """Signs the ledger as it stands."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Sign the ledger",
            "The signature fixes every entry so far. Give a receipt of it to somebody else: only that shows later that"
            " the newest entries were not cut off.",
            "Sign", parent,
        )  # fmt: skip
        self.identity = self.line("Identity", "", "As `drivecustody identity list` names it", required=True)
        self.secret = self.path("Its passphrase file", "file", "Readable by you alone", required=True)
        self.time = self.line("Time stamp", "", "https://… of an authority; empty: no network, no trusted time")
        self.check()

    def arguments(self) -> list[str]:
        given = ["checkpoint", "--sign", self.identity.text().strip()]
        given += ["--identity-passphrase-file", self.secret.text().strip()]
        return [*given, *(["--timestamp", self.time.text().strip()] if self.time.text().strip() else [])]


def _exhibit(case: Summary, parent: QWidget | None) -> str:
    """Which exhibit; asked only where there are several. Empty where the person thought better of it."""
    labels = [each.label for each in case.exhibits]
    if len(labels) < 2:
        return labels[0] if labels else ""
    chosen, meant = QInputDialog.getItem(parent, "The custody form", "Of which exhibit?", labels, 0, False)
    return str(chosen) if meant else ""


def fill_in(action: str, case: Summary, parent: QWidget | None = None) -> list[str] | None:
    """The arguments of `custody CASE` for what was asked for; None where the person thought better of it."""
    if action == "receipt":
        chosen, _ = QFileDialog.getSaveFileName(parent, "A new folder for the receipt", "receipt")
        return ["receipt", "--out", chosen] if chosen else None
    if action == "form":
        exhibit = _exhibit(case, parent)
        if not exhibit:
            return None
        chosen, _ = QFileDialog.getSaveFileName(parent, "The custody form", f"custody-{exhibit}.pdf", "PDF (*.pdf)")
        return ["form", "--exhibit", exhibit, "--out", str(Path(chosen))] if chosen else None
    form: EventForm | TransferForm | CheckpointForm
    if action == "checkpoint":
        form = CheckpointForm(parent)
    else:
        form = EventForm(case, parent) if action == "add" else TransferForm(case, parent)
    return form.arguments() if form.exec() == QDialog.DialogCode.Accepted else None
