"""The worked example through the window and the real command line; the pictures of the README are taken from it.

To take them again: ``DRIVECUSTODY_PICTURES=docs/pictures python -m pytest tests/ui/test_ui_worked_example.py``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.main_window import MainWindow

pytestmark = [pytest.mark.slow, pytest.mark.qt_log_ignore("propagateSizeHints")]

PAGES = ("case", "acquisition", "contents", "exposure")
LARGEST = 200_000
"""Bytes of a picture in the README."""


def take(window: MainWindow, path: Path) -> None:
    """Save the window as a PNG of 256 colours, a third of the size and the same to the eye."""
    assert window.grab().save(str(path))
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


@pytest.fixture
def example() -> Iterator[Path]:
    """A folder with a path that is short enough for a picture."""
    with tempfile.TemporaryDirectory(prefix="worked-") as folder:
        yield Path(folder) / "example"


def test_the_worked_example_runs_from_the_window_and_its_case_opens_while_it_does(
    qtbot: QtBot, qapp: QApplication, window: MainWindow, example: Path, tmp_path: Path
) -> None:
    window.resize(1440, 900)
    with qtbot.waitSignal(window.case_opened, timeout=120_000):
        window.run_example(example, "--members", "20000", "--affected", "1400")
    assert window.command is not None, "the case was opened only after the end"
    qtbot.waitUntil(lambda: window.command is None, timeout=300_000)
    assert window.banner.sentence.text() == "Worked example: done."
    qtbot.waitUntil(lambda: window.case.states() == ["Done"] * 8, timeout=20_000)
    assert window.summary is not None
    assert window.summary.assessment is not None
    tiers = window.summary.assessment["tiers"]
    for tier in ("confirmed", "probable", "possible"):
        assert window.exposure.stats[tier].number.text() == f"{tiers[tier]:,}"
    assert 1300 < tiers["confirmed"] + tiers["probable"] <= 1400
    assert window.report.pdf.pageCount() > 5
    page = window.acquisition
    assert page.panels.currentWidget() is page.done
    assert page.done.verified.number.text() == "Yes"
    assert page.done.hashes.value("SHA-256") == window.summary.acquisitions[0].hashes["sha256"]
    window.banner.hide()
    files, table = window.contents.model, window.contents.table
    assert files is not None
    assert table is not None
    with qtbot.waitSignal(files.loaded, timeout=20_000):
        table.horizontalHeader().setSortIndicator(5, Qt.SortOrder.AscendingOrder)
    qtbot.waitUntil(lambda: files.row_at(0) is not None, timeout=20_000)
    deleted = next(n for n in range(files.rowCount()) if (row := files.row_at(n)) and row.status == "deleted")
    table.selectRow(deleted)
    qtbot.waitUntil(lambda: "Notice due first" in window.case.details.shown(), timeout=30_000)
    folder = Path(os.environ.get("DRIVECUSTODY_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        window.show_page(getattr(window, name))
        qtbot.wait(400)
        take(window, folder / f"{name}.png")
        assert (folder / f"{name}.png").stat().st_size <= LARGEST


def test_a_case_is_checked_from_the_window(qtbot: QtBot, window: MainWindow, examined_case: tuple[Path, bytes]) -> None:
    """The case of the other tests has a ledger that no program wrote, so that the check must not find it intact."""
    from forensics.casefile.case import CaseFolder
    from forensics.casefile.views import CaseView

    with qtbot.waitSignal(window.case_opened, timeout=10_000):
        window.open_view(CaseView(CaseFolder(examined_case[0]), examined_case[1]))
    window.show_page(window.custody)
    qtbot.mouseClick(window.custody.check_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.command is None, timeout=60_000)
    assert window.custody.state.number.text() == "Not intact"
    assert window.banner.sentence.text() == "Something in the case is not as it was sealed."
