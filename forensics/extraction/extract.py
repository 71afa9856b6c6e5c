"""The border where strangers' parsers run: one call takes a content, and every content ends with an outcome.

| phase | caller | duty |
|---|---|---|
| sniff | `extract` | the type, from the bytes |
| extract | `extract`, in a worker | a generator: yields `Piece` and `Child`, stops by raising what it likes |
| collect | `extract` | keeps what came before the stop, counts it against the limits, makes the outcome |
| recurse | the caller | takes each child through the same call, and counts the depth |

A type without an extractor has its bytes in plain sight, where the scan of the whole image reads them: it is ok without
pieces. A type in `closed.REASONS` hides them, as does what looks random; both are listed as not examined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from forensics.extraction import closed
from forensics.extraction.advice import advised_type
from forensics.extraction.content import (
    CHILDREN_COUNT,
    CHILDREN_LIMIT,
    TEXT_LIMIT,
    BytesReadable,
    Content,
    Damaged,
    Extractor,
    Found,
    Note,
    NotExamined,
)
from forensics.extraction.extensions import misleading_name
from forensics.extraction.sniff import HEAD, PICTURES, sniff, telling
from forensics.model import EMPTY, OK, Child, Extraction, Outcome, Piece, Readable, failed, not_examined
from forensics.randomness import is_random

if TYPE_CHECKING:
    from forensics.extraction.recognition import Recogniser

__all__ = ["EXTRACTORS", "BytesReadable", "extract"]


@dataclass(frozen=True, slots=True)
class Reader:
    """A function of a module of this folder, which is loaded when a content of its type comes.

    All of them together take half a second to load, with the libraries that they bring along; a worker sees few types.
    """

    name: str

    def load(self) -> Extractor:
        module, function = self.name.split(".")
        extractor: Extractor = getattr(import_module(f"forensics.extraction.{module}"), function)
        return extractor

    def __call__(self, content: Content) -> Iterator[Found]:
        return self.load()(content)


EXTRACTORS: Mapping[str, Reader] = MappingProxyType(
    {
        "csv": Reader("tables.extract"),
        "text": Reader("tables.extract"),
        "utf-16 text": Reader("tables.extract"),
        "json": Reader("clinical.extract_json"),
        "fhir": Reader("clinical.extract_json"),
        "fhir xml": Reader("clinical.extract_fhir_xml"),
        "c-cda": Reader("clinical.extract_cda"),
        "x12": Reader("exchange.extract_x12"),
        "hl7": Reader("exchange.extract_hl7"),
        "xml": Reader("tables.extract"),
        "xlsx": Reader("workbook.extract"),
        "xlsm": Reader("workbook.extract"),
        "xlsb": Reader("workbook.extract"),
        "xls": Reader("workbook.extract"),
        "ods": Reader("workbook.extract"),
        "docx": Reader("office.extract_docx"),
        "pptx": Reader("office.extract_pptx"),
        "odt": Reader("office.extract_odt"),
        "odp": Reader("office.extract_odt"),
        "doc": Reader("binary_office.extract_doc"),
        "ppt": Reader("binary_office.extract_ppt"),
        "msg": Reader("outlook.extract_msg"),
        "pst": Reader("outlook.extract_store"),
        "ole": Reader("compound.extract_any"),
        "encrypted-office": Reader("locked.extract_encrypted"),
        "pdf": Reader("pdf.extract"),
        "html": Reader("markup.extract_html"),
        "rtf": Reader("markup.extract_rtf"),
        "eml": Reader("mail.extract_message"),
        "mbox": Reader("mail.extract_mailbox"),
        "sqlite": Reader("database.extract"),
        "zip": Reader("archives.extract_zip"),
        "epub": Reader("archives.extract_zip"),
        "tar": Reader("archives.extract_tar"),
        "gzip": Reader("archives.extract_gzip"),
        "bz2": Reader("archives.extract_bzip2"),
        "xz": Reader("archives.extract_xz"),
        "lzma": Reader("archives.extract_lzma"),
        "zstd": Reader("archives.extract_zstd"),
        "7z": Reader("seven_zip.extract"),
        "cab": Reader("cabinet.extract"),
        "rar": Reader("rar.extract"),
        "parquet": Reader("columnar.extract_parquet"),
        "sas7bdat": Reader("columnar.extract_statistics"),
        "sas-xport": Reader("columnar.extract_statistics"),
        "spss": Reader("columnar.extract_statistics"),
        "spss-portable": Reader("columnar.extract_statistics"),
        "stata": Reader("columnar.extract_statistics"),
        "access": Reader("access.extract"),
        "dbf": Reader("dbase.extract"),
        **dict.fromkeys(PICTURES, Reader("pictures.extract")),
    }
)

PACKED = frozenset(
    ("zip", "tar", "gzip", "bz2", "xz", "lzma", "zstd", "7z", "cab", "rar", "xlsx", "xlsm", "xlsb", "ods", "docx",
     "pptx", "odt", "odp", "epub", "pdf", "encrypted-office", "luks", "parquet")
)  # fmt: skip
"""Types whose bytes say nothing as they stand. Of all others a reader shows a part (no deleted rows of a database, no
scripts of a page), and a scan of the bytes shows the rest."""


KEEP_DELETED = frozenset({"sqlite", "access", "dbf", "pst", *PICTURES})
"""Types whose readers show the rows and items that are there, while the bytes keep those that were deleted until others
take their place, or what is said about a picture and does not stand on it: their bytes are scanned beside what the
readers show, on the drive as in archives."""


def extract(
    content: Readable,
    untrusted_name: bytes,
    passwords: tuple[str, ...] = (),
) -> Extraction:
    """What the content yields: type, pieces, children and how it ended. Bad content never raises.

    `failed` and `not_examined` may come with pieces and children: those found before the damage or the limit. A child
    that comes with an outcome of its own is listed with it; its data, if any, is what could be read. `passwords` are
    tried on what is locked. Pictures and scans are not examined here: `recognise` reads their text.

    Raises `MemoryError`, after which a worker should be replaced.
    """
    kind = "unknown"
    pieces: list[Piece] = []
    children: list[Child] = []
    notes: list[str] = []
    outcome = OK
    try:
        head = content.read_at(0, HEAD)
        kind = sniff(head, content.size, untrusted_name, telling(content, head))
        if kind == "unknown" and (advised := advised_type(head)):
            kind = advised
            notes.append(ADVISED)
        outcome = EMPTY if kind == "empty" else OK
        if reason := _hidden(kind, head):
            outcome = not_examined(reason)
        elif extractor := EXTRACTORS.get(kind):
            item = Content(kind, untrusted_name, content, head, passwords)
            outcome = _collect(extractor, item, pieces, children, notes)
    except MemoryError:
        raise
    except Exception as error:
        outcome = failed(f"could not be read ({type(error).__name__})")
    notes += misleading_name(kind, untrusted_name)
    return Extraction(kind, outcome, tuple(pieces), tuple(children), tuple(notes))


ADVISED = "its type is what libmagic advises"

_HEARD = {"audio": closed.SOUND, "video": closed.FILM}


def _hidden(kind: str, head: bytes) -> str:
    """Why a content without a reader is not in plain sight; empty where it is."""
    if kind == "unknown" and is_random(head):
        return closed.RANDOM
    # Of libmagic's advice only this is taken up, that there is something to hear or see: that costs nothing.
    return closed.REASONS.get(kind) or _HEARD.get(kind.partition("/")[0], "")


def recognise(
    content: Readable, untrusted_name: bytes, passwords: tuple[str, ...], recogniser: Recogniser
) -> Extraction:
    """The text on a picture or scan that `extract` left: its pieces and notes, and how the reading ended.

    What `extract` found in it is not repeated. Bad content never raises; `MemoryError` does, as there.
    """
    pieces: list[Piece] = []
    children: list[Child] = []
    notes: list[str] = []
    kind = "unknown"
    try:
        head = content.read_at(0, HEAD)
        kind = sniff(head, content.size, untrusted_name, telling(content, head))
        reader = import_module(f"forensics.extraction.{'pdf' if kind == 'pdf' else 'pictures'}").read
        recognition = recogniser.begin()
        item = Content(kind, untrusted_name, content, head, passwords)
        outcome = _collect(lambda one: reader(one, recognition), item, pieces, children, notes)
    except MemoryError:
        raise
    except Exception as error:
        outcome = failed(f"could not be read ({type(error).__name__})")
    return Extraction(kind, outcome, tuple(pieces), (), tuple(notes))


def _collect(
    extractor: Extractor, content: Content, pieces: list[Piece], children: list[Child], notes: list[str]
) -> Outcome:
    """Run the extractor to its end, or to the limits."""
    text = packed = 0
    try:
        for found in extractor(content):
            if isinstance(found, Piece):
                pieces.append(found)
                text += len(found.data or b"")
            elif isinstance(found, Note):
                if found.phrase not in notes:
                    notes.append(found.phrase)
            else:
                children.append(found)
                packed += len(found.data)
            if text > TEXT_LIMIT:
                return not_examined(f"more text than the limit of {TEXT_LIMIT >> 20} MiB")
            if packed > CHILDREN_LIMIT or len(children) > CHILDREN_COUNT:
                return not_examined("more packed content than the limit")
    except NotExamined as stop:
        return not_examined(stop.reason)
    except Damaged as stop:
        return failed(stop.reason)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        # A panic of a Rust parser (pyo3's PanicException) is no Exception.
        return failed(f"could not be parsed ({type(error).__name__})")
    return OK
