"""An open case for the pages: questions answered off the UI thread, and the news that something changed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

from forensics.casefile.views import CaseView
from forensics.errors import DriveCustodyError
from ui.companion import Companion

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Answer:
    name: str
    ticket: int
    take: Callable[[Any], None]
    value: Any
    error: Exception | None


class Session(QObject):
    """One case opened for reading. Close it when the case is left."""

    changed = Signal(object)
    """A frozenset of the names of tables that a verb changed; `ALL` when the verb ended."""

    failed = Signal(str)
    """A sentence about an answer that could not be had, with what to do."""

    wrote = Signal(object)
    """A frozenset of the names of tables that the companion changed."""

    _answered = Signal(object)

    ALL = frozenset({"*"})

    def __init__(self, view: CaseView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self._tickets: dict[str, int] = {}
        self._threads = ThreadPoolExecutor(2, "case-reader")
        self._closed = False
        self._answered.connect(self._hand_over)
        self._companion: Companion | None = None

    @property
    def companion(self) -> Companion:
        """Who writes for the pages: decisions, reveals, samples. Its child is started with the first question."""
        if self._companion is None:
            self._companion = Companion(self.view.folder.path, self.secret, parent=self)
            self._companion.wrote.connect(self.wrote)
        return self._companion

    @property
    def secret(self) -> str:
        """What a verb gets as the first line of its input."""
        return f"key:{self.view.key.hex()}"

    def ask(self, name: str, question: Callable[[CaseView], T], take: Callable[[T], None]) -> None:
        """Put a question to the case in another thread; `take` gets the answer in this one.

        Of two questions with one name only the newer is answered.
        """
        if self._closed:
            return
        ticket = self._tickets[name] = self._tickets.get(name, 0) + 1
        self._threads.submit(self._work, name, ticket, question, take)

    def _work(self, name: str, ticket: int, question: Callable[[CaseView], Any], take: Callable[[Any], None]) -> None:
        if self._closed or self._tickets[name] != ticket:
            return
        value, error = None, None
        try:
            value = question(self.view)
        except Exception as caught:
            error = caught
        if not self._closed:
            self._answered.emit(_Answer(name, ticket, take, value, error))

    def _hand_over(self, answer: _Answer) -> None:
        if self._closed or self._tickets[answer.name] != answer.ticket:
            return
        if isinstance(answer.error, DriveCustodyError):
            self.failed.emit(str(answer.error))
        elif answer.error is not None:
            raise answer.error
        else:
            answer.take(answer.value)

    def close(self) -> None:
        """Forget what was asked and close the case; waits for the question that is being answered."""
        self._closed = True
        if self._companion is not None:
            self._companion.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.view.close()
