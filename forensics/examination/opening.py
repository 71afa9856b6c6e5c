"""Encrypted volumes and the passwords of the case: each is tried once on each."""

from __future__ import annotations

from pathlib import Path

from forensics.casefile.layers import keep_layer, next_layer, say
from forensics.casefile.passwords import remembered
from forensics.evidence.file_system import ENCRYPTED_REASON
from forensics.examination.isolation import Isolation
from forensics.examination.listing import UnlockVolume, unlock_volume
from forensics.examination.open_case import OpenCase
from forensics.jobs import pool
from forensics.jobs.events import Job
from forensics.model import OutcomeKind, Volume, failed

SECONDS = 60.0
"""What one password may take: cryptsetup makes a slot cost two seconds of the machine it was made on."""

_TRIED = "passwords_tried_on_volumes"


def open_volumes(case: OpenCase, job: Job, exhibit: str, segments: tuple[Path, ...], isolation: Isolation) -> int:
    """Try the passwords on the encrypted volumes of an exhibit; returns how many were opened.

    What was tried on a volume in an earlier run is not tried again. The empty password goes first: a BitLocker volume
    whose protection is suspended opens without any. What is opened may be encrypted again.
    """
    opened = 0
    while True:
        waiting = [
            (volume_id, volume, left)
            for volume_id, volume, _ in case.store.volumes(exhibit)
            if _locked(volume) and (left := _untried(case, volume_id))
        ]
        if not waiting:
            return opened
        for volume_id, volume, left in waiting:
            opened += _open(case, job, segments, isolation, volume_id, volume, left)


def _locked(volume: Volume) -> bool:
    reason = volume.outcome.reason
    return volume.outcome.kind is OutcomeKind.NOT_EXAMINED and reason.startswith(ENCRYPTED_REASON)


def _untried(case: OpenCase, volume_id: int) -> tuple[str, ...]:
    done = int((case.store.fact(_TRIED) or {}).get(str(volume_id), 0))
    return ("", *remembered(case.store))[done:]


def _open(
    case: OpenCase, job: Job, segments: tuple[Path, ...], isolation: Isolation, volume_id: int, volume: Volume,
    passwords: tuple[str, ...],
) -> bool:  # fmt: skip
    """Whether one of the passwords opened the volume; all of them are then tried, whatever came of it."""
    job.progress("open encrypted volumes", 0, None, "items")
    with case.store.begin() as connection:
        number = next_layer(connection, volume.exhibit)
    item = UnlockVolume(volume.exhibit, segments, volume, passwords, number)
    (result,) = pool.run(
        unlock_volume, [item], workers=1, seconds=SECONDS * len(passwords), check=job.check,
        locks=isolation.locks([segments]),
    )  # fmt: skip
    found, outcome = (result.value.volume, result.value.outcome) if result.value else (None, result.outcome)
    tried = dict(case.store.fact(_TRIED) or {})
    with case.store.begin() as connection:
        if found is not None:
            keep_layer(connection, volume_id, found)
        elif outcome is not None:
            # It stays encrypted, with the reason why no password helped.
            reason = outcome.reason
            say(connection, volume_id, outcome if reason.startswith(ENCRYPTED_REASON) else failed(
                f"{ENCRYPTED_REASON}, and could not be opened: {reason}"))  # fmt: skip
        tried[str(volume_id)] = tried.get(str(volume_id), 0) + len(passwords)
        case.store.put_fact(_TRIED, tried, connection)
    return found is not None
