"""Labels, buttons, cards and facts: the small parts of which every page is laid out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QTextOption
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QVBoxLayout,
    QWidget,
)

from ui import theme

SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


EMPTY_WIDTH = 460


def size_text(size: int) -> str:
    """Bytes for people, in the binary units of IEC 80000-13."""
    if size < 1024:
        return f"{size:,} B"
    step = min((size.bit_length() - 1) // 10, 4)
    return f"{size / (1 << 10 * step):,.1f} {('KiB', 'MiB', 'GiB', 'TiB')[step - 1]}"


def count_text(count: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 item`, `2 items`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def time_text(stored: str) -> str:
    """A stored ISO 8601 time for people, always with what is known of its zone; a dash where there is none."""
    if not stored:
        return "–"
    if stored.endswith("Z") or stored.endswith("+00:00"):
        return stored.removesuffix("Z").removesuffix("+00:00").replace("T", " ")[:19] + " UTC"
    return stored.replace("T", " ")[:19] + (" (zone unknown)" if "T" in stored else "")


class Elided(QLabel):
    """A label of one line that shortens what does not fit, a path in its middle; the whole is its tool tip."""

    def __init__(self, text: str = "", name: str = "", middle: bool = False) -> None:
        super().__init__()
        self._mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(self.text(), self._mode, self.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)


class Glyph(QWidget):
    """An icon in a live colour token; decoration only, so it has no name and takes no focus."""

    def __init__(self, name: str, ink: str = "text", pixels: int = 20) -> None:
        super().__init__()
        self._name, self._ink = name, ink
        self.setFixedSize(pixels, pixels)

    def become(self, name: str, ink: str) -> None:
        self._name, self._ink = name, ink
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        theme.draw_icon(QPainter(self), QRectF(self.rect()), self._name, self._ink)


class Chooser(QComboBox):
    """A combo box whose arrow is an icon in a token; a style sheet could take only a file of one colour."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        place = QRectF(self.width() - 26, (self.height() - 16) / 2, 16, 16)
        theme.draw_icon(QPainter(self), place, "chevron-down", "muted")


