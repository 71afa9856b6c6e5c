"""Records in text files: which encoding, which delimiter, which quotes."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from forensics.errors import EnvironmentFailed, Refused
from forensics.matching.records.origin import Origin, Table, behind_titles

DELIMITERS = ",;\t|^~\x01\x1f¦§"

SAMPLE_CHARACTERS = 1 << 16
SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a text file are told apart. `escape` is the character before a quote that does not end a cell,
    empty where a quote is doubled (RFC 4180)."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        return csv.reader(
            lines, delimiter=self.delimiter, quotechar=self.quote, escapechar=self.escape or None,
            doublequote=not self.escape,
        )  # fmt: skip


@contextmanager
def of_text(origin: Origin) -> Iterator[Table]:
    if origin.table or origin.query:
        raise Refused(f"{origin.said} is a text file and holds one table.", "Leave out --table and --query.")
    try:
        encoding = encoding_of(origin.path)
        with origin.path.open(newline="", encoding=encoding) as lines:
            dialect = dialect_of(lines.read(SAMPLE_CHARACTERS))
        with origin.path.open(newline="", encoding=encoding) as lines:
            table = behind_titles(dialect.reader(_without_nul(lines)))
            named = {"\t": "tab", "\x01": "^A", "\x1f": "unit separator"}.get(dialect.delimiter, dialect.delimiter)
            table.how = ", ".join(part for part in (f"{encoding}, delimiter {named}", table.how) if part)
            yield table
    except PermissionError as error:
        raise EnvironmentFailed(f"{origin.said} cannot be read.", "Check its permissions.") from error
    except (csv.Error, UnicodeError) as error:
        raise Refused(f"{origin.said} is not a table this program can read.", "Save it as CSV in UTF-8.") from error


def _without_nul(lines: io.TextIOWrapper) -> Iterator[str]:
    for line in lines:
        yield line.replace("\0", "")


_NOT_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


def encoding_of(path: Path) -> str:
    """The encoding of the whole file: the first accent of a long one may stand far behind its start."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf_8, cp1252, first = True, True, True
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            if first and (wide := _utf_16(block)):
                return wide
            first = False
            cp1252 = cp1252 and not _NOT_IN_CP1252.search(block)
            try:
                if utf_8:
                    decoder.decode(block)
            except UnicodeDecodeError:
                utf_8 = False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        utf_8 = False
    # Windows-1252 is Latin-1 with quotes and dashes where that has control characters.
    return "utf-8-sig" if utf_8 else "cp1252" if cp1252 else "latin-1"


def _utf_16(head: bytes) -> str:
    """UTF-16 by its mark, or without one by the zero bytes that western text leaves on one side of every pair."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:8192]
    pairs = len(sample) // 2
    even, odd = sample[0 : 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
    if pairs >= 8 and odd > 0.6 * pairs and even < 0.02 * pairs:
        return "utf-16-le"
    return "utf-16-be" if pairs >= 8 and even > 0.6 * pairs and odd < 0.02 * pairs else ""


_DOUBLED = re.compile(r'[^,;\t|^~\n]""[^,;\t|^~\r\n]')
_SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|^~])\s?'[^'\n]*'(?=[,;\t|^~]|\r?$)", re.MULTILINE)


def dialect_of(sample: str) -> Dialect:
    """The delimiter under which most rows have the same number of cells, and the quotes that stand around cells."""
    sample = sample.replace("\0", "")
    if len(sample) >= SAMPLE_CHARACTERS and "\n" in sample:
        sample = sample[: sample.rindex("\n") + 1]
    quoting = Dialect()
    if '"' not in sample and len(_SINGLE_QUOTED.findall(sample)) > sample.count("\n"):
        quoting = Dialect(quote="'")
    elif '\\"' in sample and not _DOUBLED.search(sample.replace('\\"', "")):
        quoting = Dialect(escape="\\")
    best, best_score = quoting, 0.0
    for delimiter in DELIMITERS:
        if delimiter not in sample:
            continue
        tried = replace(quoting, delimiter=delimiter)
        score = _score(tried, sample)
        if score > best_score + 1e-9:
            best, best_score = tried, score
    return best


def _score(dialect: Dialect, sample: str) -> float:
    widths: Counter[int] = Counter()
    try:
        for row, _ in zip(dialect.reader(iter(sample.splitlines(keepends=True))), range(SAMPLE_ROWS), strict=False):
            if row:
                widths[len(row)] += 1
    except csv.Error:
        return 0.0
    width, often = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return often / widths.total() * (1 + math.log2(width)) if width > 1 else 0.0
