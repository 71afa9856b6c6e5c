"""The report's sections in their order, each a list of flowables made from the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from reportlab.platypus import CondPageBreak, Flowable, PageBreak, Paragraph, Spacer

from forensics.errors import Defect
from forensics.model import Acquisition, EntryStatus, Tier
from forensics.report import wording
from forensics.report.facts import TIERS, AcquisitionSheet, ExposureSheet, ReportFacts, SampleSheet
from forensics.report.figures import Column, Grid, ShareBar, TierBars, Tiles, sheet
from forensics.report.typography import MONO, count, markup, percent, share, size_text, styles

IMPLAUSIBLE_ROWS = 50

NOT_EXAMINED_ROWS = 200
"""Rows of annex B; the rest is in the hash manifest of the evidence package, and the report says how many."""

CUSTODY_ROWS = 1000
"""Rows of annex A; a longer ledger is in the package whole."""

HOLDER_ROWS = 25

_STATUS_NAMES = {
    EntryStatus.LIVE: "Live",
    EntryStatus.DELETED: "Deleted, recovered",
    EntryStatus.DELETED_UNCERTAIN: "Deleted, uncertain",
    EntryStatus.CHILD: "Inside a container",
}
_OUTCOME_NAMES = {"ok": "Examined", "empty": "Empty", "not_examined": "Not examined", "failed": "Failed"}


class Heading(Paragraph):  # type: ignore[misc]
    """A section's title; `document` makes a bookmark and a line of the table of contents of it."""

    def __init__(self, text: str, key: str) -> None:
        super().__init__(markup(text), styles()["h1"])
        self.title, self.key = text, key


def _h2(text: str) -> Flowable:
    return Paragraph(markup(text), styles()["h2"])


def _p(text: str, style: str = "body") -> Flowable:
    return Paragraph(markup(text), styles()[style])


def _bullets(texts: Sequence[str]) -> list[Flowable]:
    return [Paragraph(markup(text), styles()["bullet"], bulletText="•") for text in texts]


def body(facts: ReportFacts) -> Iterator[Flowable]:
    """Everything after the cover. Sections that have no facts in this version are absent and named in `limits`."""
    numbered: tuple[tuple[str, Callable[[ReportFacts], list[Flowable]]], ...] = (
        ("The answer on one page", answer),
        ("Scope and authority", scope),
        ("Exhibit and custody", exhibit_and_custody),
        ("Acquisition and verification", acquisition),
        ("Contents", contents),
        ("Exposure", exposure),
        ("Certainty", certainty),
        ("Method", method),
        ("Limits and alternative explanations", limits),
    )
    annexes = (
        ("Annex A: custody log", custody_log),
        ("Annex B: what was not examined", not_examined),
        ("Annex C: how to verify this report", how_to_verify),
    )
    for number, (title, section) in enumerate(numbered, start=1):
        yield from _opened(f"{number}  {title}", section(facts), own_page=number in (1, 2) or title == "Exposure")
    for title, section in annexes:
        yield from _opened(title, section(facts), own_page=True)


def _opened(title: str, flowables: list[Flowable], *, own_page: bool) -> Iterator[Flowable]:
    if own_page:
        yield PageBreak()
    else:
        yield Spacer(1, 14)
        yield CondPageBreak(150)
    yield Heading(title, title.split("  ")[-1].replace(" ", "-").lower())
    yield from flowables


