"""What a person would see on a page: words that are cut off, and parts that lie outside of it."""

from PySide6.QtWidgets import QAbstractButton, QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from ui.widgets.parts import Elided


def clipped(page: QWidget) -> list[str]:
    """Words that do not fit into their widget; shortened ones with the whole as tool tip are meant to."""
    bad = []
    for part in page.findChildren(QLabel):
        if not part.isVisible() or not part.text() or isinstance(part, Elided):
            continue
        height = part.heightForWidth(part.width()) if part.wordWrap() else part.sizeHint().height()
        if height > part.height() + 1 or (not part.wordWrap() and part.sizeHint().width() > part.width() + 1):
            bad.append(part.text())
    for made in page.findChildren(QAbstractButton):
        if made.isVisible() and made.text() and made.sizeHint().width() > made.width() + 1:
            bad.append(made.text())
    return bad


def assert_fits(qtbot: QtBot, page: QWidget, state: str = "") -> None:
    """Nothing is clipped once the layout has come to rest: Qt lays out when its loop runs, not when a text is set."""

    def fits() -> None:
        assert clipped(page) == [], state

    qtbot.waitUntil(fits)


def overflowing(page: QWidget) -> list[str]:
    """Scrolled areas whose content is wider than they are; none of them scrolls sideways, so it would be lost."""
    return [
        area.accessibleName()
        for area in page.findChildren(QScrollArea)
        if area.isVisible() and area.widget() and area.widget().width() > area.viewport().width()
    ]
