"""The coverage study judges estimators as it should: by drives whose truth is known, and with a bound that holds."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "bench"))  # at the end: its modules have names that others have

import coverage_study as study
from labelled import population as people


@pytest.mark.parametrize(("successes", "trials", "bound"), [(10, 10, 0.6915), (285, 300, 0.9189), (0, 5, 0.0)])
def test_the_lower_bound_is_clopper_and_pearsons(successes: int, trials: int, bound: float) -> None:
    """10 of 10: 0.025 ** (1/10). 285 of 300: R's binom.test. None: 0."""
    assert study.at_least(successes, trials) == pytest.approx(bound, abs=5e-4)


@pytest.mark.parametrize("scenario", study.SCENARIOS)
def test_the_truth_of_a_drive_stands_on_it_and_is_in_the_records(scenario: str) -> None:
    drive = study.make_drive(scenario, 3, people=3000)
    held = {person.key: person for person in drive.records}
    text = b"".join(drive.texts).decode()
    assert drive.truth
    for key, elements in drive.truth.items():
        person = held[key]
        assert "ssn" not in elements or person.ssn in text.replace("-", "")
        assert "member_id" not in elements or person.member_id in text
    assert study.make_drive(scenario, 3, people=3000) == drive


def test_former_members_are_on_the_drive_and_not_in_the_truth() -> None:
    drive = study.make_drive("former members", 1, people=3000)
    everybody = people.make_population(1, replace(people.Plan(), people=3000, special=False, former=0.15))
    text = b"".join(drive.texts).decode()
    gone = [person for person in everybody.people if person.former and person.member_id in text]
    assert gone
    assert not {person.key for person in gone} & drive.truth.keys()


def test_an_interval_that_holds_the_truth_covers_and_one_beside_it_does_not() -> None:
    drive = study.make_drive("clean", 2, people=2000)
    true = len(drive.truth)

    def says(low: int | None, high: int | None) -> study.Judged:
        return study.judge(drive, lambda records, texts: study.Answer(low, low, high, "ok"))

    judged = [says(true, true), says(true + 1, true + 9), says(None, None)]
    assert [item.covered for item in judged] == [True, False, False]
    assert [item.measured for item in judged] == [True, True, False]
    assert "| all | 3 | 2 | 1 | 0.013 | 1 |" in study.table(judged)


def test_the_programs_interval_holds_who_is_there() -> None:
    """Those whom only a member id shows (nothing measures them) are in its high end alone."""
    drive = study.make_drive("clean", 4, people=3000)
    answer = study.estimate(drive.records, drive.texts)
    ids_alone = sum(elements == {"member_id"} for elements in drive.truth.values())
    assert answer.low is not None
    assert answer.high is not None
    assert answer.low <= len(drive.truth) <= answer.high
    assert answer.low >= 0.98 * (len(drive.truth) - ids_alone)


def test_check_digits_are_those_of_the_standard() -> None:
    assert people.luhn("7992739871") == "3"


@pytest.mark.parametrize("ids", ["luhn", "block"])
def test_a_population_has_unique_keys_and_what_is_odd_in_families(ids: str) -> None:
    made = people.make_population(5, people.Plan(people=2000, ids=ids, former=0.1))
    assert len({person.key for person in made.people}) == 2000
    assert made == people.make_population(5, people.Plan(people=2000, ids=ids, former=0.1))
    assert {"Sr", "Jr"} <= {person.suffix for person in made.people}
    assert made.shared_names()
    assert any(person.same_as for person in made.people)
    assert any(person.former for person in made.people)
    assert len(made.snapshot) < 2000
    other = people.other_ids(50, made, people.np.random.default_rng(1))
    assert not set(other) & {person.member_id for person in made.people}
