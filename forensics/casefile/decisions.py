"""Decisions about persons, blind samples and reveals: written once, never changed, and never lost to a new assessment.

A decision is a row; undoing it is another row that names it. What counts for a person is the newest row.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select, update

from forensics.casefile import schema

PENDING, INCLUDED, EXCLUDED = "pending", "included", "excluded"

QUEUE = {"possible": 0, "probable": 1, "confirmed": 2}
"""Weak tiers are reviewed before strong ones, and persons with a conflict before everybody without."""

_PAGE = 500
"""Keys in one question: SQLite takes 32,766 parameters, and more than a page is not faster."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One act: the rows it added, how many persons changed, and the seal over those rows."""

    act: int
    rows: int
    first: int
    last: int
    seal: str


def now() -> str:
    """This instant, ISO 8601 in UTC to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def apply(connection: Connection) -> None:
    """Put the newest decisions, the conflicts and the order of review beside the persons, after they were written."""
    x, e, d = schema.exposure, schema.evidence, schema.decision
    conflicts = select(func.count()).where(e.c.record == x.c.record, e.c.conflict != 0).scalar_subquery()
    newest = select(d.c.decision).where(d.c.record_key == x.c.record_key).order_by(d.c.id.desc()).limit(1)
    connection.execute(update(x).values(conflicts=conflicts, review=func.coalesce(newest.scalar_subquery(), PENDING)))
    connection.execute(
        update(x).values(queue=case(QUEUE, value=x.c.tier) + case((x.c.conflicts > 0, 0), else_=len(QUEUE)))
    )


def add(
    connection: Connection, key: bytes, decisions: Iterable[tuple[str, str, int | None]], reason: str, who: str
) -> Decided:
    """Add one act of (record key, decision, row it takes back) and put it beside the persons. `key` makes the seal."""
    d, x = schema.decision, schema.exposure
    act = 1 + int(connection.scalar(select(func.coalesce(func.max(d.c.act), 0))) or 0)
    first = 1 + int(connection.scalar(select(func.coalesce(func.max(d.c.id), 0))) or 0)
    utc = now()
    rows: list[dict[str, Any]] = [
        {
            "id": number, "act": act, "record_key": record_key, "decision": decision, "reason": reason, "who": who,
            "utc": utc, "undoes": undoes,
        }
        for number, (record_key, decision, undoes) in enumerate(decisions, first)
    ]  # fmt: skip
    if rows:
        connection.execute(d.insert(), rows)
    by_decision: dict[str, list[str]] = {}
    for row in rows:
        by_decision.setdefault(row["decision"], []).append(row["record_key"])
    for decision, keys in by_decision.items():
        for page in _pages(keys):
            connection.execute(update(x).where(x.c.record_key.in_(page)).values(review=decision))
    return Decided(act, len(rows), first, first + len(rows) - 1, seal(key, rows))


def seal(key: bytes, rows: Sequence[dict[str, Any]]) -> str:
    """HMAC-SHA256 (RFC 2104) over the rows in canonical JSON, under the key of the case.

    A plain digest would not do in the ledger: record keys may be id numbers, and a billion of those are tried in
    minutes. Under the case's key the ledger holds nothing of a person, and whoever can open the case can check that
    no decision was changed after it was made.
    """
    text = json.dumps(list(rows), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.new(key, b"drivecustody decisions\n" + text.encode("ascii"), hashlib.sha256).hexdigest()


def seal_of_act(connection: Connection, key: bytes, act: int) -> str:
    """The seal over the rows of one act as they stand now."""
    d = schema.decision
    rows = connection.execute(select(d).where(d.c.act == act).order_by(d.c.id))
    return seal(key, [dict(row._mapping) for row in rows])


# ---------------------------------------------------------------------------------------------------------------- undo


def standing(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Of these keys, those with a decision that was not taken back: its row, and what it said."""
    d = schema.decision
    found: dict[str, tuple[int, str]] = {}
    taken_back = select(d.c.undoes).where(d.c.undoes.is_not(None))
    for page in _pages(keys):
        query = select(d.c.id, d.c.record_key, d.c.decision).where(
            d.c.record_key.in_(page), d.c.undoes.is_(None), d.c.id.not_in(taken_back)
        )
        for row in connection.execute(query.order_by(d.c.id)):
            found[row.record_key] = (row.id, row.decision)
    return found


