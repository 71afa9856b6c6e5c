"""Fingerprints of source records: made where the records are, taken into a case where the drive is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile.stored import SourceSet
from forensics.errors import EnvironmentFailed, Refused
from forensics.examination.open_case import OpenCase
from forensics.examination.records_index import KEY_FACT, by_fingerprints, decoys_of
from forensics.jobs.events import Job
from forensics.matching.check_digit_arrays import CHECK_DIGITS
from forensics.matching.fingerprint_file import Header, is_fingerprints, lines_of, read_header, read_lines, write
from forensics.matching.fingerprints import FingerprintKey
from forensics.matching.index import FIELDS, RecordIndex
from forensics.matching.records import DistinctPersons, Origin, Quality, Reader, SourceFile, understand
from forensics.model import SourceRecord

__all__ = ["check_fingerprints", "is_fingerprints", "make_fingerprints", "preview_fingerprints", "take_fingerprints"]


def make_fingerprints(
    job: Job,
    *,
    origin: Origin,
    out: Path,
    key_file: Path | None = None,
    name: str = "",
    as_of: str = "",
    key: str = "",
    mapping: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Write the fingerprints of a table to `out`; needs no case. No value of the table is in the result or the file.

    The key is that in `key_file` (default: `out` with `.key` behind its name), which is made where it is not there.
    Snapshots of one table need one key. Raises `Refused` where `out` is there, or as loading the records would.
    """
    if out.exists():
        raise Refused(f"{out.name} exists already.", "Choose another name: a file of fingerprints is never changed.")
    source = understand(origin, mapping or {}, key)
    quality, persons = Quality(), DistinctPersons()
    reader = Reader(source, quality)
    for record in _counted(job, reader):
        persons.add(record)
    quality.persons = persons.count()
    unused = {field: {value.lower() for value in values} for field, values in reader.unused.items()}
    names: list[str] = []
    scheme = quality.member_id_check_digit
    index = RecordIndex.from_fields(_numbered(job, source, unused, names), scheme if scheme in CHECK_DIGITS else "")
    if len(names) != quality.records:
        raise EnvironmentFailed(f"{origin.said} changed while it was read.", "Run this again when it is complete.")
    secret, made = _key(key_file or out.with_name(f"{out.name}.key"))
    lines, lengths = lines_of(index, names, secret)
    header = Header(
        key_check=secret.check,
        records=len(lines),
        check_digit=index.check_digit,
        lengths=lengths,
        run_lengths=tuple(sorted(index.id_digits)),
        fields=tuple(sorted(source.mapping)),
        decoys=decoys_of(index),
        quality={**asdict(quality), "member_id_shapes": {}, "ignored_columns": []},
        name=name or out.stem,
        as_of=as_of,
    )
    write(out, header, lines)
    return {
        "out": out.name,
        "sha256": hashing.of_file(out),
        "records": len(lines),
        "fields": list(header.fields),
        "as_of": as_of,
        "key_file": (key_file or out.with_name(f"{out.name}.key")).name,
        "key_made": made,
        "key_check": secret.check,
        "quality": dict(header.quality),
    }


def _key(path: Path) -> tuple[FingerprintKey, bool]:
    if path.exists():
        return FingerprintKey.read(path), False
    try:
        return FingerprintKey.make(path), True
    except OSError as error:
        raise EnvironmentFailed(f"The key {path.name} cannot be written.", "Choose another --key-file.") from error


def _counted(job: Job, reader: Reader) -> Iterator[SourceRecord]:
    for number, record in enumerate(reader, 1):
        if not number % 1000:
            job.check()
            job.progress("read records", number, None, "items")
        yield record


def _numbered(
    job: Job, source: SourceFile, unused: Mapping[str, set[str]], names: list[str]
) -> Iterator[tuple[Any, ...]]:
    """Number and compared fields of each record, read a second time, once it is known which values are nobody's."""
    for number, record in enumerate(_counted(job, Reader(source, Quality())), 1):
        blanked: dict[str, Any] = {
            field: "" for field, values in unused.items() if getattr(record, field).lower() in values
        }
        kept = replace(record, **blanked) if blanked else record
        names.append(kept.record_key)
        yield (number, *(getattr(kept, field) for field in FIELDS))


