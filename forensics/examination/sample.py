"""The blind sample: places and masked records without their tiers, catch-rows among them, and what the answers show.

A catch-row is a place that was drawn and a record that was drawn, put together wrongly. Nothing that is shown tells it
from another item, because places and records come from the same draw; `docs/decisions/blind-sample.md` says why no hit
of a decoy can do that.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from random import Random
from typing import Any

from forensics.casefile import decisions, masking
from forensics.casefile.decisions import DrawnItem
from forensics.casefile.review_view import Sample, SampleAnswer, SampleItem
from forensics.casefile.views import CaseView
from forensics.errors import Refused
from forensics.examination import review
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import passage
from forensics.exposure import review_sample as arithmetic
from forensics.exposure.assessment import SURE
from forensics.exposure.review_sample import ANSWERS, Answer
from forensics.exposure.strata import stratum_at
from forensics.matching import normal
from forensics.model import Evidence, SourceRecord, Tier

SIZE = 598
"""Items unless told: not one error among them shows at most 0.5 % wrong (one-sided, 95 %)."""

NEAR_ROWS, NEAR_BYTES = 5, 2_000
"""Within so many rows or bytes of a person's own place a record could be meant by the reviewer's eye."""

_PLACE = re.compile(r"(.*?)(?:!(?:row|line|paragraph) (\d+)|@(0x[0-9a-f]+|\d+)(?:\+\d+)?)?\Z", re.DOTALL)


class _Person:
    """One person of the population: the record, all its places, and the one that is shown."""

    def __init__(self, record: SourceRecord, tier: Tier, evidence: Sequence[Evidence]) -> None:
        self.record, self.tier = record, tier
        self.places = tuple({item.locator for item in evidence})
        rated = {item.locator: stratum for item in evidence if (stratum := stratum_at(item)) is not None}
        self.place = min(rated, key=lambda locator: (rated[locator], locator))
        self.file = _parts(self.place)[0]


def draw(
    case: OpenCase, *, size: int = SIZE, seed: int | None = None, tiers: Sequence[Tier] = (), by: str = ""
) -> dict[str, Any]:
    """Draw a sample of the persons confirmed and probable, or of one of these tiers. The ledger gets its numbers.

    The same case, size and seed draw the same sample; without a seed one is drawn, and it stays in the case until the
    sample is closed. Raises `Refused` while another sample is open, and for too few persons to measure anything.
    """
    review.require_assessed(case)
    wanted = frozenset(tiers or SURE)
    if not wanted <= SURE:
        raise Refused("Only confirmed and probable persons are sampled.", "Review the possible ones one by one.")
    if size < arithmetic.LEAST_ANSWERED:
        raise Refused(f"A sample of fewer than {arithmetic.LEAST_ANSWERED} measures nothing.", "Give a larger --size.")
    with case.view() as view:
        if any(not sample.closed for sample in view.samples()):
            raise Refused("A sample is open.", "Close it first: drivecustody review CASE sample close")
        result = view.assessment() or {}
        people = list(_population(case, view, wanted))
    items, catch_rows = arithmetic.split(len(people), size)
    if items < arithmetic.LEAST_ANSWERED:
        raise Refused(
            f"{len(people):,} persons are too few for a sample that measures anything.",
            "Review each of them: drivecustody review CASE list",
        )
    seed = secrets.randbelow(1 << 31) if seed is None else seed
    drawn = _drawn(people, items, catch_rows, seed)
    said = {"items": len(drawn), "population": len(people), "tiers": sorted(map(str, wanted))}
    digest = str(result.get("result_sha256", ""))
    with case.store.begin() as connection:
        number = decisions.add_sample(connection, seed, len(people), digest, drawn)
        sealed = decisions.seal_of_sample(connection, case.key, number)
        who = by or case.details.examiner
        case.record("sample-drawn", {"sample": number, **said, "result_sha256": digest, "seal": sealed, "by": who})
    return {"sample": number, **said}


def questions(case: OpenCase, *, reviewer: str = "", unanswered: bool = False) -> dict[str, Any]:
    """The items of the open sample in their order: number, place, masked record, and whether this reviewer answered."""
    with case.view() as view:
        sample = _open_sample(view)
        items = view.sample_items(sample.id)
        who = reviewer or case.details.examiner
        left = {item.id for item in view.sample_items(sample.id, who)}
        shown = [item for item in items if not unanswered or item.id in left]
        records = view.masked_records([item.record_key for item in shown])
    return {
        "sample": sample.id,
        "items": len(items),
        "unanswered": len(left),
        "reviewer": who,
        "questions": [
            {
                "item": item.id, "place": item.locator, "record": _blind(records[item.record_key]),
                "answered": item.id not in left,
            }
            for item in shown
        ],
    }  # fmt: skip


def answer(case: OpenCase, *, item: int, said: str, reviewer: str = "") -> dict[str, Any]:
    """One reviewer's answer; a later one to the same item takes its place. Raises `Refused` for a closed sample."""
    if said not in ANSWERS:
        raise Refused("An answer is yes, no or unsure.", "Say whether the place shows the person of the record.")
    who = reviewer.strip() or case.details.examiner
    with case.view() as view:
        sample = _item(view, item).sample
    with case.store.begin() as connection:
        decisions.add_answer(connection, item, who, said)
    with case.view() as view:
        left = len(view.sample_items(sample, who))
    return {"sample": sample, "item": item, "answer": said, "reviewer": who, "unanswered": left}


