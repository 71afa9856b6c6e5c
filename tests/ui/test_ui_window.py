"""The window as a person meets it: opening a case, its pages in both themes and sizes, and a job that runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QScrollBar,
    QWidget,
)
from pytestqt.qtbot import QtBot
from window_looks import assert_fits

from forensics.casefile import case as casefolder
from forensics.casefile.testimony import Tick
from forensics.casefile.views import CaseView
from forensics.model import Tier
from ui import app as ui_app
from ui import messages, summary, theme
from ui.actions import Wish, fill_in
from ui.bridge import Ending
from ui.main_window import MainWindow
from ui.pages.case import due_dates
from ui.pages.forms import ExamineForm, Form, IndexForm, ReceiveForm, SignForm
from ui.pages.matches_bulk import BulkForm, Counts
from ui.pages.records_add import AddRecordsDialog
from ui.pages.statements import StatementsForm
from ui.widgets.parts import size_text, time_text
from ui.widgets.reason import ReasonDialog

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")
"""The offscreen platform warns that it cannot tell a window manager the size of a dialog; there is none to tell."""

PAGES = ("case", "acquisition", "contents", "records", "matches", "exposure", "custody", "report")

# ---------------------------------------------------------------------------------------------------------- opening


def test_a_wrong_passphrase_is_said_and_asked_again_and_the_right_one_opens(
    qtbot: QtBot, window: MainWindow, examined_case: tuple[Path, bytes], passphrase: str
) -> None:
    dialog = window.ask_passphrase(examined_case[0])
    assert not dialog.open_button.isEnabled()
    dialog.field.setText("wrong")
    qtbot.mouseClick(dialog.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.problem.isVisible(), timeout=15_000)
    assert "passphrase" in dialog.problem.text()
    assert dialog.isVisible()
    qtbot.wait(60)
    assert_fits(qtbot, dialog)
    assert window.session is None
    dialog.field.setText(passphrase)
    with qtbot.waitSignal(window.case_opened, timeout=15_000):
        qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert window.summary is not None
    assert window.windowTitle() == "Case 2026-0417 – DriveCustody"
    assert window.rail.case.text() == "Case 2026-0417"


def test_the_window_stays_alive_while_the_passphrase_is_tried(
    qtbot: QtBot, window: MainWindow, examined_case: tuple[Path, bytes], passphrase: str
) -> None:
    dialog = window.ask_passphrase(examined_case[0], passphrase)
    assert dialog.open_button.text() == "Opening…"
    qtbot.waitSignal(window.case_opened, timeout=15_000).wait()


def test_a_folder_that_is_no_case_is_said_to_be_none(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    dialog = window.ask_passphrase(tmp_path, "anything")
    qtbot.waitUntil(lambda: dialog.problem.isVisible(), timeout=15_000)
    assert "not a case" in dialog.problem.text()
    dialog.reject()


def test_only_the_path_of_a_case_is_remembered(
    qtbot: QtBot, open_window: MainWindow, settings: QSettings, examined_case: tuple[Path, bytes], passphrase: str
) -> None:
    settings.sync()
    kept = Path(settings.fileName()).read_text("utf-8")
    assert open_window.recent() == [str(examined_case[0])]
    assert passphrase not in kept
    assert examined_case[1].hex() not in kept
    assert "2026-0417" not in kept.replace(str(examined_case[0]), "")


def test_closing_a_case_leaves_nothing_of_it_on_the_screen(qtbot: QtBot, open_window: MainWindow) -> None:
    open_window.contents.filter.setText("members")
    open_window.leave_case()
    assert open_window.stack.currentWidget() is open_window.home
    said = [part.text() for part in open_window.rail.findChildren(QLabel)]
    assert not any("2026-0417" in text or "Northgate" in text for text in said)
    assert open_window.contents.filter.text() == ""
    assert open_window.custody.model.rowCount() == 0
    assert not open_window.rail.buttons[1].isEnabled()


# ------------------------------------------------------------------------------------------------------------ pages


def settle(qtbot: QtBot, window: MainWindow) -> None:
    files, persons = window.contents.model, window.exposure.model
    assert files is not None
    assert persons is not None
    qtbot.waitUntil(lambda: files.row_at(0) is not None and persons.row_at(0) is not None, timeout=10_000)
    qtbot.wait(60)


def ink(image: QImage) -> int:
    """How many colours a picture has, of every eighth pixel."""
    return len({image.pixel(x, y) for x in range(0, image.width(), 8) for y in range(0, image.height(), 8)})


@pytest.mark.parametrize("size", [(1024, 680), (1440, 900)], ids=["small", "large"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_is_drawn_and_no_word_is_cut_off(
    qtbot: QtBot, qapp: QApplication, open_window: MainWindow, tmp_path: Path, dark: bool, size: tuple[int, int]
) -> None:
    theme.apply(qapp, dark)
    open_window.resize(*size)
    settle(qtbot, open_window)
    pictures = []
    assert len(PAGES) == len(open_window.pages)
    for name, page in zip(PAGES, open_window.pages, strict=True):
        open_window.show_page(page)
        if name == "contents" and open_window.contents.table:
            open_window.contents.table.selectRow(3)
        qtbot.wait(120)
        assert_fits(qtbot, open_window, name)
        picture = open_window.grab()
        assert (picture.width(), picture.height()) == size
        assert picture.save(str(tmp_path / f"{name}.png"))
        image = picture.toImage()
        assert ink(image) > 15, name
        assert image.pixelColor(300, 8).name() == theme.now().bg
        pictures.append(image)
    assert all(one != other for one, other in pairwise(pictures))


def test_every_page_says_what_comes_first_in_a_case_where_nothing_happened(
    qtbot: QtBot, window: MainWindow, new_view: CaseView
) -> None:
    with qtbot.waitSignal(window.case_opened, timeout=10_000):
        window.open_view(new_view)
    assert window.contents.is_empty
    assert window.exposure.is_empty
    assert window.case.states() == ["Next", *["Waiting"] * 7]
    assert window.case.next_button.text().strip() == "Receive an exhibit…"
    assert not window.report.sign_button.isEnabled()
    for page in window.pages:
        window.show_page(page)
        qtbot.wait(50)
        assert_fits(qtbot, window)


def test_every_widget_in_the_tab_order_has_a_name(qtbot: QtBot, open_window: MainWindow) -> None:
    counted = {state: {str(tier): 3 for tier in Tier} for state in ("pending", "included", "excluded")}
    forms: list[QWidget] = [
        ExamineForm(), IndexForm(), ReceiveForm("A", "E-001"), SignForm(), AddRecordsDialog(),
        ReasonDialog("T", "S", "Do it"),
        BulkForm(Counts(counted, dict.fromkeys(map(str, Tier), 1))),
    ]  # fmt: skip
    for form in forms:
        qtbot.addWidget(form)
    nameless = [
        f"{type(part).__name__} {part.objectName()}"
        for root in (open_window, *forms)
        for part in root.findChildren(QWidget)
        if part.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not part.accessibleName()
        and not isinstance(part, (QScrollBar, QHeaderView))
        and not part.objectName().startswith("qt_")
        and not (isinstance(part, QLabel) and part.text())
    ]
    assert nameless == []


def test_control_and_a_number_go_to_a_page_and_control_f_to_its_filter(qtbot: QtBot, open_window: MainWindow) -> None:
    qtbot.keyClick(open_window, Qt.Key.Key_6, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: open_window.stack.currentWidget() is open_window.exposure, timeout=2_000)
    qtbot.keyClick(open_window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert open_window.exposure.filter.hasFocus()
    qtbot.keyClick(open_window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: open_window.stack.currentWidget() is open_window.case, timeout=2_000)
    qtbot.keyClick(open_window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert open_window.stack.currentWidget() is open_window.contents
    assert open_window.contents.filter.hasFocus()


def test_typing_filters_the_files_and_selecting_one_shows_its_hash_in_full(
    qtbot: QtBot, open_window: MainWindow
) -> None:
    page = open_window.contents
    assert page.model is not None
    assert page.table is not None
    open_window.show_page(page)
    with qtbot.waitSignal(page.model.loaded, timeout=5_000):
        qtbot.keyClicks(page.filter, "members_0003")
    assert page.model.rowCount() == 1
    qtbot.waitUntil(lambda: page.model is not None and page.model.row_at(0) is not None, timeout=5_000)
    page.table.selectRow(0)
    file = page.model.row_at(0)
    assert file is not None
    qtbot.waitUntil(lambda: page.preview.title.text() == file.name, timeout=5_000)
    shown = page.preview.facts.value("SHA-256")
    assert shown == file.sha256
    assert len(shown) == 64
    assert page.preview.facts.value("Locator") == file.locator
    assert page.preview.facts.value("Modified").endswith("(zone unknown)")


def test_the_exposure_page_says_that_the_estimate_was_not_measured(qtbot: QtBot, open_window: MainWindow) -> None:
    page = open_window.exposure
    assert page.facts.value("Estimate").startswith("not measured")
    assert page.stats["confirmed"].number.text() == "84"
    assert page.stats["probable"].number.text() == "24"
    assert page.facts.value("Affected") == "108 of 480 persons in the records"
    qtbot.waitUntil(lambda: "SSN: " in page.bars.accessibleDescription(), timeout=5_000)


def test_the_report_page_lists_what_is_open_and_previews_the_newest_pdf(qtbot: QtBot, open_window: MainWindow) -> None:
    page = open_window.report
    open_window.show_page(page)
    assert page.open_chip.text() == "8 open"
    assert not page.sign_button.isEnabled()
    assert page.statements_button.isEnabled()
    assert not page.package_button.isEnabled()
    assert page.pdf.pageCount() == 2
    assert page.facts.value("File") == "draft-2026-03-04T091200Z.pdf"


def test_the_foot_claims_no_more_than_was_measured(open_window: MainWindow) -> None:
    said = [part.text() for part in open_window.statusBar().findChildren(QLabel)]
    assert said == ["E-001: read-only device", "Ledger: 8 entries, not checked here", "A. Okafor", "No network"]


def test_size_and_theme_are_remembered(qtbot: QtBot, window: MainWindow, settings: QSettings) -> None:
    window.resize(1024, 700)
    qtbot.mouseClick(window.rail.theme_button, Qt.MouseButton.LeftButton)
    assert theme.is_dark()
    window.close()
    again = MainWindow(settings)
    qtbot.addWidget(again)
    assert (again.width(), again.height()) == (1024, 700)
    assert settings.value("dark", False, type=bool) is True


# ------------------------------------------------------------------------------------------------------------- jobs

JOB = """
import json, sys, time
def say(**event): print(json.dumps(event), flush=True)
secret = sys.stdin.readline()
assert secret.startswith("key:")
say(event="started", verb="match", case="x")
say(event="progress", phase="scanning", done=32, total=64, unit="bytes", eta_s=75.0)
say(event="changed", tables=["evidence"])
if sys.argv[1] == "quick":
    say(event="finished", outcome="ok", result={})
