"""Looking into contents from the window: opened once for a reason that the ledger keeps, then read without another.

Bytes come from the image by the runs of the file, so that no file system is parsed here; what has no runs is read by a
worker. Pictures are decoded by a worker as well, and arrive as plain pixels.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics.casefile.stored import StoredEntry
from forensics.errors import Refused
from forensics.evidence.image import Image, open_image
from forensics.examination.images import image_paths
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import OPENING_SECONDS, SECONDS, ReadEntry, read_entry
from forensics.jobs import pool
from forensics.model import Locator, Volume

MOST = 1 << 20
"""Bytes of one answer at most."""

FIND_BLOCK = 4 << 20
FIND_MOST = 64 << 20
"""Bytes that one request looks through: the window asks again, and can stop in between."""

LONGEST_NEEDLE = 256
KEPT = 8
"""Contents that are open at a time; the one opened first is closed for the ninth."""

PICTURE_BYTES = 256 << 20
PICTURE_PIXELS = 200_000_000
PICTURE_WIDE, PICTURE_HIGH = 800, 600
PICTURE_SECONDS = 20.0
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")


@dataclass
class _Opened:
    exhibit: str
    segments: tuple[Path, ...]
    size: int
    entry: StoredEntry | None
    volume: Volume | None


class Looks:
    """What one `serve` has open. Close it at the end."""

    def __init__(self, case: OpenCase) -> None:
        self._case = case
        self._opened: dict[int, _Opened] = {}
        self._images: dict[tuple[Path, ...], Image] = {}
        self._last = 0

    def close(self) -> None:
        for image in self._images.values():
            image.close()
        self._images.clear()
        self._opened.clear()

    def request(self, verb: str, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `open`, `bytes`, `find` or `picture`. Raises `Refused`, or `ValueError` for what is no request."""
        if verb == "open":
            return self.open(str(request["locator"]), str(request.get("reason", "")))
        opened = self._opened.get(int(request["look"]))
        if opened is None:
            raise Refused("This content is not open any more.", "Open it again.")
        if verb == "bytes":
            offset, length = int(request["offset"]), min(MOST, int(request["length"]))
            if offset < 0 or length < 0:
                raise ValueError("offsets and lengths count up from zero")
            return {"offset": offset, "data": base64.b64encode(self._read(opened, offset, length)).decode("ascii")}
        if verb == "find":
            return self._find(opened, bytes.fromhex(str(request["hex"])), int(request["offset"]))
        if verb == "picture":
            return self._picture(opened)
        raise Refused("There is no such request in this version.", "Requests: open, bytes, find, picture.")

    def open(self, locator: str, reason: str) -> dict[str, Any]:
        """Open an exhibit's image (`E-001`) or the content of an entry; recorded first, once for all that is read."""
        reason = reason.strip()
        if not reason:
            raise Refused("Reading contents is recorded in the ledger and needs a reason.", "Give a reason.")
        place = Locator.parse(locator)
        acquisition = next((a for a in self._case.store.acquisitions() if a.exhibit == place.exhibit), None)
        if acquisition is None:
            raise Refused(f"{place.exhibit} has no image.", "First: drivecustody acquire, or import-image.")
        segments = image_paths(self._case, acquisition)
        if place.volume is None and not place.path:
            self._case.record(
                "content-read", {"offset": 0, "length": acquisition.size, "reason": reason}, place.exhibit
            )
            opened = _Opened(place.exhibit, segments, acquisition.size, None, None)
        else:
            stored = self._case.store.entry_by_locator(place.whole)
            # The number stands for the entry: names on the exhibit may be names of people.
            said = {"entry": stored.id, "offset": 0, "length": stored.entry.size, "reason": reason}
            self._case.record("content-read", said, place.exhibit)
            volume = next(v for number, v, _ in self._case.store.volumes(place.exhibit) if number == stored.volume)
            opened = _Opened(place.exhibit, segments, stored.entry.size, stored, volume)
        while len(self._opened) >= KEPT:
            del self._opened[min(self._opened)]
        self._last += 1
        self._opened[self._last] = opened
        runs = opened.entry.entry.runs if opened.entry and opened.entry.parent is None else ()
        at = runs[0].device_offset if runs and not place.layers else None
        return {"look": self._last, "size": opened.size, "device_offset": at}

    # -------------------------------------------------------------------------------------------------------- parts

    def _image(self, opened: _Opened) -> Image:
        image = self._images.get(opened.segments)
        if image is None:
            image = self._images[opened.segments] = open_image(opened.segments)
        return image

    def _read(self, opened: _Opened, offset: int, length: int) -> bytes:
        length = max(0, min(length, opened.size - offset))
        if not length:
            return b""
        stored = opened.entry
        if stored is None:
            return self._image(opened).read_at(offset, length)
        if stored.parent is not None:
            return self._case.store.content_range(stored.id, offset, length)
        assert opened.volume is not None
        in_layer = opened.volume.layer is not None
        if not in_layer and (found := self._by_runs(opened, stored, offset, length)) is not None:
            return found
        item = ReadEntry(opened.segments, opened.volume, stored.entry, offset, length)
        seconds = OPENING_SECONDS if in_layer else SECONDS
        return next(iter(pool.run(read_entry, [item], workers=1, seconds=seconds))).value or b""

    def _by_runs(self, opened: _Opened, stored: StoredEntry, offset: int, length: int) -> bytes | None:
        """The bytes where runs cover all of them, as those of plain files do; else None."""
        parts, at, end = [], offset, offset + length
        for run in sorted(stored.entry.runs, key=lambda run: run.file_offset):
            if run.file_offset <= at < run.file_offset + run.length:
                take = min(end, run.file_offset + run.length) - at
                part = self._image(opened).read_at(run.device_offset + at - run.file_offset, take)
                if len(part) != take:
                    return None
                parts.append(part)
                at += take
        return b"".join(parts) if at == end else None

    def _find(self, opened: _Opened, needle: bytes, offset: int) -> dict[str, Any]:
        """The first place of these bytes at or behind `offset`, or how far was looked without finding them."""
        if not 0 < len(needle) <= LONGEST_NEEDLE or offset < 0:
            raise Refused(f"One to {LONGEST_NEEDLE} bytes can be looked for.", "Shorten what is looked for.")
        stop = min(opened.size, offset + FIND_MOST)
        while offset < stop:
            block = self._read_all(opened, offset, FIND_BLOCK + len(needle) - 1)
            if (at := block.find(needle)) >= 0:
                return {"found": offset + at, "to": offset + at, "size": opened.size}
            if len(block) < len(needle):
                break
            offset += max(1, len(block) - len(needle) + 1)
        return {"found": None, "to": min(offset, opened.size), "size": opened.size}

    def _read_all(self, opened: _Opened, offset: int, length: int) -> bytes:
        parts = []
        while length > 0 and (part := self._read(opened, offset, min(length, FIND_BLOCK))):
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return b"".join(parts)

    def _picture(self, opened: _Opened) -> dict[str, Any]:
        if opened.entry is None or opened.size > PICTURE_BYTES:
            raise Refused("This is no picture, or too large a one to be shown.", "Look at its bytes.")
        item = _Picture(self._read_all(opened, 0, opened.size))
        (shown,) = pool.run(pixels, [item], workers=1, seconds=PICTURE_SECONDS)
        if shown.value is None:
            raise Refused("The picture could not be decoded.", "Look at its bytes.")
        return {
            "width": shown.value.width, "height": shown.value.height, "of": list(shown.value.of),
            "rgb": base64.b64encode(shown.value.rgb).decode("ascii"),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Picture:
    data: bytes


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture made small: `rgb` is three bytes a pixel, row by row; `of` is its true width and height."""

    width: int
    height: int
    rgb: bytes
    of: tuple[int, int]


def pixels(item: _Picture) -> Pixels:
    """Decode a picture, in a worker: its formats are as hostile as any other. Raises what its decoder raises."""
    import warnings

    from PIL import Image as pillow

    warnings.simplefilter("error", pillow.DecompressionBombWarning)
    pillow.MAX_IMAGE_PIXELS = PICTURE_PIXELS
    with pillow.open(io.BytesIO(item.data), formats=FORMATS) as picture:
        of = picture.size
        picture.draft("RGB", (PICTURE_WIDE, PICTURE_HIGH))
        picture.thumbnail((PICTURE_WIDE, PICTURE_HIGH))
        made = picture.convert("RGB")
    return Pixels(made.width, made.height, made.tobytes(), of)
