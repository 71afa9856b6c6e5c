"""Who there is: households, twins, fathers and sons of one name, namesakes, people recorded twice; their records."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from labelled.names import (
    CITIES,
    CONCENTRATED_FAMILY,
    CONCENTRATED_GIVEN,
    FAMILY,
    GIVEN,
    ODD_FAMILY,
    RARE_FAMILY,
    STREETS,
    skew,
)  # fmt: skip

AS_OF = date(2019, 6, 30)
"""The day of the current snapshot; nobody is born after it."""

FIRST_BIRTH = date(1925, 1, 1)

BLOCK_LENGTH = 600
"""Ids that are issued one after the other before the next block is begun somewhere else."""


@dataclass(frozen=True, slots=True)
class Person:
    """One source record. `key` is unique; `same_as` names the other record of the same human being."""

    key: str
    given: str
    middle: str
    family: str
    suffix: str
    birth: date
    ssn: str
    member_id: str
    street: str
    city: str
    state: str
    postal_code: str
    phone: str
    email: str
    deceased: bool = False
    household: int = -1
    same_as: str = ""
    former: bool = False
    """Left before the current snapshot was taken."""

    @property
    def name_and_birth(self) -> tuple[str, str, date]:
        return plain(self.given), plain(self.family), self.birth


@dataclass(frozen=True)
class Plan:
    """What kind of population: sizes, how ids are issued, and what is odd about it."""

    people: int = 5000
    ids: str = "luhn"
    """`luhn`: W and ten digits with a check digit; `block`: W and nine digits issued one after the other in blocks."""
    with_ssn: float = 0.75
    concentrated: float = 0.06
    """Share that belongs to the community of few names and 1-January birthdays."""
    households: float = 0.3
    former: float = 0.0
    """Share that is missing from the current snapshot."""
    special: bool = True
    """Twins, father and son, namesakes, people recorded twice, placeholders in the records."""


@dataclass(frozen=True)
class Population:
    people: tuple[Person, ...]
    """Everybody that ever was a member."""
    plan: Plan

    @property
    def snapshot(self) -> tuple[Person, ...]:
        """Those in the current records."""
        return tuple(person for person in self.people if not person.former)

    def shared_names(self) -> frozenset[tuple[str, str, date]]:
        """Names with birth dates that stand in more than one record and so name nobody."""
        count = Counter(person.name_and_birth for person in self.snapshot)
        return frozenset(name for name, often in count.items() if often > 1)


def plain(text: str) -> str:
    """Capitals without marks: what a clerk would take for the same name."""
    apart = unicodedata.normalize("NFD", text)
    return "".join(c for c in apart if unicodedata.category(c) != "Mn").replace("ø", "o").upper()


def luhn(payload: str) -> str:
    """The check digit of ISO/IEC 7812-1 Annex B for these digits."""
    total = 0
    for place, digit in enumerate(reversed(payload)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def random_ssns(count: int, rng: np.random.Generator) -> list[str]:
    """Distinct numbers of the form that may be issued: area not 000, 666 or 9xx, group not 00, serial not 0000."""
    found: dict[str, None] = {}
    while len(found) < count:
        size = count - len(found) + 16
        area, group, serial = rng.integers(1, 900, size), rng.integers(1, 100, size), rng.integers(1, 10_000, size)
        found.update(
            (f"{a:03d}{g:02d}{s:04d}", None)
            for a, g, s in zip(area.tolist(), group.tolist(), serial.tolist(), strict=True)
            if a != 666
        )
    return list(found)[:count]


def issued_ids(count: int, scheme: str, rng: np.random.Generator) -> list[str]:
    """Distinct member ids, in the order of issue."""
    if scheme == "luhn":
        payloads = 200_000_000 + np.cumsum(rng.integers(1, 1200, count))
        return [f"W{payload}{luhn(str(payload))}" for payload in payloads.tolist()]
    if scheme == "block":
        blocks = -(-count // BLOCK_LENGTH)
        begins = 400_000_000 + np.sort(rng.choice(2000, blocks, replace=False)) * 5 * BLOCK_LENGTH
        numbers = (begins[:, None] + np.arange(BLOCK_LENGTH)[None, :]).ravel()[:count]
        return [f"W{number}" for number in numbers.tolist()]
    raise ValueError(f"there is no way {scheme} of issuing ids")


def random_births(count: int, rng: np.random.Generator, january: np.ndarray | None = None) -> list[date]:
    days = rng.integers(0, (AS_OF - FIRST_BIRTH).days, count)
    births = [FIRST_BIRTH + timedelta(int(day)) for day in days]
    if january is not None:
        births = [day.replace(month=1, day=1) if new else day for day, new in zip(births, january, strict=True)]
    return births


def random_names(count: int, rng: np.random.Generator, concentrated: np.ndarray) -> tuple[list[str], list[str]]:
    """Given and family names; where `concentrated`, of the community of few names."""
    common = (*FAMILY, *RARE_FAMILY)
    given = [GIVEN[n] for n in rng.choice(len(GIVEN), count, p=skew(len(GIVEN), 0.6))]
    family = [common[n] for n in rng.choice(len(common), count, p=skew(len(common), 0.85))]
    for place in np.flatnonzero(rng.random(count) < 0.06).tolist():
        family[place] = ODD_FAMILY[int(rng.integers(len(ODD_FAMILY)))]
    for place in np.flatnonzero(concentrated).tolist():
        given[place] = CONCENTRATED_GIVEN[int(rng.integers(len(CONCENTRATED_GIVEN)))]
        family[place] = CONCENTRATED_FAMILY[int(rng.integers(len(CONCENTRATED_FAMILY)))]
    return given, family


def make_population(seed: int, plan: Plan = Plan()) -> Population:
    rng = np.random.default_rng([seed, 1])
    count = plan.people
    concentrated = rng.random(count) < plan.concentrated
    given, family = random_names(count, rng, concentrated)
    births = random_births(count, rng, concentrated & (rng.random(count) < 0.8))
    ssns = random_ssns(count, rng)
    without = rng.random(count) >= plan.with_ssn
    ids = issued_ids(count, plan.ids, rng)
    middles = rng.integers(0, 26, count).tolist()
    has_middle = (rng.random(count) < 0.6).tolist()
    numbers, streets = rng.integers(1, 9800, count).tolist(), rng.integers(0, len(STREETS), count).tolist()
    towns, zips = rng.integers(0, len(CITIES), count).tolist(), rng.integers(0, 100, count).tolist()
    areas, exchanges = rng.integers(201, 990, count).tolist(), rng.integers(200, 1000, count).tolist()
    lines = rng.integers(0, 10_000, count).tolist()
    dead = (rng.random(count) < 0.02).tolist()
    former = (rng.random(count) < plan.former).tolist()
    people: list[Person] = []
    for n in range(count):
        city, state, zip3 = CITIES[towns[n]]
        people.append(
            Person(
                key=ids[n],
                given=given[n],
                middle=chr(65 + middles[n]) if has_middle[n] else "",
                family=family[n],
                suffix="",
                birth=births[n],
                ssn="" if without[n] else ssns[n],
                member_id=ids[n],
                street=f"{numbers[n]} {STREETS[streets[n]]}",
                city=city,
                state=state,
                postal_code=f"{zip3}{zips[n]:02d}",
                phone=f"{areas[n]}{exchanges[n]}{lines[n]:04d}",
                email=f"{plain(given[n]).lower()}.{n}@example.org",
                deceased=dead[n],
                former=former[n],
            )
        )
    _households(people, plan, rng)
    if plan.special:
        _special(people, rng)
    return Population(tuple(people), plan)


def _households(people: list[Person], plan: Plan, rng: np.random.Generator) -> None:
    """Neighbours in the list become households: family name, address and telephone in common."""
    at, number = 0, 0
    while at < plan.households * len(people):
        size = int(rng.integers(2, 6))
        head = people[at]
        for place in range(at, min(at + size, len(people))):
            people[place] = replace(
                people[place],
                family=head.family, street=head.street, city=head.city, state=head.state,
                postal_code=head.postal_code, phone=head.phone, household=number,
            )  # fmt: skip
        at += size
        number += 1


SPECIAL = 0.004
"""Share of each kind of special pair; at least four pairs."""


def _special(people: list[Person], rng: np.random.Generator) -> None:
    pairs = max(4, int(SPECIAL * len(people)))
    homes: dict[int, list[int]] = {}
    for place, person in enumerate(people):
        if person.household >= 0:
            homes.setdefault(person.household, []).append(place)
    order = rng.permutation(len(homes)).tolist()
    for number in order[:pairs]:
        one, other = homes[number][:2]
        people[other] = replace(people[other], birth=people[one].birth)
        if plain(people[one].given) == plain(people[other].given):
            people[other] = replace(people[other], given="Bertha" if people[one].given != "Bertha" else "Ulrich")
    for number in order[pairs : 2 * pairs]:
        father, son = homes[number][:2]
        born = date(int(rng.integers(1930, 1960)), int(rng.integers(1, 13)), int(rng.integers(1, 28)))
        people[father] = replace(people[father], suffix="Sr", birth=born)
        people[son] = replace(
            people[son], given=people[father].given, suffix="Jr", birth=born.replace(year=born.year + 26, day=28)
        )
    alone = [place for place, person in enumerate(people) if person.household < 0]
    chosen = rng.permutation(alone).tolist()
    for one, other in zip(chosen[:pairs], chosen[pairs : 2 * pairs], strict=True):
        first = people[one]
        people[other] = replace(people[other], given=first.given, family=first.family, birth=first.birth)
    for one, other in zip(chosen[2 * pairs : 3 * pairs], chosen[3 * pairs : 4 * pairs], strict=True):
        first = people[one]
        people[one] = replace(first, same_as=people[other].key)
        people[other] = replace(
            people[other],
            given=first.given, middle=first.middle, family=first.family, birth=first.birth, ssn=first.ssn,
            same_as=first.key, former=first.former,
        )  # fmt: skip
    for place, filler in zip(
        chosen[4 * pairs : 4 * pairs + 6], ("123456789", "111111111", "999999999") * 2, strict=True
    ):
        people[place] = replace(people[place], ssn=filler)


PLACEHOLDERS = frozenset({"123456789", "111111111", "999999999"})

HEADER = (
    "MemberID", "FirstName", "MiddleName", "LastName", "Suffix", "DOB", "SSN", "Address", "City", "State", "ZIP",
    "Phone", "Email", "Deceased",
)  # fmt: skip


def write_records(people: Iterable[Person], path: Path) -> None:
    """The organisation's own file: CSV in UTF-8, ISO dates, grouped numbers."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(HEADER)
        for p in people:
            ssn = f"{p.ssn[:3]}-{p.ssn[3:5]}-{p.ssn[5:]}" if p.ssn else ""
            phone = f"({p.phone[:3]}) {p.phone[3:6]}-{p.phone[6:]}"
            out.writerow(
                (
                    p.key, p.given, p.middle, p.family, p.suffix, p.birth.isoformat(), ssn, p.street, p.city, p.state,
                    p.postal_code, phone, p.email, "Y" if p.deceased else "N",
                )
            )  # fmt: skip


