"""Everything the report prints, gathered from the case as it stands now."""

from __future__ import annotations

import re
import ssl
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from forensics import __version__, hashing
from forensics.casefile import testimony, workstation
from forensics.casefile.coverage import IN_WORDS, LEFT_OPEN, Fate
from forensics.casefile.decisions import EXCLUDED, INCLUDED
from forensics.casefile.masking import last_characters
from forensics.casefile.views import CaseView
from forensics.examination.export import table
from forensics.examination.open_case import OpenCase
from forensics.examination.package import FILES_LEFT_OUT, IMAGE_LEFT_OUT
from forensics.examination.recognition import FACT, recognition_in_words
from forensics.exposure.tiers import RULE
from forensics.model import CustodyEvent, EntryStatus, Fact, Signer, Tier
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
from forensics.report.sheets import (
    ExportRow,
    Extract,
    FindingRow,
    ListDigest,
    Program,
    StatementLine,
    Step,
    Testimony,
    Times,
)
from forensics.report.wording import TIER_NAMES

PERSONS_LEFT_OUT = (
    "The list of affected persons, unless a certificate to encrypt it to is given when the package is made; it is "
    "in no package in clear."
)
COUNSEL_LEFT_OUT = "The memorandum for counsel: never."

_FINGERPRINT = re.compile("[0-9a-f]{64}")

FINDINGS_ROWS = 60
"""Persons of annex D: enough to see what the list is made of."""

STEPS = (
    "The drive was read once from the first byte to the last; every digest was computed from the bytes as they were "
    "read, and the image was read back and compared.",
    "Volumes and file entries, live and deleted, were listed; every content was hashed, and text and tables were "
    "extracted in isolated processes. Containers were opened to a depth of 16.",
    "Every byte of the image and every extracted stream was searched for the identifiers of the source records, in "
    "ASCII, UTF-8, Latin-1, UTF-16 and EBCDIC; rows of tables were compared column by column.",
    "Fields count together only within one row or line, or else within 200 bytes of each other.",
)


def gather(
    case: OpenCase, view: CaseView, signer: Signer | None, number: int, *, certificate: bool = True
) -> ReportFacts:
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
                tuple((column, field) for field, column in source.mapping.items()),
                _notes(source.quality, source.by_fingerprints, source.former),
            )
            for source in view.snapshots()
        ),
        exposure=_exposure(view, result) if result else None,
        custody=tuple(_custody_row(event) for event in case.ledger.events()[:size]),
        method=MethodSheet(
            STEPS,
            _tools(),
            RULE,
            (
                "Minors are persons under 18 on the day of the incident, else of the copying, the return, or the case.",
                *_isolation(view.fact("isolation")),
                *recognition_in_words(view.fact(FACT)),
            ),
        ),
        signer=_signer(signer),
        sample=_latest_sample(view),
        legend=(view.fact(testimony.FACT) or {}).get("legend", ""),
        testimony=_testimony(view, executed=signer is not None and certificate),
        program=Program(
            "DriveCustody", __version__, workstation.build_digest(), workstation.last_self_test_in_words()
        ),
        waterfall=_waterfall(view, result) if result else (),
        extracts=tuple(
            Extract(str(one.locator), one.name, one.as_of, one.records) for one in case.store.known_extracts()
        ),
        times=_times(case, view),
        findings=_findings(view),
        lists=_lists(view, result),
        exports=tuple(_export_rows(case.ledger.events()[:size])),
        left_out=(IMAGE_LEFT_OUT, FILES_LEFT_OUT, PERSONS_LEFT_OUT, COUNSEL_LEFT_OUT),
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
        tuple(view.misnamed()),
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


def _isolation(held: dict[str, Any] | None) -> tuple[str, ...]:
    return (f"The exhibit was parsed in {held['workers']} worker processes: {held['in_words']}.",) if held else ()


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


def _latest_sample(view: CaseView) -> SampleSheet | None:
    if not any(one.closed for one in view.samples()):
        return None
    # The sample brings the readers of images with it: 60 MB that a report without one does without.
    from forensics.examination import sample

    return _sample(sample.latest(view))


def _sample(told: dict[str, Any] | None) -> SampleSheet | None:
    if told is None:
        return None
    rows = {"Both tiers": told["precision"], **{TIER_NAMES[Tier(tier)]: one for tier, one in told["tiers"].items()}}
    return SampleSheet(
        told["closed"], told["population"], len(told["reviewers"]), told["kappa"], told["catch_answers"],
        told["caught"], tuple(SampleRow(name, **one) for name, one in rows.items()), told["method"], told["current"],
    )  # fmt: skip


def _notes(quality: dict[str, Any], by_fingerprints: bool, former: int) -> tuple[str, ...]:
    said = [
        f"{quality['persons']:,} distinct persons by full name and birth date with SSN or address",
        f"{quality['without_ssn']:,} records without SSN, {quality['without_birth_date']:,} without birth date",
    ]
    if by_fingerprints:
        said.append("Compared by keyed fingerprints: the values themselves were not supplied")
    if against := quality.get("against_earlier"):
        said.append(
            f"Beside sets loaded before it, {against['same']:,} records have the same values, {against['changed']:,} "
            f"others, and {against['new']:,} are new"
        )
    if former:
        said.append(f"{former:,} records are in no later snapshot: former members, counted like everybody else")
    for name, count in quality["placeholders"].items():
        said.append(f"{count:,} placeholder values of {name} were not used")
    if quality["unreadable_dates"] or quality["unreadable_ssns"]:
        said.append(
            f"{quality['unreadable_dates']:,} birth dates and {quality['unreadable_ssns']:,} SSNs could not be read"
        )
    if quality["ignored_columns"]:
        said.append("Columns not used: " + ", ".join(quality["ignored_columns"]))
    return tuple(said)


