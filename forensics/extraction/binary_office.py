"""Word, Excel and PowerPoint of 1997 to 2003: text by their own records, and what they embed."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from forensics.extraction import compound
from forensics.extraction.archives import EXPANDS
from forensics.extraction.content import RATIO_FREE, Content, Damaged, Found, NotExamined, one_line, pieces
from forensics.extraction.drawn_pictures import pictures
from forensics.extraction.locked import decrypted
from forensics.model import Child, Piece, Unit

# [MS-XLS] 2.3.1: record numbers.
_FILE_PASS, _TEXT_OBJECT, _CONTINUE, _HEADER, _FOOTER = 0x002F, 0x01B6, 0x003C, 0x0014, 0x0015
_DRAWING_GROUP = 0x00EB

# [MS-PPT] 2.13.24: record types.
_TEXT_CHARS, _TEXT_BYTES, _C_STRING, _OLE_OBJECT = 0x0FA0, 0x0FA8, 0x0FBA, 0x1011


# -------------------------------------------------------------------------------------------------------------- Word


def extract_doc(content: Content) -> Iterator[Found]:
    """One stream `text`: body, notes, headers, comments and text boxes; a table row is a line, cells by TAB."""
    data = content.whole()
    with compound.opened(data) as opened:
        main = compound.stream(opened, "WordDocument")
        # [MS-DOC] 2.5.2, FibBase: bit 8 of the flags at offset 10 is fEncrypted.
        if len(main) >= 12 and main[11] & 0x01:
            yield from decrypted(content, data)
            return
        yield from pieces(_word_lines(_word_text(opened, main)), ("text",), Unit.PARAGRAPH)
        yield from compound.properties(opened)
        yield from compound.embedded(opened)
        # Pictures in a line of text stand in one stream, floating ones in the other.
        yield from pictures(compound.stream(opened, "Data") + main)


def _word_text(opened: Any, main: bytes) -> str:
    if len(main) < 0x1AA:
        raise Damaged("the document stream is cut short")
    (version,) = struct.unpack_from("<H", main, 2)
    if version < 0x00C1:
        # Word 6 and 95: the text stands in one run of bytes.
        start, end = struct.unpack_from("<2I", main, 0x18)
        return main[start:end].decode("cp1252", "replace")
    # [MS-DOC] 2.5.10: fcClx and lcbClx; 2.9.38: Prcs are passed over, then the piece table stands.
    where, length = struct.unpack_from("<2I", main, 0x1A2)
    table = compound.stream(opened, "1Table" if main[11] & 0x02 else "0Table")[where : where + length]
    at = 0
    while at + 3 <= len(table) and table[at] == 1:
        at += 3 + struct.unpack_from("<H", table, at + 1)[0]
    if at + 5 > len(table) or table[at] != 2:
        raise Damaged("the document has no piece table")
    plain = table[at + 5 : at + 5 + struct.unpack_from("<I", table, at + 1)[0]]
    count = (len(plain) - 4) // 12
    if count < 1:
        return ""
    borders = struct.unpack_from(f"<{count + 1}I", plain)
    parts: list[str] = []
    left = len(main)
    for number in range(count):
        (place,) = struct.unpack_from("<I", plain, 4 * (count + 1) + 8 * number + 2)
        characters = borders[number + 1] - borders[number]
        if characters <= 0:
            continue
        if place & 0x40000000:
            part = main[(place & 0x3FFFFFFF) // 2 :][:characters].decode("cp1252", "replace")
        else:
            part = main[place : place + 2 * characters].decode("utf-16-le", "replace")
        # Pieces never share text; a table that says so is made to grow.
        if (left := left - len(part)) < 0:
            raise NotExamined(EXPANDS)
        parts.append(part)
    return "".join(parts)


def _word_lines(text: str) -> Iterator[str]:
    # The mark of the last cell and the mark of its row stand side by side.
    for line in re.split(r"\x07{2,}|[\r\x0b\x0c\x0e]", text):
        cells = (re.sub(r"[\x00-\x1f]", " ", cell) for cell in line.split("\x07"))
        yield "\t".join(map(one_line, cells)).rstrip("\t")


# ------------------------------------------------------------------------------------------------------------- Excel


def workbook_is_locked(data: bytes) -> bool:
    """Whether an XLS workbook is encrypted, by whatever method. False for what is no compound file."""
    return any(kind == _FILE_PASS for kind, _ in _biff(_workbook_stream(data)[: 64 << 10]))


def notes_of_workbook(data: bytes) -> Iterator[Found]:
    """Comments, text boxes, headers and footers of an XLS, properties, and what it embeds."""
    workbook = _workbook_stream(data)
    yield from pieces(_notes(_biff(workbook)), ("notes",), Unit.PARAGRAPH)
    yield from pictures(b"".join(_drawings(_biff(workbook))))
    with compound.opened(data) as opened:
        yield from compound.properties(opened)
        yield from compound.embedded(opened)


def _workbook_stream(data: bytes) -> bytes:
    if not data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return b""
    with compound.opened(data) as opened:
        return compound.stream(opened, "Workbook") or compound.stream(opened, "Book")


def _biff(records: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(records):
        kind, length = struct.unpack_from("<2H", records, at)
        yield kind, records[at + 4 : at + 4 + length]
        at += 4 + length


def _drawings(records: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
    """[MS-XLS] 2.4.171: what does not fit into one record goes on in those behind it."""
    inside = False
    for kind, data in records:
        inside = kind == _DRAWING_GROUP or (inside and kind == _CONTINUE)
        if inside:
            yield data


def _notes(records: Iterator[tuple[int, bytes]]) -> Iterator[str]:
    """[MS-XLS] 2.4.329: the text of a TxO stands in the Continue records behind it, each with a byte that says how."""
    wanted = 0
    held = ""
    for kind, data in records:
        if kind == _CONTINUE and wanted:
            part = data[1:].decode("utf-16-le" if data[:1] == b"\1" else "latin-1", "replace")[:wanted]
            held, wanted = held + part, wanted - len(part)
            if wanted:
                continue
        if held:
            yield one_line(held)
        held, wanted = "", 0
        if kind == _TEXT_OBJECT and len(data) >= 12:
            (wanted,) = struct.unpack_from("<H", data, 10)
        elif kind in (_HEADER, _FOOTER) and len(data) > 3:
            yield one_line(data[3:].decode("utf-16-le" if data[2] & 1 else "latin-1", "replace"))
    if held:
        yield one_line(held)


# -------------------------------------------------------------------------------------------------------- PowerPoint


def extract_ppt(content: Content) -> Iterator[Found]:
    """One stream `text`, a line a paragraph: slides, notes and comments in the order of the file."""
    data = content.whole()
    with compound.opened(data) as opened:
        # [MS-PPT] 2.3.2: the header token of an encrypted presentation is F3D1C4DF.
        if compound.stream(opened, "Current User")[12:16] == b"\xdf\xc4\xd1\xf3":
            yield from decrypted(content, data)
            return
        document = compound.stream(opened, "PowerPoint Document")
        yield from pieces(_slide_lines(document), ("text",), Unit.PARAGRAPH)
        yield from compound.properties(opened)
        yield from _slide_objects(document)
        yield from compound.embedded(opened)
        yield from pictures(compound.stream(opened, "Pictures"))


def _records(document: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, instance and data of every atom: containers are entered by not passing over them."""
    at = 0
    while at + 8 <= len(document):
        flags, kind, length = struct.unpack_from("<2HI", document, at)
        at += 8
        if flags & 0x0F == 0x0F:
            continue
        yield kind, flags >> 4, document[at : at + length]
        at += length


def _slide_lines(document: bytes) -> Iterator[str]:
    for kind, _, data in _records(document):
        if kind in (_TEXT_CHARS, _C_STRING):
            text = data.decode("utf-16-le", "replace")
        elif kind == _TEXT_BYTES:
            text = data.decode("latin-1")
        else:
            continue
        yield from map(one_line, re.split(r"[\r\n\x0b]", text))


def _slide_objects(document: bytes) -> Iterator[Piece | Child]:
    """Embedded documents are compound files, packed by zlib where the instance says so ([MS-PPT] 2.10.34)."""
    number = 0
    for kind, instance, data in _records(document):
        if kind != _OLE_OBJECT:
            continue
        number += 1
        if instance & 1:
            unpacking = zlib.decompressobj()
            try:
                data = unpacking.decompress(data[4:], RATIO_FREE)
            except zlib.error:
                raise Damaged("an embedded object is damaged") from None
            if unpacking.unconsumed_tail:
                raise NotExamined(EXPANDS)
        yield Child(f"embedded object {number}".encode(), data)
