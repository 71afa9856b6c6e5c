"""The report's sections in their order, each a list of flowables made from the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from reportlab.platypus import CondPageBreak, Flowable, PageBreak, Paragraph, Spacer

from forensics.model import Acquisition, EntryStatus, Tier
from forensics.report import annexes, wording
from forensics.report.access_sections import access
from forensics.report.blocks import Heading, bullets, h2, p
from forensics.report.exposure_sections import certainty, data_found, exposure
from forensics.report.facts import TIERS, AcquisitionSheet, ReportFacts
from forensics.report.figures import Column, Grid, ShareBar, Tiles, sheet
from forensics.report.testimony_sections import examiner_and_certificate
from forensics.report.typography import MONO, count, markup, percent, size_text, styles

OWN_PAGE = ("The answer on one page", "Scope and authority", "Exposure", "Examiner, certificate and opinion")
"""Sections that begin a page: the one that is handed round alone, and those that are signed or argued over."""

IMPLAUSIBLE_ROWS = 50
MISNAMED_ROWS = 50


_STATUS_NAMES = {
    EntryStatus.LIVE: "Live",
    EntryStatus.DELETED: "Deleted, recovered",
    EntryStatus.DELETED_UNCERTAIN: "Deleted, uncertain",
    EntryStatus.CHILD: "Inside a container",
}
_OUTCOME_NAMES = {"ok": "Examined", "empty": "Empty", "not_examined": "Not examined", "failed": "Failed"}


def body(facts: ReportFacts) -> Iterator[Flowable]:
    """Everything after the cover. A section without facts says so; `limits` names what no part of it measured."""
    numbered: tuple[tuple[str, Callable[[ReportFacts], list[Flowable]]], ...] = (
        ("The answer on one page", answer),
        ("Scope and authority", scope),
        ("Exhibit and custody", exhibit_and_custody),
        ("Acquisition and verification", acquisition),
        ("Contents", contents),
        ("Data found", data_found),
        ("Exposure", exposure),
        ("Certainty", certainty),
        ("Access and sharing", access),
        ("Method", method),
        ("Limits and alternative explanations", limits),
        ("Examiner, certificate and opinion", examiner_and_certificate),
    )
    lettered: tuple[tuple[str, Callable[[ReportFacts], list[Flowable]]], ...] = (
        ("custody log", annexes.custody_log),
        ("what was not examined", annexes.not_examined),
        ("hash manifest", annexes.hash_manifest),
        ("findings, masked", annexes.findings),
        ("element catalogue", annexes.elements),
        ("glossary", annexes.glossary),
        ("how to verify this report", annexes.how_to_verify),
        ("exports, and what was left out", annexes.exports),
        ("photographs of the exhibits", annexes.photographs),
    )
    for number, (title, section) in enumerate(numbered, start=1):
        yield from _opened(f"{number}  {title}", section(facts), own_page=title in OWN_PAGE)
    for letter, (title, section) in zip("ABCDEFGHI", lettered, strict=True):
        yield from _opened(f"Annex {letter}: {title}", section(facts), own_page=letter == "A")


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
    ends = f"floor {told.floor:,}, ceiling {told.ceiling:,}" if told and told.floor is not None and told.ceiling else ""
    states = len([state for state in told.states if state and state != "unknown"]) if told and told.states else None
    tiles = Tiles(
        (
            ("Confirmed or probable", count(likely), more),
            ("Estimate, 95 % interval", interval or "not measured", ends or "chance agreement"),
            ("Share of the records", percent(likely, told.source_records if told else None), "confirmed or probable"),
            ("With SSN", count(ssn), "confirmed or probable"),
            ("Minors", count(told.minors if told else None), "on the day that section 10 names"),
            ("States of residence", count(states), "as in the source records"),
            ("Not in the records", count(told.not_in_records if told else None), "persons on the exhibit"),
            ("Coverage", examined, "of the device’s bytes"),
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
        ("Deceased", count(told.deceased if told else None)),
        ("On the drive but in no source record", count(told.not_in_records if told else None)),
        ("Items not examined", count(len(facts.not_examined) if facts.contents else None)),
    ]
    numbers = Grid((Column("", 0.72), Column("", 0.28, "right")), rows, size=8.8, part=0.62)
    sentences = [
        Paragraph(markup(text), styles()["numbered"], bulletText=f"{number}.")
        for number, text in enumerate(wording.five_sentences(facts), start=1)
    ]
    return [tiles, *sentences, h2("The numbers"), numbers]


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
        p(
            "This report says what was received, how it was copied and verified, whose personal data the copy holds, "
            "and how sure that is. It was asked for by the organisation named here and covers only the exhibits listed."
        ),
        sheet(rows),
    ]
    authority = [(exhibit.label, exhibit.authority or "none stated") for exhibit in facts.exhibits]
    if authority:
        story += [h2("Authority for the examination, as stated on receipt"), sheet(authority)]
    if case.dates:
        story += [h2("Dates given by the organisation"), sheet(list(case.dates))]
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
        story += [h2(f"Item sheet {item.label}"), sheet(rows)]
        if item.photographs:
            story += [h2("Photographs (SHA-256)"), sheet(list(item.photographs), mono=True)]
    if not facts.exhibits:
        story.append(p("No exhibit has been received."))
    story.append(
        p(
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
        return [p("No exhibit has been acquired.")]
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
    story: list[Flowable] = [h2(f"Image of {it.exhibit}"), sheet(rows)]
    story += [
        h2("Digests over all bytes of the source"),
        sheet([(k.upper(), v) for k, v in it.hashes.items()], mono=True, label=0.14),
    ]
    if it.stored_hashes:
        stored = [(f"{k.upper()} stored", v) for k, v in it.stored_hashes.items()]
        story += [h2("Digests stored in the image that was taken in"), sheet(stored, mono=True, label=0.2)]
    if it.bad:
        columns = (Column("From byte", 0.5, "right"), Column("Bytes", 0.5, "right"))
        shown = [(f"{bad.offset:,}", f"{bad.length:,}") for bad in it.bad[:50]]
        story += [h2("Ranges that could not be read (zeros in the image)"), Grid(columns, shown, part=0.5)]
        if len(it.bad) > len(shown):
            story.append(
                p(f"{len(it.bad) - len(shown):,} more ranges are in the error map of the evidence package.", "small")
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
        story += [h2("Files that lie on unreadable places or hold silent zeros"), Grid(four, doubtful)]
        if more := len(made.implausible) - len(doubtful):
            story.append(p(f"{more:,} more such files are in the case.", "small"))
    if made.verification:
        words = {True: "yes", False: "NO", None: "not checked"}
        three = (Column("Check", 0.36), Column("Holds", 0.14), Column("Seen", 0.5, muted=True))
        checks = [(f"{fact.subject}: {fact.check}", words[fact.holds], fact.detail) for fact in made.verification]
        story += [h2("Later checks of the image"), Grid(three, checks)]
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
                v.exhibit, v.name, v.file_system or v.kind, v.label,
                "" if v.layers else f"{v.offset:,}", f"{v.length:,}",
                f"{v.outcome.kind.value}{': ' + v.outcome.reason if v.outcome.reason else ''}",
            )
            for v in facts.volumes
        ]  # fmt: skip
        story += [h2("Volumes"), Grid(columns, rows)]
    if facts.contents is None:
        return [*story, p("The contents have not been listed.")]
    found = facts.contents
    two = (Column("By status", 0.7), Column("Items", 0.3, "right"))
    rows2 = [(_STATUS_NAMES[status], count(found.by_status.get(status, 0))) for status in EntryStatus]
    story += [
        h2("How the contents were found"),
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
    story += [h2("What kinds of content"), Grid(three, rows3, total=True, part=0.8)]
    story += _misnamed(found.misnamed)
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
        story += [h2("What could not be examined"), Grid(three, rows3, total=True, part=0.8)]
    return story


def _misnamed(items: Sequence[tuple[str, str]]) -> list[Flowable]:
    """Files that may have been renamed to hide them; damage and mere habit look the same."""
    if not items:
        return []
    two = (Column("File", 0.66, font=MONO), Column("Noted", 0.34))
    story: list[Flowable] = [
        h2("Names that say another type than the bytes"),
        Grid(two, items[:MISNAMED_ROWS], size=7.6),
    ]
    if more := len(items) - MISNAMED_ROWS:
        story += [p(f"{more:,} more such files are in the list of files of the case.", "small")] if more > 0 else []
    return story


def _coverage(facts: ReportFacts) -> list[Flowable]:
    if not facts.coverage:
        return [h2("Coverage"), p("Coverage of the device byte by byte was not measured.")]
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
    return [h2("Coverage: every byte of the device"), bar, Grid(columns, rows, total=True)]


def method(facts: ReportFacts) -> list[Flowable]:
    tools = [("DriveCustody", facts.tool_version), *facts.method.tools]
    columns = (Column("Tool or library", 0.5), Column("Version", 0.5))
    story: list[Flowable] = [*(p(step) for step in facts.method.steps), Grid(columns, tools, part=0.62)]
    if facts.program:
        story += [
            h2("The program and its test"), p(facts.program.self_test),
            sheet([("Build SHA-256", facts.program.build)], mono=True),
            p("The build digest is over the program’s own files, to show later which program it was.", "small"),
        ]  # fmt: skip
    if facts.method.settings:
        story += [h2("Settings"), *bullets(facts.method.settings)]
    return story


def limits(facts: ReportFacts) -> list[Flowable]:
    return [
        h2("Limits"),
        *bullets(wording.LIMITS),
        h2("Other explanations of what was found"),
        *bullets(wording.ALTERNATIVES),
        h2("Not in this report"),
        *bullets(wording.not_in_this_report(facts)),
    ]
