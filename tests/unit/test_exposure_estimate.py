"""The error estimate: quantiles against brute force, coverage in simulation, and what chance does to tiers."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from forensics.exposure.estimate import Decoyed, Measured, bounds, interval, measure, negative_binomial_quantile
from forensics.exposure.strata import STRATA
from forensics.model import Moved, Tier

NONE = float("inf")
SSN_ALONE, SSN_NAMED, NAMED, ID_ALONE = 7, 1, 4, 8


@pytest.mark.parametrize("level", [0.025, 0.5, 0.975, 0.99375])
@pytest.mark.parametrize(("successes", "p"), [(1, 20 / 21), (3, 0.5), (40, 0.95), (400, 20 / 20.9)])
def test_the_quantile_is_that_of_the_summed_probabilities(level: float, successes: int, p: float) -> None:
    total, count = 0.0, -1
    while total < level * (1 - 1e-12):
        count += 1
        total += comb(count + successes - 1, count) * p**successes * (1 - p) ** count
    assert negative_binomial_quantile(level, successes, p) == count


def test_without_successes_nothing_is_by_chance() -> None:
    assert negative_binomial_quantile(0.975, 0, 0.9) == 0


def measured(place: int, n: int, counts: list[int], records: int = 500_000, bound: float = NONE) -> list[Measured]:
    found = [n if number == place else 0 for number in range(len(STRATA))]
    rows = tuple(tuple(counts if number == place else [0] * len(counts)) for number in range(len(STRATA)))
    one = Decoyed(records, (records,) * len(counts), rows)
    return measure(found, dict.fromkeys(Moved, found), dict.fromkeys(Moved, one),
                   bounds=[bound] * len(STRATA))  # fmt: skip


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """600 drives: 200 persons for cause, and as many by chance as a Poisson count of 0 to 200 gives."""
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(600):
        rate = float(rng.choice([0.5, 3, 20, 200]))
        true, chance = 200, int(rng.poisson(rate))
        strata = measured(SSN_ALONE, true + chance, rng.poisson(rate, 20).tolist())
        told = interval(strata, [one.found for one in strata])
        covered += told.low <= true <= told.high
        assert trial or told.low <= told.estimate <= told.high
    assert covered / 600 > 0.93


def test_moves_that_disagree_widen_the_interval_to_their_range() -> None:
    even, clustered = [50] * 20, [0] * 19 + [1000]
    narrow, wide = (measured(SSN_ALONE, 300, counts)[SSN_ALONE] for counts in (even, clustered))
    assert narrow.chance_low in range(31, 50)
    assert narrow.chance_high in range(51, 70)
    assert (wide.chance_low, wide.chance_high) == (0, 300)
    assert (wide.dispersion or 0) > 2


def test_a_stratum_in_which_chance_finds_many_is_not_confirmed() -> None:
    assert measured(SSN_NAMED, 1000, [0] * 20)[SSN_NAMED].tier is Tier.CONFIRMED
    assert measured(SSN_NAMED, 1000, [20] * 20)[SSN_NAMED].tier is Tier.PROBABLE
    assert measured(SSN_NAMED, 1000, [300] * 20)[SSN_NAMED].tier is Tier.POSSIBLE
    # Whatever decoys say, name and birth date confirm nobody, nor does a number alone make anybody probable.
    assert measured(NAMED, 1000, [0] * 20)[NAMED].tier is Tier.PROBABLE
    assert measured(SSN_ALONE, 1000, [0] * 20)[SSN_ALONE].tier is Tier.POSSIBLE


def test_a_small_stratum_is_lifted_by_a_bound_and_only_where_no_decoy_was_found() -> None:
    assert measured(SSN_NAMED, 5, [0] * 20)[SSN_NAMED].tier is Tier.POSSIBLE
    assert measured(SSN_NAMED, 5, [0] * 20, bound=0.001)[SSN_NAMED].tier is Tier.CONFIRMED
    assert measured(SSN_NAMED, 5, [0] * 20, bound=0.3)[SSN_NAMED].tier is Tier.PROBABLE
    assert measured(SSN_NAMED, 5, [0] * 19 + [1], bound=0.001)[SSN_NAMED].tier is Tier.POSSIBLE


def test_few_free_decoys_measure_nothing_and_say_so() -> None:
    """Ids issued one after the other: nearly every moved one is another member's."""
    rows = tuple((0,) * 20 for _ in STRATA)
    crowded = Decoyed(1000, (100,) * 20, rows)
    found = [0, 50, *[0] * (len(STRATA) - 2)]
    strata = measure(found, dict.fromkeys(Moved, found), dict.fromkeys(Moved, crowded), bounds=[0.0] * len(STRATA))
    assert strata[SSN_NAMED].chance is None
    assert strata[SSN_NAMED].tier is Tier.POSSIBLE
    told = interval(strata, found)
    assert (told.low, told.high) == (0, 50)


