"""Which dated snapshot of the records a table on the drive agrees with best, and how sure that is.

Only persons tell who are not in all snapshots with the same values: somebody who moved house, married, joined or left.
At each of them a snapshot agrees (its values explain the row as well as any), differs, or does not have the person.
Two snapshots are compared by the persons at whom one agrees and the other does not, with the exact sign test: were both
as good, either would win as often.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

LEVEL = 0.05
"""Chance, over all comparisons of one table, that a snapshot is called better although none is."""

LEAST_PERSONS = 20
"""Persons of the records in a table, below which it is a note and no extract."""

FITS = 0.9
"""Share of the telling persons at whom the best snapshot agrees, below which the table is of no one day supplied."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A snapshot with its day (ISO 8601)."""

    name: str
    as_of: str


@dataclass
class Telling:
    """One table: how many persons it shows, and what those say who tell the snapshots apart."""

    snapshots: int
    persons: int = 0
    told: int = 0
    agree: list[int] = field(init=False)
    absent: list[int] = field(init=False)
    wins: dict[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.agree, self.absent = [0] * self.snapshots, [0] * self.snapshots

    def add(self, scores: Sequence[int | None]) -> None:
        """One person: how many fields agree with the values of each snapshot, None where it lacks the person."""
        best = max((score for score in scores if score is not None), default=0)
        agrees = [score == best for score in scores]
        if all(agrees):
            return
        self.told += 1
        for place, score in enumerate(scores):
            self.agree[place] += agrees[place]
            self.absent[place] += score is None
        for one, other in combinations(range(self.snapshots), 2):
            if agrees[one] != agrees[other]:
                won = (one, other) if agrees[one] else (other, one)
                self.wins[won] = self.wins.get(won, 0) + 1


def sign_test(wins: int, losses: int) -> float:
    """The two-sided probability of so uneven a count where either side wins as often."""
    trials = wins + losses
    if not trials:
        return 1.0
    tail = sum(math.comb(trials, n) for n in range(min(wins, losses) + 1))
    return float(min(1.0, 2 * tail / (1 << trials)))


def date_table(telling: Telling, snapshots: Sequence[Dated]) -> dict[str, Any]:
    """What can be said of one table. `best` are the snapshots that no other is better than, one where they can be told
    apart; `p` is that of the nearest other."""
    places = range(len(snapshots))
    top = max(places, key=lambda place: (telling.agree[place], snapshots[place].as_of))
    level = LEVEL / max(1, len(snapshots) - 1)
    against = {
        place: sign_test(telling.wins.get((top, place), 0), telling.wins.get((place, top), 0))
        for place in places
        if place != top
    }
    best = [top, *(place for place, p in against.items() if p >= level)]
    apart = len(best) == 1
    fits = telling.agree[top] / telling.told if telling.told else None
    return {
        "persons": telling.persons,
        "told_by": telling.told,
        "best": [snapshots[place].name for place in sorted(best)],
        "best_as_of": [snapshots[place].as_of for place in sorted(best)],
        "distinguishable": apart,
        "p": max(against.values(), default=1.0),
        "fits": None if fits is None else round(fits, 4),
        "said": _said(telling, [snapshots[place] for place in sorted(best)], apart, fits),
        "snapshots": [
            {
                "name": one.name, "as_of": one.as_of, "agree": telling.agree[place],
                "differ": telling.told - telling.agree[place] - telling.absent[place], "absent": telling.absent[place],
            }
            for place, one in enumerate(snapshots)
        ],
    }  # fmt: skip


def _said(telling: Telling, best: Sequence[Dated], apart: bool, fits: float | None) -> str:
    if fits is None:
        return "not distinguishable: nobody in it has other values in one snapshot than in another"
    days = ", ".join(one.as_of for one in best)
    if not apart:
        return f"not distinguishable between {days}: {telling.told:,} persons tell too little"
    if fits < FITS:
        return f"nearest to {days}, but {1 - fits:.0%} of those who tell agree with another: of a day between, or mixed"
    return f"agrees best with {days}"


def dating(
    tables: Iterable[tuple[str, Telling]], snapshots: Sequence[Dated], same: Mapping[str, tuple[str, ...]]
) -> list[dict[str, Any]]:
    """Every table with enough persons, the largest first. `same` is locator → what the file is by its hash."""
    found = [
        {"locator": locator, "identical_to": list(same.get(locator, ())), **date_table(telling, snapshots)}
        for locator, telling in tables
        if telling.persons >= LEAST_PERSONS
    ]
    return sorted(found, key=lambda one: (-one["persons"], one["locator"]))
