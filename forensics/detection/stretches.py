"""Where in a text bytes of one sort stand together: masks of a bit a byte, and what is read at such places.

All texts here are padded: `PADDING` zeros follow them, so that eight bytes can be read from any place of the text.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Mask = NDArray[np.uint64]
"""One bit a byte of text, the first in the lowest place; beyond the text all are 0, for at least one bit."""

U64 = np.uint64
PADDING = 8
WORD = 64
"""Bytes of text that one element of a mask stands for."""


def padded(text: Bytes) -> Bytes:
    """The text with zeros behind it."""
    longer = np.zeros(len(text) + PADDING, np.uint8)
    longer[: len(text)] = text
    return longer


def pack(member: NDArray[np.bool_]) -> Mask:
    """The mask of these bytes."""
    bits = np.zeros((len(member) // WORD + 1) * 8, np.uint8)
    packed = np.packbits(member, bitorder="little")
    bits[: len(packed)] = packed
    return bits.view("<u8")


def ahead(mask: Mask, by: int) -> Mask:
    """At every place what the mask says `by` places behind it, 0 < `by` < 64."""
    moved = mask >> U64(by)
    moved[:-1] |= mask[1:] << U64(WORD - by)
    return moved


def stretches(mask: Mask) -> tuple[Ints, Ints]:
    """Start and end of the longest stretches of members."""
    edges = mask ^ (mask << U64(1))
    edges[1:] ^= mask[:-1] >> U64(WORD - 1)
    some = np.flatnonzero(edges)
    if len(some) == len(edges):
        at = np.flatnonzero(np.unpackbits(edges.view(np.uint8), bitorder="little").view(bool))
    else:
        at = np.flatnonzero(np.unpackbits(edges[some].view(np.uint8), bitorder="little").view(bool))
        at = some[at >> 6] * WORD + (at & WORD - 1)
    return at[0::2], at[1::2]


def eight_bytes(text: Bytes) -> NDArray[np.uint64]:
    """The number that eight bytes of a padded text make from each of its places on, the first in the lowest place."""
    return np.ndarray((len(text) - PADDING + 1,), "<u8", text, 0, (1,))
