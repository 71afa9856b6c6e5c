"""The bytes of a content with an offset to go to and something to find."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from ui.widgets.hex_view import HexView
from ui.widgets.parts import Elided, button, row, size_text


class Ask(Protocol):
    """Asks the companion about what is shown; `take` gets the answer unless something else is shown by then."""

    def __call__(self, verb: str, take: Any, **request: object) -> None: ...


@dataclass
class _Hunt:
    """What is being looked for: from where, in which direction, and whether it went around the end already."""

    needles: tuple[bytes, ...]
    start: int
    back: bool
    around: bool = False


class BytesPane(QWidget):
    """Shows what `look open` opened."""

    image_wanted = Signal(str, object, object)
    """The exhibit, and offset and length in its image, of what is under the cursor. Offsets are `int`s of any size."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask
        self._look: int | None = None
        self._begins: int | None = None
        self._hunt: _Hunt | None = None
        self._found: int | None = None
        self.hex = HexView("Bytes")
        self.hex.wanted.connect(self._want)
        self.hex.moved.connect(self._moved)
        self.at = Elided("", "small")
        self.goto = QLineEdit()
        self.goto.setPlaceholderText("Go to offset")
        self.goto.setAccessibleName("Go to offset")
        self.goto.setToolTip("Decimal, or 0x and hexadecimal; + or − from the cursor on  (Ctrl+G)")
        self.goto.setFixedWidth(118)
        self.goto.returnPressed.connect(self._go)
        self.needle = QLineEdit()
        self.needle.setPlaceholderText("Find text or 0x bytes")
        self.needle.setAccessibleName("Find text, or bytes as 0x and hexadecimal")
        self.needle.setToolTip("Text is looked for in UTF-8 and UTF-16  (F3 next, Shift+F3 before)")
        self.needle.setMinimumWidth(150)
        self.needle.setMaximumWidth(260)
        self.needle.returnPressed.connect(self.find_next)
        self.find_button = button("Find next")
        self.find_button.clicked.connect(self.find_next)
        self.image_button = button("In the image", tip="Where this byte stands in the exhibit’s image")
        self.image_button.clicked.connect(self._to_image)
        for keys, act in (
            ("F3", self.find_next), ("Shift+F3", self.find_before), ("Ctrl+G", self.goto.setFocus),
        ):  # fmt: skip
            QShortcut(QKeySequence(keys), self, act, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        parts = (self.goto, self.needle, self.find_button, QWidget(), self.image_button)
        column.addLayout(row(*parts, spacing=6, stretch=(0, 2, 0, 1, 0)))
        column.addWidget(self.hex, 1)
        column.addWidget(self.at)

    def show_content(self, look: int | None, size: int, begins: int | None) -> None:
        """Another content; `begins` is the byte of the image at which it starts, None where it has no such."""
        self._look, self._begins, self._found = look, begins, None
        self._end_finding()
        self.hex.show_content(size)
        self.image_button.setVisible(bool(begins))
        if look is None:
            self.at.setText("")
        else:
            self._moved(0)

    def lost(self) -> None:
        """The companion holds it open no longer; what is here stays on screen."""
        self._look = None
        self._end_finding()
        self.hex.refuse()

    def regained(self, look: int) -> None:
        """The same content is open again."""
        self._look = look
        self.hex.viewport().update()

    def _want(self, offset: int, length: int) -> None:
        if self._look is not None:
            self._ask("look bytes", self._take_bytes, look=self._look, offset=offset, length=length)

    def _take_bytes(self, answer: dict[str, Any]) -> None:
        self.hex.give(int(answer["offset"]), base64.b64decode(answer["data"]))

    def _moved(self, offset: int) -> None:
        said = f"Offset 0x{offset:X} ({offset:,}) of {size_text(self.hex.size_in_bytes)}"
        if self._begins:
            said += f"; the content begins at 0x{self._begins:X} of the image"
        self.at.setText(said)

    def _go(self) -> None:
        text = self.goto.text().strip().replace(",", "").replace("_", "").replace("−", "-")
        sign, number = (text[:1], text[1:]) if text[:1] in ("+", "-") else ("", text)
        try:
            offset = int(number if number[:1].isdigit() else "", 16 if number.lower().startswith("0x") else 10)
        except ValueError:
            self.at.setText("An offset is a number such as 4096 or 0x1000.")
            return
        if sign:
            offset = self.hex.cursor_at + (offset if sign == "+" else -offset)
        if self.hex.go_to(offset):
            self.hex.setFocus()
        else:
            self.at.setText(f"The last offset is 0x{max(0, self.hex.size_in_bytes - 1):X}.")

    def _to_image(self) -> None:
        if self._look is not None:
            self._ask("look place", self._take_place, look=self._look, offset=self.hex.cursor_at)

    def _take_place(self, answer: dict[str, Any]) -> None:
        if answer["device_offset"] is None:
            self.at.setText("The image does not hold this byte as it is.")
            return
        first, behind = self.hex.marked
        length = max(1, min(int(answer["length"]), behind - max(first, self.hex.cursor_at)))
        self.image_wanted.emit(str(answer["exhibit"]), int(answer["device_offset"]), length)

    # ---------------------------------------------------------------------------------------------------------- find

    def find_next(self) -> None:
        """The next place behind the cursor, from the beginning when there is none; or stop looking."""
        self._find(False)

    def find_before(self) -> None:
        """The last place before the cursor, from the end when there is none; or stop looking."""
        self._find(True)

    def _find(self, back: bool) -> None:
        if self._hunt is not None:
            self._end_finding()
            return
        needles = needles_of(self.needle.text())
        if not needles:
            self.at.setText("Type what to find: text, or 0x and pairs of hexadecimal digits.")
        elif self._look is not None:
            here = self.hex.cursor_at
            start = here + 1 if not back and here == self._found else here
            self._hunt = _Hunt(needles, start, back)
            self.find_button.setText("Stop")
            self._find_from(self._hunt, start)

    def _find_from(self, hunt: _Hunt, offset: int) -> None:
        request: dict[str, object] = {"hex": [needle.hex() for needle in hunt.needles], "offset": offset}
        self._ask(
            "look find", lambda answer: self._take_found(hunt, answer), look=self._look, back=hunt.back, **request
        )

    def _take_found(self, hunt: _Hunt, answer: dict[str, Any]) -> None:
        if hunt is not self._hunt:
            return
        found, to, size = answer["found"], int(answer["to"]), int(answer["size"])
        if found is not None:
            self._end_finding()
            self._found = int(found)
            self.hex.go_to(self._found, int(answer["length"]))
            self.hex.setFocus()
            if hunt.around:
                self.at.setText(f"{self.at.text()} · went on from the {'end' if hunt.back else 'beginning'}")
            return
        at_end = to <= 0 if hunt.back else to >= size
        over = hunt.around and (at_end or (to <= hunt.start if hunt.back else to >= hunt.start))
        if over or (at_end and hunt.start == (size if hunt.back else 0)):
            self._end_finding()
            self.at.setText("Not found.")
        elif at_end:
            hunt.around = True
            self._find_from(hunt, size if hunt.back else 0)
        else:
            self.at.setText(f"Looked through to {size_text(to)} of {size_text(size)} …")
            self._find_from(hunt, to)

    def _end_finding(self) -> None:
        self._hunt = None
        self.find_button.setText("Find next")


def needles_of(text: str) -> tuple[bytes, ...]:
    """The bytes that a person looks for: behind 0x pairs of hexadecimal digits, else text as UTF-8 and as UTF-16;
    empty where it is neither.
    """
    if text.strip().lower().startswith("0x"):
        try:
            given = bytes.fromhex(text.strip()[2:])[:LONGEST]
        except ValueError:
            return ()
        return (given,) if given else ()
    coded = (text.encode(code, "surrogatepass")[:LONGEST] for code in ("utf-8", "utf-16-le"))
    return tuple(one for one in coded if one)


LONGEST = 256
"""Bytes that `look find` takes."""
