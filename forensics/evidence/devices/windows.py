"""The devices of Windows, as PowerShell's storage cmdlets tell of them (Windows 8 and later).

Written from Microsoft's documentation of MSFT_Disk, MSFT_Partition, MSFT_Volume, Win32_DiskDrive and
DEVPKEY_Device_Parent and tested with recorded outputs only: it has not been run on Windows. None of these cmdlets
opens a drive for reading its content. Windows says nothing of who holds a drive, and nothing of read-write mounts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from forensics.errors import EnvironmentFailed
from forensics.evidence.devices.system import NOT_DETERMINED, USB_HIDDEN, History, ask, notes_on
from forensics.model import Device, Lun, Mount, PartitionGlance

SCRIPT = r"""
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [System.Text.Encoding]::UTF8
$drives = @(Get-CimInstance Win32_DiskDrive | ForEach-Object {
  $parent = ''
  try { $parent = (Get-PnpDeviceProperty -InstanceId $_.PNPDeviceID -KeyName DEVPKEY_Device_Parent).Data } catch { }
  [pscustomobject]@{ Index = $_.Index; PNPDeviceID = $_.PNPDeviceID; MediaType = $_.MediaType; Parent = $parent }
})
@{
  disks = @(Get-Disk | Select-Object Number, FriendlyName, Manufacturer, Model, SerialNumber, FirmwareVersion, Location,
    BusType, PartitionStyle, Size, LogicalSectorSize, PhysicalSectorSize, IsReadOnly, IsSystem, IsBoot)
  partitions = @(Get-Partition | Select-Object DiskNumber, PartitionNumber, Offset, Size, Type, AccessPaths)
  volumes = @(Get-Volume | Select-Object Path, FileSystem, FileSystemLabel)
  drives = $drives
} | ConvertTo-Json -Depth 4 -Compress
"""

COMMAND = ["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", SCRIPT]

BUSES = ("", "scsi", "atapi", "ata", "1394", "ssa", "fibre channel", "usb", "raid", "iscsi", "sas", "sata", "sd", "mmc",
         "max", "file", "storage spaces", "nvme")  # fmt: skip
"""MSFT_Disk.BusType by its number; PowerShell's type data shows the name instead, when it is loaded."""

_USB_PARENT = re.compile(r"USB\\VID_([0-9A-F]{4})&PID_([0-9A-F]{4})\\(.+)", re.IGNORECASE)
_UNIT = re.compile(r"&(\d+)\Z")
_VOLUME = "\\\\?\\"


def ask_powershell() -> bytes:
    return ask(COMMAND, "Start it from a Windows with PowerShell, version 8 or later.")


@dataclass(frozen=True, slots=True)
class Windows:
    """`answer` gives what the script prints."""

    answer: Callable[[], bytes] = field(default=ask_powershell)

    def devices(self) -> list[Device]:
        try:
            said: dict[str, list[dict[str, Any]]] = json.loads(self.answer())
            drives = {int(drive["Index"]): drive for drive in said["drives"]}
            found = [_device(disk, drives.get(int(disk["Number"]), {}), said) for disk in said["disks"]]
        except (ValueError, KeyError, TypeError) as error:
            raise EnvironmentFailed(
                "Windows describes its disks in a way that is not known here.", "Import an image of the drive instead."
            ) from error
        return _with_units([device for device in found if device.size], drives)

    def device(self, path: Path) -> Device | None:
        # pathlib takes \\.\PhysicalDrive1 for the root of a share and writes a backslash behind it.
        name = str(path).lower().rstrip("\\")
        return next((each for each in self.devices() if each.path.lower() == name), None)

    def histories(self, devices: Sequence[Device]) -> list[History]:
        return [History(False, "On Windows the event log is not read yet.") for _ in devices]


