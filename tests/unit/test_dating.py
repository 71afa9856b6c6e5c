"""Which snapshot a table agrees with: told only by persons who differ between snapshots, and only where it can be."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from forensics.exposure.dating import Dated, Telling, date_table, dating, sign_test

MAY, JUNE, JULY = Dated("m", "2026-05-01"), Dated("j", "2026-06-01"), Dated("k", "2026-07-01")


def told(*persons: tuple[tuple[int | None, ...], int], among: int = 100) -> Telling:
    made = Telling(len(persons[0][0]), among)
    for scores, times in persons:
        for _ in range(times):
            made.add(scores)
    return made


@pytest.mark.parametrize("trials", range(7))
def test_the_sign_test_counts_outcomes(trials: int) -> None:
    for wins in range(trials + 1):
        nearer = abs(2 * wins - trials)
        outcomes = [sum(flips) for flips in product((0, 1), repeat=trials)]
        as_far = Fraction(sum(abs(2 * heads - trials) >= nearer for heads in outcomes), 2**trials)
        assert sign_test(wins, trials - wins) == pytest.approx(float(as_far))


def test_persons_who_are_alike_everywhere_tell_nothing() -> None:
    answer = date_table(told(((4, 4), 50)), [MAY, JUNE])
    assert (answer["told_by"], answer["distinguishable"], answer["fits"]) == (0, False, None)
    assert answer["best"] == ["m", "j"]
    assert answer["said"].startswith("not distinguishable: nobody")


def test_changed_values_tell_the_day() -> None:
    answer = date_table(told(((4, 4), 50), ((5, 4), 20), ((4, 5), 1)), [MAY, JUNE])
    assert (answer["best_as_of"], answer["distinguishable"]) == (["2026-05-01"], True)
    assert answer["p"] == pytest.approx(2 * 22 / 2**21)
    assert answer["snapshots"] == [
        {"name": "m", "as_of": "2026-05-01", "agree": 20, "differ": 1, "absent": 0},
        {"name": "j", "as_of": "2026-06-01", "agree": 1, "differ": 20, "absent": 0},
    ]
    assert answer["said"] == "agrees best with 2026-05-01"


def test_somebody_who_left_or_joined_tells_as_well() -> None:
    answer = date_table(told(((None, 3, 3), 12), ((3, 3, None), 12)), [MAY, JUNE, JULY])
    assert answer["best"] == ["j"]
    assert [one["absent"] for one in answer["snapshots"]] == [12, 0, 12]


def test_few_persons_do_not_tell() -> None:
    answer = date_table(told(((5, 4), 5)), [MAY, JUNE])
    assert (answer["distinguishable"], answer["best"]) == (False, ["m", "j"])
    assert answer["said"].startswith("not distinguishable between 2026-05-01, 2026-06-01")
    assert date_table(told(((5, 4), 6)), [MAY, JUNE])["distinguishable"]
    # With a third snapshot six are too few: two comparisons share the level.
    assert not date_table(told(((5, 4, 4), 6)), [MAY, JUNE, JULY])["distinguishable"]


def test_a_table_of_no_day_that_was_supplied_is_not_put_on_one() -> None:
    answer = date_table(told(((5, 4), 60), ((4, 5), 25)), [MAY, JUNE])
    assert answer["distinguishable"]
    assert answer["said"].startswith("nearest to 2026-05-01, but 29% of those who tell")
    even = date_table(told(((5, 4), 40), ((4, 5), 40)), [MAY, JUNE])
    assert not even["distinguishable"]


def test_tables_are_ordered_and_small_ones_left_out() -> None:
    answers = dating(
        [
            ("b", told(((5, 4), 30), among=30)),
            ("small", told(((5, 4), 9), among=9)),
            ("a", told(((5, 4), 40), among=40)),
        ],
        [MAY, JUNE],
        {"b": ("m, 2026-05-01",)},
    )
    assert [one["locator"] for one in answers] == ["a", "b"]
    assert [one["identical_to"] for one in answers] == [[], ["m, 2026-05-01"]]
