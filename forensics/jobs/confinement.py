"""What a worker may no longer do once it has its work: the kernel's own locks, Landlock and seccomp.

| lock | since | what it takes away |
|---|---|---|
| Landlock | Linux 5.13 | writing, making and removing files; reading any that is not under the folders named |
| seccomp | Linux 3.17 | sockets, starting programs, looking into other processes, namespaces, code for the kernel |

Both hold for the rest of the process's life and for its children, need no privilege and no package: three system
calls of Landlock (Documentation/userspace-api/landlock.rst) and one filter (Documentation/userspace-api/
seccomp_filter.rst). What the machine lacks is left out, and `Confinement` says what was in force.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Confinement:
    """What is in force in this process. `landlock` is the kernel's version of it, 0 for none."""

    landlock: int = 0
    seccomp: bool = False
    programs: bool = False
    """Whether other programs may be started, under the same locks."""

    @property
    def in_words(self) -> str:
        """A phrase for the report."""
        held = []
        if self.landlock:
            held.append(f"no file written, none read but the image and the program's own (Landlock {self.landlock})")
        if self.seccomp:
            others = "other programs only under the same locks" if self.programs else "no other program"
            held.append(f"no network, {others} (seccomp)")
        return "; ".join(held) or "processes of their own with limits on memory and time; no locks of the kernel"


def confine(readable: Iterable[Path], programs: bool = False) -> Confinement:
    """Give up what a parser does not need: from here on, files are read only beneath `readable` and none is written.

    The interpreter and the system's libraries stay readable, because modules are loaded as they are needed. With
    `programs` other programs may be started (for text recognition), which are held by the same locks; they may read
    what the system's packages brought, and write nowhere. Threads that run already are held by seccomp, by Landlock
    only those that start later: call it before any parser runs.
    """
    if sys.platform != "linux":
        return Confinement()
    libc = ctypes.CDLL(None, use_errno=True)
    # Both locks ask for the promise that no set-uid program gives back what was given up.
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return Confinement()
    landlock = _landlock(libc, [*readable, *_own_files()], programs)
    return Confinement(landlock, _seccomp(libc, programs), programs)


_PR_SET_NO_NEW_PRIVS = 38

# ------------------------------------------------------------------------------------------------------- landlock

# include/uapi/linux/landlock.h; the numbers of the calls are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights over files that each version knows: REFER came with 2, TRUNCATE with 3, IOCTL_DEV with 5."""

_TCP = 0b11
"""BIND_TCP and CONNECT_TCP, since version 4."""

_SCOPES = 0b11
"""Abstract UNIX sockets and signals of processes outside, since version 6."""


def _own_files() -> list[Path]:
    """What an interpreter reads while it runs: its modules, the system's libraries, and a few tables of the system."""
    program = {Path(p) for p in (sys.prefix, sys.base_prefix, sys.exec_prefix) if p}
    # An editable installation finds this package without its folder being on the path.
    modules = {Path(__file__).parents[1], *(Path(p) for p in sys.path if p)}
    bundle = getattr(sys, "_MEIPASS", None)
    system = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share", "/etc/ld.so.cache",
              "/etc/localtime", "/etc/fonts", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
              "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/sys", "/sys/devices/system/cpu",
              "/sys/fs/cgroup")  # fmt: skip
    return [*program, *modules, *([Path(bundle)] if bundle else []), *map(Path, system)]


def _landlock(libc: ctypes.CDLL, readable: Iterable[Path], programs: bool) -> int:
    """Allow what is named and nothing else; returns the version in force, 0 where the kernel has none."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return 0
    handled = _RIGHTS.get(version, _RIGHTS[5])
    attributes = struct.pack("<QQQ", handled, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    known = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(_CREATE_RULESET, attributes[:known], ctypes.c_size_t(known), 0)
    if ruleset < 0:
        return 0
    try:
        more = [Path("/usr/bin"), Path("/bin")] if programs else []
        for path in {*readable, *more}:
            _allow(libc, ruleset, path, _EXECUTE if programs else 0)
        if libc.syscall(_RESTRICT_SELF, ruleset, 0) != 0:
            return 0
    finally:
        os.close(ruleset)
    return int(version)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, more: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = _READ_FILE | more | (_READ_DIR if path.is_dir() else 0)
        if path == Path(os.devnull):
            rights |= _WRITE_FILE
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("<Qi", rights, beneath), 0)
    finally:
        os.close(beneath)


# -------------------------------------------------------------------------------------------------------- seccomp

# include/uapi/linux/{seccomp,filter,audit}.h
_SET_MODE_FILTER = 1
_ALL_THREADS = 1
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_X32 = 0x40000000

# Architecture in the kernel's terms, the number of seccomp(2), and those of the calls that are refused, from each
# architecture's own table (asm/unistd_64.h, asm-generic/unistd.h).
_CALLS: dict[str, tuple[int, int, dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        317,
        {
            "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "bind": 49, "listen": 50, "socketpair": 53,
            "ptrace": 101, "mount": 165, "umount2": 166, "init_module": 175, "finit_module": 313, "keyctl": 250,
            "add_key": 248, "request_key": 249, "unshare": 272, "setns": 308, "process_vm_readv": 310,
            "process_vm_writev": 311, "bpf": 321, "perf_event_open": 298, "io_uring_setup": 425, "pidfd_getfd": 438,
            "userfaultfd": 323, "kexec_load": 246, "execve": 59, "execveat": 322, "fork": 57, "vfork": 58,
        },
    ),
    "aarch64": (
        0xC00000B7,
        277,
        {
            "socket": 198, "connect": 203, "accept": 202, "sendto": 206, "bind": 200, "listen": 201,
            "socketpair": 199, "ptrace": 117, "mount": 40, "umount2": 39, "init_module": 105, "finit_module": 273,
            "keyctl": 219, "add_key": 217, "request_key": 218, "unshare": 97, "setns": 268, "process_vm_readv": 270,
            "process_vm_writev": 271, "bpf": 280, "perf_event_open": 241, "io_uring_setup": 425, "pidfd_getfd": 438,
            "userfaultfd": 282, "kexec_load": 104, "execve": 221, "execveat": 281,
        },
    ),
}  # fmt: skip
_STARTS_PROGRAMS = frozenset({"execve", "execveat", "fork", "vfork"})


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _seccomp(libc: ctypes.CDLL, programs: bool) -> bool:
    """Refuse the calls of the table with EPERM: a parser that asks for one fails as it would without permission."""
    known = _CALLS.get(platform.machine())
    if known is None:
        return False
    architecture, seccomp, calls = known
    spared = _STARTS_PROGRAMS if programs else frozenset[str]()
    refused = sorted(number for name, number in calls.items() if name not in spared)
    code = _filter(architecture, refused)
    program = _Program(len(code) // 8, code)
    return bool(libc.syscall(seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)) == 0)


def _filter(architecture: int, refused: list[int]) -> bytes:
    """The filter as instructions of classic BPF: code, jump if true, jump if false, operand."""
    refuse = len(refused) + 1
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        # Calls of another architecture have other numbers (32-bit programs on a 64-bit kernel).
        (_EQUAL, 0, refuse + 2, architecture),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, refuse, 0, _X32),
        *((_EQUAL, refuse - 1 - at, 0, number) for at, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)
