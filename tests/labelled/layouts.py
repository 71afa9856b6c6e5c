"""How people stand on drives: each layout takes some people and gives files, and says who stands there with what.

Kinds: `plain` (ASCII or UTF-16), `trap` (the rest of the list), `never` (a reader could not name anybody by it).
A person is *identifiable* by a row that holds an identifier with name or birth date, both identifiers, or a full name
and birth date that no other record has.
"""

from __future__ import annotations

import io
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from labelled import spelling as write
from labelled.names import ACCENTED, NICKNAMES
from labelled.population import Person

Column = tuple[str, Callable[[Person], str], str]
"""Heading, what stands in the cell, and the element of the catalogue that a cell with something in it exposes."""

ID: Column = ("MemberID", lambda p: p.member_id, "member_id")
FIRST: Column = ("First", lambda p: p.given, "name")
LAST: Column = ("Last", lambda p: p.family, "name")
PHONE: Column = ("Phone", write.telephone_dashes, "phone")


def ssn(mark: str = "-") -> Column:
    return "SSN", lambda p: write.grouped(p.ssn, mark), "ssn"


def birth(spelled: Callable[..., str] = write.iso) -> Column:
    return "DOB", lambda p: spelled(p.birth), "birth_date"


def name(spelled: Callable[[Person], str] = write.first_last) -> Column:
    return "Name", spelled, "name"


@dataclass(frozen=True)
class Layout:
    kind: str
    columns: tuple[Column, ...]
    delimiter: str = ","
    encoding: str = "utf-8"
    mark: bytes = b""
    header: bool = True
    wrap: str = "csv"
    """`csv` as it stands, or packed: `zip xlsx docx sqlite letters`."""
    region: str = "live"
    wants: Callable[[Person], bool] = lambda p: True
    copies: int = 1

    def elements(self, p: Person) -> frozenset[str]:
        return frozenset(element for _, cell, element in self.columns if element and cell(p))


def _cell(text: str, delimiter: str) -> str:
    return '"' + text.replace('"', '""') + '"' if delimiter in text or '"' in text or "\n" in text else text


def contents(layout: Layout, people: Sequence[Person]) -> tuple[str, bytes]:
    """Suffix and bytes of a file that shows these people."""
    rows = [[cell(p) for _, cell, _ in layout.columns] for p in people]
    head = [[heading for heading, *_ in layout.columns]] if layout.header else []
    lines = [layout.delimiter.join(_cell(cell, layout.delimiter) for cell in row) for row in head + rows]
    if layout.wrap == "letters":
        names = [heading for heading, *_ in layout.columns]
        lines = [
            "Dear member,\n" + "; ".join(map(" is ".join, zip(names, row, strict=True))) + ".\n" * 30 for row in rows
        ]
    if layout.wrap == "xlsx":
        return ".xlsx", _workbook(head, rows)
    if layout.wrap == "sqlite":
        return ".db", _database(rows)
    if layout.wrap == "docx":
        return ".docx", _document(lines)
    data = layout.mark + ("\r\n".join(lines) + "\r\n").encode(layout.encoding)
    if layout.wrap == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("old/members.csv", data)
        return ".zip", packed.getvalue()
    return (".txt" if layout.wrap == "letters" else ".csv"), data


def _workbook(head: list[list[str]], rows: list[list[str]]) -> bytes:
    """The header stands on one sheet and the rows on another; dates are cells of dates."""
    import xlsxwriter

    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        first, second = book.add_worksheet("Legend"), book.add_worksheet("Data")
        shown = book.add_format({"num_format": "m/d/yyyy"})
        for row in head:
            first.write_row(0, 0, row)
        for n, row in enumerate(rows):
            for column, cell in enumerate(row):
                if head and head[0][column] == "DOB":
                    second.write_datetime(n, column, datetime.fromisoformat(cell), shown)
                else:
                    second.write_string(n, column, cell)
    return made.getvalue()


def _database(rows: list[list[str]]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.db"
        with sqlite3.connect(path) as database:
            database.execute(f"create table member ({', '.join(f'c{n} text' for n in range(len(rows[0])))})")
            database.executemany(f"insert into member values ({', '.join('?' * len(rows[0]))})", rows)
        database.close()
        return path.read_bytes()


def _document(lines: list[str]) -> bytes:
    from xml.sax.saxutils import escape

    body = "".join(f"<w:p><w:r><w:t>{escape(line)}</w:t></w:r></w:p>" for line in lines)
    kinds = "http://schemas.openxmlformats.org"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{kinds}/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{word}"/></Types>',
        )
        archive.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{kinds}/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>',
        )
    return made.getvalue()