def show(case: OpenCase, *, item: int, by: str = "") -> dict[str, Any]:
    """One item to be answered: the masked record, and what stands at the place (`passage`). That somebody looks is
    recorded first."""
    with case.view() as view:
        found = _item(view, item)
        record = view.masked_records([found.record_key])[found.record_key]
    who = by or case.details.examiner
    case.record("content-read", {"sample": found.sample, "item": item, "by": who})
    lines = passage(case, found.locator)
    return {"item": item, "place": found.locator, "record": _blind(record), "lines": lines}


def reveal(case: OpenCase, *, item: int, reason: str, by: str = "") -> dict[str, Any]:
    """The values of an item's record, recorded first (`review.reveal`); without its key, which would say what it is."""
    with case.view() as view:
        found = _item(view, item)
    values = review.revealed(case, record_key=found.record_key, reason=reason, by=by)
    return {"item": item, "record": _blind(values)}


def close(case: OpenCase, *, by: str = "") -> dict[str, Any]:
    """End the open sample and say what it shows. Its answers are sealed in the ledger and take no more."""
    with case.view() as view:
        sample = _open_sample(view)
        if not view.sample_answers(sample.id):
            raise Refused("Nobody has answered this sample.", "First: drivecustody review CASE sample answer ITEM yes")
    with case.store.begin() as connection:
        decisions.close_sample(connection, sample.id)
        sealed = decisions.seal_of_sample(connection, case.key, sample.id)
        with case.view() as view:
            told = _result(sample, view.sample_answers(sample.id))
        counts = {name: told[name] for name in ("items", "answered", "errors", "unsure", "catch_rows", "caught")}
        who = by or case.details.examiner
        case.record("sample-closed", {"sample": sample.id, "seed": sample.seed, **counts, "seal": sealed, "by": who})
    return result(case)


def result(case: OpenCase) -> dict[str, Any]:
    """What the newest closed sample shows. Raises `Refused` where none is: an open one stays blind."""
    with case.view() as view:
        told = latest(view)
    if told is None:
        raise Refused("No blind sample was closed.", "First: drivecustody review CASE sample draw")
    return told


def latest(view: CaseView) -> dict[str, Any] | None:
    """The newest closed sample's result, or None; `current` says whether it was drawn from the result that stands."""
    closed = [sample for sample in view.samples() if sample.closed]
    if not closed:
        return None
    told = _result(closed[-1], view.sample_answers(closed[-1].id), view.sample_tiers(closed[-1].id))
    now = (view.assessment() or {}).get("result_sha256", "")
    return {**told, "current": closed[-1].assessment_sha256 == now}


def broken_samples(case: OpenCase) -> list[int]:
    """Samples whose items or answers are not those that the ledger sealed when they were drawn or closed."""
    sealed = {
        int(event.data["sample"]): event.data["seal"]
        for event in case.ledger.events()
        if event.event in ("sample-drawn", "sample-closed")
    }
    with case.view() as view:
        closed = {sample.id: bool(sample.closed) for sample in view.samples()}
    with case.store.begin() as connection:
        return [
            number
            for number, seal in sealed.items()
            if number not in closed
            or seal != decisions.seal_of_sample(connection, case.key, number, answers=closed[number])
        ]


def request(case: OpenCase, action: str, told: dict[str, Any]) -> dict[str, Any]:
    """What the window's companion asks: the part of its verb behind `review sample`, and the request."""
    who = str(told.get("by", ""))
    if action == "draw":
        tiers = [Tier(name) for name in told.get("tiers", ())]
        return draw(case, size=int(told.get("size", SIZE)), seed=told.get("seed"), tiers=tiers, by=who)
    if action == "list":
        return questions(case, reviewer=str(told.get("reviewer", "")), unanswered=bool(told.get("unanswered")))
    if action == "answer":
        return answer(case, item=int(told["item"]), said=str(told["answer"]), reviewer=str(told.get("reviewer", "")))
    if action == "show":
        return show(case, item=int(told["item"]), by=who)
    if action == "reveal":
        return reveal(case, item=int(told["item"]), reason=str(told.get("reason", "")), by=who)
    if action == "close":
        return close(case, by=who)
    if action == "result":
        return result(case)
    raise Refused("A sample has no such request.", "Requests: draw, list, show, answer, reveal, close, result.")


# --------------------------------------------------------------------------------------------------------------- parts


def _population(case: OpenCase, view: CaseView, tiers: frozenset[Tier]) -> Iterator[_Person]:
    rated = {number: row.tier for number, row in view.persons(view.person_ids(tiers=tuple(tiers))).items()}
    for number, record, evidence in case.store.evidence_by_record():
        if number in rated:
            yield _Person(record, rated[number], evidence)


