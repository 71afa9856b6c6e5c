"""Source records into the case: understood, counted, frozen by their hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile.stored import SourceSet
from forensics.errors import EnvironmentFailed, Refused
from forensics.examination.fingerprints import (
    check_fingerprints,
    is_fingerprints,
    preview_fingerprints,
    take_fingerprints,
)
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.records_index import by_fingerprints
from forensics.jobs.events import Job
from forensics.matching.records import DistinctPersons, Origin, Quality, Reader, SourceFile, understand
from forensics.matching.records.preview import first_rows
from forensics.model import SourceRecord


@verb("records", options=("as_of",))
def add_records(
    case: OpenCase,
    job: Job,
    *,
    file: Path | Origin,
    name: str = "",
    as_of: str = "",
    key: str = "",
    mapping: Mapping[str, str] | None = None,
    key_file: Path | None = None,
) -> dict[str, Any]:
    """Read source records, or fingerprints of them, into the case. What was matched against older records is forgotten.

    `mapping` is column → field and overrules what was guessed; fingerprints have neither it nor a key column, but their
    `key_file`. What is frozen is the SHA-256 of a file's bytes, or of the rows that a database gave (`hash_of` says
    which).
    """
    origin = file if isinstance(file, Origin) else Origin(file)
    if not origin.path.is_file():
        raise EnvironmentFailed(f"There is no file {origin.path.name}.", "Check the path of the source records.")
    if not origin.is_url and is_fingerprints(origin.path):
        return take_fingerprints(case, job, file=origin.path, key_file=key_file, name=name, as_of=as_of)
    if by_fingerprints(case.store.source_sets()):
        raise Refused(
            "This case has records by their fingerprints.", "Load records in a case of its own: make one with `new`."
        )
    digest = "" if origin.is_url else hashing.of_file(origin.path)
    source = understand(origin, mapping or {}, key)
    quality, persons = Quality(), DistinctPersons()
    reader = Reader(source, quality)

    def frozen(wanted: SourceSet) -> SourceSet:
        if digest and hashing.of_file(origin.path) != digest:
            raise EnvironmentFailed(f"{origin.said} changed while it was read.", "Run this again when it is complete.")
        quality.persons = persons.count()
        return replace(wanted, sha256=digest or reader.sha256, quality=_remarks(source, quality))

    wanted = SourceSet(name or origin.said, digest, as_of, 0, source.mapping)
    records = _counted(job, reader, persons)
    kept = case.store.add_source_set(wanted, records, frozen, lambda: reader.unused)
    job.changed("source_record")
    said = {"sha256": kept.sha256, "records": kept.records, "hash_of": "rows" if origin.is_url else "file"}
    return {
        "file": origin.said,
        "read_as": source.how,
        "not_read": list(source.others),
        "mapping": source.mapping,
        "columns": [asdict(column) for column in source.columns],
        "dates": asdict(source.dates),
        "quality": kept.quality,
        **said,
        "custody": {**said, "fields": sorted(source.mapping), "quality": _counts_only(kept.quality)},
    }


def preview(
    origin: Origin, key: str = "", mapping: Mapping[str, str] | None = None, key_file: Path | None = None
) -> dict[str, Any]:
    """How a source would be read, and its first rows with letters and digits masked. Needs no case.

    `missing` says what it lacks to be read at all, so that a person can choose the columns that say it. A file of
    fingerprints has no rows to show: `fingerprints` says how many records it has, and which key.
    """
    if _holds_fingerprints(origin):
        return preview_fingerprints(origin.path, key_file)
    source = understand(origin, mapping or {}, key, complete=False)
    return {
        "file": origin.said,
        "read_as": source.how,
        "not_read": list(source.others),
        "header": list(source.header),
        "key": source.key,
        "missing": source.missing,
        "mapping": source.mapping,
        "columns": [asdict(column) for column in source.columns],
        "dates": asdict(source.dates),
        "rows": first_rows(origin),
    }


def check(
    origin: Origin,
    job: Job,
    key: str = "",
    mapping: Mapping[str, str] | None = None,
    key_file: Path | None = None,
) -> dict[str, Any]:
    """A preview with what every row shows: `quality`, as loading would report it. Nothing is kept.

    Raises `Refused` as loading would, for a key that is missing in a row or stands in two that differ.
    """
    if _holds_fingerprints(origin):
        return check_fingerprints(job, origin.path, key_file)
    source = understand(origin, mapping or {}, key)
    quality, persons = Quality(), DistinctPersons()
    for _ in _counted(job, Reader(source, quality), persons):
        pass
    quality.persons = persons.count()
    return {**preview(origin, key, mapping), "quality": _remarks(source, quality)}


def _holds_fingerprints(origin: Origin) -> bool:
    return not origin.is_url and origin.path.is_file() and is_fingerprints(origin.path)


def _remarks(source: SourceFile, quality: Quality) -> dict[str, Any]:
    return {**asdict(quality), "date_order": source.dates.order, "date_order_certain": source.dates.certain}


def _counts_only(quality: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger may say: numbers, and numbers by field; no names of columns and no shapes of ids."""
    numbered = ("implausible_dates", "placeholders", "shared", "empty")
    plain = {name: value for name, value in quality.items() if type(value) is int and value}
    return plain | {name: quality[name] for name in numbered if quality.get(name)}


def _counted(job: Job, reader: Reader, persons: DistinctPersons) -> Iterator[SourceRecord]:
    for number, record in enumerate(reader, 1):
        persons.add(record)
        if not number % 1000:
            job.check()
            job.progress("read records", number, None, "items")
        yield record


def list_records(case: OpenCase) -> dict[str, Any]:
    """The sets of source records in the case, and the files of the drive that are one of them byte for byte."""
    return {
        "sets": [asdict(source) for source in case.store.source_sets()],
        "known_extracts": [asdict(extract) for extract in case.store.known_extracts()],
    }
