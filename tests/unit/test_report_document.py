"""The PDF is judged by poppler and qpdf: what people and machines read back must be what the facts say."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest

from forensics.errors import Defect, Refused
from forensics.model import EntryStatus, Tier
from forensics.report.document import build
from forensics.report.facts import NotExaminedItem, ReportFacts
from forensics.report.typography import percent, size_text, visible, wrapped
from tests.unit.report_fixtures import assessment_result, exposure_sheet, make_signer, report_facts


def text_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True, text=True).stdout


def row(text: str, label: str, cells: int = 1) -> list[str]:
    """The cells behind a label at the beginning of the first line that has so many or more."""
    for line in text.splitlines():
        found = re.split(r"\s{2,}", line.strip())
        if found[0] == label and len(found) > cells:
            return found[1:]
    raise AssertionError(f"no row {label}")


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pdf = tmp_path_factory.mktemp("report") / "draft.pdf"
    build(report_facts(), pdf)
    return pdf


def test_every_font_is_embedded_and_the_file_is_sound(draft: Path) -> None:
    lines = subprocess.run(["pdffonts", draft], capture_output=True, check=True, text=True).stdout.splitlines()[2:]
    assert lines
    assert all(line.split()[-5] == "yes" for line in lines), lines
    checked = subprocess.run(["qpdf", "--check", draft], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_the_numbers_read_back_are_the_facts_and_add_up(draft: Path) -> None:
    text = text_of(draft)
    assert [number(row(text, label)[-1]) for label in ("Confirmed", "Probable", "Possible", "All tiers")] == [
        1203, 41, 6, 1250,
    ]  # fmt: skip
    persons = [number(cell) for cell in row(text, "Persons", 4)]
    assert persons[:3] == [1203, 41, 6]
    assert sum(persons[:3]) == persons[3] == 1250
    for label, total in (("Name", 1244), ("Social Security number", 310), ("Address", 800)):
        cells = row(text, label, 5)
        assert sum(number(cell) for cell in cells[:3]) == number(cells[3]) == total
        assert cells[4] == "not measured"
    statuses = ("Live", "Deleted, recovered", "Deleted, uncertain", "Inside a container")
    assert sum(number(row(text, label)[-1]) for label in statuses) == number(row(text, "All contents")[0]) == 120
    places = [
        number(row(text, label)[-1]) for label in ("Live files", "Deleted files", "Unallocated space", "All places")
    ]
    assert sum(places[:3]) == places[3]


def test_what_is_not_measured_is_said_in_words(draft: Path) -> None:
    text = text_of(draft)
    for label in ("Floor", "Estimate", "On the drive but in no source record"):
        assert row(text, label)[-1] == "not measured"


def test_each_page_says_which_report_ledger_and_page_it_is(draft: Path) -> None:
    pages = text_of(draft).split("\f")[:-1]
    head = report_facts().ledger_head
    for index, page in enumerate(pages, start=1):
        assert f"Page {index} of {len(pages)}" in page
        assert "Report DCR-2026-0417-01, version 1" in page
        assert head in page
        assert "Confidential" in page


def test_a_draft_says_so_on_each_page_and_a_report_to_be_signed_does_not(draft: Path, tmp_path: Path) -> None:
    def marked(pdf: Path) -> list[bool]:
        return ["DRAFT – not signed" in page for page in text_of(pdf).split("\f")[:-1]]

    def pictures(pdf: Path) -> int:
        listed = subprocess.run(["pdfimages", "-list", pdf], capture_output=True, check=True, text=True).stdout
        return sum(line.split()[2] == "image" for line in listed.splitlines()[2:])

    final = tmp_path / "final.pdf"
    build(report_facts(make_signer()), final)
    assert all(marked(draft))
    assert not any(marked(final))
    assert pictures(draft) == len(marked(draft))
    assert pictures(final) == 0


def test_the_outline_leads_to_the_page_of_each_section(draft: Path) -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument(draft)
    pages = [page.get_textpage().get_text_bounded() for page in document]
    entries = [(entry.get_title(), entry.get_dest().get_index()) for entry in document.get_toc()]
    document.close()
    assert [title for title, _ in entries][:2] == ["1 The answer on one page", "2 Scope and authority"]
    assert [title for title, _ in entries][-1].startswith("Annex I")
    for title, page in entries:
        assert title in pages[page].replace("\r\n", " ")


def test_the_answer_is_on_one_page(draft: Path) -> None:
    page = text_of(draft).split("\f")[1]
    assert "1 The answer on one page" in page
    assert "Items not examined" in page


def test_the_same_facts_give_the_same_bytes_and_name_no_place_of_this_machine(tmp_path: Path) -> None:
    first, second = tmp_path / "a.pdf", tmp_path / "b.pdf"
    build(report_facts(), first)
    build(report_facts(), second)
    assert first.read_bytes() == second.read_bytes()
    assert str(tmp_path).encode() not in first.read_bytes()
    told = subprocess.run(["pdfinfo", "-isodates", first], capture_output=True, check=True, text=True).stdout
    assert "Title:           Chain of custody and exposure report: case 2026-0417" in told
    assert "Author:          Dana Examiner" in told
    assert "CreationDate:    2026-11-24T10:30:00Z" in told


def test_a_report_is_never_written_over_another_file(tmp_path: Path) -> None:
    there = tmp_path / "report.pdf"
    there.write_bytes(b"mine")
    with pytest.raises(Refused):
        build(report_facts(), there)
    assert there.read_bytes() == b"mine"


def test_facts_that_do_not_add_up_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(Defect):
        build(report_facts(exposure=exposure_sheet(minors=5000)), tmp_path / "r.pdf")
    assert list(tmp_path.iterdir()) == []


def test_markup_and_invisible_characters_from_strangers_are_shown_not_obeyed(tmp_path: Path) -> None:
    facts = report_facts()
    hostile = "<b>x</b> <img src='file:///etc/passwd'/> a\u202ecod.exe\x07\u00a0\u65e5e\u0301\u200b"
    case = dataclasses.replace(facts.case, title=hostile, organisation=hostile, examiner=hostile)
    exhibit = dataclasses.replace(facts.exhibits[0], description=hostile, authority=hostile)
    volume = dataclasses.replace(facts.volumes[0], label=hostile)
    changed = dataclasses.replace(
        facts, case=case, exhibits=(exhibit,), volumes=(volume,),
        method=dataclasses.replace(facts.method, settings=(hostile,)),
    )  # fmt: skip
    pdf = tmp_path / "r.pdf"
    build(changed, pdf)
    text = text_of(pdf)
    assert "a[U+202E]cod.exe[U+0007][U+00A0][U+65E5]e[U+0301][U+200B]" in text
    assert "<b>x</b>" in text
    assert "\u202e" not in text


def test_a_long_list_is_capped_and_says_how_many_more_there_are(tmp_path: Path) -> None:
    items = tuple(NotExaminedItem(f"E-001/vol2/lost/{n:05d}.bin", 10, "encrypted") for n in range(1203))
    facts = report_facts(
        not_examined=items,
        exposure=exposure_sheet(not_examined={"items": 1203, "bytes": 12030, "reasons": {"encrypted": 1203}}),
        contents=dataclasses.replace(
            report_facts().contents,  # type: ignore[type-var]
            items=1203,
            by_status={EntryStatus.LIVE: 1203},
            by_type=(dataclasses.replace(report_facts().contents.by_type[0], items=1203),),  # type: ignore[union-attr]
            by_outcome={"not_examined": 1203},
        ),
    )
    pdf = tmp_path / "r.pdf"
    build(facts, pdf)
    text = text_of(pdf)
    assert text.count("E-001/vol2/lost/") == 200
    assert "1,003 more are listed in the hash manifest" in text
    assert row(text, "All not examined") == ["1,203", "12,030"]


def test_a_case_in_which_nothing_was_done_yet_makes_a_report_that_says_so(tmp_path: Path) -> None:
    pdf = tmp_path / "r.pdf"
    build(
        report_facts(
            exhibits=(), acquisitions=(), volumes=(), contents=None, not_examined=(), coverage=None, records=(),
            exposure=None, custody=(), ledger_size=0, paper="A4",
        ),
        pdf,
    )  # fmt: skip
    text = text_of(pdf)
    assert "No exhibit has been acquired" in text
    assert "no number of persons is given" in text
    assert row(text, "Confirmed")[-1] == "not measured"


def test_a_large_case_is_set_in_seconds_not_minutes(tmp_path: Path) -> None:
    import time

    from forensics.report.facts import CustodyRow

    rows = tuple(
        CustodyRow(n, "2026-11-20T09:00:00Z", "3fa9c1", "index finished", "E-001", "ok " * 20) for n in range(5000)
    )
    start = time.perf_counter()
    build(report_facts(custody=rows, ledger_size=5000), tmp_path / "r.pdf")
    assert time.perf_counter() - start < 20
    assert "1,000 of 5,000 entries" in text_of(tmp_path / "r.pdf")


def test_sizes_and_shares_never_round_to_a_lie() -> None:
    assert size_text(2_013_265_920) == "2,013,265,920 bytes (1.9 GiB)"
    assert size_text(999) == "999 bytes"
    assert percent(1, 10_000_000) == "< 0.01 %"
    assert percent(9_999_999, 10_000_000) == "> 99.9 %"
    assert percent(0, 10) == "0.0 %"
    assert percent(None, 10) == percent(1, 0) == "not measured"


def test_wrapped_lines_fit_and_lose_no_character() -> None:
    text = "E-001/vol2/" + "long%20name/" * 30 + "x" * 300
    lines = wrapped(visible(text), "JetBrainsMono-Regular", 7, 200)
    assert "".join(lines) == text
    assert all(len(line) * 0.6 * 7 <= 200.01 for line in lines)


def test_a_tier_without_a_rule_is_a_defect(tmp_path: Path) -> None:
    facts: ReportFacts = report_facts()
    method = dataclasses.replace(facts.method, tier_rules={Tier.CONFIRMED: "x"})
    with pytest.raises(Defect, match="rule"):
        build(dataclasses.replace(facts, method=method), tmp_path / "r.pdf")


def test_a_measured_interval_is_printed_for_its_element(tmp_path: Path) -> None:
    result = assessment_result()
    result["elements"]["ssn"] = {"n": 310, "low": 290, "high": 309}
    build(report_facts(exposure=exposure_sheet(elements=result["elements"])), tmp_path / "r.pdf")
    assert row(text_of(tmp_path / "r.pdf"), "Social Security number", 5)[-1] == "290 – 309"
