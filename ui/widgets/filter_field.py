"""The field that filters a table."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QLineEdit

from ui import theme


class FilterField(QLineEdit):
    """Its magnifying glass follows the theme."""

    def __init__(self, hint: str, name: str, width: int = 280) -> None:
        super().__init__()
        self.setPlaceholderText(hint)
        self.setAccessibleName(name)
        self.setToolTip(f"{hint}  (Ctrl+F)")
        self.setClearButtonEnabled(True)
        self.setMinimumWidth(width)
        self._glass = self.addAction(theme.icon("search", "muted", 16), QLineEdit.ActionPosition.LeadingPosition)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange and hasattr(self, "_glass"):
            self._glass.setIcon(theme.icon("search", "muted", 16))
