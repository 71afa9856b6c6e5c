"""What a person reads in a document is what the examination reads, with the numbers they would use to find it."""

from __future__ import annotations

import datetime
import io
import subprocess
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from forensics.extraction.content import pieces
from forensics.extraction.extract import BytesReadable, extract
from forensics.model import OK, Extraction, OutcomeKind, Unit, failed, not_examined

FILES = Path(__file__).parents[1] / "images" / "documents"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def lines_of(extraction: Extraction) -> dict[tuple[tuple[str, ...], int], str]:
    """(steps, number) → line, as a consumer of the pieces gets them."""
    found = {}
    for piece in extraction.pieces:
        assert piece.data is not None
        for n, line in enumerate(piece.data.decode().removesuffix("\n").split("\n")):
            found[piece.steps, piece.first + n] = line
    return found


def docx(document: str, **more: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", document)
        for name, data in more.items():
            archive.writestr(name, data)
    return out.getvalue()


def body(xml: str) -> str:
    return f'<w:document xmlns:w="{W}"><w:body>{xml}</w:body></w:document>'


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_a_sheet_keeps_its_row_numbers_columns_and_kinds_of_cells() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("Members 2008")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    minute = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    sheet.write_row(3, 1, ["name", "ssn", "born", "seen", "active", "rate", "account"])
    sheet.write(6, 1, "Gonzalez\tMaria\r\nJr.")
    sheet.write(6, 2, 123456789)
    sheet.write_datetime(6, 3, datetime.datetime(1980, 2, 3), day)
    sheet.write_datetime(6, 4, datetime.datetime(2008, 8, 15, 9, 30), minute)
    sheet.write_boolean(6, 5, True)
    sheet.write(6, 6, 1.5)
    sheet.write(6, 7, 4111111111111111)
    hidden = book.add_worksheet("Hidden")
    hidden.hide()
    hidden.write(0, 0, "secret")
    hidden.write_comment(0, 0, "call 555-0100")
    book.add_worksheet("Empty")
    book.close()
    extraction = extract(BytesReadable(out.getvalue()), b"")
    assert (extraction.type, extraction.outcome) == ("xlsx", OK)
    found = lines_of(extraction)
    assert found[("Members 2008",), 1] == ""
    assert found[("Members 2008",), 4] == "\tname\tssn\tborn\tseen\tactive\trate\taccount"
    assert found[("Members 2008",), 7].split("\t") == [
        *(
            "",
            "Gonzalez Maria  Jr.",
            "123456789",
            "1980-02-03",
            "2008-08-15 09:30:00",
            "TRUE",
            "1.5",
            "4111111111111111",
        )
    ]
    assert max(n for steps, n in found if steps == ("Members 2008",)) == 7
    assert found[("Hidden",), 1] == "secret"
    assert "call 555-0100" in found[("notes",), 1]
    for piece in extraction.pieces:
        is_sheet = piece.steps not in (("notes",), ("properties",))
        assert (piece.table, piece.unit is Unit.ROW, piece.delimiter == "\t") == (is_sheet, is_sheet, is_sheet)


def test_pieces_are_cut_between_lines_and_numbered_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.extraction.content.PIECE_BYTES", 1000)
    cut = list(pieces((f"line {n} é" for n in range(1, 500)), ("s",), Unit.LINE))
    assert len(cut) > 5
    found = lines_of(Extraction("text", OK, tuple(cut)))
    assert found == {(("s",), n): f"line {n} é" for n in range(1, 500)}
    assert [p.offset for p in cut] == [sum(p.length for p in cut[:n]) for n in range(len(cut))]


def test_locked_office_files_are_not_examined_and_nothing_else_is_said_of_them() -> None:
    for name in (
        "example_password.xlsx",
        "example_password.docx",
        "rc4cryptoapi_password.xls",
        "rc4cryptoapi_password.doc",
        "rc4cryptoapi_password.ppt",
    ):
        extraction = extract(BytesReadable((FILES / name).read_bytes()), name.encode())
        assert (extraction.outcome, extraction.pieces) == (not_examined("password protected"), ())


def test_a_word_table_is_lines_of_cells_and_no_part_is_left_out() -> None:
    cell = "<w:tc>{}</w:tc>".format
    row = "<w:tr>" + cell(paragraph("Gonzalez") + paragraph("Maria")) + cell(paragraph("123-45-6789")) + "</w:tr>"
    box = f"<w:pict><w:txbxContent>{paragraph('in a box')}</w:txbxContent></w:pict>"
    box = f"<w:p><w:r><w:t>before</w:t>{box}</w:r></w:p>"
    change = "<w:p><w:del><w:r><w:delText>deleted text</w:delText></w:r></w:del></w:p>"
    data = docx(
        body(paragraph("one") + f"<w:tbl>{row}</w:tbl>" + box + change),
        **{
            "word/header1.xml": f'<w:hdr xmlns:w="{W}">{paragraph("a header")}</w:hdr>',
            "word/comments.xml": f'<w:cs xmlns:w="{W}"><w:comment>{paragraph("a comment")}</w:comment></w:cs>',
            "word/embeddings/sheet.xlsx": "PK",
            "hidden/list.csv": "1,2",
        },
    )
    extraction = extract(BytesReadable(data), b"")
    found = [line for (_, _), line in sorted(lines_of(extraction).items())]
    assert found[:5] == ["one", "Gonzalez Maria\t123-45-6789", "before", "in a box", "deleted text"]
    assert set(found[5:]) == {"a header", "a comment"}
    assert {c.untrusted_name for c in extraction.children} == {b"word/embeddings/sheet.xlsx", b"hidden/list.csv"}


def test_tables_in_tables_end_in_time() -> None:
    table = paragraph("deep")
    for _ in range(80):
        table = f"<w:tbl><w:tr><w:tc>{table}</w:tc></w:tr></w:tbl>"
    assert list(lines_of(extract(BytesReadable(docx(body(table))), b"")).values()) == ["deep"]


def test_entities_of_a_document_read_no_file_and_do_not_multiply() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for entities in (laughs.replace("&l0;", "ha"), '<!ENTITY l9 SYSTEM "file:///etc/passwd">'):
        xml = f'<?xml version="1.0"?><!DOCTYPE d [{entities}]>' + body(paragraph("&l9;123-45-6789"))
        extraction = extract(BytesReadable(docx(xml)), b"")
        text = "".join(lines_of(extraction).values())
        assert "root:" not in text
        assert len(text) < 1000
        assert extraction.outcome in (OK, failed("could not be parsed (XMLSyntaxError)"))


def test_xml_deeper_than_any_document_fails() -> None:
    deep = "<w:p>" * 100_000
    assert extract(BytesReadable(docx(body(deep))), b"").outcome.kind is OutcomeKind.FAILED


def pdf(*pages: str, image: bool = False) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out)
    for text in pages:
        if image:
            canvas.drawImage(ImageReader(Image.new("RGB", (50, 50), "red")), 0, 0)
        for n, line in enumerate(text.splitlines()):
            canvas.drawString(72, 700 - 20 * n, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def test_each_page_is_a_stream_of_lines() -> None:
    extraction = extract(BytesReadable(pdf("first page", "", "Maria Gonzalez\n123-45-6789")), b"")
    assert lines_of(extraction) == {
        (("page 1",), 1): "first page",
        (("page 3",), 1): "Maria Gonzalez",
        (("page 3",), 2): "123-45-6789",
    }


def test_a_scanned_pdf_is_not_called_examined() -> None:
    extraction = extract(BytesReadable(pdf("", "", image=True)), b"")
    assert extraction.outcome == not_examined("page images, no text examined")
    mixed = extract(BytesReadable(pdf("", "some text", image=True)), b"")
    assert mixed.outcome == not_examined("some page images, no text examined")
    assert [piece.steps for piece in mixed.pieces] == [("page 2",)]


def test_an_encrypted_pdf_is_read_if_it_opens_without_a_password(tmp_path: Path) -> None:
    (tmp_path / "in.pdf").write_bytes(pdf("123-45-6789"))
    for user, outcome in (("", OK), ("secret", not_examined("password protected"))):
        command = ["qpdf", "--encrypt", user, "owner", "256", "--", "in.pdf", f"out{user}.pdf"]
        subprocess.run(command, cwd=tmp_path, check=True)
        extraction = extract(BytesReadable((tmp_path / f"out{user}.pdf").read_bytes()), b"")
        assert extraction.outcome == outcome
        assert bool(extraction.pieces) == (outcome == OK)


def test_a_content_larger_than_its_parser_can_hold_is_listed_with_the_limit() -> None:
    class Large(BytesReadable):
        @property
        def size(self) -> int:
            return 300 << 20

    extraction = extract(Large(pdf("x")), b"")
    assert extraction.outcome == not_examined("larger than the limit of 256 MiB for this type")


def test_a_corrupt_workbook_fails_and_its_reason_holds_no_content() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook><sheets>Maria Gonzalez")
    outcome = extract(BytesReadable(out.getvalue()), b"Maria.xlsx").outcome
    assert outcome.kind is OutcomeKind.FAILED
    assert "Maria" not in outcome.reason


def test_html_rows_and_blocks_are_lines() -> None:
    page = "<html><head><style>p{}</style><title>List</title></head><body><p>one<b> two</b><br>three</p>"
    page += "<table><tr><th>name</th><th>ssn</th></tr><tr><td>Maria</td><td>123-45-6789</td></tr></table></body></html>"
    found = [line for line in lines_of(extract(BytesReadable(page.encode()), b"")).values() if line]
    assert found == ["List", "one two", "three", "name\tssn", "Maria\t123-45-6789"]


def test_rtf_escapes_are_letters() -> None:
    rtf = rb"{\rtf1\ansi\uc1{\fonttbl{\f0 Arial;}}{\*\generator x;}Jos\'e9 \u268?\cell 123-45-6789\cell\row next\par}"
    assert list(lines_of(extract(BytesReadable(rtf), b"")).values()) == ["José Č\t123-45-6789", "next"]
