"""Lists for scripts and people (UTF-8, RFC 4180): who, what, and the hash of everything."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile.unmatched import tables_on_drive
from forensics.casefile.views import CaseView
from forensics.errors import EnvironmentFailed, Refused
from forensics.examination import differences, duties, letters, review, unmatched
from forensics.examination import export_formats as formats
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.provenance import listed_files, provenance
from forensics.examination.sealing import zipped
from forensics.exposure.tiers import tier_of
from forensics.jobs.events import Job
from forensics.model import Tier
from forensics.report.case_uco import graph
from forensics.report.files import write_whole

PERSONS = (
    "record_key", "tier", "elements", "places", "live", "deleted", "unallocated", "archived", "first_place", "state",
    "minor", "deceased", "review",
)  # fmt: skip
HASHES = ("sha256", "md5", "sha1", "size", "status", "locator")
FILES = (
    "locator", "status", "size", "type", "modified", "outcome", "reason", "sha256", "known", "created", "accessed",
    "clock", "uncertain_because", "notes",
)  # fmt: skip

FINDINGS = ("record_key", "locator", "region", "tier", "elements", "agree", "conflict", "road")

KINDS = (
    "persons", "files", "hashes", "findings", "notification", "duties", "differences", "bodyfile", "dfxml", "hashdeep",
    "sha256sum", "case-uco", "not-in-records",
)  # fmt: skip

PERSONAL = {
    "notification": "names and addresses", "duties": "who is to be told under which law",
    "differences": "who was added and removed, and why",
}  # fmt: skip
"""Lists that leave the case only encrypted, unless somebody asks for them in clear."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@verb("export", options=("kind",))
def export(
    case: OpenCase,
    job: Job,
    *,
    kind: str,
    out: Path,
    all_tiers: bool = False,
    to_certificate: Path | None = None,
    to_zip: bool = False,
    plain: bool = False,
    mailing: date | None = None,
    since: int | None = None,
) -> dict[str, Any]:
    """Write one list to a new file. Raises `Refused` for a kind that does not exist or a file that does.

    With `to_certificate` the file is CMS, encrypted to that certificate; with `to_zip` an AES-256 ZIP under a generated
    passphrase, which is written to a file of its own, for its owner alone. `notification` holds names and addresses and
    is refused without it, unless `plain` asks for the list in clear; who is a minor in it is that on the day of
    `mailing`, else today.
    """
    if kind not in KINDS:
        raise Refused(f"There is no export {kind} in this version.", f"Choose one of: {', '.join(KINDS)}.")
    if out.exists():
        raise Refused(f"{out.name} exists already.", "Choose another name.")
    if kind in PERSONAL and to_certificate is None and not (plain or to_zip):
        raise Refused(
            f"This list holds {PERSONAL[kind]} and leaves the case only encrypted.",
            "Give --to-certificate PEM or --zip, or --plain where it may be in clear.",
        )
    if to_zip and to_certificate:
        raise Refused("A list is encrypted in one way.", "Give --to-certificate, or --zip, not both.")
    certificate = letters.recipient(to_certificate) if to_certificate else None
    job.check()
    more: dict[str, Any] = {}
    with case.view() as view:
        if kind == "notification":
            review.require_assessed(case)
            recipients, counts = letters.rows(view, mailing or datetime.now(UTC).date())
            data, more = _csv(letters.COLUMNS, recipients), letters.told(counts)
        elif kind == "duties":
            review.require_assessed(case)
            data = _csv(duties.COLUMNS, duties.rows(view))
        elif kind == "differences":
            data = _csv(differences.COLUMNS, differences.rows(view, since))
        elif kind == "findings":
            review.require_assessed(case)
            data = _csv(FINDINGS, _findings(case, view))
        elif kind == "not-in-records":
            review.require_assessed(case)
            data = _csv(("locator",), unmatched.places(tables_on_drive(case.store.engine)))
        elif kind == "case-uco":
            data, rows = b"".join(graph(provenance(case), listed_files(view))), 0
        elif kind in formats.KINDS:
            data, rows = formats.document(view, kind)
        else:
            data = table(view, kind, all_tiers)
    if kind not in formats.KINDS and kind != "case-uco":
        rows = sum(1 for _ in csv.reader(io.StringIO(data.decode("utf-8"), newline=""))) - 1
    if certificate is not None:
        data = letters.sealed(data, certificate)
    if to_zip:
        data, passphrase = zipped(data, f"{kind}.csv" if kind != "case-uco" else "case.jsonld")
        write_whole(out.with_name(f"{out.name}.passphrase"), f"{passphrase}\n".encode(), private=True)
    draft = out.with_name(f".{out.name}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(out)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise EnvironmentFailed(f"{out.name} cannot be written: {error.strerror}.", "Choose another place.") from error
    to = letters.fingerprint(certificate) if certificate is not None else ("passphrase" if to_zip else "")
    result = {"kind": kind, "rows": rows, "sha256": hashing.of_bytes(data), "encrypted_to": to, **more}
    return {**result, "out": str(out), "custody": result}


def table(view: CaseView, kind: str, all_tiers: bool = False) -> bytes:
    """The bytes of one list, header first. Raises `Refused` for persons before `assess`."""
    if kind == "hashes":
        rows: Iterable[Sequence[object]] = (
            (r.sha256, r.md5, r.sha1, r.size, r.status, r.locator) for r in view.hashes()
        )
        return _csv(HASHES, rows)
    if kind == "files":
        return _csv(
            FILES,
            (
                (
                    f.locator, f.status, f.size, f.type, f.modified, f.outcome, f.reason, f.sha256, f.known, f.created,
                    f.accessed, f.clock, f.uncertain_because, f.notes,
                )
                for f in view.listing()
            ),
        )  # fmt: skip
    if view.assessment() is None:
        raise Refused("The exposure has not been assessed.", "First: drivecustody assess")
    return _csv(PERSONS, _persons(view, all_tiers))


def _persons(view: CaseView, all_tiers: bool) -> Iterator[Sequence[object]]:
    tiers = tuple(Tier) if all_tiers else (Tier.CONFIRMED, Tier.PROBABLE)
    # Null where the records are fingerprints: whether somebody is one is not known then, and not false.
    told = (view.assessment() or {}).get("minors") is not None
    for p in view.all_persons(tiers):
        yield (
            p.record_key, str(p.tier), " ".join(p.elements), p.places, p.live, p.deleted, p.unallocated, p.archived,
            p.first_place, p.state, str(p.minor).lower() if told else "",
            str(p.deceased).lower() if told else "", p.review,
        )  # fmt: skip


def _findings(case: OpenCase, view: CaseView) -> list[tuple[str, ...]]:
    """One row a place and person, by record key and locator: which fields agree and differ there, and no value."""
    exposed = set(view.queue_ids())
    found = set()
    for number, record, evidence in case.store.evidence_by_record():
        if number in exposed:
            for item in evidence:
                fields = (" ".join(sorted(part)) for part in (item.elements, item.agree, item.conflict))
                tier = str(tier_of(item) or "")
                found.add((record.record_key, item.locator, str(item.region), tier, *fields, item.road))
    return sorted(found)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    return out.getvalue().encode("utf-8")


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would run as a formula, made plain text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