def answer(facts: ReportFacts) -> list[Flowable]:
    told = facts.exposure.assessment if facts.exposure else None
    likely = told.likely if told else None
    ssn = facts.exposure.likely("ssn") if facts.exposure else None
    more = f"{told.tiers[Tier.POSSIBLE]:,} more are possible" if told else "not measured"
    interval = f"{told.low:,} – {told.high:,}" if told and told.low is not None and told.high is not None else None
    coverage = facts.coverage
    examined = percent(coverage.examined_bytes, coverage.device_bytes) if coverage else "not measured"
    tiles = Tiles(
        (
            ("Confirmed or probable", count(likely), more),
            ("Share of the records", percent(likely, told.source_records if told else None), "confirmed or probable"),
            ("Estimate, 95 % interval", interval or "not measured", "chance agreement"),
            ("With SSN", count(ssn), "confirmed or probable"),
        )
    )
    rows = [("Source records supplied", count(told.source_records if told else None))]
    rows += [(wording.TIER_NAMES[tier], count(told.tiers[tier] if told else None)) for tier in TIERS]
    rows += [
        ("Confirmed or probable", count(likely)),
        ("Persons, all tiers (ceiling)", count(told.persons if told else None)),
        ("Floor", count(told.floor if told else None)),
        ("Estimate", count(told.estimate if told else None)),
        ("Of these with Social Security number", count(ssn)),
        ("Minors", count(told.minors if told else None)),
        ("Deceased", count(told.deceased if told else None)),
        ("States of residence", count(len([s for s in told.states if s]) if told and told.states else None)),
        ("On the drive but in no source record", count(told.not_in_records if told else None)),
        ("Device bytes examined", examined),
        ("Items not examined", count(len(facts.not_examined) if facts.contents else None)),
    ]
    numbers = Grid((Column("", 0.72), Column("", 0.28, "right")), rows, size=8.8, part=0.62)
    sentences = [
        Paragraph(markup(text), styles()["numbered"], bulletText=f"{number}.")
        for number, text in enumerate(wording.five_sentences(facts), start=1)
    ]
    return [tiles, *sentences, _h2("The numbers"), numbers]


def scope(facts: ReportFacts) -> list[Flowable]:
    case = facts.case
    rows = [
        ("Case", case.number),
        ("Title", case.title),
        ("Organisation", case.organisation),
        ("Kind of organisation", ", ".join(case.entity_types)),
        ("Examiner", case.examiner),
        ("Exhibits", ", ".join(exhibit.label for exhibit in facts.exhibits)),
    ]
    story: list[Flowable] = [
        _p(
            "This report says what was received, how it was copied and verified, whose personal data the copy holds, "
            "and how sure that is. It was asked for by the organisation named here and covers only the exhibits listed."
        ),
        sheet(rows),
    ]
    authority = [(exhibit.label, exhibit.authority or "none stated") for exhibit in facts.exhibits]
    if authority:
        story += [_h2("Authority for the examination, as stated on receipt"), sheet(authority)]
    if case.dates:
        story += [_h2("Dates given by the organisation"), sheet(list(case.dates))]
    return story


def exhibit_and_custody(facts: ReportFacts) -> list[Flowable]:
    story: list[Flowable] = []
    for item in facts.exhibits:
        rows = [
            ("Exhibit", item.label),
            ("Description", item.description or "none given"),
            ("Received from", item.received_from),
            ("Received by", item.received_by),
            ("Received at", item.received_at),
            ("Place", item.place or "not stated"),
            ("Purpose", item.purpose or "not stated"),
            ("Authority", item.authority or "not stated"),
            ("Seal", item.seal or "none recorded"),
        ]
        story += [_h2(f"Item sheet {item.label}"), sheet(rows)]
        if item.photographs:
            story += [_h2("Photographs (SHA-256)"), sheet(list(item.photographs), mono=True)]
    if not facts.exhibits:
        story.append(_p("No exhibit has been received."))
    story.append(
        _p(
            f"The custody ledger held {facts.ledger_size:,} entries when this report was made. Each entry names the "
            f"digest of the one before it; the newest has the digest below. Annex A lists the entries. Only a receipt "
            f"kept by another party can show that the newest entries were not removed later."
        )
    )
    newest = (("Ledger entries", f"{facts.ledger_size:,}"), ("Ledger head (SHA-256)", facts.ledger_head))
    story.append(sheet(newest, mono=True))
    return story


def acquisition(facts: ReportFacts) -> list[Flowable]:
    if not facts.acquisitions:
        return [_p("No exhibit has been acquired.")]
    story: list[Flowable] = []
    for made in facts.acquisitions:
        story += _one_acquisition(made)
    return story


