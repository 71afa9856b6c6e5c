"""What the window asks of every page."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from ui.session import Session
from ui.summary import Summary
from ui.widgets.parts import Empty, Page


class CasePageBase(Page):
    """A page of an open case: it shows a summary, and asks its session for what is more than that.

    Pages that need a stage of the work first call `show_empty`, and say in it what comes first.
    """

    verb_wanted = Signal(str)
    """A verb that the person asked for here; the window fills in its arguments and runs it."""

    TABLES: frozenset[str] = frozenset()
    """The tables this page reads beyond the summary."""

    def __init__(self, title: str, sentence: str = "", *buttons: QWidget) -> None:
        super().__init__(title, sentence, *buttons)
        self.session: Session | None = None
        self._stack = QStackedWidget()
        self.content = QWidget()
        self.content.setObjectName("page")
        self._empty: Empty | None = None
        self._stack.addWidget(self.content)
        self.body.addWidget(self._stack, 1)

    def enter(self, session: Session) -> None:
        """A case was opened."""
        self.session = session

    def leave(self) -> None:
        """The case was closed; nothing of it may stay on the page."""
        self.session = None

    def show_summary(self, case: Summary) -> None:
        raise NotImplementedError

    def reread(self) -> None:
        """Read again what is shown beyond the summary."""

    def focus_filter(self) -> bool:
        """Put the cursor into the filter of this page; False where it has none."""
        return False

    def set_empty(self, empty: Empty) -> None:
        self._empty = empty
        self._stack.addWidget(empty)

    def show_empty(self, empty: bool) -> None:
        if self._empty is not None:
            self._stack.setCurrentWidget(self._empty if empty else self.content)

    @property
    def is_empty(self) -> bool:
        return self._stack.currentWidget() is self._empty
