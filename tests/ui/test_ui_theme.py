"""The look: colours that can be told apart, fonts and icons that are there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtGui import QFontInfo
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

import ui
from ui import theme


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_every_word_on_every_ground_has_a_contrast_of_at_least_four_and_a_half(palette: theme.Palette) -> None:
    weak = {
        (ink, ground): round(theme.contrast(getattr(palette, ink), getattr(palette, ground)), 2)
        for ink, ground in theme.PAIRS
    }
    assert min(weak.values()) >= 4.5, {pair: ratio for pair, ratio in weak.items() if ratio < 4.5}


def test_contrast_is_that_of_the_standard() -> None:
    assert theme.contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_no_colour_is_written_outside_the_tokens() -> None:
    folder = Path(ui.__file__).parent
    color = re.compile(r"#[0-9a-fA-F]{6}\b|QColor\(\"|GlobalColor\.(?!transparent)\w+")
    written = [
        (path.name, found)
        for path in folder.rglob("*.py")
        if path.name != "theme.py"
        for found in color.findall(path.read_text("utf-8"))
    ]
    assert written == []


def test_the_bundled_fonts_are_the_ones_in_use(qapp: QApplication) -> None:
    assert QFontInfo(theme.font()).family() == "Inter"
    assert QFontInfo(theme.mono_font()).family() == "DejaVu Sans Mono"
    assert QFontInfo(theme.mono_font()).fixedPitch()


def test_only_icons_that_are_in_use_are_bundled() -> None:
    folder = theme.RESOURCES / "icons"
    bundled = {path.stem for path in folder.glob("*.svg")}
    used: set[str] = set()
    for path in Path(ui.__file__).parent.rglob("*.py"):
        used |= set(re.findall(r"\"([a-z0-9-]+)\"", path.read_text("utf-8"))) & bundled
    assert bundled == used, f"not in use: {sorted(bundled - used)}"


def test_an_icon_is_drawn_again_when_the_theme_changes(qapp: QApplication, qtbot: QtBot) -> None:
    made = QPushButton()
    qtbot.addWidget(made)
    theme.dress(made, "usb")

    def ink() -> set[str]:
        image = made.icon().pixmap(18, 18).toImage()
        return {
            image.pixelColor(x, y).name()
            for x in range(image.width())
            for y in range(image.height())
            if image.pixelColor(x, y).alpha() == 255
        }

    light = ink()
    theme.apply(qapp, True)
    dark = ink()
    assert light
    assert dark
    assert light.isdisjoint(dark)


@pytest.mark.parametrize("token", [field.name for field in fields(theme.Palette)])
def test_a_token_is_a_colour_in_both_palettes(token: str) -> None:
    for palette in (theme.LIGHT, theme.DARK):
        assert re.fullmatch(r"#[0-9a-f]{6}", getattr(palette, token))
