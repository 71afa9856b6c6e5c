"""A public image with one e-mail address planted per file format, through the program's own commands.

Each of the 31 addresses of `nps-2010-emails.E01` (tests/images/SOURCES.md) has to be found in what `index` made of the
file that it was planted in, at the step into that file where a person would look for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from worked_example import drivecustody

from forensics.casefile.case import CaseFolder
from forensics.evidence.content import open_content
from forensics.evidence.image import open_image
from forensics.examination.open_case import OpenCase

IMAGES = Path(__file__).parents[1] / "images"
IMAGE = IMAGES / "nps-2010-emails.E01"
SECRET = {"DRIVECUSTODY_PASSPHRASE": "public formats"}

PLACES = {
    "doc_within_doc@document.com": "doc_within_doc.doc!_1351665447!text",
    "docx_within_docx@document.com": (
        "docx_within_docx.docx!word%2Fembeddings%2FMicrosoft_Office_Word_Document1.docx!text"
    ),
    "email_in_gzip@gzipfile.com": "myfilegzip.txt.gz!myfilegzip.txt",
    "email_in_gzip_gzip@gzipfile.com": "myfilegzip2.txt.gz.0.gz!myfilegzip2.txt.gz.0!content",
    "email_in_zip@zipfile1.com": "myfile.zip!myfile.txt",
    "email_in_zip_zip@zipfile2.com": "myfile22.zip!myfile2.zip!myfile2.txt",
    "keynote@iwork09.com": "keynote_09.key!index.apxl",
    "keynote_comment@iwork09.com": "keynote_09.key!index.apxl",
    "numbers@iwork09.com": "numbers_09.numbers!index.xml",
    "numbers_09@apple.com": "numbers_09.numbers!index.xml",
    "numbers_comment@iwork09.com": "numbers_09.numbers!index.xml",
    "pages@iwork09.com": "iwork_09.pages!index.xml",
    "pages_comment@iwork09.com": "iwork_09.pages!index.xml",
    "plain_text@textedit.com": "document1.txt",
    "plain_text_pdf@textedit.com": "document1.pdf!page 1",
    "plain_utf16@textedit.com": "document3.txt",
    "plain_utf16_pdf@textedit.com": "document3.pdf!page 1",
    "ppt_within_doc@document.com": "ppt_within_doc.doc!_1351665622!text",
    "pptx_within_docx@document.com": (
        "pptx_within_docx.docx!word%2Fembeddings%2FMicrosoft_Office_PowerPoint_Presentation1.pptx!slide 1"
    ),
    "rtf_text@textedit.com": "document2.rtf!text",
    "rtf_text_pdf@textedit.com": "document2.pdf!page 1",
    "user_doc@microsoftword.com": "testfile.doc!text",
    "user_doc_pdf@microsoftword.com": "testfile_pdf.pdf!page 1",
    "user_docx@microsoftword.com": "testfilex.docx!text",
    "user_docx_pdf@microsoftword.com": "testfilex.pdf!page 1",
    "xls_cell@microsoft_excel.com": "workbook1.xls!Sheet1",
    "xls_comment@microsoft_excel.com": "workbook1.xls!notes",
    "xls_within_doc@document.com": "xls_within_doc.doc!_1351665718!Sheet1",
    "xlsx_cell@microsoft_excel.com": "workbook2.xlsx!Sheet1",
    "xlsx_comment@microsoft_excel.com": "workbook2.xlsx!notes",
    "xlsx_within_docx@document.com": (
        "xlsx_within_docx.docx!word%2Fembeddings%2FMicrosoft_Office_Excel_Worksheet1.xlsx!Sheet1"
    ),
}


def streams(case: Path) -> Iterator[tuple[str, str]]:
    """Place and text of every piece that the examination left for matching."""
    unlocked = OpenCase.unlock(CaseFolder(case).path, SECRET["DRIVECUSTODY_PASSPHRASE"])
    with open_image((IMAGE,)) as image, unlocked as opened:
        volumes = {number: volume for number, volume, _ in opened.store.volumes("E-001")}
        for piece_id in [stored.id for stored in opened.store.pieces()]:
            stored = opened.store.piece(piece_id)
            holder = opened.store.entry(stored.entry)
            piece = stored.piece
            if piece.data is not None:
                data = piece.data
            elif holder.parent is not None:
                data = opened.store.content_range(stored.entry, piece.offset, piece.length)
            else:
                content = open_content(image, volumes[holder.volume], holder.entry)
                data = content.read_at(piece.offset, piece.length)
            encoding = "latin-1" if piece.encoding == "binary" else piece.encoding
            place = str(holder.entry.locator).removeprefix("E-001/vol2/")
            yield "!".join([place, *piece.steps]), data.decode(encoding, "replace")


def test_the_planted_address_of_every_format_is_found_where_it_was_planted(tmp_path: Path) -> None:
    expected = (IMAGES / "nps-2010-emails.expected.txt").read_text().split()
    assert sorted(PLACES) == sorted(expected)
    case = tmp_path / "formats.dcase"
    drivecustody(
        "new", case, "--number", "1", "--title", "Formats", "--organisation", "An office", "--entity-type",
        "business", "--examiner", "An examiner", env=SECRET,
    )  # fmt: skip
    drivecustody("receive", case, "--exhibit", "E-001", "--from", "A", "--to", "B", env=SECRET)
    drivecustody("import-image", case, "--exhibit", "E-001", IMAGE, env=SECRET)
    drivecustody("index", case, env=SECRET)
    found: dict[str, set[str]] = {address: set() for address in expected}
    for place, text in streams(case):
        for address in expected:
            if address in text:
                found[address].add(place)
    missing = {address: PLACES[address] for address in expected if PLACES[address] not in found[address]}
    assert not missing
