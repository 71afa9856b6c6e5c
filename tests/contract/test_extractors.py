"""What every extractor promises, over a sample of its type and over what an attacker makes of that sample.

Each sample carries the made-up person of `PERSON`. The Office 97 files come from the public fixtures (see
tests/images/SOURCES-documents.md) and say "lorem ipsum"; everything else is made here.
"""

from __future__ import annotations

import bz2
import datetime
import gzip
import io
import json
import lzma
import random
import sqlite3
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import msoffcrypto
import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
import zstandard
from reportlab.pdfgen.canvas import Canvas

from forensics.extraction import compound
from forensics.extraction.closed import REASONS
from forensics.extraction.content import OVERLAP, PIECE_BYTES
from forensics.extraction.extract import EXTRACTORS, BytesReadable, extract
from forensics.extraction.sniff import PICTURES
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


# ---------------------------------------------------------------------------------------- what health plans exchange


def x12() -> bytes:
    isa = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *200101*1200*^*00501*000000001*0*P*:~"
    body = [
        "GS*BE*SENDER*RECEIVER*20200101*1200*1*X*005010X220A1", "ST*834*0001*005010X220A1", "BGN*00*1*20200101",
        "INS*Y*18*030*XN*A***FT", "REF*0F*M00012345", "REF*SY*123-45-6789",
        "NM1*IL*1*Gonzalez*Maria****34*123456789", "N3*12 Elm St", "N4*Springfield*IL*62701", "DMG*D8*19800203*F",
        "HD*030**HLT", "DTP*348*D8*20200101",
        "INS*Y*18*030*XN*A***FT", "NM1*IL*1*Miller*Anna", "DMG*D8*19750917*F", "SE*12*0001",
        "GE*1*1", "IEA*1*000000001",
    ]  # fmt: skip
    return (isa + "\n" + "~\n".join(body) + "~\n").encode()


def hl7() -> bytes:
    return "\r".join(
        [
            "MSH|^~\\&|ADT|HOSP|X|Y|20200101||ADT^A01|1|P|2.5.1",
            "PID|1||MRN77^^^HOSP^MR||Gonzalez^Maria||19800203|F|||1 Elm^^Springfield^IL||555-0100||||||123-45-6789",
            "NK1|1|Miller^Jo|SPO",
            "OBX|1|TX|NOTE||smith \\T\\ sons",
        ]
    ).encode()


FHIR_PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-ssn", "value": SSN}],
    "name": [{"family": "Gonzalez", "given": ["Maria"]}],
    "text": NAME,
    "birthDate": "1980-02-03",
}


def fhir_xml() -> bytes:
    return (
        '<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Patient><name>'
        f'<text value="{NAME}"/><family value="Gonzalez"/><given value="Maria"/></name>'
        f'<identifier><value value="{SSN}"/></identifier><birthDate value="1980-02-03"/>'
        "</Patient></resource></entry></Bundle>"
    ).encode()


def cda() -> bytes:
    return (
        '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole>'
        f'<id root="2.16.840.1.113883.4.1" extension="{SSN}"/><addr><city>Springfield</city></addr><patient>'
        '<name><given>Maria</given> <family>Gonzalez</family></name><birthTime value="19800203"/></patient>'
        f"</patientRole></recordTarget><component><section><title>Notes</title><text><paragraph>{NAME}</paragraph></text>"
        "</section></component></ClinicalDocument>"
    ).encode()


# ---------------------------------------------------------------------------------------------------- tables, archives


def dbf() -> bytes:
    fields = [(b"NAME", 20), (b"SSN", 11)]
    head = struct.pack("<4BIHH20x", 3, 120, 1, 1, 40, 32 + 32 * len(fields) + 1, 1 + sum(n for _, n in fields))
    head += b"".join(struct.pack("<11sc4xBB14x", name, b"C", length, 0) for name, length in fields) + b"\r"
    rows = [(b" ", b"Anna Miller", b"987-65-4321"), (b"*", NAME.encode(), SSN.encode())]
    return head + b"".join(mark + name.ljust(20) + ssn.ljust(11) for mark, name, ssn in rows * 20) + b"\x1a"


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"name": [NAME], "ssn": [SSN], "born": [datetime.date(1980, 2, 3)]}), out)
    return out.getvalue()


def seven() -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        archive.writestr(PERSON, "members.csv")
    return out.getvalue()


def cab() -> bytes:
    """A cabinet of one MSZIP folder ([MS-CAB] 2)."""
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b"CK" + packing.compress(PERSON.encode()) + packing.flush()
    name = b"members.csv\0"
    files_at, data_at = 36 + 8, 36 + 8 + 16 + len(name)
    total = data_at + 8 + len(block)
    head = struct.pack("<4s5I2B5H", b"MSCF", 0, total, 0, files_at, 0, 3, 1, 1, 1, 0, 0, 0)
    folder = struct.pack("<IHH", data_at, 1, 1)
    entry = struct.pack("<II4H", len(PERSON), 0, 0, 0, 0, 0) + name
    return head + folder + entry + struct.pack("<IHH", 0, len(block), len(PERSON)) + block


