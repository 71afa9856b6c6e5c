"""Shadow copies in the case: what of them is new, what is the same content again, and what became of each file since.

A content is examined once. An entry of a shadow copy whose bytes are those of an entry of the volume, or of a newer
shadow copy, gets what was found there (`same_content`), and has no pieces and children of its own.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from sqlalchemy import Connection, and_, delete, func, literal, select, update

from forensics.casefile import schema
from forensics.casefile.layers import shadow_volumes
from forensics.casefile.rows import unpack_elements
from forensics.casefile.store import Store
from forensics.casefile.stored import ExaminedEntry
from forensics.model import SHADOW, EntryStatus, FileEntry, Locator, OutcomeKind, Volume

STORE = "shadow copy store"
"""The type of the files that hold what shadow copies kept."""

STORE_NAMES = "{%}{3808876b-c176-4e48-b7ae-04046e6cc752}"
STORE_FOLDER = "System Volume Information"
"""Where Windows keeps stores, and what their names end with (libvshadow, "Volume Shadow Snapshot (VSS) format", 1)."""

UNCHANGED = "the same in the volume now"
CHANGED = "changed in the volume since"
GONE = "gone from the volume since"

NEAR = 256 << 10
"""Blocks of a store that lie closer in the volume are read by one unit of work."""


def in_shadow(volume: Volume) -> bool:
    return bool(volume.layers) and volume.layers[-1].startswith(SHADOW)


# -------------------------------------------------------------------------------------------------------------- blocks


def keep_blocks(
    connection: Connection, volume_id: int, blocks: list[tuple[int, int]], held: list[tuple[int, int]]
) -> None:
    """What the store of this shadow copy holds, and at which addresses."""
    row = {"blocks": _packed(blocks), "held": _packed(held)}
    connection.execute(schema.shadow_store.insert(), [{"volume_id": volume_id, **row}])


def _packed(pairs: list[tuple[int, int]]) -> bytes:
    return np.array(pairs, "<i8").reshape(-1, 2).tobytes()


def held_in_stores(connection: Connection, exhibit: str) -> list[tuple[int, int]]:
    """The addresses at which stores of shadow copies hold what was overwritten: start and end, in order."""
    stored, v = schema.shadow_store, schema.volume
    query = select(stored.c.held).join(v, v.c.id == stored.c.volume_id).where(v.c.exhibit == exhibit)
    pairs = [pair for blob in connection.scalars(query) for pair in np.frombuffer(blob, "<i8").reshape(-1, 2).tolist()]
    return sorted((start, stop) for start, stop in pairs)


def stored_blocks(store: Store, exhibit: str) -> list[tuple[int, int, list[tuple[int, int]]]]:
    """Of each shadow copy of an exhibit: the addresses where it begins and ends, and of those that its store holds."""
    layer, volume, stored = schema.layer, schema.volume, schema.shadow_store
    query = (
        select(layer.c.base, layer.c.size, stored.c.blocks)
        .join(volume, volume.c.id == layer.c.volume_id)
        .join(stored, stored.c.volume_id == layer.c.volume_id)
        .where(volume.c.exhibit == exhibit)
        .order_by(layer.c.base)
    )
    with store.begin() as connection:
        rows = connection.execute(query).all()
    found = []
    for base, size, blob in rows:
        pairs = np.frombuffer(blob, "<i8").reshape(-1, 2).tolist()
        found.append((base, base + size, [(base + start, base + stop) for start, stop in pairs]))
    return found


def stored_spans(store: Store, exhibit: str, longest: int) -> Iterator[tuple[int, int]]:
    """What the raw scan has to read of the shadow copies: spans of addresses around the blocks of their stores."""
    for _, _, blocks in stored_blocks(store, exhibit):
        begin = end = -1
        for start, stop in blocks:
            for low in range(start, stop, longest):
                high = min(low + longest, stop)
                if end >= 0 and low - end <= NEAR and high - begin <= longest:
                    end = high
                    continue
                if end >= 0:
                    yield begin, end
                begin, end = low, high
        if end >= 0:
            yield begin, end


def not_stored(
    shadows: list[tuple[int, int, list[tuple[int, int]]]], start: int, stop: int
) -> Iterator[tuple[int, int]]:
    """The parts of a range of addresses that are in a shadow copy and not in its store."""
    for base, end, blocks in shadows:
        if not base <= start < end:
            continue
        at = start
        for low, high in blocks[max(0, bisect.bisect_right(blocks, (start, 0)) - 1) :]:
            if low >= stop:
                break
            if low > at:
                yield at, low
            at = max(at, high)
        if at < stop:
            yield at, stop


# ------------------------------------------------------------------------------------------------------ same contents


def link_unchanged(store: Store, exhibit: str) -> None:
    """Note which entries of shadow copies have the bytes of another entry, by the places of these bytes."""
    t = schema.file_entry
    mine, other = t.alias("mine"), t.alias("other")
    waiting = (
        select(mine.c.id, func.min(other.c.id))
        .join(other, and_(other.c.size == mine.c.size, other.c.runs == mine.c.runs, other.c.exhibit == mine.c.exhibit))
        .where(
            mine.c.exhibit == exhibit,
            mine.c.volume_id.in_(shadow_volumes()),
            mine.c.outcome.is_(None),
            mine.c.parent_id.is_(None),
            other.c.parent_id.is_(None),
            func.length(mine.c.runs) > 0,
            other.c.id < mine.c.id,
            mine.c.id.not_in(select(schema.same_content.c.entry_id)),
        )
        .group_by(mine.c.id)
    )
    with store.begin() as connection:
        connection.execute(schema.same_content.insert().from_select(["entry_id", "same_as"], waiting))
        # Of a store only its size is written into its file record: hours of zeros would be hashed for each snapshot.
        layer = schema.layer
        stores = (
            select(mine.c.id, func.min(other.c.id))
            .join(layer, layer.c.volume_id == mine.c.volume_id)
            .join(other, and_(other.c.volume_id == layer.c.holder_id, other.c.name == mine.c.name))
            .where(
                mine.c.exhibit == exhibit,
                layer.c.name.like(f"{SHADOW}%"),
                mine.c.folder == STORE_FOLDER,
                other.c.folder == STORE_FOLDER,
                mine.c.name.like(STORE_NAMES),
                other.c.size == mine.c.size,
                mine.c.outcome.is_(None),
                mine.c.id.not_in(select(schema.same_content.c.entry_id)),
            )
            .group_by(mine.c.id)
        )
        connection.execute(schema.same_content.insert().from_select(["entry_id", "same_as"], stores))


class Known:
    """Which contents of an exhibit are examined already, for what comes out of its shadow copies."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._new: dict[tuple[str, str], int] = {}
        self._links: list[tuple[int, int]] = []

    def without_repeats(self, examined: ExaminedEntry, entry: FileEntry) -> ExaminedEntry:
        """What was found out about an entry of a shadow copy; without pieces and children where they are known."""
        sha256 = examined.hashes.get("sha256", "")
        if not sha256 or not entry.size or examined.outcome.kind is not OutcomeKind.OK:
            return examined
        exhibit = entry.locator.exhibit
        same_as = self._new.get((exhibit, sha256)) or self._in_case(exhibit, sha256, examined.id)
        if same_as is None:
            self._new[exhibit, sha256] = examined.id
            return examined
        self._links.append((examined.id, same_as))
        return replace(examined, pieces=(), children=())

    def links(self) -> list[tuple[int, int]]:
        """What was found to be the same since the last call: entry, and the one that it repeats."""
        found, self._links = self._links, []
        return found

    def _in_case(self, exhibit: str, sha256: str, but: int) -> int | None:
        t = schema.file_entry
        query = select(t.c.id).where(
            t.c.exhibit == exhibit, t.c.sha256 == sha256, t.c.outcome == str(OutcomeKind.OK), t.c.id != but,
            t.c.id.not_in(select(schema.same_content.c.entry_id)),
        )  # fmt: skip
        with self._store.begin() as connection:
            found: int | None = connection.scalar(query.order_by(t.c.id).limit(1))
        return found