TOLD = (
    "verb",
    "statement",
    "by",
    "outcome",
    "from",
    "to",
    "purpose",
    "note",
    "sha256",
    "format",
    "size",
    "verified",
    "report_id",
)


def _custody_row(event: CustodyEvent) -> CustodyRow:
    told = [_in_words(name, event.data[name]) for name in TOLD if event.data.get(name) not in (None, "")]
    if isinstance(hashes := event.data.get("hashes"), dict):
        told += [f"{name}: {value}" for name, value in sorted(hashes.items())]
    # Fractions of seconds and the rest of a fingerprint are in the ledger; here they would only break the lines.
    actor = f"{event.actor[:12]}…" if _FINGERPRINT.fullmatch(event.actor) else event.actor
    utc = event.utc[:19] + "Z" if event.utc.endswith("Z") else event.utc
    return CustodyRow(event.seq, utc, actor, event.event, event.exhibit, "; ".join(told))


def _in_words(name: str, value: object) -> str:
    """A field of an entry; one that has fields of its own, such as the digests of each exhibit, one by one."""
    if isinstance(value, dict):
        return "; ".join(_in_words(f"{name} {inner}", held) for inner, held in sorted(value.items()))
    return f"{name}: {value}"


def _signer(signer: Signer | None) -> SignerSheet | None:
    if signer is None:
        return None
    roots = [_fingerprint(pem) for pem in signer.chain_pem[-1:]]
    return SignerSheet(signer.name, signer.organisation, signer.fingerprint, *roots)


def _fingerprint(pem: bytes) -> str:
    return hashing.of_bytes(ssl.PEM_cert_to_DER_cert(pem.decode("ascii")))


def _testimony(view: CaseView, *, executed: bool) -> Testimony:
    sheet = view.fact(testimony.FACT) or {}
    made = testimony.ticks(view.fact(testimony.TICKS), view.acquisitions())
    lines = []
    for key, text in testimony.STATEMENTS.items():
        tick = made.get(key)
        stands = tick is not None and tick.current
        lines.append(StatementLine(key, text, tick.who if tick and stands else "", tick.utc if tick and stands else ""))
    return Testimony(
        sheet.get("employer", ""), sheet.get("qualifications", ""), sheet.get("second_examiner", ""), tuple(lines),
        executed,
    )  # fmt: skip


def _waterfall(view: CaseView, result: dict[str, Any]) -> tuple[Step, ...]:
    """From rows to persons to be told, each step less what fell out of it."""
    rows, keys = sum(source.records for source in view.source_sets()), int(result["source_records"])
    tiers, likely = result["tiers"], result["tiers"]["confirmed"] + result["tiers"]["probable"]
    everyone = sum(tiers.values())
    review = Counter(
        (person.tier in ("confirmed", "probable"), person.review) for person in view.persons_now().values()
    )
    excluded, added = review[True, EXCLUDED], review[False, INCLUDED]
    steps = [
        Step("Rows of source records", rows),
        Step("Records, each key once", keys, rows - keys, "older values of a record that a later file has too"),
        Step("With evidence on the exhibit", everyone, keys - everyone, "nothing of theirs in the bytes examined"),
        Step(
            "Confirmed or probable", likely, tiers["possible"], "possible only: an identifier alone, or a contradiction"
        ),
    ]
    if excluded or not added:
        steps.append(Step("Less those excluded by review", likely - excluded, excluded, "excluded, each with a reason"))
    return tuple(steps)


def _times(case: OpenCase, view: CaseView) -> Times | None:
    if not view.fact("indexed"):
        return None
    by_day, clocks, undated = view.days_of_entries()
    details = case.details
    marks = tuple(
        (name, day)
        for name, day in (("copied", details.copied), ("left", details.left), ("returned", details.returned))
        if day
    )
    return Times(by_day, clocks, undated, marks)


def _findings(view: CaseView) -> tuple[FindingRow, ...]:
    ids = view.first_person_ids(FINDINGS_ROWS, (Tier.CONFIRMED, Tier.PROBABLE))
    persons = view.persons(ids)
    return tuple(
        FindingRow(last_characters(p.record_key), p.tier, p.places, p.first_place, p.elements)
        for p in (persons[number] for number in ids)
    )


def _lists(view: CaseView, result: dict[str, Any] | None) -> tuple[ListDigest, ...]:
    """Digests of the lists as `export` and `package` write them."""
    wanted = [("Hashes of all contents (hashes.csv)", "hashes")]
    if result:
        wanted.append(("Persons confirmed or probable (persons.csv)", "persons"))
    made = []
    for name, kind in wanted:
        data = table(view, kind)
        made.append(ListDigest(name, data.count(b"\r\n") - 1, hashing.of_bytes(data)))
    return tuple(made)


def _export_rows(events: list[CustodyEvent]) -> list[ExportRow]:
    return [
        ExportRow(
            event.utc, str(event.data.get("kind", "")), int(event.data["rows"]), str(event.data["sha256"]),
            str(event.data.get("encrypted_to", "")),
        )
        for event in events
        if event.event == "finished" and event.data.get("verb") == "export" and "rows" in event.data
    ]  # fmt: skip
