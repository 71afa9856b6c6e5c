"""Every byte of a device by its fate: one class each, so that the classes sum to the device, and per volume to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func, select

from forensics.casefile import schema
from forensics.casefile.layers import on_device, shadow_volumes, with_layers
from forensics.casefile.runs import unpack_runs, without_overlaps
from forensics.casefile.shadows import held_in_stores
from forensics.model import DECRYPTED, LAYER_BITS, Acquisition, BadRange, EntryStatus, OutcomeKind, Volume


class Fate(StrEnum):
    """Why a byte is as well known as it is; of several that fit, the first here counts."""

    UNREADABLE = "unreadable"
    ENCRYPTED = "encrypted"
    NOT_EXAMINED = "not_examined"
    LIVE = "live"
    UNOPENED = "unopened"
    SHADOW = "shadow_copy"
    SLACK = "slack"
    DELETED = "deleted"
    DELETED_UNCERTAIN = "deleted_uncertain"
    FILE_SYSTEM = "file_system"
    UNALLOCATED = "unallocated"
    UNNAMED = "unnamed"
    OUTSIDE = "outside"


IN_WORDS = {
    Fate.UNREADABLE: "Unreadable sectors, zeros in the image",
    Fate.ENCRYPTED: "Encrypted volumes, not opened",
    Fate.NOT_EXAMINED: "Volumes not examined, raw scan only",
    Fate.LIVE: "Live files, examined",
    Fate.UNOPENED: "Files that could not be opened, raw scan only",
    Fate.SLACK: "Slack behind live files, raw scan",
    Fate.SHADOW: "Shadow copies: their stores and what only they still name, examined and raw scan",
    Fate.DELETED: "Deleted files, examined",
    Fate.DELETED_UNCERTAIN: "Deleted files whose content is uncertain, examined",
    Fate.FILE_SYSTEM: "File system structures and directories, raw scan",
    Fate.UNALLOCATED: "Unallocated space of volumes, raw scan",
    Fate.UNNAMED: "In volumes, outside all entries, raw scan",
    Fate.OUTSIDE: "Outside all volumes, raw scan",
}
LEFT_OPEN = frozenset({Fate.UNREADABLE, Fate.ENCRYPTED, Fate.NOT_EXAMINED, Fate.UNOPENED})
"""What was read at most as raw bytes, although something more may stand there."""

AS_CONTENTS = frozenset({Fate.LIVE, Fate.DELETED, Fate.DELETED_UNCERTAIN, Fate.SHADOW})
"""What was opened as a file; everything else that was examined was searched as the bytes that it is."""

_ORDER = tuple(Fate)
_WHOLE = -1


@dataclass(frozen=True, slots=True)
class Share:
    """Bytes of one fate in one volume of an exhibit; `volume` is None outside all of them."""

    exhibit: str
    volume: int | None
    fate: Fate
    bytes: int

    @property
    def examined(self) -> bool:
        return self.fate not in LEFT_OPEN


@dataclass(frozen=True, slots=True)
class Claim:
    """Bytes of the device for which a fate is claimed."""

    fate: Fate
    offset: int
    length: int


def divide(size: int, claims: Sequence[Claim], volumes: Sequence[Volume]) -> dict[tuple[int | None, Fate], int]:
    """Bytes by volume and fate, which sum to `size`. Where claims overlap, the first of `Fate` wins; where volumes
    do, the smallest: a partition inside a volume that spans the device."""
    fates = [(_ORDER.index(claim.fate), n, *_within(size, claim.offset, claim.length), 0)
             for n, claim in enumerate(claims)]  # fmt: skip
    fates.append((_ORDER.index(Fate.OUTSIDE), len(claims), 0, size, 0))
    named = [*(claim.fate for claim in claims), Fate.OUTSIDE]
    places = [(within[1], n, *within, 0) for n, within in enumerate(_within(size, v.offset, v.length) for v in volumes)]
    places.append((size + 1, len(volumes), 0, size, 0))
    numbers = [*(v.number for v in volumes), _WHOLE]
    one = _steps(fates, [_ORDER.index(fate) for fate in named])
    two = _steps(places, numbers)
    cuts = np.unique(np.concatenate((one[0], two[0])))
    lengths = np.diff(np.append(cuts, size))
    fate_of = one[1][np.searchsorted(one[0], cuts, side="right") - 1]
    volume_of = two[1][np.searchsorted(two[0], cuts, side="right") - 1]
    sums: dict[tuple[int | None, Fate], int] = {}
    for pair in np.unique(np.stack((volume_of, fate_of), axis=1), axis=0) if size else ():
        here = (volume_of == pair[0]) & (fate_of == pair[1])
        number = None if pair[0] == _WHOLE else int(pair[0])
        sums[number, _ORDER[int(pair[1])]] = int(lengths[here].sum())
    return sums


def _within(size: int, offset: int, length: int) -> tuple[int, int]:
    start = min(max(0, offset), size)
    return start, max(0, min(offset + length, size) - start)


def _steps(
    found: list[tuple[int, int, int, int, int]], values: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where a new value begins, and which; the last of `found` spans the device, so that no byte is without one."""
    found.sort()
    starts, _, _, numbers = without_overlaps(found)
    return starts, np.array(values, np.int64)[numbers]


