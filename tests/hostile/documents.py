"""Documents made to hurt whoever opens them, and mutations of healthy ones: written into a folder, from a seed."""

from __future__ import annotations

import gzip
import io
import random
import sqlite3
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20
DOCUMENTS = Path(__file__).parents[1] / "images" / "documents"


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def nested(levels: int) -> bytes:
    data = zipped(("members.csv", b"name,ssn\nAda Example,078-05-1120\n"))
    for level in range(levels):
        data = zipped((f"level{level}.zip", data))
    return data


def overlapping(members: int) -> bytes:
    """Central directory entries that all point at one local header (David Fifield, "A better zip bomb", WOOT 2019)."""
    kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(64 * MIB)
    packed = kernel.compress(zeros) + kernel.flush()
    crc = zlib.crc32(zeros)
    common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, crc, len(packed), len(zeros), 1, 0)
    local = b"PK\x03\x04" + common + b"0" + packed
    central = b"".join(
        b"PK\x01\x02"
        + struct.pack("<H", 20)
        + struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, crc, len(packed), len(zeros), len(name), 0)
        + struct.pack("<HHHII", 0, 0, 0, 0, 0)
        + name
        for name in (b"%d" % n for n in range(members))
    )
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, members, members, len(central), len(local), 0)
    return local + central + end


def traversal() -> bytes:
    names = ("../evil-relative", "../../../../../../tmp/evil-up", "/tmp/evil-absolute", "..\\evil-windows", "C:\\evil")
    return zipped(*((name, b"planted") for name in names))


def tar_of_links() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, target in (
            ("link", tarfile.SYMTYPE, "/tmp"), ("hard", tarfile.LNKTYPE, "/etc/passwd"), ("pipe", tarfile.FIFOTYPE, ""),
        ):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
        for name in ("link/evil-through-link", "../evil-tar", "/tmp/evil-tar-absolute"):
            member = tarfile.TarInfo(name)
            member.size = 7
            archive.addfile(member, io.BytesIO(b"planted"))
    return out.getvalue()


def zip_with_symlink() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("link/evil-below-link", "planted")
    return out.getvalue()


def billion_laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    return f'<?xml version="1.0"?><!DOCTYPE x [{entities}]><x>&l9;</x>'.encode()


def external_entity() -> bytes:
    return b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>secret &e;</x>'


def word(document: bytes) -> bytes:
    types = (
        b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        b'<Override PartName="/word/document.xml" ContentType='
        b'"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    return zipped(("[Content_Types].xml", types), ("word/document.xml", document))


def paragraph(text: str) -> bytes:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return (
        f'<w:document xmlns:w="{space}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>'.encode()
    )


def pdf_of(stream: bytes, filters: str = "/FlateDecode") -> bytes:
    """One page whose content is this stream."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d/Filter%s>>stream\n%s\nendstream" % (len(stream), filters.encode(), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        out
        + b"xref\n0 6\n0000000000 65535 f \n"
        + table
        + b"trailer<</Root 1 0 R/Size 6>>\nstartxref\n%d\n%%%%EOF" % len(out)
    )


def pdf_bomb() -> bytes:
    """A few kilobytes that two filters in a row make a gigabyte."""
    once = zlib.compressobj(9)
    inner = b"".join(once.compress(bytes(MIB)) for _ in range(1024)) + once.flush()
    return pdf_of(zlib.compress(inner, 9), "[/FlateDecode/FlateDecode]")


def deep_mail(levels: int) -> bytes:
    body = b"Subject: the innermost\r\nContent-Type: text/plain\r\n\r\nAda Example 078-05-1120\r\n"
    for _ in range(levels):
        body = b"Subject: forwarded\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n" + body
    return b"From: a@example.org\r\n" + body


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE member (name TEXT, ssn TEXT)")
    connection.executemany("INSERT INTO member VALUES (?, ?)", [("Ada Example", "078-05-1120")] * 200)
    connection.commit()
    return connection.serialize()


def healthy() -> dict[str, bytes]:
    """Small sound documents of the formats that are mutated."""
    rows = b"name,ssn,born\r\n" + b'"Example, Ada",078-05-1120,1970-01-01\r\n' * 60
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        member = tarfile.TarInfo("members.csv")
        member.size = len(rows)
        archive.addfile(member, io.BytesIO(rows))
    made = {
        "table.csv": rows,
        "wide.csv": rows.decode().encode("utf-16"),
        "archive.zip": zipped(("members.csv", rows), ("inner.zip", zipped(("note.txt", rows)))),
        "archive.tar.gz": tar.getvalue(),
        "letter.docx": word(paragraph("Ada Example 078-05-1120")),
        "page.html": b"<html><body><table><tr><td>Ada Example</td><td>078-05-1120</td></tr></table></body></html>",
        "data.xml": b"<?xml version='1.0'?><m><p n='Ada'>078-05-1120</p></m>",
        "page.pdf": pdf_of(zlib.compress(b"BT /F 9 Tf 9 50 Td (Ada Example 078-05-1120) Tj ET")),
        "letter.rtf": rb"{\rtf1\ansi Ada Example 078-05-1120\par}",
        "members.sqlite": database(),
        "mail.eml": b"From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
        + rows,
        "box.mbox": b"From a@example.org Thu Jan  1 00:00:00 1970\nSubject: x\n\nAda Example 078-05-1120\n\n" * 5,
    }
    made |= {path.name: path.read_bytes() for path in DOCUMENTS.iterdir() if path.name.startswith("plain")}
    return made


def mutations(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    chance = random.Random(seed)
    sound = sorted(healthy().items())
    for number in range(count):
        name, template = sound[number % len(sound)]
        data = bytearray(template)
        for _ in range(chance.choice((1, 2, 8, 32))):
            at = chance.randrange(len(data))
            match chance.randrange(5):
                case 0:
                    data[at] ^= 1 << chance.randrange(8)
                case 1:
                    data[at : at + 4] = chance.choice((b"\xff" * 4, bytes(4), b"\xff\xff\xff\x7f"))
                case 2:
                    del data[at : at + chance.randrange(1, 64)]
                case 3:
                    data[at:at] = data[: chance.randrange(1, 256)]
                case 4:
                    data[at:at] = b"A" * chance.randrange(1, 4096)
            if not data:
                data = bytearray(b"\x00")
        yield f"{number:05}-{name}", bytes(data)


def monsters() -> Iterator[tuple[str, bytes]]:
    """Every kind of hostile document of the design page, once."""
    yield "flat-bomb.zip", zipped(("zeros", bytes(512 * MIB)))
    yield "flat-bomb.gz", gzip.compress(bytes(512 * MIB))
    yield "nested-bomb.zip", zipped(("in.zip", zipped(*((f"{n}", bytes(32 * MIB)) for n in range(16)))))
    yield "overlapping.zip", overlapping(2000)
    yield "sixty-deep.zip", nested(60)
    yield "traversal.zip", traversal()
    yield "links.tar", tar_of_links()
    yield "symlink.zip", zip_with_symlink()
    yield "laughs.xml", billion_laughs()
    yield "laughs.docx", word(billion_laughs())
    yield "deep.xml", b"<a>" * 200_000 + b"</a>" * 200_000
    yield "deep.html", b"<div>" * 100_000
    yield "deep.json", b"[" * 200_000
    yield "external.xml", external_entity()
    yield "external.docx", word(external_entity())
    yield "one-line.csv", b"a,b" + b",078-05-1120" * (100 * MIB // 12)
    yield "gigabyte.pdf", pdf_bomb()
    yield "deep.eml", deep_mail(2000)
