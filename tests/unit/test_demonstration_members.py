"""The made-up members: like a health plan's, and nobody's."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forensics.demonstration.members import AS_OF, COLUMNS, Member, Members, _phones, make_members, write_records

COUNT = 6_000


def members_of(seed: int) -> Members:
    return make_members(COUNT, np.random.Generator(np.random.PCG64(seed)))


@pytest.fixture(scope="module")
def members() -> Members:
    return members_of(2016)


@pytest.fixture(scope="module")
def rows(members: Members) -> list[Member]:
    return list(members.rows())


def test_the_file_has_a_header_of_realistic_names_and_one_row_a_record(members: Members, tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    heard: list[int] = []
    write_records(members, path, heard.append)
    with path.open(encoding="utf-8", newline="") as stream:
        header, *body = csv.reader(stream)
    assert tuple(header) == COLUMNS
    assert [tuple(row) for row in body] == [tuple(member) for member in members.rows()]
    assert heard[-1] == COUNT
    with pytest.raises(FileExistsError):
        write_records(members, path)


def test_one_member_is_the_same_whether_asked_alone_or_among_all(members: Members, rows: list[Member]) -> None:
    assert [members[row] for row in (0, 77, COUNT - 1)] == [rows[0], rows[77], rows[-1]]
    assert members.key(77) == rows[77].member_id


def test_another_seed_makes_other_people(rows: list[Member]) -> None:
    assert list(members_of(2016).rows()) == rows
    assert list(members_of(2017).rows()) != rows


def test_no_social_security_number_was_given_out_before_areas_were_random(rows: list[Member]) -> None:
    for ssn in (member.ssn for member in rows if member.ssn):
        area, group, serial = ssn.split("-")
        assert 773 <= int(area) <= 899
        assert (len(group), len(serial)) == (2, 4)
        assert group != "00"
        assert serial != "0000"


@pytest.mark.parametrize("homes", [1_000, 400_000, 3_000_000])
def test_no_telephone_number_belongs_to_too_many_homes(homes: int) -> None:
    """With more than 25 persons a number is nobody's (`records.quality`), and the truth of the drive would be wrong."""
    numbers = _phones(homes, np.random.default_rng(1))
    used = numbers[numbers > 0]
    assert np.unique(used, return_counts=True)[1].max() <= 6
    assert len(used) == min(homes, 6 * 71_100)


def test_telephone_numbers_and_mail_addresses_reach_nobody(rows: list[Member]) -> None:
    assert all(member.phone[3:10] == "-555-01" and len(member.phone) == 12 for member in rows if member.phone)
    reserved = ("@example.com", "@example.net", "@example.org", ".example", ".invalid")
    assert all(member.email.endswith(reserved) and member.email.isascii() for member in rows if member.email)


def test_numbers_belong_to_one_person(members: Members, rows: list[Member]) -> None:
    assert len({member.member_id for member in rows}) == COUNT
    owners = defaultdict(set)
    for person, member in zip(members.person.tolist(), rows, strict=True):
        if member.ssn:
            owners[member.ssn].add(person)
    assert all(len(persons) == 1 for persons in owners.values())


def test_about_a_third_have_no_social_security_number(rows: list[Member]) -> None:
    assert 0.28 < sum(not member.ssn for member in rows) / COUNT < 0.40


def test_ids_have_gaps_and_one_shape(rows: list[Member]) -> None:
    numbers = [int(member.member_id[1:]) for member in rows]
    assert all(member.member_id[0] == "W" and len(member.member_id) == 10 for member in rows)
    assert numbers == sorted(numbers)
    assert numbers[-1] - numbers[0] > 3 * COUNT


def test_the_difficult_people_are_there(members: Members, rows: list[Member]) -> None:
    homes = defaultdict(list)
    for house, member in zip(members.household.tolist(), rows, strict=True):
        homes[house].append(member)
    families = [home for home in homes.values() if len(home) > 2]
    assert len(families) > COUNT / 10
    assert all(len({(m.address, m.phone, m.postal_code) for m in home}) == 1 for home in families)

    twins = [
        (one, two) for home in families for one in home for two in home
        if one.birth_date == two.birth_date and one.last_name == two.last_name and one.first_name < two.first_name
    ]  # fmt: skip
    assert len(twins) > 5
    assert {"Jr", "Sr"} <= {member.suffix for member in rows}
    full_names = Counter((member.first_name, member.last_name) for member in rows)
    assert full_names.most_common(1)[0][1] > 2
    names = [member.last_name for member in rows]
    assert any("'" in name for name in names)
    assert any("-" in name for name in names)
    assert any(" " in name for name in names)
    assert any(not name.isascii() for name in names)
    assert all(name.encode("latin-1") for name in names)  # the PDF's and the Latin-1 file's limit
    assert any(member.postal_code.startswith("0") for member in rows)
    assert any(member.deceased == "Y" for member in rows)
    assert any(member.member_until for member in rows)


def test_a_person_entered_twice_keeps_name_birth_date_and_number(members: Members, rows: list[Member]) -> None:
    records = defaultdict(list)
    for person, member in zip(members.person.tolist(), rows, strict=True):
        records[person].append(member)
    twice = [group for group in records.values() if len(group) > 1]
    assert len(twice) == COUNT // 1000
    for one, two in twice:
        assert one.member_id != two.member_id
        assert (one.first_name, one.last_name, one.birth_date, one.ssn) == (
            two.first_name, two.last_name, two.birth_date, two.ssn,
        )  # fmt: skip


def test_two_persons_of_one_name_and_birth_date_exist(members: Members, rows: list[Member]) -> None:
    persons = defaultdict(set)
    for person, member in zip(members.person.tolist(), rows, strict=True):
        persons[member.first_name, member.last_name, member.birth_date].add(person)
    assert any(len(group) > 1 for group in persons.values())


def test_minors_have_a_guardian_and_nobody_is_born_after_the_records(rows: list[Member]) -> None:
    for member in rows:
        assert date(1900, 1, 1) < member.born < AS_OF
        years = (AS_OF - member.born).days / 365.25
        if abs(years - 18) > 0.01:
            assert bool(member.guardian_name) == (years < 18)
