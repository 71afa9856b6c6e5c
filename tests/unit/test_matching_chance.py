"""Decoys: found where chance alone puts a moved value, not found where a value is somebody's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics import keys
from forensics.detection.scan import scan
from forensics.errors import Refused
from forensics.matching import chance
from forensics.matching.chance import (
    SEEDS,
    WRONG,
    YEARS,
    Decoys,
    agreement_by_accident,
    code,
    decode,
    held,
    moves_of,
    shifts,
)
from forensics.matching.check_digit_arrays import CHECK_DIGITS
from forensics.matching.check_digits import SCHEMES, luhn
from forensics.matching.index import RecordIndex
from forensics.matching.windows import find_in_text
from forensics.model import Moved, SourceRecord

RECORDS = [
    SourceRecord("K1", "Maria", "", "Ibanez", birth_date="1961-02-03", ssn="123456789", member_id="W204001234"),
    SourceRecord("K2", "Peter", "", "Okafor", birth_date="1960-02-29", ssn="523456781", member_id="W204009999"),
]
INDEX = RecordIndex.build(enumerate(RECORDS, 1))
DECOYS = Decoys(INDEX)


def hits(text: str) -> set[tuple[Moved, int, int, frozenset[str]]]:
    data = text.encode()
    found = find_in_text(data, scan(data, DECOYS), DECOYS)
    told = [decode(code(item.record, item.elements)) for item in found]
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
    assert hits(f"no. {moved:09}\n") == {(Moved.SSN, seed, 1, frozenset({"ssn"}))}
    assert hits(f"{moved:09};Maria;Ibanez\n") == {(Moved.SSN, seed, 1, frozenset({"ssn", "name"}))}
    number = (204001234 + shifts(10**9)[seed]) % 10**9
    assert (Moved.MEMBER_ID, seed, 1, frozenset({"member_id"})) in hits(f"id W{number:09}\n")


def test_every_move_of_a_birth_date_is_found() -> None:
    for seed, years in enumerate(YEARS):
        found = hits(f"Maria Ibanez 02/03/{1961 + years}\n")
        assert found == {(Moved.NAME_AND_BIRTH_DATE, seed, 1, frozenset({"name", "birth_date"}))}, years


def test_what_is_somebodys_own_is_no_decoy() -> None:
    assert hits("123456789;Maria;Ibanez;1961-02-03;W204001234\n") == set()


def test_a_move_onto_a_number_that_is_issued_is_not_asked_and_not_counted() -> None:
    taken = f"{(123456789 + shifts(10**9)[3]) % 10**9:09}"
    index = RecordIndex.build(enumerate([*RECORDS, SourceRecord("K3", "Eve", "", "Roth", ssn=taken)], 1))
    data = f"no. {taken}\n".encode()
    decoys = Decoys(index)
    found = find_in_text(data, scan(data, decoys), decoys)
    assert 1 not in {decode(code(one.record, one.elements)).record for one in found}
    counted = held(index, Moved.SSN)
    assert counted.records == 3
    assert counted.kept[3] == 2
    assert held(INDEX, Moved.SSN).kept == (2,) * SEEDS


def test_the_29th_of_february_has_no_decoy_in_a_common_year() -> None:
    assert hits("Peter Okafor 02/28/1958, 03/01/1958\n") == set()
    assert {hit[1] for hit in hits("Peter Okafor 02/29/1956\n")} == {YEARS.index(-4)}


def test_moves_are_distinct_and_far_enough_from_a_mistyped_digit() -> None:
    for length in (6, 9, 10):
        moves = shifts(10**length)
        assert len(set(moves)) == SEEDS
        assert min(min(move, 10**length - move) for move in moves) > 500


def test_names_that_many_share_leave_few_decoys_free() -> None:
    """Ten with one name, born on 1 January of ten years in a row: most moves meet another one's birthday."""
    many = [SourceRecord(f"K{n}", "Ann", "", "Lee", birth_date=f"{1970 + n}-01-01") for n in range(10)]
    counted = held(RecordIndex.build(enumerate(many, 1)), Moved.NAME_AND_BIRTH_DATE)
    assert dict(zip(YEARS, counted.kept, strict=True))[2] == 2
    assert dict(zip(YEARS, counted.kept, strict=True))[-9] == 9
    assert held(INDEX, Moved.NAME_AND_BIRTH_DATE).kept == (2,) * SEEDS


