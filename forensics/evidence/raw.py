"""Writes a raw image: the source's bytes and nothing else, in one file or in parts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from forensics.errors import Refused
from forensics.evidence.sink import create_exclusively, sync_folder, write_all, write_failed
from forensics.model import BadRange

BLOCK = 1 << 20


class RawSink:
    """One file, `NAME.raw`. Until it is finished it is called `NAME.raw.partial`: a raw image has no end mark."""

    format = "raw"

    def __init__(self, path: Path, size: int, *, resume: bool = False) -> None:
        """With `resume` the unfinished file is gone on with, after its last whole MiB; a finished one is opened again.

        Raises `Refused` where `path` exists and `EnvironmentFailed` where it cannot be made.
        """
        self.path = path
        self._size = size
        self._written = 0
        self._unfinished = _unfinished(path)
        _take_back(path, resume)
        self.kept_bytes = 0
        if resume and self._unfinished.exists():
            self._go_on()
        else:
            self._descriptor = create_exclusively(self._unfinished)

    def _go_on(self) -> None:
        try:
            self._descriptor = os.open(self._unfinished, os.O_RDWR | os.O_CLOEXEC)
            written = min(os.fstat(self._descriptor).st_size, self._size)
            self.kept_bytes = self._written = written // BLOCK * BLOCK
            os.ftruncate(self._descriptor, self._written)
            os.lseek(self._descriptor, self._written, os.SEEK_SET)
        except OSError as error:
            raise write_failed(error, self._size) from error

    def kept(self) -> Iterator[bytes]:
        for offset in range(0, self.kept_bytes, BLOCK):
            yield os.pread(self._descriptor, BLOCK, offset)

    @property
    def required_bytes(self) -> int:
        return self._size

    @property
    def written_bytes(self) -> int:
        return self._written

    @property
    def segments(self) -> tuple[Path, ...]:
        return (self.path,)

    @property
    def folder(self) -> Path:
        return self.path.parent

    def write(self, block: memoryview) -> None:
        write_all(self._descriptor, block)
        self._written += len(block)

    def finish(self, hashes: dict[str, str], bad: Sequence[BadRange]) -> None:  # noqa: ARG002 - raw has no place for them
        os.fsync(self._descriptor)
        _give_name(self.path)
        sync_folder(self.path.parent)
        self._close()

    def abandon(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class SplitRawSink:
    """Parts `NAME.001`, `NAME.002` and so on, all of `segment_size` bytes but the last, as dd and FTK Imager name them.

    Until the image is finished each is called `NAME.001.partial`.
    """

    format = "raw"

    def __init__(self, stem: Path, size: int, segment_size: int, *, resume: bool = False) -> None:
        """`stem` is the name without its ending. With `resume` the unfinished parts are gone on with, after their last
        whole MiB; finished ones are opened again.

        Raises `Refused` where a part exists or there would be too many, `EnvironmentFailed` where none can be made.
        """
        count = -(-size // segment_size)
        if segment_size < BLOCK or count > MOST_PARTS:
            raise Refused(
                f"The image would be in {count:,} parts.",
                f"Choose a --segment-size of 1 MiB or more that gives at most {MOST_PARTS} parts.",
            )
        self.segments = tuple(stem.with_name(f"{stem.name}.{number:03d}") for number in range(1, count + 1))
        self._size, self._segment_size = size, segment_size
        self._descriptor = -1
        for path in self.segments:
            _take_back(path, resume)
        self.kept_bytes = self._written = self._whole() if resume else 0
        try:
            for number, path in enumerate(self.segments):
                left = min(max(self._written - number * segment_size, 0), segment_size)
                if left:
                    os.truncate(_unfinished(path), left)
                elif resume:
                    _unfinished(path).unlink(missing_ok=True)
            self._open()
        except OSError as error:
            raise write_failed(error, size) from error

    def _whole(self) -> int:
        """Bytes in the parts that are there without a gap, down to a whole MiB."""
        whole = 0
        for path in self.segments:
            part = _unfinished(path).stat().st_size if _unfinished(path).exists() else 0
            whole += min(part, self._segment_size)
            if part < self._segment_size:
                break
        return min(whole, self._size) // BLOCK * BLOCK

    def _open(self) -> None:
        """The part that the next byte goes into; none where all are full."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
            self.abandon()
        number, inside = divmod(self._written, self._segment_size)
        if number < len(self.segments):
            path = _unfinished(self.segments[number])
            self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC) if inside else create_exclusively(path)
            os.lseek(self._descriptor, inside, os.SEEK_SET)

    def kept(self) -> Iterator[bytes]:
        for offset in range(0, self.kept_bytes, BLOCK):
            piece = b""
            while len(piece) < BLOCK:
                number, inside = divmod(offset + len(piece), self._segment_size)
                with _unfinished(self.segments[number]).open("rb") as part:
                    part.seek(inside)
                    piece += part.read(BLOCK - len(piece))
            yield piece

    @property
    def required_bytes(self) -> int:
        return self._size

    @property
    def written_bytes(self) -> int:
        return self._written

    @property
    def folder(self) -> Path:
        return self.segments[0].parent

    def write(self, block: memoryview) -> None:
        while len(block):
            part = block[: self._segment_size - self._written % self._segment_size]
            write_all(self._descriptor, part)
            self._written += len(part)
            block = block[len(part) :]
            if self._written % self._segment_size == 0:
                self._open()

    def finish(self, hashes: dict[str, str], bad: Sequence[BadRange]) -> None:  # noqa: ARG002 - raw has no place for them
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
        self.abandon()
        for path in self.segments:
            _give_name(path)
        sync_folder(self.folder)

    def abandon(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


MOST_PARTS = 999
"""Three digits: some tools read no more."""


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


def _take_back(path: Path, resume: bool) -> None:
    """A finished file becomes unfinished again. Raises `Refused` unless it is to be gone on with."""
    if not path.exists():
        return
    unfinished = _unfinished(path)
    # A crash while it got its name leaves both names, of one file.
    if not resume or (unfinished.exists() and not unfinished.samefile(path)):
        raise Refused(
            f"{path.name} exists already and is never overwritten.", "Move it away, or name another destination."
        )
    path.replace(unfinished)
    path.unlink(missing_ok=True)


def _give_name(path: Path) -> None:
    """The finished file gets its name. A hard link fails where somebody took it meanwhile; a rename would replace that.
    FAT has no links."""
    unfinished = _unfinished(path)
    try:
        os.link(unfinished, path)
        unfinished.unlink()
    except FileExistsError as error:
        raise Refused(f"{path.name} was made by someone else meanwhile.", "Move it away.") from error
    except OSError:
        unfinished.rename(path)
