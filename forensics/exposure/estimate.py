"""How many of the persons found are there by chance: measured by decoys, stratum by stratum, with its interval.

In a stratum, n records were found; N hold the field that decoys move, b of them are in better strata; D decoys were
found over k moves of all records. With q = D / (k (N - b')) the chance that a record absent from the drive is found,
T = (n - (N - b) q) / (1 - q) are there for cause, and rho = (N - b - T) / (N - b') scales a decoy's opportunity to the
records'. V, the number found by chance, then has the quantiles of negative binomials with D + 1 (upper) or D (lower)
successes at p = k / (k + rho): a Poisson count whose rate is known from another Poisson count (Gamma mixture).

Where the moves disagree (variance over mean above `DISPERSED`), accidents come in clusters, no Poisson model holds, and
the range of the moves takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forensics.exposure.strata import STRATA
from forensics.model import Moved, Tier

DISPERSED = 2.0
LEAST_FREE_NAMES = 0.98
"""Where more decoys of names than this share leaves are other records' own, people share names and birthdays, and the
decoys that are left are not like those who do."""

LEAST_KEPT, LEAST_SEEDS = 0.2, 8
"""A move that leaves less than this share of its decoys says nothing, and with fewer moves nothing is measured."""

CONFIRMED_SHARE, PROBABLE_SHARE = 0.005, 0.10
"""Largest share of a stratum that may be chance (upper bound, error 0.05 over all strata) for its tier."""

DEPENDENCE = 10
"""Names follow the decade of birth: how much likelier both agree than names and birth dates apart would say."""

TWO_SIDED = 1.96
"""Standard deviations by which two families of decoys may differ: 5 % of those that measure the same differ by more."""

DRAWS = 20_000
SEED = 20_260_101
"""Of the joint simulation: the same case has the same interval."""

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Decoyed:
    """The decoys of one kind: records that hold the field, decoys kept a move, and decoys found a move and stratum."""

    records: int
    kept: tuple[int, ...]
    found: tuple[tuple[int, ...], ...]
    """One row a stratum, one column a move; a decoy counts in its best stratum."""
    family: int = 0
    """The first so many moves are a family of their own, which has to agree with the others; 0 for one family."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One stratum: persons found, and how many of them chance explains (`chance_low` to `chance_high`, 95 %)."""

    name: str
    found: int
    chance: float | None
    chance_low: int | None
    chance_high: int | None
    upper: int | None
    """Bound by which the tier is given: exceeded with probability 0.05 over all strata together."""
    decoys_found: int
    moves: float
    dispersion: float | None
    tier: Tier
    because: str
    draws: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None


def negative_binomial_quantile(level: float, successes: int, p: float) -> int:
    """The smallest count whose cumulative probability reaches `level`; 0 for no successes (a point mass at 0)."""
    if successes <= 0 or p >= 1:
        return 0
    mean = successes * (1 - p) / p
    reach = int(mean + 12 * math.sqrt(mean / p) + 60)
    count = np.arange(1, reach + 1, dtype=np.float64)
    steps = np.log((count + successes - 1) / count) + math.log1p(-p)
    mass = np.exp(successes * math.log(p) + np.concatenate(([0.0], np.cumsum(steps))))
    return min(int(np.searchsorted(np.cumsum(mass), level * (1 - 1e-12))), reach)


def measure(
    found: Sequence[int],
    holding: Mapping[Moved, Sequence[int]],
    decoyed: Mapping[Moved, Decoyed],
    *,
    bounds: Sequence[float],
) -> list[Measured]:
    """Every stratum of `STRATA` measured. `found` are persons a stratum, `holding[kind]` those of them that hold the
    field, and `bounds` the pre-stated expectation of chance agreements where a stratum is too small for decoys
    (infinity where there is none)."""
    return [_stratum(place, found[place], holding, decoyed, bounds[place]) for place in range(len(STRATA))]