# ------------------------------------------------------------------------------------------------------- in the case


def keep_layout(connection: Connection, volume_id: int, slack: bytes, packed: bytes, allocated: bytes | None) -> None:
    """What the walk saw of a volume beside its entries: int64 pairs of device offset and length."""
    row = {"slack": slack, "packed": packed, "allocated": allocated}
    connection.execute(delete(schema.volume_layout).where(schema.volume_layout.c.volume_id == volume_id))
    connection.execute(schema.volume_layout.insert(), {"volume_id": volume_id, **row})


def slack_of(connection: Connection, volumes: Iterable[int]) -> dict[int, int]:
    """Address where slack of live files begins → its length, in the volumes with these numbers in the case."""
    table = schema.volume_layout
    blobs = connection.scalars(select(table.c.slack).where(table.c.volume_id.in_(list(volumes))))
    return {start: length for blob in blobs for start, length in np.frombuffer(blob, "<i8").reshape(-1, 2).tolist()}


def weigh_coverage(connection: Connection, acquisition: Acquisition) -> list[Share]:
    """Divide the bytes of an exhibit, and keep the shares in the case in the place of earlier ones."""
    exhibit, size = acquisition.exhibit, acquisition.size
    table = schema.volume
    rows = connection.execute(select(table).where(table.c.exhibit == exhibit).order_by(table.c.number)).all()
    volumes = {row.id: volume for (_, volume, _), row in zip(with_layers(connection, rows), rows, strict=True)}
    begins = on_device(connection, exhibit)
    claims = [
        *_of_bad(acquisition.bad),
        *_on_device(_of_volumes(connection, volumes), begins),
        *_on_device(_of_entries(connection, exhibit), begins),
        *_on_device(_of_stores(connection, exhibit), begins),
    ]
    sums = divide(size, claims, [volume for volume in volumes.values() if volume.layer is None])
    shares = [
        Share(exhibit, number, fate, count)
        for (number, fate), count in sorted(sums.items(), key=lambda s: (s[0][0] is None, s[0][0] or 0, s[0][1]))
        if count
    ]
    connection.execute(delete(schema.coverage).where(schema.coverage.c.exhibit == exhibit))
    if shares:
        connection.execute(
            schema.coverage.insert(),
            [{"exhibit": s.exhibit, "volume": s.volume, "fate": str(s.fate), "bytes": s.bytes} for s in shares],
        )
    return shares


def read_coverage(connection: Connection) -> list[Share]:
    """The shares of all exhibits, by exhibit and volume; none before `index` ended."""
    table = schema.coverage
    return [
        Share(row.exhibit, row.volume, Fate(row.fate), row.bytes)
        for row in connection.execute(select(table).order_by(table.c.exhibit, table.c.id))
    ]


