"""The passphrase of a case: asked until it fits or the person gives up; the window stays alive meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from forensics.casefile.views import CaseView
from forensics.errors import DriveCustodyError
from ui.widgets.parts import Elided, Glyph, button, label, row


class UnlockDialog(QDialog):
    """Opens one case; `unlocked` hands over its `CaseView` once, for the receiver to close.

    Unlocking takes about half a second by design (Argon2id), so it runs in a thread.
    """

    unlocked = Signal(object)
    _tried = Signal(object, object)

    def __init__(self, case: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._case = case
        self._thread = ThreadPoolExecutor(1, "unlock")
        self.setWindowTitle("Open case")
        self.setFixedWidth(440)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 18)
        column.setSpacing(12)
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(label("Open case", "h1"))
        names.addWidget(Elided(str(case), "muted", middle=True))
        column.addLayout(row(Glyph("fingerprint", "accent", 34), names, stretch=(0, 1)))
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setPlaceholderText("Passphrase")
        self.field.setAccessibleName("Passphrase")
        column.addWidget(self.field)
        self.problem = label("", "bad", wrap=True)
        self.problem.hide()
        column.addWidget(self.problem)
        self.open_button = button("Open", primary=True)
        self.open_button.setDefault(True)
        cancel = button("Cancel")
        cancel.setAutoDefault(False)
        column.addLayout(row(label(""), self.open_button, cancel, spacing=8, stretch=(1, 0, 0)))
        self.open_button.clicked.connect(self.try_it)
        cancel.clicked.connect(self.reject)
        self.field.textChanged.connect(lambda text: self.open_button.setEnabled(bool(text)))
        self.open_button.setEnabled(False)
        self._tried.connect(self._answer, Qt.ConnectionType.QueuedConnection)

    def try_it(self) -> None:
        """Try the passphrase that is in the field."""
        passphrase = self.field.text()
        if not passphrase:
            return
        self.field.setEnabled(False)
        self.open_button.setEnabled(False)
        self.open_button.setText("Opening…")
        self._thread.submit(self._unlock, passphrase)

    def _unlock(self, passphrase: str) -> None:
        try:
            self._tried.emit(CaseView.open(self._case, passphrase), None)
        except Exception as error:
            self._tried.emit(None, error)

    def _answer(self, view: CaseView | None, error: Exception | None) -> None:
        self.field.setEnabled(True)
        self.open_button.setText("Open")
        self.open_button.setEnabled(True)
        if view is not None:
            if self.isVisible():
                self.accept()
                self.unlocked.emit(view)
            else:
                view.close()
        elif isinstance(error, DriveCustodyError):
            self.problem.setText(str(error))
            self.problem.show()
            self.adjustSize()
            self.field.selectAll()
            self.field.setFocus()
        elif error is not None:
            raise error

    def done(self, result: int) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self.field.clear()
        super().done(result)
