"""The file of fingerprints: written where the records are, read where the drive is. Text, for counsel to look at.

The first line is a JSON object, the second names the columns, and each further line is one record, tab-separated:
its token, the look-ups of each kind, and the hashes of each field (`fingerprints.COMPARED`), several by a space. Lines
are ordered by their tokens, which have nothing to do with the order of the table. Look-ups of names are filled up to a
multiple of eight with hashes of nothing: how many spellings a name has would narrow it down.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from forensics.errors import Refused
from forensics.matching.fingerprints import COMPARED, SIZE, Fingerprinted, FingerprintKey, Lengths
from forensics.matching.index import CHUNK, FIELDS, MOST_KNOWN, RecordIndex
from forensics.matching.key_table import KeyTable
from forensics.model import Kind

MAGIC = b'{"drivecustody": "fingerprints"'
FORM = 1

COLUMNS = ("token", *(f"look-ups of {kind}" for kind in Kind), *COMPARED)

FILLED_TO = 8
"""Look-ups of names of one record are a multiple of so many."""

_HASHES = re.compile(r"(?:[0-9a-f]{16}(?: [0-9a-f]{16})*)?")


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says: counts of the whole table, and nothing of any record.

    `decoys` is `match.decoys_of` the records, which only who has the values can count.
    """

    key_check: str
    records: int
    check_digit: str
    lengths: Lengths
    run_lengths: tuple[int, ...]
    """Digits of the runs by which member ids are found."""
    fields: tuple[str, ...]
    decoys: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    as_of: str = ""

    def line(self) -> str:
        said = {
            "drivecustody": "fingerprints", "form": FORM, "key_check": self.key_check, "records": self.records,
            "check_digit": self.check_digit, "id_digits": self.lengths.id_digits,
            "address_words": self.lengths.address_words, "run_lengths": self.run_lengths, "fields": self.fields,
            "decoys": self.decoys, "quality": self.quality, "name": self.name, "as_of": self.as_of,
        }  # fmt: skip
        return json.dumps(said)

    @classmethod
    def parse(cls, line: str) -> Header:
        """Raises `Refused` for a line of another form."""
        try:
            said = json.loads(line)
            if said["form"] != FORM:
                raise Refused(
                    f"These fingerprints have form {said['form']}, this version reads form {FORM}.",
                    "Make them with the version that reads them.",
                )
            return cls(
                str(said["key_check"]), int(said["records"]), str(said["check_digit"]),
                Lengths(tuple(map(int, said["id_digits"])), tuple(map(int, said["address_words"]))),
                tuple(map(int, said["run_lengths"])), tuple(map(str, said["fields"])), dict(said["decoys"]),
                dict(said["quality"]), str(said["name"]), str(said["as_of"]),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged() from error


def _damaged() -> Refused:
    return Refused("The file of fingerprints is not whole.", "Ask for it again, and compare its SHA-256.")


def is_fingerprints(path: Path) -> bool:
    """Whether a file begins as one of fingerprints does."""
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def lines_of(index: RecordIndex, keys_of_records: Sequence[str], key: FingerprintKey) -> tuple[list[str], Lengths]:
    """The lines of all records (number n of the index has the key `keys_of_records[n - 1]`), in the order of the file,
    and the lengths in them."""
    by_kind = {kind: _by_record(index.tables[kind], key, kind, len(keys_of_records)) for kind in Kind}
    lengths = Lengths()
    lines = []
    for start in range(1, len(keys_of_records) + 1, CHUNK):
        stop = min(start + CHUNK, len(keys_of_records) + 1)
        some = RecordIndex({}, index.fields.slice(start, stop - start), index.id_digits)
        addresses = some.fields.column(FIELDS.index("address")).to_pylist()
        persons = [some.person(at) for at in range(stop - start)]
        lengths |= Lengths.of(zip(persons, addresses, strict=True))
        for at, person in enumerate(persons):
            token = key.token(keys_of_records[start + at - 1])
            asked = [_words(by_kind[kind](start + at), key, kind, token) for kind in Kind]
            hashes = key.fields(person, token)
            lines.append("\t".join([token, *asked, *(" ".join(hashes[name]) for name in COMPARED)]))
    return sorted(lines), lengths


def _by_record(table: KeyTable, key: FingerprintKey, kind: Kind, records: int) -> Callable[[int], list[int]]:
    order = np.argsort(table.records, kind="stable")
    made, holders = key.look_up(kind, table.keys)[order], table.records[order]
    bounds = np.searchsorted(holders, np.arange(records + 2))

    def of(record: int) -> list[int]:
        some: list[int] = made[bounds[record] : bounds[record + 1]].tolist()
        return some

    return of


def _words(look_ups: Sequence[int], key: FingerprintKey, kind: Kind, token: str) -> str:
    words = [f"{number:016x}" for number in look_ups]
    if kind is Kind.NAME_AND_BIRTH_DATE and words:
        # The same in every snapshot, or each would look as if the person had changed.
        words += [key.of("filling", str(n), token) for n in range(-len(words) % FILLED_TO)]
    return " ".join(sorted(words))


def write(path: Path, header: Header, lines: Iterable[str]) -> None:
    """Raises `FileExistsError` where the file is there."""
    with path.open("x", encoding="ascii", newline="\n") as stream:
        stream.write(header.line() + "\n")
        stream.write("\t".join(COLUMNS) + "\n")
        stream.writelines(line + "\n" for line in lines)


def read_header(path: Path) -> Header:
    with path.open(encoding="ascii", errors="replace") as stream:
        return Header.parse(stream.readline())


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Token and the rest of each record. Raises `Refused` where the file is not whole."""
    with path.open(encoding="ascii", errors="replace", newline="\n") as stream:
        header = Header.parse(stream.readline())
        if stream.readline().rstrip("\n").split("\t") != list(COLUMNS):
            raise _damaged()
        before, count = "", 0
        for line in stream:
            token, _, rest = line.rstrip("\n").partition("\t")
            parts = rest.split("\t")
            if (
                token <= before
                or len(token) != 2 * SIZE
                or len(parts) != len(COLUMNS) - 1
                or not all(map(_HASHES.fullmatch, (token, *parts)))
            ):
                raise _damaged()
            before, count = token, count + 1
            yield token, rest
        if count != header.records:
            raise _damaged()


class FingerprintIndex(RecordIndex):
    """Records of which only fingerprints are here, findable and comparable as others are.

    What is asked is hashed first, some 70 ns each; a comparison hashes what stands in the row or window, some 100 µs.
    """

    def __init__(self, tables: dict[Kind, KeyTable], fields: pa.Table, header: Header, key: FingerprintKey) -> None:
        super().__init__(tables, fields, frozenset(header.run_lengths), header.check_digit)
        self.header = header
        self.key = key

    @classmethod
    def from_rows(cls, rows: Iterable[Sequence[Any]], header: Header, key: FingerprintKey) -> FingerprintIndex:
        """From number, token and fingerprints of each record, by number."""
        found: dict[Kind, list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]] = {kind: [] for kind in Kind}
        schema = pa.schema([("token", pa.string()), ("fingerprints", pa.string())])
        chunks = [schema.empty_table()]
        held = -1
        ordered = iter(rows)
        while page := list(islice(ordered, CHUNK)):
            there = {number: (token, prints) for number, token, prints in page}
            numbers = range(held + 1, page[-1][0] + 1)
            columns = list(zip(*(there.get(number, ("", "")) for number in numbers), strict=True))
            chunks.append(pa.table(columns, schema))
            for place, kind in enumerate(Kind):
                words = [(number, there[number][1].split("\t")[place].split()) for number in numbers if number in there]
                flat = bytes.fromhex("".join(word for _, some in words for word in some))
                found[kind].append(
                    (
                        np.frombuffer(flat, ">u8").astype(np.uint64),
                        np.repeat([number for number, _ in words], [len(some) for _, some in words]).astype(np.uint32),
                    )
                )
            held = page[-1][0]
        tables = {kind: KeyTable.build(parts) for kind, parts in found.items()}
        return cls(tables, pa.concat_tables(chunks).combine_chunks(), header, key)

    @cached_property
    def _asked(self) -> dict[int, Fingerprinted]:
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "header": self.header, "key": self.key}

    def find(self, kind: Kind, asked: Any) -> Any:
        return super().find(kind, self.key.look_up(kind, asked))

    def know(self, records: Iterable[int]) -> None:
        """Fingerprints are read one by one."""

    def person(self, record: int) -> Any:
        """The record as one that compares itself, kept for a while once it was asked for."""
        person = self._asked.get(record)
        if person is None:
            if len(self._asked) >= MOST_KNOWN:
                self._asked.clear()
            token, prints = (self.fields.column(place)[record].as_py() for place in (0, 1))
            parts = prints.split("\t")[len(Kind) :]
            hashes = {name: frozenset(part.split()) for name, part in zip(COMPARED, parts, strict=True)}
            person = Fingerprinted(hashes, token, self.key, self.header.lengths)
            self._asked[record] = person
        return person
