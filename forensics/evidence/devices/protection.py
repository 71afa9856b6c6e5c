"""Keeps an exhibit from being written to while it is read, and says what of that was measured."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from forensics.errors import EnvironmentFailed, Refused
from forensics.evidence.devices.occupancy import Occupancy, unmount_command
from forensics.evidence.source import require_source
from forensics.model import HardwareBlocker, KernelFlag, Mount, Protection

HARDWARE_BLOCKER = "hardware blocker declared"
READ_ONLY_DEVICE = "read-only device"
READ_ONLY_FILE = "read-only file"
NONE_MEASURED = "none measured"


SYSTEM = frozenset({"/", "/boot", "/usr", "/var", "/home"})
"""Mount points of the computer itself: nobody is to be told to unmount them."""


class Guard:
    """What `protect` gives: `protection` grows with what is measured, and is complete after the `with` block."""

    def __init__(self, protection: Protection, held: _Held | None = None) -> None:
        self.protection = protection
        self._held = held

    def learn(self, source: object) -> None:
        """Takes in that the device was claimed by who reads it: the privileged reader, where this user may not."""
        if self._held and getattr(source, "claimed", False):
            self.protection = _worded(replace(self.protection, claimed=True), self._held)


def measure_protection(path: Path, blocker: HardwareBlocker | None = None) -> Protection:
    """What can be measured about write protection here and now, changing nothing. Raises as `protect` for its path.

    A file system that is mounted for writing is said in `detail`.
    """
    require_source(path)
    if not _is_linux_device(path):
        return _of_no_device(path, blocker)
    names = _names(path.resolve())
    occupancy = Occupancy()
    mounts = occupancy.mounts([*names, *occupancy.upon(names)])
    return _worded(Protection("", "", blocker, tuple(_flags(names))), mounts=mounts)


@contextmanager
def protect(
    path: Path, *, blocker: HardwareBlocker | None = None, set_flag: bool = True, notes: Path | None = None
) -> Iterator[Guard]:
    """Holds the device at `path` read-only for the time of the block, as far as this user may, and measures it.

    On Linux: a mounted device, or one that swap, device mapper, RAID or somebody unseen holds, is refused. The whole
    device is then claimed, so that nobody can mount it or a partition of it. The kernel's flag is read, set on the
    device and its partitions, read back, a write of no bytes is tried, and at the end the flags are put back as they
    were, after an exception too. If the process is killed they stay set; the next run knows that from a note in
    /run and puts them back. What this user may not do is not done, and said in `Guard.protection`. A partition is
    protected alone, without its drive. A file is only said to be one.

    Raises `Refused` for what is in use, is being protected by another run, or cannot be a source, and
    `EnvironmentFailed` where there is nothing.
    """
    require_source(path)
    if not _is_linux_device(path):
        yield Guard(_of_no_device(path, blocker))
        return
    real = path.resolve()
    names = _names(real)
    _require_unused(names)
    claim = _claim(real)
    try:
        with _flags_held(names, set_flag, notes) as held:
            guard = Guard(_worded(Protection("", "", blocker, claimed=claim is not None), held), held)
            try:
                yield guard
            finally:
                held.measure_end()
                held.put_back()
                guard.protection = _worded(guard.protection, held)
    finally:
        if claim is not None:
            os.close(claim)


# ----------------------------------------------------------------------------------------------------- who uses it


def _require_unused(names: list[str]) -> None:
    occupancy = Occupancy()
    mounts = occupancy.mounts([*names, *occupancy.upon(names)])
    if mounts:
        how = "; ".join(
            f"{mount.path} is mounted {'FOR WRITING' if mount.writable else 'read-only'} at {mount.at}"
            for mount in mounts
        )
        if any(mount.at in SYSTEM for mount in mounts):
            raise Refused(
                "This computer runs from the device; it is no exhibit.",
                "Name the returned drive: drivecustody devices. The disk of a computer is imaged from another system.",
            )
        last_first = sorted(mounts, key=lambda mount: mount.at, reverse=True)
        raise Refused(
            f"The device is in use: {how}.", "Unmount it first: " + " && ".join(unmount_command(m) for m in last_first)
        )
    holders = occupancy.holders(names)
    if holders:
        raise Refused(
            "The device is in use: " + "; ".join(holder.what for holder in holders) + ".",
            "End that first: " + " && ".join(dict.fromkeys(holder.remedy for holder in holders)),
        )


def _claim(real: Path) -> int | None:
    """A descriptor with the exclusive claim that mounts and mappings need too (open(2), O_EXCL on a block device);
    None where this user may not open the device. It is the kernel's own word on who holds the device: mounts in
    other namespaces are not in our mount table.
    """
    try:
        return os.open(real, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
    except PermissionError:
        return None
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise Refused(
                "The device is in use by something that its mount table does not show.",
                f"Find it with lsblk {real} and fuser -v {real}; a container may have it mounted. Then run this again.",
            ) from error
        if error.errno in (errno.ENOMEDIUM, errno.ENXIO, errno.ENODEV):
            raise EnvironmentFailed(
                "There is no medium in the source.", "Insert the card or plug the drive in again."
            ) from error
        raise EnvironmentFailed(
            f"The source cannot be opened: {os.strerror(error.errno or 0)}.", "Check the cable and the port."
        ) from error


def _names(real: Path) -> list[str]:
    return [real.name, *Occupancy().parts(real.name)]


def _is_linux_device(path: Path) -> bool:
    return sys.platform == "linux" and stat.S_ISBLK(path.stat().st_mode)


# ---------------------------------------------------------------------------------------------------------- flags


def _flag_now(name: str) -> bool | None:
    # Imported here because Windows has no ioctl and never comes this far.
    from forensics.evidence.devices.kernel_flag import flag_of

    return flag_of(Path("/dev") / name)


def _flags(names: list[str]) -> list[KernelFlag]:
    return [
        KernelFlag(
            f"/dev/{name}", _flag_now(name), read_by="BLKROGET" if os.access(f"/dev/{name}", os.R_OK) else "sysfs"
        )
        for name in names
    ]


class _Held:
    """The flags of a device and its partitions while they are held, and what each reading of them said."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.flags = _flags(names)
        self.ended = False
        self.set_by_us: frozenset[str] = frozenset()
        self.left: frozenset[str] = frozenset()
        self.problems: list[str] = []
        self.attempted_write = ""

    def set(self) -> None:
        from forensics.evidence.devices.kernel_flag import set_flag

        for name in sorted(self.set_by_us):
            if name not in self.left and (problem := set_flag(Path("/dev") / name, True)):
                self.problems.append(f"it could not be set on /dev/{name} ({problem})")

    def read_back(self) -> None:
        from forensics.evidence.devices.kernel_flag import attempt_write

        self.flags = [replace(flag, during=now) for flag, now in self._now()]
        if self.flags[0].during:
            self.attempted_write = attempt_write(Path("/dev") / self.names[0])
        else:
            self.attempted_write = "not tried: the flag is not set"

    def measure_end(self) -> None:
        self.ended = True
        self.flags = [replace(flag, at_end=now) for flag, now in self._now()]

    def put_back(self) -> None:
        """Partitions last: while the whole device is read-only each of them says that it is too."""
        from forensics.evidence.devices.kernel_flag import set_flag

        if not self.set_by_us:
            return
        for name in (name for name in self.names if name in self.set_by_us):
            if (problem := set_flag(Path("/dev") / name, False)) and Path("/sys/class/block", name).exists():
                self.problems.append(f"it could not be put back on /dev/{name} ({problem})")
        self.flags = [replace(flag, restored=now) for flag, now in self._now()]

    @property
    def all_back(self) -> bool:
        wrong = [flag for flag in self.flags if flag.restored is not None and flag.restored != flag.before]
        return not wrong or not self.set_by_us

    def _now(self) -> list[tuple[KernelFlag, bool | None]]:
        return [(flag, _flag_now(name)) for flag, name in zip(self.flags, self.names, strict=True)]


