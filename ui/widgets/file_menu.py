"""What one can do with the file that is selected in a table: copy what names it, look elsewhere, take a copy."""

from __future__ import annotations

import re
from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QTableView, QWidget

from forensics.casefile.views import FileRow
from ui.widgets.reason import ReasonDialog

_UNSAFE = re.compile(r"[^A-Za-z0-9._ ()-]")


class FileMenu(QObject):
    """The context menu of a table of files and its keys; `selected` says which file is meant, None where none is."""

    bytes_wanted = Signal(object)
    folder_wanted = Signal(object)
    copy_wanted = Signal(object)

    def __init__(self, table: QTableView, selected: Callable[[], FileRow | None]) -> None:
        super().__init__(table)
        self._table, self._selected = table, selected
        self.actions_by_name: dict[str, QAction] = {}
        for name, text, keys, act in (
            ("sha256", "Copy SHA-256", "Ctrl+C", lambda file: _copy(file.sha256)),
            ("locator", "Copy locator", "Ctrl+Shift+C", lambda file: _copy(file.locator)),
            ("bytes", "Show bytes", "Ctrl+B", self.bytes_wanted.emit),
            ("folder", "Show its folder", "Ctrl+Up", self.folder_wanted.emit),
            ("save", "Save a copy…", "Ctrl+S", self.copy_wanted.emit),
        ):
            action = QAction(text, self)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda _=False, act=act: self._do(act))
            table.addAction(action)
            self.actions_by_name[name] = action
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._open)

    def _do(self, act: Callable[[FileRow], object]) -> None:
        if (file := self._selected()) is not None:
            act(file)

    def menu(self) -> QMenu:
        made = QMenu(self._table)
        made.addActions(list(self.actions_by_name.values()))
        return made

    def _open(self, at: QPoint) -> None:
        if self._table.indexAt(at).isValid():
            made = self.menu()
            made.aboutToHide.connect(made.deleteLater)
            made.popup(self._table.viewport().mapToGlobal(at))


def ask_for_copy(parent: QWidget, file: FileRow, reason: str, save: Callable[[FileRow, str, str], None]) -> None:
    """Ask why a copy is taken, proposing `reason`, and where it goes; `save` gets file, place and reason."""
    dialog = ReasonDialog(
        "Save a copy",
        "The copy leaves the encrypted case. That it was taken, of which file and why is recorded in the ledger.",
        "Choose a place…", parent, reason,
    )  # fmt: skip

    def choose() -> None:
        out, _ = QFileDialog.getSaveFileName(parent, "Save a copy", safe_name(file.name))
        if out:
            save(file, out, dialog.reason)

    dialog.accepted.connect(choose)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def _copy(text: str) -> None:
    if text:
        QApplication.clipboard().setText(text)


def safe_name(untrusted: str) -> str:
    """A name for a copy that no other program takes for a path, an option or a hidden file."""
    name = _UNSAFE.sub("_", untrusted.replace("/", "_"))[-120:].strip(" .")
    return name.lstrip("-") or "content"
