"""One case as a folder: where its parts are, how it is made, opened and kept to one job at a time."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from forensics.casefile import protection
from forensics.errors import EnvironmentFailed, Refused

SUFFIX = ".dcase"


@dataclass(frozen=True, slots=True)
class CaseDetails:
    """What a person said about the case when it was made. Dates are ISO 8601 days, empty where not given."""

    number: str
    title: str
    organisation: str
    entity_types: tuple[str, ...]
    examiner: str
    case_id: str = ""
    created: str = ""
    copied: str = ""
    left: str = ""
    returned: str = ""
    incident: str = ""
    first_known: str = ""
    known_by: str = ""
    diligence_date: str = ""

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CaseDetails:
        document = json.loads(text)
        document["entity_types"] = tuple(document["entity_types"])
        return cls(**document)


@dataclass(frozen=True, slots=True)
class CaseFolder:
    """The parts of a case, by name."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "case.db"

    @property
    def key_file(self) -> Path:
        return self.path / "key.json"

    @property
    def custody(self) -> Path:
        return self.path / "custody"

    @property
    def reports(self) -> Path:
        return self.path / "reports"

    @property
    def packages(self) -> Path:
        return self.path / "packages"

    @property
    def scratch(self) -> Path:
        return self.path / "scratch"

    def images(self, exhibit: str) -> Path:
        return self.path / "images" / exhibit

    def require(self) -> None:
        """Raise `Refused` unless this folder is a case."""
        if not self.database.is_file() or not self.key_file.is_file():
            raise Refused(
                f"{self.path.name} is not a case.", "Give the path of a NAME.dcase folder, or make one with `new`."
            )


def create(path: Path, details: CaseDetails, passphrase: str) -> tuple[CaseFolder, bytes, CaseDetails]:
    """A new case folder with its key, and the details with identifier and time of creation filled in.

    The folder appears whole or not at all. Raises `Refused` where the path exists already.
    """
    if path.exists():
        raise Refused(f"{path.name} exists already.", "Choose another name, or work on with that case.")
    if path.suffix != SUFFIX:
        raise Refused(f"The name of a case ends in {SUFFIX}.", f"Call it {path.name}{SUFFIX}.")
    filled = CaseDetails(
        **{
            **asdict(details),
            "case_id": str(uuid.uuid4()),
            "created": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        draft.mkdir(mode=0o700)
        key = protection.create_key(draft / "key.json", filled.case_id, passphrase)
        for part in ("custody", "images", "reports", "packages", "scratch"):
            (draft / part).mkdir(mode=0o700)
        from forensics.casefile.store import Store

        Store.create(CaseFolder(draft), key, filled).close()
        draft.rename(path)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise EnvironmentFailed(
            f"The case folder cannot be written: {error.strerror}.", "Choose a place with room and permission to write."
        ) from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return CaseFolder(path), key, filled


@contextmanager
def locked(folder: CaseFolder, verb: str) -> Iterator[None]:
    """Hold the case for one job. Raises `Refused` while another job, here or in another window, has it.

    The lock belongs to the process: the system lets go of it however the process ends.
    """
    path = folder.path / "case.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(
                "Another job is at work on this case.", "Wait until it ends, or cancel it, and run this again."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{verb} {os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def wipe_scratch(folder: CaseFolder) -> None:
    """Remove what an interrupted job left in scratch."""
    for leftover in folder.scratch.iterdir() if folder.scratch.is_dir() else ():
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
