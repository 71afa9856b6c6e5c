"""The raw scan finds what it promises, wherever and however it stands, once, and nothing in noise."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forensics.detection.scan import BLOCK, KINDS, MARGIN, scan
from forensics.extraction.tables import row_starts
from forensics.matching.index import RecordIndex
from forensics.model import Kind, SourceRecord

SSN, NAMED, MEMBER = Kind.SSN, Kind.NAME_AND_BIRTH_DATE, Kind.MEMBER_ID

RECORDS = [
    SourceRecord("K1", "Maria", "Luz", "Ibanez", birth_date="1961-02-03", ssn="899770123", member_id="MBR-2045551"),
    SourceRecord("K2", "José", "", "Muñoz-Peña", birth_date="2004-12-25", ssn="012345678", member_id="W0012345678"),
    SourceRecord("K3", "D'Andre", "", "O'Brannick", birth_date="1988-07-19", ssn="001234567", member_id="777001"),
    SourceRecord("K4", "Søren", "", "Łukasz", birth_date="1999-11-30", ssn="898765432", member_id="12345678901234567"),
]
INDEX = RecordIndex.build(enumerate(RECORDS, 1))


class NoRecords:
    id_digits = frozenset({5, 9, 10})

    def find(self, kind: Kind, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return np.zeros(0, np.int64), np.zeros(0, np.uint32)

    def have_names(self, names: NDArray[np.uint64]) -> NDArray[np.bool_]:
        return np.ones(len(names), bool)

    def find_names(
        self, names: NDArray[np.uint64], days: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self.find(Kind.NAME_AND_BIRTH_DATE, names)


class Everything(NoRecords):
    """Every candidate is a hit: what the scan would ask at all."""

    def find(self, kind: Kind, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return np.arange(len(keys)), np.zeros(len(keys), np.uint32)


Hit = tuple[int, int, Kind, int]
"""Offset, length, kind, record."""


def hits(data: bytes, start: int = 0, stop: int | None = None) -> list[Hit]:
    found = scan(data, INDEX, start, stop)
    return [
        (int(offset), int(length), KINDS[kind], int(record))
        for offset, length, kind, record in zip(found.offset, found.length, found.kind, found.record, strict=True)
    ]


def records(data: bytes, kind: Kind) -> set[int]:
    return {record for _, _, k, record in hits(data) if k is kind}


# ------------------------------------------------------------------------------------------------------------ numbers

DASHES = ["-", ".", " ", "\u00a0", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014"]


@pytest.mark.parametrize("dash", DASHES, ids=[f"U+{ord(d):04X}" for d in DASHES])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_number_in_three_two_four_is_found_with_any_dash(dash: str, encoding: str) -> None:
    value = f"899{dash}77{dash}0123"
    for before, behind in (("SSN: ", "\r\n"), ("", ""), ("7,", ",9")):
        data = b"\xff\xfe" + before.encode(encoding) + value.encode(encoding) + behind.encode(encoding) + b"\xff"
        at = data.index(value.encode(encoding)) + (encoding == "utf-16-be")
        assert hits(data) == [(at, len(value.encode(encoding)), SSN, 1)]


def test_a_no_break_space_or_full_stop_of_one_byte_also_groups() -> None:
    assert hits(b"x 899\xa077\xa00123") == [(2, 11, SSN, 1)]
    assert hits(b"899.77-0123 8997-7-0123 89-977-0123 899--77--0123 899-77-01234") == []


@pytest.mark.parametrize("text", ["899770123", "a899770123b", "(899770123)", "x\n899770123\n", "#899770123.0"])
def test_nine_digits_are_found_bare(text: str) -> None:
    assert hits(text.encode()) == [(text.index("8"), 9, SSN, 1)]


@pytest.mark.parametrize(("text", "record"), [("12345678", 2), ("1234567", 3), ("012345678", 2), ("001234567", 3)])
def test_a_number_that_lost_its_leading_zeros_is_found(text: str, record: int) -> None:
    assert records(f'7,"{text}",x'.encode(), SSN) == {record}


@pytest.mark.parametrize("digits", range(11, 65))
def test_a_number_is_found_at_every_place_of_a_fixed_width_run(digits: int) -> None:
    for place in (0, 1, digits // 2, digits - 10, digits - 9):
        place = min(place, digits - 9)
        run = "5" * place + "899770123" + "5" * (digits - 9 - place)
        assert hits(f"a{run}z".encode()) == [(1 + place, 9, SSN, 1)]


def test_a_longer_number_is_no_number_of_somebody() -> None:
    assert hits(b"8997701235 5899770123") == []  # ten digits: accounts and telephones
    assert hits(b"5" * 30 + b"899770123" + b"5" * 26) == []
    assert hits(b"9" * 100_000) == []


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("2045551", 1), ("MBR-2045551", 1), ("mbr2045551;", 1), ("0012345678", 2), ("W0012345678", 2), ("777001", 3),
        ("12345678901234567", 4), ("99912345678901234567", 4),
    ],
)  # fmt: skip
def test_a_member_id_of_any_length_is_found_by_its_digits(text: str, record: int) -> None:
    assert records(f"id {text} end".encode(), MEMBER) == {record}


class ShortIds(Everything):
    id_digits = frozenset({2, 6})


def test_ids_of_two_digits_are_found_far_from_every_longer_number() -> None:
    data = b"~" * 700 + b"id 77;" + b"~" * 700 + b"x 123 y 123456" + b"~" * 700
    found = scan(data, ShortIds(), kinds=(MEMBER,))
    assert [(int(at), int(size)) for at, size in zip(found.offset, found.length, strict=True)] == [
        (data.index(b"77"), 2),
        (data.index(b"123456"), 6),
    ]


def test_a_member_id_counts_its_leading_zeros_and_no_digits_beside_it() -> None:
    assert records(b"id 12345678 02045551 20455510 77700 7770011", MEMBER) == set()


# -------------------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    "text",
    [
        "1961-02-03", "1961/02/03", "1961.2.3", "1961 02 03", "02/03/1961", "2/3/1961", "2-3-1961", "02.03.1961",
        "02/03/61", "2-3-61", "19610203", "02031961", "February 3, 1961", "FEBRUARY 3 1961", "Feb. 3rd, 1961",
        "3 February 1961", "3rd February 1961", "3. Feb 1961", "3-Feb-1961", "03FEB1961", "3-Feb-61",
        "1961-02-03T00:00:00Z", "1961-02-03 00:00:00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "cp037"])
def test_a_birth_date_beside_a_name_is_found_however_it_is_written(text: str, encoding: str) -> None:
    padding = "x" * 80
    for line in (f"{padding} Maria Ibanez, {text} {padding}", f"{text}; Maria Ibanez {padding}"):
        found = [hit for hit in hits(line.encode(encoding)) if hit[2] is NAMED]
        assert [record for *_, record in found] == [1], line
        width = 2 if encoding == "utf-16-le" else 1
        written = text.removesuffix("T00:00:00Z").removesuffix(" 00:00:00")
        assert found[0][:2] == (line.index(written) * width, len(written) * width)


def test_a_day_above_twelve_says_which_number_is_the_day() -> None:
    for text in ("25/12/2004", "25.12.2004", "12/25/2004", "25/12/04", "12/25/04", "25-Dec-04", "2004-12-25"):
        assert records(f"José Muñoz {text}".encode(), NAMED) == {2}, text
    assert records(b"Maria Ibanez 3/2/1961", NAMED) == set()


def test_the_dates_around_one_say_which_number_is_the_day() -> None:
    lines = [f"Ann Lee {day}/5/1970\n" for day in range(10, 20)]
    here = "Maria Ibanez 3/2/1961\n"
    assert records("".join([*lines, here]).encode(), NAMED) == {1}
    assert records("".join([here, *lines]).encode(), NAMED) == {1}
    americans = [f"Ann Lee 5/{day}/1970\n" for day in range(10, 28)]
    assert records("".join([*lines, *americans, here]).encode(), NAMED) == set()


def test_two_digits_of_a_year_count_in_either_century() -> None:
    assert records("José Muñoz 12/25/04; Maria Ibanez 2/3/61".encode(), NAMED) == {1, 2}


def test_a_date_that_is_not_in_the_calendar_is_none() -> None:
    everything = Everything()
    for text in (
        "Maria Ibanez 2/30/1961",
        "Maria Ibanez 1961-13-01",
        "Maria Ibanez 1700-01-01",
        "Maria Ibanez 31 June 1961",
    ):
        found = scan(text.encode(), everything)
        assert int((found.kind == KINDS.index(NAMED)).sum()) == 0, text
    assert int((scan(b"Maria Ibanez 2/28/1961", everything).kind == KINDS.index(NAMED)).sum()) == 1
    assert int((scan(b"Maria Ibanez 29 Feb 2004", everything).kind == KINDS.index(NAMED)).sum()) == 1


# -------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("Maria Ibanez 1961-02-03", 1), ("Ibanez, Maria 1961-02-03", 1), ("IBANEZ,MARIA,L,1961-02-03", 1),
        ("Maria Luz Ibanez 1961-02-03", 1), ("Maria Luz Clara Ibanez 1961-02-03", 1), ("1961-02-03,maria,ibanez", 1),
        ("Ibanez Jr., Maria Luz 1961-02-03", 1), ("<b>Maria</b> <i>Ibanez</i> 1961-02-03", 1),
        ("José Muñoz 2004-12-25", 2), ("JOSÉ MUÑOZ-PEÑA 2004-12-25", 2), ("Jose Munoz Pena 2004-12-25", 2),
        ("Peña, José 2004-12-25", 2), ("D'Andre O'Brannick 1988-07-19", 3), ("D’Andre O’Brannick 1988-07-19", 3),
        ("Andre Brannick 1988-07-19", 3), ("OBRANNICK ANDRE 1988-07-19", 3), ("Søren Łukasz 1999-11-30", 4),
        ("SØREN ŁUKASZ 1999-11-30", 4), ("Soren Lukasz 1999-11-30", 4), ("Maria\u00a0Ibanez\u00a01961-02-03", 1),
        ("“Maria Ibanez”—1961-02-03", 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_is_found_in_either_order_with_middle_names_accents_and_apostrophes(
    text: str, record: int, form: str
) -> None:
    assert records(unicodedata.normalize(form, text).encode(), NAMED) == {record}


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "utf-16-be", "cp037"])
def test_accents_are_found_in_other_encodings(encoding: str) -> None:
    text = "x" * 70 + " José Muñoz-Peña 2004-12-25 " + "x" * 70
    assert records(text.encode(encoding), NAMED) == {2}


def test_a_name_is_found_straight_behind_erased_flash() -> None:
    assert records(b"\xff" * 64 + b"Maria,Ibanez,1961-02-03" + b"\xff" * 64, NAMED) == {1}


def test_a_name_too_far_away_or_of_somebody_else_does_not_count() -> None:
    assert records(b"Maria Ibanez" + b"." * 200 + b"1961-02-03", NAMED) == set()
    assert records(b"Maria" + b"." * 40 + b"Ibanez 1961-02-03", NAMED) == set()
    for text in (b"Mariana Ibanez 1961-02-03", b"Maria Ibanezz 1961-02-03", b"Maria Ibanez 1961-02-04"):
        assert records(text, NAMED) == set()


def test_a_name_counts_from_96_bytes_before_to_64_behind_and_not_beyond() -> None:
    for gap, around in itertools.product(range(60, 120), (b"", b" " * 4000)):
        before = around + b"Maria Ibanez" + b"." * (gap - 12) + b"1961-02-03" + around
        assert bool(records(before, NAMED)) == (gap <= 96), gap
        behind = around + b"1961-02-03" + b"." * (gap - 20) + b"Maria Luz Clara Ibanez" + around
        assert bool(records(behind, NAMED)) == (gap - 20 < 64), gap


def test_a_lone_date_in_much_text_is_found_as_surely_as_one_among_many() -> None:
    """Where dates are rare only the words beside them are looked at; the two roads must agree."""
    rng = np.random.default_rng(7)
    filler = " ".join(rng.choice(["plan", "übung", "notice", "O’Neil", "a", "x" * 40], 20_000)).encode()
    value = b" Ibanez, Maria de la Luz born 3 February 1961, "
    for place in rng.integers(0, len(filler), 40).tolist():
        data = filler[:place] + value + filler[place:]
        assert hits(data) == [(place + value.index(b"3"), 15, NAMED, 1)]
        assert records(value * 50 + data, NAMED) == {1}


# ---------------------------------------------------------------------------------------- encodings, offsets, borders

Planted = Callable[[bytes, int], bytes]

VALUES = [
    (b"899770123", SSN),
    (b"899-77-0123", SSN),
    (b"899\xe2\x80\x9377\xe2\x80\x930123", SSN),
    ("899770123".encode("utf-16-le"), SSN),
    ("899770123".encode("utf-16-be"), SSN),
    ("899\u201377\u20130123".encode("utf-16-le"), SSN),
    ("899\u201377\u20130123".encode("utf-16-be"), SSN),
    (b"\nMaria Ibanez,02/03/1961", NAMED),
    ("\nMaria Ibanez,1961-02-03".encode("utf-16-le"), NAMED),
    ("\nIbanez, Maria 3 February 1961".encode("utf-16-be"), NAMED),
    (("x" * 40 + " Maria Ibanez 1961-02-03 " + "x" * 62).encode("cp037"), NAMED),
    (b"5" * 20 + b"899770123" + b"5" * 35, SSN),
    (b"MBR-2045551", MEMBER),
    (b"\nMaria Ibanez" + b"." * 80 + b"1961-02-03", NAMED),
    (("1961-02-03" + "." * 60 + "Maria Luz Clara Ibanez").encode("utf-16-le"), NAMED),
]
around = st.integers(-660, 140)
fillers = st.sampled_from([b"\x00", b"\xff", b"~", b"\x91", b" ", b"\n"])


@given(st.sampled_from(VALUES), st.integers(0, 3), around, fillers)
@example(VALUES[3], 1, -1, b"\xff")
@example(VALUES[10], 1, -50, b"\x00")
@example(VALUES[10], 2, -118, b"\xff")
@example(VALUES[13], 1, -93, b"\xff")
@example(VALUES[14], 1, -2, b"\xff")
@settings(deadline=None, max_examples=120)
def test_a_value_at_any_place_around_a_block_border_is_found_exactly_once(
    value: tuple[bytes, Kind], border: int, shift: int, filler: bytes
) -> None:
    planted, kind = value
    at = max(0, border * BLOCK + shift)
    data = filler * at + planted + filler * 2000
    found = [hit for hit in hits(data) if hit[2] is kind]
    assert len(found) == 1
    assert found[0][3] == 1
    assert at <= found[0][0] < at + len(planted)


@given(st.sampled_from(VALUES), st.integers(0, 200), fillers, st.booleans())
@settings(deadline=None, max_examples=200)
def test_a_value_at_the_border_of_two_units_of_work_belongs_to_exactly_one(
    value: tuple[bytes, Kind], cut: int, filler: bytes, odd: bool
) -> None:
    """Two ranges as `match` reads them: each with MARGIN bytes of what stands before and behind as context."""
    planted, kind = value
    data = filler * (700 + odd) + planted + filler * 900
    border = 600 + cut
    whole = hits(data)
    low = max(0, border - MARGIN)
    first = hits(data[: border + MARGIN], 0, border)
    second = [(offset + low, *rest) for offset, *rest in hits(data[low:], border - low)]
    assert len([hit for hit in whole if hit[2] is kind]) == 1
    assert first + second == whole


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(deadline=None, max_examples=100)
def test_utf_16_is_found_between_any_bytes_that_are_not_digits_of_its_own(before: bytes, behind: bytes) -> None:
    for order in ("utf-16-le", "utf-16-be"):
        edge = "|".encode(order)
        data = before + edge + "899–77–0123".encode(order) + edge + behind
        at = len(before) + 2 + (order == "utf-16-be")
        assert (at, 22, SSN, 1) in hits(data)


@pytest.mark.parametrize("phase", [0, 1])
@pytest.mark.parametrize(
    ("order", "behind"),
    [
        ("utf-16-le", b""), ("utf-16-le", b"\xff"), ("utf-16-le", b"7\xff"), ("utf-16-le", b"\x00\x00"),
        ("utf-16-be", b""), ("utf-16-be", b"\xff"), ("utf-16-be", b"\x00\x00"),
    ],
)  # fmt: skip
def test_a_utf_16_number_ends_where_it_ends(order: str, phase: int, behind: bytes) -> None:
    data = b"\xff" * (100 + phase) + "899770123".encode(order) + behind
    assert [hit[2:] for hit in hits(data)] == [(SSN, 1)]


def test_a_fragment_of_code_page_037_is_found_in_the_slack_of_something_else() -> None:
    fragment = ("IBANEZ MARIA 1961-02-03 899770123" + " " * 95).encode("cp037")
    for place in range(0, 260, 7):
        data = b"\x00" * (1000 + place) + fragment + bytes(range(1, 64)) * 30
        assert {hit[2:] for hit in hits(data)} == {(SSN, 1), (NAMED, 1)}, place


def test_two_adjacent_pairs_of_words_give_one_hit() -> None:
    data = b"Maria Ibanez, Maria Ibanez, 1961-02-03 Ibanez Maria"
    assert hits(data) == [(28, 10, NAMED, 1)]


def test_hits_come_by_offset_and_each_once() -> None:
    line = b"899770123,Maria,Ibanez,1961-02-03,MBR-2045551\n"
    found = hits(line * 3000)
    assert found == sorted(set(found), key=lambda hit: (hit[0], KINDS.index(hit[2]), hit[3]))
    for kind in KINDS:
        assert len([hit for hit in found if hit[2] is kind]) == 3000


# -------------------------------------------------------------------------------------------------------------- noise


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 15, 16, 17, 63, 64, 65, 1000, BLOCK - 1, BLOCK, BLOCK + 1])
@pytest.mark.parametrize("filler", [b"\x00", b"9", b"A", b"\xf0", b"\xff", b"1\x00", b"-1", b"1/"])
def test_nothing_is_found_in_monotony(size: int, filler: bytes) -> None:
    data = (filler * (size + 1))[:size]
    assert hits(data) == []
    assert len(scan(data, NoRecords()).offset) == 0


def test_nothing_is_found_in_random_bytes() -> None:
    """16 MiB hold a few hundred numbers of nine digits; with four records none of them is anybody's."""
    data = np.random.default_rng(11).bytes(16 << 20)
    assert hits(data) == []
    assert hits(bytes(4 << 20)) == []


