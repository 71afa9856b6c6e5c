"""Writes a raw image: the source's bytes and nothing else."""

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
        self._unfinished = path.with_name(path.name + ".partial")
        if path.exists():
            # A crash while it got its name leaves both names, of one file.
            if not resume or (self._unfinished.exists() and not self._unfinished.samefile(path)):
                raise Refused(
                    f"{path.name} exists already and is never overwritten.",
                    "Move it away, or name another destination.",
                )
            path.replace(self._unfinished)
            path.unlink(missing_ok=True)
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
        # A hard link fails where the name was taken meanwhile; a rename would replace it. FAT has no links.
        try:
            os.link(self._unfinished, self.path)
            self._unfinished.unlink()
        except FileExistsError as error:
            raise Refused(f"{self.path.name} was made by someone else meanwhile.", "Move it away.") from error
        except OSError:
            self._unfinished.rename(self.path)
        sync_folder(self.path.parent)
        self._close()

    def abandon(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
