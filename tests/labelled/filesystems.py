"""Drives with a real file system on them, made by the system's own programs: FAT32, exFAT, NTFS, ext4, or none at all.

Slack and free space are written afterwards, into the finished image: a carrier file ends with a mark, and what is put
behind the mark is in the slack of its last cluster.
"""

from __future__ import annotations

import mmap
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labelled import exfat

SYSTEMS = ("fat32", "exfat", "ntfs", "ext4", "raw")

SIZE = 40 << 20
FIRST_PARTITION = 1 << 20
SECTOR = 512

_TYPES = {"fat32": 0x0C, "exfat": 0x07, "ntfs": 0x07, "ext4": 0x83}

SLACK = 440
"""Bytes that fit behind a carrier: its size leaves so much of a sector, and no cluster is smaller."""

File = tuple[str, bytes]


def make_image(
    path: Path,
    system: str,
    *,
    files: Sequence[File],
    deleted: Sequence[File],
    slack: Sequence[bytes],
    free: Sequence[bytes],
    seed: int,
    partitioned: bool = True,
) -> None:
    """An image with these live and deleted files, fragments in slack, and stretches in free space.

    `raw` has no file system: everything lies about, on sector borders, between random and erased bytes. Raises
    `FileNotFoundError` where a program is missing and `PermissionError` where only root can make it (NTFS: a mount).
    """
    rng = np.random.default_rng([seed, 3])
    if system == "raw":
        _lying_about(path, [data for _, data in (*files, *deleted)] + list(slack) + list(free), rng)
        return
    carriers = [_carrier(n, rng) for n in range(len(slack))]
    volume = path.with_suffix(".volume")
    live = [*files, *((f"carrier {n:03d}.bin", data) for n, data in enumerate(carriers))]
    _MAKERS[system](volume, SIZE, live, deleted)
    with volume.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as whole:
        for data, fragment in zip(carriers, slack, strict=True):
            _put_behind(whole, data[-32:], fragment)
        _put_into_free_space(whole, free)
    with path.open("wb") as image:
        if partitioned:
            image.write(_partition_table(_TYPES[system], SIZE))
            image.seek(FIRST_PARTITION)
        with volume.open("rb") as stream:
            shutil.copyfileobj(stream, image, 1 << 20)
    volume.unlink()


def _carrier(number: int, rng: np.random.Generator) -> bytes:
    """Longer than NTFS keeps in its records, and ending early in a sector."""
    size = 9 * SECTOR + SECTOR - SLACK - 8
    mark = f"<end of carrier {number:03d}>".encode().rjust(16, b"-") + rng.bytes(8).hex()[1:].encode() + b"\n"
    return (b"Nothing to see here. " * (size // 20))[: size - len(mark)] + mark


def _put_behind(whole: mmap.mmap, mark: bytes, fragment: bytes) -> None:
    at = whole.find(mark)
    end = at + len(mark)
    if at < 0 or whole.find(mark, end) >= 0 or len(fragment) > SLACK or any(whole[end : end + len(fragment)]):
        raise ValueError("there is no room for the fragment behind its carrier")
    whole[end : end + len(fragment)] = fragment


def _put_into_free_space(whole: mmap.mmap, stretches: Sequence[bytes]) -> None:
    """From the last quarter on, where none of these file systems keeps its own tables and nothing has been written."""
    at = len(whole) * 3 // 4 // SECTOR * SECTOR
    for data in stretches:
        if any(whole[at : at + len(data) + SECTOR]):
            raise ValueError("the space for free stretches is taken")
        whole[at : at + len(data)] = data
        at += -(-len(data) // SECTOR) * SECTOR + 8 * SECTOR


def _partition_table(kind: int, size: int) -> bytes:
    """A master boot record with one partition, addressed by sectors."""
    entry = bytes([0, 0xFE, 0xFF, 0xFF, kind, 0xFE, 0xFF, 0xFF])
    entry += (FIRST_PARTITION // SECTOR).to_bytes(4, "little") + (size // SECTOR).to_bytes(4, "little")
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def _lying_about(path: Path, contents: Sequence[bytes], rng: np.random.Generator) -> None:
    with path.open("wb") as image:
        image.write(bytes(8 * SECTOR))
        for n in rng.permutation(len(contents)).tolist():
            data = contents[n]
            image.write(data + b"\0" * (-len(data) % SECTOR))
            gap = int(rng.integers(1, 20)) * SECTOR
            image.write((rng.bytes(gap), bytes(gap), b"\xff" * gap)[int(rng.integers(3))])
        image.write(b"\xff" * (1 << 20))


# ------------------------------------------------------------------------------------------------------- the makers


def _run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


def _folder(path: Path, files: Sequence[File]) -> Path:
    folder = path.with_suffix(".files")
    folder.mkdir()
    for name, data in files:
        (folder / name).write_bytes(data)
    return folder


def _fat32(path: Path, size: int, files: Sequence[File], deleted: Sequence[File]) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)
    _run("mkfs.vfat", "-F", 32, "-s", 1, path)  # fewer than 65,525 clusters would be no FAT32
    folder = _folder(path, [*files, *deleted])
    _run("mcopy", "-i", path, *(folder / name for name, _ in (*files, *deleted)), "::/")
    if deleted:
        _run("mdel", "-i", path, *(f"::/{name}" for name, _ in deleted))
    shutil.rmtree(folder)


def _ext4(path: Path, size: int, files: Sequence[File], deleted: Sequence[File]) -> None:
    folder = _folder(path, [*files, *deleted])
    with path.open("wb") as stream:
        stream.truncate(size)
    _run("mkfs.ext4", "-q", "-F", "-b", 4096, "-d", folder, path)
    shutil.rmtree(folder)
    if deleted:
        orders = path.with_suffix(".orders")
        orders.write_text("".join(f'rm "/{name}"\n' for name, _ in deleted))
        _run("debugfs", "-w", "-f", orders, path)
        orders.unlink()


def _ntfs(path: Path, size: int, files: Sequence[File], deleted: Sequence[File]) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)
    _run("mkntfs", "-F", "-q", path)
    mount = path.with_suffix(".mount")
    mount.mkdir()
    try:
        _run("ntfs-3g", path, mount)
    except subprocess.CalledProcessError as error:
        mount.rmdir()
        raise PermissionError("NTFS has to be mounted, which this system does not let us") from error
    try:
        for name, data in (*files, *deleted):
            (mount / name).write_bytes(data)
        for name, _ in deleted:
            (mount / name).unlink()
    finally:
        _run("umount", mount)
        mount.rmdir()


_MAKERS = {"fat32": _fat32, "exfat": exfat.make, "ntfs": _ntfs, "ext4": _ext4}
