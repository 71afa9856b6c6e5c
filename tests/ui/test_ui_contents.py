"""The page of contents over a real case and the real companion: find, look, copy, try passwords; all recorded."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from looked_drive import BIG, FILES, MEMBERS, NEEDLE, PASSPHRASE, PASSWORD, PLACES, SIZE, make_case, make_image
from pictures_with_text import MARIA, letter, printed, saved
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot
from window_looks import assert_fits, overflowing

from forensics.casefile.case import CaseFolder
from forensics.casefile.views import CaseView, FileRow
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import passage
from forensics.model import CustodyEvent
from ui import theme
from ui.main_window import MainWindow
from ui.pages.contents import CHOICES, ContentsPage
from ui.pages.passwords import PasswordsDialog
from ui.widgets.file_menu import safe_name
from ui.widgets.preview import Preview
from ui.widgets.reason import ReasonDialog
from ui.widgets.text_pane import TextPane

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

VOLUME = "E-001/vol0"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("looked")
    make_case(folder, make_image(folder)).close()
    return folder / "looked.dcase"


@pytest.fixture
def page(qtbot: QtBot, window: MainWindow, original: Path, tmp_path: Path) -> ContentsPage:
    """The page with a copy of the case whose ledger is the test's own."""
    path = tmp_path / "looked.dcase"
    shutil.copytree(original, path)
    with OpenCase.unlock(path, PASSPHRASE) as case:
        key = case.key
    with qtbot.waitSignal(window.case_opened, timeout=20_000):
        window.open_view(CaseView(CaseFolder(path), key))
    window.show_page(window.contents)
    window.contents.window_of_test = window  # type: ignore[attr-defined]
    until(qtbot, lambda: bool(window.contents.model and window.contents.model.rowCount()))
    return window.contents


def until(qtbot: QtBot, holds: Callable[[], Any]) -> None:
    qtbot.waitUntil(lambda: bool(holds()), timeout=30_000)


def rows(qtbot: QtBot, page: ContentsPage) -> list[FileRow]:
    model = page.model
    assert model is not None
    until(qtbot, lambda: all(model.row_at(n) for n in range(model.rowCount())))
    return [row for n in range(model.rowCount()) if (row := model.row_at(n))]


def choose(qtbot: QtBot, page: ContentsPage, locator: str) -> FileRow:
    """Select a file in the table and wait until the preview is about it."""
    found = [row.locator for row in rows(qtbot, page)]
    assert page.table is not None
    page.table.selectRow(found.index(locator))
    until(qtbot, lambda: page.preview._file is not None and page.preview._file.locator == locator)
    file = page.preview._file
    assert file is not None
    return file


def shown(page: ContentsPage) -> QWidget:
    return page.preview.stack.currentWidget()


def shows(page: ContentsPage, pane: str) -> bool:
    return shown(page) is page.preview._panes[pane]


def say_why(qtbot: QtBot, page: ContentsPage, reason: str = "to see whose it is") -> None:
    qtbot.keyClicks(page.preview.reason_field, reason)
    qtbot.mouseClick(page.preview.reason_button, Qt.MouseButton.LeftButton)


def events(page: ContentsPage, *names: str) -> list[CustodyEvent]:
    assert page.session is not None
    return [event for event in page.session.view.ledger() if event.event in names]


def search(qtbot: QtBot, page: ContentsPage, query: str) -> None:
    page.search.setText(query)
    qtbot.keyClick(page.search, Qt.Key.Key_Return)
    until(qtbot, lambda: page.count.text() != "Searching …")


def choose_hit(qtbot: QtBot, page: ContentsPage, locator: str) -> None:
    hits, table = page.hits, page.hit_table
    assert hits is not None
    assert table is not None
    until(qtbot, lambda: hits.rowCount() > 0)
    found = [hit.locator for n in range(hits.rowCount()) if (hit := hits.hit(n))]
    table.selectRow(next(n for n, at in enumerate(found) if at.startswith(locator)))


# ----------------------------------------------------------------------------------------------------- tree and filters


