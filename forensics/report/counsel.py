"""Counsel's memorandum: what the law may ask for, with what the program counted beside it, and every decision blank.

It is a document of its own and never part of an evidence package. It prints counts, dates and places, no value of
anybody, and no conclusion of law.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Flowable, KeepTogether, PageBreak, Paragraph, Spacer

from forensics.errors import Refused
from forensics.report.blocks import Heading, bullets, h2, p
from forensics.report.document import ReportTemplate, set_twice
from forensics.report.facts import ReportFacts
from forensics.report.figures import CheckLines, Column, Grid, sheet
from forensics.report.files import write_whole
from forensics.report.typography import count, markup, styles

TITLE = "Memorandum for counsel"

FIRST = (
    "This memorandum was computed from the case for counsel’s review. It is no legal advice, it is not part of the "
    "report, and it does not go into the evidence package. Every rule is printed with its citation and with how well "
    "it is known: “read” means that a description of it was read (its sources are named), not that the statute was "
    "construed. A rule that was read in part, is from memory, or on which sources conflict prints no date."
)


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One duty as it is printed. `due` is a text; `depends` says that it applies only if open questions say so."""

    due: str
    notify: str
    when: str
    citation: str
    status: str
    sources: str
    persons: str
    note: str
    depends: bool


@dataclass(frozen=True, slots=True)
class Factor:
    """One of the four factors: facts, each with where it stands. The decision is counsel's."""

    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LettersSheet:
    """Letters by version, address and language; `pending` persons make the list a forecast."""

    mailing: str
    total: int
    versions: tuple[tuple[str, int], ...]
    addresses: tuple[tuple[str, int], ...]
    languages: tuple[tuple[str, int], ...]
    representatives: int
    age_unknown: int
    substitute: int
    conspicuous: bool
    pending: int


@dataclass(frozen=True, slots=True)
class DifferenceSheet:
    """Two reports beside each other. `rows` are (change, why, persons); `elements` (element, gained, lost)."""

    earlier: str
    later: str
    rows: tuple[tuple[str, str, int], ...]
    elements: tuple[tuple[str, int, int], ...]
    same_result: bool


@dataclass(frozen=True, slots=True)
class CounselFacts:
    """The memorandum beside the facts of the report."""

    situation: tuple[tuple[str, str], ...]
    duties: tuple[DutyLine, ...]
    forms: tuple[DutyLine, ...]
    open_questions: tuple[str, ...]
    assumes: tuple[str, ...]
    factors: tuple[Factor, ...]
    worksheet: tuple[tuple[str, str], ...]
    phi: tuple[tuple[str, bool], ...]
    letters: LettersSheet
    difference: DifferenceSheet | None


class _Memo(ReportTemplate):
    TITLE = TITLE
    FOOT = "Beside report"
    MARKED = False

    def _cover(self, canvas: Canvas, document: BaseDocTemplate) -> None:
        self._inner(canvas, document)


def build_memo(facts: ReportFacts, counsel: CounselFacts, out: Path) -> None:
    """Write the memorandum to `out`, which must not exist. The same facts give the same bytes. Raises `Refused` where
    the file exists."""
    if out.exists():
        raise Refused(f"{out.name} exists already and is never overwritten.", "Choose another file name.")
    write_whole(out, set_twice(facts, _Memo, lambda: _story(facts, counsel)), private=True)


def _story(facts: ReportFacts, counsel: CounselFacts) -> Iterator[Flowable]:
    yield Paragraph(markup(TITLE), styles()["title"])
    yield Paragraph(markup(f"Case {facts.case.number}: {facts.case.title}"), styles()["subtitle"])
    yield Spacer(1, 8)
    yield p(FIRST)
    yield sheet(list(counsel.situation))
    for number, (title, part) in enumerate(
        (
            ("Notice duties", _duties(counsel)),
            ("Four factors", _factors(counsel)),
            ("Worksheet for the report to HHS", _worksheet(counsel)),
            ("Letters", _letters(counsel.letters)),
            ("Difference from the report before", _difference(counsel.difference)),
        ),
        start=1,
    ):
        if title in ("Four factors", "Worksheet for the report to HHS"):
            yield PageBreak()
        else:
            yield Spacer(1, 12)
            yield CondPageBreak(170)
        yield Heading(f"{number}  {title}", title.replace(" ", "-").lower())
        yield from part


def _duties(counsel: CounselFacts) -> list[Flowable]:
    if not counsel.duties:
        return [p("No rule of the jurisdictions here is about this kind of organisation and these persons.")]
    columns = (
        Column("Due", 0.19), Column("Who is told, and when the duty arises", 0.4), Column("Persons", 0.14, "right"),
        Column("Citation and status", 0.3, muted=True),
    )  # fmt: skip
    story: list[Flowable] = [Grid(columns, [_cells(duty) for duty in counsel.duties], size=8)]
    if counsel.forms:
        story += [h2("What goes with the notices, and what may delay them"),
                  Grid(columns, [_cells(duty) for duty in counsel.forms], size=8)]  # fmt: skip
    if counsel.open_questions:
        story += [h2("Open"), *bullets(counsel.open_questions)]
    return [*story, h2("Taken for granted by these rules"), *bullets(counsel.assumes)]


