"""Opens an image that is there already: E01, raw (in pieces), or a virtual disk; else refused by name."""

from __future__ import annotations

import bisect
import re
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from forensics.errors import EnvironmentFailed, Refused
from forensics.evidence import ewf_format as ewf
from forensics.evidence.containers import EWF, RAW, container_format
from forensics.evidence.ewf_layout import Declined
from forensics.evidence.ewf_libewf import LibewfReader
from forensics.evidence.ewf_read import DamagedChunk, EwfReader
from forensics.evidence.ewf_sections import ends_the_image, segment_number
from forensics.evidence.read_ahead import ReadAhead
from forensics.evidence.source import DEFAULT_SECTOR
from forensics.evidence.virtual_disk import VirtualDiskReader, virtual_disk_files
from forensics.model import LAYER_BITS, Readable


class _Reader(Protocol):
    size: int
    sector_size: int
    stored_hashes: dict[str, str]

    def read_at(self, offset: int, length: int) -> bytes: ...

    def close(self) -> None: ...


class Image:
    """The bytes of a drive, out of an image; a `model.Readable`.

    `format` is what `container_format` says, `segments` are its files in order, `stored_hashes` the digests that the
    image itself claims (only E01 has any). Reading is safe from several threads, the file systems over it are not. A
    pickled image opens its files again by path, so that a worker process can have its own.
    An E01 is read by `EwfReader`, which raises for a damaged chunk; what that declines, by libewf (`by_libewf`), which
    gives zeros for one and says nothing: there `verify` is where damage shows.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Use `open_image`."""
        self.paths = tuple(paths)
        self.format = container_format(self.paths[0])
        self.segments = _segments(self.format, self.paths)
        self._reader = _reader(self.format, self.segments)
        self.file_systems: dict[int | str, Any] = {}
        """What `file_system` keeps open over this image, by offset; volumes of APFS by their names."""
        self.layers: dict[int, Readable] = {}
        """What `layers` keeps open over this image, by number."""
        self.ahead = ReadAhead(self)
        """The same bytes for whoever reads small neighbouring parts of them."""

    @property
    def size(self) -> int:
        return self._reader.size

    @property
    def sector_size(self) -> int:
        return self._reader.sector_size

    @property
    def by_libewf(self) -> bool:
        """Whether libewf reads it, which hides damage."""
        return isinstance(self._reader, LibewfReader)

    @property
    def stored_hashes(self) -> dict[str, str]:
        return dict(self._reader.stored_hashes)

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`, fewer than `length` only at the end. Raises `OSError` where reading fails.

        An address of a layer (`model.LAYER_BITS`) is read in that layer, once `layers.attach` opened it.
        """
        length = min(length, self.end(offset) - offset)
        if length <= 0:
            return b""
        number = offset >> LAYER_BITS
        return (
            self.layers[number].read_at(offset - (number << LAYER_BITS), length)
            if number
            else self._reader.read_at(offset, length)
        )

    def read_around(self, offset: int, length: int) -> tuple[bytes, int]:
        """As `read_at`, with zeros for damaged chunks of an E01; and how many of the bytes such zeros stand for."""
        length = min(length, self.end(offset) - offset)
        parts: list[bytes] = []
        lost = 0
        while length > 0:
            try:
                part = self.read_at(offset, length)
            except DamagedChunk as damage:
                if not damage.offset <= offset + length - 1 or offset >> LAYER_BITS:
                    raise
                before = max(0, damage.offset - offset)
                hole = min(damage.offset + damage.length, offset + length) - max(damage.offset, offset)
                part = (self.read_at(offset, before) if before else b"") + bytes(hole)
                lost += hole
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts), lost

    def end(self, offset: int) -> int:
        """The address behind the last byte of the device, or of the layer that this address is in.

        Raises `OSError` where that layer is not open.
        """
        number = offset >> LAYER_BITS
        if not number:
            return self.size
        if number not in self.layers:
            raise OSError("these bytes are in a volume that is not open")
        return (number << LAYER_BITS) + self.layers[number].size

    def close(self) -> None:
        self.file_systems.clear()
        self.layers.clear()
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[Image], tuple[tuple[Path, ...]]]:
        return Image, (self.segments,)


def open_image(paths: Sequence[Path]) -> Image:
    """The image in `paths`: all its segments, or the first, whose siblings are then found beside it.

    Raises `Refused` for a container that is not read here (with the steps to convert), for a missing segment (by
    name), and `EnvironmentFailed` where a file cannot be read. `NotIntact` where an E01 cannot be opened at all.
    """
    if not paths:
        raise Refused("No image was named.", "Name at least its first file.")
    return Image([Path(path) for path in paths])


# -------------------------------------------------------------------------------------------------------- segments


def _segments(format_name: str, paths: Sequence[Path]) -> tuple[Path, ...]:
    if format_name == EWF:
        return _ewf_segments(paths)
    if format_name != RAW:
        return virtual_disk_files(format_name, paths)
    for path in paths[1:]:
        if container_format(path) != RAW:
            raise Refused(f"{path.name} is not raw as the first file is.", "Name the files of one image.")
    if len(paths) > 1:
        return tuple(paths)
    return _split_raw(paths[0])


_NUMBERED = re.compile(r"\.(\d{3,})\Z")


def _split_raw(first: Path) -> tuple[Path, ...]:
    """`NAME.001`, `NAME.002` … as one image (or from `.000`); any other name stands alone."""
    number = _NUMBERED.search(first.name)
    if not number:
        return (first,)
    width = len(number[1])
    stem = first.name[: number.start() + 1]
    found = {}
    for path in first.parent.iterdir():
        rest = path.name.removeprefix(stem)
        if path.name.startswith(stem) and rest.isdigit() and len(rest) >= width:
            found[int(rest)] = path
    start = min(found)
    if int(number[1]) != start or start > 1:
        raise Refused(
            f"{first.name} is a later part of a split image.", f"Name its first part, {stem}{min(start, 1):0{width}d}."
        )
    for expected in range(start, max(found) + 1):
        if expected not in found:
            raise Refused(
                f"The part {stem}{expected:0{width}d} of the split image is missing.",
                "Put all parts into one folder.",
            )
    return tuple(found[index] for index in sorted(found))


def _ewf_segments(paths: Sequence[Path]) -> tuple[Path, ...]:
    if len(paths) == 1:
        paths = _ewf_siblings(paths[0])
    numbered: dict[int, Path] = {}
    for path in paths:
        if container_format(path) != EWF:
            raise Refused(f"{path.name} is not a segment of an E01 image.", "Name the files of one image.")
        number = segment_number(path)
        if number in numbered:
            raise Refused(
                f"{path.name} and {numbered[number].name} are both segment {number}.", "Name the files of one image."
            )
        numbered[number] = path
    for expected in range(1, max(numbered) + 1):
        if expected not in numbered:
            raise Refused(
                f"Segment {expected} of the image ({_name_of(numbered, expected)}) is missing.",
                "Put all segments into one folder and name the first.",
            )
    last = max(numbered)
    if not ends_the_image(numbered[last]):
        raise Refused(
            f"{numbered[last].name} does not end the image: segment {last + 1} ({_name_of(numbered, last + 1)}) is "
            "missing, or the acquisition was never finished.",
            "Put all segments into one folder, or acquire again.",
        )
    return tuple(numbered[number] for number in sorted(numbered))


def _ewf_siblings(first: Path) -> list[Path]:
    """The segments beside `first` by their names, past gaps, so that a gap can be named."""
    if first.suffix.lower() not in (".e01", ".s01"):
        return [first]
    there = {path.name for path in first.parent.iterdir() if path.stem == first.stem}
    if first.suffix.lower() == ".s01":
        return sorted(path for path in first.parent.glob(first.stem + ".[sS][0-9][0-9]"))
    return [path for path in ewf.segment_paths(first) if path.name in there]


def _name_of(numbered: dict[int, Path], number: int) -> str:
    some = next(iter(numbered.values()))
    extension = ewf.segment_extension(number)
    return f"{some.stem}.{extension.lower() if some.suffix.islower() else extension}"


# --------------------------------------------------------------------------------------------------------- readers


def _reader(format_name: str, segments: tuple[Path, ...]) -> _Reader:
    if format_name == EWF:
        try:
            return EwfReader(segments)
        except Declined:
            return LibewfReader(segments)
    return _RawReader(segments) if format_name == RAW else VirtualDiskReader(format_name, segments)


class _RawReader:
    stored_hashes: dict[str, str] = {}  # noqa: RUF012 - never written
    sector_size = DEFAULT_SECTOR

    def __init__(self, paths: Iterable[Path]) -> None:
        self._lock = threading.Lock()
        self._files: list[BinaryIO] = []
        self._starts = [0]
        try:
            for path in paths:
                stream = path.open("rb", buffering=0)
                self._files.append(stream)
                self._starts.append(self._starts[-1] + stream.seek(0, 2))
        except OSError as error:
            self.close()
            raise EnvironmentFailed("A file of the image cannot be read.", "Check its drive.") from error
        self.size = self._starts[-1]

    def read_at(self, offset: int, length: int) -> bytes:
        pieces = []
        index = bisect.bisect_right(self._starts, offset) - 1
        with self._lock:
            while length > 0 and index < len(self._files):
                self._files[index].seek(offset - self._starts[index])
                piece = self._files[index].read(min(length, self._starts[index + 1] - offset))
                if not piece:
                    raise OSError("the image file became shorter while it was open")
                pieces.append(piece)
                offset, length = offset + len(piece), length - len(piece)
                if offset >= self._starts[index + 1]:
                    index += 1
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        for stream in self._files:
            stream.close()
