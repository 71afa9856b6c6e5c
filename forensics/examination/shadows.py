"""The shadow copies of NTFS volumes become volumes of the case."""

from __future__ import annotations

from pathlib import Path

from forensics.casefile.layers import keep_layer, next_layer
from forensics.casefile.shadows import in_shadow, keep_blocks
from forensics.examination.isolation import Isolation
from forensics.examination.listing import ListShadows, list_shadows
from forensics.examination.open_case import OpenCase
from forensics.jobs import pool
from forensics.jobs.events import Job
from forensics.model import LAYER_BITS, OK, SHADOW, Layer, Volume, failed

SECONDS = 600.0
_LOOKED = "shadow_copies_looked_for"


def add_shadow_copies(
    case: OpenCase, job: Job, exhibit: str, segments: tuple[Path, ...], isolation: Isolation
) -> int:  # fmt: skip
    """Look for shadow copies in the NTFS volumes of an exhibit, once in each; returns how many were found."""
    found = 0
    looked = list(case.store.fact(_LOOKED) or [])
    for volume_id, volume, _ in case.store.volumes(exhibit):
        if volume.file_system != "NTFS" or volume.outcome != OK or in_shadow(volume) or volume_id in looked:
            continue
        job.progress("look for shadow copies", 0, None, "items")
        with case.store.begin() as connection:
            number = next_layer(connection, exhibit)
        (result,) = pool.run(
            list_shadows, [ListShadows(exhibit, segments, volume, number)], workers=1, seconds=SECONDS,
            check=job.check, locks=isolation.locks([segments]),
        )  # fmt: skip
        listed = result.value
        if listed is None:
            outcome = failed(f"volume shadow copies could not be read: {result.outcome.reason}")
            base = number << LAYER_BITS
            layers = (*volume.layers, f"{SHADOW}0")
            layer = Layer(
                base, 0, f"{SHADOW}0", "shadow copies", volume.offset, volume.length, None, below=volume.layer
            )
            listed = [(Volume(exhibit, volume.number, base, 0, layer.kind, "", "", 0, outcome, layers, layer), [], [])]
        looked.append(volume_id)
        with case.store.begin() as connection:
            for one, blocks, held in listed:
                shadow_id = keep_layer(connection, volume_id, one, None)
                keep_blocks(connection, shadow_id, blocks, held)
            case.store.put_fact(_LOOKED, looked, connection)
        found += len(listed)
    return found
