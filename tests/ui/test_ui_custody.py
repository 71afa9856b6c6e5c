"""The custody page writes what a person reports, the way the command line does, and locks what is left alone."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QPushButton
from pytestqt.qtbot import QtBot

from forensics.model import CustodyEvent
from ui import actions
from ui.main_window import MainWindow
from ui.pages.custody import LedgerModel
from ui.pages.custody_forms import CheckpointForm, EventForm, TransferForm
from ui.widgets.idle import Idle


def test_an_event_becomes_the_arguments_of_the_command(qtbot: QtBot, open_window: MainWindow) -> None:
    assert open_window.summary
    form = EventForm(open_window.summary)
    qtbot.addWidget(form)
    assert not form.accept_button.isEnabled()
    form.kind.setCurrentIndex(form.kind.findData("seal"))
    form.note.setText("Bag closed again")
    form.fields["seal_after"].setText("0042118")
    form.seal.setCurrentIndex(form.seal.findData("yes"))
    form.corrects.setText("x")
    assert not form.accept_button.isEnabled()
    form.corrects.setText("")
    assert form.accept_button.isEnabled()
    exhibit = open_window.summary.exhibits[0].label
    assert form.arguments() == [
        "add", "--type", "seal", "--note", "Bag closed again", "--exhibit", exhibit, "--set", "seal_intact=yes",
        "--set", "seal_after=0042118",
    ]  # fmt: skip


def test_a_transfer_names_two_people_and_their_signatures(qtbot: QtBot, open_window: MainWindow) -> None:
    assert open_window.summary
    form = TransferForm(open_window.summary)
    qtbot.addWidget(form)
    form.taker.setText("Cass Taker")
    form.second.setText("Cass Taker")
    form.second_secret.setText("/b")
    assert form.problem.text() == "The one who gives signs first."
    form.first.setText("Dana Giver")
    assert not form.accept_button.isEnabled()
    form.first_secret.setText("/a")
    assert form.accept_button.isEnabled()
    assert form.arguments()[-8:] == [
        "--sign", "Dana Giver", "--identity-passphrase-file", "/a", "--countersign", "Cass Taker",
        "--countersign-passphrase-file", "/b",
    ]  # fmt: skip


def test_the_wish_of_the_page_is_the_verb_custody(
    qtbot: QtBot, open_window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_window.summary
    monkeypatch.setattr(CheckpointForm, "exec", lambda self: (self.identity.setText("Dana"), 1)[1])
    wish = actions.fill_in("custody checkpoint", open_window.summary)
    assert wish == actions.Wish(
        "custody",
        (str(open_window.summary.folder), "checkpoint", "--sign", "Dana", "--identity-passphrase-file", ""),
    )
    monkeypatch.setattr(CheckpointForm, "exec", lambda self: 0)
    assert actions.fill_in("custody checkpoint", open_window.summary) is None


def test_the_custody_form_is_of_the_exhibit_that_was_chosen(
    open_window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_window.summary
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda _parent, _title, name, _kinds: (f"/out/{name}", ""))
    first = open_window.summary.exhibits[0]
    one = actions.fill_in("custody form", open_window.summary)
    assert one is not None
    assert one.arguments[1:] == ("form", "--exhibit", first.label, "--out", f"/out/custody-{first.label}.pdf")
    several = replace(open_window.summary, exhibits=[first, replace(first, label="E-002")])
    asked: list[list[str]] = []
    monkeypatch.setattr(
        QInputDialog, "getItem", lambda _p, _t, _l, labels, _at, _edit: (asked.append(labels), (labels[1], True))[1]
    )
    two = actions.fill_in("custody form", several)
    assert asked == [[first.label, "E-002"]]
    assert two is not None
    assert two.arguments[1:] == ("form", "--exhibit", "E-002", "--out", "/out/custody-E-002.pdf")
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: ("", False))
    assert actions.fill_in("custody form", several) is None


def test_every_button_of_the_page_asks_for_its_verb(qtbot: QtBot, open_window: MainWindow) -> None:
    page = open_window.custody
    wanted: list[str] = []
    page.verb_wanted.disconnect()
    page.verb_wanted.connect(wanted.append)
    buttons: list[QPushButton] = [
        page.add_button, page.transfer_button, page.sign_button, page.receipt_button, page.form_button,
        page.check_button,
    ]  # fmt: skip
    for each in buttons:
        each.click()
    assert wanted == [
        "custody add", "custody transfer", "custody checkpoint", "custody receipt", "custody form", "verify",
    ]  # fmt: skip


def test_an_entry_that_was_corrected_says_so(qtbot: QtBot) -> None:
    model = LedgerModel()
    model.show(
        [
            CustodyEvent(1, "2026-11-20T09:00:00.000000Z", "a", "note", "", {"note": "4711"}, "0" * 64),
            CustodyEvent(2, "2026-11-20T09:01:00.000000Z", "a", "correction", "", {"corrects": 1}, "1" * 64),
        ]
    )
    assert model.data(model.index(0, 3)) == "Note (corrected by 2)"
    assert model.data(model.index(1, 3)) == "Correction"


def test_an_open_case_that_nobody_touches_is_locked_and_a_touch_puts_it_off(
    qtbot: QtBot, open_window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(open_window, "ask_passphrase", asked.append)
    idle = Idle(0.02, open_window)
    locked: list[bool] = []
    idle.idle.connect(lambda: locked.append(True))
    idle.watch(True)
    for _ in range(4):
        qtbot.wait(500)
        qtbot.keyClick(open_window, Qt.Key.Key_Shift)
    assert locked == []
    qtbot.waitUntil(lambda: locked == [True], timeout=5_000)
    assert open_window.session
    path = open_window.session.view.folder.path
    open_window.idle.idle.emit()
    assert open_window.session is None
    assert open_window.custody.model.rowCount() == 0
    assert asked == [path]


def test_the_time_until_the_lock_is_a_setting(qtbot: QtBot, settings: QSettings) -> None:
    settings.setValue("lock_after_min", 3)
    window = MainWindow(settings)
    qtbot.addWidget(window)
    assert window.idle._timer.interval() == 180_000


def test_pictures_of_the_page_and_its_forms(qtbot: QtBot, open_window: MainWindow, tmp_path: Path) -> None:
    assert open_window.summary
    folder = Path(os.environ.get("DRIVECUSTODY_PICTURES", tmp_path))
    open_window.show_page(open_window.custody)
    qtbot.wait(200)
    case = open_window.summary
    forms = {"event": EventForm(case), "transfer": TransferForm(case), "checkpoint": CheckpointForm()}
    for name, form in forms.items():
        qtbot.addWidget(form)
        assert form.grab().save(str(folder / f"custody-{name}.png"))
    assert open_window.grab().save(str(folder / "custody-page.png"))
