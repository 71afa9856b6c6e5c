"""Python's collector of reference cycles, run by the event loop and nowhere else."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 1_000

ALL_EVERY = 30
"""Rounds after which old objects are looked through as well, which a person may feel (some 50 ms in a full window)."""


class Collector(QObject):
    """Collects cycles once a second, and keeps Python from doing it by itself.

    Left alone it does it wherever an object is made: in a thread that reads the case, or in the middle of Qt's dressing
    of a window. Widgets that only a cycle still holds are destroyed there then, in a thread that may not, or under the
    hands of Qt, and the process dies of it.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._rounds = 0
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def _collect(self) -> None:
        self._rounds += 1
        gc.collect(2 if self._rounds % ALL_EVERY == 0 else 1)
