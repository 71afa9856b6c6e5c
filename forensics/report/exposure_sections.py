"""Sections 6 to 8: which data was found where, whose it is, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.platypus import Flowable

from forensics.errors import Defect
from forensics.model import Tier
from forensics.report import wording
from forensics.report.blocks import bullets, h2, p
from forensics.report.charts import Waterfall
from forensics.report.facts import TIERS, Assessment, ExposureSheet, ReportFacts, SampleSheet
from forensics.report.figures import Column, Grid, TierBars, sheet
from forensics.report.typography import MONO, count, percent, share

HOLDER_ROWS = 25
PARTLY_KNOWN_ROWS, DATED_TABLES = 15, 10


def data_found(facts: ReportFacts) -> list[Flowable]:
    """Section 6: the documents and tables in which persons stand, and which known extract a file is."""
    story: list[Flowable] = []
    if facts.extracts:
        columns = (
            Column("Content", 0.5, font=MONO), Column("Is the extract", 0.3), Column("As of", 0.12),
            Column("Records", 0.12, "right"),
        )  # fmt: skip
        rows = [(one.locator, one.name, one.as_of or "not stated", count(one.records)) for one in facts.extracts]
        story += [
            p(
                "These contents are byte for byte the source records that were supplied: their SHA-256 is the same. "
                "Each holds every record of its extract."
            ),
            Grid(columns, rows, size=8),
        ]
    else:
        story.append(p("No content of the exhibit is byte for byte one of the files of source records supplied."))
    if facts.exposure is None:
        return [*story, p("The contents were not compared with source records.")]
    if places := facts.exposure.places:
        two = (Column("Where the data stands", 0.7), Column("Places", 0.3, "right"))
        rows2 = [("Live files", count(places.live)), ("Deleted files", count(places.deleted))]
        rows2 += [("Unallocated space", count(places.unallocated)), ("All places", count(places.total))]
        story += [h2("Places"), Grid(two, rows2, total=True, part=0.62)]
        story.append(p(f"{places.archived:,} of these places are inside archives or other containers.", "small"))
    return [*story, *_holders(facts.exposure), *_dated(facts.exposure.assessment)]


def _columns_used(mapping: Sequence[tuple[str, str]]) -> str:
    """Which column is what; fingerprints have no columns of their own to name."""
    if mapping and all(column == "fingerprint" for column, _ in mapping):
        return "keyed fingerprints of: " + ", ".join(to.replace("_", " ") for _, to in mapping)
    return ", ".join(f"{column} → {to}" for column, to in mapping)


def exposure(facts: ReportFacts) -> list[Flowable]:
    story: list[Flowable] = []
    if facts.records:
        columns = (
            Column("Source records", 0.3), Column("Rows", 0.15, "right"), Column("As of", 0.16),
            Column("Columns used", 0.55, muted=True),
        )  # fmt: skip
        rows = [(r.name, count(r.rows), r.as_of or "not stated", _columns_used(r.mapping)) for r in facts.records]
        story += [h2("What the exhibit was compared with"), Grid(columns, rows)]
        story.append(sheet([(r.name, r.file_sha256) for r in facts.records], mono=True, label=0.27, size=8))
        if notes := [f"{r.name}: {note}" for r in facts.records for note in r.notes]:
            story += bullets(notes)
    if facts.exposure is None:
        return [*story, p("The contents were not compared with source records.")]
    told, sheet_ = facts.exposure.assessment, facts.exposure
    story += _waterfall(facts)
    story += _trail(told)
    two = (Column("Persons by tier", 0.7), Column("Persons", 0.3, "right"))
    tiers = [(wording.TIER_NAMES[tier], count(told.tiers[tier])) for tier in TIERS]
    story += [h2("How many persons"), Grid(two, [*tiers, ("All tiers", count(told.persons))], total=True, part=0.62)]
    story += _elements(sheet_)
    story += _residence(sheet_)
    story += _partly_known(told)
    return story


def _elements(exposure_: ExposureSheet) -> list[Flowable]:
    told = exposure_.assessment
    if not exposure_.elements:
        return [h2("Elements of personal data"), p("No element was found.")]
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
    return [h2("Elements of personal data, persons by tier"), bars, Grid(columns, rows, total=True), p(note, "small")]


def _residence(exposure_: ExposureSheet) -> list[Flowable]:
    told = exposure_.assessment
    rows = [("Minors", count(told.minors)), ("Recorded as deceased", count(told.deceased))]
    rows.append(("On the drive but in no source record", count(told.not_in_records)))
    story: list[Flowable] = [
        h2("Set apart"),
        Grid((Column("Group", 0.7), Column("Persons", 0.3, "right")), rows, part=0.62),
    ]
    if not told.states:
        return [*story, p("States of residence: not measured.")]
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
    return [*story, h2("States of residence"), Grid(columns, lines, part=1 if side > 1 else 0.62), p(note, "small")]


def _waterfall(facts: ReportFacts) -> list[Flowable]:
    """From the records supplied to the persons to be told, each step with what fell out of it and why."""
    steps = facts.waterfall
    if not steps:
        return []
    columns = (
        Column("Step", 0.42), Column("Number", 0.14, "right"), Column("Fell out", 0.14, "right"),
        Column("Because", 0.34, muted=True),
    )  # fmt: skip
    rows = [
        (step.name, count(step.number), f"{step.fell_out:,}", step.because if step.fell_out else "") for step in steps
    ]
    of = facts.exposure.assessment if facts.exposure else None
    last = steps[-1].number
    note = f"The last step is {percent(last, of.source_records if of else None)} of the source records."
    return [
        h2("From the records to the persons"), Waterfall([(step.name, step.number, step.fell_out) for step in steps]),
        Grid(columns, rows), p(note, "small"),
    ]  # fmt: skip


def _trail(told: Assessment) -> list[Flowable]:
    """From what was met on the exhibit to the persons: the other end of the same count."""
    if not told.trail:
        return []
    columns = (
        Column("Step", 0.36), Column("Number", 0.15, "right"), Column("Fell out", 0.15, "right"),
        Column("Because", 0.42, muted=True),
    )  # fmt: skip
    rows = [
        (step.name, count(step.number), f"{step.fell_out:,}", step.because if step.fell_out else "")
        for step in told.trail
    ]
    note = "Each number and what fell out before it were counted apart, and add up to the number above."
    return [h2("From the places to the persons"), Grid(columns, rows), p(note, "small")]


def _dated(told: Assessment) -> list[Flowable]:
    """Which dated snapshot each table agrees with, and by how many persons."""
    if not told.dated:
        return []
    columns = (
        Column("Table", 0.28, font=MONO), Column("Persons", 0.11, "right"), Column("Snapshot", 0.16),
        Column("Agree", 0.1, "right"), Column("Differ", 0.1, "right"), Column("Not in it", 0.11, "right"),
        Column("So", 0.32, muted=True),
    )  # fmt: skip
    rows = []
    for table in told.dated[:DATED_TABLES]:
        said = table.said + (f" (p {table.p:.2g})" if table.told_by else "")
        if table.identical_to:
            said = f"byte for byte {'; '.join(table.identical_to)}. By its rows: {said}"
        for place, (as_of, agree, differ, absent) in enumerate(table.snapshots):
            head = (table.locator, count(table.persons)) if not place else ("", "")
            rows.append((*head, as_of, count(agree), count(differ), count(absent), said if not place else ""))
    return [h2("Which snapshot a table agrees with"), Grid(columns, rows, size=8), p(wording.DATED, "small")]


def _partly_known(told: Assessment) -> list[Flowable]:
    """Tables of which some rows show records and others look like persons and show none."""
    tables = [table for table in told.partly_known if table.unmatched or table.unknown][:PARTLY_KNOWN_ROWS]
    if not tables:
        return []
    columns = (
        Column("Table", 0.44, font=MONO), Column("Rows", 0.12, "right"), Column("In records", 0.13, "right"),
        Column("In none", 0.12, "right"), Column("Share", 0.1, "right"), Column("Not told", 0.12, "right"),
    )  # fmt: skip
    rows = [
        (
            table.locator, count(table.rows), count(table.shown), count(table.unmatched),
            percent(table.unmatched, table.rows), count(table.unknown),
        )
        for table in tables
    ]  # fmt: skip
    return [h2("Persons in no source record"), Grid(columns, rows, size=8), p(wording.IN_NO_RECORD, "small")]


def _rules(told: Assessment) -> list[Flowable]:
    if not told.rules:
        return []
    columns = (
        Column("Rule", 0.4), *(Column(wording.TIER_NAMES[tier], 0.14, "right") for tier in TIERS),
        Column("Estimate", 0.14, "right"), Column("95 % interval", 0.24, "right"),
    )  # fmt: skip
    rows = [
        (one.name, *(count(one.tiers[tier]) for tier in TIERS), count(one.estimate), f"{one.low:,} – {one.high:,}")
        for one in told.rules
    ]
    return [
        h2("Sensitivity: what other rules would have counted"),
        Grid(columns, rows),
        p(wording.OTHER_RULES, "small"),
    ]


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
    return [h2("Documents and tables that hold most persons"), Grid(columns, rows, size=8), p(note, "small")]


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
        story += [h2("Estimate"), Grid((Column("", 0.7), Column("", 0.3, "right")), rows, part=0.62)]
        if told.estimate_status:
            story.append(p(f"State of the estimate: {told.estimate_status}"))
        if told.result_sha256:
            story += [
                sheet([("Result SHA-256", told.result_sha256)], mono=True),
                p(wording.RESULT_DIGEST, "small"),
            ]
        story += _rules(told)
        story += _recall(told)
    story += _sample(facts.sample)
    if missing := wording.unmeasured(facts):
        story += [h2("What was not measured"), *bullets([f"{text[:1].upper()}{text[1:]}." for text in missing])]
    return story


def _recall(told: Assessment) -> list[Flowable]:
    """The spike test: how many of the persons planted in copies were found, layout by layout."""
    if not told.recall:
        return []
    columns = (
        Column("Layout", 0.58), Column("Planted", 0.1, "right"), Column("Found", 0.09, "right"),
        Column("Share", 0.12, "right"), Column("95 % interval", 0.2, "right"),
    )  # fmt: skip
    rows = []
    for row in told.recall:
        between = "–"
        if row.low is not None and row.high is not None:
            between = f"{share(row.low)} – {share(row.high)}"
        found = "–" if row.share is None else share(row.share)
        layout = f"{row.layout} ({row.note})" if row.note else row.layout
        rows.append((layout, count(row.planted), count(row.found), found, between))
    return [h2("Recall: persons planted in copies"), Grid(columns, rows, size=8), p(told.recall_said, "small")]


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
        h2("Misattribution: a blind sample"),
        Grid(columns, rows),
        *(p(text) for text in wording.sample_sentences(sample)),
        p(sample.method, "small"),
    ]
