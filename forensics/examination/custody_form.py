"""What a chain of custody asks of an exhibit and of every event: which fields there are, and a form to sign by hand."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile.views import ExhibitRow
from forensics.errors import Refused
from forensics.examination.open_case import OpenCase, verb
from forensics.jobs import pool
from forensics.jobs.events import Job
from forensics.model import CustodyEvent
from forensics.report.custody_form import Event, Item, build_form
from forensics.report.sheets import Photograph

ITEM_FIELDS = (
    "parent", "make", "model", "serial_usb", "serial_label", "capacity", "vid_pid", "condition", "seal_after",
    "received_how", "received_when", "clock_source", "storage", "retention", "possessed_from", "possessed_to",
    "machines", "copies_made",
)  # fmt: skip
"""Of an exhibit, beside what `receive` asks for by name: the device, and what the returning person states."""

EVENT_FIELDS = (
    "from", "to", "from_organisation", "to_organisation", "place", "purpose", "authority", "method", "when",
    "clock_source", "seal_before", "seal_after", "seal_intact", "hash_before", "hash_after", "tool", "settings_sha256",
    "derived", "unavoidable_change", "reason", "condition", "storage", "note",
)  # fmt: skip
EVENT_TYPES = (
    "receive", "transfer", "open", "image", "verify", "copy", "access", "export", "seal", "return", "destroy", "note",
)  # fmt: skip
_MOST_TEXT = 2000


def fields(given: Mapping[str, str], allowed: tuple[str, ...]) -> dict[str, str]:
    """The fields that were filled in, as they go into the ledger. Raises `Refused` for one that the form lacks."""
    told = {}
    for name, value in given.items():
        if name not in allowed:
            raise Refused(f"The form has no field {name}.", f"It has: {', '.join(allowed)}.")
        text = " ".join(value.split())
        if len(text) > _MOST_TEXT or not text.isprintable():
            raise Refused(
                f"The field {name} holds more than a line of text.", "Put longer texts into a file of their own."
            )
        if text:
            told[name] = text
    if told.get("seal_intact", "yes") not in ("yes", "no", "unknown"):
        raise Refused("A seal is intact, or not, or that is unknown.", "Give seal_intact=yes, no or unknown.")
    return told


def compared(told: dict[str, str]) -> dict[str, Any]:
    """The fields with the answer to "hash before and after, equal?" where both are given."""
    before, after = told.get("hash_before", ""), told.get("hash_after", "")
    return {**told, "hashes_equal": before.lower() == after.lower()} if before and after else dict(told)


@verb("custody-form", options=("exhibit",))
def custody_form(case: OpenCase, job: Job, *, exhibit: str, out: Path) -> dict[str, Any]:
    """The printable custody form of one exhibit, with its photographs, every event, and lines to sign on.

    Photographs come from outside and are decoded in an isolated worker; one that is not a picture is named, not shown.
    """
    with case.view() as view:
        row = next((row for row in view.exhibits() if row.label == exhibit), None)
        acquisition = next((each for each in view.acquisitions() if each.exhibit == exhibit), None)
    if row is None:
        raise Refused(f"Exhibit {exhibit} has not been received.", "First: drivecustody receive")
    size, head = case.ledger.head()
    item = Item(
        case=f"{case.details.number} {case.details.title}".strip(),
        organisation=case.details.organisation,
        exhibit=exhibit,
        received=row.received_utc,
        details={name: str(value) for name, value in row.details.items() if name != "photos" and value},
        hashes=dict(acquisition.hashes) if acquisition else {},
        photographs=photographs(case, [row]),
        events=tuple(_line(event) for event in case.ledger.events() if event.exhibit == exhibit),
        ledger_size=size,
        ledger_head=head,
    )
    job.check()
    digest = build_form(item, out)
    return {"out": str(out), "sha256": digest, "custody": {"form_sha256": digest, "exhibit": exhibit}}


def photographs(case: OpenCase, exhibits: Sequence[ExhibitRow]) -> tuple[Photograph, ...]:
    """The photographs of these exhibits as small pictures, decoded in an isolated worker for they come from outside."""
    kept = [
        (exhibit.label, str(photo["name"]), str(photo["sha256"]))
        for exhibit in exhibits
        for photo in exhibit.details.get("photos", [])
    ]
    paths = [case.folder.images(exhibit) / "photographs" / name for exhibit, name, _ in kept]
    as_kept = [
        path
        for path, (_, _, digest) in zip(paths, kept, strict=True)
        if path.is_file() and hashing.of_file(path) == digest
    ]
    locks = pool.Locks(tuple({path.parent for path in as_kept}))
    shrinking = pool.run(shrunk, as_kept, workers=1, seconds=20.0, locks=locks)
    shown = {result.item: result.value for result in shrinking} if as_kept else {}
    return tuple(
        Photograph(name, digest, shown.get(path), exhibit)
        for (exhibit, name, digest), path in zip(kept, paths, strict=True)
    )


def _line(event: CustodyEvent) -> Event:
    received = event.data.get("received")
    said = {**event.data, **received} if isinstance(received, dict) else event.data
    words = f"{said.get('verb', '')} {event.event}".strip()
    skipped = ("verb", "options", "program", "received", "photos", "from", "to")
    told = [(name, value) for name, value in said.items() if name not in skipped and value not in ("", [])]
    detail = "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in told)
    parties = " → ".join(str(said[side]) for side in ("from", "to") if said.get(side))
    return Event(event.seq, event.utc, event.actor, words, parties, detail, event.digest)


def shrunk(untrusted: Path) -> bytes | None:
    """A photograph as a small JPEG without what else its file holds; runs in a worker. None where it is no picture."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = 120_000_000
    with Image.open(untrusted, formats=("JPEG", "PNG", "TIFF", "WEBP", "BMP")) as picture:
        picture.draft("RGB", (1400, 1400))
        picture.thumbnail((1400, 1400))
        out = io.BytesIO()
        picture.convert("RGB").save(out, "JPEG", quality=82)
        return out.getvalue()
