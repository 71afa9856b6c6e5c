"""Fingerprints find and compare as the values themselves would, and say nothing without their key."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from labelled.layouts import LAYOUTS, contents
from labelled.population import Plan, make_population

from forensics.detection.scan import scan
from forensics.errors import EnvironmentFailed, Refused
from forensics.matching import check_digits
from forensics.matching.agreement import Text, elements_in
from forensics.matching.chance import Decoys, code, shifts
from forensics.matching.fingerprint_file import (
    COLUMNS,
    FILLED_TO,
    FingerprintIndex,
    Header,
    is_fingerprints,
    lines_of,
    read_header,
    read_lines,
    write,
)
from forensics.matching.fingerprints import COMPARED, Fingerprinted, FingerprintKey, Lengths
from forensics.matching.index import RecordIndex
from forensics.matching.siphash import siphash
from forensics.matching.windows import find_in_text
from forensics.model import Kind, SourceRecord

KEY, OTHER = FingerprintKey(bytes(range(32))), FingerprintKey(bytes(32))

MARIA = SourceRecord(
    "K1", "Maria", "", "de la Ibáñez O'Dell", birth_date="1961-02-03", ssn="123456789", member_id="W204001234",
    address="12-B Elm Street, Apt 4", phone="8605550123", email="maria.i@example.org",
)  # fmt: skip
ROBERT = SourceRecord("K2", "Robert", "", "Okafor", birth_date="1960-02-29", ssn="523456781", member_id="A-77")


def fingerprinted(records: Sequence[SourceRecord], check_digit: str = "") -> tuple[RecordIndex, FingerprintIndex]:
    """The index of the records, and that of their fingerprints, with the same numbers."""
    index = RecordIndex.build(enumerate(records, 1), check_digit)
    names = [record.record_key for record in records]
    lines, lengths = lines_of(index, names, KEY)
    header = Header(KEY.check, len(lines), check_digit, lengths, tuple(index.id_digits), ())
    by_token = dict(line.split("\t", 1) for line in lines)
    rows = [(n, KEY.token(name), by_token[KEY.token(name)]) for n, name in enumerate(names, 1)]
    return index, FingerprintIndex.from_rows(rows, header, KEY)


def test_siphash_is_that_of_its_authors() -> None:
    # Vector 8 of the reference implementation: key 00 to 0f, message 00 to 07.
    message = np.array([0x0706050403020100], np.uint64)
    assert siphash(message, bytes(range(16))).tolist() == [0x93F5F5799A932462]
    many = np.arange(40_000, dtype=np.uint64)
    assert siphash(many, bytes(16))[[0, 39_999]].tolist() == siphash(many[[0, 39_999]], bytes(16)).tolist()


TEXTS = [
    "Maria de la Ibanez O'Dell, born 02/03/1961, SSN 123-45-6789",
    "IBAÑEZ ODELL DE LA; MARIA; 19610203; W204001234",
    "maria only",
    "12B Elm Street Apt 4 / (860) 555-0123 / MARIA.I@EXAMPLE.ORG.",
    "12 B. elm street apt 4",
    "00012345678900 W-204001234",
    "9912040012341961",
    "Bob Okafor 29 Feb 1960 id A77",
    "Roberto Okafor 1960-02-28 523456781",
    "nothing at all 555",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_hash_agrees_where_the_value_does(text: str) -> None:
    index, prints = fingerprinted([MARIA, ROBERT])
    for number in (1, 2):
        told = Text(text, day_first=None)
        assert elements_in(prints.person(number), told) == elements_in(index.person(number), told)


def test_the_texts_above_show_every_field() -> None:
    index, _ = fingerprinted([MARIA, ROBERT])
    shown = [elements_in(index.person(n), Text(text, day_first=None)) for n in (1, 2) for text in TEXTS]
    assert frozenset().union(*shown) == {"name", "birth_date", "ssn", "member_id", "address", "phone", "email"}


def test_an_address_is_found_between_whole_words_only() -> None:
    index, prints = fingerprinted([MARIA])
    text = Text("x12B Elm Street Apt 4")
    assert "address" in elements_in(index.person(1), text)
    assert "address" not in elements_in(prints.person(1), text)


@pytest.mark.parametrize("ids", ["luhn", "block"])
def test_evidence_and_decoys_are_those_of_the_values(ids: str) -> None:
    people = make_population(4, Plan(people=1500, ids=ids)).snapshot
    records = [
        SourceRecord(
            p.key, p.given, p.middle, p.family, p.suffix, p.birth.isoformat(), p.ssn, p.member_id, p.street, p.city,
            p.state, p.postal_code, p.phone, p.email,
        )
        for p in people
    ]  # fmt: skip
    index, prints = fingerprinted(records, check_digits.recognised(p.member_id[1:] for p in people))
    assert bool(index.check_digit) == (ids == "luhn")
    held = [r for r in records if r.ssn][:20]
    moved = [f"{(int(r.ssn) + by) % 10**9:09} {r.given_name}" for r, by in zip(held, shifts(10**9), strict=True)]
    moved += [f"{r.given_name} {r.family_name} {int(r.birth_date[:4]) + 3}{r.birth_date[4:]}" for r in records[:40]]
    moved += [f"id {int(r.member_id[1:]) + step:09}" for r in records[:100] for step in (1, 997, -998)]
    data = [contents(LAYOUTS[name], people[:60])[1] for name in ("csv", "last, first", "fixed width", "utf-16le")]
    data.append("\n".join(moved).encode())
    hits = decoys = 0
    for text in data:
        found = [find_in_text(text, scan(text, one), one) for one in (index, prints)]
        assert found[0] == found[1]
        both = [Decoys(index), Decoys(prints)]
        codes = [
            sorted(code(item.record, item.elements) for item in find_in_text(text, scan(text, one), one))
            for one in both
        ]
        assert codes[0] == codes[1]
        hits, decoys = hits + len(found[0]), decoys + len(codes[0])
    assert hits > 100
    assert decoys > 60


def test_equal_values_of_two_records_have_nothing_in_common() -> None:
    twin = SourceRecord("K9", "Maria", "", "Ibanez", birth_date="1961-02-03", address=MARIA.address)
    index = RecordIndex.build(enumerate([MARIA, twin], 1))
    lines, _ = lines_of(index, ["K1", "K9"], KEY)
    first, second = (set(line.replace("\t", " ").split()) for line in lines)
    shared = first & second
    # Name and birth date are looked up as one, and one they have to be; no field gives itself away.
    assert shared <= {h for line in lines for h in line.split("\t")[3].split()}


def test_how_many_spellings_a_name_has_is_not_told() -> None:
    index = RecordIndex.build(enumerate([MARIA, ROBERT], 1))
    for line in lines_of(index, ["K1", "K2"], KEY)[0]:
        assert len(line.split("\t")[3].split()) % FILLED_TO == 0
    given = COLUMNS.index("given")
    assert all(len(line.split("\t")[given].split()) == 1 for line in lines_of(index, ["K1", "K2"], KEY)[0])


def test_another_key_finds_and_compares_nothing() -> None:
    _, prints = fingerprinted([MARIA])
    other = FingerprintIndex(prints.tables, prints.fields, prints.header, OTHER)
    text = f"{MARIA.ssn};Maria;Ibanez;1961-02-03;{MARIA.member_id}\n".encode()
    assert scan(text, prints).record.tolist()
    assert not scan(text, other).record.tolist()
    assert not elements_in(other.person(1), Text(text.decode()))


def test_a_key_is_its_owners_alone_and_never_shown(tmp_path: Path) -> None:
    made = FingerprintKey.make(tmp_path / "k")
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600
    assert FingerprintKey.read(tmp_path / "k") == made
    assert made.secret.hex() not in repr(made) + str(made)
    with pytest.raises(FileExistsError):
        FingerprintKey.make(tmp_path / "k")
    (tmp_path / "no").write_text("key")
    with pytest.raises(Refused, match="holds no key"):
        FingerprintKey.read(tmp_path / "no")
    with pytest.raises(EnvironmentFailed):
        FingerprintKey.read(tmp_path / "missing")


def written(path: Path) -> list[str]:
    index = RecordIndex.build(enumerate([MARIA, ROBERT], 1))
    lines, lengths = lines_of(index, ["K1", "K2"], KEY)
    write(path, Header(KEY.check, 2, "", lengths, (), (), name="n", as_of="2026-01-01"), lines)
    return path.read_text().splitlines(keepends=True)


def test_a_file_reads_back(tmp_path: Path) -> None:
    lines = written(tmp_path / "a")
    assert is_fingerprints(tmp_path / "a")
    assert [f"{token}\t{rest}\n" for token, rest in read_lines(tmp_path / "a")] == lines[2:]
    header = read_header(tmp_path / "a")
    assert (header.records, header.as_of, header.key_check) == (2, "2026-01-01", KEY.check)
    # 12, B, Elm, Street, Apt, 4; and the digits of `W204001234` without its letter.
    assert header.lengths == Lengths((9,), (5, 6, 7))


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines[:2], *reversed(lines[2:])],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines[:-1], lines[-1].replace("\t", " ")],
        lambda lines: [*lines[:-1], lines[-1][:-3] + "zz\n"],
        lambda lines: [lines[0], lines[1].replace("given", "taken"), *lines[2:]],
        lambda lines: [lines[0].replace('"records": 2', '"records": []'), *lines[1:]],
    ],
)
def test_a_damaged_file_is_refused(damage: object, tmp_path: Path) -> None:
    lines = written(tmp_path / "a")
    (tmp_path / "b").write_text("".join(damage(lines)))  # type: ignore[operator]
    with pytest.raises(Refused, match="not whole"):
        list(read_lines(tmp_path / "b"))


def test_a_file_of_another_form_is_named(tmp_path: Path) -> None:
    lines = written(tmp_path / "a")
    (tmp_path / "b").write_text("".join([lines[0].replace('"form": 1', '"form": 2'), *lines[1:]]))
    with pytest.raises(Refused, match="form 2"):
        read_header(tmp_path / "b")


def test_columns_are_look_ups_and_fields() -> None:
    assert ("token", *(f"look-ups of {kind}" for kind in Kind), *COMPARED) == COLUMNS
    assert isinstance(fingerprinted([MARIA])[1].person(1), Fingerprinted)
