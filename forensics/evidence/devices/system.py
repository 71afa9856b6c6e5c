"""What every operating system must be able to say of its devices: one Protocol, one class a system behind it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from forensics.errors import EnvironmentFailed
from forensics.model import Device

USB_HIDDEN = (
    "not applicable to USB mass storage; whether an ATA drive inside has a host protected area or a device "
    "configuration overlay was not determined"
)
NOT_DETERMINED = "not determined: asking for a host protected area or overlay needs commands that are not sent"


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line of the system's log. `time` is ISO 8601; `text` may hold a volume label or a login name."""

    time: str
    text: str


@dataclass(frozen=True, slots=True)
class History:
    """What the system's log says of one device since it was plugged in.

    `available` is False where no log could be read, and then `detail` says why; else `detail` names the log and its
    limits. `since_plugged_in` says whether the line of plugging in was found: otherwise the log may begin later.
    """

    available: bool
    detail: str
    rows: tuple[LogRow, ...] = ()
    since_plugged_in: bool = False


class System(Protocol):
    """The devices of one operating system. Raises `EnvironmentFailed` where it does not answer."""

    def devices(self) -> list[Device]:
        """Every whole drive with a medium in it."""
        ...

    def device(self, path: Path) -> Device | None:
        """The device at `path`, a partition too; None where the system knows of none there."""
        ...

    def histories(self, devices: Sequence[Device]) -> list[History]:
        """What the log says of each, in their order; the log is read once."""
        ...


def ask(command: list[str], remedy: str) -> bytes:
    """The output of a program of the system. Raises `EnvironmentFailed` where it is missing, fails or hangs."""
    try:
        return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    except FileNotFoundError as error:
        raise EnvironmentFailed(f"The program {command[0]} is missing.", remedy) from error
    except subprocess.SubprocessError as error:
        raise EnvironmentFailed(
            f"The system does not say what is plugged in ({command[0]} failed).", "Name the device by its path."
        ) from error


_READER = re.compile(r"\b(card|reader|multi[- ]?card|SD/MMC|MS/MS|CF|xD|MicroSD)\b", re.IGNORECASE)


def notes_on(device: Device) -> tuple[str, ...]:
    """What an examiner must not read into the values of a device. The rules are those of every system."""
    notes = []
    drives = [lun for lun in device.luns if not lun.optical]
    discs = [lun for lun in device.luns if lun.optical]
    if device.usb_id and not device.optical:
        if len(drives) > 1 or _READER.search(f"{device.vendor} {device.model}"):
            notes.append(
                "This looks like a card reader: the serial number is the reader's, not that of the card in it."
            )
        elif device.removable and not device.serial:
            notes.append("It gives no serial number: it can only be told apart by its looks, size and hashes.")
    if device.usb_id and device.optical:
        notes.append(
            "This logical unit shows itself as an optical drive. On a USB stick that is a virtual CD of the maker; it "
            "is an exhibit of its own."
        )
    others = [lun for lun in (*drives, *discs) if lun.path != device.path]
    for lun in others:
        what = "an optical drive (perhaps a virtual CD)" if lun.optical else "a drive"
        size = f"of {lun.size:,} bytes" if lun.size else "without a medium"
        number = f"unit {lun.number}, " if lun.number is not None else ""
        notes.append(f"The same USB device holds {what} {size} besides: {number}{lun.path}.")
    if device.usb_id:
        notes.append("A locked private area that the device does not show cannot be seen from here.")
    return tuple(notes)
