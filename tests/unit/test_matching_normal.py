"""Two spellings of one value must become equal, and two values must never become one."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.matching import normal


@pytest.mark.parametrize(
    "cell",
    [
        "899-77-0123", "899 77 0123", "899.77.0123", "899\u00a077\u00a00123", "899\u201377\u20130123", " 899770123 ",
        "899770123.0",
    ],
)  # fmt: skip
def test_a_number_in_a_cell_is_read_however_it_is_grouped(cell: str) -> None:
    assert normal.ssn(cell) == "899770123"


@pytest.mark.parametrize(
    ("cell", "number"), [("1234567", "001234567"), ("12345678", "012345678"), ("12345678.0", "012345678")]
)
def test_zeros_that_a_spreadsheet_dropped_are_restored(cell: str, number: str) -> None:
    assert normal.ssn(cell) == number


@pytest.mark.parametrize(
    "cell",
    [
        "", "000-12-3456", "666-12-3456", "899-00-0123", "899-77-0000", "123456", "1234567890", "899-770123",
        "899-77 0123", "x899770123", "٨٩٩٧٧٠١٢٣", "²²²²²²²²²", "***-**-0123", "0123",
    ],
)  # fmt: skip
def test_what_cannot_have_been_issued_or_is_not_whole_is_no_number(cell: str) -> None:
    assert normal.ssn(cell) == ""


def test_all_numbers_of_a_text_are_read_and_parts_of_longer_ones_are_not() -> None:
    text = "A 899-77-0123, B 1234567; C (898765432) D 89977012345 E 899-77-01234 F 1899-77-0123"
    assert normal.ssns(text) == {"899770123", "001234567", "898765432"}
    assert normal.long_runs(text) == ["89977012345"]


WRITINGS = ("%Y-%m-%d", "%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%Y%m%d", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y", "%d%b%Y")


@given(st.dates(date(1890, 1, 1), date(2040, 12, 31)), st.sampled_from(WRITINGS))
@settings(deadline=None)
def test_every_day_is_read_in_every_writing(day: date, writing: str) -> None:
    found = normal.dates(f"born {day.strftime(writing)}.")
    assert day.isoformat() in found
    if writing not in ("%Y%m%d",):
        assert found == {day.isoformat()}


def test_where_nothing_tells_the_order_both_readings_count() -> None:
    assert normal.dates("2/3/1961", day_first=None) == {"1961-02-03", "1961-03-02"}
    assert normal.dates("23/3/1961", day_first=None) == {"1961-03-23"}


@given(st.dates(date(1890, 1, 1), date(2040, 12, 31)))
@settings(deadline=None)
def test_with_day_first_only_that_reading_counts(day: date) -> None:
    assert normal.dates(day.strftime("%d/%m/%Y"), day_first=True) == {day.isoformat()}
    american = normal.dates(day.strftime("%d/%m/%Y"))
    if day.day > 12:
        assert american == {day.isoformat()}
    elif day.day != day.month:
        assert day.isoformat() not in american


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2/3/61", {"1961-02-03", "2061-02-03"}), ("3-Feb-61", {"1961-02-03", "2061-02-03"}),
        ("2/30/1961", set()), ("1961-02-30", set()), ("29 Feb 1961", set()), ("29 Feb 1960", {"1960-02-29"}),
        ("1961-02-03T10:00:00", {"1961-02-03"}), ("192.168.1.10", set()), ("10.2.3.1961", set()),
        ("may 1961", set()), ("Mayor 3 1961", set()), ("3rd of February 1961", set()), ("00/00/0000", set()),
        ("99999999", set()), ("Sept. 9th, 1999", {"1999-09-09"}), ("٢/٣/١٩٦١", {"1961-02-03"}), ("1/2/3/1961", set()),
    ],
)  # fmt: skip
def test_dates_of_a_text(text: str, found: set[str]) -> None:
    assert normal.dates(text) == found


def test_a_cell_is_one_date_or_none_and_a_birth_is_not_in_the_future() -> None:
    assert normal.single_date("2/3/61") == "1961-02-03"
    past = date.today() - timedelta(days=400)
    assert normal.single_date(past.strftime("%m/%d/%y")) == past.isoformat()
    coming = date.today() + timedelta(days=400)
    assert normal.single_date(coming.strftime("%m/%d/%y")) == coming.replace(year=coming.year - 100).isoformat()
    assert normal.single_date("1961-02-03 to 1961-02-04") == ""
    assert normal.single_date("") == ""


@given(st.text(max_size=30))
@settings(deadline=None)
def test_folding_is_stable_and_does_not_care_how_accents_are_composed(text: str) -> None:
    folded = normal.fold(text)
    assert normal.fold(folded) == folded
    assert normal.fold(unicodedata.normalize("NFD", text)) == normal.fold(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("José MUÑOZ", "jose munoz"), ("Størmark", "stormark"), ("Łukasz", "lukasz"), ("Weiß", "WEISS"),
        ("O’Brien", "o'brien"), ("ﬁsher", "fisher"), ("Æsa", "aesa"),
    ],
)  # fmt: skip
def test_what_people_write_alike_becomes_equal(one: str, other: str) -> None:
    assert normal.fold(one) == normal.fold(other)


def test_words_are_runs_of_letters() -> None:
    assert normal.words("O'Brannick-Peña, J2ohn_x") == ["o", "brannick", "pena", "j", "ohn", "x"]
    assert normal.alphanumeric("12 Ñandú St., Apt. #4_b") == "12NANDUSTAPT4B"


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("(203) 555-0123", "2035550123"), ("+1 203 555 0123", "2035550123"), ("1-203-555-0123", "2035550123"),
        ("555-0123", ""), ("203 555 0123 x12", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_telephone_number_is_its_ten_digits(cell: str, number: str) -> None:
    assert normal.phone(cell) == number


@given(st.text(max_size=60))
@settings(deadline=None)
def test_no_text_breaks_the_readers(text: str) -> None:
    for read in (normal.dates, normal.ssns, normal.long_runs, normal.phones, normal.words, normal.ssn, normal.phone):
        read(text)
    normal.single_date(text, True)