def _of_bad(bad: Sequence[BadRange]) -> Iterator[Claim]:
    return (Claim(Fate.UNREADABLE, item.offset, item.length) for item in bad)


def _on_device(claims: Iterator[Claim], begins: dict[int, int | None]) -> Iterator[Claim]:
    """The claims as those of bytes of the device. A layer whose bytes stand in another order there claims none."""
    for claim in claims:
        number = claim.offset >> LAYER_BITS
        if not number:
            yield claim
        elif (start := begins[number]) is not None:
            yield Claim(claim.fate, claim.offset - (number << LAYER_BITS) + start, claim.length)


def _of_volumes(connection: Connection, volumes: dict[int, Volume]) -> Iterator[Claim]:
    table = schema.volume_layout
    layouts = {row.volume_id: row for row in connection.execute(select(table))}
    layers = [volume.layer for volume in volumes.values() if volume.layer is not None]
    opened = {(layer.offset, layer.length): layer for layer in layers if layer.name == DECRYPTED}
    for volume_id, volume in volumes.items():
        if (layer := opened.get((volume.offset, volume.length))) is not None:
            # The header stands before what was opened, and what is left behind it belongs to nobody.
            yield Claim(Fate.UNNAMED, volume.offset, volume.length)
            yield Claim(Fate.FILE_SYSTEM, volume.offset, layer.data_offset or 0)
            continue
        if volume.outcome.kind is not OutcomeKind.OK:
            hidden = volume.outcome.reason.startswith("encrypted")
            yield Claim(Fate.ENCRYPTED if hidden else Fate.NOT_EXAMINED, volume.offset, volume.length)
            continue
        layout = layouts.get(volume_id)
        mapped = layout is not None and layout.allocated is not None
        yield Claim(Fate.UNALLOCATED if mapped else Fate.UNNAMED, volume.offset, volume.length)
        if layout is None:
            continue
        for fate, blob in (
            (Fate.SLACK, layout.slack), (Fate.LIVE, layout.packed), (Fate.FILE_SYSTEM, layout.allocated),
        ):  # fmt: skip
            for start, length in np.frombuffer(blob or b"", "<i8").reshape(-1, 2).tolist():
                yield Claim(fate, start, length)


def _of_stores(connection: Connection, exhibit: str) -> Iterator[Claim]:
    return (Claim(Fate.SHADOW, start, stop - start) for start, stop in held_in_stores(connection, exhibit))


_OF_STATUS = {
    EntryStatus.LIVE: Fate.LIVE,
    EntryStatus.DELETED: Fate.DELETED,
    EntryStatus.DELETED_UNCERTAIN: Fate.DELETED_UNCERTAIN,
}


def _of_entries(connection: Connection, exhibit: str) -> Iterator[Claim]:
    t = schema.file_entry
    shadows = set(connection.scalars(shadow_volumes()))
    query = select(t.c.status, t.c.outcome, t.c.runs, t.c.volume_id).where(
        t.c.exhibit == exhibit, t.c.parent_id.is_(None), func.length(t.c.runs) > 0
    )
    open_items = (str(OutcomeKind.NOT_EXAMINED), str(OutcomeKind.FAILED))
    for row in connection.execute(query):
        fate = Fate.UNOPENED if row.outcome in open_items else _OF_STATUS[EntryStatus(row.status)]
        if row.volume_id in shadows and row.outcome in open_items:
            # Its bytes are those of another entry of the device, or of a store: what is known of them is there.
            continue
        if row.volume_id in shadows:
            # What the volume has no file for any more: known from the snapshot alone.
            fate = Fate.SHADOW if fate is Fate.LIVE else Fate.DELETED_UNCERTAIN
        for run in unpack_runs(row.runs):
            yield Claim(fate, run.device_offset, run.length)
