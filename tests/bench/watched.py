"""What one run of the command costs, with all its workers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

COMMAND = Path(sys.executable).with_name("drivecustody")


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float
    peak: int


class Watch(threading.Thread):
    """The peak of a process tree's memory."""

    def __init__(self, root: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.root, self.peak, self.over = root, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            total = 0
            try:
                for process in [self.root, *self.root.children(recursive=True)]:
                    total += process.memory_full_info().pss
            except psutil.Error:
                continue
            self.peak = max(self.peak, total)


def measure(arguments: Sequence[object], env: Mapping[str, str]) -> Cost:
    """Run the command and wait for it; ends this process where it fails."""
    before, begun = os.times(), time.monotonic()
    child = psutil.Popen([COMMAND, *map(str, arguments)], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    watch = Watch(child)
    watch.start()
    status = child.wait()
    watch.over.set()
    watch.join()
    after = os.times()
    if status:
        raise SystemExit(f"{arguments[0]} ended with status {status}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(time.monotonic() - begun, cpu, watch.peak)
