"""The notice duties of a case: its persons, its instants and its rules, put before the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forensics import hashing
from forensics.casefile.affected import Affected
from forensics.casefile.decisions import EXCLUDED, PENDING
from forensics.casefile.views import CaseView
from forensics.errors import EnvironmentFailed, Refused
from forensics.examination.open_case import OpenCase, verb
from forensics.exposure.duties import REVIEW, Duty, Person, Situation, discovered, duties
from forensics.exposure.duty_rules import ANY_ENTITY, RuleBook, parse, shipped
from forensics.exposure.letters import has_address
from forensics.jobs.events import Job
from forensics.model import Tier

_RULES, _SETTINGS = "duty_rules", "duty_settings"
_YES = frozenset({"y", "yes", "true", "1", "t", "x"})

COLUMNS = ("duty", "state", "counted", "record_key")
"""Of the export `duties`: who fired which duty; `counted` is `yes`, or `open` where counsel or a reviewer decides."""


def list_duties(case: OpenCase) -> dict[str, Any]:
    """The duties as they stand, as JSON values; counts of persons and no keys.

    Raises `Refused` before `assess`.
    """
    with case.view() as view:
        return _told(view)


def _told(view: CaseView) -> dict[str, Any]:
    if view.assessment() is None:
        raise Refused(
            "The exposure has not been assessed, so nobody can be counted.",
            f"First: drivecustody assess {view.folder.path.name}",
        )
    books, now, everyone = rule_books(view), situation(view), persons(view)
    keyed = {entity for book in books for rule in book.rules for entity in rule.entity_types}
    return {
        "entity_types": sorted(now.entity_types),
        "entity_types_without_rules": sorted(now.entity_types - keyed - {ANY_ENTITY}),
        "discovered": now.discovered.isoformat() if now.discovered else None,
        "noticed": now.noticed.isoformat() if now.noticed else None,
        "time_zone": str(now.zone),
        "persons": sum(not person.open for person in everyone),
        "open_persons": sum(person.open for person in everyone),
        "persons_without_state": sum(not person.open and not person.state for person in everyone),
        "rules": [
            {"jurisdiction": book.jurisdiction, "name": book.name, "as_of": book.as_of, "assumes": list(book.assumes)}
            for book in books
        ],
        "duties": [as_json(duty) for duty in duties(books, now, everyone)],
    }


def as_json(duty: Duty) -> dict[str, Any]:
    """One duty without the persons that fired it, only how many they are."""
    rule, due = duty.rule, duty.due
    return {
        "id": rule.id, "jurisdiction": rule.jurisdiction, "citation": rule.citation, "kind": str(rule.kind),
        "when": rule.when, "notify": rule.notify, "state": duty.state, "firing": str(duty.firing),
        "persons": len(duty.persons), "open_persons": len(duty.also), "minors": duty.minors,
        "due": due.isoformat() if due else None, "weekday": due.strftime("%A") if due else None,
        "because": duty.because, "within": rule.within, "unit": str(rule.unit), "from": str(rule.start),
        "status": str(rule.status), "sources": list(rule.sources), "note": rule.note, "review": REVIEW,
    }  # fmt: skip


@verb("duties")
def set_duties(
    case: OpenCase,
    job: Job,
    *,
    rules: Sequence[Path] = (),
    time_zone: str = "",
    noticed: date | None = None,
    discovered_at: str = "",
) -> dict[str, Any]:
    """Keep further rules or instants with the case, and list the duties as they then are.

    A file of rules takes the place of an earlier one of its name. Raises `Refused` for a file that is no set of rules,
    a zone that does not exist, or an instant that is not on the day of discovery.
    """
    books = {book["name"]: book for book in case.store.fact(_RULES) or []}
    for path in rules:
        text = _read(path)
        parse(text, path.name)
        books[path.name] = {"name": path.name, "sha256": hashing.of_bytes(text.encode("utf-8")), "text": text}
    settings = dict(case.store.fact(_SETTINGS) or {})
    settings |= {"time_zone": time_zone} if time_zone else {}
    settings |= {"noticed": noticed.isoformat()} if noticed else {}
    settings |= {"discovered_at": discovered_at} if discovered_at else {}
    zone = _zone(settings.get("time_zone", ""))
    _started(case.details.first_known, case.details.diligence_date, settings.get("discovered_at", ""), zone)
    case.store.put_fact(_RULES, list(books.values()))
    case.store.put_fact(_SETTINGS, settings)
    job.changed("fact")
    said = {"rules": {book["name"]: book["sha256"] for book in books.values()}, **settings}
    return {**list_duties(case), "custody": said}


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFailed(f"{path.name} cannot be read as text.", "Check the path of the rules.") from error


def rule_books(view: CaseView) -> tuple[RuleBook, ...]:
    """The rules that ship, then those that were added to this case."""
    added = view.fact(_RULES) or []
    return (*shipped(), *(parse(book["text"], book["name"]) for book in added))


def situation(view: CaseView) -> Situation:
    details, settings = view.details(), view.fact(_SETTINGS) or {}
    zone = _zone(settings.get("time_zone", ""))
    start = _started(details.first_known, details.diligence_date, settings.get("discovered_at", ""), zone)
    noticed = settings.get("noticed")
    return Situation(
        frozenset(details.entity_types), start, date.fromisoformat(noticed) if noticed else None, zone
    )  # fmt: skip


def _started(first_known: str, diligence: str, at: str, zone: tzinfo) -> date | datetime | None:
    """The earlier day of known and knowable, or the instant on it where one was given."""
    day = discovered(first_known, diligence)
    if not at:
        return day
    try:
        instant = datetime.fromisoformat(at)
    except ValueError as error:
        raise Refused("The instant of discovery is not ISO 8601.", "Write it like 2016-08-17T14:30.") from error
    instant = instant if instant.tzinfo else instant.replace(tzinfo=zone)
    if day is not None and instant.astimezone(zone).date() != day:
        raise Refused(
            f"The instant of discovery is not on {day}, the day that the case gives.",
            "Give an instant of that day, and its zone with --time-zone.",
        )
    return instant


def _zone(name: str) -> tzinfo:
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Refused(f"There is no time zone {name}.", "Name one like America/Los_Angeles.") from error


def persons(view: CaseView) -> list[Person]:
    """Who counts: everybody confirmed, probable or included, less who was excluded. Who is only possible and pending is
    open. One a record key."""
    return [_person(person) for person in counted(view)]


def counted(view: CaseView) -> Iterator[Affected]:
    """Everybody who was not excluded, one a record key."""
    seen: set[str] = set()
    for person in view.affected():
        if person.review != EXCLUDED and person.record.record_key not in seen:
            seen.add(person.record.record_key)
            yield person


def _person(person: Affected) -> Person:
    record = person.record
    is_open = person.review == PENDING and person.tier is Tier.POSSIBLE
    return Person(
        person.number, record.state, frozenset(person.elements), person.minor, record.deceased, has_address(record),
        record.extra.get("program", "").strip(), _yes(record.extra.get("ssa_verified", "")),
        _yes(record.extra.get("sensitive", "")), is_open,
    )  # fmt: skip


def _yes(text: str) -> bool:
    return text.strip().casefold() in _YES


def rows(view: CaseView) -> list[tuple[str, ...]]:
    """Who fired which duty, by duty, state and record key."""
    keys = {person.number: person.record.record_key for person in counted(view)}
    found = []
    for duty in duties(rule_books(view), situation(view), persons(view)):
        for said, numbers in (("yes", duty.persons), ("open", duty.also)):
            found += [(duty.rule.id, duty.state, said, keys[number]) for number in numbers]
    return sorted(found)
