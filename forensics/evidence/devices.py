"""What is plugged in, who made it, and what protects it from being written to. Linux only, so far."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from forensics.errors import EnvironmentFailed
from forensics.evidence.source import DEFAULT_SECTOR, open_source
from forensics.model import Device, Protection

READ_ONLY_DEVICE = "read-only device"
READ_ONLY_FILE = "read-only file"
NONE_MEASURED = "none measured"

BLKROGET = 0x125E
"""Linux ioctl `BLKROGET` (include/uapi/linux/fs.h): the read-only flag of a block device, an int."""

SYSFS = Path("/sys/class/block")
MOUNTS = Path("/proc/self/mountinfo")

MEMORY = ("zram", "ram")
"""Names of block devices that are this machine's memory, and no exhibit."""


def list_devices() -> list[Device]:
    """Every whole drive with a medium in it, loop devices too, one for each LUN; partitions are not listed.

    Raises `EnvironmentFailed` on systems other than Linux and where `lsblk` is missing or fails.
    """
    return [
        _device(node)
        for node in _lsblk()
        if node.get("type") in ("disk", "loop", "rom") and node.get("size") and not _is_memory(node)
    ]


def describe(path: Path) -> Device:
    """The device at `path` (a symbolic link such as /dev/disk/by-id/… is followed), or a regular file as one.

    Raises as `open_source` does, and as `list_devices` does for block devices.
    """
    with open_source(path) as source:
        size, sector = source.size, source.sector_size
    real = path.resolve()
    if not stat.S_ISBLK(real.stat().st_mode):
        return Device(path=str(path), size=size, sector_size=sector, read_only=not os.access(real, os.W_OK))
    for node in _all(_lsblk(real)):
        if node.get("path") == str(real):
            return _device(node)
    return Device(path=str(real), size=size, sector_size=sector, read_only=_read_only_flag(real))


def measure_protection(path: Path) -> Protection:
    """What can be measured about write protection here and now, in words that claim no more.

    For a block device the kernel's read-only flag is read back; it stands for no hardware blocker, and none can be
    measured from this side. A file system that is mounted for writing is said in `detail`. Raises as `open_source`.
    """
    with open_source(path):
        mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        return Protection(READ_ONLY_FILE, "The source is a file and was opened for reading only.")
    mounted = _mounted_for_writing(path.resolve())
    warning = " A file system on the device was mounted for writing at that moment." if mounted else ""
    if sys.platform == "linux" and _read_only_flag(path):
        return Protection(
            READ_ONLY_DEVICE, "The kernel's read-only flag of the device was set, read back by BLKROGET." + warning
        )
    return Protection(
        NONE_MEASURED,
        "The kernel's read-only flag of the device was not set; the device was opened for reading only." + warning,
    )


# ----------------------------------------------------------------------------------------------------------- lsblk


def _lsblk(path: Path | None = None) -> list[dict[str, Any]]:
    if sys.platform != "linux":
        raise EnvironmentFailed(
            "Devices cannot be listed on this system yet.", "Image the drive on Linux, or import an image."
        )
    command = ["lsblk", "--json", "--bytes", "--output-all", *([str(path)] if path else [])]
    try:
        output = subprocess.run(command, capture_output=True, check=True, timeout=30).stdout
        nodes: list[dict[str, Any]] = json.loads(output)["blockdevices"]
    except FileNotFoundError as error:
        raise EnvironmentFailed("The program lsblk is missing.", "Install the package util-linux.") from error
    except (subprocess.SubprocessError, ValueError, KeyError) as error:
        raise EnvironmentFailed(
            "The system does not say what is plugged in (lsblk failed).", "Name the device by its path."
        ) from error
    return nodes


def _is_memory(node: dict[str, Any]) -> bool:
    return str(node.get("name", "")).startswith(MEMORY)


def _all(nodes: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for node in nodes:
        yield node
        yield from _all(node.get("children", []))


def _device(node: dict[str, Any]) -> Device:
    usb = _usb_ancestor(str(node.get("kname") or node["name"]))
    mounted = [point for part in _all([node]) for point in part.get("mountpoints") or [part.get("mountpoint")] if point]
    return Device(
        path=str(node["path"]),
        size=int(node["size"]),
        vendor=usb.get("manufacturer") or _text(node, "vendor"),
        model=usb.get("product") or _text(node, "model"),
        serial=usb.get("serial") or _text(node, "serial"),
        usb_id=f"{usb['idVendor']}:{usb['idProduct']}" if usb else "",
        sector_size=int(node.get("log-sec") or DEFAULT_SECTOR),
        removable=_flag(node, "rm") or _flag(node, "hotplug"),
        read_only=_flag(node, "ro"),
        mounted_at=tuple(dict.fromkeys(mounted)),
    )


def _text(node: dict[str, Any], key: str) -> str:
    return str(node.get(key) or "").strip()


def _flag(node: dict[str, Any], key: str) -> bool:
    """Before util-linux 2.33 lsblk wrote flags as text."""
    return node.get(key) in (True, "1")


def _usb_ancestor(name: str, sysfs: Path = SYSFS) -> dict[str, str]:
    """What the USB device above a block device says about itself; empty where there is none.

    The SCSI layer cuts vendor, model and serial short; the USB device a few folders up has them whole.
    """
    place = (sysfs / name).resolve()
    for folder in (place, *place.parents):
        if (folder / "idVendor").is_file() and (folder / "idProduct").is_file():
            return {
                key: (folder / key).read_text("utf-8", "replace").strip()
                for key in ("idVendor", "idProduct", "serial", "manufacturer", "product")
                if (folder / key).is_file()
            }
    return {}


# ------------------------------------------------------------------------------------------------------ protection


def _read_only_flag(path: Path) -> bool:
    # Imported here because Windows has no such module and never comes this far.
    import fcntl

    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return fcntl.ioctl(descriptor, BLKROGET, bytes(4)) != bytes(4)
    finally:
        os.close(descriptor)


def _mounted_for_writing(device: Path) -> bool:
    """Whether the device or a partition of it is mounted read-write (proc(5), mountinfo: field 6 and the last)."""
    try:
        lines = MOUNTS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    numbers = _numbers(device)
    for line in lines:
        fields, _, after = line.partition(" - ")
        parts, rest = fields.split(), after.split()
        if parts[2] in numbers and "rw" in parts[5].split(",") and "rw" in rest[-1].split(","):
            return True
    return False


def _numbers(device: Path) -> set[str]:
    """`major:minor` of the device and its partitions, which are folders inside its own in sysfs."""
    place = SYSFS / device.name
    files = [place / "dev", *place.glob("*/dev")]
    return {file.read_text().strip() for file in files if file.is_file()}
