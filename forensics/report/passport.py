"""The passport of one person as a PDF of exactly one page: masked values, every reason, and how much did not fit."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.pagesizes import LETTER
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph

from forensics.errors import Defect
from forensics.model import Tier
from forensics.report import wording
from forensics.report.document import canvas_maker
from forensics.report.figures import Column, Grid, Tiles
from forensics.report.signature_fields import MARGIN
from forensics.report.typography import (
    MONO,
    MUTED,
    REGULAR,
    RULE,
    STRONG,
    count,
    load_fonts,
    markup,
    styles,
    visible,
    width,
)  # fmt: skip

TITLE = "Person passport"


@dataclass(frozen=True, slots=True)
class _Room:
    """How much of each kind the page takes: lines of a list, and characters of a text that comes from outside."""

    arose: int
    decisions: int
    checks: int
    value: int
    place: int


MOST_ROWS, LEAST_ROWS = 14, 2

ROOMS = (_Room(5, 3, 9, 90, 150), _Room(3, 2, 9, 60, 110), _Room(2, 1, 9, 40, 80))
"""From the usual to what a page full of the longest texts takes; the next is tried where two places do not fit."""

_ROADS = {
    "table": "row of a table", "line": "one line", "window": "within 200 bytes", "letter": "document about one person",
    "linkage": "row that is alike",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PassportFacts:
    """What the passport prints. `record` is masked; `evidence` are the rows of evidence as the passport verb gives
    them, by place; `places` counts distinct places that count for the person, `further_places` the others."""

    identity: str
    case_number: str
    organisation: str
    date: str
    tool_version: str
    ledger_size: int
    ledger_head: str
    record: Mapping[str, str]
    tier: Tier
    why: tuple[str, ...]
    elements: tuple[str, ...]
    places: int
    further_places: int
    by_region: tuple[int, int, int, int]
    """Live, deleted, unallocated, and how many of them inside archives."""
    evidence: tuple[Mapping[str, Any], ...]
    arose: tuple[str, ...]
    review: str
    decisions: tuple[Mapping[str, Any], ...]
    check: tuple[str, ...]
    minor: bool = False
    deceased: bool = False
    flags: tuple[str, ...] = ()

    def check_sums(self) -> None:
        """Raise `Defect` where the places do not add up."""
        counted = {row["place"] for row in self.evidence if row["counts"]}
        every = {row["place"] for row in self.evidence}
        if self.places != len(counted) or self.further_places != len(every) - len(counted):
            raise Defect("The places of the passport do not add up to those of the evidence.")
        if sum(self.by_region[:3]) != self.places or not 0 <= self.by_region[3] <= self.places:
            raise Defect("The places of the passport do not add up by region.")


def build_passport(facts: PassportFacts) -> tuple[bytes, int]:
    """The PDF, and how many rows of evidence are on its page; the same facts give the same bytes.

    Raises `Defect` where the places do not add up, `EnvironmentFailed` where the fonts are missing.
    """
    facts.check_sums()
    load_fonts()
    most = min(MOST_ROWS, len(facts.evidence))
    for room in ROOMS:
        least = 0 if room is ROOMS[-1] else min(LEAST_ROWS, most)
        for rows in range(most, least - 1, -1):
            stream = io.BytesIO()
            template = _Page(stream, facts)
            template.build(_body(facts, rows, room), canvasmaker=canvas_maker(facts.date))
            if template.page == 1:
                return stream.getvalue(), rows
    raise Defect("The passport does not fit on its page.")


class _Tight(Grid):
    """A table with less air between its rows, and never in two parts."""

    PAD = 1.7

    def split(self, available_width: float, available_height: float) -> list[Flowable]:  # noqa: ARG002
        return []


def _body(facts: PassportFacts, rows: int, room: _Room) -> list[Flowable]:
    return [
        Paragraph(markup(f"{TITLE} {facts.identity}"), styles()["h1"]),
        _tiles(facts),
        _record(facts, room),
        _h2("Why this tier"),
        *(Paragraph(markup(text), styles()["small"]) for text in facts.why),
        _h2("Where this person was found"),
        *_where(facts, rows, room),
        _h2("How this person arose"),
        *_listed(facts.arose, room.arose, 2 * room.value),
        _h2("Decisions"),
        *_decisions(facts, room),
        _h2("What a reviewer should check"),
        *_listed(facts.check, room.checks, None),
    ]


def _record(facts: PassportFacts, room: _Room) -> Grid:
    """The masked record in two columns, and what changes how somebody is written to."""
    cells = [(_label(name), _short(value, room.value // 2)) for name, value in facts.record.items()]
    cells = [cell for cell in cells if cell[0] not in ("Deceased", "Extra")]
    cells += [("Minor", "yes" if facts.minor else "no"), ("Deceased", "yes" if facts.deceased else "no")]
    if facts.flags:
        cells.append(("In the records", "; ".join(facts.flags)))
    high = -(-len(cells) // 2)
    cells.append(("", ""))
    rows = [(*cells[at], *cells[high + at]) for at in range(high)]
    columns = (
        Column("", 0.16, muted=True), Column("", 0.34), Column("", 0.16, muted=True), Column("", 0.34),
    )  # fmt: skip
    return _Tight(columns, rows, size=7.6)


def _tiles(facts: PassportFacts) -> Tiles:
    live, deleted, unallocated, archived = facts.by_region
    where = [f"{n:,} {name}" for n, name in ((live, "live"), (deleted, "deleted"), (unallocated, "unallocated")) if n]
    return Tiles(
        (
            ("Tier", wording.TIER_NAMES[facts.tier], "why is said below"),
            ("Places", count(facts.places), ", ".join(where) + (f"; {archived:,} archived" if archived else "")),
            ("Elements", count(len(facts.elements)), "exposed, named below"),
            ("Review", facts.review, f"{len(facts.decisions):,} decision(s)"),
        )
    )


def _where(facts: PassportFacts, rows: int, room: _Room) -> list[Flowable]:
    named = ", ".join(wording.ELEMENT_NAMES.get(element, element) for element in facts.elements)
    story: list[Flowable] = [Paragraph(markup(f"Exposed elements: {named or 'none'}."), styles()["small"])]
    columns = (
        Column("Place", 0.42, font=MONO), Column("State", 0.13), Column("Agrees", 0.2), Column("Differs", 0.12),
        Column("Found as", 0.15, muted=True),
    )  # fmt: skip
    # What contradicts comes first: it is what a reviewer has to look at.
    ordered = sorted(
        facts.evidence, key=lambda row: (not row["counts"], not row["conflict"], row["place"], row["road"])
    )
    shown = ordered[:rows]
    cells = [
        (
            _short(row["place"], room.place), _state(row), _agreeing(row), _fields(row["conflict"]) or "–",
            _ROADS.get(row["road"], row["road"]),
        )
        for row in shown
    ]  # fmt: skip
    if cells:
        story.append(_Tight(columns, cells, size=7.0))
    seen = {row["place"] for row in shown}
    counted = len({row["place"] for row in ordered if row["counts"]} - seen)
    others = len({row["place"] for row in ordered} - seen) - counted
    if counted or others:
        beside = f", and {others:,} where a number alone stands and which are not counted" if others else ""
        story.append(Paragraph(markup(f"And {counted:,} more places{beside}."), styles()["small"]))
    return story


def _state(row: Mapping[str, Any]) -> str:
    said = [row["region"], *(["archived"] if row["archived"] else []), *(["uncertain"] if row["uncertain"] else [])]
    return ", ".join(said) + ("" if row["counts"] else " (not counted)")


def _agreeing(row: Mapping[str, Any]) -> str:
    return _fields(row["agree"]) + (f"; beside: {_fields(row['also'])}" if row["also"] else "")


def _decisions(facts: PassportFacts, room: _Room) -> list[Flowable]:
    if not facts.decisions:
        return [Paragraph("Nobody has decided about this person.", styles()["small"])]
    # A reason may name somebody, and this page is masked.
    newest = facts.decisions[-room.decisions :]
    said = [
        f"{row['utc']} {_short(row['who'], room.value // 2)}: {row['decision']}"
        f"{' (undoing)' if row['undoes'] else ''}{'; the reason is in the case' if row['reason'] else ''}."
        for row in reversed(newest)
    ]
    if earlier := len(facts.decisions) - len(newest):
        said.append(f"And {earlier:,} earlier.")
    return [Paragraph(markup(text), styles()["tight"], bulletText="•") for text in said]


def _listed(texts: Sequence[str], most: int, longest: int | None) -> list[Flowable]:
    shown = [_short(text, longest or len(text)) for text in texts[:most]]
    if len(texts) > most:
        shown.append(f"And {len(texts) - most:,} more in the case.")
    return [Paragraph(markup(text), styles()["tight"], bulletText="•") for text in shown]


def _h2(text: str) -> Flowable:
    return Paragraph(markup(text), styles()["h3"])


def _fields(names: Sequence[str]) -> str:
    return ", ".join(_SHORT.get(name, name) for name in names)


_SHORT = {"birth_date": "birth date", "ssn": "SSN", "member_id": "member id"}


def _label(field: str) -> str:
    return {"ssn": "SSN", "record_key": "Record key"}.get(field, field.replace("_", " ").capitalize())


def _short(text: str, most: int) -> str:
    """The text, or its two ends where it is longer than the page has room for."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2 - 2]} … {text[-(most - most // 2 - 2) :]}"


