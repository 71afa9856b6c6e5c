"""From a table to links: what find_in_rows leaves over is read by the table's own layout and linked with a reason."""

from __future__ import annotations

import numpy as np
import pytest

from forensics.demonstration.members import Member, make_members
from forensics.matching.index import FIELDS, RecordIndex
from forensics.matching.linkage import Linker
from forensics.matching.tables import find_in_rows
from forensics.matching.unlinked import LEAST_ROWS, unlinked_rows
from forensics.model import SourceRecord


def _record(member: Member) -> SourceRecord:
    return SourceRecord(
        record_key=member.member_id,
        given_name=member.first_name,
        family_name=member.last_name,
        birth_date=member.birth_date,
        ssn=member.ssn.replace("-", ""),
        member_id=member.member_id,
        address=member.address,
        phone="".join(filter(str.isdigit, member.phone))[-10:],
    )


_members = make_members(400, np.random.default_rng(21))
RECORDS = [_record(one) for one in {(one.first_name, one.last_name, one.birth_date): one for one in _members}.values()]
INDEX = RecordIndex.build(enumerate(RECORDS, 1))
LINKER = Linker((number, {name: getattr(one, name) for name in FIELDS}) for number, one in enumerate(RECORDS, 1))
LETTERS = "bcdfghklmnprstvwxz"


def _typo(word: str) -> str:
    """Another letter in the place of the third."""
    letter = LETTERS[(LETTERS.find(word[2]) + 1) % len(LETTERS)]
    return word[:2] + letter + word[3:]


def _apart(one: SourceRecord, given: str, day: str) -> list[str]:
    return [given, one.family_name, f"{day[5:7]}/{day[8:]}/{day[:4]}", one.address, one.phone]


def _together(one: SourceRecord, given: str, day: str) -> list[str]:
    return [f"{one.family_name}, {given}", f"{day[5:7]}/{day[8:]}/{day[:4]}", one.address, one.phone]


@pytest.mark.parametrize("written", [_apart, _together])
def test_a_misspelled_row_of_a_known_table_is_linked(written) -> None:
    exact = [written(one, one.given_name, one.birth_date) for one in RECORDS[:200]]
    marred = [one for one in RECORDS[200:300] if len(one.given_name) > 3]
    rows = exact + [written(one, _typo(one.given_name), one.birth_date) for one in marred]
    found = find_in_rows(rows, None, INDEX)
    shown = {one.row for one in found}
    left = unlinked_rows(rows, found, INDEX)
    assert not shown & {number for number, _ in left}
    assert len(left) >= 0.9 * len(marred)
    links = LINKER.link([fields for _, fields in left])
    at = {link.row: link for link in links}
    right = {200 + n: RECORDS.index(one) + 1 for n, one in enumerate(marred)}
    assert len(links) >= 0.95 * len(left)
    assert all(link.record == right[left[row][0]] for row, link in at.items())
    assert all("given name one letter differs (" in link.explained() for link in links)


def test_a_table_that_shows_nobody_is_not_read() -> None:
    rows = [_apart(one, _typo(one.given_name), one.birth_date) for one in RECORDS if len(one.given_name) > 3]
    assert unlinked_rows(rows, find_in_rows(rows, None, INDEX), INDEX) == []


def test_rows_that_could_be_anybodys_are_left_out() -> None:
    rows = [_apart(one, one.given_name, one.birth_date) for one in RECORDS[: 3 * LEAST_ROWS]]
    rows += [["Zoltan", "Quimby", "", "", ""], ["", "", "04/09/1961", "418 Larkspur Lane", "5595550137"], ["x"], []]
    rows += [["Zoltan", "Quimby", "04/09/1961", "", ""]]
    left = unlinked_rows(rows, find_in_rows(rows, None, INDEX), INDEX)
    assert left == [(len(rows) - 1, {"given_name": "Zoltan", "family_name": "Quimby", "birth_date": "1961-04-09"})]
