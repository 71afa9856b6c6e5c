"""Source records against everything the drive holds: every byte of the image, and every extracted stream."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from forensics.casefile.store import Store
from forensics.casefile.stored import FoundEvidence, MatchUnit, SourceSet
from forensics.detection.scan import MARGIN
from forensics.errors import Refused
from forensics.examination.images import image_paths
from forensics.examination.index import workers
from forensics.examination.isolation import Isolation
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.units import Located, ScanPiece, ScanRange, scan_unit, take_index
from forensics.jobs import pool
from forensics.jobs.events import Job
from forensics.matching.chance import agreement_by_accident, held, moves_of
from forensics.matching.check_digit_arrays import CHECK_DIGITS
from forensics.matching.index import RecordIndex
from forensics.model import Evidence, Locator, OutcomeKind, Piece, Region, Unit, Volume

RANGE = 16 << 20
"""Bytes of the image that make one unit of work."""

SECONDS = 600.0
MEMORY = 8 << 30
"""Address space of a worker: the index of ten million records and the libraries' reserves fit in."""


@verb("match")
def match(case: OpenCase, job: Job) -> dict[str, Any]:
    """Find the source records on the drive. Interrupted, it goes on with the units that are left."""
    store = case.store
    sets = store.source_sets()
    if not sets:
        raise Refused(
            "There are no source records to compare with.",
            f"First: drivecustody records add {case.folder.path.name} FILE",
        )
    if not store.fact("indexed"):
        raise Refused("The contents have not been examined.", f"First: drivecustody index {case.folder.path.name}")
    acquisitions = store.acquisitions()
    images = {acquisition.exhibit: image_paths(case, acquisition) for acquisition in acquisitions}
    store.plan_match(list(_plan(case)))
    done, total = store.planned()
    if done < total:
        job.progress("read records", 0, None, "items")
        index = RecordIndex.build(store.source_records(), _check_digit(sets))
        store.put_fact("decoys", decoys_of(index))
        by_pieces = store.entries_with_pieces()
        places = {exhibit: _Places(store, exhibit, by_pieces) for exhibit in images}
        with closing(
            pool.run(
                scan_unit,
                _items(case, images, places),
                workers=workers(),
                seconds=SECONDS,
                memory_bytes=MEMORY,
                initializer=take_index,
                initargs=(index,),
                check=job.check,
                locks=Isolation().locks(images.values()),
            )
        ) as results:
            job.progress("compare with the records", done, total)
            for result in results:
                item = result.item
                found = [
                    places[item.exhibit].place(located) if isinstance(item, ScanRange) else _of_piece(item, located)
                    for located in (result.value.located if result.value else ())
                ]
                store.finish_unit(item.unit, result.outcome, found, result.value.decoys if result.value else ())
                if result.outcome.kind is not OutcomeKind.OK:
                    job.noted(result.outcome, _name(item))
                done += item.stop - item.start if isinstance(item, ScanRange) else item.piece.length
                job.progress("compare with the records", done, total)
    store.put_fact("matched", True)
    job.changed("evidence")
    count, persons = store.evidence_counts()
    counts = {"bytes": total, "evidence": count, "records_found": persons}
    return {**counts, "custody": {**counts, "source_sets_sha256": [s.sha256 for s in sets]}}


def _check_digit(sets: Sequence[SourceSet]) -> str:
    """The scheme that the ids of all sets of records follow, where decoys can be made by it."""
    schemes = {str(known.quality["member_id_check_digit"]) for known in sets}
    (scheme,) = schemes if len(schemes) == 1 else ("",)
    return scheme if scheme in CHECK_DIGITS else ""


def decoys_of(index: RecordIndex) -> dict[str, Any]:
    """What `assess` has to know of the decoys: how many there are, and how often two records agree by accident."""
    kinds = {str(move): asdict(held(index, move)) for move in moves_of(index)}
    return {"kinds": kinds, "agreement": agreement_by_accident(index)}


def _name(item: ScanRange | ScanPiece) -> str:
    if isinstance(item, ScanRange):
        return str(Locator(item.exhibit, offset=item.start, length=item.stop - item.start))
    return str(item.entry.locator)


