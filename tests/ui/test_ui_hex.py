"""The bytes of a content: to go to, to find, to read by keyboard, of sixteen gibibytes as of sixteen bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from forensics.examination.look import Looks, _Opened
from ui import theme
from ui.widgets.bytes_pane import BytesPane, needles_of
from ui.widgets.hex_view import BLOCK, KEPT, WIDE, HexView

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
GIB = 1 << 30


def view_of(qtbot: QtBot, size: int, read: Callable[[int, int], bytes]) -> HexView:
    """A view of these bytes that gets them at once, and is on screen."""
    view = HexView("Bytes")
    qtbot.addWidget(view)
    view.resize(700, 300)
    view.wanted.connect(lambda offset, length: view.give(offset, read(offset, length)))
    view.show()
    qtbot.waitExposed(view)
    view.show_content(size)
    return view


def pattern(offset: int, length: int) -> bytes:
    """Every byte tells in which block of sixteen it stands."""
    return bytes((at // WIDE) & 0xFF for at in range(offset, offset + length))


@pytest.fixture
def view(qtbot: QtBot) -> HexView:
    return view_of(qtbot, 100_003, pattern)


# ---------------------------------------------------------------------------------------------------------- going there


@pytest.mark.parametrize("offset", [0, 1, 15, 16, 50_000, 100_002])
def test_going_to_a_byte_brings_it_into_sight_and_tells_it(qtbot: QtBot, view: HexView, offset: int) -> None:
    assert view.go_to(offset)
    qtbot.waitUntil(lambda: view.byte_at(offset) is not None, timeout=2_000)
    assert view.cursor_at == offset
    assert view.byte_at(offset) == (offset // WIDE) & 0xFF
    assert view.top_row <= offset // WIDE < view.top_row + view._rows()
    assert view.accessibleDescription() == f"Byte {offset:,} of 100,003: {(offset // WIDE) & 0xFF:02X}"


@pytest.mark.parametrize("offset", [-1, 100_003, 1 << 70])
def test_there_is_no_byte_outside_of_the_content(view: HexView, offset: int) -> None:
    view.go_to(40)
    assert not view.go_to(offset)
    assert view.cursor_at == 40


def test_the_highlight_ends_with_the_content(view: HexView) -> None:
    view.go_to(100_000, 999)
    assert view.marked == (100_000, 100_003)


def test_the_keys_move_the_cursor_and_stop_at_both_ends(qtbot: QtBot, view: HexView) -> None:
    page = view._rows() * WIDE
    for key, modifier, expected in (
        (Key.Key_Left, None, 0), (Key.Key_Up, None, 0), (Key.Key_PageUp, None, 0),
        (Key.Key_Right, None, 1), (Key.Key_Down, None, 17), (Key.Key_End, None, 31), (Key.Key_Home, None, 16),
        (Key.Key_PageDown, None, 16 + page), (Key.Key_End, CONTROL, 100_002), (Key.Key_Right, None, 100_002),
        (Key.Key_Down, None, 100_002), (Key.Key_PageDown, None, 100_002), (Key.Key_End, None, 100_002),
        (Key.Key_Home, None, 100_000), (Key.Key_Home, CONTROL, 0),
    ):  # fmt: skip
        qtbot.keyClick(view, key, modifier or Qt.KeyboardModifier.NoModifier)
        assert view.cursor_at == expected, key
        assert view.top_row <= view.cursor_at // WIDE < view.top_row + view._rows(), key


def test_a_view_without_bytes_takes_every_key(qtbot: QtBot) -> None:
    view = view_of(qtbot, 0, pattern)
    for key in (Key.Key_Left, Key.Key_Down, Key.Key_End, Key.Key_PageDown):
        qtbot.keyClick(view, key)
    assert view.cursor_at == 0
    assert view.accessibleDescription() == "No bytes"
    assert not view.go_to(0)


def test_a_click_chooses_the_byte_and_the_letter_under_it(qtbot: QtBot, view: HexView) -> None:
    first, text, one, _ = view._columns()
    down = view._head() + 2 * view._line() + view._line() // 2
    for column in range(WIDE):
        place = column * 3 + (1 if column >= 8 else 0)
        for across in (first + (place + 1) * one, text + (column + 0.5) * one):
            qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(int(across), down))
            assert view.cursor_at == 2 * WIDE + column


def columns_of(picture: QImage, colour: str, row: int, view: HexView) -> set[int]:
    """The pixels across, in a row of bytes, that have this colour."""
    down = view._head() + row * view._line() + 1
    return {x for x in range(picture.width()) if picture.pixelColor(x, down).name() == colour}


def test_the_highlight_lies_behind_its_bytes_to_the_end_of_the_row(qtbot: QtBot, view: HexView) -> None:
    """A character is no whole number of pixels wide: what is added up must not drift away from what is drawn."""
    view.go_to(WIDE + 14, 4)
    qtbot.wait(50)
    first, text, _, _ = view._columns()
    picture = view.viewport().grab().toImage()
    marked = columns_of(picture, theme.now().warn_soft, 1, view)
    drawn = theme.QFontMetricsF(theme.mono_font())
    line = " ".join(["00"] * 8) + "  " + " ".join(["00"] * 8)
    last = first + drawn.horizontalAdvance(line)
    assert abs(max(x for x in marked if x < text - 2) - last) < 2
    letters = text + drawn.horizontalAdvance("0" * WIDE)
    assert abs(max(marked) - letters) < 2
    assert min(columns_of(picture, theme.now().warn_soft, 2, view)) < first + 2


# ------------------------------------------------------------------------------------------------------------ any size


def test_sixteen_gibibytes_are_read_where_one_looks_and_kept_for_a_while(qtbot: QtBot, tmp_path: Path) -> None:
    """The real reader over a sparse image: four hundred places of it, and the last byte of the device."""
    image = tmp_path / "drive.img"
    with image.open("wb") as stream:
        stream.truncate(16 * GIB)
        stream.seek(16 * GIB - 4)
        stream.write(b"END!")
    if image.stat().st_blocks * 512 > GIB:
        pytest.skip("this file system has no sparse files")
    opened = _Opened("E-001", (image,), 16 * GIB, None, None)
    nothing: Any = None
    looks = Looks(nothing)
    asked: list[int] = []

    def read(offset: int, length: int) -> bytes:
        asked.append(length)
        return looks._read(opened, offset, length)

    view = view_of(qtbot, 16 * GIB, read)
    before = psutil.Process().memory_info().rss
    for n in range(400):
        assert view.go_to(n * (40 << 20) + 5)
        view.viewport().grab()
    assert len(view._blocks) <= KEPT
    assert psutil.Process().memory_info().rss - before < 64 << 20
    assert max(asked) <= BLOCK
    qtbot.keyClick(view, Key.Key_End, CONTROL)
    view.viewport().grab()
    assert [view.byte_at(16 * GIB - 4 + n) for n in range(4)] == list(b"END!")
    assert view.byte_at(16 * GIB) is None
    assert (view._rows() + view.top_row) * WIDE >= 16 * GIB
    looks.close()


def test_the_scroll_bar_reaches_both_ends_of_more_rows_than_it_can_count(qtbot: QtBot) -> None:
    view = view_of(qtbot, 1 << 46, lambda _, length: bytes(length))
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert (view.top_row + view._rows()) * WIDE >= 1 << 46
    bar.setValue(bar.minimum())
    assert view.top_row == 0
    view.go_to(1 << 45)
    assert abs(bar.value() / bar.maximum() - 0.5) < 0.01


def test_the_wheel_moves_by_rows_also_where_the_bar_leaps_over_thousands(qtbot: QtBot) -> None:
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QWheelEvent

    view = view_of(qtbot, 1 << 46, lambda _, length: bytes(length))
    none = Qt.MouseButton.NoButton
    for _ in range(4):
        view.wheelEvent(
            QWheelEvent(
                QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, -120), none, Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase, False,
            )
        )  # fmt: skip
    assert view.top_row == 12


# ----------------------------------------------------------------------------------------------- the pane, and finding


class Content:
    """A content behind the verbs `look …`, answered by the real `Looks` at once; keeps what it was asked."""

    def __init__(self, data: bytes) -> None:
        nothing: Any = None
        self.data, self.asked = data, list[str]()
        self.looks = Looks(nothing)
        self.looks._opened[1] = _Opened("E-001", (), len(data), None, None)
        self.looks._read = lambda _, offset, length: data[offset : offset + length]  # type: ignore[method-assign]

    def ask(self, verb: str, take: Callable[[dict[str, Any]], None], **request: object) -> None:
        self.asked.append(verb)
        take(self.looks.request(verb.removeprefix("look "), request))


def pane_of(qtbot: QtBot, data: bytes) -> tuple[BytesPane, Content]:
    content = Content(data)
    pane = BytesPane(content.ask)
    qtbot.addWidget(pane)
    pane.resize(760, 320)
    pane.show()
    qtbot.waitExposed(pane)
    pane.show_content(1, len(data), 0x4000)
    return pane, content


TEXT = b"needle at the start" + bytes(200) + "needle".encode("utf-16-le") + bytes(100) + b"and a needle"


def test_find_goes_on_from_place_to_place_and_around_the_end(qtbot: QtBot) -> None:
    pane, _ = pane_of(qtbot, TEXT)
    pane.needle.setText("needle")
    found = []
    for _ in range(4):
        qtbot.keyClick(pane.needle, Key.Key_Return)
        found.append(pane.hex.marked)
    assert found == [(0, 6), (219, 231), (337, 343), (0, 6)]
    assert pane.at.text().endswith("went on from the beginning")


def test_find_goes_back_and_around_the_beginning(qtbot: QtBot) -> None:
    pane, _ = pane_of(qtbot, TEXT)
    pane.needle.setText("needle")
    found = []
    for _ in range(4):
        pane.find_before()
        found.append(pane.hex.cursor_at)
    assert found == [337, 219, 0, 337]
    assert pane.at.text().endswith("went on from the end")


def test_f3_finds_in_both_directions_from_the_bytes(qtbot: QtBot) -> None:
    pane, _ = pane_of(qtbot, TEXT)
    pane.activateWindow()
    pane.needle.setText("needle")
    pane.hex.setFocus()
    qtbot.waitUntil(pane.hex.hasFocus, timeout=5_000)
    qtbot.keyClick(pane.hex, Key.Key_F3)
    qtbot.keyClick(pane.hex, Key.Key_F3)
    assert pane.hex.cursor_at == 219
    qtbot.keyClick(pane.hex, Key.Key_F3, SHIFT)
    assert pane.hex.cursor_at == 0


def test_find_starts_at_the_byte_one_went_to(qtbot: QtBot) -> None:
    pane, _ = pane_of(qtbot, TEXT)
    pane.goto.setText("219")
    qtbot.keyClick(pane.goto, Key.Key_Return)
    pane.needle.setText("0x6e00")
    pane.find_next()
    assert pane.hex.marked == (219, 221)
    pane.needle.setText("0x00")
    pane.hex.go_to(19)
    for expected in (19, 20, 21):
        pane.find_next()
        assert pane.hex.marked == (expected, expected + 1)


@pytest.mark.parametrize("start", [0, 100, len(TEXT) - 1])
@pytest.mark.parametrize("back", [False, True])
def test_what_is_not_there_is_said_after_all_was_looked_through_once(qtbot: QtBot, start: int, back: bool) -> None:
    pane, content = pane_of(qtbot, TEXT)
    pane.hex.go_to(start)
    pane.needle.setText("Xylophone")
    (pane.find_before if back else pane.find_next)()
    assert pane.at.text() == "Not found."
    assert pane.find_button.text() == "Find next"
    assert content.asked.count("look find") <= 2
    assert pane.hex.cursor_at == start


def test_a_hunt_can_be_stopped_and_its_late_answer_moves_nothing(qtbot: QtBot) -> None:
    late: list[Callable[[], None]] = []
    content = Content(TEXT)
    pane = BytesPane(lambda verb, take, **request: late.append(lambda: content.ask(verb, take, **request)))
    qtbot.addWidget(pane)
    pane.show_content(1, len(TEXT), None)
    pane.hex.go_to(50)
    pane.needle.setText("needle")
    pane.find_next()
    assert pane.find_button.text() == "Stop"
    pane.find_next()
    late[-1]()
    assert pane.hex.cursor_at == 50
    assert pane.find_button.text() == "Find next"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("0x10", 16), ("0X10", 16), ("16", 16), ("1_6", 16), ("+4", 104), ("-4", 96), ("−4", 96), ("+0x10", 116),
        ("342", 342), ("343", None), ("-101", None), ("0x", None), ("", None), ("ten", None), ("--3", None),
    ],
)  # fmt: skip
def test_an_offset_is_decimal_or_hexadecimal_or_from_the_cursor_on(
    qtbot: QtBot, typed: str, expected: int | None
) -> None:
    assert len(TEXT) == 343
    pane, _ = pane_of(qtbot, TEXT)
    pane.hex.go_to(100)
    pane.goto.setText(typed)
    qtbot.keyClick(pane.goto, Key.Key_Return)
    assert pane.hex.cursor_at == (100 if expected is None else expected)
    assert pane.at.text().startswith("Offset 0x" if expected is not None else ("The last offset", "An offset is"))


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        ("ab", (b"ab", b"a\0b\0")), ("0x00ff", (b"\0\xff",)), ("0X 00 FF", (b"\0\xff",)), ("0x0", ()), ("0xzz", ()),
        ("", ()), (" ", (b" ", b" \0")), ("é", (b"\xc3\xa9", b"\xe9\0")),
    ],
)  # fmt: skip
def test_what_is_typed_is_text_in_two_encodings_or_bytes(text: str, needles: tuple[bytes, ...]) -> None:
    assert needles_of(text) == needles


def test_a_needle_is_never_longer_than_the_companion_takes() -> None:
    assert all(len(one) <= 256 for one in (*needles_of("ä" * 999), *needles_of("0x" + "00" * 999)))


def test_bytes_show_their_place_in_the_image_and_ask_for_it(qtbot: QtBot) -> None:
    pane, _ = pane_of(qtbot, TEXT)
    assert pane.at.text().endswith("the content begins at 0x4000 of the image")
    pane.hex.go_to(219, 12)
    with qtbot.waitSignal(pane.image_wanted, timeout=2_000) as wanted:
        qtbot.mouseClick(pane.image_button, Qt.MouseButton.LeftButton)
    assert wanted.args == ["E-001", 219, 12]
    pane.show_content(1, len(TEXT), None)
    assert not pane.image_button.isVisible()


def test_nothing_is_asked_for_while_nothing_is_open(qtbot: QtBot) -> None:
    pane, content = pane_of(qtbot, TEXT)
    pane.lost()
    content.asked.clear()
    pane.needle.setText("needle")
    pane.find_next()
    pane._to_image()
    pane.hex.viewport().repaint()
    assert content.asked == []
