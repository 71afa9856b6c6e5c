"""Whom to tell, and by when: rules applied to persons. Pure: the same rules, instants and persons give the same duties.

The first key is the kind of organisation: a health plan is no licensed facility, and a public agency no business. The
second is where people live, the third what of theirs stands on the exhibit, the fourth how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from forensics.exposure.business_days import after, business_days_after, days_after_year_end
from forensics.exposure.duty_rules import ANY_ENTITY, Rule, RuleBook, RuleKind, Start, Status, TimeUnit

FOR_COUNSEL = "counsel to determine"
REVIEW = "for counsel's review"
"""Stands with every duty: the program counts and computes, and never says what the law is."""


@dataclass(frozen=True, slots=True)
class Person:
    """What the duties ask of one affected person. `number` is the caller's, `state` a postal code or empty.

    `open` is a person of whom nobody has decided yet whether to count them: one who is only possible, and pending.
    """

    number: int
    state: str
    elements: frozenset[str]
    minor: bool = False
    deceased: bool = False
    address: bool = True
    program: str = ""
    ssa_verified: bool = False
    sensitive: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """What the organisation is, and when it knew.

    `discovered` is the earlier of known and known with diligence, by anybody but the wrongdoer; a plain date where no
    time of day is known. `noticed` is when notices went, or will go, to the individuals. None where nobody said.
    `zone` is that of the organisation.
    """

    entity_types: frozenset[str]
    discovered: date | datetime | None
    noticed: date | None = None
    zone: tzinfo = UTC


class Firing(StrEnum):
    """Whether a rule's count is reached: by the persons counted, or only if open persons or elements count too."""

    FIRES = "fires"
    DEPENDS = "depends"


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty that fired. `persons` are the numbers of those counted, `also` of those who count only if counsel or a
    reviewer says so.

    `due` is the last day, or the last instant for a rule in hours; None where `because` says why there is none.
    """

    rule: Rule
    firing: Firing
    state: str
    persons: tuple[int, ...]
    also: tuple[int, ...]
    due: date | datetime | None
    because: str
    minors: int


def discovered(*known: str) -> date | None:
    """The earliest of these ISO 8601 days; empty ones are not given. None where none is."""
    days = [date.fromisoformat(day[:10]) for day in known if day]
    return min(days) if days else None


def duties(books: Sequence[RuleBook], situation: Situation, persons: Iterable[Person]) -> tuple[Duty, ...]:
    """The duties that fire or may fire, by due date, those without one last; then in the order of the rules."""
    everyone = list(persons)
    found: list[Duty] = []
    for rule in (rule for book in books for rule in book.rules):
        if _applies(rule, situation):
            found += _fired(rule, situation, everyone)
    return tuple(sorted(found, key=lambda duty: _moment(duty.due, situation.zone)))


def _applies(rule: Rule, situation: Situation) -> bool:
    if ANY_ENTITY not in rule.entity_types and not rule.entity_types & situation.entity_types:
        return False
    if rule.discovered_from is None and rule.discovered_until is None:
        return True
    if situation.discovered is None:
        return False
    day = _day(situation.discovered, situation.zone)
    return (rule.discovered_from or date.min) <= day <= (rule.discovered_until or date.max)


def _fired(rule: Rule, situation: Situation, everyone: Sequence[Person]) -> list[Duty]:
    if rule.kind is RuleKind.DELAY:
        return [Duty(rule, Firing.DEPENDS, "", (), (), None, f"only where it is so: {FOR_COUNSEL}", 0)]
    groups: dict[str, tuple[list[Person], list[Person]]] = {}
    for person in everyone:
        counted = _counts(rule, person)
        if counted is None or (rule.each_state and not person.state):
            continue
        sure, also = groups.setdefault(person.state if rule.each_state else "", ([], []))
        (also if person.open or not counted else sure).append(person)
    fired = []
    for state, (sure, also) in sorted(groups.items()):
        firing = _firing(rule, len(sure), len(also))
        if firing is not None:
            due, because = _due(rule, situation)
            fired.append(
                Duty(
                    rule, firing, state, tuple(person.number for person in sure),
                    tuple(person.number for person in also), due, because, sum(person.minor for person in sure),
                )
            )  # fmt: skip
    return fired


def _counts(rule: Rule, person: Person) -> bool | None:
    """Whether the rule counts this person: True, False where only counsel can say, None for no."""
    asked: tuple[Callable[[], bool], ...] = (
        lambda: not rule.residents_of or person.state == rule.residents_of,
        lambda: not rule.address_missing or not person.address,
        lambda: rule.deceased is None or person.deceased is rule.deceased,
        lambda: not rule.programs or person.program in rule.programs,
        lambda: not rule.ssa_verified or (person.ssa_verified and "ssn" in person.elements),
        lambda: not rule.sensitive or person.sensitive,
    )
    if not all(question() for question in asked):
        return None
    if not (rule.elements or rule.elements_alone or rule.elements_for_counsel):
        return True if not rule.with_name or "name" in person.elements else None
    if person.elements & rule.elements_alone:
        return True
    if rule.with_name and "name" not in person.elements:
        return None
    if person.elements & rule.elements:
        return True
    return False if person.elements & rule.elements_for_counsel else None


def _firing(rule: Rule, sure: int, also: int) -> Firing | None:
    """Whether the count is reached for certain, possibly, or not."""

    def reached(count: int) -> bool:
        return count >= rule.at_least and (rule.at_most is None or count <= rule.at_most)

    if reached(sure):
        return Firing.FIRES if reached(sure + also) else Firing.DEPENDS
    # Open persons may bring the count to any number between the two.
    could = rule.at_least <= sure + also and (rule.at_most is None or sure <= rule.at_most)
    return Firing.DEPENDS if also and could else None


def _due(rule: Rule, situation: Situation) -> tuple[date | datetime | None, str]:
    """The last day or instant of a rule, or None and why."""
    if rule.kind in (RuleKind.FORM, RuleKind.SERVICE):
        return None, "goes with the notice"
    if rule.status is not Status.READ:
        return None, FOR_COUNSEL
    if rule.within is None:
        return None, f"no number of days is stated: {FOR_COUNSEL}"
    start: date | datetime | None = situation.discovered
    if rule.start is Start.NOTICE:
        start = situation.noticed
        if start is None:
            return None, f"{rule.within} {rule.unit.replace('_', ' ')} after the notices go out; no day was given"
    if start is None:
        return None, f"no day of discovery was given: {FOR_COUNSEL}"
    if rule.unit is TimeUnit.HOURS:
        # Hours are added in UTC, so that the clock change of a zone neither adds nor takes one.
        begun = _instant(start, situation.zone).astimezone(UTC)
        return (begun + timedelta(hours=rule.within)).astimezone(situation.zone), _from_midnight(start)
    day = _day(start, situation.zone)
    if rule.unit is TimeUnit.BUSINESS_DAYS:
        return business_days_after(day, rule.within, rule.holidays_not_kept), ""
    if rule.unit is TimeUnit.DAYS_AFTER_YEAR_END:
        return days_after_year_end(day, rule.within), ""
    return after(day, rule.within), ""


def _from_midnight(start: date | datetime) -> str:
    return "" if isinstance(start, datetime) else "counted from the beginning of that day: no time of day was given"


def _instant(value: date | datetime, zone: tzinfo) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    return datetime.combine(value, time.min, zone)


def _day(value: date | datetime, zone: tzinfo) -> date:
    """The calendar day of an instant where the organisation is."""
    return _instant(value, zone).astimezone(zone).date() if isinstance(value, datetime) else value


def _moment(due: date | datetime | None, zone: tzinfo) -> datetime:
    """For sorting: a day ends with its last second; no date comes last."""
    if due is None:
        return datetime.max.replace(tzinfo=UTC)
    if isinstance(due, datetime):
        return due
    return datetime.combine(due, time.max, zone)
