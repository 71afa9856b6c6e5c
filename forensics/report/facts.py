"""Everything the report prints, as values, so that what is said can be checked before it is set in type.

`None` means "not measured" everywhere in this module and is printed so, never as a number. `ReportFacts.check` proves
that every count which the report sums does add up: a report whose columns disagree is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Self

from forensics.errors import Defect
from forensics.model import ELEMENTS, Acquisition, EntryStatus, Fact, Tier, Volume
from forensics.report.sheets import (
    DatedTable,
    ExportRow,
    Extract,
    FindingRow,
    ListDigest,
    OtherRule,
    PartlyKnown,
    Photograph,
    Program,
    RecallRow,
    Step,
    Testimony,
    Times,
)  # fmt: skip

TIERS = tuple(Tier)
"""Strongest first: the order of every table that has a column a tier."""


@dataclass(frozen=True, slots=True)
class CaseSheet:
    """The head of the case. `dates` are (what happened, date or instant) in the order to print."""

    number: str
    title: str
    organisation: str
    entity_types: tuple[str, ...]
    examiner: str
    dates: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ExhibitSheet:
    """The custody item sheet of one exhibit, as the person who received it filled it in."""

    label: str
    received_from: str
    received_by: str
    received_at: str
    description: str = ""
    seal: str = ""
    place: str = ""
    purpose: str = ""
    authority: str = ""
    photographs: tuple[tuple[str, str], ...] = ()
    """(file name, SHA-256)"""


@dataclass(frozen=True, slots=True)
class AcquisitionSheet:
    """One acquisition and what later checks of its image found. The map summary is derived from the acquisition."""

    acquisition: Acquisition
    verification: tuple[Fact, ...] = ()
    implausible: tuple[tuple[str, str, int, int], ...] | None = None
    """Locator, `unread` or `zeros`, bytes, first device byte, of each file whose bytes are not to be believed; None
    before the contents were indexed."""

    @property
    def bad_bytes(self) -> int:
        return sum(bad.length for bad in self.acquisition.bad)


@dataclass(frozen=True, slots=True)
class TypeCount:
    type: str
    items: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ContentsSheet:
    """How many contents were found: each total is the number of items, counted three ways. Bytes are content bytes."""

    items: int
    by_status: Mapping[EntryStatus, int]
    by_type: tuple[TypeCount, ...]
    by_outcome: Mapping[str, int]
    """Keys are the values of `model.OutcomeKind`."""
    misnamed: tuple[tuple[str, str], ...] = ()
    """Locator of each whose name says another type than its bytes are, and what is noted of it."""


@dataclass(frozen=True, slots=True)
class NotExaminedItem:
    locator: str
    bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class CoveragePart:
    """Bytes of the device that share one fate, for example "unallocated, scanned"."""

    name: str
    bytes: int
    examined: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every byte of the exhibits' devices, in parts that do not overlap."""

    device_bytes: int
    parts: tuple[CoveragePart, ...]

    @property
    def examined_bytes(self) -> int:
        return sum(part.bytes for part in self.parts if part.examined)


