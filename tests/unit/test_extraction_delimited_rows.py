"""A piece of a table read column by column holds what reading it row by row holds, whatever stands in it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.extraction.delimited_rows import LONGEST_QUOTED, DelimitedRows
from forensics.extraction.tables import parse_row, row_starts
from forensics.rows import Rows

ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "cp037")


class OneByOne(Rows):
    """The slow reference: every row cut out and parsed alone."""

    def __init__(self, data: bytes, encoding: str, delimiter: str) -> None:
        bounds = [*row_starts(data, encoding).tolist(), len(data)]
        self.rows = [parse_row(data[a:b], encoding, delimiter) for a, b in pairwise(bounds)]

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, number: int) -> list[str]:
        return self.rows[number]


def cells_of(rows: Rows, number: int) -> list[str | None]:
    cells, code = rows.column(number)
    return [None if place < 0 else cells[place] for place in code.tolist()]


def both(data: bytes, encoding: str, delimiter: str) -> tuple[DelimitedRows, OneByOne]:
    return DelimitedRows(data, row_starts(data, encoding), encoding, delimiter), OneByOne(data, encoding, delimiter)


def same(data: bytes, encoding: str, delimiter: str = ",") -> None:
    quick, slow = both(data, encoding, delimiter)
    assert list(quick) == slow.rows
    for number in range(max(map(len, slow.rows), default=0) + 1):
        assert cells_of(quick, number) == cells_of(slow, number)
    assert quick.filled().tolist() == slow.filled().tolist()


TEXT = st.text(st.sampled_from('ab1,,;""\n\n\r\t \x85\xa0é\u2028Ā'), max_size=60)
QUOTED = st.lists(
    st.lists(st.sampled_from(["", "a", '"a"', '"a,b"', '"a\nb"', '""', '"a""b"', 'a"b', ' "a"', '"a" ']), max_size=4),
    max_size=8,
).map(lambda rows: "\r\n".join(",".join(row) for row in rows))


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(deadline=None)
@given(text=TEXT | QUOTED, delimiter=st.sampled_from([",", ";", "\t", ""]))
def test_columns_hold_what_rows_hold(encoding: str, text: str, delimiter: str) -> None:
    same(text.encode(encoding, "ignore"), encoding, delimiter)


@settings(deadline=None)
@given(data=st.binary(max_size=80), encoding=st.sampled_from(ENCODINGS))
def test_bytes_that_are_no_text_are_read_alike_too(data: bytes, encoding: str) -> None:
    same(data, encoding)


def test_a_quoted_cell_too_long_for_csv_is_read_alike() -> None:
    same(b'1,"' + b"x" * (131_073) + b'",2\n3,"y,z",4\n', "utf-8")
    same(b'1,"' + b"x" * LONGEST_QUOTED + b'",2\n3,"y,z",4\n', "utf-8")


def test_a_column_has_each_cell_once() -> None:
    rows, _ = both(b'a,1\nb,1\n"a",2\na"b,3\n"a"""', "utf-8", ",")
    cells, code = rows.column(0)
    assert sorted(cells) == sorted(set(cells))
    assert [cells[place] for place in code] == ["a", "b", "a", 'a"b', 'a"']


def test_changed_columns_are_changed_in_rows_and_columns() -> None:
    rows, _ = both(b"a,1\nb\nc,2\n", "utf-8", ",")
    dated = rows.changed({1: lambda cell: f"<{cell}>"})
    assert list(dated) == [["a", "<1>"], ["b"], ["c", "<2>"]]
    assert cells_of(dated, 1) == ["<1>", None, "<2>"]
    assert cells_of(dated, 0) == ["a", "b", "c"]
