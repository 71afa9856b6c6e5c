"""From an image to contents: volumes, entries, hashes, types, extracted text and tables, children of containers."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from forensics.casefile.content_reader import load_contents
from forensics.casefile.coverage import keep_layout, weigh_coverage
from forensics.casefile.examined import finish_entries
from forensics.casefile.passwords import remember, remembered, reopen
from forensics.casefile.shadows import Known, in_shadow, link_unchanged, settle_shadow_copies
from forensics.casefile.stored import ExaminedEntry
from forensics.errors import Refused
from forensics.evidence.allocation import Layout
from forensics.evidence.file_system import OPENED_BY_PASSWORD
from forensics.examination.images import image_paths
from forensics.examination.isolation import Isolation
from forensics.examination.listing import ListEntries, ListVolumes, list_entries, list_volumes
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.opening import open_volumes
from forensics.examination.plausibility import weigh_plausibility
from forensics.examination.recognition import UNREAD, read_pictures, tell_recognition, unread
from forensics.examination.shadows import add_shadow_copies
from forensics.examination.text_index import fill_search
from forensics.examination.units import ExamineEntry, examine_entry, take_aids
from forensics.extraction.locked import LOCKED
from forensics.extraction.recognition import find
from forensics.jobs import pool
from forensics.jobs.events import Job
from forensics.jobs.turns import Turns
from forensics.model import OutcomeKind, Volume, failed

DEEPEST = 16
"""Containers in containers that are followed; what lies deeper is listed as not examined."""

SECONDS = 300.0
"""What one content may take. The slowest sound one met (a workbook of a million rows) takes seven."""

WALK_SECONDS = 3600.0

COMMIT_EVERY_S = 1.0
COMMIT_BYTES = 64 << 20


def workers() -> int:
    """As many workers as processors that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return max(1, os.cpu_count() or 1)


@verb("index")
def index(case: OpenCase, job: Job, passwords: Sequence[str] = (), recognition: bool = True) -> dict[str, Any]:
    """Examine what every image holds. What cannot be examined is a row with its reason, never an end of the verb.

    `passwords` are tried on what is locked, now and by every later `index`; they are kept in the encrypted case, and
    stand in no ledger and no message. With `recognition` text is read off pictures where tesseract is installed, after
    everything else, and also off those that an earlier `index` left.
    """
    store = case.store
    acquisitions = store.acquisitions()
    if not acquisitions:
        raise Refused("There is no image to examine.", "First: drivecustody acquire, or import-image.")
    images = {acquisition.exhibit: image_paths(case, acquisition) for acquisition in acquisitions}
    isolation = Isolation()
    if remember(store, passwords):
        store.forget_matches()
        reopen(store, (LOCKED,))
    for exhibit, segments in images.items():
        _list(case, job, exhibit, segments, isolation)
    done, total, _, _ = store.entry_counts()
    if done < total or not store.fact("indexed"):
        store.forget_matches()
    recogniser = find() if recognition else None
    later = UNREAD if recogniser else ()
    _examine(case, job, images, isolation, later, in_shadows=False)
    _examine(case, job, images, isolation, later, in_shadows=True)
    settle_shadow_copies(store)
    doubtful = weigh_plausibility(case)
    searchable = fill_search(case, job, workers())
    shares = _weigh_coverage(case)
    if recogniser and unread(store):
        store.forget_matches()
        read_pictures(case, job, images, isolation, recogniser, workers())
        settle_shadow_copies(store)
        searchable = fill_search(case, job, workers())
        shares = _weigh_coverage(case)
    if isolation.measured:
        store.put_fact("isolation", isolation.told())
    store.put_fact("indexed", True)
    job.changed("file_entry", "volume", "piece", "coverage")
    with case.view() as view:
        status, outcome = view.counts_by("status"), view.counts_by("outcome")
        left = [item.reason for item in view.not_examined()]
        misnamed = len(view.misnamed())
    counts = {"entries": sum(status.values()), "by_status": status, "by_outcome": outcome, "not_examined": len(left)}
    counts["locked"] = sum(reason == LOCKED or reason in OPENED_BY_PASSWORD for reason in left)
    counts["implausible"] = doubtful
    counts["misnamed"] = misnamed
    if tried := len(remembered(store)):
        counts["passwords_tried"] = tried
    counts["searchable"] = searchable
    counts["recognition"] = tell_recognition(store, recognition, recogniser)
    held = store.fact("isolation")
    return {**counts, "coverage": shares, "isolation": held, "custody": {**counts, "isolation": held}}