def test_how_often_two_records_agree() -> None:
    same = [
        SourceRecord(f"K{n}", "Ann", "", "Lee", birth_date="1970-01-01" if n % 2 else "1980-05-05") for n in range(8)
    ]
    rates = agreement_by_accident(RecordIndex.build(enumerate(same, 1)))
    assert rates == {"name": 1.0, "birth_date": 25 / 56, "contact": 0.0}


IDS = [str(number) + str(next(d for d in range(10) if luhn(f"{number}{d}"))) for number in (10_340_077, 48_112_905)]
CHECKED = RecordIndex.build(
    [
        (
            1,
            SourceRecord(
                "a", given_name="Maria", family_name="Ibanez", birth_date="1961-03-02", member_id=f"W{IDS[0]}"
            ),
        ),
        (2, SourceRecord("b", given_name="Tom", family_name="Reed", birth_date="1984-08-19", member_id=f"W{IDS[1]}")),
    ],
    "luhn",
)


def checked_hits(text: str) -> set[tuple[int, int, frozenset[str]]]:
    data, decoys = text.encode(), Decoys(CHECKED)
    told = [decode(code(item.record, item.elements)) for item in find_in_text(data, scan(data, decoys), decoys)]
    return {(hit.seed, hit.record, hit.elements) for hit in told if hit.kind is Moved.CHECKED_ID}


def test_an_id_with_a_wrong_check_digit_is_a_decoy_of_the_first_family_and_of_no_other() -> None:
    right = int(IDS[0][-1])
    for step in range(1, WRONG + 1):
        wrong = f"{IDS[0][:-1]}{(right + step) % 10}"
        assert checked_hits(f"claim {wrong} paid\n") == {(step - 1, 1, frozenset({"member_id"}))}
    assert checked_hits(f"claim {IDS[0]} paid\n") == set(), "the id itself is there for cause"


def test_a_valid_id_that_nobody_has_is_a_decoy_of_the_second_family() -> None:
    payload = int(IDS[1][:-1])
    for seed, shift in enumerate(shifts(10**8)):
        moved = f"{(payload + shift) % 10**8:08}"
        moved += str(next(d for d in range(10) if luhn(f"{moved}{d}")))
        assert (WRONG + seed, 2, frozenset({"member_id"})) in checked_hits(f"claim {moved} paid\n")


def test_a_decoy_with_a_check_digit_keeps_the_other_fields_of_its_record() -> None:
    wrong = f"{IDS[0][:-1]}{(int(IDS[0][-1]) + 4) % 10}"
    assert (3, 1, frozenset({"member_id", "name"})) in checked_hits(f"W{wrong};Maria;Ibanez\n")


def test_without_a_scheme_there_are_no_such_decoys() -> None:
    assert Moved.CHECKED_ID not in moves_of(INDEX)
    assert Moved.CHECKED_ID in moves_of(CHECKED)
    assert held(CHECKED, Moved.CHECKED_ID).kept == (2,) * (WRONG + SEEDS)


def test_more_records_than_a_decoy_can_tell_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chance, "RECORD_BITS", 1)
    Decoys(RecordIndex.build([(1, RECORDS[0])]))
    with pytest.raises(Refused, match="more than 1 source records"):
        Decoys(INDEX)


@pytest.mark.parametrize("scheme", sorted(CHECK_DIGITS))
@given(payload=st.integers(0, 10**9 - 1))
def test_check_digits_of_arrays_are_those_of_single_numbers(scheme: str, payload: int) -> None:
    (digit,) = CHECK_DIGITS[scheme](np.array([payload], np.uint64), 9).tolist()
    assert SCHEMES[scheme](f"{payload:09}{digit}")
    assert not any(SCHEMES[scheme](f"{payload:09}{other}") for other in range(10) if other != digit)
