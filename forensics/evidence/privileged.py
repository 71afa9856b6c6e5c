"""Reads a drive that this user may not open, through the privileged reader: a small program that pkexec starts."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from forensics.errors import Defect, EnvironmentFailed, Refused
from forensics.evidence.privileged_reader import ANSWER, HELLO, MOST, REQUEST

PKEXEC = Path("/usr/bin/pkexec")
READER = Path("/usr/lib/drivecustody/privileged-reader")
"""Where the installer puts the reader; the polkit action names the same path. Neither name comes from the
environment: what a person is asked the password for must not be somebody else's program."""

PIPE_BYTES = 1 << 20
"""Room in the pipe for one answer. The kernel grants so much to everybody (pipe(7), pipe-max-size)."""

DISMISSED, NOT_AUTHORISED = 126, 127
"""Statuses of pkexec: the question was dismissed; the user may not, or an error (pkexec(1))."""


class PrivilegedSource:
    """A drive, read through the privileged reader. One request at a time; threads wait for each other.

    `process` was started with pipes. Raises `EnvironmentFailed` or `Refused` where it does not begin as it should.
    """

    direct = True
    claimed = True
    """The reader holds the drive exclusively, so that nothing can mount it."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is None or process.stdout is None:
            raise Defect("The privileged reader was started without pipes.")
        self.path = path
        self._process = process
        self._requests, self._answers = process.stdin.fileno(), process.stdout.fileno()
        self._turn = threading.Lock()
        self._broken = False
        _widen(self._answers)
        try:
            self._node = path.stat()
            self.size, length, _ = self._header()
            if length != HELLO.size:
                raise self._nonsense()
            self.sector_size, flags, number = HELLO.unpack(self._bytes(length))
        except BaseException:
            self.close()
            raise
        self.read_only_flag = bool(flags & 2)
        if number != self._node.st_rdev:
            self.close()
            raise Refused("Another drive stands under that name by now.", "Check the name: `drivecustody devices`.")

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """As `Source` promises. Raises `EnvironmentFailed` where the reader itself has ended."""
        done = 0
        while done < len(buffer) and offset + done < self.size:
            first = (offset + done) // self.sector_size * self.sector_size
            skip = offset + done - first
            wanted = min(skip + len(buffer) - done, MOST, self.size - first)
            asked = min(-(-wanted // self.sector_size) * self.sector_size, MOST, self.size - first)
            if skip == 0 and asked <= len(buffer) - done:
                count = self._read(first, asked, buffer[done : done + asked])
            else:
                room = memoryview(bytearray(asked))
                count = max(0, min(self._read(first, asked, room) - skip, len(buffer) - done))
                buffer[done : done + count] = room[skip : skip + count]
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
        with self._turn:
            self._send(0, 0)
            size, _, failure = self._header()
        if failure:
            return "it no longer says its size"
        return "" if size == self.size else f"it was {self.size} bytes large and now says {size}"

    def close(self) -> None:
        """Ends the reader: without input it stops by itself."""
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            # It runs as this user by now, so this user may end it.
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------- the wire

    def _read(self, offset: int, length: int, target: memoryview) -> int:
        with self._turn:
            self._send(offset, length)
            place, count, failure = self._header()
            if place != offset or count > length:
                raise self._nonsense()
            self._fill(target[:count])
        if failure:
            raise OSError(failure, os.strerror(failure))
        return count

    def _send(self, offset: int, length: int) -> None:
        if self._broken:
            raise self._ended()
        try:
            os.write(self._requests, REQUEST.pack(b"DCRQ", offset, length))
        except OSError as error:
            raise self._ended() from error

    def _header(self) -> tuple[int, int, int]:
        magic, offset, length, failure = ANSWER.unpack(self._bytes(ANSWER.size))
        if magic != b"DCRA" or length > MOST:
            raise self._nonsense()
        return offset, length, failure

    def _bytes(self, count: int) -> bytes:
        data = bytearray(count)
        with memoryview(data) as view:
            self._fill(view)
        return bytes(data)

    def _fill(self, view: memoryview) -> None:
        done = 0
        try:
            while done < len(view):
                count = os.readv(self._answers, [view[done:]])
                if count == 0:
                    raise self._ended()
                done += count
        except BaseException:
            # What follows on the pipe is the rest of an answer and no longer the next one.
            self._broken = True
            raise

    def _nonsense(self) -> Defect:
        self._broken = True
        return Defect("The privileged reader answered what was not asked.", "Report this with the model of the drive.")

    def _ended(self) -> EnvironmentFailed | Refused:
        """The reader has gone; with pkexec's status, or its own, it says why."""
        self._broken = True
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            status = None
        said = self._process.stderr.read().decode("utf-8", "replace") if self._process.stderr and status else ""
        if status in (DISMISSED, NOT_AUTHORISED):
            return EnvironmentFailed(
                "The right to read the drive was not granted.",
                "Run this again and give the password that is asked for, or ask the administrator of this computer.",
            )
        reason = said.strip().rpartition("privileged-reader: ")[2]
        if status == 2 and reason:
            return Refused(
                f"The privileged reader refuses this drive: {reason}.",
                "It reads removable and USB drives that nothing else uses. For others: run the acquisition as root.",
            )
        return EnvironmentFailed(
            "The privileged reader has ended.", "Check that the drive is plugged in, and run the same command again."
        )


def start_reader(path: Path, launcher: Sequence[str] | None = None) -> PrivilegedSource:
    """The drive at `path` through the privileged reader; None for `launcher` means pkexec and the installed reader.

    Raises `EnvironmentFailed` where it is not installed or the right was not granted, `Refused` where the reader
    refuses the drive.
    """
    command = [*(launcher or _installed()), str(path.resolve())]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
    except OSError as error:
        raise EnvironmentFailed(
            f"The privileged reader cannot be started: {os.strerror(error.errno or 0)}.", "Install DriveCustody again."
        ) from error
    return PrivilegedSource(path.resolve(), process)


def _installed() -> list[str]:
    """pkexec and the reader, if the reader is root's and nobody else can change it."""
    missing = EnvironmentFailed(
        "The source may not be read by this user.",
        "Run the acquisition as root, or install the privileged reader (resources/installer/linux/README.md).",
    )
    try:
        states = [each.stat() for each in (PKEXEC, READER, READER.parent)]
    except OSError as error:
        raise missing from error
    if any(state.st_uid != 0 or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH) for state in states):
        raise missing
    return [str(PKEXEC), str(READER)]


def _widen(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EBUSY, errno.EBADF, errno.EINVAL):
            raise
