"""After an acquisition: the image by its hashes, what could not be read, who verified it, and the protection."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from forensics.model import Acquisition, HardwareBlocker, KernelFlag
from ui.devices import Candidate, decimal_text, facts
from ui.models.acquisition import BadRangeModel
from ui.tally import duration_text
from ui.widgets.parts import Card, Facts, Stat, button, chip, count_text, label, row, set_chip, time_text
from ui.widgets.tables import Table

NAMES = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512", "blake3": "BLAKE3"}
WIDTHS = (104, 104, 74, 128, 90)
SHOWN_SEGMENTS = 6


class DonePanel(QWidget):
    """One finished acquisition."""

    def __init__(self) -> None:
        super().__init__()
        self._acquisition: Acquisition | None = None
        self.capacity, self.elapsed = Stat("Image", "files"), Stat("Elapsed", "clock")
        self.unreadable, self.verified = Stat("Unreadable sectors", "circle-check"), Stat("Verified", "shield-check")
        self.copy_button = button("Copy", "copy", tip="Copy all hashes to the clipboard")
        self.copy_button.setAccessibleName("Copy all hashes")
        self.copy_button.clicked.connect(self.copy_hashes)
        self.hashes = Facts(mono=tuple(NAMES.values()))
        self.hash_note = label("", "small", wrap=True)
        hashes = Card("Hashes of the image", self.copy_button, spacing=8)
        hashes.body.addLayout(self.hashes)
        hashes.body.addWidget(self.hash_note)
        self.bad_said = label("", wrap=True)
        self.model = BadRangeModel()
        self.table = Table(self.model, WIDTHS, "Unreadable places of the image")
        self.table.setMinimumHeight(150)
        bad = Card("What could not be read", spacing=8)
        bad.body.addWidget(self.bad_said)
        bad.body.addWidget(self.table, 1)
        bad.body.addStretch(0)
        self.protection_state = chip("", "idle")
        self.evidence = label("", wrap=True)
        self.protection = Facts(mono=("Answer to a write",))
        evidence = Card("Write protection, as measured", self.protection_state, spacing=8)
        evidence.body.addWidget(self.evidence)
        evidence.body.addLayout(self.protection)
        self.device = Facts(mono=("Serial", "VID : PID", "File"))
        device = Card("Source", spacing=8)
        device.body.addLayout(self.device)
        self.made = Facts(mono=("Segments", "Second copy"))
        made = Card("How it was made", spacing=8)
        made.body.addLayout(self.made)
        left, right = QVBoxLayout(), QVBoxLayout()
        for side in (left, right):
            side.setSpacing(12)
        for part in (hashes, evidence):
            left.addWidget(part)
        left.addWidget(bad)
        left.addStretch(0)
        self._left, self._bad = left, bad
        for part in (device, made):
            right.addWidget(part)
        right.addStretch()
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(row(self.capacity, self.elapsed, self.unreadable, self.verified, spacing=12))
        column.addLayout(row(left, right, spacing=12, stretch=(3, 2)), 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        scroll.setAccessibleName("The finished acquisition")
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    @property
    def exhibit(self) -> str:
        return self._acquisition.exhibit if self._acquisition else ""

    def show_acquisition(self, made: Acquisition) -> None:
        self._acquisition = made
        self.capacity.show_number(decimal_text(made.size), f"{made.size:,} bytes, {made.format.upper()}")
        self.elapsed.show_number(_elapsed(made), f"finished {time_text(made.finished)}")
        self._show_bad(made)
        if made.verified:
            self.verified.show_number("Yes", f"by {made.verified_by}")
            self.verified.become("shield-check", "ok")
        else:
            self.verified.show_number("No", "“Verify again” reads the image and compares")
            self.verified.become("alert-triangle", "warn")
        self.hashes.show((NAMES.get(name, name.upper()), value) for name, value in made.hashes.items())
        zeros = " with zeros for the unreadable sectors" if made.bad else ""
        stored = ", ".join(NAMES.get(name, name.upper()) for name in made.stored_hashes)
        self.hash_note.setText(
            f"Over all {made.size:,} bytes{zeros}." + (f" The image itself carries {stored}." if stored else "")
        )
        self._show_protection(made)
        source = facts(Candidate(made.device, not made.device.path.startswith("/dev/"))) if made.device else []
        self.device.show(source or [("Source", made.source)])
        self._show_made(made)

    def leave(self) -> None:
        self._acquisition = None
        self.model.show((), 512)
        for part in (self.hashes, self.protection, self.device, self.made):
            part.show([])
        self.evidence.setText("")
        for stat in (self.capacity, self.elapsed, self.unreadable, self.verified):
            stat.show_number("–")

    def copy_hashes(self) -> None:
        """Put every hash with its name on the clipboard, a line each, lower-case hex."""
        if self._acquisition:
            lines = (f"{NAMES.get(name, name.upper())} {value}" for name, value in self._acquisition.hashes.items())
            QApplication.clipboard().setText("\n".join(lines))

    def _show_bad(self, made: Acquisition) -> None:
        sectors = sum(-(-bad.length // made.sector_size) for bad in made.bad)
        self.unreadable.show_number(f"{sectors:,}", count_text(len(made.bad), "range"))
        self.unreadable.become("alert-triangle" if made.bad else "circle-check", "bad" if made.bad else "ok")
        self.model.show(made.bad, made.sector_size)
        self.table.setVisible(bool(made.bad))
        self._left.setStretchFactor(self._bad, 1 if made.bad else 0)
        self._left.setStretch(self._left.count() - 1, 0 if made.bad else 1)
        if made.bad:
            amount = sum(bad.length for bad in made.bad)
            said = f"{amount:,} bytes stand as zeros in the image; every other byte is that of the source."
        elif made.imported:
            said = "The image does not say; the drive was not read here."
        else:
            said = "Every sector of the source was read."
        if made.slow_reads:
            said += f" {count_text(made.slow_reads, 'place')} took the drive longer than two seconds."
        self.bad_said.setText(said)

    def _show_protection(self, made: Acquisition) -> None:
        measured, before = made.protection, made.seen_before
        set_chip(self.protection_state, *protection_state(measured.method))
        self.evidence.setText(measured.detail)
        told = [
            ("Method", measured.method),
            ("Write blocker", _blocker(measured.blocker)),
            ("Kernel’s flag", "; ".join(map(_flag, measured.flags))),
            ("Answer to a write", measured.attempted_write),
            ("Mounted before", "; ".join(before.mounted) if before else ""),
            ("Log before", before.detail if before else ""),
        ]
        self.protection.show((name, value) for name, value in told if value)

    def _show_made(self, made: Acquisition) -> None:
        names = made.segments[:SHOWN_SEGMENTS]
        segments = ", ".join(names)
        if len(made.segments) > len(names):
            segments += f" … {made.segments[-1]}"
        starts = f"{len(made.begun)} starts, the first {time_text(made.begun[0])}" if len(made.begun) > 1 else ""
        second = made.second_read
        read_twice = "" if second is None else ("the same bytes" if second.equal else "other bytes; see the ledger")
        copied = made.second_copy or (f"failed: {made.second_copy_failure}" if made.second_copy_failure else "")
        told = [
            ("Exhibit", made.exhibit),
            ("Taken in", "an image that was made elsewhere" if made.imported else ""),
            ("Started", time_text(made.started)),
            ("Went on", starts),
            (f"Segments ({len(made.segments):,})", segments),
            ("Attempts", f"{made.retries} more at every bad sector" if not made.imported else ""),
            ("Zeros", f"{decimal_text(made.zero_bytes)} of blocks that are all zero" if made.zero_bytes else ""),
            ("Second copy", copied),
            ("Second read", read_twice),
        ]  # fmt: skip
        self.made.show((name, value) for name, value in told if value)


def protection_state(method: str) -> tuple[str, str]:
    """What a method of write protection amounts to, in a word, and the kind of its chip."""
    if "read-only device" in method:
        return "Active", "ok"
    if "blocker" in method:
        return "Declared", "info"
    if "read-only file" in method:
        return "A file", "ok"
    return "None", "warn"


def _elapsed(made: Acquisition) -> str:
    try:
        began, ended = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (made.started, made.finished))
        return duration_text((ended - began).total_seconds())
    except (ValueError, TypeError):
        return "–"


def _blocker(blocker: HardwareBlocker | None) -> str:
    return f"{blocker.make} {blocker.model}, serial {blocker.serial}, as declared" if blocker else ""


def _flag(flag: KernelFlag) -> str:
    def said(value: bool | None) -> str:
        return "not read" if value is None else "set" if value else "not set"

    return (
        f"{flag.device}: {said(flag.before)} before, {said(flag.during)} while reading, {said(flag.at_end)} at the end"
    )
