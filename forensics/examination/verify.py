"""Is it still what it was? Separate facts about a case, a package, a ledger, an image or a signed report.

Writes nothing and needs no passphrase: what is checked is what can be handed to somebody else.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile.case import CaseFolder
from forensics.custody import ledger
from forensics.custody.checkpoints import check_checkpoints, check_receipt
from forensics.errors import DriveCustodyError, ExitStatus, Refused
from forensics.evidence.image import open_image
from forensics.evidence.verify import verify as read_back
from forensics.examination.images import MANIFEST
from forensics.jobs.events import Job
from forensics.model import Fact
from forensics.report.package_check import check_package
from forensics.report.signing import check_bytes, check_pdf

MANIFEST_FORMAT = "drivecustody-acquisition/v1"


def verify(job: Job, path: Path, receipts: Sequence[Path] = ()) -> dict[str, Any]:
    """Every fact that can be checked about `path`; `status` is 1 where one does not hold.

    Raises `Refused` where `path` is nothing that can be verified.
    """
    facts = list(_facts(job, path, receipts))
    broken = [fact for fact in facts if fact.holds is False]
    return {
        "facts": [{"subject": f.subject, "check": f.check, "holds": f.holds, "detail": f.detail} for f in facts],
        "intact": not broken,
        "status": ExitStatus.VERIFICATION_FAILED if broken else ExitStatus.OK,
    }


def _facts(job: Job, path: Path, receipts: Sequence[Path]) -> Iterator[Fact]:
    if not path.exists():
        raise Refused(f"There is no {path.name}.", "Give a case, package, ledger, image manifest or signed report.")
    held: Path | None = None
    if path.is_dir() and (path / "key.json").exists():
        held = CaseFolder(path).custody
        yield from _case(job, CaseFolder(path))
    elif (path.is_dir() and (path / "bagit.txt").exists()) or _is_bag(path):
        held = yield from _package(path)
    elif path.name == MANIFEST:
        yield from _image(job, path)
    elif path.suffix == ".jsonl":
        held = path
        yield from ledger.check(path)
        if (path.parent / "checkpoints").is_dir():
            yield from check_checkpoints(path.parent)
    elif path.is_file() and path.read_bytes()[:1024].find(b"%PDF-") >= 0:
        yield from check_pdf(path)
    else:
        raise Refused(
            f"{path.name} is nothing that can be verified.",
            "Give a case, an evidence package, a ledger.jsonl, an acquisition.json or a signed PDF.",
        )
    for receipt in receipts:
        if held is None:
            raise Refused("A receipt is compared with a ledger.", "Give the case, the package or the ledger itself.")
        yield from check_receipt(receipt, held)


def _is_bag(path: Path) -> bool:
    """Whether this is a ZIP, or was meant to be one: a damaged ZIP is a broken package, not a strange file."""
    return path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path))


# -------------------------------------------------------------------------------------------------------------- case


def _case(job: Job, folder: CaseFolder) -> Iterator[Fact]:
    yield from ledger.check(folder.custody / ledger.FILE_NAME)
    yield from check_checkpoints(folder.custody)
    try:
        events = ledger.Ledger(folder.custody).events()
    except DriveCustodyError:
        # Said above, with the line; what the ledger says of other files counts no more.
        return
    manifests = {
        event.exhibit: str(event.data["manifest_sha256"]) for event in events if "manifest_sha256" in event.data
    }
    for exhibit, digest in sorted(manifests.items()):
        yield from _manifest(job, folder.images(exhibit) / MANIFEST, digest)
    reports = {str(event.data["file"]): event.data for event in events if event.event == "report-made"}
    for name, data in sorted(reports.items()):
        path = folder.reports / name
        if path.is_file():
            yield _same_file(path, str(data["sha256"]), "as recorded in the ledger")
            yield from check_pdf(path) if data["signed"] else ()
    packages = {str(event.data["name"]): event.data for event in events if event.event == "package-made"}
    for name, data in sorted(packages.items()):
        path = folder.packages / name
        if path.exists():
            yield from _recorded_package(path, data)


def _recorded_package(path: Path, data: dict[str, Any]) -> Iterator[Fact]:
    if data["zip_sha256"] and path.is_file():
        yield _same_file(path, str(data["zip_sha256"]), "as recorded in the ledger")
    elif (path / "tagmanifest-sha256.txt").is_file():
        yield _same_file(path / "tagmanifest-sha256.txt", str(data["tagmanifest_sha256"]), "as recorded in the ledger")
    yield from _package(path)


def _same_file(path: Path, expected: str, check: str) -> Fact:
    if not path.is_file():
        return Fact(path.name, check, False, "the file is missing")
    found = hashing.of_file(path)
    return Fact(
        path.name,
        check,
        found == expected,
        f"SHA-256 {found}" + ("" if found == expected else f", expected {expected}"),
    )


# ------------------------------------------------------------------------------------------------------------- image


def _manifest(job: Job, path: Path, expected: str) -> Iterator[Fact]:
    fact = _same_file(path, expected, "manifest as recorded in the ledger")
    yield Fact(f"{path.parent.name}/{path.name}", fact.check, fact.holds, fact.detail)
    if fact.holds:
        yield from _image(job, path)


def _image(job: Job, path: Path) -> Iterator[Fact]:
    """Files and content of an image against its manifest."""
    where = path.parent.name
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["format"] != MANIFEST_FORMAT:
            raise ValueError
        files = dict(document["files_sha256"])
        acquisition = document["acquisition"]
        segments = [path.parent / name for name in acquisition["segments"]]
        hashes = dict(acquisition["hashes"])
    except (ValueError, KeyError, TypeError):
        yield Fact(f"{where}/{path.name}", "manifest", False, "it is no acquisition manifest, or damaged")
        return
    whole = True
    for name, digest in sorted(files.items()):
        job.check()
        fact = _same_file(path.parent / name, digest, "file as acquired")
        whole = whole and fact.holds is True
        yield Fact(f"{where}/{name}", fact.check, fact.holds, fact.detail)
    if not whole:
        return
    try:
        with open_image(segments) as image:
            found = read_back(image, tuple(hashes), lambda done, total: job.progress("verify", done, total), job.check)
    except DriveCustodyError as error:
        if error.status is ExitStatus.CANCELLED:
            raise
        yield Fact(where, "image content", False, error.message)
        return
    for name, digest in sorted(hashes.items()):
        yield Fact(where, f"image content, {name.upper()}", found[name] == digest, found[name])


# ----------------------------------------------------------------------------------------------------------- package


def _package(path: Path) -> Generator[Fact, None, Path | None]:
    """Facts about a package, its ledger and its report; returns the ledger for receipts where it is a folder."""
    facts = check_package(path)
    yield from facts
    if path.is_dir():
        custody = path / "data" / "custody"
        if (custody / ledger.FILE_NAME).is_file():
            yield from ledger.check(custody / ledger.FILE_NAME)
            yield from check_checkpoints(custody)
        report = path / "data" / "report.pdf"
        if report.is_file():
            yield from _report(report.read_bytes())
        return custody
    yield from _zipped(path, sound=all(fact.holds is not False for fact in facts))
    return None


def _zipped(path: Path, *, sound: bool) -> Iterator[Fact]:
    """Ledger, checkpoints and report inside a ZIP; checkpoints only of one whose names were found to be plain."""
    try:
        with zipfile.ZipFile(path) as bag, tempfile.TemporaryDirectory() as unpacked:
            for name in bag.namelist():
                if name.endswith("data/custody/ledger.jsonl"):
                    yield from ledger.check_bytes(bag.read(name), name)
                elif name.endswith("data/report.pdf"):
                    yield from _report(bag.read(name))
                if sound and "/data/custody/" in name:
                    # Custody holds no personal data, so a temporary folder may see it.
                    bag.extract(name, unpacked)
            for custody in Path(unpacked).glob("*/data/custody"):
                yield from check_checkpoints(custody)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        # What is wrong with the ZIP, `check_package` has said already.
        return


def _report(untrusted: bytes) -> list[Fact]:
    """Facts about the report in a package; a draft is not signed, which the package itself says."""
    facts = check_bytes(untrusted, "report.pdf")
    return facts if b"/ByteRange" in untrusted else []
