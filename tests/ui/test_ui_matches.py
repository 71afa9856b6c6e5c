"""Review by keyboard in a real case: what a key decided stands in the case and the ledger, and can be taken back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox
from pytestqt.qtbot import QtBot
from window_looks import assert_fits, overflowing
from worked_example import drivecustody

from forensics.casefile.case import CaseFolder
from forensics.casefile.views import CaseView
from forensics.model import CustodyEvent, Tier
from ui import theme
from ui.main_window import MainWindow
from ui.models.review import QueueModel
from ui.pages.matches_bulk import BulkForm
from ui.session import Session
from ui.widgets.reason import ReasonDialog

pytestmark = [pytest.mark.slow, pytest.mark.qt_log_ignore("propagateSizeHints")]


@pytest.fixture(scope="session")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked example, small: a drive on which the program itself found everybody."""
    folder = tmp_path_factory.mktemp("assessed") / "demo"
    drivecustody(
        "demo", folder, "--no-window", "--members", "4000", "--affected", "300",
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    return folder


@pytest.fixture
def example(assessed: Path, tmp_path: Path) -> Path:
    """A copy of it whose decisions are the test's own."""
    shutil.copytree(assessed / "demonstration.dcase", tmp_path / "demonstration.dcase")
    shutil.copy(assessed / "case-passphrase.txt", tmp_path)
    return tmp_path


@pytest.fixture
def view(example: Path) -> Iterator[CaseView]:
    opened = CaseView.open(example / "demonstration.dcase", (example / "case-passphrase.txt").read_text().strip())
    yield opened
    opened.close()


@pytest.fixture
def reviewing(qtbot: QtBot, window: MainWindow, view: CaseView) -> MainWindow:
    """The window on its Matches page, with the first person and the evidence about them on screen."""
    with qtbot.waitSignal(window.case_opened, timeout=10_000):
        window.open_view(CaseView(CaseFolder(view.folder.path), view.key))
    window.show_page(window.matches)
    queue = window.matches.queue
    until(qtbot, lambda: queue.current() is not None and queue.panel.record_key == queue.current().record_key)
    assert queue.table is not None
    queue.table.setFocus()
    return window


def until(qtbot: QtBot, holds: Callable[[], bool]) -> None:
    qtbot.waitUntil(holds, timeout=20_000)


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, control: bool = False) -> None:
    modifier = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    assert window.matches.queue.table is not None
    window.activateWindow()
    window.matches.queue.table.setFocus()
    until(qtbot, lambda: QApplication.activeWindow() is window and window.matches.queue.table.hasFocus())
    qtbot.keyClick(window.matches.queue.table, key, modifier)


def said_why(qtbot: QtBot, window: MainWindow, reason: str) -> None:
    dialog = window.matches.queue.dialog or window.matches.queue.deeds.dialog
    assert isinstance(dialog, ReasonDialog)
    assert not dialog.accept_button.isEnabled()
    dialog.field.setText(reason)
    qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)


def events(view: CaseView, name: str) -> list[CustodyEvent]:
    return [event for event in view.ledger() if event.event == name]


def current_key(window: MainWindow) -> str:
    person = window.matches.queue.current()
    assert person is not None
    return person.record_key


def test_the_queue_keeps_the_rules_of_qt_while_persons_leave_it(qtbot: QtBot, view: CaseView) -> None:
    session = Session(CaseView(view.folder, view.key))
    model = QueueModel(session)
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    with qtbot.waitSignal(model.loaded, timeout=10_000):
        model.reload()
    everybody = list(view.queue_ids(review="pending"))
    assert model.rowCount() == len(everybody) > 256
    until(qtbot, lambda: all(model.row_at(row) is not None for row in range(len(everybody))))
    model.decided(everybody[3], "included")
    model.decided(everybody[0], "excluded")
    left = [n for n in everybody if n not in (everybody[3], everybody[0])]
    assert [model.record_at(row) for row in range(model.rowCount())] == left
    until(qtbot, lambda: all(model.row_at(row) is not None for row in range(len(left))))
    assert [model.row_at(row).record for row in range(len(left))] == left
    model.decided(left[5], "pending")
    assert model.rowCount() == len(left)
    session.close()


