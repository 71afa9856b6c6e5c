"""Between the window and the command line: one child process a verb, its events as signals.

| phase | caller | thread | duty |
|---|---|---|---|
| `start` | a page | UI | the child gets the secret as the first line of its standard input, never as an argument |
| events | the child | UI, a line at a time | `started`, `progressed`, `changed`, `noted` |
| `pause`, `resume` | a person | UI | a line on the child's input; it waits before its next piece of work |
| `cancel` | a person | UI | end of file on the child's input; after 10 s it is asked to end, after 20 s it is made to |
| `finished` | the end of the child | UI | exactly once, whatever happened to the child |

The child's standard error is thrown away: it may name files of the exhibit, and nobody here may show it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from forensics.errors import ExitStatus

TERMINATE_AFTER_MS = 10_000
KILL_AFTER_MS = 20_000

LONGEST_LINE = 64 << 20
"""Bytes; a longer line is no event of ours."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase is. `total` and `eta_s` are None where nobody knows."""

    phase: str
    done: int
    total: int | None
    unit: str
    eta_s: float | None

    @property
    def permille(self) -> int | None:
        return None if not self.total else min(1000, self.done * 1000 // self.total)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a verb ended: `outcome` is ok, cancelled, refused or failed; `remedy` says what to do about it."""

    verb: str
    outcome: str
    result: dict[str, Any] = field(default_factory=dict)
    sentence: str = ""
    remedy: str = ""
    status: int | None = None
    """The exit status; None where the child did not end by itself."""

    @property
    def cancelled(self) -> bool:
        return self.outcome == "cancelled"

    @property
    def done(self) -> bool:
        return self.outcome == "ok"


def own_command() -> list[str]:
    """How the command line is started from here: beside the frozen program, or by this interpreter."""
    if getattr(sys, "frozen", False):
        return [str(Path(sys.executable).with_name("drivecustody" + Path(sys.executable).suffix))]
    # -P: the folder in which the window was started may be anybody's, and must not lend its modules.
    return [sys.executable, "-P", "-m", "forensics"]


def child_process(parent: QObject) -> QProcess:
    """A process that can be started as the command line: it gets no passphrase from our environment, its standard
    error goes nowhere, and it finds the modules that this window runs with."""
    made = QProcess(parent)
    made.setStandardErrorFile(QProcess.nullDevice())
    environment = QProcessEnvironment.systemEnvironment()
    environment.remove("DRIVECUSTODY_PASSPHRASE")
    if not getattr(sys, "frozen", False):
        here, given = str(Path(__file__).resolve().parent.parent), environment.value("PYTHONPATH")
        environment.insert("PYTHONPATH", here + (f"{_SEPARATOR}{given}" if given else ""))
    made.setProcessEnvironment(environment)
    return made


class Command(QObject):
    """One run of one verb in a process of its own."""

    started = Signal(str)
    progressed = Signal(object)
    changed = Signal(object)
    noted = Signal(str, str, str)
    finished = Signal(object)

    def __init__(self, verb: str, program: Sequence[str] = (), parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.verb = verb
        self.cancelling = False
        self.paused = False
        self._program = list(program) or own_command()
        self._line = bytearray()
        self._ending: Ending | None = None
        self._over = False
        self._process = child_process(self)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._ended)
        self._process.errorOccurred.connect(self._went_wrong)
        self._terminate = QTimer(self, singleShot=True, interval=TERMINATE_AFTER_MS)
        self._terminate.timeout.connect(self._process.terminate)
        self._kill = QTimer(self, singleShot=True, interval=KILL_AFTER_MS)
        self._kill.timeout.connect(self._process.kill)

    @property
    def running(self) -> bool:
        return not self._over

    @property
    def process_id(self) -> int:
        return self._process.processId()

    def start(self, arguments: Sequence[str], secret: str = "", lines: Sequence[str] = ()) -> None:
        """Run the verb. `secret` is the passphrase, or ``key:`` and the key in hex.

        `lines` are what an option that reads ``-`` gets behind it, up to an empty line: never on a command line.
        """
        self._process.start(
            self._program[0], [*self._program[1:], self.verb, *arguments, "--json", "--control", "stdin"]
        )
        self._process.write(secret.encode("utf-8") + b"\n")
        if lines:
            self._process.write("".join(f"{line}\n" for line in lines).encode("utf-8") + b"\n")

    def pause(self) -> None:
        """Ask the verb to wait before its next piece of work; a device stays open meanwhile."""
        self._control("pause", True)

    def resume(self) -> None:
        self._control("resume", False)

    def _control(self, line: str, paused: bool) -> None:
        if self.cancelling or self._over or self.paused is paused:
            return
        self.paused = paused
        self._process.write(line.encode() + b"\n")

    def abandon(self) -> None:
        """End the child at once, and say nothing more of it; only for verbs that write nothing."""
        self._over = True
        self._process.kill()
        self._process.waitForFinished(2_000)

    def cancel(self) -> None:
        """Ask the verb to stop: it commits the work in hand and goes on from there when it is run again."""
        if self.cancelling or self._over:
            return
        self.cancelling = True
        self._process.closeWriteChannel()
        self._terminate.start()
        self._kill.start()

    # --------------------------------------------------------------------------------------------------- the child

    def _read(self) -> None:
        self._line += self._process.readAllStandardOutput().data()
        *lines, rest = self._line.split(b"\n")
        self._line = bytearray() if len(rest) > LONGEST_LINE else rest
        for line in lines:
            self._take(bytes(line))

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
            kind = event["event"]
            if kind == "started":
                self.started.emit(str(event["verb"]))
            elif kind == "progress":
                total, eta = event["total"], event["eta_s"]
                self.progressed.emit(
                    Progress(
                        str(event["phase"]), int(event["done"]), None if total is None else int(total),
                        str(event["unit"]), None if eta is None else float(eta),
                    )
                )  # fmt: skip
            elif kind == "changed":
                self.changed.emit(frozenset(map(str, event["tables"])))
            elif kind == "noted":
                self.noted.emit(str(event["outcome"]), str(event["locator"]), str(event["reason"]))
            elif kind == "finished":
                result = event["result"] if isinstance(event["result"], dict) else {"value": event["result"]}
                self._ending = Ending(
                    self.verb, str(event["outcome"]), result, str(result.get("message") or ""),
                    str(result.get("remedy") or ""),
                )  # fmt: skip
        except (ValueError, KeyError, TypeError, RecursionError):
            # A library below the verb printed something: it is no event, and it is not ours to show.
            return

    def _went_wrong(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self._end(
                Ending(
                    self.verb, "failed", sentence="The command line could not be started.",
                    remedy="Install DriveCustody again; parts of it are missing.",
                )
            )  # fmt: skip

    def _ended(self, status: int, how: QProcess.ExitStatus) -> None:
        if self._over:
            return
        self._read()
        by_itself = how is QProcess.ExitStatus.NormalExit
        told = self._ending
        if told is not None:
            sentence, remedy = told.sentence, told.remedy
            if not told.done and not sentence:
                sentence, remedy = _sentence(self.verb, told.outcome), remedy
            self._end(Ending(self.verb, told.outcome, told.result, sentence, remedy, status if by_itself else None))
        elif self.cancelling:
            self._end(Ending(self.verb, "cancelled", sentence="Stopped.", status=status if by_itself else None))
        elif by_itself and status == ExitStatus.USAGE:
            self._end(
                Ending(
                    self.verb, "failed", sentence=f"The command line did not understand “{self.verb}” (status 2).",
                    remedy="Check what was filled in.", status=status,
                )
            )  # fmt: skip
        else:
            what = f"ended with status {status}" if by_itself else f"was stopped by the system (signal {status})"
            self._end(
                Ending(
                    self.verb, "failed", sentence=f"“{self.verb}” {what} before it was finished.",
                    remedy="What was finished is kept. Run it again to go on from there.",
                    status=status if by_itself else None,
                )
            )  # fmt: skip

    def _end(self, ending: Ending) -> None:
        if self._over:
            return
        self._over = True
        self._terminate.stop()
        self._kill.stop()
        self.finished.emit(ending)


_SEPARATOR = ";" if sys.platform == "win32" else ":"


def _sentence(verb: str, outcome: str) -> str:
    return {
        "cancelled": "Stopped at your request. Run it again to go on.",
        "refused": f"“{verb}” was refused.",
    }.get(outcome, f"“{verb}” failed.")
