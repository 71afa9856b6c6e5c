"""The kernel's read-only flag of a Linux block device: read, set, put back, and tried with a write of no bytes."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any

BLKROSET = 0x125D
"""Linux ioctl `BLKROSET` (include/uapi/linux/fs.h): sets the read-only flag; it needs CAP_SYS_ADMIN."""

BLKROGET = 0x125E
"""Linux ioctl `BLKROGET` (include/uapi/linux/fs.h): the read-only flag of a block device, an int."""

NODES = Path("/dev")
NOTES = Path("/run/drivecustody")
"""Where a run notes which flags it set, so that the next one knows them if this one is killed. Like the flags, what
is in /run does not outlive a restart of the computer."""


def flag_of(node: Path, sysfs: Path = Path("/sys/class/block")) -> bool | None:
    """Whether the flag is set, read by BLKROGET, or from sysfs where this user may not open the device; None where
    neither answers.
    """
    try:
        descriptor = os.open(node, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        try:
            return (sysfs / node.name / "ro").read_text().strip() == "1"
        except OSError:
            return None
    try:
        return fcntl.ioctl(descriptor, BLKROGET, bytes(4)) != bytes(4)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def set_flag(node: Path, read_only: bool) -> str:
    """Sets or clears the flag; returns why it could not be done, empty where it was."""
    try:
        descriptor = os.open(node, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return _why(error)
    try:
        fcntl.ioctl(descriptor, BLKROSET, int(read_only).to_bytes(4, "little"))
    except OSError as error:
        return _why(error)
    finally:
        os.close(descriptor)
    return ""


def attempt_write(node: Path) -> str:
    """Opens the device for writing and writes no bytes; returns `refused: …`, `NOT REFUSED` or `not tried: …`.

    No data is sent. It goes through a node of our own: when the usual one is closed after it was open for writing,
    udev reads the partition table again, and a desktop then mounts what it finds, for writing (systemd,
    `udev_watch`). A refusal counts only where the same node could be opened for reading: a folder mounted `nodev`
    and the rights of a file refuse as well.
    """
    ours = NODES / f".drivecustody-{os.getpid()}-{node.name}"
    try:
        os.mknod(ours, stat.S_IFBLK | 0o600, node.stat().st_rdev)
    except OSError as error:
        return f"not tried: this user may not make a device node ({_why(error)})"
    try:
        try:
            os.close(os.open(ours, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            return f"not tried: the device could not be opened for reading ({_why(error)})"
        try:
            descriptor = os.open(ours, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.pwrite(descriptor, b"", 0)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EROFS, errno.EACCES):
                return f"refused: {_why(error)}"
            return f"not tried: {_why(error)}"
        return "NOT REFUSED"
    finally:
        ours.unlink()


class Note:
    """The flags that a run set, kept in a locked file until they are put back.

    The lock ends with the process: a note that can be locked was left by a run that was killed. It counts only for
    the same attachment of the same device (`diskseq`, a number the kernel gives each once; Linux 5.15).
    """

    def __init__(self, name: str, folder: Path = NOTES, sysfs: Path = Path("/sys/class/block")) -> None:
        self._path = folder / f"{name}.json"
        self._attachment = _read(sysfs / name / "diskseq") + " " + _read(sysfs / name / "dev")
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.geteuid() or folder.is_symlink():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise

    def left(self) -> frozenset[str]:
        """Kernel names of the devices whose flag a killed run had set on this attachment."""
        try:
            said: dict[str, Any] = json.loads(os.pread(self._descriptor, 65536, 0))
        except ValueError:
            return frozenset()
        return frozenset(map(str, said["set"])) if said.get("attachment") == self._attachment else frozenset()

    def write(self, names: frozenset[str]) -> None:
        text = json.dumps({"attachment": self._attachment, "set": sorted(names)}).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)
        os.fsync(self._descriptor)

    def close(self, *, keep: bool) -> None:
        """Ends the note; `keep` where flags could not be put back."""
        if not keep:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _why(error: OSError) -> str:
    return os.strerror(error.errno or 0)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
