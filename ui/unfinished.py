"""What an interrupted acquisition left in the case folder, as far as a glance at its files tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST, STATE = "acquisition.json", "acquisition.state.json"


@dataclass(frozen=True, slots=True)
class UnfinishedImage:
    """An image that was begun. `stored` are the bytes it takes on the disk; `can_go_on` is False where nothing says how
    it was begun, and the next start begins anew. Texts are empty and numbers 0 where that is not known."""

    stored: int
    can_go_on: bool
    starts: tuple[str, ...] = ()
    size: int = 0
    serial: str = ""
    format: str = ""
    compression: str = ""
    segment_size: int = 0
    second_copy: str = ""


def unfinished_image(folder: Path) -> UnfinishedImage | None:
    """What is unfinished in the folder of an exhibit's image; None where nothing is there, or it is finished."""
    try:
        files = [path for path in folder.iterdir() if path.is_file()]
        if not files or (folder / MANIFEST).is_file():
            return None
        stored = sum(_on_disk(path) for path in files)
    except OSError:
        return None
    try:
        begun: dict[str, Any] = json.loads((folder / STATE).read_text("utf-8"))
        return UnfinishedImage(
            stored, True, tuple(map(str, begun["begun"])), int(begun["size"]), str(begun["serial"]),
            str(begun["format"]), str(begun["compression"]), int(begun["segment_size"]), str(begun["second_copy"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return UnfinishedImage(stored, False)


def _on_disk(path: Path) -> int:
    """A raw image has its full size from the beginning, and holes where nothing was written yet."""
    status = path.stat()
    blocks: int | None = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else min(status.st_size, blocks * 512)
