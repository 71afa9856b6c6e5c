"""Where a source holds nothing but zeros: one bit for each 32 KiB of it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from forensics.evidence.pipeline import ZERO_UNIT
from forensics.evidence.sink import create_exclusively, write_all

_FULL = 255


class ZeroMap:
    """The units of `size` bytes that are all zeros, sent so by the drive or standing for what it could not send."""

    def __init__(self, size: int, bits: bytes = b"") -> None:
        self.size = size
        units = -(-size // ZERO_UNIT)
        self._bits = bytearray(bits or bytes(-(-units // 8)))

    def add(self, offset: int) -> None:
        """The unit at `offset`, a multiple of 32 KiB, is zeros."""
        unit = offset // ZERO_UNIT
        self._bits[unit // 8] |= 1 << unit % 8

    @property
    def amount(self) -> int:
        """Bytes in such units."""
        return sum(length for _, length in self.ranges())

    def is_zero(self, offset: int) -> bool:
        """Whether the unit in which the byte at `offset` lies is zeros."""
        unit = offset // ZERO_UNIT
        return bool(self._bits[unit // 8] >> unit % 8 & 1)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Offset and length of the stretches of zeros, in order."""
        start = -1
        for index, byte in enumerate(self._bits):
            if (byte == 0 and start < 0) or (byte == _FULL and start >= 0):
                continue
            for bit in range(8):
                position = (index * 8 + bit) * ZERO_UNIT
                if byte >> bit & 1:
                    start = position if start < 0 else start
                elif start >= 0:
                    yield start, position - start
                    start = -1
        if start >= 0:
            yield start, self.size - start

    def save(self, path: Path) -> None:
        """Write it as gzip of the bits, lowest first. Raises `Refused` where `path` exists."""
        descriptor = create_exclusively(path)
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor, not a path
            write_all(stream.fileno(), gzip.compress(bytes(self._bits), mtime=0))


class ZeroMeter:
    """Measures the map of a source of `size` bytes that comes in order and in blocks of any length."""

    def __init__(self, size: int) -> None:
        self.zeros = ZeroMap(size)
        self._offset = 0
        self._rest = b""

    def update(self, given: bytes | memoryview) -> None:
        block = self._rest + given
        whole = len(block)
        if self._offset + whole < self.zeros.size:
            whole -= whole % ZERO_UNIT
        for start in range(0, whole, ZERO_UNIT):
            unit = block[start : min(start + ZERO_UNIT, whole)]
            if unit.count(0) == len(unit):
                self.zeros.add(self._offset + start)
        self._rest = block[whole:]
        self._offset += whole


def read_zero_map(path: Path, size: int) -> ZeroMap:
    """What `save` wrote for a source of `size` bytes. Raises `OSError` or `ValueError` where it is none."""
    try:
        bits = gzip.decompress(path.read_bytes())
    except (EOFError, zlib.error) as error:
        raise ValueError("the map of zeros is damaged") from error
    if len(bits) != (size + 8 * ZERO_UNIT - 1) // (8 * ZERO_UNIT):
        raise ValueError("the map of zeros belongs to a source of another size")
    return ZeroMap(size, bits)
