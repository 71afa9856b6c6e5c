"""How much was examined, as a bar whose shares are told by pattern and number and not by colour."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from forensics.casefile.contents_view import Shares
from forensics.casefile.coverage import AS_CONTENTS, Share
from ui import theme
from ui.widgets.parts import size_text

LEAST = 3.0
"""Pixels of what is there at all: nothing may vanish for being small."""

_LOOKS = {
    "ok": Qt.BrushStyle.SolidPattern,
    "accent": Qt.BrushStyle.Dense4Pattern,
    "bad": Qt.BrushStyle.BDiagPattern,
    "muted": Qt.BrushStyle.Dense5Pattern,
}


class CoverageBar(QWidget):
    """The bytes of the exhibits once `index` ended; until then those of the files that it has found."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(10)
        self.setMinimumWidth(120)
        self._parts: tuple[tuple[int, str], ...] = ()
        self.show_shares(Shares(0, 0, 0))

    def show_shares(self, shares: Shares) -> None:
        """Bytes of files: examined, not examined, waiting."""
        said = (
            f"{size_text(shares.examined)} examined, {size_text(shares.not_examined)} not examined,"
            f" {size_text(shares.waiting)} waiting"
        )
        self._show(
            "Bytes of files", said, (shares.examined, "ok"), (shares.not_examined, "bad"), (shares.waiting, "muted")
        )

    def show_ledger(self, ledger: Sequence[Share]) -> None:
        """Bytes of the exhibits: examined as contents, searched as raw bytes, left open. Each stands in one of them."""
        contents = sum(share.bytes for share in ledger if share.fate in AS_CONTENTS)
        left = sum(share.bytes for share in ledger if not share.examined)
        raw = sum(share.bytes for share in ledger) - contents - left
        said = (
            f"{size_text(contents)} examined as contents, {size_text(raw)} searched as raw bytes,"
            f" {size_text(left)} not examined"
        )
        self._show("Every byte", said, (contents, "ok"), (raw, "accent"), (left, "bad"))

    def _show(self, of_what: str, said: str, *parts: tuple[int, str]) -> None:
        self._parts = parts
        self.setAccessibleName(f"Coverage: {of_what.lower()}")
        self.setAccessibleDescription(said)
        self.setToolTip(f"{of_what}: {said}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        tokens, painter = theme.now(), QPainter(self)
        total = sum(share for share, _ in self._parts)
        bar = QRectF(self.rect())
        painter.fillRect(bar, tokens.color("surface2"))
        left = 0.0
        for share, token in self._parts:
            if total and share:
                wide = max(LEAST, bar.width() * share / total)
                painter.fillRect(QRectF(left, 0, wide, bar.height()), QBrush(tokens.color(token), _LOOKS[token]))
                left = min(bar.width() - 2 * LEAST, left + wide)