@dataclass(frozen=True, slots=True)
class RecordsSheet:
    """One set of source records. `mapping` is (column of the file, field); `notes` are remarks on quality."""

    name: str
    rows: int
    file_sha256: str
    as_of: str
    mapping: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """A count with its 95 % interval where one was measured."""

    n: int
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The result of `assess`, as `assess --json` gives it (cli.md)."""

    source_records: int
    persons_after_merge: int | None
    floor: int | None
    estimate: int | None
    low: int | None
    high: int | None
    ceiling: int | None
    estimate_status: str
    tiers: Mapping[Tier, int]
    elements: Mapping[str, Interval]
    states: Mapping[str, int]
    minors: int | None
    deceased: int | None
    not_in_records: int | None
    not_examined_items: int | None
    not_examined_bytes: int | None
    not_examined_reasons: Mapping[str, int]
    result_sha256: str = ""
    """Digest of the whole result; empty for one that was made before there was any."""
    trail: tuple[Step, ...] = ()
    """From values met in the bytes examined to persons."""
    rules: tuple[OtherRule, ...] = ()
    """What other rules would have counted; the first is the one that was used."""
    recall: tuple[RecallRow, ...] = ()
    recall_said: str = ""
    """What the spike test measured, and what it says; empty where nobody was planted."""
    dated: tuple[DatedTable, ...] = ()
    """Tables of the exhibit beside dated snapshots; empty where there are not two."""
    partly_known: tuple[PartlyKnown, ...] = ()
    """Tables that show records and others, those with most others first."""

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Self:
        """The dictionary of `assess --json` as a value. Raises `Defect` where a key of the contract is missing."""
        try:
            left = result["not_examined"] or {}
            return cls(
                **{name: result[name] for name in _PLAIN},
                tiers={tier: int(result["tiers"].get(tier.value, 0)) for tier in TIERS},
                elements={
                    key: Interval(int(value["n"]), value["low"], value["high"])
                    for key, value in result["elements"].items()
                },
                states=dict(result["states"] or {}),
                not_examined_items=left.get("items"),
                not_examined_bytes=left.get("bytes"),
                not_examined_reasons=dict(left.get("reasons") or {}),
                result_sha256=str(result.get("result_sha256", "")),
                trail=tuple(
                    Step(one["step"], one["n"], one["fell_out"], one["because"]) for one in result.get("waterfall", ())
                ),
                rules=tuple(
                    OtherRule(
                        one["rule"],
                        {tier: int(one[tier.value]) for tier in TIERS},
                        one["low"],
                        one["estimate"],
                        one["high"],
                    )
                    for one in result.get("sensitivity", ())
                ),
                recall=tuple(RecallRow(*(one[name] for name in _RECALL)) for one in _recall(result, "layouts", ())),
                recall_said=_recall(result, "said", ""),
                dated=tuple(
                    DatedTable(
                        one["locator"],
                        tuple(one["identical_to"]),
                        one["persons"],
                        one["told_by"],
                        one["said"],
                        one["p"],
                        tuple((s["as_of"], s["agree"], s["differ"], s["absent"]) for s in one["snapshots"]),
                    )
                    for one in result.get("dated_tables", ())
                ),
                partly_known=tuple(
                    PartlyKnown(
                        one["locator"],
                        one["rows"],
                        one["in_records"],
                        one["not_in_records"],
                        one["columns_unknown"],
                        one["no_person"],
                        tuple(one["first"]),
                    )
                    for one in result.get("not_in_records_tables", ())
                ),
            )
        except (KeyError, TypeError, AttributeError) as cause:
            raise Defect("The assessment handed to the report does not have the agreed form.") from cause

    @property
    def persons(self) -> int:
        """Persons of all tiers: every candidate in the bytes examined."""
        return sum(self.tiers.values())

    @property
    def likely(self) -> int:
        """Persons confirmed or probable."""
        return self.tiers[Tier.CONFIRMED] + self.tiers[Tier.PROBABLE]


_RECALL = ("layout", "planted", "found", "share", "low", "high", "note")


def _recall(result: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    return (result.get("recall") or {}).get(name, otherwise)


_PLAIN = (
    "source_records", "persons_after_merge", "floor", "estimate", "low", "high", "ceiling", "estimate_status",
    "minors", "deceased", "not_in_records",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlacesSheet:
    """Distinct places at which persons stand: each live, deleted or unallocated; `archived` are those in containers."""

    total: int
    live: int
    deleted: int
    unallocated: int
    archived: int


@dataclass(frozen=True, slots=True)
class PersonsHolder:
    """A document or table that holds persons: the locator of the content, and how many persons of each tier."""

    locator: str
    persons: int
    tiers: Mapping[Tier, int]


@dataclass(frozen=True, slots=True)
class ExposureSheet:
    """The assessment with the break-downs that the report prints beside it.

    `elements_by_tier[element][tier]` counts persons of that tier whose element stands on the exhibit.
    """

    assessment: Assessment
    elements_by_tier: Mapping[str, Mapping[Tier, int]]
    places: PlacesSheet | None
    holders: tuple[PersonsHolder, ...] = ()

    def row(self, element: str) -> tuple[int, ...]:
        """Persons by tier for one element, in the order of `TIERS`; zeros where the element was not found."""
        found = self.elements_by_tier.get(element, {})
        return tuple(found.get(tier, 0) for tier in TIERS)

    def likely(self, element: str) -> int:
        """Persons confirmed or probable whose element stands on the exhibit."""
        found = self.elements_by_tier.get(element, {})
        return found.get(Tier.CONFIRMED, 0) + found.get(Tier.PROBABLE, 0)

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements found, in the order of the catalogue."""
        return tuple(element for element in ELEMENTS if any(self.row(element)))


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One row of the blind sample's table: a tier or all of them. Shares 0 to 1, None where not measurable."""

    name: str
    items: int
    answered: int
    errors: int
    share: float | None
    low: float | None
    high: float | None
    because: str = ""


