"""The spike test from the window: planted where the comparison is started, its recall shown as the report prints it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from exposed_drive import RECORDS, files, indexed, write_records
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot
from window_looks import assert_fits, overflowing

from forensics.casefile.case import CaseFolder
from forensics.casefile.views import CaseView
from forensics.examination.assess import assess
from forensics.examination.fingerprints import make_fingerprints
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.records import add_records
from forensics.examination.report import report
from forensics.jobs.events import silent
from forensics.matching.records import Origin
from ui import theme
from ui.main_window import MainWindow
from ui.pages.exposure_recall import RecallPanel, share_text
from ui.pages.match_form import EACH, MatchForm

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real case, compared and assessed, in which nobody was planted."""
    folder = tmp_path_factory.mktemp("spikes")
    with indexed(folder, files(), (write_records(RECORDS, folder / "records.csv"), "")) as opened:
        match(opened, silent())
        assess(opened, silent())
    return folder / "c.dcase"


@pytest.fixture
def on_exposure(qtbot: QtBot, window: MainWindow, compared: Path) -> Iterator[MainWindow]:
    with OpenCase.unlock(compared, PASSPHRASE) as opened:
        key = opened.key
    with qtbot.waitSignal(window.case_opened, timeout=10_000):
        window.open_view(CaseView(CaseFolder(compared), key))
    window.show_page(window.exposure)
    window.exposure.show_panel("recall")
    yield window
    qtbot.waitUntil(lambda: window.command is None, timeout=60_000)


def test_the_form_plants_nobody_unasked_and_enough_where_it_is_asked(qtbot: QtBot) -> None:
    form = MatchForm(by_fingerprints=False)
    qtbot.addWidget(form)
    assert form.arguments() == []
    assert form.accept_button.isEnabled()
    form.plant.setChecked(True)
    assert form.arguments() == ["--spikes", str(EACH)]
    for wrong in ("", "0", "29", "a few", "²", "1000000"):
        form.each.setText(wrong)
        assert not form.accept_button.isEnabled(), wrong
        assert "a whole number from 30" in form.problem.text()
    form.plant.setChecked(False)
    assert form.accept_button.isEnabled()


def test_fingerprints_have_nobody_to_plant(qtbot: QtBot) -> None:
    form = MatchForm(by_fingerprints=True, planting=True)
    qtbot.addWidget(form)
    assert not form.plant.isEnabled()
    assert form.arguments() == []
    panel = RecallPanel()
    qtbot.addWidget(panel)
    panel.show_result({"recall": None}, True)
    assert "its records are fingerprints" in panel.state.text()
    assert panel.measure.isHidden()


def test_recall_is_measured_from_the_page_and_shown_as_the_report_prints_it(
    qtbot: QtBot, on_exposure: MainWindow, compared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, panel = on_exposure, on_exposure.exposure.recall
    qtbot.waitUntil(lambda: panel.state.text().startswith("Recall was not measured"), timeout=10_000)
    assert panel.table.isHidden()
    asked: list[MatchForm] = []

    def accepted(form: MatchForm) -> int:
        asked.append(form)
        form.each.setText("40")
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(MatchForm, "exec", accepted)
    assert window.summary is not None
    before = dict(window.summary.assessment or {})
    panel.measure.click()
    assert asked[0].plant.isChecked()
    qtbot.waitUntil(lambda: window.command is None and panel.model.rowCount() > 0, timeout=120_000)
    assert window.summary.assessment is not None
    told = window.summary.assessment
    assert told["recall"]["each"] == 40
    for name in ("tiers", "floor", "low", "estimate", "high"):
        assert told[name] == before[name]
    rows = [[str(panel.model.index(at, column).data()) for column in range(6)] for at in range(28)]
    by_layout = {shown[0]: shown for shown in rows}
    assert len(by_layout) == panel.model.rowCount() == 28
    of_tables = by_layout["a table: as the table writes its rows"]
    assert of_tables[1] == "40"
    assert int(of_tables[2]) >= 38
    assert panel.state.text() == (
        "28 of 28 layouts could be tried, 40 persons each. Least was found of: EBCDIC, a line alone: SSN with hyphens,"
        " first and last name (0.0 %)."
    )
    assert "there is no recall of the whole" in panel.said.text()
    with OpenCase.unlock(compared, PASSPHRASE) as opened:
        report(opened, silent(), out=tmp_path / "r.pdf")
    printed = subprocess.run(["pdftotext", "-layout", tmp_path / "r.pdf", "-"], capture_output=True, text=True).stdout
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    for _, planted, found, share, interval, _ in rows:
        assert any(line.endswith(f"{planted} {found} {share} {interval}") for line in lines), (share, interval)


@pytest.mark.parametrize(
    ("part", "said"), [(1.0, "100.0 %"), (0.9999, "> 99.9 %"), (0.0, "0.0 %"), (0.0002, "< 0.1 %"), (0.964, "96.4 %")]
)
def test_a_share_is_never_rounded_to_all_or_nothing(part: float, said: str) -> None:
    from forensics.report.typography import share

    assert share_text(part) == share(part) == said


@pytest.mark.parametrize("size", [(1024, 680), (1440, 900)], ids=["small", "large"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_recall_fits(
    qtbot: QtBot, qapp: QApplication, on_exposure: MainWindow, dark: bool, size: tuple[int, int]
) -> None:
    theme.apply(qapp, dark)
    on_exposure.resize(*size)
    qtbot.wait(300)
    assert_fits(qtbot, on_exposure.exposure)
    assert overflowing(on_exposure.exposure) == []
    if folder := os.environ.get("MY_SHOTS"):
        on_exposure.grab().save(f"{folder}/recall-{size[0]}-{dark}.png")
    form = MatchForm(by_fingerprints=False, planting=True, parent=on_exposure)
    form.show()
    qtbot.wait(100)
    assert_fits(qtbot, form)
    if folder:
        form.grab().save(f"{folder}/match-form-{dark}.png")
    form.close()


def test_a_case_of_fingerprints_says_that_recall_cannot_be_measured(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    source = write_records(RECORDS[:400], tmp_path / "r.csv")
    out = tmp_path / "o.fingerprints"
    make_fingerprints(silent(), origin=Origin(source), out=out)
    with indexed(tmp_path, {"list.csv": files()["list.csv"]}) as opened:
        add_records(opened, silent(), file=out, key_file=tmp_path / "o.fingerprints.key")
        match(opened, silent())
        assess(opened, silent())
        key = opened.key
    with qtbot.waitSignal(window.case_opened, timeout=10_000):
        window.open_view(CaseView(CaseFolder(tmp_path / "c.dcase"), key))
    window.show_page(window.exposure)
    window.exposure.show_panel("recall")
    qtbot.waitUntil(lambda: "are fingerprints" in window.exposure.recall.state.text(), timeout=10_000)
    if folder := os.environ.get("MY_SHOTS"):
        keep = Path(folder).parent / "fp.dcase"
        shutil.rmtree(keep, ignore_errors=True)
        shutil.copytree(tmp_path / "c.dcase", keep)