def _seen_before(it: Acquisition) -> str:
    """What the computer's log knew of the device before it was read."""
    if it.seen_before is None:
        return "not looked at: the source was no device"
    said = f"{len(it.seen_before.rows):,} lines, {it.seen_before.detail}"
    return f"{said}; MOUNTED: " + "; ".join(it.seen_before.mounted) if it.seen_before.mounted else said


def _second_copy(it: Acquisition) -> str:
    return "made and verified" if it.second_copy else it.second_copy_failure or "none"


def _second_read(it: Acquisition) -> str:
    """Whether the source gave the same bytes when it was read again."""
    if it.second_read is None:
        return "none; the source was read once"
    if it.second_read.equal:
        return f"the same bytes; SHA-256 {it.second_read.sha256}"
    differing = sum(extent.length for extent in it.second_read.differing)
    lost = sum(extent.length for extent in it.second_read.unreadable)
    return (
        f"NOT THE SAME: {differing:,} bytes in {len(it.second_read.differing):,} ranges differ, {lost:,} bytes could "
        "not be read again; both readings are kept beside the image"
    )


def _one_acquisition(made: AcquisitionSheet) -> list[Flowable]:
    it, device = made.acquisition, made.acquisition.device
    described = ""
    if device:
        described = " · ".join(part for part in (device.vendor, device.model, device.serial, device.usb_id) if part)
    rows = [
        ("Exhibit", it.exhibit),
        ("Device", described),
        ("Size", size_text(it.size)),
        ("Sector size", f"{it.sector_size:,} bytes"),
        ("Image format", f"{it.format}, {len(it.segments):,} segment{'' if len(it.segments) == 1 else 's'}"),
        ("Origin", "image taken in from elsewhere" if it.imported else "read from the source by this program"),
        ("Started", "; ".join(it.begun) if len(it.begun) > 1 else it.started),
        ("Finished", it.finished),
        ("Write protection, as measured", f"{it.protection.method}: {it.protection.detail}".rstrip(": ")),
        ("Log of the computer before", _seen_before(it)),
        ("Unreadable", f"{size_text(made.bad_bytes)} in {len(it.bad):,} range{'' if len(it.bad) == 1 else 's'}"),
        ("Zero bytes", f"{size_text(it.zero_bytes)}, {percent(it.zero_bytes, it.size)}"),
        ("Files not to be believed", count(None if made.implausible is None else len(made.implausible))),
        ("Slow reads", f"{it.slow_reads:,}"),
        ("Verified", f"yes, {it.verified_by}" if it.verified else "no"),
        ("Second copy", _second_copy(it)),
        ("Second reading", _second_read(it)),
    ]
    story: list[Flowable] = [_h2(f"Image of {it.exhibit}"), sheet(rows)]
    story += [
        _h2("Digests over all bytes of the source"),
        sheet([(k.upper(), v) for k, v in it.hashes.items()], mono=True, label=0.14),
    ]
    if it.stored_hashes:
        stored = [(f"{k.upper()} stored", v) for k, v in it.stored_hashes.items()]
        story += [_h2("Digests stored in the image that was taken in"), sheet(stored, mono=True, label=0.2)]
    if it.bad:
        columns = (Column("From byte", 0.5, "right"), Column("Bytes", 0.5, "right"))
        shown = [(f"{bad.offset:,}", f"{bad.length:,}") for bad in it.bad[:50]]
        story += [_h2("Ranges that could not be read (zeros in the image)"), Grid(columns, shown, part=0.5)]
        if len(it.bad) > len(shown):
            story.append(
                _p(f"{len(it.bad) - len(shown):,} more ranges are in the error map of the evidence package.", "small")
            )
    if made.implausible:
        kinds = {"unread": "could not be read", "zeros": "zeros without an error"}
        four = (
            Column("File whose bytes are not to be believed", 0.5), Column("Why", 0.2), Column("Bytes", 0.14, "right"),
            Column("From byte", 0.16, "right"),
        )  # fmt: skip
        doubtful = [
            (locator, kinds[kind], f"{size:,}", f"{offset:,}")
            for locator, kind, size, offset in made.implausible[:IMPLAUSIBLE_ROWS]
        ]
        story += [_h2("Files that lie on unreadable places or hold silent zeros"), Grid(four, doubtful)]
        if more := len(made.implausible) - len(doubtful):
            story.append(_p(f"{more:,} more such files are in the case.", "small"))
    if made.verification:
        words = {True: "yes", False: "NO", None: "not checked"}
        three = (Column("Check", 0.36), Column("Holds", 0.14), Column("Seen", 0.5, muted=True))
        checks = [(f"{fact.subject}: {fact.check}", words[fact.holds], fact.detail) for fact in made.verification]
        story += [_h2("Later checks of the image"), Grid(three, checks)]
    return story


