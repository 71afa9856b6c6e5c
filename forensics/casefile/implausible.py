"""Files whose bytes are not to be believed although they are in the image: rows beside the file entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from forensics.casefile import schema
from forensics.casefile.layers import on_device
from forensics.casefile.runs import unpack_runs
from forensics.model import LAYER_BITS, EntryStatus, Extent, Run

UNREAD, ZEROS = "unread", "zeros"
"""Bytes that could not be read and stand as zeros; zeros that the drive sent where the file should have none."""


@dataclass(frozen=True, slots=True)
class OnDevice:
    """A file entry and where its bytes lie."""

    id: int
    size: int
    type: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Implausible:
    """What is wrong with one file: `kind`, how many bytes in how many places, and the first of them on the device."""

    locator: str
    kind: str
    bytes: int
    places: int
    first_offset: int


def entries_on_device(connection: Connection, exhibit: str) -> Iterator[OnDevice]:
    """Every entry of the exhibit whose content certainly lies on the device, live or deleted.

    The runs are those of the device, also of what is in an encrypted volume that was opened.
    """
    begins = on_device(connection, exhibit)
    t = schema.file_entry
    certain = (EntryStatus.LIVE.value, EntryStatus.DELETED.value)
    query = select(t.c.id, t.c.size, t.c.type, t.c.runs).where(
        t.c.exhibit == exhibit, t.c.parent_id.is_(None), t.c.status.in_(certain)
    )
    for row in connection.execute(query):
        yield OnDevice(row.id, row.size, row.type or "", tuple(_moved(unpack_runs(row.runs), begins)))


def _moved(runs: tuple[Run, ...], begins: dict[int, int | None]) -> Iterator[Run]:
    for run in runs:
        number = run.device_offset >> LAYER_BITS
        start = begins[number] if number else 0
        if start is not None:
            yield run._replace(device_offset=run.device_offset - (number << LAYER_BITS) + start)


def replace_implausible(connection: Connection, found: Iterable[tuple[int, str, list[Extent]]]) -> None:
    """Put (entry, kind, places) in the place of what was there."""
    connection.execute(delete(schema.implausible))
    rows = [
        {
            "entry_id": entry,
            "kind": kind,
            "bytes": sum(place.length for place in places),
            "places": len(places),
            "first_offset": min(place.offset for place in places),
        }
        for entry, kind, places in found
    ]
    if rows:
        connection.execute(schema.implausible.insert(), rows)


def read_implausible(connection: Connection) -> list[Implausible]:
    """All of them, by locator."""
    i, t = schema.implausible, schema.file_entry
    query = select(t.c.locator, i.c.kind, i.c.bytes, i.c.places, i.c.first_offset).join(t, t.c.id == i.c.entry_id)
    return [Implausible(*row) for row in connection.execute(query.order_by(t.c.locator, i.c.kind))]