def test_a_folder_of_the_tree_shows_its_files_and_a_container_its_members(qtbot: QtBot, page: ContentsPage) -> None:
    tree = page.tree_model
    assert tree is not None
    until(qtbot, lambda: tree.rowCount() == 1)
    volume = tree.index(0, 0, tree.index(0, 0))
    page.tree.expand(volume)
    until(qtbot, lambda: tree.rowCount(volume) == 4)
    names = [tree.index(n, 0, volume).data() for n in range(4)]
    assert names == ["HR", "Pictures", "backup.zip", "Deleted (1)"]
    for at, count in ((0, 3), (1, 6), (2, 2), (3, 1)):
        page.tree.setCurrentIndex(tree.index(at, 0, volume))
        until(qtbot, lambda count=count: page.model.rowCount() == count)
        assert page.count.text() == f"{count} {'file' if count == 1 else 'files'} shown"
    page.tree.setCurrentIndex(tree.index(0, 0))
    until(qtbot, lambda: page.model.rowCount() == 16)
    assert page.preview.title.text() == "E-001, the whole image"


def test_types_misleading_names_and_copies_are_a_choice_away(qtbot: QtBot, page: ContentsPage) -> None:
    model = page.model
    assert model is not None
    for choice, names in (
        ("Pictures", {"sun.png", "sun.jpg", "huge.png", "wide.png", "broken.png"}),
        ("Misleading name", {"liar.png"}),
        ("There more than once", {"members.csv", "copy.csv"}),
        ("Archives", {"backup.zip", "locked.zip"}),
    ):
        page.kind.setCurrentText(choice)
        until(qtbot, lambda names=names: {row.name for row in rows(qtbot, page)} == names)
    page._buttons["deleted"].click()
    until(qtbot, lambda: model.rowCount() == 0)
    page.kind.setCurrentText("All types")
    until(qtbot, lambda: [row.name for row in rows(qtbot, page)] == ["_one.txt"])
    assert set(CHOICES) >= {"E-mail", "Databases", "Other types"}


def test_details_tell_where_else_a_content_is_and_that_its_name_misleads(qtbot: QtBot, page: ContentsPage) -> None:
    choose(qtbot, page, f"{VOLUME}/HR/members.csv")
    facts = page.preview.facts
    until(qtbot, lambda: "Same content" in facts._rows)
    assert facts.value("Same content") == f"{VOLUME}/HR/Old/copy.csv\n{VOLUME}/backup.zip!members.csv"
    assert facts.value("SHA-256") == hashlib.sha256(MEMBERS.encode()).hexdigest()
    choose(qtbot, page, f"{VOLUME}/Pictures/liar.png")
    assert facts.value("Noted") == "its name says png, its bytes do not"


# ---------------------------------------------------------------------------------------------------- looking, recorded


def test_nothing_is_shown_or_recorded_before_a_reason_is_given(qtbot: QtBot, page: ContentsPage) -> None:
    choose(qtbot, page, f"{VOLUME}/HR/memo.txt")
    for tab in ("text", "bytes"):
        page.preview.show_tab(tab)
        assert shows(page, "reason")
    assert not page.preview.reason_button.isEnabled()
    qtbot.keyClicks(page.preview.reason_field, "   ")
    assert not page.preview.reason_button.isEnabled()
    assert events(page, "content-read") == []
    say_why(qtbot, page, "counsel asked")
    until(qtbot, lambda: shows(page, "bytes") and page.preview.bytes.hex.byte_at(0) is not None)
    (event,) = events(page, "content-read")
    assert event.data["reason"] == "counsel asked"
    page.preview.bytes.hex.go_to(20)
    page.preview.show_tab("details")
    page.preview.show_tab("bytes")
    qtbot.wait(100)
    assert len(events(page, "content-read")) == 1, "what is open is not opened twice"


def test_a_picture_comes_as_pixels_and_a_bomb_as_a_sentence(qtbot: QtBot, page: ContentsPage) -> None:
    page.preview.reason = "why"
    choose(qtbot, page, f"{VOLUME}/Pictures/sun.png")
    page.preview.show_tab("picture")
    until(qtbot, lambda: shows(page, "picture"))
    assert page.preview.picture_size.text() == "1,200 × 900 pixels"
    picture = page.preview.picture.pixmap().toImage()
    assert picture.pixelColor(2, 2).red() > 240
    assert picture.pixelColor(picture.width() - 3, 2).blue() > 240
    choose(qtbot, page, f"{VOLUME}/Pictures/wide.png")
    until(qtbot, lambda: "could not be decoded" in page.preview.nothing.text())
    choose(qtbot, page, f"{VOLUME}/HR/memo.txt")
    until(qtbot, lambda: page.preview.nothing.text() == "This is no picture.")
    assert page.preview.picture.pixmap().isNull()