def test_a_person_included_by_a_key_stands_so_in_the_case_and_the_ledger(
    qtbot: QtBot, reviewing: MainWindow, view: CaseView
) -> None:
    ids = view.queue_ids(review="pending")
    first, second = (view.queue(ids[:2])[n].record_key for n in ids[:2])
    assert current_key(reviewing) == first
    press(qtbot, reviewing, Qt.Key.Key_A)
    until(qtbot, lambda: view.decisions_of(first) != [])
    (made,) = view.decisions_of(first)
    assert (made.decision, made.who) == ("included", "Demonstration Examiner")
    (sealed,) = events(view, "review-decided")
    assert sealed.data["persons"] == 1
    assert first not in str(sealed.data)
    model = reviewing.matches.queue.model
    assert model is not None
    until(qtbot, lambda: model.rowCount() == len(ids) - 1)
    assert current_key(reviewing) == second
    until(qtbot, lambda: reviewing.matches.queue.panel.record_key == second)
    until(qtbot, lambda: "1 in" in reviewing.matches.queue.stats[view.queue(ids[:1])[ids[0]].tier].note.text())


def test_an_exclusion_asks_why_and_an_undo_makes_the_person_pending_again(
    qtbot: QtBot, reviewing: MainWindow, view: CaseView
) -> None:
    key, count = current_key(reviewing), len(view.queue_ids(review="pending"))
    press(qtbot, reviewing, Qt.Key.Key_R)
    said_why(qtbot, reviewing, "A namesake: the birth date is another.")
    until(qtbot, lambda: len(view.queue_ids(review="excluded")) == 1)
    assert view.decisions_of(key)[-1].reason == "A namesake: the birth date is another."
    press(qtbot, reviewing, Qt.Key.Key_Z, control=True)
    until(qtbot, lambda: len(view.queue_ids(review="pending")) == count)
    undone = view.decisions_of(key)[-1]
    assert undone.undoes == view.decisions_of(key)[0].id
    assert [event.data["decision"] for event in events(view, "review-decided")] == ["excluded", "undone"]
    model = reviewing.matches.queue.model
    assert model is not None
    until(qtbot, lambda: model.rowCount() == count)


def test_j_and_k_move_and_a_key_typed_into_the_filter_decides_nobody(
    qtbot: QtBot, reviewing: MainWindow, view: CaseView
) -> None:
    first = current_key(reviewing)
    press(qtbot, reviewing, Qt.Key.Key_J)
    until(qtbot, lambda: current_key(reviewing) != first)
    press(qtbot, reviewing, Qt.Key.Key_K)
    until(qtbot, lambda: current_key(reviewing) == first)
    field = reviewing.matches.queue.filter
    field.setFocus()
    qtbot.keyClicks(field, "arun")
    qtbot.wait(600)
    assert field.text() == "arun"
    assert reviewing.matches.queue.dialog is None
    assert events(view, "review-decided") == []


def test_a_note_keeps_the_state_and_undecided_takes_a_decision_back_openly(
    qtbot: QtBot, reviewing: MainWindow, view: CaseView
) -> None:
    queue = reviewing.matches.queue
    queue.state.setCurrentIndex(queue.state.findData(""))
    until(qtbot, lambda: queue.current() is not None)
    key = current_key(reviewing)
    press(qtbot, reviewing, Qt.Key.Key_N)
    said_why(qtbot, reviewing, "Ask the plan for the old address.")
    until(qtbot, lambda: len(view.decisions_of(key)) == 1)
    assert view.decisions_of(key)[0].decision == "pending"
    assert current_key(reviewing) == key
    until(qtbot, lambda: "Ask the plan" in queue.panel.decisions.text())
    press(qtbot, reviewing, Qt.Key.Key_A)
    until(qtbot, lambda: len(view.decisions_of(key)) == 2)
    press(qtbot, reviewing, Qt.Key.Key_K)
    until(qtbot, lambda: (person := queue.current()) is not None and person.review == "included")
    press(qtbot, reviewing, Qt.Key.Key_U)
    until(qtbot, lambda: [one.decision for one in view.decisions_of(key)] == ["pending", "included", "pending"])
    assert key in {row.record_key for row in view.queue(view.queue_ids(review="pending")).values()}