def _cells(duty: DutyLine) -> tuple[str, str, str, str]:
    due = f"IF IT APPLIES: {duty.due}" if duty.depends else duty.due
    said = f"{duty.notify}. When: {duty.when[:1].lower()}{duty.when[1:]}."
    if duty.note:
        said += f" {duty.note}"
    known = f"{duty.citation}. Status: {duty.status}."
    if duty.sources:
        known += f" Read in: {duty.sources}."
    return due, said, duty.persons, f"{known} For counsel’s review."


def _factors(counsel: CounselFacts) -> list[Flowable]:
    story: list[Flowable] = [
        p(
            "45 CFR 164.402(2): a breach is presumed unless a risk assessment of at least these four factors shows a "
            "low probability that the information was compromised. The facts are from the case; the assessment is "
            "not made here."
        )
    ]
    columns = (Column("Fact", 0.66), Column("Where it stands", 0.34, muted=True))
    for factor in counsel.factors:
        parts = [
            h2(factor.title),
            Grid(columns, list(factor.facts), size=8.2),
            CheckLines([(False, "Assessment of this factor:", "left to counsel")]),
        ]
        story.append(KeepTogether(parts))
    story.append(h2("Decision"))
    story.append(
        CheckLines(
            [
                (False, "A low probability of compromise is shown.", "left to counsel; date and signature"),
                (False, "A low probability of compromise is not shown: notice is given.", "left to counsel"),
            ]
        )
    )
    return story


def _worksheet(counsel: CounselFacts) -> list[Flowable]:
    kinds = [(found, name, "found on the exhibit" if found else "not found") for name, found in counsel.phi]
    return [
        p("In the order of the questions of the portal. What the case does not know is left to be filled in.", "small"),
        sheet(list(counsel.worksheet), label=0.33),
        h2("Type of protected health information involved"),
        CheckLines(kinds),
    ]


def _letters(letters: LettersSheet) -> list[Flowable]:
    story: list[Flowable] = []
    if letters.pending:
        story.append(
            p(
                f"{letters.pending:,} persons are neither included nor excluded: these numbers are a forecast that "
                "counts everybody confirmed, probable or included, and the list of letters cannot leave the case yet.",
                "warning",
            )
        )
    for title, rows in (("Version", letters.versions), ("Address", letters.addresses), ("Language", letters.languages)):
        two = (Column(title, 0.7), Column("Letters", 0.3, "right"))
        shown = [(name, count(n)) for name, n in rows]
        story.append(Grid(two, [*shown, ("All letters", count(letters.total))], total=True, part=0.62))
    form = "in conspicuous form (10 or more)" if letters.conspicuous else "by another form (fewer than 10)"
    story += bullets(
        [
            f"Age is that on {letters.mailing}, the day of mailing.",
            f"Without a sufficient address, next of kin not counted: {letters.substitute:,}"
            + (f"; substitute notice {form}." if letters.substitute else "."),
            f"Through a personal representative: {letters.representatives:,}.",
            f"Without a birth date, written to as adults: {letters.age_unknown:,}.",
            "“Ask” means that a confidential address is on record, and which one has to be looked up before mailing.",
        ]
    )
    return story


def _difference(sheet_: DifferenceSheet | None) -> list[Flowable]:
    if sheet_ is None:
        return [p("There is no earlier report to compare with.")]
    story: list[Flowable] = [
        p(
            f"{sheet_.later} beside {sheet_.earlier}. Who is meant leaves the case only as an encrypted list "
            "(export differences)."
        )
    ]
    if not sheet_.rows:
        same = " The results have one digest." if sheet_.same_result else ""
        return [*story, p(f"Nobody was added, removed or changed.{same}")]
    three = (Column("Change", 0.2), Column("Because", 0.5), Column("Persons", 0.2, "right"))
    total = sum(n for _, _, n in sheet_.rows)
    rows = [(change, why, count(n)) for change, why, n in sheet_.rows]
    story.append(Grid(three, [*rows, ("All", "", count(total))], total=True, part=0.8))
    if sheet_.elements:
        three = (Column("Element", 0.5), Column("Gained by", 0.25, "right"), Column("Lost by", 0.25, "right"))
        story.append(Grid(three, [(name, count(up), count(down)) for name, up, down in sheet_.elements], part=0.8))
    return story


def only_text(rows: Sequence[tuple[str, str | None]]) -> tuple[tuple[str, str], ...]:
    """Rows of a worksheet, where what nobody knows is to be filled in."""
    return tuple((name, value or "to be filled in") for name, value in rows)