def _stratum(
    place: int, n: int, holding: Mapping[Moved, Sequence[int]], decoyed: Mapping[Moved, Decoyed], bound: float
) -> Measured:
    stratum = STRATA[place]
    if stratum.unmeasured_because and not any(kind in decoyed for kind in stratum.moved):
        return Measured(stratum.name, n, None, None, None, None, 0, 0.0, None, stratum.ceiling,
                        stratum.unmeasured_because)  # fmt: skip
    rng = np.random.default_rng([SEED, place])
    upper_draws, lower_draws = np.zeros(DRAWS, np.int64), np.zeros(DRAWS, np.int64)
    chance, upper, dispersion, total, moves = 0.0, 0, 0.0, 0, 0.0
    tail = 0.05 / len(STRATA)
    for kind in stratum.moved:
        one = decoyed.get(kind)
        if one is None or not one.records:
            continue
        usable = [seed for seed, kept in enumerate(one.kept) if kept >= LEAST_KEPT * one.records]
        if kind is Moved.NAME_AND_BIRTH_DATE and sum(one.kept) < LEAST_FREE_NAMES * one.records * len(one.kept):
            return Measured(stratum.name, n, None, None, None, None, total, 0.0, None, Tier.POSSIBLE,
                            "too many records share names and birthdays")  # fmt: skip
        if len(usable) < LEAST_SEEDS:
            return Measured(stratum.name, n, None, None, None, None, total, 0.0, None, Tier.POSSIBLE,
                            "too few decoys are free: nearly every number near the issued ones is issued")  # fmt: skip
        if one.family and not _agree(one, place, usable):
            return Measured(stratum.name, n, None, None, None, None, total, 0.0, None, Tier.POSSIBLE,
                            "other valid ids are on the drive: numbers with a right check digit hit more often "
                            "than those with a wrong one")  # fmt: skip
        weight = np.array([one.records / one.kept[seed] for seed in usable])
        counts = np.array([one.found[place][seed] for seed in usable], np.float64) * weight
        better = sum(np.array(one.found[s])[usable].sum() for s in range(place)) / len(usable)
        k = float((1 / weight).sum())
        d = int(np.array([one.found[place][seed] for seed in usable]).sum())
        b = sum(holding[kind][:place])
        free = max(1.0, one.records - better)
        q = min(0.999, d / (k * free))
        held = holding[kind][place]
        true = min(max(0.0, (held - (one.records - b) * q) / (1 - q)), held)
        rho = max(0.0, (one.records - b - true) / free)
        chance += min(held, rho * d / k)
        mean = counts.mean()
        phi = float(counts.var(ddof=1) / mean) if mean > 0 else 0.0
        dispersion, total, moves = max(dispersion, phi), total + d, max(moves, k)
        if phi > DISPERSED:
            spread = rho * counts
            upper += math.ceil(spread.max() + spread.std(ddof=1))
            # The next accident may lie beyond every one that was seen, on either side.
            upper_draws += np.ceil(
                rng.choice(np.array([spread.max(), spread.max() + spread.std(ddof=1)]), DRAWS)
            ).astype(np.int64)
            lower_draws += np.full(DRAWS, int(spread.min()))
            continue
        p = k / (k + rho)
        upper += negative_binomial_quantile(1 - tail, d + 1, p)
        upper_draws += rng.negative_binomial(d + 1, p, DRAWS) if rho > 0 else 0
        lower_draws += rng.negative_binomial(d, p, DRAWS) if d and rho > 0 else 0
    upper_draws, lower_draws = np.minimum(upper_draws, n), np.minimum(lower_draws, n)
    tier, because = _tier(stratum.ceiling, n, upper, bound if total == 0 else math.inf)
    return Measured(
        stratum.name, n, min(chance, n), int(np.quantile(lower_draws, (1 - LEVEL) / 2)),
        int(np.quantile(upper_draws, (1 + LEVEL) / 2, method="higher")), min(upper, n), total, moves,
        dispersion, tier, because, (lower_draws, upper_draws),
    )  # fmt: skip


def _agree(one: Decoyed, place: int, usable: Sequence[int]) -> bool:
    """Whether both families of moves hit equally often, within what chance allows.

    Wrong check digits do not see ids that somebody else issued; unissued right ones see these, and former members that
    the records lack.
    """
    means, variance = [], 0.0
    for family in ([s for s in usable if s < one.family], [s for s in usable if s >= one.family]):
        if len(family) < 2:
            return False
        counts = np.array([one.found[place][seed] * one.records / one.kept[seed] for seed in family])
        means.append(float(counts.mean()))
        # No decoy found still leaves the rate of one.
        variance += max(float(counts.var(ddof=1)), float(counts.mean()), 1 / len(family)) / len(family)
    return abs(means[0] - means[1]) <= TWO_SIDED * math.sqrt(variance)


