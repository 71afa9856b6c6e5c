"""What stands in a text does not depend on how little of it was read to tell."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.matching import normal
from forensics.matching.agreement import Text, elements_in
from forensics.matching.index import Person, RecordIndex

PERSONS = [
    ("Mary", "O'Brien", "1961-02-03", "123456789", "M00123456", "12 Main Street", "5551234567", "mary@example.org"),
    ("José", "García Núñez", "2004-02-29", "", "H55", "", "", ""),
    ("Bill", "Smith-Jones", "1999-12-30", "900000001", "", "", "", ""),
    ("Ann", "Li", "1961-03-02", "", "", "", "", ""),
]

PARTS = st.one_of(
    st.sampled_from(
        ["Mary", "MARY", "O'Brien", "OBRIEN", "O Brien", "O’BRIEN", "Jose", "José", "García", "Garcia", "Nunez",
         "Núñez", "William", "Bill", "Smith", "Jones", "Smith-Jones", "SmithJones", "Ann", "Li", "2/3/61", "2/3/1961",
         "3/2/1961", "19610203", "Feb 3, 1961", "03FEB1961", "3-Feb-61", "1961-02-03", "30.12.1999", "Dec 30th, 1999",
         "2/29/04", "29 February 2004", "\uff11961-02-03", "3.2.19\u0661"]
    ),
    st.text(max_size=4),
)  # fmt: skip
ANY_TEXTS = st.lists(st.tuples(PARTS, st.sampled_from([" ", "\t", ",", "", "-", "'"]))).map(
    lambda parts: "".join(part + gap for part, gap in parts)
)
# Of ASCII alone less is read.
TEXTS = ANY_TEXTS | ANY_TEXTS.map(lambda text: text.encode("ascii", "ignore").decode())


@pytest.fixture(scope="module")
def persons() -> list[Person]:
    index = RecordIndex.from_fields((number, *fields) for number, fields in enumerate(PERSONS, 1))
    return [index.person(number) for number in range(1, len(PERSONS) + 1)]


@settings(max_examples=400, deadline=None)
@given(written=TEXTS, day_first=st.sampled_from([True, False, None]))
def test_names_and_dates_are_those_of_the_whole_text(
    persons: list[Person], written: str, day_first: bool | None
) -> None:
    words = set(normal.words(normal.fold(written)))
    dates = normal.dates(normal.fold(written), day_first)
    for person in persons:
        found = elements_in(person, Text(written, day_first))
        family = person.family <= words or person.family_joined <= words
        assert ("name" in found) == (family and not person.called.isdisjoint(words))
        assert ("birth_date" in found) == (person.birth_date in dates)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Mary O'Brien 2/3/61", {"name", "birth_date"}),
        ("mary\tOBRIEN\t03FEB1961", {"name", "birth_date"}),
        ("Mary Brien 1961-02-13", set()),
    ],
)
def test_a_name_and_a_date_in_their_spellings(persons: list[Person], written: str, expected: set[str]) -> None:
    assert elements_in(persons[0], Text(written)) == expected
