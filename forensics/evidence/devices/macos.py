"""The devices of macOS, as diskutil and system_profiler tell of them.

Written from their manual pages and public outputs and tested with recorded outputs only: it has not been run on a Mac.
Neither program reads the content of a drive. macOS says here nothing of who holds a drive.
"""

from __future__ import annotations

import json
import plistlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from forensics.errors import EnvironmentFailed
from forensics.evidence.devices.system import NOT_DETERMINED, USB_HIDDEN, History, ask, notes_on
from forensics.model import Device, Lun, Mount, PartitionGlance

USB_REPORTS = ("SPUSBDataType", "SPUSBHostDataType")
"""The report on USB devices up to macOS 15, and that of macOS 26. The second was never seen with a drive in it."""

SCHEMES = {"FDisk_partition_scheme": "dos", "GUID_partition_scheme": "gpt", "Apple_partition_scheme": "mac"}


def run(command: list[str]) -> bytes:
    return ask(command, "It is part of macOS.")


@dataclass(frozen=True, slots=True)
class MacOS:
    """`answer` gives what a command prints."""

    answer: Callable[[list[str]], bytes] = field(default=run)

    def devices(self) -> list[Device]:
        try:
            listed = plistlib.loads(self.answer(["diskutil", "list", "-plist", "physical"]))
            usb = self._usb()
            devices = [self._device(disk, usb) for disk in listed["AllDisksAndPartitions"]]
        except (plistlib.InvalidFileException, ExpatError, ValueError, KeyError, TypeError) as error:
            raise EnvironmentFailed(
                "macOS describes its disks in a way that is not known here.", "Import an image of the drive instead."
            ) from error
        return [device for device in devices if device.size]

    def device(self, path: Path) -> Device | None:
        name = path.name.removeprefix("r")
        return next((each for each in self.devices() if Path(each.path).name == name), None)

    def histories(self, devices: Sequence[Device]) -> list[History]:
        return [History(False, "On macOS the system log is not read yet.") for _ in devices]

    def _usb(self) -> dict[str, dict[str, Any]]:
        """What system_profiler knows of the USB device of each whole disk, by the name of the disk."""
        said = json.loads(self.answer(["system_profiler", "-json", *USB_REPORTS]))
        found = {}
        for report in USB_REPORTS:
            for item in _items(said.get(report) or []):
                for medium in item.get("Media") or []:
                    found[str(medium.get("bsd_name"))] = item
        return found

    def _device(self, disk: dict[str, Any], usb: dict[str, dict[str, Any]]) -> Device:
        name = str(disk["DeviceIdentifier"])
        info = plistlib.loads(self.answer(["diskutil", "info", "-plist", name]))
        item = usb.get(name, {})
        media = item.get("Media") or []
        own: dict[str, Any] = next((medium for medium in media if medium.get("bsd_name") == name), {})
        bus = str(info.get("BusProtocol") or "").lower()
        slices = [disk, *(disk.get("Partitions") or [])]
        mounts = tuple(
            Mount(f"/dev/{each['DeviceIdentifier']}", str(each["MountPoint"]), self._writable(each))
            for each in slices
            if each.get("MountPoint")
        )
        vendor_id, product_id = _hexadecimal(item.get("vendor_id")), _hexadecimal(item.get("product_id"))
        device = Device(
            path=f"/dev/{name}",
            size=int(info.get("TotalSize") or info.get("Size") or disk.get("Size") or 0),
            vendor=str(item.get("manufacturer") or "").strip(),
            model=str(item.get("_name") or info.get("MediaName") or "").strip(),
            serial=str(item.get("serial_num") or "").strip(),
            usb_id=f"{vendor_id}:{product_id}" if vendor_id and product_id else "",
            sector_size=int(info.get("DeviceBlockSize") or 512),
            removable=bool(info.get("RemovableMediaOrExternalDevice", info.get("RemovableMedia"))),
            read_only=info.get("WritableMedia") is False,
            mounted_at=tuple(mount.at for mount in mounts),
            usb_release=str(item.get("bcd_device") or ""),
            bus=bus,
            usb_port=str(item.get("location_id") or ""),
            lun=_number(own.get("Logical Unit")),
            luns=tuple(
                Lun(
                    _number(each.get("Logical Unit")),
                    f"/dev/{each.get('bsd_name')}",
                    int(each.get("size_in_bytes") or 0),
                )
                for each in media
            ),
            optical=bool(info.get("OpticalMediaType") or info.get("OpticalDeviceType")),
            table=SCHEMES.get(str(disk.get("Content")), str(disk.get("Content") or "")),
            partitions=tuple(
                PartitionGlance(
                    f"/dev/{each['DeviceIdentifier']}",
                    int(each.get("Size") or 0),
                    None,
                    str(each.get("Content") or ""),
                    "",
                    str(each.get("VolumeName") or ""),
                )
                for each in disk.get("Partitions") or []
            ),
            mounts=mounts,
            hidden_areas=USB_HIDDEN if bus == "usb" else NOT_DETERMINED,
        )
        return replace(device, notes=notes_on(device))

    def _writable(self, mounted: dict[str, Any]) -> bool:
        info = plistlib.loads(self.answer(["diskutil", "info", "-plist", str(mounted["DeviceIdentifier"])]))
        return bool(info.get("WritableVolume", info.get("Writable", True)))


def _items(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every device of the tree of buses, hubs and devices."""
    for item in items:
        yield item
        yield from _items(item.get("_items") or [])


def _hexadecimal(told: Any) -> str:
    """`0x0781  (SanDisk Corporation)` is 0781; Apple's own devices say `apple_vendor_id`."""
    found = re.match(r"0x([0-9a-fA-F]{4})\b", str(told or ""))
    return found[1].lower() if found else ""


def _number(told: Any) -> int | None:
    return told if isinstance(told, int) else None