def contents(facts: ReportFacts) -> list[Flowable]:
    story: list[Flowable] = []
    if facts.volumes:
        columns = (
            Column("Exhibit", 0.12), Column("Volume", 0.1), Column("File system", 0.16), Column("Label", 0.18),
            Column("From byte", 0.2, "right"), Column("Bytes", 0.2, "right"), Column("Outcome", 0.22),
        )  # fmt: skip
        rows = [
            (
                v.exhibit, f"vol{v.number}", v.file_system or v.kind, v.label, f"{v.offset:,}", f"{v.length:,}",
                f"{v.outcome.kind.value}{': ' + v.outcome.reason if v.outcome.reason else ''}",
            )
            for v in facts.volumes
        ]  # fmt: skip
        story += [_h2("Volumes"), Grid(columns, rows)]
    if facts.contents is None:
        return [*story, _p("The contents have not been listed.")]
    found = facts.contents
    two = (Column("By status", 0.7), Column("Items", 0.3, "right"))
    rows2 = [(_STATUS_NAMES[status], count(found.by_status.get(status, 0))) for status in EntryStatus]
    story += [
        _h2("How the contents were found"),
        Grid(two, [*rows2, ("All contents", count(found.items))], total=True, part=0.62),
    ]
    two = (Column("By outcome", 0.7), Column("Items", 0.3, "right"))
    rows2 = [(_OUTCOME_NAMES.get(key, key), count(n)) for key, n in found.by_outcome.items()]
    story.append(Grid(two, [*rows2, ("All contents", count(found.items))], total=True, part=0.62))
    three = (Column("By type", 0.5), Column("Items", 0.2, "right"), Column("Bytes", 0.3, "right"))
    kinds = sorted(found.by_type, key=lambda kind: (-kind.items, kind.type))
    rows3 = [(kind.type, count(kind.items), f"{kind.bytes:,}") for kind in kinds[:30]]
    if rest := kinds[30:]:
        named = f"{len(rest):,} other types"
        rows3.append((named, count(sum(k.items for k in rest)), f"{sum(k.bytes for k in rest):,}"))
    rows3.append(("All contents", count(found.items), f"{sum(k.bytes for k in kinds):,}"))
    story += [_h2("What kinds of content"), Grid(three, rows3, total=True, part=0.8)]
    story += _coverage(facts)
    reasons: dict[str, tuple[int, int]] = {}
    for item in facts.not_examined:
        n, size = reasons.get(item.reason, (0, 0))
        reasons[item.reason] = (n + 1, size + item.bytes)
    if reasons:
        three = (Column("Not examined, by reason", 0.5), Column("Items", 0.2, "right"), Column("Bytes", 0.3, "right"))
        rows3 = [(reason, count(n), f"{size:,}") for reason, (n, size) in sorted(reasons.items())]
        rows3.append(
            ("All not examined", count(len(facts.not_examined)), f"{sum(i.bytes for i in facts.not_examined):,}")
        )
        story += [_h2("What could not be examined"), Grid(three, rows3, total=True, part=0.8)]
    return story


def _coverage(facts: ReportFacts) -> list[Flowable]:
    if not facts.coverage:
        return [_h2("Coverage"), _p("Coverage of the device byte by byte was not measured.")]
    whole = facts.coverage
    columns = (
        Column("Part of the device", 0.42), Column("Examined", 0.16), Column("Bytes", 0.26, "right"),
        Column("Share", 0.16, "right"),
    )  # fmt: skip
    rows = [
        (part.name, "yes" if part.examined else "no", f"{part.bytes:,}", percent(part.bytes, whole.device_bytes))
        for part in whole.parts
    ]
    rows.append(("All bytes", "", f"{whole.device_bytes:,}", percent(whole.device_bytes, whole.device_bytes)))
    bar = ShareBar([(part.bytes, part.examined) for part in whole.parts])
    return [_h2("Coverage: every byte of the device"), bar, Grid(columns, rows, total=True)]


