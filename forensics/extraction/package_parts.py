"""What an office package holds beside the text that a person sees: what a pivot table, a chart or a link kept of data
that may be gone from every sheet, building blocks, data bound to a form, names of those who commented; and pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from forensics.extraction.archives import Member, Zip
from forensics.extraction.content import Damaged, NotExamined, one_line, pieces
from forensics.extraction.xml_parts import part
from forensics.model import Child, Piece, Unit

_PICTURES = re.compile(rb"((xl|word|ppt)/media|Pictures)/[^/]+\Z", re.DOTALL)
_BINARY = re.compile(
    rb"(xl|word|ppt)/([^/]*/)?(vbaProject|comments\d*|threadedComment\d*|person\d*|externalLink\d*|connections"
    rb"|pivotCacheDefinition\d*|pivotCacheRecords\d*|queryTable\d*)\.bin\Z",
    re.DOTALL,
)
"""Parts of an XLSB, and macros: no reader, but their bytes show much when they are unpacked."""

_CACHE = re.compile(rb"xl/pivotCache/pivotCache(Definition|Records)(\d{1,9})\.xml\Z")
_LINK = re.compile(rb"xl/externalLinks/externalLink\d*\.xml\Z")
_WITH_TEXT = re.compile(
    rb"(word/glossary/(document|comments|footnotes|endnotes|header\d*|footer\d*)\.xml"
    rb"|(xl|word|ppt)/(charts|diagrams|persons|people|connections|queryTables|customXml|handoutMasters|notesMasters"
    rb"|slideMasters|tags|chartsheets|dialogsheets|macrosheets)(/[^/]*)?\.xml"
    rb"|(xl|word|ppt)/(people|connections|commentAuthors|authors|xmlMaps)\.xml"
    rb"|customXml/item\d*\.xml)\Z"
)
_OF_PEOPLE = re.compile(rb"person|people|[aA]uthors|connections|queryTables|xmlMaps")
_SAYING = ("name", "displayName", "author", "initials", "userId", "connection", "command")
"""Attributes that say who wrote a comment, and where a table came from; elsewhere they name shapes and styles."""

_LINES_LIMIT = 1_000_000


def embedded(package: Zip) -> Iterator[Child]:
    """Pictures of a document, and parts of it that only their bytes can tell of."""
    for member in package.members:
        if not member.is_folder and (_PICTURES.match(member.untrusted_name) or _BINARY.match(member.untrusted_name)):
            data, problem = package.read(member)
            yield Child(member.untrusted_name, data, problem) if problem else Child(member.untrusted_name, data)


def beside(package: Zip) -> Iterator[Piece]:
    """Each such part a stream named by its path: tables of pivot caches and linked workbooks, lines of all others.

    A part that cannot be parsed does not stop the others; `Damaged` is raised at the end.
    """
    damage = ""
    caches: dict[int, dict[bytes, Member]] = {}
    for member in package.members:
        name = member.untrusted_name
        if match := _CACHE.match(name):
            caches.setdefault(int(match[2]), {})[match[1]] = member
            continue
        try:
            if _LINK.match(name):
                yield from pieces(_linked(part(package, member)), _step(name), Unit.ROW, table=True)
            elif _WITH_TEXT.match(name):
                yield from pieces(_lines(part(package, member), bool(_OF_PEOPLE.search(name))), _step(name), Unit.LINE)
        except (NotExamined, Damaged, SyntaxError, ValueError) as error:
            damage = f"a part of the package could not be read ({type(error).__name__})"
    for number, cache in sorted(caches.items()):
        step = (f"pivot cache {number}",)
        try:
            definition = part(package, cache[b"Definition"]) if b"Definition" in cache else None
            records = part(package, cache[b"Records"]) if b"Records" in cache else None
            yield from pieces(_cached(definition, records), step, Unit.ROW, table=True)
        except (NotExamined, Damaged, SyntaxError, ValueError) as error:
            damage = f"a part of the package could not be read ({type(error).__name__})"
    if damage:
        raise Damaged(damage)


def _step(untrusted_name: bytes) -> tuple[str]:
    return (one_line(untrusted_name.decode("utf-8", "replace")),)


def _lines(tree: Any, attributes: bool) -> Iterator[str]:
    """A line a paragraph of Word or a drawing; of all else a line a value, those of some attributes where wanted."""
    count = 0
    taken = None
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        tag = element.tag.rpartition("}")[2]
        if tag == "p":
            taken = element
            said = ["".join(t.text or "" for t in element.iter("{*}t", "{*}delText"))]
        elif taken is not None and any(above is taken for above in element.iterancestors("{*}p")):
            continue
        else:
            said = [element.get(name, "") for name in _SAYING] if attributes else []
            if not len(element) and element.text:
                said.append(element.text)
        if line := one_line(" ".join(filter(None, map(str.strip, said)))):
            yield line
            if (count := count + 1) > _LINES_LIMIT:
                raise NotExamined("more lines than the limit")


def _linked(tree: Any) -> Iterator[str]:
    """The values of another workbook as they were when it was last read, a row of it a line."""
    for sheet in tree.iter("{*}sheetData"):
        for row in sheet.iter("{*}row"):
            values = (one_line("".join(v.text or "" for v in cell.iter("{*}v"))) for cell in row.iter("{*}cell"))
            yield "\t".join(values)


# [ISO/IEC 29500-1] 18.10: fields of a pivot cache with the values they share, and records that refer to those.


def _cached(definition: Any, records: Any) -> Iterator[str]:
    """The rows that a pivot table was made from: names of its fields, then its records."""
    fields = [] if definition is None else list(definition.iter("{*}cacheField"))
    shared = [[_value(item) for holder in field.iterchildren("{*}sharedItems") for item in holder] for field in fields]
    yield "\t".join(one_line(field.get("name", "")) for field in fields)
    if records is None:
        # Only what the fields share is left: one column below another, so that values of a column stay in it.
        for column, values in enumerate(shared):
            for value in values:
                yield "\t" * column + value
        return
    for record in records.iterchildren("{*}r"):
        cells = []
        for column, item in enumerate(record):
            value = _value(item)
            if item.tag.rpartition("}")[2] == "x" and column < len(shared):
                at = int(value) if value.isdigit() else -1
                value = shared[column][at] if 0 <= at < len(shared[column]) else ""
            cells.append(value)
        yield "\t".join(cells)


_MIDNIGHT = "T00:00:00"


def _value(item: Any) -> str:
    return one_line(item.get("v", "").removesuffix(_MIDNIGHT)) if isinstance(item.tag, str) else ""
