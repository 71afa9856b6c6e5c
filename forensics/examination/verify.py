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

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from forensics import hashing
from forensics.casefile.case import CaseFolder
from forensics.custody import kept_lists, ledger
from forensics.custody.checkpoints import check_checkpoints, check_receipt
from forensics.errors import DriveCustodyError, EnvironmentFailed, ExitStatus, Refused
from forensics.evidence.image import open_image
from forensics.evidence.verify import verify as read_back
from forensics.examination.images import MANIFEST
from forensics.jobs.events import Job
from forensics.model import CustodyEvent, Fact
from forensics.report.package import STAMP, TAG_MANIFEST
from forensics.report.package_check import check_package
from forensics.report.signing import check_bytes, check_pdf
from forensics.signatures import revocation

MANIFEST_FORMAT = "drivecustody-acquisition/v1"


def verify(
    job: Job,
    path: Path,
    receipts: Sequence[Path] = (),
    trusted: Sequence[Path] = (),
    revoked: Sequence[Path] = (),
    passphrase: str = "",
) -> dict[str, Any]:
    """Every fact that can be checked about `path`; `status` is 1 where one does not hold.

    `receipts` are checkpoints that somebody else kept, `trusted` files with roots that the user knows, of signers and
    of time stamping authorities: without them nobody is trusted, and that fact is left open. `revoked` are files with
    revocation lists (CRL) besides those in what is verified; without any, that fact is left open too. The
    `passphrase` of a case opens its decisions and samples, so that they are compared with their seals in the ledger.
    Raises `Refused` where `path` is nothing that can be verified.
    """
    facts = list(_Verification(job, _roots(trusted), _lists(revoked), passphrase).of(path, receipts))
    broken = [fact for fact in facts if fact.holds is False]
    return {
        "facts": [{"subject": f.subject, "check": f.check, "holds": f.holds, "detail": f.detail} for f in facts],
        "intact": not broken,
        "status": ExitStatus.VERIFICATION_FAILED if broken else ExitStatus.OK,
    }


def _roots(paths: Sequence[Path]) -> list[x509.Certificate]:
    found: list[x509.Certificate] = []
    for path in paths:
        try:
            found += x509.load_pem_x509_certificates(path.read_bytes())
        except OSError as error:
            raise EnvironmentFailed(f"{path.name} cannot be read.", "Check the path of the certificate.") from error
        except ValueError as error:
            raise Refused(f"{path.name} holds no certificate in PEM.", "Give the root as a PEM file.") from error
    return found


def _lists(paths: Sequence[Path]) -> revocation.RevocationLists:
    found = []
    for path in paths:
        try:
            found.append(revocation.load(path.read_bytes()))
        except OSError as error:
            raise EnvironmentFailed(f"{path.name} cannot be read.", "Check the path of the revocation list.") from error
        except ValueError as error:
            raise Refused(f"{path.name} is no revocation list.", "Give a whole CRL, as DER or PEM.") from error
    return revocation.RevocationLists(tuple(found))


def _is_bag(path: Path) -> bool:
    """Whether this is a ZIP, or was meant to be one: a damaged ZIP is a broken package, not a strange file."""
    return path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path))


# ------------------------------------------------------------------------------------------------------- each kind