def test_names_and_birthdays_that_many_share_measure_nothing_and_say_so() -> None:
    rows = tuple((0,) * 20 for _ in STRATA)
    found = [0, 0, 0, 0, 500, *[0] * (len(STRATA) - 5)]
    for kept, tier in ((990, Tier.PROBABLE), (900, Tier.POSSIBLE)):
        decoyed = {kind: Decoyed(1000, (kept,) * 20, rows) for kind in Moved}
        strata = measure(found, dict.fromkeys(Moved, found), decoyed, bounds=[0.0] * len(STRATA))
        assert strata[NAMED].tier is tier
        told = interval(strata, found)
        assert (told.low > 0, told.high) == (tier is Tier.PROBABLE, 500)


def test_the_same_input_has_the_same_interval() -> None:
    once, again = (
        interval(
            measured(SSN_ALONE, 300, [50] * 20), [123 if place == SSN_ALONE else 0 for place in range(len(STRATA))]
        )
        for _ in range(2)
    )
    assert once == again


def test_the_bound_grows_with_the_accidents() -> None:
    rows = tuple((0,) * 20 for _ in STRATA)
    decoyed = {kind: Decoyed(1000, (1000,) * 20, rows) for kind in Moved}
    rates = {"name": 1e-4, "birth_date": 1e-4, "contact": 1e-3}
    few = bounds([5, 5, 5, 5, 5, 0, 0, 0, 0], decoyed, rates)
    many = bounds([5, 5, 5, 5, 5, 0, 0, 1000, 1000], decoyed, rates)
    assert few[0] < few[1] < 0.002
    assert many[1] > 100 * few[1]
    assert many[NAMED] <= 1


def checked(wrong: list[int], right: list[int]) -> Measured:
    """The stratum of ids alone: 300 found of 8,000, with these decoys of the two families."""
    found = [0] * ID_ALONE + [300]
    rows = (*(((0,) * 29),) * ID_ALONE, (*wrong, *right))
    one = Decoyed(8000, (8000,) * 29, rows, family=9)
    (*_, alone) = measure(found, {Moved.CHECKED_ID: found}, {Moved.CHECKED_ID: one}, bounds=[NONE] * len(STRATA))
    return alone


def test_an_id_alone_is_measured_where_both_families_of_decoys_agree() -> None:
    alone = checked([4, 6, 5, 5, 4, 6, 5, 7, 3], [5, 4, 6] * 6 + [5, 5])
    assert alone.chance == pytest.approx(5, abs=0.6)
    assert alone.chance_low is not None
    assert alone.chance_high is not None
    assert 0 <= alone.chance_low < 5 < alone.chance_high < 15
    assert alone.tier is Tier.POSSIBLE, "whatever the decoys say, an id alone proves nobody"


def test_other_valid_ids_on_the_drive_make_an_id_alone_unmeasurable() -> None:
    alone = checked([5, 4, 6, 5, 5, 4, 6, 5, 5], [41, 38, 44, 40] * 5)
    assert alone.chance is None
    assert "valid ids" in alone.because


def test_without_a_check_digit_an_id_alone_is_not_measurable() -> None:
    found = [0] * ID_ALONE + [300]
    strata = measure(found, {}, {}, bounds=[NONE] * len(STRATA))
    assert strata[ID_ALONE].chance is None
    assert strata[ID_ALONE].because == STRATA[ID_ALONE].unmeasured_because
    told = interval(strata, found)
    assert (told.low, told.estimate, told.high) == (0, 0, 300)
