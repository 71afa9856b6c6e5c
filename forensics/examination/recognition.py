"""The last round of `index`: text is read off the pictures and scans that it left; and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from forensics.casefile.content_reader import load_contents
from forensics.casefile.passwords import remembered
from forensics.casefile.recognition import add_recognised, alike_left, count_left, count_noted, pictures_left
from forensics.casefile.store import Store
from forensics.casefile.stored import ExaminedEntry
from forensics.examination.isolation import Isolation
from forensics.examination.open_case import OpenCase
from forensics.examination.units import ExamineEntry, recognise_entry, take_aids
from forensics.extraction.pdf import IMAGES_ONLY, SOME_IMAGES
from forensics.extraction.pictures import NOT_READ
from forensics.extraction.recognition import NONE_RECOGNISED, RECOGNISED_BY, Recogniser
from forensics.extraction.sniff import PICTURES
from forensics.jobs import pool
from forensics.jobs.events import Job
from forensics.model import OutcomeKind

FACT = "recognition"
UNREAD = (NOT_READ, IMAGES_ONLY, SOME_IMAGES)
"""The reasons of what is left to be read. An entry that was read has another outcome, so a round goes on by itself."""

PAGED = ("pdf", "tiff")
SINGLE = tuple(sorted(set(PICTURES) - set(PAGED)))

DECODE_SECONDS = 60.0
"""What the decoding of a picture, or all that is done with pages beside recognition, may take."""

COMMIT_EVERY_S = 1.0


def unread(store: Store) -> int:
    """How many pictures and scans were not examined for text."""
    return count_left(store, UNREAD)


def read_pictures(
    case: OpenCase,
    job: Job,
    images: dict[str, tuple[Path, ...]],
    isolation: Isolation,
    recogniser: Recogniser,
    workers: int,
) -> None:
    """Read every picture and scan that is left, scanned documents before photographs. What was read is kept whatever
    stops it, and the next call reads the rest. What was read off one picture goes to all with the same content: the
    same mark stands in a thousand letters.
    """
    done, total = 0, unread(case.store)
    settled: set[int] = set()
    for types, seconds in ((PAGED, recogniser.content_seconds), (SINGLE, recogniser.picture_seconds)):
        read: list[ExaminedEntry] = []
        since = time.monotonic()
        running = pool.run(
            recognise_entry, _left(case, images, types, settled), workers=workers, seconds=seconds + DECODE_SECONDS,
            check=job.check, locks=isolation.locks(images.values(), recogniser.readable),
            initializer=take_aids, initargs=(remembered(case.store), recogniser),
        )  # fmt: skip
        job.progress("read pictures", done, total, "items")
        with closing(running) as results:
            try:
                for result in results:
                    item = result.item
                    if item.id in settled:
                        # It was with another worker when one like it came back.
                        continue
                    examined = result.value or ExaminedEntry(item.id, "unknown", {}, result.outcome)
                    if examined.outcome.kind is not OutcomeKind.OK:
                        job.noted(examined.outcome, str(item.entry.locator))
                    # What ended badly may end well for the next: it is tried.
                    whole = examined.outcome.kind is OutcomeKind.OK
                    alike = [n for n in alike_left(case.store, item.id, UNREAD) if n not in settled] if whole else []
                    settled.update((item.id, *alike))
                    read += [examined, *(replace(examined, id=number) for number in alike)]
                    done += 1 + len(alike)
                    job.progress("read pictures", done, total, "items")
                    if time.monotonic() - since >= COMMIT_EVERY_S:
                        add_recognised(case.store, read)
                        job.changed("file_entry", "piece")
                        read, since = [], time.monotonic()
            finally:
                add_recognised(case.store, read)
    job.changed("file_entry", "piece")


def _left(
    case: OpenCase, images: dict[str, tuple[Path, ...]], types: Sequence[str], settled: Container[int]
) -> Iterator[ExamineEntry]:
    volumes = {number: volume for exhibit in images for number, volume, _ in case.store.volumes(exhibit)}
    after = 0
    while left := pictures_left(case.store, UNREAD, types, after):
        after = left[-1].id
        for stored, data in load_contents(case.store, left):
            if stored.id in settled:
                continue
            volume = None if stored.parent is not None else volumes[stored.volume]
            segments = images[stored.entry.locator.exhibit]
            yield ExamineEntry(stored.id, stored.entry, segments, volume, data, may_have_children=False)


def tell_recognition(store: Store, wanted: bool, recogniser: Recogniser | None) -> dict[str, Any]:
    """Whether recognition was `wanted`; `program` and `languages` of this call, empty where it had none; how many
    contents had recognised text, had none, or were not examined for it.

    Kept in the case for the report, with the program that last read something.
    """
    told = {
        "wanted": wanted,
        "program": f"tesseract {recogniser.version}" if recogniser else "",
        "languages": list(recogniser.languages) if recogniser else [],
        "with_text": count_noted(store, RECOGNISED_BY),
        "without_text": count_noted(store, NONE_RECOGNISED),
        "not_read": unread(store),
    }
    before = store.fact(FACT) or {}
    by = told if recogniser or not before else before
    store.put_fact(FACT, {**told, "program": by["program"], "languages": by["languages"]})
    return told


def recognition_in_words(held: dict[str, Any] | None) -> tuple[str, ...]:
    """A sentence for the report; none where there were no pictures."""
    if not held or not (held["with_text"] or held["without_text"] or held["not_read"]):
        return ()
    said = ""
    if held["program"]:
        said = (
            f"Text on pictures and scanned pages was recognised by {held['program']} ({', '.join(held['languages'])}): "
            f"{held['with_text']:,} contents had some, {held['without_text']:,} had none. Such text may be wrong. "
        )
    if held["not_read"]:
        said += f"{held['not_read']:,} pictures and scans were not examined for text."
    return (said.strip(),)
