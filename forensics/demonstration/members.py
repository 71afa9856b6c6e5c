"""The source records of the worked example: a health plan's members, current and former, none of whom exists.

Names come from lists made up here, telephone numbers from the block kept for fiction (555-0100 to 555-0199 in every
area code), mail addresses from domains that RFC 2606 reserves. Social security numbers have areas 773 to 899, which had
never been given out when the Social Security Administration ended area numbers on 2011-06-25; since that day any of
them may be. So the numbers are not a protection: files made from these members say that they are synthetic.
Areas with a leading zero would be somebody's: the trap of lost leading zeros cannot be set with these numbers, only
with postal codes.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

AS_OF = date(2016, 8, 15)
"""The day the records show."""

_EPOCH = date(1970, 1, 1)
_AS_OF_DAYS = (AS_OF - _EPOCH).days
_YEAR = 365.25


def _words(text: str) -> list[str]:
    return text.split()


_FEMALE = _words(
    "Adela Agnes Alma Amara Anaïs Anneke Aurelia Beatrix Brenna Brónagh Calla Carmela Celeste Chloë Clarabel "
    "Corinna Dagny Dahlia Delphine Dorothea Edda Elodie Elspeth Esmé Estela Fenna Fidelia Flora Freya Gemma "
    "Giselle Greta Gwendolyn Hattie Helga Honora Ida Imogen Inés Iona Isolde Jacinta Joanna Josefina Juniper "
    "Kaia Katrin Keziah Lavinia Leonie Lisbet Lorna Lucinda Mabel Mara Margit Maribel Marlena Matilda Maud "
    "Mercedes Mina Nadia Nell Noelle Odette Olive Ottilie Paloma Petra Philippa Quilla Ramona Renée Rhoda "
    "Roswitha Sabine Salome Saskia Selma Sidonie Solveig Sunniva Tabitha Tamsin Thea Thirza Ursula Valeria "
    "Verity Vivian Wilhelmina Winifred Xenia Ysolde Yvette Zara Zélie"
)
_MALE = _words(
    "Abel Alaric Albin Ambrose Anders Anselm Arlo Arvid Auberon Barnaby Bastian Benedict Björn Bram Caspar "
    "Cedric Cosmo Cyril Damian Dashiell Desmond Duncan Eamon Edmund Eero Elias Emeric Ephraim Fabian Felix "
    "Ferris Florian Gareth Garrick Gideon Gregor Gustav Hamish Hector Hugo Ignatius Ingmar Isidor Ivo Jasper "
    "Joachim Jonas José Jürgen Kaspar Konrad Lambert Leander Leopold Linus Lorcan Lucian Magnus Marius Matthias "
    "Maxim Merrick Miles Milo Nestor Niall Nicanor Noël Oberon Orson Oscar Otto Pascal Percival Phineas Quentin "
    "Rafael Ragnar Ramón Rémy Roderick Rufus Rupert Sebastian Silas Sören Stellan Sylvester Tadeo Theodor "
    "Tiberius Tobias Ulric Valentin Vaughn Viktor Warrick Wendel Zeno"
)
_ROOTS = _words(
    "Ash Bar Black Bram Brook Cald Carn Cold Crow Dun East Elder Fair Fal Fern Fox Gar Glen Gold Grey Hale Har "
    "Hart Hazel Heath Holl Kel Kings Lang Lark Lind Loch Marl Mere Mill Nether North Oak Orch Pem Quarr Raven "
    "Red Rook Rose Rush Sax Sel Shel Stan Stone Strath Sund Thorn Under Vale Wake West Whit Wick Wild Win Wood "
    "Wyn Yar"
)
_ENDINGS = _words(
    "beck berry bourne bridge brook burn by combe croft dale den feld field ford gate ham hurst ingley land lea "
    "ley low man mere more ridge rup shaw stead ston thorpe ton wald wall ward water well wick wood worth"
)
_OTHER_FAMILIES = _words(
    "O'Brannick O'Dellmore O'Fairlan D'Amberley D'Orsavelle L'Estravel Peñaluz Muñarroz Ibáñera Gutiérra "
    "Castañor Müllberg Grünholt Köstervik Størmark Åkesund Björnvall Françoval Bélanrieu Gagnébert Crèvemont "
    "de·la·Corvera van·der·Hoolt St.·Maurin McAllondale McFergrave MacInrosh Fitzharrow Nguyendal Trandel "
    "Kimura-Vance Leesong Parkwell"
)
_STREETS = _words(
    "Alder Aspen Beacon Birch Bluebell Canal Cedar Chapel Cherry Clover Copper Cypress Depot Ferry Foundry "
    "Garden Harbor Hickory Juniper Larkspur Laurel Linden Locust Maple Market Meadow Mill Mulberry Orchard "
    "Pioneer Prospect Quarry Railroad Ridge River Sycamore Tannery Union Valley Walnut Willow"
)
_STREET_TYPES = ("Street", "Avenue", "Road", "Lane", "Drive", "Court", "Place", "Terrace")
_TOWNS = (  # made-up towns in real states; the postal codes begin as those states' do
    ("Elmsgate", "CT", "060"), ("Pell Harbor", "CT", "063"), ("Wexcombe", "MA", "013"),
    ("Quillan Falls", "NJ", "085"), ("Farrow Mills", "NY", "128"), ("Tannersby", "PA", "168"),
    ("Oakhollow", "OH", "438"), ("Larkfield", "IN", "467"), ("Brindle Creek", "IL", "617"),
    ("Sable Lake", "WI", "546"), ("Northmere", "MN", "565"), ("Calder Bluff", "IA", "506"),
    ("Vantage City", "MO", "647"), ("Red Juniper", "TX", "795"), ("Casa Alondra", "NM", "874"),
    ("Mirador", "AZ", "857"), ("Port Sorrel", "CA", "954"), ("Gannet Bay", "OR", "974"),
    ("Tamarack Point", "WA", "983"), ("Palmetto Ford", "FL", "327"),
)  # fmt: skip
_MAIL_DOMAINS = ("example.com", "example.net", "example.org", "mail.example", "home.invalid")
_AREA_CODES = np.array([a for a in range(201, 990) if a % 100 != 11 and a // 10 % 10 != 9], dtype=np.int64)
"""Assignable area codes (NANP): N11 and N9X are kept for other uses."""

COLUMNS = (
    "MEMBER_ID", "FIRST_NAME", "MIDDLE_NAME", "LAST_NAME", "SUFFIX", "BIRTH_DATE", "SEX", "SSN", "ADDRESS", "CITY",
    "STATE", "POSTAL_CODE", "PHONE", "EMAIL", "DECEASED", "GUARDIAN_NAME", "MEMBER_UNTIL",
)  # fmt: skip
"""The header of the records file, in the order of `Member`."""

_AT_ONCE = 10_000
_SUFFIXES = ("", "Jr", "Sr", "III")
_FIRST_ID = 204_000_000
_SSN_AREAS = range(773, 900)
_PLACEHOLDERS = (777_777_777, 888_888_888, 876_543_210)
"""Numbers people type when they have none; a reader of records may drop them, so nobody here has one."""


class Member(NamedTuple):
    """One row of the records, all text, empty where absent. Dates ISO 8601, `ssn` as 3-2-4."""

    member_id: str
    first_name: str
    middle_name: str
    last_name: str
    suffix: str
    birth_date: str
    sex: str
    ssn: str
    address: str
    city: str
    state: str
    postal_code: str
    phone: str
    email: str
    deceased: str
    guardian_name: str
    member_until: str

    @property
    def born(self) -> date:
        return date.fromisoformat(self.birth_date)


def _family_names() -> list[str]:
    compounds = [root + ending for number, root in enumerate(_ROOTS) for ending in _ENDINGS[number % 2 :: 2]]
    return [name.replace("·", " ") for name in _OTHER_FAMILIES] + sorted(compounds)


FAMILY_NAMES = _family_names()
GIVEN_NAMES = _FEMALE + _MALE


def _often(count: int, size: int, random: np.random.Generator) -> Numbers:
    """Indices below `count`, a few much more often than most, as names are."""
    weights = 1 / np.arange(3, count + 3) ** 0.7
    order = np.random.Generator(np.random.PCG64(count)).permutation(count)
    picked = np.searchsorted(np.cumsum(weights / weights.sum()), random.random(size))
    return order[np.minimum(picked, count - 1)].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Members(Sequence[Member]):
    """All members, held as columns of numbers and turned into text a row at a time."""

    member_id: Numbers
    household: Numbers
    given: Numbers
    middle: Numbers
    family: Numbers
    second_family: Numbers
    suffix: Numbers
    born: Numbers
    ssn: Numbers
    has_mail: NDArray[np.bool_]
    deceased: NDArray[np.bool_]
    until: Numbers
    head: Numbers
    number: Numbers
    street: Numbers
    street_type: Numbers
    flat: Numbers
    town: Numbers
    code: Numbers
    phone: Numbers
    person: Numbers
    """The number of the person a row is about: two rows with one are the same person under two ids."""

    def __len__(self) -> int:
        return len(self.member_id)

    def key(self, row: int) -> str:
        """The record key, which is the member id: `W` and nine digits."""
        return f"W{self.member_id[row]}"

    def __getitem__(self, row: int) -> Member:  # type: ignore[override]  # no slices: nobody wants a list of these
        return next(self.rows(np.array([row], dtype=np.int64)))

    def _name(self, row: int) -> str:
        return f"{GIVEN_NAMES[self.given[row]]} {FAMILY_NAMES[self.family[row]]}"

    def rows(self, which: Numbers | None = None) -> Iterator[Member]:
        """The members, or those of the given row numbers, in that order."""
        every = np.arange(len(self), dtype=np.int64) if which is None else which
        for start in range(0, len(every), _AT_ONCE):
            yield from self._rows(every[start : start + _AT_ONCE])

    def _rows(self, at: Numbers) -> Iterator[Member]:
        house = self.household[at]
        minor = _AS_OF_DAYS - self.born[at] < 18 * _YEAR
        guardians = [self._name(head) if young else "" for head, young in zip(self.head[house], minor, strict=True)]
        born = np.datetime_as_string(self.born[at].astype("datetime64[D]")).tolist()
        until = np.datetime_as_string(np.abs(self.until[at]).astype("datetime64[D]")).tolist()
        columns = (
            self.member_id, self.given, self.middle, self.family, self.second_family, self.suffix, self.ssn,
            self.has_mail, self.deceased, self.until,
        )  # fmt: skip
        homes = (self.number, self.street, self.street_type, self.flat, self.town, self.code, self.phone)
        parts = [column[at].tolist() for column in columns] + [column[house].tolist() for column in homes]
        for (
            number, given, middle, family, second, suffix, ssn, mail, deceased, former,
            door, street, kind, flat, town, code, phone,
            birth_date, until_date, guardian,
        ) in zip(*parts, born, until, guardians, strict=True):  # fmt: skip
            first = GIVEN_NAMES[given]
            last = FAMILY_NAMES[family]
            city, state, prefix = _TOWNS[town]
            yield Member(
                member_id=f"W{number}",
                first_name=first,
                middle_name=GIVEN_NAMES[middle] if middle >= 0 else "",
                last_name=last if second < 0 else f"{FAMILY_NAMES[second]}-{last}",
                suffix=_SUFFIXES[suffix],
                birth_date=birth_date,
                sex="F" if given < len(_FEMALE) else "M",
                ssn=f"{ssn // 1_000_000}-{ssn // 10_000 % 100:02}-{ssn % 10_000:04}" if ssn else "",
                address=f"{door} {_STREETS[street]} {_STREET_TYPES[kind]}" + (f" Apt {flat}" if flat else ""),
                city=city,
                state=state,
                postal_code=f"{prefix}{code:02}",
                phone=f"{phone // 100}-555-01{phone % 100:02}" if phone else "",
                email=_mail(first, last, number) if mail else "",
                deceased="Y" if deceased else "N",
                guardian_name=guardian,
                member_until=until_date if former else "",
            )


def _mail(first: str, last: str, number: int) -> str:
    letters = unicodedata.normalize("NFD", f"{first}.{last}").encode("ascii", "ignore").decode()
    plain = letters.lower().replace(" ", "").replace("'", "")
    return f"{plain}{number % 9973}@{_MAIL_DOMAINS[number % len(_MAIL_DOMAINS)]}"


def make_members(count: int, random: np.random.Generator) -> Members:
    """`count` records: households, twins, father and son of one name, namesakes, and persons entered twice."""
    doubles = max(3, count // 1000)
    people = count - doubles
    sizes = 1 + np.minimum(random.poisson(1.7, people), 6).astype(np.int64)
    homes = int(np.searchsorted(np.cumsum(sizes), people)) + 1
    household = np.repeat(np.arange(homes, dtype=np.int64), sizes[:homes])[:people]
    first_of_home = np.concatenate(([0], np.cumsum(sizes[: homes - 1])))
    position = np.arange(people, dtype=np.int64) - first_of_home[household]
    head = first_of_home[household]

    born = _births(position, head, random)
    given, suffix = _given_names(position, head, random)
    _twins(born, given, position, random)
    family = _often(len(FAMILY_NAMES), homes, random)[household]
    second = np.where((position == 1) & (random.random(people) < 0.08), _often(len(FAMILY_NAMES), people, random), -1)
    second = np.where(second == family, -1, second)
    middle = np.where(random.random(people) < 0.55, random.integers(0, len(GIVEN_NAMES), people), -1)
    _namesakes(given, family, second, born, random)

    age = (_AS_OF_DAYS - born) / _YEAR
    ssn = np.where(random.random(people) < np.where(age < 18, 0.5, 0.7), _ssns(people, random), 0)
    deceased = random.random(people) < np.where(age > 75, 0.2, 0.004)
    left = random.random(people) < 0.2
    until = np.where(left, _AS_OF_DAYS - random.integers(30, 3000, people), 0)

    # The same person a second time: new id, another household (they moved), everything else as it was.
    again = random.choice(people, doubles, replace=False).astype(np.int64)
    whole = np.concatenate((np.arange(people, dtype=np.int64), again))
    moved = np.concatenate((household, random.integers(0, homes, doubles)))
    adult = np.concatenate((age, age[again])) >= 18
    ids = _FIRST_ID + np.cumsum(random.integers(1, 12, count))
    order = np.argsort(np.concatenate((np.arange(people), random.integers(0, people, doubles))), kind="stable")
    return Members(
        member_id=ids,
        household=moved[order],
        given=given[whole][order],
        middle=middle[whole][order],
        family=family[whole][order],
        second_family=second[whole][order],
        suffix=suffix[whole][order],
        born=born[whole][order],
        ssn=ssn[whole][order],
        has_mail=(adult & (random.random(count) < 0.45))[order],
        deceased=deceased[whole][order],
        until=until[whole][order],
        head=_positions(order)[first_of_home],
        number=random.integers(1, 9900, homes),
        street=random.integers(0, len(_STREETS), homes),
        street_type=random.integers(0, len(_STREET_TYPES), homes),
        flat=np.where(random.random(homes) < 0.2, random.integers(1, 40, homes), 0),
        town=_often(len(_TOWNS), homes, random),
        code=random.integers(1, 100, homes),
        phone=np.where(random.random(homes) < 0.9, _phones(homes, random), 0),
        person=whole[order],
    )


def _positions(order: Numbers) -> Numbers:
    """Where each thing went when things were put into `order`."""
    positions = np.empty_like(order)
    positions[order] = np.arange(len(order))
    return positions


def _births(position: Numbers, head: Numbers, random: np.random.Generator) -> Numbers:
    """Days since 1970: heads of household 24 to 88 years old, spouses near them, children 20 to 40 years younger."""
    people = len(position)
    own = _AS_OF_DAYS - random.integers(24 * 365, 88 * 365, people)
    spouse = np.minimum(own[head] + random.integers(-2500, 2500, people), _AS_OF_DAYS - 21 * 365)
    child = own[head] + random.integers(20 * 365, 40 * 365, people)
    newest = _AS_OF_DAYS - random.integers(1, 18 * 365, people)
    born = np.where(position == 0, own, np.where(position == 1, spouse, np.where(child < _AS_OF_DAYS, child, newest)))
    # Where a birthday is not known, people are entered as born on 1 January.
    unknown = random.random(people) < 0.01
    year_start = born.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return np.where(unknown, year_start, born).astype(np.int64)


def _given_names(position: Numbers, head: Numbers, random: np.random.Generator) -> tuple[Numbers, Numbers]:
    people = len(position)
    female = random.random(people) < 0.51
    given = np.where(
        female, _often(len(_FEMALE), people, random), len(_FEMALE) + _often(len(_MALE), people, random)
    ).astype(np.int64)
    suffix = np.zeros(people, dtype=np.int64)
    junior = (position == 2) & ~female[head] & (random.random(people) < 0.05)
    given[junior] = given[head[junior]]
    suffix[junior] = _SUFFIXES.index("Jr")
    suffix[head[junior]] = _SUFFIXES.index("Sr")
    return given, suffix


def _twins(born: Numbers, given: Numbers, position: Numbers, random: np.random.Generator) -> None:
    twin = np.flatnonzero((position >= 3) & (random.random(len(position)) < 0.06))
    born[twin] = born[twin - 1]
    same = twin[given[twin] == given[twin - 1]]
    given[same] = (given[same] + 1) % len(GIVEN_NAMES)


def _namesakes(given: Numbers, family: Numbers, second: Numbers, born: Numbers, random: np.random.Generator) -> None:
    """Give a few people the full name of a stranger, and fewer his birth date too."""
    count = max(2, len(given) // 2500)
    two = random.choice(len(given), 2 * count, replace=False)
    one, other = two[:count], two[count:]
    given[other], family[other], second[other] = given[one], family[one], second[one]
    born[other[: count // 2]] = born[one[: count // 2]]


def _ssns(count: int, random: np.random.Generator) -> Numbers:
    """Different numbers; groups and serials of zeros were never given out (20 CFR 422.103)."""
    drawn = count + count // 10 + 100
    area = random.integers(_SSN_AREAS.start, _SSN_AREAS.stop, drawn)
    number = area * 1_000_000 + random.integers(1, 100, drawn) * 10_000 + random.integers(1, 10_000, drawn)
    number = np.setdiff1d(number, np.array(_PLACEHOLDERS))
    return random.permutation(number)[:count].astype(np.int64)


_HOMES_A_NUMBER = 6
"""Homes hold two or three persons; a number of more than 25 persons is nobody's (`matching.records.quality`)."""


