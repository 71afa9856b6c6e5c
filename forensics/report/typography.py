"""How the report looks: fonts, colours, styles, and how text from strangers becomes harmless text on paper."""

from __future__ import annotations

import unicodedata
from functools import cache
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from forensics.errors import EnvironmentFailed
from forensics.resources import resource

REGULAR, ITALIC, STRONG, MONO = "Inter-Regular", "Inter-Italic", "Inter-SemiBold", "JetBrainsMono-Regular"

INK = HexColor(0x1B2330)
MUTED = HexColor(0x5C6675)
RULE = HexColor(0xD8DDE5)
PANEL = HexColor(0xF4F6F9)
ACCENT = HexColor(0x1F5FBF)
WARNING = HexColor(0xB3261E)
TIER_COLOURS = (HexColor(0x174A94), HexColor(0x6FA0DC), HexColor(0xCBD9EC))
"""Confirmed, probable, possible: apart by lightness, so that they stay apart in grey and for every eye."""


@cache
def load_fonts() -> frozenset[int]:
    """Register the bundled fonts with reportlab; returns the characters that all of them can show.

    Raises `EnvironmentFailed` where the installation lacks them: other fonts would not be embedded.
    """
    shared: set[int] | None = None
    for name in (REGULAR, ITALIC, STRONG, MONO):
        try:
            font = TTFont(name, str(resource("fonts", f"{name}.ttf")))
        except (TTFError, OSError) as cause:
            raise EnvironmentFailed(
                f"The font {name} of the report is missing from this installation.", "Install the program again."
            ) from cause
        pdfmetrics.registerFont(font)
        known = set(font.face.charToGlyph)
        shared = known if shared is None else shared & known
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=STRONG, italic=ITALIC, boldItalic=STRONG)
    return frozenset(shared or ())


def visible(untrusted: str) -> str:
    """The text on one line, with every character that would not be seen for what it is written as `[U+XXXX]`.

    That is controls, bidirectional and other format characters, combining marks, surrogates, private use, spaces
    other than the plain one, and whatever the bundled fonts have no glyph for.
    """
    known = load_fonts()
    shown = []
    for character in untrusted:
        category = unicodedata.category(character)
        odd = category[0] in "CM" or (category[0] == "Z" and character != " ")
        shown.append(f"[U+{ord(character):04X}]" if odd or ord(character) not in known else character)
    return "".join(shown)


def markup(untrusted: str) -> str:
    """`visible`, then escaped for reportlab's paragraph markup."""
    return escape(visible(untrusted))


def width(text: str, font: str, size: float) -> float:
    """Points that the text takes."""
    return float(pdfmetrics.stringWidth(text, font, size))


def wrapped(text: str, font: str, size: float, room: float) -> list[str]:
    """The text in lines no wider than `room` points: broken at spaces, and inside words that are too long alone."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if width(candidate, font, size) <= room:
            line = candidate
            continue
        if line:
            lines.append(line)
        line = word
        while width(line, font, size) > room:
            cut = _cut(line, font, size, room)
            lines.append(line[:cut])
            line = line[cut:]
    lines.append(line)
    return lines


def _cut(word: str, font: str, size: float, room: float) -> int:
    """How many characters of a long word fit; after a separator of a locator where one stands near the end."""
    fits, low, high = 1, 1, len(word)
    while low <= high:
        middle = (low + high) // 2
        if width(word[:middle], font, size) <= room:
            fits, low = middle, middle + 1
        else:
            high = middle - 1
    for cut in range(fits, max(1, fits * 2 // 3), -1):
        if word[cut - 1] in "/!@+":
            return cut
    return fits


@cache
def styles() -> dict[str, ParagraphStyle]:
    """The paragraph styles by name: `title`, `subtitle`, `h1`, `h2`, `h3`, `body`, `small`, `lead`, `bullet`…"""
    load_fonts()
    body = ParagraphStyle(
        "body", fontName=REGULAR, fontSize=9.5, leading=14, textColor=INK, spaceAfter=6, splitLongWords=1,
        bulletFontName=REGULAR,
    )  # fmt: skip

    def like(name: str, **changes: object) -> ParagraphStyle:
        return ParagraphStyle(name, parent=body, **changes)

    made = (
        body,
        like("title", fontName=STRONG, fontSize=27, leading=33, spaceAfter=8),
        like("subtitle", fontSize=13, leading=18, textColor=MUTED, spaceAfter=4),
        like("h1", fontName=STRONG, fontSize=17, leading=22, spaceAfter=10),
        like("h2", fontName=STRONG, fontSize=11, leading=15, spaceBefore=12, spaceAfter=5, keepWithNext=1),
        like("lead", fontSize=10.5, leading=16, spaceAfter=7),
        like("small", fontSize=8, leading=11.5, textColor=MUTED, spaceAfter=5),
        like("warning", fontName=STRONG, fontSize=9.5, leading=14, textColor=WARNING, spaceAfter=6),
        like("bullet", leftIndent=14, bulletIndent=2, spaceAfter=4),
        like("numbered", fontSize=10, leading=15, leftIndent=18, bulletIndent=0, spaceAfter=6),
        like("h3", fontName=STRONG, fontSize=9.5, leading=12, spaceBefore=6, spaceAfter=3, keepWithNext=1),
        like("tight", fontSize=8, leading=10.5, leftIndent=10, bulletIndent=1, spaceAfter=1.5),
        like("command", fontName=MONO, fontSize=7.6, leading=11, leftIndent=8, spaceAfter=2),
    )
    return {style.name: style for style in made}


def count(n: int | None) -> str:
    """A count with thousands separators; None is said in words."""
    return "not measured" if n is None else f"{n:,}"


def size_text(n: int | None) -> str:
    """Bytes exactly, and from 10,000 on rounded in binary units as well."""
    if n is None:
        return "not measured"
    if n < 10_000:
        return f"{n:,} bytes"
    power = min((n.bit_length() - 1) // 10, 4)
    return f"{n:,} bytes ({n / 1024**power:.1f} {('', 'KiB', 'MiB', 'GiB', 'TiB')[power]})"


def percent(part: int | None, whole: int | None) -> str:
    """A share with one decimal, or with two where it would round to nothing; words where it was not measured."""
    if part is None or not whole:
        return "not measured"
    share = 100 * part / whole
    if part and share < 0.05:
        return f"{share:.2f} %" if share >= 0.005 else "< 0.01 %"
    if share < 100 and f"{share:.1f}" == "100.0":
        return "> 99.9 %"
    return f"{share:.1f} %"


def share(part: float) -> str:
    """A share from 0 to 1 in per cent with one decimal, that never rounds to all or nothing where it is neither."""
    shown = f"{100 * part:.1f} %"
    if part < 1 and shown == "100.0 %":
        return "> 99.9 %"
    return "< 0.1 %" if part > 0 and shown == "0.0 %" else shown