def _weigh_coverage(case: OpenCase) -> dict[str, Any]:
    """Exhibit → its size, and the bytes of each volume by their fate; `outside` is what no volume holds."""
    told: dict[str, Any] = {}
    for acquisition in case.store.acquisitions():
        with case.store.begin() as connection:
            shares = weigh_coverage(connection, acquisition)
        volumes: dict[str, dict[str, int]] = {}
        for share in shares:
            place = "outside" if share.volume is None else f"vol{share.volume}"
            volumes.setdefault(place, {})[str(share.fate)] = share.bytes
        told[acquisition.exhibit] = {"size": acquisition.size, "volumes": volumes}
    return told


def _list(case: OpenCase, job: Job, exhibit: str, segments: tuple[Path, ...], isolation: Isolation) -> None:
    """Volumes of an image and the entries of each, by a worker: file systems are as hostile as files."""
    store = case.store
    if not store.volumes(exhibit):
        items = [ListVolumes(exhibit, segments)]
        locks = isolation.locks([segments])
        for listed in pool.run(list_volumes, items, workers=1, seconds=WALK_SECONDS, check=job.check, locks=locks):
            if listed.value is None:
                size = next(a.size for a in store.acquisitions() if a.exhibit == exhibit)
                outcome = failed(f"the partitions could not be read: {listed.outcome.reason}")
                store.add_volumes([Volume(exhibit, 0, 0, size, "device", "unknown", "", 0, outcome)])
            else:
                store.add_volumes(listed.value)
    if open_volumes(case, job, exhibit, segments, isolation) + add_shadow_copies(
        case, job, exhibit, segments, isolation
    ):
        store.forget_matches()
    volumes = store.volumes(exhibit)
    for _, volume, _ in volumes:
        if volume.outcome.kind is not OutcomeKind.OK:
            job.noted(volume.outcome, f"{exhibit}/{volume.name}")
    # Shadow copies come behind the volumes that they are of, the newest first: the numbers of entries say which of
    # two equal ones is the one to examine.
    for shadows in (False, True):
        left = {
            volume.name: (volume_id, volume)
            for volume_id, volume, walked in sorted(volumes, key=lambda one: one[0])
            if not walked and in_shadow(volume) is shadows
        }
        _list_entries(case, job, exhibit, segments, isolation, left)
    link_unchanged(store, exhibit)


def _list_entries(
    case: OpenCase, job: Job, exhibit: str, segments: tuple[Path, ...], isolation: Isolation,
    left: dict[str, tuple[int, Volume]],
) -> None:  # fmt: skip
    store = case.store
    to_list = [ListEntries(exhibit, segments, volume) for _, volume in left.values()]
    turns = Turns[ListEntries, Any](lambda _: "the numbers of entries")
    results = pool.run(
        list_entries, turns.asked(to_list), workers=workers(), seconds=WALK_SECONDS, check=job.check,
        locks=isolation.locks([segments]),
    )  # fmt: skip
    for done, result in enumerate(turns.in_turn(results), 1):
        volume_id, volume = left[result.item.volume.name]
        if result.value is None:
            store.fail_volume(volume_id, failed(f"its entries could not be listed: {result.outcome.reason}"))
            job.noted(result.outcome, f"{exhibit}/{volume.name}")
        else:
            entries, layout = result.value
            store.add_entries(volume_id, entries, partial(_keep_layout, volume_id, layout))
        job.progress("list entries", done, len(to_list), "items")
        job.changed("file_entry")


