"""A message above a page: what happened and what to do next, until it is dismissed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from ui import theme
from ui.widgets.parts import SELECTABLE, Glyph, label

_ICON = {"info": "info-circle", "ok": "circle-check", "warn": "alert-triangle", "bad": "alert-circle"}
_INK = {"info": "accent", "ok": "ok", "warn": "warn", "bad": "bad"}


class Banner(QWidget):
    """Takes no room while it has nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        self._frame = QFrame()
        self._frame.setObjectName("banner")
        around = QVBoxLayout(self)
        around.setContentsMargins(24, 14, 24, 0)
        around.addWidget(self._frame)
        line = QHBoxLayout(self._frame)
        line.setContentsMargins(14, 10, 10, 10)
        line.setSpacing(10)
        self._glyph = Glyph("info-circle", "accent", 20)
        self.sentence = label("", "strong", wrap=True)
        self.remedy = label("", wrap=True)
        for part in (self.sentence, self.remedy):
            part.setTextInteractionFlags(SELECTABLE)
            part.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.sentence)
        words.addWidget(self.remedy)
        self.dismiss = QToolButton()
        self.dismiss.setAccessibleName("Dismiss the message")
        self.dismiss.setToolTip("Dismiss")
        theme.dress(self.dismiss, "x", "text", 16)
        self.dismiss.clicked.connect(self.hide)
        line.addWidget(self._glyph, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(words, 1)
        line.addWidget(self.dismiss, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def say(self, kind: str, sentence: str, remedy: str = "") -> None:
        """Show a message; `kind` is info, ok, warn or bad and has an icon of its own."""
        self._frame.setProperty("kind", kind)
        self._frame.style().unpolish(self._frame)
        self._frame.style().polish(self._frame)
        self._glyph.become(_ICON[kind], _INK[kind])
        self.sentence.setText(sentence)
        self.remedy.setText(remedy)
        self.remedy.setVisible(bool(remedy))
        self.setAccessibleName(f"{sentence} {remedy}".strip())
        self.show()
