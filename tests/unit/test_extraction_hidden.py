"""What hides in a file beside the text that a person sees is brought out, or listed with what would open it."""

from __future__ import annotations

import base64
import io
import random
import struct
import time
import zipfile
import zlib
from pathlib import Path

import olefile
import pytest
from PIL import Image

from forensics.extraction import closed, mail
from forensics.extraction.compound import rebuilt
from forensics.extraction.extensions import misleading_name
from forensics.extraction.extract import ADVISED, BytesReadable, extract
from forensics.model import OK, Extraction, OutcomeKind, not_examined

NOISE = random.Random(20261128).randbytes(80_000)
FILES = Path(__file__).parents[1] / "images" / "documents"


def of(data: bytes, name: bytes = b"") -> Extraction:
    return extract(BytesReadable(data), name)


def texts(extraction: Extraction) -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for piece in extraction.pieces:
        assert piece.data is not None
        found[piece.steps] = found.get(piece.steps, "") + piece.data.decode()
    return found


def picture(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").save(out, kind)
    return out.getvalue()


def package(parts: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


# --------------------------------------------------------------------------------------------- types without a reader

OPENPGP_OLD = bytes.fromhex("85010c03") + NOISE[:600]
OPENPGP_NEW = bytes.fromhex("c1c04c03") + NOISE[:600]
OPENPGP_PASSPHRASE = bytes.fromhex("8c0d04090302") + NOISE[:600]


@pytest.mark.parametrize(
    ("begins", "kind"),
    [
        (b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n", "openpgp"),
        (OPENPGP_OLD, "openpgp"),
        (OPENPGP_NEW, "openpgp"),
        (OPENPGP_PASSPHRASE, "openpgp"),
        (b"Salted__" + NOISE[:900], "openssl"),
        (b"age-encryption.org/v1\n-> X25519 x\n", "age"),
        (bytes.fromhex("03d9a29a67fb4bb501000400") + NOISE[:900], "keepass"),
        (bytes.fromhex("3082100006092a864886f70d010703") + NOISE[:900], "smime"),
        (b"LUKS\xba\xbe\0\2" + bytes(600), "luks"),
        (b"\x1f\x9d\x90" + NOISE[:900], "compress"),
        (b"\x04\x22\x4d\x18" + NOISE[:900], "lz4"),
        (b"\x20\x30-lh5-" + NOISE[:900], "lha"),
        (b"\x60\xea\x2c\0" + NOISE[:900], "arj"),
        (b"ITSF\3\0\0\0" + NOISE[:900], "chm"),
        (bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + NOISE[:900], "onenote"),
        (bytes.fromhex("000000186674797068656963") + NOISE[:900], "heif"),
        (bytes.fromhex("00000018667479704d344120") + NOISE[:900], "audio"),
        (bytes.fromhex("000000186674797069736f6d") + NOISE[:900], "video"),
        (b"ID3\3\0\0\0\0\0\x0f" + NOISE[:900], "audio"),
        (b"RIFF\x24\0\1\0WAVEfmt " + NOISE[:900], "audio"),
        (b"EVF\x09\x0d\x0a\xff\0" + NOISE[:900], "e01"),
        (bytes(32769) + b"CD001\1\0" + bytes(2000), "iso"),
    ],
)
def test_what_has_no_reader_is_listed_with_the_reason(begins: bytes, kind: str) -> None:
    found = of(begins)
    assert (found.type, found.outcome) == (kind, not_examined(closed.REASONS[kind]))


@pytest.mark.parametrize("text", [b"ID3,name\n1,Ada\n", b"SIT! said she\n", b"ORC\tcount\n1\t2\n", b"FEA1;b\n1;2\n"])
def test_a_text_that_begins_like_one_of_them_is_a_text(text: bytes) -> None:
    assert of(text).outcome == OK


def test_what_looks_random_and_has_no_mark_is_listed() -> None:
    found = of(NOISE, b"holiday.hc")
    assert (found.type, found.outcome) == ("unknown", not_examined(closed.RANDOM))


def test_what_is_of_an_unknown_type_and_in_plain_sight_is_ok() -> None:
    plain = bytes(range(32)) + b"\0\1\2Quill\0\0" * 3000
    assert of(plain).outcome == OK


def test_the_advice_of_libmagic_is_marked_as_such() -> None:
    pytest.importorskip("magic")
    midi = b"MThd\0\0\0\6\0\1\0\2\1\xe0MTrk\0\0\0\4\0\xff\x2f\0" + bytes(40)
    found = of(midi)
    assert (found.type, found.notes) == ("audio/midi", (ADVISED,))
    assert found.outcome == not_examined(closed.SOUND)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        (b"song.mp3", "zip", True), (b"song.mp3", "audio/mpeg", False), (b"song.m4a", "video", False),
        (b"book.epub", "epub", False), (b"book.zip", "epub", False), (b"photo.heic", "jpeg", True),
    ],
)  # fmt: skip
def test_a_misleading_name_of_media_and_books(name: bytes, kind: str, says: bool) -> None:
    assert bool(misleading_name(kind, name)) is says


# ------------------------------------------------------------------------------------------------- office packages

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_DRAWING = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
WORD = f"<w:document {_WORD}><w:body><w:p><w:r><w:t>Dear</w:t></w:r></w:p></w:body></w:document>"


@pytest.mark.parametrize("main", ["word/document.xml", "ppt/presentation.xml"])
def test_pictures_of_a_document_are_contents_of_their_own(main: str) -> None:
    folder = main.partition("/")[0]
    found = of(package({main: WORD, f"{folder}/media/image1.png": picture()}))
    assert [(c.untrusted_name, c.data) for c in found.children] == [(f"{folder}/media/image1.png".encode(), picture())]
    assert found.outcome == OK


def test_pictures_of_an_open_document_are_contents_of_their_own() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", "<o/>")
        archive.writestr("Pictures/1.png", picture())
    assert [c.untrusted_name for c in of(out.getvalue()).children] == [b"Pictures/1.png"]


def test_parts_of_a_document_that_nobody_sees_are_read() -> None:
    found = of(
        package(
            {
                "word/document.xml": WORD,
                "word/glossary/document.xml": f"<w:g {_WORD}><w:p><w:r><w:t>Ada </w:t></w:r><w:r><w:t>Quill</w:t></w:r>"
                "</w:p></w:g>",
                "customXml/item1.xml": "<form><name>Ben Rook</name><ssn>123-45-6789</ssn></form>",
                "word/diagrams/data1.xml": f"<d {_DRAWING}><a:p><a:r><a:t>Cleo</a:t></a:r></a:p></d>",
                "word/charts/chart1.xml": '<c><v>Dora</v><idx val="17"/></c>',
                "word/people.xml": '<w15:people xmlns:w15="x"><w15:person w15:author="n"><w15:p providerId="AD"/>'
                "</w15:person></w15:people>",
            }
        )
    )
    said = texts(found)
    assert said["word/glossary/document.xml",] == "Ada Quill\n"
    assert said["customXml/item1.xml",] == "Ben Rook\n123-45-6789\n"
    assert said["word/diagrams/data1.xml",] == "Cleo\n"
    assert said["word/charts/chart1.xml",] == "Dora\n"
    assert found.outcome == OK


def workbook(parts: dict[str, str | bytes]) -> bytes:
    import openpyxl

    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"] = "Summary"
    book.save(out)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


FIELDS = (
    f'<pivotCacheDefinition {_MAIN}><cacheFields count="3"><cacheField name="Last"><sharedItems count="2">'
    '<s v="Quill"/><s v="Rook"/></sharedItems></cacheField><cacheField name="SSN"><sharedItems/></cacheField>'
    '<cacheField name="Born"><sharedItems containsDate="1"/></cacheField></cacheFields></pivotCacheDefinition>'
)


def test_the_rows_that_a_pivot_table_keeps_of_a_sheet_that_is_gone_are_a_table() -> None:
    records = (
        f'<pivotCacheRecords {_MAIN}><r><x v="0"/><s v="123-45-6789"/><d v="1961-02-03T00:00:00"/></r>'
        '<r><x v="1"/><m/><d v="1972-11-23T00:00:00"/></r><r><x v="9"/><n v="5"/><m/></r></pivotCacheRecords>'
    )
    found = of(
        workbook({"xl/pivotCache/pivotCacheDefinition1.xml": FIELDS, "xl/pivotCache/pivotCacheRecords1.xml": records})
    )
    assert texts(found)["pivot cache 1",].splitlines() == [
        "Last\tSSN\tBorn", "Quill\t123-45-6789\t1961-02-03", "Rook\t\t1972-11-23", "\t5\t",
    ]  # fmt: skip
    assert next(p for p in found.pieces if p.steps == ("pivot cache 1",)).table


def test_a_pivot_table_without_its_records_still_shows_what_they_share() -> None:
    found = of(workbook({"xl/pivotCache/pivotCacheDefinition3.xml": FIELDS}))
    assert texts(found)["pivot cache 3",].splitlines() == ["Last\tSSN\tBorn", "Quill", "Rook"]


def test_values_of_a_linked_workbook_and_of_its_connection_are_read() -> None:
    link = (
        f"<externalLink {_MAIN}><externalBook><sheetDataSet><sheetData><row><cell><v>Quill</v></cell>"
        "<cell><v>123-45-6789</v></cell></row></sheetData></sheetDataSet></externalBook></externalLink>"
    )
    connection = (
        f'<connections {_MAIN}><connection name="members"><dbPr connection="DSN=plan"/></connection></connections>'
    )
    said = texts(of(workbook({"xl/externalLinks/externalLink1.xml": link, "xl/connections.xml": connection})))
    assert said["xl/externalLinks/externalLink1.xml",] == "Quill\t123-45-6789\n"
    assert said["xl/connections.xml",] == "members\nDSN=plan\n"


def test_a_part_that_is_damaged_costs_that_part_and_is_said() -> None:
    found = of(
        package({"word/document.xml": WORD, "customXml/item1.xml": "<broken", "customXml/item2.xml": "<a>Quill</a>"})
    )
    assert texts(found)["customXml/item2.xml",] == "Quill\n"
    assert found.outcome.kind is OutcomeKind.FAILED


def test_binary_parts_of_a_workbook_are_contents_of_their_own() -> None:
    name = "Quill".encode("utf-16-le")
    found = of(workbook({"xl/comments1.bin": b"\x7d\5" + name, "xl/vbaProject.bin": b"x"}))
    assert {c.untrusted_name: c.data for c in found.children} == {
        b"xl/comments1.bin": b"\x7d\5" + name, b"xl/vbaProject.bin": b"x",
    }  # fmt: skip


# --------------------------------------------------------------------------------------- Office of 1997 to 2003, RTF


def blip(instance: int, kind: int, before: int, data: bytes) -> bytes:
    """[MS-ODRAW] 2.2.23: header, digests and tag, then the picture."""
    return struct.pack("<2HI", instance << 4, kind, before + len(data)) + bytes(before) + data


PNG, JPEG = picture(), picture("JPEG")
EMF = b"\1\0\0\0" + "Ada Quill 123-45-6789".encode("utf-16-le") * 9
_DEFLATED = zlib.compress(EMF)
METAFILE = struct.pack("<I16s8sI2B", len(EMF), b"", b"", len(_DEFLATED), 0, 254) + _DEFLATED
DRAWN = (
    b"\x0f\0\0\xf0" + blip(0x6E0, 0xF01E, 17, PNG) + blip(0x46B, 0xF01D, 33, JPEG) + blip(0x3D4, 0xF01A, 16, METAFILE)
)


def with_streams(path: Path, streams: dict[str, bytes]) -> bytes:
    """An old document of the fixtures with streams added or extended."""
    with olefile.OleFileIO(path) as opened:
        held = {"/".join(name): opened.openstream(name).read() for name in opened.listdir() if len(name) == 1}
    return rebuilt({**held, **streams})


def taken(extraction: Extraction) -> dict[bytes, bytes]:
    return {c.untrusted_name: c.data for c in extraction.children if c.untrusted_name.startswith(b"picture")}


def test_pictures_of_an_old_presentation_are_contents_of_their_own() -> None:
    found = of(with_streams(FILES / "plain.ppt", {"Pictures": DRAWN}))
    assert found.type == "ppt"
    assert taken(found) == {b"picture 1.png": PNG, b"picture 2.jpg": JPEG, b"picture 3.emf": EMF}


def test_pictures_of_an_old_workbook_go_over_the_border_of_records() -> None:
    with olefile.OleFileIO(FILES / "plain.xls") as opened:
        book = bytearray(opened.openstream("Workbook").read())
    half = len(DRAWN) // 2
    # [MS-XLS] 2.1.4: before the record that ends the globals.
    end, sheets = 0, []
    while book[end : end + 2] != b"\x0a\0":
        sheets += [end + 4] * (book[end : end + 2] == b"\x85\0")
        end += 4 + struct.unpack_from("<H", book, end + 2)[0]
    group = (
        struct.pack("<2H", 0x00EB, half) + DRAWN[:half] + struct.pack("<2H", 0x003C, len(DRAWN) - half) + DRAWN[half:]
    )
    for at in sheets:
        # [MS-XLS] 2.4.28: a sheet is found by where it begins.
        struct.pack_into("<I", book, at, struct.unpack_from("<I", book, at)[0] + len(group))
    found = of(with_streams(FILES / "plain.xls", {"Workbook": bytes(book[:end] + group + book[end:])}))
    assert taken(found) == {b"picture 1.png": PNG, b"picture 2.jpg": JPEG, b"picture 3.emf": EMF}


def test_a_bitmap_of_an_old_presentation_becomes_a_file() -> None:
    whole = picture("BMP")
    found = of(with_streams(FILES / "plain.ppt", {"Pictures": blip(0x7A8, 0xF01F, 17, whole[14:])}))
    (data,) = taken(found).values()
    assert Image.open(io.BytesIO(data)).convert("L").tobytes() == Image.open(io.BytesIO(whole)).convert("L").tobytes()


def test_a_metafile_that_is_a_bomb_is_listed() -> None:
    bomb = zlib.compress(bytes(200 << 20))
    data = struct.pack("<I16s8sI2B", 200 << 20, b"", b"", len(bomb), 0, 254) + bomb
    found = of(with_streams(FILES / "plain.ppt", {"Pictures": blip(0x3D4, 0xF01A, 16, data)}))
    (child,) = (c for c in found.children if c.untrusted_name == b"picture 1.emf")
    assert (child.data, child.outcome.kind) == (b"", OutcomeKind.NOT_EXAMINED)


def test_pictures_and_embedded_objects_of_rich_text_are_contents_of_their_own() -> None:
    hidden = b"first,ssn\nAda,123-45-6789\n" * 4
    native = b"\2\0list.csv\0C:\\list.csv\0\0\0\3\0" + struct.pack("<I", 12) + b"C:\\list.csv\0"
    native += struct.pack("<I", len(hidden)) + hidden
    ole = struct.pack("<2I", 0x501, 2) + struct.pack("<I", 8) + b"Package\0" + bytes(8) + struct.pack("<I", len(native))
    digits = (ole + native).hex().encode()
    lines = b"\r\n".join(digits[at : at + 76] for at in range(0, len(digits), 76))
    rtf = (
        b"{\\rtf1 Dear{\\pict{\\*\\blipuid 0123456789abcdef0123456789abcdef}\\pngblip\\picw9 " + PNG.hex().encode()
        + b"}{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata " + lines + b"}}\\par}"
    )  # fmt: skip
    found = of(rtf)
    assert [(c.untrusted_name, c.data) for c in found.children] == [(b"picture 1", PNG), (b"list.csv", hidden)]


def test_what_a_page_carries_inside_itself_is_a_content_of_its_own() -> None:
    wrapped = base64.encodebytes(PNG).replace(b"+", b"%2B")
    page = b"<html><body><img src='data:image/png;base64," + wrapped + b"'><a href='data:text/csv;charset=x;base64,QQ'>"
    found = of(page + b"</a></body></html>")
    assert (found.children[0].untrusted_name, found.children[0].data) == (b"data 1", PNG)
    assert found.children[1].outcome.kind is OutcomeKind.FAILED


# ---------------------------------------------------------------------------------------------------------- mailboxes


def test_a_mailbox_larger_than_any_message_may_be_is_read_message_by_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "WHOLE_LIMIT", 4000)
    monkeypatch.setattr(mail, "_BLOCK", 700)
    body = b"To: b@example.org\nSubject: s\nDate: x\n\nHello\n"
    messages = [body + b"line\n" * (n * 37 % 400) for n in range(60)]
    messages[20] = body + b"x" * 90_000
    box = b"".join(b"From a@example.org Thu Jan  1 00:00:00 2020\n" + message + b"\n" for message in messages)
    found = of(box)
    assert (found.type, found.outcome) == ("mbox", OK)
    assert [c.untrusted_name for c in found.children] == [f"message {n + 1}.eml".encode() for n in range(60)]
    for number, (child, message) in enumerate(zip(found.children, messages, strict=True)):
        if number == 20:
            assert (child.data, child.outcome) == (b"", not_examined(mail.TOO_LARGE))
        else:
            assert child.data.rstrip(b"\n") == message.rstrip(b"\n")


def test_a_property_that_claims_millions_of_values_holds_nothing_up() -> None:
    """A vector of a kind that olefile does not know: it counted to four thousand millions and got nowhere."""
    values = struct.pack("<2I", 0x1000 | 0x0D, 20_000_000)
    title = struct.pack("<2I", 0x1E, 6) + b"Quill\0\0\0"
    body = struct.pack("<2I4I", 24 + len(values) + len(title), 2, 19, 24, 2, 24 + len(values)) + values + title
    stream = struct.pack("<2HI16xI16xI", 0xFFFE, 0, 0, 1, 48) + body
    begun = time.process_time()
    found = of(rebuilt({"\x05SummaryInformation": stream, "SomeDocument": b"x" * 5000}))
    assert time.process_time() - begun < 3
    assert texts(found)["properties",] == "title: Quill\n"
