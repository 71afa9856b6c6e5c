"""The chain of custody, as it stands in its file; whether it is intact is for `verify` to say."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QVBoxLayout

from forensics.model import CustodyEvent
from ui import theme
from ui.pages.base import CasePageBase
from ui.session import Session
from ui.summary import Summary
from ui.widgets.parts import Stat, button, row, time_text
from ui.widgets.tables import Table

Index = QModelIndex | QPersistentModelIndex
HEADS = ("#", "Time (UTC)", "By", "Entry", "Exhibit", "Detail", "Entry hash (SHA-256)")
WIDTHS = (48, 162, 172, 150, 76, 430, 300)


class LedgerModel(QAbstractTableModel):
    """The entries in their order; a ledger has hundreds of them, so they are held as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[CustodyEvent] = []
        self._corrected: dict[int, int] = {}

    def show(self, entries: list[CustodyEvent]) -> None:
        if entries != self._entries:
            self.beginResetModel()
            self._entries = entries
            self._corrected = {
                int(entry.data["corrects"]): entry.seq
                for entry in entries
                if entry.event == "correction" and isinstance(entry.data.get("corrects"), int)
            }
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        column = index.column()
        if role == Qt.ItemDataRole.FontRole:
            return theme.mono_font() if column in (1, 6) else None
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        entry = self._entries[index.row()]
        text = (
            f"{entry.seq}",
            time_text(entry.utc).removesuffix(" UTC"),
            entry.actor,
            said(entry) + (f" (corrected by {self._corrected[entry.seq]})" if entry.seq in self._corrected else ""),
            entry.exhibit or "–",
            detail(entry.data),
            entry.digest,
        )[column]
        return f"{HEADS[column]}: {text}" if role == Qt.ItemDataRole.AccessibleTextRole else text


def said(entry: CustodyEvent) -> str:
    """What happened, in words: the verb that started or finished, or the name of the event."""
    verb = entry.data.get("verb")
    words = f"{verb} {entry.event}" if isinstance(verb, str) else entry.event.replace("-", " ")
    return words[:1].upper() + words[1:]


def detail(data: dict[str, Any]) -> str:
    """The data of an entry on one line, the names of its values before them."""

    def text(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(map(text, value))
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    parts = []
    for name, value in data.items():
        if isinstance(value, dict):
            parts.append(detail(value))
        elif name != "verb" and value not in ("", None, []):
            parts.append(f"{name.replace('_', ' ')}: {text(value)}")
    return " · ".join(part for part in parts if part)


class CustodyPage(CasePageBase):
    TABLES = frozenset({"exhibit", "acquisition"})

    def __init__(self) -> None:
        self.check_button = button("Check the case", "shield-check", tip="Recompute every link, hash and signature")
        self.add_button = button("Add…", "plus", tip="An event that you report, or a correction of one")
        self.transfer_button = button("Transfer…", "link", tip="An exhibit changes hands; both parties sign")
        self.sign_button = button("Sign…", "fingerprint", tip="A checkpoint under your name, time-stamped if you wish")
        self.receipt_button = button("Receipt…", "copy", tip="The newest checkpoint, for somebody else to keep")
        self.form_button = button("Form…", "report", tip="The custody form of an exhibit, to print")
        super().__init__(
            "Chain of custody", "Every action on the exhibits, each entry linked to the one before by its hash",
            self.check_button,
        )  # fmt: skip
        for wanted, asked in (
            ("verify", self.check_button), ("custody add", self.add_button),
            ("custody transfer", self.transfer_button), ("custody checkpoint", self.sign_button),
            ("custody receipt", self.receipt_button), ("custody form", self.form_button),
        ):  # fmt: skip
            asked.clicked.connect(lambda _=False, verb=wanted: self.verb_wanted.emit(verb))
        self.entries = Stat("Entries", "link")
        self.last = Stat("Last entry", "clock")
        self.state = Stat("Ledger", "shield-lock")
        self.model = LedgerModel()
        self.table = Table(self.model, WIDTHS, "Custody ledger")
        column = QVBoxLayout(self.content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(row(self.entries, self.last, self.state, spacing=12))
        acts = (self.add_button, self.transfer_button, self.sign_button, self.receipt_button, self.form_button)
        buttons = row(*acts, spacing=8, stretch=[0] * len(acts))
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addWidget(self.table, 1)
        self._not_checked()

    def _not_checked(self) -> None:
        self.state.show_number("Not checked", "“Check the case” recomputes every link")

    def show_checked(self, intact: bool, note: str) -> None:
        """Show what `verify` found."""
        self.state.show_number("Intact" if intact else "Not intact", note)

    def enter(self, session: Session) -> None:
        super().enter(session)
        self.reread()

    def leave(self) -> None:
        super().leave()
        self.model.show([])
        self._not_checked()

    def reread(self) -> None:
        if self.session:
            self.session.ask("ledger", lambda view: view.ledger(), self.model.show)

    def show_summary(self, case: Summary) -> None:
        self.transfer_button.setEnabled(bool(case.exhibits))
        self.form_button.setEnabled(bool(case.exhibits))
        day, _, rest = time_text(case.ledger_last).partition(" ")
        self.entries.show_number(f"{case.ledger_entries:,}", "in custody/ledger.jsonl")
        self.last.show_number(rest.removesuffix(" UTC") or day, f"{day}, UTC" if rest else "")
