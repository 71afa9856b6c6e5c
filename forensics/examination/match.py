"""Source records against everything the drive holds: every byte of the image, and every extracted stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from forensics.casefile.content_reader import exhibits_of_pieces
from forensics.casefile.shadows import drop_raw_repeats, stored_spans
from forensics.casefile.stored import MatchUnit, Seen
from forensics.errors import Refused
from forensics.examination.images import image_paths
from forensics.examination.index import workers
from forensics.examination.isolation import Isolation
from forensics.examination.linkage import link_rows
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.places import WORKER_MEMORY, Places, of_piece, pieces_of, scan_pieces
from forensics.examination.records_index import by_fingerprints, records_index
from forensics.examination.spikes import plant_spikes
from forensics.examination.units import DAMAGED_IMAGE, Compared, ScanPiece, ScanRange, scan_unit, take_index
from forensics.extraction.extract import KEEP_DELETED
from forensics.jobs import pool
from forensics.jobs.events import Job
from forensics.model import LAYER_BITS, SHADOW, Layer, Locator, OutcomeKind

RANGE = 16 << 20
"""Bytes of the image that make one unit of work."""

SECONDS = 600.0


@verb("match")
def match(case: OpenCase, job: Job, *, fuzzy: bool = False, spikes: int = 0) -> dict[str, Any]:
    """Find the source records on the drive. Interrupted, it goes on with the units that are left.

    With `fuzzy`, rows of tables that show nobody exactly are compared for likeness afterwards (`examination.linkage`).
    With `spikes`, so many invented persons a layout are planted in copies of the contents and looked for
    (`examination.spikes`).
    """
    store = case.store
    sets = store.source_sets()
    if not sets:
        raise Refused(
            "There are no source records to compare with.",
            f"First: drivecustody records add {case.folder.path.name} FILE",
        )
    if not store.fact("indexed"):
        raise Refused("The contents have not been examined.", f"First: drivecustody index {case.folder.path.name}")
    if spikes and by_fingerprints(sets):
        raise Refused(
            "Invented persons are made of the records' own names, and these are fingerprints.",
            "Run match without --spikes, or in a case that has the records themselves.",
        )
    if fuzzy and by_fingerprints(sets):
        raise Refused(
            "Fingerprints are equal or not: nothing can be compared for likeness.",
            "Run match without --fuzzy, or in a case that has the records themselves.",
        )
    acquisitions = store.acquisitions()
    images = {acquisition.exhibit: image_paths(case, acquisition) for acquisition in acquisitions}
    store.plan_match(list(_plan(case)))
    done, total = store.planned()
    if done < total:
        job.progress("read records", 0, None, "items")
        index, decoys = records_index(store)
        store.put_fact("decoys", decoys)
        by_pieces = store.entries_with_pieces(but=KEEP_DELETED)
        places = {exhibit: Places(store, exhibit, by_pieces) for exhibit in images}
        with closing(
            pool.run(
                scan_unit,
                _items(case, images, places),
                workers=workers(),
                seconds=SECONDS,
                memory_bytes=WORKER_MEMORY,
                initializer=take_index,
                initargs=(index,),
                check=job.check,
                locks=Isolation().locks(images.values()),
            )
        ) as results:
            job.progress("compare with the records", done, total)
            for result in results:
                item = result.item
                value = result.value or Compared([], (), Seen())
                found = [
                    places[item.exhibit].place(located) if isinstance(item, ScanRange) else of_piece(item, located)
                    for located in value.located
                ]
                outcome = DAMAGED_IMAGE if value.damaged else result.outcome
                store.finish_unit(item.unit, outcome, found, value.decoys, value.seen)
                if outcome.kind is not OutcomeKind.OK:
                    job.noted(outcome, _name(item))
                done += item.stop - item.start if isinstance(item, ScanRange) else item.piece.length
                job.progress("compare with the records", done, total)
    for exhibit in images:
        drop_raw_repeats(store, exhibit)
    store.put_fact("matched", True)
    linked = link_rows(case, job, images) if fuzzy else None
    recall = plant_spikes(case, job, images, spikes) if spikes else None
    job.changed("evidence")
    count, persons = store.evidence_counts()
    counts = {"bytes": total, "evidence": count, "records_found": persons, "rows_alike": linked, "planted": recall}
    return {**counts, "custody": {**counts, "source_sets_sha256": [s.sha256 for s in sets]}}


def _name(item: ScanRange | ScanPiece) -> str:
    if isinstance(item, ScanRange):
        return str(Locator(item.exhibit, offset=item.start, length=item.stop - item.start))
    return str(item.entry.locator)


def _plan(case: OpenCase) -> Iterator[MatchUnit]:
    for acquisition in case.store.acquisitions():
        for start in range(0, acquisition.size, RANGE):
            yield MatchUnit(0, acquisition.exhibit, start, min(start + RANGE, acquisition.size), None)
        for layer in _layers(case, acquisition.exhibit).values():
            if layer.name.startswith(SHADOW):
                continue
            for start in range(layer.base, layer.base + layer.size, RANGE):
                yield MatchUnit(0, acquisition.exhibit, start, min(start + RANGE, layer.base + layer.size), None)
        for start, stop in stored_spans(case.store, acquisition.exhibit, RANGE):
            yield MatchUnit(0, acquisition.exhibit, start, stop, None)
    for piece, exhibit in exhibits_of_pieces(case.store):
        yield MatchUnit(0, exhibit, 0, 0, piece)


def _layers(case: OpenCase, exhibit: str) -> dict[int, Layer]:
    """The layers of an exhibit by number, whose bytes are compared as those of the device are."""
    layers = [volume.layer for _, volume, _ in case.store.volumes(exhibit) if volume.layer is not None]
    return {layer.base >> LAYER_BITS: layer for layer in layers}


def _items(
    case: OpenCase, images: dict[str, tuple[Path, ...]], places: dict[str, Places]
) -> Iterator[ScanRange | ScanPiece]:
    units = case.store.pending_units()
    pieces = scan_pieces(case, images, pieces_of(units))
    layers = {exhibit: _layers(case, exhibit) for exhibit in images}
    for unit in units:
        if unit.piece is None:
            elsewhere = places[unit.exhibit].elsewhere(unit.start, unit.stop)
            yield ScanRange(
                unit.id,
                unit.exhibit,
                images[unit.exhibit],
                unit.start,
                unit.stop,
                elsewhere,
                layers[unit.exhibit].get(unit.start >> LAYER_BITS),
            )
        else:
            yield next(pieces)
