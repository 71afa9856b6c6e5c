"""Who claims which bytes of the device: the plain arithmetic behind `deleted-uncertain`."""

from __future__ import annotations

import bisect
from collections.abc import Hashable, Sequence

import numpy as np

from forensics.model import Run


class Occupied:
    """Byte ranges of the device that live files hold. Runs are gathered; they are merged when somebody asks."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._merged: tuple[list[int], list[int]] | None = None

    def add(self, runs: Sequence[Run]) -> None:
        self._runs += runs
        self._merged = None

    def touches(self, runs: Sequence[Run]) -> bool:
        """Whether any byte of `runs` is held by anybody."""
        if self._merged is None:
            self._merged = self._merge()
        starts, ends = self._merged
        for run in runs:
            index = bisect.bisect_left(starts, run.device_offset + run.length) - 1
            if index >= 0 and ends[index] > run.device_offset:
                return True
        return False

    def _merge(self) -> tuple[list[int], list[int]]:
        rows = np.array(self._runs, np.int64).reshape(-1, 3)
        rows = rows[np.argsort(rows[:, 1], kind="stable")]
        starts, reach = rows[:, 1], np.maximum.accumulate(rows[:, 1] + rows[:, 2])
        first = np.ones(len(rows), bool)
        first[1:] = starts[1:] > reach[:-1]
        last = np.roll(first, -1)
        return starts[first].tolist(), reach[last].tolist()


class Claims:
    """Byte ranges of the device and their claimants."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int, Hashable]] = []

    def add(self, runs: Sequence[Run], claimant: Hashable) -> None:
        self._ranges += [(run.device_offset, run.device_offset + run.length, claimant) for run in runs]

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
