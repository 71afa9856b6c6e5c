"""What is missed: of invented persons planted in copies of the drive's contents, the share found, layout by layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.models.rows import RowsModel
from ui.widgets.parts import button, label, row
from ui.widgets.tables import Table

WHAT = (
    "Decoys measure what is found by chance; what is missed they cannot see. The spike test plants invented persons in"
    " copies of this drive’s contents, in memory only, and counts how many of them are found."
)
NOT_MEASURED = (
    "Recall was not measured: nobody was planted. Measuring compares nothing again that was compared, and changes no"
    " number of the exposure."
)
NO_NAMES = (
    "Recall cannot be measured in this case: its records are fingerprints, and invented persons are made of the"
    " records’ own names."
)


class RecallPanel(QWidget):
    measure_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.model = RowsModel(
            ("Layout", "Planted", "Found", "Share", "95 % interval", "Note"), right=frozenset({1, 2, 3, 4})
        )
        self.table = Table(self.model, (356, 74, 64, 80, 144, 300), "Recall by layout")
        self.measure = button("Measure recall…", "shield-check", tip="Plant invented persons and look for them")
        self.measure.clicked.connect(self.measure_wanted)
        self.state = label("", "strong", wrap=True)
        self.said = label("", "muted", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(label(WHAT, "muted", wrap=True))
        column.addLayout(row(self.state, self.measure, stretch=(1, 0)))
        column.addWidget(self.table, 1)
        column.addWidget(self.said)
        self._space = QWidget()
        column.addWidget(self._space, 1)
        self.clear()

    def clear(self) -> None:
        self.show_result({}, False)

    def show_result(self, result: Mapping[str, Any], by_fingerprints: bool) -> None:
        """Show the recall that `assess` printed, or why there is none."""
        recall = result.get("recall") or {}
        layouts = recall.get("layouts") or ()
        self.model.show([_row(one) for one in layouts])
        self.table.setVisible(bool(layouts))
        self._space.setVisible(not layouts)
        self.said.setText(str(recall.get("said") or ""))
        self.said.setVisible(bool(layouts))
        self.measure.setVisible(not by_fingerprints)
        self.measure.setText(" Measure again…" if layouts else " Measure recall…")
        if layouts:
            measured = [one for one in layouts if one["share"] is not None]
            tried = f"{len(measured)} of {len(layouts)} layouts could be tried, {recall['each']:,} persons each."
            least = min(measured, key=lambda one: float(one["share"]), default=None)
            worst = f" Least was found of: {least['layout']} ({share_text(least['share'])})." if least else ""
            self.state.setText(tried + worst)
        else:
            self.state.setText(NO_NAMES if by_fingerprints else NOT_MEASURED)


def share_text(part: float) -> str:
    """A share from 0 to 1 as the report prints it: it never rounds to all or nothing where it is neither."""
    shown = f"{100 * part:.1f} %"
    if part < 1 and shown == "100.0 %":
        return "> 99.9 %"
    return "< 0.1 %" if part > 0 and shown == "0.0 %" else shown


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    measured = one["share"] is not None
    return (
        str(one["layout"]),
        f"{one['planted']:,}",
        f"{one['found']:,}",
        share_text(one["share"]) if measured else "–",
        f"{share_text(one['low'])} – {share_text(one['high'])}" if measured else "–",
        str(one["note"]),
    )
