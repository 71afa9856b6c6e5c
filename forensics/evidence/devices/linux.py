"""The devices of Linux: `lsblk` says which there are, sysfs what they are. Nothing is read from a device itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from forensics.errors import EnvironmentFailed
from forensics.evidence.devices.occupancy import Occupancy
from forensics.evidence.devices.system import NOT_DETERMINED, USB_HIDDEN, History, ask, notes_on
from forensics.evidence.devices.system_log import limited, read_log
from forensics.model import Device, Lun, PartitionGlance

MEMORY = ("zram", "ram")
"""Names of block devices that are this machine's memory, and no exhibit."""

WHOLE = ("disk", "loop", "rom")
"""Types of `lsblk` that are drives, not parts of one or layers upon one."""

WITHOUT_PROBING = "NAME,KNAME,PATH,TYPE,SIZE,RO,RM,HOTPLUG,TRAN,HCTL,LOG-SEC,PHY-SEC"
"""Columns that lsblk knows from sysfs. For the others it asks udev, and where udev has no data it may read the device
itself (lsblk(8): "in this case root permissions are necessary")."""

Nodes = list[dict[str, Any]]


def lsblk(path: Path | None = None, root: Path = Path("/")) -> Nodes:
    columns = ["--output-all"] if (root / "run/udev/data").is_dir() else ["--output", WITHOUT_PROBING]
    output = ask(
        ["lsblk", "--json", "--bytes", *columns, *([str(path)] if path else [])], "Install the package util-linux."
    )
    try:
        nodes: Nodes = json.loads(output)["blockdevices"]
    except (ValueError, KeyError) as error:
        raise EnvironmentFailed(
            "The system does not say what is plugged in (lsblk failed).", "Name the device by its path."
        ) from error
    return nodes


@dataclass(frozen=True, slots=True)
class Linux:
    """`root` is where /sys, /proc and /run stand; `nodes` answers as `lsblk` does."""

    root: Path = Path("/")
    nodes: Callable[[Path | None], Nodes] = field(default=lsblk)

    def devices(self) -> list[Device]:
        found = [n for n in self.nodes(None) if n.get("type") in WHOLE and n.get("size") and not _is_memory(n)]
        openers = self._occupancy.openers()
        return [self._device(node, openers) for node in found]

    def device(self, path: Path) -> Device | None:
        for node in _all(self.nodes(path)):
            if node.get("path") == str(path):
                return self._device(node, self._occupancy.openers())
        return None

    def histories(self, devices: Sequence[Device]) -> list[History]:
        log = read_log()
        found = []
        for device in devices:
            name = Path(device.path).name
            names = [name, *self._occupancy.parts(name)]
            place = self._occupancy.blocks / self._occupancy.whole(name)
            found.append(log if isinstance(log, History) else limited(log, names, device.usb_port, _address(place)))
        return found

    @property
    def _occupancy(self) -> Occupancy:
        return Occupancy(self.root)

    def _device(self, node: dict[str, Any], openers: Mapping[str, tuple[str, ...]]) -> Device:
        occupancy = self._occupancy
        name = str(node.get("kname") or node["name"])
        names = [name, *occupancy.parts(name)]
        place = occupancy.blocks / occupancy.whole(name)
        usb_place = _usb_folder(place)
        usb = _values(usb_place, "idVendor", "idProduct", "serial", "manufacturer", "product", "bcdDevice")
        own = _identity(place)
        mounts = occupancy.mounts([*names, *occupancy.upon(names)])
        held = [holder.what for holder in occupancy.holders(names)]
        held += [what for each in names for what in openers.get(f"/dev/{each}", ())]
        bus = _bus(node, name, place, bool(usb))
        device = Device(
            path=str(node.get("path") or f"/dev/{name}"),
            size=int(node["size"]),
            vendor=usb.get("manufacturer") or own.get("vendor", "") or _text(node, "vendor"),
            model=usb.get("product") or own.get("model", "") or _text(node, "model"),
            serial=usb.get("serial") or own.get("serial", "") or _text(node, "serial"),
            usb_id=f"{usb['idVendor']}:{usb['idProduct']}" if usb else "",
            sector_size=int(node.get("log-sec") or 512),
            removable=_flag(node, "rm") or _flag(node, "hotplug"),
            read_only=_flag(node, "ro"),
            mounted_at=tuple(dict.fromkeys(mount.at for mount in mounts)),
            physical_sector_size=int(node.get("phy-sec") or 0),
            firmware=own.get("firmware", "") or _text(node, "rev"),
            usb_release=_release(usb.get("bcdDevice", "")),
            bus=bus,
            usb_port=usb_place.name if usb_place else "",
            lun=_lun(_address(place)),
            luns=self._luns(usb_place) if usb_place else (),
            optical=node.get("type") == "rom",
            table=_text(node, "pttype"),
            partitions=tuple(self._partition(part, node) for part in occupancy.parts(name)),
            mounts=mounts,
            in_use=tuple(dict.fromkeys(held)),
            hidden_areas=_hidden_areas(bus),
        )
        return replace(device, notes=(*notes_on(device), *_linux_notes(bus, place)))

    def _luns(self, usb: Path) -> tuple[Lun, ...]:
        """All logical units of one USB device, those without a medium too."""
        found = []
        for place in self._occupancy.blocks.glob("*"):
            if not (place / "partition").is_file() and _usb_folder(place) == usb:
                size = _read(place / "size")
                found.append(
                    Lun(
                        _lun(_address(place)),
                        f"/dev/{place.name}",
                        int(size) * 512 if size.isdigit() else 0,
                        place.name.startswith("sr"),
                    )
                )
        return tuple(sorted(found, key=lambda lun: (lun.number or 0, lun.path)))

    def _partition(self, name: str, whole: dict[str, Any]) -> PartitionGlance:
        """sysfs counts partitions in units of 512 bytes, whatever the sector of the device."""
        place = self._occupancy.blocks / name
        node = next((each for each in _all([whole]) if each.get("kname", each.get("name")) == name), {})
        size, start = _read(place / "size"), _read(place / "start")
        return PartitionGlance(
            path=f"/dev/{name}",
            size=int(size) * 512 if size.isdigit() else 0,
            start=int(start) * 512 if start.isdigit() else None,
            kind=_text(node, "parttypename") or _text(node, "parttype"),
            file_system=" ".join(part for part in (_text(node, "fstype"), _text(node, "fsver")) if part),
            label=_text(node, "label"),
        )


