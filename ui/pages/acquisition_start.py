"""Before an acquisition: which drive it is, looked at by a person, and how its image is made."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QFileDialog,
    QFrame,
    QLineEdit,
    QMessageBox,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from forensics.casefile.views import ExhibitRow
from ui.actions import Wish
from ui.bridge import Command, Ending
from ui.devices import Candidate, Obstacle, decimal_text, facts, file_candidate, obstacle, proof, read_devices
from ui.unfinished import UnfinishedImage
from ui.widgets.acquire_options import AcquireOptions
from ui.widgets.device_card import DeviceCard
from ui.widgets.parts import (
    SELECTABLE,
    Card,
    Chooser,
    Facts,
    Glyph,
    Tick,
    Wrapped,
    button,
    count_text,
    label,
    relabel,
    row,
    size_text,
    time_text,
)

KINDS = (("acquire", "The bytes of a drive, read like one"), ("import-image", "An image that was made before"))


class StartPanel(QWidget):
    """Lists what is plugged in by a command of its own; `wanted` is the wish to acquire what was chosen and checked."""

    wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.program: tuple[str, ...] = ()
        self._folder: Path | None = None
        self._exhibit: ExhibitRow | None = None
        self._unfinished: UnfinishedImage | None = None
        self._looking: Command | None = None
        self._looked = False
        self._files: list[Candidate] = []
        self.cards: list[DeviceCard] = []
        self._group = QButtonGroup(self)
        self.refresh_button = button("Refresh", "refresh", tip="Look again for what is plugged in", key="F5")
        self.file_button = button("An image or a file…", "file")
        self.looking = label("", "muted", wrap=True)
        self._list = QVBoxLayout()
        self._list.setSpacing(10)
        left = QVBoxLayout()
        left.setSpacing(10)
        left.addLayout(row(label("What is plugged in", "h2"), self.refresh_button, spacing=8, stretch=(1, 0)))
        left.addWidget(self.looking)
        left.addLayout(self._list)
        left.addWidget(self.file_button)
        left.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(12)
        self._make_unfinished(right)
        self._make_check(right)
        self._make_options(right)
        right.addStretch(1)
        inner = QWidget()
        inner.setObjectName("scrolled")
        sides = row(left, right, spacing=14, stretch=(1, 1))
        sides.setContentsMargins(0, 0, 4, 0)
        sides.setDirection(QBoxLayout.Direction.LeftToRight)
        inner.setLayout(sides)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        scroll.setAccessibleName("Devices and what is checked before the start")
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(8)
        outer.addWidget(scroll, 1)
        # Outside what scrolls: at the smallest size of the window it would lie below the fold.
        outer.addLayout(row(QWidget(), self.start_button, spacing=0, stretch=(1, 1)))
        self.refresh_button.clicked.connect(self.look)
        self.file_button.clicked.connect(self._choose_file)
        self._choose(None)

    # ------------------------------------------------------------------------------------------------------- parts

    def _make_unfinished(self, column: QVBoxLayout) -> None:
        self.unfinished = Card("An unfinished acquisition is there", spacing=6)
        self.unfinished_said = label("", wrap=True)
        self.start_over = Tick("Start over: throw the unfinished image away")
        self.start_over.toggled.connect(self._follow)
        self.unfinished.body.addWidget(self.unfinished_said)
        self.unfinished.body.addWidget(self.start_over)
        column.addWidget(self.unfinished)

    def _make_check(self, column: QVBoxLayout) -> None:
        self.check = Card("Is this the drive?", spacing=8)
        self.capacity, self.serial = label("", "large"), Wrapped()
        self.serial.setObjectName("large")
        self.serial.setAccessibleName("Serial number")
        self.facts = Facts(mono=("Serial", "VID : PID", "File"))
        self.asked = label("", "strong", wrap=True)
        self.typed = QLineEdit()
        self.typed.setAccessibleName("What you read on the exhibit")
        self.typed.textChanged.connect(self._follow)
        self.problem = label("", "strong", wrap=True)
        self.problem.setTextInteractionFlags(SELECTABLE)
        self._mark = Glyph("alert-circle", "bad", 20)
        self.warning = QFrame()
        self.warning.setObjectName("banner")
        around = row(self._mark, self.problem, spacing=10, stretch=(0, 1))
        around.setAlignment(self._mark, Qt.AlignmentFlag.AlignTop)
        around.setContentsMargins(12, 10, 12, 10)
        self.warning.setLayout(around)
        self._size_caption, self._serial_caption = label("Size", "small"), label("Serial number", "small")
        shown: tuple[QWidget, ...] = (self._size_caption, self.capacity, self._serial_caption, self.serial)
        for part in shown:
            self.check.body.addWidget(part)
        for below in (self.asked, self.typed, self.warning):
            self.check.body.addWidget(below)
        self.check.body.addLayout(self.facts)
        column.addWidget(self.check)

    def _make_options(self, column: QVBoxLayout) -> None:
        self.options = AcquireOptions()
        self.kind = Chooser()
        self.kind.setAccessibleName("What the file is")
        self.kind.view().setAccessibleName("What the file is")
        for value, text in KINDS:
            self.kind.addItem(text, value)
        self.kind.currentIndexChanged.connect(self._follow)
        for field in self.options.blocker:
            field.textChanged.connect(self._follow)
        self.options.blocked.toggled.connect(self._follow)
        self.start_button = button("Acquire", "player-play", primary=True)
        self.start_button.clicked.connect(self._start)
        card = Card(spacing=9)
        self._card = card
        card.body.addWidget(self.kind)
        card.body.addWidget(self.options)
        column.addWidget(card)

    # -------------------------------------------------------------------------------------------------------- case

    def show_exhibit(self, folder: Path, exhibit: ExhibitRow, unfinished: UnfinishedImage | None) -> None:
        """Which exhibit the image will be of, and what an earlier start left of one."""
        if self._exhibit is None or self._exhibit.label != exhibit.label:
            self.start_over.setChecked(False)
            self.typed.clear()
        self._folder, self._exhibit, self._unfinished = folder, exhibit, unfinished
        self.unfinished.setVisible(unfinished is not None)
        if unfinished:
            self.unfinished.title.setText(
                "An unfinished acquisition is there" if unfinished.can_go_on else "Remains of an acquisition are there"
            )
            self.unfinished_said.setText(_said(unfinished))
            self.start_over.setVisible(unfinished.can_go_on)
        else:
            self.start_over.setChecked(False)
        self._follow()
        if self.isVisible() and not self._looked:
            self.look()

    def leave(self) -> None:
        """Nothing of the case stays, and no command looks for devices any more."""
        self._stop_looking()
        self._looked = False
        self._folder = self._exhibit = self._unfinished = None
        self._files = []
        self._show_cards([])
        self.options.begin_anew()
        self.start_over.setChecked(False)

    # ----------------------------------------------------------------------------------------------------- devices

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._looked:
            self.look()

    def look(self) -> None:
        """Ask what is plugged in; the answer comes later and forgets what was chosen."""
        if self._looking is not None or self._exhibit is None:
            return
        self._looked = True
        self.looking.setText("Looking for devices…")
        self.looking.show()
        self.refresh_button.setEnabled(False)
        self._looking = command = Command("devices", self.program, self)
        command.finished.connect(self._found)
        command.start(())

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.abandon()
            self._looking.deleteLater()
            self._looking = None
        self.refresh_button.setEnabled(True)

    def _found(self, ending: Ending) -> None:
        if self._looking is not None:
            self._looking.deleteLater()
            self._looking = None
        self.refresh_button.setEnabled(True)
        devices = read_devices(ending.result)
        if not ending.done:
            self.looking.setText(f"{ending.sentence} {ending.remedy}".strip())
        elif not devices:
            self.looking.setText("Nothing is plugged in. Set the write blocker, plug the drive in, then refresh.")
        self.looking.setVisible(not ending.done or not devices)
        self._show_cards([*self._files, *map(Candidate, devices)])

    def _choose_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "An image or a file that is read like a drive")
        if chosen:
            self.add_file(Path(chosen))

    def add_file(self, path: Path) -> None:
        """Offer a file beside the devices, and choose it."""
        made = file_candidate(path)
        if made is None:
            return
        self._files = [made]
        others = [card.candidate for card in self.cards if not card.candidate.is_file]
        self._show_cards([made, *others])
        self.cards[0].radio.setChecked(True)

    def _show_cards(self, candidates: list[Candidate]) -> None:
        for card in self.cards:
            self._group.removeButton(card.radio)
            self._list.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = [DeviceCard(candidate) for candidate in candidates]
        for card in self.cards:
            self._group.addButton(card.radio)
            self._list.addWidget(card)
            card.radio.toggled.connect(
                lambda chosen, candidate=card.candidate: self._choose(candidate) if chosen else None
            )
        self._choose(None)

    @property
    def chosen(self) -> Candidate | None:
        return next((card.candidate for card in self.cards if card.radio.isChecked()), None)

    # ------------------------------------------------------------------------------------------------------- check

    def _choose(self, candidate: Candidate | None) -> None:
        self.typed.clear()
        found = self._barred
        for part in (self._size_caption, self.capacity, self._serial_caption, self.serial, self.asked, self.typed):
            part.setVisible(candidate is not None)
        self._card.setVisible(candidate is not None and not found)
        self.start_button.setVisible(candidate is not None and not found)
        self.kind.setVisible(candidate is not None and candidate.is_file)
        if candidate is None:
            self.check.title.setText("Choose the drive")
            self.facts.show([("Next", "Choose at the left what is to be imaged, then compare it with the exhibit.")])
        else:
            device = candidate.device
            asked = "Is this the file?" if candidate.is_file else "Is this the drive?"
            if found:
                asked = f"Refused: {found.word.lower()}"
            self.check.title.setText(asked)
            self.capacity.setText(decimal_text(device.size))
            self.capacity.setAccessibleName(f"Size: {self.capacity.text()}")
            self.serial.setText(device.serial or "none given")
            self.serial.setAccessibleName(f"Serial number: {device.serial or 'none given'}")
            for part in (self._serial_caption, self.serial):
                part.setVisible(not candidate.is_file)
            self.facts.show((name, value) for name, value in facts(candidate) if name != "Serial")
            wanted = proof(candidate).asked
            self.asked.setText(f"Compare with the exhibit, then type {wanted}:")
            self.typed.setAccessibleName(f"Type {wanted}")
            for part in (self.asked, self.typed):
                part.setVisible(not found)
            if candidate.is_file:
                self.kind.setCurrentIndex(1 if candidate.looks_like_image else 0)
        self._follow()

    @property
    def _barred(self) -> Obstacle | None:
        chosen = self.chosen
        return obstacle(chosen.device) if chosen and not chosen.is_file else None

    @property
    def _goes_on(self) -> bool:
        return bool(self._unfinished and self._unfinished.can_go_on and not self.start_over.isChecked())

    def _obstacle(self) -> str:
        """Why the chosen one cannot be started, in a sentence; empty where only the typing is missing, or nothing."""
        candidate = self.chosen
        if candidate is None:
            return ""
        if found := self._barred:
            return f"{found.sentence} {found.remedy}"
        if not self._imports and self._goes_on and self._unfinished:
            for name, before, now in (
                ("size", self._unfinished.size, candidate.device.size),
                ("serial", self._unfinished.serial, candidate.device.serial),
            ):
                if before and now and before != now:
                    return (
                        f"The unfinished image was begun from a drive of another {name} ({before}). "
                        "Plug that one in, or start over."
                    )
        if self._imports:
            if self._goes_on:
                return "An image that is taken in replaces the unfinished one: start over, or choose the drive."
            return ""
        return self.options.problem

    @property
    def _imports(self) -> bool:
        return bool(self.chosen and self.chosen.is_file and self.kind.currentData() == "import-image")

    def _follow(self) -> None:
        candidate = self.chosen
        wrong = self._obstacle()
        self._warn(wrong, "bad" if self._barred else "warn")
        self.options.setVisible(not self._imports)
        self.options.fix(self._goes_on)
        given = candidate is not None and proof(candidate).given(self.typed.text())
        self.start_button.setEnabled(bool(self._exhibit and given and not wrong))
        what = self._exhibit.label if self._exhibit else ""
        if self._imports:
            words = f"Take the image in as {what}" + ("…" if self.start_over.isChecked() else "")
        elif self._unfinished and self._unfinished.can_go_on:
            words = f"Start over with {what}…" if self.start_over.isChecked() else f"Go on with {what}"
        else:
            words = f"Acquire {what}"
        relabel(self.start_button, words)
        self.start_button.setToolTip("" if self.start_button.isEnabled() else f"First {self._missing()}")

    def _warn(self, sentence: str, kind: str) -> None:
        self.problem.setText(sentence)
        self.problem.setAccessibleName(sentence)
        self.warning.setVisible(bool(sentence))
        self.warning.setProperty("kind", kind)
        self.warning.style().unpolish(self.warning)
        self.warning.style().polish(self.warning)
        self._mark.become("alert-circle" if kind == "bad" else "alert-triangle", kind)

    def _missing(self) -> str:
        return f"type {proof(self.chosen).asked}" if self.chosen else "choose what is to be imaged"

    def _start(self) -> None:
        if self.chosen is None or self._folder is None or self._exhibit is None:
            return
        over = bool(self._unfinished and self._unfinished.can_go_on and self.start_over.isChecked())
        if over and not self._sure():
            return
        given = [str(self._folder), "--exhibit", self._exhibit.label]
        if self._imports:
            self.wanted.emit(Wish("import-image", (*given, self.chosen.device.path)))
        else:
            given += self.options.arguments() + (["--restart"] if over else [])
            self.wanted.emit(Wish("acquire", (*given, self.chosen.device.path)))
        # What was said once holds for one start: the next is looked at and confirmed anew.
        self.start_over.setChecked(False)
        self.typed.clear()

    def _sure(self) -> bool:
        asked = QMessageBox.question(
            self, "Start over", "Throw the unfinished image away and begin anew?",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No, QMessageBox.StandardButton.No,
        )  # fmt: skip
        return asked == QMessageBox.StandardButton.Yes


def _said(image: UnfinishedImage) -> str:
    stored = f"{size_text(image.stored)} on the disk"
    if not image.can_go_on:
        return f"{stored}, but not how it was begun. Starting removes them and begins anew."
    how = image.format.upper() + (f" {image.compression}" if image.format == "e01" else "")
    begun = time_text(image.starts[0]) if image.starts else "an unknown time"
    copy = f", second copy in {image.second_copy}" if image.second_copy else ""
    return (
        f"Begun {begun}, {count_text(len(image.starts), 'start')}: {how}{copy}, {stored} of a drive of "
        f"{decimal_text(image.size)}. Starting goes on with it: "
        "what is there is read again and compared with the drive."
    )
