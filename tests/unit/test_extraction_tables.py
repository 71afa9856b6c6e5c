"""A row number in a report must be the row a person sees when they open the file, wherever it was cut."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.extraction import tables
from forensics.extraction.extract import BytesReadable, extract
from forensics.model import OK, Extraction, Unit

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")
cells = st.text(st.sampled_from('ab1",;\t|é \n\r'), max_size=6)
grids = st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=8)


def rows_of(data: bytes, extraction: Extraction) -> dict[int, list[str]]:
    """Row number → cells, as a consumer of the pieces gets them."""
    found: dict[int, list[str]] = {}
    for piece in extraction.pieces:
        part = data[piece.offset : piece.offset + piece.length]
        starts = [int(start) for start in tables.row_starts(part, piece.encoding)]
        for n, (start, end) in enumerate(zip(starts, [*starts[1:], len(part)], strict=True)):
            found[piece.first + n] = tables.parse_row(part[start:end], piece.encoding, piece.delimiter)
    return found


@given(grids, st.sampled_from(ENCODINGS), st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None)
def test_rows_and_cells_are_those_that_were_written(
    grid: list[list[str]], encoding: str, delimiter: str, end: str
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(grid)
    data = out.getvalue().encode(encoding)
    starts = [int(start) for start in tables.row_starts(data, encoding)]
    rows = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
    assert [tables.parse_row(row, encoding, delimiter) for row in rows] == grid


@given(st.binary(max_size=60), st.sampled_from([*ENCODINGS, "cp037"]))
@settings(deadline=None)
def test_any_bytes_have_rows_that_cover_them(data: bytes, encoding: str) -> None:
    starts = [int(start) for start in tables.row_starts(data, encoding)]
    assert starts == sorted(set(starts))
    assert starts[:1] == ([0] if data else [])
    assert all(start < len(data) for start in starts)
    for delimiter in ("", ","):
        assert tables.parse_row(data, encoding, delimiter)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", [True, False])
def test_rows_are_numbered_across_pieces_with_quoted_line_breaks(
    encoding: str, mark: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "PIECE_BYTES", 1 << 16)
    out = io.StringIO()
    writer = csv.writer(out)
    expected = {1: ["id", "name", "note"]}
    writer.writerow(expected[1])
    for n in range(2, 12_000):
        expected[n] = [str(n), "Gonzalez, Maria é", 'line one\nline "two"\r\nline three' if n % 7 else ""]
        writer.writerow(expected[n])
    data = (("\ufeff" if mark else "") + out.getvalue()).encode(encoding)
    extraction = extract(BytesReadable(data), b"x.csv")
    assert (extraction.type, extraction.outcome) == ("csv", OK)
    assert len(extraction.pieces) > 5
    assert {p.encoding for p in extraction.pieces} == {encoding}
    assert rows_of(data, extraction) == expected
    end = len("\ufeff".encode(encoding)) if mark else 0
    for piece in extraction.pieces:
        assert (piece.offset, piece.unit, piece.table, piece.delimiter, piece.data) == (end, Unit.ROW, True, ",", None)
        end += piece.length - piece.overlap
    assert end == len(data)


def test_one_stray_quote_does_not_swallow_the_rows_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PIECE_BYTES", 1 << 12)
    disk = '5 inch 3.5" disk'
    lines = [f"{n},{disk if n == 40 else 'x'},123-45-{n:04}" for n in range(1, 2000)]
    data = "\r\n".join(lines).encode()
    assert rows_of(data, extract(BytesReadable(data), b"")) == {n: line.split(",") for n, line in enumerate(lines, 1)}


def test_a_quote_that_never_closes_leaves_the_lines_as_rows() -> None:
    data = b'a,b\n1,"open\n2,x\n3,y\n'
    assert list(tables.row_starts(data, "utf-8")) == [0, 4, 12, 16]


def test_ragged_rows_and_blank_lines_keep_their_numbers() -> None:
    data = b"a,b,c\n1,2\n\n1,2,3,4\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n"
    found = rows_of(data, extract(BytesReadable(data), b"list.csv"))
    assert (found[2], found[3], found[4]) == (["1", "2"], [""], ["1", "2", "3", "4"])


def test_utf_16_with_an_odd_byte_at_the_end_is_read_to_its_last_row() -> None:
    data = "\ufeffa,b,c\r\n1,2,3\r\n4,5,6".encode("utf-16-le") + b"7"
    found = rows_of(data, extract(BytesReadable(data), b""))
    assert (found[1], found[2], found[3][:2]) == (["a", "b", "c"], ["1", "2", "3"], ["4", "5"])
    assert list(tables.row_starts(data[2:], "utf-16-le")) == [0, 14, 28]


def test_one_line_of_a_hundred_megabytes_is_cut_with_an_overlap_and_stays_row_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "PIECE_BYTES", 1 << 16)
    data = b"h1,h2\n" + b"123-45-6789," * 40_000
    extraction = extract(BytesReadable(data), b"x.csv")
    assert {piece.first for piece in extraction.pieces} == {1, 2}
    position = 0
    for piece in extraction.pieces:
        assert piece.offset == position
        position += piece.length - piece.overlap
        assert piece.overlap in (0, tables.OVERLAP)
    assert position == len(data)


def test_plain_text_pieces_cover_everything_and_share_their_borders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PIECE_BYTES", 1 << 16)
    data = ("Ångström wrote to Maria.\n" * 20_000).encode()
    extraction = extract(BytesReadable(data), b"")
    assert (extraction.type, extraction.outcome) == ("text", OK)
    position = 0
    for piece in extraction.pieces:
        assert (piece.unit, piece.table, piece.offset, piece.encoding) == (Unit.NONE, False, position, "utf-8")
        position += piece.length - piece.overlap
        assert abs(piece.overlap - 512) < 4 or piece is extraction.pieces[-1]
        data[piece.offset : piece.offset + piece.length].decode("utf-8")
    assert position == len(data)


@pytest.mark.parametrize(
    ("text", "encoding", "delimiter"),
    [
        ("a;b;c\n1;2;3\n1;2;3\n", "utf-8", ";"),
        ("a\tb\n1\t2\n", "utf-8", "\t"),
        ("a|b|c\n1|2|3\n", "utf-16-be", "|"),
        ('a,"x;y;z",c\n1,"x;;",3\n', "utf-8", ","),
        ("Dear Maria, how are you?\nI am fine.\nYours, Jane, and Bob, too\n", "utf-8", ""),
        ("José;Müller;1980\nJosé;Müller;1981\n", "latin-1", ";"),
    ],
)
def test_delimiters_are_found_by_what_the_rows_have_in_common(text: str, encoding: str, delimiter: str) -> None:
    data = text.encode(encoding)
    assert tables.encoding_of(data, len(data)) == (encoding, 0)
    assert tables.delimiter_of(data, encoding) == delimiter


def test_a_column_of_numbers_named_csv_is_a_table() -> None:
    extraction = extract(BytesReadable(b"123-45-6789\n123-45-6780\n"), b"numbers.CSV")
    assert extraction.type == "csv"
    assert extraction.pieces[0].table


def test_a_part_that_is_not_utf_8_is_read_as_latin_1() -> None:
    data = b"name,city,id\n" + b"Ana,Rome,1\n" * 7000 + "José,Málaga,2\n".encode("latin-1")
    extraction = extract(BytesReadable(data), b"")
    assert "José" in str(rows_of(data, extraction)[7002])


def test_mainframe_text_is_text() -> None:
    data = ("MARIA GONZALEZ 123-45-6789 1980-02-03\n" * 20).encode("cp037")
    assert extract(BytesReadable(data), b"").pieces[0].encoding == "cp037"


def test_bytes_without_a_pattern_are_no_text() -> None:
    for data in (bytes(range(256)) * 8, b"\0" * 4096, b"\x80\x81\x82\x83" * 50, b"PK"):
        assert tables.encoding_of(data, len(data)) is None or data == b"PK"
