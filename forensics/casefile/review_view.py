"""What people read of the review: the queue, why each person is in it, what was decided, and the blind samples."""

from __future__ import annotations

import array
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from forensics.casefile import masking, schema
from forensics.casefile.rows import read_evidence, read_source_record, unpack_elements
from forensics.model import Evidence, Tier

REVIEWS = ("pending", "included", "excluded")


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One person in the queue of review. No values: only what was found, where, and what was decided."""

    record: int
    record_key: str
    tier: Tier
    elements: tuple[str, ...]
    places: int
    conflicts: int
    review: str
    first_place: str


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One decision as it was made; `undoes` is the number of the row it takes back, or None."""

    id: int
    act: int
    decision: str
    reason: str
    who: str
    utc: str
    undoes: int | None


@dataclass(frozen=True, slots=True)
class Act:
    """What was decided at one stroke, as far as it still stands: how many persons, when, by whom."""

    act: int
    decision: str
    persons: int
    who: str
    utc: str


@dataclass(frozen=True, slots=True)
class SampleItem:
    """One question of a blind sample. What it is (a person's place or a catch-row) is not here on purpose."""

    id: int
    sample: int
    record_key: str
    locator: str


@dataclass(frozen=True, slots=True)
class SampleAnswer:
    """The newest answer of one reviewer to one item; only results may look at `catch_row`."""

    item: int
    catch_row: bool
    stratum: str
    tier: Tier
    reviewer: str
    answer: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A blind sample. `population` counts the persons confirmed or probable when it was drawn, `closed` is empty while
    it takes answers, and `assessment_sha256` names the result that it was drawn from."""

    id: int
    utc: str
    seed: int
    population: int
    assessment_sha256: str
    items: int
    catch_rows: int
    closed: str


class ReviewView(ABC):
    """The part of a case's view that is about review; the view itself knows how to ask."""

    @abstractmethod
    def _rows(self, query: Select[Any]) -> Sequence[Any]: ...

    @abstractmethod
    def _numbers(self, query: Select[Any]) -> array.array[int]: ...

    # ------------------------------------------------------------------------------------------------------- queue

    def queue_ids(
        self, tiers: Sequence[Tier] = tuple(Tier), review: str = "", conflicts: bool = False, text: str = ""
    ) -> array.array[int]:
        """Record numbers in the order of review: conflicts first, then weak tiers before strong ones, then by key.

        `review` is one of `REVIEWS` or empty for all. Raises `ValueError` for another word.
        """
        if review and review not in REVIEWS:
            raise ValueError(f"no such state of review: {review}")
        t = schema.exposure
        query = select(t.c.record).where(t.c.tier.in_([str(tier) for tier in tiers]))
        if review:
            query = query.where(t.c.review == review)
        if conflicts:
            query = query.where(t.c.conflicts > 0)
        if text:
            pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            query = query.where(t.c.record_key.like(pattern, escape="\\"))
        return self._numbers(query.order_by(t.c.queue, t.c.record_key))

    def queue(self, records: Sequence[int]) -> dict[int, QueueRow]:
        """The rows of the queue with these record numbers."""
        t = schema.exposure
        return {
            r.record: QueueRow(
                r.record, r.record_key, Tier(r.tier), tuple(sorted(unpack_elements(r.elements))), r.places, r.conflicts,
                r.review, r.first_place,
            )
            for r in self._rows(select(t).where(t.c.record.in_(list(records))))
        }  # fmt: skip

    def review_counts(self) -> dict[str, dict[str, int]]:
        """Review state → tier → persons; every state and tier is there."""
        t = schema.exposure
        counts = {state: {str(tier): 0 for tier in Tier} for state in REVIEWS}
        for row in self._rows(select(t.c.review, t.c.tier, func.count().label("n")).group_by(t.c.review, t.c.tier)):
            counts[row.review][row.tier] = row.n
        return counts

    def conflicts_pending(self) -> dict[str, int]:
        """Tier → persons who are pending and at whose places a field differs; every tier is there."""
        t = schema.exposure
        query = select(t.c.tier, func.count()).where(t.c.conflicts > 0, t.c.review == "pending").group_by(t.c.tier)
        return {str(tier): 0 for tier in Tier} | {row[0]: int(row[1]) for row in self._rows(query)}

    def newest_act(self) -> Act | None:
        """The newest act of which anything still stands: what an undo takes back. None where nothing stands."""
        d = schema.decision
        standing = (d.c.undoes.is_(None), d.c.id.not_in(select(d.c.undoes).where(d.c.undoes.is_not(None))))
        newest = select(func.max(d.c.act)).where(*standing).scalar_subquery()
        columns = (d.c.act, func.min(d.c.decision), func.count(), func.min(d.c.who), func.min(d.c.utc))
        rows = self._rows(select(*columns).where(d.c.act == newest, *standing).group_by(d.c.act))
        return Act(*rows[0]) if rows else None

    # ------------------------------------------------------------------------------------------------------ persons

    def record_number(self, record_key: str) -> int | None:
        """The number of the exposed person with this key, or None where nobody exposed has it."""
        t = schema.exposure
        rows = self._rows(select(t.c.record).where(t.c.record_key == record_key).limit(1))
        return int(rows[0].record) if rows else None

    def places_of(self, record: int) -> list[Evidence]:
        """Every place at which this record was found, by locator; one a place and road."""
        e, f = schema.evidence, schema.file_entry
        query = (
            select(e, f.c.locator.label("entry_locator"))
            .join(f, f.c.id == e.c.entry_id, isouter=True)
            .where(e.c.record == record)
        )
        return sorted((read_evidence(row) for row in self._rows(query)), key=lambda place: (place.locator, place.road))

    def masked_record(self, record: int) -> dict[str, str]:
        """The person's source record for the screen: field → masked value, empty fields left out."""
        t = schema.source_record
        rows = self._rows(select(t).where(t.c.id == record))
        return masking.masked(read_source_record(rows[0])) if rows else {}

    def masked_records(self, record_keys: Sequence[str]) -> dict[str, dict[str, str]]:
        """Record key → masked record (`masking`) of exposed persons."""
        t, x = schema.source_record, schema.exposure
        found: dict[str, dict[str, str]] = {}
        for at in range(0, len(record_keys), 500):
            page = list(record_keys[at : at + 500])
            query = select(t).join(x, x.c.record == t.c.id).where(x.c.record_key.in_(page))
            found.update({row.record_key: masking.masked(read_source_record(row)) for row in self._rows(query)})
        return found

    def decisions_of(self, record_key: str) -> list[DecisionRow]:
        """Every decision about this person, the newest last."""
        t = schema.decision
        columns = (t.c.id, t.c.act, t.c.decision, t.c.reason, t.c.who, t.c.utc, t.c.undoes)
        return [
            DecisionRow(*row)
            for row in self._rows(select(*columns).where(t.c.record_key == record_key).order_by(t.c.id))
        ]

    # ------------------------------------------------------------------------------------------------------ samples

    def samples(self) -> list[Sample]:
        """The blind samples that were drawn, the newest last."""
        s, i = schema.review_sample, schema.sample_item
        query = (
            select(s, func.count(i.c.id).label("items"), func.count().filter(i.c.catch_row).label("caught"))
            .join(i, i.c.sample_id == s.c.id)
            .group_by(s.c.id)
            .order_by(s.c.id)
        )
        return [
            Sample(r.id, r.utc, r.seed, r.population, r.assessment_sha256, r.items, r.caught, r.closed)
            for r in self._rows(query)
        ]

    def sample_tiers(self, sample: int) -> dict[Tier, int]:
        """Tier → items of a sample, catch-rows left out; only results may look at it."""
        i = schema.sample_item
        query = select(i.c.tier, func.count()).where(i.c.sample_id == sample, i.c.catch_row.is_(False))
        counts = {Tier(row[0]): int(row[1]) for row in self._rows(query.group_by(i.c.tier))}
        return {tier: counts[tier] for tier in Tier if tier in counts}

    def sample_items(self, sample: int, unanswered_by: str = "") -> list[SampleItem]:
        """The questions of a sample in their order; with a reviewer's name those that he has not answered."""
        i, a = schema.sample_item, schema.sample_answer
        query = select(i.c.id, i.c.sample_id, i.c.record_key, i.c.locator).where(i.c.sample_id == sample)
        if unanswered_by:
            query = query.where(i.c.id.not_in(select(a.c.item_id).where(a.c.reviewer == unanswered_by)))
        return [SampleItem(*row) for row in self._rows(query.order_by(i.c.id))]

    def sample_item(self, item: int) -> SampleItem | None:
        i = schema.sample_item
        rows = self._rows(select(i.c.id, i.c.sample_id, i.c.record_key, i.c.locator).where(i.c.id == item))
        return SampleItem(*rows[0]) if rows else None

    def sample_answers(self, sample: int) -> list[SampleAnswer]:
        """The newest answer of every reviewer to every item of a sample, by item."""
        i, a = schema.sample_item, schema.sample_answer
        query = (
            select(i.c.id, i.c.catch_row, i.c.stratum, i.c.tier, a.c.reviewer, a.c.answer)
            .join(a, a.c.item_id == i.c.id)
            .where(i.c.sample_id == sample)
            .order_by(a.c.id)
        )
        newest = {
            (row.id, row.reviewer): SampleAnswer(row[0], row[1], row[2], Tier(row[3]), row[4], row[5])
            for row in self._rows(query)
        }
        return [newest[key] for key in sorted(newest)]
