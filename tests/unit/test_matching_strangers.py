"""Which rows of a table look like persons and are in no record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled.population import Person, Plan, make_population

from forensics.matching.index import RecordIndex
from forensics.matching.layout import Layout, learn
from forensics.matching.strangers import _Persons, unmatched_rows
from forensics.matching.tables import Reading, evidence_in
from forensics.model import SourceRecord
from forensics.rows import Rows

PEOPLE = [p for p in make_population(3, Plan(people=400, special=False, concentrated=0)).snapshot if p.ssn]
MEMBERS, STRANGERS = PEOPLE[:120], PEOPLE[120:150]
INDEX = RecordIndex.build(
    (n, SourceRecord(p.key, p.given, "", p.family, birth_date=p.birth.isoformat(), ssn=p.ssn, member_id=p.member_id,
                     phone=p.phone))
    for n, p in enumerate(MEMBERS, 1)
)  # fmt: skip


def iso(p: Person) -> list[str]:
    return [p.member_id, p.family, p.given, p.birth.isoformat()]


def serial(p: Person) -> list[str]:
    return [p.member_id, p.family, p.given, str((p.birth - date(1899, 12, 30)).days)]


def one_cell(p: Person) -> list[str]:
    return [f"{p.family}, {p.given}", f"{p.birth.month}/{p.birth.day}/{p.birth.year}", p.phone]


def unmatched(rows: Sequence[Sequence[str]]) -> tuple[tuple[int, int], ...] | None:
    table = Reading.of(rows, (), INDEX)
    told = unmatched_rows(table, evidence_in(table, None, INDEX), INDEX)
    return None if told is None else tuple(zip(told[0].tolist(), told[1].tolist(), strict=True))


@pytest.mark.parametrize("write", [iso, serial, one_cell])
def test_strangers_are_told_in_every_layout(write: object) -> None:
    rows = [write(p) for p in (*MEMBERS, *STRANGERS)]  # type: ignore[operator]
    told = unmatched([["a", "b", "c", "d"][: len(rows[0])], *rows])
    assert told is not None
    assert [number for number, _ in told] == list(range(1 + len(MEMBERS), 1 + len(MEMBERS) + len(STRANGERS)))
    assert len({who for _, who in told}) == len(STRANGERS)


def test_a_person_has_one_hash_in_tables_of_other_columns() -> None:
    first, second = (unmatched([write(p) for p in (*MEMBERS, *STRANGERS)]) for write in (iso, one_cell))
    assert first
    assert second
    assert [who for _, who in first] == [who for _, who in second]


@pytest.mark.parametrize(
    "row",
    [
        ["Member ID", "Last Name", "First Name", "Birth Date"],
        ["", "", "", ""],
        ["Total", "120", "", ""],
        ["", "Sum of all", "pages", "see below"],
        ["W99", "Byrne", "", "unknown"],
        ["page 3 of 9", "printed", "", "2016-01-01"],
    ],
)
def test_what_is_no_person_is_none(row: list[str]) -> None:
    assert unmatched([*(iso(p) for p in MEMBERS), row]) == ()


def test_rows_that_differ_from_their_record_do_not_blur_the_columns() -> None:
    """A tenth of the members has another id in the table: theirs are no rows to learn the id's column from."""
    rows = [["W000000000" + str(n % 10), *iso(p)[1:]] if n % 10 == 0 else iso(p) for n, p in enumerate(MEMBERS)]
    assert len(unmatched([*rows, *(iso(p) for p in STRANGERS)]) or ()) == len(STRANGERS)


def test_an_id_of_another_form_makes_nobody_a_stranger_to_the_table() -> None:
    """Former members may have ids as they were issued before: name and birth date say that it is a person."""
    row = ["A-77", "Byrne", "Ada", "1961-02-03"]
    told = unmatched([*(iso(p) for p in MEMBERS), row, ["A-77", "Byrne", "", ""]])
    assert [number for number, _ in told or ()] == [len(MEMBERS)]


def test_too_few_members_do_not_show_the_columns() -> None:
    assert unmatched([iso(p) for p in (*MEMBERS[:19], *STRANGERS)]) is None
    assert len(unmatched([iso(p) for p in (*MEMBERS[:20], *STRANGERS)]) or ()) == len(STRANGERS)


def test_a_field_that_no_column_holds_makes_no_layout() -> None:
    rows = [serial(p) for p in MEMBERS]
    people = [(n, INDEX.person(n + 1), frozenset({"name", "member_id", "birth_date"})) for n in range(len(rows))]
    assert learn(rows, people, day_first=False) is None


CELLS = [
    "",
    " ",
    "Ann",
    "ann",
    "Ann May",
    "May, Ann",
    "José Ann",
    "a b c d e",
    "O'Dell",
    "1961-02-03",
    "2/3/1961",
    "x1",
]


@settings(deadline=None, max_examples=300)
@given(
    cells=st.lists(st.lists(st.sampled_from(CELLS), min_size=1, max_size=4), min_size=1, max_size=8),
    columns=st.sampled_from(
        [{"given": 0, "family": 1, "birth_date": 2}, {"given": 1, "family": 1, "birth_date": 0}, {"birth_date": 0}]
    ),
)
def test_who_is_told_of_all_rows_at_once_is_who_each_row_tells_alone(
    cells: list[list[str]], columns: dict[str, int]
) -> None:
    persons = _Persons(Layout(columns, False), set())
    number, who = persons.in_rows(Rows.of(cells), np.arange(len(cells)))
    alone = {at: told for at, row in enumerate(cells) if (told := persons._alone(row)) is not None}
    assert dict(zip(number.tolist(), who.tolist(), strict=True)) == alone
