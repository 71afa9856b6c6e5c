"""What a person sees of a source before it is read: its first rows with every letter and digit masked."""

from __future__ import annotations

from itertools import islice

from forensics.matching.records.origin import Origin, opened

LONGEST = 24
"""Characters of a cell that are shown."""


def masked(cell: str) -> str:
    """The cell with its letters as x, capitals as X, and digits as 9: its shape without its value."""
    shown = "".join(
        "9" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in cell.strip()[:LONGEST]
    )
    return shown + ("…" if len(cell.strip()) > LONGEST else "")


def first_rows(origin: Origin, count: int = 5) -> list[list[str]]:
    """The first rows behind the header, masked."""
    with opened(origin) as table:
        return [[masked(cell) for cell in row] for row in islice(table.rows, count)]
