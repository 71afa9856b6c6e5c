"""How the image is made: sane defaults, the rest folded away."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from ui import theme
from ui.widgets.parts import Chooser, Tick, button, label, row

FORMATS = (("e01", "E01 (EnCase 6)"), ("raw", "Raw bytes"))
COMPRESSIONS = (("fast", "Fast"), ("small", "Small"), ("none", "None"))
SEGMENTS = (("650MiB", "650 MiB, a CD"), ("2GiB", "2 GiB"), ("4GiB", "4 GiB"), ("32GiB", "32 GiB"))
RETRIES = tuple((str(n), f"{n} more") for n in (1, 0, 2, 3, 5, 10))


class AcquireOptions(QWidget):
    """Yields the options of `acquire`; where an unfinished image fixes some of them, those are shown and not given."""

    def __init__(self) -> None:
        super().__init__()
        self._fixed = False
        self.format = _choice("Format", FORMATS)
        self.compression = _choice("Compression", COMPRESSIONS)
        self.segment = _choice("Segment size", SEGMENTS, 1)
        self.retries = _choice("Attempts at a bad sector", RETRIES)
        self.second_copy = QLineEdit()
        self.second_copy.setPlaceholderText("None; a folder on another disk")
        self.second_copy.setAccessibleName("Folder of the second copy")
        self.browse = button("Choose…", "folder-open")
        self.browse.setAccessibleName("Choose: folder of the second copy")
        self.browse.clicked.connect(self._choose_folder)
        self.second_read = Tick("Read the source a second time and compare")
        self.blocked = Tick("A hardware write blocker is in between")
        self.blocker = tuple(_line(f"{name} of the write blocker", name) for name in ("Make", "Model", "Serial"))
        self._blocker = QWidget()
        inside = row(*self.blocker, spacing=8)
        inside.setContentsMargins(28, 0, 0, 0)
        self._blocker.setLayout(inside)
        self.fold = QToolButton()
        self.fold.setText("  More options")
        self.fold.setAccessibleName("More options")
        self.fold.setCheckable(True)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        theme.dress(self.fold, "chevron-right", "muted", 16)
        self.folded = QWidget()
        grid = _grid(
            ("Segment size", self.segment), ("Bad sectors", self.retries),
            ("Second copy", row(self.second_copy, self.browse, spacing=8, stretch=(1, 0))),
        )  # fmt: skip
        more = QVBoxLayout(self.folded)
        more.setContentsMargins(0, 0, 0, 0)
        more.setSpacing(9)
        more.addLayout(grid)
        more.addWidget(self.second_read)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(9)
        column.addLayout(_grid(("Format", self.format), ("Compression", self.compression)))
        column.addWidget(self.blocked)
        column.addWidget(self._blocker)
        column.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.folded)
        self.format.currentIndexChanged.connect(self._follow)
        self.blocked.toggled.connect(self._follow)
        self.fold.toggled.connect(self._follow)
        self._follow()

    def _choose_folder(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, "Folder of the second copy", self.second_copy.text()):
            self.second_copy.setText(chosen)

    def _follow(self) -> None:
        raw = self.format.currentData() == "raw"
        for part in (self.compression, self.segment):
            part.setEnabled(not raw and not self._fixed)
        for each in (self.format, self.second_copy, self.browse):
            each.setEnabled(not self._fixed)
        self._blocker.setVisible(self.blocked.isChecked())
        self.folded.setVisible(self.fold.isChecked())
        theme.dress(self.fold, "chevron-down" if self.fold.isChecked() else "chevron-right", "muted", 16)

    def fix(self, fixed: bool) -> None:
        """Whether format, compression, segments and second copy are those of an unfinished image."""
        self._fixed = fixed
        self._follow()

    def begin_anew(self) -> None:
        """Everything as it is for a person who has chosen nothing yet."""
        for part, first in ((self.format, 0), (self.compression, 0), (self.segment, 1), (self.retries, 0)):
            part.setCurrentIndex(first)
        for field in (self.second_copy, *self.blocker):
            field.clear()
        for box in (self.second_read, self.blocked, self.fold):
            box.setChecked(False)

    @property
    def problem(self) -> str:
        """What is missing, in a sentence; empty where nothing is."""
        if self.blocked.isChecked() and not all(field.text().strip() for field in self.blocker):
            return "A write blocker is declared by make, model and serial; - stands for one that you do not know."
        if self.blocked.isChecked() and len(self.blocker[-1].text().split()) > 1:
            return "Write the serial of the write blocker without spaces."
        return ""

    def arguments(self) -> list[str]:
        """Only what differs from the default, so that an unfinished image goes on as it was begun."""
        made: list[str] = []
        if not self._fixed:
            if self.format.currentData() != "e01":
                made += ["--format", str(self.format.currentData())]
            else:
                if self.compression.currentData() != "fast":
                    made += ["--compression", str(self.compression.currentData())]
                if self.segment.currentData() != "2GiB":
                    made += ["--segment-size", str(self.segment.currentData())]
            if folder := self.second_copy.text().strip():
                made += ["--second-copy", folder]
        if self.retries.currentData() != "1":
            made += ["--retries", str(self.retries.currentData())]
        if self.second_read.isChecked():
            made.append("--second-read")
        if self.blocked.isChecked():
            made += ["--blocker", " ".join(field.text().strip() for field in self.blocker)]
        return made


def _choice(name: str, options: tuple[tuple[str, str], ...], first: int = 0) -> Chooser:
    box = Chooser()
    box.setAccessibleName(name)
    box.view().setAccessibleName(name)
    for value, text in options:
        box.addItem(text, value)
    box.setCurrentIndex(first)
    box.setMinimumContentsLength(8)
    box.setSizeAdjustPolicy(Chooser.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _line(name: str, hint: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(hint)
    return field


def _grid(*rows: tuple[str, QWidget | QLayout]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(9)
    grid.setColumnStretch(1, 1)
    grid.setColumnMinimumWidth(0, 92)
    for at, (name, part) in enumerate(rows):
        grid.addWidget(label(name, "muted"), at, 0)
        if isinstance(part, QWidget):
            grid.addWidget(part, at, 1)
        else:
            grid.addLayout(part, at, 1)
    return grid
