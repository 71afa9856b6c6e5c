"""The spike test: what share of persons planted in copies of this drive's contents is found, layout by layout.

Tables get rows written as their own rows are; texts and free space get lines in a few spellings. Nothing is written to
the image: a worker changes the bytes that it has read. Persons are invented (`matching.spikes`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import numpy as np

from forensics.examination.isolation import Isolation
from forensics.examination.open_case import OpenCase
from forensics.examination.places import WORKER_MEMORY, Places, scan_pieces
from forensics.examination.records_index import records_index
from forensics.examination.spike_units import APART, AS_THE_TABLE, Spike, plant, take_spikes
from forensics.examination.units import ScanRange
from forensics.jobs import pool
from forensics.jobs.events import Job
from forensics.matching.index import FIELDS, RecordIndex
from forensics.matching.spikes import ENCODINGS, SPELLINGS, invented
from forensics.model import OutcomeKind, SourceRecord

FACT = "spikes"

MODELS = 5_000
"""Records, spread over all of them, of whose parts the invented persons are made."""

PLACES = 8
"""Tables, texts and ranges of free space among which the persons of a layout are shared out."""

SEED = 20_260_102

SECONDS = 600.0


def plant_spikes(case: OpenCase, job: Job, images: Mapping[str, tuple[Path, ...]], each: int) -> int:
    """Plant so many persons a layout, look for them, and keep the counts for `assess`. Gives how many were planted.

    An interrupted test is begun anew.
    """
    layouts = _layouts()
    real, _ = records_index(case.store)
    persons = invented(_models(case), each * len(layouts), real, SEED)
    first = len(real.fields)
    numbered = dict(enumerate(persons, first))
    together = RecordIndex.from_fields(
        chain(
            case.store.record_fields(FIELDS),
            ((number, *(getattr(one, field) for field in FIELDS)) for number, one in numbered.items()),
        ),
        real.check_digit,
    )
    shares = {
        layout: list(numbered)[place * each : (place + 1) * each] for place, layout in enumerate(layouts)
    }  # fmt: skip
    spikes = list(_spikes(case, images, shares))
    planted: Counter[str] = Counter()
    found: dict[str, Counter[int]] = {layout: Counter() for layout in layouts}
    with closing(
        pool.run(
            plant,
            iter(spikes),
            workers=1,
            seconds=SECONDS,
            memory_bytes=WORKER_MEMORY,
            initializer=take_spikes,
            initargs=(together, numbered),
            check=job.check,
            locks=Isolation().locks(images.values()),
        )
    ) as results:
        for done, result in enumerate(results, 1):
            job.progress("look for planted persons", done, len(spikes), "items")
            if result.outcome.kind is OutcomeKind.OK and result.value:
                planted.update(result.value.planted)
                for layout, counts in result.value.found.items():
                    found[layout].update(counts)
    told = [
        {"layout": layout, "planted": planted[layout], "found": {str(s): n for s, n in sorted(found[layout].items())}}
        for layout in layouts
    ]
    case.store.put_fact(FACT, {"each": each, "seed": SEED, "layouts": told})
    return planted.total()


def _layouts() -> list[str]:
    return [
        f"a table: {AS_THE_TABLE}",
        *(f"a text: {spelling.name}" for spelling in SPELLINGS),
        *(f"{encoding}: {spelling.name}" for encoding in ENCODINGS for spelling in SPELLINGS[::2]),
    ]


def _models(case: OpenCase) -> list[SourceRecord]:
    names = ("given_name", "family_name", "birth_date", "ssn", "member_id", "address", "city", "state", "postal_code",
             "phone")  # fmt: skip
    step = max(1, case.store.record_count() // MODELS)
    rows = (row for place, row in enumerate(case.store.record_fields(names)) if place % step == 0)
    return [SourceRecord("", **dict(zip(names, row[1:], strict=True))) for row in rows]


def _spikes(
    case: OpenCase, images: Mapping[str, tuple[Path, ...]], shares: Mapping[str, Sequence[int]]
) -> Iterator[Spike]:
    """The places, each with its share of the persons of every layout that belongs there."""
    rng = np.random.default_rng(SEED)
    tables, texts = [], []
    for stored in case.store.pieces():
        if stored.piece.table:
            tables.append(stored.id)
        elif stored.piece.encoding != "binary":
            texts.append(stored.id)
    shown = case.store.pieces_that_show_records()
    tables = [piece for piece in tables if piece in shown]
    for pieces, kind in ((tables, "a table: "), (texts, "a text: ")):
        chosen = [(0, pieces[at]) for at in sorted(rng.permutation(len(pieces))[:PLACES].tolist())]
        items = list(scan_pieces(case, images, chosen))
        for item, persons in zip(items, _shared(shares, kind, len(items)), strict=True):
            yield Spike(item, persons)
    free = [one for exhibit in images for one in _free_space(case, exhibit, images[exhibit])]
    chosen_ranges = [free[at] for at in sorted(rng.permutation(len(free))[:PLACES].tolist())]
    for encoding in ENCODINGS:
        persons_of = _shared(shares, f"{encoding}: ", len(chosen_ranges))
        for (item, gaps), persons in zip(chosen_ranges, persons_of, strict=True):
            yield Spike(item, persons, gaps)


def _shared(
    shares: Mapping[str, Sequence[int]], kind: str, places: int
) -> list[tuple[tuple[str, tuple[int, ...]], ...]]:
    """For each of so many places, the persons of every layout of this kind who are planted there."""
    return [
        tuple((layout, tuple(persons[place::places])) for layout, persons in shares.items() if layout.startswith(kind))
        for place in range(places)
    ]


_RANGE = 16 << 20


def _free_space(
    case: OpenCase, exhibit: str, segments: tuple[Path, ...]
) -> Iterator[tuple[ScanRange, tuple[tuple[int, int], ...]]]:
    """Ranges of the device that hold stretches of no file, with these stretches."""
    places = Places(case.store, exhibit, case.store.entries_with_pieces())
    size = next(made.size for made in case.store.acquisitions() if made.exhibit == exhibit)
    for start in range(0, size, _RANGE):
        stop = min(start + _RANGE, size)
        gaps = tuple((a, b) for a, b in places.gaps(start, stop) if b - a >= 2 * APART)
        if gaps:
            yield ScanRange(0, exhibit, segments, start, stop, places.elsewhere(start, stop)), gaps
