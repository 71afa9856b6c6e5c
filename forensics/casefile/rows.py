"""Between the tables of a case and the dataclasses of the house: what a row becomes, and what becomes a row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from forensics.casefile import schema
from forensics.casefile.runs import pack_runs, unpack_runs
from forensics.casefile.stored import (
    SourceSet,
    StoredEntry,
)
from forensics.model import (
    ELEMENTS,
    Acquisition,
    BadRange,
    Device,
    EntryStatus,
    Evidence,
    Extent,
    FileEntry,
    Locator,
    Outcome,
    OutcomeKind,
    Piece,
    Protection,
    Region,
    SecondRead,
    SeenBefore,
    SourceRecord,
    Unit,
    Volume,
)

_BIT = {element: 1 << place for place, element in enumerate(ELEMENTS)}


def pack_elements(elements: Iterable[str]) -> int:
    return sum(_BIT[element] for element in set(elements))


def unpack_elements(bits: int) -> frozenset[str]:
    return frozenset(element for element, bit in _BIT.items() if bits & bit)


def readable_name(untrusted: bytes) -> str:
    """A name for people: UTF-8 where it is, control and direction characters shown as escapes."""
    text = untrusted.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def read_acquisitions(connection: Connection) -> list[Acquisition]:
    documents = connection.scalars(select(schema.acquisition.c.document).order_by(schema.acquisition.c.exhibit))
    return [read_acquisition(json.loads(text)) for text in documents]


def read_source_sets(connection: Connection) -> list[SourceSet]:
    rows = connection.execute(select(schema.source_set).order_by(schema.source_set.c.id))
    return [SourceSet(r.name, r.sha256, r.as_of, r.records, json.loads(r.mapping), json.loads(r.quality)) for r in rows]


def read_source_record(row: Any) -> SourceRecord:
    """The record of a row of the table: number and set stand before its fields, further ones and places behind."""
    record = SourceRecord(*row[2:17])
    if not (row.extra or row.fingerprints):
        return record
    return replace(record, extra=json.loads(row.extra) if row.extra else {}, fingerprints=row.fingerprints)


def read_acquisition(document: dict[str, Any]) -> Acquisition:
    device = document["device"]
    again, seen = document.get("second_read"), document.get("seen_before")
    return Acquisition(
        **{
            **document,
            "segments": tuple(document["segments"]),
            "bad": tuple(BadRange(**bad) for bad in document["bad"]),
            "protection": Protection.from_json(document["protection"]),
            "begun": tuple(document.get("begun", ())),
            "seen_before": seen
            and SeenBefore(tuple((time, text) for time, text in seen["rows"]), seen["detail"], tuple(seen["mounted"])),
            "second_read": again
            and SecondRead(
                again["sha256"],
                tuple(Extent(**item) for item in again["differing"]),
                tuple(Extent(**item) for item in again["unreadable"]),
            ),
            "device": device and Device.from_json(device),
        }
    )


def read_volume(row: Any) -> Volume:
    return Volume(
        row.exhibit, row.number, row.byte_offset, row.byte_length, row.kind, row.file_system, row.label,
        row.block_size, Outcome(OutcomeKind(row.outcome), row.reason), tuple(filter(None, row.layers.split("/"))),
    )  # fmt: skip


def volume_row(volume: Volume) -> dict[str, Any]:
    return {
        "exhibit": volume.exhibit,
        "number": volume.number,
        "byte_offset": volume.offset,
        "byte_length": volume.length,
        "kind": volume.kind,
        "file_system": volume.file_system,
        "label": volume.label,
        "block_size": volume.block_size,
        "outcome": str(volume.outcome.kind),
        "reason": volume.outcome.reason,
        "walked": volume.outcome.kind is not OutcomeKind.OK,
        "layers": "/".join(volume.layers),
    }


def entry_row(volume_id: int, parent: int | None, depth: int, entry: FileEntry) -> dict[str, Any]:
    names = entry.locator.inner or entry.locator.path
    folder = b"/".join(entry.locator.path if entry.locator.inner else entry.locator.path[:-1])
    return {
        "exhibit": entry.locator.exhibit,
        "volume_id": volume_id,
        "parent_id": parent,
        "depth": depth,
        "locator": str(entry.locator),
        "name": readable_name(names[-1] if names else b""),
        "folder": readable_name(folder),
        "status": str(entry.status),
        "size": entry.size,
        "address": entry.address,
        "modified": entry.modified,
        "created": entry.created,
        "accessed": entry.accessed,
        "clock": entry.clock,
        "runs": pack_runs(entry.runs),
        "uncertain_because": entry.uncertain_because,
    }


def read_entry(row: Any) -> StoredEntry:
    entry = FileEntry(
        Locator.parse(row.locator), EntryStatus(row.status), row.size, row.address, row.modified, row.created,
        row.accessed, unpack_runs(row.runs), row.clock, row.uncertain_because,
    )  # fmt: skip
    return StoredEntry(row.id, row.volume_id, row.parent_id, row.depth, entry)


def read_evidence(row: Any) -> Evidence:
    return Evidence(
        (row.entry_locator or "") + row.tail, row.record, Region(row.region), row.archived,
        unpack_elements(row.elements), unpack_elements(row.agree), unpack_elements(row.conflict), row.road,
        row.why, unpack_elements(row.wide), row.version,
    )  # fmt: skip


def read_piece(row: Any, data: bytes | None) -> Piece:
    return Piece(
        tuple(json.loads(row.steps)), Unit(row.unit), row.is_table, row.first, row.byte_offset, row.byte_length,
        row.encoding, row.delimiter, row.overlap, data,
    )  # fmt: skip