def test_bytes_of_a_file_lead_to_their_place_in_the_image(qtbot: QtBot, page: ContentsPage) -> None:
    page.preview.reason = "why"
    choose(qtbot, page, f"{VOLUME}/big.bin")
    page.preview.show_tab("bytes")
    pane = page.preview.bytes
    until(qtbot, lambda: shows(page, "bytes"))
    pane.needle.setText(NEEDLE.decode())
    pane.find_next()
    until(qtbot, lambda: pane.hex.cursor_at == PLACES[0])
    assert pane.hex.marked == (PLACES[0], PLACES[0] + len(NEEDLE))
    qtbot.mouseClick(pane.image_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: page.preview.title.text() == "E-001, the whole image" and shows(page, "bytes"))
    until(qtbot, lambda: pane.hex.byte_at(pane.hex.cursor_at) is not None)
    first, behind = pane.hex.marked
    assert behind - first == len(NEEDLE)
    assert bytes(pane.hex.byte_at(at) or 0 for at in range(first, behind)) == NEEDLE
    assert pane.hex.size_in_bytes == SIZE
    assert [event.data.get("entry") is None for event in events(page, "content-read")] == [False, True]


def test_leaving_the_case_leaves_nothing_of_it_on_the_page(qtbot: QtBot, page: ContentsPage) -> None:
    page.preview.reason = "why"
    search(qtbot, page, "okapi")
    choose_hit(qtbot, page, f"{VOLUME}/HR/memo.txt")
    until(qtbot, lambda: shows(page, "text"))
    page.kind.setCurrentText("Pictures")
    page.window_of_test.leave_case()  # type: ignore[attr-defined]
    preview: Preview = page.preview
    assert preview.reason == preview.reason_field.text() == preview.lines.text.toPlainText() == ""
    assert preview.bytes.needle.text() == page.search.text() == page.count.text() == ""
    assert page.kind.currentText() == "All types"
    assert preview.title.text() == "No file is selected"


# -------------------------------------------------------------------------------------------------------------- search


def test_a_hit_in_a_text_is_marked_where_it_stands(qtbot: QtBot, page: ContentsPage) -> None:
    """Behind lines that end the way of DOS, and a character that Qt counts twice."""
    page.preview.reason = "why"
    search(qtbot, page, "okapi")
    assert page.count.text() == "4 files, 0 by name · 4 passages · 0 folders"
    choose_hit(qtbot, page, f"{VOLUME}/HR/memo.txt")
    until(qtbot, lambda: shows(page, "text"))
    assert page.preview.lines.marked() == "Okapi"
    assert page.preview.lines.where.text() == f"{VOLUME}/HR/memo.txt"
    assert page.preview.bytes.needle.text() == "Okapi", "the bytes are one key away"
    page.preview.show_tab("bytes")
    until(qtbot, lambda: shows(page, "bytes"))
    page.preview.bytes.find_next()
    at = FILES["HR/memo.txt"].index(b"Okapi")
    until(qtbot, lambda: page.preview.bytes.hex.marked == (at, at + 5))


def test_a_hit_in_a_table_is_marked_in_its_cell_and_in_sight(qtbot: QtBot, page: ContentsPage) -> None:
    page.preview.reason = "why"
    search(qtbot, page, "Given250")
    choose_hit(qtbot, page, f"{VOLUME}/backup.zip!members.csv")
    until(qtbot, lambda: shows(page, "cells"))
    pane = page.preview.rows
    here = pane.table.currentIndex()
    assert here.data() == "Given250"
    assert here.data(Qt.ItemDataRole.FontRole).underline()
    assert pane.cells.headerData(here.row(), Qt.Orientation.Vertical) == "252"
    assert pane.table.viewport().rect().contains(pane.table.visualRect(here))
    assert not pane.table.selectionModel().hasSelection(), "a selection would cover the mark"


