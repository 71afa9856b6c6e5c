"""The evidence package: what somebody who does not trust us needs, and nothing that would expose anybody."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forensics import __version__, hashing
from forensics.errors import Refused
from forensics.evidence.second_read import DIFFERING_MAP
from forensics.examination import letters
from forensics.examination.custody import sign_ledger
from forensics.examination.export import table
from forensics.examination.images import MANIFEST, MAP, PIECES, ZEROS
from forensics.examination.open_case import OpenCase, origin, verb
from forensics.examination.provenance import provenance
from forensics.examination.sealing import zipped
from forensics.jobs.events import Job
from forensics.model import Signer
from forensics.report.case_uco import graph
from forensics.report.files import write_whole
from forensics.report.package import SCRIPTS, build_package
from forensics.resources import resource
from forensics.signatures.timestamp import stamped

IMAGE_LEFT_OUT = "The image itself: by reference, with the SHA-256 of every segment in exhibits/*/acquisition.json."
PERSONS_LEFT_OUT = (
    "The list of affected persons: it leaves the case only encrypted, and no certificate to encrypt it to was given."
)
FILES_LEFT_OUT = "The files of the exhibit in provenance/case.jsonld: they are in manifests/hashes.csv."
PERSONS, ZIPPED_PERSONS = "exposure/persons.csv.p7m", "exposure/persons.csv.zip"
PROVENANCE = "provenance/case.jsonld"


@verb("package")
def package(
    case: OpenCase,
    job: Job,
    *,
    out: Path,
    signer: Signer | None = None,
    time_url: str = "",
    to_certificate: Path | None = None,
    to_zip: bool = False,
) -> dict[str, Any]:
    """Make the package: report, ledger with its checkpoints, acquisition manifests, hashes of all contents, provenance.

    The newest report goes in. `time_url` names an authority that stamps the ledger's and the package's signature. With
    `to_certificate` the list of affected persons goes in too, encrypted to it (CMS); with `to_zip` as an AES-256 ZIP
    under a generated passphrase, which is written beside `out` for its owner alone; and in no other form.
    Raises `Refused` before there is a report, where `out` exists, and for a stamp without a signature.
    """
    if out.exists():
        raise Refused(f"{out.name} exists already and a package is never overwritten.", "Choose another name.")
    if to_zip and to_certificate:
        raise Refused("The list of persons is encrypted in one way.", "Give --to-certificate, or --zip, not both.")
    report = _newest_report(case)
    if time_url and signer is None:
        raise Refused("A draft cannot be time-stamped.", "Sign it with --sign NAME.")
    reader = letters.recipient(to_certificate) if to_certificate else None
    if signer is not None:
        sign_ledger(case, signer, time_url)
    job.check()
    parts = _parts(case, report)
    left_out = [IMAGE_LEFT_OUT, FILES_LEFT_OUT]
    encrypted_to, secret = "", ""
    if reader is None and not to_zip:
        left_out.append(PERSONS_LEFT_OUT)
    else:
        with case.view() as view:
            listed = table(view, "persons")
        if reader is not None:
            parts[PERSONS], encrypted_to = letters.sealed(listed, reader), letters.fingerprint(reader)
        else:
            parts[ZIPPED_PERSONS], secret = zipped(listed, "persons.csv")
            encrypted_to = "passphrase"
    details = case.details
    info = {
        "Source-Organization": details.organisation,
        "External-Identifier": origin(details),
        "External-Description": f"Evidence package of case {details.number}, made by DriveCustody {__version__}",
        "Contact-Name": details.examiner,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    stamp = functools.partial(stamped, time_url) if time_url else None
    with _kept_beside(out, secret):
        made = build_package(parts, out, signer, info, left_out, stamp)
    said = {
        "tagmanifest_sha256": made.tagmanifest_sha256,
        "files": made.files,
        "bytes": made.bytes,
        "signed": made.signed,
        "zip_sha256": made.sha256,
        "stamp_sha256": made.stamp_sha256,
        "persons_encrypted_to": encrypted_to,
    }
    case.record("package-made", {**said, "name": out.name}, signer=signer)
    case.store.put_fact("package", {**said, "file": str(out)})
    return {**said, "out": str(out), "custody": {"tagmanifest_sha256": made.tagmanifest_sha256}}


@contextmanager
def _kept_beside(out: Path, secret: str) -> Iterator[None]:
    """The passphrase in a file of its own, there before the package that needs it, and gone if that is not made."""
    path = out.with_name(f"{out.name}.passphrase")
    if secret:
        write_whole(path, f"{secret}\n".encode(), private=True)
    try:
        yield
    except BaseException:
        if secret:
            path.unlink(missing_ok=True)
        raise


def _newest_report(case: OpenCase) -> Path:
    made = case.store.fact("report")
    path = Path(made["file"]) if made else None
    if path is None or not path.is_file():
        raise Refused(
            "There is no report to put into the package.",
            f"First: drivecustody report {case.folder.path.name} --out REPORT.pdf --sign NAME",
        )
    if hashing.of_file(path) != made["sha256"]:
        raise Refused("The newest report was changed since it was made.", "Make the report again.")
    return path


def _parts(case: OpenCase, report: Path) -> dict[str, Path | bytes]:
    custody = case.folder.custody
    parts: dict[str, Path | bytes] = {
        "report.pdf": report,
        # The ledger grows while the package is made; what goes in is this moment of it.
        "custody/ledger.jsonl": (custody / "ledger.jsonl").read_bytes(),
        **{name: resource("package", name).read_bytes() for name in SCRIPTS},
        PROVENANCE: b"".join(graph(provenance(case))),
    }
    for folder in ("checkpoints", "certs", "crls"):
        for path in sorted((custody / folder).glob("[!.]*")):
            if path.is_file() and path.suffix != ".part":
                parts[f"custody/{folder}/{path.name}"] = path
    for path in sorted(custody.glob("torn-*.txt")):
        parts[f"custody/{path.name}"] = path
    for acquisition in case.store.acquisitions():
        for name in (MANIFEST, MAP, ZEROS, PIECES, DIFFERING_MAP):
            path = case.folder.images(acquisition.exhibit) / name
            if path.is_file():
                parts[f"exhibits/{acquisition.exhibit}/{name}"] = path
    with case.view() as view:
        parts["manifests/hashes.csv"] = table(view, "hashes")
    return parts
