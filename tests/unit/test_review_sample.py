"""The arithmetic of a blind sample, against published numbers and against sums that anybody can do."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.exposure.review_sample import (
    Answer,
    beta_quantile,
    clopper_pearson,
    draw,
    incomplete_beta,
    kappa,
    result_of,
    upper_bound,
)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 0.99))
def test_the_incomplete_beta_function_is_the_binomial_sum(a: int, b: int, x: float) -> None:
    n = a + b - 1
    tail = sum(math.comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(a, n + 1))
    assert incomplete_beta(a, b, x) == pytest.approx(tail, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize(
    ("errors", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        # Newcombe (Statistics in Medicine 17, 1998), table I, method 5: exact intervals.
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_the_interval_is_the_published_one(errors: int, n: int, low: float, high: float) -> None:
    assert clopper_pearson(errors, n) == pytest.approx((low, high), abs=6e-5)


def test_no_error_in_598_shows_at_most_half_a_per_cent_and_597_do_not() -> None:
    assert upper_bound(0, 598) <= 0.005 < upper_bound(0, 597)
    assert upper_bound(0, 598) == pytest.approx(1 - 0.05 ** (1 / 598), rel=1e-9)


def test_a_sample_of_nobody_says_nothing_and_impossible_counts_are_refused() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="counted"):
        clopper_pearson(3, 2)


def test_a_quantile_of_a_large_sample_is_found() -> None:
    x = beta_quantile(0.975, 51, 60_000)
    assert incomplete_beta(51, 60_000, x) == pytest.approx(0.975, abs=1e-9)


def test_kappa_is_the_published_one() -> None:
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed 0.7, expected 0.5.
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert kappa(first, second) == pytest.approx(0.4)
    assert kappa(["yes"], ["yes"]) is None


def test_a_sample_is_spread_over_the_files_in_proportion_and_can_be_drawn_again() -> None:
    population = [(file, (file, n)) for file, size in (("a", 600), ("b", 300), ("c", 100)) for n in range(size)]
    drawn = draw(population, 100, 7)
    assert Counter(file for file, _ in drawn) == {"a": 60, "b": 30, "c": 10}
    assert len(set(drawn)) == 100
    assert draw(population, 100, 7) == drawn != draw(population, 100, 8)
    assert sorted(draw(population, 5_000, 1)) == sorted(item for _, item in population)


def test_everybody_has_the_same_chance() -> None:
    population = [("a" if n < 7 else "b", n) for n in range(10)]
    seen = Counter(n for seed in range(4_000) for n in draw(population, 3, seed))
    assert all(abs(count - 1_200) < 150 for count in seen.values())


def test_an_unsure_answer_counts_against_the_list_and_a_catch_row_never_does() -> None:
    said = [("yes", "yes"), ("yes", "no"), ("unsure", "yes"), ("yes", "yes")]
    answers = [Answer(i, False, who, answers[k]) for i, answers in enumerate(said) for k, who in enumerate("AB")]
    answers += [Answer(9, True, "A", "no"), Answer(9, True, "B", "yes")]
    result = result_of(answers)
    assert (result.answered, result.errors, result.unsure) == (4, 2, 1)
    assert (result.catch_rows, result.caught, result.reviewers) == (2, 1, ("A", "B"))
    assert (result.low, result.high) == clopper_pearson(2, 4)
    assert result.kappa is not None
    assert result_of(answers[::2]).kappa is None
