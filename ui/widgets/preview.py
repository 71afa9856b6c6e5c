"""One content in detail: what is known of it, and, for a reason that is recorded, its text, picture and bytes.

Nothing is decoded here: text comes from the case, bytes and pixels from the `serve` child.
"""

from __future__ import annotations

import base64
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QKeySequence, QPixmap, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from forensics.casefile.contents_view import Same
from forensics.casefile.search_view import SearchHit
from forensics.casefile.views import FileRow
from ui.companion import Companion
from ui.models.files import OUTCOME, STATUS, kind_text
from ui.widgets.bytes_pane import BytesPane
from ui.widgets.parts import Elided, Facts, button, count_text, label, row, size_text, time_text
from ui.widgets.picture import Shown
from ui.widgets.text_pane import CellPane, TextPane

TABS = (("details", "Details"), ("text", "Text"), ("picture", "Picture"), ("bytes", "Bytes"))
PICTURES = frozenset({"jpeg", "png", "gif", "tiff", "webp", "bmp"})
WIDEST_PICTURE = 2_000


class Preview(QWidget):
    """The lower half of the page of contents."""

    told = Signal(str)
    """What became of a copy."""

    reason_given = Signal(str)
    """Why contents are looked at; asked once, until the case is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._companion: Companion | None = None
        self.reason = ""
        self._file: FileRow | None = None
        self._exhibit = ""
        self._place: tuple[int, int] | None = None
        self._part: int | None = None
        self._found: tuple[int, int] | None = None
        self._look: int | None = None
        self._reopened = False
        self._generation = 0
        self._sides: tuple[int | None, int | None] = (None, None)
        self.title = Elided("No file is selected", "h2", middle=True)
        self._choice = QButtonGroup(self)
        self.tabs: dict[str, QPushButton] = {}
        for at, (name, text) in enumerate(TABS, 1):
            made = button(text, tip=f"{text} of what is selected  (Alt+{at})")
            QShortcut(QKeySequence(f"Alt+{at}"), self, lambda name=name: self.show_tab(name))
            made.setCheckable(True)
            made.setChecked(name == "details")
            made.clicked.connect(lambda _=False, name=name: self.show_tab(name))
            self._choice.addButton(made)
            self.tabs[name] = made
        self.stack = QStackedWidget()
        self.lines, self.rows = TextPane(), CellPane()
        self.lines.turned.connect(self._turn)
        self.rows.turned.connect(self._turn)
        self.bytes = BytesPane(self._ask)
        self.bytes.image_wanted.connect(self.show_image)
        self.facts = Facts(mono=("SHA-256", "MD5", "SHA-1", "Locator", "Same content"))
        self._panes: dict[str, QWidget] = {
            "details": self._details(), "reason": self._why(), "nothing": self._nothing(), "text": self.lines,
            "cells": self.rows, "picture": self._picture_pane(), "bytes": self.bytes,
        }  # fmt: skip
        for pane in self._panes.values():
            self.stack.addWidget(pane)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row(self.title, *self.tabs.values(), spacing=6, stretch=(1, *[0] * len(TABS))))
        column.addWidget(self.stack, 1)
        self.show_file(None)

    # -------------------------------------------------------------------------------------------------------- panes

    def _details(self) -> QWidget:
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(12, 10, 12, 10)
        column.addLayout(self.facts)
        column.addStretch()
        area = QScrollArea()
        area.setObjectName("plain")
        area.setAccessibleName("Details of the file")
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        return area

    def _why(self) -> QWidget:
        self.reason_field = QLineEdit()
        self.reason_field.setPlaceholderText("Why are contents looked at?")
        self.reason_field.setAccessibleName("Reason for looking at contents")
        self.reason_field.setMaximumWidth(420)
        self.reason_button = button("Show contents", primary=True)
        self.reason_button.setEnabled(False)
        self.reason_field.textChanged.connect(lambda text: self.reason_button.setEnabled(bool(text.strip())))
        self.reason_field.returnPressed.connect(self._give_reason)
        self.reason_button.clicked.connect(self._give_reason)
        return _centred(
            label("Contents are masked", "h2"),
            _still("Each content that is shown is recorded in the custody ledger with this reason."),
            self.reason_field,
            self.reason_button,
        )

    def _nothing(self) -> QWidget:
        self.nothing = _still("")
        return _centred(self.nothing)

    def _picture_pane(self) -> QWidget:
        self.picture = Shown()
        self.picture_size = label("", "small")
        pane = QWidget()
        column = QVBoxLayout(pane)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.picture, 1)
        column.addWidget(self.picture_size)
        return pane

    # ---------------------------------------------------------------------------------------------------- what is shown

    def enter(self, companion: Companion) -> None:
        self._companion = companion
        companion.ended.connect(self._lost)

    def leave(self) -> None:
        """Nothing of the case stays."""
        self._companion = None
        self.reason = ""
        self.reason_field.clear()
        self.tabs["details"].setChecked(True)
        self.show_file(None)

    def show_file(self, file: FileRow | None, first_part: int | None = None, same: Same | None = None) -> None:
        """Another file; `first_part` is where its text begins, None where none was extracted; `same` its copies."""
        stays = file is not None and self._file is not None and file.id == self._file.id and not self._found
        self._file, self._exhibit = file, ""
        self._tell(file, same)
        if not stays:
            self._forget()
            self._part = first_part
            self._show()

    def show_hit(self, hit: SearchHit, file: FileRow | None) -> None:
        """A place that a search found, in its text."""
        self._file, self._exhibit = file, ""
        self._tell(file)
        self._forget()
        if hit.part is not None:
            self._part, self._found = hit.part, (hit.at, hit.length)
            self.bytes.needle.setText("".join(text for text, marked in hit.snippet if marked))
            self.tabs["text"].setChecked(True)
        self._show()

    def show_image(
        self, exhibit: str, offset: int | None = None, length: int = 1, left: tuple[str, str] | None = None
    ) -> None:
        """The image of an exhibit, byte by byte; `left` is the place in it that was not examined, and the reason."""
        self._file, self._exhibit = None, exhibit
        self._forget()
        self._place = None if offset is None else (offset, length)
        self.title.setText(f"{left[0]}, in the image" if left else f"{exhibit}, the whole image")
        about = [("Locator", left[0]), ("Not examined", left[1])] if left else []
        self.facts.show([*about, ("Image", f"{exhibit}, byte by byte"), ("Next", "Bytes shows it.")])
        self.tabs["bytes"].setChecked(True)
        self._show()

    @property
    def of_image(self) -> bool:
        """Whether an exhibit's image is shown and not one of its files."""
        return bool(self._exhibit)

    def show_tab(self, name: str) -> None:
        self.tabs[name].setChecked(True)
        self._show()

    @property
    def tab(self) -> str:
        return next((name for name, made in self.tabs.items() if made.isChecked()), "details")

    def _forget(self) -> None:
        self._generation += 1
        self._reopened = False
        self._look = self._part = self._found = self._place = None
        self.lines.clear()
        self.rows.clear()
        self.picture.show_pixels(None)
        self.bytes.show_content(None, 0, None)
        self.bytes.needle.clear()

    def _lost(self) -> None:
        """The companion ended, and with it what it had open: opened once more at the same place, unless it was just
        this content that ended it before.
        """
        had, self._look = self._look is not None, None
        self.bytes.lost()
        if had and self.tab == "bytes" and not self._reopened:
            self._reopened = True
            self._ask("look open", self._regained, locator=self._locator(), reason=self.reason)

    def _regained(self, answer: dict[str, Any]) -> None:
        self._look = int(answer["look"])
        self._put("bytes")
        self.bytes.regained(self._look)

    def _show(self) -> None:
        tab = self.tab
        if tab == "details":
            self._put("details")
        elif self._file is None and not self._exhibit:
            self._say_nothing("Select a file to see it here.")
        elif tab == "text" and self._part is None:
            self._say_nothing("No text was extracted from this file. Bytes shows it as it is.")
        elif tab == "picture" and (self._file is None or self._file.type not in PICTURES):
            self._say_nothing("This is no picture.")
        elif not self.reason:
            self._put("reason")
        elif tab == "text":
            self._read_part()
        elif self._look is None:
            self._open()
        elif tab == "picture":
            self._ask("look picture", self._take_picture, look=self._look)
        else:
            self._put("bytes")

    def _put(self, pane: str) -> None:
        self.stack.setCurrentWidget(self._panes[pane])

    def _say_nothing(self, text: str) -> None:
        self.nothing.setText(text)
        self._put("nothing")

    def _give_reason(self) -> None:
        if reason := self.reason_field.text().strip():
            self.reason = reason
            self.reason_given.emit(reason)
            self._show()

    def _ask(self, verb: str, take: Any, **request: Any) -> None:
        """Ask the companion; an answer about a content that is shown no more is dropped."""
        if self._companion is None:
            return
        generation = self._generation
        self._companion.ask(
            verb,
            request,
            lambda answer: take(answer) if generation == self._generation else None,
            lambda sentence: self._say_nothing(sentence) if generation == self._generation else None,
        )

    # ---------------------------------------------------------------------------------------------------------- text

    def _read_part(self) -> None:
        self._say_nothing("Reading …")
        self._ask("text", self._take_part, part=self._part, reason=self.reason)

    def _take_part(self, answer: dict[str, Any]) -> None:
        text, where = str(answer["text"]), str(answer["locator"])
        self._sides = answer["before"], answer["behind"]
        pane: TextPane | CellPane = self.rows if answer["cells"] else self.lines
        pane.allow(*(side is not None for side in self._sides))
        # Shown first: what was found can be brought into sight only in a pane that has its size.
        self._put("cells" if answer["cells"] else "text")
        if answer["cells"]:
            self.rows.show_text(text, int(answer["first"]), where, self._found)
        else:
            self.lines.show_text(text, where, self._found)

    def _turn(self, side: int) -> None:
        if (part := self._sides[side]) is not None:
            self._part, self._found = part, None
            self._read_part()

    # ---------------------------------------------------------------------------------------------- picture and bytes

    def _open(self) -> None:
        self._say_nothing("Opening …")
        self._ask("look open", self._opened, locator=self._locator(), reason=self.reason)

    def _locator(self) -> str:
        return self._exhibit or (self._file.locator if self._file else "")

    def _opened(self, answer: dict[str, Any]) -> None:
        self._look = int(answer["look"])
        device = answer["device_offset"]
        self.bytes.show_content(self._look, int(answer["size"]), None if device is None else int(device))
        if self._place:
            self.bytes.hex.go_to(*self._place)
        self._show()

    def _take_picture(self, answer: dict[str, Any]) -> None:
        wide, high = int(answer["width"]), int(answer["height"])
        rgb = base64.b64decode(answer["rgb"])
        if not 0 < wide <= WIDEST_PICTURE or not 0 < high <= WIDEST_PICTURE or len(rgb) != 3 * wide * high:
            self._say_nothing("The picture could not be decoded.")
            return
        image = QImage(rgb, wide, high, 3 * wide, QImage.Format.Format_RGB888).copy()
        self.picture.show_pixels(QPixmap.fromImage(image))
        true = answer["of"]
        self.picture_size.setText(f"{true[0]:,} × {true[1]:,} pixels")
        self._put("picture")

    # ---------------------------------------------------------------------------------------------- copies, and places

    def save_copy(self, file: FileRow, out: str, reason: str) -> None:
        """Write the content of a file outside of the case, recorded with its reason; `told` says what became of it."""
        companion = self._companion
        if companion is None:
            return

        def opened(answer: dict[str, Any]) -> None:
            companion.ask("look save", {"look": answer["look"], "out": out, "reason": reason}, saved, self.told.emit)

        def saved(answer: dict[str, Any]) -> None:
            said = f"Copied {count_text(int(answer['size']), 'byte')}, SHA-256 {answer['sha256']}"
            if answer["as_indexed"] is False:
                said += ", which is not what index found"
            self.told.emit(said)

        self.told.emit("Copying …")
        companion.ask("look open", {"locator": file.locator, "reason": reason}, opened, self.told.emit)

    # ------------------------------------------------------------------------------------------------------- details

    def _tell(self, file: FileRow | None, same: Same | None = None) -> None:
        if file is None:
            self.title.setText("No file is selected")
            self.facts.show([("Next", "Select a file to see its hash, its times and where it stands.")])
            return
        self.title.setText(file.name)
        state = f"{STATUS.get(file.status, (file.status, ''))[0]} · {OUTCOME.get(file.outcome, (file.outcome, ''))[0]}"
        for doubt in (file.reason, file.uncertain_because):
            state += f": {doubt}" if doubt else ""
        facts = [
            ("SHA-256", file.sha256 or "not hashed"),
            ("MD5", file.md5 or "not hashed"),
            ("SHA-1", file.sha1 or "not hashed"),
            ("Locator", file.locator),
            ("Modified", time_text(file.modified)),
            ("Created", f"{time_text(file.created)} · accessed {time_text(file.accessed)}"),
            ("Size", f"{size_text(file.size)} ({file.size:,} bytes), {kind_text(file.type)}"),
            ("State", state),
        ]
        if file.notes:
            facts.append(("Noted", file.notes))
        if same and same.count:
            more = same.count - len(same.locators)
            facts.append(("Same content", "\n".join((*same.locators, *([f"and {more:,} more"] if more else [])))))
        self.facts.show(facts)


def _still(text: str) -> QLabel:
    made = label(text, "muted", wrap=True)
    made.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    return made


def _centred(*parts: QWidget) -> QWidget:
    pane = QWidget()
    column = QVBoxLayout(pane)
    column.setSpacing(8)
    column.addStretch()
    for part in parts:
        if isinstance(part, QLabel):
            part.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(part)
        else:
            column.addLayout(row(label(""), part, label(""), stretch=(1, 2 if isinstance(part, QLineEdit) else 0, 1)))
    column.addStretch()
    return pane
