"""The organisation's own file is read as it meant it, or refused with a remedy and without anybody's data."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.errors import EnvironmentFailed, Refused
from forensics.matching.records import FIELDS, DistinctPersons, Quality, SourceFile, read, understand
from forensics.model import SourceRecord

HEADER = "Member ID,First Name,MI,Last Name,DOB,SSN,Street,State,Home Phone,E-Mail,Deceased"
ROW = "M1,José,L,Muñoz,02/03/1961,899-77-0123,12 Elm St,ct,(203) 555-0123,jose@example.com,Y"
OTHER = "M2,Maria,,Ibanez,1970-10-11,898765432,7 Oak Rd,NY,,,"
SECRETS = ("899", "770123", "José", "Muñoz", "1961", "jose@", "Ibanez", "898765432")


def file(tmp_path: Path, *lines: str, name: str = "records.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes("\n".join([*lines, ""]).encode(encoding))
    return path


def taken(path: Path, overrides: Mapping[str, str] | None = None, key: str = "") -> tuple[list[SourceRecord], Quality]:
    quality = Quality()
    return list(read(understand(path, overrides or {}, key), quality)), quality


def refusal(path: Path, overrides: Mapping[str, str] | None = None, key: str = "") -> str:
    """What the person is told; it never holds what stands in the rows."""
    with pytest.raises(Refused) as refused:
        taken(path, overrides, key)
    assert refused.value.remedy
    said = str(refused.value)
    assert not [secret for secret in SECRETS if secret in said]
    return said


# ------------------------------------------------------------------------------------------------------------- columns


def test_columns_are_guessed_by_name_and_every_value_has_one_spelling(tmp_path: Path) -> None:
    source = understand(file(tmp_path, HEADER, ROW, OTHER), {})
    assert source.mapping == {
        "record_key": "Member ID", "given_name": "First Name", "middle_name": "MI", "family_name": "Last Name",
        "birth_date": "DOB", "ssn": "SSN", "member_id": "Member ID", "address": "Street", "state": "State",
        "phone": "Home Phone", "email": "E-Mail", "deceased": "Deceased",
    }  # fmt: skip
    records, quality = taken(source.path)
    assert records[0] == SourceRecord(
        "M1", "José", "L", "Muñoz", "", "1961-02-03", "899770123", "M1", "12 Elm St", "", "CT", "", "2035550123",
        "jose@example.com", True,
    )  # fmt: skip
    assert records[1].deceased is False
    assert (quality.rows, quality.records, quality.ignored_columns) == (2, 2, [])


def test_columns_without_a_telling_name_are_known_by_what_they_hold(tmp_path: Path) -> None:
    path = file(
        tmp_path, "a,b,c,d,first,last", *(f"{n},x,{n:03}-77-0123,0{n % 9 + 1}/03/1961,Ann,Lee" for n in range(100, 130))
    )
    assert understand(path, {}, "a").mapping == {
        "record_key": "a", "given_name": "first", "family_name": "last", "birth_date": "d", "ssn": "c",
    }  # fmt: skip


def test_a_column_of_plain_nine_digit_numbers_is_not_taken_for_social_security_numbers(tmp_path: Path) -> None:
    path = file(tmp_path, "id,claim,first,last,dob", *(f"{n},{899770123 + n},Ann,Lee,1961-02-03" for n in range(30)))
    assert "ssn" not in understand(path, {}, "id").mapping


def test_the_mapping_overrules_the_guess(tmp_path: Path) -> None:
    path = file(tmp_path, HEADER + ",Legal Last", ROW + ",Peña")
    source = understand(path, {"Legal Last": "family_name", "DOB": "sensitive", "SSN": "record_key"}, "Member ID")
    assert source.mapping["family_name"] == "Legal Last"
    assert "birth_date" not in source.mapping
    assert source.mapping["sensitive"] == "DOB"
    assert source.mapping["record_key"] == "Member ID"
    records, quality = taken(path, {"Legal Last": "family_name", "DOB": "sensitive"})
    assert (records[0].family_name, records[0].birth_date) == ("Peña", "")
    assert quality.ignored_columns == ["Last Name"]
    assert records[0].extra == {"sensitive": "02/03/1961"}


def test_a_mapping_to_what_is_not_there_is_refused(tmp_path: Path) -> None:
    path = file(tmp_path, HEADER, ROW)
    assert "no column Nope" in refusal(path, {"Nope": "ssn"})
    assert "no record field nope" in refusal(path, {"SSN": "nope"})
    assert "no column Nope" in refusal(path, key="Nope")
    assert len(set(FIELDS)) == len(FIELDS)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("First Name,Last Name,DOB", "key of a record"),
        ("Member ID,City", "lacks what identifies"),
        ("Member ID,First Name,DOB", "lacks what identifies"),
        ("Member ID,SSN,ssn,First Name,SSN", "SSN twice"),
    ],
)
def test_missing_columns_are_named(tmp_path: Path, header: str, said: str) -> None:
    assert said in refusal(file(tmp_path, header, ",".join("x" * (header.count(",") + 1))))


@pytest.mark.parametrize("rows", [[ROW, OTHER], [OTHER, ROW], ["x,899-77-0123,y,z", "u,898-76-5432,v,w"]])
def test_a_file_without_a_header_is_refused_and_its_first_record_is_not_shown(tmp_path: Path, rows: list[str]) -> None:
    assert "no header line" in refusal(file(tmp_path, *rows))


# ---------------------------------------------------------------------------------------------------------------- keys


def test_a_key_that_stands_in_two_rows_is_refused_with_the_rows_and_not_the_value(tmp_path: Path) -> None:
    path = file(tmp_path, HEADER, ROW, OTHER, "", ROW.replace("02/03", "02/04"))
    assert "Rows 2 and 5 of records.csv have the same Member ID" in refusal(path)
    assert "have the same SSN" in refusal(path, key="SSN")


def test_a_row_without_a_key_is_refused_with_its_number(tmp_path: Path) -> None:
    assert "Row 3 of records.csv has nothing in its key column" in refusal(
        file(tmp_path, HEADER, OTHER, "  " + ROW.removeprefix("M1"))
    )


def test_blank_rows_and_short_rows_are_read(tmp_path: Path) -> None:
    records, quality = taken(file(tmp_path, HEADER, "", ",,,,,", "M3,Ann,,Lee", OTHER, " "))
    assert [r.record_key for r in records] == ["M3", "M2"]
    assert (quality.rows, quality.without_birth_date, quality.without_ssn, quality.without_name) == (2, 1, 1, 0)


# ------------------------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_text_files_are_read_in_every_usual_encoding_and_delimiter(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    if encoding == "utf-16-le":
        lines = [line.replace("é", "e").replace("ñ", "n") for line in (HEADER, ROW)]  # without a mark it is a guess
    else:
        lines = [HEADER, ROW]
    records, _ = taken(file(tmp_path, *(line.replace(",", delimiter) for line in lines), encoding=encoding))
    assert (records[0].given_name, records[0].family_name) == tuple(lines[1].split(",")[1:4:2])


@pytest.mark.parametrize(("encoding", "quote"), [("cp1252", "’"), ("latin-1", "'"), ("utf-8", "’")])
def test_the_first_accent_may_stand_far_behind_the_start(tmp_path: Path, encoding: str, quote: str) -> None:
    rows = [f"P{n},Ann,,Lee,1961-02-03,,,,,," for n in range(60_000)]
    records, _ = taken(file(tmp_path, HEADER, *rows, f"M1,José,,O{quote}Brien,1961-02-03,,,,,,", encoding=encoding))
    assert (records[-1].given_name, records[-1].family_name) == ("José", f"O{quote}Brien")


def test_quoted_delimiters_and_line_breaks_stay_in_their_cell(tmp_path: Path) -> None:
    records, _ = taken(file(tmp_path, HEADER, 'M1,Ann,,"Lee, the ""2nd""",1961-02-03,,"12 Elm\nApt 3",CT,,,', OTHER))
    assert (records[0].family_name, records[0].address) == ('Lee, the "2nd"', "12 Elm\nApt 3")
    assert len(records) == 2


