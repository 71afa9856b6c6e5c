"""A running acquisition in numbers: fed with the events of the command, asked by the page once a second.

All times are seconds of one monotonic clock that the caller gives; sizes are bytes.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from ui.bridge import Progress

PLOTTED_S = 600
"""The plot shows the last ten minutes."""

SHORTEST_S = 0.5
"""Progress comes up to ten times a second, so that over a shorter time it says nothing of the speed."""

_RANGE = re.compile(r"@(0x[0-9a-fA-F]+|\d+)\+(0x[0-9a-fA-F]+|\d+)\Z")

PHASES = {
    "reread": "Reading the unfinished image again", "image": "Reading the source", "rescue": "Rescuing bad places",
    "second read": "Reading the source a second time", "verify": "Reading the image back", "copy": "Copying the image",
    "verify second copy": "Reading the second copy back",
}  # fmt: skip
"""What a phase is called on the page."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest so far, over the first `done` bytes."""

    done: int
    value: str


def byte_range(locator: str) -> tuple[int, int] | None:
    """Offset and length out of `E-001@OFFSET+LENGTH`, decimal or 0x hexadecimal; None where there is none."""
    found = _RANGE.search(locator)
    return (int(found[1], 0), int(found[2], 0)) if found else None


class Tally:
    """One run, from its start. Pauses count neither as elapsed time of a phase nor in the average."""

    def __init__(self, now: float, sector_size: int = 512) -> None:
        self.began = now
        self.sector_size = max(1, sector_size)
        self.phase = ""
        self.done = 0
        self.total: int | None = None
        self.eta_s: float | None = None
        self.paused = False
        self.bad: list[tuple[int, int]] = []
        self.slow = 0
        self.protection = ""
        self.digests: dict[str, Digest] = {}
        self.samples: deque[tuple[float, float]] = deque(maxlen=PLOTTED_S + 1)
        self._first = 0
        self._worked, self._worked_at = 0.0, now
        self._at, self._sampled, self._fresh = now, 0, True

    # ---------------------------------------------------------------------------------------------------- events

    def progress(self, progress: Progress) -> bool:
        """Take how far it is. True where a phase begins with it."""
        begins = progress.phase != self.phase
        if begins:
            self.phase, self._first, self._worked = progress.phase, progress.done, 0.0
            self._sampled, self._fresh = progress.done, True
        self.done, self.total, self.eta_s = progress.done, progress.total, progress.eta_s
        return begins

    def noted(self, outcome: str, locator: str, reason: str) -> None:
        place = byte_range(locator)
        if outcome == "bad" and place:
            self.bad.append(place)
        elif outcome == "slow":
            self.slow += 1
        elif outcome == "check":
            self.protection = reason
        elif outcome == "digest" and place and " " in reason:
            name, value = reason.split(" ", 1)
            self.digests[name] = Digest(place[1], value)

    def tick(self, now: float) -> None:
        """Take a sample of the speed; the page calls it about once a second, and when it pauses."""
        if not self.paused:
            self._worked += max(0.0, now - self._worked_at)
        self._worked_at = now
        seconds = now - self._at
        if seconds < SHORTEST_S:
            return
        self._at = now
        moved, self._sampled = max(0, self.done - self._sampled), self.done
        if self.phase and not self._fresh:
            self.samples.append((now, moved / seconds))
        self._fresh = self._fresh and not self.phase

    # --------------------------------------------------------------------------------------------------- numbers

    @property
    def speed(self) -> float:
        """Bytes a second, over the last three samples: one alone jumps with the size of a block."""
        last = list(self.samples)[-3:]
        return 0.0 if self.paused or not last else sum(speed for _, speed in last) / len(last)

    @property
    def average(self) -> float:
        """Bytes a second since the phase began."""
        return (self.done - self._first) / self._worked if self._worked > 0 else 0.0

    @property
    def permille(self) -> int | None:
        return None if not self.total else min(1000, self.done * 1000 // self.total)

    @property
    def bad_sectors(self) -> int:
        return sum(-(-length // self.sector_size) for _, length in self.bad)

    def plotted(self, now: float) -> list[tuple[float, float]]:
        """Samples of the last ten minutes: how many seconds ago, and bytes a second."""
        return [(now - at, speed) for at, speed in self.samples if now - at <= PLOTTED_S]


def duration_text(seconds: float) -> str:
    """A duration for people, in its two largest units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def rate_text(speed: float) -> str:
    """Bytes a second in MB/s, powers of ten as drives are sold."""
    return f"{speed / 1e6:,.1f} MB/s"
