"""From a wish on a page to a verb with its arguments: asks the person for what is not known yet."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime

from PySide6.QtWidgets import QDialog, QWidget

from ui.pages import custody_forms
from ui.pages.forms import IndexForm, PackageForm, ReceiveForm, SignForm
from ui.pages.match_form import MatchForm
from ui.pages.statements import StatementsForm
from ui.summary import Summary


@dataclass(frozen=True, slots=True)
class Wish:
    """A verb of the command line, ready to run."""

    verb: str
    arguments: tuple[str, ...]


def fill_in(wanted: str, case: Summary, parent: QWidget | None = None) -> Wish | None:
    """The verb and its arguments for what was asked for on a page; None where the person thought better of it."""
    folder = str(case.folder)
    accepted = QDialog.DialogCode.Accepted
    if wanted == "receive":
        receive = ReceiveForm(case.details.examiner, f"E-{len(case.exhibits) + 1:03d}", parent)
        return Wish("receive", (folder, *receive.arguments())) if receive.exec() == accepted else None
    if wanted in ("match", "recall"):
        compare = MatchForm(case.by_fingerprints, wanted == "recall", parent)
        return Wish("match", (folder, *compare.arguments())) if compare.exec() == accepted else None
    if wanted == "index" and shutil.which("tesseract"):
        index = IndexForm(parent)
        return Wish("index", (folder, *index.arguments())) if index.exec() == accepted else None
    if wanted == "report":
        return Wish("report", (folder, "--out", _new_report(case, "draft")))
    if wanted == "sign":
        sign = SignForm(parent)
        if sign.exec() != accepted:
            return None
        return Wish("report", (folder, "--out", _new_report(case, "report"), *sign.arguments()))
    if wanted.startswith("custody "):
        told = custody_forms.fill_in(wanted.removeprefix("custody "), case, parent)
        return Wish("custody", (folder, *told)) if told is not None else None
    if wanted == "statements":
        statements = StatementsForm(case, parent)
        said = statements.arguments() if statements.exec() == accepted else []
        return Wish("report", (folder, *said)) if said else None
    if wanted == "package":
        package = PackageForm(parent)
        if package.exec() != accepted:
            return None
        out = case.folder / "packages" / f"package-{_stamp()}.zip"
        return Wish("package", (folder, "--out", str(out), *package.arguments()))
    return Wish(wanted, (folder,))


def _new_report(case: Summary, name: str) -> str:
    return str(case.folder / "reports" / f"{name}-{_stamp()}.pdf")


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
