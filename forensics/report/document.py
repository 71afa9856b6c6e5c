"""The report as a PDF: cover, sections, annexes; the same facts give the same bytes."""

from __future__ import annotations

import calendar
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.utils import ImageReader, TimeStamp
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Spacer

from forensics.errors import Refused
from forensics.report import signature_fields, wording
from forensics.report.blocks import Heading
from forensics.report.facts import ReportFacts
from forensics.report.files import write_whole
from forensics.report.sections import body
from forensics.report.signature_fields import MARGIN
from forensics.report.typography import (
    ACCENT,
    INK,
    MONO,
    MUTED,
    REGULAR,
    RULE,
    STRONG,
    WARNING,
    load_fonts,
    visible,
    width,
    wrapped,
)  # fmt: skip
from forensics.resources import resource

DRAFT = "DRAFT – not signed"

_TOP, _BOTTOM = 62.0, 64.0


@dataclass(slots=True)
class _Plan:
    """What the first setting of the report learned for the second: how many pages, and where the headings stand."""

    pages: int = 0
    headings: list[tuple[str, str, int]] = field(default_factory=list)


def set_twice(facts: ReportFacts, template: type[ReportTemplate], story: Callable[[], Iterable[Flowable]]) -> bytes:
    """The PDF of a story set twice: the second time it knows how many pages there are, and where the headings stand."""
    load_fonts()
    first = _Plan()
    _set(facts, _Plan(), first, template, story)
    return _set(facts, first, _Plan(), template, story)


def build(facts: ReportFacts, out: Path) -> None:
    """Write the report as a PDF to `out`, which must not exist.

    Raises `Defect` where the counts do not add up, `Refused` where `out` exists, `EnvironmentFailed` where the fonts
    are missing. The file carries no date but `facts.date`, no path and no user name, and the same facts give the same
    bytes. It is not written until it is whole.
    """
    facts.check()
    if out.exists():
        raise Refused(f"{out.name} exists already and a report is never overwritten.", "Choose another file name.")
    # The cover is drawn by its page template; the flow needs something to open that page with.
    write_whole(out, set_twice(facts, ReportTemplate, lambda: [Spacer(1, 1), *body(facts)]))


def _set(
    facts: ReportFacts,
    known: _Plan,
    learned: _Plan,
    kind: type[ReportTemplate],
    story: Callable[[], Iterable[Flowable]],
) -> bytes:
    """Set a document once, with page numbers from an earlier setting; notes its own in `learned`."""
    stream = io.BytesIO()
    template = kind(stream, facts, known, learned)
    template.build(list(story()), canvasmaker=canvas_maker(facts.date))
    learned.pages = template.page
    return stream.getvalue()


def canvas_maker(date: str) -> Any:
    """Makes canvases that carry no date but this one and no font but the embedded ones."""

    def make(filename: Any, **options: Any) -> Canvas:
        # Canvas opens every page in Helvetica unless told otherwise, and that font would not be embedded.
        canvas = Canvas(filename, **{**options, "initialFontName": REGULAR, "invariant": 1, "lang": "en"})
        canvas._doc._timeStamp = _stamp(date)  # reportlab offers no public way to give the date
        canvas.setViewerPreference("DisplayDocTitle", "true")
        canvas.showOutline()
        return canvas

    return make


def _stamp(date: str) -> TimeStamp:
    """The report's date as reportlab's time stamp, in UTC. Raises `ValueError` for what is not ISO 8601."""
    moment = datetime.fromisoformat(date)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    stamp = TimeStamp(1)
    stamp.t = calendar.timegm(moment.utctimetuple())
    stamp.lt = moment.utctimetuple()
    stamp.YMDhms = tuple(stamp.lt)[:6]
    return stamp


@cache
def _draft_mark() -> tuple[ImageReader, float, float]:
    """The watermark with its width and height in points: a picture, because slanted text would run into the words and
    numbers that somebody copies or extracts from the page.
    """
    scale = 2
    font = ImageFont.truetype(resource("fonts", f"{STRONG}.ttf"), 62 * scale)
    left, top, right, bottom = font.getbbox(DRAFT)
    shape = Image.new("L", (round(right - left), round(bottom - top)))
    ImageDraw.Draw(shape).text((-left, -top), DRAFT, font=font, fill=20)
    picture = Image.new("RGBA", shape.size, "#BF2626")
    picture.putalpha(shape)
    return ImageReader(picture), shape.width / scale, shape.height / scale


