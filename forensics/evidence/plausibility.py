"""Files whose bytes are not to be believed although the drive sent them: unreadable places, and silent zeros.

Drives have returned zeros for what they could no longer read, with no error and with matching hashes. Zeros in the
middle of a text or of a compressed file are not what a program wrote there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from forensics.evidence.pipeline import ZERO_UNIT
from forensics.evidence.zero_map import ZeroMap
from forensics.model import BadRange, Extent, Run

WITHOUT_ZEROS = frozenset(
    (
        "csv", "text", "html", "xml", "json", "mbox", "eml", "rtf", "jpeg", "png", "webp", "gif", "gzip", "bzip2", "xz",
        "zstd", "7z", "rar", "zip", "xlsx", "xlsm", "xlsb", "docx", "pptx", "odt", "ods", "odp", "pdf",
    )
)  # fmt: skip
"""Types (as the sniffer names them) in which 32 KiB of zeros on end have no place: text, and what is compressed. Pages
of databases, OLE documents, programs and images of disks hold such stretches by right."""

UNKNOWN = "unknown"
"""What the sniffer says of a file that begins with zeros, as of others."""


class Plausibility:
    """Crosses the runs of files with what is known of the device's bytes. Extents are those of the device."""

    def __init__(self, zeros: ZeroMap, bad: Sequence[BadRange]) -> None:
        self._starts, self._ends = _edges([*zeros.ranges()])
        self._bad_starts, self._bad_ends = _edges([(item.offset, item.length) for item in bad])

    def unread(self, runs: Sequence[Run]) -> list[Extent]:
        """The bytes of a file that could not be read and stand as zeros in the image."""
        return list(_common(runs, self._bad_starts, self._bad_ends))

    def implausible(self, runs: Sequence[Run], size: int, type: str) -> list[Extent]:
        """Stretches of whole 32 KiB units of zeros, sent without an error, where the file should have none.

        A file of a type in `WITHOUT_ZEROS` should have none at all, and no file that is large enough should be
        nothing but zeros. What could not be read is in `unread` and not here.
        """
        found = [extent for extent in _common(runs, self._starts, self._ends) if extent.length >= ZERO_UNIT]
        if type not in WITHOUT_ZEROS:
            zero = sum(extent.length for extent in found)
            # The first and the last unit may be shared with other files.
            if type != UNKNOWN or zero < max(ZERO_UNIT, size - 2 * ZERO_UNIT):
                return []
        return [
            extent
            for extent in found
            if not any(True for _ in _common([Run(0, extent.offset, extent.length)], self._bad_starts, self._bad_ends))
        ]


def _edges(ranges: Sequence[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = np.array(ranges, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 0] + pairs[:, 1]


def _common(runs: Sequence[Run], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[Extent]:
    for run in runs:
        low, high = run.device_offset, run.device_offset + run.length
        first = int(np.searchsorted(ends, low, side="right"))
        last = int(np.searchsorted(starts, high, side="left"))
        for index in range(first, last):
            start, end = max(low, int(starts[index])), min(high, int(ends[index]))
            if end > start:
                yield Extent(start, end - start)
