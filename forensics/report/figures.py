"""Tables, tiles and bars drawn straight on the canvas, because paragraph cells by the thousand are slow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reportlab.platypus import Flowable

from forensics.report.typography import (
    INK,
    MONO,
    MUTED,
    PANEL,
    REGULAR,
    RULE,
    STRONG,
    TIER_COLOURS,
    count,
    visible,
    width,
    wrapped,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, its share of the width, and how its text is set."""

    heading: str
    share: float
    align: Literal["left", "right"] = "left"
    font: str = REGULAR
    muted: bool = False


class Grid(Flowable):  # type: ignore[misc]
    """A ruled table that breaks across pages between rows and repeats its heading.

    Cells are text, made visible here and wrapped; `total` sets the last row apart. Rows are never split, and a table of
    a few rows stays on one page. `part` is the share of the page's width that it takes.
    """

    PAD, GAP = 3.2, 12.0
    SMALL, PAGE = 9, 480.0

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        *,
        total: bool = False,
        size: float = 8.5,
        part: float = 1.0,
    ) -> None:
        super().__init__()
        self._columns, self._rows, self._total, self._size, self._part = columns, rows, total, size, part
        self._headed = any(column.heading for column in columns)
        self._leading = size * 1.38
        self._laid: list[list[list[str]]] = []
        self.spaceBefore, self.spaceAfter = 2, 8

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:  # noqa: ARG002
        self.width = available_width * self._part
        scale = self.width / sum(column.share for column in self._columns)
        self._widths = [column.share * scale for column in self._columns]
        if not self._laid:
            self._laid = [
                [
                    wrapped(visible(text), self._font(column, index), self._fit(column), room - self.GAP)
                    for column, room, text in zip(self._columns, self._widths, row, strict=True)
                ]
                for index, row in enumerate(self._rows)
            ]
        self.height = self._heading_height() + sum(self._row_height(row) for row in self._laid)
        return self.width, self.height

    def _fit(self, column: Column) -> float:
        return self._size * (0.88 if column.font == MONO else 1.0)

    def _font(self, column: Column, index: int) -> str:
        return STRONG if self._total and index == len(self._rows) - 1 and column.font == REGULAR else column.font

    def _heading_height(self) -> float:
        return self._leading + 2 * self.PAD if self._headed else 0.0

    def _row_height(self, row: list[list[str]]) -> float:
        return max(len(cell) for cell in row) * self._leading + 2 * self.PAD

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        self.wrap(available_width, available_height)
        if len(self._rows) <= self.SMALL and self.height <= self.PAGE:
            return []
        used, fit = self._heading_height(), 0
        for row in self._laid:
            used += self._row_height(row)
            if used > available_height:
                break
            fit += 1
        # A heading alone at the foot of a page helps nobody, nor does a total row alone on the next.
        if self._total and fit == len(self._laid) - 1:
            fit -= 1
        if fit < 1:
            return []
        head = Grid(self._columns, self._rows[:fit], size=self._size, part=self._part)
        rest = Grid(self._columns, self._rows[fit:], total=self._total, size=self._size, part=self._part)
        head._laid, rest._laid = self._laid[:fit], self._laid[fit:]
        return [head, rest]

    def draw(self) -> None:
        canvas, top = self.canv, self.height
        canvas.setLineWidth(0.5)
        if self._headed:
            baseline = top - self.PAD - self._size
            canvas.setFillColor(MUTED)
            left = 0.0
            for column, room in zip(self._columns, self._widths, strict=True):
                self._text(column, column.heading, left, room, baseline, STRONG, self._size * 0.92)
                left += room
            top -= self._heading_height()
            canvas.setStrokeColor(MUTED)
            canvas.line(0, top, self.width, top)
        for index, row in enumerate(self._laid):
            last = index == len(self._laid) - 1
            if self._total and last:
                canvas.setStrokeColor(MUTED)
                canvas.line(0, top, self.width, top)
            left = 0.0
            for column, room, lines in zip(self._columns, self._widths, row, strict=True):
                canvas.setFillColor(MUTED if column.muted else INK)
                for number, line in enumerate(lines):
                    baseline = top - self.PAD - self._size - number * self._leading
                    self._text(column, line, left, room, baseline, self._font(column, index), self._fit(column))
                left += room
            top -= self._row_height(row)
            canvas.setStrokeColor(RULE)
            canvas.line(0, top, self.width, top)

    def _text(
        self, column: Column, text: str, left: float, room: float, baseline: float, font: str, size: float
    ) -> None:
        self.canv.setFont(font, size)
        if column.align == "right":
            edge = left + room - (0 if column is self._columns[-1] else self.GAP)
            self.canv.drawRightString(edge, baseline, text)
        else:
            self.canv.drawString(left, baseline, text)


