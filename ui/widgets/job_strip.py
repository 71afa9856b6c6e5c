"""The job at the foot of the rail: what runs, how far it is, and how to stop it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QToolButton

from ui import theme
from ui.bridge import Progress
from ui.widgets.parts import Card, Elided, label, row, size_text

VERBS = {
    "run": "Examining the drive", "demo": "Worked example", "receive": "Receiving", "acquire": "Acquiring",
    "import-image": "Importing the image", "verify-image": "Verifying the image", "index": "Indexing contents",
    "records": "Loading records", "match": "Comparing records", "assess": "Assessing exposure",
    "report": "Writing the report", "package": "Packing the evidence", "verify": "Checking",
    "identity list": "Reading identities", "devices": "Looking for devices",
    "selftest": "Self-test",
}  # fmt: skip
"""What a verb is called while it runs."""


def eta_text(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{max(1, round(seconds))} s left"
    if seconds < 5400:
        return f"{round(seconds / 60)} min left"
    return f"{seconds / 3600:.1f} h left"


def amount_text(progress: Progress) -> str:
    """How much is done, of how much, in the unit of the work."""
    say = size_text if progress.unit == "bytes" else "{:,}".format
    return say(progress.done) + (f" of {say(progress.total)}" if progress.total is not None else "")


class JobStrip(Card):
    """Hidden while nothing runs."""

    cancel_wanted = Signal()
    pause_wanted = Signal(bool)

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=6)
        self.verb = Elided("")
        self.share = label("", "small")
        self._paused: bool = False
        self.pause = QToolButton()
        self.pause.clicked.connect(lambda: self.pause_wanted.emit(not self._paused))
        self.cancel = QToolButton()
        self.cancel.setAccessibleName("Cancel the job")
        self.cancel.setToolTip("Cancel: what is finished is kept")
        theme.dress(self.cancel, "player-stop", "text", 16)
        self.cancel.clicked.connect(self.cancel_wanted)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.bar.setAccessibleName("Progress of the job")
        self.phase = Elided("", "small")
        self.amount = Elided("", "small")
        self.show_paused(False)
        self.body.addLayout(row(self.verb, self.pause, self.cancel, spacing=2, stretch=(1, 0, 0)))
        self.body.addWidget(self.bar)
        self.body.addLayout(row(self.phase, self.share, spacing=6, stretch=(1, 0)))
        self.body.addWidget(self.amount)
        self.hide()

    def begin(self, verb: str) -> None:
        self.verb.setText(VERBS.get(verb, verb))
        self.share.setText("")
        self.phase.setText("Starting")
        self.amount.setText("")
        self.bar.setRange(0, 0)
        self.cancel.setEnabled(True)
        self.pause.setEnabled(True)
        self.show_paused(False)
        self.show()

    def show_paused(self, paused: bool) -> None:
        self._paused = paused
        words = "Go on with the job" if paused else "Pause the job"
        self.pause.setAccessibleName(words)
        self.pause.setToolTip(words)
        theme.dress(self.pause, "player-play" if paused else "player-pause", "text", 16)
        if paused:
            self.phase.setText("Paused")

    def progress(self, progress: Progress) -> None:
        permille = progress.permille
        if permille is None:
            self.bar.setRange(0, 0)
            self.share.setText("")
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(permille)
            self.share.setText(f"{permille // 10} %")
        eta = eta_text(progress.eta_s)
        phase = progress.phase[:1].upper() + progress.phase[1:] + (f" · {eta}" if eta else "")
        self.phase.setText("Paused" if self._paused else phase)
        self.amount.setText(amount_text(progress))
        self.bar.setAccessibleDescription(f"{progress.phase}: {self.share.text()} {self.amount.text()} {eta}")

    def show_stopping(self) -> None:
        for part in (self.pause, self.cancel):
            part.setEnabled(False)
        self.phase.setText("Stopping: the work in hand is finished first")

    def end(self) -> None:
        self.hide()