class _Page(BaseDocTemplate):  # type: ignore[misc]
    """The page's furniture, as the report has it."""

    def __init__(self, stream: io.BytesIO, facts: PassportFacts) -> None:
        super().__init__(
            stream, pagesize=LETTER, pageCompression=1, title=f"{TITLE} {visible(facts.identity)}",
            author=visible(facts.organisation), subject="Masked; confidential",
            creator=f"DriveCustody {facts.tool_version}",
        )  # fmt: skip
        self._facts = facts
        wide, high = LETTER
        frame = Frame(
            MARGIN, 58, wide - 2 * MARGIN, high - 58 - 54, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0
        )
        self.addPageTemplates([PageTemplate("only", [frame], onPage=self._furniture)])

    def _furniture(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        facts, right, top = self._facts, LETTER[0] - MARGIN, LETTER[1] - 38
        canvas.setFillColor(MUTED)
        canvas.setFont(REGULAR, 7.5)
        canvas.drawString(MARGIN, top, f"{visible(facts.organisation)} · Case {visible(facts.case_number)}")
        canvas.setFont(STRONG, 7.5)
        canvas.drawRightString(right, top, "Confidential: personal data, masked")
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, top - 7, right, top - 7)
        canvas.line(MARGIN, 47, right, 47)
        canvas.setFont(REGULAR, 7.5)
        canvas.drawString(MARGIN, 36, f"Passport {visible(facts.identity)} · {visible(facts.date)}")
        canvas.drawRightString(right, 36, f"Page 1 of 1 · DriveCustody {visible(facts.tool_version)}")
        label = f"Ledger: {facts.ledger_size:,} entries, head "
        canvas.setFont(REGULAR, 6.5)
        canvas.drawString(MARGIN, 25, label)
        canvas.setFont(MONO, 6.0)
        canvas.drawString(MARGIN + width(label, REGULAR, 6.5), 25, visible(facts.ledger_head))