def _phones(count: int, random: np.random.Generator) -> Numbers:
    """Area code and last two digits, or 0; 555-01 stands between (NANP: 555-0100 to 555-0199 are for fiction).

    These are few: where the draw gives a number to more homes than it must, those beyond get the least used ones, and
    none once all have enough. A number of too many people would belong to nobody.
    """
    places = random.integers(0, len(_AREA_CODES), count) * 100 + random.integers(0, 100, count)
    room = len(_AREA_CODES) * 100
    most = min(max(4, -(-count // room)), _HOMES_A_NUMBER)
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    beyond = order[np.arange(count) - np.searchsorted(ordered, ordered) >= most]
    left = most - np.minimum(np.bincount(places, minlength=room), most)
    spare = np.repeat(np.arange(room), left)
    places[beyond[: len(spare)]] = spare[: len(beyond)]
    dealt: Numbers = (_AREA_CODES[places // 100] * 100 + places % 100).astype(np.int64)
    dealt[beyond[len(spare) :]] = 0
    return dealt


def write_records(members: Members, path: Path, written: Callable[[int], None] | None = None) -> None:
    """The records as CSV (RFC 4180, UTF-8); `written` hears how many rows stand so far.

    Raises `FileExistsError` rather than write over anything.
    """
    with path.open("x", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for start in range(0, len(members), _AT_ONCE):
            rows = np.arange(start, min(start + _AT_ONCE, len(members)), dtype=np.int64)
            writer.writerows(members.rows(rows))
            if written:
                written(int(rows[-1]) + 1)
