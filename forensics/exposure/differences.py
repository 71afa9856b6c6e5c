"""What changed between two reports of one case: each person added, removed or changed, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Seen(Protocol):
    """One person as a report saw them."""

    @property
    def tier(self) -> str: ...
    @property
    def elements(self) -> tuple[str, ...]: ...
    @property
    def review(self) -> str: ...
    @property
    def counts(self) -> bool: ...


class Change(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Why(StrEnum):
    """Why a person is counted now and was not, or the other way round, or is counted with something else."""

    FOUND = "found by a new examination"
    LOST = "no longer found"
    INCLUDED = "included by review"
    EXCLUDED = "excluded by review"
    DECISION_TAKEN_BACK = "decision taken back"
    TIER_ROSE = "tier rose"
    TIER_FELL = "tier fell"
    ELEMENTS = "other elements"


_RANK = {"possible": 0, "probable": 1, "confirmed": 2}


@dataclass(frozen=True, slots=True)
class Difference:
    """One person. `elements_gained` and `elements_lost` are names of elements, no values."""

    record_key: str
    change: Change
    why: Why
    tier_before: str
    tier_after: str
    elements_gained: tuple[str, ...]
    elements_lost: tuple[str, ...]


def differences(before: Mapping[str, Seen], after: Mapping[str, Seen]) -> list[Difference]:
    """By record key. Persons whom neither report counts are none; nor are those of whom only the review changed while
    they were counted all along."""
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        told = _told(old, new)
        if told:
            was, now = set(old.elements if old else ()), set(new.elements if new else ())
            found.append(
                Difference(
                    key, *told, old.tier if old else "", new.tier if new else "", tuple(sorted(now - was)),
                    tuple(sorted(was - now)),
                )
            )  # fmt: skip
    return found


def _told(old: Seen | None, new: Seen | None) -> tuple[Change, Why] | None:
    counted, counts = bool(old and old.counts), bool(new and new.counts)
    if counted != counts:
        return (Change.ADDED, _why_added(old, new)) if counts else (Change.REMOVED, _why_removed(old, new))
    if old is None or new is None or not counts:
        return None
    if old.tier != new.tier:
        return Change.CHANGED, Why.TIER_ROSE if _RANK[new.tier] > _RANK[old.tier] else Why.TIER_FELL
    return (Change.CHANGED, Why.ELEMENTS) if old.elements != new.elements else None


def _why_added(old: Seen | None, new: Seen | None) -> Why:
    assert new is not None
    if old is None:
        return Why.FOUND
    if old.review != new.review:
        return Why.INCLUDED if new.review == "included" else Why.DECISION_TAKEN_BACK
    return Why.TIER_ROSE


def _why_removed(old: Seen | None, new: Seen | None) -> Why:
    assert old is not None
    if new is None:
        return Why.LOST
    if old.review != new.review:
        return Why.EXCLUDED if new.review == "excluded" else Why.DECISION_TAKEN_BACK
    return Why.TIER_FELL


def counted(found: list[Difference]) -> dict[tuple[Change, Why], int]:
    """How many persons of each change and reason."""
    return dict(sorted(Counter((one.change, one.why) for one in found).items()))
