"""Passwords that somebody knows, to be tried on what is locked."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from ui.widgets.parts import button, label, row


class PasswordsDialog(QDialog):
    """`given` hands over the passwords, one a line as they were typed; the window keeps nothing of them."""

    given = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Try passwords")
        self.setMinimumWidth(440)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 18)
        column.setSpacing(12)
        column.addWidget(label("Passwords to try on what is locked", "h2"))
        column.addWidget(
            label(
                "One a line, as they are: spaces count. The encrypted case keeps them for later examinations; "
                "nothing else does.",
                "muted", wrap=True,
            )
        )  # fmt: skip
        self.field = QPlainTextEdit()
        self.field.setObjectName("passage")
        self.field.setAccessibleName("Passwords, one a line")
        self.field.setTabChangesFocus(True)
        self.field.setFixedHeight(150)
        column.addWidget(self.field)
        self.try_button = button("Try them", primary=True)
        self.try_button.setEnabled(False)
        cancel = button("Cancel")
        column.addLayout(row(label(""), self.try_button, cancel, spacing=8, stretch=(1, 0, 0)))
        self.field.textChanged.connect(lambda: self.try_button.setEnabled(bool(self.passwords())))
        self.try_button.clicked.connect(self._give)
        cancel.clicked.connect(self.reject)

    def passwords(self) -> tuple[str, ...]:
        """What was typed, each once; empty lines are none."""
        return tuple(dict.fromkeys(line for line in self.field.toPlainText().split("\n") if line))

    def _give(self) -> None:
        passwords = self.passwords()
        self.field.clear()
        self.accept()
        self.given.emit(passwords)
