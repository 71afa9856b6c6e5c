"""Colours, type and icons of the window in one place: a widget names a token, never a colour.

Two palettes, light and dark; every pair of `PAIRS` has a contrast of at least 4.5 (WCAG 2.2, success criterion 1.4.3).
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

RESOURCES = Path(getattr(sys, "_MEIPASS", Path(__file__).resolve().parent.parent)) / "resources"


@dataclass(frozen=True, slots=True)
class Palette:
    """The colour tokens. A `_soft` token is the ground on which its namesake stands as text."""

    bg: str
    surface: str
    surface2: str
    nav: str
    border: str
    text: str
    muted: str
    accent: str
    accent_soft: str
    on_accent: str
    ok: str
    ok_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    sel: str
    alt: str
    grid: str

    def color(self, token: str) -> QColor:
        return QColor(getattr(self, token))


LIGHT = Palette(
    bg="#f5f6f8", surface="#ffffff", surface2="#eef0f4", nav="#ffffff", border="#d9dde5", text="#1b2330",
    muted="#566174", accent="#1f5fbf", accent_soft="#e4edfb", on_accent="#ffffff", ok="#187647", ok_soft="#e2f4ea",
    warn="#8a5600", warn_soft="#fdf0d9", bad="#b3261e", bad_soft="#fbe5e3", sel="#d6e4fa", alt="#f8f9fb",
    grid="#e6e9ef",
)  # fmt: skip

DARK = Palette(
    bg="#14181f", surface="#1c222b", surface2="#262d38", nav="#191e26", border="#343d4a", text="#e8ecf2",
    muted="#a3aec0", accent="#7fb0ff", accent_soft="#223454", on_accent="#0c1420", ok="#62cf94", ok_soft="#1a3527",
    warn="#f0b95a", warn_soft="#3a2f17", bad="#ff8f85", bad_soft="#43211f", sel="#2a4168", alt="#1f2630",
    grid="#2a323e",
)  # fmt: skip

PAIRS = (
    ("text", "bg"), ("text", "surface"), ("text", "surface2"), ("text", "nav"), ("text", "alt"), ("text", "sel"),
    ("muted", "bg"), ("muted", "surface"), ("muted", "surface2"), ("muted", "nav"), ("muted", "alt"),
    ("muted", "sel"), ("accent", "surface"), ("accent", "accent_soft"), ("on_accent", "accent"), ("ok", "ok_soft"),
    ("ok", "surface"), ("warn", "warn_soft"), ("warn", "surface"), ("bad", "bad_soft"), ("bad", "surface"),
)  # fmt: skip
"""Every foreground token with every ground it is put on."""

_now = LIGHT


def now() -> Palette:
    """The palette in force."""
    return _now


def is_dark() -> bool:
    return _now is DARK


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(value: str) -> float:
        parts = [int(value[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dim = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


# ------------------------------------------------------------------------------------------------------------ type

_FONTS = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf", "DejaVuSansMono.ttf")
MONO = "DejaVu Sans Mono"


def load_fonts() -> None:
    """Make the bundled fonts known to Qt; a missing file leaves the system's in place."""
    for name in _FONTS:
        QFontDatabase.addApplicationFont(str(RESOURCES / "fonts" / name))


def font(pixels: int = 13, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Inter with figures of one width, so that numbers under one another line up."""
    made = QFont("Inter")
    made.setPixelSize(pixels)
    made.setWeight(weight)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def mono_font(pixels: int = 12) -> QFont:
    made = QFont(MONO)
    made.setPixelSize(pixels)
    return made


@cache
def metrics_of_mono() -> float:
    """Pixels that one character of the monospaced type is wide in a line of them; seldom a whole number."""
    return QFontMetricsF(mono_font()).horizontalAdvance("0" * 64) / 64


# ----------------------------------------------------------------------------------------------------------- icons


@cache
def _svg(name: str, color: str) -> bytes:
    source = (RESOURCES / "icons" / f"{name}.svg").read_text("utf-8")
    return source.replace("currentColor", color).replace('stroke-width="2"', 'stroke-width="1.75"').encode()


def draw_icon(painter: QPainter, rectangle: QRectF, name: str, token: str) -> None:
    """Draw an icon in the colour that `token` has now."""
    QSvgRenderer(QByteArray(_svg(name, getattr(_now, token)))).render(painter, rectangle)


@cache
def _icon(name: str, color: str, disabled: str, pixels: int) -> QIcon:
    made = QIcon()
    for mode, ink in ((QIcon.Mode.Normal, color), (QIcon.Mode.Disabled, disabled)):
        renderer = QSvgRenderer(QByteArray(_svg(name, ink)))
        for scale in (1, 2, 3):
            pixmap = QPixmap(pixels * scale, pixels * scale)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            renderer.render(painter)
            painter.end()
            made.addPixmap(pixmap, mode)
    return made


def icon(name: str, ink: str = "text", pixels: int = 18) -> QIcon:
    """An icon in the colour that token `ink` has now; it does not follow a change of theme, `dress` does."""
    return _icon(name, getattr(_now, ink), _now.muted, pixels)


def dress(button: QAbstractButton, name: str, ink: str = "text", pixels: int = 18) -> None:
    """Give a button an icon that is drawn again when the theme changes."""
    button.setProperty("icon_worn", [name, ink, pixels])
    button.setIconSize(QSize(pixels, pixels))
    button.setIcon(icon(name, ink, pixels))


# ----------------------------------------------------------------------------------------------------- style sheet

_CHIP = "border-radius:9px; padding:2px 9px; font-weight:600; font-size:12px;"

_QSS = """
* {{ font-size:13px; color:{text}; }}
QMainWindow, QDialog, QWidget#page, QStackedWidget {{ background:{bg}; }}
QFrame#nav {{ background:{nav}; border:none; border-right:1px solid {border}; }}
QToolTip {{ background:{surface}; color:{text}; border:1px solid {border}; padding:4px; }}
QLabel {{ background:transparent; }}
QLabel#h1 {{ font-size:22px; font-weight:600; }}
QLabel#h2 {{ font-size:15px; font-weight:600; }}
QLabel#strong {{ font-weight:600; }}
QLabel#muted {{ color:{muted}; }}
QLabel#small {{ color:{muted}; font-size:12px; }}
QLabel#num {{ font-size:26px; font-weight:600; }}
QLabel#mono {{ font-family:"{mono}"; font-size:12px; }}
QPlainTextEdit#wrapped {{ background:transparent; border:none; font-family:"{mono}"; font-size:12px; padding:0;
  selection-background-color:{accent}; selection-color:{on_accent}; }}
