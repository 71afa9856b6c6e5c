"""Sets of known files: the National Software Reference Library, lists of hashdeep or sha256sum, an organisation's own.

A set is read once, a row at a time, and compared with the digests of the entries; it may be larger than any memory.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile import known_files
from forensics.casefile.known_files import KnownSet
from forensics.errors import EnvironmentFailed, Refused
from forensics.examination.open_case import OpenCase, verb
from forensics.jobs.events import Job

Digests = dict[str, dict[str, list[int]]]
_Reader = Callable[[Iterator[str]], Iterator[dict[str, str]]]

ALGORITHMS = ("sha256", "sha1", "md5")
"""The strongest first: by it an entry is said to be known."""

_LENGTH = {64: "sha256", 40: "sha1", 32: "md5"}
_HEX = "[0-9A-Fa-f]"
_HASH = f"(?:{_HEX}{{64}}|{_HEX}{{40}}|{_HEX}{{32}})"
_FIRST = re.compile(rf'[\\"\s]*({_HASH}(?:"?[,;\t]"?{_HASH})*)(?![0-9A-Za-z])')
"""Digests at the start of a line, as sha256sum(1), NSRL's older text files and `export hashes` have them."""
_BSD = re.compile(rf"(?:MD5|SHA1|SHA256) ?\(.*\) ?= ({_HASH})\s*$")
_EACH = re.compile(_HASH)

SQLITE, HASHDEEP = b"SQLite format 3\0", "%%%% "
LONGEST = 64 << 10
"""Characters of one line."""

_READ = 1 << 20


@verb("known")
def add(case: OpenCase, job: Job, *, file: Path, name: str = "") -> dict[str, Any]:
    """Mark the entries whose content is in a set of known files. The set's own SHA-256 goes into the ledger.

    Raises `Refused` where nothing is examined yet, or the file is no set that is known here.
    """
    if not case.store.fact("indexed"):
        raise Refused("The contents have not been examined.", f"First: drivecustody index {case.folder.path.name}")
    name = name.strip() or file.stem
    ours = known_files.digests(case.store.engine)
    marks: dict[int, str] = {}
    try:
        sha256 = _sha256(file, job)
        with file.open("rb") as stream:
            head = stream.read(64)
        if head.startswith(SQLITE):
            kind, hashes = "nsrl", _in_nsrl(file, ours, marks, job)
        elif head.startswith(HASHDEEP.encode() + b"HASHDEEP"):
            kind, hashes = "hashdeep", _compare(file, _of_hashdeep, ours, marks, job)
        else:
            kind, hashes = "list", _compare(file, _of_list, ours, marks, job)
    except OSError as error:
        raise EnvironmentFailed(f"{file.name} cannot be read: {error.strerror}.", "Check the path.") from error
    if not hashes:
        raise Refused(
            f"{file.name} holds no hashes that are known here.",
            "Give an NSRL database (RDSv3), a file of hashdeep, or a list with an MD5, SHA-1 or SHA-256 on each line.",
        )
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    made = KnownSet(name, kind, sha256, hashes, now, len(marks))
    known_files.put_set(case.store.engine, made, sorted(marks.items()))
    job.changed("known_file", "file_entry")
    by = {algorithm: sum(1 for used in marks.values() if used == algorithm) for algorithm in ALGORITHMS}
    said = {"sha256": sha256, "kind": kind, "hashes": hashes, "files": len(marks)}
    return {**asdict(made), "by": by, "custody": said}


@verb("known")
def remove(case: OpenCase, job: Job, *, name: str) -> dict[str, Any]:
    """Forget a set of known files. Raises `Refused` where there is none of that name."""
    if not known_files.remove_set(case.store.engine, name):
        raise Refused("There is no set of that name.", f"drivecustody known list {case.folder.path.name} shows them.")
    job.changed("known_file", "file_entry")
    return {"name": name, "custody": {"removed": 1}}


def listed(case: OpenCase) -> dict[str, Any]:
    """The sets that were read."""
    return {"sets": [asdict(one) for one in known_files.sets(case.store.engine)]}


def _sha256(file: Path, job: Job) -> str:
    digest, done, size = hashing.new("sha256"), 0, file.stat().st_size
    with file.open("rb") as stream:
        while block := stream.read(8 * _READ):
            job.check()
            digest.update(block)
            done += len(block)
            job.progress("hash the set", done, size)
    return digest.hexdigest()


def _mark(found: dict[str, str], ours: Digests, marks: dict[int, str]) -> None:
    """Mark by the strongest digest that a line gives: where that differs, equal weaker ones mean nothing."""
    strongest = next((algorithm for algorithm in ALGORITHMS if algorithm in found), "")
    for entry in ours[strongest].get(found[strongest], ()) if strongest else ():
        if ALGORITHMS.index(strongest) < ALGORITHMS.index(marks.get(entry, "md5")) or entry not in marks:
            marks[entry] = strongest


def _compare(
    file: Path,
    read: Callable[[Iterator[str]], Iterator[dict[str, str]]],
    ours: Digests,
    marks: dict[int, str],
    job: Job,
) -> int:
    hashes = 0
    for found in read(_lines(file, job)):
        hashes += 1
        _mark(found, ours, marks)
    return hashes


def _lines(file: Path, job: Job) -> Iterator[str]:
    done, size = 0, file.stat().st_size
    # A byte that is no text stands in a name at most.
    with file.open("r", encoding="utf-8-sig", errors="replace", newline="\n") as stream:
        while line := stream.readline(LONGEST):
            done += len(line)
            job.check()
            job.progress("compare with the set", min(done, size), size)
            yield line


def _of_list(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    for line in lines:
        found = _FIRST.match(line) or _BSD.search(line)
        if found:
            digests = [digest.lower() for digest in _EACH.findall(found[1])]
            yield {_LENGTH[len(digest)]: digest for digest in digests}


def _of_hashdeep(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    columns: list[str] = []
    for line in lines:
        if line.startswith(HASHDEEP):
            columns = line[len(HASHDEEP) :].strip().lower().split(",")
        elif columns and not line.startswith("#"):
            cells = line.rstrip("\r\n").split(",", len(columns) - 1)
            found = {
                name: cell.lower()
                for name, cell in zip(columns, cells, strict=False)
                if name in ALGORITHMS and _EACH.fullmatch(cell)
            }
            if found:
                yield found


def _in_nsrl(file: Path, ours: Digests, marks: dict[int, str], job: Job) -> int:
    """Compare with an NSRL database in one pass over it; how many rows it has."""
    uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.set_progress_handler(lambda: int(job.stopping), 1_000_000)
            # RDSv3: one row a file, digests in capital hex; the smaller sets have the same table.
            columns = {row[1].lower() for row in database.execute("PRAGMA table_info(FILE)")}
            present = [algorithm for algorithm in ALGORITHMS if algorithm in columns]
            if not present:
                return 0
            job.progress("compare with the set", 0, None, "items")
            rows = database.execute(f"SELECT {', '.join(present)} FROM FILE")  # noqa: S608
            hashes = 0
            for row in rows:
                hashes += 1
                found = {name: str(cell).lower() for name, cell in zip(present, row, strict=True) if cell}
                _mark(found, ours, marks)
                if not hashes % 100_000:
                    job.check()
                    job.progress("compare with the set", hashes, None, "items")
            return hashes
    except sqlite3.DatabaseError as error:
        job.check()
        raise Refused(
            f"{file.name} is a damaged database, or no NSRL one.", "Download it again, and check its hash."
        ) from error
