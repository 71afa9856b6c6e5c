"""Between the numbers that workers give and the places of the case: what a unit of the comparison reads, and where what
it found stands."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping
from itertools import tee
from pathlib import Path

from forensics.casefile.content_reader import load_pieces
from forensics.casefile.coverage import slack_of
from forensics.casefile.layers import place_of
from forensics.casefile.shadows import not_stored, stored_blocks
from forensics.casefile.store import Store
from forensics.casefile.stored import FoundEvidence, MatchUnit
from forensics.detection.scan import MARGIN
from forensics.examination.open_case import OpenCase
from forensics.examination.units import Located, ScanPiece
from forensics.model import SLACK, Evidence, Locator, Piece, Region, Unit, Volume

WORKER_MEMORY = 8 << 30
"""Address space of a worker: the index of ten million records and the libraries' reserves fit in."""


def scan_pieces(
    case: OpenCase,
    images: Mapping[str, tuple[Path, ...]],
    units: Iterable[tuple[int, int]],
    margin: int = MARGIN,
) -> Iterator[ScanPiece]:
    """What a worker needs to read the pieces of these units (number of the unit, number of the piece), in their order;
    of a content that came out of a container with `margin` bytes before each."""
    store = case.store
    volumes: dict[int, Volume] = {v: volume for exhibit in images for v, volume, _ in store.volumes(exhibit)}
    numbers, pieces = tee(units)
    for (unit, _), loaded in zip(numbers, load_pieces(store, (piece for _, piece in pieces), margin), strict=True):
        holder = loaded.holder
        yield ScanPiece(
            unit,
            holder.id,
            holder.entry,
            loaded.stored.piece,
            images[holder.entry.locator.exhibit],
            volumes[holder.volume] if holder.parent is None else None,
            loaded.data,
            loaded.data_offset,
        )


def pieces_of(units: Iterable[MatchUnit]) -> Iterator[tuple[int, int]]:
    """The units among these that are pieces, as `scan_pieces` takes them; ranges of bytes are left out."""
    return ((unit.id, unit.piece) for unit in units if unit.piece is not None)


class Places:
    """Device offsets of one exhibit, mapped back to the entries whose runs hold them."""

    def __init__(self, store: Store, exhibit: str, by_pieces: set[int]) -> None:
        starts, lengths, offsets, self._entries = store.runs(exhibit)
        self._starts, self._lengths, self._offsets = starts.tolist(), lengths.tolist(), offsets.tolist()
        self._store = store
        self._exhibit = exhibit
        self._by_pieces = by_pieces
        volumes = store.volumes(exhibit)
        self._volumes = [volume for _, volume, _ in volumes]
        self._units = {number: volume.block_size for number, volume, _ in volumes}
        self._blocks = stored_blocks(store, exhibit)
        with store.begin() as connection:
            self._slack = slack_of(connection, self._units)

    def elsewhere(self, start: int, stop: int) -> tuple[tuple[int, int], ...]:
        """The parts of this range that belong to entries which are matched by pieces, and in a shadow copy those that
        its store does not hold: they are elsewhere on the device."""
        first = max(0, bisect.bisect_right(self._starts, start) - 1)
        found = []
        for at in range(first, bisect.bisect_left(self._starts, stop)):
            end = self._starts[at] + self._lengths[at]
            if self._entries[at] in self._by_pieces and end > start:
                found.append((self._starts[at], end))
        return (*found, *not_stored(self._blocks, start, stop))

    def gaps(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """The parts of this range that belong to no entry, in their order."""
        at = max(0, bisect.bisect_right(self._starts, start) - 1)
        free = start
        while at < len(self._starts) and self._starts[at] < stop:
            if self._starts[at] > free:
                yield free, self._starts[at]
            free = max(free, self._starts[at] + self._lengths[at])
            at += 1
        if free < stop:
            yield free, stop

    def place(self, located: Located) -> FoundEvidence:
        """The evidence at its place: in the entry whose run holds it, behind its end, or in unallocated space."""
        at = bisect.bisect_right(self._starts, located.offset) - 1
        if at < 0 or located.offset >= self._starts[at] + self._lengths[at]:
            if at >= 0 and self._in_slack(at, located.offset):
                offset = self._offsets[at] + located.offset - self._starts[at]
                tail = f"{SLACK}@{offset}+{located.length}"
                return _evidence(self._entries[at], tail, Region.UNALLOCATED, False, located)
            free = place_of(self._volumes, self._exhibit, located.offset, located.length)
            return _evidence(None, str(free), Region.UNALLOCATED, False, located)
        number = self._entries[at]
        offset = self._offsets[at] + located.offset - self._starts[at]
        region = self._store.entry(number).entry.locator.region
        return _evidence(number, f"@{offset}+{located.length}", region, False, located)

    def _in_slack(self, at: int, address: int) -> bool:
        """Whether an address behind the end of this run is in what its file holds beyond its content.

        A content that fills its last cluster leaves nothing: what lies behind it then was given to another file.
        """
        end = self._starts[at] + self._lengths[at]
        if not end <= address < end + self._slack.get(end, 0):
            return False
        holder = self._store.entry(self._entries[at])
        unit = self._units.get(holder.volume, 0)
        return unit > 0 and (self._offsets[at] + self._lengths[at]) % unit > 0


def of_piece(item: ScanPiece, located: Located) -> FoundEvidence:
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
        tail,
        located.record,
        region,
        archived,
        located.elements,
        located.agree,
        located.conflict,
        located.road,
        located.why,
        located.wide,
    )
    return FoundEvidence(entry, tail, evidence)
