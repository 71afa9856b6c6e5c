"""The table of contents."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject

from forensics.casefile.contents_view import MISNAMED, Kinds, Place
from forensics.casefile.views import CaseView, FileRow
from ui import theme
from ui.models.paged import Column, PagedModel
from ui.session import Session
from ui.widgets.parts import size_text, time_text

STATUS = {
    "live": ("Live", "idle"),
    "deleted": ("Deleted", "warn"),
    "deleted-uncertain": ("Deleted, uncertain", "warn"),
    "child": ("In container", "info"),
}

OUTCOME = {
    "ok": ("Examined", "ok"),
    "empty": ("Empty", "idle"),
    "not_examined": ("Not examined", "bad"),
    "failed": ("Failed", "bad"),
    "pending": ("Waiting", "idle"),
}

_KINDS = {
    "file-text": {
        "text": "Text", "utf-16 text": "Text (UTF-16)", "pdf": "PDF", "docx": "Word document", "doc": "Word document",
        "odt": "Text document", "rtf": "Rich text", "html": "HTML", "xml": "XML", "json": "JSON",
        "pptx": "Presentation", "ppt": "Presentation", "odp": "Presentation", "epub": "Book (EPUB)",
        "onenote": "OneNote notebook", "djvu": "DjVu document", "chm": "Help (CHM)",
    },
    "file-spreadsheet": {
        "csv": "Delimited text", "xlsx": "Spreadsheet", "xlsm": "Spreadsheet", "xlsb": "Spreadsheet",
        "xls": "Spreadsheet", "ods": "Spreadsheet", "parquet": "Parquet table",
    },
    "file-zip": {
        "zip": "ZIP archive", "tar": "TAR archive", "gzip": "GZIP archive", "bz2": "BZIP2 archive",
        "xz": "XZ archive", "zstd": "Zstandard archive", "7z": "7-Zip archive", "rar": "RAR archive",
        "cab": "Cabinet archive", "lzma": "LZMA archive", "compress": "compress archive", "lz4": "LZ4 archive",
        "lzip": "lzip archive", "lha": "LHA archive", "arj": "ARJ archive", "ace": "ACE archive",
        "stuffit": "StuffIt archive", "rpm": "RPM package", "deb": "Debian package",
    },
    "photo": {"jpeg": "Image (JPEG)", "png": "Image (PNG)", "gif": "Image (GIF)", "tiff": "Image (TIFF)",
              "webp": "Image (WebP)", "bmp": "Image (BMP)", "heif": "Image (HEIF)", "avif": "Image (AVIF)",
              "jpeg-xl": "Image (JPEG XL)", "jpeg-2000": "Image (JPEG 2000)", "psd": "Image (Photoshop)"},
    "mail": {"eml": "E-mail", "msg": "E-mail", "mbox": "Mailbox", "pst": "Mail store"},
    "database": {"sqlite": "SQLite database", "access": "Access database"},
    "file": {"empty": "Empty", "audio": "Audio", "video": "Video"},
    "usb": {
        "iso": "Disc image", "e01": "Disk image (E01)", "vhd": "Disk image (VHD)", "vhdx": "Disk image (VHDX)",
        "vmdk": "Disk image (VMDK)", "qcow2": "Disk image (qcow2)", "vdi": "Disk image (VDI)",
    },
    "lock": {
        "encrypted-office": "Office, encrypted", "luks": "LUKS, encrypted", "openpgp": "OpenPGP, encrypted",
        "openssl": "OpenSSL, encrypted", "age": "age, encrypted", "keepass": "KeePass, encrypted",
        "axcrypt": "AxCrypt, encrypted", "smime": "S/MIME, encrypted",
    },
}  # fmt: skip
_KIND = {kind: (text, icon) for icon, kinds in _KINDS.items() for kind, text in kinds.items()}
"""Type of content → what people call it, and its icon. A type that is not here is shown as it is."""

_GROUPS = {
    "Text and documents": ("file-text", "c-cda", "fhir", "fhir xml", "hl7", "x12"),
    "Spreadsheets and tables": ("file-spreadsheet", "dbf", "sas7bdat", "sas-xport", "stata", "spss", "spss-portable"),
    "Pictures": ("photo",), "E-mail": ("mail",), "Archives": ("file-zip",), "Databases": ("database",),
    "Encrypted": ("lock",),
}  # fmt: skip


def kinds_by_name() -> dict[str, Kinds]:
    """What a person may choose from: a name, and the types of content that it means; last all that have no name."""
    made = {
        name: Kinds(tuple(kind for part in parts for kind in _KINDS.get(part, {part: ""})))
        for name, parts in _GROUPS.items()
    }
    return {**made, "Other types": Kinds(tuple(kind for kinds in made.values() for kind in kinds.types), others=True)}


def kind_text(kind: str) -> str:
    return _KIND.get(kind, (kind or "–", ""))[0]


def _claimed(row: FileRow) -> str:
    """The extension that a name bears and its bytes do not; empty where they agree."""
    if MISNAMED not in row.notes:
        return ""
    return row.notes.partition(MISNAMED)[2].split(",")[0].strip()


class FileModel(PagedModel[FileRow]):
    """All entries of the case; `only` is one of the quick filters of `CaseView.file_ids`."""

    NAME = "files"
    COLUMNS = (
        Column("name", "Name", 205),
        Column("folder", "Folder", 150),
        Column("type", "Type", 150),
        Column("size", "Size", 90, right=True),
        Column("modified", "Modified", 275),
        Column("status", "Status", 146),
        Column("outcome", "Outcome", 118),
        Column("sha256", "SHA-256", 300, mono=True),
    )
    ORDER = (0, 1, 2, 3, 5, 6, 4, 7)
    """The columns from left to right: what became of a file is in sight before when it was changed."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(session, "name", parent)
        self._only = ""
        self._place: Place | None = None
        self._kinds: Kinds | None = None

    @property
    def which(self) -> str:
        """The quick filter in force."""
        return self._only

    def only(self, which: str) -> None:
        self._only = which
        self.reload()

    def go_into(self, place: Place | None) -> None:
        """Show what lies in a place of the tree; everything where there is none."""
        if place != self._place:
            self._place = place
            self.reload()

    def of_kinds(self, kinds: Kinds | None) -> None:
        """Only contents of these types; None takes all."""
        if kinds != self._kinds:
            self._kinds = kinds
            self.reload()

    def _question(self, order_by: str, descending: bool, text: str) -> Any:
        which, place, kinds = self._only, self._place, self._kinds
        return lambda view: view.file_ids_in(place, order_by, descending, text, which, kinds)

    def _ask_ids(self, view: CaseView, order_by: str, descending: bool, text: str) -> array[int]:
        ids: array[int] = self._question(order_by, descending, text)(view)
        return ids

    def _ask_rows(self, view: CaseView, ids: Sequence[int]) -> dict[int, FileRow]:
        return view.files(ids)

    def _text_of(self, row: FileRow, column: int) -> str:
        match column:
            case 0:
                return row.name
            case 1:
                return row.folder or "/"
            case 2:
                claimed = _claimed(row)
                return f"{kind_text(row.type)}, not {claimed}" if claimed else kind_text(row.type)
            case 3:
                return size_text(row.size)
            case 4:
                return time_text(row.modified)
            case 5:
                return STATUS.get(row.status, (row.status, ""))[0]
            case 6:
                return OUTCOME.get(row.outcome, (row.outcome, ""))[0]
            case _:
                return row.sha256 or "–"

    def _chip_of(self, row: FileRow, column: int) -> str | None:
        if column == 2 and _claimed(row):
            return "warn"
        if column == 5:
            return STATUS.get(row.status, ("", "idle"))[1]
        if column == 6:
            return OUTCOME.get(row.outcome, ("", "idle"))[1]
        return None

    def _icon_of(self, row: FileRow, column: int) -> Any:
        if column:
            return None
        return theme.icon(
            "trash" if row.status.startswith("deleted") else _KIND.get(row.type, ("", "file"))[1], "muted", 17
        )

    def _muted(self, row: FileRow) -> bool:
        return row.status.startswith("deleted")
