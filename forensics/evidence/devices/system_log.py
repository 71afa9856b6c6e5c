"""What the log of Linux says of one device since it was plugged in: the kernel's lines, and udisks' mounts."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from forensics.evidence.devices.system import History, LogRow

JOURNAL = ["journalctl", "--boot", "--no-pager", "--output", "json", "_TRANSPORT=kernel", "+", "_COMM=udisksd"]
KERNEL_RING = ["dmesg", "--time-format", "iso"]

_PLUGGED = re.compile(r": new .*\bUSB device number \d+")
"""The kernel's line when a USB device appears (drivers/usb/core/hub.c, `hub_port_init`)."""

_RING_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\S+) (.*)")

FIRST, LAST = 200, 300
"""A failing drive fills the log; how it was plugged in, and what came last, is what tells."""


@dataclass(frozen=True, slots=True)
class Log:
    """All rows of the log of this start of the computer, and which program gave them."""

    program: str
    rows: tuple[LogRow, ...]


def read_log() -> Log | History:
    """The journal where it can be read, else the kernel's ring; where neither can, the `History` that says so."""
    problems = []
    for command, read in ((JOURNAL, read_journal), (KERNEL_RING, read_ring)):
        output, problem = _output(command)
        if rows := read(output):
            return Log(command[0], tuple(rows))
        problems.append(f"{command[0]}: {problem or 'it is empty'}")
    return History(False, "No log could be read (" + "; ".join(problems) + ").")


def read_journal(output: str) -> list[LogRow]:
    """Rows of `journalctl --output json`: one object a line, times in microseconds, messages as text or as bytes."""
    rows = []
    for line in output.splitlines():
        try:
            entry = json.loads(line)
            time = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
            message = entry["MESSAGE"]
        except (ValueError, KeyError, TypeError):
            continue
        text = bytes(message).decode("utf-8", "replace") if isinstance(message, list) else str(message)
        rows.append(LogRow(time.isoformat(timespec="seconds"), text))
    return rows


def read_ring(output: str) -> list[LogRow]:
    """Rows of `dmesg --time-format iso`. Its times come from a clock that stands still while the computer sleeps."""
    return [
        LogRow(match[1].replace(",", "."), match[2])
        for line in output.splitlines()
        if (match := _RING_LINE.match(line))
    ]


def limited(log: Log, names: Sequence[str], usb_port: str, scsi_address: str) -> History:
    """Of all rows those that name the device, from the last time that something was plugged into its USB port.

    Names like sdb are given anew: without a USB port an older device of the same name cannot be told apart.
    """
    start = 0
    found = False
    if usb_port:
        port = re.compile(rf"usb {re.escape(usb_port)}: new ")
        for number, row in enumerate(log.rows):
            if port.match(row.text) and _PLUGGED.search(row.text):
                start, found = number, True
    words = [re.escape(name) for name in names]
    if usb_port:
        words.append(rf"{re.escape(usb_port)}(?::\d+\.\d+)?")
    if scsi_address:
        words += [re.escape(scsi_address), rf"host{scsi_address.partition(':')[0]}"]
    about = re.compile(rf"(?<![\w.:-])(?:/dev/)?(?:{'|'.join(words)})(?![\w.-])")
    chosen = tuple(row for row in log.rows[start:] if about.search(row.text))
    if found:
        detail = f"from {log.program}, since it was plugged in"
    else:
        detail = f"from {log.program}; it does not show the plugging in: lines may be missing, or of another device"
    if len(chosen) > FIRST + LAST:
        detail += f"; the first {FIRST} and the last {LAST} of {len(chosen):,} lines"
        chosen = chosen[:FIRST] + chosen[-LAST:]
    return History(True, detail, chosen, found)


_MOUNTED = re.compile(
    r"\b(?:mounted filesystem|re-mounted|mounted /dev/\S+ at|mounting V\d|first mount of filesystem)\b", re.IGNORECASE
)
_READ_ONLY = re.compile(r"\b(?:ro|read-only|readonly)\b")
"""Of Linux's fs/ext4/super.c, fs/xfs/xfs_super.c and others, and of udisks' daemon. FAT and exFAT say nothing when they
are mounted: no such line is no proof."""


def mounted(rows: Sequence[LogRow]) -> list[LogRow]:
    """The rows that say that a file system was mounted, without those that say that it was so read-only."""
    return [row for row in rows if _MOUNTED.search(row.text) and not _READ_ONLY.search(row.text)]


def _output(command: list[str]) -> tuple[str, str]:
    try:
        done = subprocess.run(command, capture_output=True, timeout=30)
    except FileNotFoundError:
        return "", "it is not installed"
    except (OSError, subprocess.SubprocessError):
        return "", "it did not answer"
    text = done.stdout.decode("utf-8", "replace")
    return text, "" if done.returncode == 0 else "it may not be read by this user"
