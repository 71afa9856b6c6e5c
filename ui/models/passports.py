"""Passports on their way: the one that is wanted at once, the next ones behind it, each kept until it changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from ui.companion import Companion

KEPT = 128
AHEAD = 20
"""How many of the next persons are asked for before anybody wants them."""


class Passports(QObject):
    """Asks the companion. One passport ahead is asked for at a time, so that a wanted one waits for one at most."""

    ready = Signal(str, object)
    """Record key and passport, masked."""

    refused = Signal(str, str)
    """Record key, and why there is no passport."""

    def __init__(self, companion: Companion, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._companion = companion
        self._kept: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._asked: set[str] = set()
        self._ahead: list[str] = []
        self._generation = 0

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def want(self, key: str) -> None:
        """Have `ready` or `refused` emitted for this person; at once where the passport is there."""
        if key in self._kept:
            self._kept.move_to_end(key)
            self.ready.emit(key, self._kept[key])
        else:
            self._ask(key)

    def ahead(self, keys: Sequence[str]) -> None:
        """Ask for these as well when nothing else is asked for; earlier wishes of this kind are dropped."""
        self._ahead = [key for key in keys[:AHEAD] if key not in self._kept]
        self._go_on()

    def forget(self, keys: Iterable[str] = ()) -> None:
        """Drop what may have changed: these persons, or everybody."""
        named = list(keys)
        if not named:
            self._kept.clear()
            self._generation += 1
            self._asked.clear()
        for key in named:
            self._kept.pop(key, None)

    def _go_on(self) -> None:
        if self._ahead and not self._asked:
            self._ask(self._ahead.pop(0))

    def _ask(self, key: str) -> None:
        if key in self._asked:
            return
        self._asked.add(key)
        generation = self._generation
        self._companion.ask(
            "passport", {"record_key": key}, lambda told: self._take(generation, key, told),
            lambda why: self._refuse(generation, key, why),
        )  # fmt: skip

    def _take(self, generation: int, key: str, told: dict[str, Any]) -> None:
        if generation != self._generation:
            return
        self._asked.discard(key)
        self._kept[key] = told
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.ready.emit(key, told)
        self._go_on()

    def _refuse(self, generation: int, key: str, why: str) -> None:
        if generation != self._generation:
            return
        self._asked.discard(key)
        self.refused.emit(key, why)
        self._go_on()