def _drawn(people: list[_Person], items: int, catch_rows: int, seed: int) -> list[DrawnItem]:
    """Items and catch-rows in the order in which they are asked."""
    people.sort(key=lambda person: person.record.record_key)
    taken = arithmetic.draw(((person.file, person) for person in people), items + catch_rows, seed)
    for attempt in range(_ATTEMPTS):
        # Not a secret: whoever has the seed can draw the sample again.
        chance = Random(f"catch {seed} {attempt}" if attempt else f"catch {seed}")  # noqa: S311
        chance.shuffle(taken)
        caught, asked = taken[:catch_rows], taken[catch_rows:]
        wrong = arithmetic.mispaired(len(caught), _plainly_others(caught))
        if sum(one is not None for one in wrong) >= arithmetic.LEAST_CATCH:
            break
    else:
        raise Refused(
            "The persons drawn stand too close together to put a place to a wrong record that is plainly wrong.",
            "Review each person instead: drivecustody review CASE list",
        )
    made = [DrawnItem(p.record.record_key, p.place, p.file, str(p.tier), False) for p in asked]
    for person, other in zip(caught, wrong, strict=True):
        record = person if other is None else caught[other]
        key = record.record.record_key
        if other is not None:
            made.append(DrawnItem(key, person.place, person.file, str(person.tier), True))
    chance.shuffle(made)
    return made


_ATTEMPTS = 20
"""Choices of catch-rows that are tried: of few persons some stand so close that no wrong record is plainly wrong."""


def _plainly_others(caught: list[_Person]) -> Callable[[int, int], bool]:
    return lambda place, record: _plainly_other(caught[place], caught[record])


def _plainly_other(place: _Person, record: _Person) -> bool:
    """Whether a reviewer with eyes must say no: the record shares nothing with the place's person, differs from it in
    what stays visible of it, and does not stand anywhere near the place."""
    mine, theirs = place.record, record.record
    if any(one and one == other for one, other in zip(_shared(mine), _shared(theirs), strict=True)):
        return False
    one, other = masking.masked(mine), masking.masked(theirs)
    seen = sum(name in one and name in other and one[name] != other[name] for name in _SEEN)
    return seen >= 2 and not any(_near(place.place, elsewhere) for elsewhere in record.places)


_SEEN = ("given_name", "family_name", "birth_date", "ssn", "member_id")


def _shared(record: SourceRecord) -> tuple[str, ...]:
    name = f"{normal.fold(record.given_name)} {normal.fold(record.family_name)}".strip()
    return (name, record.ssn, record.member_id, normal.alphanumeric(record.address), record.phone, record.email)


def _near(one: str, other: str) -> bool:
    file, row, offset = _parts(one)
    file2, row2, offset2 = _parts(other)
    if file != file2:
        return False
    if row is not None and row2 is not None:
        return abs(row - row2) <= NEAR_ROWS
    if offset is not None and offset2 is not None:
        return abs(offset - offset2) <= NEAR_BYTES
    return True


def _parts(locator: str) -> tuple[str, int | None, int | None]:
    """A locator's content, and the row or offset in it."""
    found = _PLACE.match(locator)
    assert found is not None
    return found[1], int(found[2]) if found[2] else None, int(found[3], 0) if found[3] else None


def _blind(record: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in record.items() if name not in ("record_key", "extra")}


def _item(view: CaseView, item: int) -> SampleItem:
    sample, found = _open_sample(view), view.sample_item(item)
    if found is None or found.sample != sample.id:
        raise Refused("The open sample has no such item.", "Take its number from: drivecustody review CASE sample list")
    return found


def _open_sample(view: CaseView) -> Sample:
    for sample in view.samples():
        if not sample.closed:
            return sample
    raise Refused("No blind sample is open.", "First: drivecustody review CASE sample draw")


def _result(sample: Sample, given: Sequence[SampleAnswer], tiers: dict[Tier, int] | None = None) -> dict[str, Any]:
    answers = [Answer(a.item, a.catch_row, a.reviewer, a.answer, str(a.tier)) for a in given]
    whole = arithmetic.result_of(answers)
    unfit = arithmetic.unfit(answers)
    items = sample.items - sample.catch_rows
    by_tier = {
        str(tier): asdict(
            arithmetic.precision(count, [a for a in answers if a.tier == tier and not a.catch_row], unfit)
        )
        for tier, count in (tiers or {}).items()
    }
    return {
        "sample": sample.id, "drawn": sample.utc, "closed": sample.closed, "seed": sample.seed,
        "population": sample.population, "items": items, "answered": whole.answered, "errors": whole.errors,
        "unsure": whole.unsure, "reviewers": list(whole.reviewers), "kappa": whole.kappa,
        "precision": asdict(arithmetic.precision(items, answers, unfit)), "tiers": by_tier,
        "catch_rows": sample.catch_rows, "catch_answers": whole.catch_rows, "caught": whole.caught,
        "caught_by": {who: list(counts) for who, counts in arithmetic.caught_by(answers).items()},
        "method": arithmetic.METHOD,
    }  # fmt: skip
