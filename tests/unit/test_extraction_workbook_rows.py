"""Rows of a sheet written in bulk are what each cell by itself says; a tail of a member is the end of its bytes."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.extraction import workbook
from forensics.extraction.archives import Zip
from forensics.extraction.content import BytesReadable

TEXT = st.text("ab1 \t\r\n\x00\x0b\x1c\x1f\x7f\x85\u2028\u2029é漢\ud800", max_size=4)
NUMBERS = st.floats() | st.sampled_from([0.0, -0.0, 1.0, 0.5, 1e-5, 1e16, 1e21, 123456789.0])
CELLS = st.one_of(
    TEXT, NUMBERS, st.booleans(), st.just(""), st.datetimes(), st.dates(), st.times(), st.integers(-9, 9),
    st.just(datetime.timedelta(hours=25)),
)  # fmt: skip


class Sheet:
    def __init__(self, rows: list[list[Any]], first_column: int) -> None:
        self.rows, self.start = rows, (0, first_column)

    def iter_rows(self) -> Iterator[list[Any]]:
        return (list(row) for row in self.rows)


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    kinds = draw(st.lists(st.sampled_from([TEXT, st.just("x"), NUMBERS, CELLS]), min_size=1, max_size=7))
    return Sheet(draw(st.lists(st.tuples(*kinds).map(list), max_size=12)), draw(st.integers(0, 2)))


@settings(max_examples=400, deadline=None)
@given(sheets(), st.integers(1, 5))
def test_rows_are_what_each_cell_says(sheet: Sheet, together: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbook, "_TOGETHER", together)
        found = list(workbook._rows(sheet))
    lines = ["\t".join(map(workbook._text, row)).rstrip("\t") for row in sheet.rows]
    expected = "".join(("\t" * sheet.start[1] + line if line else "") + "\n" for line in lines)
    assert b"".join(text for text, _ in found) == expected.encode("utf-8", "replace")
    assert sum(count for _, count in found) == len(sheet.rows)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("size", [0, 10, 70_000, 3_000_001])
def test_the_tail_of_a_member_is_the_end_of_its_bytes(method: int, size: int) -> None:
    held = io.BytesIO()
    data = b"".join(b"%d," % number for number in range(size // 4 + 4))[:size]
    with zipfile.ZipFile(held, "w", method) as archive:
        archive.writestr("sheet", data)
    package = Zip(BytesReadable(held.getvalue()))
    (member,) = package.members
    for length in (1, 64 << 10):
        assert package.tail(member, length) == package.read(member)[0][-length:] == data[-length:]
    assert package.tail(member, 10, limit=size - 1) == b""


@pytest.mark.parametrize("size", [10, 70_000, 3_000_001])
def test_a_damaged_member_has_no_tail(size: int) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet", bytes(number * number % 251 for number in range(size)))
    data = bytearray(held.getvalue())
    data[data.rindex(b"PK\1\2") + 16] ^= 1
    package = Zip(BytesReadable(bytes(data)))
    assert package.tail(package.members[0], 10) == b""
    assert package.read(package.members[0])[1] is not None