def test_the_next_persons_are_there_before_anybody_wants_them(qtbot: QtBot, reviewing: MainWindow) -> None:
    queue = reviewing.matches.queue
    model, passports = queue.model, queue.passports
    assert model is not None
    assert passports is not None
    following = [row.record_key for at in range(1, 21) if (row := model.row_at(at))]
    assert len(following) == 20
    until(qtbot, lambda: all(key in passports for key in following))
    press(qtbot, reviewing, Qt.Key.Key_J)
    assert queue.panel.record_key == following[0]


def test_a_whole_tier_is_decided_with_a_count_and_a_reason_and_taken_back_in_one_act(
    qtbot: QtBot, reviewing: MainWindow, view: CaseView, monkeypatch: pytest.MonkeyPatch
) -> None:
    tier = Tier.PROBABLE
    pending = view.review_counts()["pending"][tier]
    queue = reviewing.matches.queue
    until(qtbot, queue.bulk.isEnabled)
    until(qtbot, lambda: queue.stats[tier].number.text() == f"{pending:,}")
    qtbot.mouseClick(queue.bulk, Qt.MouseButton.LeftButton)
    form = queue.dialog
    assert isinstance(form, BulkForm)
    form.choose(tier, "included")
    assert form.accept_button.text() == f"Include {pending:,} persons"
    form.reason.setText("Name and birth date agree in one row.")
    assert not form.accept_button.isEnabled(), "without the tick"
    qtbot.wait(50)
    assert_fits(qtbot, form)
    form.sure.setChecked(True)
    qtbot.mouseClick(form.accept_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: view.review_counts()["included"][tier] == pending)
    (sealed,) = events(view, "review-decided")
    assert (sealed.data["persons"], sealed.data["tiers"]) == (pending, ["probable"])
    assert "Name and birth date" not in str(sealed.data)
    until(qtbot, lambda: queue.stats[tier].number.text() == "0")
    asked: list[str] = []

    def answer(*said: object) -> QMessageBox.StandardButton:
        asked.append(str(said[2]))
        return QMessageBox.StandardButton.Yes

    monkeypatch.setattr(QMessageBox, "question", answer)
    press(qtbot, reviewing, Qt.Key.Key_Z, control=True)
    until(qtbot, lambda: view.review_counts()["pending"][tier] == pending)
    assert f"{pending:,} persons, included by Demonstration Examiner" in asked[0]


def test_values_are_shown_after_the_reveal_is_in_the_ledger_and_not_without_it(
    qtbot: QtBot, reviewing: MainWindow, view: CaseView
) -> None:
    queue = reviewing.matches.queue
    key = queue.panel.record_key
    shown_with: list[int] = []
    show = queue.panel.show_values
    queue.panel.show_values = lambda *told: (shown_with.append(len(events(view, "values-revealed"))), show(*told))  # type: ignore[assignment, func-returns-value]
    assert "•" in queue.panel.facts.value("Given name")
    qtbot.mouseClick(queue.panel.reveal, Qt.MouseButton.LeftButton)
    said_why(qtbot, reviewing, "To compare with the row.")
    until(qtbot, lambda: queue.panel.revealed)
    assert shown_with == [1], "the ledger had the reveal before the value was on the screen"
    assert "•" not in queue.panel.facts.value("Given name")
    press(qtbot, reviewing, Qt.Key.Key_J)
    until(qtbot, lambda: queue.panel.record_key not in ("", key))
    press(qtbot, reviewing, Qt.Key.Key_K)
    until(qtbot, lambda: queue.panel.record_key == key)
    assert "•" in queue.panel.facts.value("Given name"), "another person, and the values are gone"
    ledger = view.folder.custody / "ledger.jsonl"
    kept = ledger.read_bytes()
    ledger.unlink()
    ledger.mkdir()
    qtbot.mouseClick(queue.panel.reveal, Qt.MouseButton.LeftButton)
    said_why(qtbot, reviewing, "Again.")
    until(qtbot, reviewing.matches.banner.isVisible)
    assert not queue.panel.revealed
    assert "•" in queue.panel.facts.value("Given name")
    ledger.rmdir()
    ledger.write_bytes(kept)


