"""Source records into the case: understood, counted, frozen by their hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile.store import SourceSet
from forensics.errors import EnvironmentFailed
from forensics.examination.open_case import OpenCase, verb
from forensics.jobs.events import Job
from forensics.matching.records import Quality, SourceFile, distinct_persons, read, understand
from forensics.model import SourceRecord


@verb("records", options=("as_of",))
def add_records(
    case: OpenCase,
    job: Job,
    *,
    file: Path,
    name: str = "",
    as_of: str = "",
    key: str = "",
    mapping: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Read a file of source records into the case. What was matched against older records is forgotten.

    `mapping` is column → field and overrules what was guessed.
    """
    if not file.is_file():
        raise EnvironmentFailed(f"There is no file {file.name}.", "Check the path of the source records.")
    digest = hashing.of_file(file)
    source = understand(file, mapping or {}, key)
    quality = Quality()
    kept = list(_counted(job, source, quality))
    if hashing.of_file(file) != digest:
        raise EnvironmentFailed(f"{file.name} changed while it was read.", "Run this again when it is complete.")
    quality.persons = distinct_persons(iter(kept))
    noted = asdict(quality)
    case.store.add_source_set(SourceSet(name or file.name, digest, as_of, len(kept), source.mapping, noted), kept)
    job.changed("source_record")
    result = {"file": file.name, "sha256": digest, "records": len(kept), "mapping": source.mapping, "quality": noted}
    said = {"sha256": digest, "records": len(kept), "fields": sorted(source.mapping)}
    return {**result, "custody": said}


def _counted(job: Job, source: SourceFile, quality: Quality) -> Iterator[SourceRecord]:
    for number, record in enumerate(read(source, quality), 1):
        if not number % 1000:
            job.check()
            job.progress("read records", number, None, "items")
        yield record


def list_records(case: OpenCase) -> dict[str, Any]:
    """The sets of source records in the case."""
    return {"sets": [asdict(source) for source in case.store.source_sets()]}