def test_a_workbook_is_read_with_its_numbers_and_dates(tmp_path: Path) -> None:
    path = tmp_path / "records.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Member ID", "First Name", "Last Name", "DOB", "SSN", "Phone"])
        sheet.write_row(1, 0, [204, "Ann", "Lee"])
        sheet.write_datetime(1, 3, datetime.datetime(1961, 2, 3), book.add_format({"num_format": "m/d/yy"}))
        sheet.write_row(1, 4, [1234567, 2035550123])
        sheet.write_row(2, 0, [205, "Bea", "Lee"])
    records, _ = taken(path)
    first = records[0]
    assert (first.record_key, first.member_id, first.birth_date, first.ssn, first.phone) == (
        "204", "204", "1961-02-03", "001234567", "2035550123",
    )  # fmt: skip
    assert (records[1].birth_date, records[1].ssn) == ("", "")


def test_parquet_is_read_with_what_data_frames_do_to_numbers(tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    table = pa.table(
        {
            "member_id": pa.array([204.0, 205.0]),
            "first_name": ["Ann", None],
            "last_name": pa.array([b"Lee", b"Lee"], pa.binary()),
            "dob": pa.array([datetime.date(1961, 2, 3), None]),
            "ssn": pa.array([12345678.0, float("nan")]),
            "email": pa.array([None, float("nan")], pa.float64()),
        }
    )
    pa.parquet.write_table(table, path)
    records, quality = taken(path)
    assert records[0] == SourceRecord(
        "204", "Ann", family_name="Lee", birth_date="1961-02-03", ssn="012345678", member_id="204"
    )
    assert records[1] == SourceRecord("205", "", family_name="Lee", member_id="205")
    assert (quality.unreadable_ssns, quality.unreadable_dates, quality.without_name) == (0, 0, 1)


@pytest.mark.parametrize("suffix", ["csv", "txt", "xlsx", "parquet", "xls", "ods"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n\n", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, b"%PDF-1.7\n1 0 obj", b"PK\x03\x04" + b"\0" * 100,
     b"PAR1" + b"\xff" * 50 + b"PAR1", b"one column\nof\nwords\n", b'"' + b"a,b\n" * 60_000, b"\xff\xfea"],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_whatever_it_is_called(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"records.{suffix}"
    path.write_bytes(content)
    assert "records" in refusal(path)


def test_a_file_that_is_not_there_is_the_environments(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed):
        understand(tmp_path / "nothing.csv", {})


@given(st.binary(max_size=400))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(b"member_id,first,last,dob\n" + content)
    try:
        taken(path)
    except Refused as refused:
        assert refused.remedy  # noqa: PT017


# ------------------------------------------------------------------------------------------------------------- quality


def test_placeholders_are_dropped_and_counted_and_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    rows = [
        "M1,Ann,,Lee,01/01/1900,111-11-1111,,,,,", "M2,Ann,,Lee,1900-01-01,078-05-1120,,,,,",
        "M3,Ann,,Lee,unknown,000-12-3456,,,,,", "M4,Ann,,Lee,1961-02-30,pending,,,,,",
        "M5,,,Lee,1961-02-03,899-77-0123,,,,,",
    ]  # fmt: skip
    records, quality = taken(file(tmp_path, HEADER, *rows))
    assert [r.ssn for r in records] == ["", "", "", "", "899770123"]
    assert [r.birth_date for r in records] == ["", "", "", "", "1961-02-03"]
    assert quality.placeholders == {"birth_date": 2, "ssn": 2}
    assert (quality.unreadable_dates, quality.unreadable_ssns) == (2, 2)
    assert (quality.without_name, quality.without_birth_date, quality.without_ssn, quality.records) == (1, 4, 4, 5)


def test_a_telephone_number_of_too_many_is_counted_as_shared(tmp_path: Path) -> None:
    rows = [f"M{n},Ann,,Lee,1961-02-03,,,,203-555-01{'23' if n < 26 else n},," for n in range(30)]
    _, quality = taken(file(tmp_path, HEADER, *rows))
    assert quality.shared == {"phone": 26}


def test_whole_names_are_taken_apart(tmp_path: Path) -> None:
    rows = ["1,Ann Mary Lee,1961-02-03", '2,"Lee, Ann Mary",1961-02-03', "3,Lee,1961-02-03", '4,"de la Luz, Ann",x']
    records, _ = taken(file(tmp_path, "key,Name,DOB", *rows))
    assert [(r.given_name, r.middle_name, r.family_name) for r in records] == [
        ("Ann", "Mary", "Lee"), ("Ann", "Mary", "Lee"), ("", "", "Lee"), ("Ann", "", "de la Luz"),
    ]  # fmt: skip


def distinct_persons(records: Sequence[SourceRecord]) -> int:
    persons = DistinctPersons()
    for record in records:
        persons.add(record)
    return persons.count()


def test_records_that_are_one_person_count_once() -> None:
    a = SourceRecord("1", "Ann", "", "Lee", birth_date="1961-02-03", ssn="899770123", address="12 Elm St.")
    same_ssn = SourceRecord("2", "ANN", "", "LEE", birth_date="1961-02-03", ssn="899770123")
    same_address = SourceRecord("3", "Ann", "", "Lee", birth_date="1961-02-03", address="12 elm st")
    namesake = SourceRecord("4", "Ann", "", "Lee", birth_date="1961-02-03", ssn="898765432", address="9 Oak")
    twin = SourceRecord("5", "Bea", "", "Lee", birth_date="1961-02-03", ssn="899770123", address="12 Elm St.")
    unknown = SourceRecord("6", "Ann", "", "Lee", ssn="899770123")
    assert distinct_persons([a, same_ssn, same_address, namesake, twin, unknown]) == 4
    assert distinct_persons([same_ssn, same_address, a]) == 1
    assert distinct_persons([]) == 0


def test_a_source_that_was_understood_says_which_field_is_which_column(tmp_path: Path) -> None:
    source = understand(file(tmp_path, HEADER, ROW), {})
    assert isinstance(source, SourceFile)
    assert source.key == "Member ID"
    assert list(source.mapping) == [name for name in FIELDS if name in source.mapping]
