"""A process that crashes leaves no picture of its memory: keys, passphrases and people's values are in it."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

# prctl(2), include/uapi/linux/prctl.h
_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
# SetErrorMode and WerSetFlags of the Windows API (errhandlingapi.h, werapi.h)
_SEM_NOGPFAULTERRORBOX, _SEM_FAILCRITICALERRORS = 0x2, 0x1
_WER_FAULT_REPORTING_FLAG_NOHEAP = 1


@dataclass(frozen=True, slots=True)
class CoreDumps:
    """What the system promised of this process: `off` that it writes none, and `means` by which."""

    off: bool
    means: tuple[str, ...]


def forbid() -> CoreDumps:
    """Forbid them for this process and, where the system passes limits on, for what it starts. Never raises.

    Linux: no core file, and none through a pipe either, for a core pattern that is a pipe ignores the limit (core(5));
    others of the same user can then not read this process's memory or environment (ptrace(2)). Other POSIX systems:
    the limit. Windows: error reports without the heap, as far as a process decides that itself; a dump that an
    administrator configured for all programs is beyond it, so `off` is False there.
    """
    if sys.platform == "win32":
        return _windows()
    means = []
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        means.append("RLIMIT_CORE 0")
    except (ImportError, OSError, ValueError):
        return CoreDumps(False, ())
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        if prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 or prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
            return CoreDumps(False, tuple(means))
        means.append("PR_SET_DUMPABLE 0")
    return CoreDumps(True, tuple(means))


def _windows() -> CoreDumps:
    means = []
    try:
        kernel32 = ctypes.CDLL("kernel32")
        kernel32.SetErrorMode(_SEM_NOGPFAULTERRORBOX | _SEM_FAILCRITICALERRORS)
        means.append("SetErrorMode")
        if kernel32.WerSetFlags(_WER_FAULT_REPORTING_FLAG_NOHEAP) == 0:
            means.append("WER without heap")
    except (OSError, AttributeError):
        pass
    return CoreDumps(False, tuple(means))
