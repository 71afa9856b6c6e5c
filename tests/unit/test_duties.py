"""Which notice duties fire, for whom and by when: the cases that an hour of a lawyer would be spent on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import Refused
from forensics.exposure.business_days import business_days_after, holidays
from forensics.exposure.duties import Duty, Firing, Person, Situation, discovered, duties
from forensics.exposure.duty_rules import Status, parse, shipped

BOOKS = shipped()
PLAN, AGENCY, BUSINESS = "hipaa_covered_entity", "state_or_local_agency", "business"
FACILITY = "licensed_clinic_facility_homehealth_hospice"
DAY = date(2016, 8, 17)
NAMED = frozenset({"name", "birth_date"})
WITH_SSN = NAMED | {"ssn"}


def people(
    count: int, state: str = "CA", elements: Iterable[str] = WITH_SSN, first: int = 0, **more: Any
) -> list[Person]:
    return [Person(first + n, state, frozenset(elements), **more) for n in range(count)]


def found(
    persons: list[Person], *entity: str, day: date | datetime | None = DAY, noticed: date | None = None
) -> dict[str, Duty]:
    told = duties(BOOKS, Situation(frozenset(entity), day, noticed), persons)
    return {duty.rule.id + duty.state: duty for duty in told}


@pytest.mark.parametrize(
    ("count", "media", "large", "small"),
    [(499, False, False, True), (500, False, True, False), (501, True, True, False)],
)
def test_five_hundred_reach_the_secretary_and_one_more_the_press(
    count: int, media: bool, large: bool, small: bool
) -> None:
    told = found(people(count), PLAN)
    assert ("hipaa-mediaCA" in told, "hipaa-hhs-large" in told, "hipaa-hhs-small" in told) == (media, large, small)


@pytest.mark.parametrize(("count", "fires"), [(500, False), (501, True)])
def test_the_attorney_general_of_california_is_told_of_more_than_five_hundred(count: int, fires: bool) -> None:
    told = found(people(count), BUSINESS, day=date(2026, 3, 2), noticed=date(2026, 3, 20))
    assert ("ca-business-ag" in told) is fires
    if fires:
        assert told["ca-business-ag"].due == date(2026, 4, 4)


def test_a_small_breach_is_reported_within_sixty_days_of_the_end_of_its_year() -> None:
    assert found(people(499), PLAN)["hipaa-hhs-small"].due == date(2017, 3, 1)
    assert found(people(499), PLAN, day=date(2019, 5, 1))["hipaa-hhs-small"].due == date(2020, 2, 29)


def test_the_days_of_the_model_case() -> None:
    assert found(people(501), PLAN)["hipaa-individual"].due == date(2016, 10, 16)
    assert found(people(1), FACILITY)["ca-hsc-cdph"].due == date(2016, 9, 8)
    thirty = found(people(1), BUSINESS, day=date(2026, 8, 17))["ca-business-individual"]
    assert thirty.due == date(2026, 9, 16)
    assert DAY + timedelta(days=30) == date(2016, 9, 16)


def test_thirty_days_from_the_day_of_the_model_case_by_a_rule_of_thirty_days() -> None:
    book = parse(CONTRACT.replace("within = 24", "within = 30").replace('"hours"', '"calendar_days"'), "x.toml")
    assert duties([book], Situation(frozenset(), DAY), people(1))[0].due == date(2016, 9, 16)


def test_the_new_law_of_california_does_not_reach_back() -> None:
    for day, new in ((DAY, False), (date(2025, 12, 31), False), (date(2026, 1, 1), True)):
        told = found(people(600), BUSINESS, day=day, noticed=date(2026, 2, 1))
        assert ("ca-business-individual" in told, "ca-business-ag" in told) == (new, new)
        earlier = told.get("ca-business-individual-before-2026")
        assert (earlier is not None) is not new
        assert earlier is None or (earlier.due is None and earlier.because == "counsel to determine")


def test_notice_to_the_attorney_general_has_no_day_before_the_notices_have_one() -> None:
    duty = found(people(501), BUSINESS, day=date(2026, 3, 2))["ca-business-ag"]
    assert duty.due is None
    assert "15 calendar days after the notices go out" in duty.because


def test_a_plan_is_no_licensed_facility_and_an_agency_no_business() -> None:
    day = date(2026, 3, 2)
    by_entity = {entity: set(found(people(600), entity, day=day)) for entity in (PLAN, FACILITY, AGENCY, BUSINESS)}
    assert "ca-hsc-cdph" in by_entity[FACILITY]
    assert not any("ca-hsc-cdph" in by_entity[entity] for entity in (PLAN, AGENCY, BUSINESS))
    assert {"ca-agency", "ca-agency-ag"} <= by_entity[AGENCY]
    assert not any(name.startswith("ca-business") for name in by_entity[AGENCY] | by_entity[PLAN])
    assert not any(name.startswith("ca-agency") for name in by_entity[BUSINESS] | by_entity[PLAN])
    both = set(found(people(600), PLAN, AGENCY, day=day))
    assert {"hipaa-individual", "ca-agency"} <= both


def test_a_minor_without_a_number_is_told_under_hipaa_and_offered_no_service() -> None:
    without, having = people(1, elements=NAMED, minor=True), people(1, first=1, minor=True)
    told = found([*without, *having], BUSINESS, PLAN, day=date(2026, 3, 2))
    assert told["hipaa-individual"].persons == (0, 1)
    assert told["hipaa-individual"].minors == 2
    assert told["ca-business-individual"].persons == (1,)
    assert told["ca-credit"].persons == (1,)
    assert told["ca-credit"].minors == 1


def test_a_name_is_needed_beside_a_number_and_not_beside_a_login() -> None:
    number, login = people(1, elements={"ssn"}), people(1, elements={"login"}, first=1)
    told = found([*number, *login], BUSINESS, day=date(2026, 3, 2))
    assert told["ca-business-individual"].persons == (1,)


def test_only_residents_count_and_the_press_of_each_state_by_itself() -> None:
    told = found(people(501) + people(500, "NV", first=501) + people(501, "", first=1001), PLAN, AGENCY)
    assert told["ca-agency"].persons == tuple(range(501))
    assert {name for name in told if name.startswith("hipaa-media")} == {"hipaa-mediaCA"}
    assert len(told["hipaa-individual"].persons) == 1502


def test_open_persons_make_a_duty_depend_and_are_kept_apart() -> None:
    told = found(people(499) + people(1, first=499, open=True), PLAN)
    assert told["hipaa-hhs-large"].firing is Firing.DEPENDS
    assert told["hipaa-hhs-small"].firing is Firing.DEPENDS
    assert told["hipaa-hhs-large"].also == (499,)
    assert len(told["hipaa-hhs-large"].persons) == 499
    assert found(people(500) + people(1, first=500, open=True), PLAN)["hipaa-hhs-large"].firing is Firing.FIRES


def test_a_member_id_counts_in_california_only_if_counsel_says_so() -> None:
    told = found(people(1, elements={"name", "member_id"}), BUSINESS, day=date(2026, 3, 2))
    assert told["ca-business-individual"].firing is Firing.DEPENDS
    assert (told["ca-business-individual"].persons, told["ca-business-individual"].also) == ((), (0,))
    assert "ca-credit" not in told


@pytest.mark.parametrize(("missing", "few", "many"), [(0, False, False), (9, True, False), (10, False, True)])
def test_substitute_notice_leaves_out_next_of_kin(missing: int, few: bool, many: bool) -> None:
    persons = people(20) + people(missing, first=20, address=False)
    persons += people(5, first=90, address=False, deceased=True)
    told = found(persons, PLAN)
    assert ("hipaa-substitute-few" in told, "hipaa-substitute" in told) == (few, many)
    for name in told.keys() & {"hipaa-substitute", "hipaa-substitute-few"}:
        assert len(told[name].persons) == missing
        assert told[name].due is None


def test_only_a_rule_that_was_read_prints_a_date() -> None:
    for book in BOOKS:
        for status in Status:
            rules = tuple(dataclasses.replace(rule, status=status) for rule in book.rules)
            persons = people(600, address=False)
            entities = frozenset({PLAN, AGENCY, BUSINESS, FACILITY, "hipaa_business_associate"})
            for day in (DAY, date(2026, 3, 2)):
                situation = Situation(entities, day, day)
                for duty in duties([dataclasses.replace(book, rules=rules)], situation, persons):
                    assert status is Status.READ or duty.due is None
                    assert duty.due is not None or duty.because


def test_every_rule_that_was_read_names_what_was_read() -> None:
    for rule in (rule for book in BOOKS for rule in book.rules):
        assert rule.citation
        assert rule.status in (Status.MEMORY, Status.CONFLICT) or rule.sources, rule.id


def test_the_earlier_of_known_and_knowable_starts_the_clock() -> None:
    assert discovered("2016-08-19", "2016-08-17", "") == DAY
    assert discovered("", "") is None
    assert found(people(1), PLAN, day=None)["hipaa-individual"].due is None


def test_the_day_of_discovery_is_that_of_the_organisation() -> None:
    instant = datetime(2016, 8, 18, 3, 0, tzinfo=UTC)
    situation = Situation(frozenset({PLAN}), instant, zone=ZoneInfo("America/Los_Angeles"))
    told = {duty.rule.id: duty for duty in duties(BOOKS, situation, people(1))}
    assert told["hipaa-individual"].due == date(2016, 10, 16)


CONTRACT = """
schema = 1
jurisdiction = "contract"
name = "Agreement with a state agency"
as_of = "2026-11-24"
[[rule]]
id = "agency-24-hours"
citation = "Agreement, exhibit D, section 3"
entity_types = ["any"]
when = "Data of the programme"
programs = ["Medi-Cal"]
notify = "The agency"
within = 24
unit = "hours"
status = "read"
sources = ["the agreement"]
""".replace('programs = ["Medi-Cal"]\n', "")


def test_a_contract_of_hours_counts_real_hours_over_a_clock_change() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    book = parse(CONTRACT, "contract.toml")
    (duty,) = duties([book], Situation(frozenset(), datetime(2016, 11, 5, 12, 0, tzinfo=zone), zone=zone), people(1))
    assert duty.due == datetime(2016, 11, 6, 11, 0, tzinfo=zone)
    (of_a_day,) = duties([book], Situation(frozenset(), DAY, zone=zone), people(1))
    assert of_a_day.due == datetime(2016, 8, 18, 0, 0, tzinfo=zone)
    assert "no time of day" in of_a_day.because


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [('programs = ["Medi-Cal"]', "program", "Medi-Cal"), ("ssa_verified = true", "ssa_verified", True),
     ("sensitive = true", "sensitive", True)],
)  # fmt: skip
def test_a_contract_can_ask_for_programme_verified_number_and_sensitivity(line: str, field: str, value: object) -> None:
    book = parse(CONTRACT + line + "\n", "contract.toml")
    persons = [*people(3), *people(2, first=3, **{field: value})]
    (duty,) = duties([book], Situation(frozenset({PLAN}), DAY), persons)
    assert duty.persons == (3, 4)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("schema = 2", "no schema"),
        ('elements = ["shoe_size"]', "not in the element catalogue"),
        ("wihtin = 3", "there is no key wihtin"),
        ("at_most = 0", "at_most is not a whole number"),
        ('holidays_not_kept = ["Groundhog Day"]', "no holiday"),
        ('discovered_from = "soon"', "Invalid isoformat"),
        ('kind = "riddle"', "riddle"),
        ("] [", "is not TOML"),
    ],
)
def test_a_file_of_rules_that_is_wrong_is_refused_by_name(broken: str, said: str) -> None:
    text = CONTRACT.replace("schema = 1", broken) if broken.startswith("schema") else CONTRACT + broken + "\n"
    with pytest.raises(Refused, match=said) as refused:
        parse(text, "mine.toml")
    assert "mine.toml" in refused.value.message


def test_the_federal_holidays_as_the_statute_moves_them() -> None:
    assert holidays(2016)["Labor Day"] == date(2016, 9, 5)
    assert holidays(2021)["Independence Day"] == date(2021, 7, 5)
    assert holidays(2021)["Christmas Day"] == date(2021, 12, 24)
    assert holidays(2022)["New Year's Day"] == date(2021, 12, 31)
    assert "Juneteenth" not in holidays(2020)
    assert holidays(2026)["Juneteenth"] == date(2026, 6, 19)
    # The eve of a Saturday New Year's Day is kept in the old year.
    assert business_days_after(date(2021, 12, 30), 1) == date(2022, 1, 3)


def test_a_holiday_that_is_not_kept_makes_the_day_earlier() -> None:
    assert business_days_after(date(2016, 10, 7), 1) == date(2016, 10, 11)
    assert business_days_after(date(2016, 10, 7), 1, ["Columbus Day"]) == date(2016, 10, 10)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 60))
def test_so_many_business_days_lie_between(start: date, days: int) -> None:
    end = business_days_after(start, days)
    closed = {day for year in range(start.year, end.year + 2) for day in holidays(year).values()}
    between = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    working = [day for day in between if day.weekday() < 5 and day not in closed]
    assert len(working) == days
    assert working[-1] == end
