"""The rules of notice duties, read from TOML: one file a jurisdiction, or a contract. Nothing here knows a case."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from forensics.errors import Refused
from forensics.exposure.business_days import HOLIDAYS
from forensics.model import ELEMENTS
from forensics.resources import resource

SCHEMA = 1
SHIPPED = ("us-hipaa.toml", "us-ca.toml")
"""The files that come with the program. Others are read from the statute first, and then added."""

CONTRACT = "contract"
ANY_ENTITY = "any"


class Status(StrEnum):
    """How well a rule is known. Only one that was read prints a date."""

    READ = "read"
    PART = "part"
    MEMORY = "memory"
    CONFLICT = "conflict"


class RuleKind(StrEnum):
    """What a rule asks for: a notice, a service to be offered, a form of the notice, or leave to wait."""

    NOTICE = "notice"
    SERVICE = "service"
    FORM = "form"
    DELAY = "delay"


class TimeUnit(StrEnum):
    CALENDAR_DAYS = "calendar_days"
    BUSINESS_DAYS = "business_days"
    DAYS_AFTER_YEAR_END = "calendar_days_after_year_end"
    HOURS = "hours"


class Start(StrEnum):
    """From which instant time runs: the discovery, or the notice to the individuals."""

    DISCOVERY = "discovery"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Rule:
    """One duty as a jurisdiction words it. Which persons it counts, how many fire it, who is told, and by when.

    `at_least` and `at_most` bound the count, both inclusive. `within` None means that no number is stated. Empty sets
    ask for nothing. `elements_for_counsel` are elements of which counsel has to say whether they count.
    """

    id: str
    jurisdiction: str
    citation: str
    entity_types: frozenset[str]
    when: str
    notify: str
    status: Status
    kind: RuleKind = RuleKind.NOTICE
    at_least: int = 1
    at_most: int | None = None
    each_state: bool = False
    residents_of: str = ""
    with_name: bool = False
    elements: frozenset[str] = frozenset()
    elements_alone: frozenset[str] = frozenset()
    elements_for_counsel: frozenset[str] = frozenset()
    address_missing: bool = False
    deceased: bool | None = None
    programs: frozenset[str] = frozenset()
    ssa_verified: bool = False
    sensitive: bool = False
    within: int | None = None
    unit: TimeUnit = TimeUnit.CALENDAR_DAYS
    start: Start = Start.DISCOVERY
    holidays_not_kept: tuple[str, ...] = ()
    discovered_from: date | None = None
    discovered_until: date | None = None
    sources: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules of one file. `assumes` are what they take for granted, each a sentence to be printed beside them."""

    jurisdiction: str
    name: str
    as_of: str
    assumes: tuple[str, ...]
    rules: tuple[Rule, ...]


def shipped() -> tuple[RuleBook, ...]:
    """The jurisdictions that come with the program."""
    return tuple(parse(_text(resource("jurisdictions", name)), name) for name in SHIPPED)


def _text(path: Path) -> str:
    return path.read_text("utf-8")


_KEYS = {
    "id", "citation", "entity_types", "when", "notify", "status", "kind", "at_least", "at_most", "more_than", "counted",
    "residents_of", "with_name", "elements", "elements_alone", "elements_for_counsel", "address", "deceased",
    "programs", "ssa_verified", "sensitive", "within", "unit", "from", "holidays_not_kept", "discovered_from",
    "discovered_until", "sources", "note",
}  # fmt: skip
_NEEDED = ("id", "citation", "entity_types", "when", "notify", "status")


