"""PDF: the text of each page and attached files; and what is recognised on pages that are images."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pypdfium2
import pypdfium2.raw

from forensics.extraction.content import Content, Damaged, Found, Note, NotExamined, one_line, pieces
from forensics.extraction.locked import LOCKED, note_of, tries
from forensics.extraction.pictures import LONGEST, PIXELS_ENOUGH, RECOGNISED, SOME_FAILED, SOME_LEFT
from forensics.extraction.recognition import Recognition
from forensics.model import Child, Unit

_PAGES_LIMIT = 100_000
_ANNOTATIONS_LIMIT = 10_000
_STRING_LIMIT = 1 << 20
IMAGES_ONLY = "page images, no text examined"
SOME_IMAGES = "some page images, no text examined"

_AT_THE_EDGE = 200
"""Characters of text beside an image; a page that somebody recognised before has more."""

_DOTS_PER_INCH = 300
_POINTS_PER_INCH = 72


def extract(content: Content) -> Iterator[Found]:
    """Each page a stream `page n` of lines. Files that are encrypted but open without a password are read.

    Pages that are images are left to `read`, and the reason says whether there is text beside them.
    """
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
                some_image = some_image or _is_image(page, text)
                filled = list(_annotations(document, page))
                some_text = some_text or bool(filled)
                yield from pieces(filled, (f"page {number + 1}", "fields"), Unit.LINE)
            finally:
                page.close()
        for number in range(document.count_attachments()):
            attachment = document.get_attachment(number)
            name = attachment.get_name().encode("utf-8", "replace")
            yield Child(name, bytes(attachment.get_data()))
    if some_image:
        raise NotExamined(SOME_IMAGES if some_text else IMAGES_ONLY)


def read(content: Content, reader: Recognition) -> Iterator[Found]:
    """A stream `recognised` of lines in `page n`, for each page that is an image."""
    some, left = False, ""
    document, _ = _opened(content)
    with document:
        for number in range(len(document)):
            page = document[number]
            try:
                layer = page.get_textpage()
                text = layer.get_text_range()
                layer.close()
                if not _is_image(page, text):
                    continue
                lines = _recognised(reader, page)
                some = some or bool(lines)
                yield from pieces(map(one_line, lines), (f"page {number + 1}", RECOGNISED), Unit.LINE)
            except NotExamined:
                left = SOME_LEFT
            except Damaged:
                left = left or SOME_FAILED
            finally:
                page.close()
    yield Note(reader.note(some))
    if left:
        raise NotExamined(left)


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


def _is_image(page: Any, text: str) -> bool:
    """Whether a page has to be read as an image: it has no text but something else, be it letters drawn as shapes; or
    an image takes most of it, and the text is no more than what a fax or a scanner prints at its edge."""
    said = len(text.strip())
    if not said:
        return any(True for _ in page.get_objects(max_depth=1))
    if said > _AT_THE_EDGE:
        return False
    width, height = page.get_size()
    for image in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = image.get_bounds()
        if (right - left) * (top - bottom) > width * height / 2:
            return True
    return False


def _recognised(recognition: Recognition, page: Any) -> list[str]:
    """The lines on the image of a page. It is not rendered once the time is over."""
    recognition.check()
    return recognition.read(_rendered(page))


def _rendered(page: Any) -> Any:
    """The page as a grey Pillow image at 300 dpi; a page of unlikely size at fewer."""
    width, height = page.get_size()
    most = math.sqrt(PIXELS_ENOUGH / max(1.0, width * height))
    scale = min(_DOTS_PER_INCH / _POINTS_PER_INCH, most, LONGEST / max(width, height, 1.0))
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        return bitmap.to_pil().convert("L")
    finally:
        bitmap.close()
