"""What a draft of the report costs on a case that `worked_example.py` left: seconds, memory, pages, bytes.

    .venv/bin/python tests/bench/report.py FOLDER

Memory is the largest resident set (VmHWM) after the case was opened: Argon2id gives its 256 MiB back before that.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pypdfium2

sys.path.insert(0, str(Path(__file__).parents[2]))

from forensics.examination.open_case import OpenCase
from forensics.examination.report import report
from forensics.jobs.events import silent

ANNEXES = "Annex A: custody log"


def peak_mib() -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) >> 10


def main() -> None:
    folder = Path(sys.argv[1])
    passphrase = (folder / "case-passphrase.txt").read_text().strip()
    with (
        tempfile.TemporaryDirectory() as name,
        OpenCase.unlock(folder / "demonstration.dcase", passphrase) as case,
    ):
        # Linux, proc(5): 5 sets the peak back to what is resident now.
        Path("/proc/self/clear_refs").write_text("5")
        begun = time.monotonic()
        report(case, silent(), out=Path(name) / "report.pdf")
        wall, peak = time.monotonic() - begun, peak_mib()
        pdf = Path(name) / "report.pdf"
        with case.view() as view, pypdfium2.PdfDocument(pdf) as document:
            print(f"{len(view.decided()):,} persons: {wall:.1f} s, {peak} MiB, {len(document)} pages, ", end="")
            body = next(n for n in range(2, len(document)) if ANNEXES in document[n].get_textpage().get_text_range())
            print(f"the body ends on page {body}, {pdf.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
