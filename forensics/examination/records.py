"""Source records into the case: understood, counted, frozen by their hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile.rows import SourceSet
from forensics.errors import EnvironmentFailed
from forensics.examination.open_case import OpenCase, verb
from forensics.jobs.events import Job
from forensics.matching.records import DistinctPersons, Quality, SourceFile, read, understand
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
    quality, persons = Quality(), DistinctPersons()

    def noticed() -> dict[str, Any]:
        if hashing.of_file(file) != digest:
            raise EnvironmentFailed(f"{file.name} changed while it was read.", "Run this again when it is complete.")
        quality.persons = persons.count()
        return asdict(quality)

    wanted = SourceSet(name or file.name, digest, as_of, 0, source.mapping)
    kept = case.store.add_source_set(wanted, _counted(job, source, quality, persons), noticed)
    job.changed("source_record")
    said = {"sha256": digest, "records": kept.records}
    return {
        "file": file.name,
        "mapping": source.mapping,
        "quality": kept.quality,
        **said,
        "custody": {**said, "fields": sorted(source.mapping)},
    }


def _counted(job: Job, source: SourceFile, quality: Quality, persons: DistinctPersons) -> Iterator[SourceRecord]:
    for number, record in enumerate(read(source, quality), 1):
        persons.add(record)
        if not number % 1000:
            job.check()
            job.progress("read records", number, None, "items")
        yield record


def list_records(case: OpenCase) -> dict[str, Any]:
    """The sets of source records in the case."""
    return {"sets": [asdict(source) for source in case.store.source_sets()]}
