"""Results in the order in which their items were asked for, where that order decides something."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

from forensics.jobs.pool import Result

T = TypeVar("T")
R = TypeVar("R")


class Turns(Generic[T, R]):
    """Items whose `key` is equal have their results in order, however their work ends; None has no order.

    `asked` stands around the items that go into `pool.run`, `in_turn` around the results that come out. A result waits
    while an earlier item with its key is at work: in memory, and lost with the process.
    """

    def __init__(self, key: Callable[[T], Hashable | None]) -> None:
        self._key = key
        self._at_work: dict[Hashable, deque[T]] = {}
        self._waiting: dict[int, Result[T, R]] = {}

    def asked(self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            key = self._key(item)
            if key is not None:
                self._at_work.setdefault(key, deque()).append(item)
            yield item

    def in_turn(self, results: Generator[Result[T, R], None, None]) -> Generator[Result[T, R], None, None]:
        """Closes `results` when it is closed."""
        try:
            for result in results:
                key = self._key(result.item)
                if key is None:
                    yield result
                    continue
                self._waiting[id(result.item)] = result
                line = self._at_work[key]
                while line and id(line[0]) in self._waiting:
                    yield self._waiting.pop(id(line.popleft()))
                if not line:
                    del self._at_work[key]
        finally:
            results.close()
