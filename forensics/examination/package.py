"""The evidence package: what somebody who does not trust us needs, and nothing that would expose anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forensics import __version__, hashing
from forensics.errors import Refused
from forensics.evidence.second_read import DIFFERING_MAP
from forensics.examination.custody import sign_ledger
from forensics.examination.export import table
from forensics.examination.images import MANIFEST, MAP, PIECES, ZEROS
from forensics.examination.open_case import OpenCase, origin, verb
from forensics.jobs.events import Job
from forensics.model import Signer
from forensics.report.package import LEDGER_SCRIPT, build_package
from forensics.resources import resource

LEFT_OUT = (
    "The image itself: by reference, with the SHA-256 of every segment in exhibits/*/acquisition.json.",
    "The list of affected persons: it leaves the case only encrypted (not in this version).",
    "A CASE/UCO graph of the provenance (not in this version).",
)


@verb("package")
def package(case: OpenCase, job: Job, *, out: Path, signer: Signer | None = None) -> dict[str, Any]:
    """Make the package: report, ledger with its checkpoints, acquisition manifests, hashes of all contents.

    The newest report goes in. Raises `Refused` before there is one, and where `out` exists.
    """
    report = _newest_report(case)
    if signer is not None:
        sign_ledger(case, signer)
    job.check()
    parts = _parts(case, report)
    details = case.details
    info = {
        "Source-Organization": details.organisation,
        "External-Identifier": origin(details),
        "External-Description": f"Evidence package of case {details.number}, made by DriveCustody {__version__}",
        "Contact-Name": details.examiner,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    made = build_package(parts, out, signer, info, LEFT_OUT)
    said = {
        "tagmanifest_sha256": made.tagmanifest_sha256,
        "files": made.files,
        "bytes": made.bytes,
        "signed": made.signed,
        "zip_sha256": made.sha256,
    }
    case.record("package-made", {**said, "name": out.name}, signer=signer)
    case.store.put_fact("package", {**said, "file": str(out)})
    return {**said, "out": str(out), "custody": {"tagmanifest_sha256": made.tagmanifest_sha256}}


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
        LEDGER_SCRIPT: resource("package", "verify_ledger.py").read_bytes(),
    }
    for folder in ("checkpoints", "certs"):
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
