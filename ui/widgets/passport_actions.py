"""What can be done with the person a passport panel shows: reveal the values, and save the page."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from ui.session import Session
from ui.widgets.passport_panel import PassportPanel
from ui.widgets.reason import ReasonDialog


class PassportActions(QObject):
    """Asks for a reason, then the companion; `said` tells the kind of a banner and its sentence."""

    said = Signal(str, str)

    def __init__(self, panel: PassportPanel) -> None:
        super().__init__(panel)
        self.session: Session | None = None
        self.dialog: ReasonDialog | None = None
        self._panel = panel
        panel.reveal_wanted.connect(self.ask_reveal)
        panel.save_wanted.connect(self.ask_save)

    def enter(self, session: Session) -> None:
        self.session = session

    def leave(self) -> None:
        if self.dialog:
            self.dialog.reject()
        self.session = None

    def ask_reveal(self) -> None:
        key = self._panel.record_key
        self.dialog = dialog = ReasonDialog(
            "Reveal values", f"That you look at the values of {key}, and why, is recorded before they are shown.",
            "Reveal", self._panel,
        )  # fmt: skip
        dialog.accepted.connect(lambda: self._reveal(key, dialog.reason))
        dialog.finished.connect(lambda _: self._done(dialog))
        dialog.open()

    def _done(self, dialog: ReasonDialog) -> None:
        dialog.deleteLater()
        self.dialog = None

    def _reveal(self, key: str, reason: str) -> None:
        if self.session:
            self.session.companion.ask(
                "reveal", {"record_key": key, "reason": reason},
                lambda told: self._panel.show_values(key, told["record"]), lambda why: self.said.emit("bad", why),
            )  # fmt: skip

    def ask_save(self) -> None:
        key = self._panel.record_key
        chosen, _ = QFileDialog.getSaveFileName(self._panel, "Save the passport", "passport.pdf", "PDF (*.pdf)")
        if chosen:
            self.save(key, Path(chosen))

    def save(self, key: str, out: Path) -> None:
        """Write the passport of a person as a PDF; the ledger gets its hash."""
        if self.session:
            self.session.companion.ask(
                "passport", {"record_key": key, "out": str(out)},
                lambda told: self.said.emit("ok", f"{out.name} is written: passport {told['passport_id']}."),
                lambda why: self.said.emit("bad", why),
            )  # fmt: skip