class _Verification:
    """One run of `verify`: what it is told to trust, and the facts of each kind of thing."""

    def __init__(
        self, job: Job, roots: Sequence[x509.Certificate], lists: revocation.RevocationLists, passphrase: str
    ) -> None:
        self._job, self._roots, self._lists, self._passphrase = job, roots, lists, passphrase
        self._roots_pem = [root.public_bytes(Encoding.PEM) for root in roots]

    def of(self, path: Path, receipts: Sequence[Path]) -> Iterator[Fact]:
        if not path.exists():
            raise Refused(f"There is no {path.name}.", "Give a case, package, ledger, image manifest or signed report.")
        with tempfile.TemporaryDirectory() as unpacked:
            held: Path | None = None
            if path.is_dir() and (path / "key.json").exists():
                held = CaseFolder(path).custody
                yield from self._case(CaseFolder(path))
            elif (path.is_dir() and (path / "bagit.txt").exists()) or _is_bag(path):
                held = yield from self._package(path, Path(unpacked))
            elif path.name == MANIFEST:
                yield from _image(self._job, path)
            elif path.suffix == ".jsonl":
                held = path
                yield from ledger.check(path)
                if (path.parent / "checkpoints").is_dir():
                    yield from check_checkpoints(path.parent, self._roots, self._lists)
            elif path.is_file() and _looks_like_pdf(path):
                yield from check_pdf(path, trusted_roots_pem=self._roots_pem, lists=self._lists)
            else:
                raise Refused(
                    f"{path.name} is nothing that can be verified.",
                    "Give a case, an evidence package, a ledger.jsonl, an acquisition.json or a signed PDF.",
                )
            for receipt in receipts:
                if held is None:
                    raise Refused("A receipt is compared with a ledger.", "Give the case, the package or the ledger.")
                yield from check_receipt(receipt, held, self._roots, self._lists)

    def _case(self, folder: CaseFolder) -> Iterator[Fact]:
        yield from ledger.check(folder.custody / ledger.FILE_NAME)
        yield from check_checkpoints(folder.custody, self._roots, self._lists)
        try:
            events = ledger.Ledger(folder.custody).events()
        except DriveCustodyError:
            # Said above, with the line; what the ledger says of other files counts no more.
            return
        manifests = {
            event.exhibit: str(event.data["manifest_sha256"]) for event in events if "manifest_sha256" in event.data
        }
        for exhibit, digest in sorted(manifests.items()):
            yield from _manifest(self._job, folder.images(exhibit) / MANIFEST, digest)
        yield from _kept_files(folder, events)
        yield from _sealed(folder, events, self._passphrase)
        reports = {str(event.data["file"]): event.data for event in events if event.event == "report-made"}
        for name, data in sorted(reports.items()):
            path = folder.reports / name
            if path.is_file():
                yield _same_file(path, str(data["sha256"]), "as recorded in the ledger")
                if data["signed"]:
                    lists = self._lists + kept_lists.check(folder.custody, b"")[0]
                    yield from check_pdf(path, trusted_roots_pem=self._roots_pem, lists=lists)
        packages: dict[str, dict[str, Any]] = {}
        for event in events:
            if event.event in ("package-made", "package-time-stamped"):
                name = str(event.data["name"])
                packages[name] = {**(packages.get(name, {}) if event.event != "package-made" else {}), **event.data}
        for name, data in sorted(packages.items()):
            path = folder.packages / name
            if path.exists():
                yield from self._recorded_package(path, data)

    def _recorded_package(self, path: Path, data: dict[str, Any]) -> Iterator[Fact]:
        recorded = "as recorded in the ledger"
        if data.get("zip_sha256") and path.is_file():
            yield _same_file(path, str(data["zip_sha256"]), recorded)
        elif (path / TAG_MANIFEST).is_file() and data.get("tagmanifest_sha256"):
            yield _same_file(path / TAG_MANIFEST, str(data["tagmanifest_sha256"]), recorded)
            # No list of the package names its stamp, so only the ledger can miss it.
            if data.get("stamp_sha256"):
                yield _same_file(path / STAMP, str(data["stamp_sha256"]), recorded)
        with tempfile.TemporaryDirectory() as unpacked:
            yield from self._package(path, Path(unpacked))

    def _package(self, path: Path, unpacked: Path) -> Generator[Fact, None, Path | None]:
        """Facts about a package, its ledger and its report; returns the custody folder for receipts, if any."""
        facts = check_package(path, trusted_roots_pem=self._roots_pem, lists=self._lists)
        yield from facts
        if path.is_dir():
            custody, report = path / "data" / "custody", path / "data" / "report.pdf"
        elif all(fact.holds is not False for fact in facts):
            # Only out of a ZIP whose every name was found to be plain. Custody holds no personal data, and the report
            # shows values masked, so a temporary folder may see them.
            custody, report = _unpacked(path, unpacked)
        else:
            yield from _damaged_zip(path)
            return None
        if (custody / ledger.FILE_NAME).is_file():
            yield from ledger.check(custody / ledger.FILE_NAME)
            yield from check_checkpoints(custody, self._roots, self._lists)
        if report.is_file():
            kept, _ = kept_lists.check(custody, b"")
            yield from self._report(report.read_bytes(), self._lists + kept)
        return custody

    def _report(self, untrusted: bytes, lists: revocation.RevocationLists) -> list[Fact]:
        """Facts about the report in a package; a draft is not signed, which the package itself says."""
        facts = check_bytes(untrusted, "report.pdf", self._roots_pem, lists)
        return facts if b"/ByteRange" in untrusted else []


