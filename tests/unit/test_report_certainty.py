"""The report's section on certainty, read back by poppler: the digest of the result, and what a blind sample said."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forensics.errors import Defect
from forensics.exposure.review_sample import METHOD
from forensics.report import wording
from forensics.report.document import build
from forensics.report.facts import SampleRow, SampleSheet
from forensics.report.typography import share
from tests.unit.report_fixtures import exposure_sheet, report_facts


def text_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True, text=True).stdout


def test_the_digest_of_the_result_is_printed(tmp_path: Path) -> None:
    build(report_facts(exposure=exposure_sheet(result_sha256="5a" * 32)), tmp_path / "r.pdf")
    assert f"Result SHA-256 {'5a' * 32}" in " ".join(text_of(tmp_path / "r.pdf").split())


def sheet(**changes: Any) -> SampleSheet:
    rows = (
        SampleRow("Both tiers", 600, 590, 3, 587 / 590, 0.97, 0.999),
        SampleRow("Confirmed", 580, 575, 3, 572 / 575, 0.96, 0.9996),
        SampleRow("Probable", 20, 15, 0, None, None, None, "too few answers: 15 of at least 30"),
    )
    told = SampleSheet("2026-11-23T16:00:00Z", 1244, 2, 0.8125, 120, 119, rows, METHOD, True)
    return replace(told, **changes)


def test_a_blind_sample_is_printed_with_its_method_and_no_longer_called_missing(tmp_path: Path) -> None:
    build(report_facts(), tmp_path / "without.pdf")
    build(report_facts(sample=sheet()), tmp_path / "with.pdf")
    without, told = (" ".join(text_of(tmp_path / f"{name}.pdf").split()) for name in ("without", "with"))
    assert "Both tiers 600 590 3 99.5 % 97.0 % – 99.9 %" in told
    assert "Confirmed 580 575 3 99.5 % 96.0 % – > 99.9 %" in told
    assert "Probable 20 15 0 – not measurable: too few answers: 15 of at least 30" in told
    assert "Of 120 answers to catch-rows, 119 were no" in told
    assert "κ 0.81" in told
    assert "Clopper and Pearson" in told
    assert "Clopper and Pearson" not in without
    assert wording.BLIND_SAMPLE in without
    assert wording.BLIND_SAMPLE not in told
    assert "misattribution" in wording.unmeasured(report_facts())
    assert "misattribution" not in wording.unmeasured(report_facts(sample=sheet()))


def test_a_sample_of_an_earlier_result_measures_nothing_of_this_one(tmp_path: Path) -> None:
    facts = report_facts(sample=sheet(current=False))
    assert "misattribution" in wording.unmeasured(facts)
    build(facts, tmp_path / "r.pdf")
    assert "drawn from an earlier result" in " ".join(text_of(tmp_path / "r.pdf").split())


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": (SampleRow("Both tiers", 601, 590, 3, 0.9, 0.8, 1.0), *sheet().rows[1:])},
        {"rows": (SampleRow("Both tiers", 600, 590, 2, 0.9, 0.8, 1.0), *sheet().rows[1:])},
        {"caught": 121},
    ],
)
def test_a_sample_whose_sums_differ_is_never_printed(wrong: dict[str, Any]) -> None:
    with pytest.raises(Defect):
        report_facts(sample=sheet(**wrong)).check()


def test_a_share_never_rounds_to_all_or_nothing() -> None:
    assert [share(part) for part in (1.0, 0.9997, 0.5, 0.0004, 0.0)] == [
        "100.0 %", "> 99.9 %", "50.0 %", "< 0.1 %", "0.0 %",
    ]  # fmt: skip