@dataclass(frozen=True, slots=True)
class SampleSheet:
    """A closed blind sample: `rows` begin with all tiers. `caught` of `catch_answers` answers to catch-rows were no;
    `current` is whether it was drawn from the result that this report prints."""

    closed: str
    population: int
    reviewers: int
    kappa: float | None
    catch_answers: int
    caught: int
    rows: tuple[SampleRow, ...]
    method: str
    current: bool

    @property
    def measured(self) -> bool:
        """Whether it says anything of the persons of this report."""
        return self.current and bool(self.rows) and self.rows[0].share is not None


@dataclass(frozen=True, slots=True)
class CustodyRow:
    """One entry of the ledger as annex A prints it; `seq` counts from 1, `detail` holds no personal data."""

    seq: int
    utc: str
    actor: str
    event: str
    exhibit: str
    detail: str


@dataclass(frozen=True, slots=True)
class MethodSheet:
    """How it was done: `steps` in sentences, tools with versions, the rule of each tier in words, settings."""

    steps: tuple[str, ...]

    tools: tuple[tuple[str, str], ...]
    tier_rules: Mapping[Tier, str]
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignerSheet:
    """Who is going to sign. Fingerprints are SHA-256 of the certificate in DER, lower-case hex."""

    name: str
    organisation: str
    fingerprint: str
    root_fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """One report. `signer` None makes a draft. `date` is ISO 8601 and the only date the document itself carries."""

    case: CaseSheet
    report_id: str
    version: str
    date: str
    tool_version: str
    ledger_size: int
    ledger_head: str
    exhibits: tuple[ExhibitSheet, ...]
    acquisitions: tuple[AcquisitionSheet, ...]
    volumes: tuple[Volume, ...]
    contents: ContentsSheet | None
    not_examined: tuple[NotExaminedItem, ...]
    coverage: Coverage | None
    records: tuple[RecordsSheet, ...]
    exposure: ExposureSheet | None
    custody: tuple[CustodyRow, ...]
    method: MethodSheet
    signer: SignerSheet | None
    classification: str = "Confidential"
    paper: Literal["A4", "Letter"] = "Letter"
    sample: SampleSheet | None = None
    legend: str = ""
    testimony: Testimony | None = None
    program: Program | None = None
    waterfall: tuple[Step, ...] = ()
    extracts: tuple[Extract, ...] = ()
    times: Times | None = None
    findings: tuple[FindingRow, ...] = ()
    lists: tuple[ListDigest, ...] = ()
    exports: tuple[ExportRow, ...] = ()
    left_out: tuple[str, ...] = ()
    photographs: tuple[Photograph, ...] = ()

    def check(self) -> None:
        """Prove that what the report sums adds up. Raises `Defect` that names the first sum that does not."""
        for sheet in self.acquisitions:
            _check_map(sheet)
        if self.contents:
            _check_contents(self.contents)
        if self.coverage:
            _equal(self.coverage.device_bytes, (part.bytes for part in self.coverage.parts), "the coverage ledger")
        if self.exposure:
            _check_exposure(self.exposure)
            _check_not_examined(self.exposure.assessment, self.not_examined)
        if self.sample:
            _check_sample(self.sample)
        for steps in (self.waterfall, self.exposure.assessment.trail if self.exposure else ()):
            for earlier, step in pairwise(steps):
                _equal(earlier.number, (step.number, step.fell_out), f"the waterfall at “{step.name}”")
        sequence = [row.seq for row in self.custody]
        if any(later <= earlier for earlier, later in pairwise(sequence)):
            raise Defect("The custody events handed to the report are not in the order of the ledger.")
        if sequence and sequence[-1] > self.ledger_size:
            raise Defect("The report was given more custody events than the ledger holds.")


def _equal(total: int, parts: Iterable[int], what: str) -> None:
    """Raise `Defect` unless the parts are counts that sum to the total."""
    counts = list(parts)
    if any(count < 0 for count in counts):
        raise Defect(f"A count is negative in {what}.")
    if sum(counts) != total:
        raise Defect(f"The parts do not add up in {what}: {sum(counts)} instead of {total}.")