def settle_shadow_copies(store: Store) -> None:
    """Give entries what was found out about the one that they repeat, and say what became of the files since."""
    with store.begin() as connection:
        _name_stores(connection)
        _pass_on(connection)
        _compare(connection)


def _name_stores(connection: Connection) -> None:
    """The files of stores, where shadow copies could be opened: what is in them is not unknown any more."""
    t, layer, v = schema.file_entry, schema.layer, schema.volume
    opened = (
        select(layer.c.holder_id)
        .join(v, v.c.id == layer.c.volume_id)
        .where(layer.c.volume_id.in_(shadow_volumes()), v.c.outcome == str(OutcomeKind.OK))
    )
    ours = (
        t.c.volume_id.in_(opened) & (t.c.folder == STORE_FOLDER) & t.c.name.like(STORE_NAMES)
        & (t.c.status == str(EntryStatus.LIVE)) & (t.c.outcome == str(OutcomeKind.OK)) & t.c.has_pieces.is_(False)
    )  # fmt: skip
    connection.execute(update(t).where(ours).values(type=STORE))


_PASSED_ON = ("type", "md5", "sha1", "sha256", "outcome", "reason")


def _pass_on(connection: Connection) -> None:
    t, same = schema.file_entry, schema.same_content
    other = t.alias("other")
    values = {
        name: select(other.c[name])
        .join(same, same.c.same_as == other.c.id)
        .where(same.c.entry_id == t.c.id)
        .scalar_subquery()
        for name in _PASSED_ON
    }
    connection.execute(update(t).where(t.c.id.in_(select(same.c.entry_id))).values(**values))


