"""An acquisition that has begun and not ended: what it must be gone on with, beside what it has written."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from forensics.errors import Refused
from forensics.evidence.ewf_writer import EwfStamp
from forensics.evidence.sink import sync_folder
from forensics.examination.open_case import OpenCase
from forensics.model import Device

STATE = "acquisition.state.json"
_FORMAT = "drivecustody-unfinished-acquisition/v1"
_REMEDY = "Plug in the drive it was begun with; or add --restart, which throws the unfinished image away."


@dataclass(frozen=True, slots=True)
class Unfinished:
    """How an acquisition was begun. `begun` are the times of all its starts, the first one first.

    A `segment_size` of 0 is a raw image in one file. `second_copy` is a folder; empty where no copy was wanted. `stamp`
    makes the segments of an E01 belong together.
    """

    size: int
    sector_size: int
    serial: str
    format: str
    compression: str
    segment_size: int
    algorithms: tuple[str, ...]
    second_copy: str
    stamp: EwfStamp
    begun: tuple[str, ...]

    def save(self, folder: Path) -> None:
        """Put it into the folder of the image, durably, before the first byte of the image is there."""
        document = {
            **asdict(self),
            "format_of_this_file": _FORMAT,
            "stamp": {"identifier": self.stamp.identifier.hex(), "seconds": self.stamp.seconds},
        }
        draft = folder / (STATE + ".new")
        with draft.open("w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=1, sort_keys=True)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(folder / STATE)
        sync_folder(folder)

    def again(self, now: str) -> Unfinished:
        """The same after one more start."""
        return replace(self, begun=(*self.begun, now))

    def require_same_device(self, device: Device) -> None:
        """Raises `Refused` where `device` says it is another one than the acquisition was begun with.

        A serial is compared where both have one: a bridge may hide it. What is on the drive is compared by the imager.
        """
        for name in ("size", "sector_size", "serial"):
            before, now = getattr(self, name), getattr(device, name)
            if before and now and before != now:
                raise Refused(
                    f"The unfinished image was begun from a drive of another {name.replace('_', ' ')}: {before} then, "
                    f"{now} now.",
                    _REMEDY,
                )

    def require_same(self, **wanted: object) -> None:
        """Raises `Refused` where an option is `wanted` with another value than it was begun with; None is no wish."""
        for name, value in wanted.items():
            begun = getattr(self, name)
            if value is not None and value != begun:
                raise Refused(
                    f"The unfinished image was begun with another {name.replace('_', ' ')}: {_said(begun)}.",
                    "Leave that option away to go on; or add --restart, which throws the unfinished image away.",
                )


def _said(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value) or "none"


def read_unfinished(folder: Path) -> Unfinished | None:
    """What is unfinished in the folder of an image. None where nothing is, or where it is not said how it was begun."""
    try:
        document: dict[str, Any] = json.loads((folder / STATE).read_text("utf-8"))
        if document.pop("format_of_this_file") != _FORMAT:
            return None
        stamp = document["stamp"]
        return Unfinished(
            **{
                **document,
                "algorithms": tuple(document["algorithms"]),
                "stamp": EwfStamp(bytes.fromhex(stamp["identifier"]), int(stamp["seconds"])),
                "begun": tuple(document["begun"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def empty_folder(case: OpenCase, exhibit: str) -> Path:
    """The folder of the exhibit's image, without what an interrupted acquisition left there; the ledger says so."""
    folder = case.folder.images(exhibit)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    left = [path for path in folder.iterdir() if path.is_file()]
    for path in left:
        path.unlink()
    if left:
        case.record("unfinished-image-removed", {"files": sorted(path.name for path in left)}, exhibit)
    return folder
