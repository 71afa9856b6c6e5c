"""The report's section on certainty, read back by poppler: the digest of the result, and what a blind sample said."""

from __future__ import annotations

import subprocess
from pathlib import Path

from forensics.report.document import build
from tests.unit.report_fixtures import exposure_sheet, report_facts


def text_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True, text=True).stdout


def test_the_digest_of_the_result_is_printed(tmp_path: Path) -> None:
    build(report_facts(exposure=exposure_sheet(result_sha256="5a" * 32)), tmp_path / "r.pdf")
    assert f"Result SHA-256 {'5a' * 32}" in " ".join(text_of(tmp_path / "r.pdf").split())
