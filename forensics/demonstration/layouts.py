"""The shapes in which members stand on the drive: one function a shape, from members to the bytes of a file.

Each shape has its own way to write a date, a number and a name, because each is one of the ways in which a search
misses people. `LAYOUTS` says which elements a shape shows; one that a member does not have is left blank.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np

from forensics.demonstration import documents
from forensics.demonstration.documents import SYNTHETIC
from forensics.demonstration.members import Member

LAYOUTS: dict[str, frozenset[str]] = {
    "csv": frozenset({"name", "birth_date", "ssn", "member_id", "address", "phone", "email"}),
    "xlsx": frozenset({"name", "birth_date", "ssn", "member_id"}),
    "zip": frozenset({"name", "birth_date", "ssn", "phone"}),
    "nested_zip": frozenset({"name", "birth_date", "member_id", "address"}),
    "report": frozenset({"name", "birth_date", "phone"}),
    "letter": frozenset({"name", "birth_date", "member_id", "address"}),
    "pdf": frozenset({"name", "birth_date", "member_id"}),
    "deleted": frozenset({"name", "birth_date", "ssn", "member_id"}),
    "unallocated": frozenset({"name", "birth_date", "ssn", "member_id", "phone"}),
    "slack": frozenset({"name", "birth_date", "ssn"}),
    "names_only": frozenset({"name"}),
}
"""Layout → the elements (cli.md's catalogue) that it shows of a member who has them."""

ENCRYPTED = "encrypted"
"""The layout that nobody can examine: its members are nobody's finding."""


def shown(layout: str, member: Member) -> frozenset[str]:
    """The elements of this member that the layout really shows."""
    held = {"ssn": member.ssn, "phone": member.phone, "email": member.email}
    return frozenset(element for element in LAYOUTS[layout] if held.get(element, "yes"))


def _digits(text: str) -> str:
    return text.replace("-", "")


def _us_date(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _padded_us_date(day: date) -> str:
    return f"{day.month:02}/{day.day:02}/{day.year}"


def _first_last(member: Member) -> str:
    return " ".join(part for part in (member.first_name, member.last_name, member.suffix) if part)


def _last_first(member: Member) -> str:
    initial = f" {member.middle_name[0]}." if member.middle_name else ""
    suffix = f" {member.suffix}" if member.suffix else ""
    return f"{member.last_name}{suffix}, {member.first_name}{initial}"


def _home(member: Member) -> str:
    return f"{member.address}, {member.city}, {member.state} {member.postal_code}"


def _csv_lines(rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    return stream.getvalue()


def _batches(members: Iterable[Member], size: int = 2_000) -> Iterator[list[Member]]:
    batch: list[Member] = []
    for member in members:
        batch.append(member)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


# -------------------------------------------------------------------------------------------------- with members

EXTRACT_COLUMNS = (
    "MEMBER_ID", "LAST_NAME", "FIRST_NAME", "MIDDLE_NAME", "SUFFIX", "BIRTH_DATE", "SEX", "SSN", "ADDRESS_LINE_1",
    "CITY", "STATE", "ZIP", "PHONE", "EMAIL", "DATA_CLASS",
)  # fmt: skip


def _extract_row(member: Member) -> tuple[str, ...]:
    return (
        member.member_id, member.last_name, member.first_name, member.middle_name, member.suffix, member.birth_date,
        member.sex, member.ssn, member.address, member.city, member.state, member.postal_code, member.phone,
        member.email, "SYNTHETIC",
    )  # fmt: skip


def extract(members: Iterable[Member]) -> Iterator[bytes]:
    """`csv`: a database export, ISO dates, SSNs as 3-2-4."""
    yield _csv_lines([EXTRACT_COLUMNS]).encode()
    for batch in _batches(members):
        yield _csv_lines(map(_extract_row, batch)).encode()


def dated_extract(members: Iterable[Member], month: str, random: np.random.Generator) -> Iterator[bytes]:
    """`csv` again: a monthly export with the columns of an enrolment system behind those of `extract`."""
    yield _csv_lines([EXTRACT_COLUMNS + _ENROLMENT_COLUMNS]).encode()
    for batch in _batches(members):
        numbers = random.integers(0, 1_000_000, (len(batch), 3)).tolist()
        yield _csv_lines(
            (*_extract_row(member), *_enrolment(month, a, b, c))
            for member, (a, b, c) in zip(batch, numbers, strict=True)
        ).encode()


_ENROLMENT_COLUMNS = (
    "EXTRACT_MONTH", "PLAN_CODE", "PLAN_NAME", "GROUP_NO", "EFFECTIVE_DATE", "COVERAGE_TIER", "PREMIUM_AMT",
    "DEDUCTIBLE_MET", "COPAY_PCP", "COPAY_ER", "NETWORK", "PCP_SITE", "LANGUAGE", "CONTACT_PREFERENCE", "BILLING_CYCLE",
    "LAST_UPDATED", "UPDATED_BY", "REMARKS",
)  # fmt: skip


def _enrolment(month: str, a: int, b: int, c: int) -> tuple[str, ...]:
    """Made-up values of `_ENROLMENT_COLUMNS` out of three numbers below a million."""
    metal = ("Bronze", "Silver", "Gold", "Platinum")[a % 4]
    return (
        month, f"HP-{a % 37:02}", f"{metal} Care PPO", f"G{a % 9000:05}", f"{month[:4]}-01-01",
        ("EMPLOYEE", "FAMILY", "CHILD")[b % 3], f"{b / 900:.2f}", f"{c / 500:.2f}", "25", "150",
        ("Statewide", "Regional", "National")[c % 3], f"Site {a % 400:03} Primary Care", "English",
        ("Mail", "Phone", "Portal")[b % 3], "Monthly", f"{month}-{1 + c % 28:02} 02:15:00", f"batch{c % 8}",
        "Synthetic record, no person",
    )  # fmt: skip


def workbook(members: Sequence[Member]) -> bytes:
    """`xlsx`: header in row 4 of the second sheet, SSNs as numbers, real dates."""
    rows: list[tuple[documents.Cell, ...]] = [
        ("Member list for review",), (SYNTHETIC,), (),
        ("Member ID", "Name", "SSN", "Date of Birth", "Plan"),
    ]  # fmt: skip
    rows += [
        (m.member_id, _last_first(m), int(_digits(m.ssn)) if m.ssn else None, m.born, "Silver Care PPO")
        for m in members
    ]
    summary: list[tuple[documents.Cell, ...]] = [(SYNTHETIC,), ("Sheet", "Rows"), ("Members", len(members))]
    return documents.workbook((("Summary", summary), ("Members", rows)))


def archived_extract(members: Iterable[Member]) -> bytes:
    """`zip`: SSNs with spaces, m/d/yyyy, ten-digit telephone numbers, accents decomposed as macOS writes them."""
    rows = [("SSN", "First Name", "Last Name", "DOB", "Phone", "Remark")]
    rows += [
        (m.ssn.replace("-", " "), m.first_name, m.last_name, _us_date(m.born), _digits(m.phone), "synthetic")
        for m in members
    ]
    return unicodedata.normalize("NFD", _csv_lines(rows)).encode()


def older_contacts(members: Iterable[Member]) -> bytes:
    """`nested_zip`: pipes between fields, yyyymmdd."""
    rows = [("ID", "NAME", "BIRTHDT", "HOME ADDRESS", "REMARK")]
    rows += [(m.member_id, _first_last(m), _digits(m.birth_date), _home(m), "synthetic") for m in members]
    return _csv_lines(rows, "|").encode()


def report(members: Iterable[Member]) -> bytes:
    """`report`: print output in UTF-16 with page headings, nobody's id."""
    lines: list[str] = []
    for page, batch in enumerate(_batches(members, 48), 1):
        lines += [f"ENROLLMENT REPORT  11 AUG 2016  PAGE {page}", SYNTHETIC, ""]
        lines += [f"{'MEMBER':<46}{'BORN':<14}TELEPHONE", "-" * 74]
        for m in batch:
            phone = f"({m.phone[:3]}) {m.phone[4:]}" if m.phone else ""
            lines.append(f"{_last_first(m):<46}{_padded_us_date(m.born):<14}{phone}".rstrip())
        lines.append("\f")
    return ("\ufeff" + "\r\n".join(lines)).encode("utf-16-le")


def letter(member: Member) -> bytes:
    """`letter`: a date in words, one member a document."""
    born = f"{member.born:%B} {member.born.day}, {member.born.year}"
    town = f"{member.city}, {member.state} {member.postal_code}"
    text = (
        f"Thank you for writing to us about your coverage. Your member number is {member.member_id}, and our "
        f"records show that you were born on {born}. If this is not right, please tell us."
    )
    whom = _first_last(member)
    return documents.letter(
        ("August 5, 2016", whom, member.address, town, "", f"Dear {whom},", text, "Sincerely,", "Member Services")
    )


def listing(members: Iterable[Member]) -> bytes:
    """`pdf`: a printed table, m/d/yyyy."""
    rows = [(_first_last(m), _us_date(m.born), m.member_id) for m in members]
    return documents.listing("Members without a signed form", (("Name", 54), ("Born", 300), ("Member", 400)), rows)


def deleted_extract(members: Iterable[Member]) -> bytes:
    """`deleted`: Latin-1, bare nine digits, mm/dd/yyyy."""
    rows = [("SSN", "MEMBER_ID", "LAST", "FIRST", "DOB", "REMARK")]
    rows += [
        (_digits(m.ssn), m.member_id, m.last_name, m.first_name, _padded_us_date(m.born), "synthetic") for m in members
    ]
    return _csv_lines(rows).encode("latin-1")


def fragment(members: Iterable[Member], before: Member, after: Member) -> bytes:
    """`unallocated`: what is left of a table; the first and the last row are cut."""
    rows = [
        (m.member_id, m.last_name, m.first_name, m.birth_date, m.ssn, m.phone, "synthetic")
        for m in (before, *members, after)
    ]
    text = _csv_lines(rows)
    cut = len(f"{before.member_id},{before.last_name}")
    return text[cut : -len(f",{after.ssn},{after.phone},synthetic\r\n")].encode()


def leftover(members: Iterable[Member]) -> bytes:
    """`slack`: whole rows behind the torn end of another."""
    rows = [(m.ssn, m.last_name, m.first_name, m.birth_date) for m in members]
    return ("etic\r\n" + _csv_lines(rows)).encode()


def names(members: Iterable[Member]) -> bytes:
    """`names_only`: nothing here tells one person of a name from another."""
    return "\r\n".join(["Cards to send (synthetic list)", *(f"- {_first_last(m)}" for m in members), ""]).encode()


# ----------------------------------------------------------------------------------------------- without members


def claims(rows: int, random: np.random.Generator) -> Iterator[bytes]:
    """Nine- and ten-digit numbers that are nobody's, with dates and amounts: what chance has to work with."""
    yield b"CLAIM_NO,ACCOUNT_NO,SERVICE_DATE,PROCEDURE,AMOUNT,DATA_CLASS\r\n"
    for start in range(0, rows, 20_000):
        count = min(20_000, rows - start)
        claim = random.integers(100_000_000, 1_000_000_000, count).tolist()
        account = random.integers(1_000_000_000, 10_000_000_000, count).tolist()
        days = np.datetime64("2012-01-01") + random.integers(0, 1680, count)
        amounts = random.integers(500, 900_000, count).tolist()
        yield "".join(
            f"{c},{a},{d},{10_000 + x % 89_999},{x / 100:.2f},SYNTHETIC\r\n"
            for c, a, d, x in zip(claim, account, np.datetime_as_string(days).tolist(), amounts, strict=True)
        ).encode()


def club(strangers: Iterable[tuple[str, str, date, str]]) -> bytes:
    """A list of people who are in no record: id, name, birth date, telephone number."""
    rows = [("Card No", "Name", "Born", "Phone", "Remark")]
    rows += [(number, name, _us_date(born), phone, "synthetic") for number, name, born, phone in strangers]
    return _csv_lines(rows).encode()
