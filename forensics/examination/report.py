"""What the case says, gathered into facts, set as a document, and signed."""

from __future__ import annotations

import ssl
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forensics import __version__, hashing
from forensics.casefile import workstation
from forensics.casefile.coverage import IN_WORDS, LEFT_OPEN, Fate
from forensics.casefile.views import CaseView
from forensics.errors import Refused
from forensics.examination import sample
from forensics.examination.custody import sign_ledger
from forensics.examination.open_case import OpenCase, verb
from forensics.exposure.tiers import RULE
from forensics.jobs.events import Job
from forensics.model import CustodyEvent, EntryStatus, Fact, Signer, Tier
from forensics.report.document import build
from forensics.report.facts import (
    AcquisitionSheet,
    Assessment,
    CaseSheet,
    ContentsSheet,
    Coverage,
    CoveragePart,
    CustodyRow,
    ExhibitSheet,
    ExposureSheet,
    MethodSheet,
    NotExaminedItem,
    PersonsHolder,
    PlacesSheet,
    RecordsSheet,
    ReportFacts,
    SampleRow,
    SampleSheet,
    SignerSheet,
    TypeCount,
)
from forensics.report.signing import sign as sign_pdf
from forensics.report.wording import TIER_NAMES

STEPS = (
    "The drive was read once from the first byte to the last; every digest was computed from the bytes as they were "
    "read, and the image was read back and compared.",
    "Volumes and file entries, live and deleted, were listed; every content was hashed, and text and tables were "
    "extracted in isolated processes. Containers were opened to a depth of 16.",
    "Every byte of the image and every extracted stream was searched for the identifiers of the source records, in "
    "ASCII, UTF-8, Latin-1, UTF-16 and EBCDIC; rows of tables were compared column by column.",
    "Fields count together only within one row or line, or else within 200 bytes of each other.",
)


@verb("report", options=("version",))
def report(
    case: OpenCase,
    job: Job,
    *,
    out: Path,
    signer: Signer | None = None,
    timestamp: str | None = None,
) -> dict[str, Any]:
    """Write the report: signed under a person's certificate, or a draft with a watermark.

    The SHA-256 of the whole file goes into the ledger, because a PDF signature alone does not cover every byte.
    """
    if out.exists():
        raise Refused(f"{out.name} exists already and a report is never overwritten.", "Choose another name.")
    if signer is None and timestamp:
        raise Refused("A draft cannot be time-stamped.", "Sign it with --sign NAME.")
    if signer is not None:
        sign_ledger(case, signer)
    job.check()
    number = 1 + sum(event.event == "report-made" for event in case.ledger.events())
    with case.view() as view:
        facts = gather(case, view, signer, number)
    out.parent.mkdir(parents=True, exist_ok=True)
    if signer is None:
        build(facts, out)
        digest, size = _measure(out)
    else:
        unsigned = case.folder.scratch / f"report-{uuid.uuid4().hex}.pdf"
        try:
            build(facts, unsigned)
            made = sign_pdf(unsigned, out, signer, reason=f"Report {facts.report_id}", timestamper_url=timestamp)
        finally:
            unsigned.unlink(missing_ok=True)
        digest, size = made.sha256, made.size
    said = {
        "report_id": facts.report_id,
        "sha256": digest,
        "size": size,
        "signed": signer is not None,
        "ledger_size": facts.ledger_size,
        "ledger_head": facts.ledger_head,
    }
    case.record("report-made", {**said, "file": out.name}, signer=signer)
    case.store.put_fact("report", {**said, "file": str(out)})
    job.changed("report")
    return {**said, "out": str(out), "custody": {"report_id": facts.report_id, "sha256": digest}}


def _measure(path: Path) -> tuple[str, int]:
    return hashing.of_file(path), path.stat().st_size


def gather(case: OpenCase, view: CaseView, signer: Signer | None, number: int) -> ReportFacts:
    """Everything the report prints, as it stands now."""
    details = case.details
    size, head = case.ledger.head()
    result = view.assessment()
    return ReportFacts(
        case=CaseSheet(
            details.number, details.title, details.organisation, details.entity_types, details.examiner,
            tuple(
                (label, value)
                for label, value in (
                    ("Copied", details.copied), ("Person left", details.left), ("Returned", details.returned),
                    ("Incident", details.incident), ("First known", details.first_known),
                    ("Known by", details.known_by), ("Known by diligence", details.diligence_date),
                )
                if value
            ),
        ),
        report_id=f"{details.number}-R{number}",
        version=str(number),
        date=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        tool_version=__version__,
        ledger_size=size,
        ledger_head=head,
        exhibits=tuple(
            ExhibitSheet(
                row.label, row.details["from"], row.details["to"], row.received_utc, row.details["description"],
                row.details["seal"], row.details["place"], row.details["purpose"], row.details["authority"],
                tuple((photo["name"], photo["sha256"]) for photo in row.details["photos"]),
            )
            for row in view.exhibits()
        ),
        acquisitions=tuple(
            AcquisitionSheet(
                acquisition,
                (
                    Fact(
                        f"image of {acquisition.exhibit}",
                        "read back and compared" if not acquisition.imported else "stored hashes compared",
                        acquisition.verified or None,
                        acquisition.verified_by or "not done",
                    ),
                ),
                tuple(
                    (item.locator, item.kind, item.bytes, item.first_offset)
                    for item in view.implausible()
                    if item.locator.startswith(f"{acquisition.exhibit}/")
                )
                if case.store.fact("indexed")
                else None,
            )
            for acquisition in view.acquisitions()
        ),
        volumes=tuple(view.volumes()),
        contents=_contents(view),
        not_examined=tuple(NotExaminedItem(item.locator, item.size, item.reason) for item in view.not_examined()),
        coverage=_coverage(view),
        records=tuple(
            RecordsSheet(
                source.name, source.records, source.sha256, source.as_of,
                tuple((column, field) for field, column in source.mapping.items()), _notes(source.quality),
            )
            for source in view.source_sets()
        ),
        exposure=_exposure(view, result) if result else None,
        custody=tuple(_custody_row(event) for event in case.ledger.events()[:size]),
        method=MethodSheet(
            STEPS,
            _tools(),
            RULE,
            (
                "Minors are persons under 18 on the day of the incident, else of the copying, the return, or the case.",
                workstation.last_self_test_in_words(),
            ),
        ),
        signer=_signer(signer),
        sample=_sample(sample.latest(view)),
    )  # fmt: skip