def test_the_companion_that_dies_is_said_and_the_next_key_starts_another(
    qtbot: QtBot, reviewing: MainWindow, view: CaseView
) -> None:
    session = reviewing.session
    assert session is not None
    until(qtbot, lambda: session.companion.waiting == 0)
    process = session.companion._process
    assert process is not None
    os.kill(process.processId(), 9)
    until(qtbot, lambda: session.companion._process is None)
    key = current_key(reviewing)
    press(qtbot, reviewing, Qt.Key.Key_A)
    until(qtbot, lambda: view.decisions_of(key) != [])


def test_a_blind_sample_hides_its_tiers_and_gives_an_interval_when_it_is_closed(
    qtbot: QtBot, reviewing: MainWindow, view: CaseView, monkeypatch: pytest.MonkeyPatch
) -> None:
    matches = reviewing.matches
    sample = matches.sample
    matches.show_panel(sample)
    sample.items.setText("30")
    qtbot.mouseClick(sample.draw_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: sample.model.rowCount() > 30 and sample.passage.text() != "")
    QAbstractItemModelTester(sample.model, QAbstractItemModelTester.FailureReportingMode.Fatal, sample.model)
    on_screen = {part.text().lower() for part in sample.findChildren(QLabel) if part.isVisible()}
    cells = {
        str(sample.model.index(row, column).data()).lower()
        for row in range(sample.model.rowCount())
        for column in range(sample.model.columnCount())
    }
    words = " ".join(on_screen | cells)
    assert not any(word in words for word in ("confirmed", "probable", "catch", "record key"))
    keys = {row.record_key for row in view.queue(view.queue_ids()).values()}
    assert not any(key in words for key in keys)
    assert events(view, "content-read")[-1].data["item"] == 1
    (drawn,) = view.samples()
    caught = {row.id for row in view._rows(_items()) if row.catch_row}
    for _ in range(sample.model.rowCount()):
        until(qtbot, sample.answers["yes"].isEnabled)
        item = sample._item
        sample.table.setFocus()
        qtbot.keyClick(sample.table, Qt.Key.Key_N if item in caught else Qt.Key.Key_Y)
        until(qtbot, lambda item=item: item in {one.item for one in view.sample_answers(drawn.id)})
        until(qtbot, lambda item=item: sample._item != item or sample.left.text().startswith("0 "))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    qtbot.mouseClick(sample.close_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: sample.result_card.isVisible() and sample.share.text() != "")
    assert sample.share.text().startswith("100.0 % (")
    assert "to 100.0 %, 95 %)" in sample.share.text()
    assert "Confirmed" in [part.text() for part in sample.result_card.findChildren(QLabel)]
    (closed,) = events(view, "sample-closed")
    assert closed.data["caught"] == len(caught)


def _items() -> object:
    from sqlalchemy import select

    from forensics.casefile import schema

    return select(schema.sample_item.c.id, schema.sample_item.c.catch_row)


@pytest.mark.parametrize("size", [(1024, 680), (1440, 900)], ids=["small", "large"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_person_with_evidence_fits_the_page(
    qtbot: QtBot, qapp: QApplication, reviewing: MainWindow, dark: bool, size: tuple[int, int]
) -> None:
    theme.apply(qapp, dark)
    reviewing.resize(*size)
    qtbot.wait(150)
    assert_fits(qtbot, reviewing)
    assert overflowing(reviewing) == []