class Tick(QCheckBox):
    """A check box whose tick is an icon in a token, for the same reason."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setAccessibleName(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.isChecked():
            option = QStyleOptionButton()
            self.initStyleOption(option)
            box = self.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
            theme.draw_icon(QPainter(self), QRectF(box).adjusted(1, 1, -1, -1), "check", "on_accent")


def label(text: str = "", name: str = "", wrap: bool = False) -> QLabel:
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setObjectName(name)
    made.setWordWrap(wrap)
    return made


def chip(text: str, kind: str) -> QLabel:
    """A state in a word on a coloured ground; `kind` is ok, warn, bad, info or idle."""
    made = label(text)
    made.setProperty("chip", kind)
    made.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return made


def set_chip(made: QLabel, text: str, kind: str) -> None:
    made.setText(text)
    made.setProperty("chip", kind)
    made.style().unpolish(made)
    made.style().polish(made)


def button(text: str, icon: str = "", primary: bool = False, tip: str = "", key: str = "") -> QPushButton:
    made = QPushButton()
    relabel(made, text, bool(icon))
    if primary:
        made.setObjectName("primary")
    if icon:
        theme.dress(made, icon, "on_accent" if primary else "text")
    if key:
        made.setShortcut(key)
    if tip or key:
        made.setToolTip((tip or text.replace("&", "")) + (f"  ({key})" if key else ""))
    return made


def relabel(made: QPushButton, text: str, with_icon: bool = True) -> None:
    """Give a button its words, a little apart from the icon before them."""
    made.setText(f" {text}" if with_icon else text)
    made.setAccessibleName(text.replace("&&", "\0").replace("&", "").replace("\0", "&"))


def row(*parts: QWidget | QLayout, spacing: int = 12, stretch: Sequence[int] = ()) -> QHBoxLayout:
    made = QHBoxLayout()
    made.setSpacing(spacing)
    for at, part in enumerate(parts):
        share = stretch[at] if stretch else 1
        if isinstance(part, QLayout):
            made.addLayout(part, share)
        else:
            made.addWidget(part, share)
    return made


class Card(QFrame):
    """A framed block with an optional title; `body` is where its content goes."""

    def __init__(self, title: str = "", right: QWidget | None = None, margin: int = 16, spacing: int = 10) -> None:
        super().__init__()
        self.setObjectName("card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin - 2, margin, margin - 2)
        self.body.setSpacing(spacing)
        self.title = label(title, "h2")
        if title:
            head = QHBoxLayout()
            head.addWidget(self.title)
            head.addStretch()
            if right:
                head.addWidget(right)
            self.body.addLayout(head)


class Facts(QGridLayout):
    """Names and values in two columns; values can be selected and are read out with their names."""

    def __init__(self, mono: Iterable[str] = ()) -> None:
        super().__init__()
        self._mono = frozenset(mono)
        self._rows: dict[str, tuple[QLabel, QLabel | Wrapped]] = {}
        self.setHorizontalSpacing(18)
        self.setVerticalSpacing(7)
        self.setColumnStretch(1, 1)

    def shown(self) -> list[str]:
        """The names under which something is shown."""
        return [name for name, (left, _) in self._rows.items() if not left.isHidden()]

    def value(self, name: str) -> str:
        """The value that is shown under a name, as it can be copied."""
        return self._rows[name][1].text()

    def show(self, facts: Iterable[tuple[str, str]]) -> None:
        """Show these and no others; rows that stay keep their widgets."""
        wanted = dict(facts)
        for name, pair in self._rows.items():
            for part in pair:
                self.removeWidget(part)
                part.setVisible(name in wanted)
        for at, (name, value) in enumerate(wanted.items()):
            if name not in self._rows:
                left = label(name, "muted")
                right: QLabel | Wrapped
                if name in self._mono:
                    right = Wrapped()
                else:
                    right = label("", wrap=True)
                    right.setTextInteractionFlags(SELECTABLE)
                self._rows[name] = (left, right)
            left, right = self._rows[name]
            self.addWidget(left, at, 0, Qt.AlignmentFlag.AlignTop)
            self.addWidget(right, at, 1, Qt.AlignmentFlag.AlignTop)
            right.setText(value)
            right.setAccessibleName(f"{name}: {value}")


class Wrapped(QPlainTextEdit):
    """A hash or a locator in full: it breaks anywhere to fit, and what is copied has no breaks in it."""

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setObjectName("wrapped")
        self.setFont(theme.mono_font())
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        self._fit()

    def setText(self, text: str) -> None:
        self.setPlainText(text)
        self._fit()

    def text(self) -> str:
        return self.toPlainText()

    def sizeHint(self) -> QSize:
        return QSize(120, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        lines = max(1, int(self.document().size().height()))
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + 2)


class Stat(Card):
    """One number with what it counts and a line beneath."""

    def __init__(self, caption: str, icon: str, ink: str = "muted") -> None:
        super().__init__(margin=14, spacing=2)
        self._caption = caption
        self._glyph = Glyph(icon, ink, 18)
        head = row(self._glyph, label(caption, "muted"), spacing=7, stretch=(0, 1))
        self.number = label("–", "num")
        self.note = label("", "small", wrap=True)
        self.body.addLayout(head)
        self.body.addWidget(self.number)
        self.body.addWidget(self.note)
        self.body.addStretch()

    def become(self, icon: str, ink: str) -> None:
        """Another icon, so that a state is told by its form as well."""
        self._glyph.become(icon, ink)

    def show_number(self, number: str, note: str = "") -> None:
        self.number.setText(number)
        self.note.setText(note)
        self.setAccessibleName(f"{self._caption}: {number}. {note}")


class Empty(QWidget):
    """What a page shows while there is nothing to show: what comes first, and the button for it."""

    def __init__(self, icon: str, title: str, text: str, action: QPushButton | None = None) -> None:
        super().__init__()
        self.setObjectName("page")
        column = QVBoxLayout(self)
        column.addStretch(2)
        column.addWidget(Glyph(icon, "muted", 40), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(6)
        self.title = label(title, "h2")
        self.text = label(text, "muted", wrap=True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.text.setFixedWidth(EMPTY_WIDTH)
        self.text.setMinimumHeight(self.text.heightForWidth(EMPTY_WIDTH))
        column.addWidget(self.title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.text, 0, Qt.AlignmentFlag.AlignHCenter)
        if action:
            column.addSpacing(8)
            column.addWidget(action, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)


class Page(QWidget):
    """A page with its title, a sentence under it and buttons at the right; `body` is the rest."""

    def __init__(self, title: str, sentence: str = "", *buttons: QWidget) -> None:
        super().__init__()
        self.setObjectName("page")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(24, 20, 24, 18)
        self.body.setSpacing(14)
        self.title = label(title, "h1")
        self.sentence = Elided(sentence, "muted")
        left = QVBoxLayout()
        left.setSpacing(3)
        left.addWidget(self.title)
        left.addWidget(self.sentence)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addLayout(left, 1)
        for part in buttons:
            head.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)
        self.body.addLayout(head)
