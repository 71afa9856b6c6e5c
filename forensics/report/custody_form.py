"""The custody form of one exhibit on paper: the item, its photographs, every event, and lines to sign on by hand."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportlab.lib.pagesizes import letter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from forensics.report.files import write_whole
from forensics.report.sheets import Photograph
from forensics.report.typography import INK, MONO, MUTED, REGULAR, STRONG, load_fonts, visible, wrapped

_LEFT, _RIGHT, _TOP, _BOTTOM = 54.0, 558.0, 738.0, 60.0
_SIGNATURE_LINES = 3
_SIGN_HERE = ("Given by: name, organisation, signature", "Taken by: name, organisation, signature", "Date, time, place")


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the ledger about the exhibit; `parties` are who gave and who took."""

    seq: int
    utc: str
    actor: str
    what: str
    parties: str
    detail: str
    digest: str


@dataclass(frozen=True, slots=True)
class Item:
    """Everything the form says. `details` are the fields of the exhibit by name; `hashes` those of its image."""

    case: str
    organisation: str
    exhibit: str
    received: str
    details: Mapping[str, str]
    hashes: Mapping[str, str]
    photographs: Sequence[Photograph]
    events: Sequence[Event]
    ledger_size: int
    ledger_head: str


def build_form(item: Item, out: Path) -> str:
    """Write the form to a new PDF and return its SHA-256. Raises `Refused` where `out` exists."""
    load_fonts()
    stream = io.BytesIO()
    pages = _Pages(Canvas(stream, pagesize=letter, initialFontName=REGULAR, invariant=1), item)
    pages.heading("Item")
    rows = [("Case", item.case), ("Organisation", item.organisation), ("Exhibit", item.exhibit),
            ("Received", item.received)]  # fmt: skip
    rows += [(name.replace("_", " ").capitalize(), value) for name, value in item.details.items()]
    rows += [(f"Image, {name.upper()}", value) for name, value in sorted(item.hashes.items())]
    for name, value in rows:
        pages.field(name, value, MONO if name.startswith("Image, ") else REGULAR)
    if item.photographs:
        pages.heading("Photographs")
        for photograph in item.photographs:
            pages.photograph(photograph)
    pages.heading("Events")
    for event in item.events:
        pages.event(event)
    pages.heading("Received and given, signed by hand")
    for _ in range(_SIGNATURE_LINES):
        pages.signatures()
    pages.finish()
    data = stream.getvalue()
    write_whole(out, data)
    return hashlib.sha256(data).hexdigest()


class _Pages:
    """A column of text that goes on over pages, each with the exhibit above and the state of the ledger below."""

    def __init__(self, canvas: Canvas, item: Item) -> None:
        self._canvas, self._item, self._number, self._y = canvas, item, 0, 0.0
        canvas.setTitle(f"Chain of custody {item.exhibit}")
        self._page()

    def _page(self) -> None:
        if self._number:
            self._canvas.showPage()
        self._number += 1
        self._y = _TOP
        self._write(_LEFT, _TOP + 18, "Chain of custody", STRONG, 14, INK)
        self._write(_LEFT + 330, _TOP + 18, f"{visible(self._item.exhibit)}   page {self._number}", REGULAR, 10, MUTED)
        state = f"Ledger at printing: {self._item.ledger_size:,} entries, head {self._item.ledger_head}"
        self._write(_LEFT, 36, state, MONO, 6.5, MUTED)

    def _write(self, x: float, y: float, text: str, font: str, size: float, colour: object) -> None:
        self._canvas.setFont(font, size)
        self._canvas.setFillColor(colour)
        self._canvas.drawString(x, y, text)

    def _room(self, height: float) -> None:
        if self._y - height < _BOTTOM:
            self._page()

    def heading(self, text: str) -> None:
        self._room(60)
        self._y -= 26
        self._write(_LEFT, self._y, text, STRONG, 11, INK)
        self._y -= 4
        self._canvas.setStrokeColor(MUTED)
        self._canvas.setLineWidth(0.5)
        self._canvas.line(_LEFT, self._y, _RIGHT, self._y)
        self._y -= 12

    def field(self, name: str, value: str, font: str = REGULAR) -> None:
        size = 7.5 if font == MONO else 9.0
        for number, line in enumerate(wrapped(visible(value), font, size, _RIGHT - _LEFT - 120)):
            self._room(14)
            if not number:
                self._write(_LEFT, self._y, visible(name), REGULAR, 9, MUTED)
            self._write(_LEFT + 120, self._y, line, font, size, INK)
            self._y -= 13

    def photograph(self, photograph: Photograph) -> None:
        if photograph.jpeg is not None:
            picture = ImageReader(io.BytesIO(photograph.jpeg))
            width, height = picture.getSize()
            scale = min((_RIGHT - _LEFT) / width, 260 / height)
            self._room(height * scale + 34)
            self._y -= height * scale
            self._canvas.drawImage(picture, _LEFT, self._y, width * scale, height * scale)
        else:
            self._room(30)
            self._write(_LEFT, self._y - 8, "This file could not be shown as a picture.", REGULAR, 9, MUTED)
            self._y -= 10
        self._y -= 11
        name = wrapped(visible(photograph.name), REGULAR, 8, 190)[0]
        self._write(_LEFT, self._y, name, REGULAR, 8, INK)
        self._write(_LEFT + 200, self._y, photograph.sha256, MONO, 6.5, MUTED)
        self._y -= 16

    def event(self, event: Event) -> None:
        detail = wrapped(visible(event.detail), REGULAR, 8, _RIGHT - _LEFT - 30) if event.detail else []
        self._room(40)
        self._write(_LEFT, self._y, str(event.seq), MONO, 8, MUTED)
        self._write(_LEFT + 30, self._y, f"{event.utc[:19]}Z", MONO, 8, INK)
        self._write(_LEFT + 140, self._y, wrapped(visible(event.what), STRONG, 9, 150)[0], STRONG, 9, INK)
        self._write(_LEFT + 300, self._y, wrapped(visible(event.parties), REGULAR, 9, 204)[0], REGULAR, 9, INK)
        self._y -= 11
        by = wrapped(f"by {visible(event.actor)}", REGULAR, 7.5, 190)[0]
        self._write(_LEFT + 30, self._y, by, REGULAR, 7.5, MUTED)
        self._write(_LEFT + 230, self._y, event.digest, MONO, 6.5, MUTED)
        for line in detail:
            self._room(24)
            self._y -= 10
            self._write(_LEFT + 30, self._y, line, REGULAR, 8, INK)
        self._y -= 16

    def signatures(self) -> None:
        self._room(70)
        self._y -= 30
        self._canvas.setStrokeColor(INK)
        self._canvas.setLineWidth(0.5)
        for column, label in enumerate(_SIGN_HERE):
            left = _LEFT + column * 172
            self._canvas.line(left, self._y, left + 158, self._y)
            self._write(left, self._y - 10, label, REGULAR, 7.5, MUTED)
        self._y -= 22

    def finish(self) -> None:
        self._canvas.showPage()
        self._canvas.save()
