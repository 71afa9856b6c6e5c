"""Who counts as affected, and how sure: the rule as a table, and counts that add up for anybody."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import Defect
from forensics.exposure.assessment import Counts, Places, assessment
from forensics.exposure.estimate import Decoyed, Measured, measure
from forensics.exposure.strata import STRATA
from forensics.exposure.tiers import counting, exposure_of, is_minor, tier_of
from forensics.model import ELEMENTS, Evidence, Exposure, Kind, Region, SourceRecord, Tier

N, B, S, M = "name", "birth_date", "ssn", "member_id"
DECIDING = frozenset({N, B, S, M})


def at(
    agree: set[str], conflict: set[str] | None = None, more: set[str] | None = None, place: str = "E-001/vol2/a",
    region: Region = Region.LIVE, archived: bool = False,
) -> Evidence:  # fmt: skip
    elements = frozenset(agree | (conflict or set()) | (more or set()))
    return Evidence(place, 1, region, archived, elements, frozenset(agree), frozenset(conflict or ()), "table")


@pytest.mark.parametrize(
    ("agree", "conflict", "more", "tier"),
    [
        ({S, N}, set(), set(), Tier.CONFIRMED),
        ({S, B}, set(), set(), Tier.CONFIRMED),
        ({M, N}, set(), set(), Tier.CONFIRMED),
        ({M, B}, set(), set(), Tier.CONFIRMED),
        ({S, M, N, B}, set(), set(), Tier.CONFIRMED),
        # The same number with another birth date is somebody else until a person has looked.
        ({S, N}, {B}, set(), Tier.POSSIBLE),
        ({S, B}, {M}, set(), Tier.POSSIBLE),
        ({M, N}, {S}, {"address", "phone", "email"}, Tier.POSSIBLE),
        # Three of four outweigh the fourth.
        ({S, N, B}, {M}, set(), Tier.CONFIRMED),
        ({M, N, B}, {S}, set(), Tier.CONFIRMED),
        ({S, M, N}, {B}, set(), Tier.CONFIRMED),
        # A number alone confirms nobody, nor do two numbers, whatever stands beside them.
        ({S}, set(), set(), Tier.POSSIBLE),
        ({M}, set(), {"address", "phone", "email"}, Tier.POSSIBLE),
        ({S, M}, set(), {"address"}, Tier.POSSIBLE),
        ({S}, {B}, set(), Tier.POSSIBLE),
        # Without a number it is probable at best.
        ({N, B}, set(), set(), Tier.PROBABLE),
        ({N, B}, set(), {"address", "phone", "email"}, Tier.PROBABLE),
        ({N, B}, {S}, set(), Tier.POSSIBLE),
        ({N, B}, {M}, {"phone"}, Tier.PROBABLE),
        ({N, B}, {S, M}, {"address"}, Tier.PROBABLE),
        # A namesake, or somebody born on the same day, is nobody.
        ({N}, set(), {"address", "phone", "email"}, None),
        ({B}, set(), set(), None),
        (set(), {S}, {"address"}, None),
        (set(), set(), set(), None),
    ],
)
def test_the_tier_of_a_place(agree: set[str], conflict: set[str], more: set[str], tier: Tier | None) -> None:
    assert tier_of(at(agree, conflict, more)) is tier


subsets = st.sets(st.sampled_from(sorted(DECIDING)))


@given(subsets, subsets, st.sets(st.sampled_from(ELEMENTS)))
def test_no_number_alone_and_nobody_without_a_number_is_confirmed(
    agree: set[str], conflict: set[str], more: set[str]
) -> None:
    conflict -= agree
    tier = tier_of(at(agree, conflict, more))
    if tier is Tier.CONFIRMED:
        assert agree & {S, M}
        assert agree & {N, B}
        assert not conflict or len(agree) == 3
    if tier is Tier.PROBABLE:
        assert {N, B} <= agree
    # What contradicts can only lower a place, never lift it.
    order = [Tier.CONFIRMED, Tier.PROBABLE, Tier.POSSIBLE, None]
    assert order.index(tier) >= order.index(tier_of(at(agree, set(), more)))


def test_a_number_alone_adds_no_place_to_somebody_whom_a_row_shows() -> None:
    sure, alone = at({S, N}, place="a"), at({S}, more={"phone"}, place="b")
    also = at({N, B}, place="c")
    nobody = at({N}, place="d")
    assert counting([alone, sure, also, nobody]) == (1, [sure, also])
    assert counting([alone, nobody]) == (7, [alone])
    assert counting([nobody]) == (None, [])
    assert counting([]) == (None, [])


RECORD = SourceRecord("K1", "Maria", family_name="Ibanez", birth_date="2000-05-06", state="CT", deceased=True)


def test_a_place_counts_once_and_what_stands_there_is_added_up() -> None:
    evidence = [
        at({S, N}, place="E-001/vol2/b", more={"phone"}),
        at({S, B}, place="E-001/vol2/b"),
        at({S, N}, place="E-001/vol2/a!x", region=Region.DELETED, archived=True),
        at({S, N}, place="E-001/unallocated@0x10", region=Region.UNALLOCATED),
    ]
    person = exposure_of(RECORD, Tier.CONFIRMED, evidence, date(2016, 8, 15))
    assert person == Exposure(
        "K1", Tier.CONFIRMED, (B, N, "phone", S), 3, 1, 1, 1, 1, "E-001/unallocated@0x10", "CT", True, True, "pending"
    )


@pytest.mark.parametrize(
    ("born", "today", "minor"),
    [
        ("2000-05-06", date(2018, 5, 5), True),
        ("2000-05-06", date(2018, 5, 6), False),
        ("2000-05-06", date(2018, 5, 7), False),
        # Born on 29 February: of age with 1 March in a common year, with 29 February in a leap year.
        ("2000-02-29", date(2018, 2, 28), True),
        ("2000-02-29", date(2018, 3, 1), False),
        ("1992-02-29", date(2010, 2, 28), True),
        ("2006-02-28", date(2024, 2, 28), False),
        ("2006-03-01", date(2024, 2, 29), True),
        ("2018-05-06", date(2018, 5, 6), True),
        ("2019-01-01", date(2018, 5, 6), True),
        ("1900-01-02", date(2018, 5, 6), False),
        ("", date(2018, 5, 6), False),
    ],
)
def test_who_is_a_minor_on_that_day(born: str, today: date, minor: bool) -> None:
    assert is_minor(born, today) is minor


CONTRACT = {
    "source_records", "persons_after_merge", "floor", "estimate", "low", "high", "ceiling", "estimate_status", "tiers",
    "elements", "states", "minors", "deceased", "not_in_records", "not_examined",
}  # fmt: skip
"""The keys of `assess --json` (the command line's contract)."""

STRATUM_OF = {Tier.CONFIRMED: 0, Tier.PROBABLE: 4, Tier.POSSIBLE: 6}


def strata_with(found: dict[int, int]) -> list[Measured]:
    """Strata measured by decoys of which none was found."""
    numbers = [found.get(place, 0) for place in range(len(STRATA))]
    none = tuple((0,) * 20 for _ in STRATA)
    return measure(
        numbers,
        dict.fromkeys(Kind, numbers),
        {kind: Decoyed(1000, (1000,) * 20, none) for kind in Kind},
        bounds=[0.0] * len(STRATA),
    )


persons = st.builds(
    Exposure,
    record_key=st.text(max_size=3),
    tier=st.sampled_from(Tier),
    elements=st.lists(st.sampled_from(ELEMENTS), unique=True).map(tuple),
    places=st.just(1), live=st.just(1), deleted=st.just(0), unallocated=st.just(0), archived=st.just(0),
    first_place=st.just("E-001"), state=st.sampled_from(["", "CT", "NY", "TX"]), minor=st.booleans(),
    deceased=st.booleans(), review=st.just("pending"),
)  # fmt: skip
left_out = st.lists(st.tuples(st.integers(0, 1 << 40), st.sampled_from(["password protected", "damaged"])), max_size=5)


@given(st.lists(persons, max_size=30), left_out)
@settings(deadline=None)
def test_the_counts_add_up_for_any_persons(found: list[Exposure], not_examined: list[tuple[int, str]]) -> None:
    counts = Counts()
    for person in found:
        counts.add(STRATUM_OF[person.tier], person)
    strata = strata_with({STRATUM_OF[tier]: sum(p.tier is tier for p in found) for tier in Tier})
    result = assessment(
        counts, strata=strata, source_records=50, persons_after_merge=40, not_examined=iter(not_examined)
    )
    assert set(result) == CONTRACT | {"strata"}
    assert 0 <= result["floor"] <= result["low"] <= result["estimate"] <= result["high"] <= result["ceiling"]
    assert sum(stratum["found"] for stratum in result["strata"]) == len(found)
    sure = [person for person in found if person.tier is not Tier.POSSIBLE]
    assert list(result["tiers"]) == ["confirmed", "probable", "possible"]
    assert sum(result["tiers"].values()) == result["ceiling"] == len(found)
    assert result["tiers"]["confirmed"] + result["tiers"]["probable"] == sum(result["states"].values()) == len(sure)
    assert result["states"].get("unknown", 0) == sum(not person.state for person in sure)
    assert result["minors"] == sum(person.minor for person in sure)
    assert result["deceased"] == sum(person.deceased for person in sure)
    assert {element: count["n"] for element, count in result["elements"].items()} == {
        element: n for element in ELEMENTS if (n := sum(element in person.elements for person in sure))
    }
    assert list(result["elements"]) == [element for element in ELEMENTS if element in result["elements"]]
    assert result["not_examined"]["items"] == sum(result["not_examined"]["reasons"].values()) == len(not_examined)
    assert result["not_examined"]["bytes"] == sum(size for size, _ in not_examined)


def test_what_nobody_measured_is_said_and_left_open() -> None:
    """A person whom only a member id shows adds nothing to the low end and the estimate, and everything to the high."""
    counts = Counts()
    counts.add(8, exposure_of(RECORD, Tier.POSSIBLE, [at({M})], date(2016, 1, 1)))
    result = assessment(counts, strata=strata_with({8: 1}), source_records=1, persons_after_merge=1, not_examined=[])
    assert [result[name] for name in ("floor", "low", "estimate", "high", "ceiling")] == [0, 0, 0, 1, 1]
    assert "not measurable" in result["estimate_status"]
    assert "member id alone" in result["estimate_status"]
    assert result["not_in_records"] is None
    empty = assessment(Counts(), strata=strata_with({}), source_records=1, persons_after_merge=1, not_examined=[])
    assert (empty["ceiling"], empty["high"], empty["states"], empty["elements"]) == (0, 0, {}, {})


def test_sums_that_differ_are_a_defect_and_no_result() -> None:
    counts = Counts()
    counts.add(1, exposure_of(RECORD, Tier.CONFIRMED, [at({S, N})], date(2016, 1, 1)))
    with pytest.raises(Defect):
        assessment(counts, strata=strata_with({1: 2}), source_records=1, persons_after_merge=1, not_examined=[])
    counts.states["NY"] += 1
    with pytest.raises(Defect):
        assessment(counts, strata=strata_with({1: 1}), source_records=1, persons_after_merge=1, not_examined=[])


def test_a_place_that_shows_many_persons_is_one_place() -> None:
    places = Places()
    for _ in range(3):
        places.add(0, [at({S, N}, place="x"), at({S, N}, place="y", region=Region.UNALLOCATED)])
    places.add(1, [at({S, N}, place="z", archived=True), at({S, N}, place="x")])
    places.add(4, [at({N, B}, place="w")])
    counted: dict[str, Any] = places.counts([0, 1])
    assert counted == {"total": 3, "live": 2, "deleted": 0, "unallocated": 1, "archived": 1}
