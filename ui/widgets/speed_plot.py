"""How fast the drive was read, drawn; the numbers are in the description for those who do not see it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui import theme

SECONDS = 600
LEFT, RIGHT, TOP, BOTTOM = 44, 6, 8, 24
TICKS = ((600, "−10 min"), (450, "−7:30"), (300, "−5:00"), (150, "−2:30"), (0, "now"))


def round_top(highest: float) -> tuple[float, float]:
    """The top of an axis that holds `highest`, and the step between its lines: 1, 2 or 5 times a power of ten."""
    if highest <= 0:
        return 1.0, 0.5
    rough = highest / 4
    power = 10.0 ** floor(log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * 0.999)
    return step * ceil(highest / step - 1e-9), step


class SpeedPlot(QWidget):
    """A line over the last ten minutes, now at the right; speeds in MB/s."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._points: tuple[tuple[float, float], ...] = ()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(120)
        self.show_points(())

    def sizeHint(self) -> QSize:
        return QSize(420, 170)

    def show_points(self, points: Sequence[tuple[float, float]]) -> None:
        """`points` are seconds ago and bytes a second, in any order."""
        self._points = tuple(sorted(((ago, speed / 1e6) for ago, speed in points), reverse=True))
        speeds = [speed for _, speed in self._points]
        said = "No speed measured yet"
        if speeds:
            said = (
                f"Now {speeds[-1]:.1f} MB/s; lowest {min(speeds):.1f}, highest {max(speeds):.1f} in the last 10 minutes"
            )
        self.setAccessibleDescription(said)
        self.setToolTip(said)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        tokens = theme.now()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(12))
        area = QRectF(LEFT, TOP, max(10, self.width() - LEFT - RIGHT), max(10, self.height() - TOP - BOTTOM))
        top, step = round_top(max((speed for _, speed in self._points), default=0.0))
        for line in range(round(top / step) + 1) if self._points else (0,):
            value = line * step
            y = area.bottom() - area.height() * value / top
            painter.setPen(QPen(tokens.color("grid"), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(tokens.color("muted"))
            box = QRectF(0, y - 9, LEFT - 8, 18)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), f"{value:g}")
        for ago, text in TICKS:
            x = area.right() - area.width() * ago / SECONDS
            width = painter.fontMetrics().horizontalAdvance(text) + 4
            at = min(max(x - width / 2, area.left()), self.width() - width)
            painter.drawText(QRectF(at, area.bottom() + 5, width, 18), int(Qt.AlignmentFlag.AlignCenter), text)
        if not self._points:
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), "Waiting for the first bytes")
            return
        self._draw_line(painter, area, top)

    def _draw_line(self, painter: QPainter, area: QRectF, top: float) -> None:
        def place(ago: float, speed: float) -> QPointF:
            return QPointF(
                area.right() - area.width() * min(ago, SECONDS) / SECONDS, area.bottom() - area.height() * speed / top
            )

        line = QPainterPath(place(*self._points[0]))
        for point in self._points[1:]:
            line.lineTo(place(*point))
        ground = QPainterPath(line)
        ground.lineTo(QPointF(line.currentPosition().x(), area.bottom()))
        ground.lineTo(QPointF(place(*self._points[0]).x(), area.bottom()))
        ground.closeSubpath()
        accent = theme.now().color("accent")
        strong, faint = QColor(accent), QColor(accent)
        strong.setAlpha(80)
        faint.setAlpha(10)
        shade = QLinearGradient(0, area.top(), 0, area.bottom())
        shade.setColorAt(0, strong)
        shade.setColorAt(1, faint)
        painter.fillPath(ground, shade)
        painter.setPen(QPen(accent, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        if len(self._points) == 1:
            painter.drawPoint(place(*self._points[0]))
        painter.drawPath(line)
