"""Runs of a content on the device, packed for a row, and cut into an interval table without overlaps."""

from __future__ import annotations

import heapq
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forensics.model import Run

_RUN = struct.Struct("<3q")


def pack_runs(runs: Sequence[Run]) -> bytes:
    return b"".join([_RUN.pack(*run) for run in runs])


def unpack_runs(packed: bytes) -> tuple[Run, ...]:
    return tuple(map(Run._make, _RUN.iter_unpack(packed)))


def without_overlaps(
    found: list[tuple[int, int, int, int, int]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Cut runs so that none overlaps another; of several at one byte the first of `found` keeps it.

    `found` holds rank, entry, device offset, length and file offset. A sweep over the device with the runs that reach
    the current byte in a heap: n log n, however they overlap.
    """
    order = sorted((n for n, run in enumerate(found) if run[3] > 0), key=lambda n: found[n][2])
    reaching: list[int] = []
    kept: list[tuple[int, int, int]] = []
    at, coming = 0, 0
    while reaching or coming < len(order):
        if not reaching:
            at = max(at, found[order[coming]][2])
        while coming < len(order) and found[order[coming]][2] <= at:
            heapq.heappush(reaching, order[coming])
            coming += 1
        _, _, device, length, _ = found[reaching[0]]
        if device + length <= at:
            heapq.heappop(reaching)
            continue
        stop = device + length
        if coming < len(order):
            stop = min(stop, found[order[coming]][2])
        if kept and kept[-1][2] == reaching[0] and kept[-1][1] == at:
            kept[-1] = (kept[-1][0], stop, reaching[0])
        else:
            kept.append((at, stop, reaching[0]))
        at = stop
    rows = [(at, stop - at, found[n][4] + at - found[n][2]) for at, stop, n in kept]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2], [found[n][1] for _, _, n in kept]
