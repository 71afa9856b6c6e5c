"""The bytes of a content with an offset to go to and something to find."""

from __future__ import annotations

import base64
from typing import Any, Protocol

from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from ui.widgets.hex_view import HexView
from ui.widgets.parts import Elided, button, row, size_text


class Ask(Protocol):
    """Asks the companion about what is shown; `take` gets the answer unless something else is shown by then."""

    def __call__(self, verb: str, take: Any, **request: object) -> None: ...


class BytesPane(QWidget):
    """Shows what `look open` opened."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask
        self._look: int | None = None
        self._begins: int | None = None
        self._finding = False
        self.hex = HexView("Bytes")
        self.hex.wanted.connect(self._want)
        self.hex.moved.connect(self._moved)
        self.at = Elided("", "small")
        self.goto = QLineEdit()
        self.goto.setPlaceholderText("Go to offset")
        self.goto.setAccessibleName("Go to offset")
        self.goto.setToolTip("Decimal, or 0x and hexadecimal")
        self.goto.setFixedWidth(132)
        self.goto.returnPressed.connect(self._go)
        self.needle = QLineEdit()
        self.needle.setPlaceholderText("Find text or 0x bytes")
        self.needle.setAccessibleName("Find text, or bytes as 0x and hexadecimal")
        self.needle.setFixedWidth(166)
        self.needle.returnPressed.connect(self._find_next)
        self.find_button = button("Find next")
        self.find_button.clicked.connect(self._find_next)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row(self.at, self.goto, self.needle, self.find_button, spacing=6, stretch=(1, 0, 0, 0)))
        column.addWidget(self.hex, 1)

    def show_content(self, look: int | None, size: int, begins: int | None) -> None:
        """Another content; `begins` is the byte of the image at which it starts, None where it has no such."""
        self._look, self._begins = look, begins
        self._end_finding()
        self.hex.show_content(size)
        if look is None:
            self.at.setText("")
        else:
            self._moved(0)

    def _want(self, offset: int, length: int) -> None:
        if self._look is not None:
            self._ask("look bytes", self._take_bytes, look=self._look, offset=offset, length=length)

    def _take_bytes(self, answer: dict[str, Any]) -> None:
        self.hex.give(int(answer["offset"]), base64.b64decode(answer["data"]))

    def _moved(self, offset: int) -> None:
        said = f"Offset 0x{offset:X} ({offset:,}) of {size_text(self.hex.size_in_bytes)}"
        if self._begins is not None:
            said += f"; the content begins at 0x{self._begins:X} of the image"
        self.at.setText(said)

    def _go(self) -> None:
        text = self.goto.text().strip().replace(",", "").replace("_", "")
        try:
            offset = int(text, 16 if text.lower().startswith("0x") else 10)
        except ValueError:
            self.at.setText("An offset is a number such as 4096 or 0x1000.")
            return
        if self.hex.go_to(offset):
            self.hex.setFocus()
        else:
            self.at.setText(f"The last offset is 0x{max(0, self.hex.size_in_bytes - 1):X}.")

    # ---------------------------------------------------------------------------------------------------------- find

    def _find_next(self) -> None:
        if self._finding:
            self._end_finding()
            return
        needle = needle_of(self.needle.text())
        if needle is None:
            self.at.setText("Type what to find: text, or 0x and pairs of hexadecimal digits.")
        elif self._look is not None:
            self._finding = True
            self.find_button.setText("Stop")
            self._find_from(needle, self.hex.cursor_at + (self.hex.cursor_at > 0))

    def _find_from(self, needle: bytes, offset: int) -> None:
        request = {"look": self._look, "hex": needle.hex(), "offset": offset}
        self._ask("look find", lambda answer: self._take_found(needle, answer), **request)

    def _take_found(self, needle: bytes, answer: dict[str, Any]) -> None:
        if not self._finding:
            return
        found, to, size = answer["found"], int(answer["to"]), int(answer["size"])
        if found is None and to < size - len(needle):
            self.at.setText(f"Looked through {size_text(to)} of {size_text(size)} …")
            self._find_from(needle, to)
            return
        self._end_finding()
        if found is None:
            self.at.setText("Not found from here to the end.")
        else:
            self.hex.go_to(int(found), len(needle))
            self.hex.setFocus()

    def _end_finding(self) -> None:
        self._finding = False
        self.find_button.setText("Find next")


def needle_of(text: str) -> bytes | None:
    """The bytes that a person looks for: behind 0x pairs of hexadecimal digits, else text in UTF-8; None for none."""
    if text.strip().lower().startswith("0x"):
        try:
            return bytes.fromhex(text.strip()[2:]) or None
        except ValueError:
            return None
    return text.encode("utf-8")[:256] or None