@contextmanager
def _flags_held(names: list[str], set_flag: bool, notes: Path | None) -> Iterator[_Held]:
    from forensics.evidence.devices.kernel_flag import NOTES, Note

    held = _Held(names)
    note = None
    if set_flag:
        try:
            note = Note(names[0], notes or NOTES)
        except BlockingIOError as error:
            raise Refused(
                "The device is being protected by another acquisition on this computer.",
                "Wait until that one has ended.",
            ) from error
        except OSError as error:
            held.problems.append(f"it was not set: this user may not ({os.strerror(error.errno or 0)})")
    try:
        if note:
            held.left = note.left() & set(names)
            # What a killed run set is not how the exhibit came: before it, the flag was off.
            held.flags = [
                replace(f, before=False) if n in held.left else f for f, n in zip(held.flags, names, strict=True)
            ]
            held.set_by_us = frozenset(n for f, n in zip(held.flags, names, strict=True) if f.before is False)
            note.write(held.set_by_us)
        try:
            held.set()
            held.read_back()
            yield held
        finally:
            if held.set_by_us and held.flags[0].restored is None:
                held.put_back()
    finally:
        if note:
            note.close(keep=not held.all_back)


# ---------------------------------------------------------------------------------------------------------- words


def _of_no_device(path: Path, blocker: HardwareBlocker | None) -> Protection:
    if path.is_file():
        return Protection(READ_ONLY_FILE, "The source is a file and was opened for reading only.", blocker)
    return _with_blocker(
        Protection(
            NONE_MEASURED, "On this system no write protection is measured; the device was opened for reading only."
        ),
        blocker,
    )