def _keep_layout(volume_id: int, layout: Layout | None, connection: Any) -> None:
    if layout is not None:
        keep_layout(connection, volume_id, layout.slack, layout.packed, layout.allocated)


@dataclass
class _Batch:
    """Finished entries that wait for the next commit."""

    held: list[ExaminedEntry] = field(default_factory=list)
    size: int = 0
    since: float = field(default_factory=time.monotonic)

    def add(self, examined: ExaminedEntry) -> None:
        self.held.append(examined)
        self.size += sum(len(piece.data or b"") for piece in examined.pieces)
        self.size += sum(len(child.data) for child in examined.children)

    @property
    def due(self) -> bool:
        return self.size >= COMMIT_BYTES or time.monotonic() - self.since >= COMMIT_EVERY_S


def _examine(
    case: OpenCase,
    job: Job,
    images: dict[str, tuple[Path, ...]],
    isolation: Isolation,
    later: Sequence[str],
    in_shadows: bool,
) -> None:
    """Examine all pending entries, and the children they turn out to have, until none is left.

    Those of shadow copies come last: of what is known by then, only that it is there is kept. What ends for one of the
    reasons `later` is not noted: its turn comes.
    """
    store = case.store
    known = Known(store)
    volumes = {volume_id: volume for exhibit in images for volume_id, volume, _ in store.volumes(exhibit)}
    while True:
        _, _, done, total = store.entry_counts()
        batch = _Batch()
        rounds = 0
        # Of two entries with the same content the first is examined, whichever ends first: evidence has one place.
        turns = Turns[ExamineEntry, ExaminedEntry](_may_repeat)
        items = turns.asked(_pending(case, images, volumes, in_shadows))
        locks = isolation.locks(images.values())
        results = pool.run(
            examine_entry, items, workers=workers(), seconds=SECONDS, check=job.check, locks=locks,
            initializer=take_aids, initargs=(remembered(store),), share=lambda item: pool.of_bytes(item.entry.size),
        )  # fmt: skip
        try:
            for result in turns.in_turn(results):
                rounds += 1
                item = result.item
                examined = result.value or ExaminedEntry(item.id, "unknown", {}, result.outcome)
                ended = examined.outcome
                if ended.kind not in (OutcomeKind.OK, OutcomeKind.EMPTY) and ended.reason not in later:
                    job.noted(examined.outcome, str(item.entry.locator))
                if item.volume is not None and in_shadow(item.volume):
                    examined = known.without_repeats(examined, item.entry)
                batch.add(examined)
                done += item.entry.size
                job.progress("examine contents", min(done, total), total)
                if batch.due:
                    finish_entries(store, batch.held, known.links())
                    job.changed("file_entry")
                    batch = _Batch()
                del result, item, examined  # the next answer is read before the names are bound again
        finally:
            results.close()
            # Whatever stops the verb, what was examined is kept.
            finish_entries(store, batch.held, known.links())
        if not rounds:
            return


def _may_repeat(item: ExamineEntry) -> int | None:
    """Entries of shadow copies can have the same content only where their size is the same."""
    shadowed = item.volume is not None and in_shadow(item.volume)
    return item.entry.size if shadowed and item.entry.size else None


def _pending(
    case: OpenCase, images: dict[str, tuple[Path, ...]], volumes: dict[int, Volume], in_shadows: bool
) -> Iterator[ExamineEntry]:
    after = 0
    while pending := case.store.pending_entries(after, in_shadows=in_shadows):
        after = pending[-1].id
        for stored, data in load_contents(case.store, pending):
            yield ExamineEntry(
                stored.id,
                stored.entry,
                images[stored.entry.locator.exhibit],
                None if stored.parent is not None else volumes[stored.volume],
                data,
                stored.depth < DEEPEST,
            )
