"""Evidence of the raw scan: what stands in one person's line or beside it counts, what a neighbour has does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forensics.detection.scan import scan
from forensics.matching.index import RecordIndex
from forensics.matching.windows import LETTER, Found, find_in_text, of_one_person
from forensics.model import SourceRecord

A = SourceRecord(
    "A", "Maria", "", "Ibanez", "", "1961-02-03", "899770123", "MBR-2045551", "12 Elm Street", "Pell", "CT", "06301",
    "2035550123", "maria.i@example.com",
)  # fmt: skip
B = SourceRecord(
    "B", "Johan", "", "Brannick", "", "1988-07-19", "898765432", "MBR-2045552", "7 Oak Road", "Pell", "CT", "06301",
    "2035550124", "johan@example.com",
)  # fmt: skip
C = replace(A, record_key="C", given_name="Petra", family_name="Wold", ssn="897123456", member_id="MBR-2045553",
            birth_date="1970-10-11", phone="2035550125", email="", address="")  # fmt: skip
INDEX = RecordIndex.build(enumerate((A, B, C), 1))

ALL = {"name", "birth_date", "ssn", "member_id"}


def found(data: bytes | str, index: RecordIndex = INDEX) -> list[Found]:
    data = data.encode() if isinstance(data, str) else data
    return find_in_text(data, scan(data, index), index)


def shown(data: bytes | str) -> dict[int, set[str]]:
    """Record → elements; every record at one place only."""
    everything = found(data)
    assert len({item.record for item in everything}) == len(everything)
    return {item.record: set(item.elements) for item in everything}


# -------------------------------------------------------------------------------------------------------------- lines


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16-le", "utf-16-be", "cp037"])
def test_what_stands_in_one_line_counts_together(encoding: str) -> None:
    line = "{0}\n2045551;Ibanez, Maria;2/3/1961;899-77-0123;12 Elm Street;(203) 555-0123;maria.i@example.com\n{0}\n"
    elements = shown(line.format("nothing of anybody " * 8).encode(encoding))
    assert elements == {1: ALL | {"address", "phone", "email"}}


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("lead", [b"", b"\xff", b"\xff\xff\xff"])
def test_in_utf_16_a_number_with_dashes_counts_at_either_phase(order: str, lead: bytes) -> None:
    for text in ("Maria Ibanez 899–77–0123", "899–77–0123 Maria Ibanez"):
        for behind in (b"\xff\x37", b"\x41\x37", b"\x37\x41\xff"):
            assert shown(lead + text.encode(order) + behind) == {1: {"name", "ssn"}}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("behind", [b"\xff\xff", b"\x80\x01", b"\xe9", b"\x00"])
def test_foreign_bytes_beside_a_row_do_not_spoil_its_accents(encoding: str, behind: bytes) -> None:
    index = RecordIndex.build([(1, replace(A, given_name="José", family_name="Muñoz"))])
    for text in ("899770123,José,Muñoz,", "José,Muñoz,1961-02-03,"):
        data = b"\xff\xff" + text.encode(encoding) + behind
        assert "name" in found(data, index)[0].elements, data
    assert "name" in found(b"\xff\xff1961-02-03,Johan,Brannick,899770123,Jose,Munoz\xff\xff", index)[0].elements


def test_a_place_is_that_of_its_number_and_a_line_is_one_place() -> None:
    line = "Maria Ibanez, born 02/03/1961, id MBR-2045551, 899770123, once more 899-77-0123\n"
    items = found(line * 3)
    assert [item.offset for item in items] == [n * len(line) + line.index("899770123") for n in range(3)]
    assert {item.length for item in items} == {9}
    assert {item.road for item in items} == {"line"}


def test_a_name_or_a_date_alone_is_no_evidence_but_a_number_alone_is_kept() -> None:
    assert found("Maria Ibanez, Maria Ibanez") == []
    assert found("1961-02-03") == []
    assert shown("x 899770123 y") == {1: {"ssn"}}
    assert shown("Maria Ibanez 1961-02-03") == {1: {"name", "birth_date"}}


def test_part_of_a_name_is_not_the_name() -> None:
    index = RecordIndex.build([(1, replace(A, given_name="Maria Luz", family_name="de la Garza O'Dell"))])
    for text, whole in (
        ("899770123 Maria de la Garza O'Dell", True), ("899770123 MARIA LUZ DE LA GARZA ODELL", True),
        ("899770123 Maria Garza", False), ("899770123 Luz de la Garza O'Dell", False), ("899770123 M O'Dell", False),
    ):  # fmt: skip
        assert ("name" in found(text, index)[0].elements) == whole, text


def test_a_namesake_with_another_birth_date_is_nobody() -> None:
    assert found("Maria Ibanez,1961-02-04\nIbanez, Maria 02/03/1962\n") == []


# ------------------------------------------------------------------------------------------------------------ windows


def test_a_form_over_several_lines_counts_together_within_two_hundred_bytes() -> None:
    form = "First name: Maria\nLast name: Ibanez\nBorn: 02/03/1961\nSSN: 899-77-0123\nPhone: 203-555-0123\n"
    assert shown(form) == {1: {"name", "birth_date", "ssn", "phone"}}


@pytest.mark.parametrize("side", ["before", "behind"])
def test_the_window_reaches_two_hundred_bytes_and_no_further(side: str) -> None:
    name, number = "Maria Ibanez", "899770123"
    for gap, counts in ((200 - len(name) - 1, True), (201, False)):
        filler = "\n" + "." * (gap - 2) + "\n"
        text = name + filler + number if side == "before" else number + filler + name
        assert shown(text) == {1: {"name", "ssn"} if counts else {"ssn"}}, gap


def test_two_numbers_of_one_person_close_together_are_one_place_and_far_apart_two() -> None:
    near, far = "\n" + "." * 100 + "\n", "\n" + "." * 400 + "\n"
    assert len(found("899770123" + near + "899770123")) == 1
    assert len(found("899770123" + far + "899770123")) == 2


# --------------------------------------------------------------------------------------------------------- neighbours

FRAGMENT = (
    "{a}\r\n2045552,Johan,Brannick,1988-07-19,898765432,7 Oak Road,2035550124\r\n"
    "2045553,Petra,Wold,1970-10-11,897123456,,2035550125\r\n"
)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "cp037"])
def test_a_row_without_a_name_does_not_borrow_its_neighbours(order: int, encoding: str) -> None:
    """A lacks a name in a CSV fragment whose other rows hold `Maria` and `Ibanez`, in rows of other members."""
    borrowed = RecordIndex.build(
        enumerate((A, replace(B, given_name="Maria"), replace(C, family_name="Ibanez", phone=A.phone)), 1)
    )
    text = FRAGMENT.format(a="2045559,,,,899770123,,").replace("Johan", "Maria").replace("Wold", "Ibanez")
    text = text.replace("2035550125", "2035550123")
    rows = text.splitlines(keepends=True)[::order]
    data = (" " * 200 + "\n" + "".join(rows) + "\n" + " " * 200).encode(encoding)
    items = {item.record: set(item.elements) for item in found(data, borrowed)}
    assert items[1] == {"ssn"}
    assert items[2] >= ALL
    assert items[3] >= ALL


@pytest.mark.parametrize("row", ["{0},{1},{2},x", "{0}\t{1}\t{2}", "{0}|{1}|{2}", "{0};{1};{2}"])
def test_a_number_in_a_table_of_strangers_does_not_borrow_their_names(row: str) -> None:
    """No other row is anybody's, so nothing but the shape of the rows says that they are rows."""
    rows = [("Maria", "Larkfield", "x1"), ("Ivo", "899770123", "x2"), ("Hugo", "Ibanez", "1961-02-03")]
    assert shown("\n".join(row.format(*cells) for cells in rows) + "\n") == {1: {"ssn"}}


