"""Where people sign: the fields of the cover, which `document` draws and `signing` makes.

All are made before the first signature: a field added later would break a certified document.
"""

from __future__ import annotations

EXAMINER = "Examiner"
LATER = ("Witness", "Custodian", "Transfer 1", "Transfer 2")
"""Empty until somebody fills one; three later signatures were seen to keep the first one valid."""

MARGIN = 54.0
_GAP = 9.0

Box = tuple[float, float, float, float]


def boxes(page_width: float) -> dict[str, Box]:
    """Field → (left, bottom, right, top) on the cover, in points from the lower left corner."""
    right = page_width - MARGIN
    room = (right - MARGIN - _GAP * (len(LATER) - 1)) / len(LATER)
    placed: dict[str, Box] = {EXAMINER: (MARGIN, 132.0, right, 196.0)}
    for index, name in enumerate(LATER):
        left = MARGIN + index * (room + _GAP)
        placed[name] = (left, 72.0, left + room, 116.0)
    return placed
