"""Reads an E01 by libewf: what our own reader declines, and as its judge."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pyewf

from forensics.errors import NotIntact
from forensics.evidence.ewf_sections import REMEDY


def library_version() -> str:
    """The version of libewf here."""
    return str(pyewf.get_version())


class LibewfReader:
    """The drive in an E01, byte by byte; safe from several threads.

    libewf gives zeros for a chunk that does not match its checksum and says nothing.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises `NotIntact` where it cannot be opened."""
        self._lock = threading.Lock()
        self._handle = pyewf.handle()
        try:
            self._handle.open([str(path) for path in paths])
            self.size: int = self._handle.get_media_size()
            self.sector_size: int = self._handle.get_bytes_per_sector()
            self.stored_hashes = {
                name.lower().replace("-", ""): value.lower()
                for name, value in self._handle.get_hash_values().items()
                if value
            }
        except (OSError, StopIteration) as error:
            # A damaged header makes the binding raise StopIteration without a word.
            raise NotIntact(
                f"The E01 image {paths[0].name} cannot be opened: its structure is damaged.", REMEDY
            ) from error

    def read_at(self, offset: int, length: int) -> bytes:
        with self._lock:
            data: bytes = self._handle.read_buffer_at_offset(length, offset)
        if len(data) != length:
            raise OSError("the image is shorter than it says")
        return data

    def close(self) -> None:
        self._handle.close()