# ----------------------------------------------------------------------------------------------------------- sysfs


def _usb_folder(block: Path) -> Path | None:
    """The folder of the USB device that a block device belongs to: the nearest one above that has a vendor id.

    The SCSI layer cuts vendor, model and serial short; the USB device a few folders up has them whole.
    """
    place = block.resolve()
    for folder in (place, *place.parents):
        if (folder / "idVendor").is_file() and (folder / "idProduct").is_file():
            return folder
    return None


def _identity(block: Path) -> dict[str, str]:
    """Vendor, model, serial and firmware as SCSI, NVMe and MMC devices show them in sysfs, each in its own words."""
    device = block / "device"
    values = _values(device, "vendor", "model", "serial", "rev", "firmware_rev", "name", "fwrev", "manfid")
    if values.get("vendor", "").startswith("0x"):
        del values["vendor"]
    if block.name.startswith("mmcblk"):
        names = {"vendor": "manfid", "model": "name", "serial": "serial", "rev": "fwrev"}
        values = {ours: values.get(theirs, "") for ours, theirs in names.items()}
    firmware = values.get("firmware_rev") or values.get("rev", "")
    return {**values, "serial": values.get("serial") or _read(block / "serial"), "firmware": firmware}


def _address(block: Path) -> str:
    """`host:channel:target:lun` of a SCSI device, which is the name of its folder; empty for other devices."""
    name = (block / "device").resolve().name
    return name if name.count(":") == 3 else ""


def _lun(address: str) -> int | None:
    last = address.rpartition(":")[2]
    return int(last) if last.isdigit() else None


def _bus(node: dict[str, Any], name: str, place: Path, usb: bool) -> str:
    if usb:
        return "usb"
    told = _text(node, "tran")
    if told:
        return told
    for start, bus in {"loop": "loop", "nvme": "nvme", "mmcblk": "mmc", "vd": "virtio"}.items():
        if name.startswith(start):
            return bus
    return "ata" if any(part.startswith("ata") for part in place.resolve().parts) else ""


def _hidden_areas(bus: str) -> str:
    return {
        "usb": USB_HIDDEN,
        "loop": "not applicable: a file of this computer",
        "nvme": "not applicable to NVMe; namespaces that are not attached were not determined",
        "mmc": "not applicable to SD and MMC; boot partitions are devices of their own, the RPMB area cannot be read",
    }.get(bus, NOT_DETERMINED)


def _linux_notes(bus: str, place: Path) -> tuple[str, ...]:
    if bus == "mmc":
        return ("The serial number is the card's own (its CID register).",)
    if bus == "loop" and (file := _read(place / "loop/backing_file")):
        return (f"A loop device: its bytes are those of {file}.",)
    return ()


def _release(bcd: str) -> str:
    """`bcdDevice` is the maker's release number in binary-coded decimal (USB 2.0, 9.6.1): 0110 is 1.10."""
    return f"{int(bcd[:2])}.{bcd[2:]}" if len(bcd) == 4 and bcd.isdigit() else bcd


def _values(folder: Path | None, *names: str) -> dict[str, str]:
    return {name: text for name in names if folder and (text := _read(folder / name))}


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").replace("\0", " ").strip()
    except OSError:
        return ""


# ----------------------------------------------------------------------------------------------------------- lsblk


def _is_memory(node: dict[str, Any]) -> bool:
    return str(node.get("name", "")).startswith(MEMORY)


def _all(nodes: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for node in nodes:
        yield node
        yield from _all(node.get("children", []))


def _text(node: dict[str, Any], key: str) -> str:
    return str(node.get(key) or "").strip()


def _flag(node: dict[str, Any], key: str) -> bool:
    """Before util-linux 2.33 lsblk wrote flags as text."""
    return node.get(key) in (True, "1")
