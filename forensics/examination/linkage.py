"""Rows of tables that show nobody exactly, compared for likeness with all records: what `match --fuzzy` adds.

It runs after the exact comparison and needs nothing of it but that it is done. What it finds is never more than
possible: `exposure.strata` gives it a stratum of its own, which no decoys measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from forensics.casefile.content_reader import exhibits_of_pieces
from forensics.casefile.stored import FoundEvidence, MatchUnit
from forensics.examination.isolation import Isolation
from forensics.examination.open_case import OpenCase
from forensics.examination.places import WORKER_MEMORY, of_piece, pieces_of, scan_pieces
from forensics.examination.units import Located, ScanPiece, piece_data, table_rows
from forensics.exposure.strata import LINKAGE
from forensics.jobs import pool
from forensics.jobs.events import Job
from forensics.matching.agreement import DECIDING
from forensics.matching.index import FIELDS, RecordIndex
from forensics.matching.linkage import Link, Linker
from forensics.matching.linkage_fields import NAMES
from forensics.matching.unlinked import unlinked_rows
from forensics.model import ELEMENTS, OutcomeKind

SECONDS = 1800.0
"""For one piece of at most 8 MiB of which no row shows anybody exactly."""

WORKERS = 1
"""Index and linker of a million records take over a gigabyte; a second process would double that."""

_ELEMENT_OF = {"given_name": "name", "family_name": "name", "city": "address", "postal_code": "address"}

_tools: tuple[RecordIndex, Linker] | None = None


def link_rows(case: OpenCase, job: Job, images: Mapping[str, tuple[Path, ...]]) -> int:
    """Compare what the exact comparison left; gives the number of rows that are much like one record.

    Interrupted, it goes on with the pieces that are left.
    """
    store = case.store
    tables = [MatchUnit(0, exhibit, 0, 0, piece) for piece, exhibit in exhibits_of_pieces(store, tables_only=True)]
    store.plan_match(tables, LINKAGE)
    done, total = store.planned(LINKAGE)
    if done < total:
        job.progress("compare for likeness", done, total)
        index = RecordIndex.from_fields(store.record_fields(FIELDS))
        linker = Linker((row[0], dict(zip(NAMES, row[1:], strict=True))) for row in store.record_fields(NAMES))
        with closing(
            pool.run(
                link_unit,
                scan_pieces(case, images, pieces_of(store.pending_units(LINKAGE))),
                workers=WORKERS,
                seconds=SECONDS,
                memory_bytes=WORKER_MEMORY,
                initializer=take_tools,
                initargs=(index, linker),
                check=job.check,
                locks=Isolation().locks(images.values()),
            )
        ) as results:
            for result in results:
                item = result.item
                found: list[FoundEvidence] = [of_piece(item, located) for located in result.value or ()]
                store.finish_unit(item.unit, result.outcome, found)
                if result.outcome.kind is not OutcomeKind.OK:
                    job.noted(result.outcome, str(item.entry.locator))
                done += item.piece.length
                job.progress("compare for likeness", done, total)
    store.put_fact("linked", True)
    return store.evidence_counts(LINKAGE)[0]


# ------------------------------------------------------------------------------------------------------- in a worker


def take_tools(index: RecordIndex, linker: Linker) -> None:
    global _tools
    _tools = index, linker


def link_unit(item: ScanPiece) -> list[Located]:
    """The rows of one piece that show nobody exactly and are much like one record."""
    if _tools is None:
        raise ValueError("the worker was not given the records")
    index, linker = _tools
    data, _ = piece_data(item)
    table = table_rows(item.piece, data, 0, len(data), index)
    left = unlinked_rows(table.cells, table.found, index)
    links = linker.link([fields for _, fields in left])
    return [_located(item, left[link.row], link) for link in links]


def _located(item: ScanPiece, row: tuple[int, Mapping[str, str]], link: Link) -> Located:
    number, fields = row
    elements = frozenset(_ELEMENT_OF.get(name, name) for name in fields) & frozenset(ELEMENTS)
    equal = _elements(link, "equal")
    if not {"given_name", "family_name"} <= link.agree:
        equal -= {"name"}
    differing = _elements(link, "different") - equal
    why = f"{link.explained()}; probability {link.probability:.2f}"
    return Located(
        link.record, item.piece.first + number, 0, 0, elements, equal & DECIDING, differing & DECIDING, LINKAGE, why
    )


def _elements(link: Link, level: str) -> frozenset[str]:
    return frozenset(_names(link, level))


def _names(link: Link, level: str) -> Iterator[str]:
    for one in link.contributions:
        if one.level == level:
            yield _ELEMENT_OF.get(one.field, one.field)
