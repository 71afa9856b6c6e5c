"""Results in turn: of items with one key the order is that of asking, whatever ends first."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator

from forensics.jobs.pool import Result
from forensics.jobs.turns import Turns
from forensics.model import OK

Item = tuple[int, int | None]
"""A number, and the key."""


def ended(
    items: Iterator[Item], at_a_time: int, seed: int, closed: list[bool]
) -> Generator[Result[Item, None], None, None]:
    """As `pool.run`: so many at work, and any of them may end first."""
    chance, busy = random.Random(seed), [item for _, item in zip(range(at_a_time), items, strict=False)]
    try:
        while busy:
            yield Result(busy.pop(chance.randrange(len(busy))), OK)
            busy += [item for _, item in zip(range(at_a_time - len(busy)), items, strict=False)]
    finally:
        closed.append(True)


def in_turn(items: list[Item], seed: int, at_a_time: int = 5) -> list[Item]:
    turns = Turns[Item, None](lambda item: item[1])
    closed: list[bool] = []
    found = [result.item for result in turns.in_turn(ended(turns.asked(iter(items)), at_a_time, seed, closed))]
    assert closed
    return found


def test_every_item_has_one_result_and_those_of_one_key_are_in_the_order_of_asking() -> None:
    moved = 0
    for seed in range(50):
        chance = random.Random(seed)
        items = [(n, chance.choice((None, 7, 8, 9))) for n in range(60)]
        found = in_turn(items, seed)
        assert sorted(found) == sorted(items)
        for key in (7, 8, 9):
            assert [item for item in found if item[1] == key] == [item for item in items if item[1] == key]
        moved += found != items
    assert moved > 40, "what has no key in common does not wait"


def test_an_item_without_a_key_waits_for_nobody() -> None:
    items: list[Item] = [(n, None) for n in range(200)]
    turns = Turns[Item, None](lambda item: item[1])
    plain = [result.item for result in ended(iter(items), 5, 3, [])]
    assert [result.item for result in turns.in_turn(ended(turns.asked(iter(items)), 5, 3, []))] == plain


def test_closing_it_closes_the_results() -> None:
    turns = Turns[Item, None](lambda item: item[1])
    closed: list[bool] = []
    results = turns.in_turn(ended(turns.asked(iter([(1, 1), (2, 1), (3, 1)])), 2, 1, closed))
    next(results)
    results.close()
    assert closed
