"""Searching a case: how much was found first, then page by page where, with what surrounds it masked.

A query says which files: those that hold its words. What is shown are the places in them: names of folders, names of
files, then rows, lines and passages of text in the order in which they were extracted.
"""

# ruff: noqa: S608 - the pieces of the questions are this module's own; what people typed is always bound.

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import Engine

from forensics.casefile import database
from forensics.casefile.masking import HIDDEN
from forensics.casefile.search_index import ROW_END, TOKENIZE, with_row_ends
from forensics.casefile.search_query import Both, Either, Node, Search, Term, Without, parse
from forensics.errors import Refused
from forensics.model import Locator

PAGE = 50
AROUND = 90
"""Characters shown to either side of what was found."""

CELL = "\x1f"
_OPEN, _CLOSE = "\x02", "\x03"
_MARKED = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SearchCounts:
    """What a query finds: `files` that hold it by name or content, of them `names`; `passages` of text, about 16 KiB
    each; `folders` by name. `read_as` is the query with every form that was looked for; `waiting` texts are not in the
    index yet.
    """

    files: int
    names: int
    passages: int
    folders: int
    waiting: int
    read_as: str


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One place. `kind` is folder, name or text; `entry` the number of the file in the case, None for a folder.

    `snippet` is the text around it, with True for the stretches that were found. `column` counts from 1 and is None
    outside of tables. `part` and `at` say where in the stored text of the file it is (`CaseView.text_part`).
    """

    kind: str
    locator: str
    entry: int | None
    status: str
    type: str
    snippet: tuple[tuple[str, bool], ...]
    column: int | None = None
    part: int | None = None
    at: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Hits in their order; `after` asks for those that follow, and is empty at the end."""

    hits: tuple[SearchHit, ...]
    after: str


@dataclass(frozen=True, slots=True)
class PartText:
    """A stretch of the text that was extracted from a file; `first` is its first row or line, 0 where there are none.

    `cells` is True for a table: a line a row, U+001F between cells. `before` and `behind` are the numbers of the
    neighbouring stretches of the same file, None at its ends.
    """

    part: int
    entry: int
    locator: str
    first: int
    cells: bool
    text: str
    before: int | None
    behind: int | None


