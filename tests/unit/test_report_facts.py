"""The report must not print columns that disagree: every sum is checked before a page is set."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from forensics.errors import Defect
from forensics.model import EntryStatus, Tier
from forensics.report import wording
from forensics.report.facts import Assessment, Coverage, CoveragePart, CustodyRow, PersonsHolder, PlacesSheet
from tests.unit.report_fixtures import assessment_result, elements_by_tier, exposure_sheet, report_facts


def test_facts_whose_sums_are_right_pass() -> None:
    report_facts().check()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tiers": {"confirmed": 1204, "probable": 41, "possible": 6}}, "ceiling"),
        ({"states": {"CA": 1200, "NV": 31, "OR": 15, "": 5}}, "states"),
        ({"elements": {"name": {"n": 1, "low": None, "high": None}}}, "element name"),
        ({"minors": 1251}, "minors"),
        ({"floor": 1240, "estimate": 1230}, "order"),
        ({"not_examined": {"items": 3, "bytes": 5000, "reasons": {}}}, "not examined"),
        ({"not_examined": {"items": 2, "bytes": 5001, "reasons": {}}}, "bytes not examined"),
        ({"not_examined": {"items": 2, "bytes": 5000, "reasons": {"encrypted": 1}}}, "reasons"),
    ],
)
def test_an_assessment_that_does_not_add_up_is_a_defect_of_ours(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Defect, match=words):
        report_facts(exposure=exposure_sheet(**changes)).check()


def test_an_element_held_by_more_persons_than_its_tier_is_a_defect() -> None:
    rows = elements_by_tier()
    rows["ssn"] = {Tier.PROBABLE: 300, Tier.CONFIRMED: 4, Tier.POSSIBLE: 6}
    sheet = dataclasses.replace(exposure_sheet(), elements_by_tier=rows)
    with pytest.raises(Defect, match="element ssn"):
        report_facts(exposure=sheet).check()


def test_places_and_documents_must_add_up() -> None:
    sheet = dataclasses.replace(exposure_sheet(), places=PlacesSheet(1901, 1250, 600, 50, 420))
    with pytest.raises(Defect, match="places"):
        report_facts(exposure=sheet).check()
    sheet = dataclasses.replace(exposure_sheet(), holders=(PersonsHolder("E-001", 10, {Tier.CONFIRMED: 9}),))
    with pytest.raises(Defect, match="document"):
        report_facts(exposure=sheet).check()


@pytest.mark.parametrize("field", ["by_status", "by_type", "by_outcome"])
def test_contents_must_add_up_by_each_way_of_counting(field: str) -> None:
    contents = report_facts().contents
    assert contents
    fewer: dict[str, Any] = {
        "by_status": {EntryStatus.LIVE: 119},
        "by_type": contents.by_type[:-1],
        "by_outcome": {"ok": 119},
    }
    with pytest.raises(Defect, match="contents"):
        report_facts(contents=dataclasses.replace(contents, **{field: fewer[field]})).check()


def test_the_coverage_ledger_must_account_for_every_byte_of_the_device() -> None:
    with pytest.raises(Defect, match="coverage"):
        report_facts(coverage=Coverage(10, (CoveragePart("read", 9, True),))).check()


def test_unreadable_ranges_may_not_overlap_or_leave_the_device() -> None:
    facts = report_facts()
    sheet = facts.acquisitions[0]
    doubled = dataclasses.replace(sheet.acquisition, bad=(*sheet.acquisition.bad, sheet.acquisition.bad[0]))
    with pytest.raises(Defect, match="overlap"):
        report_facts(acquisitions=(dataclasses.replace(sheet, acquisition=doubled),)).check()


def test_custody_events_stand_in_the_order_of_the_ledger_and_inside_it() -> None:
    rows = report_facts().custody
    with pytest.raises(Defect, match="order"):
        report_facts(custody=tuple(reversed(rows))).check()
    with pytest.raises(Defect, match="more custody events"):
        report_facts(custody=(CustodyRow(15, "", "", "", "", ""),)).check()


def test_an_assessment_without_a_key_of_the_contract_is_refused() -> None:
    result = assessment_result()
    del result["floor"]
    with pytest.raises(Defect, match="agreed form"):
        Assessment.from_result(result)


def test_elements_and_states_may_count_the_confirmed_and_probable_only() -> None:
    result = assessment_result(states={"CA": 1244})
    result["elements"]["ssn"]["n"] = 304
    sheet = dataclasses.replace(exposure_sheet(), assessment=Assessment.from_result(result))
    report_facts(exposure=sheet).check()


def test_the_five_sentences_say_what_was_not_measured_and_give_no_number_for_it() -> None:
    sentences = wording.five_sentences(report_facts())
    assert sentences[0] == (
        "Of 20,000 supplied source records (as of 2016-08-15), 1,244 persons have identifying fields in the bytes "
        "examined (1,203 confirmed, 41 probable). 6 more are possible: an identifier alone, which chance may explain, "
        "or fields that contradict each other."
    )
    assert "304 persons of these" in sentences[1]
    assert "4,608 bytes could not be read" in sentences[2]
    assert sentences[3].startswith("2 items (5,000 bytes) could not be examined")
    assert "the chance error of the count" in sentences[4]
    assert "cannot exclude" in sentences[4]


def test_a_measured_interval_is_said_with_its_bounds() -> None:
    sheet = exposure_sheet(floor=1100, low=1180, estimate=1230, high=1248)
    first, *_, last = wording.five_sentences(report_facts(exposure=sheet))
    assert "1,180 to 1,248 persons are estimated" in first
    assert "chance error" not in last


def test_an_image_that_was_not_read_again_is_not_called_verified() -> None:
    sheet = report_facts().acquisitions[0]
    unread = dataclasses.replace(sheet, acquisition=dataclasses.replace(sheet.acquisition, verified=False))
    assert "was not verified" in wording.how_sound((unread,))
