"""Every failure a person can meet, sorted by who must act on it.

`Refused` is a rule of the house and carries its remedy; `EnvironmentFailed` is the machine's (a disk, a device, a
permission); `Defect` is ours. The command line turns each into the exit status of its class; nothing else decides one.
"""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a finished command tells its caller (sysexits.h gives 70, the shell gives 128 + SIGINT)."""

    OK = 0
    VERIFICATION_FAILED = 1
    USAGE = 2
    REFUSED = 3
    ENVIRONMENT = 4
    DEFECT = 70
    CANCELLED = 130


class DriveCustodyError(Exception):
    """The root: one sentence that says what happened, one that says what to do. Never holds personal data."""

    status = ExitStatus.DEFECT

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class Refused(DriveCustodyError):
    """A rule says no; `remedy` says what would make it yes."""

    status = ExitStatus.REFUSED


class EnvironmentFailed(DriveCustodyError):
    """The machine failed us: a device gone, a disk full, a permission missing."""

    status = ExitStatus.ENVIRONMENT


class Defect(DriveCustodyError):
    """We are wrong: a promise inside the program does not hold."""

    status = ExitStatus.DEFECT


class NotIntact(DriveCustodyError):
    """Something that should be as it was sealed is not."""

    status = ExitStatus.VERIFICATION_FAILED


class Cancelled(DriveCustodyError):
    """The person asked to stop; what was finished is kept, and running the verb again goes on from there."""

    status = ExitStatus.CANCELLED

    def __init__(self) -> None:
        super().__init__("Stopped at your request.", "Run the same command again to go on.")