def exposure(facts: ReportFacts) -> list[Flowable]:
    story: list[Flowable] = []
    if facts.records:
        columns = (
            Column("Source records", 0.3), Column("Rows", 0.15, "right"), Column("As of", 0.16),
            Column("Columns used", 0.55, muted=True),
        )  # fmt: skip
        rows = [
            (r.name, count(r.rows), r.as_of or "not stated", ", ".join(f"{column} → {to}" for column, to in r.mapping))
            for r in facts.records
        ]
        story += [_h2("What the exhibit was compared with"), Grid(columns, rows)]
        story.append(sheet([(r.name, r.file_sha256) for r in facts.records], mono=True, label=0.27, size=8))
        if notes := [f"{r.name}: {note}" for r in facts.records for note in r.notes]:
            story += _bullets(notes)
    if facts.exposure is None:
        return [*story, _p("The contents were not compared with source records.")]
    told, sheet_ = facts.exposure.assessment, facts.exposure
    two = (Column("Persons by tier", 0.7), Column("Persons", 0.3, "right"))
    tiers = [(wording.TIER_NAMES[tier], count(told.tiers[tier])) for tier in TIERS]
    story += [_h2("How many persons"), Grid(two, [*tiers, ("All tiers", count(told.persons))], total=True, part=0.62)]
    story += _elements(sheet_)
    story += _residence(sheet_)
    if places := sheet_.places:
        two = (Column("Where the data stands", 0.7), Column("Places", 0.3, "right"))
        rows2 = [("Live files", count(places.live)), ("Deleted files", count(places.deleted))]
        rows2 += [("Unallocated space", count(places.unallocated)), ("All places", count(places.total))]
        story += [_h2("Places"), Grid(two, rows2, total=True, part=0.62)]
        story.append(_p(f"{places.archived:,} of these places are inside archives or other containers.", "small"))
    story += _holders(sheet_)
    return story


def _elements(exposure_: ExposureSheet) -> list[Flowable]:
    told = exposure_.assessment
    if not exposure_.elements:
        return [_h2("Elements of personal data"), _p("No element was found.")]
    bars = TierBars(
        [(wording.ELEMENT_NAMES[element], exposure_.row(element)) for element in exposure_.elements],
        [wording.TIER_NAMES[tier] for tier in TIERS],
    )
    columns = (
        Column("Element", 0.3), *(Column(wording.TIER_NAMES[tier], 0.14, "right") for tier in TIERS),
        Column("All tiers", 0.14, "right"), Column("95 % interval", 0.22, "right"),
    )  # fmt: skip
    rows = []
    for element in exposure_.elements:
        row = exposure_.row(element)
        interval = told.elements.get(element)
        between = "not measured"
        if interval and interval.low is not None and interval.high is not None:
            between = f"{interval.low:,} – {interval.high:,}"
        rows.append((wording.ELEMENT_NAMES[element], *map(count, row), count(sum(row)), between))
    rows.append(("Persons", *(count(told.tiers[tier]) for tier in TIERS), count(told.persons), ""))
    note = (
        "A person with several elements is counted in each of their rows and once in the last row. An element counts "
        "as exposed where its value stands in the same row or passage as the person, needed for the match or not."
    )
    return [_h2("Elements of personal data, persons by tier"), bars, Grid(columns, rows, total=True), _p(note, "small")]