def _worded(facts: Protection, held: _Held | None = None, mounts: tuple[Mount, ...] = ()) -> Protection:
    """The protection with the method and the sentences that its facts allow, and no more."""
    if held:
        facts = replace(
            facts,
            flags=tuple(held.flags),
            set_by_us=bool(held.set_by_us) and bool(held.flags[0].during) and held.names[0] in held.set_by_us,
            attempted_write=held.attempted_write,
            left_behind=bool(held.left),
        )
    measured = _measured(facts)
    sentences = [_of_flag(facts, measured)]
    if held and held.problems:
        sentences.append("Of the flag: " + "; ".join(held.problems) + ".")
    if facts.left_behind:
        sentences.append("It had been left set by an earlier acquisition that was killed.")
    if facts.attempted_write:
        sentences.append(f"A write of no bytes was {facts.attempted_write}.")
    if facts.claimed:
        sentences.append("The device was claimed exclusively, so that nothing could mount it.")
    elif held:
        sentences.append("The device was not claimed exclusively: this user may not open it.")
    if any(mount.writable for mount in mounts):
        sentences.append("A file system on the device was mounted for writing at that moment.")
    if held and held.ended and facts.flags[0].at_end is None:
        sentences.append("At the end the device no longer answered.")
    if any(flag.restored is not None for flag in facts.flags):
        back = all(flag.restored == flag.before for flag in facts.flags)
        sentences.append(
            "Afterwards the flag was put back as it was." if back else "AFTERWARDS THE FLAG WAS NOT AS BEFORE."
        )
    method = READ_ONLY_DEVICE if measured else NONE_MEASURED
    return _with_blocker(replace(facts, method=method, detail=" ".join(sentences)), facts.blocker)


def _measured(facts: Protection) -> bool:
    """Whether the flag was seen set at every moment of reading, and the write, where one was tried, was refused."""
    whole = facts.flags[0]
    seen: list[bool | None] = [value for value in (whole.during, whole.at_end) if value is not None] or [whole.before]
    return all(value is True for value in seen) and not facts.attempted_write.startswith("NOT")


def _of_flag(facts: Protection, measured: bool) -> str:
    whole = facts.flags[0]
    if measured and whole.before:
        return f"The kernel's read-only flag of the device was set, read back by {whole.read_by}."
    if measured:
        parts = f" and its {len(facts.flags) - 1} partition(s)" if len(facts.flags) > 1 else ""
        return f"The kernel's read-only flag was set by us on the device{parts}, and read back by {whole.read_by}."
    if whole.during and whole.at_end is False:
        return "The kernel's read-only flag was set and was found CLEARED BY SOMEBODY ELSE at the end of reading."
    if facts.attempted_write.startswith("NOT"):
        return "The kernel's read-only flag was set and does not keep writes off."
    return "The kernel's read-only flag of the device was not set; the device was opened for reading only."


def _with_blocker(protection: Protection, blocker: HardwareBlocker | None) -> Protection:
    if blocker is None:
        return protection
    known = f"{blocker.make} {blocker.model}, serial number {blocker.serial or 'not stated'}"
    method = HARDWARE_BLOCKER
    if protection.method == READ_ONLY_DEVICE:
        method += f"; {READ_ONLY_DEVICE}"
    return replace(
        protection,
        method=method,
        detail=f"The examiner declares a hardware blocker: {known}; this computer cannot see one. {protection.detail}",
        blocker=blocker,
    )
