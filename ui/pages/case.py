"""The case: what was said about it, and how far the work is."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QScrollArea, QVBoxLayout, QWidget

from ui import theme
from ui.bridge import Progress
from ui.pages.base import CasePageBase
from ui.summary import Step, Summary, steps
from ui.widgets.parts import Card, Facts, Glyph, button, chip, label, relabel, row, set_chip, time_text


class _StepRow:
    """The widgets of one step, laid into the grid of the workflow."""

    def __init__(self, grid: QGridLayout, at: int, step: Step) -> None:
        self.name = label(f"{at + 1}  {step.name}", "strong")
        self.said = label("", "small")
        self.state = chip("", "idle")
        self.state.setAccessibleName(f"State of {step.name}")
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.name)
        words.addWidget(self.said)
        grid.addWidget(Glyph(step.icon, "accent", 22), at, 0)
        grid.addLayout(words, at, 1)
        grid.addWidget(self.state, at, 2, Qt.AlignmentFlag.AlignRight)

    def show(self, step: Step, state: str, kind: str) -> None:
        self.said.setText(step.said)
        set_chip(self.state, state, kind)


class CasePage(CasePageBase):
    """Details, source records and the workflow; the button at the top does what comes next."""

    leave_wanted = Signal()

    def __init__(self) -> None:
        self.close_button = button("C&lose case", "folder", tip="Close this case and choose another")
        self.next_button = button("Next step", "player-play", primary=True)
        super().__init__("Case", "", self.close_button, self.next_button)
        self._case: Summary | None = None
        self._running, self._progress = "", ""
        self._due: list[tuple[str, str]] = []
        self._rows: list[_StepRow] = []
        self.details, self.records = Facts(mono=("Case folder",)), Facts(mono=("Table",))
        self.records_chip = chip("", "idle")
        left = Card("Details")
        left.body.addLayout(self.details)
        left.body.addStretch()
        right = Card("Source records", self.records_chip)
        right.body.addLayout(self.records)
        right.body.addWidget(
            label("Records are kept in the encrypted case. Nothing leaves this workstation.", "small", wrap=True)
        )
        right.body.addStretch()
        self.workflow = Card("Workflow", spacing=12)
        self._grid = QGridLayout()
        self._grid.setVerticalSpacing(12)
        self._grid.setHorizontalSpacing(14)
        self._grid.setColumnStretch(1, 1)
        self.workflow.body.addLayout(self._grid)
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        column.addLayout(row(left, right, spacing=14, stretch=(3, 2)))
        column.addWidget(self.workflow)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        scroll.setAccessibleName("Case")
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self.content)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        self.close_button.clicked.connect(self.leave_wanted)
        self.next_button.clicked.connect(self._next)

    def show_summary(self, case: Summary) -> None:
        self._case = case
        if case.assessment is None:
            self._due = []
        elif self.session is not None and not self._running:
            self.session.companion.ask("duties", {}, self._take_duties, lambda _: None)
        self._show_details(case)
        self._show_records(case)
        self._show_steps()

    def _take_duties(self, told: dict[str, Any]) -> None:
        self._due = due_dates(told)
        if self._case is not None:
            self._show_details(self._case)

    def _show_details(self, case: Summary) -> None:
        said = case.details
        self.title.setText(f"Case {said.number}")
        self.sentence.setText(said.title)
        self.details.show(
            (name, value)
            for name, value in (
                ("Organisation", said.organisation),
                ("Examiner", said.examiner),
                ("Opened", time_text(said.created)),
                ("Copied", said.copied),
                ("Left", said.left),
                ("Returned", said.returned),
                ("First known", said.first_known + (f", by {said.known_by}" if said.known_by else "")),
                ("Volumes", _volumes(case)),
                *self._due,
                ("Case folder", str(case.folder)),
            )
            if value
        )

    def _show_records(self, case: Summary) -> None:
        if case.sources:
            last = case.sources[-1]
            others = f" and {len(case.sources) - 1:,} more" if len(case.sources) > 1 else ""
            self.records.show(
                (name, value)
                for name, value in (
                    ("Table", last.name + others),
                    ("Records", f"{case.records:,}"),
                    ("As of", last.as_of),
                )
                if value
            )
            set_chip(self.records_chip, "Loaded", "ok")
        else:
            self.records.show([("Records", "None yet")])
            set_chip(self.records_chip, "Missing", "warn")

    def _show_steps(self) -> None:
        if self._case is None:
            return
        work = steps(self._case)
        if not self._rows:
            self._rows = [_StepRow(self._grid, at, step) for at, step in enumerate(work)]
        following = next((step for step in work if not step.done), None)
        for line, step in zip(self._rows, work, strict=True):
            if step.verb == self._running or (self._running in ("run", "demo") and step is following):
                line.show(step, f"Running {self._progress}".strip(), "info")
            elif step.done:
                line.show(step, "Done", "ok")
            else:
                line.show(step, "Next" if step is following else "Waiting", "info" if step is following else "idle")
        self.next_button.setEnabled(not self._running)
        relabel(self.next_button, following.action if following else "Make another draft")
        theme.dress(self.next_button, following.icon if following else "writing-sign", "on_accent")

    def _next(self) -> None:
        if self._case is not None:
            self.verb_wanted.emit(next((s.verb for s in steps(self._case) if not s.done), "report"))

    def show_running(self, verb: str, progress: Progress | None = None) -> None:
        """Show in the workflow what runs; an empty verb where nothing does."""
        permille = progress.permille if progress else None
        text = "" if permille is None else f"{permille // 10} %"
        if (verb, text) != (self._running, self._progress):
            self._running, self._progress = verb, text
            self._show_steps()

    def leave(self) -> None:
        super().leave()
        self._case, self._due = None, []

    def states(self) -> list[str]:
        """The states as they are shown, from the first step to the last."""
        return [line.state.text() for line in self._rows]


def due_dates(told: dict[str, Any]) -> list[tuple[str, str]]:
    """What is due first of the answer to `duties`, and what has no date because something was not said yet."""
    days = [(str(duty["due"])[:10], duty) for duty in told["duties"] if duty["due"]]
    without = sorted({str(duty["because"]) for duty in told["duties"] if not duty["due"]})
    first = [
        f"{day}, {duty['weekday']}: {duty['notify']} ({duty['citation']})" for day, duty in days if day == days[0][0]
    ]
    if len(days) > len(first):
        first.append(f"then {len(days) - len(first)} more by {days[-1][0]}")
    shown = [("Notice due first", "\n".join(first))] if first else []
    return shown + ([("Due, no date yet", "; ".join(without))] if without else [])


def _volumes(case: Summary) -> str:
    return "; ".join(
        f"{volume.file_system or volume.kind}" + (f" “{volume.label}”" if volume.label else "")
        for volume in case.volumes
    )