def _compare(connection: Connection) -> None:
    """Of each file that a shadow copy shows, by its path: whether the volume has it now, and with the same content."""
    t, layer, v = schema.file_entry, schema.layer, schema.volume
    now = t.alias("now")
    for row in connection.execute(
        select(layer.c.volume_id, layer.c.holder_id, layer.c.name, v.c.exhibit, v.c.number, v.c.layers)
        .join(v, v.c.id == layer.c.volume_id)
        .where(layer.c.volume_id.in_(shadow_volumes()))
    ).all():
        inside = f"{row.exhibit}/vol{row.number}/{row.layers}/"
        outside = inside.removesuffix(f"{row.name}/")
        path = literal(outside) + func.substr(t.c.locator, len(inside) + 1)
        if outside.count("/") == 2:
            # Only in layers a first name of this text is escaped (`model.Locator`).
            path = func.replace(path, f"{outside}%75nallocated", f"{outside}unallocated")
        today = select(now.c.sha256).where(now.c.volume_id == row.holder_id, now.c.locator == path).scalar_subquery()
        there = select(now.c.id).where(now.c.volume_id == row.holder_id, now.c.locator == path).exists()
        live = (
            (t.c.volume_id == row.volume_id) & (t.c.status == str(EntryStatus.LIVE)) & t.c.parent_id.is_(None)
            & t.c.sha256.is_not(None)
        )  # fmt: skip
        same, other = there & (today == t.c.sha256), there & (today != t.c.sha256)
        for condition, words in ((same, UNCHANGED), (other, CHANGED), (~there, GONE)):
            said = t.c.notes.like(f"%{words}")
            notes = func.ltrim(t.c.notes + "; " + words, "; ")
            connection.execute(update(t).where(live, condition, ~said).values(notes=notes))


# ------------------------------------------------------------------------------------------------------------- evidence


def drop_raw_repeats(store: Store, exhibit: str) -> None:
    """Remove what the raw scan of a device found in the stores, where a shadow copy shows the same record with no less.

    The bytes were read twice, as they lie in the store and as the snapshot has them: that is one place.
    """
    e, t = schema.evidence, schema.file_entry
    with store.begin() as connection:
        held = held_in_stores(connection, exhibit)
        if not held:
            return
        starts = [start for start, _ in held]
        bases = {
            (row.number, row.layers): row.byte_offset
            for row in connection.execute(select(schema.volume).where(schema.volume.c.exhibit == exhibit))
        }
        loose = connection.execute(
            select(e.c.id, e.c.record, e.c.elements, e.c.tail).where(
                e.c.entry_id.is_(None), e.c.tail.like(f"{exhibit}/%")
            )
        ).all()
        shown: dict[int, frozenset[str]] = {}
        inside = select(e.c.record, e.c.elements).join(t, t.c.id == e.c.entry_id)
        rows = connection.execute(inside.where(t.c.volume_id.in_(shadow_volumes()), t.c.exhibit == exhibit)).all()
        raw = []
        for row in loose:
            place = Locator.parse(row.tail)
            if place.layers and place.layers[-1].startswith(SHADOW):
                rows.append(row)
                continue
            base = bases.get((place.volume, "/".join(place.layers)), 0) if place.layers else 0
            address = base + (place.offset or 0)
            at = bisect.bisect_right(starts, address) - 1
            if at >= 0 and address < held[at][1]:
                raw.append(row)
        for row in rows:
            shown[row.record] = shown.get(row.record, frozenset()) | unpack_elements(row.elements)
        for row in raw:
            if unpack_elements(row.elements) <= shown.get(row.record, frozenset()):
                connection.execute(delete(e).where(e.c.id == row.id))