def before(connection: Connection, record_key: str, row: int) -> str:
    """What counted for this person before that row, leaving out what was taken back since."""
    d = schema.decision
    taken_back = select(d.c.undoes).where(d.c.undoes.is_not(None))
    earlier = connection.scalar(
        select(d.c.decision)
        .where(d.c.record_key == record_key, d.c.id < row, d.c.undoes.is_(None), d.c.id.not_in(taken_back))
        .order_by(d.c.id.desc())
        .limit(1)
    )
    return earlier or PENDING


def newest_act(connection: Connection) -> int | None:
    """The number of the newest act of which anything still stands, or None."""
    d = schema.decision
    number = connection.scalar(select(func.max(d.c.act)).where(*_still_standing()))
    return None if number is None else int(number)


def keys_of_act(connection: Connection, act: int | None) -> list[str]:
    """The record keys of an act about which it still stands; empty for None."""
    d = schema.decision
    query = select(d.c.record_key).where(d.c.act == act, *_still_standing()).order_by(d.c.id)
    return [] if act is None else list(connection.scalars(query))


def _still_standing() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    d = schema.decision
    return d.c.undoes.is_(None), d.c.id.not_in(select(d.c.undoes).where(d.c.undoes.is_not(None)))


# ----------------------------------------------------------------------------------------------------------- the rest


def add_reveal(connection: Connection, record_key: str, what: str, reason: str, who: str) -> int:
    """Note who is about to see whose values; returns the number of the row."""
    row = {"record_key": record_key, "what": what, "reason": reason, "who": who, "utc": now()}
    return int(connection.execute(schema.reveal.insert().values(row).returning(schema.reveal.c.id)).scalar_one())


@dataclass(frozen=True, slots=True)
class DrawnItem:
    """One question of a blind sample: does this place show this record's person?"""

    record_key: str
    locator: str
    stratum: str
    tier: str
    catch_row: bool


def add_sample(
    connection: Connection, seed: int, population: int, assessment_sha256: str, items: Iterable[DrawnItem]
) -> int:
    """Write a sample in the order in which it will be shown; returns its number."""
    row = {"utc": now(), "seed": seed, "population": population, "assessment_sha256": assessment_sha256}
    table = schema.review_sample
    number = int(connection.execute(table.insert().values(row).returning(table.c.id)).scalar_one())
    connection.execute(
        schema.sample_item.insert(),
        [
            {
                "sample_id": number, "record_key": item.record_key, "locator": item.locator,
                "stratum": item.stratum, "tier": item.tier, "catch_row": item.catch_row,
            }
            for item in items
        ],
    )  # fmt: skip
    return number


def add_answer(connection: Connection, item: int, reviewer: str, answer: str) -> None:
    row = {"item_id": item, "reviewer": reviewer, "answer": answer, "utc": now()}
    connection.execute(schema.sample_answer.insert(), [row])


def close_sample(connection: Connection, sample: int) -> None:
    """From now on the sample takes no answers."""
    table = schema.review_sample
    connection.execute(update(table).where(table.c.id == sample, table.c.closed == "").values(closed=now()))


def seal_of_sample(connection: Connection, key: bytes, sample: int, answers: bool = True) -> str:
    """The seal over a sample's items, and over the answers to them where they are wanted, as they stand now."""
    i, a = schema.sample_item, schema.sample_answer
    items = connection.execute(select(i).where(i.c.sample_id == sample).order_by(i.c.id))
    rows = [dict(row._mapping) for row in items]
    if answers:
        given = connection.execute(
            select(a).join(i, i.c.id == a.c.item_id).where(i.c.sample_id == sample).order_by(a.c.id)
        )
        rows += [dict(row._mapping) for row in given]
    return seal(key, rows)


def _pages(keys: Sequence[str]) -> Iterable[Sequence[str]]:
    for at in range(0, len(keys), _PAGE):
        yield keys[at : at + _PAGE]
