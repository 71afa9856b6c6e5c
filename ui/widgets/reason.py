"""A dialog that asks why: for a reveal, an exclusion, a note."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from ui.widgets.parts import button, label


class ReasonDialog(QDialog):
    """Asks for one sentence; it cannot be accepted without one. Open it with `open`, read `reason` when accepted."""

    def __init__(self, title: str, sentence: str, accept: str, parent: QWidget | None = None, text: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(480)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 18)
        column.setSpacing(12)
        column.addWidget(label(title, "h1"))
        column.addWidget(label(sentence, "muted", wrap=True))
        self.field = QLineEdit(text)
        self.field.setAccessibleName("Reason")
        self.field.setPlaceholderText("Reason")
        column.addWidget(self.field)
        buttons = QDialogButtonBox()
        self.accept_button = button(accept, primary=True)
        self.accept_button.setDefault(True)
        cancel = button("Cancel")
        cancel.setAutoDefault(False)
        buttons.addButton(self.accept_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(cancel, QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.field.textChanged.connect(lambda _: self._check())
        self._check()

    @property
    def reason(self) -> str:
        return self.field.text().strip()

    def _check(self) -> None:
        self.accept_button.setEnabled(bool(self.reason))

    def accept(self) -> None:
        if self.reason:
            super().accept()