class SearchView:
    """The part of `CaseView` that searches; never holds a transaction between two questions."""

    _engine: Engine

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.exec_driver_sql(sql, tuple(values)).all()

    def searchable(self) -> bool:
        """Whether the case has a search index, be it unfinished."""
        return bool(self._ask("SELECT 1 FROM sqlite_master WHERE name = 'search_text'"))

    def search_counts(self, query: str) -> SearchCounts:
        """How much a query finds. Raises `Refused` where it is none, or nothing is indexed yet."""
        search = self._parsed(query)
        files, values = _entries(search.root)
        which, narrowed = _narrowed(search)
        text, name = _text_of(search.terms), _name_of(search.terms)
        ((count,),) = self._ask(f"SELECT count(*) FROM ({files})", values)
        ((names,),) = self._ask(
            f"SELECT count(*) FROM search_name WHERE search_name MATCH ?{which.format('rowid')}",
            ("{name} : (" + name + ")", *narrowed),
        )
        ((folders,),) = self._ask(
            "SELECT count(*) FROM (SELECT DISTINCT volume_id, folder FROM file_entry WHERE parent_id IS NULL AND id IN"
            " (SELECT rowid FROM search_name WHERE search_name MATCH ?))",
            ("{folder} : (" + name + ")",),
        )
        passages = 0
        if text:
            ((passages,),) = self._ask(
                "SELECT count(*) FROM search_text t CROSS JOIN search_part p ON p.id = t.rowid"
                f" WHERE t.search_text MATCH ?{which.format('p.entry_id')}"
                if which
                else "SELECT count(*) FROM search_text WHERE search_text MATCH ?",
                (text, *narrowed),
            )
        ((waiting,),) = self._ask(
            "SELECT count(*) FROM piece WHERE encoding != 'binary' AND id NOT IN (SELECT piece_id FROM search_piece)"
        )
        return SearchCounts(count, names, passages, folders, waiting, search.read_as)

    def search_page(self, query: str, after: str = "", limit: int = PAGE, masked: bool = True) -> SearchPage:
        """The next hits behind `after`. Unless `masked` is False, of the text around them only its form is shown.

        The caller has it recorded before it shows text that is not masked. Raises as `search_counts`.
        """
        search = self._parsed(query)
        stage, number, skip = _cursor(after)
        found: list[SearchHit] = []
        for name, walk in (("folder", self._folders), ("name", self._names), ("text", self._texts)):
            if _STAGES.index(name) < _STAGES.index(stage):
                continue
            begin = (number, skip) if name == stage else (0, 0)
            for hit, place in walk(search, *begin, masked):
                if len(found) == limit:
                    return SearchPage(tuple(found), f"{name}:{place[0]}:{place[1]}")
                found.append(hit)
        return SearchPage(tuple(found), "")

    def text_part(self, part: int) -> PartText | None:
        """A stretch of extracted text by its number; None where there is none. The caller has it recorded first."""
        rows = self._ask(
            "SELECT p.entry_id, e.locator, p.first, i.is_table, b.text, i.steps,"
            " (SELECT id FROM search_part o WHERE o.entry_id = p.entry_id AND (o.piece_id, o.byte_offset)"
            " < (p.piece_id, p.byte_offset) ORDER BY o.piece_id DESC, o.byte_offset DESC LIMIT 1),"
            " (SELECT id FROM search_part o WHERE o.entry_id = p.entry_id AND (o.piece_id, o.byte_offset)"
            " > (p.piece_id, p.byte_offset) ORDER BY o.piece_id, o.byte_offset LIMIT 1)"
            " FROM search_part p JOIN search_body b ON b.part_id = p.id JOIN piece i ON i.id = p.piece_id"
            " JOIN file_entry e ON e.id = p.entry_id WHERE p.id = ?",
            (part,),
        )
        if not rows:
            return None
        entry, locator, first, cells, text, steps, before, behind = rows[0]
        place = str(Locator.parse(locator).into(*json.loads(steps)))
        return PartText(part, entry, place, first, bool(cells), _unpacked(text), before, behind)

    def first_part(self, entry: int) -> int | None:
        """The number of the first stretch of a file's text; None where none was extracted."""
        return (
            self._ask("SELECT min(id) FROM search_part WHERE entry_id = ?", (entry,))[0][0]
            if self.searchable()
            else None
        )

    # -------------------------------------------------------------------------------------------------------- parts

    def _parsed(self, query: str) -> Search:
        if not self.searchable():
            raise Refused("The contents are not indexed for searching.", "First: drivecustody index")
        return parse(query)

    def _folders(self, search: Search, number: int, _: int, __: bool) -> Iterator[tuple[SearchHit, tuple[int, int]]]:
        name = "{folder} : (" + _name_of(search.terms) + ")"
        rows = self._ask(
            "SELECT min(e.id), e.locator, e.folder FROM file_entry e WHERE e.parent_id IS NULL AND e.id IN"
            " (SELECT rowid FROM search_name WHERE search_name MATCH ?) GROUP BY e.volume_id, e.folder"
            " HAVING min(e.id) >= ? ORDER BY 1",
            (name, number),
        )
        marked = _marked([(row[0], row[2]) for row in rows], _name_of(search.terms))
        for entry, locator, folder in rows:
            place = Locator.parse(locator)
            at = Locator(place.exhibit, place.volume, place.region, place.address, place.path[:-1], layers=place.layers)
            snippet = tuple(_stretches(marked.get(entry, folder)))
            yield SearchHit("folder", str(at), None, "", "", snippet), (entry, 0)

    def _names(self, search: Search, number: int, _: int, __: bool) -> Iterator[tuple[SearchHit, tuple[int, int]]]:
        which, narrowed = _narrowed(search)
        expression = _name_of(search.terms)
        while True:
            rows = self._ask(
                "SELECT e.id, e.locator, e.name, e.status, coalesce(e.type, '') FROM search_name n"
                " CROSS JOIN file_entry e ON e.id = n.rowid WHERE n.search_name MATCH ? AND n.rowid >= ?"
                f"{which.format('n.rowid')} ORDER BY n.rowid LIMIT {PAGE}",
                ("{name} : (" + expression + ")", number, *narrowed),
            )
            marked = _marked([(row[0], row[2]) for row in rows], expression)
            for entry, locator, name, status, kind in rows:
                snippet = tuple(_stretches(marked.get(entry, name)))
                yield SearchHit("name", locator, entry, status, kind, snippet), (entry, 0)
            if len(rows) < PAGE:
                return
            number = rows[-1][0] + 1

    def _texts(
        self, search: Search, number: int, skip: int, masked: bool
    ) -> Iterator[tuple[SearchHit, tuple[int, int]]]:
        expression = _text_of(search.terms)
        if not expression:
            return
        which, narrowed = _narrowed(search)
        shown = _Shown(search.terms)
        # By place and not by number: the numbers are those of the order in which workers were done.
        order = "e.locator, p.piece_id, p.byte_offset"
        start = (
            f" AND ({order}) >= (SELECT {order} FROM search_part p JOIN file_entry e ON e.id = p.entry_id"
            " WHERE p.id = ?)"
        )
        found = self._ask(
            "SELECT p.id FROM search_text t CROSS JOIN search_part p ON p.id = t.rowid"
            " JOIN file_entry e ON e.id = p.entry_id WHERE t.search_text MATCH ?"
            f"{which.format('p.entry_id')}{start if number else ''} ORDER BY {order} LIMIT {MOST_PARTS}",
            (expression, *narrowed, *([number] if number else [])),
        )
        for begin in range(0, len(found), _AT_ONCE):
            rows = self._parts([part for (part,) in found[begin : begin + _AT_ONCE]])
            texts = {row[0]: _unpacked(row[5]) for row in rows}
            indexed = [(row[0], with_row_ends(texts[row[0]], row[8])) for row in rows]
            marked = _marked(indexed, expression)
            for row in rows:
                signed = marked.get(row[0], "")
                if row[8]:
                    signed = signed.replace(f"{ROW_END} ", "")
                places = list(_places(signed, row[4], bool(row[3])))
                for at, (first, stop) in enumerate(places):
                    if at >= skip:
                        hit = _text_hit(row, texts[row[0]], first, stop, places, shown if masked else None)
                        yield hit, (row[0], at)
                skip = 0

    def _parts(self, numbers: Sequence[int]) -> Sequence[Any]:
        """What is known of these stretches, in this order."""
        rows = self._ask(
            "SELECT p.id, p.entry_id, p.byte_offset, p.first, p.own, b.text, i.steps, i.unit, i.is_table,"
            " i.encoding, i.byte_offset, i.data IS NOT NULL, e.locator, e.status, coalesce(e.type, '')"
            " FROM search_part p JOIN search_body b ON b.part_id = p.id JOIN piece i ON i.id = p.piece_id"
            f" JOIN file_entry e ON e.id = p.entry_id WHERE p.id IN ({', '.join('?' * len(numbers))})",
            numbers,
        )
        known = {row[0]: row for row in rows}
        return [known[number] for number in numbers if number in known]


