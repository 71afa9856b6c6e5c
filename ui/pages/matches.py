"""Matches: who was found, decided one after another, and a blind sample that says how good the list is."""

from __future__ import annotations

from PySide6.QtWidgets import QButtonGroup, QStackedWidget, QVBoxLayout

from ui.pages.base import CasePageBase
from ui.pages.matches_queue import QueuePanel
from ui.pages.matches_sample import SamplePanel
from ui.session import Session
from ui.summary import Summary
from ui.widgets.banner import Banner
from ui.widgets.parts import Empty, button


class MatchesPage(CasePageBase):
    TABLES = frozenset({"exposure", "evidence", "decision", "review_sample", "source_record"})

    def __init__(self) -> None:
        self.queue_button, self.sample_button = button("Review queue", "users"), button("Blind sample", "shield-check")
        super().__init__("Matches", "", self.queue_button, self.sample_button)
        self.queue, self.sample = QueuePanel(), SamplePanel()
        self.banner = Banner()
        self.panels = QStackedWidget()
        self._group = QButtonGroup(self)
        for made, panel in ((self.queue_button, self.queue), (self.sample_button, self.sample)):
            made.setCheckable(True)
            self._group.addButton(made)
            self.panels.addWidget(panel)
            made.clicked.connect(lambda _=False, panel=panel: self.show_panel(panel))
            panel.said.connect(self.banner.say)
        self.queue_button.setChecked(True)
        column = QVBoxLayout(self.content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.banner)
        column.addWidget(self.panels, 1)
        first = button("Go to the case", "briefcase", primary=True)
        first.clicked.connect(lambda: self.verb_wanted.emit("page:case"))
        self.set_empty(
            Empty(
                "git-compare",
                "Nobody has been found yet",
                "The drive is indexed and compared with the source records first; then exposure is assessed, and"
                " everybody who was found waits here for a decision.",
                first,
            )
        )

    def show_panel(self, panel: QueuePanel | SamplePanel) -> None:
        self.panels.setCurrentWidget(panel)
        (self.queue_button if panel is self.queue else self.sample_button).setChecked(True)
        self.banner.hide()

    def enter(self, session: Session) -> None:
        super().enter(session)
        self.queue.enter(session)
        self.sample.enter(session)

    def leave(self) -> None:
        super().leave()
        self.queue.leave()
        self.sample.leave()
        self.show_panel(self.queue)

    def reread(self) -> None:
        self.queue.reread(False)
        self.sample.reread()

    def focus_filter(self) -> bool:
        self.show_panel(self.queue)
        self.queue.filter.setFocus()
        self.queue.filter.selectAll()
        return True

    def show_summary(self, case: Summary) -> None:
        found = case.assessment is not None
        self.show_empty(not found)
        for made in (self.queue_button, self.sample_button):
            made.setVisible(found)
        self.sentence.setText("Everybody found stays pending until a person includes or excludes them" if found else "")
        if not self.sample.reviewer.text():
            self.sample.reviewer.setText(case.details.examiner)
