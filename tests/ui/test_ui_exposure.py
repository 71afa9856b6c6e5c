"""The exposure page: what was not measured says so, and the passport beside the list is of the person selected."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_looks import assert_fits, overflowing

from ui import theme
from ui.main_window import MainWindow
from ui.pages.exposure_numbers import NumbersPanel, StrataPanel

RESULT: dict[str, Any] = {
    "floor": 1217, "estimate": 1398, "low": 1397, "high": 1403, "ceiling": 1403, "estimate_status": "by decoys",
    "tiers": {"confirmed": 1218, "probable": 180, "possible": 5}, "minors": 193, "deceased": 37,
    "elements": {"ssn": {"n": 764, "low": 763, "high": 766}, "name": {"n": 1398, "low": None, "high": None}},
    "states": {f"S{n}": 10 + n for n in range(12)}, "not_in_records": None, "persons_after_merge": 19987,
    "result_sha256": "ab" * 32,
    "strata": [
        {"name": "SSN with name", "tier": "confirmed", "because": "by decoys", "found": 1218, "chance": 0.1,
         "chance_low": 0, "chance_high": 1, "decoys_found": 2, "moves": 20.0},
        {"name": "member id alone", "tier": "possible", "because": "issued in blocks", "found": 5, "chance": None,
         "chance_low": None, "chance_high": None, "decoys_found": 0, "moves": 0.0},
    ],
}  # fmt: skip


@pytest.fixture
def panel(qtbot: QtBot) -> NumbersPanel:
    made = NumbersPanel()
    qtbot.addWidget(made)
    return made


def test_every_number_stands_with_its_interval_or_says_that_there_is_none(panel: NumbersPanel) -> None:
    panel.show_result(RESULT, 20_000)
    shown = {name: (stat.number.text(), stat.note.text()) for name, stat in panel.stats.items()}
    assert shown["floor"][0] == "1,217"
    assert shown["estimate"] == ("1,398", "95 % interval 1,397 to 1,403")
    assert shown["ceiling"][0] == "1,403"
    assert shown["ssn"] == ("764", "95 % interval 763 to 766")
    assert shown["not_in_records"] == ("–", "not measured")
    assert panel.facts.value("In no record") == "not measured"
    assert panel.facts.value("Result SHA-256") == "ab" * 32
    assert "3 further states" in panel.other_states.text()
    unmeasured = {**RESULT, "estimate": None, "low": None, "high": None, "elements": {"ssn": {"n": 3}}}
    panel.show_result(unmeasured, 20_000)
    assert panel.stats["estimate"].number.text() == "–"
    assert panel.stats["ssn"].note.text() == "interval not measured"
    assert panel.facts.value("Estimate").startswith("not measured")


def test_a_number_of_persons_in_no_record_is_shown_as_soon_as_it_is_measured(panel: NumbersPanel) -> None:
    panel.show_result({**RESULT, "not_in_records": 4321}, 20_000)
    assert panel.stats["not_in_records"].number.text() == "4,321"
    assert panel.facts.value("In no record") == "4,321 persons on the drive"
    tables = [{"locator": "E-001/vol2/a.csv", "rows": 9000, "not_in_records": 4320}, {"not_in_records": 0}]
    panel.show_result({**RESULT, "not_in_records": 4321, "not_in_records_tables": tables}, 20_000)
    said = panel.facts.value("In no record")
    assert said.endswith("in 1 table of members; most in E-001/vol2/a.csv (4,320 of 9,000 rows)")


def test_what_fingerprints_cannot_tell_is_not_nought(panel: NumbersPanel) -> None:
    panel.show_result({**RESULT, "minors": None, "deceased": None}, 20_000)
    for name in ("minors", "deceased"):
        assert (panel.stats[name].number.text(), panel.stats[name].note.text()) == ("–", "not measured")


def test_a_stratum_that_cannot_be_measured_says_so_and_why(qtbot: QtBot) -> None:
    strata = StrataPanel()
    qtbot.addWidget(strata)
    strata.show_result(RESULT)
    rows = [[strata.model.index(row, column).data() for column in range(6)] for row in range(2)]
    assert rows[0] == ["SSN with name", "Confirmed", "1,218", "0 to 1", "2 in 20.0 moves", "by decoys"]
    assert rows[1][3:] == ["not measurable", "–", "issued in blocks"]


def test_the_passport_is_of_the_person_who_is_selected(qtbot: QtBot, open_window: MainWindow) -> None:
    page = open_window.exposure
    open_window.show_page(page)
    page.show_panel("persons")
    assert page.model is not None
    assert page.table is not None
    for row in (0, 5):
        page.table.selectRow(row)
        qtbot.waitUntil(lambda row=row: page.model.row_at(row) is not None, timeout=10_000)
        person = page.model.row_at(row)
        assert person is not None
        qtbot.waitUntil(lambda key=person.record_key: page.panel.record_key == key, timeout=20_000)
        assert page.panel.tier.text() == person.tier.capitalize()
        assert page.panel.facts.value("Given name") == "G•••"
    page.filter.setText("no such key")
    qtbot.waitUntil(lambda: page.panel.record_key == "", timeout=10_000)


@pytest.mark.parametrize("size", [(1024, 680), (1440, 900)], ids=["small", "large"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["numbers", "strata", "persons"])
def test_each_part_of_the_page_fits(
    qtbot: QtBot, qapp: QApplication, open_window: MainWindow, dark: bool, size: tuple[int, int], name: str
) -> None:
    theme.apply(qapp, dark)
    open_window.resize(*size)
    page = open_window.exposure
    open_window.show_page(page)
    page.show_panel(name)
    qtbot.wait(150)
    assert_fits(qtbot, page)
    assert overflowing(page) == []
