"""What a running verb tells its caller, and how the caller asks it to stop.

| event | fields |
|---|---|
| started | verb, case |
| progress | phase, done, total, unit (`bytes` or `items`), eta_s; at most ten a second |
| changed | tables |
| noted | outcome (of an item: `not_examined`, `failed`, …; of an acquisition: `start`, `check`, `resumed`, `bad`, \
`slow`, `copy`, `digest`), locator (of bytes of a drive: `E-001@OFFSET+LENGTH`), reason |
| finished | outcome (`ok`, `cancelled`, `refused`, `failed`), result; always the last |
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from forensics.errors import Cancelled
from forensics.model import Outcome

Event = dict[str, Any]
Emit = Callable[[Event], None]

PROGRESS_EVERY_S = 0.1
PAUSED_LOOKS_EVERY_S = 0.1


class Job:
    """One run of one verb: it reports numbers, and the shell makes the sentences."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._waited = 0.0
        self._phase = ""
        self._began = 0.0
        self._first = 0
        self._last = 0.0

    def stop(self) -> None:
        """Ask the verb to end soon; safe from a signal handler and from any thread."""
        self._stop.set()

    def pause(self) -> None:
        """Let the verb wait at its next `check`, from any thread, until `resume` or `stop`."""
        self._go.clear()

    def resume(self) -> None:
        self._go.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if a stop was asked for; wait while paused. Verbs call it between items, after committing
        the last."""
        if not self._go.is_set():
            began = time.monotonic()
            while not self._go.wait(PAUSED_LOOKS_EVERY_S) and not self._stop.is_set():
                pass
            self._waited += time.monotonic() - began
        if self._stop.is_set():
            raise Cancelled

    def progress(self, phase: str, done: int, total: int | None, unit: Literal["bytes", "items"] = "bytes") -> None:
        """Say how far `phase` is. The rate, and so the ETA, counts from the first call of the phase."""
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._began, self._first, self._last, self._waited = phase, now, done, 0.0, 0.0
        if now - self._last < PROGRESS_EVERY_S and done != total:
            return
        self._last = now
        worked, seconds = done - self._first, now - self._began - self._waited
        eta = round((total - done) * seconds / worked, 1) if total and worked > 0 and seconds > 0.5 else None
        self._emit({"event": "progress", "phase": phase, "done": done, "total": total, "unit": unit, "eta_s": eta})

    def changed(self, *tables: str) -> None:
        self._emit({"event": "changed", "tables": list(tables)})

    def noted(self, outcome: Outcome, locator: str) -> None:
        """Name one item that was not examined, or failed: a row for the report, not a failure of the verb."""
        self._emit({"event": "noted", "outcome": str(outcome.kind), "locator": locator, "reason": outcome.reason})

    def told(self, kind: str, locator: str, sentence: str) -> None:
        """Tell of an incident while the verb goes on: a bad place, a slow one, a digest so far."""
        self._emit({"event": "noted", "outcome": kind, "locator": locator, "reason": sentence})


def silent() -> Job:
    """A job that nobody watches, for tests and for calls from Python."""
    return Job(lambda _: None)