def _tools() -> tuple[tuple[str, str], ...]:
    here = workstation.environment()
    return ("Python", here["python"]), *here["libraries"].items()


def _contents(view: CaseView) -> ContentsSheet | None:
    by_status = view.counts_by("status")
    if not by_status:
        return None
    by_outcome = view.counts_by("outcome")
    return ContentsSheet(
        sum(by_status.values()),
        {EntryStatus(status): count for status, count in by_status.items()},
        tuple(TypeCount(*row) for row in view.types()),
        by_outcome,
    )


def _coverage(view: CaseView) -> Coverage | None:
    """Every byte of the devices by its fate; None until the raw scan has read them."""
    if not view.fact("matched"):
        return None
    sums: dict[Fate, int] = {}
    for share in view.coverage():
        sums[share.fate] = sums.get(share.fate, 0) + share.bytes
    total = sum(acquisition.size for acquisition in view.acquisitions())
    return Coverage(total, tuple(CoveragePart(IN_WORDS[f], sums[f], f not in LEFT_OPEN) for f in Fate if f in sums))


def _exposure(view: CaseView, result: dict[str, Any]) -> ExposureSheet:
    places = view.places()
    return ExposureSheet(
        Assessment.from_result(result),
        {
            element: {Tier(tier): count for tier, count in by_tier.items()}
            for element, by_tier in view.elements_by_tier().items()
        },
        PlacesSheet(**places) if places else None,
        tuple(
            PersonsHolder(place.locator, place.persons, {tier: place.tiers.get(str(tier), 0) for tier in Tier})
            for place in view.documents_with_persons()
        ),
    )


def _sample(told: dict[str, Any] | None) -> SampleSheet | None:
    if told is None:
        return None
    rows = {"Both tiers": told["precision"], **{TIER_NAMES[Tier(tier)]: one for tier, one in told["tiers"].items()}}
    return SampleSheet(
        told["closed"], told["population"], len(told["reviewers"]), told["kappa"], told["catch_answers"],
        told["caught"], tuple(SampleRow(name, **one) for name, one in rows.items()), told["method"], told["current"],
    )  # fmt: skip


def _notes(quality: dict[str, Any]) -> tuple[str, ...]:
    said = [
        f"{quality['persons']:,} distinct persons by full name and birth date with SSN or address",
        f"{quality['without_ssn']:,} records without SSN, {quality['without_birth_date']:,} without birth date",
    ]
    for name, count in quality["placeholders"].items():
        said.append(f"{count:,} placeholder values of {name} were not used")
    if quality["unreadable_dates"] or quality["unreadable_ssns"]:
        said.append(
            f"{quality['unreadable_dates']:,} birth dates and {quality['unreadable_ssns']:,} SSNs could not be read"
        )
    if quality["ignored_columns"]:
        said.append("Columns not used: " + ", ".join(quality["ignored_columns"]))
    return tuple(said)


_TOLD = ("verb", "outcome", "from", "to", "purpose", "note", "sha256", "format", "size", "verified", "report_id")


def _custody_row(event: CustodyEvent) -> CustodyRow:
    told = [f"{name}: {event.data[name]}" for name in _TOLD if event.data.get(name) not in (None, "")]
    if isinstance(hashes := event.data.get("hashes"), dict):
        told += [f"{name}: {value}" for name, value in sorted(hashes.items())]
    return CustodyRow(event.seq, event.utc, event.actor, event.event, event.exhibit, "; ".join(told))


def _signer(signer: Signer | None) -> SignerSheet | None:
    if signer is None:
        return None
    roots = [_fingerprint(pem) for pem in signer.chain_pem[-1:]]
    return SignerSheet(signer.name, signer.organisation, signer.fingerprint, *roots)


def _fingerprint(pem: bytes) -> str:
    return hashing.of_bytes(ssl.PEM_cert_to_DER_cert(pem.decode("ascii")))