QLabel#bad {{ color:{bad}; }}
QLabel#large {{ font-size:20px; font-weight:600; }}
QPlainTextEdit#large {{ background:transparent; border:none; font-family:"{mono}"; font-size:20px; font-weight:600;
  padding:0; selection-background-color:{accent}; selection-color:{on_accent}; }}
QRadioButton, QCheckBox {{ background:transparent; spacing:8px; padding:2px; border:2px solid transparent;
  border-radius:6px; }}
QRadioButton {{ font-weight:600; }}
QRadioButton:focus, QCheckBox:focus {{ border:2px solid {accent}; }}
QRadioButton::indicator, QCheckBox::indicator {{ width:14px; height:14px; border:1px solid {muted};
  background:{surface}; }}
QRadioButton::indicator {{ border-radius:8px; }}
QCheckBox::indicator {{ border-radius:3px; }}
QRadioButton::indicator:checked {{ width:6px; height:6px; border:5px solid {accent}; background:{on_accent}; }}
QCheckBox::indicator:checked {{ background:{accent}; border:1px solid {accent}; }}
QCheckBox:disabled {{ color:{muted}; }}
QFrame#card[chosen="true"] {{ border:2px solid {accent}; }}
QFrame#card {{ background:{surface}; border:1px solid {border}; border-radius:8px; }}
QFrame#banner[kind="info"] {{ background:{accent_soft}; border:1px solid {accent}; border-radius:8px; }}
QFrame#banner[kind="ok"] {{ background:{ok_soft}; border:1px solid {ok}; border-radius:8px; }}
QFrame#banner[kind="warn"] {{ background:{warn_soft}; border:1px solid {warn}; border-radius:8px; }}
QFrame#banner[kind="bad"] {{ background:{bad_soft}; border:1px solid {bad}; border-radius:8px; }}
QLabel[chip="ok"] {{ background:{ok_soft}; color:{ok}; {chip} }}
QLabel[chip="warn"] {{ background:{warn_soft}; color:{warn}; {chip} }}
QLabel[chip="bad"] {{ background:{bad_soft}; color:{bad}; {chip} }}
QLabel[chip="info"] {{ background:{accent_soft}; color:{accent}; {chip} }}
QLabel[chip="idle"] {{ background:{surface2}; color:{muted}; {chip} }}
QPushButton {{ background:{surface}; border:1px solid {border}; border-radius:6px; padding:6px 14px;
  min-height:20px; }}
QPushButton:hover {{ background:{surface2}; }}
QPushButton:pressed {{ background:{border}; }}
QPushButton:focus {{ border:2px solid {accent}; padding:5px 13px; }}
QPushButton:disabled {{ color:{muted}; background:{surface2}; }}
QPushButton:checked {{ background:{accent_soft}; color:{accent}; border-color:{accent}; font-weight:600; }}
QPushButton#primary {{ background:{accent}; color:{on_accent}; border:1px solid {accent}; font-weight:600; }}
QPushButton#primary:focus {{ border:2px solid {text}; padding:5px 13px; }}
QPushButton#primary:disabled {{ background:{surface2}; color:{muted}; border:1px solid {border}; }}
QPushButton#recent {{ text-align:left; padding:9px 12px; }}
QToolButton {{ background:transparent; border:2px solid transparent; border-radius:6px; padding:4px; }}
QToolButton:hover {{ background:{surface2}; }}
QToolButton:focus {{ border:2px solid {accent}; }}
QToolButton#step {{ text-align:left; padding:9px 10px; }}
QToolButton#step:checked {{ background:{accent_soft}; color:{accent}; font-weight:600; }}
QToolButton#step:disabled {{ color:{muted}; }}
QLineEdit, QComboBox {{ background:{surface}; border:1px solid {border}; border-radius:6px; padding:6px 9px;
  min-height:20px; selection-background-color:{accent}; selection-color:{on_accent}; }}
