"""Notices that nobody is at the keyboard, so that an open case does not stay open."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

LOCK_AFTER_MIN = 15
"""NIST SP 800-171, 3.1.10, asks for a session lock and leaves the time open; 15 minutes is the usual answer."""

_SIGNS = frozenset(
    (QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.Wheel,
     QEvent.Type.TouchBegin)
)  # fmt: skip


class Idle(QObject):
    """Emits `idle` once when there was no key, click, wheel or move in any window for some minutes."""

    idle = Signal()

    def __init__(self, minutes: float, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, singleShot=True, interval=round(minutes * 60_000))
        self._timer.timeout.connect(self.idle)
        application = QApplication.instance()
        if application is not None:
            application.installEventFilter(self)

    def watch(self, wanted: bool) -> None:
        """Begin to count, or stop."""
        if wanted:
            self._timer.start()
        else:
            self._timer.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self._timer.isActive() and event.type() in _SIGNS:
            self._timer.start()
        return super().eventFilter(watched, event)
