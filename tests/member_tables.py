"""Members as the rows of a table, for drives whose volumes are what is tested."""

from __future__ import annotations

import csv
import io

from forensics.demonstration.members import Member


def row(one: Member) -> list[str]:
    return [one.member_id, one.first_name, one.last_name, one.birth_date, one.ssn]


def table(members: list[Member]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["Member ID", "First Name", "Last Name", "DOB", "SSN"], *map(row, members)])
    return out.getvalue().encode()
