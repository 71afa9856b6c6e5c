"""A blind sample of who was found: how it is drawn, and what its answers say about the error of the list.

Pure arithmetic: no case, no clock. The interval is Clopper and Pearson's (Biometrika 26, 1934), the agreement of two
reviewers Cohen's κ (Educational and Psychological Measurement 20, 1960).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

YES, NO, UNSURE = "yes", "no", "unsure"
ANSWERS = (YES, NO, UNSURE)

_STEPS = 200
"""Halvings of [0, 1] and terms of the continued fraction: both are exact to a double well before."""

T = TypeVar("T")


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (DLMF 8.17.22)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    tiny = 1e-300
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0) or tiny)
    total = d
    for m in range(1, _STEPS + int(10 * math.sqrt(max(a, b)))):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / (1.0 + term * d or tiny)
            c = 1.0 + term / c or tiny
            total *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return front * total / a


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = p, by halving."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if incomplete_beta(a, b, middle) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def clopper_pearson(errors: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval of a share of which `errors` of `n` were seen; [0, 1] for none seen at all.

    Raises `ValueError` for counts that cannot be.
    """
    if not 0 <= errors <= n:
        raise ValueError("errors are counted out of what was looked at")
    if not n:
        return 0.0, 1.0
    tail = (1.0 - confidence) / 2
    low = beta_quantile(tail, errors, n - errors + 1) if errors else 0.0
    high = beta_quantile(1.0 - tail, errors + 1, n - errors) if errors < n else 1.0
    return low, high


def upper_bound(errors: int, n: int, confidence: float = 0.95) -> float:
    """The one-sided upper bound: 0 errors in 598 show a share of at most 0.5 % at 95 %."""
    return clopper_pearson(errors, n, 2 * confidence - 1.0)[1]


def kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Cohen's κ of two reviewers' answers to the same items; None where chance alone would make them agree always."""
    if len(first) != len(second):
        raise ValueError("two reviewers are compared over the same items")
    n = len(first)
    if not n:
        return None
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    by_first, by_second = Counter(first), Counter(second)
    expected = sum(by_first[answer] * by_second[answer] for answer in by_first) / n**2
    return None if expected >= 1.0 else (observed - expected) / (1.0 - expected)


def draw(population: Iterable[tuple[str, T]], size: int, seed: int) -> list[T]:
    """`size` of the population, spread over its files in proportion, each with the same chance.

    The population is (file, item); it is shuffled within files, the files are laid end to end, and every n/size-th is
    taken from a random start. The same population and seed draw the same sample, whatever the order it came in was
    made the same by the caller.
    """
    chance = random.Random(seed)  # noqa: S311  a sample that can be drawn again, not a secret
    files: dict[str, list[T]] = {}
    for file, item in population:
        files.setdefault(file, []).append(item)
    laid: list[T] = []
    for file in sorted(files):
        chance.shuffle(files[file])
        laid += files[file]
    if size >= len(laid):
        return laid
    step = len(laid) / size
    start = chance.random() * step
    return [laid[min(len(laid) - 1, int(start + k * step))] for k in range(size)]


@dataclass(frozen=True, slots=True)
class Answer:
    """One reviewer's answer to one item of a sample."""

    item: int
    catch_row: bool
    reviewer: str
    answer: str


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What a blind sample says. Shares are 0 to 1; `low` and `high` bound the share of wrong persons at 95 %.

    An item is an error where any reviewer did not say yes: an unsure answer never counts for the list. `caught` of
    `catch_rows` answers to catch-rows were no. `kappa` is None unless two reviewers answered the same items.
    """

    answered: int
    errors: int
    unsure: int
    low: float
    high: float
    catch_rows: int
    caught: int
    reviewers: tuple[str, ...]
    kappa: float | None


def result_of(answers: Sequence[Answer]) -> SampleResult:
    """The result over the newest answers, one a reviewer and item."""
    by_item: dict[int, list[str]] = {}
    by_reviewer: dict[str, dict[int, str]] = {}
    for answer in answers:
        by_reviewer.setdefault(answer.reviewer, {})[answer.item] = answer.answer
        if not answer.catch_row:
            by_item.setdefault(answer.item, []).append(answer.answer)
    errors = sum(any(said != YES for said in given) for given in by_item.values())
    low, high = clopper_pearson(errors, len(by_item))
    caught = [answer.answer == NO for answer in answers if answer.catch_row]
    return SampleResult(
        answered=len(by_item),
        errors=errors,
        unsure=sum(NO not in given and UNSURE in given for given in by_item.values()),
        low=low,
        high=high,
        catch_rows=len(caught),
        caught=sum(caught),
        reviewers=tuple(sorted(by_reviewer)),
        kappa=_agreement(by_reviewer),
    )


def _agreement(by_reviewer: Mapping[str, Mapping[int, str]]) -> float | None:
    if len(by_reviewer) != 2:
        return None
    first, second = (by_reviewer[name] for name in sorted(by_reviewer))
    both = sorted(set(first) & set(second))
    return kappa([first[item] for item in both], [second[item] for item in both])