def _plan(case: OpenCase) -> Iterator[MatchUnit]:
    for acquisition in case.store.acquisitions():
        for start in range(0, acquisition.size, RANGE):
            yield MatchUnit(0, acquisition.exhibit, start, min(start + RANGE, acquisition.size), None)
    for stored in case.store.pieces():
        yield MatchUnit(0, case.store.entry(stored.entry).entry.locator.exhibit, 0, 0, stored.id)


def _items(
    case: OpenCase, images: dict[str, tuple[Path, ...]], places: dict[str, _Places]
) -> Iterator[ScanRange | ScanPiece]:
    store = case.store
    volumes: dict[int, Volume] = {v: volume for exhibit in images for v, volume, _ in store.volumes(exhibit)}
    for unit in store.pending_units():
        segments = images[unit.exhibit]
        if unit.piece is None:
            elsewhere = places[unit.exhibit].elsewhere(unit.start, unit.stop)
            yield ScanRange(unit.id, unit.exhibit, segments, unit.start, unit.stop, elsewhere)
            continue
        stored = store.piece(unit.piece)
        holder = store.entry(stored.entry)
        data, data_offset = None, 0
        if stored.piece.data is None and holder.parent is not None:
            data_offset = max(0, stored.piece.offset - MARGIN)
            end = stored.piece.offset + stored.piece.length
            data = store.content_range(stored.entry, data_offset, end - data_offset)
        yield ScanPiece(
            unit.id,
            holder.id,
            holder.entry,
            stored.piece,
            segments,
            volumes[holder.volume] if holder.parent is None else None,
            data,
            data_offset,
        )


class _Places:
    """Device offsets of one exhibit, mapped back to the entries whose runs hold them."""

    def __init__(self, store: Store, exhibit: str, by_pieces: set[int]) -> None:
        starts, lengths, offsets, self._entries = store.runs(exhibit)
        self._starts, self._lengths, self._offsets = starts.tolist(), lengths.tolist(), offsets.tolist()
        self._store = store
        self._exhibit = exhibit
        self._by_pieces = by_pieces

    def elsewhere(self, start: int, stop: int) -> tuple[tuple[int, int], ...]:
        """The parts of this range that belong to entries which are matched by pieces."""
        first = max(0, bisect.bisect_right(self._starts, start) - 1)
        found = []
        for at in range(first, bisect.bisect_left(self._starts, stop)):
            end = self._starts[at] + self._lengths[at]
            if self._entries[at] in self._by_pieces and end > start:
                found.append((self._starts[at], end))
        return tuple(found)

    def place(self, located: Located) -> FoundEvidence:
        """The evidence at its place: in the entry whose run holds it, or in unallocated space."""
        at = bisect.bisect_right(self._starts, located.offset) - 1
        if at < 0 or located.offset >= self._starts[at] + self._lengths[at]:
            free = Locator(self._exhibit, region=Region.UNALLOCATED, offset=located.offset, length=located.length)
            return _evidence(None, str(free), Region.UNALLOCATED, False, located)
        number = self._entries[at]
        offset = self._offsets[at] + located.offset - self._starts[at]
        region = self._store.entry(number).entry.locator.region
        return _evidence(number, f"@{offset}+{located.length}", region, False, located)


def _of_piece(item: ScanPiece, located: Located) -> FoundEvidence:
    locator = item.entry.locator
    tail = _tail(locator, item.piece, located)
    return _evidence(item.entry_id, tail, locator.region, bool(locator.inner), located)


def _tail(locator: Locator, piece: Piece, located: Located) -> str:
    """What follows the entry's locator: steps into the content, then row, line or bytes."""
    if piece.unit is Unit.NONE:
        place = locator.into(*piece.steps).at(located.offset, located.length)
    else:
        place = locator.into(*piece.steps, f"{piece.unit} {located.number}")
    return str(place)[len(str(locator)) :]


def _evidence(entry: int | None, tail: str, region: Region, archived: bool, located: Located) -> FoundEvidence:
    evidence = Evidence(
        tail, located.record, region, archived, located.elements, located.agree, located.conflict, located.road
    )
    return FoundEvidence(entry, tail, evidence)
