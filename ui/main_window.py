"""The window: a rail of steps, one page each, the job that runs, and a foot that says what is protected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from forensics.casefile.views import CaseView
from forensics.casefile.workstation import last_self_test
from ui import actions, messages, summary, theme
from ui.bridge import Command, Ending, Progress
from ui.pages.acquisition import AcquisitionPage
from ui.pages.base import CasePageBase
from ui.pages.case import CasePage
from ui.pages.contents import ContentsPage
from ui.pages.custody import CustodyPage
from ui.pages.exposure import ExposurePage
from ui.pages.forms import ExamineForm
from ui.pages.home import HomePage
from ui.pages.matches import MatchesPage
from ui.pages.records import RecordsPage
from ui.pages.report import ReportPage
from ui.session import Session
from ui.widgets.banner import Banner
from ui.widgets.foot import Foot
from ui.widgets.idle import LOCK_AFTER_MIN, Idle
from ui.widgets.rail import Rail
from ui.widgets.unlock import UnlockDialog

RECENT_KEPT = 6
REREAD_DELAY_MS = 400
"""While a verb runs it says many times a second what changed; the pages read it together."""


class MainWindow(QMainWindow):
    """One window, at most one case, at most one job."""

    case_opened = Signal()

    def __init__(self, settings: QSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or QSettings("DriveCustody", "DriveCustody")
        self.session: Session | None = None
        self.summary: summary.Summary | None = None
        self.command: Command | None = None
        self._follow: tuple[Path, Callable[[], str]] | None = None
        self._changed: frozenset[str] = frozenset()
        self._close_when_done = False
        self.setMinimumSize(1024, 680)
        self.home, self.case, self.acquisition, self.contents = (
            HomePage(),
            CasePage(),
            AcquisitionPage(),
            ContentsPage(),
        )
        self.records, self.matches, self.exposure = RecordsPage(), MatchesPage(), ExposurePage()
        self.custody, self.report = CustodyPage(), ReportPage()
        self.pages: tuple[CasePageBase, ...] = (
            self.case, self.acquisition, self.contents, self.records, self.matches, self.exposure,
            self.custody, self.report,
        )  # fmt: skip
        self.stack = QStackedWidget()
        for page in (self.home, *self.pages):
            self.stack.addWidget(page)
        self.rail = Rail(
            (
                ("briefcase", "Case"), ("usb", "Evidence & acquisition"), ("files", "Contents"),
                ("database", "Source records"), ("git-compare", "Matches"), ("users", "Exposure"),
                ("link", "Custody"), ("report", "Report"),
            )
        )  # fmt: skip
        self.banner = Banner()
        holder = QWidget()
        holder.setObjectName("page")
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.banner)
        right.addWidget(self.stack, 1)
        across = QHBoxLayout(holder)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(self.rail)
        across.addLayout(right, 1)
        self.setCentralWidget(holder)
        self.foot = Foot()
        self.setStatusBar(self.foot)
        self.idle = Idle(float(str(self.settings.value("lock_after_min", LOCK_AFTER_MIN))), self)
        self.idle.idle.connect(self.lock)
        self._reread = QTimer(self, singleShot=True, interval=REREAD_DELAY_MS)
        self._reread.timeout.connect(self._read_changed)
        self._connect()
        self._show_no_case()
        geometry = self.settings.value("geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            self.resize(1440, 900)

    def _connect(self) -> None:
        self.rail.step_chosen.connect(lambda number: self.show_page(self.pages[number]))
        self.rail.theme_toggled.connect(lambda dark: self.settings.setValue("dark", dark))
        for asking in (self.rail.strip, self.acquisition):
            asking.cancel_wanted.connect(self.cancel_job)
            asking.pause_wanted.connect(self.pause_job)
        self.acquisition.wish_wanted.connect(self._run_wish)
        self.home.case_wanted.connect(self._choose_case)
        self.home.examine_wanted.connect(self._examine)
        self.home.example_wanted.connect(self._example)
        self.home.self_test_wanted.connect(self.run_self_test)
        self.records.load_wanted.connect(self._load_records)
        self.case.leave_wanted.connect(self.leave_case)
        for page in self.pages:
            page.verb_wanted.connect(self.do)
        self.contents.passwords_given.connect(self.try_passwords)
        find = QAction("Filter", self)
        find.setShortcut(QKeySequence.StandardKey.Find)
        find.triggered.connect(self._focus_filter)
        self.addAction(find)

    # ------------------------------------------------------------------------------------------------------- pages

    def show_page(self, page: CasePageBase) -> None:
        """Show the page of a step; while no case is open the start page stands for all of them."""
        self.rail.choose(self.pages.index(page))
        self.stack.setCurrentWidget(page if self.session else self.home)

    def _focus_filter(self) -> None:
        page = self.stack.currentWidget()
        if self.session and not (isinstance(page, CasePageBase) and page.focus_filter()):
            self.show_page(self.contents)
            self.contents.focus_filter()

    def _show_no_case(self) -> None:
        self.setWindowTitle("DriveCustody")
        self.rail.show_case("DriveCustody", "No case is open")
        self.rail.allow(False)
        self.home.show_recent(self.recent())
        self._show_self_test()
        self.foot.say()
        self.show_page(self.case)

    # -------------------------------------------------------------------------------------------------------- case

    def recent(self) -> list[str]:
        """Paths of cases that were opened and are still there, the latest first. Nothing else of them is kept."""
        kept = self.settings.value("recent") or []
        return [path for path in ([kept] if isinstance(kept, str) else list(kept)) if Path(path).is_dir()]

    def _choose_case(self, path: str) -> None:
        chosen = path or QFileDialog.getExistingDirectory(self, "Open a case (a folder NAME.dcase)")
        if chosen:
            self.ask_passphrase(Path(chosen))

    def ask_passphrase(self, path: Path, passphrase: str = "") -> UnlockDialog:
        """Open a case by its passphrase; with one given it is tried at once."""
        dialog = UnlockDialog(path, self)
        dialog.unlocked.connect(self.open_view)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        if passphrase:
            dialog.field.setText(passphrase)
            dialog.try_it()
        return dialog

    def open_view(self, view: CaseView) -> None:
        """Show an open case; a case that was open before is closed."""
        self.leave_case()
        self.session = Session(view, self)
        self.session.failed.connect(lambda sentence: self.banner.say("bad", sentence))
        self.session.wrote.connect(self._note_changed)
        path = str(view.folder.path)
        self.settings.setValue("recent", [path, *(p for p in self.recent() if p != path)][:RECENT_KEPT])
        for page in self.pages:
            page.enter(self.session)
        self.rail.allow(True)
        self.idle.watch(True)
        self.session.ask("summary", summary.read, self._show_summary)
        self.show_page(self.case)

    def lock(self) -> None:
        """Close the case that is open and ask for its passphrase again; a running job goes on."""
        if self.session is not None:
            path = self.session.view.folder.path
            self.leave_case()
            self.ask_passphrase(path)

    def leave_case(self) -> None:
        if self.session is None:
            return
        self.idle.watch(False)
        self.session.close()
        self.session.deleteLater()
        for page in self.pages:
            page.leave()
        self.session = self.summary = None
        self.banner.hide()
        self._show_no_case()

    def _show_summary(self, case: summary.Summary) -> None:
        first, self.summary = self.summary is None, case
        self.setWindowTitle(f"Case {case.details.number} – DriveCustody")
        self.rail.show_case(f"Case {case.details.number}", case.details.organisation)
        said = "; ".join(f"{a.exhibit}: {a.protection.method}" for a in case.acquisitions)
        ledger = f"Ledger: {case.ledger_entries:,} entries, not checked here"
        self.foot.say(said or "No image yet", ledger, case.details.examiner)
        for page in self.pages:
            page.show_summary(case)
        if first:
            self.case_opened.emit()

    # -------------------------------------------------------------------------------------------------------- jobs

    def do(self, wanted: str) -> None:
        """Do what was asked for on a page: go to another page, or run a verb."""
        if wanted == "page:case":
            self.show_page(self.case)
        elif wanted == "records":
            self.show_page(self.records)
            self.records.ask()
        elif wanted == "acquire":
            self.acquisition.choose_next()
            self.show_page(self.acquisition)
        elif self.session and self.summary and (wish := actions.fill_in(wanted, self.summary, self)):
            self._run_wish(wish)

    def _load_records(self, arguments: list[str]) -> None:
        if self.session:
            folder = str(self.session.view.folder.path)
            self.run_verb("records", ("add", folder, *arguments), self.session.secret)

    def _run_wish(self, wish: actions.Wish) -> None:
        if self.session:
            self.run_verb(wish.verb, wish.arguments, self.session.secret)

    def try_passwords(self, passwords: tuple[str, ...]) -> None:
        """Examine again what is locked, with these; they go through the child's standard input and nowhere else."""
        if self.session:
            folder = str(self.session.view.folder.path)
            self.run_verb("index", (folder, "--passwords-file", "-"), self.session.secret, lines=passwords)

    def run_verb(
        self,
        verb: str,
        arguments: tuple[str, ...],
        secret: str = "",
        program: tuple[str, ...] = (),
        lines: tuple[str, ...] = (),
    ) -> bool:
        """Start a verb in a process of its own. False where one is running already."""
        if self.command is not None:
            self.banner.say("warn", "A job is running.", "Wait until it ends, or cancel it at the foot of the rail.")
            return False
        self.banner.hide()
        self.command = command = Command(verb, program, self)
        command.progressed.connect(self._progressed)
        command.changed.connect(self._note_changed)
        command.noted.connect(self.acquisition.noted)
        command.finished.connect(self._finished)
        self.rail.strip.begin(verb)
        self.acquisition.begin(verb)
        self.case.show_running(verb)
        command.start(arguments, secret, lines)
        return True

    def cancel_job(self) -> None:
        if self.command:
            self.command.cancel()
            self.rail.strip.show_stopping()
            self.acquisition.show_stopping()

    def pause_job(self, paused: bool) -> None:
        """Let the running verb wait before its next piece of work, or go on."""
        if self.command and not self.command.cancelling:
            if paused:
                self.command.pause()
            else:
                self.command.resume()
            self.rail.strip.show_paused(paused)
            self.acquisition.show_paused(paused)

    def _progressed(self, progress: Progress) -> None:
        if self.command and not self.command.cancelling:
            self.rail.strip.progress(progress)
            self.acquisition.show_progress(self.command.verb, progress)
            self.case.show_running(self.command.verb, progress)

    def _note_changed(self, tables: frozenset[str]) -> None:
        self._open_followed()
        self._changed |= tables
        if not self._reread.isActive():
            self._reread.start()

    def _read_changed(self) -> None:
        tables, self._changed = self._changed, frozenset()
        if self.session is None or not tables:
            return
        self.session.changed.emit(tables)
        self.session.ask("summary", summary.read, self._show_summary)
        for page in self.pages:
            if tables == Session.ALL or tables & page.TABLES:
                page.reread()

    def _finished(self, ending: Ending) -> None:
        command, self.command = self.command, None
        if command:
            command.deleteLater()
        self.rail.strip.end()
        self.acquisition.finish(ending)
        self.case.show_running("")
        self._reread.stop()
        self._changed = Session.ALL
        self._read_changed()
        self._show_self_test()
        told = messages.message(ending)
        self.banner.say(told.kind, told.sentence, told.remedy)
        if (intact := messages.intact(ending)) is not None:
            self.custody.show_checked(intact, "all links, hashes and signatures" if intact else "see the message above")
        self._open_followed()
        self._follow = None
        if self._close_when_done:
            self.close()
        elif ending.verb == "match" and ending.done and ending.result.get("planted") is not None:
            self._assess_again()

    def _assess_again(self) -> None:
        """What share of the planted persons was found is said by `assess`, and the pages show its last answer."""
        if self.session and self.summary and self.summary.assessment is not None:
            self.run_verb("assess", (str(self.session.view.folder.path),), self.session.secret)

    # ------------------------------------------------------------------------------------------------- from nothing

    def _examine(self) -> None:
        form = ExamineForm(self)
        if form.exec() == QDialog.DialogCode.Accepted:
            passphrase = form.passphrase.text()
            if self.run_verb("run", tuple(form.arguments()), passphrase):
                self._follow = (form.case_path(), lambda: passphrase)

    def _example(self) -> None:
        if folder := QFileDialog.getExistingDirectory(self, "A folder for the worked example"):
            self.run_example(Path(folder) / "drivecustody-example")

    def run_example(self, folder: Path, *options: str) -> None:
        """Run the worked example into a folder; its case is opened as soon as it is there."""
        secret = folder / "case-passphrase.txt"
        if self.run_verb("demo", ("--no-window", *options, str(folder))):
            self._follow = (folder / "demonstration.dcase", lambda: secret.read_text("utf-8").rstrip("\n"))

    def run_self_test(self) -> None:
        if self.run_verb("selftest", ()):
            self._show_self_test()

    def first_self_test(self) -> None:
        """Run the self-test by itself, once, on a workstation that has none; not while something else runs."""
        if self.command is None and last_self_test() is None:
            self.run_self_test()

    def _show_self_test(self) -> None:
        running = self.command is not None and self.command.verb == "selftest"
        self.home.show_self_test(last_self_test(), running)

    def _open_followed(self) -> None:
        """Open the case that the running verb is making, as soon as it is there."""
        if self.session is None and self._follow and (self._follow[0] / "case.db").is_file():
            (path, passphrase), self._follow = self._follow, None
            self.ask_passphrase(path, passphrase())

    # -------------------------------------------------------------------------------------------------------- close

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.command is not None and not self._close_when_done:
            asked = QMessageBox.question(
                self, "A job is running", "Stop the job and close? What is finished is kept.",
                QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No, QMessageBox.StandardButton.No,
            )  # fmt: skip
            if asked == QMessageBox.StandardButton.Yes:
                self._close_when_done = True
                self.cancel_job()
        if self.command is not None:
            event.ignore()
            return
        self.settings.setValue("geometry", self.saveGeometry())
        self.settings.setValue("dark", theme.is_dark())
        self.leave_case()
        event.accept()