def _device(disk: dict[str, Any], drive: dict[str, Any], said: dict[str, list[dict[str, Any]]]) -> Device:
    number = int(disk["Number"])
    parent = _USB_PARENT.match(str(drive.get("Parent") or ""))
    bus = _bus(disk.get("BusType"))
    mounts, glances = [], []
    volumes = {str(volume.get("Path") or ""): volume for volume in said["volumes"]}
    for partition in said["partitions"]:
        if partition.get("DiskNumber") != number:
            continue
        places = [str(place) for place in partition.get("AccessPaths") or []]
        volume = next((volumes[place] for place in places if place in volumes), {})
        path = f"\\\\.\\PhysicalDrive{number} partition {partition.get('PartitionNumber')}"
        mounts += [Mount(path, place, not disk.get("IsReadOnly")) for place in places if not place.startswith(_VOLUME)]
        glances.append(
            PartitionGlance(
                path,
                int(partition["Size"]),
                int(partition["Offset"]),
                _text(partition, "Type"),
                _text(volume, "FileSystem"),
                _text(volume, "FileSystemLabel"),
            )
        )
    in_use = [
        words for key, words in (("IsSystem", "system disk"), ("IsBoot", "Windows started from it")) if disk.get(key)
    ]
    return Device(
        path=f"\\\\.\\PhysicalDrive{number}",
        size=int(disk.get("Size") or 0),
        vendor=_text(disk, "Manufacturer"),
        model=_text(disk, "Model") or _text(disk, "FriendlyName"),
        serial=_serial(parent) or _text(disk, "SerialNumber"),
        usb_id=f"{parent[1]}:{parent[2]}".lower() if parent else "",
        sector_size=int(disk.get("LogicalSectorSize") or 512),
        removable="removable" in str(drive.get("MediaType") or "").lower() or bus == "usb",
        read_only=bool(disk.get("IsReadOnly")),
        mounted_at=tuple(mount.at for mount in mounts),
        physical_sector_size=int(disk.get("PhysicalSectorSize") or 0),
        firmware=_text(disk, "FirmwareVersion"),
        bus=bus,
        usb_port=_text(disk, "Location") if bus == "usb" else "",
        lun=_unit(drive) if bus == "usb" else None,
        table=_text(disk, "PartitionStyle").lower(),
        partitions=tuple(glances),
        mounts=tuple(mounts),
        in_use=tuple(in_use),
        hidden_areas=USB_HIDDEN if bus == "usb" else NOT_DETERMINED,
    )


def _with_units(devices: list[Device], drives: dict[int, dict[str, Any]]) -> list[Device]:
    """Each USB device with all drives that have the same parent. Units without a medium are not disks to Windows."""
    parents = {
        f"\\\\.\\PhysicalDrive{index}": str(drive.get("Parent") or "")
        for index, drive in drives.items()
        if _USB_PARENT.match(str(drive.get("Parent") or ""))
    }
    done = []
    for device in devices:
        parent = parents.get(device.path)
        family = [each for each in devices if parent and parents.get(each.path) == parent]
        units = tuple(Lun(each.lun, each.path, each.size) for each in family)
        device = replace(device, luns=units)
        notes = notes_on(device)
        if device.bus == "usb":
            notes += ("Windows lists no optical units and no units without a medium here; there may be some.",)
        done.append(replace(device, notes=notes))
    return done


def _serial(parent: re.Match[str] | None) -> str:
    """The last part of a USB instance id is the serial number, unless Windows made it up: then its second letter is
    `&` (Microsoft, "Instance IDs" of USB devices).
    """
    return parent[3] if parent and parent[3][1:2] != "&" else ""


def _unit(drive: dict[str, Any]) -> int | None:
    """The instance id of a USBSTOR disk ends with `&` and the number of the logical unit."""
    found = _UNIT.search(str(drive.get("PNPDeviceID") or ""))
    return int(found[1]) if found else None


def _bus(told: Any) -> str:
    if isinstance(told, int):
        return BUSES[told] if told < len(BUSES) else ""
    return str(told or "").lower()


def _text(row: dict[str, Any], key: str) -> str:
    return str(row.get(key) or "").strip().strip("\0")
