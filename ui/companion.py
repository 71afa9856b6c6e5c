"""The window's companion: one long-lived `serve` child that decides, reveals and reads the exhibit's
bytes for the pages.

| phase | caller | thread | duty |
|---|---|---|---|
| `ask` | a page | UI | the child is started with the first question, and again after it ended |
| answers | the child | UI, a line at a time | in the order of the questions; each goes to the page that asked |
| `close` | the session | UI | end of file; what was asked and not answered is never answered |
| death of the child | the system | UI | every open question is refused with a sentence; nothing is asked twice |

A decision is written once: a question whose child died may or may not have been done, and only the case can say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, Signal

from ui.bridge import LONGEST_LINE, child_process, own_command

Answer = dict[str, Any]

END_WITHIN_MS = 2_000
WRITTEN_WITHIN_MS = 60_000
"""A decision that is being written is waited for: killing the child would leave in doubt whether it stands."""

WRITES = {
    "review decide": frozenset({"decision", "exposure"}),
    "review undo": frozenset({"decision", "exposure"}),
    "review sample draw": frozenset({"review_sample"}),
    "review sample answer": frozenset({"sample_answer"}),
    "review sample close": frozenset({"review_sample"}),
    "reveal": frozenset({"reveal"}),
}
"""Which tables an answer of this verb changed; the pages that show them read them again."""

ENDED = "The window’s companion ended before it answered. Look at what stands in the case, then try again."


class Companion(QObject):
    """Asks the `serve` child of one case. No question blocks, and none is asked twice."""

    wrote = Signal(object)
    """A frozenset of the tables that an answer changed."""

    ended = Signal()
    """The child is no more; what it held open is open no longer."""

    def __init__(self, case: Path, secret: str, program: Sequence[str] = (), parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._case, self._secret = case, secret
        self._program = list(program) or own_command()
        self._process: QProcess | None = None
        self._line = bytearray()
        self._asked = 0
        self._open: dict[int, tuple[str, Callable[[Answer], None], Callable[[str], None]]] = {}
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many questions have no answer yet."""
        return len(self._open)

    def ask(self, verb: str, request: Answer, take: Callable[[Answer], None], refused: Callable[[str], None]) -> None:
        """Put a question; either `take` gets the answer or `refused` the sentence that says why there is none."""
        if self._closed:
            return
        process = self._process or self._start()
        self._asked += 1
        self._open[self._asked] = (verb, take, refused)
        process.write(json.dumps({**request, "id": self._asked, "verb": verb}).encode("utf-8") + b"\n")

    def close(self) -> None:
        """End the child; nobody is answered any more."""
        self._closed = True
        writing = any(verb in WRITES for verb, _, _ in self._open.values())
        self._open.clear()
        if self._process is not None:
            self._process.closeWriteChannel()
            if not self._process.waitForFinished(WRITTEN_WITHIN_MS if writing else END_WITHIN_MS):
                self._process.kill()
                self._process.waitForFinished(END_WITHIN_MS)

    def _start(self) -> QProcess:
        self._process = process = child_process(self)
        self._line.clear()
        process.readyReadStandardOutput.connect(lambda: self._read(process))
        process.finished.connect(lambda *_: self._ended(process))
        process.errorOccurred.connect(lambda error: self._went_wrong(process, error))
        process.start(self._program[0], [*self._program[1:], "serve", str(self._case), "--control", "stdin"])
        process.write(self._secret.encode("utf-8") + b"\n")
        return process

    def _went_wrong(self, process: QProcess, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self._ended(process)

    def _read(self, process: QProcess) -> None:
        if self._closed:
            # The last words of the child may come when the process object is gone already.
            return
        self._line += process.readAllStandardOutput().data()
        *lines, rest = self._line.split(b"\n")
        self._line = bytearray() if len(rest) > LONGEST_LINE else rest
        for line in lines:
            self._take(bytes(line))

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
            if event["event"] != "answer":
                return
            verb, take, refused = self._open.pop(event["id"])
        except (ValueError, KeyError, TypeError, RecursionError):
            # A library below printed something, or the line answers nothing that was asked.
            return
        if event.get("outcome") == "ok":
            take(event)
            if tables := WRITES.get(verb):
                self.wrote.emit(tables)
        else:
            refused(str(event.get("message") or ENDED))

    def _ended(self, process: QProcess) -> None:
        if process is not self._process or self._closed:
            return
        self._read(process)
        self._process = None
        process.deleteLater()
        left, self._open = self._open, {}
        self.ended.emit()
        for _, _, refused in left.values():
            refused(ENDED)
