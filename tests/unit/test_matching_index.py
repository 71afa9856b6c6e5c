"""The index must answer as a dictionary would: everything that is there, every holder of it, and nothing else."""

from __future__ import annotations

import pickle
import re
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics import keys
from forensics.matching import index as index_module
from forensics.matching import record_keys
from forensics.matching.index import RecordIndex
from forensics.matching.key_table import KeyTable
from forensics.model import Kind, SourceRecord

A_RECORD = SourceRecord(
    "K1", "Maria", "Luz", "Ibanez", "", "1961-02-03", "899770123", "MBR-2045551", "12 Elm St", "Pell", "CT", "06301",
    "2035550123", "Maria.I@Example.com",
)  # fmt: skip


def asked(index: RecordIndex, kind: Kind, *values: int, digits: int = 9) -> list[tuple[int, int]]:
    at, record = index.find(kind, keys.digits(np.array(values, np.uint64), digits))
    return sorted(zip(at.tolist(), record.tolist(), strict=True))


def test_a_million_keys_answer_as_a_dictionary_does() -> None:
    """A tenth of the keys have two or three records; half of what is asked is not there, some of it nearly."""
    random = np.random.default_rng(3)
    held = random.integers(0, 1 << 63, 900_000, dtype=np.uint64) * np.uint64(2)
    held = np.concatenate((held, held[:80_000], held[:20_000]))
    records = np.arange(len(held), dtype=np.uint32)
    shuffle = random.permutation(len(held))
    table = KeyTable.build([(held[shuffle], records[shuffle])])
    dictionary: defaultdict[int, list[int]] = defaultdict(list)
    for key, record in zip(held.tolist(), records.tolist(), strict=True):
        dictionary[key].append(record)
    wanted = np.concatenate(
        (
            held[random.integers(0, len(held), 100_000)],
            held[:50_000] + np.uint64(1),
            random.integers(0, 1 << 63, 50_000, dtype=np.uint64),
            np.array([0, (1 << 64) - 1], np.uint64),
        )
    )
    at, record = table.find(wanted)
    got: defaultdict[int, list[int]] = defaultdict(list)
    for place, holder in zip(at.tolist(), record.tolist(), strict=True):
        got[place].append(holder)
    for place, key in enumerate(wanted.tolist()):
        assert sorted(got[place]) == sorted(dictionary.get(key, [])), key


numbers = st.integers(0, (1 << 64) - 1) | st.integers(0, 40) | st.integers(1 << 63, (1 << 63) + 40)
"""Any key, and keys so close together that one follows the other in the table."""


@given(
    st.lists(st.tuples(numbers, st.integers(0, 5)), max_size=120),
    st.lists(numbers, max_size=10),
)
@settings(deadline=None)
def test_any_small_table_answers_as_a_dictionary_does(held: list[tuple[int, int]], others: list[int]) -> None:
    both = [np.array([key for key, _ in held], np.uint64), np.array([record for _, record in held], np.uint32)]
    table = KeyTable.build([(both[0][some], both[1][some]) for some in (slice(None, 7), slice(7, None))])
    wanted = others + [key for key, _ in held] + [0, (1 << 64) - 1]
    at, record = table.find(np.array(wanted, np.uint64))
    expected = {(place, r) for place, key in enumerate(wanted) for k, r in held if k == key}
    assert sorted(zip(at.tolist(), record.tolist(), strict=True)) == sorted(expected)


def test_a_key_of_two_records_comes_twice_and_a_record_with_one_key_twice_comes_once() -> None:
    twice = replace(A_RECORD, record_key="K2", given_name="Marta")
    index = RecordIndex.build([(1, A_RECORD), (2, twice)])
    assert asked(index, Kind.SSN, 5, 899770123, 899770123) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    table = KeyTable.build([(np.array([7, 7, 7], np.uint64), np.array([4, 4, 5], np.uint32))])
    assert [column.tolist() for column in table.find(np.array([7], np.uint64))] == [[0, 0], [4, 5]]


def test_a_key_that_very_many_records_have_hides_none_behind_it() -> None:
    shared = np.full(10_000, 1 << 40, np.uint64)
    made = np.concatenate((shared, np.arange(1, 50, dtype=np.uint64) + shared[:49]))
    table = KeyTable.build([(made, np.arange(len(made), dtype=np.uint32))])
    at, record = table.find(np.array([1 << 40, (1 << 40) + 49, (1 << 40) + 50], np.uint64))
    assert at.tolist() == [0] * 10_000 + [1]
    assert record.tolist() == [*range(10_000), 10_048]


def test_keys_in_many_parts_make_the_table_that_they_make_in_one() -> None:
    random = np.random.default_rng(5)
    made, records = random.integers(0, 1 << 63, 50_000, dtype=np.uint64) * np.uint64(2), random.integers(0, 9, 50_000)
    made[::7] = made[0]
    whole = KeyTable.build([(made, records.astype(np.uint32))])
    parts = [(made[at::13], records[at::13].astype(np.uint32)) for at in range(13)]
    apart = KeyTable.build([*parts, *parts[:2]])
    expected = sorted(set(zip(made.tolist(), records.tolist(), strict=True)))
    for table in (whole, apart):
        assert list(zip(table.keys.tolist(), table.records.tolist(), strict=True)) == expected


