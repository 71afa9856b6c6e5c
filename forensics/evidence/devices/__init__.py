"""What is plugged in, who made it, and what else uses it: one face over Linux, Windows and macOS.

Linux is complete. Windows and macOS are written from their documentation and tested with recorded outputs only; they
have not been run on such a computer.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from forensics.errors import EnvironmentFailed
from forensics.evidence.devices.protection import measure_protection, protect
from forensics.evidence.devices.system import History, LogRow, System
from forensics.evidence.source import DEFAULT_SECTOR, open_source
from forensics.model import Device

__all__ = [
    "History",
    "LogRow",
    "System",
    "describe",
    "histories",
    "history",
    "is_device",
    "list_devices",
    "measure_protection",
    "protect",
    "this_system",
]


def this_system() -> System:
    """The devices of the system this runs on. Raises `EnvironmentFailed` where it is none of the three."""
    # Imported here because none of them is of use on the others.
    if sys.platform == "linux":
        from forensics.evidence.devices.linux import Linux

        return Linux()
    if sys.platform == "win32":
        from forensics.evidence.devices.windows import Windows

        return Windows()
    if sys.platform == "darwin":
        from forensics.evidence.devices.macos import MacOS

        return MacOS()
    raise EnvironmentFailed("Devices cannot be listed on this system.", "Image the drive on Linux, or import an image.")


def list_devices() -> list[Device]:
    """Every whole drive with a medium in it, loop devices too, one for each LUN; partitions are in their drive.

    Raises `EnvironmentFailed` where the system does not answer.
    """
    return this_system().devices()


def describe(path: Path) -> Device:
    """The device at `path` (a symbolic link such as /dev/disk/by-id/… is followed), or a regular file as one.

    It may be a device that this user may not read. Raises as `open_source` does for what cannot be a source, and as
    `list_devices` does for devices.
    """
    if is_device(path):
        real = path if sys.platform == "win32" else path.resolve()
        if device := this_system().device(real):
            return device
        raise EnvironmentFailed(
            "The system knows no drive under this name.",
            "Check the name, and that the drive is plugged in: `drivecustody devices`.",
        )
    with open_source(path) as source:
        size = source.size
    return Device(
        path=str(path),
        size=size,
        sector_size=DEFAULT_SECTOR,
        read_only=not os.access(path, os.W_OK),
        hidden_areas="not applicable: a file of this computer",
    )


def history(device: Device) -> History:
    """What the system's log says of a device since it was plugged in; where it cannot be read, that is said."""
    return histories([device])[0]


def histories(devices: Sequence[Device]) -> list[History]:
    """`history` of several devices, for which the log is read once."""
    return this_system().histories(devices)


def is_device(path: Path) -> bool:
    """Whether `path` names a drive: a block device, or on Windows a name like `\\\\.\\PhysicalDrive1`."""
    if sys.platform == "win32":
        return str(path).lower().startswith("\\\\.\\physicaldrive")
    try:
        return stat.S_ISBLK(path.stat().st_mode)
    except OSError:
        return False
