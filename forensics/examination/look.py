"""Looking into contents from the window: opened once for a reason that the ledger keeps, then read without another.

Bytes come from the image by the runs of the file, so that no file system is parsed here; what has no runs is read by a
worker. Pictures are decoded by a worker as well, and arrive as plain pixels. Workers are held by the kernel's locks.
"""

from __future__ import annotations

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics.casefile.stored import StoredEntry
from forensics.errors import EnvironmentFailed, Refused
from forensics.evidence.image import Image, open_image
from forensics.examination.images import image_paths
from forensics.examination.isolation import Isolation
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import OPENING_SECONDS, ReadEntry, read_entry
from forensics.hashing import new
from forensics.jobs import pool
from forensics.model import Locator, Volume

MOST = 1 << 20
"""Bytes of one answer at most."""

FIND_BLOCK = 4 << 20
FIND_MOST = 64 << 20
"""Bytes that one request looks through: the window asks again, and can stop in between."""

LONGEST_NEEDLE = 256
MOST_NEEDLES = 4
KEPT = 8
"""Contents that are open at a time; the one opened first is closed for the ninth."""

PICTURE_BYTES = 256 << 20
PICTURE_PIXELS = 200_000_000
PICTURE_WIDE, PICTURE_HIGH = 800, 600
PICTURE_SECONDS = 20.0
READ_SECONDS = 30.0
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
        """Answer `open`, `bytes`, `find`, `place`, `picture` or `save`.

        Raises `Refused`, `EnvironmentFailed` where the image cannot be read, or `ValueError` for what is no request.
        """
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
            needles = _needles(request["hex"])
            offset = int(request["offset"])
            if offset < 0:
                raise ValueError("offsets count up from zero")
            return (self._find_back if request.get("back") else self._find)(opened, needles, offset)
        if verb == "place":
            return self._place(opened, int(request["offset"]))
        if verb == "picture":
            return self._picture(opened)
        if verb == "save":
            return self._save(opened, Path(str(request["out"])), str(request.get("reason", "")))
        raise Refused("There is no such request in this version.", "Requests: open, bytes, find, place, picture, save.")

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
        begins = self._place(opened, 0)["device_offset"]
        return {"look": self._last, "size": opened.size, "device_offset": begins}

    # -------------------------------------------------------------------------------------------------------- parts

    def _image(self, opened: _Opened) -> Image:
        image = self._images.get(opened.segments)
        if image is None:
            image = self._images[opened.segments] = open_image(opened.segments)
        return image

    def _of_image(self, opened: _Opened, offset: int, length: int) -> bytes:
        try:
            data = self._image(opened).read_at(offset, length)
        except OSError as error:
            raise EnvironmentFailed("The image cannot be read.", "Check the drive on which the case lies.") from error
        if len(data) < length:
            raise EnvironmentFailed("The image is shorter than it was.", "Check it: drivecustody verify-image")
        return data

    def _read(self, opened: _Opened, offset: int, length: int) -> bytes:
        length = max(0, min(length, opened.size - offset))
        if not length:
            return b""
        stored = opened.entry
        if stored is None:
            return self._of_image(opened, offset, length)
        if stored.parent is not None:
            return self._case.store.content_range(stored.id, offset, length)
        assert opened.volume is not None
        in_layer = opened.volume.layer is not None
        if not in_layer and (found := self._by_runs(opened, stored, offset, length)) is not None:
            return found
        item = ReadEntry(opened.segments, opened.volume, stored.entry, offset, length)
        locks = Isolation().locks([opened.segments])
        seconds = OPENING_SECONDS if in_layer else READ_SECONDS
        (read,) = pool.run(read_entry, [item], workers=1, seconds=seconds, locks=locks)
        if read.value is None:
            raise Refused(
                "These bytes could not be read.", "Look at them in the image: the exhibit's line of the tree."
            )
        return read.value

    def _by_runs(self, opened: _Opened, stored: StoredEntry, offset: int, length: int) -> bytes | None:
        """The bytes where runs cover all of them, as those of plain files do; else None."""
        parts, at, end = [], offset, offset + length
        for run in sorted(stored.entry.runs, key=lambda run: run.file_offset):
            if run.file_offset <= at < run.file_offset + run.length:
                take = min(end, run.file_offset + run.length) - at
                if run.device_offset + at - run.file_offset + take > self._image(opened).size:
                    return None
                parts.append(self._of_image(opened, run.device_offset + at - run.file_offset, take))
                at += take
        return b"".join(parts) if at == end else None

    def _find(self, opened: _Opened, needles: list[bytes], offset: int) -> dict[str, Any]:
        """The first place of any of these at or behind `offset`, or `to`: where looking for them has to go on."""
        stop, over = min(opened.size, offset + FIND_MOST), max(map(len, needles)) - 1
        while offset < stop:
            block = self._read_all(opened, offset, FIND_BLOCK + over)
            # Behind the block stand the ends of what begins in it, and nothing that is looked for yet.
            places = [(at, len(n)) for n in needles if (at := block.find(n, 0, FIND_BLOCK + len(n) - 1)) >= 0]
            if places:
                at, length = min(places)
                return {"found": offset + at, "length": length, "to": offset + at, "size": opened.size}
            offset += FIND_BLOCK
        return {"found": None, "length": 0, "to": min(offset, opened.size), "size": opened.size}

    def _find_back(self, opened: _Opened, needles: list[bytes], offset: int) -> dict[str, Any]:
        """The last place of any of these that begins before `offset`, or `to`: before which to go on."""
        offset, over = min(offset, opened.size), max(map(len, needles)) - 1
        stop = max(0, offset - FIND_MOST)
        while offset > stop:
            start = max(0, offset - FIND_BLOCK)
            block, own = self._read_all(opened, start, offset - start + over), offset - start
            places = [(at, len(n)) for n in needles if (at := block.rfind(n, 0, own + len(n) - 1)) >= 0]
            if places:
                at, length = max(places)
                return {"found": start + at, "length": length, "to": start + at, "size": opened.size}
            offset = start
        return {"found": None, "length": 0, "to": offset, "size": opened.size}

    def _place(self, opened: _Opened, offset: int) -> dict[str, Any]:
        """Where in the image a byte stands, and for how many bytes the two go together; None where it does not."""
        stored = opened.entry
        found: tuple[int | None, int] = (None, 0)
        if stored is None:
            found = (offset, opened.size - offset) if 0 <= offset < opened.size else found
        elif stored.parent is None and not (opened.volume and opened.volume.layer):
            for run in stored.entry.runs:
                if run.file_offset <= offset < min(run.file_offset + run.length, opened.size):
                    inside = offset - run.file_offset
                    end = min(run.length, opened.size - run.file_offset)
                    found = run.device_offset + inside, end - inside
        return {"exhibit": opened.exhibit, "device_offset": found[0], "length": found[1]}

    def _read_all(self, opened: _Opened, offset: int, length: int) -> bytes:
        parts = []
        while length > 0 and (part := self._read(opened, offset, min(length, FIND_BLOCK))):
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return b"".join(parts)

    def _save(self, opened: _Opened, out: Path, reason: str) -> dict[str, Any]:
        """A copy of the content in a file of its own, which only its maker may read; recorded first, with the reason.

        `as_indexed` says whether the copy has the SHA-256 that `index` found, None where it found none.
        """
        stored = opened.entry
        if stored is None:
            raise Refused("A whole image is not copied from here.", "Take the image's own files.")
        if not reason.strip():
            raise Refused("Copying contents out of the case is recorded in the ledger.", "Give a reason.")
        if self._case.folder.path.resolve() in out.resolve().parents:
            raise Refused("The copy would lie inside of the case.", "Choose another folder.")
        try:
            handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        except FileExistsError as error:
            raise Refused("There is a file of this name already.", "Choose another name.") from error
        except OSError as error:
            raise EnvironmentFailed("The copy cannot be written there.", "Choose another folder.") from error
        digest, offset = new("sha256"), 0
        try:
            with os.fdopen(handle, "wb") as stream:
                # Not the name of the copy: names may be names of people.
                said = {"entry": stored.id, "length": opened.size, "reason": reason.strip()}
                self._case.record("content-copied-out", said, opened.exhibit)
                while offset < opened.size:
                    part = self._read(opened, offset, FIND_BLOCK)
                    if not part:
                        raise Refused("The content ends before its size.", "Look at its bytes in the image.")
                    digest.update(part)
                    stream.write(part)
                    offset += len(part)
                stream.flush()
                os.fsync(stream.fileno())
        except BaseException as error:
            out.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise EnvironmentFailed(
                    "The copy could not be written.", "Make room there, or choose another."
                ) from error
            raise
        with self._case.view() as view:
            known = view.files([stored.id])[stored.id].sha256 or None
        made = digest.hexdigest()
        return {"sha256": made, "size": offset, "as_indexed": None if known is None else known == made}

    def _picture(self, opened: _Opened) -> dict[str, Any]:
        if opened.entry is None or opened.size > PICTURE_BYTES:
            raise Refused("This is no picture, or too large a one to be shown.", "Look at its bytes.")
        item = _Picture(self._read_all(opened, 0, opened.size))
        (shown,) = pool.run(pixels, [item], workers=1, seconds=PICTURE_SECONDS, locks=Isolation().locks([]))
        if shown.value is None:
            raise Refused("The picture could not be decoded.", "Look at its bytes.")
        return {
            "width": shown.value.width, "height": shown.value.height, "of": list(shown.value.of),
            "rgb": base64.b64encode(shown.value.rgb).decode("ascii"),
        }  # fmt: skip


def _needles(untrusted: Any) -> list[bytes]:
    """One pattern or several, in hexadecimal."""
    found = [bytes.fromhex(str(one)) for one in (untrusted if isinstance(untrusted, list) else [untrusted])]
    if not 0 < len(found) <= MOST_NEEDLES or not all(0 < len(one) <= LONGEST_NEEDLE for one in found):
        raise Refused(f"One to {LONGEST_NEEDLE} bytes can be looked for.", "Shorten what is looked for.")
    return found


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
