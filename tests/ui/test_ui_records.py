"""Source records in the window: looked at first, corrected by a person, and loaded as corrected."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from window_looks import assert_fits, overflowing

from forensics.casefile import case as casefolder
from forensics.casefile.store import Store
from forensics.casefile.views import CaseView
from ui import theme
from ui.main_window import MainWindow
from ui.models.rows import RowsModel
from ui.pages.records_add import AddRecordsDialog

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

ROWS = "Nr,Vorname,Nachname,Geboren,Social\n" + "".join(
    f"K{n:04d},Anna{n},Alpha{n},{1 + n % 28:02d}.{1 + n % 12:02d}.1961,{n}\n" for n in range(40)
)
"""Names of columns that no rule knows, and a column that its values make no SSN."""


def until(qtbot: QtBot, holds: Callable[[], bool]) -> None:
    qtbot.waitUntil(holds, timeout=20_000)


@pytest.fixture
def fresh(tmp_path: Path) -> CaseView:
    details = casefolder.CaseDetails("2026-1", "T", "Northgate", ("business",), "A. Okafor")
    folder, key, _ = casefolder.create(tmp_path / "Fresh.dcase", details, "a passphrase of some length")
    Store(folder, key).close()
    return CaseView(folder, key)


@pytest.fixture
def on_records(qtbot: QtBot, window: MainWindow, fresh: CaseView) -> MainWindow:
    with qtbot.waitSignal(window.case_opened, timeout=10_000):
        window.open_view(CaseView(fresh.folder, fresh.key))
    window.show_page(window.records)
    return window


def looked_at(qtbot: QtBot, window: MainWindow, path: Path, url: bool = False) -> AddRecordsDialog:
    dialog = window.records.ask()
    dialog.look_at(str(path), url)
    until(qtbot, lambda: dialog.command is None)
    return dialog


def test_an_empty_case_says_what_comes_first(on_records: MainWindow) -> None:
    assert on_records.records.is_empty
    assert not on_records.records.add_button.isVisible()


def test_what_a_person_corrects_in_the_preview_is_what_the_records_are_loaded_with(
    qtbot: QtBot, on_records: MainWindow, fresh: CaseView, tmp_path: Path
) -> None:
    source = tmp_path / "members.csv"
    source.write_text(ROWS, "utf-8")
    dialog = looked_at(qtbot, on_records, source)
    assert not dialog.add_button.isEnabled()
    assert "No column of members.csv was recognised as the key" in dialog.problem.text()
    dialog.key.setCurrentIndex(dialog.key.findData("Nr"))
    dialog.key.activated.emit(dialog.key.currentIndex())
    dialog.choose("Vorname", "given_name")
    dialog.choose("Nachname", "family_name")
    dialog.choose("Geboren", "birth_date")
    dialog.dates.setCurrentIndex(dialog.dates.findData("dmy"))
    dialog.as_of.setText("2026-02-30")
    until(qtbot, lambda: dialog.command is None and not dialog.preview.get("missing", "yes"))
    assert not dialog.add_button.isEnabled(), "there is no such day"
    dialog.as_of.setText("2026-02-28")
    assert dialog.add_button.isEnabled()
    qtbot.mouseClick(dialog.add_button, Qt.MouseButton.LeftButton)
    assert on_records.command is not None
    until(qtbot, lambda: on_records.command is None)
    (loaded,) = fresh.snapshots()
    assert loaded.mapping == {
        "record_key": "Nr", "given_name": "Vorname", "family_name": "Nachname", "birth_date": "Geboren",
    }  # fmt: skip
    assert (loaded.as_of, loaded.records) == ("2026-02-28", 40)
    assert loaded.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    with Store(fresh.folder, fresh.key) as store:
        born = {record.record_key: record.birth_date for _, record in store.source_records()}
    assert born["K0011"] == "1961-12-12"
    assert born["K0002"] == "1961-03-03"
    until(qtbot, lambda: on_records.records.model.rowCount() == 1)
    assert on_records.records.model.index(0, 6).data() == loaded.sha256
    until(qtbot, lambda: not on_records.records.is_empty)
    assert "day first" in on_records.records.quality.value("Dates are read")


def test_a_column_that_was_taken_for_something_can_be_said_to_be_unused(
    qtbot: QtBot, on_records: MainWindow, tmp_path: Path
) -> None:
    source = tmp_path / "members.csv"
    source.write_text(
        "Member ID,First Name,Last Name,DOB,Tax ID\n"
        + "".join(f"M{n:05d},Ann,Smith{n},196{n % 10}-02-03,{899000000 + n}\n" for n in range(30)),
        "utf-8",
    )
    dialog = looked_at(qtbot, on_records, source)
    assert dialog.preview["mapping"]["ssn"] == "Tax ID"
    dialog.choose("Tax ID", "")
    until(qtbot, lambda: dialog.command is None and bool(dialog.preview.get("columns")))
    assert "ssn" not in dialog.preview["mapping"]
    assert dialog.arguments()[1:3] == ["--map", "Tax ID=unused"]
    dialog.reject()


def test_every_row_is_checked_before_anything_is_loaded(
    qtbot: QtBot, on_records: MainWindow, fresh: CaseView, tmp_path: Path
) -> None:
    source = tmp_path / "members.csv"
    head = "Member ID,First Name,Last Name,DOB,SSN\n"
    lines = [f"M{n:05d},Ann,Smith{n},1961-02-03,{899000000 + n}\n" for n in range(30)]
    source.write_text(head + "".join(lines) + "M90000,Bea,Roe,1900-01-01,111-11-1111\n", "utf-8")
    dialog = looked_at(qtbot, on_records, source)
    qtbot.mouseClick(dialog.check_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: dialog.checking is None)
    words = dialog.quality.text()
    assert "31, 31 records" in words
    assert "Placeholders, not used: SSN 1, Birth date 1" in words
    assert_fits(qtbot, dialog)
    source.write_text(head + "".join(lines) + "M00003,Bea,Roe,1962-02-03,\n", "utf-8")
    qtbot.mouseClick(dialog.check_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: dialog.checking is None)
    assert "have the same Member ID" in dialog.quality.text()
    assert "--key" in dialog.quality.text()
    dialog.choose("SSN", "")
    assert dialog.quality.text() == "", "it was checked as something else"
    assert fresh.snapshots() == []
    dialog.reject()


def test_no_value_of_the_file_is_on_the_screen(qtbot: QtBot, on_records: MainWindow, tmp_path: Path) -> None:
    source = tmp_path / "members.csv"
    source.write_text(
        "Member ID,First Name,Last Name,DOB,SSN\n"
        + "".join(f"Q7{n:03d},Wilhelmina,Zyx,1961-02-03,899-77-{n:04d}\n" for n in range(30)),
        "utf-8",
    )
    dialog = looked_at(qtbot, on_records, source)
    words = " ".join(part.text() for part in dialog.findChildren(QLabel))
    assert "999-99-9999" in words
    assert not any(value in words for value in ("Wilhelmina", "Zyx", "899-77", "1961", "Q7"))
    dialog.reject()


def test_what_cannot_be_read_says_what_to_do(qtbot: QtBot, on_records: MainWindow, tmp_path: Path) -> None:
    dialog = looked_at(qtbot, on_records, tmp_path / "missing.csv")
    assert "There is no file missing.csv." in dialog.problem.text()
    assert "Check the path" in dialog.problem.text()
    assert not dialog.add_button.isEnabled()
    (tmp_path / "url.txt").write_text(f"sqlite:///{tmp_path / 'none.db'}\n", "utf-8")
    dialog.look_at(str(tmp_path / "url.txt"), True)
    until(qtbot, lambda: dialog.command is None)
    assert dialog.problem.text() != ""
    assert "sqlite:///" not in dialog.problem.text()
    dialog.reject()


def test_a_look_that_is_given_up_ends_its_process(qtbot: QtBot, on_records: MainWindow, tmp_path: Path) -> None:
    source = tmp_path / "members.csv"
    source.write_text(ROWS, "utf-8")
    dialog = on_records.records.ask()
    dialog.look_at(str(source))
    command = dialog.command
    assert command is not None
    dialog.reject()
    assert not command.running


def test_a_short_table_keeps_the_rules_of_qt() -> None:
    model = RowsModel(("A", "B"), frozenset({0}), frozenset({1}))
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    model.show([("x", "1"), ("y", "2")])
    assert model.index(1, 1).data() == "2"
    assert model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "A: x"
    model.show([])
    assert model.rowCount() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_preview_fits_the_smallest_window(
    qtbot: QtBot, qapp: QApplication, on_records: MainWindow, tmp_path: Path, dark: bool
) -> None:
    theme.apply(qapp, dark)
    source = tmp_path / "members.csv"
    source.write_text(ROWS, "utf-8")
    dialog = looked_at(qtbot, on_records, source)
    qtbot.wait(100)
    assert dialog.width() <= 1024
    assert dialog.height() <= 680
    assert_fits(qtbot, dialog)
    assert overflowing(dialog) == []
    dialog.reject()