def test_every_name_of_a_record_is_known_as_one_and_next_to_no_other_pair_of_words() -> None:
    people = [
        replace(
            A_RECORD, record_key=f"K{n}", given_name=f"Maria{'abc'[n % 3]}", family_name=f"O'Bra{chr(97 + n % 26)}n"
        )
        for n in range(500)
    ]
    index = RecordIndex.build(enumerate(people, 1))
    hashed = [[keys.token_hash(word) for word in words] for words in ((b"mariab", b"obraxn"), (b"braxn", b"mariac"))]
    mixed = keys.mix(np.array(hashed, np.uint64))
    assert index.have_names(keys.name_part(mixed[:, 0], mixed[:, 1])).all()
    others = keys.mix(np.arange(200_000, dtype=np.uint64))
    assert index.have_names(keys.name_part(others[1:], others[:-1])).mean() < 0.1


@given(st.lists(st.text("0123456789A-b é٣²", max_size=24), max_size=12), st.sampled_from([1, 3, record_keys.PART]))
@settings(deadline=None)
def test_any_ids_are_found_by_the_longest_of_their_runs(ids: list[str], part: int) -> None:
    """However many keys go into one array before they are sorted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_keys, "PART", part)
        index = RecordIndex.build([(n, replace(A_RECORD, member_id=one)) for n, one in enumerate(ids, 1)])
    runs = {n: max(re.findall("[0-9]+", one), key=len, default="") for n, one in enumerate(ids, 1)}
    expected = {(run, n) for n, run in runs.items() if 5 <= len(run) <= 19}
    held = index.tables[Kind.MEMBER_ID]
    values, lengths = keys.digits_of(held.keys)
    within = {(run, n) for run, n in expected if len(run) <= 17}  # of longer ones the key does not give the number back
    told = zip(values.tolist(), lengths.tolist(), held.records.tolist(), strict=True)
    assert {(str(value).zfill(length), n) for value, length, n in told if length <= 17} == within
    assert len(held.keys) == len(expected)
    assert index.id_digits == {len(run) for run, _ in expected}


def test_what_was_made_of_a_record_may_be_forgotten_and_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "MOST_KNOWN", 2)
    index = RecordIndex.build([(n, replace(A_RECORD, ssn=f"89977012{n}")) for n in range(1, 6)])
    first = index.person(1)
    assert index.person(1) is first
    assert [index.person(n).ssn[-1] for n in range(1, 6)] == list("12345")
    assert index.person(1) == first
    assert index.person(1) is not first


def test_an_index_without_records_or_without_a_field_finds_nothing() -> None:
    for records in (
        [],
        [(1, SourceRecord("K1"))],
        [(1, SourceRecord("K1", given_name="Maria", birth_date="1961-02-03"))],
    ):
        index = RecordIndex.build(records)
        for kind in Kind:
            assert asked(index, kind, 0, 1, 899770123) == []
        assert index.id_digits == frozenset()


def test_an_index_survives_the_journey_to_a_worker() -> None:
    index = RecordIndex.build([(1, A_RECORD)])
    index.person(1)
    arrived = pickle.loads(pickle.dumps(index))
    assert asked(arrived, Kind.SSN, 899770123) == [(0, 1)]
    assert arrived.id_digits == frozenset({7})
    assert arrived.person(1) == index.person(1)
    assert len(pickle.dumps(index)) == len(pickle.dumps(arrived))  # what was looked up does not travel


def test_record_numbers_may_have_gaps() -> None:
    index = RecordIndex.build([(3, A_RECORD), (7, replace(A_RECORD, ssn="898765432", member_id=""))])
    assert asked(index, Kind.SSN, 899770123, 898765432) == [(0, 3), (1, 7)]
    assert (index.person(3).ssn, index.person(7).ssn, index.person(7).member_id) == ("899770123", "898765432", "")


@pytest.mark.parametrize(
    ("member_id", "value", "digits"),
    [
        ("MBR-2045551", 2045551, 7), ("0002045551", 2045551, 10), ("A12B3456789", 3456789, 7),
        ("9" * 19, int("9" * 19), 19), ("12345", 12345, 5),
    ],
)  # fmt: skip
def test_an_id_is_found_by_its_longest_run_of_digits(member_id: str, value: int, digits: int) -> None:
    index = RecordIndex.build([(1, replace(A_RECORD, member_id=member_id))])
    assert index.id_digits == frozenset({digits})
    assert asked(index, Kind.MEMBER_ID, value, digits=digits) == [(0, 1)]
    assert asked(index, Kind.MEMBER_ID, value, digits=digits + 1) == []


@pytest.mark.parametrize("member_id", ["", "1234", "A-12-34", "9" * 20, "²²²²²²", "١٢٣٤٥٦"])
def test_an_id_without_a_run_that_can_be_asked_for_is_left_out(member_id: str) -> None:
    index = RecordIndex.build([(1, replace(A_RECORD, member_id=member_id))])
    assert index.id_digits == frozenset()


@given(
    st.lists(st.binary(min_size=1, max_size=8), min_size=2, max_size=2),
    st.integers(-70_000, 30_000),
    st.integers(-70_000, 30_000),
)
@settings(deadline=None)
def test_a_name_and_date_have_one_key_in_either_order_and_another_for_another_day(
    words: list[bytes], day: int, other: int
) -> None:
    one, two = (np.array([keys.token_hash(word)], np.uint64) for word in words)
    days, others = np.array([day], np.int64), np.array([other], np.int64)
    key = keys.name_and_date(one, two, days)
    assert key == keys.name_and_date(two, one, days)
    assert (key == keys.name_and_date(one, two, others)) == (day == other)


def test_nearby_numbers_have_keys_far_apart() -> None:
    """The bitmap lives on that: consecutive ids must spread over it evenly."""
    spread = keys.digits(np.arange(1_000_000, dtype=np.uint64), 9)
    assert len(np.unique(spread)) == 1_000_000
    counts = np.bincount((spread >> np.uint64(54)).astype(np.int64), minlength=1024)
    assert counts.min() > 800
    assert counts.max() < 1200
