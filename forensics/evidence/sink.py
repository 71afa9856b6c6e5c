"""Where an image is written: the one face of the raw and the E01 writer, and what both owe the destination."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from forensics.errors import EnvironmentFailed, Refused
from forensics.model import BadRange


class Sink(Protocol):
    """Takes the bytes of a source in order, then is finished or abandoned, once.

    `required_bytes` is the most that the image can take; `segments` are the files made so far. An abandoned sink
    keeps what it wrote. One that was opened to go on with what another left holds `kept_bytes` of the source already,
    and `kept` gives them again, in order and in pieces of at most 1 MiB; what is written then follows them.
    """

    format: str

    @property
    def required_bytes(self) -> int: ...

    @property
    def written_bytes(self) -> int: ...

    @property
    def segments(self) -> tuple[Path, ...]: ...

    @property
    def folder(self) -> Path: ...

    @property
    def kept_bytes(self) -> int: ...

    def kept(self) -> Iterator[bytes]: ...

    def write(self, block: memoryview) -> None: ...

    def finish(self, hashes: dict[str, str], bad: Sequence[BadRange]) -> None: ...

    def abandon(self) -> None: ...


def create_exclusively(path: Path) -> int:
    """A descriptor of a new file that only its owner may read. Raises `Refused` where the name is taken."""
    try:
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise Refused(
            f"{path.name} exists already and is never overwritten.", "Move it away, or name another destination."
        ) from error
    except OSError as error:
        raise write_failed(error, 0) from error


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Every byte of `data`, however many calls the system needs for it."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` as durable as the contents (a new file's name is a change of its folder)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_space(folder: Path, required: int) -> None:
    """Raises `EnvironmentFailed` unless `folder` has room for `required` bytes."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise write_failed(error, required) from error
    if free < required:
        raise EnvironmentFailed(
            f"The destination has {free} bytes free and the image may need {required}.",
            "Free space there or choose another destination.",
        )


def write_failed(error: OSError, needed: int) -> EnvironmentFailed:
    """What a failed write means for the person at the desk; `needed` are the bytes still to come at most."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return EnvironmentFailed(
            f"The destination is full; up to {needed} more bytes are needed. The unfinished image was kept.",
            "Free space there or choose another destination, then acquire again.",
        )
    if error.errno == errno.EFBIG:
        return EnvironmentFailed(
            "The destination's file system does not take files this large. The unfinished image was kept.",
            "Use E01 with a smaller --segment-size, or another destination.",
        )
    return EnvironmentFailed(
        f"The destination cannot be written: {os.strerror(error.errno or 0)}. What was written was kept.",
        "Check the destination drive and its permissions.",
    )