def rar4() -> bytes:
    """A RAR 4 archive with one member that is stored unpacked; checksums of headers are not compared."""
    data, name = PERSON.encode(), b"members.csv"
    main = struct.pack("<HBHH6x", 0, 0x73, 0, 13)
    entry = struct.pack(
        "<HBHHIIBIIBBHI", 0, 0x74, 0x8000, 32 + len(name), len(data), len(data), 2, zlib.crc32(data), 0, 29, 0x30,
        len(name), 0,
    )  # fmt: skip
    return b"Rar!\x1a\x07\0" + main + entry + name + data + struct.pack("<HBHH", 0, 0x7B, 0, 7)


def statistics(kind: str) -> Callable[[], bytes]:
    def make() -> bytes:
        return (FILES / f"sample.{kind}").read_bytes()

    return make


def msg() -> bytes:
    """A message of [MS-OXMSG] with an attachment, and a message attached to it."""

    def text(number: int, value: str) -> dict[str, bytes]:
        return {f"__substg1.0_{number:04X}001F": value.encode("utf-16-le")}

    inner = {**text(0x0037, "forwarded"), **text(0x1000, "see above"), "__properties_version1.0": bytes(24)}
    return compound.rebuilt(
        {
            "__properties_version1.0": bytes(32),
            **text(0x0037, "Your file"), **text(0x0C1A, "An Office"), **text(0x1000, f"{NAME}\r\n{SSN}"),
            "__recip_version1.0_#00000000": {**text(0x3001, "Jo Miller"), **text(0x3003, "jo@example.org")},
            "__attach_version1.0_#00000000": {**text(0x3707, "members.csv"), "__substg1.0_37010102": PERSON.encode()},
            "__attach_version1.0_#00000001": {**text(0x3707, "mail.msg"), "__substg1.0_3701000D": inner},
        }
    )  # fmt: skip


def renamed(stream: str, name: str) -> bytes:
    """A compound file of another kind: plain.doc with its main stream renamed."""
    data = (FILES / "plain.doc").read_bytes()
    for old, new in (("WordDocument", "SomeDocument"), (stream, name)):
        data = data.replace(old.encode("utf-16-le"), new.encode("utf-16-le"))
    return data


IN_PLAIN_SIGHT = ("ole",)
"""Nothing to extract here: the text stands in the file as it is, for the scan of all bytes."""

NO_SAMPLE = ("pst", *PICTURES)
"""No public store is small enough to be kept here, and nothing free writes one. Pictures are read by another program
(tests/integration/test_recognition.py)."""

OWN_WORDS = {
    "access": "abcdefg",
    **dict.fromkeys(("sas7bdat", "sas-xport", "spss", "spss-portable", "stata"), "-1000.3"),
}
"""What the public samples say: nobody in them is the made-up person."""

PASSWORDS = ("not this one", "Password1234_")

INSIDE_A_CHILD = {"mbox": SSN, "encrypted-office": "lorem\tipsum"}
"""The child is a document of its own, and its text is what to look for."""

CSV = ("name,ssn,birth date\n" + PERSON * 5).encode()


def epub() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("OEBPS/one.xhtml", f"<html><body><p>{NAME} {SSN}</p></body></html>")
    return out.getvalue()


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
    "msg": msg,
    "x12": x12,
    "hl7": hl7,
    "fhir": lambda: json.dumps({"resourceType": "Bundle", "entry": [{"resource": FHIR_PATIENT}]}).encode(),
    "fhir xml": fhir_xml,
    "c-cda": cda,
    "dbf": dbf,
    "parquet": parquet,
    "7z": seven,
    "cab": cab,
    "rar": rar4,
    "zstd": lambda: zstandard.compress(PERSON.encode()),
    "access": (FILES / "common1V2010.accdb").read_bytes,
    **{
        kind: statistics(extension)
        for kind, extension in (
            ("sas7bdat", "sas7bdat"),
            ("sas-xport", "xpt"),
            ("spss", "sav"),
            ("spss-portable", "por"),
            ("stata", "dta"),
        )
    },
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
    "lzma": lambda: lzma.compress(PERSON.encode(), lzma.FORMAT_ALONE),
    "epub": epub,
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
    assert set(SAMPLES) | set(NO_SAMPLE) == set(EXTRACTORS)
    assert not set(EXTRACTORS) & set(REASONS)


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
        elif kind in OWN_WORDS:
            assert OWN_WORDS[kind] in found
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
        assert kind in ("html", "rtf", "eml", "mbox", "tar", "ppt", "hl7", "fhir")


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
