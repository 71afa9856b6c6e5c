"""A case opened for work, and the frame of every verb: one job at a time, and two custody events around it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, cast

from forensics import __version__
from forensics.casefile import protection
from forensics.casefile.case import CaseDetails, CaseFolder, locked, wipe_scratch
from forensics.casefile.store import Store
from forensics.casefile.views import CaseView
from forensics.custody.ledger import Ledger
from forensics.errors import Cancelled, DriveCustodyError, ExitStatus
from forensics.jobs.events import Job
from forensics.model import CustodyEvent, Signer

P = ParamSpec("P")
Result = dict[str, Any]

STARTED, FINISHED, INTERRUPTED = "started", "finished", "interrupted"


class OpenCase:
    """One case that a verb may write to: its folder, key, database and ledger."""

    def __init__(self, folder: CaseFolder, key: bytes) -> None:
        self.folder = folder
        self.key = key
        self.store = Store(folder, key)
        self.details: CaseDetails = self.store.details()
        self.ledger = Ledger(folder.custody)
        self._held = False

    @classmethod
    def unlock(cls, path: Path, passphrase: str) -> OpenCase:
        """Open with the passphrase, or with `key:HEX` where the caller has the key itself.

        Raises `Refused` where neither opens the case.
        """
        folder = CaseFolder(path)
        folder.require()
        if passphrase.startswith("key:"):
            try:
                return cls(folder, bytes.fromhex(passphrase[4:]))
            except ValueError:
                pass
        return cls(folder, protection.unlock(folder.key_file, passphrase))

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> OpenCase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def view(self) -> CaseView:
        return CaseView(self.folder, self.key)

    @contextmanager
    def held(self, verb: str) -> Iterator[None]:
        """Keep the case to this job; a verb that runs other verbs holds it for all of them."""
        if self._held:
            yield
            return
        with locked(self.folder, verb):
            self._held = True
            try:
                wipe_scratch(self.folder)
                self._record_interruption()
                yield
            finally:
                self._held = False

    def record(self, event: str, data: dict[str, Any], exhibit: str = "", signer: Signer | None = None) -> CustodyEvent:
        """Append to the ledger as the examiner, or under the certificate that signs."""
        return self.ledger.append(
            event, actor=signer.fingerprint if signer else self.details.examiner, exhibit=exhibit, data=data
        )

    def _record_interruption(self) -> None:
        """Say in the ledger that an earlier verb never ended: power, a crash, or a kill."""
        begun: list[CustodyEvent] = []
        for event in self.ledger.events():
            if event.event == STARTED:
                begun.append(event)
            elif event.event in (FINISHED, INTERRUPTED):
                begun = [e for e in begun if e.data.get("verb") != event.data.get("verb")]
        for event in begun:
            self.record(INTERRUPTED, {"verb": event.data["verb"], "started_seq": event.seq}, event.exhibit)


Verb = Callable[Concatenate[OpenCase, Job, P], Result]


def origin(details: CaseDetails) -> str:
    """How checkpoints name the case."""
    return f"{details.number} {details.case_id}"


def verb(
    name: str, options: Sequence[str] = ()
) -> Callable[[Callable[Concatenate[OpenCase, Job, P], Result]], Callable[Concatenate[OpenCase, Job, P], Result]]:
    """The frame of a verb: holds the case, and writes `started` and `finished` into the ledger.

    Only `options` reach the ledger, and nothing that people typed beside them. A result may carry `custody`: what the
    `finished` entry says of it; and `afterwards`: what is done once that entry is on the disk. Both are taken out of
    what the caller gets.
    """

    def frame(work: Verb[P]) -> Verb[P]:
        @functools.wraps(work)
        def framed(case: OpenCase, job: Job, *args: P.args, **kwargs: P.kwargs) -> Result:
            exhibit = str(kwargs.get("exhibit", "") or "")
            with case.held(name):
                said = {option: str(kwargs[option]) for option in options if kwargs.get(option) is not None}
                case.record(STARTED, {"verb": name, "options": said, "program": __version__}, exhibit)
                try:
                    result = work(case, job, *args, **kwargs)
                except (Cancelled, KeyboardInterrupt):
                    case.record(FINISHED, {"verb": name, "outcome": "cancelled"}, exhibit)
                    raise
                except DriveCustodyError as error:
                    outcome = "refused" if error.status is ExitStatus.REFUSED else "failed"
                    case.record(FINISHED, {"verb": name, "outcome": outcome, "error": type(error).__name__}, exhibit)
                    raise
                except Exception as error:
                    case.record(FINISHED, {"verb": name, "outcome": "failed", "error": type(error).__name__}, exhibit)
                    raise
                afterwards = result.pop("afterwards", None)
                data = {"verb": name, "outcome": "ok", **result.pop("custody", {})}
                case.record(FINISHED, data, exhibit)
                if afterwards:
                    afterwards()
                return result

        return cast(Verb[P], framed)

    return frame
