"""Documents whose bytes depend on their content alone: no clock, no user name, no random salt.

The libraries of the same version make the same bytes; the fixed date below stands in each document.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from xml.sax.saxutils import escape

import numpy as np
import xlsxwriter
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from PIL import Image
from reportlab.lib.pagesizes import LETTER
from reportlab.pdfgen.canvas import Canvas

MADE = datetime(2016, 8, 5, 9, 30)
"""When every document says it was made."""

SYNTHETIC = "SYNTHETIC DATA made for a demonstration. No person in it exists."

Cell = str | int | float | date | None

_UNIX = 3  # "version made by", upper byte (APPNOTE 4.4.2.2); zipfile would write the one of the system it runs on


def zip_archive(members: Sequence[tuple[str, bytes]]) -> bytes:
    """A ZIP with these members, deflated."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, MADE.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = _UNIX
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return stream.getvalue()


def locked_zip(name: str, content: bytes, passphrase: str) -> bytes:
    """A ZIP of one member under WinZip's AES-256 (AE-2, winzip.com/en/support/aes-encryption).

    Written out here because libraries draw the salt at random. The one here follows from the name: good enough for
    a demonstration, wrong for anything that must stay secret.
    """
    salt = hashlib.sha256(name.encode()).digest()[:16]
    key = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), salt, 1000, 2 * 32 + 2)
    packer = zlib.compressobj(wbits=-15)
    plain = packer.compress(content) + packer.flush()
    blocks = -(-len(plain) // 16)
    counters = b"".join(number.to_bytes(16, "little") for number in range(1, blocks + 1))
    # The counter is little-endian, which no library's CTR mode is; ECB over the counters is that mode by definition.
    stream = Cipher(algorithms.AES(key[:32]), modes.ECB()).encryptor().update(counters)  # noqa: S305
    secret = bytes(np.frombuffer(plain, np.uint8) ^ np.frombuffer(stream, np.uint8)[: len(plain)])
    body = salt + key[64:] + secret + hmac.new(key[32:64], secret, "sha1").digest()[:10]

    extra = struct.pack("<HHH2sBH", 0x9901, 7, 2, b"AE", 3, zipfile.ZIP_DEFLATED)
    day = (MADE.year - 1980) << 9 | MADE.month << 5 | MADE.day
    clock = MADE.hour << 11 | MADE.minute << 5 | MADE.second // 2
    encoded = name.encode("ascii")
    common = struct.pack("<HHHHHIII", 51, 1, 99, clock, day, 0, len(body), len(content))  # AE-2 keeps no CRC
    common += struct.pack("<HH", len(encoded), len(extra))
    local = b"PK\x03\x04" + common + encoded + extra + body
    central = b"PK\x01\x02" + struct.pack("<BB", 51, _UNIX) + common
    central += struct.pack("<HHHII", 0, 0, 0, 0o644 << 16, 0) + encoded + extra
    return local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


def workbook(sheets: Sequence[tuple[str, Iterable[Sequence[Cell]]]]) -> bytes:
    """An XLSX file; dates become Excel serial numbers with a date format, numbers stay numbers."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        book.set_properties({"title": "Member list", "comments": SYNTHETIC, "created": MADE})
        as_date = book.add_format({"num_format": "m/d/yyyy"})
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            sheet.set_footer("&L" + SYNTHETIC)
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, date):
                        sheet.write_datetime(number, column, cell, as_date)
                    elif isinstance(cell, str):
                        sheet.write_string(number, column, cell)
                    elif cell is not None:
                        sheet.write_number(number, column, cell)
    return stream.getvalue()


_CONTENT_TYPES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Override PartName="/word/document.xml" \
ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"""
_RELATIONS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" \
Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" \
Target="word/document.xml"/></Relationships>"""


def letter(paragraphs: Iterable[str]) -> bytes:
    """A DOCX of plain paragraphs, the last of which says that it is synthetic (ECMA-376, the least that Word opens)."""
    body = "".join(
        f'<w:p><w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>' for text in (*paragraphs, SYNTHETIC)
    )
    document = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:document '
        f'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>'
    )
    parts = (("[Content_Types].xml", _CONTENT_TYPES), ("_rels/.rels", _RELATIONS), ("word/document.xml", document))
    return zip_archive([(name, text.encode()) for name, text in parts])


def listing(title: str, columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[str]]) -> bytes:
    """A PDF with a table of text; `columns` are headings and their places in points from the left.

    Helvetica without embedding: names must be Latin-1.
    """
    stream = io.BytesIO()
    page = Canvas(stream, pagesize=LETTER, invariant=1, pageCompression=1)
    page.setTitle(title)
    page.setAuthor("Demonstration")
    top = LETTER[1] - 90
    line = 0
    for row in rows:
        if line and top - 14 * line < 70:
            page.showPage()
            line = 0
        if line == 0:
            page.setFont("Helvetica-Bold", 11)
            page.drawString(54, top + 32, title)
            page.setFont("Helvetica", 8)
            page.drawString(54, 40, SYNTHETIC)
            page.setFont("Helvetica-Bold", 9)
            for heading, x in columns:
                page.drawString(x, top + 14, heading)
            page.setFont("Helvetica", 9)
        for (_, x), text in zip(columns, row, strict=True):
            page.drawString(x, top - 14 * line, text)
        line += 1
    page.save()
    return stream.getvalue()


def photograph(random: np.random.Generator, width: int, height: int) -> bytes:
    """A JPEG of soft colours and grain, about a seventh of a byte a pixel."""
    small = random.integers(40, 220, (7, 9, 3), dtype=np.uint8)
    soft = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = random.integers(-9, 10, (height, width, 1), dtype=np.int16)
    picture = Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=80, comment=SYNTHETIC.encode())
    return stream.getvalue()
