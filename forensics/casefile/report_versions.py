"""Who was counted in each report that was made, so that a later one can say who was added, who removed, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import Connection, Engine, func, select

from forensics.casefile import schema
from forensics.casefile.decisions import EXCLUDED
from forensics.casefile.rows import unpack_elements

_SURE = ("confirmed", "probable")


@dataclass(frozen=True, slots=True)
class Counted:
    """One person as a report saw them. `elements` sorted; `review` as it stood then."""

    tier: str
    elements: tuple[str, ...]
    review: str

    @property
    def counts(self) -> bool:
        """Whether the report counted this person among those to be told: confirmed or probable, or included, and not
        excluded."""
        return self.review != EXCLUDED and (self.tier in _SURE or self.review == "included")


@dataclass(frozen=True, slots=True)
class ReportVersion:
    """A report that was made. `counts` are its persons by tier and review."""

    number: int
    report_id: str
    utc: str
    signed: bool
    result_sha256: str
    counts: dict[str, Any]


def keep(connection: Connection, number: int, report_id: str, utc: str, signed: bool, result_sha256: str) -> None:
    """Keep the persons as they stand now under the number of the report that prints them."""
    x = schema.exposure
    query = select(x.c.record_key, x.c.tier, x.c.elements, x.c.review).order_by(x.c.record_key, x.c.record)
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    packed, counts = [], {"tiers": dict.fromkeys(("confirmed", "probable", "possible"), 0), "review": {}}
    for row in connection.execute(query):
        counts["tiers"][row.tier] += 1
        counts["review"][row.review] = counts["review"].get(row.review, 0) + 1
        packed.append(packer.compress((json.dumps(list(row), ensure_ascii=True) + "\n").encode("ascii")))
    packed.append(packer.flush())
    values = {
        "number": number, "report_id": report_id, "utc": utc, "signed": signed, "result_sha256": result_sha256,
        "counts": json.dumps(counts), "persons": b"".join(packed),
    }  # fmt: skip
    connection.execute(schema.report_version.insert(), [values])


def next_number(engine: Engine) -> int:
    with engine.connect() as connection:
        return 1 + int(connection.scalar(select(func.coalesce(func.max(schema.report_version.c.number), 0))) or 0)


def versions(engine: Engine) -> list[ReportVersion]:
    """All reports made, oldest first."""
    t = schema.report_version
    columns = (t.c.number, t.c.report_id, t.c.utc, t.c.signed, t.c.result_sha256, t.c.counts)
    with engine.connect() as connection:
        rows = connection.execute(select(*columns).order_by(t.c.number)).all()
    return [ReportVersion(*row[:5], json.loads(row.counts)) for row in rows]


def persons_of(engine: Engine, number: int) -> dict[str, Counted]:
    """Record key → the person as that report saw them; empty for a report that there is none of."""
    t = schema.report_version
    with engine.connect() as connection:
        packed = connection.scalar(select(t.c.persons).where(t.c.number == number))
    return dict(_unpacked(packed)) if packed else {}


def _unpacked(packed: bytes) -> Iterator[tuple[str, Counted]]:
    text = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    for line in text.splitlines():
        key, tier, elements, review = json.loads(line)
        yield key, Counted(tier, tuple(sorted(unpack_elements(elements))), review)


def persons_now(engine: Engine) -> dict[str, Counted]:
    """Record key → the person as the case has them now."""
    x = schema.exposure
    with engine.connect() as connection:
        rows = connection.execute(select(x.c.record_key, x.c.tier, x.c.elements, x.c.review).order_by(x.c.record))
        return {row[0]: Counted(row[1], tuple(sorted(unpack_elements(row[2]))), row[3]) for row in rows}


def newest_reasons(engine: Engine) -> dict[str, str]:
    """Record key → the reason of the newest decision about it."""
    d = schema.decision
    with engine.connect() as connection:
        rows = connection.execute(select(d.c.record_key, d.c.reason).order_by(d.c.id))
        return {row.record_key: row.reason for row in rows}
