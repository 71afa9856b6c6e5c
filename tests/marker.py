"""A made-up person whose values are planted on a drive, and a search that finds them in whatever form they leak."""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SSN = "417-83-2956"
FAMILY, GIVEN = "Quartermaine", "Zebulon"
STREET, MAILBOX, BORN = "88 Thistlewhistle Lane", "zq.thistle", "1961-03-14"
FAMILY_OF_A_CHILD = "Ottobrunnen"
CHILD_SSN = "417-84-6601"

_TEXTS = (
    *(form for number in (SSN, CHILD_SSN) for form in (number, number.replace("-", ""), number.replace("-", " "))),
    FAMILY, FAMILY_OF_A_CHILD, "Thistlewhistle", MAILBOX, BORN, "03/14/1961", "3/14/1961", "19610314",
)  # fmt: skip


@dataclass(frozen=True)
class Needle:
    """One value in one writing. `data` is what stands in a file; letters are compared without their case."""

    name: str
    data: bytes


def needles(*secrets: str) -> list[Needle]:
    """Every value of the planted people, and these secrets, in ASCII and both byte orders of UTF-16."""
    return [
        Needle(f"{text} ({encoding})", text.lower().encode(encoding))
        for text in (*_TEXTS, *secrets)
        for encoding in ("ascii", "utf-16-le", "utf-16-be")
    ]


def found_in(data: bytes, wanted: list[Needle]) -> list[str]:
    """Names of the needles in these bytes, in whatever case."""
    lowered = data.lower()
    return [needle.name for needle in wanted if needle.data in lowered]


def opened(name: str, data: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """These bytes, and what is packed in them: ZIP members, gzip, the streams and the text of a PDF."""
    yield name, data
    if depth > 4:
        return
    if data[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as bag:
            for member in bag.infolist():
                if not member.flag_bits & 1:
                    yield from opened(f"{name}!{member.filename}", bag.read(member), depth + 1)
    if data[:2] == b"\x1f\x8b":
        yield from opened(f"{name} (unzipped)", gzip.decompress(data), depth + 1)
    if data[:5] == b"%PDF-":
        for at, stream in enumerate(_streams(data)):
            yield from opened(f"{name} (stream {at})", stream, depth + 1)
        done = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True)
        yield f"{name} (text)", done.stdout
        # A long value is broken over two lines of a cell; without its white space it is whole again.
        yield f"{name} (text joined)", re.sub(rb"\s+", b"", done.stdout)


def _streams(pdf: bytes) -> Iterator[bytes]:
    for found in re.finditer(rb"stream\r?\n", pdf):
        whole = zlib.decompressobj()
        try:
            inflated = whole.decompress(pdf[found.end() :])
        except zlib.error:
            continue
        yield inflated


def places(folder: Path, wanted: list[Needle], but: tuple[str, ...] = ()) -> list[tuple[str, list[str]]]:
    """Where beneath the folder which needle is; paths whose text begins with one of `but` are not looked at."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file() or name.startswith(but):
            continue
        for place, data in opened(name, path.read_bytes()):
            if seen := found_in(data, wanted):
                found.append((place, seen))
    return found
