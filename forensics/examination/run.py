"""The whole way in one verb: each stage that is not done yet, in order, so that running it again goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile.case import CaseDetails
from forensics.errors import EnvironmentFailed, Refused
from forensics.evidence.containers import RAW, container_format
from forensics.evidence.devices import describe
from forensics.examination.acquire import Wish, acquire
from forensics.examination.assess import assess
from forensics.examination.images import verify_image
from forensics.examination.import_image import import_image
from forensics.examination.index import index
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.package import package
from forensics.examination.receive import FIRST_EXHIBIT, new, receive
from forensics.examination.records import add_records
from forensics.examination.report import report
from forensics.jobs.events import Job
from forensics.matching.records import understand
from forensics.model import Signer


@dataclass(frozen=True, slots=True)
class Order:
    """What a run was asked to do; a case remembers it, and a second run has to ask for the same."""

    source: Path
    records: Path
    key: str
    mapping: Mapping[str, str]
    signed_by: str
    details: Mapping[str, str]
    """The options of `new` that were given."""
    recognition: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "source": str(self.source.absolute()),
            "records": str(self.records.absolute()),
            "key": self.key,
            "mapping": dict(self.mapping),
            "signed_by": self.signed_by,
            "details": dict(self.details),
            "recognition": self.recognition,
        }


_OPTIONS = {
    "source": "the device or image", "records": "--records", "key": "--key", "mapping": "--map",
    "signed_by": "--sign", "details": "the options of the case",
    "recognition": "--no-recognition",
}  # fmt: skip


SECTOR = 512


def check(order: Order) -> None:
    """Find out before the long work whether it can be done: the source opens, the records are understood."""
    if not order.source.exists():
        raise EnvironmentFailed(f"There is no {order.source.name}.", "Check the device or image: drivecustody devices.")
    if order.source.is_file():
        container_format(order.source)
    understand(order.records, order.mapping, order.key)


def run(
    job: Job,
    open_case: Callable[[], OpenCase],
    path: Path,
    details: CaseDetails,
    passphrase: str,
    order: Order,
    signer: Signer | None,
    testify: Callable[[OpenCase], None] | None = None,
) -> dict[str, Any]:
    """Receive, acquire or import, index, add records, match, assess, report, package: what is left of it.

    Nobody is asked for the statements of the certificate on the way: without `testify`, which makes them, the report is
    signed without it. Raises `Refused` where the case was begun with other arguments.
    """
    if not path.exists():
        check(order)
    with open_case() if path.exists() else new(path, details, passphrase) as case, case.held("run"):
        _remember(case, order)
        _receive(case, job, order)
        _image(case, job, order)
        if not case.store.fact("indexed"):
            index(case, job, recognition=order.recognition)
        if hashing.of_file(order.records) not in {known.sha256 for known in case.store.source_sets()}:
            add_records(case, job, file=order.records, key=order.key, mapping=order.mapping)
        if not case.store.fact("matched"):
            match(case, job)
        if case.store.fact("assessment") is None:
            assess(case, job)
        if testify:
            testify(case)
        _documents(case, job, signer, certificate=testify is not None)
        return {
            "case": str(path),
            "report": case.store.fact("report")["file"],
            "package": case.store.fact("package")["file"],
            "signed": signer is not None,
            "assessment": case.store.fact("assessment"),
        }


def _remember(case: OpenCase, order: Order) -> None:
    begun = case.store.fact("run")
    wanted = order.as_json()
    if begun is None:
        case.store.put_fact("run", wanted)
        return
    for name, value in wanted.items():
        # A case that was begun before there was this choice had it on.
        if begun.get(name, True) != value:
            raise Refused(
                f"This case was begun with another value for {_OPTIONS[name]}.",
                "Run it with the arguments of the first time, or give another case folder.",
            )


def _receive(case: OpenCase, job: Job, order: Order) -> None:
    if case.store.exhibits():
        return
    device = describe(order.source)
    description = " ".join(part for part in (device.vendor, device.model, device.serial) if part)
    receive(
        case,
        job,
        exhibit=FIRST_EXHIBIT,
        received_from="not stated",
        received_by=case.details.examiner,
        description=description or order.source.name,
    )


def _image(case: OpenCase, job: Job, order: Order) -> None:
    done = {acquisition.exhibit: acquisition for acquisition in case.store.acquisitions()}
    if FIRST_EXHIBIT not in done:
        if order.source.is_file() and container_format(order.source) != RAW:
            import_image(case, job, exhibit=FIRST_EXHIBIT, files=[order.source])
        else:
            # E01 counts in sectors; a file that is no whole number of them can only be kept as it is.
            whole = not order.source.is_file() or order.source.stat().st_size % SECTOR == 0
            wish = Wish(format="e01" if whole else "raw")
            acquire(case, job, exhibit=FIRST_EXHIBIT, source=order.source, wish=wish)
    elif not done[FIRST_EXHIBIT].verified and not done[FIRST_EXHIBIT].imported:
        verify_image(case, job, exhibit=FIRST_EXHIBIT)


def _documents(case: OpenCase, job: Job, signer: Signer | None, *, certificate: bool) -> None:
    """Report and package; one that a killed run left unrecorded keeps its name and stands in nobody's way."""
    made = case.store.fact("report")
    if made is None or not Path(made["file"]).is_file():
        out = _unused(case.folder.reports, "report", ".pdf")
        report(case, job, out=out, signer=signer, certificate=certificate)
        case.store.put_fact("package", None)
    packed = case.store.fact("package")
    if packed is None or not Path(packed["file"]).exists():
        package(case, job, out=_unused(case.folder.packages, "package", ".zip"), signer=signer)


def _unused(folder: Path, stem: str, suffix: str) -> Path:
    """`report-1.pdf`, or the first number that no earlier run has taken."""
    return next(path for n in count(1) if not (path := folder / f"{stem}-{n}{suffix}").exists())