def strangers(
    count: int, seed: int, population: Population, *, concentrated: float = 0.0, ids: str = "other"
) -> list[Person]:
    """People who are in no record, with names as common as the members'. No number of theirs is a member's.

    `ids`: `other` keeps clear of the members' numbers; `same shape` draws from the same number space.
    """
    rng = np.random.default_rng([seed, 2])
    few = rng.random(count) < concentrated
    given, family = random_names(count, rng, few)
    births = random_births(count, rng, few & (rng.random(count) < 0.8))
    taken = {person.ssn for person in population.people}
    ssns = [ssn for ssn in random_ssns(count + 2000, rng) if ssn not in taken][:count]
    numbers = other_ids(count, population, rng) if ids == "same shape" else [f"QX{n:06d}" for n in range(count)]
    return [
        Person(
            key=f"stranger {n}", given=given[n], middle="", family=family[n], suffix="", birth=births[n], ssn=ssns[n],
            member_id=numbers[n], street=f"{9800 + n} {STREETS[n % len(STREETS)]}", city="Reno", state="NV",
            postal_code="89501", phone=f"775{rng.integers(2_000_000, 9_999_999)}", email=f"someone.{n}@example.net",
        )
        for n in range(count)
    ]  # fmt: skip


def other_ids(count: int, population: Population, rng: np.random.Generator) -> list[str]:
    """Ids of another plan: same letters, same length, valid check digit, and none that was ever issued here."""
    issued = {person.member_id for person in population.people}
    digits = sorted(int(member[1:]) for member in issued)
    found: dict[str, None] = {}
    while len(found) < count:
        if population.plan.ids == "luhn":
            payload = str(rng.integers(digits[0] // 10, digits[-1] // 10))
            made = f"W{payload}{luhn(payload)}"
        else:
            made = f"W{rng.integers(digits[0], digits[-1])}"
        if made not in issued:
            found[made] = None
    return list(found)


def unused(people: Sequence[Person], rng: np.random.Generator) -> list[Person]:
    """The people in random order, to be dealt out to layouts."""
    return [people[n] for n in rng.permutation(len(people)).tolist()]
