"""What has to be known of OLE compound files ([MS-CFB]): whether the document inside is locked."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import olefile

from forensics.extraction.archives import LOCKED
from forensics.extraction.content import Content, NotExamined
from forensics.model import Child, Piece

_FILE_PASS = 0x002F
"""[MS-XLS] 2.4.117: the record that makes all later ones unreadable."""


def workbook_is_locked(data: bytes) -> bool:
    """Whether an XLS workbook is encrypted, by whatever method. False for what is no compound file."""
    if not olefile.isOleFile(data=data):
        return False
    with olefile.OleFileIO(io.BytesIO(data)) as compound:
        for name in ("Workbook", "Book"):
            if compound.exists(name):
                records = compound.openstream(name).read(64 << 10)
                at = 0
                while at + 4 <= len(records):
                    kind, length = struct.unpack_from("<2H", records, at)
                    if kind == _FILE_PASS:
                        return True
                    at += 4 + length
    return False


def extract_document(content: Content) -> Iterator[Piece | Child]:
    """Nothing but the outcome: DOC and PPT hold their text unpacked, where the scan of all bytes reads it."""
    data = content.whole()
    with olefile.OleFileIO(io.BytesIO(data)) as compound:
        if content.type == "doc":
            start = compound.openstream("WordDocument").read(12)
            # [MS-DOC] 2.5.2, FibBase: bit 8 of the flags at offset 10 is fEncrypted.
            locked = len(start) == 12 and bool(start[11] & 0x01)
        else:
            # [MS-PPT] 2.3.2: the header token of an encrypted presentation is F3D1C4DF.
            user = compound.openstream("Current User").read(16) if compound.exists("Current User") else b""
            locked = user[12:16] == b"\xdf\xc4\xd1\xf3"
    if locked:
        raise NotExamined(LOCKED)
    yield from ()


def extract_any(content: Content) -> Iterator[Piece | Child]:
    """Nothing but the outcome: a compound file that lost its directory fails, for nobody can say what it held."""
    with olefile.OleFileIO(io.BytesIO(content.whole())):
        yield from ()