def test_a_query_that_is_none_is_said_in_full_and_the_files_come_back(qtbot: QtBot, page: ContentsPage) -> None:
    search(qtbot, page, '"open')
    assert page.count.text() == 'A quote is not closed. Put a " at the end of the phrase, or leave the first one out.'
    assert page.lists.currentWidget() is page.hit_table
    page.search.clear()
    assert page.lists.currentWidget() is page.table
    assert page.count.text() == "16 files shown"
    assert page.kind.isEnabled()


def test_hits_are_masked_until_one_is_looked_at(qtbot: QtBot, page: ContentsPage) -> None:
    search(qtbot, page, "Given150")
    hits = page.hits
    assert hits is not None
    until(qtbot, lambda: hits.rowCount() == 3)
    said = " ".join(str(hits.index(row, 0).data()) for row in range(3))
    assert "899-" not in said
    assert "M150" not in said
    assert events(page, "content-read", "search-revealed") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain Okapi here", "Okapi"), ("a\r\nb\r\nOkapi", "Okapi"), ("🦓🦓 Okapi", "Okapi"),
        ("a\r\nfirst\r\nsecond behind", "first\r\nsecond"), ("\ud800 lone Okapi", "Okapi"),
        ("\u2028x\u2029Okapi", "Okapi"),
        ("Okapi", "Okapi"), ("x\rOkapi", "Okapi"),
    ],
)  # fmt: skip
def test_the_mark_lies_on_what_was_found_whatever_stands_before_it(qtbot: QtBot, text: str, found: str) -> None:
    pane = TextPane()
    qtbot.addWidget(pane)
    pane.show_text(text, "somewhere", (text.index(found), len(found)))
    assert pane.marked().replace("\u2029", "\r\n") == found
    pane.show_text(text, "somewhere", None)
    assert pane.marked() == ""


def test_the_mark_follows_the_theme(qtbot: QtBot, qapp: QApplication) -> None:
    pane = TextPane()
    qtbot.addWidget(pane)
    pane.show()
    pane.show_text("Okapi", "somewhere", (0, 5))
    theme.apply(qapp, True)
    qtbot.wait(50)
    (mark,) = pane.text.extraSelections()
    assert mark.format.background().color() == theme.now().color("warn_soft")


# ------------------------------------------------------------------------------------------ not examined, and passwords


def test_what_was_not_examined_is_listed_with_its_reason_and_can_be_looked_at(qtbot: QtBot, page: ContentsPage) -> None:
    page._buttons["not_examined"].click()
    until(qtbot, lambda: page.unexamined.rowCount() == 6)
    assert page.lists.currentWidget() is page.unexamined_table
    assert page.count.text() == "6 items"
    reasons = [page.unexamined.index(row, 0).data() for row in range(6)]
    assert sorted(reasons) == [*["image, no text examined"] * 5, "password protected"]
    page.unexamined_table.selectRow(reasons.index("password protected"))
    until(qtbot, lambda: page.preview.title.text() == "locked.zip")
    assert "password protected" in page.preview.facts.value("State")


def test_passwords_open_what_is_locked_and_the_tree_shows_what_was_in_it(
    qtbot: QtBot, page: ContentsPage, window: MainWindow
) -> None:
    """The window's own index run, which reads them from its standard input."""
    tree = page.tree_model
    assert tree is not None
    volume = tree.index(0, 0, tree.index(0, 0))
    page.tree.expand(volume)
    until(qtbot, lambda: tree.rowCount(volume) == 4)
    qtbot.mouseClick(page.passwords, Qt.MouseButton.LeftButton)
    dialog = page.findChild(PasswordsDialog)
    assert isinstance(dialog, PasswordsDialog)
    assert not dialog.try_button.isEnabled()
    dialog.field.setPlainText(f"wrong\n\n{PASSWORD}\nwrong\n")
    assert dialog.passwords() == ("wrong", PASSWORD)
    qtbot.mouseClick(dialog.try_button, Qt.MouseButton.LeftButton)
    assert dialog.field.toPlainText() == ""
    assert window.command is not None
    shown = [word for process in psutil.Process().children(recursive=True) for word in process.cmdline()]
    assert "--passwords-file" in shown
    assert PASSWORD not in " ".join(shown)
    qtbot.waitUntil(lambda: window.command is None, timeout=120_000)
    assert window.banner.sentence.text().startswith("Indexing contents: done")
    until(qtbot, lambda: any(row.locator == f"{VOLUME}/locked.zip!locked.csv" for row in rows(qtbot, page)))
    until(qtbot, lambda: tree.rowCount(volume) == 5)
    assert tree.index(3, 0, volume).data() == "locked.zip"
    # What is left are pictures: two bombs and a broken one, or all five where nothing reads them.
    left = 3 if shutil.which("tesseract") else 5
    until(qtbot, lambda: page.unexamined.rowCount() == left)
    until(qtbot, lambda: page.coverage.text().startswith(f"{17 - left} of 17 examined"))


