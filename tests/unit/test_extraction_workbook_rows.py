"""Rows of a sheet written in bulk are what each cell by itself says; a tail of a member is the end of its bytes."""

from __future__ import annotations

import datetime
import io
import random
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.extraction import workbook
from forensics.extraction.archives import Zip
from forensics.extraction.content import CHILD_LIMIT, BytesReadable
from forensics.extraction.office import notes_of_workbook

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


@pytest.mark.parametrize("cut", [1, 200_000])
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_member_whose_bytes_are_damaged_has_no_tail(method: int, cut: int) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        archive.writestr("sheet", random.Random(1).randbytes(400_000))
    data = bytearray(held.getvalue())
    at = data.rindex(b"PK\1\2") - cut
    data[at] ^= 0xFF
    package = Zip(BytesReadable(bytes(data)))
    assert package.tail(package.members[0], 10) == b""


class Watched:
    """Bytes that know how many of them were asked for at once."""

    def __init__(self, data: bytes) -> None:
        self.size, self.most, self._bytes = len(data), 0, BytesReadable(data)

    def read_at(self, offset: int, length: int) -> bytes:
        self.most = max(self.most, length)
        return self._bytes.read_at(offset, length)


def test_the_tail_of_a_stored_member_does_not_take_the_memory_of_the_whole() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("sheet", bytes(9 << 20) + b"end")
    package = Zip(source := Watched(held.getvalue()))
    source.most = 0
    assert package.tail(package.members[0], 3) == b"end"
    assert source.most <= 1 << 20


def test_a_sheet_of_more_than_a_childs_limit_keeps_its_footer() -> None:
    held = io.BytesIO()
    block = random.Random(2).randbytes(4096).hex().encode().ljust(1 << 20)
    with (
        zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        for _ in range(CHILD_LIMIT // len(block) + 1):
            sheet.write(block)
        sheet.write(b"<headerFooter><oddFooter>Maria Gonzalez</oddFooter></headerFooter></worksheet>")
    (notes,) = notes_of_workbook(BytesReadable(held.getvalue()))
    assert notes.data == b"Maria Gonzalez\n"
