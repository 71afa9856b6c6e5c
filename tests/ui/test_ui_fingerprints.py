"""Records by fingerprint in the window: the key is asked for, what they mean is said, and former members are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from window_looks import assert_fits, overflowing

from forensics.casefile.views import CaseView
from forensics.examination.fingerprints import make_fingerprints
from forensics.jobs.events import silent
from forensics.matching.records import Origin
from tests.ui.test_ui_records import fresh, looked_at, on_records, until
from ui import theme
from ui.main_window import MainWindow

__all__ = ["fresh", "on_records"]

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

HEAD = "Member ID,First Name,Last Name,DOB,SSN,Phone\n"


def row(n: int, phone: int = 0) -> str:
    return f"M{n:05d},Ann{n},Smith{n},1961-02-{1 + n % 28:02d},{899000000 + n},86055{50000 + n + phone}\n"


@pytest.fixture
def organisation(tmp_path: Path) -> Path:
    """Two snapshots of one table by one key, one by another key, and the first table with its values.

    Of 40 members 5 are gone in the second snapshot, 3 have another telephone number, and 2 are new."""
    (tmp_path / "spring.csv").write_text(HEAD + "".join(map(row, range(40))), "utf-8")
    later = [row(n, 1000 * (n < 3)) for n in range(35)] + [row(n) for n in (50, 51)]
    (tmp_path / "autumn.csv").write_text(HEAD + "".join(later), "utf-8")
    key = tmp_path / "plan.key"
    for name, day, secret in (
        ("spring", "2026-03-01", key), ("autumn", "2026-09-01", key), ("other", "2026-09-01", tmp_path / "other.key"),
    ):  # fmt: skip
        source = tmp_path / ("autumn.csv" if name == "other" else f"{name}.csv")
        out = tmp_path / f"{name}.fingerprints"
        make_fingerprints(silent(), origin=Origin(source), out=out, key_file=secret, as_of=day)
    return tmp_path


def load(qtbot: QtBot, window: MainWindow, path: Path, key: Path) -> None:
    dialog = looked_at(qtbot, window, path)
    dialog.prints.give_key(str(key))
    until(qtbot, lambda: dialog.command is None)
    assert dialog.problem.text() == ""
    qtbot.mouseClick(dialog.add_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: window.command is None)


def test_fingerprints_ask_for_their_key_and_only_the_right_one_will_do(
    qtbot: QtBot, on_records: MainWindow, fresh: CaseView, organisation: Path
) -> None:
    dialog = looked_at(qtbot, on_records, organisation / "spring.fingerprints")
    assert dialog.prints.isVisible()
    assert not dialog.table.isVisible()
    assert "their key is not here" in dialog.problem.text()
    assert not dialog.add_button.isEnabled()
    assert dialog.prints.facts.value("Records") == "40"
    assert dialog.prints.facts.value("As of") == "2026-03-01"
    dialog.prints.give_key(str(organisation / "other.key"))
    until(qtbot, lambda: dialog.command is None)
    assert "other.key is not the key of spring.fingerprints" in dialog.problem.text()
    assert not dialog.add_button.isEnabled()
    dialog.prints.give_key(str(organisation / "plan.key"))
    until(qtbot, lambda: dialog.command is None)
    assert dialog.problem.text() == ""
    qtbot.mouseClick(dialog.check_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: dialog.checking is None)
    assert "40, 40 records" in dialog.quality.text()
    words = " ".join(part.text() for part in dialog.findChildren(QLabel))
    assert not any(value in words for value in ("Ann1", "Smith1", "1961-02", "899000"))
    qtbot.mouseClick(dialog.add_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: on_records.command is None)
    (loaded,) = fresh.snapshots()
    assert loaded.by_fingerprints
    assert (loaded.records, loaded.as_of) == (40, "2026-03-01")


def test_what_fingerprints_mean_is_said_and_former_members_are_counted(
    qtbot: QtBot, on_records: MainWindow, fresh: CaseView, organisation: Path
) -> None:
    page = on_records.records
    load(qtbot, on_records, organisation / "spring.fingerprints", organisation / "plan.key")
    until(qtbot, lambda: page.model.rowCount() == 1)
    assert page.former_said.isHidden()
    load(qtbot, on_records, organisation / "autumn.fingerprints", organisation / "plan.key")
    until(qtbot, lambda: page.model.rowCount() == 2)
    shown = [[page.model.index(at, column).data() for column in range(6)] for at in range(2)]
    assert shown[0] == ["spring", "2026-03-01", "fingerprints", "40", "37", "5"]
    assert shown[1] == ["autumn", "2026-09-01", "fingerprints", "37", "5", "–"]
    assert page.former_said.text().startswith("5 former members: in an earlier snapshot and in no later one")
    assert page.meaning_card.isVisible()
    assert "planting invented persons" in page.meaning.value("Matching")
    assert "completes them" in page.meaning.value("Letters")
    page.table.selectRow(1)
    assert page.quality.value("Beside earlier sets") == "32 with the same values, 3 changed, 2 new"
    assert page.columns_card.title.text() == "What the fingerprints are made of"
    assert page.columns.value("Key check") == fresh.snapshots()[0].key_check
    # The same case takes neither values nor fingerprints by another key, and says so before anything runs.
    dialog = looked_at(qtbot, on_records, organisation / "spring.csv")
    assert "has fingerprints of its records" in dialog.problem.text()
    assert not dialog.add_button.isEnabled()
    dialog.look_at(str(organisation / "other.fingerprints"))
    until(qtbot, lambda: dialog.command is None)
    dialog.prints.give_key(str(organisation / "other.key"))
    until(qtbot, lambda: dialog.command is None)
    assert "made with another key" in dialog.problem.text()
    assert not dialog.add_button.isEnabled()
    dialog.reject()


def test_a_table_after_fingerprints_is_asked_about_its_columns_again(
    qtbot: QtBot, on_records: MainWindow, organisation: Path
) -> None:
    dialog = looked_at(qtbot, on_records, organisation / "spring.fingerprints")
    dialog.look_at(str(organisation / "spring.csv"))
    until(qtbot, lambda: dialog.command is None)
    assert not dialog.prints.isVisible()
    assert dialog.table.isVisible()
    assert dialog.add_button.isEnabled()
    assert dialog.arguments() == [str(organisation / "spring.csv")]
    dialog.reject()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_fingerprints_fit_the_smallest_window(
    qtbot: QtBot, qapp: QApplication, on_records: MainWindow, organisation: Path, dark: bool
) -> None:
    theme.apply(qapp, dark)
    on_records.resize(1024, 680)
    load(qtbot, on_records, organisation / "spring.fingerprints", organisation / "plan.key")
    until(qtbot, lambda: on_records.records.meaning_card.isVisible())
    qtbot.wait(150)
    assert_fits(qtbot, on_records.records)
    assert overflowing(on_records.records) == []
    dialog = looked_at(qtbot, on_records, organisation / "autumn.fingerprints")
    qtbot.wait(150)
    assert dialog.height() <= 680
    assert_fits(qtbot, dialog)
    assert overflowing(dialog) == []
    import os

    if folder := os.environ.get("MY_SHOTS"):
        on_records.grab().save(f"{folder}/fp-page-{dark}.png")
        dialog.grab().save(f"{folder}/fp-dialog-{dark}.png")
    dialog.reject()