def _residence(exposure_: ExposureSheet) -> list[Flowable]:
    told = exposure_.assessment
    rows = [("Minors", count(told.minors)), ("Recorded as deceased", count(told.deceased))]
    rows.append(("On the drive but in no source record", count(told.not_in_records)))
    story: list[Flowable] = [
        _h2("Set apart"),
        Grid((Column("Group", 0.7), Column("Persons", 0.3, "right")), rows, part=0.62),
    ]
    if not told.states:
        return [*story, _p("States of residence: not measured.")]
    ordered = sorted(told.states.items(), key=lambda pair: (-pair[1], pair[0]))
    cells = [(state or "not stated", count(n)) for state, n in ordered]
    side = 1 if len(cells) <= 8 else 3
    rows_high = -(-len(cells) // side)
    lines = []
    for index in range(rows_high):
        picked = [cells[i] if i < len(cells) else ("", "") for i in range(index, side * rows_high, rows_high)]
        lines.append(tuple(text for cell in picked for text in cell))
    columns = tuple(column for _ in range(side) for column in (Column("State", 0.14), Column("Persons", 0.16, "right")))
    total = sum(told.states.values())
    base = "all tiers" if total == told.persons else "confirmed and probable"
    note = f"{count(total)} persons ({base}) in {count(len(cells))} rows; residence as in the source records."
    return [*story, _h2("States of residence"), Grid(columns, lines, part=1 if side > 1 else 0.62), _p(note, "small")]


def _holders(exposure_: ExposureSheet) -> list[Flowable]:
    if not exposure_.holders:
        return []
    columns = (
        Column("Document or table", 0.52, font=MONO), Column("Persons", 0.12, "right"),
        *(Column(wording.TIER_NAMES[tier], 0.13, "right") for tier in TIERS),
    )  # fmt: skip
    ordered = sorted(exposure_.holders, key=lambda holder: (-holder.persons, holder.locator))[:HOLDER_ROWS]
    rows = [
        (holder.locator, count(holder.persons), *(count(holder.tiers.get(tier, 0)) for tier in TIERS))
        for holder in ordered
    ]
    note = "A person who stands in several documents is counted in each, so these rows have no total."
    if len(exposure_.holders) > len(rows):
        note += f" The {len(rows)} largest of {len(exposure_.holders):,} are shown."
    return [_h2("Documents and tables that hold most persons"), Grid(columns, rows, size=8), _p(note, "small")]


def certainty(facts: ReportFacts) -> list[Flowable]:
    columns = (Column("Tier", 0.16), Column("A person is in this tier if", 0.84))
    rules = [
        (wording.TIER_NAMES[tier], facts.method.tier_rules[tier]) for tier in Tier if tier in facts.method.tier_rules
    ]
    if len(rules) != len(TIERS):
        raise Defect("The report was not given the rule of every tier.")
    story: list[Flowable] = [Grid(columns, rules)]
    if facts.exposure:
        told = facts.exposure.assessment
        rows = [
            ("Floor", count(told.floor)), ("Estimate", count(told.estimate)), ("Interval, low", count(told.low)),
            ("Interval, high", count(told.high)), ("Ceiling", count(told.ceiling)),
            ("Persons after merging records", count(told.persons_after_merge)),
        ]  # fmt: skip
        story += [_h2("Estimate"), Grid((Column("", 0.7), Column("", 0.3, "right")), rows, part=0.62)]
        if told.estimate_status:
            story.append(_p(f"State of the estimate: {told.estimate_status}"))
        if told.result_sha256:
            story += [
                sheet([("Result SHA-256", told.result_sha256)], mono=True),
                _p(wording.RESULT_DIGEST, "small"),
            ]
    story += _sample(facts.sample)
    if missing := wording.unmeasured(facts):
        story += [_h2("What was not measured"), *_bullets([f"{text[:1].upper()}{text[1:]}." for text in missing])]
    return story


def _sample(sample: SampleSheet | None) -> list[Flowable]:
    if sample is None:
        return []
    columns = (
        Column("Blind sample", 0.2), Column("Items", 0.1, "right"), Column("Answered", 0.12, "right"),
        Column("Wrong", 0.1, "right"), Column("Right", 0.12, "right"), Column("95 % interval", 0.36, "right"),
    )  # fmt: skip
    rows = []
    for row in sample.rows:
        right, between = "–", f"not measurable: {row.because}"
        if row.share is not None and row.low is not None and row.high is not None:
            right, between = share(row.share), f"{share(row.low)} – {share(row.high)}"
        rows.append((row.name, count(row.items), count(row.answered), count(row.errors), right, between))
    return [
        _h2("Misattribution: a blind sample"),
        Grid(columns, rows),
        *(_p(text) for text in wording.sample_sentences(sample)),
        _p(sample.method, "small"),
    ]


def method(facts: ReportFacts) -> list[Flowable]:
    tools = [("DriveCustody", facts.tool_version), *facts.method.tools]
    columns = (Column("Tool or library", 0.5), Column("Version", 0.5))
    story: list[Flowable] = [*(_p(step) for step in facts.method.steps), Grid(columns, tools, part=0.62)]
    if facts.method.settings:
        story += [_h2("Settings"), *_bullets(facts.method.settings)]
    return story


def limits(facts: ReportFacts) -> list[Flowable]:
    return [
        _h2("Limits"),
        *_bullets(wording.LIMITS),
        _h2("Other explanations of what was found"),
        *_bullets(wording.ALTERNATIVES),
        _h2("Not in this report"),
        *_bullets(wording.not_in_this_report(facts)),
    ]


def custody_log(facts: ReportFacts) -> list[Flowable]:
    columns = (
        Column("No.", 0.07, "right"), Column("Instant (UTC)", 0.23), Column("Event", 0.16), Column("Exhibit", 0.1),
        Column("By", 0.15), Column("Detail", 0.38, muted=True),
    )  # fmt: skip
    rows = [
        (f"{row.seq}", row.utc, row.event, row.exhibit, row.actor, row.detail) for row in facts.custody[:CUSTODY_ROWS]
    ]
    note = f"{len(rows):,} of {facts.ledger_size:,} entries. "
    note += "The ledger itself, with the digest of every entry, is in the evidence package."
    return [_p(note), Grid(columns, rows, size=7.6)] if rows else [_p("The ledger holds no entries.")]


def not_examined(facts: ReportFacts) -> list[Flowable]:
    if not facts.not_examined:
        return [_p(wording.what_was_left(facts))]
    columns = (Column("Place", 0.56, font=MONO), Column("Bytes", 0.16, "right"), Column("Reason", 0.28))
    shown = facts.not_examined[:NOT_EXAMINED_ROWS]
    rows = [(item.locator, f"{item.bytes:,}", item.reason) for item in shown]
    story: list[Flowable] = [
        _p(f"Listed here: {len(shown):,} of {len(facts.not_examined):,}."),
        Grid(columns, rows, size=7.6),
    ]
    if more := len(facts.not_examined) - len(shown):
        story.append(_p(f"{more:,} more are listed in the hash manifest of the evidence package."))
    return story


def how_to_verify(facts: ReportFacts) -> list[Flowable]:
    story: list[Flowable] = [
        _p(
            "None of this needs the program that made the report. The evidence package holds the same recipe in "
            "VERIFY.txt, with the commands for the package, the ledger and the image."
        )
    ]
    if facts.signer:
        story += [
            _h2("The signature"),
            sheet((("Signer", facts.signer.name), ("Organisation", facts.signer.organisation))),
            sheet(
                (
                    ("Certificate SHA-256", facts.signer.fingerprint),
                    ("Root SHA-256", facts.signer.root_fingerprint),
                ),
                mono=True,
            ),
            _p(
                "Compare the root's fingerprint with one obtained from the organisation by another road: a certificate "
                "that only this document vouches for proves that the document is unchanged, not who signed it."
            ),
        ]
    else:
        story.append(_p("This is a draft. It carries no signature, and nothing in it can be verified."))
    story += [
        _h2("Commands"),
        *(_p(line, "command") for line in ("pdfsig report.pdf", "sha256sum report.pdf", "qpdf --check report.pdf")),
        Spacer(1, 6),
        _p(
            "pdfsig must say “Signature is Valid” and “Total document signed”. A signature in a PDF cannot cover its "
            "own bytes, and a document cut back to an earlier signature still shows a valid one: so compare the "
            "SHA-256 of the whole file with the manifest of the evidence package."
        ),
        _p("drivecustody verify report.pdf checks all of this and says each fact apart."),
    ]
    return story
