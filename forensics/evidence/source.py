"""Opens the thing that is imaged, read only: a block device or a regular file.

Devices are read on Linux. Windows (FILE_FLAG_NO_BUFFERING) and macOS (/dev/rdiskN) need the same care and have not
been tried, so a device is refused there by name rather than read through a cache that loses good sectors.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from forensics.errors import EnvironmentFailed, Refused

if TYPE_CHECKING:
    from forensics.evidence.privileged import PrivilegedSource

DEFAULT_SECTOR = 512
"""Bytes of a sector where no device says otherwise (a regular file has none of its own)."""


class Source(Protocol):
    """What an imager reads. Sizes and offsets in bytes."""

    @property
    def size(self) -> int: ...

    @property
    def sector_size(self) -> int: ...

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Fill `buffer` from `offset` and return how many bytes came. Raises `OSError` where reading fails."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A source that can say whether it is still the one that was opened."""

    def change(self) -> str:
        """What is no longer as when it was opened, in words; empty where the same device still stands there."""
        ...


class NoDevicesHere(EnvironmentFailed):
    """Drives cannot be read on this operating system yet; files can."""

    def __init__(self) -> None:
        super().__init__(
            "Drives cannot be read on this operating system yet.",
            "Image the drive on Linux, or with another program, and import the image: drivecustody import-image.",
        )


class FileSource:
    """A block device or regular file that was opened read only.

    `direct` says whether reads go past the page cache (O_DIRECT). For a device that is a matter of correctness: the
    cache reads in pages and ahead, and one bad sector then costs its good neighbours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._buffered = os.open(path, READ_ONLY)
        self._direct: int | None = None
        self._node = os.fstat(self._buffered)
        try:
            self.size = os.lseek(self._buffered, 0, os.SEEK_END)
            self.sector_size = _sector_size(self._buffered)
            self._direct = _open_direct(path)
        except BaseException:
            self.close()
            raise

    @property
    def direct(self) -> bool:
        return self._direct is not None

    def read_into(self, buffer: memoryview, offset: int) -> int:
        aligned = offset % self.sector_size == 0 and len(buffer) % self.sector_size == 0
        if self._direct is not None and aligned:
            try:
                return self._fill(self._direct, buffer, offset)
            except OSError as error:
                if error.errno != errno.EINVAL or stat.S_ISBLK(self._node.st_mode):
                    raise
                # Some file systems accept the flag when the file is opened and refuse the read. A device never does,
                # and read through the cache it would lose good sectors beside bad ones.
                os.close(self._direct)
                self._direct = None
        return self._fill(self._buffered, buffer, offset)

    def _fill(self, descriptor: int, buffer: memoryview, offset: int) -> int:
        done = 0
        while done < len(buffer):
            # Released at once: a slice in the frames of an exception keeps the caller's memory from being freed.
            with buffer[done:] as rest:
                count = _read_at(descriptor, rest, offset + done)
            if count == 0:
                break
            done += count
        return done

    def change(self) -> str:
        """What is no longer as when it was opened, in words; empty where the same device still stands there."""
        try:
            node = self.path.stat()
        except OSError:
            return "its device node is gone"
        if (node.st_dev, node.st_ino, node.st_rdev) != (self._node.st_dev, self._node.st_ino, self._node.st_rdev):
            return "another device stands in its place"
        try:
            size = os.lseek(self._buffered, 0, os.SEEK_END)
        except OSError:
            return "it no longer says its size"
        return "" if size == self.size else f"it was {self.size} bytes large and now says {size}"

    def close(self) -> None:
        os.close(self._buffered)
        if self._direct is not None:
            os.close(self._direct)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def open_source(path: Path, launcher: Sequence[str] | None = None) -> Iterator[FileSource | PrivilegedSource]:
    """The device or file at `path`, open for reading only, closed at the end.

    A device that this user may not read is read by the privileged reader where that is installed; `launcher` is the
    command that starts it (in place of pkexec), None the installed one.
    Raises `Refused` for what cannot be an exhibit (a directory, a pipe, nothing in it) and `EnvironmentFailed` where
    it is missing, may not be read, or does not answer.
    """
    source = _open(path, launcher)
    try:
        yield source
    finally:
        source.close()


def require_source(path: Path) -> None:
    """Raises `Refused` for what can be no source, and `EnvironmentFailed` where there is nothing. Opens nothing."""
    if sys.platform == "win32" and str(path).startswith("\\\\.\\"):
        raise NoDevicesHere
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise EnvironmentFailed(
            "The source does not exist.", "Check the name, and that the drive is plugged in: `drivecustody devices`."
        ) from error
    except OSError as error:
        raise EnvironmentFailed(
            f"The source cannot be opened: {os.strerror(error.errno or 0)}.", "Check the name and the cable."
        ) from error
    if stat.S_ISDIR(mode):
        raise Refused(
            "The source is a directory, not a drive or an image.",
            "Name the device itself: `drivecustody devices` lists them.",
        )
    if sys.platform != "linux" and (stat.S_ISBLK(mode) or str(path).startswith("/dev/rdisk")):
        raise NoDevicesHere
    if not (stat.S_ISBLK(mode) or stat.S_ISREG(mode)):
        raise Refused(
            "The source is neither a drive nor a file.", "Name a block device such as /dev/sdb, or an image file."
        )


def _open(path: Path, launcher: Sequence[str] | None) -> FileSource | PrivilegedSource:
    require_source(path)
    source: FileSource | PrivilegedSource
    try:
        source = FileSource(path)
    except PermissionError as error:
        if not stat.S_ISBLK(path.stat().st_mode):
            raise EnvironmentFailed(
                "The source may not be read by this user.", "Give this user the right to read the file."
            ) from error
        # Imported here because it is needed only where rights are missing.
        from forensics.evidence.privileged import start_reader

        source = start_reader(path, launcher)
    except OSError as error:
        if error.errno in (errno.ENOMEDIUM, errno.ENXIO, errno.ENODEV):
            raise EnvironmentFailed(
                "There is no medium in the source.", "Insert the card or plug the drive in again."
            ) from error
        raise EnvironmentFailed(
            f"The source cannot be opened: {os.strerror(error.errno or 0)}.", "Check the cable and the port."
        ) from error
    if source.size == 0:
        source.close()
        raise Refused(
            "The source holds no bytes.", "Check that the drive has a medium and that the right device is named."
        )
    return source


READ_ONLY = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Windows has no O_CLOEXEC (its descriptors are not inherited) and needs O_BINARY, or line ends are changed."""


def _read_at(descriptor: int, buffer: memoryview, offset: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(descriptor, [buffer], offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    data = os.read(descriptor, len(buffer))
    buffer[: len(data)] = data
    return len(data)


def _open_direct(path: Path) -> int | None:
    """A descriptor past the page cache, or None where system or file system have no such thing."""
    flag = getattr(os, "O_DIRECT", 0)
    if not flag:
        return None
    try:
        return os.open(path, READ_ONLY | flag)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise


BLKSSZGET = 0x1268
"""Linux ioctl `BLKSSZGET` (include/uapi/linux/fs.h): the logical sector size, an int."""


def _sector_size(descriptor: int) -> int:
    if not stat.S_ISBLK(os.fstat(descriptor).st_mode):
        return DEFAULT_SECTOR
    # Imported here because Windows has no such module and never comes this far.
    import fcntl

    answer = fcntl.ioctl(descriptor, BLKSSZGET, bytes(4))
    return int.from_bytes(answer, "little") or DEFAULT_SECTOR
