"""Small reads that follow one another, served out of larger ones."""

from __future__ import annotations

from forensics.model import Readable

AHEAD = 1 << 20
NEAR = 64 << 10
"""How far behind the end of the last read another still counts as following it."""


class ReadAhead:
    """Reads of `readable` as it would give them itself, quickly where they mostly go forward and lie close together.
    As safe from several threads as that.

    Where more than what was asked for cannot be read (a damaged chunk of an image), only that is read, so that damage
    costs those alone whose bytes it hit.
    """

    def __init__(self, readable: Readable) -> None:
        self._readable = readable
        nowhere = -NEAR - 1
        self._held = (nowhere, b"")
        self._end = nowhere
        """Where the last read that was not served from what is held ended."""
        self._damaged_until = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """As `readable.read_at`."""
        start, data = self._held
        at = offset - start
        if 0 <= at <= len(data) - length:
            return data[at : at + length]
        follows = any(end - length < offset <= end + NEAR for end in (self._end, start + len(data)))
        self._end = offset + length
        if follows and length < AHEAD and offset >= self._damaged_until:
            try:
                data = self._readable.read_at(offset, AHEAD)
                self._held = (offset, data)
                return data[:length]
            except OSError:
                self._damaged_until = offset + AHEAD
        return self._readable.read_at(offset, length)
