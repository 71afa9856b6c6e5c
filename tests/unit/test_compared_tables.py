"""What one worker says of a piece of a table: evidence and decoys row by row, as plain values."""

from __future__ import annotations

import pickle

import numpy as np
from labelled.population import Plan, make_population

from forensics.examination.units import compare_piece
from forensics.jobs.answers import read_answer
from forensics.matching.chance import decode, shifts
from forensics.matching.index import RecordIndex
from forensics.model import Moved, Piece, SourceRecord, Unit

PEOPLE = [p for p in make_population(11, Plan(people=400, special=False, concentrated=0)).snapshot if p.ssn]
MEMBERS, STRANGERS = PEOPLE[:120], PEOPLE[120:150]
INDEX = RecordIndex.build(
    (n, SourceRecord(p.key, p.given, "", p.family, birth_date=p.birth.isoformat(), ssn=p.ssn, member_id=p.member_id))
    for n, p in enumerate(MEMBERS, 1)
)

NAMED = Moved.NAME_AND_BIRTH_DATE


def table(*lines: str) -> tuple[Piece, bytes]:
    members = [f'{p.ssn},"{p.family}, {p.given}",{p.birth.isoformat()}' for p in MEMBERS]
    strangers = [f'{p.ssn},"{p.family}, {p.given}",{p.birth.isoformat()}' for p in STRANGERS]
    data = "\n".join(["number,name,born", *members, *strangers, *lines, ""]).encode()
    return Piece((), Unit.ROW, True, 1, 0, len(data), "utf-8", ","), data


def test_a_worker_says_of_a_table_nothing_but_plain_values() -> None:
    compared = compare_piece(*table(), 0, INDEX)
    assert read_answer(pickle.dumps(compared)) == compared
    assert compared.seen.unmatched is not None
    numbers, persons = (np.frombuffer(part, "<u8") for part in compared.seen.unmatched)
    # The header is row 1.
    assert numbers.tolist() == [2 + len(MEMBERS) + n for n in range(len(STRANGERS))]
    assert len(set(persons.tolist())) == len(STRANGERS)
    assert {one.record for one in compared.located if len(one.agree) > 1} == set(range(1, len(MEMBERS) + 1))


def test_a_decoy_counts_with_what_agrees_in_its_row_alone() -> None:
    moved = f"{(int(MEMBERS[0].ssn) + shifts(10**9)[4]) % 10**9:09}"
    name = f'"{MEMBERS[0].family}, {MEMBERS[0].given}"'
    alone, beside = (
        compare_piece(*table(*lines), 0, INDEX).decoys
        for lines in ([f"{moved},x,", f",{name},"], [f'{moved},"x\n{name[1:]},'])
    )
    told = [
        {hit.elements for hit in map(decode, codes) if (hit.kind, hit.seed, hit.record) == (Moved.SSN, 4, 1)}
        for codes in (alone, beside)
    ]
    assert told == [{frozenset({"ssn"})}, {frozenset({"ssn", "name"})}], "a quoted line break ends no row"


def test_who_a_row_shows_by_two_fields_is_no_decoy_of_a_name_there() -> None:
    number, member = next((n, p) for n, p in enumerate(MEMBERS, 1) if p.birth.day <= 28)
    row = f'"{member.family}, {member.given}",{member.birth.replace(year=member.birth.year + 2)}'
    shown, nobody = (
        {decode(code).record for code in compare_piece(*table(line), 0, INDEX).decoys if decode(code).kind is NAMED}
        for line in (f"{member.ssn},{row}", f",{row}")
    )
    assert number in nobody
    assert number not in shown
