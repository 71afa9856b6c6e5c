"""PDF: the text of each page, and attached files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw

from forensics.extraction.content import Content, Found, NotExamined, one_line, pieces
from forensics.extraction.locked import LOCKED, note_of, tries
from forensics.model import Child, Unit

_PAGES_LIMIT = 100_000
IMAGES_ONLY = "page images, no text examined"


def extract(content: Content) -> Iterator[Found]:
    """Each page a stream `page n` of lines. Files that are encrypted but open without a password are read."""
    document, password = _opened(content)
    with document:
        # -1: not encrypted at all.
        if pypdfium2.raw.FPDF_GetSecurityHandlerRevision(document) >= 0:
            yield note_of(password)
        if len(document) > _PAGES_LIMIT:
            raise NotExamined(f"more than {_PAGES_LIMIT:,} pages")
        some_text = some_image = False
        for number in range(len(document)):
            page = document[number]
            try:
                reader = page.get_textpage()
                text = reader.get_text_range()
                reader.close()
                if text.strip():
                    some_text = True
                    yield from pieces(map(one_line, text.splitlines()), (f"page {number + 1}",), Unit.LINE)
                elif not some_image and not some_text:
                    some_image = _has_image(page)
            finally:
                page.close()
        for number in range(document.count_attachments()):
            attachment = document.get_attachment(number)
            name = attachment.get_name().encode("utf-8", "replace")
            yield Child(name, bytes(attachment.get_data()))
    if some_image and not some_text:
        raise NotExamined(IMAGES_ONLY)


def _opened(content: Content) -> tuple[Any, str]:
    data = content.whole()
    for password in tries(content):
        try:
            return pypdfium2.PdfDocument(data, password=password), password
        except pypdfium2.PdfiumError as error:
            if getattr(error, "err_code", None) != pypdfium2.raw.FPDF_ERR_PASSWORD:
                raise
    raise NotExamined(LOCKED)


def _has_image(page: Any) -> bool:
    return any(True for _ in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=3))
