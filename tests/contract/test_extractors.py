"""What every extractor promises, over a sample of its type and over what an attacker makes of that sample.

Each sample carries the made-up person of `PERSON`. The Office 97 files come from the public fixtures (see
tests/images/SOURCES-documents.md) and say "lorem ipsum"; everything else is made here.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sqlite3
import struct
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import msoffcrypto
import pytest
import xlsxwriter
from reportlab.pdfgen.canvas import Canvas

from forensics.extraction.content import OVERLAP, PIECE_BYTES
from forensics.extraction.extract import EXTRACTORS, NO_READER, BytesReadable, extract
from forensics.jobs import pool
from forensics.model import EMPTY, OK, Extraction, OutcomeKind, Unit

NAME, SSN = "Maria Gonzalez", "123-45-6789"
PERSON = f"{NAME},{SSN},1980-02-03\n"
LOREM = "lorem ipsum"
FILES = Path(__file__).parents[1] / "images" / "documents"


def packed(members: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data, zipfile.ZIP_STORED if name == "mimetype" else None)
    return out.getvalue()


def xlsx() -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("Members")
    sheet.write_row(0, 0, ["name", "ssn"])
    sheet.write_row(1, 0, [NAME, SSN])
    book.close()
    return out.getvalue()


def xlsm() -> bytes:
    with zipfile.ZipFile(io.BytesIO(xlsx())) as plain:
        members: dict[str, bytes | str] = {name: plain.read(name) for name in plain.namelist()}
    return packed({**members, "xl/vbaProject.bin": b"\0"})


def _record(kind: int, data: bytes = b"") -> bytes:
    """A record of [MS-XLSB] 2.1.4: kind and length as little-endian base 128."""
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return head + bytes([len(data)]) + data


def xlsb() -> bytes:
    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    relations = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    relation = f'<Relationship Id="rId1" Type="{kind}{{}}" Target="{{}}"/>'
    cells = [_record(6, struct.pack("<II", n, 0) + wide(text)) for n, text in enumerate((NAME, SSN))]
    row = _record(0, struct.pack("<IIHBBBI", 0, 0, 300, 0, 0, 0, 0))
    size = _record(148, struct.pack("<4I", 0, 0, 0, 1))
    sheet = _record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Members"))
    return packed(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "_rels/.rels": relations.format(relation.format("officeDocument", "xl/workbook.bin")),
            "xl/_rels/workbook.bin.rels": relations.format(relation.format("worksheet", "worksheets/sheet1.bin")),
            "xl/workbook.bin": _record(131) + _record(143) + sheet + _record(144) + _record(132),
            "xl/worksheets/sheet1.bin": b"".join(
                [_record(129), size, _record(145), row, *cells, _record(146), _record(130)]
            ),
        }
    )


_ODF = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>{}</office:body>'
    "</office:document-content>"
)
_ODF_ROW = (
    f'<table:table-row><table:table-cell office:value-type="string"><text:p>{NAME}</text:p></table:table-cell>'
    f'<table:table-cell office:value-type="string"><text:p>{SSN}</text:p></table:table-cell></table:table-row>'
)


def open_document(kind: str, body: str) -> bytes:
    mime = f"application/vnd.oasis.opendocument.{kind}"
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return packed({"mimetype": mime, "content.xml": _ODF.format(body), "META-INF/manifest.xml": manifest})


def docx() -> bytes:
    body = f"<w:p><w:r><w:t>{NAME} </w:t></w:r><w:r><w:t>{SSN}</w:t></w:r></w:p>"
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>'
    return packed({"[Content_Types].xml": "<Types/>", "word/document.xml": document})


def pptx() -> bytes:
    text = f"<a:p><a:r><a:t>{NAME} </a:t></a:r><a:r><a:t>{SSN}</a:t></a:r></a:p>"
    slide = f'<s xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">{text}</s>'
    return packed({"[Content_Types].xml": "<Types/>", "ppt/presentation.xml": "<p/>", "ppt/slides/slide1.xml": slide})


def pdf() -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out)
    for text in ("a first page", f"{NAME} {SSN}"):
        canvas.drawString(72, 700, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def eml() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "Your file"
    message.set_content(f"{NAME} {SSN}\n", cte="base64")
    message.add_attachment(PERSON.encode(), maintype="text", subtype="csv", filename="members.csv")
    return message.as_bytes()


def sqlite() -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute('CREATE TABLE "mem""bers" (name, ssn)')
        connection.execute('INSERT INTO "mem""bers" VALUES (?, ?)', (NAME, SSN))
        connection.commit()
        return connection.serialize()


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("../../members.csv")
        entry.size = len(PERSON)
        archive.addfile(entry, io.BytesIO(PERSON.encode()))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return out.getvalue()


def unlocked(name: str) -> bytes:
    """A public Office file without its password; the plain DOC beside it holds no text."""
    out = io.BytesIO()
    document = msoffcrypto.OfficeFile(io.BytesIO((FILES / name).read_bytes()))
    document.load_key(password=PASSWORDS[-1])
    document.decrypt(out)
    return out.getvalue()


def renamed(stream: str, name: str) -> bytes:
    """A compound file of another kind: plain.doc with its main stream renamed."""
    data = (FILES / "plain.doc").read_bytes()
    for old, new in (("WordDocument", "SomeDocument"), (stream, name)):
        data = data.replace(old.encode("utf-16-le"), new.encode("utf-16-le"))
    return data


IN_PLAIN_SIGHT = ("ole", "msg")
"""Nothing to extract here: the text stands in the file as it is, for the scan of all bytes."""

PASSWORDS = ("not this one", "Password1234_")

INSIDE_A_CHILD = {"mbox": SSN, "encrypted-office": "lorem\tipsum"}
"""The child is a document of its own, and its text is what to look for."""

CSV = ("name,ssn,birth date\n" + PERSON * 5).encode()

SAMPLES: dict[str, Callable[[], bytes]] = {
    "csv": lambda: CSV,
    "text": lambda: f"Dear {NAME}\nyour number is {SSN}\n".encode(),
    "utf-16 text": lambda: f"\ufeffDear {NAME}\r\nyour number is {SSN}\r\n".encode("utf-16-le"),
    "json": lambda: f'{{"name": "{NAME}", "ssn": "{SSN}"}}'.encode(),
    "xml": lambda: f'<?xml version="1.0"?><m><name>{NAME}</name><ssn>{SSN}</ssn></m>'.encode(),
    "xlsx": xlsx,
    "xlsm": xlsm,
    "xlsb": xlsb,
    "xls": (FILES / "plain.xls").read_bytes,
    "ods": lambda: open_document(
        "spreadsheet",
        f'<office:spreadsheet><table:table table:name="Members">{_ODF_ROW}</table:table></office:spreadsheet>',
    ),
    "docx": docx,
    "pptx": pptx,
    "odt": lambda: open_document("text", f"<office:text><text:p>{NAME} {SSN}</text:p></office:text>"),
    "odp": lambda: open_document("presentation", f"<office:presentation>{_ODF_ROW}</office:presentation>"),
    "doc": lambda: unlocked("rc4cryptoapi_password.doc"),
    "ppt": (FILES / "plain.ppt").read_bytes,
    "encrypted-office": (FILES / "example_password.xlsx").read_bytes,
    "ole": lambda: renamed("WordDocument", "SomeDocument"),
    "msg": lambda: renamed("\x05DocumentSummaryInformation", "__properties_version1.0\0\0\0\0"),
    "pdf": pdf,
    "html": lambda: f"<html><body><p>{NAME}<br>{SSN}</body></html>".encode(),
    "rtf": lambda: rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}" + f"{NAME}\\par {SSN}\\par}}".encode(),
    "eml": eml,
    "mbox": lambda: b"From a@example.org Thu Jan  1 00:00:00 2020\n" + eml(),
    "sqlite": sqlite,
    "zip": lambda: packed({"../../members.csv": PERSON}),
    "tar": tar,
    "gzip": lambda: gzip.compress(PERSON.encode()),
    "bz2": lambda: bz2.compress(PERSON.encode()),
    "xz": lambda: lzma.compress(PERSON.encode()),
}


def text_of(extraction: Extraction, data: bytes) -> str:
    """All that a reader of the pieces sees, and of the children."""
    parts = [
        (piece.data if piece.data is not None else data[piece.offset : piece.offset + piece.length]).decode(
            piece.encoding, "replace"
        )
        for piece in extraction.pieces
    ]
    return "\n".join([*parts, *(child.data.decode("latin-1") for child in extraction.children)])


def keeps_the_contract(extraction: Extraction, size: int) -> None:
    """What holds for any content, healthy or not."""
    assert (extraction.outcome.kind in (OutcomeKind.OK, OutcomeKind.EMPTY)) == (not extraction.outcome.reason)
    expected: dict[tuple[str, ...], int] = {}
    for piece in extraction.pieces:
        assert piece.first >= expected.get(piece.steps, 1)
        assert piece.length <= PIECE_BYTES + OVERLAP or piece.data is not None
        if piece.data is None:
            assert piece.offset + piece.length <= size
            continue
        assert piece.length == len(piece.data)
        assert piece.data.endswith(b"\n")
        piece.data.decode("utf-8")
        assert not piece.table or piece.unit is Unit.ROW
        expected[piece.steps] = piece.first + piece.data.count(b"\n")
    for child in extraction.children:
        assert isinstance(child.untrusted_name, bytes)


def test_every_registered_type_has_a_sample() -> None:
    assert set(SAMPLES) == set(EXTRACTORS)
    assert not set(EXTRACTORS) & set(NO_READER)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_healthy_file_is_recognised_by_its_bytes_and_yields_its_person(kind: str) -> None:
    data = SAMPLES[kind]()
    for name in (b"", b"holiday.jpg", b"../../etc/\xff\0\n"):
        extraction = extract(BytesReadable(data), name, PASSWORDS)
        assert (extraction.type, extraction.outcome) == (kind, OK)
        keeps_the_contract(extraction, len(data))
        found = text_of(extraction, data)
        if kind in IN_PLAIN_SIGHT:
            assert SSN not in found
        elif kind in ("xls", "doc", "ppt"):
            assert LOREM in found.lower()
        elif kind in INSIDE_A_CHILD:
            inside = "".join(
                text_of(extract(BytesReadable(child.data), b""), child.data) for child in extraction.children
            )
            assert INSIDE_A_CHILD[kind] in inside
        else:
            assert NAME in found
            assert SSN in found


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_same_content_gives_the_same_extraction(kind: str) -> None:
    data = SAMPLES[kind]()
    assert extract(BytesReadable(data), b"a", PASSWORDS) == extract(BytesReadable(data), b"a", PASSWORDS)


def mutants(kind: str, seed: int = 1) -> list[bytes]:
    """Cut short, zeroed, doubled, with flipped bits, with bytes removed."""
    data = SAMPLES[kind]()
    chance = random.Random(f"{kind} {seed}")
    changed = [data[: len(data) * n // 8] for n in range(8)]
    changed += [data + data, data + b"\0" * 512, b"\0" * 512 + data, data[: len(data) // 2] + b"\0" * (len(data) // 2)]
    for _ in range(30):
        flipped = bytearray(data)
        for _ in range(chance.choice((1, 3, 20))):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        changed.append(bytes(flipped))
    for _ in range(8):
        start = chance.randrange(len(data))
        changed.append(data[:start] + data[start + chance.randrange(1, 64) :])
    return changed


def examine(item: tuple[str, bytes]) -> Extraction:
    return extract(BytesReadable(item[1]), b"hostile", PASSWORDS)


def test_damaged_files_of_every_type_end_with_an_outcome_and_none_takes_its_worker_down() -> None:
    items = [(kind, data) for kind in SAMPLES for data in mutants(kind)]
    ended = 0
    for result in pool.run(examine, items, workers=2, seconds=20, memory_bytes=2 << 30):
        assert result.outcome == OK, result.item[0]
        assert result.value is not None
        keeps_the_contract(result.value, len(result.item[1]))
        ended += 1
    assert ended == len(items)


def test_no_bytes_at_all_is_empty_and_no_failure() -> None:
    assert extract(BytesReadable(b""), b"members.xlsx") == Extraction("empty", EMPTY)


@pytest.mark.parametrize("kind", [k for k in SAMPLES if k not in ("csv", "text", "utf-16 text", "json", "xml")])
def test_half_a_file_is_not_reported_as_examined_unless_something_was_found(kind: str) -> None:
    data = SAMPLES[kind]()
    half = data[: len(data) // 2]
    extraction = extract(BytesReadable(half), b"")
    if extraction.outcome == OK:
        # Formats that are read from the front to the back, and types that are in plain sight.
        assert kind in ("html", "rtf", "eml", "mbox", "tar", "ppt")


class Unreadable(BytesReadable):
    def read_at(self, offset: int, length: int) -> bytes:
        if offset + length > 4096:
            raise OSError(5, "Input/output error", "/media/Maria Gonzalez")
        return super().read_at(offset, length)


def test_a_content_that_cannot_be_read_fails_without_quoting_anything() -> None:
    for data in (xlsx(), CSV * 100):
        outcome = extract(Unreadable(data), b"Maria Gonzalez.xlsx").outcome
        assert outcome.kind is OutcomeKind.FAILED
        assert "Maria" not in outcome.reason
        assert "OSError" in outcome.reason
