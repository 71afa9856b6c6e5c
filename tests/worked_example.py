"""The worked example made by the command itself, and small things that several suites ask of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics.casefile.views import CaseView
from forensics.demonstration.drive import Truth, make_demonstration

COMMAND = Path(os.environ.get("VIRTUAL_ENV", Path(__file__).parents[1] / ".venv")) / "bin" / "drivecustody"


def drivecustody(*arguments: object, env: dict[str, str] | None = None, status: int | None = 0) -> str:
    """Run the command; returns standard output. The passphrase never stands in the arguments."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, timeout=600,
    )  # fmt: skip
    if status is not None:
        assert done.returncode == status, done.stderr[-2000:]
    return done.stdout


@dataclass(frozen=True)
class Example:
    folder: Path
    truth: Truth

    @property
    def case(self) -> Path:
        return self.folder / "demonstration.dcase"

    @property
    def passphrase(self) -> str:
        return (self.folder / "case-passphrase.txt").read_text().strip()

    @property
    def report(self) -> Path:
        return self.case / "reports" / "report-1.pdf"

    @property
    def package(self) -> Path:
        return self.case / "packages" / "package-1.zip"

    @property
    def records(self) -> Path:
        return self.folder / "member_records.csv"

    @property
    def image(self) -> Path:
        return self.folder / "returned_drive.img"

    def view(self) -> CaseView:
        return CaseView.open(self.case, self.passphrase)

    def run(self, *arguments: object) -> str:
        return drivecustody(*arguments, "--passphrase-file", self.folder / "case-passphrase.txt")


def make_example(folder: Path) -> Example:
    """The finished worked example (20,000 members, 1,400 affected) and the truth that the program never reads."""
    drivecustody("demo", folder / "demo", "--no-window")
    truth = make_demonstration(folder / "again").truth
    return Example(folder / "demo", truth)


def flipped(data: bytes, at: int, mask: int = 1) -> bytes:
    """The same bytes with one changed."""
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def text_of(pdf: Path, *options: str) -> str:
    done = subprocess.run(["pdftotext", "-layout", *options, pdf, "-"], capture_output=True, check=True)
    return done.stdout.decode("utf-8")


def broken(facts: Sequence[object]) -> list[object]:
    return [fact for fact in facts if getattr(fact, "holds", None) is False]
