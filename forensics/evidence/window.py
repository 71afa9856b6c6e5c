"""Part of an image, for whoever reads a volume as a whole: as bytes, and as a file for libyal."""

from __future__ import annotations

import io

from forensics.evidence.image import Image


class Window:
    """Part of an image as a `model.Readable` of its own."""

    def __init__(self, image: Image, offset: int, size: int) -> None:
        self.size = size
        self._image = image
        self._offset = offset

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        return self._image.read_at(self._offset + offset, length) if length > 0 else b""


class WindowFile(io.RawIOBase):
    """A window as libyal wants it: a file with a size."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        data = self._window.read_at(self._at, self._window.size - self._at if size < 0 else size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._window.size}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def get_offset(self) -> int:
        return self._at

    def get_size(self) -> int:
        return self._window.size