def _check_map(sheet: AcquisitionSheet) -> None:
    acquisition = sheet.acquisition
    end = 0
    for bad in sorted(acquisition.bad, key=lambda bad: bad.offset):
        if bad.length <= 0 or bad.offset < end or bad.offset + bad.length > acquisition.size:
            raise Defect(f"The unreadable ranges of {acquisition.exhibit} overlap or leave the device.")
        end = bad.offset + bad.length
    if not 0 <= acquisition.zero_bytes <= acquisition.size:
        raise Defect(f"The zero bytes of {acquisition.exhibit} are more than the device holds.")


def _check_contents(contents: ContentsSheet) -> None:
    _equal(contents.items, contents.by_status.values(), "the contents by status")
    _equal(contents.items, (kind.items for kind in contents.by_type), "the contents by type")
    _equal(contents.items, contents.by_outcome.values(), "the contents by outcome")


def _check_exposure(exposure: ExposureSheet) -> None:
    assessment = exposure.assessment
    _equal(assessment.persons, assessment.tiers.values(), "the tiers")
    if assessment.ceiling not in (None, assessment.persons):
        raise Defect(f"The ceiling is {assessment.ceiling}, the tiers hold {assessment.persons} persons.")
    steps = (assessment.floor, assessment.low, assessment.estimate, assessment.high, assessment.ceiling)
    measured = [step for step in steps if step is not None]
    if measured != sorted(measured):
        raise Defect("Floor, interval, estimate and ceiling are not in their order.")
    # `assess` may count elements, states and flags over everyone or over the confirmed and probable only.
    bases = (assessment.persons, assessment.likely)
    if set(exposure.elements_by_tier) - set(ELEMENTS):
        raise Defect("The report was given an element that is not in the catalogue.")
    for element in ELEMENTS:
        row = exposure.row(element)
        if any(n > assessment.tiers[tier] or n < 0 for tier, n in zip(TIERS, row, strict=True)):
            raise Defect(f"More persons have the element {element} than their tier holds.")
        told = assessment.elements.get(element)
        if (told.n if told else 0) not in (sum(row), sum(row[:2])):
            raise Defect(f"The tiers of the element {element} do not add up to its total.")
    if assessment.states and sum(assessment.states.values()) not in bases:
        raise Defect("The states do not add up to the persons.")
    for flag in (assessment.minors, assessment.deceased):
        if flag is not None and not 0 <= flag <= assessment.persons:
            raise Defect("More minors or deceased than persons.")
    if any(not 0 <= row.found <= row.planted for row in assessment.recall):
        raise Defect("The spike test found more persons than were planted.")
    for dated in assessment.dated:
        for as_of, *counted in dated.snapshots:
            _equal(dated.told_by, counted, f"the persons who date a table by {as_of}")
    for table in assessment.partly_known:
        parts = (table.shown, table.unmatched, table.unknown, table.rest)
        _equal(table.rows, parts, "the rows of a table that shows records")
    if places := exposure.places:
        _equal(places.total, (places.live, places.deleted, places.unallocated), "the places")
        if not 0 <= places.archived <= places.total:
            raise Defect("More places in archives than places.")
    for holder in exposure.holders:
        _equal(holder.persons, (holder.tiers.get(tier, 0) for tier in TIERS), "a document that holds persons")
        if holder.persons > assessment.persons:
            raise Defect("A document holds more persons than were found.")


def _check_sample(sample: SampleSheet) -> None:
    whole, *tiers = sample.rows
    for name in ("items", "answered", "errors"):
        _equal(getattr(whole, name), (getattr(row, name) for row in tiers), f"the blind sample’s {name}")
    if any(not 0 <= row.errors <= row.answered <= row.items for row in sample.rows):
        raise Defect("The blind sample has more errors or answers than items.")
    if not 0 <= sample.caught <= sample.catch_answers:
        raise Defect("The blind sample caught more catch-rows than were answered.")


def _check_not_examined(assessment: Assessment, items: tuple[NotExaminedItem, ...]) -> None:
    if assessment.not_examined_items is None:
        return
    if assessment.not_examined_items != len(items):
        raise Defect(f"{assessment.not_examined_items} items were not examined, {len(items)} are listed.")
    if assessment.not_examined_reasons:
        _equal(len(items), assessment.not_examined_reasons.values(), "the reasons of what was not examined")
    if assessment.not_examined_bytes is not None:
        _equal(assessment.not_examined_bytes, (item.bytes for item in items), "the bytes not examined")
