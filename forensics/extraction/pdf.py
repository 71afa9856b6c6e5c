"""PDF: the text of each page, and attached files."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pypdfium2
import pypdfium2.raw

from forensics.extraction.content import Content, Found, NotExamined, one_line, pieces
from forensics.extraction.locked import LOCKED, note_of, tries
from forensics.model import Child, Unit

_PAGES_LIMIT = 100_000
_ANNOTATIONS_LIMIT = 10_000
_STRING_LIMIT = 1 << 20
IMAGES_ONLY = "page images, no text examined"


def extract(content: Content) -> Iterator[Found]:
    """Each page a stream `page n` of lines. Files that are encrypted but open without a password are read."""
    document, password = _opened(content)
    with document:
        # -1: not encrypted at all.
        if pypdfium2.raw.FPDF_GetSecurityHandlerRevision(document) >= 0:
            yield note_of(password)
        if document.get_formtype():
            document.init_forms()
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
                filled = list(_annotations(document, page))
                some_text = some_text or bool(filled)
                yield from pieces(filled, (f"page {number + 1}", "fields"), Unit.LINE)
            finally:
                page.close()
        for number in range(document.count_attachments()):
            attachment = document.get_attachment(number)
            name = attachment.get_name().encode("utf-8", "replace")
            yield Child(name, bytes(attachment.get_data()))
    if some_image and not some_text:
        raise NotExamined(IMAGES_ONLY)


def _annotations(document: Any, page: Any) -> Iterator[str]:
    """What people filled into the fields of a form, and wrote into notes: no text of the page."""
    raw = pypdfium2.raw
    for number in range(min(raw.FPDFPage_GetAnnotCount(page), _ANNOTATIONS_LIMIT)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        try:
            said = [_string(partial(raw.FPDFAnnot_GetStringValue, annotation, b"Contents"))]
            if form := document.formenv:
                said += [
                    _string(partial(read, form, annotation))
                    for read in (raw.FPDFAnnot_GetFormFieldName, raw.FPDFAnnot_GetFormFieldValue)
                ]
            if any(said):
                yield "\t".join(map(one_line, filter(None, said)))
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _string(read: Callable[[Any, int], int]) -> str:
    """A text of PDFium: asked once for its size in bytes, once for itself as UTF-16."""
    size = read(None, 0)
    if not 2 < size <= _STRING_LIMIT:
        return ""
    buffer = ctypes.create_string_buffer(size)
    read(ctypes.cast(buffer, ctypes.POINTER(pypdfium2.raw.FPDF_WCHAR)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")


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
