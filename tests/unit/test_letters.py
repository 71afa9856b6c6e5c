"""Which letter goes to whom and where: an unclear address must never become a letter at the wrong door."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from forensics.examination import review
from forensics.examination.export import export
from forensics.examination.open_case import OpenCase
from forensics.exposure.letters import AddressKind, LetterCounts, Version, has_address, letter
from forensics.jobs.events import silent
from forensics.model import SourceRecord, Tier
from tests.unit.review_fixtures import ANNA, BEN, DREW, cheap_guesses, found_case

__all__ = ["cheap_guesses", "found_case"]

DAY = date(2026, 3, 1)
SSN = ("name", "ssn")


def with_extra(record: SourceRecord, **extra: str) -> SourceRecord:
    return replace(record, extra=extra)


def test_the_version_is_that_of_the_day_of_mailing() -> None:
    child = replace(ANNA, birth_date="2008-03-01")
    assert letter(child, SSN, date(2026, 2, 28)).version is Version.MINOR_SSN
    grown = letter(child, SSN, date(2026, 3, 1))
    assert (grown.version, grown.addressee) == (Version.ADULT_SSN, "Anna Marlowe")
    assert letter(child, ("name",), date(2026, 2, 28)).version is Version.MINOR
    assert letter(ANNA, ("name",), DAY).version is Version.ADULT


def test_parents_guardians_next_of_kin_and_representatives_are_addressed_as_such() -> None:
    assert letter(BEN, SSN, DAY).addressee == "To the parent or guardian of Ben Marlowe"
    guarded = with_extra(BEN, guardian_name="Gail Marlowe")
    assert letter(guarded, SSN, DAY).addressee == "Gail Marlowe, parent or guardian of Ben Marlowe"
    of_the_dead = letter(DREW, ("name",), DAY)
    assert of_the_dead.version is Version.DECEASED
    assert of_the_dead.addressee == "To the next of kin or personal representative of Drew Osei"
    assert letter(replace(DREW, birth_date="2015-01-01"), SSN, DAY).version is Version.DECEASED_SSN
    for told, expected in (("Pat Lee", "Pat Lee, personal representative of"), ("yes", "To the representative"),
                           ("no", "Anna Marlowe")):  # fmt: skip
        assert letter(with_extra(ANNA, personal_representative=told), SSN, DAY).addressee.startswith(expected)


@pytest.mark.parametrize(
    ("change", "kind", "lines"),
    [
        ({}, AddressKind.HOME, ("12 Elm St", "Hartford CT 06103")),
        ({"postal_code": ""}, AddressKind.HOME, ("12 Elm St", "Hartford CT")),
        ({"postal_code": "", "city": ""}, AddressKind.MISSING, ()),
        ({"address": ""}, AddressKind.MISSING, ()),
        ({"extra": {"confidential_address": "PO Box 7, Derby CT"}}, AddressKind.CONFIDENTIAL, ("PO Box 7, Derby CT",)),
        ({"extra": {"confidential_address": "Y"}}, AddressKind.ASK, ()),
        ({"extra": {"confidential_address": "no"}}, AddressKind.HOME, ("12 Elm St", "Hartford CT 06103")),
    ],
)
def test_who_asked_to_be_written_to_elsewhere_is_not_written_to_at_home(
    change: dict[str, object], kind: AddressKind, lines: tuple[str, ...]
) -> None:
    record = replace(ANNA, **change)  # type: ignore[arg-type]
    made = letter(record, SSN, DAY)
    assert (made.kind, made.lines) == (kind, lines)
    assert has_address(record) is (kind is not AddressKind.MISSING)


@pytest.mark.parametrize(("missing", "conspicuous"), [(9, False), (10, True)])
def test_next_of_kin_without_an_address_do_not_count_for_substitute_notice(missing: int, conspicuous: bool) -> None:
    counts = LetterCounts()
    records = [replace(ANNA, address="")] * missing + [replace(DREW, address="")] * 5 + [ANNA] * 3
    for record in records:
        counts.add(record, letter(record, SSN, DAY))
    assert (counts.substitute, counts.conspicuous) == (missing, conspicuous)
    assert counts.addresses[AddressKind.MISSING] == missing + 5
    assert counts.adds_up(len(records))
    assert not counts.adds_up(len(records) + 1)


def test_somebody_without_a_birth_date_is_written_to_as_an_adult_and_counted() -> None:
    counts = LetterCounts()
    made = letter(replace(ANNA, birth_date=""), SSN, DAY)
    counts.add(ANNA, made)
    assert (made.version, counts.age_unknown) == (Version.ADULT_SSN, 1)


def test_the_list_of_letters_says_how_many_there_are_of_each(found_case: OpenCase, tmp_path: Path) -> None:
    review.decide(found_case, decision="included", tiers=list(Tier), reason="whole rows")
    made = export(
        found_case, silent(), kind="notification", out=tmp_path / "n.csv", plain=True, mailing=date(2031, 1, 1)
    )
    rows = list(csv.DictReader(io.StringIO((tmp_path / "n.csv").read_text("utf-8"), newline="")))
    assert made["letters"] == len(rows) == sum(made["versions"].values()) == 4
    # Born in 2012, a minor at the time of the incident, of age when the letter goes out.
    (ben,) = (row for row in rows if row["record_key"] == "W2")
    assert (ben["version"], ben["minor"], ben["addressee"]) == ("adult with SSN", "false", "Ben Marlowe")
    assert made["versions"] == {"adult with SSN": 3, "deceased": 1}
    assert {row["address_kind"] for row in rows} == {"home"}
    assert found_case.ledger.events()[-1].data["versions"] == made["versions"]
