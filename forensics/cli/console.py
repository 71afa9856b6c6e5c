"""How a running verb is shown: bars and sentences for people on standard error, or JSON lines for programs."""

from __future__ import annotations

import errno
import json
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from forensics.errors import Cancelled, DriveCustodyError, ExitStatus
from forensics.jobs.events import Emit, Event, Job

Result = dict[str, Any]
Work = Callable[[Job], Result]

_OUTCOME = {
    ExitStatus.OK: "ok",
    ExitStatus.REFUSED: "refused",
    ExitStatus.CANCELLED: "cancelled",
}


class Control:
    """Standard input as the window uses it: the first line is the passphrase, the end of it is the stop; lines `pause`
    and `resume` may come between."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted
        self.first_line = ""
        if wanted:
            self.first_line = sys.stdin.readline().rstrip("\r\n")

    def stop_at_end(self, job: Job) -> None:
        if self.wanted:
            threading.Thread(target=self._wait, args=(job,), daemon=True).start()

    def _wait(self, job: Job) -> None:
        for line in iter(sys.stdin.readline, ""):
            if line.strip() == "pause":
                job.pause()
            elif line.strip() == "resume":
                job.resume()
        job.stop()


class JsonLines:
    """One JSON object a line on standard output, and nothing else there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()

    def close(self) -> None:
        return


class Bars:
    """Progress bars where standard error is a terminal, a line a phase where it is not; sentences for the rest."""

    def __init__(self) -> None:
        self._phase = ""
        self._bars: Any = None
        self._task: Any = None

    def __call__(self, event: Event) -> None:
        kind = event["event"]
        if kind == "progress":
            self._progress(event)
        elif kind == "noted" and event["outcome"] != "digest":
            self.say(f"  {event['outcome'].replace('_', ' ')}: {event['locator']} ({event['reason']})")

    def say(self, sentence: str) -> None:
        if self._bars is not None:
            self._bars.console.print(sentence, markup=False, highlight=False)
        else:
            print(sentence, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _progress(self, event: Event) -> None:
        if not sys.stderr.isatty():
            if event["phase"] != self._phase:
                self._phase = event["phase"]
                self.say(f"  {self._phase} …")
            return
        if self._bars is None:
            self._bars = _rich_bars()
            self._bars.start()
        if event["phase"] != self._phase:
            self._phase = event["phase"]
            self._task = self._bars.add_task(self._phase, total=event["total"], amount="", eta="")
        eta = event["eta_s"]
        self._bars.update(
            self._task,
            completed=event["done"],
            total=event["total"],
            amount=_amount(event),
            eta="" if eta is None else f"{int(eta) // 60}:{int(eta) % 60:02d} left",
        )


def _rich_bars() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn("  {task.description:<24}", markup=False),
        BarColumn(bar_width=32),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[amount]}", markup=False),
        TextColumn("{task.fields[eta]}", markup=False),
        console=Console(stderr=True),
    )


def _amount(event: Event) -> str:
    if event["unit"] != "bytes":
        return f"{event['done']:,}" + (f" of {event['total']:,}" if event["total"] is not None else "")
    done, total = event["done"] / (1 << 20), event["total"]
    return f"{done:,.0f}" + (f" of {total / (1 << 20):,.0f}" if total is not None else "") + " MiB"


def perform(
    verb: str,
    case: Path | None,
    work: Work,
    *,
    as_json: bool,
    control: Control,
    sentences: Callable[[Result], list[str]],
) -> NoReturn:
    """Run `work`, tell about it, and leave the program with its exit status.

    Interrupt and end of control ask the verb to stop; a second interrupt stops it at once.
    """
    emit: Any = JsonLines() if as_json else Bars()
    job = Job(emit)
    _stop_on_interrupt(job)
    control.stop_at_end(job)
    emit({"event": "started", "verb": verb, "case": str(case) if case else ""})
    status, result = _outcome(work, job, emit, as_json)
    emit.close()
    if as_json:
        emit({"event": "finished", "outcome": _OUTCOME.get(status, "failed"), "result": result})
    elif status is ExitStatus.OK or "facts" in result:
        for sentence in sentences(result):
            print(sentence)
    sys.stdout.flush()
    sys.exit(int(status))


def _stop_on_interrupt(job: Job) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        if job.stopping:
            signal.default_int_handler(number, frame)
        job.stop()

    signal.signal(signal.SIGINT, stop)


def _outcome(work: Work, job: Job, emit: Emit, as_json: bool) -> tuple[ExitStatus, Result]:
    try:
        result = work(job)
        return ExitStatus(int(result.pop("status", ExitStatus.OK))), result
    except DriveCustodyError as error:
        return _told(error, emit, as_json)
    except KeyboardInterrupt:
        return _told(Cancelled(), emit, as_json)
    except OSError as error:
        return _told(_environment(error), emit, as_json)
    except Exception as error:
        if (full := _database_full(error)) is not None:
            return _told(full, emit, as_json)
        return _told(_Crash(error), emit, as_json)


class _Crash(DriveCustodyError):
    """A defect as people see it: where it happened, and none of the values it happened with."""

    def __init__(self, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)[-4:]
        trace = " < ".join(f"{Path(f.filename).stem}:{f.lineno} {f.name}" for f in reversed(frames))
        super().__init__(
            f"DriveCustody has a defect ({type(error).__name__} at {trace}).",
            "What was finished is kept. Please report this line; it holds nothing of the case.",
        )


def _environment(error: OSError) -> DriveCustodyError:
    from forensics.errors import EnvironmentFailed

    what = error.strerror or type(error).__name__
    remedy = {
        errno.ENOSPC: "Make room on the disk and run the same command again; it goes on where it stopped.",
        errno.EACCES: "Check the permissions, or run it as a user who has them.",
        errno.ENODEV: "Plug the drive in again and run the same command again.",
    }.get(error.errno or 0, "Put that right and run the same command again.")
    return EnvironmentFailed(f"The system says: {what}.", remedy)


def _database_full(error: Exception) -> DriveCustodyError | None:
    """The error people can mend behind a database error, where it is one."""
    text = str(getattr(error, "orig", ""))
    if "disk is full" in text or "disk I/O error" in text:
        return _environment(OSError(errno.ENOSPC, "No space left on device"))
    return None


def _told(error: DriveCustodyError, emit: Emit, as_json: bool) -> tuple[ExitStatus, Result]:
    if isinstance(emit, Bars):
        emit.close()
    # Programs get the sentence in the result, people on standard error; a program that shows standard error has both.
    print(f"{error.message} {error.remedy}".strip(), file=sys.stderr, flush=True)
    told: Result = {"message": error.message, "remedy": error.remedy} if as_json else {}
    return error.status, {**told, **getattr(error, "result", {})}
