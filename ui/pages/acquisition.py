"""From a drive on the desk to its image in the case: chosen and checked, read, and what came of it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QMessageBox, QStackedWidget, QToolButton, QVBoxLayout

from forensics.model import Acquisition
from ui import theme
from ui.actions import Wish
from ui.bridge import Ending, Progress
from ui.devices import Candidate, name_of
from ui.pages.acquisition_done import DonePanel
from ui.pages.acquisition_running import RunningPanel
from ui.pages.acquisition_start import StartPanel
from ui.pages.base import CasePageBase
from ui.summary import Summary
from ui.widgets.parts import Chooser, Empty, button, relabel

VERBS = ("acquire", "import-image", "verify-image")
"""Verbs that are shown here while they run."""

PHASES = frozenset({"reread", "image", "rescue", "second read", "copy"})
"""Phases by which a verb that does more (`run`, `demo`) is known to be imaging now."""


class AcquisitionPage(CasePageBase):
    """Three panels: before, while and after; which one follows from the case, the exhibit and what runs."""

    TABLES = frozenset({"exhibit", "acquisition"})

    wish_wanted = Signal(object)
    """A verb with its arguments, ready to run."""

    pause_wanted = Signal(bool)
    cancel_wanted = Signal()

    def __init__(self) -> None:
        self.exhibit = Chooser()
        self.exhibit.setAccessibleName("Exhibit")
        self.exhibit.view().setAccessibleName("Exhibit")
        self.exhibit.setMinimumContentsLength(18)
        self.receive_button = QToolButton()
        self.receive_button.setAccessibleName("Receive another exhibit…")
        self.receive_button.setToolTip("Receive another exhibit…")
        theme.dress(self.receive_button, "plus")
        self.verify_button = button("Verify again", "hash", tip="Read the image and compare its hashes")
        self.pause_button = button("&Pause", "player-pause")
        self.cancel_button = button("Cancel…", "player-stop")
        super().__init__(
            "Evidence & acquisition", "", self.exhibit, self.receive_button, self.verify_button, self.pause_button,
            self.cancel_button,
        )  # fmt: skip
        self._case: Summary | None = None
        self._label = ""
        self._verb = ""
        self._paused = False
        self._reading: Candidate | None = None
        self.start, self.running, self.done = StartPanel(), RunningPanel(), DonePanel()
        self.panels = QStackedWidget()
        for panel in (self.start, self.running, self.done):
            self.panels.addWidget(panel)
        column = QVBoxLayout(self.content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.panels)
        receive = button("Receive an exhibit…", "briefcase", primary=True)
        self.set_empty(
            Empty(
                "usb", "No exhibit was received yet",
                "A drive is received first: from whom, when and under which seal. Then it is imaged here.", receive,
            )
        )  # fmt: skip
        for each in (receive, self.receive_button):
            each.clicked.connect(lambda: self.verb_wanted.emit("receive"))
        self.exhibit.activated.connect(lambda at: self._choose(str(self.exhibit.itemData(at))))
        self.start.wanted.connect(self._wanted)
        self.verify_button.clicked.connect(self._verify)
        self.pause_button.clicked.connect(lambda: self.pause_wanted.emit(not self._paused))
        self.cancel_button.clicked.connect(self._cancel)
        self._show_panel()

    # -------------------------------------------------------------------------------------------------------- case

    def show_summary(self, case: Summary) -> None:
        self._case = case
        imaged = {made.exhibit for made in case.acquisitions}
        labels = [exhibit.label for exhibit in case.exhibits]
        if self._label not in labels:
            self._label = next((name for name in labels if name not in imaged), labels[0] if labels else "")
        with QSignalBlocker(self.exhibit):
            self.exhibit.clear()
            for name in labels:
                state = "imaged" if name in imaged else "unfinished" if name in case.unfinished else "no image yet"
                self.exhibit.addItem(f"{name} · {state}", name)
            self.exhibit.setCurrentIndex(max(0, self.exhibit.findData(self._label)))
        self.show_empty(not labels and not self._verb)
        self._show_panel()

    def leave(self) -> None:
        super().leave()
        self._case = None
        self._label = self._verb = ""
        self._reading = None
        for panel in (self.start, self.running, self.done):
            panel.leave()
        self.exhibit.clear()
        self._show_panel()

    def choose_next(self) -> None:
        """Show the first exhibit that has no image yet; "acquire" was asked for elsewhere."""
        if self._case:
            imaged = {made.exhibit for made in self._case.acquisitions}
            self._choose(next((e.label for e in self._case.exhibits if e.label not in imaged), self._label))

    def _choose(self, label: str) -> None:
        self._label = label
        self.exhibit.setCurrentIndex(max(0, self.exhibit.findData(label)))
        self._show_panel()

    def _acquisition(self) -> Acquisition | None:
        made = self._case.acquisitions if self._case else ()
        return next((one for one in made if one.exhibit == self._label), None)

    def _show_panel(self) -> None:
        running, made = bool(self._verb), self._acquisition()
        for part in (self.pause_button, self.cancel_button):
            part.setVisible(running)
        self.exhibit.setVisible(not running and self.exhibit.count() > 0)
        self.receive_button.setVisible(not running and self.exhibit.count() > 0)
        self.verify_button.setVisible(not running and made is not None)
        if running:
            self.panels.setCurrentWidget(self.running)
            return
        if made is not None:
            self.done.show_acquisition(made)
            self.panels.setCurrentWidget(self.done)
            source = name_of(made.device) if made.device else made.source
            self.sentence.setText(f"{made.exhibit} · {source} · imaged to {made.format.upper()}")
            return
        found = next((e for e in self._case.exhibits if e.label == self._label), None) if self._case else None
        if self._case and found:
            self.start.show_exhibit(self._case.folder, found, self._case.unfinished.get(found.label))
            described = str(found.details.get("description") or "")
            self.sentence.setText(f"{found.label}" + (f" · {described}" if described else "") + " · has no image yet")
        else:
            self.sentence.setText("")
        self.panels.setCurrentWidget(self.start)

    # ------------------------------------------------------------------------------------------------------ a verb

    def _wanted(self, wish: Wish) -> None:
        self._reading = self.start.chosen
        self.wish_wanted.emit(wish)

    def _verify(self) -> None:
        if self._case and (made := self._acquisition()):
            self._reading = None
            self.wish_wanted.emit(Wish("verify-image", (str(self._case.folder), "--exhibit", made.exhibit)))

    def begin(self, verb: str) -> None:
        """A verb has started; shown here if it is one that images or reads an image back."""
        self._refresh_lock(True)
        if verb not in VERBS:
            return
        made = self._acquisition()
        self._verb = verb
        if verb == "verify-image" and made and made.device:
            self._reading = Candidate(made.device, not made.device.path.startswith("/dev/"))
        self.running.begin(self._reading)
        what = name_of(self._reading.device) if self._reading else "the source"
        doing = {"acquire": "imaging, the source is only read", "import-image": "an existing image is taken in"}
        self.sentence.setText(f"{self._label} · {what} · {doing.get(verb, 'the image is read back')}")
        self.show_paused(False)
        self.show_empty(False)
        self._show_panel()

    def show_progress(self, verb: str, progress: Progress) -> None:
        if not self._verb and progress.phase in PHASES:
            self._verb = verb
            self._reading = None
            self.running.begin(None)
            self.sentence.setText("A job that does every step is imaging now")
            self.show_empty(False)
            self._show_panel()
        elif self._verb and self._verb not in VERBS and progress.phase not in {*PHASES, "verify", "verify second copy"}:
            self._verb = ""
            self.running.end()
            self._show_panel()
        if self._verb:
            self.running.progress(progress)

    def noted(self, outcome: str, locator: str, reason: str) -> None:
        if self._verb:
            self.running.noted(outcome, locator, reason)

    def show_paused(self, paused: bool) -> None:
        self._paused = paused
        relabel(self.pause_button, "&Go on" if paused else "&Pause")
        theme.dress(self.pause_button, "player-play" if paused else "player-pause")
        if self._verb:
            self.running.pause(paused)

    def show_stopping(self) -> None:
        """A stop was asked for; nothing more can be asked of the command."""
        self.running.stopping()
        for part in (self.pause_button, self.cancel_button):
            part.setEnabled(False)

    def finish(self, ending: Ending) -> None:  # noqa: ARG002
        """The verb has ended; the panel follows from the summary that is read next."""
        self._verb = ""
        self._paused = False
        self.running.end()
        self._refresh_lock(False)
        for part in (self.pause_button, self.cancel_button):
            part.setEnabled(True)

    def _refresh_lock(self, running: bool) -> None:
        for part in (self.verify_button, self.receive_button):
            part.setEnabled(not running)

    def _cancel(self) -> None:
        goes_on = self._verb == "acquire"
        kept = "What was read is kept; acquiring this exhibit again goes on from here." if goes_on else (
            "Nothing of the case is changed by stopping." if self._verb == "verify-image"
            else "Running it again goes on with what is finished."
        )  # fmt: skip
        asked = QMessageBox.question(
            self, "Stop reading", f"Stop reading? {kept}",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No, QMessageBox.StandardButton.No,
        )  # fmt: skip
        if asked == QMessageBox.StandardButton.Yes and self._verb:
            self.cancel_wanted.emit()
