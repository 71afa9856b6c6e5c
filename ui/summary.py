"""What every page says about a case in a few numbers, read in one go, and the steps of the work with their states."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forensics.casefile import testimony
from forensics.casefile.case import CaseDetails
from forensics.casefile.readiness import Item, Need, checklist
from forensics.casefile.testimony import Tick
from forensics.casefile.views import CaseView, ExhibitRow
from forensics.model import Acquisition, Volume
from ui.unfinished import UnfinishedImage, unfinished_image


@dataclass(frozen=True, slots=True)
class Records:
    """One file of source records that was loaded."""

    name: str
    as_of: str
    records: int
    by_fingerprints: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """The state of a case at one moment. `assessment` is None before `assess`."""

    folder: Path
    details: CaseDetails
    exhibits: tuple[ExhibitRow, ...]
    acquisitions: tuple[Acquisition, ...]
    unfinished: dict[str, UnfinishedImage]
    """By exhibit, what an interrupted acquisition left."""
    volumes: tuple[Volume, ...]
    sources: tuple[Records, ...]
    record_count: int
    by_status: dict[str, int]
    by_outcome: dict[str, int]
    by_type: dict[str, int]
    indexed: bool
    matched: bool
    assessment: dict[str, Any] | None
    reports: tuple[Path, ...]
    """PDF files in the case, the newest first."""
    last_report: dict[str, Any]
    """What the last `report` said of what it wrote: `file`, `report_id`, `signed`; empty before it."""
    ledger_entries: int
    ledger_last: str
    not_examined: int
    not_examined_bytes: int
    checklist: tuple[Item, ...] = ()
    """What a signature waits for, and what is to be known before it."""
    statements: tuple[Tick, ...] = ()
    """The statements of the certificate that were made."""
    examiner_sheet: dict[str, str] = field(default_factory=dict)
    """What the examiner stated: `employer`, `qualifications`, `second_examiner`, `legend`."""

    @property
    def entries(self) -> int:
        return sum(self.by_outcome.values())

    @property
    def pending(self) -> int:
        return self.by_outcome.get("pending", 0)

    @property
    def deleted(self) -> int:
        return self.by_status.get("deleted", 0) + self.by_status.get("deleted-uncertain", 0)

    @property
    def verified(self) -> bool:
        return bool(self.acquisitions) and all(a.verified for a in self.acquisitions)

    @property
    def by_fingerprints(self) -> bool:
        """Whether the records' values are not in the case."""
        return any(source.by_fingerprints for source in self.sources)

    @property
    def records(self) -> int:
        """Record keys, each counted once over all snapshots."""
        return self.record_count


def read(view: CaseView) -> Summary:
    """Ask the case for its summary; for another thread than the window's."""
    folder = view.folder
    found = [] if not folder.reports.is_dir() else [(p.stat().st_mtime_ns, p) for p in folder.reports.glob("*.pdf")]
    ledger = view.ledger()
    missing = view.not_examined()
    exhibits, acquisitions = tuple(view.exhibits()), tuple(view.acquisitions())
    imaged = {a.exhibit for a in acquisitions}
    left = {e.label: unfinished_image(folder.images(e.label)) for e in exhibits if e.label not in imaged}
    return Summary(
        folder=folder.path,
        details=view.details(),
        exhibits=exhibits,
        acquisitions=acquisitions,
        unfinished={label: image for label, image in left.items() if image},
        volumes=tuple(view.volumes()),
        sources=tuple(Records(s.name, s.as_of, s.records, "fingerprints" in s.quality) for s in view.source_sets()),
        record_count=view.record_count(),
        by_status=view.counts_by("status"),
        by_outcome=view.counts_by("outcome"),
        by_type=view.counts_by("type"),
        indexed=bool(view.fact("indexed")),
        matched=bool(view.fact("matched")),
        assessment=view.assessment(),
        last_report=view.fact("report") or {},
        reports=tuple(path for _, path in sorted(found, reverse=True)),
        ledger_entries=len(ledger),
        ledger_last=ledger[-1].utc if ledger else "",
        not_examined=len(missing),
        not_examined_bytes=sum(item.size for item in missing),
        checklist=tuple(checklist(view)),
        statements=tuple(testimony.ticks(view.fact(testimony.TICKS), acquisitions).values()),
        examiner_sheet=view.fact(testimony.FACT) or {},
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the work: the verb that does it, and what the case says about it."""

    verb: str
    icon: str
    name: str
    said: str
    done: bool
    action: str
    """The words on the button that does it."""


def steps(case: Summary) -> list[Step]:
    """The steps in their order. The first that is not done is the one that comes next."""
    exhibit = case.exhibits[0].label if case.exhibits else "the exhibit"
    image = case.acquisitions[0] if case.acquisitions else None
    result = case.assessment or {}
    tiers = result.get("tiers") or {}
    affected = tiers.get("confirmed", 0) + tiers.get("probable", 0)
    live = case.by_status.get("live", 0)
    return [
        Step(
            "receive", "briefcase", "Receive the exhibit",
            f"{exhibit} entered custody {case.exhibits[0].received_utc[:10]}" if case.exhibits
            else "From whom, when, and under which seal",
            bool(case.exhibits), "Receive an exhibit…",
        ),
        Step(
            "acquire", "usb", "Acquire evidence",
            f"{image.exhibit}: {image.size:,} bytes, {image.format}, {_bad(image)}" if image
            else "A device read-only, or an image that exists; hashes while reading",
            image is not None, "Acquire…",
        ),
        Step(
            "verify-image", "hash", "Verify the image",
            "Second read of the image, hashes equal" if case.verified else "Read the image again and compare hashes",
            case.verified, "Verify the image",
        ),
        Step(
            "index", "files", "Index contents",
            f"{live:,} live, {case.deleted:,} deleted, {case.by_status.get('child', 0):,} in containers;"
            f" {case.not_examined:,} not examined" if case.indexed
            else (f"{case.pending:,} of {case.entries:,} files wait" if case.pending
                  else "Volumes, files live and deleted, types, hashes"),
            case.indexed, "Index contents",
        ),
        Step(
            "records", "database", "Load source records",
            f"{case.records:,} records of {', '.join(s.name for s in case.sources)}" if case.sources
            else "The organisation’s own table of persons",
            bool(case.sources), "Load records…",
        ),
        Step(
            "match", "git-compare", "Compare with source records",
            "Every byte and every table row compared" if case.matched else "Which records stand where on the drive",
            case.matched, "Compare with records…",
        ),
        Step(
            "assess", "users", "Assess exposure",
            f"{affected:,} persons confirmed or probable" if case.assessment is not None
            else "Persons, data elements and tiers; the sums checked",
            case.assessment is not None, "Assess exposure",
        ),
        Step(
            "report", "writing-sign", "Write the report",
            f"{case.reports[0].name}" if case.reports else "Findings and chain of custody; a draft until it is signed",
            bool(case.reports), "Make a draft",
        ),
    ]  # fmt: skip


def _bad(image: Acquisition) -> str:
    return f"{len(image.bad):,} unreadable ranges" if image.bad else "no unreadable sector"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at before signing: whether it holds (None: not known here), and what it is."""

    holds: bool | None
    said: str


def before_signing(case: Summary) -> list[Check]:
    """What stands, and what is missing, before a report is signed: the list of `report --check`."""
    checks = [
        Check(True if item.holds else None if item.need is Need.NOTE else False, item.said) for item in case.checklist
    ]
    return [*checks, Check(None, f"Ledger: {case.ledger_entries:,} entries, not checked here")]
