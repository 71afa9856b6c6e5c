"""A small FAT drive with texts whose words and places are known, and the case in which it was examined."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

from forensics.casefile.case import CaseDetails
from forensics.examination.import_image import import_image
from forensics.examination.index import index
from forensics.examination.open_case import OpenCase
from forensics.examination.receive import new, receive
from forensics.jobs.events import silent

ROWS = 4_000


def list_of_members() -> bytes:
    rows = [f"M{n:05d},Given{n},Family{n},{100 + n % 700:03d}-{10 + n % 80}-{1000 + n:04d},1961-02-{1 + n % 28:02d}"
            for n in range(2, ROWS)]  # fmt: skip
    rows[1] = 'M00001,"Anna, ""the"" first",Müller,899-77-0123,1980-02-03'
    return ("id,given,family,ssn,born\r\n" + "\r\n".join(rows) + "\r\n").encode()


def letter() -> bytes:
    """Two hundred kilobytes of prose; one phrase stands across the 16 KiB at which a text is cut."""
    filler = "the quick brown fox reads nothing of interest here. " * 4_000
    at = filler.index(" ", (16 << 10) - 20) + 1
    return (filler[:at] + "Zebra crossing Quagga " + filler[at:]).encode()


def archive() -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inner.txt", "inside of two archives stands a.lee@example.com and nothing else\n")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("old.zip", inner.getvalue())
        packed.writestr("names.txt", "Mueller, Jörg; Gonza\u0301lez; Straße\n")
    return made.getvalue()


FILES = {
    "HR/members.csv": list_of_members(),
    "HR/letter.txt": letter(),
    "HR/wide.txt": "Ünïcode: 899770123 in UTF-16, and a payroll note\r\n".encode("utf-16"),
    "Payroll/backup.zip": archive(),
    "gone.txt": b"a deleted text names the Xylophone of Okapi\n",
    "report_2025-final.txt": b"=SUM(1) salary Okapi and payroll; Anna is not the one\n",
}


def make_image(folder: Path) -> Path:
    """A FAT32 file system without a partition table; `gone.txt` was deleted from it."""
    path = folder / "drive.img"
    with path.open("wb") as stream:
        stream.truncate(40 << 20)
    subprocess.run(["mkfs.vfat", "-F", "32", path], check=True, capture_output=True)
    subprocess.run(["mmd", "-i", path, "::HR", "::Payroll"], check=True, capture_output=True)
    for name, content in FILES.items():
        source = folder / "one"
        source.write_bytes(content)
        subprocess.run(["mcopy", "-i", path, source, f"::{name}"], check=True, capture_output=True)
    subprocess.run(["mdel", "-i", path, "::gone.txt"], check=True, capture_output=True)
    return path


def open_case(folder: Path) -> OpenCase:
    """A new case with the image in it, not examined yet."""
    details = CaseDetails("1", "T", "O", ("business",), "Kim")
    opened = new(folder / "a.dcase", details, "correct horse battery staple")
    receive(opened, silent(), exhibit="E-001", received_from="A", received_by="B")
    import_image(opened, silent(), exhibit="E-001", files=[make_image(folder)])
    return opened


def examined_case(folder: Path) -> OpenCase:
    opened = open_case(folder)
    index(opened, silent())
    return opened