@given(st.binary(max_size=3000), st.integers(0, 3000), st.integers(0, 3000))
@settings(deadline=None, max_examples=100)
def test_no_bytes_break_the_scan_and_every_candidate_lies_in_its_range(data: bytes, start: int, stop: int) -> None:
    start, stop = sorted((min(start, len(data)), min(stop, len(data))))
    found = scan(data, Everything(), start, stop)
    assert bool(((found.offset >= start) & (found.offset < stop)).all())
    assert bool((found.length > 0).all())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "cp037"])
@pytest.mark.parametrize("lines", [0, BLOCK // 14 - 3])
def test_in_a_table_a_name_counts_with_the_date_of_its_own_row(encoding: str, lines: int) -> None:
    """Also where a block ends between or in these rows."""
    filler = "".join(f"row {n:07},x\n" for n in range(lines))
    own, other = "1,Maria,Ibanez,1961-02-03\n", "2,Maria,Ibanez,\n3,,,1961-02-03\n4,Maria\n5,Ibanez,1961-02-03\n"
    data = (filler + own + other + "6,end of,the table\n").encode(encoding)
    starts = row_starts(data, encoding)
    everywhere = [hit for hit in hits(data) if hit[2] is NAMED]
    found = scan(data, INDEX, rows=starts)
    named = found.offset[found.kind == KINDS.index(NAMED)]
    row = np.searchsorted(starts, named, side="right") - 1
    first = len((filler + own[: own.index("1961")]).encode(encoding))
    assert len(named) == 1
    assert abs(int(named[0]) - first) <= 2
    assert row.tolist() == [lines]
    assert len(everywhere) == 3, "without rows the names of neighbours count"


CELLS = ["Maria", "Ibanez", "Maria Luz Ibanez", "1961-02-03", "2/3/1961", "José", "x", "899770123"]


@settings(deadline=None, max_examples=60)
@given(
    cells=st.lists(st.lists(st.sampled_from(CELLS), max_size=5), max_size=12),
)
def test_what_the_rows_of_a_table_show_is_not_less_for_knowing_them(cells: list[list[str]]) -> None:
    """The reference: every row scanned alone."""
    rows = [(",".join(row) + "\n").encode() for row in cells]
    data = b"".join(rows)
    found = scan(data, INDEX, rows=row_starts(data, "utf-8"))
    starts = np.cumsum([0, *map(len, rows)])
    alone = {(n, kind, record) for n, row in enumerate(rows) for _, _, kind, record in hits(row)}
    at = np.searchsorted(starts, found.offset, side="right") - 1
    together = {
        (int(n), KINDS[kind], int(record)) for n, kind, record in zip(at, found.kind, found.record, strict=True)
    }
    # The rows around one tell whether 2/3/1961 begins with the day; alone it cannot be told.
    if not any("2/3/1961" in row for row in cells):
        assert together == alone
    else:
        assert {one for one in together if one[1] is not NAMED} == {one for one in alone if one[1] is not NAMED}
