"""Sources of records of every make: how they are told apart, what is noticed about them, and which reading of dates."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
import xlsxwriter

from forensics.casefile import case as casefolder
from forensics.casefile.views import CaseView
from forensics.errors import Refused
from forensics.examination.open_case import OpenCase
from forensics.examination.records import add_records, preview
from forensics.jobs.events import Job
from forensics.matching import check_digits
from forensics.matching.records import Origin, Quality, Reader, SourceFile, understand
from forensics.model import SourceRecord

HEADER = "Member ID,First Name,Last Name,DOB,SSN,Phone"


def written(tmp_path: Path, text: str, encoding: str = "utf-8", name: str = "records.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def taken(origin: Path | Origin, **mapping: str) -> tuple[list[SourceRecord], Quality, SourceFile]:
    quality = Quality()
    source = understand(origin, {column.replace("_", " "): name for column, name in mapping.items()})
    return list(Reader(source, quality)), quality, source


def rows(dates: Sequence[str], **cells: str) -> str:
    made = {"ssn": "", "phone": "", **cells}
    lines = [f"M{n},Ann,Lee{n},{day},{made['ssn']},{made['phone']}" for n, day in enumerate(dates)]
    return "\n".join([HEADER, *lines, ""])


# ---------------------------------------------------------------------------------------------------------- text files


@pytest.mark.parametrize("delimiter", ["^", "~", "\x01", "¦"])
def test_seldom_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    records, _, _ = taken(written(tmp_path, rows(["1961-02-03"] * 3).replace(",", delimiter)))
    assert [r.family_name for r in records] == ["Lee0", "Lee1", "Lee2"]


def test_commas_within_cells_do_not_outvote_the_delimiter(tmp_path: Path) -> None:
    text = "key;first;last;dob;street\n" + "".join(
        f"{n};Ann;Lee;1961-02-03;12, Elm St, Apt {n}, Rear\n" for n in range(20)
    )
    assert taken(written(tmp_path, text))[0][3].address == "12, Elm St, Apt 3, Rear"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_keeps_its_accents(tmp_path: Path, encoding: str) -> None:
    records, _, source = taken(written(tmp_path, HEADER + "\nM1,José,Muñoz,1961-02-03,,\n", encoding))
    assert records[0].given_name == "José"
    assert source.how.startswith(encoding)


def test_lines_of_title_above_the_header_are_passed_over_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    text = "Members of the plan,,,,,\nAs of 15 August,,,,,\n\n" + rows(["1961-02-03"] * 2) + "M0,Bea,Lee,,,\n"
    path = written(tmp_path, text)
    assert understand(path, {}).how.endswith("header in row 4")
    with pytest.raises(Refused, match="Rows 5 and 7"):
        taken(path)


def test_single_quotes_and_backslashes_are_understood(tmp_path: Path) -> None:
    single = "'key','first','last','dob'\n'1','Ann','Lee, Jr','1961-02-03'\n'2','Bea','Lee','1961-02-03'\n"
    assert taken(written(tmp_path, single))[0][0].family_name == "Lee, Jr"
    escaped = 'key,first,last,dob\n1,Ann,"Lee \\"the, 2nd\\"",1961-02-03\n2,Bea,Lee,1961-02-03\n'
    assert taken(written(tmp_path, escaped))[0][0].family_name == 'Lee "the, 2nd"'


# ------------------------------------------------------------------------------------------------------ sheets, tables


def test_a_sheet_is_chosen_by_name_and_the_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "records.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Notes").write(0, 0, "for the file")
        for name in ("Current", "Former"):
            sheet = book.add_worksheet(name)
            sheet.write(0, 0, f"{name} members")
            sheet.write_row(2, 1, ["Member ID", "First Name", "Last Name", "DOB"])
            sheet.write_row(3, 1, [name, "Ann", "Lee", "1961-02-03"])
    records, _, source = taken(path)
    assert records[0].record_key == "Current"
    assert (source.how, source.others) == ("sheet Current, header in row 3", ("Notes", "Former"))
    assert taken(Origin(path, table="former"))[0][0].record_key == "Former"
    with pytest.raises(Refused, match="no sheet Nope"):
        taken(Origin(path, table="Nope"))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "members.data"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE members (member_id, first_name, last_name, dob, ssn INTEGER)")
        connection.execute("INSERT INTO members VALUES ('M1', 'Ann', 'Lee', '1961-02-03', 12345678)")
        connection.execute("CREATE TABLE other (a, b)")
        connection.commit()
    return path


def test_a_sqlite_file_is_read_by_table_and_by_query_and_left_as_it_is(database: Path) -> None:
    before = database.read_bytes(), sorted(database.parent.iterdir())
    records, _, source = taken(Origin(database, table="members"))
    assert records[0].ssn == "012345678"
    assert source.others == ("other",)
    query = "SELECT member_id, last_name AS name, dob FROM members"
    assert taken(Origin(database, query=query))[0][0].family_name == "Lee"
    with pytest.raises(Refused) as refused:
        taken(database)
    assert "members, other" in refused.value.remedy
    for writing in ("DELETE FROM members", "SELECT * FROM nothing", "garbage Lee"):
        with pytest.raises(Refused) as refused:
            taken(Origin(database, query=writing))
        assert "Lee" not in str(refused.value)
    assert (database.read_bytes(), sorted(database.parent.iterdir())) == before


def test_a_sqlite_file_that_somebody_has_open_is_refused(database: Path) -> None:
    database.with_name(database.name + "-wal").write_bytes(b"changes")
    with pytest.raises(Refused, match="was not closed"):
        taken(Origin(database, table="members"))


# --------------------------------------------------------------------------------------------------------------- dates


def test_a_column_in_which_days_come_first_is_read_so_throughout(tmp_path: Path) -> None:
    records, quality, source = taken(written(tmp_path, rows(["02/03/1961", "23/03/1961", "04.05.1970"])))
    assert [r.birth_date for r in records] == ["1961-03-02", "1961-03-23", "1970-05-04"]
    assert (source.dates.order, source.dates.certain) == ("dmy", True)
    assert (quality.ambiguous_dates, quality.dates_against_order) == (0, 0)


def test_dates_that_show_no_order_are_counted_and_a_person_says_which(tmp_path: Path) -> None:
    path = written(tmp_path, rows(["02/03/1961", "04/04/1961", "1961-05-06"]))
    records, quality, source = taken(path)
    assert (records[0].birth_date, source.dates.certain, quality.ambiguous_dates) == ("1961-02-03", False, 1)
    records, quality, _ = taken(path, DOB="birth_date:dmy")
    assert (records[0].birth_date, records[2].birth_date) == ("1961-03-02", "1961-05-06")
    assert quality.ambiguous_dates == 0
    with pytest.raises(Refused, match="no way to read"):
        taken(path, DOB="birth_date:ydm")


def test_a_mixed_column_is_read_by_its_majority_and_the_others_are_counted(tmp_path: Path) -> None:
    _, quality, source = taken(written(tmp_path, rows(["03/23/1961", "03/24/1961", "25/03/1961", "02/03/1961"])))
    assert (source.dates.order, source.dates.certain) == ("mdy", False)
    assert (quality.dates_against_order, quality.ambiguous_dates) == (1, 1)


def test_serial_days_of_a_spreadsheet_are_dates(tmp_path: Path) -> None:
    records, quality, _ = taken(written(tmp_path, rows(["22315", "59", "61"])))
    assert [r.birth_date for r in records] == ["1961-02-03", "1900-02-28", "1900-03-01"]
    assert quality.unreadable_dates == 0


# ------------------------------------------------------------------------------------------------------------- quality


def test_every_column_says_why_it_is_a_field(tmp_path: Path) -> None:
    path = written(tmp_path, "Member ID,First Name,Last Name,x,SSN,y\nM1,Ann,Lee,1961-02-03,pending,z\n")
    columns = {column.column: column for column in understand(path, {}).columns}
    assert (columns["SSN"].field, columns["SSN"].why, columns["SSN"].looks) == ("ssn", "name of the column", 0.0)
    assert (columns["x"].field, columns["x"].why) == ("birth_date", "what its cells look like")
    assert (columns["y"].field, columns["y"].looks) == ("", None)


def test_double_rows_empty_cells_and_implausible_dates_are_counted(tmp_path: Path) -> None:
    text = rows(["2999-01-01", "1880-01-01", "1961-02-03"], ssn="899-77-0123") + "M2,Ann,Lee2,1961-02-03,899-77-0123,\n"
    records, quality, _ = taken(written(tmp_path, text))
    assert (len(records), quality.rows, quality.repeated_rows) == (3, 4, 1)
    assert quality.implausible_dates == {"in the future": 1, "before 1890": 1}
    assert (quality.empty["phone"], quality.empty["ssn"], quality.duplicate_ssns) == (3, 0, 3)


def test_check_digits_are_recognised_only_where_nearly_all_fit() -> None:
    def with_check(valid: str, count: int) -> list[str]:
        return [
            next(number for d in "0123456789" if check_digits.SCHEMES[valid](number := f"{n}{d}"))
            for n in range(1_000_000, 1_000_000 + count)
        ]

    for name in ("luhn", "verhoeff", "damm"):
        numbers = with_check(name, 2_000)
        assert check_digits.recognised(numbers) == name
        assert check_digits.recognised([*numbers[3:], "10000001", "10000002", "10000003"]) == ""
    assert check_digits.recognised(with_check("luhn", 999)) == ""
    assert check_digits.luhn("79927398713")
    assert check_digits.npi("1234567893")
    assert check_digits.verhoeff("2363")
    assert check_digits.damm("5724")
    assert check_digits.mod_11("0306406152")


def test_a_preview_masks_every_value(tmp_path: Path) -> None:
    shown = preview(Origin(written(tmp_path, HEADER + "\nM1,José,Muñoz,1961-02-03,899-77-0123,203-555-0123\n")))
    assert shown["rows"] == [["X9", "Xxxx", "Xxxxx", "9999-99-99", "999-99-9999", "999-999-9999"]]


def test_a_preview_says_what_is_missing_where_reading_refuses(tmp_path: Path) -> None:
    path = written(tmp_path, "Nr,Vorname,Nachname,Geboren\nK1,Anna,Alpha,03.02.1961\nK2,Bea,Beta,13.02.1961\n")
    shown = preview(Origin(path))
    assert (shown["key"], shown["header"]) == ("", ["Nr", "Vorname", "Nachname", "Geboren"])
    assert "recognised as the key" in shown["missing"]
    chosen = {"Vorname": "given_name", "Nachname": "family_name"}
    assert "lacks what identifies a person" in preview(Origin(path), "Nr", {"Vorname": "given_name"})["missing"]
    assert preview(Origin(path), "Nr", chosen | {"Geboren": "birth_date"})["missing"] == ""
    with pytest.raises(Refused, match="recognised as the key"):
        understand(path, {})


def test_a_column_that_is_said_to_be_unused_is_no_field(tmp_path: Path) -> None:
    path = written(tmp_path, "Member ID,First Name,Last Name,DOB,Tax ID\nM1,José,Muñoz,1961-02-03,899770123\n")
    assert understand(path, {}).mapping["ssn"] == "Tax ID"
    source = understand(path, {"Tax ID": "unused", "DOB": "birth_date"})
    assert "ssn" not in source.mapping
    assert "unused" not in source.mapping
    assert next(column for column in source.columns if column.column == "Tax ID").field == ""


def test_shared_values_are_blanked_further_fields_kept_and_the_ledger_holds_counts_only(tmp_path: Path) -> None:
    header = "Member ID,First Name,Last Name,DOB,SSN,Phone,Guardian,Email,Plan Code"
    lines = [
        f"M{n},Ann,Lee,1961-02-{n % 28 + 1:02},899-77-0123,203-555-0123,Maria Vega,A@Example.com," for n in range(30)
    ]
    lines.append("M99,Bea,Lee,1961-02-03,898-76-5432,203-555-0199,,b@example.com,")
    path = written(tmp_path, "\n".join([header, *lines, ""]))
    details = casefolder.CaseDetails("1", "t", "o", ("business",), "A. Okafor")
    folder, key, _ = casefolder.create(tmp_path / "c.dcase", details, "correct horse battery staple")
    with OpenCase(folder, key) as case:
        added = add_records(case, Job(lambda _: None), file=path)
        stored = [record for _, record in case.store.source_records()]
    assert {(r.phone, r.ssn, r.email) for r in stored[:30]} == {("", "", "")}
    assert (stored[30].phone, stored[30].ssn, stored[30].email) == ("2035550199", "898765432", "b@example.com")
    assert stored[0].extra == {"guardian_name": "Maria Vega"}
    assert added["quality"]["shared"] == {"phone": 30, "email": 30, "ssn": 30}
    ledger = (folder.custody / "ledger.jsonl").read_text("utf-8")
    assert '"phone":30' in ledger.replace(" ", "")
    # Too long to stand by chance among the hexadecimal digits of the ledger's digests.
    secrets = ("Vega", "899-77-0123", "899770123", "898765432", "Plan Code", "Example.com", '"M99"')
    assert not [secret for secret in secrets if secret in ledger]
    with CaseView(folder, key) as view:
        assert view.source_sets()[0].sha256 == added["sha256"]


def test_a_view_shows_the_snapshots_and_whose_values_stand(tmp_path: Path) -> None:
    details = casefolder.CaseDetails("1", "t", "o", ("business",), "A. Okafor")
    folder, key, _ = casefolder.create(tmp_path / "c.dcase", details, "correct horse battery staple")
    old = written(tmp_path, f"{HEADER}\nM1,Ann,Lee,1961-02-03,,\nM2,Bea,Roe,1962-02-03,,\n")
    with OpenCase(folder, key) as case:
        add_records(case, Job(lambda _: None), file=old, as_of="2025-01-01", name="old")
        new = written(tmp_path, f"{HEADER}\nM1,Ann,Lee-Roe,1961-02-03,,\n")
        add_records(case, Job(lambda _: None), file=new, as_of="2026-01-01", name="new")
    with CaseView(folder, key) as view:
        found = [(s.name, s.as_of, s.records, s.standing) for s in view.snapshots()]
        assert view.known_extracts() == []
    assert found == [("old", "2025-01-01", 2, 1), ("new", "2026-01-01", 1, 1)]