elif sys.argv[1] == "refused":
    say(event="finished", outcome="refused", result={"message": "No records.", "remedy": "Load records first."})
    sys.exit(3)
else:
    sys.stdin.read()
    say(event="finished", outcome="cancelled", result={})
    sys.exit(130)
"""


@pytest.fixture
def job(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    script = tmp_path / "job.py"
    script.write_text(JOB, "utf-8")
    return lambda mode: (sys.executable, str(script), mode)


def start(window: MainWindow, program: tuple[str, ...]) -> bool:
    assert window.session is not None
    return window.run_verb("match", ("x",), window.session.secret, program)


def test_a_running_job_is_shown_with_its_share_and_can_be_cancelled(
    qtbot: QtBot, open_window: MainWindow, job: Callable[[str], tuple[str, ...]]
) -> None:
    strip = open_window.rail.strip
    assert start(open_window, job("wait"))
    qtbot.waitUntil(lambda: strip.share.text() == "50 %", timeout=15_000)
    assert strip.verb.text() == "Comparing records"
    assert strip.phase.text() == "Scanning · 75 s left"
    assert strip.amount.text() == "32 B of 64 B"
    assert open_window.case.states()[5] == "Running 50 %"
    assert not open_window.case.next_button.isEnabled()
    assert not start(open_window, job("quick"))
    assert open_window.banner.sentence.text() == "A job is running."
    qtbot.mouseClick(strip.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not strip.isVisible(), timeout=10_000)
    assert "stopped" in open_window.banner.sentence.text()
    assert open_window.case.states()[5] == "Done"


def test_pages_read_again_what_a_job_changed(
    qtbot: QtBot, open_window: MainWindow, job: Callable[[str], tuple[str, ...]]
) -> None:
    assert open_window.exposure.model is not None
    start(open_window, job("quick"))
    with qtbot.waitSignal(open_window.exposure.model.loaded, timeout=15_000):
        pass
    qtbot.waitUntil(lambda: open_window.command is None, timeout=10_000)
    assert open_window.banner.sentence.text() == "Comparing records: done."


@pytest.mark.parametrize(
    ("ending", "kind", "said"),
    [
        (Ending("verify", "ok", status=0), "ok", "The case is intact."),
        (Ending("verify", "failed", status=1), "bad", "Something in the case is not as it was sealed."),
        (Ending("index", "ok", {"not_examined": 2}, status=0), "ok", "Indexing contents: done."),
        (Ending("index", "cancelled", status=130), "info", "Indexing contents: stopped."),
        (Ending("index", "refused", sentence="No image.", status=3), "warn", "No image."),
        (Ending("index", "failed", sentence="The disk is full.", status=4), "bad", "The disk is full."),
    ],
)
def test_every_ending_is_told(ending: Ending, kind: str, said: str) -> None:
    told = messages.message(ending)
    assert (told.kind, told.sentence) == (kind, said)


def test_a_refusal_is_shown_with_its_remedy(
    qtbot: QtBot, open_window: MainWindow, job: Callable[[str], tuple[str, ...]]
) -> None:
    start(open_window, job("refused"))
    qtbot.waitUntil(lambda: open_window.banner.isVisible(), timeout=15_000)
    assert open_window.banner.sentence.text() == "No records."
    assert open_window.banner.remedy.text() == "Load records first."
    qtbot.mouseClick(open_window.banner.dismiss, Qt.MouseButton.LeftButton)
    assert not open_window.banner.isVisible()


def test_closing_the_window_asks_first_and_then_lets_the_job_end_by_itself(
    qtbot: QtBot,
    open_window: MainWindow,
    job: Callable[[str], tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start(open_window, job("wait"))
    qtbot.waitUntil(lambda: open_window.rail.strip.share.text() == "50 %", timeout=15_000)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    open_window.close()
    assert open_window.isVisible()
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    open_window.close()
    qtbot.waitUntil(lambda: not open_window.isVisible(), timeout=10_000)
    assert open_window.command is None
    assert open_window.session is None


# ------------------------------------------------------------------------------------------------- forms and words


def fill(form: Form, **fields: str) -> None:
    for name, value in fields.items():
        part = getattr(form, name)
        assert isinstance(part, QLineEdit)
        part.setText(value)


@pytest.mark.parametrize(
    "make", [ExamineForm, lambda: ReceiveForm("A", "E-001"), SignForm], ids=["examine", "receive", "sign"]
)
def test_a_form_starts_in_its_first_field_and_cuts_no_word_off(qtbot: QtBot, make: Callable[[], Form]) -> None:
    form = make()
    qtbot.addWidget(form)
    form.show()
    qtbot.waitExposed(form)
    qtbot.wait(60)
    assert_fits(qtbot, form)
    first = form.focusWidget()
    assert isinstance(first, (QLineEdit, QComboBox))
    for field in form.findChildren(QLineEdit):
        assert field.height() >= field.sizeHint().height()


def test_a_drive_is_examined_only_when_everything_is_filled_in(qtbot: QtBot, tmp_path: Path) -> None:
    form = ExamineForm()
    qtbot.addWidget(form)
    assert not form.accept_button.isEnabled()
    fill(
        form, source="/dev/sdx", records="members.csv", case=str(tmp_path / "New"), number="7", title="T",
        organisation="O", examiner="E", passphrase="one", again="two",
    )  # fmt: skip
    assert not form.accept_button.isEnabled()
    assert "differ" in form.problem.text()
    form.again.setText("one")
    assert form.accept_button.isEnabled()
    assert form.arguments() == [
        str(tmp_path / "New.dcase"), "/dev/sdx", "--records", "members.csv", "--number", "7", "--title", "T",
        "--organisation", "O", "--entity-type", "hipaa_covered_entity", "--examiner", "E",
    ]  # fmt: skip
    assert "one" not in form.arguments()
    (tmp_path / "New.dcase").mkdir()
    form.check()
    assert not form.accept_button.isEnabled()


def test_a_form_gives_the_options_of_its_verb(qtbot: QtBot) -> None:
    receive, sign = ReceiveForm("A. Okafor", "E-001"), SignForm()
    for form in (receive, sign):
        qtbot.addWidget(form)
    receive.giver.setText("Courier")
    receive.fields["--seal"].setText("00417-A")
    assert receive.arguments() == ["--exhibit", "E-001", "--from", "Courier", "--to", "A. Okafor", "--seal", "00417-A"]
    fill(sign, identity="A. Okafor", secret="/secret")
    assert sign.arguments() == ["--sign", "A. Okafor", "--identity-passphrase-file", "/secret"]


def test_no_statement_is_ticked_beforehand_and_each_tick_is_an_option(qtbot: QtBot, examined_view: CaseView) -> None:
    case = summary.read(examined_view)
    form = StatementsForm(case)
    qtbot.addWidget(form)
    form.show()
    qtbot.waitExposed(form)
    qtbot.wait(60)
    assert_fits(qtbot, form)
    assert form.arguments() == []
    fill(form, employer="Northgate Health Plan", qualifications="/cv.txt")
    form.boxes["matched"].setChecked(True)
    assert form.arguments() == [
        "--employer", "Northgate Health Plan", "--qualifications", "/cv.txt", "--statement", "matched",
    ]  # fmt: skip
    made = (Tick("matched", "A. Okafor", "2026-03-02T10:00:00Z", True), Tick("true", "A. Okafor", "2026-03-01", False))
    later = StatementsForm(replace(case, statements=made))
    qtbot.addWidget(later)
    later.show()
    qtbot.waitExposed(later)
    qtbot.wait(60)
    assert_fits(qtbot, later)
    assert (later.boxes["matched"].isChecked(), later.boxes["matched"].isEnabled()) == (True, False)
    assert not later.boxes["true"].isChecked()
    assert later.arguments() == []
    examined_view.close()


def test_a_draft_goes_into_the_reports_of_the_case(qtbot: QtBot, examined_view: CaseView) -> None:
    wish = fill_in("report", summary.read(examined_view))
    assert wish is not None
    assert wish.verb == "report"
    case, option, out = wish.arguments
    assert (case, option) == (str(examined_view.folder.path), "--out")
    assert re.fullmatch(r"draft-\d{4}-\d\d-\d\dT\d{6}Z\.pdf", Path(out).name)
    examined_view.close()


def test_the_steps_follow_from_what_is_in_the_case(new_view: CaseView, examined_view: CaseView) -> None:
    assert [step.done for step in summary.steps(summary.read(new_view))] == [False] * 8
    done = summary.steps(summary.read(examined_view))
    assert [step.done for step in done] == [True] * 8
    assert done[3].said == "171 live, 29 deleted, 1 in containers; 2 not examined"
    new_view.close()
    examined_view.close()


def test_before_signing_names_what_is_missing(new_view: CaseView) -> None:
    checks = summary.before_signing(summary.read(new_view))
    assert [check.said for check in checks if check.holds is False][:2] == [
        "No exhibit was received",
        "Not imaged: no exhibit",
    ]
    new_view.close()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 KiB"),
        (1 << 20, "1.0 MiB"),
        (61_530_439_680, "57.3 GiB"),
        (5 << 40, "5.0 TiB"),
    ],
)
def test_a_size_is_in_binary_units(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("2026-03-02T14:10:22Z", "2026-03-02 14:10:22 UTC"),
        ("2026-03-02T14:10:22+00:00", "2026-03-02 14:10:22 UTC"),
        ("2026-03-02T14:10:22", "2026-03-02 14:10:22 (zone unknown)"),
        ("2026-03-02", "2026-03-02"),
        ("", "–"),
    ],
)
def test_a_time_is_never_shown_without_what_is_known_of_its_zone(stored: str, text: str) -> None:
    assert time_text(stored) == text


def test_a_defect_tells_its_kind_and_place_and_nothing_of_the_case() -> None:
    try:
        raise ValueError("Mr Smith 123-45-6789")
    except ValueError as error:
        said = ui_app.where(error)
    assert re.fullmatch(r"ValueError in test_ui_window\.py, line \d+", said)


def test_the_worked_case_is_not_changed_by_looking_at_it(
    qtbot: QtBot, open_window: MainWindow, examined_case: tuple[Path, bytes]
) -> None:
    before = (casefolder.CaseFolder(examined_case[0]).database).read_bytes()
    settle(qtbot, open_window)
    for page in open_window.pages:
        open_window.show_page(page)
        qtbot.wait(30)
    open_window.leave_case()
    assert casefolder.CaseFolder(examined_case[0]).database.read_bytes() == before


def test_the_case_page_says_when_the_first_notice_is_due(qtbot: QtBot, open_window: MainWindow) -> None:
    page = open_window.case
    qtbot.waitUntil(lambda: "Notice due first" in page.details.shown(), timeout=30_000)
    # The fixture's plan knew on 2026-02-27; 45 CFR 164.404(b) gives 60 calendar days.
    assert page.details.value("Notice due first").startswith("2026-04-28, Tuesday: Each individual")
    # That law enforcement may delay these is no notice, and has no day to be missing.
    (without,) = page.details.value("Due, no date yet").splitlines()
    assert without.startswith("Substitute notice in conspicuous form")
    assert without.endswith("(45 CFR 164.404(d)(2)(ii)): counsel to determine")


def test_a_notice_without_a_date_is_named_with_what_is_missing() -> None:
    one = {"kind": "notify", "notify": "Agency", "citation": "45 CFR 1", "weekday": "Friday", "due": "2026-05-01"}
    told = [
        one, {**one, "due": "2026-06-01", "notify": "Media"},
        {**one, "due": None, "notify": "Customer", "citation": "the contract", "because": "its day was not said"},
        {**one, "due": None, "kind": "delay", "notify": "Nobody", "because": "only where it is so"},
    ]  # fmt: skip
    assert due_dates({"duties": told}) == [
        ("Notice due first", "2026-05-01, Friday: Agency (45 CFR 1)\nthen 1 more by 2026-06-01"),
        ("Due, no date yet", "Customer (the contract): its day was not said"),
    ]


@pytest.mark.parametrize(("ticked", "options"), [(True, ()), (False, ("--no-recognition",))])
def test_pictures_are_read_unless_somebody_says_no_and_nobody_is_asked_where_nothing_reads_them(
    ticked: bool, options: tuple[str, ...], examined_view: CaseView, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    case = summary.read(examined_view)

    def answer(form: IndexForm) -> QDialog.DialogCode:
        qtbot.addWidget(form)
        form.read_pictures.setChecked(ticked)
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(IndexForm, "exec", answer)
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    assert fill_in("index", case) == Wish("index", (str(case.folder), *options))
    monkeypatch.setattr(IndexForm, "exec", lambda form: QDialog.DialogCode.Rejected)
    assert fill_in("index", case) is None
    monkeypatch.setattr("shutil.which", lambda program: None)
    assert fill_in("index", case) == Wish("index", (str(case.folder),))