def _tier(ceiling: Tier, n: int, upper: int, bound: float) -> tuple[Tier, str]:
    """The tier that the measured chance allows, never better than the stratum's ceiling."""
    if not n:
        return ceiling, "nobody was found"
    for tier, share in ((Tier.CONFIRMED, CONFIRMED_SHARE), (Tier.PROBABLE, PROBABLE_SHARE)):
        if (tier is Tier.CONFIRMED and ceiling is not Tier.CONFIRMED) or ceiling is Tier.POSSIBLE:
            continue
        if upper <= share * n:
            return tier, "by decoys"
        if bound <= share * n:
            return tier, "by the pre-stated bound: too small for decoys, none of which was found"
    return Tier.POSSIBLE, "" if ceiling is Tier.POSSIBLE else "chance may explain too many"


def bounds(found: Sequence[int], decoyed: Mapping[Moved, Decoyed], agreement: Mapping[str, float]) -> list[float]:
    """How many persons of a stratum chance could explain at most, stated before any decoy of the stratum is read.

    Every person found by a number alone, or by name and birth date alone, is taken for an accident, and each of them
    has the chance that two records drawn at random agree (`agreement`: name, birth_date, contact) to be lifted by it. A
    bound counts only where no decoy was found; so the largest expectation at which k moves find none with probability
    0.05 over all strata, ln(m / 0.05) / k, is one too.
    """
    alone = {
        kind: sum(n for n, stratum in zip(found, STRATA, strict=True) if stratum.ceiling is Tier.POSSIBLE
                  and kind in stratum.moved)
        for kind in Moved
    }  # fmt: skip
    alone[Moved.MEMBER_ID] = max(alone[Moved.MEMBER_ID], found[-1])
    for kind, one in decoyed.items():
        if one.kept:
            alone[kind] = max(alone[kind], sum(map(max, one.found)))
    second = agreement["name"] + agreement["birth_date"]
    both = DEPENDENCE * agreement["name"] * agreement["birth_date"]
    accidents = alone[Moved.SSN] + alone[Moved.MEMBER_ID]
    by_place = {
        0: (accidents + found[0]) * both,
        1: (alone[Moved.SSN] + found[1]) * second,
        2: (alone[Moved.MEMBER_ID] + found[2]) * second,
        3: (alone[Moved.NAME_AND_BIRTH_DATE] + found[3] + found[4]) * agreement["contact"],
    }
    none_found = {
        place: len(stratum.moved) * math.log(len(STRATA) / 0.05) / len(decoyed[kind].kept)
        for place, stratum in enumerate(STRATA)
        for kind in stratum.moved
        if kind in decoyed and decoyed[kind].kept
    }
    return [min(by_place.get(place, math.inf), none_found.get(place, math.inf)) for place in range(len(STRATA))]


@dataclass(frozen=True, slots=True)
class Interval:
    low: int
    estimate: int
    high: int


def interval(strata: Sequence[Measured], counted: Sequence[int]) -> Interval:
    """How many of `counted` (persons a stratum) are there for cause, over all strata jointly.

    A stratum that is not measured adds nothing to `low` and to the estimate, and everything to `high`. Chance falls on
    the counted ones of a stratum as often as on its others (hypergeometric).
    """
    rng = np.random.default_rng([SEED, len(STRATA), *counted])
    low_total, high_total = np.zeros(DRAWS, np.int64), np.zeros(DRAWS, np.int64)
    estimate = 0.0
    for stratum, n in zip(strata, counted, strict=True):
        if stratum.draws is None or stratum.chance is None:
            high_total += n
            continue
        lower, upper = stratum.draws
        if n < stratum.found:
            lower = rng.hypergeometric(n, stratum.found - n, lower) if n else np.zeros(DRAWS, np.int64)
            upper = rng.hypergeometric(n, stratum.found - n, upper) if n else np.zeros(DRAWS, np.int64)
        high_total += n - lower
        low_total += n - upper
        estimate += n - stratum.chance * (n / stratum.found if stratum.found else 0)
    low = int(np.quantile(low_total, (1 - LEVEL) / 2, method="lower"))
    high = int(np.quantile(high_total, (1 + LEVEL) / 2, method="higher"))
    return Interval(low, min(max(round(estimate), low), high), high)
