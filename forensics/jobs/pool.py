"""Runs strangers' parsers where they can do no harm: one process each, one item at a time.

A worker that crashes, hangs or eats its memory costs the item it is at and nothing else. Each worker has a pipe of its
own and shares no lock with the others, and it counts the items that it began where the parent can see it: so the parent
always knows whose fault it was, however many items it gave (docs/decisions/one-pipe-a-worker.md).

| phase | caller | process | duty |
|---|---|---|---|
| prepare | pool | worker, once | limits, the caller's `initializer` (opens the image, the index), last the locks |
| work | pool | worker, once an item | takes a picklable item, gives a picklable value; may raise anything |
| check | pool | parent, ten times a second | raises to cancel |

A parser that is taken over reads what `Locks` leaves readable and no more, where the kernel has the locks
(`jobs/confinement.py`). Of what it sends the parent unpickles plain values of this program, and calls nothing that a
pickle names (`jobs/answers.py`).
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from forensics.errors import Defect, DriveCustodyError, EnvironmentFailed, NotIntact, Refused
from forensics.jobs import core_dumps
from forensics.jobs.answers import read_answer
from forensics.jobs.confinement import Confinement, confine
from forensics.model import OK, Outcome, failed

T = TypeVar("T")
R = TypeVar("R")

MEMORY_MINIMUM = 2 << 30
"""Bytes of address space below which healthy parsers fail: shared libraries and thread stacks count, used or not."""

MEMORY_BYTES = 3 << 30
ANSWER_LIMIT = 2 << 30
"""The largest answer that the parent takes from a worker, in bytes."""

CHECK_EVERY_S = 0.1
_START_S = 60.0
"""What a worker may take to start and prepare, beside the time for its first item: imports on a slow, busy disk."""

_DYING_S = 5.0
"""How long a process may take from closing its pipe to its exit status."""

_QUICK_S = 0.02
"""Answers to items that take less together are sent together: one message costs both sides more than one such item."""

_UNSENDABLE = (MemoryError, pickle.PicklingError, TypeError, AttributeError, RecursionError)

_CONTEXT = multiprocessing.get_context("spawn")
_HOUSE_ERRORS = (Refused, EnvironmentFailed, NotIntact, Defect)

# prctl(2), include/uapi/linux/prctl.h
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Result(Generic[T, R]):
    """How one item ended. `value` is None unless `outcome` is ok, and then it is what `work` returned."""

    item: T
    outcome: Outcome
    value: R | None = None


@dataclass(frozen=True, slots=True)
class Locks:
    """What workers may read (files, or folders with all beneath); `told` gets what was in force, of each new worker."""

    readable: tuple[Path, ...]
    programs: bool = False
    told: Callable[[Confinement], None] = lambda _: None


HAND_ITEMS = 64
HAND_BYTES = 1 << 20
"""What a worker is given at once: beyond so many items a hand-over costs nothing beside them, and beyond so many bytes
one worker would still be at the last hand while the others have nothing left."""


def alone(_item: object) -> float:
    """The share of an item that is given to a worker by itself."""
    return 1.0


def of_bytes(size: int) -> float:
    """The share of an item whose work is reading so many bytes."""
    return max(1 / HAND_ITEMS, size / HAND_BYTES)


def run(
    work: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    seconds: float,
    share: Callable[[T], float] = alone,
    memory_bytes: int = MEMORY_BYTES,
    initializer: Callable[..., None] | None = None,
    initargs: tuple[Any, ...] = (),
    check: Callable[[], None] = lambda: None,
    locks: Locks | None = None,
) -> Generator[Result[T, R], None, None]:
    """One result per item, in order of completion; `items` is pulled only as workers become free.

    A free worker is given items until their shares, which are above 0, come to 1. That makes no difference but in time:
    each item may take `seconds`, and where a worker ended at one, the others that it had not answered are given to
    another.

    `work` and `initializer` are importable functions: workers start from nothing (spawn). An item that takes longer
    than `seconds` fails, and so does one that needs more than `memory_bytes` of address space (not on Windows).
    Exceptions of `work` become `failed`, by the name of their class alone, because their text may quote the exhibit;
    the house's own errors are about the machine and are raised here. When the iterator is closed, at its end or by an
    exception, no worker is left. It has to be consumed by the thread that began it: Linux kills the workers of a
    thread that ended. `check` is called between results and may raise. With
    `locks` the kernel's own close once `initializer` is done.

    Raises `ValueError` below `MEMORY_MINIMUM`, `Defect` if `initializer` fails.
    """
    if memory_bytes < MEMORY_MINIMUM:
        raise ValueError(f"workers need at least {MEMORY_MINIMUM} bytes of address space")
    readable = (locks.readable, locks.programs) if locks else None
    told = locks.told if locks else lambda _: None
    orders = _Orders(work, memory_bytes, os.getpid(), initializer, initargs, readable)
    todo = _Hands(items, share)
    idle: list[_Worker] = []
    busy: dict[Connection, _Worker] = {}
    with _watchdog(busy, seconds):
        try:
            while True:
                while len(busy) < workers and (hand := todo.next()):
                    worker = _hand_over(hand, idle, orders, seconds)
                    busy[worker.pipe] = worker
                if not busy:
                    return
                ready = wait(list(busy), timeout=CHECK_EVERY_S)
                check()
                for pipe in ready:
                    assert isinstance(pipe, Connection)
                    worker = busy[pipe]
                    answered = worker.answers(seconds)
                    if answered is None:
                        told(worker.confinement)
                        continue
                    if not answered or answered[-1][1].retire:
                        del busy[pipe]
                        todo.again(worker.items)
                        worker.stop()
                    elif not worker.items:
                        del busy[pipe]
                        idle.append(worker)
                    answered.reverse()
                    while answered:
                        item, answer = answered.pop()
                        if answer.error:
                            kind, message, remedy = answer.error
                            raise kind(message, remedy)
                        handed = [Result(item, answer.outcome, answer.value)]
                        # From here on the caller alone holds it: an answer may be as large as the limit on what a
                        # worker sends, and the next one is read while the caller still has this one.
                        item = answer = None  # type: ignore[assignment]
                        yield handed.pop()
                        if answered:
                            check()
        finally:
            for worker in [*idle, *busy.values()]:
                worker.process.kill()
            for worker in [*idle, *busy.values()]:
                worker.stop()


# ------------------------------------------------------------------------------------------------------ the parent


@dataclass(frozen=True, slots=True)
class _Orders:
    """All that a worker is told when it starts."""

    work: Callable[[Any], Any]
    memory_bytes: int
    parent: int
    initializer: Callable[..., None] | None
    initargs: tuple[Any, ...]
    readable: tuple[tuple[Path, ...], bool] | None


class _Answer(NamedTuple):
    """What a worker says of one item. `retire` asks for a fresh worker: this one may not be in order any more."""

    outcome: Outcome
    value: Any = None
    retire: bool = False
    error: tuple[type[DriveCustodyError], str, str] | None = None


class _Hands(Generic[T]):
    """The items in their order, as many at a time as a worker is given at once."""

    def __init__(self, items: Iterable[T], share: Callable[[T], float]) -> None:
        self._items = iter(items)
        self._share = share
        self._again: deque[T] = deque()

    def next(self) -> list[T]:
        """The next ones; none once all were given."""
        if self._again:
            return [self._again.popleft()]
        hand: list[T] = []
        full = 0.0
        while full < 1:
            try:
                item = next(self._items)
            except StopIteration:
                break
            hand.append(item)
            full += self._share(item)
        return hand

    def again(self, items: Iterable[T]) -> None:
        """These were given to a worker that ended before it answered them. One by one from now on: if it said a false
        count of them before it ended, the one that made it do so is with no other to blame."""
        self._again.extend(items)


class _Worker:
    def __init__(self, orders: _Orders) -> None:
        self.pipe, far = _CONTEXT.Pipe()
        self._begun = _CONTEXT.RawValue(ctypes.c_uint32, 0)
        self.process = _CONTEXT.Process(target=_serve, args=(far, self._begun, orders), daemon=True)
        with _interrupts_held():
            self.process.start()
        # The parent must not keep the far end, or a worker's death would never show as end of file.
        far.close()
        self.items: deque[Any] = deque()
        """What it was given and has not answered, in the order in which it works."""
        self.confinement = Confinement()
        self._deadline = float("inf")
        self._lock = threading.Lock()
        self._prepared = self._reading = self._late = False
        self._answered = self._seen = 0

    def give(self, items: Sequence[Any], seconds: float) -> None:
        self.items = deque(items)
        self._allow(seconds if self._prepared else seconds + _START_S)
        self.pipe.send(items)

    def _allow(self, seconds: float) -> None:
        with self._lock:
            self._deadline = time.monotonic() + seconds

    def kill_if_late(self, seconds: float) -> None:
        """A worker that has begun to answer is late only once the parent reads, and then has its time over again."""
        with self._lock:
            if self._seen < self._at() and self._prepared and not self._reading:
                self._seen = self._at()
                self._deadline = time.monotonic() + seconds
            if time.monotonic() > self._deadline and (self._reading or not self._has_said()):
                self._late = True
                self.process.kill()

    def _at(self) -> int:
        """Which item it is at, counted over its life: as it says itself, but one of those that it has to answer."""
        return max(self._answered, min(self._begun.value - 1, self._answered + len(self.items) - 1))

    def _has_said(self) -> bool:
        """Whether there is something to read, be it only the end of file."""
        try:
            return self.pipe.poll()
        except OSError:
            # What Windows says of the pipe of a dead worker.
            return True

    def answers(self, seconds: float) -> list[tuple[Any, _Answer]] | None:
        """Called when the pipe has something to read, be it only the end of file of a dead worker.

        Items and what it says of them; only the last can ask for a fresh worker. None of them: it has to go, and it
        cannot be told which item it is to blame on. None: it has only said that it is prepared, and begins now.
        """
        self._allow(seconds)
        self._reading = True
        answers = self._read(seconds)
        self._reading = False
        if answers is None:
            self._prepared = True
            self._allow(seconds)
            return None
        if isinstance(answers, _Answer):
            # It ended at one item: what it did before and did not tell is done again.
            self.items.rotate(self._answered - self._at())
            answers = [answers]
        self._allow(seconds if len(answers) < len(self.items) else float("inf"))
        self._answered += len(answers)
        return [(self.items.popleft(), answer) for answer in answers]

    def _read(self, seconds: float) -> list[_Answer] | _Answer | None:
        try:
            answers = read_answer(self.pipe.recv_bytes(ANSWER_LIMIT))
        except (EOFError, OSError):
            answers = b""
        except Exception as error:
            return self._doubtful(f"the worker's answer could not be read ({type(error).__name__})")
        if isinstance(answers, Confinement) and not self._prepared:
            self.confinement = answers
            return None
        self._allow(float("inf"))
        if self._are_answers(answers):
            return answers if not self._late else [*answers[:-1], answers[-1]._replace(retire=True)]
        if self._late:
            return _Answer(failed(f"no answer in {seconds:g} s"), retire=True)
        self.process.join(_DYING_S)
        code = self.process.exitcode
        if code is None:
            return self._doubtful("the worker's answer was no answer, or too large")
        how = f"signal {-code}" if code < 0 else f"status {code}"
        return _Answer(failed(f"the worker crashed ({how})"), retire=True)

    def _doubtful(self, reason: str) -> list[_Answer]:
        """Which items a message was about stands in it: where it cannot be read, only an item by itself is to blame."""
        return [_Answer(failed(reason), retire=True)] if len(self.items) == 1 else []

    def _are_answers(self, untrusted: Any) -> bool:
        return (
            isinstance(untrusted, list)
            and 0 < len(untrusted) <= len(self.items)
            and all(isinstance(one, _Answer) for one in untrusted)
            and not any(one.retire for one in untrusted[:-1])
        )

    def stop(self) -> None:
        self._allow(float("inf"))
        self.process.kill()
        self.process.join()
        self.process.close()
        self.pipe.close()


def _hand_over(items: Sequence[Any], idle: list[_Worker], orders: _Orders, seconds: float) -> _Worker:
    """Give the items to an idle worker, or to a new one where none is left alive."""
    while idle:
        worker = idle.pop()
        try:
            worker.give(items, seconds)
            return worker
        except ConnectionError:
            # The kernel may kill an idle process when memory is short; no item is to blame.
            worker.stop()
    worker = _Worker(orders)
    try:
        worker.give(items, seconds)
    except ConnectionError:
        # Dead on arrival: its end of file is the answer, and names the exit status.
        pass
    except BaseException:
        worker.stop()
        raise
    return worker


@contextmanager
def _watchdog(busy: dict[Connection, _Worker], seconds: float) -> Iterator[None]:
    """Kill whoever is late, from a thread: the parent may itself be held by a worker that sent half an answer."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(CHECK_EVERY_S):
            for worker in list(busy.values()):
                worker.kill_if_late(seconds)

    thread = threading.Thread(target=watch, name="worker watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold SIGINT back in this thread, so that a child starts with it blocked and the parent alone decides to stop."""
    if sys.platform == "win32":
        yield
        return
    # Its start unblocks SIGINT, and the first worker would start it in our midst.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# ------------------------------------------------------------------------------------------------------ the worker


def _serve(pipe: Connection, begun: Any, orders: _Orders) -> None:
    """The life of a worker: confine itself, prepare, then answer until the parent hangs up."""
    _confine(orders)
    unprepared: _Answer | None = None
    if orders.initializer:
        try:
            orders.initializer(*orders.initargs)
        except _HOUSE_ERRORS as error:
            unprepared = _raise_it(error)
        except BaseException as error:
            unprepared = _raise_it(Defect(f"A worker could not be prepared ({type(error).__name__})."))
    held = Confinement()
    if orders.readable and not unprepared:
        readable, programs = orders.readable
        held = confine(readable, programs)
    pipe.send(held)
    while True:
        try:
            items = deque(pipe.recv())
        except (EOFError, ConnectionError):
            return
        if not _work_through(items, unprepared, begun, pipe, orders.work):
            return


def _work_through(
    items: deque[Any], unprepared: _Answer | None, begun: Any, pipe: Connection, work: Callable[[Any], Any]
) -> bool:
    """Answer these items: quick ones together, a slow one by itself. False: this worker should end."""
    quick: list[_Answer] = []
    since = time.monotonic()
    while items:
        begun.value += 1
        started = time.monotonic()
        item = items.popleft()
        answer = unprepared or _do(work, item)
        now = time.monotonic()
        if now - started >= _QUICK_S:
            if quick and not _sent(pipe, quick):
                return False
            quick = []
        quick.append(answer)
        if answer.retire or not items or now - since >= _QUICK_S:
            if not _sent(pipe, quick):
                return False
            quick, since = [], time.monotonic()
    return True


def _sent(pipe: Connection, answers: list[_Answer]) -> bool:
    """Send them; False where the last one asks for a fresh worker. One that cannot be sent becomes a failure, and those
    before it stand."""
    try:
        message = ForkingPickler.dumps(answers)
    except _UNSENDABLE as error:
        if len(answers) == 1:
            pipe.send([_Answer(failed(_reason(error)), retire=True)])
            return False
        return all(_sent(pipe, [one]) for one in answers)
    pipe.send_bytes(message)
    return not answers[-1].retire


def _do(work: Callable[[Any], Any], item: Any) -> _Answer:
    try:
        return _Answer(OK, work(item))
    except _HOUSE_ERRORS as error:
        return _raise_it(error)
    except MemoryError as error:
        return _Answer(failed(_reason(error)), retire=True)
    except Exception as error:
        return _Answer(failed(_reason(error)))
    except BaseException as error:
        # A panic of a Rust extension (pyo3's PanicException) is no Exception, and leaves its module in doubt.
        return _Answer(failed(_reason(error)), retire=True)


def _reason(error: BaseException) -> str:
    return "ran out of memory" if isinstance(error, MemoryError) else f"the worker failed ({type(error).__name__})"


def _raise_it(error: DriveCustodyError) -> _Answer:
    kind = next(house for house in _HOUSE_ERRORS if isinstance(error, house))
    return _Answer(failed(type(error).__name__), error=(kind, error.message, error.remedy))


def _confine(orders: _Orders) -> None:
    """Limits that hold for everything the worker does from here on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a native parser prints may quote the exhibit, and standard output belongs to the events of the verb.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (orders.memory_bytes, orders.memory_bytes))
    core_dumps.forbid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died before the kernel was asked to tell.
        if os.getppid() != orders.parent:
            os._exit(1)