class ReportTemplate(BaseDocTemplate):  # type: ignore[misc]
    """Page furniture: running head and foot, watermark, bookmarks."""

    TITLE = wording.TITLE
    FOOT = "Report"
    MARKED = True
    """Whether an unsigned document carries the mark of a draft."""

    def __init__(self, stream: io.BytesIO, facts: ReportFacts, known: _Plan, learned: _Plan) -> None:
        paper = A4 if facts.paper == "A4" else LETTER
        super().__init__(
            stream,
            pagesize=paper,
            pageCompression=1,
            title=f"{self.TITLE}: case {visible(facts.case.number)}",
            author=visible(facts.case.examiner),
            subject=wording.signing_subject(facts.signer.fingerprint if facts.signer else None),
            keywords=f"{visible(facts.report_id)} version {visible(facts.version)}",
            creator=f"DriveCustody {facts.tool_version}",
        )
        self._facts, self._known, self._learned = facts, known, learned
        frame = Frame(
            MARGIN, _BOTTOM, paper[0] - 2 * MARGIN, paper[1] - _TOP - _BOTTOM,
            leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
        )  # fmt: skip
        self.addPageTemplates(
            [
                PageTemplate("cover", [frame], onPage=self._cover, autoNextPageTemplate="inner"),
                PageTemplate("inner", [frame], onPage=self._inner),
            ]
        )

    def afterFlowable(self, flowable: Flowable) -> None:  # reportlab's name
        if isinstance(flowable, Heading):
            self.canv.bookmarkPage(flowable.key)
            self.canv.addOutlineEntry(flowable.title.replace("  ", " "), flowable.key, level=0)
            self._learned.headings.append((flowable.title, flowable.key, self.page))

    def _inner(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        self._watermark(canvas)
        right, top = self.pagesize[0] - MARGIN, self.pagesize[1] - 38
        canvas.setFont(REGULAR, 7.5)
        canvas.setFillColor(MUTED)
        canvas.drawString(MARGIN, top, f"{self.TITLE} · Case {visible(self._facts.case.number)}")
        canvas.setFont(STRONG, 7.5)
        canvas.drawRightString(right, top, visible(self._facts.classification))
        if self.MARKED and not self._facts.signer:
            canvas.setFillColor(WARNING)
            canvas.drawCentredString((MARGIN + right) / 2 + 40, top, DRAFT)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, top - 7, right, top - 7)
        self._foot(canvas)

    def _foot(self, canvas: Canvas) -> None:
        facts, right = self._facts, self.pagesize[0] - MARGIN
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, 47, right, 47)
        canvas.setFillColor(MUTED)
        canvas.setFont(REGULAR, 7.5)
        canvas.drawString(MARGIN, 36, f"{self.FOOT} {visible(facts.report_id)}, version {visible(facts.version)}")
        canvas.drawRightString(right, 36, f"Page {canvas.getPageNumber()} of {self._known.pages}")
        canvas.setFont(REGULAR, 6.5)
        label = f"Ledger: {facts.ledger_size:,} entries, head "
        canvas.drawString(MARGIN, 25, label)
        canvas.setFont(MONO, 6.0)
        canvas.drawString(MARGIN + width(label, REGULAR, 6.5), 25, visible(facts.ledger_head))

    def _watermark(self, canvas: Canvas) -> None:
        if self._facts.signer or not self.MARKED:
            return
        canvas.saveState()
        canvas.translate(self.pagesize[0] / 2, self.pagesize[1] / 2)
        canvas.rotate(48)
        image, wide, high = _draft_mark()
        canvas.drawImage(image, -wide / 2, -high / 2, wide, high, mask="auto")
        canvas.restoreState()

    def _cover(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        facts = self._facts
        self._watermark(canvas)
        page_width, page_height = self.pagesize
        right = page_width - MARGIN
        canvas.setFillColor(ACCENT)
        canvas.rect(0, page_height - 9, page_width, 9, stroke=0, fill=1)
        canvas.setFont(STRONG, 8.5)
        canvas.setFillColor(MUTED)
        canvas.drawString(MARGIN, page_height - 62, visible(facts.case.organisation))
        canvas.drawRightString(right, page_height - 62, visible(facts.classification))
        y = page_height - 118
        canvas.setFillColor(INK)
        canvas.setFont(STRONG, 26)
        canvas.drawString(MARGIN, y, wording.TITLE)
        canvas.setFillColor(MUTED)
        canvas.setFont(REGULAR, 13)
        y -= 24
        for line in wrapped(visible(facts.case.title), REGULAR, 13, right - MARGIN)[:3]:
            canvas.drawString(MARGIN, y, line)
            y -= 18
        if facts.legend:
            canvas.setFillColor(WARNING)
            canvas.setFont(STRONG, 9)
            for line in wrapped(visible(facts.legend), STRONG, 9, right - MARGIN)[:2]:
                canvas.drawString(MARGIN, y, line)
                y -= 13
        y = self._cover_sheet(canvas, y - 18)
        self._cover_contents(canvas, y - 20)
        self._signature_boxes(canvas)
        self._foot(canvas)

    def _cover_sheet(self, canvas: Canvas, y: float) -> float:
        facts = self._facts
        signer = f"{facts.signer.name}, {facts.signer.organisation}" if facts.signer else "none: this is a draft"
        rows = (
            ("Case", facts.case.number),
            ("Exhibits", ", ".join(exhibit.label for exhibit in facts.exhibits) or "none"),
            ("Examiner", facts.case.examiner),
            ("Report", f"{facts.report_id}, version {facts.version}"),
            ("Date", facts.date),
            ("Signed by", signer),
            ("Made with", f"DriveCustody {facts.tool_version}"),
        )
        room = self.pagesize[0] - 2 * MARGIN - 110
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        for label, value in rows:
            canvas.line(MARGIN, y + 13, self.pagesize[0] - MARGIN, y + 13)
            canvas.setFillColor(MUTED)
            canvas.setFont(REGULAR, 9)
            canvas.drawString(MARGIN, y, label)
            canvas.setFillColor(INK)
            for line in wrapped(visible(value), REGULAR, 9, room)[:2]:
                canvas.drawString(MARGIN + 110, y, line)
                y -= 13
            y -= 6
        canvas.line(MARGIN, y + 13, self.pagesize[0] - MARGIN, y + 13)
        return y

    def _cover_contents(self, canvas: Canvas, y: float) -> None:
        headings = self._known.headings
        half = -(-len(headings) // 2)
        room = (self.pagesize[0] - 2 * MARGIN - 28) / 2
        for index, (title, key, page) in enumerate(headings):
            column, row = divmod(index, half)
            left, baseline = MARGIN + column * (room + 28), y - row * 15
            canvas.setFillColor(INK)
            canvas.setFont(REGULAR, 8.6)
            canvas.drawString(left, baseline, title)
            canvas.setFillColor(MUTED)
            canvas.drawRightString(left + room, baseline, str(page))
            canvas.linkAbsolute("", key, Rect=(left, baseline - 3, left + room, baseline + 9), Border="[0 0 0]")

    def _signature_boxes(self, canvas: Canvas) -> None:
        """The frames and captions of the signature fields; the fields themselves are made when it is signed."""
        placed = signature_fields.boxes(self.pagesize[0])
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.7)
        for name, (left, bottom, right, top) in placed.items():
            canvas.roundRect(left, bottom, right - left, top - bottom, 3, stroke=1, fill=0)
            canvas.setFillColor(MUTED)
            canvas.setFont(REGULAR, 7)
            canvas.drawString(left + 1, top + 4, name if name != signature_fields.EXAMINER else "Examiner’s signature")
        if not self._facts.signer:
            left, bottom, _, top = placed[signature_fields.EXAMINER]
            canvas.setFont(STRONG, 10)
            canvas.setFillColor(WARNING)
            canvas.drawString(left + 12, (bottom + top) / 2 - 3, DRAFT)
