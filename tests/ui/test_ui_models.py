"""The tables: what Qt demands of a model, and the order and choice of rows an examiner asked for."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from forensics.casefile.views import CaseView, FileRow
from ui.models.files import FileModel
from ui.models.paged import PAGE, PagedModel
from ui.models.persons import PersonModel
from ui.pages.custody import LedgerModel
from ui.session import Session
from ui.widgets.tables import CHIP_ROLE


@pytest.fixture
def session(qtbot: QtBot, examined_view: CaseView) -> Iterator[Session]:
    made = Session(examined_view)
    yield made
    made.close()


def load(qtbot: QtBot, model: PagedModel[Any]) -> None:
    with qtbot.waitSignal(model.loaded, timeout=10_000):
        model.reload()


def column(qtbot: QtBot, model: PagedModel[Any], number: int, role: int = Qt.ItemDataRole.DisplayRole) -> list[Any]:
    qtbot.waitUntil(lambda: all(model.row_at(row) is not None for row in range(model.rowCount())), timeout=10_000)
    return [model.index(row, number).data(role) for row in range(model.rowCount())]


@pytest.mark.parametrize("kind", [FileModel, PersonModel])
def test_a_table_keeps_the_rules_of_qt(qtbot: QtBot, session: Session, kind: type[PagedModel[Any]]) -> None:
    model = kind(session)
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    load(qtbot, model)
    assert model.rowCount() > 0
    column(qtbot, model, 0)
    with qtbot.waitSignal(model.loaded, timeout=10_000):
        model.filter("no such thing")
    assert model.rowCount() == 0


def test_the_ledger_keeps_the_rules_of_qt(qtbot: QtBot, session: Session) -> None:
    model = LedgerModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    model.show(session.view.ledger())
    said = [model.index(row, 3).data() for row in range(model.rowCount())]
    assert said[:3] == ["Case created", "Receive started", "Receive finished"]
    model.show([])
    assert model.rowCount() == 0


def test_files_sort_by_size_in_both_directions(qtbot: QtBot, session: Session) -> None:
    model = FileModel(session)
    load(qtbot, model)
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        with qtbot.waitSignal(model.loaded, timeout=10_000):
            model.sort(3, order)
        column(qtbot, model, 0)
        sizes = [row.size for n in range(model.rowCount()) if (row := model.row_at(n))]
        assert sizes == sorted(sizes, reverse=order is Qt.SortOrder.DescendingOrder)
        assert len(sizes) == 201


def test_sorted_by_hash_the_same_contents_stand_together(qtbot: QtBot, session: Session) -> None:
    model = FileModel(session)
    load(qtbot, model)
    with qtbot.waitSignal(model.loaded, timeout=10_000):
        model.sort(7, Qt.SortOrder.DescendingOrder)
    hashes = [text for text in column(qtbot, model, 7) if text != "–"]
    assert hashes == sorted(hashes, reverse=True)
    assert model.sortable() == list(range(8))


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ("deleted", {"Deleted"}),
        ("archived", {"In container"}),
        ("not_examined", {"Live"}),
        ("", {"Live", "Deleted", "In container"}),
    ],
)
def test_a_quick_filter_shows_its_files_and_no_others(
    qtbot: QtBot, session: Session, only: str, expected: set[str]
) -> None:
    model = FileModel(session)
    with qtbot.waitSignal(model.loaded, timeout=10_000):
        model.only(only)
    assert set(column(qtbot, model, 5)) == expected
    if only == "not_examined":
        assert set(column(qtbot, model, 6)) == {"Not examined"}
        assert model.rowCount() == 2


def test_the_filter_finds_names_and_folders_and_takes_wildcards_literally(qtbot: QtBot, session: Session) -> None:
    model = FileModel(session)
    with qtbot.waitSignal(model.loaded, timeout=10_000):
        model.filter("claims")
    assert set(column(qtbot, model, 1)) >= {"Claims/2025"}
    assert model.rowCount() == 51
    with qtbot.waitSignal(model.loaded, timeout=10_000):
        model.filter("%")
    assert model.rowCount() == 0


def test_a_time_says_whether_its_zone_is_known(qtbot: QtBot, session: Session) -> None:
    model = FileModel(session)
    load(qtbot, model)
    times = [text for text in column(qtbot, model, 4) if text != "–"]
    assert all(text.endswith((" UTC", " (zone unknown)")) for text in times)
    assert {text.rsplit(" ", 1)[1] for text in times} == {"UTC", "unknown)"}


def test_a_screen_reader_hears_the_column_with_the_value(qtbot: QtBot, session: Session) -> None:
    model = PersonModel(session)
    load(qtbot, model)
    assert column(qtbot, model, 1, Qt.ItemDataRole.AccessibleTextRole)[0] == "Tier: Confirmed"
    assert column(qtbot, model, 1, CHIP_ROLE)[0] == "ok"


def test_persons_are_shown_by_key_and_never_by_name_or_number(qtbot: QtBot, session: Session) -> None:
    model = PersonModel(session)
    load(qtbot, model)
    shown = [str(text) for number in range(len(PersonModel.COLUMNS)) for text in column(qtbot, model, number)]
    assert not any("Given" in text or "Family" in text for text in shown)
    assert {setting.head for setting in PersonModel.COLUMNS}.isdisjoint({"Name", "SSN", "Birth date"})


def test_persons_come_by_tier_first(qtbot: QtBot, session: Session) -> None:
    model = PersonModel(session)
    load(qtbot, model)
    tiers = column(qtbot, model, 1)
    assert tiers == sorted(tiers, key=["Confirmed", "Probable", "Possible"].index)


class ManyFiles:
    """Stands in for a case with very many files; counts the pages it is asked for."""

    def __init__(self, rows: int) -> None:
        self.rows, self.pages = rows, 0

    def file_ids_in(self, place: Any, order_by: str, descending: bool, *_: Any) -> array[int]:
        return array("q", range(self.rows, 0, -1) if descending else range(1, self.rows + 1))

    def files(self, ids: Sequence[int]) -> dict[int, FileRow]:
        self.pages += 1
        return {n: FileRow(n, f"f{n}", "", "", n, "", "live", "ok", "", "", f"E-001/vol1/f{n}") for n in ids}

    def close(self) -> None:
        pass


def many(rows: int) -> tuple[Session, ManyFiles]:
    view = ManyFiles(rows)
    fake: Any = view
    made: CaseView = fake
    return Session(made), view


def test_a_hundred_thousand_rows_cost_only_the_pages_on_screen(qtbot: QtBot) -> None:
    session, view = many(100_000)
    model = FileModel(session)
    load(qtbot, model)
    assert model.rowCount() == 100_000
    assert view.pages == 0
    for row in (0, 99_999):
        qtbot.waitUntil(lambda row=row: model.row_at(row) is not None, timeout=5_000)
    assert model.index(99_999, 0).data() == "f100000"
    assert view.pages == 2
    session.close()


def test_a_page_asked_for_under_the_old_order_is_not_shown_under_the_new(qtbot: QtBot) -> None:
    session, _ = many(10 * PAGE)
    model = FileModel(session)
    load(qtbot, model)
    model.row_at(0)
    with qtbot.waitSignal(model.loaded, timeout=5_000):
        model.sort(3, Qt.SortOrder.DescendingOrder)
    qtbot.waitUntil(lambda: model.row_at(0) is not None, timeout=5_000)
    assert model.index(0, 0).data() == f"f{10 * PAGE}"
    session.close()


def test_of_two_questions_with_one_name_only_the_newer_is_answered(qtbot: QtBot) -> None:
    session, _ = many(1)
    answers: list[int] = []
    for number in range(50):
        session.ask("count", lambda _, number=number: number, answers.append)
    qtbot.waitUntil(lambda: answers != [], timeout=5_000)
    qtbot.wait(50)
    assert answers == [49]
    session.close()


def test_nothing_is_answered_after_the_case_is_closed(qtbot: QtBot) -> None:
    session, _ = many(1)
    answers: list[int] = []
    session.ask("count", lambda _: 1, answers.append)
    session.close()
    qtbot.wait(50)
    assert answers == []
