"""A blind sample of who was found: how it is drawn, and what its answers say about the error of the list.

Pure arithmetic: no case, no clock. The interval is Clopper and Pearson's (Biometrika 26, 1934), the agreement of two
reviewers Cohen's κ (Educational and Psychological Measurement 20, 1960).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

YES, NO, UNSURE = "yes", "no", "unsure"
ANSWERS = (YES, NO, UNSURE)

_STEPS = 200
"""Halvings of [0, 1] and terms of the continued fraction: both are exact to a double well before."""

LEAST_ANSWERED = 30
"""Answers below which no share is given: without one error among 29 up to 12 % could still be wrong."""

LEAST_CAUGHT = 0.9
"""Share of the catch-rows that every reviewer must have answered with no, or nothing is measured."""

CATCH_SHARE, LEAST_CATCH = 0.1, 6
"""Catch-rows for every item, and at least so many: who says yes to everything passes none of them."""

METHOD = (
    "Persons confirmed or probable were drawn with equal chance, in proportion to the documents they stand in, each "
    "with one place. Reviewers saw the place and a masked record, not the tier, and said whether the place shows that "
    "person. An item is wrong unless every reviewer who answered it said yes. The interval is Clopper and Pearson’s "
    "(95 %); what nobody answered counts as wrong in its lower end and as right in its upper. Mixed in were "
    "catch-rows: places and records drawn in the same way, but put together wrongly. Nothing is given where fewer than "
    "30 items were answered, or where a reviewer said no to fewer than 90 % of the catch-rows."
)
"""As the report prints it."""

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


def split(population: int, size: int) -> tuple[int, int]:
    """How many items a sample of `size` out of so many persons has, and how many catch-rows beside them: both are drawn
    from the same persons, so of few persons both get fewer."""
    items = min(size, max(0, min(population - LEAST_CATCH, math.floor(population / (1 + CATCH_SHARE)))))
    return items, min(population - items, max(LEAST_CATCH, math.ceil(CATCH_SHARE * items)))


def mispaired(places: int, may: Callable[[int, int], bool]) -> list[int | None]:
    """For each of so many places the number of the record put to it: another's, each used once; None where none may.

    `may(place, record)` says whether the record plainly does not belong to the place. Shifts of the whole list are
    tried first, because then places and records stay the same ones; else each place gets the next that may.
    """
    for shift in range(1, places):
        if all(may(place, (place + shift) % places) for place in range(places)):
            return [(place + shift) % places for place in range(places)]
    left = list(range(places))
    given: list[int | None] = []
    for place in range(places):
        chosen = next((record for record in left if record != place and may(place, record)), None)
        if chosen is not None:
            left.remove(chosen)
        given.append(chosen)
    return given


@dataclass(frozen=True, slots=True)
class Answer:
    """One reviewer's answer to one item of a sample; `tier` is that of the person whose place it is."""

    item: int
    catch_row: bool
    reviewer: str
    answer: str
    tier: str = ""


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What a blind sample says. Shares are 0 to 1; `low` and `high` bound the share of wrong persons at 95 %.

    An item is an error where any reviewer did not say yes: an unsure answer never counts for the list. `caught` of
    `catch_rows` answers to catch-rows were no. `kappa` is over items and catch-rows, since over
    items alone nearly all answers are yes and it says nothing; None unless two reviewers answered the same ones.
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


@dataclass(frozen=True, slots=True)
class Precision:
    """The share of items that were right, 0 to 1 with its 95 % interval; None where it is not measurable, and why."""

    items: int
    answered: int
    errors: int
    share: float | None
    low: float | None
    high: float | None
    because: str = ""


def precision(items: int, answers: Sequence[Answer], unfit: str = "") -> Precision:
    """Of so many items with these answers (catch-rows are left out); `unfit` says why the whole sample is, if it is."""
    found = result_of([answer for answer in answers if not answer.catch_row])
    because = unfit
    if not because and found.answered < LEAST_ANSWERED:
        because = f"too few answers: {found.answered:,} of at least {LEAST_ANSWERED}"
    if because:
        return Precision(items, found.answered, found.errors, None, None, None, because)
    unanswered = items - found.answered
    return Precision(
        items,
        found.answered,
        found.errors,
        1.0 - found.errors / found.answered,
        1.0 - clopper_pearson(found.errors + unanswered, items)[1],
        1.0 - clopper_pearson(found.errors, items)[0],
    )


def caught_by(answers: Sequence[Answer]) -> dict[str, tuple[int, int]]:
    """Reviewer → catch-rows answered with no, and catch-rows answered."""
    asked: dict[str, list[bool]] = {answer.reviewer: [] for answer in answers}
    for answer in answers:
        if answer.catch_row:
            asked[answer.reviewer].append(answer.answer == NO)
    return {reviewer: (sum(said), len(said)) for reviewer, said in sorted(asked.items())}


def unfit(answers: Sequence[Answer]) -> str:
    """Why these answers measure nothing, or empty: somebody's eyes were never put to the test, or failed it."""
    for caught, asked in caught_by(answers).values():
        if asked < LEAST_CATCH:
            return f"a reviewer answered {asked:,} catch-rows, and fewer than {LEAST_CATCH} show nothing"
        if caught < LEAST_CAUGHT * asked:
            return f"a reviewer said no to {caught:,} of {asked:,} catch-rows only"
    return ""