# ------------------------------------------------------------------------------------------------- copies and the menu


def test_the_hash_and_the_locator_are_copied_by_a_key(qtbot: QtBot, page: ContentsPage, window: MainWindow) -> None:
    file = choose(qtbot, page, f"{VOLUME}/HR/members.csv")
    assert page.table is not None
    window.activateWindow()
    page.table.setFocus()
    until(qtbot, page.table.hasFocus)
    qtbot.keyClick(page.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == file.sha256
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(page.table, Qt.Key.Key_C, both)
    assert QApplication.clipboard().text() == file.locator
    assert [action.text() for action in page.menu.menu().actions()] == [
        "Copy SHA-256", "Copy locator", "Show bytes", "Show its folder", "Save a copy…",
    ]  # fmt: skip
    page.menu.actions_by_name["folder"].trigger()
    until(qtbot, lambda: {row.name for row in rows(qtbot, page)} == {"members.csv", "memo.txt", "copy.csv"})


def test_a_copy_is_taken_for_a_reason_and_recorded(
    qtbot: QtBot, page: ContentsPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "copy.bin"
    proposed: list[str] = []

    def where(_: object, __: str, name: str) -> tuple[str, str]:
        proposed.append(name)
        return str(out), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", where)
    choose(qtbot, page, f"{VOLUME}/big.bin")
    page.menu.actions_by_name["save"].trigger()
    dialog = page.findChild(ReasonDialog)
    assert isinstance(dialog, ReasonDialog)
    assert not dialog.accept_button.isEnabled()
    dialog.field.setText("for the other side's expert")
    qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: page.count.text().startswith("Copied 17,825,792 bytes, SHA-256 "))
    assert page.count.text().endswith(hashlib.sha256(bytes(BIG)).hexdigest())
    assert out.read_bytes() == bytes(BIG)
    assert proposed == ["big.bin"]
    opened, copied = events(page, "content-read", "content-copied-out")
    assert opened.data["reason"] == copied.data["reason"] == "for the other side's expert"
    assert copied.data["length"] == len(BIG)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("list.csv", "list.csv"), ("../../etc/passwd", "_.._etc_passwd"), ("-rf", "rf"), (".bashrc", "bashrc"),
        ("a\u202egpj.exe", "a_gpj.exe"), ("", "content"), ("...", "content"), ("x" * 500 + ".csv", "x" * 116 + ".csv"),
        ("C:\\x|y", "C__x_y"),
    ],
)  # fmt: skip
def test_the_name_proposed_for_a_copy_is_harmless(name: str, safe: str) -> None:
    assert safe_name(name) == safe


# --------------------------------------------------------------------------------------------------- death and screen


def companion_of(page: ContentsPage) -> psutil.Process:
    (found,) = [one for one in psutil.Process().children() if "serve" in one.cmdline()]
    return found


def test_a_companion_that_dies_is_started_again_and_the_bytes_go_on(qtbot: QtBot, page: ContentsPage) -> None:
    page.preview.reason = "why"
    choose(qtbot, page, f"{VOLUME}/big.bin")
    page.preview.show_tab("bytes")
    hex_view = page.preview.bytes.hex
    until(qtbot, lambda: shows(page, "bytes") and hex_view.byte_at(0) is not None)
    hex_view.go_to(PLACES[1], len(NEEDLE))
    until(qtbot, lambda: hex_view.byte_at(PLACES[1]) is not None)
    companion_of(page).send_signal(signal.SIGKILL)
    until(qtbot, lambda: len(events(page, "content-read")) == 2)
    until(qtbot, lambda: page.preview._look is not None and shows(page, "bytes"))
    assert hex_view.cursor_at == PLACES[1], "one goes on where one was"
    hex_view.go_to(12 << 20)
    until(qtbot, lambda: hex_view.byte_at(12 << 20) == BIG[12 << 20])
    companion_of(page).send_signal(signal.SIGKILL)
    until(qtbot, lambda: page.preview._look is None)
    qtbot.wait(50)
    assert page.session is not None
    assert page.session.companion.waiting == 0, "a content that ends the companion twice is left alone"
    assert len(events(page, "content-read")) == 2
    choose(qtbot, page, f"{VOLUME}/HR/memo.txt")
    until(qtbot, lambda: shows(page, "bytes") and hex_view.byte_at(0) == ord("F"))