def parse(text: str, name: str) -> RuleBook:
    """The rules in a TOML text. Raises `Refused` that names the file, the rule and what is wrong with it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{name} is not TOML: {error}.", _REMEDY) from error
    if document.get("schema") != SCHEMA:
        raise Refused(f"{name} has no schema = {SCHEMA}.", _REMEDY)
    for key in ("jurisdiction", "name", "as_of"):
        if not isinstance(document.get(key), str):
            raise Refused(f"{name} has no {key}.", _REMEDY)
    rules = document.get("rule")
    if not isinstance(rules, list) or not rules:
        raise Refused(f"{name} has no rule.", _REMEDY)
    sets = document.get("elements", {})
    read = tuple(_rule(one, document["jurisdiction"], sets, name) for one in rules)
    if len({rule.id for rule in read}) != len(read):
        raise Refused(f"{name} has two rules of one id.", _REMEDY)
    return RuleBook(
        document["jurisdiction"], document["name"], document["as_of"], tuple(document.get("assumes", ())), read
    )


_REMEDY = "docs/adding-a-jurisdiction.md says how such a file is written."


def _rule(given: Mapping[str, Any], jurisdiction: str, sets: Mapping[str, Sequence[str]], name: str) -> Rule:
    title = f"{name}, rule {given.get('id', 'without an id')}"

    def wrong(what: str) -> Refused:
        return Refused(f"{title}: {what}.", _REMEDY)

    if unknown := sorted(set(given) - _KEYS):
        raise wrong(f"there is no key {unknown[0]}")
    if missing := [key for key in _NEEDED if not given.get(key)]:
        raise wrong(f"{missing[0]} is missing")

    def elements(key: str) -> frozenset[str]:
        value = given.get(key, ())
        chosen = sets.get(value, ()) if isinstance(value, str) else value
        if isinstance(value, str) and value not in sets:
            raise wrong(f"there is no set of elements {value}")
        if strange := sorted(set(chosen) - set(ELEMENTS)):
            raise wrong(f"{strange[0]} is not in the element catalogue")
        return frozenset(chosen)

    if "more_than" in given and "at_least" in given:
        raise wrong("at_least and more_than stand side by side")
    if given.get("address", "missing") != "missing":
        raise wrong("address can only be missing")
    if given.get("counted", "all") not in ("all", "each_state"):
        raise wrong("counted is all or each_state")
    if strange := sorted(set(given.get("holidays_not_kept", ())) - set(HOLIDAYS)):
        raise wrong(f"there is no holiday {strange[0]}")
    at_least = given["more_than"] + 1 if "more_than" in given else given.get("at_least", 1)
    numbers = {"at_least": at_least, "at_most": given.get("at_most"), "within": given.get("within")}
    for key, number in numbers.items():
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
            raise wrong(f"{key} is not a whole number from 1 on")
    try:
        return Rule(
            id=given["id"],
            jurisdiction=jurisdiction,
            citation=given["citation"],
            entity_types=frozenset(given["entity_types"]),
            when=given["when"],
            notify=given["notify"],
            status=Status(given["status"]),
            kind=RuleKind(given.get("kind", "notice")),
            **numbers,
            each_state=given.get("counted") == "each_state",
            residents_of=given.get("residents_of", ""),
            with_name=bool(given.get("with_name", False)),
            elements=elements("elements"),
            elements_alone=elements("elements_alone"),
            elements_for_counsel=elements("elements_for_counsel"),
            address_missing="address" in given,
            deceased=given.get("deceased"),
            programs=frozenset(given.get("programs", ())),
            ssa_verified=bool(given.get("ssa_verified", False)),
            sensitive=bool(given.get("sensitive", False)),
            unit=TimeUnit(given.get("unit", "calendar_days")),
            start=Start(given.get("from", "discovery")),
            holidays_not_kept=tuple(given.get("holidays_not_kept", ())),
            discovered_from=_day(given.get("discovered_from")),
            discovered_until=_day(given.get("discovered_until")),
            sources=tuple(given.get("sources", ())),
            note=given.get("note", ""),
        )
    except (ValueError, TypeError) as error:
        raise wrong(str(error)) from error


def _day(value: object) -> date | None:
    if value is None or type(value) is date:
        return value
    return date.fromisoformat(str(value))
