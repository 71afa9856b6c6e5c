"""The rail at the left: the case, the steps, the job that runs, and the switch between light and dark."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QButtonGroup, QFrame, QSizePolicy, QToolButton, QVBoxLayout

from ui import theme
from ui.widgets.job_strip import JobStrip
from ui.widgets.parts import Elided, Glyph, button, relabel, row

WIDTH = 232


class Rail(QFrame):
    """`steps` are icon and name; each gets Ctrl and its number."""

    step_chosen = Signal(int)
    theme_toggled = Signal(bool)

    def __init__(self, steps: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.setObjectName("nav")
        self.setFixedWidth(WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 18, 12, 12)
        column.setSpacing(3)
        self.case, self.organisation = Elided("", "h2"), Elided("", "small")
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.case)
        names.addWidget(self.organisation)
        column.addLayout(row(Glyph("fingerprint", "accent", 26), names, spacing=9, stretch=(0, 1)))
        column.addSpacing(16)
        self._group = QButtonGroup(self)
        self.buttons: list[QToolButton] = []
        for at, (icon, name) in enumerate(steps):
            step = QToolButton()
            step.setObjectName("step")
            step.setText("  " + name.replace("&", "&&"))
            step.setAccessibleName(name)
            step.setToolTip(f"{name}  (Ctrl+{at + 1})")
            step.setShortcut(f"Ctrl+{at + 1}")
            step.setCheckable(True)
            step.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            step.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            step.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            theme.dress(step, icon, "text", 20)
            self._group.addButton(step, at)
            self.buttons.append(step)
            column.addWidget(step)
        column.addStretch()
        self.strip = JobStrip()
        column.addWidget(self.strip)
        column.addSpacing(8)
        self.theme_button = button("Dark", "moon", tip="Switch between light and dark", key="Ctrl+T")
        self.theme_button.clicked.connect(self._toggle)
        column.addWidget(self.theme_button)
        self._group.idClicked.connect(self.step_chosen)
        self._name_theme()

    def show_case(self, case: str, organisation: str) -> None:
        self.case.setText(case)
        self.organisation.setText(organisation)

    def allow(self, open_case: bool) -> None:
        """Without a case only the first step can be chosen."""
        for step in self.buttons[1:]:
            step.setEnabled(open_case)

    def choose(self, number: int) -> None:
        self.buttons[number].setChecked(True)

    def _toggle(self) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, not theme.is_dark())
            self._name_theme()
            self.theme_toggled.emit(theme.is_dark())

    def _name_theme(self) -> None:
        dark = theme.is_dark()
        relabel(self.theme_button, "Light" if dark else "Dark")
        theme.dress(self.theme_button, "sun" if dark else "moon")
