"""Text out of the XML of office packages (ECMA-376, ODF), and the files packed beside it.

Of a package with members that are no part of an office
document, those members are children: a renamed ZIP hides nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from forensics.extraction import package_parts
from forensics.extraction.archives import EXPANDS, Member, Zip
from forensics.extraction.content import (
    CHILD_LIMIT,
    RATIO_FREE,
    RATIO_LIMIT,
    Content,
    NotExamined,
    one_line,
    pieces,
)
from forensics.extraction.xml_parts import part
from forensics.model import Child, Piece, Readable, Unit

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_ODF_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_ODF_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"

_DOCX_PARTS = re.compile(rb"word/(document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml\Z")
_PPTX_COMMENTS = re.compile(rb"ppt/comments/[^/]*\.xml\Z")
_OF_THE_PACKAGE = re.compile(
    rb"(\[Content_Types\]\.xml|mimetype|content\.xml|styles\.xml|meta\.xml|settings\.xml|manifest\.rdf"
    rb"|(_rels|docProps|customXml|META-INF|Thumbnails|Configurations2|Pictures)/.*"
    rb"|(xl|word|ppt)/(?!embeddings/).*)\Z",
    re.DOTALL,
)


LONGEST_DOCUMENT = 4 * CHILD_LIMIT
"""Bytes that all parts of a document may expand to together."""


def refuse_bombs(readable: Readable) -> None:
    """Raise `NotExamined` where a part claims to expand as no office file does; for parsers that unpack themselves."""
    package = Zip(readable)
    if package.overlapping():
        raise NotExamined("members overlap, as in a ZIP bomb")
    if sum(member.size for member in package.members) > LONGEST_DOCUMENT or any(
        member.size > RATIO_FREE and member.size > RATIO_LIMIT * member.packed for member in package.members
    ):
        raise NotExamined(EXPANDS)


def packed(readable: Readable) -> Iterator[Piece | Child]:
    """Members that are pictures, embedded files, or no part of an office document at all; and what stands beside its
    text in parts of their own."""
    package = Zip(readable)
    yield from package_parts.embedded(package)
    for member in package.members:
        if not member.is_folder and not _OF_THE_PACKAGE.match(member.untrusted_name):
            data, problem = package.read(member)
            yield Child(member.untrusted_name, data, problem) if problem else Child(member.untrusted_name, data)
    yield from package_parts.beside(package)


def extract_docx(content: Content) -> Iterator[Piece | Child]:
    """One stream `text`: the body, then headers, footers, notes and comments; a table row is a line, cells by TAB."""
    refuse_bombs(content.readable)
    package = Zip(content.readable)
    parts = [m for m in package.members if _DOCX_PARTS.match(m.untrusted_name)]
    parts.sort(key=lambda member: (member.untrusted_name != b"word/document.xml", member.untrusted_name))
    yield from pieces(
        (line for member in parts for line in _word_lines(part(package, member))), ("text",), Unit.PARAGRAPH
    )
    yield from properties(package)
    yield from packed(content.readable)


def extract_pptx(content: Content) -> Iterator[Piece | Child]:
    """Each slide a stream `slide n`, its notes `notes n`, one line a paragraph."""
    refuse_bombs(content.readable)
    package = Zip(content.readable)
    for kind, folder in (("slide", rb"slides/slide"), ("notes", rb"notesSlides/notesSlide")):
        numbered = []
        for member in package.members:
            if match := re.fullmatch(rb"ppt/" + folder + rb"(\d{1,9})\.xml", member.untrusted_name):
                numbered.append((int(match[1]), member))
        for number, member in sorted(numbered, key=lambda pair: pair[0]):
            lines = _drawing_lines(part(package, member))
            yield from pieces(lines, (f"{kind} {number}",), Unit.PARAGRAPH)
    comments = (part(package, m) for m in package.members if _PPTX_COMMENTS.match(m.untrusted_name))
    yield from pieces((line for tree in comments for line in _comment_lines(tree)), ("comments",), Unit.PARAGRAPH)
    yield from properties(package)
    yield from packed(content.readable)


def extract_odt(content: Content) -> Iterator[Piece | Child]:
    """One stream `text` of an ODT or ODP: headers and footers stand in its styles, the rest in its content."""
    refuse_bombs(content.readable)
    package = Zip(content.readable)
    parts = [m for m in package.members if m.untrusted_name in (b"content.xml", b"styles.xml")]
    if any(m.untrusted_name == b"META-INF/manifest.xml" and _is_locked_odf(package, m) for m in package.members):
        raise NotExamined("password protected")
    yield from pieces(
        (line for member in parts for line in _odf_lines(part(package, member))), ("text",), Unit.PARAGRAPH
    )
    yield from properties(package)
    yield from packed(content.readable)


def notes_of_workbook(readable: Readable) -> Iterator[Piece]:
    """Comments and text boxes of an XLSX, which no cell holds: a stream `notes`."""
    package = Zip(readable)
    lines: list[str] = []
    for member in package.members:
        if re.match(rb"xl/(comments|threadedComments/|drawings/drawing)[^/]*\.xml\Z", member.untrusted_name):
            tree = part(package, member)
            lines += _drawing_lines(tree)
            for comment in tree.iter("{*}comment", "{*}threadedComment"):
                lines.append(one_line("".join(t.text or "" for t in comment.iter("{*}t", "{*}text"))))
        elif re.match(rb"xl/worksheets/[^/]*\.xml\Z", member.untrusted_name):
            lines += _running_heads(package, member)
    yield from pieces(lines, ("notes",), Unit.PARAGRAPH)
    yield from properties(package)


_HEADS_BEHIND = 64 << 10
"""Bytes at the end of a sheet in which its headers and footers are looked for."""

_HEADS = re.compile(rb"<(?:\w+:)?(?:odd|even|first)(?:Header|Footer)>([^<]*)<")


def _running_heads(package: Zip, sheet: Member) -> list[str]:
    """Headers and footers of a sheet: they stand behind its rows, which need not be parsed once more for them."""
    tail = package.tail(sheet, _HEADS_BEHIND, LONGEST_DOCUMENT)
    return [one_line(html.unescape(match[1].decode("utf-8", "replace"))) for match in _HEADS.finditer(tail)]


def properties(package: Zip) -> Iterator[Piece]:
    """Title, authors, company, keywords and custom properties: a stream `properties`, one a line."""
    lines: list[str] = []
    for member in package.members:
        if re.match(rb"(docProps/(core|app|custom)|meta)\.xml\Z", member.untrusted_name):
            for element in part(package, member).iter():
                if isinstance(element.tag, str) and element.text and element.text.strip():
                    named = element.getparent().get("name") if element.getparent() is not None else None
                    name = element.get("{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}name") or named
                    lines.append(one_line(f"{name or element.tag.rpartition('}')[2]}: {element.text.strip()}"))
    yield from pieces(lines, ("properties",), Unit.LINE)


def _comment_lines(tree: Any) -> Iterator[str]:
    """Comments of a presentation, of the old kind (`p:text`) and of the new one (`a:t`)."""
    yield from _drawing_lines(tree)
    for text in tree.iter("{*}text"):
        if text.text:
            yield one_line(text.text)


def _is_locked_odf(package: Zip, manifest: Member) -> bool:
    return any(True for _ in part(package, manifest).iter("{*}encryption-data"))


# -------------------------------------------------------------------------------------------------- WordprocessingML


def _word_lines(block: Any) -> Iterator[str]:
    """The lines under a block: its depth is bounded by the parser."""
    for element in block:
        if element.tag == f"{_W}p":
            yield from _word_paragraph(element)
        elif element.tag == f"{_W}tbl":
            for row in _nearest(element, "tbl", "tr"):
                cells = (" ".join(filter(None, _word_lines(cell))) for cell in _nearest(row, "tr", "tc"))
                yield "\t".join(cell.replace("\t", " ") for cell in cells)
        elif isinstance(element.tag, str) and element.tag != f"{_MC}Fallback":
            yield from _word_lines(element)


def _nearest(outer: Any, kind: str, inner: str) -> Iterator[Any]:
    """The rows of a table or cells of a row, also those that content controls wrap, but not a nested table's."""
    for element in outer.iter(f"{_W}{inner}"):
        if next(element.iterancestors(f"{_W}{kind}")) is outer:
            yield element


