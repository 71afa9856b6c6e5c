"""Who claims which bytes of the device: the plain arithmetic behind `deleted-uncertain`."""

from __future__ import annotations

import bisect
from collections.abc import Hashable, Sequence

from forensics.model import Run


class Claims:
    """Byte ranges of the device and their claimants."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int, Hashable]] = []
        self._starts: list[int] | None = None
        self._ends: list[int] = []

    def add(self, runs: Sequence[Run], claimant: Hashable = None) -> None:
        self._ranges += [(run.device_offset, run.device_offset + run.length, claimant) for run in runs]
        self._starts = None

    def touches(self, runs: Sequence[Run]) -> bool:
        """Whether any byte of `runs` is claimed by anybody."""
        if self._starts is None:
            self._merge()
        starts, ends = self._starts or [], self._ends
        for run in runs:
            index = bisect.bisect_left(starts, run.device_offset + run.length) - 1
            if index >= 0 and ends[index] > run.device_offset:
                return True
        return False

    def contested(self) -> set[Hashable]:
        """The claimants that share at least one byte with another claimant."""
        shared: set[Hashable] = set()
        reach, owner = -1, None
        for start, end, claimant in sorted(self._ranges, key=lambda item: item[:2]):
            if start < reach and claimant != owner:
                shared |= {claimant, owner}
            if end > reach:
                reach, owner = end, claimant
        return shared

    def _merge(self) -> None:
        self._starts, self._ends = [], []
        for start, end, _claimant in sorted(self._ranges, key=lambda item: item[:2]):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)
