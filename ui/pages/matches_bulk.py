"""A decision about everybody of a tier who is still pending: counted, confirmed, with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from forensics.model import Tier
from ui.models.persons import TIER
from ui.pages.forms import Form
from ui.widgets.parts import Tick, count_text, label, relabel

DECISIONS = (("included", "Include: they are affected"), ("excluded", "Exclude: they are not"))


@dataclass(frozen=True, slots=True)
class Counts:
    """State of review → tier → persons, and tier → persons pending with a conflict."""

    by_state: dict[str, dict[str, int]]
    conflicts: dict[str, int]

    @property
    def all_conflicts(self) -> int:
        return sum(self.conflicts.values())

    def pending(self, tier: str) -> int:
        return self.by_state["pending"][str(tier)]


class BulkForm(Form):
    """Can be accepted with a reason, and with a tick that says how many persons it is about."""

    def __init__(self, counts: Counts, parent: QWidget | None = None) -> None:
        super().__init__(
            "Decide a tier",
            "Everybody of the tier who is pending gets this decision, in one act that can be taken back. Whoever was"
            " decided alone keeps that decision. The ledger gets the number and a seal.",
            "Decide",
            parent,
        )
        self._counts = counts
        offered = tuple((str(tier), TIER[tier][0]) for tier in Tier if counts.pending(tier))
        self._tier = self.choice("Tier", offered)
        self._decision = self.choice("Decision", DECISIONS)
        self.reason = self.line("Reason", "", "Kept in the case with each of these decisions", required=True)
        self.warning = label("", "muted", wrap=True)
        self.sure = Tick("")
        self.grid.addWidget(self.warning, self.grid.rowCount(), 0, 1, 2)
        self.grid.addWidget(self.sure, self.grid.rowCount(), 0, 1, 2)
        self.rule(lambda: "" if self.sure.isChecked() else "Tick that the number is the one you mean.")
        for box in (self._tier, self._decision):
            box.currentIndexChanged.connect(self._say)
        self.sure.toggled.connect(lambda _: self.check())
        self._say()

    @property
    def tier(self) -> str:
        return str(self._tier.currentData())

    @property
    def decision(self) -> str:
        return str(self._decision.currentData())

    @property
    def said(self) -> str:
        return self.reason.text().strip()

    def choose(self, tier: str, decision: str) -> None:
        """Choose as a person would."""
        self._tier.setCurrentIndex(self._tier.findData(tier))
        self._decision.setCurrentIndex(self._decision.findData(decision))

    def _say(self) -> None:
        if self._tier.currentData() is None:
            return
        count, conflicts = self._counts.pending(self.tier), self._counts.conflicts[self.tier]
        verb = "Include" if self.decision == "included" else "Exclude"
        relabel(self.accept_button, f"{verb} {count_text(count, 'person')}", False)
        self.sure.setChecked(False)
        text = f"{verb} all {count_text(count, 'pending person')} of the tier {TIER[self.tier][0].lower()}"
        self.sure.setText(text)
        self.sure.setAccessibleName(text)
        self.warning.setText(
            f"At places of {conflicts:,} of them a field differs. Look at those first: the queue has “Conflicts only”."
            if conflicts
            else "At no place of theirs does a field differ."
        )
        self.check()
