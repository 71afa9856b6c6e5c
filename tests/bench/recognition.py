"""How many printed social security numbers are read off a scan, and what that and a photograph cost.

    .venv/bin/python tests/bench/recognition.py

A sheet of 55 rows with number, name and birth date in 10 point print, at the resolutions people scan with and as it
stands on a screen; and photographs of the demonstration, on which there is no text. A row counts when its number and
birth date stand on one line without an error.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parents[2]))

from forensics.demonstration.documents import photograph
from forensics.demonstration.members import Member, make_members
from forensics.extraction.content import BytesReadable
from forensics.extraction.extract import recognise
from forensics.extraction.recognition import find

ROWS, POINTS = 55, 10
RESOLUTIONS = (300, 200, 150, 96)
PHOTOGRAPHS = 8


def sheet(members: list[Member], dpi: int) -> bytes:
    """Letter paper, ANSI X3.151 A: 8.5 by 11 inches."""
    (font,) = (Path(__file__).parents[2] / "resources" / "fonts").rglob("Inter-Regular.ttf")
    page = Image.new("L", (int(8.5 * dpi), 11 * dpi), "white")
    draw, print_ = ImageDraw.Draw(page), ImageFont.truetype(str(font), POINTS * dpi // 72)
    for row, one in enumerate(members):
        cells = (one.ssn, f"{one.first_name} {one.last_name}", one.birth_date)
        for column, cell in enumerate(cells):
            draw.text((int((0.8 + 2.2 * column) * dpi), int((0.7 + row * 0.17) * dpi)), cell, fill=0, font=print_)
    out = io.BytesIO()
    page.save(out, "PNG")
    return out.getvalue()


def main() -> None:
    tesseract = find()
    if tesseract is None:
        sys.exit("There is no tesseract here: apt-get install tesseract-ocr.")
    print(f"tesseract {tesseract.version}, {', '.join(tesseract.languages)}")
    members = [one for one in make_members(600, np.random.default_rng(7)) if one.ssn][:ROWS]
    for dpi in RESOLUTIONS:
        data = sheet(members, dpi)
        began = time.monotonic()
        found = recognise(BytesReadable(data), b"", (), tesseract)
        seconds = time.monotonic() - began
        lines = "\n".join((piece.data or b"").decode() for piece in found.pieces).splitlines()
        right = sum(any(one.ssn in line and one.birth_date in line for line in lines) for one in members)
        print(f"{dpi} dpi: {right} of {len(members)} rows, {seconds:.1f} s")
    random = np.random.default_rng(8)
    photographs = [photograph(random, 2400, 1800) for _ in range(PHOTOGRAPHS)]
    began = time.monotonic()
    for data in photographs:
        recognise(BytesReadable(data), b"", (), tesseract)
    print(f"a photograph: {(time.monotonic() - began) / len(photographs):.2f} s")


if __name__ == "__main__":
    main()
