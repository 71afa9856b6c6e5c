"""Charts for what people would rather look at than read: the waterfall, and entries by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from reportlab.platypus import Flowable

from forensics.report.typography import (
    INK,
    MUTED,
    REGULAR,
    RULE,
    TIER_COLOURS,
    WARNING,
    count,
    width,
    wrapped,
)  # fmt: skip


class Waterfall(Flowable):  # type: ignore[misc]
    """Bars from the records to the persons: what is left is dark, what fell out of the step before is light beside it.

    Each group of steps whose largest is a hundredth of the one before gets a scale of its own: a bar that nobody can
    see says nothing.
    """

    BAR, PITCH = 10.0, 20.0

    def __init__(self, steps: Sequence[tuple[str, int, int]]) -> None:
        super().__init__()
        self._steps = steps
        self.spaceBefore, self.spaceAfter, self.keepWithNext = 4, 8, 1

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:  # noqa: ARG002
        self.width, self.height = available_width, self.PITCH * len(self._steps) + 4
        return self.width, self.height

    def draw(self) -> None:
        canvas, labels, numbers = self.canv, 190.0, 110.0
        room = self.width - labels - numbers
        whole = max((number + out for _, number, out in self._steps), default=0) or 1
        for index, (name, number, out) in enumerate(self._steps):
            bottom = self.height - (index + 1) * self.PITCH + 4
            canvas.setFillColor(INK)
            canvas.setFont(REGULAR, 8.2)
            canvas.drawString(0, bottom + 2, wrapped(name, REGULAR, 8.2, labels - 8)[0])
            left = labels
            for part, colour in ((number, TIER_COLOURS[0]), (out, TIER_COLOURS[2])):
                long = room * part / whole
                # A count that is there is seen, however small its share.
                long = max(long, 0.8) if part else 0.0
                canvas.setFillColor(colour)
                canvas.rect(left, bottom, long, self.BAR, stroke=0, fill=1)
                left += long
            canvas.setFillColor(INK)
            canvas.drawString(left + 5, bottom + 2, count(number))
            if out:
                after = left + 5 + width(count(number), REGULAR, 8.2) + 6
                canvas.setFillColor(MUTED)
                canvas.setFont(REGULAR, 7.2)
                canvas.drawString(after, bottom + 2, f"– {out:,}")


class DayBars(Flowable):  # type: ignore[misc]
    """Two bars a day, created and modified, over consecutive days, with lines at the days that somebody named."""

    HIGH, LEGEND, AXIS = 92.0, 18.0, 30.0

    def __init__(self, by_day: Mapping[date, tuple[int, int]], marks: Sequence[tuple[str, date]]) -> None:
        super().__init__()
        first, last = min(by_day), max(by_day)
        self._days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        self._by_day, self._marks = by_day, [(name, day) for name, day in marks if first <= day <= last]
        self.spaceBefore, self.spaceAfter, self.keepWithNext = 4, 8, 1

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:  # noqa: ARG002
        self.width = available_width
        self.height = self.HIGH + self.LEGEND + self.AXIS
        return self.width, self.height

    def draw(self) -> None:
        canvas, left = self.canv, 44.0
        room = self.width - left
        most = max(max(pair) for pair in self._by_day.values()) or 1
        pitch = room / len(self._days)
        bar = min(pitch * 0.42, 9.0)
        x = left
        for name, colour in (("Created", TIER_COLOURS[0]), ("Modified", TIER_COLOURS[1])):
            canvas.setFillColor(colour)
            canvas.rect(x, self.height - 10, 8, 8, stroke=0, fill=1)
            canvas.setFillColor(MUTED)
            canvas.setFont(REGULAR, 7.6)
            canvas.drawString(x + 12, self.height - 9, name)
            x += 70
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.setFont(REGULAR, 7)
        for share in (0.0, 0.5, 1.0):
            y = self.AXIS + self.HIGH * share
            canvas.line(left, y, self.width, y)
            canvas.setFillColor(MUTED)
            canvas.drawRightString(left - 5, y - 2.5, count(round(most * share)))
        every = max(1, -(-len(self._days) // 8))
        for index, day in enumerate(self._days):
            at = left + index * pitch
            for place, number in enumerate(self._by_day.get(day, (0, 0))):
                canvas.setFillColor(TIER_COLOURS[place])
                high = max(self.HIGH * number / most, 0.8) if number else 0.0
                canvas.rect(at + pitch / 2 + (place - 1) * bar, self.AXIS, bar, high, stroke=0, fill=1)
            if index % every == 0:
                canvas.setFillColor(MUTED)
                canvas.drawCentredString(at + pitch / 2, self.AXIS - 10, day.isoformat())
        for _, day in self._marks:
            at = left + (self._days.index(day) + 0.5) * pitch
            canvas.setStrokeColor(WARNING)
            canvas.setDash(2, 2)
            canvas.line(at, self.AXIS - 13, at, self.AXIS + self.HIGH)
            canvas.setDash()
        self._name_marks(left, pitch)

    def _name_marks(self, left: float, pitch: float) -> None:
        """Names under the axis, moved apart where two would run into each other."""
        end = 0.0
        for name, day in sorted(self._marks, key=lambda mark: mark[1]):
            long = width(name, REGULAR, 7)
            at = left + (self._days.index(day) + 0.5) * pitch - long / 2
            at = min(max(at, end + 6, 0.0), self.width - long)
            self.canv.setFillColor(WARNING)
            self.canv.setFont(REGULAR, 7)
            self.canv.drawString(at, self.AXIS - 22, name)
            end = at + long