MOST_PARTS = 1_000
"""Stretches that one page can come from: each holds one hit at least, but for those that only repeat the next one."""

_AT_ONCE = 20

_STAGES = ("folder", "name", "text")


def _cursor(after: str) -> tuple[str, int, int]:
    stage, _, rest = (after or "folder:0:0").partition(":")
    number, _, skip = rest.partition(":")
    if stage not in _STAGES or not number.isdecimal() or not skip.isdecimal():
        raise Refused("There is no such page of the search.", "Search from the beginning.")
    return stage, int(number), int(skip)


def _entries(node: Node) -> tuple[str, list[str]]:
    """A SELECT of the numbers of the files that a query means, and its values."""
    if isinstance(node, Term):
        name = "SELECT rowid AS id FROM search_name WHERE search_name MATCH ?"
        values = ["{name} : (" + node.expression + ")"]
        if node.only_names:
            return name, values
        text = (
            "SELECT p.entry_id AS id FROM search_text t CROSS JOIN search_part p ON p.id = t.rowid"
            " WHERE t.search_text MATCH ?"
        )
        return f"{name} UNION {text}", [*values, node.expression]
    parts: tuple[Node, ...]
    if isinstance(node, Without):
        word, parts = "EXCEPT", (node.wanted, node.unwanted)
    else:
        word, parts = ("INTERSECT" if isinstance(node, Both) else "UNION"), node.parts
    selects, values = [], []
    for part in parts:
        select, more = _entries(part)
        selects.append(f"SELECT id FROM ({select})")
        values += more
    return f" {word} ".join(selects), values


def _narrowed(search: Search) -> tuple[str, list[str]]:
    """A further condition that leaves only places in the files that a query means; none where every place is in one."""
    root = search.root
    plain = isinstance(root, Term) or (isinstance(root, Either) and all(isinstance(part, Term) for part in root.parts))
    if plain:
        return "", []
    select, values = _entries(root)
    return " AND {} IN (" + select + ")", values


def _text_of(terms: Iterable[Term]) -> str:
    return " OR ".join(f"({term.expression})" for term in terms if not term.only_names)


def _name_of(terms: Iterable[Term]) -> str:
    return " OR ".join(f"({term.expression})" for term in terms)


