"""Decoys: found where chance alone puts a moved value, not found where a value is somebody's own."""

from __future__ import annotations

import numpy as np
import pytest

from forensics import keys
from forensics.detection.scan import scan
from forensics.matching.chance import SEEDS, YEARS, Decoys, agreement_by_accident, code, decode, held, shifts
from forensics.matching.index import RecordIndex
from forensics.matching.windows import find_in_text
from forensics.model import Kind, SourceRecord

RECORDS = [
    SourceRecord("K1", "Maria", "", "Ibanez", birth_date="1961-02-03", ssn="123456789", member_id="W204001234"),
    SourceRecord("K2", "Peter", "", "Okafor", birth_date="1960-02-29", ssn="523456781", member_id="W204009999"),
]
INDEX = RecordIndex.build(enumerate(RECORDS, 1))
DECOYS = Decoys(INDEX)


def hits(text: str) -> set[tuple[Kind, int, int, frozenset[str]]]:
    data = text.encode()
    found = find_in_text(data, scan(data, DECOYS), DECOYS)
    told = [decode(code(item)) for item in found]
    return {(hit.kind, hit.seed, hit.record, hit.elements) for hit in told}


@pytest.mark.parametrize("length", [1, 5, 9, 10, 17])
def test_a_number_comes_back_out_of_its_key(length: int) -> None:
    values = np.random.default_rng(length).integers(0, 10**length, 1000).astype(np.uint64)
    back, lengths = keys.digits_of(keys.digits(values, length))
    assert (back == values).all()
    assert set(lengths.tolist()) == {length}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_move_of_a_number_is_found_and_says_of_whom(seed: int) -> None:
    moved = (int(RECORDS[0].ssn) + shifts(10**9)[seed]) % 10**9
    assert hits(f"no. {moved:09}\n") == {(Kind.SSN, seed, 1, frozenset({"ssn"}))}
    assert hits(f"{moved:09};Maria;Ibanez\n") == {(Kind.SSN, seed, 1, frozenset({"ssn", "name"}))}
    number = (204001234 + shifts(10**9)[seed]) % 10**9
    assert (Kind.MEMBER_ID, seed, 1, frozenset({"member_id"})) in hits(f"id W{number:09}\n")


def test_every_move_of_a_birth_date_is_found() -> None:
    for seed, years in enumerate(YEARS):
        found = hits(f"Maria Ibanez 02/03/{1961 + years}\n")
        assert found == {(Kind.NAME_AND_BIRTH_DATE, seed, 1, frozenset({"name", "birth_date"}))}, years


def test_what_is_somebodys_own_is_no_decoy() -> None:
    assert hits("123456789;Maria;Ibanez;1961-02-03;W204001234\n") == set()


def test_a_move_onto_a_number_that_is_issued_is_not_asked_and_not_counted() -> None:
    taken = f"{(123456789 + shifts(10**9)[3]) % 10**9:09}"
    index = RecordIndex.build(enumerate([*RECORDS, SourceRecord("K3", "Eve", "", "Roth", ssn=taken)], 1))
    data = f"no. {taken}\n".encode()
    decoys = Decoys(index)
    assert 1 not in {decode(code(one)).record for one in find_in_text(data, scan(data, decoys), decoys)}
    counted = held(index, Kind.SSN)
    assert counted.records == 3
    assert counted.kept[3] == 2
    assert held(INDEX, Kind.SSN).kept == (2,) * SEEDS


def test_the_29th_of_february_has_no_decoy_in_a_common_year() -> None:
    assert hits("Peter Okafor 02/28/1958, 03/01/1958\n") == set()
    assert {hit[1] for hit in hits("Peter Okafor 02/29/1956\n")} == {YEARS.index(-4)}


def test_moves_are_distinct_and_far_enough_from_a_mistyped_digit() -> None:
    for length in (6, 9, 10):
        moves = shifts(10**length)
        assert len(set(moves)) == SEEDS
        assert min(min(move, 10**length - move) for move in moves) > 500


def test_how_often_two_records_agree() -> None:
    same = [
        SourceRecord(f"K{n}", "Ann", "", "Lee", birth_date="1970-01-01" if n % 2 else "1980-05-05") for n in range(8)
    ]
    rates = agreement_by_accident(RecordIndex.build(enumerate(same, 1)))
    assert rates == {"name": 1.0, "birth_date": 0.5, "contact": 0.0}