def test_a_letter_about_one_person_beside_another_lends_nothing() -> None:
    text = (
        "Claim of 899770123 is denied.\n"
        "Johan Brannick, born 1988-07-19, 7 Oak Road.\n"
        "Carbon copy to Maria Ibanez, 02/03/1961.\n"
    )
    items = {(item.record, frozenset(item.elements)) for item in found(text)}
    assert items == {
        (1, frozenset({"ssn"})), (2, frozenset({"name", "birth_date", "address"})),
        (1, frozenset({"name", "birth_date"})),
    }  # fmt: skip


def test_a_line_that_shows_the_person_too_does_not_end_the_window() -> None:
    text = "Household: Maria Ibanez 02/03/1961, Johan Brannick 07/19/1988\nSSN of the first: 899770123\n"
    assert {(item.record, item.road): set(item.elements) for item in found(text)}[1, "window"] == {
        "name", "birth_date", "ssn",
    }  # fmt: skip


def test_a_row_cut_off_by_the_end_of_the_fragment_still_counts() -> None:
    assert shown("ria,Ibanez,1961-02-03,899770123\n2045552,Johan,Brann")[1] == {"birth_date", "ssn"}
    assert shown("2045559,x,y,z\n2045551,Maria,Ibanez,1961-02-0")[1] == {"name", "member_id"}


def test_control_characters_end_a_line_as_they_do_in_a_database_page() -> None:
    """A record of SQLite: header bytes, then the cells without anything between them."""
    data = b"\x07\x17\x19\x1fMaria Ibanez 899770123\x00\x07\x17\x19\x1fJohan Brannick 898765432\x00"
    assert shown(data) == {1: {"name", "ssn"}, 2: {"name", "ssn"}}


def test_a_dense_page_of_rows_is_compared_in_time() -> None:
    """3,000 rows that show somebody and as many that do not: each unsure one asks its neighbours, not the page."""
    import time

    data = "".join("2045552,Johan,Brannick,1988-07-19\n899770123,x\n" for _ in range(3000))
    started = time.process_time()
    assert len(found(data)) > 3000
    assert time.process_time() - started < 5


# ------------------------------------------------------------------------------------------------------------- letters


def letter(text: str) -> list[Found]:
    data = text.encode()
    return of_one_person(data, find_in_text(data, scan(data, INDEX), INDEX), "utf-8", INDEX)


def test_a_letter_about_one_person_shows_all_its_values() -> None:
    text = "Maria Ibanez\n12 Elm Street\n\n" + "Dear member,\n" + "we write.\n" * 60 + "Ref: 899-77-0123, 02/03/1961\n"
    assert "address" not in shown(text)[1]
    assert [set(item.elements) for item in letter(text)] == [{"name", "birth_date", "ssn", "address"}]


def test_a_letter_about_two_persons_and_a_long_text_show_only_what_stands_close() -> None:
    text = "Maria Ibanez\n12 Elm Street\n" + "we write.\n" * 60 + "899-77-0123, 02/03/1961\n"
    two = text + "we write.\n" * 60 + "Johan Brannick 898-76-5432\n"
    assert all("address" not in item.elements for item in letter(two))
    lone = text + "we write.\n" * 60 + "898-76-5432\n"
    assert all("address" not in item.elements for item in letter(lone))
    long = text + "x" * LETTER
    assert all("address" not in item.elements for item in letter(long))


def test_a_number_alone_does_not_make_a_letter_somebodys() -> None:
    text = "Maria Ibanez\n" + "we write.\n" * 60 + "Invoice 899770123\n"
    assert [set(item.elements) for item in letter(text)] == [{"ssn"}]