def preview_fingerprints(file: Path, key_file: Path | None = None) -> dict[str, Any]:
    """What the first line of a file of fingerprints says, in the form of `records.preview`. Needs no case.

    `missing` says that the key is not here, or is another's, so that a person can bring the right one.
    """
    header = read_header(file)
    return {
        "file": file.name,
        "read_as": "fingerprints",
        "not_read": [],
        "header": [],
        "key": "",
        "missing": _missing(header, file, key_file),
        "mapping": dict.fromkeys(header.fields, "fingerprint"),
        "columns": [],
        "dates": {"order": "", "why": "", "certain": True},
        "rows": [],
        "fingerprints": {
            "records": header.records, "name": header.name, "as_of": header.as_of, "key_check": header.key_check,
        },
    }  # fmt: skip


def _missing(header: Header, file: Path, key_file: Path | None) -> str:
    if key_file is None:
        return "These are fingerprints, and their key is not here."
    try:
        key = FingerprintKey.read(key_file)
    except OSError:
        return f"There is no key {key_file.name}."
    except Refused as refused:
        return str(refused)
    return "" if key.check == header.key_check else f"{key_file.name} is not the key of {file.name}."


def check_fingerprints(job: Job, file: Path, key_file: Path | None = None) -> dict[str, Any]:
    """A preview with `quality`, which the organisation counted where the values are; raises `Refused` where a line of
    the file is not whole."""
    for _ in _records(job, file):
        pass
    return {**preview_fingerprints(file, key_file), "quality": dict(read_header(file).quality)}


def take_fingerprints(
    case: OpenCase, job: Job, *, file: Path, key_file: Path | None, name: str = "", as_of: str = ""
) -> dict[str, Any]:
    """Read a file of fingerprints into the case as a set of records; its key is kept in the encrypted case.

    Raises `Refused` where the key is not the file's, or where the case has records by their values.
    """
    if key_file is None:
        raise Refused(
            "These are fingerprints, and their key is not here.", "Give the organisation's key by --key-file."
        )
    key, header = FingerprintKey.read(key_file), read_header(file)
    if key.check != header.key_check:
        raise Refused(
            f"{key_file.name} is not the key of {file.name}.", "Ask the organisation for the key of this file."
        )
    sets = case.store.source_sets()
    if sets and not by_fingerprints(sets):
        raise Refused(
            "This case has records by their values.",
            "Compare by fingerprints in a case of its own: make one with `new`.",
        )
    if sets and case.store.fact(KEY_FACT) != key.secret.hex():
        raise Refused(
            "The fingerprints in the case were made with another key.",
            "Ask for all snapshots with one key: two keys give one person two names.",
        )
    digest = hashing.of_file(file)

    def frozen(wanted: SourceSet) -> SourceSet:
        if hashing.of_file(file) != digest:
            raise EnvironmentFailed(f"{file.name} changed while it was read.", "Run this again when it is complete.")
        return wanted

    case.store.put_fact(KEY_FACT, key.secret.hex())
    kept = case.store.add_source_set(
        SourceSet(
            name or header.name or file.name, digest, as_of or header.as_of, 0,
            dict.fromkeys(header.fields, "fingerprint"), {**header.quality, "fingerprints": header.line()},
        ),
        _records(job, file),
        frozen,
    )  # fmt: skip
    job.changed("source_record")
    said = {"sha256": kept.sha256, "records": kept.records, "hash_of": "file"}
    return {
        "file": file.name,
        "read_as": "fingerprints",
        "not_read": [],
        "mapping": kept.mapping,
        "columns": [],
        "dates": {"order": "", "why": "", "certain": True},
        "quality": kept.quality,
        **said,
        "custody": {**said, "fields": list(header.fields), "key_check": key.check},
    }


def _records(job: Job, file: Path) -> Iterator[SourceRecord]:
    for number, (token, prints) in enumerate(read_lines(file), 1):
        if not number % 1000:
            job.check()
            job.progress("read records", number, None, "items")
        yield SourceRecord(token, fingerprints=prints)
