"""Bytes as hexadecimal and text, of a content of any size: only the rows on screen are asked for, and kept a while.

The widget opens nothing. `wanted` asks for a block, `give` brings it; until then its bytes are dots.
"""

from __future__ import annotations

from collections import OrderedDict
from math import ceil

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from ui import theme

WIDE = 16
"""Bytes of a row."""

BLOCK = 64 << 10
KEPT = 64
"""Blocks that are kept: 4 MiB."""

STEPS = 1 << 30
"""Positions of the scroll bar at most: a 64 GiB content has 4.3 thousand million rows, and Qt counts in 31 bits."""

_LEFT, _GAP = 10, 18


class HexView(QAbstractScrollArea):
    """Shows one content; the cursor is a byte, the highlight a range of them."""

    wanted = Signal(object, int)
    """Offset and length of a block that is on screen and not here. The offset is an `int` of any size."""

    moved = Signal(object)
    """The byte under the cursor."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("plain")
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self._size = 0
        self._top = 0
        self._cursor = 0
        self._marked = (0, 0)
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._asked: set[int] = set()
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self._setting = False

    # ------------------------------------------------------------------------------------------------------- content

    @property
    def size_in_bytes(self) -> int:
        return self._size

    @property
    def cursor_at(self) -> int:
        return self._cursor

    @property
    def top_row(self) -> int:
        return self._top

    def show_content(self, size: int) -> None:
        """Another content, of this many bytes; nothing of the one before stays."""
        self._size, self._top, self._cursor, self._marked = size, 0, 0, (0, 0)
        self._blocks.clear()
        self._asked.clear()
        self._range()
        self._say()
        self.viewport().update()

    @property
    def marked(self) -> tuple[int, int]:
        """Where the highlight begins and ends."""
        return self._marked

    def refuse(self) -> None:
        """What was asked for does not come; it is asked for again when it is drawn again."""
        self._asked.clear()

    def give(self, offset: int, data: bytes) -> None:
        """Bytes that were asked for."""
        self._asked.discard(offset // BLOCK)
        self._blocks[offset // BLOCK] = data
        while len(self._blocks) > KEPT:
            self._blocks.popitem(last=False)
        self._say()
        self.viewport().update()

    def go_to(self, offset: int, length: int = 1) -> bool:
        """Put the cursor on a byte, the highlight from there on, and both into sight; False outside of the content."""
        if not 0 <= offset < self._size:
            return False
        self._marked = (offset, min(self._size, offset + length))
        self._move(offset, keep_mark=True)
        row = offset // WIDE
        if not self._top <= row < self._top + self._rows():
            self._set_top(row - self._rows() // 2)
        return True

    def byte_at(self, offset: int) -> int | None:
        """A byte that is here; None while it is on its way."""
        block = self._blocks.get(offset // BLOCK)
        at = offset % BLOCK
        return block[at] if block is not None and at < len(block) else None

    # ------------------------------------------------------------------------------------------------------ geometry

    def _line(self) -> int:
        return self.fontMetrics().height() + 3

    def _rows(self) -> int:
        return max(1, (self.viewport().height() - self._head()) // self._line())

    def _head(self) -> int:
        return self._line() + 6

    def _all_rows(self) -> int:
        return (self._size + WIDE - 1) // WIDE

    def _last_top(self) -> int:
        return max(0, self._all_rows() - self._rows())

    def _columns(self) -> tuple[float, float, float, float]:
        """Where the bytes and the text begin, the width of a character, and the width of it all."""
        one = theme.metrics_of_mono()
        digits = max(8, len(f"{max(0, self._size - 1):X}"))
        first = _LEFT + digits * one + _GAP
        text = first + (WIDE * 3 + 1) * one + _GAP
        return first, text, one, text + WIDE * one + _LEFT

    def _range(self) -> None:
        last = self._last_top()
        self._setting = True
        bar = self.verticalScrollBar()
        bar.setRange(0, min(last, STEPS))
        bar.setPageStep(max(1, self._rows()))
        bar.setValue(self._top if last <= STEPS else self._top * STEPS // last)
        self._setting = False
        across = self._columns()[3] - self.viewport().width()
        self.horizontalScrollBar().setRange(0, max(0, ceil(across)))

    def _scrolled(self, value: int) -> None:
        if not self._setting:
            last = self._last_top()
            self._top = value if last <= STEPS else value * last // STEPS
            self.viewport().update()

    def _set_top(self, row: int) -> None:
        self._top = min(max(0, row), self._last_top())
        self._range()
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_top(self._top)

    # -------------------------------------------------------------------------------------------------------- person

    def wheelEvent(self, event: QWheelEvent) -> None:
        # The scroll bar would leap over thousands of rows of a large content.
        self._set_top(self._top - event.angleDelta().y() // 40)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = self._rows() * WIDE
        ends = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        key, at = event.key(), self._cursor
        leaps = {
            Qt.Key.Key_Left: at - 1, Qt.Key.Key_Right: at + 1, Qt.Key.Key_Up: at - WIDE, Qt.Key.Key_Down: at + WIDE,
            Qt.Key.Key_PageUp: at - page, Qt.Key.Key_PageDown: at + page,
            Qt.Key.Key_Home: 0 if ends else at - at % WIDE,
            Qt.Key.Key_End: self._size - 1 if ends else at - at % WIDE + WIDE - 1,
        }  # fmt: skip
        if key not in leaps or not self._size:
            super().keyPressEvent(event)
            return
        self._move(min(max(0, leaps[Qt.Key(key)]), self._size - 1))
        row = self._cursor // WIDE
        if row < self._top:
            self._set_top(row)
        elif row >= self._top + self._rows():
            self._set_top(row - self._rows() + 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._byte_under(event.position().toPoint())
        if found is not None:
            self._move(found)

    def _byte_under(self, point: QPoint) -> int | None:
        first, text, one, _ = self._columns()
        across = point.x() + self.horizontalScrollBar().value()
        row = self._top + (point.y() - self._head()) // self._line()
        if text <= across < text + WIDE * one:
            column = int((across - text) / one)
        elif first <= across < text - _GAP:
            inside = int((across - first) / one)
            column = (inside - (1 if inside >= WIDE // 2 * 3 else 0)) // 3
        else:
            return None
        offset = row * WIDE + min(column, WIDE - 1)
        return offset if point.y() >= self._head() and 0 <= offset < self._size else None

    def _move(self, offset: int, keep_mark: bool = False) -> None:
        self._cursor = offset
        if not keep_mark:
            self._marked = (offset, offset + 1)
        self._say()
        self.moved.emit(offset)
        self.viewport().update()

    def _say(self) -> None:
        value = self.byte_at(self._cursor)
        said = "not read yet" if value is None else f"{value:02X}"
        self.setAccessibleDescription(f"Byte {self._cursor:,} of {self._size:,}: {said}" if self._size else "No bytes")

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    # ------------------------------------------------------------------------------------------------------- drawing

    def _want(self, first: int, last: int) -> None:
        for number in range(first // BLOCK, last // BLOCK + 1):
            if number not in self._blocks and number not in self._asked:
                self._asked.add(number)
                self.wanted.emit(number * BLOCK, min(BLOCK, self._size - number * BLOCK))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        tokens, painter = theme.now(), QPainter(self.viewport())
        painter.setFont(theme.mono_font())
        first, text, one, wide = self._columns()
        left, line, head = -self.horizontalScrollBar().value(), self._line(), self._head()
        aligned = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(tokens.color("muted"))
        painter.drawText(QRectF(left + _LEFT, 2, first, line), aligned, "Offset")
        painter.drawText(QRectF(left + first, 2, wide, line), aligned, _spaced([f"{n:02X}" for n in range(WIDE)]))
        painter.drawText(QRectF(left + text, 2, wide, line), aligned, "Text")
        painter.setPen(tokens.color("grid"))
        painter.drawLine(0, head - 3, self.viewport().width(), head - 3)
        if not self._size:
            return
        rows = min(self._rows() + 1, self._all_rows() - self._top)
        begin, end = self._top * WIDE, min(self._size, (self._top + rows) * WIDE)
        self._want(begin, end - 1)
        digits = max(8, len(f"{max(0, self._size - 1):X}"))
        for number in range(rows):
            at, top = (self._top + number) * WIDE, head + number * line
            count = min(WIDE, self._size - at)
            values = [self.byte_at(at + n) for n in range(count)]
            for n in range(count):
                self._ground(painter, at + n, left + first + _place(n) * one, left + text + n * one, top, one, line)
            painter.setPen(tokens.color("muted"))
            painter.drawText(QRectF(left + _LEFT, top, first, line), aligned, f"{at:0{digits}X}")
            painter.setPen(tokens.color("text"))
            shown = _spaced(["··" if value is None else f"{value:02X}" for value in values])
            painter.drawText(QRectF(left + first, top, wide, line), aligned, shown)
            letters = "".join(chr(v) if v is not None and 32 <= v < 127 else "·" for v in values)
            painter.drawText(QRectF(left + text, top, wide, line), aligned, letters)

    def _ground(
        self, painter: QPainter, offset: int, byte: float, letter: float, top: int, one: float, line: int
    ) -> None:
        tokens = theme.now()
        if self._marked[0] <= offset < self._marked[1]:
            painter.fillRect(QRectF(byte, top, 2 * one, line), tokens.color("warn_soft"))
            painter.fillRect(QRectF(letter, top, one, line), tokens.color("warn_soft"))
        if offset == self._cursor:
            painter.setPen(tokens.color("accent" if self.hasFocus() else "muted"))
            painter.drawRect(QRectF(byte - 2, top, 2 * one + 3, line - 1))
            painter.drawRect(QRectF(letter, top, one - 1, line - 1))


def _place(column: int) -> int:
    """How many characters stand before a byte of the row."""
    return column * 3 + (1 if column >= WIDE // 2 else 0)


def _spaced(pairs: list[str]) -> str:
    half = WIDE // 2
    return " ".join(pairs[:half]) + ("  " + " ".join(pairs[half:]) if len(pairs) > half else "")
