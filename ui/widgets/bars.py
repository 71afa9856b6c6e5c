"""Persons by element and tier, drawn; the numbers stand beside the bars, so that no colour has to be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ui import theme

ROW = 27
LEGEND = 28


class Bars(QWidget):
    """Horizontal stacked bars, one a row, one share a level; each level has its own hatching as well as its shade."""

    def __init__(self, levels: Sequence[str], name: str, name_width: float = 140.0) -> None:
        super().__init__()
        self._name_width = name_width
        self._levels = tuple(levels)
        self._rows: tuple[tuple[str, tuple[int, ...]], ...] = ()
        self._notes: Mapping[str, str] = {}
        self.setAccessibleName(name)
        self.show_rows(())

    def show_rows(self, rows: Sequence[tuple[str, tuple[int, ...]]], notes: Mapping[str, str] | None = None) -> None:
        """Names with their counts, one for each level; `notes` are words behind the number of a name."""
        self._rows, self._notes = tuple(rows), dict(notes or {})
        self.setMinimumHeight(LEGEND + ROW * max(1, len(self._rows)))
        said = (
            f"{name}: "
            + ", ".join(f"{count:,} {level}" for level, count in zip(self._levels, counts, strict=True))
            + (f", {self._notes[name]}" if name in self._notes else "")
            for name, counts in self._rows
        )
        self.setAccessibleDescription("; ".join(said))
        self.update()

    def _brushes(self) -> list[QBrush]:
        accent = theme.now().color("accent")
        half, faint = QColor(accent), QColor(accent)
        half.setAlpha(130)
        faint.setAlpha(90)
        brushes = [QBrush(accent), QBrush(half), QBrush(faint, Qt.BrushStyle.BDiagPattern)]
        return brushes[: len(self._levels)]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        tokens, brushes = theme.now(), self._brushes()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        names, noted = self._name_width, 118.0 if self._notes else 0.0
        numbers = 72.0 + noted
        painter.setFont(theme.font(12))
        across = names
        for brush, level in zip(brushes, self._levels, strict=True):
            painter.fillRect(QRectF(across, 5, 12, 12), tokens.color("surface2"))
            painter.fillRect(QRectF(across, 5, 12, 12), brush)
            painter.setPen(tokens.color("muted"))
            painter.drawText(QPointF(across + 18, 15), level)
            across += painter.fontMetrics().horizontalAdvance(level) + 36
        painter.setFont(theme.font(13))
        most = max((sum(counts) for _, counts in self._rows), default=1) or 1
        full = max(10.0, self.width() - names - numbers)
        for at, (name, counts) in enumerate(self._rows):
            top = LEGEND + at * ROW
            bar = QRectF(names, top + 5, full, ROW - 11)
            painter.setPen(tokens.color("text"))
            painter.drawText(QRectF(0, top, names - 12, ROW), right, name)
            painter.drawText(QRectF(self.width() - numbers, top, 70, ROW), right, f"{sum(counts):,}")
            if name in self._notes:
                painter.setPen(tokens.color("muted"))
                painter.drawText(QRectF(self.width() - noted, top, noted - 2, ROW), right, self._notes[name])
            painter.fillRect(bar, tokens.color("surface2"))
            for brush, count in zip(brushes, counts, strict=True):
                share = full * count / most
                painter.fillRect(QRectF(bar.left(), bar.top(), share, bar.height()), brush)
                bar.setLeft(bar.left() + share)
