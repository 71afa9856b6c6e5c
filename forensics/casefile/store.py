"""What the verbs write into a case, and read back to go on. Short transactions; nothing here decides anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from itertools import groupby, islice
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, func, select, update

from forensics.casefile import database, decisions, schema, unmatched
from forensics.casefile.case import CaseDetails, CaseFolder
from forensics.casefile.layers import shadow_volumes, with_layers
from forensics.casefile.rows import (
    entry_row,
    pack_elements,
    read_acquisitions,
    read_entry,
    read_evidence,
    read_piece,
    read_source_record,
    read_source_sets,
    volume_row,
)
from forensics.casefile.runs import unpack_runs, without_overlaps
from forensics.casefile.snapshots import Snapshots, blank
from forensics.casefile.stored import (
    FoundEvidence,
    KnownExtract,
    MatchUnit,
    Seen,
    SourceSet,
    StoredEntry,
    StoredPiece,
)
from forensics.errors import Refused
from forensics.model import (
    Acquisition,
    EntryStatus,
    Evidence,
    Exposure,
    FileEntry,
    Locator,
    Outcome,
    OutcomeKind,
    SourceRecord,
    Volume,
)

CONTENT_PART = 8 << 20
"""Bytes of one stored part of a content, before compression."""

BATCH = 2_000


class Store:
    """The writer of one case. Use as a context manager; one at a time (the lock of the case sees to that)."""

    def __init__(self, folder: CaseFolder, key: bytes) -> None:
        folder.require()
        self.folder = folder
        self._engine: Engine = database.writer(folder.database, key)
        version = self.fact("schema_version")
        if version != schema.VERSION:
            self.close()
            raise Refused(
                f"This case has schema {version}; this version of DriveCustody reads schema {schema.VERSION}.",
                "Open it with the version that made it.",
            )

    @classmethod
    def create(cls, folder: CaseFolder, key: bytes, details: CaseDetails) -> Store:
        engine = database.writer(folder.database, key)
        with engine.begin() as connection:
            schema.metadata.create_all(connection)
            connection.execute(
                schema.fact.insert(),
                [
                    {"name": "schema_version", "value": json.dumps(schema.VERSION)},
                    {"name": "details", "value": details.as_json()},
                ],
            )
        engine.dispose()
        return cls(folder, key)

    def close(self) -> None:
        database.tidy(self._engine)
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def engine(self) -> Engine:
        """For the writers of other rooms of the case, one transaction each."""
        return self._engine

    def begin(self) -> Any:
        return self._engine.begin()

    # ------------------------------------------------------------------------------------------------------- facts

    def fact(self, name: str) -> Any:
        """A JSON value kept under `name`, or None where none is."""
        with self._engine.begin() as connection:
            value = connection.scalar(select(schema.fact.c.value).where(schema.fact.c.name == name))
        return None if value is None else json.loads(value)

    def put_fact(self, name: str, value: Any, connection: Connection | None = None) -> None:
        if connection is None:
            with self._engine.begin() as connection:
                self.put_fact(name, value, connection)
            return
        connection.execute(schema.fact.delete().where(schema.fact.c.name == name))
        connection.execute(schema.fact.insert(), [{"name": name, "value": json.dumps(value)}])

    def details(self) -> CaseDetails:
        return CaseDetails.from_json(json.dumps(self.fact("details")))

    # ------------------------------------------------------------------------------------- exhibits and acquisitions

    def add_exhibit(self, label: str, received_utc: str, details: dict[str, Any]) -> None:
        """Raises `Refused` where the label is taken."""
        with self._engine.begin() as connection:
            if connection.scalar(select(schema.exhibit.c.label).where(schema.exhibit.c.label == label)):
                raise Refused(f"Exhibit {label} is in this case already.", "Give the next exhibit a label of its own.")
            connection.execute(
                schema.exhibit.insert(),
                [{"label": label, "received_utc": received_utc, "details": json.dumps(details)}],
            )

    def exhibits(self) -> list[str]:
        with self._engine.begin() as connection:
            return list(connection.scalars(select(schema.exhibit.c.label).order_by(schema.exhibit.c.label)))

    def add_acquisition(self, acquisition: Acquisition) -> None:
        with self._engine.begin() as connection:
            table = schema.acquisition
            connection.execute(table.delete().where(table.c.exhibit == acquisition.exhibit))
            connection.execute(
                table.insert(), [{"exhibit": acquisition.exhibit, "document": json.dumps(asdict(acquisition))}]
            )

    def acquisitions(self) -> list[Acquisition]:
        with self._engine.begin() as connection:
            return read_acquisitions(connection)

    # ---------------------------------------------------------------------------------------------------- contents

    def add_volumes(self, volumes: Sequence[Volume]) -> None:
        if not volumes:
            return
        with self._engine.begin() as connection:
            connection.execute(
                schema.volume.insert(),
                [volume_row(volume) for volume in volumes],
            )

    def volumes(self, exhibit: str) -> list[tuple[int, Volume, bool]]:
        """Number in the case, volume, and whether its entries are listed already."""
        with self._engine.begin() as connection:
            rows = connection.execute(
                select(schema.volume)
                .where(schema.volume.c.exhibit == exhibit)
                .order_by(schema.volume.c.number, schema.volume.c.layers)
            ).all()
            return [(v, volume, walked) for v, volume, walked in with_layers(connection, rows)]

    def add_entries(
        self, volume_id: int, entries: Iterable[FileEntry], besides: Callable[[Connection], None] = lambda _: None
    ) -> int:
        """List all entries of a volume, in one transaction, and mark it as walked. Returns how many.

        `besides` writes in the same transaction.
        """
        count = 0
        with self._engine.begin() as connection:
            rows: list[dict[str, Any]] = []
            for entry in entries:
                rows.append(entry_row(volume_id, None, 0, entry))
                count += 1
                if len(rows) == BATCH:
                    connection.execute(schema.file_entry.insert(), rows)
                    rows.clear()
            if rows:
                connection.execute(schema.file_entry.insert(), rows)
            besides(connection)
            connection.execute(update(schema.volume).where(schema.volume.c.id == volume_id).values(walked=True))
        return count

    def fail_volume(self, volume_id: int, outcome: Outcome) -> None:
        """Record that a volume's entries could not be listed."""
        with self._engine.begin() as connection:
            connection.execute(
                update(schema.volume)
                .where(schema.volume.c.id == volume_id)
                .values(walked=True, outcome=str(outcome.kind), reason=outcome.reason)
            )

    def pending_entries(self, after: int, limit: int = 256, in_shadows: bool = True) -> list[StoredEntry]:
        """Entries still to be examined with a number above `after`, in that order; without `in_shadows` those only
        that are in no shadow copy."""
        table = schema.file_entry
        linked = table.c.id.not_in(select(schema.same_content.c.entry_id))
        where = [linked] if in_shadows else [linked, table.c.volume_id.not_in(shadow_volumes())]
        with self._engine.begin() as connection:
            rows = connection.execute(
                select(table)
                .where(table.c.outcome.is_(None), table.c.id > after, *where)
                .order_by(table.c.id)
                .limit(limit)
            ).all()
        return [read_entry(row) for row in rows]

    def entry(self, entry_id: int) -> StoredEntry:
        with self._engine.begin() as connection:
            return read_entry(
                connection.execute(select(schema.file_entry).where(schema.file_entry.c.id == entry_id)).one()
            )

    def entry_by_locator(self, locator: Locator) -> StoredEntry:
        """Raises `Refused` where no entry has this locator."""
        found = self.find_entry(locator)
        if found is None:
            raise Refused("There is no content at this place.", "Take the locator from the table of contents.")
        return found

    def find_entry(self, locator: Locator) -> StoredEntry | None:
        """The entry with this locator, or None."""
        with self._engine.begin() as connection:
            row = connection.execute(
                select(schema.file_entry).where(schema.file_entry.c.locator == str(locator))
            ).one_or_none()
        return None if row is None else read_entry(row)

    def entries_with_pieces(self, but: Collection[str] = ()) -> set[int]:
        """The numbers of the entries whose content is matched by pieces and not by its bytes: not those of the types
        `but`, of which the pieces show a part only."""
        table = schema.file_entry
        with self._engine.begin() as connection:
            whole = table.c.outcome == str(OutcomeKind.OK)
            query = select(table.c.id).where(table.c.has_pieces, whole, table.c.type.not_in(list(but)))
            return set(connection.scalars(query))

    def entry_counts(self) -> tuple[int, int, int, int]:
        """Entries examined, entries in all, bytes examined, bytes in all."""
        table = schema.file_entry
        with self._engine.begin() as connection:
            total, size = connection.execute(
                select(func.count(), func.coalesce(func.sum(table.c.size), 0)).select_from(table)
            ).one()
            done, done_size = connection.execute(
                select(func.count(), func.coalesce(func.sum(table.c.size), 0))
                .select_from(table)
                .where(table.c.outcome.is_not(None))
            ).one()
        return done, total, done_size, size

    def content(self, entry_id: int) -> bytes:
        """The bytes of an entry that came out of a container."""
        table = schema.content
        with self._engine.begin() as connection:
            parts = connection.scalars(
                select(table.c.data).where(table.c.entry_id == entry_id).order_by(table.c.part)
            ).all()
        return b"".join(zstandard.decompress(part) for part in parts)

    def content_range(self, entry_id: int, offset: int, length: int) -> bytes:
        """Part of the bytes of an entry that came out of a container, without unpacking the rest."""
        table = schema.content
        with self._engine.begin() as connection:
            parts = connection.execute(
                select(table.c.byte_offset, table.c.data)
                .where(
                    table.c.entry_id == entry_id,
                    table.c.byte_offset < offset + length,
                    table.c.byte_offset > offset - CONTENT_PART,
                )
                .order_by(table.c.part)
            ).all()
        if not parts:
            return b""
        joined = b"".join(zstandard.decompress(data) for _, data in parts)
        begin = offset - parts[0].byte_offset
        return joined[begin : begin + length]

    def pieces(self) -> Iterator[StoredPiece]:
        """Every piece of the case without its data, by number."""
        table = schema.piece
        columns = [column for column in table.c if column.name != "data"]
        with self._engine.begin() as connection:
            rows = connection.execute(select(*columns).order_by(table.c.id)).all()
        for row in rows:
            yield StoredPiece(row.id, row.entry_id, read_piece(row, None))

    def piece(self, piece_id: int) -> StoredPiece:
        """One piece with its data, where it has any of its own."""
        with self._engine.begin() as connection:
            row = connection.execute(select(schema.piece).where(schema.piece.c.id == piece_id)).one()
        data = None if row.data is None else zstandard.decompress(row.data)
        return StoredPiece(row.id, row.entry_id, read_piece(row, data))

    def piece_with(self, entry: int, steps: Sequence[str], unit: str, number: int) -> int | None:
        """The number of the piece of an entry's stream that holds this row or line, or None."""
        table = schema.piece
        query = (
            select(table.c.id)
            .where(table.c.entry_id == entry, table.c.steps == json.dumps(list(steps)), table.c.unit == str(unit))
            .where(table.c.first <= number)
            .order_by(table.c.first.desc())
            .limit(1)
        )
        with self._engine.begin() as connection:
            return connection.scalar(query)

    def runs(self, exhibit: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[int]]:
        """The interval table of an exhibit: device offset, length, file offset and entry number of every run.

        Ordered by device offset. Runs of live entries hide those of deleted ones where they overlap, and those of
        shadow copies come last.
        """
        table = schema.file_entry
        rank = {EntryStatus.LIVE: 0, EntryStatus.DELETED: 1, EntryStatus.DELETED_UNCERTAIN: 2}
        found: list[tuple[int, int, int, int, int]] = []
        with self._engine.begin() as connection:
            rows = connection.execute(
                select(table.c.id, table.c.status, table.c.runs, table.c.volume_id).where(
                    table.c.exhibit == exhibit,
                    table.c.parent_id.is_(None),
                    func.length(table.c.runs) > 0,
                    table.c.id.not_in(select(schema.same_content.c.entry_id)),
                )
            ).all()
            shadows = set(connection.scalars(shadow_volumes()))
        for row in rows:
            for run in unpack_runs(row.runs):
                later = len(rank) if row.volume_id in shadows else 0
                found.append(
                    (later + rank[EntryStatus(row.status)], row.id, run.device_offset, run.length, run.file_offset)
                )
        found.sort()
        return without_overlaps(found)

    # ------------------------------------------------------------------------------------------------ source records

    def add_source_set(
        self,
        source: SourceSet,
        records: Iterable[SourceRecord],
        frozen: Callable[[SourceSet], SourceSet] = lambda source: source,
        unused: Callable[[], Mapping[str, Collection[str]]] = dict,
    ) -> SourceSet:
        """Write a set and its records as they come, all or nothing; returns the set as it is then.

        Once the last record was taken, `frozen` completes the set by its hash and the remarks on quality, and `unused`
        gives field → values that belong to no person: they are blanked. Raises `Refused` where the same file is in
        the case, or a record key is taken by another set and the two are no dated snapshots of one table: of those the
        newest values stand, and older ones stay findable.
        """
        table = schema.source_set
        with self._engine.begin() as connection:
            if connection.scalar(select(table.c.id).where(table.c.sha256 == source.sha256)):
                raise Refused("This file of records is in the case already.", "Nothing needs to be done.")
            set_id = connection.execute(
                table.insert()
                .values(
                    name=source.name,
                    sha256=source.sha256,
                    as_of=source.as_of,
                    records=0,
                    mapping=json.dumps(source.mapping),
                    quality="{}",
                )
                .returning(table.c.id)
            ).scalar_one()
            count = 0
            snapshots = Snapshots(connection, set_id, source)
            for page in _pages((_plain(record) for record in records), 10 * BATCH):
                snapshots.add(page)
                count += len(page)
            snapshots.finish()
            kept = replace(frozen(source), records=count)
            if snapshots.counts["same"] or snapshots.counts["changed"]:
                kept = replace(kept, quality={**kept.quality, "against_earlier": snapshots.counts})
            if connection.scalar(select(table.c.id).where(table.c.sha256 == kept.sha256, table.c.id != set_id)):
                raise Refused("These records are in the case already.", "Nothing needs to be done.")
            connection.execute(
                update(table)
                .where(table.c.id == set_id)
                .values(records=count, sha256=kept.sha256, quality=json.dumps(kept.quality))
            )
            for name, values in unused().items():
                if values:
                    blank(connection, set_id, name, values)
            self._forget_matches(connection)
        return kept

    def source_sets(self) -> list[SourceSet]:
        with self._engine.begin() as connection:
            return read_source_sets(connection)

    def record_count(self) -> int:
        """Record keys in the case, each counted once over all snapshots."""
        table = schema.source_record
        with self._engine.begin() as connection:
            query = select(func.count()).select_from(table).where(table.c.standing_id.is_(None))
            return int(connection.scalar(query) or 0)

    def known_extracts(self) -> list[KnownExtract]:
        """Files of the drive that are, byte for byte, a file of source records: by locator."""
        files, sets = schema.file_entry, schema.source_set
        query = (
            select(files.c.locator, files.c.status, sets.c.name, sets.c.as_of, sets.c.records, sets.c.sha256)
            .join(sets, sets.c.sha256 == files.c.sha256)
            .order_by(files.c.locator)
        )
        with self._engine.begin() as connection:
            return [KnownExtract(*row) for row in connection.execute(query)]

    def source_records(self, standing: bool = False) -> Iterator[tuple[int, SourceRecord]]:
        """Every record with its number in the case, by number: also the older values of a key that a later snapshot
        has with others, unless only the `standing` ones are wanted."""
        table = schema.source_record
        after = 0
        while True:
            with self._engine.begin() as connection:
                rows = connection.execute(
                    select(table)
                    .where(table.c.id > after, *([table.c.standing_id.is_(None)] if standing else []))
                    .order_by(table.c.id)
                    .limit(50_000)
                ).all()
            if not rows:
                return
            for row in rows:
                yield row.id, read_source_record(row)
            after = rows[-1].id

    def record_fields(self, names: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Number and these fields of every record, older values of a key too, by number."""
        table = schema.source_record
        columns = [table.c[name] for name in names]
        after = 0
        while True:
            with self._engine.begin() as connection:
                rows = connection.execute(
                    select(table.c.id, *columns).where(table.c.id > after).order_by(table.c.id).limit(20_000)
                ).all()
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def source_record(self, number: int) -> SourceRecord:
        table = schema.source_record
        with self._engine.begin() as connection:
            return read_source_record(connection.execute(select(table).where(table.c.id == number)).one())

    # ------------------------------------------------------------------------------------------------------- matches

    def plan_match(self, units: Iterable[MatchUnit], road: str = "") -> None:
        """Lay out the work of `match` on a road of its own, once: all units, or none."""
        with self._engine.begin() as connection:
            of_road = schema.match_unit.c.road == road
            if connection.scalar(select(func.count()).select_from(schema.match_unit).where(of_road)):
                return
            rows = [
                {"exhibit": u.exhibit, "start": u.start, "stop": u.stop, "piece_id": u.piece, "road": road}
                for u in units
            ]
            if rows:
                connection.execute(schema.match_unit.insert(), rows)

    def planned(self, road: str = "") -> tuple[int, int]:
        """Bytes matched and bytes to match in all; both 0 before the work was laid out."""
        unit, piece = schema.match_unit, schema.piece
        size = func.coalesce(piece.c.byte_length, unit.c.stop - unit.c.start)
        sizes = (
            select(func.coalesce(func.sum(size), 0))
            .select_from(unit.join(piece, piece.c.id == unit.c.piece_id, isouter=True))
            .where(unit.c.road == road)
        )
        with self._engine.begin() as connection:
            total = connection.scalar(sizes) or 0
            left = connection.scalar(sizes.where(unit.c.outcome.is_(None))) or 0
        return total - left, total

    def pending_units(self, road: str = "") -> list[MatchUnit]:
        table = schema.match_unit
        left = table.c.outcome.is_(None), table.c.road == road
        with self._engine.begin() as connection:
            rows = connection.execute(select(table).where(*left).order_by(table.c.id)).all()
        return [MatchUnit(r.id, r.exhibit, r.start, r.stop, r.piece_id) for r in rows]

    def finish_unit(
        self,
        unit: int,
        outcome: Outcome,
        found: Sequence[FoundEvidence],
        decoys: Sequence[int] = (),
        seen: Seen | None = None,
    ) -> None:
        seen = seen or Seen(len(found))
        table = schema.source_record
        with self._engine.begin() as connection:
            unmatched.add(connection, unit, seen)
            if decoys:
                codes = zstandard.ZstdCompressor(level=3).compress(np.array(decoys, "<u8").tobytes())
                connection.execute(schema.decoy_hits.insert(), {"unit_id": unit, "codes": codes})
            if found:
                # What stands on the drive as an older snapshot has it is evidence of the same person.
                numbers = sorted({f.evidence.record for f in found})
                standing: dict[int, int] = {}
                for at in range(0, len(numbers), 500):
                    some = table.c.id.in_(numbers[at : at + 500]), table.c.standing_id.is_not(None)
                    rows = connection.execute(select(table.c.id, table.c.standing_id).where(*some))
                    standing.update((row.id, row.standing_id) for row in rows)
                connection.execute(
                    schema.evidence.insert(),
                    [
                        {
                            "unit_id": unit,
                            "entry_id": f.entry,
                            "tail": f.tail,
                            "record": standing.get(f.evidence.record, f.evidence.record),
                            "region": str(f.evidence.region),
                            "archived": f.evidence.archived,
                            "elements": pack_elements(f.evidence.elements),
                            "agree": pack_elements(f.evidence.agree),
                            "conflict": pack_elements(f.evidence.conflict),
                            "road": f.evidence.road,
                            "why": f.evidence.why,
                            "wide": pack_elements(f.evidence.wide),
                            "version": f.evidence.record,
                        }
                        for f in found
                    ],
                )
            connection.execute(
                update(schema.match_unit)
                .where(schema.match_unit.c.id == unit)
                .values(outcome=str(outcome.kind), reason=outcome.reason, hits=seen.hits)
            )

    def decoy_hits(self) -> NDArray[np.uint64]:
        """Every decoy that the drive holds somewhere, once (`matching.chance.code`), ascending."""
        with self._engine.begin() as connection:
            blobs = connection.scalars(select(schema.decoy_hits.c.codes)).all()
        decompress = zstandard.ZstdDecompressor().decompress
        found = [np.frombuffer(decompress(blob), "<u8") for blob in blobs]
        return np.unique(np.concatenate(found)).astype(np.uint64) if found else np.zeros(0, np.uint64)

    def pieces_that_show_records(self) -> set[int]:
        """The pieces of tables in which `match` found records."""
        unit, seen = schema.match_unit, schema.table_rows
        query = select(unit.c.piece_id).join(seen, seen.c.unit_id == unit.c.id).where(seen.c.shown > 0)
        with self._engine.begin() as connection:
            return set(connection.scalars(query))

    def met(self) -> int:
        """Values of records that units met, evidence or not, and rows that linkage found alike."""
        unit, found = schema.match_unit, schema.evidence
        rows = found.join(unit, unit.c.id == found.c.unit_id)
        alike = select(func.count()).select_from(rows).where(unit.c.road != "")
        with self._engine.begin() as connection:
            hits = connection.scalar(select(func.sum(unit.c.hits)).where(unit.c.road == ""))
            return int(hits or 0) + int(connection.scalar(alike) or 0)

    def evidence_counts(self, road: str = "") -> tuple[int, int]:
        """Rows of evidence, and records that have any; of one road where it is given."""
        table = schema.evidence
        query = select(func.count(), func.count(func.distinct(table.c.record)))
        with self._engine.begin() as connection:
            row = connection.execute(query.where(table.c.road == road) if road else query).one()
        return int(row[0]), int(row[1])

    def evidence_by_record(self) -> Iterator[tuple[int, SourceRecord, list[Evidence]]]:
        """Number, record and evidence of each record that has any, by number; a page of them is in memory at a time."""
        table, entry, record = schema.evidence, schema.file_entry, schema.source_record
        query = (
            select(table, entry.c.locator.label("entry_locator"))
            .join(entry, entry.c.id == table.c.entry_id, isouter=True)
            .order_by(table.c.record, table.c.id)
        )
        numbers = select(table.c.record).distinct().order_by(table.c.record).limit(BATCH)
        after = 0
        while True:
            with self._engine.begin() as connection:
                page = connection.scalars(numbers.where(table.c.record > after)).all()
                if not page:
                    return
                rows = connection.execute(query.where(table.c.record.between(page[0], page[-1]))).all()
                records = {
                    row.id: read_source_record(row)
                    for row in connection.execute(select(record).where(record.c.id.in_(page)))
                }
            after = page[-1]
            for number, group in groupby(rows, key=lambda row: int(row.record)):
                yield number, records[number], [read_evidence(row) for row in group]

    def forget_matches(self) -> None:
        """Remove what rests on the contents or records as they were: units, evidence, exposure and its result."""
        with self._engine.begin() as connection:
            self._forget_matches(connection)

    def _forget_matches(self, connection: Connection) -> None:
        for table in (schema.exposure, schema.evidence, schema.decoy_hits, schema.table_rows, schema.match_unit):
            connection.execute(table.delete())
        resting = ("assessment", "places", "matched", "assessed", "decoys", "linked", "spikes")
        connection.execute(schema.fact.delete().where(schema.fact.c.name.in_(resting)))

    # ------------------------------------------------------------------------------------------------------ exposure

    def replace_exposure(
        self, exposures: Iterable[tuple[int, Exposure]], assessment: dict[str, Any], places: dict[str, int]
    ) -> None:
        """Write the persons, the result and the places that belong to them, in one transaction."""
        with self._engine.begin() as connection:
            connection.execute(schema.exposure.delete())
            rows: list[dict[str, Any]] = []
            for record, person in exposures:
                rows.append(
                    {
                        **asdict(person),
                        "record": record,
                        "tier": str(person.tier),
                        "elements": pack_elements(person.elements),
                    }
                )
                if len(rows) == BATCH:
                    connection.execute(schema.exposure.insert(), rows)
                    rows.clear()
            if rows:
                connection.execute(schema.exposure.insert(), rows)
            self.put_fact("assessment", assessment, connection)
            self.put_fact("places", places, connection)
            decisions.apply(connection)


# -------------------------------------------------------------------------------------------------------------- parts


def _pages(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    stream = iter(rows)
    while page := list(islice(stream, size)):
        yield page


def _plain(record: SourceRecord) -> dict[str, Any]:
    """The fields of a record; `asdict` copies them deeply, which takes four times as long."""
    plain = {name: getattr(record, name) for name in _RECORD_FIELDS}
    plain["extra"] = json.dumps(record.extra, ensure_ascii=False) if record.extra else ""
    return plain


_RECORD_FIELDS = tuple(f.name for f in fields(SourceRecord))
