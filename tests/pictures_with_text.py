"""Letters of made-up members as pictures, and cases with a drive of them."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from forensics.casefile import protection
from forensics.casefile.case import CaseDetails
from forensics.casefile.views import FileRow
from forensics.demonstration.members import make_members
from forensics.examination.acquire import acquire
from forensics.examination.open_case import OpenCase
from forensics.examination.receive import new, receive
from forensics.examination.records import add_records
from forensics.jobs.events import silent
from forensics.model import Extraction

FONT = Path(__file__).parents[1] / "resources" / "fonts"
MARIA, PETER, OTHER = [member for member in make_members(60, np.random.default_rng(21)) if member.ssn][:3]


def printed(*lines: str, size: tuple[int, int] = (1700, 1000), mode: str = "L") -> Image.Image:
    """A sheet at 200 dpi with a letter on it."""
    (font,) = FONT.rglob("Inter-Regular.ttf")
    sheet = Image.new(mode, size, "white")
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        draw.text((150, 120 + 60 * number), line, fill="black", font=ImageFont.truetype(str(font), 34))
    return sheet


def letter(member: Any) -> tuple[str, ...]:
    return (
        f"Dear {member.first_name} {member.last_name}",
        "we have received the form that you sent us in the spring.",
        f"Social Security number: {member.ssn}",
        f"Date of birth: {member.birth_date}",
    )


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def lines_of(extraction: Extraction) -> dict[tuple[str, ...], str]:
    return {piece.steps: (piece.data or b"").decode() for piece in extraction.pieces}


def examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> OpenCase:
    """A case with a drive of these files and a table of records, neither examined nor compared yet."""
    image, records = tmp_path / "drive.img", tmp_path / "records.csv"
    image.write_bytes(bytes(16 << 20))
    subprocess.run(["mkfs.vfat", image], check=True, capture_output=True)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        subprocess.run(["mcopy", "-i", image, tmp_path / name, f"::{name}"], check=True)
    rows = [",".join((m.ssn, m.first_name, m.last_name, m.birth_date, m.member_id)) for m in (MARIA, PETER, OTHER)]
    records.write_text("\n".join(["SSN,First Name,Last Name,DOB,Member ID", *rows]) + "\n")
    monkeypatch.setattr(protection, "MEMORY_KIB", 64)
    details = CaseDetails("2026-001", "A case", "Plan", ("business",), "R. Reader", incident="2026-01-05")
    case = new(tmp_path / "c.dcase", details, "correct horse battery staple")
    receive(case, silent(), exhibit="E-001", received_from="A", received_by="B")
    acquire(case, silent(), exhibit="E-001", source=image)
    add_records(case, silent(), file=records)
    return case


def files_of(case: OpenCase) -> dict[str, FileRow]:
    with case.view() as view:
        return {row.locator.removeprefix("E-001/vol0/"): row for row in view.all_files()}


def found_in(case: OpenCase) -> dict[str, set[str]]:
    return {
        record.record_key: {item.locator for item in evidence}
        for _, record, evidence in case.store.evidence_by_record()
    }
