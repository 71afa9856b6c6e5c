"""Tables: a row is one person's, columns are known by what they hold, and chance must not look like a match."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
import python_calamine
import xlsxwriter

from forensics.demonstration.members import Member, make_members
from forensics.exposure.tiers import tier_of
from forensics.matching.index import RecordIndex
from forensics.matching.tables import FoundRow, find_in_rows, recognise
from forensics.model import Evidence, Region, SourceRecord, Tier

import numpy as np  # isort: skip

COUNT = 300


def _record(member: Member) -> SourceRecord:
    return SourceRecord(
        member.member_id, member.first_name, member.middle_name, member.last_name, member.suffix, member.birth_date,
        member.ssn.replace("-", ""), member.member_id, member.address, member.city, member.state, member.postal_code,
        "".join(filter(str.isdigit, member.phone))[-10:], member.email,
    )  # fmt: skip


MEMBERS = make_members(2 * COUNT, np.random.default_rng(8))
RECORDS = [_record(MEMBERS[n]) for n in range(COUNT)]
# The plan keeps some persons under two ids: whoever is among the records as well is no stranger.
KNOWN = {(r.given_name, r.family_name, r.birth_date) for r in RECORDS} | {(r.ssn,) for r in RECORDS if r.ssn}
STRANGERS = [
    r
    for r in (_record(MEMBERS[n]) for n in range(COUNT, 2 * COUNT))
    if (r.given_name, r.family_name, r.birth_date) not in KNOWN and (r.ssn,) not in KNOWN
]
INDEX = RecordIndex.build(enumerate(RECORDS, 1))
WITH_SSN = [(n, r) for n, r in enumerate(RECORDS, 1) if r.ssn][:60]

ALL = {"name", "birth_date", "ssn", "member_id"}
HEADER = ["Id", "First", "Last", "Born", "SSN", "Street", "Phone"]


def us(iso: str) -> str:
    return f"{iso[5:7]}/{iso[8:]}/{iso[:4]}"


def day_first(iso: str) -> str:
    return f"{iso[8:]}/{iso[5:7]}/{iso[:4]}"


def row_of(r: SourceRecord) -> list[str]:
    ssn = f"{r.ssn[:3]}-{r.ssn[3:5]}-{r.ssn[5:]}" if r.ssn else ""
    return [r.member_id, r.given_name, r.family_name, us(r.birth_date), ssn, r.address, r.phone]


def tier(row: FoundRow) -> Tier | None:
    return tier_of(
        Evidence("x", row.record, Region.LIVE, False, row.elements, row.agree, row.conflict, "table")
    )  # fmt: skip


def by_row(rows: Sequence[Sequence[str]], index: RecordIndex = INDEX) -> dict[int, FoundRow]:
    """The best row for each place; chance matches with other records are looked at by their own tests."""
    best: dict[int, FoundRow] = {}
    for found in find_in_rows(rows, None, index):
        if found.row not in best or len(found.agree) > len(best[found.row].agree):
            best[found.row] = found
    return best


def test_every_row_shows_its_member_and_nothing_contradicts() -> None:
    rows = [HEADER, *(row_of(record) for record in RECORDS)]
    found = by_row(rows)
    assert 0 not in found
    for n, record in enumerate(RECORDS, 1):
        expected = {"name", "birth_date", "member_id", "address", "phone"} | ({"ssn"} if record.ssn else set())
        assert found[n].record == n or RECORDS[found[n].record - 1].ssn == record.ssn
        assert expected - {"address", "phone"} <= found[n].elements
        assert found[n].conflict == frozenset()
        assert tier(found[n]) is Tier.CONFIRMED


@pytest.mark.parametrize("first_day", [date(1899, 12, 30), date(1904, 1, 1)])
@pytest.mark.parametrize("known_by", ["number", "name"])
def test_birth_dates_left_as_day_numbers_are_dates(first_day: date, known_by: str) -> None:
    def cells(r: SourceRecord) -> list[str]:
        days = str((date.fromisoformat(r.birth_date) - first_day).days)
        return [r.member_id if known_by == "number" else "", r.given_name, r.family_name, days, "60614"]

    some = [(n, r) for n, r in enumerate(RECORDS, 1) if r.birth_date > "1905"][:100]
    rows = [cells(r) for _, r in some]
    hits = [(row, n) for row, (n, _) in enumerate(some)] if known_by == "number" else []
    found = {(f.row, f.record): f for f in find_in_rows(rows, hits, INDEX)}
    for row, (number, _) in enumerate(some):
        assert {"name", "birth_date"} <= found[row, number].elements
        assert found[row, number].conflict == frozenset()


def test_numbers_that_are_nobodys_birth_date_stay_numbers() -> None:
    rows = [[r.member_id, r.given_name, r.family_name, str(20_000 + n)] for n, r in enumerate(RECORDS, 1)]
    found = find_in_rows(rows, [(n, n + 1) for n in range(COUNT)], INDEX)
    assert found
    assert not [f for f in found if "birth_date" in f.elements]


def test_a_usual_short_form_is_the_name() -> None:
    record = replace(RECORDS[0], given_name="Robert", family_name="Quillfeather")
    index = RecordIndex.build([*enumerate(RECORDS, 1), (COUNT + 1, record)])
    rows = [*map(row_of, RECORDS[1:]), ["", "Bob", "Quillfeather", us(record.birth_date), "", "", ""]]
    (found,) = [f for f in find_in_rows(rows, [], index) if f.record == COUNT + 1]
    assert found.agree == {"name", "birth_date"}


def test_columns_are_recognised_by_what_they_hold_and_not_by_the_header() -> None:
    rows = [["z"] * 7, *(row_of(record) for record in RECORDS)]
    columns = recognise(rows, INDEX)
    assert columns.ssn[0] in (0, 4)
    assert 4 in columns.ssn
    assert 0 in columns.ids
    assert columns.dates == (3,)
    assert columns.day_first == frozenset()
    assert {1, 2} <= set(columns.names)
    assert recognise([], INDEX).dates == ()
    assert recognise([[], [""], ["", ""]], INDEX).names == ()


def test_a_column_of_days_before_months_is_known_by_days_above_twelve() -> None:
    rows = [[r.given_name, r.family_name, day_first(r.birth_date)] for r in RECORDS]
    assert recognise(rows, INDEX).day_first == frozenset({2})
    found = by_row(rows)
    for n, _ in enumerate(RECORDS):
        assert found[n].agree == {"name", "birth_date"}
    # In such a table 03/02 is the third of February, and nobody is found by the American reading.
    swapped = [[r.given_name, r.family_name, us(r.birth_date) if r.birth_date[8:] <= "12" else day_first(r.birth_date)]
               for r in RECORDS]  # fmt: skip
    wrong = [n for n, r in enumerate(RECORDS) if r.birth_date[8:] <= "12" and r.birth_date[8:] != r.birth_date[5:7]]
    again = by_row(swapped)
    assert len(wrong) > 20
    assert not any(again[n].record == n + 1 for n in wrong if n in again)


@pytest.mark.parametrize(
    "written", ["{last}, {first} {middle}", "{first} {middle} {last}", "{LAST}, {FIRST}", "{first} {last} Jr."]
)
def test_a_column_may_hold_the_whole_name(written: str) -> None:
    rows = [
        [
            written.format(
                first=r.given_name, middle=r.middle_name[:1] and r.middle_name[0] + ".", last=r.family_name,
                FIRST=r.given_name.upper(), LAST=r.family_name.upper(),
            ),
            r.birth_date,
            "12.50",
        ]
        for r in RECORDS
    ]  # fmt: skip
    found = by_row([["Name", "Date", "Amount"], *rows])
    assert all(found[n].agree == {"name", "birth_date"} for n in range(1, COUNT + 1))


def test_ragged_rows_lose_only_what_they_lack() -> None:
    rows: list[list[str]] = [row_of(record) for _, record in WITH_SSN]
    rows[3], rows[4], rows[5] = rows[3][:2], [], [*rows[5], "more", "and more"]
    found = by_row(rows)
    assert found[3].agree == {"member_id"}
    assert 4 not in found
    assert found[5].elements >= ALL
    assert all(found[n].elements >= ALL for n in range(6, len(rows)))


def test_a_number_that_differs_from_the_record_is_a_conflict_and_exposed_all_the_same() -> None:
    rows = [row_of(record) for _, record in WITH_SSN]
    rows[7][4] = "899-99-9999"
    found = by_row(rows)[7]
    assert found.conflict == {"ssn"}
    assert "ssn" in found.elements
    assert "ssn" not in found.agree
    assert tier(found) is Tier.CONFIRMED  # id, name and birth date agree: three outweigh the fourth


def test_the_right_number_in_the_row_of_somebody_else_goes_to_review() -> None:
    rows = [row_of(record) for _, record in WITH_SSN]
    stranger = row_of(next(r for r in STRANGERS if r.ssn))
    stranger[4] = rows[7][4]
    rows[7] = stranger
    mine = [f for f in find_in_rows(rows, None, INDEX) if f.row == 7 and f.record == WITH_SSN[7][0]]
    assert [(set(f.agree), set(f.conflict)) for f in mine] == [({"ssn"}, {"birth_date", "member_id"})]
    assert tier(mine[0]) is Tier.POSSIBLE


def test_a_number_the_record_does_not_have_is_exposed_and_no_conflict() -> None:
    number, record = next((n, r) for n, r in enumerate(RECORDS, 1) if not r.ssn)
    rows = [row_of(r) for _, r in WITH_SSN] + [row_of(replace(record, ssn="899999999"))]
    found = next(f for f in find_in_rows(rows, None, INDEX) if f.row == len(rows) - 1 and f.record == number)
    assert "ssn" in found.elements
    assert found.conflict == frozenset()
    assert tier(found) is Tier.CONFIRMED


def test_an_empty_cell_says_nothing() -> None:
    rows = [row_of(record) for _, record in WITH_SSN]
    for cell in (0, 3, 4):
        rows[9] = row_of(WITH_SSN[9][1])
        rows[9][cell] = ["", "  ", "n/a"][cell % 3] if cell != 0 else ""
        assert by_row(rows)[9].conflict == frozenset()


def test_a_workbooks_numbers_are_read_as_their_column_means_them() -> None:
    """SSN and id as numbers (leading zeros gone), date as a date: what a spreadsheet does to an export."""
    low = replace(RECORDS[0], record_key="L", ssn="001234567", member_id="000123456")
    index = RecordIndex.build(enumerate([*RECORDS, low], 1))
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADER[:5])
    for n, r in enumerate([*(r for _, r in WITH_SSN), low], 1):
        sheet.write_row(n, 0, [int(r.member_id.lstrip("W")), r.given_name, r.family_name])
        sheet.write_string(n, 3, r.birth_date)
        sheet.write_number(n, 4, int(r.ssn))
    book.close()
    cells = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(out.getvalue())).get_sheet_by_index(0).to_python()
    rows = [[str(cell) for cell in row] for row in cells]
    assert rows[1][4].endswith(".0")
    whole = [[cell.removesuffix(".0") for cell in row] for row in rows]
    found = [f for f in find_in_rows(whole, None, index) if f.record == COUNT + 1]
    assert [(f.row, set(f.agree)) for f in found] == [(len(rows) - 1, {"name", "birth_date", "ssn"})]
    assert all(n in by_row(whole, index) for n in range(1, len(rows)))
    # Even with the point that a number without format shows, the number is read as the same.
    assert {f.record for f in find_in_rows(rows, None, index) if "ssn" in f.agree} >= {n for n, _ in WITH_SSN}


def test_few_members_among_strangers_are_found_and_the_strangers_are_not() -> None:
    rows = [row_of(record) for record in STRANGERS]
    for place, n in ((17, 4), (170, 40), (250, 200)):
        rows[place] = row_of(RECORDS[n])
    found = find_in_rows(rows, None, INDEX)
    sure = {(f.row, f.record) for f in found if tier(f) is not Tier.POSSIBLE}
    assert sure == {(17, 5), (170, 41), (250, 201)}


def test_ids_given_out_in_blocks_against_claim_numbers_in_a_row_stay_possible() -> None:
    """Claim numbers that run through the very numbers of the members: every one is a member's, none is meant."""
    first = min(int(r.member_id.lstrip("W")) for r in RECORDS)
    rows = [[str(first + n), r.given_name, r.family_name, us(r.birth_date), "120.00"] for n, r in enumerate(STRANGERS)]
    found = find_in_rows(rows, None, INDEX)
    assert len(found) > 30
    assert {tier(f) for f in found} == {Tier.POSSIBLE}
    assert all(f.agree == {"member_id"} for f in found)