@pytest.mark.parametrize("size", [(1024, 680), (1440, 900)], ids=["small", "large"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_word_is_cut_off_in_any_state_of_the_page(
    qtbot: QtBot, qapp: QApplication, page: ContentsPage, window: MainWindow, dark: bool, size: tuple[int, int]
) -> None:
    theme.apply(qapp, dark)
    window.resize(*size)
    page.preview.reason = "why"

    def fits(state: str) -> None:
        qtbot.wait(100)
        assert_fits(qtbot, window, state)
        assert overflowing(window) == [], state

    choose(qtbot, page, f"{VOLUME}/HR/members.csv")
    fits("details")
    page.preview.show_tab("bytes")
    until(qtbot, lambda: shows(page, "bytes"))
    fits("bytes")
    page._buttons["not_examined"].click()
    fits("not examined")
    search(qtbot, page, "okapi")
    choose_hit(qtbot, page, f"{VOLUME}/HR/memo.txt")
    until(qtbot, lambda: shows(page, "text"))
    fits("text hit")
    search(qtbot, page, '"open')
    fits("refused query")


def test_keys_reach_the_fields_and_the_parts_of_the_preview(
    qtbot: QtBot, page: ContentsPage, window: MainWindow
) -> None:
    window.activateWindow()
    until(qtbot, lambda: QApplication.activeWindow() is window)
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Qt.Key.Key_F, both)
    until(qtbot, page.search.hasFocus)
    for key, tab in (
        (Qt.Key.Key_4, "bytes"),
        (Qt.Key.Key_3, "picture"),
        (Qt.Key.Key_2, "text"),
        (Qt.Key.Key_1, "details"),
    ):
        qtbot.keyClick(window, key, Qt.KeyboardModifier.AltModifier)
        assert page.preview.tab == tab


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="nothing reads pictures here")
def test_what_was_read_off_a_scan_is_shown_where_it_stands_beside_the_picture(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    image = tmp_path / "drive.img"
    image.write_bytes(bytes(16 << 20))
    subprocess.run(["mkfs.vfat", image], check=True, capture_output=True)
    (tmp_path / "letter.png").write_bytes(saved(printed(*letter(MARIA), size=(1700, 500)), "PNG"))
    subprocess.run(["mcopy", "-i", image, tmp_path / "letter.png", "::letter.png"], check=True)
    with make_case(tmp_path, image, recognition=True) as case:
        key, told = case.key, passage(case, f"{VOLUME}/letter.png!recognised!line 3")
    assert [MARIA.ssn in line["text"] for line in told if line["here"]] == [True]
    with qtbot.waitSignal(window.case_opened, timeout=20_000):
        window.open_view(CaseView(CaseFolder(tmp_path / "looked.dcase"), key))
    window.show_page(window.contents)
    page = window.contents
    until(qtbot, lambda: bool(page.model and page.model.rowCount()))
    page.preview.reason = "why"
    search(qtbot, page, f'"{MARIA.ssn}"')
    choose_hit(qtbot, page, f"{VOLUME}/letter.png!recognised")
    until(qtbot, lambda: shows(page, "text"))
    assert page.preview.lines.marked() == MARIA.ssn
    assert page.preview.lines.where.text() == f"{VOLUME}/letter.png!recognised"
    assert "may be wrong" in page.preview.facts.value("Noted")
    page.preview.show_tab("picture")
    until(qtbot, lambda: shows(page, "picture"))
    assert page.preview.picture_size.text() == "1,700 × 500 pixels"
