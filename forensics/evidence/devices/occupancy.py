"""Who else has a block device of this Linux computer in use: mounts, swap, device mapper, md, other processes."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from forensics.model import Mount

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Holder:
    """Something that holds a device, in words for people, and the command that ends it."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Occupancy:
    """The block devices of one Linux, as /proc and /sys of the folder `root` tell of them."""

    root: Path = Path("/")

    @property
    def blocks(self) -> Path:
        return self.root / "sys/class/block"

    def parts(self, name: str) -> list[str]:
        """Kernel names of the partitions of a whole device, in the order of their numbers."""
        found = [folder.parent for folder in (self.blocks / name).glob("*/partition")]
        return [folder.name for folder in sorted(found, key=lambda each: _number(each / "partition"))]

    def whole(self, name: str) -> str:
        """Kernel name of the device that `name` is a partition of; a whole device is its own."""
        place = (self.blocks / name).resolve()
        return place.parent.name if (place / "partition").is_file() else name

    def mounts(self, names: Iterable[str]) -> tuple[Mount, ...]:
        """Every mount of one of these devices that this process can see (proc(5), mountinfo).

        A mount is writable where neither it nor its file system is read-only. Btrfs gives mounts a number that is no
        device's, so the name of what was mounted is compared as well.
        """
        numbers = {_text(self.blocks / name / "dev"): name for name in names}
        numbers.pop("", None)
        paths = {f"/dev/{name}": name for name in names}
        found = []
        for fields, after in self._mountinfo():
            name = numbers.get(fields[2]) or paths.get(os.path.realpath(after[1]) if after[1][:1] == "/" else "")
            if name:
                writable = "rw" in fields[5].split(",") and "rw" in after[-1].split(",")
                found.append(Mount(f"/dev/{name}", _plain(fields[4]), writable))
        return tuple(dict.fromkeys(found))

    def _mountinfo(self) -> Iterator[tuple[list[str], list[str]]]:
        for line in _text(self.root / "proc/self/mountinfo").splitlines():
            before, _, after = line.partition(" - ")
            fields, rest = before.split(" "), after.split(" ")
            if len(fields) > 5 and len(rest) > 2:
                yield fields, [rest[0], _plain(rest[1]), rest[2]]

    def holders(self, names: Iterable[str]) -> tuple[Holder, ...]:
        """What the kernel has built upon these devices: swap, and device mapper and md devices (sysfs `holders`)."""
        found = []
        swaps = {line.split()[0] for line in _text(self.root / "proc/swaps").splitlines()[1:] if line.split()}
        for name in names:
            if f"/dev/{name}" in swaps:
                found.append(Holder(f"swap on /dev/{name}", f"swapoff /dev/{name}"))
            for place in sorted((self.blocks / name / "holders").glob("*")):
                found.append(self._holder(name, place.name))
        return tuple(found)

    def upon(self, names: Iterable[str]) -> list[str]:
        """Kernel names of the mappings and RAIDs that stand on these devices, at any height."""
        found: list[str] = []
        waiting = list(names)
        while waiting:
            above = [each.name for each in sorted((self.blocks / waiting.pop() / "holders").glob("*"))]
            new = [name for name in above if name not in found]
            found += new
            waiting += new
        return found

    def _holder(self, name: str, holder: str) -> Holder:
        mapped = _text(self.blocks / holder / "dm/name")
        if mapped:
            return Holder(f"the mapping {mapped} on /dev/{name}", f"dmsetup remove {shlex.quote(mapped)}")
        if (self.blocks / holder / "md").is_dir():
            return Holder(f"RAID {holder} on /dev/{name}", f"mdadm --stop /dev/{holder}")
        return Holder(f"{holder} on /dev/{name}", f"lsblk /dev/{name}")

    def openers(self) -> dict[str, tuple[str, ...]]:
        """Other processes that have a block device open, by its path; those of other people only root can see."""
        found: dict[str, list[str]] = {}
        for process in (self.root / "proc").glob("[0-9]*"):
            if process.name == str(os.getpid()):
                continue
            try:
                open_files = [str(each.readlink()) for each in (process / "fd").iterdir()]
            except OSError:
                continue
            for path in {each for each in open_files if each.startswith("/dev/")}:
                what = f"open in process {process.name} ({_text(process / 'comm') or 'unnamed'})"
                found.setdefault(path, []).append(what)
        return {path: tuple(sorted(what)) for path, what in found.items()}


def unmount_command(mount: Mount) -> str:
    return f"umount {shlex.quote(mount.at)}"


def _plain(escaped: str) -> str:
    """Space, tab, newline and backslash stand as octal numbers in mountinfo."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), escaped)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _number(file: Path) -> int:
    text = _text(file)
    return int(text) if text.isdigit() else 0
