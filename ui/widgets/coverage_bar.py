"""How much of the files' bytes was examined, as a bar whose shares are told by pattern and number and not by colour."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from forensics.casefile.contents_view import Shares
from ui import theme
from ui.widgets.parts import size_text


class CoverageBar(QWidget):
    """Examined, not examined, waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(10)
        self.setMinimumWidth(120)
        self.setAccessibleName("Coverage of the files’ bytes")
        self._shares = Shares(0, 0, 0)

    def show_shares(self, shares: Shares) -> None:
        self._shares = shares
        said = (
            f"{size_text(shares.examined)} examined, {size_text(shares.not_examined)} not examined,"
            f" {size_text(shares.waiting)} waiting"
        )
        self.setAccessibleDescription(said)
        self.setToolTip(f"Bytes of files: {said}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        tokens, painter = theme.now(), QPainter(self)
        shares = self._shares
        total = shares.examined + shares.not_examined + shares.waiting
        bar = QRectF(self.rect())
        painter.fillRect(bar, tokens.color("surface2"))
        left = 0.0
        for share, brush in (
            (shares.examined, QBrush(tokens.color("ok"))),
            (shares.not_examined, QBrush(tokens.color("bad"), Qt.BrushStyle.BDiagPattern)),
            (shares.waiting, QBrush(tokens.color("muted"), Qt.BrushStyle.Dense5Pattern)),
        ):
            if total and share:
                # What is there at all is at least three pixels wide: nothing may vanish for being small.
                wide = max(3.0, bar.width() * share / total)
                painter.fillRect(QRectF(left, 0, wide, bar.height()), brush)
                left = min(bar.width() - 6, left + wide)
