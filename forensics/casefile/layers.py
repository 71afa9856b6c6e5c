"""Volumes whose bytes are on the device in another form: encrypted ones that a password opened, and shadow copies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, func, select, update

from forensics.casefile import schema
from forensics.casefile.rows import read_volume, volume_row
from forensics.model import LAYER_BITS, OK, SHADOW, Layer, Locator, Outcome, Region, Volume


def with_layers(connection: Connection, rows: Sequence[Any]) -> Iterator[tuple[int, Volume, bool]]:
    """Number in the case, volume, and whether it was walked, of rows of volumes; with the layers that hold passwords.

    The volumes that layers were read out of must be among the rows.
    """
    volumes = {row.id: read_volume(row) for row in rows}
    kept = connection.execute(select(schema.layer).where(schema.layer.c.volume_id.in_(list(volumes)))).all()
    found = {row.volume_id: row for row in kept}

    def layer_of(volume_id: int) -> Layer | None:
        row = found.get(volume_id)
        if row is None:
            return None
        holder = volumes[row.holder_id]
        return Layer(
            row.base, row.size, row.name, row.kind, holder.offset, holder.length, row.data_offset, row.key,
            layer_of(row.holder_id),
        )  # fmt: skip

    for row in rows:
        yield row.id, replace(volumes[row.id], layer=layer_of(row.id)), row.walked


def place_of(volumes: Iterable[Volume], exhibit: str, address: int, length: int) -> Locator:
    """The locator of bytes of an exhibit, of its device or of one of its layers, that belong to no entry."""
    base = address >> LAYER_BITS << LAYER_BITS
    for volume in volumes if base else ():
        if volume.exhibit == exhibit and volume.offset == base:
            return Locator(
                exhibit, volume.number, Region.UNALLOCATED, offset=address - base, length=length,
                layers=volume.layers,
            )  # fmt: skip
    return Locator(exhibit, region=Region.UNALLOCATED, offset=address, length=length)


def shadow_volumes() -> Select[tuple[int]]:
    """The numbers in the case of the volumes that shadow copies are."""
    return select(schema.layer.c.volume_id).where(schema.layer.c.name.like(f"{SHADOW}%"))


def next_layer(connection: Connection, exhibit: str) -> int:
    """A number that no layer of this exhibit has yet."""
    t = schema.layer
    query = select(func.max(t.c.base)).join(schema.volume, schema.volume.c.id == t.c.volume_id)
    highest = connection.scalar(query.where(schema.volume.c.exhibit == exhibit))
    return ((highest or 0) >> LAYER_BITS) + 1


def keep_layer(connection: Connection, holder_id: int, volume: Volume, outcome: Outcome | None = OK) -> int:
    """Add what was found in a layer of a volume, and what that makes of the volume itself; None leaves it as it is."""
    layer = volume.layer
    assert layer is not None
    made = connection.execute(schema.volume.insert().values(**volume_row(volume)).returning(schema.volume.c.id))
    volume_id: int = made.scalar_one()
    connection.execute(
        schema.layer.insert(),
        [{
            "volume_id": volume_id, "holder_id": holder_id, "base": layer.base, "size": layer.size,
            "name": layer.name, "kind": layer.kind, "data_offset": layer.data_offset, "key": layer.key,
        }],
    )  # fmt: skip
    if outcome is not None:
        say(connection, holder_id, outcome)
    return volume_id


def say(connection: Connection, volume_id: int, outcome: Outcome) -> None:
    """How the examination of a volume ended, in the place of what was said before."""
    table = schema.volume
    values = {"outcome": str(outcome.kind), "reason": outcome.reason}
    connection.execute(update(table).where(table.c.id == volume_id).values(**values))


def on_device(connection: Connection, exhibit: str) -> dict[int, int | None]:
    """Number of a layer → the device offset of its first byte; None where its bytes stand in another order."""
    table = schema.volume
    rows = connection.execute(select(table).where(table.c.exhibit == exhibit)).all()
    layers = [volume.layer for _, volume, _ in with_layers(connection, rows) if volume.layer is not None]
    return {layer.base >> LAYER_BITS: layer.on_device for layer in layers}
