"""The report: what is missing before it is signed, and the newest PDF of the case as it is."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMargins, Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtPdf import QPdfDocument
from PySide6.QtPdfWidgets import QPdfView
from PySide6.QtWidgets import QGridLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from ui import theme
from ui.pages.base import CasePageBase
from ui.summary import Check, Summary, before_signing
from ui.widgets.parts import Card, Empty, Facts, Glyph, button, chip, label, row, set_chip, size_text

_MARK = {
    True: ("circle-check", "ok", "Yes"),
    False: ("alert-triangle", "warn", "Open"),
    None: ("info-circle", "muted", "Note"),
}


class ReportPage(CasePageBase):
    def __init__(self) -> None:
        self.statements_button = button("S&tatements…", "check", tip="What only the examiner can say, one by one")
        self.draft_button = button("Make &draft", "download", tip="Write a watermarked draft into the case")
        self.package_button = button("&Package…", "file-zip", tip="Make the evidence package of the newest report")
        self.verify_button = button("&Verify", "shield-check", tip="Check ledger, images, reports and signatures")
        self.sign_button = button("&Sign…", "writing-sign", primary=True, tip="Write and sign the report", key="Ctrl+E")
        super().__init__(
            "Report", "", self.verify_button, self.package_button, self.statements_button, self.draft_button,
            self.sign_button,
        )  # fmt: skip
        self.draft_button.clicked.connect(lambda: self.verb_wanted.emit("report"))
        self.sign_button.clicked.connect(lambda: self.verb_wanted.emit("sign"))
        self.statements_button.clicked.connect(lambda: self.verb_wanted.emit("statements"))
        self.package_button.clicked.connect(lambda: self.verb_wanted.emit("package"))
        self.verify_button.clicked.connect(lambda: self.verb_wanted.emit("verify"))
        self._shown: tuple[Path, int] | None = None
        self.pdf = QPdfDocument(self)
        self.preview = QPdfView()
        self.preview.setObjectName("plain")
        self.preview.setAccessibleName("Report preview")
        self.preview.setDocument(self.pdf)
        self.preview.setDocumentMargins(QMargins(18, 18, 18, 18))
        self.preview.setPageMode(QPdfView.PageMode.MultiPage)
        self.preview.setZoomMode(QPdfView.ZoomMode.FitToWidth)
        self._left = QStackedWidget()
        self._left.addWidget(self.preview)
        self._none = Empty("report", "No report yet", "Make a draft to read it here before it is signed.")
        self._left.addWidget(self._none)
        self.facts = Facts(mono=("File", "Folder"))
        document = Card("Document")
        document.body.addLayout(self.facts)
        self.open_chip = chip("", "idle")
        checks = Card("Before signing", self.open_chip)
        self._grid = QGridLayout()
        self._grid.setVerticalSpacing(9)
        self._grid.setHorizontalSpacing(10)
        self._grid.setColumnStretch(1, 1)
        checks.body.addLayout(self._grid)
        inner = QWidget()
        inner.setObjectName("scrolled")
        side = QVBoxLayout(inner)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(12)
        side.addWidget(document)
        side.addWidget(checks)
        side.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        scroll.setAccessibleName("Before signing")
        body = row(self._left, scroll, spacing=12, stretch=(7, 4))
        body.setContentsMargins(0, 0, 0, 0)
        self.content.setLayout(body)
        self._repaint_ground()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange and hasattr(self, "preview"):
            QTimer.singleShot(0, self, self._repaint_ground)

    def _repaint_ground(self) -> None:
        """QPdfView paints the ground around the pages from the palette, which a style sheet does not reach."""
        palette = self.preview.palette()
        palette.setColor(QPalette.ColorRole.Dark, theme.now().color("surface2"))
        self.preview.setPalette(palette)
        self.preview.viewport().setPalette(palette)

    def show_summary(self, case: Summary) -> None:
        checks = before_signing(case)
        self._show_checks(checks)
        still_open = sum(check.holds is False for check in checks)
        set_chip(self.open_chip, f"{still_open} open" if still_open else "Nothing open", "warn" if still_open else "ok")
        self._show_newest(case)
        ready = case.assessment is not None
        for part, what in ((self.draft_button, "draft"), (self.sign_button, "signature")):
            part.setEnabled(ready)
            part.setToolTip(part.toolTip() if ready else f"Assess exposure before a {what}")
        if ready and still_open:
            self.sign_button.setEnabled(False)
            self.sign_button.setToolTip("A signature waits for what is open in the list beside the preview")
        self.statements_button.setEnabled(bool(case.acquisitions))
        self.package_button.setEnabled(bool(case.last_report))

    def _show_checks(self, checks: list[Check]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if widget := item.widget():
                widget.setParent(None)
                widget.deleteLater()
        for at, check in enumerate(checks):
            icon, ink, word = _MARK[check.holds]
            said = label(check.said, wrap=True)
            said.setAccessibleName(f"{word}: {check.said}")
            self._grid.addWidget(Glyph(icon, ink, 18), at, 0)
            self._grid.addWidget(said, at, 1)

    def _show_newest(self, case: Summary) -> None:
        newest = case.reports[0] if case.reports else None
        if newest is None or not newest.is_file():
            self.sentence.setText("Nothing written yet")
            self._left.setCurrentWidget(self._none)
            self.facts.show([("Report", "None yet")])
            self._close_pdf()
            return
        found = newest.stat()
        if self._shown != (newest, found.st_mtime_ns):
            self._shown = (newest, found.st_mtime_ns)
            self.pdf.load(str(newest))
        self.sentence.setText(f"{newest.name}, exactly as it is in the case")
        self._left.setCurrentWidget(self.preview)
        self.facts.show(
            [
                ("File", newest.name),
                ("Pages", f"{self.pdf.pageCount():,}"),
                ("Size", size_text(found.st_size)),
                ("Folder", str(newest.parent)),
                ("Report", _kind(case, newest)),
            ]
        )

    def _close_pdf(self) -> None:
        self._shown = None
        self.pdf.close()

    def leave(self) -> None:
        super().leave()
        self._close_pdf()


def _kind(case: Summary, file: Path) -> str:
    """Which report a file is, as the case recorded it; what a signature is worth is for `verify` to say."""
    made = case.last_report
    if not made or Path(str(made.get("file"))).name != file.name:
        return "Not recorded in this case"
    return f"{made.get('report_id')}, " + ("signed; not checked here" if made.get("signed") else "a draft, not signed")
