"""While an acquisition runs: how far, how fast, what could not be read, and under which protection."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QGridLayout, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from ui.bridge import Progress
from ui.devices import Candidate, decimal_text, facts
from ui.models.acquisition import Happening, HappeningModel, told
from ui.pages.acquisition_done import protection_state
from ui.tally import PHASES, Tally, duration_text, rate_text
from ui.widgets.parts import Card, Facts, Stat, chip, count_text, label, row, set_chip
from ui.widgets.speed_plot import SpeedPlot
from ui.widgets.tables import Table

TICK_MS = 1_000
TOLD_AT_MOST = 200
"""So many bad ranges the command tells while it reads; from there on the page says that there may be more."""

PROTECTION_ICONS = {
    "ok": ("shield-check", "ok"), "info": ("shield-check", "accent"), "warn": ("alert-triangle", "warn"),
}  # fmt: skip

WIDTHS = (84, 116, 160)


def utc_now() -> datetime:
    return datetime.now(UTC)


class RunningPanel(QWidget):
    """Fed by the window with what the command says; draws it again once a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self.tally: Tally | None = None
        self._started = ""
        self._labels: dict[str, str] = {}
        self.share, self.amount, self.ends = label("", "h2"), label("", "muted"), label("", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(16)
        self.bar.setAccessibleName("Progress of the acquisition")
        progress = Card(margin=14, spacing=8)
        progress.body.addLayout(row(self.share, self.amount, self.ends, spacing=12, stretch=(0, 1, 0)))
        progress.body.addWidget(self.bar)
        self.speed, self.elapsed = Stat("Speed", "download", "accent"), Stat("Elapsed", "clock")
        self.unreadable = Stat("Unreadable sectors", "circle-check", "ok")
        self.protection = Stat("Write protection", "shield-lock")
        self.plot = SpeedPlot("Read speed over the last ten minutes")
        plot = Card("Read speed, MB/s", label("last 10 minutes", "small"), spacing=4)
        plot.body.addWidget(self.plot, 1)
        self.device_state = chip("", "idle")
        self.device = Facts(mono=("Serial", "VID : PID"))
        device = Card("Source", self.device_state, spacing=8)
        device.body.addLayout(self.device)
        device.body.addStretch()
        self.model = HappeningModel()
        self.table = Table(self.model, WIDTHS, "What happened during the acquisition")
        self.table.setMinimumHeight(130)
        self.hashes = Facts(mono=("MD5", "SHA-1", "SHA-256", "SHA-512", "BLAKE3"))
        self.hashed = label("", "small")
        hashes = Card("Hashes while reading", self.hashed, spacing=8)
        hashes.body.addLayout(self.hashes)
        hashes.body.addStretch()
        self.evidence = label("", wrap=True)
        evidence = Card("Write protection, as measured", spacing=6)
        evidence.body.addWidget(self.evidence)
        evidence.body.addStretch()
        grid = QGridLayout()
        grid.setSpacing(12)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        grid.setRowStretch(1, 1)
        grid.addWidget(plot, 0, 0)
        grid.addWidget(device, 0, 1)
        grid.addWidget(self.table, 1, 0)
        side = QVBoxLayout()
        side.setSpacing(12)
        side.addWidget(hashes, 1)
        side.addWidget(evidence)
        grid.addLayout(side, 1, 1)
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(progress)
        column.addLayout(row(self.speed, self.elapsed, self.unreadable, self.protection, spacing=12))
        column.addLayout(grid, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        scroll.setAccessibleName("The running acquisition")
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self.tick)

    # -------------------------------------------------------------------------------------------------------- fed

    def begin(self, candidate: Candidate | None) -> None:
        """A command has started; `candidate` is what it reads, None where that is not known here."""
        sector = candidate.device.sector_size if candidate else 512
        self.tally = Tally(self._clock(), sector)
        self._started = f"{utc_now():%H:%M:%S} UTC"
        self.model.clear()
        self.plot.show_points(())
        told_facts = facts(candidate) if candidate else [("Source", "chosen by the running job")]
        self.device.show((name, value) for name, value in told_facts if name not in ("Note", "Hidden areas"))
        set_chip(self.device_state, "Being read", "info")
        self.hashes.show([("State", "come while the source is read")])
        self.hashed.setText("")
        self.evidence.setText("Not measured yet.")
        self.protection.show_number("–", "is measured at the start")
        self.share.setText("Starting")
        self.amount.setText("")
        self.ends.setText("")
        self.bar.setRange(0, 0)
        self._timer.start()
        self.tick()

    def progress(self, progress: Progress) -> None:
        if self.tally is None:
            return
        if self.tally.progress(progress):
            name = PHASES.get(progress.phase, progress.phase.capitalize())
            self._row("phase", f"{name}: {decimal_text(progress.total) if progress.total else 'size not known'}")
        self._show_progress()

    def noted(self, outcome: str, locator: str, reason: str) -> None:
        if self.tally is None:
            return
        self.tally.noted(outcome, locator, reason)
        if outcome == "digest":
            self._show_digests()
            return
        bare = outcome == "check" and protection_state(reason.partition(": ")[0])[1] == "warn"
        kind = "unprotected" if bare else outcome
        self._row(kind, told(outcome, locator, reason, self.tally.sector_size))
        if outcome == "check":
            self._show_protection(reason)
        self._show_unreadable(self.tally)

    def pause(self, paused: bool) -> None:
        if self.tally is None or self.tally.paused is paused:
            return
        self.tally.tick(self._clock())
        self.tally.paused = paused
        self._row(
            "pause" if paused else "resume", "Paused: leave the drive plugged in" if paused else "Reading goes on"
        )
        self._show_progress()
        self.tick()

    def stopping(self) -> None:
        self.ends.setText("Stopping: the work in hand is finished first")

    def end(self) -> None:
        """The command has ended; what it said stays until the next begins."""
        self._timer.stop()

    def leave(self) -> None:
        self._timer.stop()
        self.tally = None
        self.model.clear()
        self.plot.show_points(())
        self.device.show([])
        self.hashes.show([])
        self.evidence.setText("")

    # ------------------------------------------------------------------------------------------------------- shown

    def tick(self) -> None:
        if self.tally is None:
            return
        now = self._clock()
        self.tally.tick(now)
        self.plot.show_points(self.tally.plotted(now))
        self.speed.show_number(rate_text(self.tally.speed), f"average {rate_text(self.tally.average)}")
        self.elapsed.show_number(duration_text(now - self.tally.began), f"started {self._started}")
        self._show_unreadable(self.tally)

    def _show_unreadable(self, tally: Tally) -> None:
        ranges, sectors = len(tally.bad), tally.bad_sectors
        more = " or more" if ranges >= TOLD_AT_MOST else ""
        slow = f"; {count_text(tally.slow, 'slow place')}" if tally.slow else ""
        self.unreadable.show_number(f"{sectors:,}", f"{count_text(ranges, 'range')}{more} since this start{slow}")
        self.unreadable.become("alert-triangle" if ranges else "circle-check", "bad" if ranges else "ok")

    def _show_progress(self) -> None:
        tally = self.tally
        if tally is None:
            return
        permille = tally.permille
        if permille is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(permille)
        name = PHASES.get(tally.phase, tally.phase.capitalize())
        self.share.setText("" if permille is None else f"{permille / 10:.1f} %")
        of = f" of {decimal_text(tally.total)}" if tally.total else ""
        self.amount.setText(f"{name}  ·  {decimal_text(tally.done)}{of}")
        if tally.paused:
            self.ends.setText("Paused")
        elif tally.eta_s is None:
            self.ends.setText("")
        else:
            at = utc_now() + timedelta(seconds=tally.eta_s)
            self.ends.setText(f"{duration_text(tally.eta_s)} left  ·  ends about {at:%H:%M} UTC")
        self.bar.setAccessibleDescription(f"{self.share.text()} {self.amount.text()} {self.ends.text()}")

    def _show_digests(self) -> None:
        if self.tally is None or not self.tally.digests:
            return
        names = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512", "blake3": "BLAKE3"}
        self.hashes.show((names.get(n, n.upper()), digest.value) for n, digest in sorted(self.tally.digests.items()))
        self.hashed.setText(f"so far, over {decimal_text(max(d.done for d in self.tally.digests.values()))}")

    def _show_protection(self, reason: str) -> None:
        method, _, detail = reason.partition(": ")
        word, kind = protection_state(method)
        self.protection.show_number(word, method)
        self.protection.become(
            "alert-triangle" if kind == "warn" else "shield-check", kind if kind != "info" else "accent"
        )
        self.evidence.setText(detail or reason)

    def _row(self, kind: str, message: str) -> None:
        self.model.add(Happening(f"{utc_now():%H:%M:%S}", kind, message))
