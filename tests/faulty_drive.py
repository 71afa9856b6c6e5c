"""A block device with faults: a FUSE file that a process of its own serves, behind a loop device.

Every unreadable sector, every delay and the pulled plug are on the far side of the kernel, as with a real drive: the
imager gets what the block layer makes of them. The server ends with the pipe to whoever started it, so that not even a
killed test leaves a device behind.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TextIO

from forensics.model import BadRange

SECTOR = 512
MIB = 1 << 20
NAME = "drive"
PATIENCE_S = 20.0


def content_of_a_drive(size: int, seed: int = 4) -> bytes:
    """A third noise, a third text, a third zeros, in pieces of 256 KiB; never twice the same 512 bytes but zeros."""
    chance = Random(seed)
    pieces, piece = [], 256 * 1024
    for number in range(-(-size // piece)):
        kind = number % 3
        if kind == 0:
            pieces.append(chance.randbytes(piece))
        elif kind == 1:
            rows = range(number * piece // 32, (number + 1) * piece // 32)
            pieces.append(b"".join(b"%010d;row of plain text;;;\n" % row for row in rows)[:piece])
        else:
            pieces.append(bytes(piece))
    return b"".join(pieces)[:size]


def without(content: bytes, bad: Sequence[BadRange]) -> bytes:
    """The content with zeros where it cannot be read."""
    changed = bytearray(content)
    for item in bad:
        changed[item.offset : item.offset + item.length] = bytes(item.length)
    return bytes(changed)


def why_not() -> str:
    """Why no such drive can be made here; empty where it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root may make block devices"
    if not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        return "this system has no FUSE or no loop devices"
    for program in ("losetup", "umount"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    imported = subprocess.run([sys.executable, "-c", "import mfusepy"], env=_environment(), capture_output=True)
    return "" if imported.returncode == 0 else "libfuse3 is not installed; `python3 start.py test` says how to get it"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What came through to the file: how often it was read and how much, how often written, and the shortest read."""

    reads: int
    read_bytes: int
    writes: int
    shortest: int


class FaultyDrive:
    """`device` is the block device and `file` what stands behind it."""

    def __init__(self, content: bytes, file: Path, device: Path, server: subprocess.Popen[str]) -> None:
        self.content, self.file, self.device, self._server = content, file, device, server

    def plant(self, bad: Sequence[BadRange] = (), slow: Sequence[BadRange] = (), delay_s: float = 0.0) -> None:
        """Unreadable and slow places instead of those before. Also plugs the drive in again."""
        faults = {
            "bad": [[item.offset, item.offset + item.length] for item in bad],
            "slow": [[item.offset, item.offset + item.length] for item in slow],
            "delay_s": delay_s,
            "gone": False,
            "gone_after": None,
        }
        self._say(faults)

    def pull_out(self, after: int = 0, answer: int = errno.EIO) -> None:
        """Once that many bytes were read from now on, every read gets this answer."""
        self._say({"gone_after": after, "answer": answer})

    def plug_in(self) -> None:
        """It answers again."""
        self._say({"gone": False, "gone_after": None})

    @property
    def traffic(self) -> Traffic:
        return Traffic(**self._say({}))

    def _say(self, faults: dict[str, Any]) -> dict[str, Any]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(faults) + "\n")
        self._server.stdin.flush()
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        return answer


@contextmanager
def faulty_drive(folder: Path, content: bytes) -> Iterator[FaultyDrive]:
    """A drive without faults so far. `folder` is a new folder of its own."""
    mount = folder / "mount"
    mount.mkdir(parents=True)
    (folder / "content").write_bytes(content)
    command = [sys.executable, __file__, mount, folder / "content"]
    log = (folder / "server.log").open("w+")
    # A session of its own: a Ctrl-C is for the tests, who then still need the server to take the device down.
    server = subprocess.Popen(
        command,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )
    try:
        _wait_for(mount / NAME, server, log)
        with loop_device(mount / NAME, "--direct-io=on", "--sector-size", str(SECTOR)) as device:
            assert _output("losetup", "--noheadings", "--output", "DIO", device) == "1", (
                "reads would go through a cache"
            )
            yield FaultyDrive(content, mount / NAME, device, server)
    finally:
        subprocess.run(["umount", "--lazy", mount], capture_output=True)
        assert server.stdin is not None
        with suppress(OSError):
            server.stdin.close()
        try:
            server.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        assert server.stdout is not None
        server.stdout.close()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def loop_device(file: Path, *options: str) -> Iterator[Path]:
    """A loop device that may be written to."""
    device = Path(_output("losetup", "--find", "--show", *options, file))
    try:
        # A killed acquisition leaves its drive read-only, and that outlives the detaching of a loop device.
        subprocess.run(["blockdev", "--setrw", device], check=True)
        yield device
    finally:
        subprocess.run(["blockdev", "--setrw", device], capture_output=True)
        subprocess.run(["losetup", "--detach", device], capture_output=True)


def _environment() -> dict[str, str]:
    # Left to itself the binding takes libfuse 2 where both are there.
    return {**os.environ, "FUSE_LIBRARY_NAME": "fuse3"}


def _output(*command: object) -> str:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout.strip()


def _wait_for(path: Path, server: subprocess.Popen[str], log: TextIO) -> None:
    end = time.monotonic() + PATIENCE_S
    while not path.exists():
        if server.poll() is not None or time.monotonic() > end:
            log.seek(0)
            raise RuntimeError(f"The server of the faulty drive did not start: {log.read()}")
        time.sleep(0.01)


# ---------------------------------------------------------------------------------------------------------- the server


class _Files:
    """The face that libfuse wants: one folder with one file."""

    use_ns = True

    def __init__(self, content: Path) -> None:
        self._descriptor = os.open(content, os.O_RDONLY)
        self._size = os.fstat(self._descriptor).st_size
        self._lock = threading.Lock()
        self._faults: dict[str, Any] = {"bad": [], "slow": [], "delay_s": 0.0, "gone": False, "gone_after": None}
        self._left = 0
        self._reads = self._read_bytes = self._writes = 0
        self._shortest = 1 << 62

    def change(self, faults: dict[str, Any]) -> dict[str, int]:
        with self._lock:
            self._faults = {**self._faults, **faults}
            if faults.get("gone_after") is not None:
                self._left = faults["gone_after"]
            return {
                "reads": self._reads,
                "read_bytes": self._read_bytes,
                "writes": self._writes,
                "shortest": self._shortest,
            }

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        if path == f"/{NAME}":
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": self._size}
        raise OSError(errno.ENOENT, "no such file")

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", NAME]

    def open(self, path: str, flags: int) -> int:
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        end = offset + size
        with self._lock:
            self._reads += 1
            self._read_bytes += size
            self._shortest = min(self._shortest, size)
            faults = self._faults
            if faults["gone_after"] is not None:
                self._left -= size
                if self._left < 0:
                    faults["gone"] = True
        if faults["gone"]:
            raise OSError(faults["answer"], "gone")
        if faults["delay_s"] and any(offset < last and first < end for first, last in faults["slow"]):
            time.sleep(faults["delay_s"])
        if any(offset < last and first < end for first, last in faults["bad"]):
            raise OSError(errno.EIO, "bad")
        return os.pread(self._descriptor, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        with self._lock:
            self._writes += 1
        return len(data)


def _obey(files: _Files, mount: Path) -> None:
    for line in sys.stdin:
        print(json.dumps(files.change(json.loads(line))), flush=True)
    # Whoever started this has ended, or was killed.
    for line in _output("losetup", "--noheadings", "--list", "--output", "NAME,BACK-FILE").splitlines():
        device, _, behind = line.strip().partition(" ")
        if behind.strip() == str(mount / NAME):
            subprocess.run(["losetup", "--detach", device])
    subprocess.run(["umount", "--lazy", mount], capture_output=True)


def _serve(mount: Path, content: Path) -> None:
    import mfusepy

    class Operations(_Files, mfusepy.Operations):  # type: ignore[misc]
        pass

    files = Operations(content)
    threading.Thread(target=_obey, args=(files, mount), daemon=True).start()
    mfusepy.FUSE(files, str(mount), foreground=True, direct_io=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), Path(sys.argv[2]))