WITH_SSN: Callable[[Person], bool] = lambda p: bool(p.ssn) and len(set(p.ssn)) > 1 and p.ssn != "123456789"  # noqa: E731
ODD_NAME: Callable[[Person], bool] = lambda p: bool(ACCENTED & set(p.given + p.family))  # noqa: E731
LATIN: Callable[[Person], bool] = lambda p: ODD_NAME(p) and "ř" not in p.family  # noqa: E731
FAMILIAR: Callable[[Person], bool] = lambda p: p.given in NICKNAMES  # noqa: E731
WHOLE = (ID, ssn(), FIRST, LAST, birth(), PHONE)
FIXED: tuple[Column, ...] = (
    ("", lambda p: f"{p.member_id[1:]}", "member_id"),
    ("", lambda p: p.ssn or " " * 9, "ssn"),
    ("", lambda p: write.compact(p.birth), "birth_date"),
    ("", lambda p: f"{p.family.upper():<20}{p.given.upper():<15}", "name"),
)
NICK = name(lambda p: f"{NICKNAMES.get(p.given, p.given)} {p.family}")

LAYOUTS = {
    "csv": Layout("plain", WHOLE),
    "ten copies": Layout("plain", WHOLE, copies=10),
    "dots": Layout("plain", (ssn("."), name(), birth()), wants=WITH_SSN),
    "spaces": Layout("plain", (ssn(" "), name(), birth()), wants=WITH_SSN),
    "bare": Layout("plain", (ssn(""), FIRST, LAST), wants=WITH_SSN),
    "zeros lost": Layout(
        "plain",
        (("SSN", lambda p: write.without_zeros(p.ssn), "ssn"), name(write.last_first), birth(write.american)),
        wants=lambda p: p.ssn.startswith("0") and WITH_SSN(p),
    ),
    "fixed width": Layout("plain", FIXED, delimiter="", header=False, wants=WITH_SSN),
    "last, first": Layout("plain", (name(write.last_first), birth(write.american_padded), PHONE)),
    "two-digit years": Layout("plain", (FIRST, LAST, birth(write.short_year), PHONE)),
    "day first": Layout("plain", (FIRST, LAST, birth(write.day_first))),
    "written dates": Layout("plain", (name(), ID, birth(write.written)), wrap="letters"),
    "military dates": Layout("plain", (FIRST, LAST, birth(write.military)), delimiter="\t"),
    "spreadsheet dates": Layout("plain", (FIRST, LAST, birth(write.hyphened))),
    "utf-16le": Layout("plain", WHOLE, "\t", "utf-16-le", b"\xff\xfe"),
    "utf-16be": Layout("plain", WHOLE, "\t", "utf-16-be", b"\xfe\xff"),
    "deleted": Layout("plain", WHOLE, region="deleted"),
    "unallocated": Layout("plain", WHOLE, region="free"),
    "odd utf-16": Layout("plain", (ID, name(), birth()), "\t", "utf-16-le", b"\x01", region="free"),
    "slack": Layout("plain", (ID, name(), birth()), header=False, region="slack"),
    "no-break space": Layout("trap", (ssn("\u00a0"), name(), birth()), wants=WITH_SSN),
    "en dash": Layout("trap", (ssn("\u2013"), name(), birth()), wants=WITH_SSN),
    "cp037": Layout("trap", FIXED, "", "cp037", header=False, wants=lambda p: WITH_SSN(p) and "ř" not in p.family),
    "nfc": Layout("trap", (FIRST, LAST, birth()), wants=ODD_NAME),
    "nfd": Layout("trap", (name(lambda p: write.apart(write.first_last(p))), birth()), wants=ODD_NAME),
    "latin-1": Layout("trap", (FIRST, LAST, birth()), encoding="latin-1", wants=LATIN),
    "nickname and id": Layout("trap", (ID, NICK, birth()), wants=FAMILIAR),
    "nickname": Layout("trap", (NICK, birth(), PHONE), wants=FAMILIAR),
    "serial 1900": Layout("trap", (ID, FIRST, LAST, birth(write.serial_1900))),
    "serial 1904": Layout("trap", (ID, FIRST, LAST, birth(write.serial_1904))),
    "quoted newlines": Layout("trap", (ID, ("Note", lambda p: 'he said\n"no",\nthen', ""), FIRST, LAST, birth())),
    "zip": Layout("trap", WHOLE, wrap="zip"),
    "xlsx": Layout("trap", WHOLE, wrap="xlsx"),
    "docx": Layout("trap", (name(), ID, birth(write.written)), wrap="docx"),
    "sqlite": Layout("trap", WHOLE, wrap="sqlite"),
    "ssn alone": Layout("never", (ssn(),), wants=WITH_SSN),
    "last four": Layout("never", (name(), ("SSN", lambda p: p.ssn[5:], "")), wants=WITH_SSN),
    "other birth date": Layout(
        "never", (name(), ("DOB", lambda p: write.iso(p.birth.replace(year=p.birth.year - 7, day=15)), ""))
    ),
}
PACKED = frozenset({"zip", "xlsx", "docx"})
"""Wraps that nobody can read where no file system says where the file begins and ends."""