def _marked(texts: Iterable[tuple[int, str]], expression: str) -> dict[int, str]:
    """The texts with signs around what was found, by FTS5 itself: it knows best what a word is."""
    connection = database.in_memory()
    try:
        connection.execute(f"CREATE VIRTUAL TABLE h USING fts5(text, {TOKENIZE})")
        connection.executemany("INSERT INTO h(rowid, text) VALUES (?, ?)", texts)
        found = connection.execute(
            "SELECT rowid, highlight(h, 0, ?, ?) FROM h WHERE h MATCH ?", (_OPEN, _CLOSE, expression)
        )
        return dict(found.fetchall())
    finally:
        connection.close()


def _stretches(marked: str) -> Iterator[tuple[str, bool]]:
    end = 0
    for found in _MARKED.finditer(marked):
        if found.start() > end:
            yield marked[end : found.start()], False
        yield found[1], True
        end = found.end()
    if end < len(marked):
        yield marked[end:], False


def _places(marked: str, own: int, by_line: bool) -> Iterator[tuple[int, int]]:
    """Start and end of every find in the text without signs; of rows and lines, the first in each."""
    line = -1
    for number, found in enumerate(_MARKED.finditer(marked)):
        start = found.start() - 2 * number
        if start >= own:
            return
        if by_line:
            here = marked.count("\n", 0, found.start())
            if here == line:
                continue
            line = here
        yield start, start + len(found[1])


def _text_hit(
    row: Any, text: str, start: int, stop: int, places: Sequence[tuple[int, int]], shown: _Shown | None
) -> SearchHit:
    part, entry, offset, first, _, _, steps, unit, table, encoding, piece_offset, extracted, locator, status, kind = row
    place = Locator.parse(locator).into(*json.loads(steps))
    line_start = text.rfind("\n", 0, start) + 1
    if first:
        place = place.into(f"{unit} {first + text.count(chr(10), 0, start)}")
    else:
        coding = "utf-8" if extracted else encoding
        before = len(text[:start].encode(coding, "replace"))
        place = place.at(piece_offset + offset + before, len(text[start:stop].encode(coding, "replace")))
    column = text.count(CELL, line_start, start) + 1 if table else None
    low, high = max(0, start - AROUND), min(len(text), stop + AROUND)
    if first:
        line_end = text.find("\n", stop)
        low, high = max(low, line_start), min(high, len(text) if line_end < 0 else line_end)
    snippet = tuple(_snippet(text, low, high, [p for p in places if low <= p[0] < high] or [(start, stop)], shown))
    return SearchHit("text", str(place), entry, status, kind, snippet, column, part, start, stop - start)


def _snippet(
    text: str, low: int, high: int, places: Sequence[tuple[int, int]], shown: _Shown | None
) -> Iterator[tuple[str, bool]]:
    at = low
    for start, stop in places:
        if start > at:
            yield _around(text[at:start], shown), False
        found = text[start : min(stop, high)]
        yield _visible(shown.of(found) if shown else found), True
        at = min(stop, high)
    if at < high:
        yield _around(text[at:high], shown), False


def _around(text: str, shown: _Shown | None) -> str:
    return _visible(text if shown is None else "".join(HIDDEN if c.isalnum() else c for c in text))


def _visible(text: str) -> str:
    text = text.replace(CELL, " | ").replace("\n", " ").replace("\t", " ").replace("\r", " ")
    return "".join(c if c.isprintable() else "·" for c in text)


class _Shown:
    """What of a find may be shown to somebody who typed these terms: what was typed, and no letter more."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._whole: set[str] = set()
        self._begun: list[str] = []
        for term in terms:
            for words in term.forms:
                whole = words[:-1] if term.prefix else words
                self._whole.update(map(_plain, whole))
                if term.prefix:
                    self._begun.append(_plain(words[-1]))

    def of(self, text: str) -> str:
        return _WORD.sub(self._word, text)

    def _word(self, found: re.Match[str]) -> str:
        word = found[0]
        parts = [_plain(part) for part in word.split("_")]
        if all(part in self._whole for part in parts if part):
            return word
        typed = max((len(begun) for begun in self._begun if _plain(word).startswith(begun)), default=0)
        return word[:typed] + HIDDEN * (len(word) - typed)


def _plain(text: str) -> str:
    """Small letters without accents, as the index has them."""
    apart = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in apart if not unicodedata.combining(c))


def _unpacked(data: bytes) -> str:
    return zstandard.decompress(data).decode("utf-8")
