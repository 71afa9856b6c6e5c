"""The worked example: a made-up drive and made-up members, through everything, signed by a labelled identity."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from forensics.casefile import testimony
from forensics.casefile.case import CaseDetails
from forensics.custody.identities import Identities
from forensics.errors import Refused
from forensics.examination import testify
from forensics.examination.open_case import OpenCase
from forensics.examination.run import Order, run
from forensics.jobs.events import Job

ORGANISATION = "Demonstration Health Plan (synthetic)"
SIGNER = "Demonstration Examiner"

QUALIFICATIONS = (
    "The demonstration examiner is a made-up person without qualifications. In a real case the examiner states here "
    "training, certifications, years of practice, cases and testimony."
)
LEGEND = "Demonstration: made-up persons, a made-up drive, and an examiner who does not exist"

DETAILS = {
    "number": "DEMO-2016-08",
    "title": "Worked example: returned USB drive (synthetic data)",
    "organisation": ORGANISATION,
    "examiner": SIGNER,
    "copied": "2016-08-15",
    "returned": "2016-08-17",
    "incident": "2016-08-15",
    "first_known": "2016-08-17",
    "known_by": "privacy officer",
}


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path

    @property
    def image(self) -> Path:
        return self.path / "returned_drive.img"

    @property
    def records(self) -> Path:
        return self.path / "member_records.csv"

    @property
    def case(self) -> Path:
        return self.path / "demonstration.dcase"

    @property
    def case_passphrase(self) -> Path:
        return self.path / "case-passphrase.txt"

    @property
    def identity_passphrase(self) -> Path:
        return self.path / "identity-passphrase.txt"


def demo(job: Job, path: Path, *, members: int, affected: int) -> dict[str, Any]:
    """Make the drive, its records, a signing identity and a case in `path`, and run the whole way.

    Interrupted, it goes on where it stopped. Raises `Refused` where `path` holds something else.
    """
    folder = _Folder(path)
    known = {"returned_drive.img", "member_records.csv", "demonstration.dcase", "case-passphrase.txt",
             "identity-passphrase.txt", "identities"}  # fmt: skip
    if path.exists() and any(p.name not in known and not p.name.startswith(".") for p in path.iterdir()):
        raise Refused(f"{path.name} holds other files.", "Give an empty or a new folder for the worked example.")
    path.mkdir(parents=True, exist_ok=True)
    if not (folder.image.exists() and folder.records.exists()):
        _make_drive(job, folder, members, affected)
    passphrase = _passphrase(folder.case_passphrase)
    identity_passphrase = _passphrase(folder.identity_passphrase)
    identities = Identities(path / "identities")
    if not identities.authorities():
        identities.create_authority(ORGANISATION, identity_passphrase)
    if SIGNER not in {info.name for info in identities.list()}:
        identities.create(SIGNER, identity_passphrase)
    signer = identities.load(SIGNER, identity_passphrase)
    details = CaseDetails(entity_types=("hipaa_covered_entity",), **DETAILS)
    order = Order(folder.image, folder.records, "", {}, SIGNER, DETAILS)
    result = run(
        job,
        partial(OpenCase.unlock, folder.case, passphrase),
        folder.case,
        details,
        passphrase,
        order,
        signer,
        _testify,
    )
    return {**result, "passphrase_file": str(folder.case_passphrase), "image": str(folder.image)}


def _testify(case: OpenCase) -> None:
    """Let the labelled identity say what an examiner would, once; it is nobody, and says so."""
    if case.store.fact(testimony.FACT) is None:
        case.store.put_fact(
            testimony.FACT, {"employer": ORGANISATION, "qualifications": QUALIFICATIONS, "legend": LEGEND}
        )
        testify.tick(case, [testify.ALL])


def _make_drive(job: Job, folder: _Folder, members: int, affected: int) -> None:
    from forensics.demonstration.drive import make_demonstration

    def progress(phase: str, done: int, total: int) -> None:
        job.check()
        job.progress(f"make {phase}", min(done, total), total, "items" if phase == "records" else "bytes")

    folder.image.unlink(missing_ok=True)
    folder.records.unlink(missing_ok=True)
    make_demonstration(folder.path, members=members, affected=affected, progress=progress)


def _passphrase(path: Path) -> str:
    """The passphrase kept in a file that only its owner may read, made at random the first time."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_urlsafe(24) + "\n")
    return path.read_text("utf-8").rstrip("\n")