def test_a_namesake_with_another_birth_date_is_nothing() -> None:
    rows = [[r.given_name, r.family_name, "1931-01-0" + str(1 + n % 9)] for n, r in enumerate(RECORDS[:100])]
    born_then = {r.birth_date for r in RECORDS}
    assert not born_then & {row[2] for row in rows}
    assert find_in_rows(rows, None, INDEX) == []
    # Not even where the raw scan pointed there.
    assert find_in_rows(rows, [(n, n + 1) for n in range(100)], INDEX) == []


def test_a_row_never_lends_a_value_to_its_neighbour() -> None:
    one, two = WITH_SSN[0][1], WITH_SSN[1][1]
    rows = [
        ["", "", "", "", row_of(one)[4], "", ""],
        ["x", one.given_name, one.family_name, us(one.birth_date), "", "", ""],
        row_of(two),
    ]
    found = {(f.row, f.record): set(f.agree) for f in find_in_rows(rows, None, INDEX)}
    assert found[0, WITH_SSN[0][0]] == {"ssn"}
    assert found[1, WITH_SSN[0][0]] == {"name", "birth_date"}


def test_a_hit_of_the_raw_scan_is_checked_against_its_own_row() -> None:
    rows = [["note", f"about {WITH_SSN[0][1].ssn} and more"], ["note", "nothing"]]
    number = WITH_SSN[0][0]
    found = find_in_rows(rows, [(0, number), (1, number)], INDEX)
    assert [(f.row, f.record, set(f.agree)) for f in found] == [(0, number, {"ssn"})]


@pytest.mark.parametrize(
    "cell", ["²/²/1961", "1/" + "9" * 5000 + "/x", "٣/٢/١٩٦١", "\0" * 50, "=cmd|' /C calc'!A0", "9" * 40, "‮1/2/1961"]
)
def test_no_cell_of_an_exhibit_breaks_a_table(cell: str) -> None:
    rows = [row_of(record) for _, record in WITH_SSN]
    whole = find_in_rows(rows, None, INDEX)
    for column in range(7):
        hostile = [*rows, [*[""] * column, cell], [cell] * 7]
        assert [f for f in find_in_rows(hostile, None, INDEX) if f.row < len(rows)] == whole
