"""What is plugged in, as the window knows it: told in words, and whether and how it may be chosen to be imaged."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from forensics.model import Device, Lun, Mount, PartitionGlance
from ui.widgets.parts import count_text

T = TypeVar("T")

SYSTEM_PLACES = frozenset({"/", "/boot", "/boot/efi", "/usr", "/var", "/home", "C:\\", "/System/Volumes/Data"})
"""Where the disk is mounted that this computer runs from."""

IMAGE_SUFFIXES = frozenset({".e01", ".ex01", ".s01", ".vhd", ".vhdx", ".vmdk", ".qcow2", ".001"})
"""Names of files that were made by imaging; others are read like a drive unless the person says otherwise."""

OPENED = "open in process"
"""How the list of devices begins what merely has a device open; anything else in use holds it for itself."""

TYPED = 4
"""How many characters of the serial a person types."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may be imaged: a device, or a file that was chosen in its place."""

    device: Device
    is_file: bool = False

    @property
    def looks_like_image(self) -> bool:
        return self.is_file and Path(self.device.path).suffix.lower() in IMAGE_SUFFIXES


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a device may not be imaged now: in a word, a sentence, and what to do about it."""

    word: str
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What a person types to show that they looked at the device: `asked` says what, `expected` is the answer."""

    asked: str
    expected: str

    def given(self, typed: str) -> bool:
        return typed.strip().replace(",", ".").casefold() == self.expected.replace(",", ".").casefold()


# --------------------------------------------------------------------------------------------------------- reading


def read_devices(result: dict[str, Any]) -> tuple[Device, ...]:
    """The devices of a finished `devices --json`, of this version or another: fields it does not know are left out, a
    device without path or size is as well."""
    found = result.get("devices")
    made = (read_device(one) for one in found if isinstance(one, dict)) if isinstance(found, list) else ()
    return tuple(device for device in made if device is not None)


def read_device(document: dict[str, Any]) -> Device | None:
    known = _known(Device, document)
    for name, kind in (("luns", Lun), ("partitions", PartitionGlance), ("mounts", Mount)):
        known[name] = _each(kind, document.get(name))
    for name in ("mounted_at", "in_use", "notes"):
        said = document.get(name)
        known[name] = tuple(map(str, said)) if isinstance(said, list) else ()
    try:
        known["size"] = int(known["size"])
        return Device(**known)
    except (TypeError, ValueError, KeyError):
        return None


def file_candidate(path: Path) -> Candidate | None:
    """A file to be read like a drive, or taken in as an image; None where there is no such file."""
    try:
        if not path.is_file():
            return None
        return Candidate(Device(str(path), path.stat().st_size), is_file=True)
    except OSError:
        return None


def _known(kind: type[Any], document: dict[str, Any]) -> dict[str, Any]:
    return {field.name: document[field.name] for field in fields(kind) if document.get(field.name) is not None}


def _each(kind: type[T], documents: Any) -> tuple[T, ...]:
    made = []
    for document in documents if isinstance(documents, list) else ():
        try:
            # A value that the system does not know is None for some fields and must be given.
            made.append(kind(**{f.name: document[f.name] for f in fields(kind) if f.name in document}))  # type: ignore[arg-type]
        except (TypeError, AttributeError):
            continue
    return tuple(made)


# ----------------------------------------------------------------------------------------------------------- words


def decimal_text(size: int) -> str:
    """Bytes as they are printed on a drive: powers of ten, one decimal."""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} B"


def name_of(device: Device) -> str:
    """Vendor and model once each; the last part of the path where neither is known."""
    vendor, model = device.vendor.strip(), device.model.strip()
    if vendor and model.casefold().startswith(vendor.casefold()):
        vendor = ""
    return f"{vendor} {model}".strip() or Path(device.path).name


def sectors_text(device: Device) -> str:
    physical = device.physical_sector_size
    return f"{device.sector_size:,} bytes" if not physical else f"{device.sector_size:,} / {physical:,} bytes"


def partitions_text(device: Device) -> str:
    """What is on the device at a glance, as the system tells it."""
    parts = []
    for part in device.partitions:
        kind = part.file_system or part.kind or "unknown kind"
        parts.append(kind + (f" “{part.label}”" if part.label else "") + f" {decimal_text(part.size)}")
    table = f"{device.table.upper()}: " if device.table else ""
    return table + ", ".join(parts) if parts else device.table.upper() or "none told"


def facts(candidate: Candidate) -> list[tuple[str, str]]:
    """Everything that is known of it, by name; what is not known is left out."""
    device = candidate.device
    if candidate.is_file:
        return [("File", device.path), ("Capacity", f"{device.size:,} bytes")]
    bus = device.bus + (f", port {device.usb_port}" if device.usb_port else "")
    if device.lun is not None and len(device.luns) > 1:
        bus += f", unit {device.lun} of {len(device.luns)}"
    told = (
        ("Model", name_of(device)),
        ("Serial", device.serial or "none given"),
        ("VID : PID", device.usb_id.replace(":", " : ")),
        ("Firmware", device.firmware),
        ("Capacity", f"{device.size:,} bytes"),
        ("Sector", sectors_text(device)),
        ("Partitions", partitions_text(device)),
        ("Attached", ", ".join(part for part in (device.path, bus) if part)),
        ("Hidden areas", device.hidden_areas),
        ("Note", " ".join(device.notes)),
    )
    return [(name, value) for name, value in told if value]


def state_of(device: Device) -> tuple[str, str]:
    """The state as measured, in a word and its kind: what stands in the way first, then the read-only flag."""
    found = obstacle(device)
    if found:
        return found.word, "bad"
    if device.in_use:
        return "In use", "warn"
    return ("Read-only", "ok") if device.read_only else ("Writable", "warn")


def obstacle(device: Device) -> Obstacle | None:
    """What stands in the way of imaging it; None where nothing does."""
    places = tuple(dict.fromkeys((*device.mounted_at, *(mount.at for mount in device.mounts))))
    held = tuple(what for what in device.in_use if not what.startswith(OPENED))
    if not places and not held:
        return None
    if SYSTEM_PLACES & set(places):
        return Obstacle(
            "System disk",
            "This is the disk that this computer runs from.",
            "It is never acquired from here: the system writes to it while it is read. If it is the exhibit, take it "
            "out and attach it to another workstation through a write blocker.",
        )
    if not places:
        return Obstacle(
            "Held",
            f"Held by this computer: {_listed(held)}.",
            "End that first: swapoff for swap, cryptsetup close or dmsetup remove for a mapping, mdadm --stop for a "
            "RAID. Then refresh.",
        )
    writable = any(mount.writable for mount in device.mounts)
    return Obstacle(
        "Mounted",
        f"Mounted at {_listed(places)}" + (", for writing." if writable else "."),
        "Unmount it, then refresh: " + " && ".join(f"umount {shlex.quote(place)}" for place in reversed(places)),
    )


def proof(candidate: Candidate) -> Proof:
    """The deliberate act before a start: the end of the serial, or the size where there is none."""
    serial = candidate.device.serial.strip()
    if serial:
        end = serial[-TYPED:]
        whole = "the serial" if len(serial) <= TYPED else f"the last {TYPED} characters of the serial"
        return Proof(whole, end)
    number, unit = decimal_text(candidate.device.size).split(" ")
    return Proof(f"the size in {unit}", number)


def _listed(places: Sequence[str]) -> str:
    shown = ", ".join(places[:3])
    return shown if len(places) <= 3 else f"{shown} and {count_text(len(places) - 3, 'other place')}"
