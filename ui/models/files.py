"""The table of contents."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject

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

_ICONS = (
    (("zip", "archive", "tar", "7z", "gzip", "rar"), "file-zip"),
    (("xls", "spreadsheet", "csv", "ods", "table"), "file-spreadsheet"),
    (("image", "jpeg", "png", "gif"), "photo"),
    (("mail", "eml", "msg", "pst", "mbox"), "mail"),
    (("sqlite", "database", "mdb", "dbf"), "database"),
    (("text", "pdf", "word", "doc", "html", "json", "xml"), "file-text"),
)


def icon_for(kind: str) -> str:
    """The icon of a type, by the words in its name."""
    lower = kind.lower()
    return next((icon for words, icon in _ICONS if any(word in lower for word in words)), "file")


class FileModel(PagedModel[FileRow]):
    """All entries of the case; `only` is one of the quick filters of `CaseView.file_ids`."""

    NAME = "files"
    COLUMNS = (
        Column("name", "Name", 210),
        Column("folder", "Folder", 170),
        Column("type", "Type", 105),
        Column("size", "Size", 90, right=True),
        Column("modified", "Modified", 280),
        Column("status", "Status", 122),
        Column("outcome", "Outcome", 118),
        Column(None, "SHA-256", 300, mono=True),
    )

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(session, "name", parent)
        self._only = ""

    def only(self, which: str) -> None:
        self._only = which
        self.reload()

    def _question(self, order_by: str, descending: bool, text: str) -> Any:
        which = self._only
        return lambda view: view.file_ids(order_by, descending, text, which)

    def _ask_ids(self, view: CaseView, order_by: str, descending: bool, text: str) -> array[int]:
        return view.file_ids(order_by, descending, text, self._only)

    def _ask_rows(self, view: CaseView, ids: Sequence[int]) -> dict[int, FileRow]:
        return view.files(ids)

    def _text_of(self, row: FileRow, column: int) -> str:
        match column:
            case 0:
                return row.name
            case 1:
                return row.folder or "/"
            case 2:
                return row.type or "–"
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
        if column == 5:
            return STATUS.get(row.status, ("", "idle"))[1]
        if column == 6:
            return OUTCOME.get(row.outcome, ("", "idle"))[1]
        return None

    def _icon_of(self, row: FileRow, column: int) -> Any:
        if column:
            return None
        return theme.icon("trash" if row.status.startswith("deleted") else icon_for(row.type), "muted", 17)

    def _muted(self, row: FileRow) -> bool:
        return row.status.startswith("deleted")
