"""dBASE and FoxPro tables (.dbf): every record, also those that are only marked as deleted."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from forensics.extraction.content import Content, Damaged, one_line, pieces
from forensics.model import Child, Piece, Unit

# dBASE language drivers; everything else is taken for Windows' Western code page.
_CODE_PAGES = {
    0x01: "cp437",
    0x02: "cp850",
    0x64: "cp852",
    0x65: "cp866",
    0x66: "cp865",
    0xC8: "cp1250",
    0xC9: "cp1251",
}
_VERSIONS = frozenset((0x02, 0x03, 0x04, 0x05, 0x30, 0x31, 0x32, 0x43, 0x63, 0x83, 0x8B, 0xCB, 0xF5, 0xFB))
_TYPES = frozenset(b"CDNFLMBGPYTIVX@O+QW0")


def fields_of(head: bytes) -> list[tuple[str, int, int]]:
    """Name, type and length of every column, or nothing where these bytes begin no such table."""
    if len(head) < 65 or head[0] not in _VERSIONS or not (1 <= head[2] <= 12 and 1 <= head[3] <= 31):
        return []
    header, record = struct.unpack_from("<2H", head, 8)
    found: list[tuple[str, int, int]] = []
    at = 32
    while at + 32 <= min(header, len(head)) and head[at] != 0x0D:
        name = head[at : at + 11].partition(b"\0")[0]
        if not name.isascii() or not name.strip() or head[at + 11] not in _TYPES:
            return []
        found.append((name.decode("ascii"), head[at + 11], head[at + 16]))
        at += 32
    ends = at < len(head) and head[at] == 0x0D
    return found if ends and found and 1 + sum(length for _, _, length in found) == record else []


def extract(content: Content) -> Iterator[Piece | Child]:
    """One stream `table`: the names of the columns, then a row a record; the first column says which are deleted."""
    fields = fields_of(content.head)
    count, header, record = struct.unpack_from("<IHH", content.head, 4)
    encoding = _CODE_PAGES.get(content.head[29], "cp1252")
    yield from pieces(_rows(content, fields, header, record, encoding), ("table",), Unit.ROW, table=True)
    if header + count * record > content.size + 1:
        raise Damaged("the table ends before its last record")


def _rows(
    content: Content, fields: list[tuple[str, int, int]], header: int, record: int, encoding: str
) -> Iterator[str]:
    yield "\t".join(["deleted", *(one_line(name) for name, _, _ in fields)])
    at = header
    step = max(1, (1 << 20) // record) * record
    while at < content.size:
        block = content.readable.read_at(at, step)
        for start in range(0, len(block) - record + 1, record):
            row = block[start : start + record]
            if row[:1] == b"\x1a":
                return
            cells, place = ["*" if row[:1] == b"*" else ""], 1
            for _, kind, length in fields:
                cells.append(_cell(row[place : place + length], kind, encoding))
                place += length
            yield "\t".join(cells)
        if len(block) < step:
            return
        at += step


def _cell(raw: bytes, kind: int, encoding: str) -> str:
    if kind in b"I+" and len(raw) == 4:
        return str(int.from_bytes(raw, "little", signed=True))
    if kind in b"BO" and len(raw) == 8:
        return repr(struct.unpack("<d", raw)[0])
    return one_line(raw.decode(encoding, "replace").strip(" \0"))
