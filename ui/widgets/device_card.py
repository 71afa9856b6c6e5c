"""One device that may be chosen: who made it, how large it is, what state it is in, and what stands in the way."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QRadioButton

from ui.devices import Candidate, decimal_text, name_of, obstacle, partitions_text, sectors_text, state_of
from ui.widgets.parts import SELECTABLE, Card, Elided, chip, label, row


class DeviceCard(Card):
    """The radio button in it carries the choice; a click anywhere on the card is one on the button."""

    def __init__(self, candidate: Candidate) -> None:
        super().__init__(margin=14, spacing=5)
        self.candidate = candidate
        device = candidate.device
        word, kind = ("File", "info") if candidate.is_file else state_of(device)
        self.radio = QRadioButton(name_of(device).replace("&", "&&"))
        self.state = chip(word, kind)
        self.body.addLayout(row(self.radio, self.state, spacing=8, stretch=(1, 0)))
        self.capacity = label(f"{decimal_text(device.size)}  ·  {device.size:,} bytes", "strong")
        self.body.addWidget(self.capacity)
        if candidate.is_file:
            where = "An image that was made before" if candidate.looks_like_image else "A file, read like a drive"
            self.body.addWidget(Elided(where, "small"))
            self.body.addWidget(Elided(device.path, "small", middle=True))
        else:
            serial = f"Serial {device.serial}" if device.serial else "No serial number"
            usb = f"  ·  {device.usb_id}" if device.usb_id else ""
            self.serial = Elided(serial + usb, "mono")
            self.body.addWidget(self.serial)
            bus = f"  ·  {device.bus.upper()}" if device.bus else ""
            self.body.addWidget(Elided(f"{device.path}{bus}  ·  sectors of {sectors_text(device)}", "small"))
            self.body.addWidget(Elided(f"Partitions: {partitions_text(device)}", "small"))
        said = [f"{name_of(device)}, {decimal_text(device.size)}, serial {device.serial or 'none'}, {word}"]
        found = None if candidate.is_file else obstacle(device)
        if found:
            said += [found.sentence, found.remedy]
            self.obstacle = label(found.sentence, "bad", wrap=True)
            self.remedy = label(found.remedy, "small", wrap=True)
            self.remedy.setTextInteractionFlags(SELECTABLE)
            self.remedy.setAccessibleName(f"What to do: {found.remedy}")
            self.body.addWidget(self.obstacle)
            self.body.addWidget(self.remedy)
        elif device.in_use:
            self.body.addWidget(label("In use: " + "; ".join(device.in_use), "small", wrap=True))
        self.radio.setAccessibleName(". ".join(said))
        self.radio.toggled.connect(self._mark)
        self._mark(False)

    def _mark(self, chosen: bool) -> None:
        self.setProperty("chosen", chosen)
        self.style().unpolish(self)
        self.style().polish(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.radio.setChecked(True)
            self.radio.setFocus()
        super().mousePressEvent(event)
