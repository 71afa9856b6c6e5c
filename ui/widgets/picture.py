"""A picture from the exhibit: pixels that a worker decoded, made smaller where they do not fit."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap, QResizeEvent
from PySide6.QtWidgets import QLabel


class Shown(QLabel):
    """A picture, made smaller where it does not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Picture of the file")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(80, 60)
        self._whole: QPixmap | None = None

    def show_pixels(self, pixels: QPixmap | None) -> None:
        self._whole = pixels
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._whole is None:
            self.clear()
            return
        size = self._whole.size()
        if size.width() > self.width() or size.height() > self.height():
            size = size.scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        smooth = Qt.TransformationMode.SmoothTransformation
        self.setPixmap(self._whole.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, smooth))