def _word_paragraph(paragraph: Any) -> Iterator[str]:
    parts: list[str] = []
    boxes: list[Any] = []
    _word_text(paragraph, parts, boxes)
    yield one_line("".join(parts))
    for box in boxes:
        yield from _word_lines(box)


def _word_text(element: Any, parts: list[str], boxes: list[Any]) -> None:
    for child in element:
        tag = child.tag
        if tag in (f"{_W}t", f"{_W}delText"):
            # Deleted text of a tracked change is still in the file.
            parts.append(child.text or "")
        elif tag in (f"{_W}tab", f"{_W}br", f"{_W}cr"):
            parts.append(" ")
        elif tag == f"{_W}noBreakHyphen":
            parts.append("-")
        elif tag == f"{_W}txbxContent":
            boxes.append(child)
        elif isinstance(tag, str) and tag != f"{_MC}Fallback":
            _word_text(child, parts, boxes)


# ----------------------------------------------------------------------------------------------- DrawingML and ODF


def _drawing_lines(tree: Any) -> Iterator[str]:
    for element in tree.iter(f"{_A}p"):
        if next(element.iterancestors(f"{_A}tc"), None) is None:
            yield one_line("".join(t.text or "" for t in element.iter(f"{_A}t")))
    for row in tree.iter(f"{_A}tr"):
        yield "\t".join(one_line(" ".join(t.text or "" for t in cell.iter(f"{_A}t"))) for cell in row.iter(f"{_A}tc"))


def _odf_lines(tree: Any) -> Iterator[str]:
    for element in tree.iter(f"{_ODF_TEXT}p", f"{_ODF_TEXT}h"):
        if next(element.iterancestors(f"{_ODF_TABLE}table-row"), None) is None:
            yield one_line(_odf_text(element))
    for row in tree.iter(f"{_ODF_TABLE}table-row"):
        cells = row.iter(f"{_ODF_TABLE}table-cell")
        yield "\t".join(one_line(" ".join(_odf_text(p) for p in cell.iter(f"{_ODF_TEXT}p"))) for cell in cells)


def _odf_text(element: Any) -> str:
    parts = [element.text or ""]
    for child in element.iter():
        if child is not element:
            if child.tag in (f"{_ODF_TEXT}s", f"{_ODF_TEXT}tab", f"{_ODF_TEXT}line-break"):
                parts.append(" ")
            parts.append(child.text or "")
            parts.append(child.tail or "")
    return "".join(parts)
