"""The long-lived `serve` child of an open case: it reads the exhibit's bytes, so that the window never does.

| phase | caller | thread | duty |
|---|---|---|---|
| `ask` | a page | UI | the child is started with the first question; a question is one JSON line |
| answer | the child | UI | `take` gets it; a refusal goes to `failed`, or to `refused` where the asker wants it |
| the child dies | – | UI | open questions are refused; the next question starts another |
| `close` | the window | UI | its input is closed, and it ends by itself |
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from ui.bridge import LONGEST_LINE, own_command

Answer = dict[str, Any]
Take = Callable[[Answer], None]


class Companion(QObject):
    """Asks `serve` about one case."""

    failed = Signal(str)
    """A sentence about a question that was refused, where the asker did not want it."""

    restarted = Signal()
    """The child is another one: what was opened in it is open no more."""

    def __init__(self, case: Path, secret: str, parent: QObject | None = None, program: Sequence[str] = ()) -> None:
        super().__init__(parent)
        self._case, self._secret = case, secret
        self._program = list(program) or own_command()
        self._process: QProcess | None = None
        self._line = bytearray()
        self._number = 0
        self._waiting: dict[int, tuple[Take, Callable[[str], None]]] = {}

    def ask(self, verb: str, take: Take, refused: Callable[[str], None] | None = None, **request: object) -> None:
        """Put a question; `take` gets the answer once it is there, `refused` the sentence why there is none."""
        if self._process is None:
            self._start()
        self._number += 1
        self._waiting[self._number] = (take, refused or self.failed.emit)
        assert self._process is not None
        self._process.write(json.dumps({"id": self._number, "verb": verb, **request}).encode() + b"\n")

    def close(self) -> None:
        """Say nothing more; the child ends with its input."""
        self._waiting.clear()
        process, self._process = self._process, None
        if process is not None:
            process.disconnect(self)
            process.closeWriteChannel()
            if not process.waitForFinished(2_000):
                process.kill()
                process.waitForFinished(2_000)
            process.deleteLater()

    # ------------------------------------------------------------------------------------------------------ the child

    def _start(self) -> None:
        self._process = process = QProcess(self)
        self._line.clear()
        process.setStandardErrorFile(QProcess.nullDevice())
        environment = QProcessEnvironment.systemEnvironment()
        environment.remove("DRIVECUSTODY_PASSPHRASE")
        if not getattr(sys, "frozen", False):
            here, given = str(Path(__file__).resolve().parent.parent), environment.value("PYTHONPATH")
            separator = ";" if sys.platform == "win32" else ":"
            environment.insert("PYTHONPATH", here + (f"{separator}{given}" if given else ""))
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._ended)
        process.errorOccurred.connect(
            lambda error: self._ended() if error is QProcess.ProcessError.FailedToStart else None
        )
        process.start(self._program[0], [*self._program[1:], "serve", str(self._case), "--control", "stdin"])
        process.write(self._secret.encode("utf-8") + b"\n")

    def _read(self) -> None:
        if self._process is None:
            return
        self._line += self._process.readAllStandardOutput().data()
        *lines, rest = self._line.split(b"\n")
        self._line = bytearray() if len(rest) > LONGEST_LINE else bytearray(rest)
        for line in lines:
            self._take(bytes(line))

    def _take(self, line: bytes) -> None:
        try:
            said = json.loads(line)
            if said["event"] != "answer":
                return
            answered = self._waiting.pop(int(said["id"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        if said.get("outcome") == "ok":
            answered[0](said)
        else:
            answered[1](str(said.get("message", "This could not be read.")))

    def _ended(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        waiting, self._waiting = self._waiting, {}
        self.restarted.emit()
        for asked in waiting.values():
            asked[1]("The reader of contents stopped. Try again.")