def sheet(rows: Sequence[tuple[str, str]], *, label: float = 0.27, mono: bool = False, size: float = 8.5) -> Grid:
    """A two-column sheet of names and values; rows without a value are left out."""
    columns = (Column("", label, muted=True), Column("", 1 - label, font=MONO if mono else REGULAR))
    return Grid(columns, [row for row in rows if row[1]], size=size)


class Tiles(Flowable):  # type: ignore[misc]
    """Numbers to be seen first: a label, the number, and what it is a number of."""

    HEIGHT, GAP = 64.0, 8.0

    def __init__(self, tiles: Sequence[tuple[str, str, str]], per_row: int = 4) -> None:
        super().__init__()
        self._tiles, self._per_row = tiles, per_row
        self.spaceAfter = 12

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:  # noqa: ARG002
        self.width = available_width
        rows = -(-len(self._tiles) // self._per_row)
        self.height = rows * self.HEIGHT + (rows - 1) * self.GAP
        return self.width, self.height

    def draw(self) -> None:
        canvas = self.canv
        room = (self.width - self.GAP * (self._per_row - 1)) / self._per_row
        for index, (label, value, note) in enumerate(self._tiles):
            row, place = divmod(index, self._per_row)
            left = place * (room + self.GAP)
            bottom = self.height - (row + 1) * self.HEIGHT - row * self.GAP
            canvas.setFillColor(PANEL)
            canvas.roundRect(left, bottom, room, self.HEIGHT, 4, stroke=0, fill=1)
            canvas.setFillColor(MUTED)
            canvas.setFont(STRONG, 7.6)
            canvas.drawString(left + 10, bottom + self.HEIGHT - 16, visible(label))
            measured = value[:1].isdigit() or value[:1] in "<>"
            size = 19.0 if measured else 11.0
            while width(value, STRONG, size) > room - 18 and size > 7:
                size -= 0.5
            canvas.setFillColor(INK if measured else MUTED)
            canvas.setFont(STRONG if measured else REGULAR, size)
            canvas.drawString(left + 10, bottom + 24, visible(value))
            canvas.setFillColor(MUTED)
            canvas.setFont(REGULAR, 7.0)
            canvas.drawString(left + 10, bottom + 10, visible(note))


class TierBars(Flowable):  # type: ignore[misc]
    """Horizontal bars, one an element, stacked by tier; every bar ends with its number."""

    BAR, PITCH, LEGEND = 9.0, 17.0, 20.0

    def __init__(self, rows: Sequence[tuple[str, tuple[int, ...]]], tiers: Sequence[str]) -> None:
        super().__init__()
        self._rows, self._tiers = rows, tiers
        self.spaceBefore, self.spaceAfter, self.keepWithNext = 4, 10, 1

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:  # noqa: ARG002
        self.width = available_width
        self.height = self.LEGEND + self.PITCH * len(self._rows)
        return self.width, self.height

    def draw(self) -> None:
        canvas = self.canv
        labels, numbers = 110.0, 62.0
        room = self.width - labels - numbers
        longest = max((sum(parts) for _, parts in self._rows), default=0) or 1
        left = labels
        for tier, colour in zip(self._tiers, TIER_COLOURS, strict=True):
            canvas.setFillColor(colour)
            canvas.rect(left, self.height - 11, 8, 8, stroke=0, fill=1)
            canvas.setFillColor(MUTED)
            canvas.setFont(REGULAR, 7.6)
            canvas.drawString(left + 12, self.height - 10, tier)
            left += width(tier, REGULAR, 7.6) + 30
        for index, (label, parts) in enumerate(self._rows):
            bottom = self.height - self.LEGEND - (index + 1) * self.PITCH + 4
            canvas.setFillColor(INK)
            canvas.setFont(REGULAR, 8.2)
            canvas.drawString(0, bottom + 1.5, label)
            left = labels
            for part, colour in zip(parts, TIER_COLOURS, strict=True):
                long = room * part / longest
                canvas.setFillColor(colour)
                canvas.rect(left, bottom, long, self.BAR, stroke=0, fill=1)
                left += long
            canvas.setFillColor(INK)
            canvas.setFont(REGULAR, 8.2)
            canvas.drawString(left + 5, bottom + 1.5, count(sum(parts)))


class ShareBar(Flowable):  # type: ignore[misc]
    """One bar that is the whole device: examined parts dark, the rest light, widths to scale."""

    def __init__(self, parts: Sequence[tuple[int, bool]]) -> None:
        super().__init__()
        self._parts = parts
        self.spaceBefore, self.spaceAfter, self.keepWithNext = 4, 6, 1

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:  # noqa: ARG002
        self.width, self.height = available_width, 14.0
        return self.width, self.height

    def draw(self) -> None:
        canvas: Any = self.canv
        whole = sum(size for size, _ in self._parts) or 1
        left = 0.0
        for size, examined in sorted(self._parts, key=lambda part: not part[1]):
            long = self.width * size / whole
            canvas.setFillColor(TIER_COLOURS[0] if examined else TIER_COLOURS[2])
            canvas.rect(left, 0, long, self.height, stroke=0, fill=1)
            left += long


class CheckLines(Flowable):  # type: ignore[misc]
    """Sentences behind boxes that are crossed or empty, each with who made it and when. Never split."""

    SIZE, LEADING, BOX = 9.0, 13.0, 9.0

    def __init__(self, lines: Sequence[tuple[bool, str, str]]) -> None:
        super().__init__()
        self._lines = lines
        self.spaceBefore, self.spaceAfter = 2, 10

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:  # noqa: ARG002
        self.width = available_width
        self._laid = [wrapped(visible(text), REGULAR, self.SIZE, available_width - 24) for _, text, _ in self._lines]
        self.height = sum((len(lines) + 1) * self.LEADING + 5 for lines in self._laid)
        return self.width, self.height

    def draw(self) -> None:
        canvas, top = self.canv, self.height
        for (ticked, _, note), lines in zip(self._lines, self._laid, strict=True):
            bottom = top - self.SIZE - 1
            canvas.setStrokeColor(INK)
            canvas.setLineWidth(0.8)
            canvas.rect(1, bottom, self.BOX, self.BOX, stroke=1, fill=0)
            if ticked:
                canvas.line(2.5, bottom + 1.5, self.BOX - 0.5, bottom + self.BOX - 1.5)
                canvas.line(2.5, bottom + self.BOX - 1.5, self.BOX - 0.5, bottom + 1.5)
            canvas.setFillColor(INK)
            canvas.setFont(REGULAR, self.SIZE)
            for line in lines:
                canvas.drawString(20, top - self.SIZE, line)
                top -= self.LEADING
            canvas.setFillColor(MUTED)
            canvas.setFont(REGULAR, 7.6)
            canvas.drawString(20, top - 7.6, visible(note))
            top -= self.LEADING + 5