QLineEdit:focus, QComboBox:focus {{ border:2px solid {accent}; padding:5px 8px; }}
QComboBox::drop-down {{ border:none; width:28px; }}
QComboBox QAbstractItemView {{ background:{surface}; border:1px solid {border}; selection-background-color:{sel};
  selection-color:{text}; }}
QTableView, QScrollArea#plain, QAbstractScrollArea#plain {{ background:{surface}; alternate-background-color:{alt};
  border:1px solid {border}; border-radius:8px; gridline-color:{grid}; selection-background-color:{sel};
  selection-color:{text}; outline:0; }}
QTreeView {{ background:{surface}; border:1px solid {border}; border-radius:8px; outline:0; padding:4px;
  selection-background-color:{sel}; selection-color:{text}; }}
QTreeView::item {{ padding:3px 2px; border:none; }}
QTreeView::item:selected {{ background:{sel}; color:{text}; }}
QTreeView:focus, QAbstractScrollArea#plain:focus {{ border:1px solid {accent}; }}
QPlainTextEdit#passage {{ background:{surface}; border:1px solid {border}; border-radius:8px; font-family:"{mono}";
  font-size:12px; padding:4px; selection-background-color:{accent}; selection-color:{on_accent}; }}
QPlainTextEdit#passage:focus {{ border:1px solid {accent}; }}
QTableView:focus {{ border:1px solid {accent}; }}
QTableView::item {{ padding:0 8px; border:none; }}
QTableView::item:selected {{ background:{sel}; color:{text}; }}
QHeaderView {{ background:{surface}; border:none; border-top-left-radius:8px; border-top-right-radius:8px; }}
QHeaderView::section {{ background:{surface}; color:{muted}; border:none; border-bottom:1px solid {border};
  padding:7px 11px; font-weight:600; font-size:12px; }}
QHeaderView::section:first {{ border-top-left-radius:8px; }}
QHeaderView::section:last {{ border-top-right-radius:8px; }}
QTableCornerButton::section {{ background:{surface}; border:none; }}
QProgressBar {{ background:{surface2}; border:none; border-radius:3px; }}
QProgressBar::chunk {{ background:{accent}; border-radius:3px; }}
QScrollArea {{ background:transparent; border:none; }}
QScrollArea > QWidget > QWidget#scrolled {{ background:transparent; }}
QScrollBar:vertical {{ background:transparent; width:12px; margin:2px; }}
QScrollBar::handle:vertical {{ background:{border}; border-radius:4px; min-height:28px; }}
QScrollBar::handle:vertical:hover {{ background:{muted}; }}
QScrollBar:horizontal {{ background:transparent; height:12px; margin:2px; }}
QScrollBar::handle:horizontal {{ background:{border}; border-radius:4px; min-width:28px; }}
QScrollBar::handle:horizontal:hover {{ background:{muted}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{ background:transparent;
  border:none; height:0; width:0; }}
QAbstractScrollArea::corner {{ background:transparent; border:none; }}
QSplitter::handle {{ background:transparent; }}
QStatusBar {{ background:{nav}; border-top:1px solid {border}; }}
QStatusBar QLabel {{ color:{muted}; font-size:12px; padding:0 6px; }}
QStatusBar::item {{ border:none; }}
"""


def apply(app: QApplication, dark: bool) -> None:
    """Put a palette in force for the whole application."""
    global _now
    _now = DARK if dark else LIGHT
    palette, role = QPalette(), QPalette.ColorRole
    for target, token in (
        (role.Window, "bg"), (role.WindowText, "text"), (role.Base, "surface"), (role.AlternateBase, "alt"),
        (role.Text, "text"), (role.Button, "surface"), (role.ButtonText, "text"), (role.Highlight, "accent"),
        (role.HighlightedText, "on_accent"), (role.ToolTipBase, "surface"), (role.ToolTipText, "text"),
        (role.PlaceholderText, "muted"), (role.Link, "accent"), (role.Mid, "border"), (role.Dark, "surface2"),
    ):  # fmt: skip
        palette.setColor(target, _now.color(token))
    app.setPalette(palette)
    app.setFont(font())
    app.setStyleSheet(_QSS.format(**asdict(_now), chip=_CHIP, mono=MONO))
    for widget in app.allWidgets():
        _dress_again(widget)


def _dress_again(widget: QWidget) -> None:
    worn = widget.property("icon_worn")
    if worn and isinstance(widget, QAbstractButton):
        name, token, pixels = worn
        widget.setIcon(icon(name, token, int(pixels)))
