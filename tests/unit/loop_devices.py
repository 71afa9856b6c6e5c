"""Block devices for tests: a file attached by losetup; and a user without rights to ask for them."""

import json
import os
import struct
import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NOBODY = 65534


@contextmanager
def loop_device(path: Path, *options: str) -> Iterator[Path]:
    """The flag of a loop device outlives what it is attached to: one that a killed test left is cleared first."""
    command = ["losetup", "--find", "--show", *options, path]
    device = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    try:
        if "--read-only" not in options:
            subprocess.run(["blockdev", "--setrw", device], check=True)
        yield Path(device)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


@contextmanager
def partitioned_device(path: Path) -> Iterator[Path]:
    """A loop device with its partitions, which partx tells the kernel: not every kernel reads tables itself."""
    with loop_device(path) as device:
        subprocess.run(["partx", "--add", device], check=True)
        try:
            yield device
        finally:
            subprocess.run(["partx", "--delete", device], check=True)


@contextmanager
def mounted(device: Path, folder: Path, *options: str) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", *options, device, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def drive(folder: Path) -> Path:
    """An ext2 file system of 4 MiB without a partition table."""
    path = folder / "drive"
    with path.open("wb") as stream:
        stream.truncate(4 << 20)
    subprocess.run(["mke2fs", "-q", path], check=True, capture_output=True)
    return path


def partitioned(folder: Path) -> Path:
    """Two partitions of 4 MiB on 16 MiB, with a DOS table: 16 bytes each from byte 446, type in the fifth."""
    path = folder / "partitioned"
    with path.open("wb") as stream:
        stream.truncate(16 << 20)
    entries = struct.pack("<8xII", 2048, 8192), struct.pack("<8xII", 10240, 8192)
    kinds = b"\x0c", b"\x83"
    table = b"".join(entry[:4] + kind + entry[5:] for entry, kind in zip(entries, kinds, strict=True))
    with path.open("r+b") as stream:
        stream.seek(446)
        stream.write(table.ljust(64, b"\0") + b"\x55\xaa")
    return path


def read_only_flag(device: Path) -> str:
    """The kernel's flag as blockdev of util-linux reads it."""
    return subprocess.run(["blockdev", "--getro", device], capture_output=True, check=True, text=True).stdout.strip()


def as_nobody(work: Callable[[], Any]) -> Any:
    """What `work` returns (as JSON) in a child that is uid and gid 65534 without groups.

    A fork, because the interpreter may stand where that user may not start it; what `work` imports is imported before.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            answer = {"answer": work()}
        except BaseException:
            answer = {"failed": traceback.format_exc()}
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        said = json.loads(stream.read())
    os.waitpid(child, 0)
    assert "failed" not in said, said["failed"]
    return said["answer"]
