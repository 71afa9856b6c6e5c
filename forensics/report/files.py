"""Writes a file whole or not at all, and never over another."""

from __future__ import annotations

import os
from pathlib import Path

from forensics.errors import EnvironmentFailed, Refused


def write_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write `data` to `path` by way of a `.part` sibling that is renamed when it is on the disk.

    What is `private` only its owner can read (mode 0600), from its first byte on.

    Raises `Refused` where `path` exists, `EnvironmentFailed` where the disk or a permission fails.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            raise Refused(f"{path.name} exists already and is never overwritten.", "Choose another name.")
        part.replace(path)
    except OSError as cause:
        raise EnvironmentFailed(
            f"{path.name} could not be written: {cause.strerror or 'the disk failed'}.",
            "Check free space and permissions of the folder.",
        ) from cause
    finally:
        part.unlink(missing_ok=True)