def _looks_like_pdf(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"%PDF-" in stream.read(1024)


def _kept_files(folder: CaseFolder, events: Sequence[CustodyEvent]) -> Iterator[Fact]:
    """Photographs as they were when they were taken in."""
    for event in events:
        received = event.data.get("received")
        photos = received.get("photos", []) if isinstance(received, dict) else []
        for photo in photos:
            path = folder.images(event.exhibit) / "photographs" / str(photo["name"])
            fact = _same_file(path, str(photo["sha256"]), "as recorded in the ledger")
            yield Fact(f"{event.exhibit}/{path.name}", fact.check, fact.holds, fact.detail)


def _sealed(folder: CaseFolder, events: Sequence[CustodyEvent], passphrase: str) -> Iterator[Fact]:
    """Decisions about people and blind samples, against their seals: the rows are in the database, under its key."""
    kinds = {"review-decided": "decisions", "sample-drawn": "samples"}
    sealed = [name for event, name in kinds.items() if any(each.event == event for each in events)]
    if not sealed:
        return
    from forensics.examination.open_case import OpenCase
    from forensics.examination.review import broken_acts
    from forensics.examination.sample import broken_samples

    told = "not asked: they are in the encrypted case; give its passphrase"
    try:
        opened = OpenCase.unlock(folder.path, passphrase) if passphrase else None
    except DriveCustodyError:
        opened, told = None, "not asked: the passphrase that was given does not open the case"
    if opened is None:
        yield from (Fact(name, "as sealed in the ledger", None, told) for name in sealed)
        return
    with opened as case:
        for name in sealed:
            try:
                broken = broken_acts(case) if name == "decisions" else broken_samples(case)
            # A database that somebody changed with its key answers with whatever its driver makes of that.
            except Exception as problem:
                yield Fact(name, "as sealed in the ledger", False, f"cannot be read ({type(problem).__name__})")
                continue
            one = "act" if name == "decisions" else "sample"
            told = f"changed since: {one} {', '.join(map(str, broken))}" if broken else ""
            yield Fact(name, "as sealed in the ledger", not broken, told)


def _unpacked(path: Path, into: Path) -> tuple[Path, Path]:
    with zipfile.ZipFile(path) as bag:
        top = bag.namelist()[0].partition("/")[0]
        for name in bag.namelist():
            if name.startswith(f"{top}/data/custody/") or name == f"{top}/data/report.pdf":
                bag.extract(name, into)
    return into / top / "data" / "custody", into / top / "data" / "report.pdf"


def _damaged_zip(path: Path) -> Iterator[Fact]:
    """What can still be said of the ledger in a ZIP that is not as it was written."""
    try:
        with zipfile.ZipFile(path) as bag:
            for name in bag.namelist():
                if name.endswith("data/custody/ledger.jsonl"):
                    yield from ledger.check_bytes(bag.read(name), name)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        # What is wrong with the ZIP, `check_package` has said already.
        return


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
