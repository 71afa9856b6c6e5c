"""How often the interval covers the truth: row-level drives without file systems, a table a scenario.

    PYTHONPATH=.:tests .venv/bin/python tests/bench/coverage_study.py [--drives 60] [--processes 2] [--people 8000]

`--drives` is a number a scenario. The truth of a drive is the number of records of the snapshot that stand there for
cause: with an SSN, a member id, or the full name and the birth date, in a row that was written about that person.
A stranger's row that agrees with a record by chance is not one, nor is a row of a former member who is in no record.
An estimator may decline ("not measurable"); a drive so declined is counted apart and never as covered.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
from labelled import spelling as write
from labelled.population import Person, Plan, Population, make_population, other_ids, strangers, unused


@dataclass(frozen=True)
class Answer:
    """What an estimator says of a drive; None and a status that says why where it does not say a number."""

    low: int | None
    estimate: int | None
    high: int | None
    status: str


@dataclass(frozen=True)
class RowDrive:
    """Records as the organisation has them, the bytes of the drive, and the truth: key → elements of its rows."""

    scenario: str
    records: tuple[Person, ...]
    texts: tuple[bytes, ...]
    truth: dict[str, frozenset[str]]


Estimator = Callable[[Sequence[Person], Sequence[bytes]], Answer]


def estimate(records: Sequence[Person], texts: Sequence[bytes]) -> Answer:
    """The program's own answer: the one place in which this study meets it."""
    from collections import Counter

    from forensics.detection.scan import Asked, scan_for
    from forensics.examination.assess import measured, moves_of
    from forensics.examination.records_index import decoys_of
    from forensics.examination.units import all_of_them, decoys_in
    from forensics.exposure.estimate import interval
    from forensics.exposure.strata import stratum_of
    from forensics.matching import check_digits
    from forensics.matching.chance import Decoys
    from forensics.matching.index import RecordIndex
    from forensics.matching.windows import find_in_text
    from forensics.model import Kind, SourceRecord

    sources = {
        number: SourceRecord(
            record_key=p.key, given_name=p.given, middle_name=p.middle, family_name=p.family, suffix=p.suffix,
            birth_date=p.birth.isoformat(), ssn=p.ssn, member_id=p.member_id, address=p.street, city=p.city,
            state=p.state, postal_code=p.postal_code, phone=p.phone, email=p.email, deceased=p.deceased,
        )
        for number, p in enumerate(records, 1)
    }  # fmt: skip
    index = RecordIndex.build(sources.items(), check_digits.recognised(p.member_id[1:] for p in records))
    best: dict[int, int] = {}
    codes: set[int] = set()
    asked = (Asked(index), Asked(Decoys(index), (Kind.SSN, Kind.MEMBER_ID)))
    for text in texts:
        hits, moved = scan_for(text, asked)
        found = find_in_text(text, hits, index)
        for item in found:
            stratum = stratum_of(item.agree, item.elements, item.conflict)
            if stratum is not None:
                best[item.record] = min(best.get(item.record, stratum), stratum)
        codes.update(decoys_in(text, found, moved, index, 0, len(text), all_of_them))
    strata = measured(
        codes,
        decoys_of(index),
        Counter(best.values()),
        Counter((kind, stratum) for record, stratum in best.items() for kind in moves_of(sources[record])),
    )
    told = interval(strata, [one.found for one in strata])
    open_ = sum(one.found for one in strata if one.chance is None)
    return Answer(told.low, told.estimate, told.high, f"{open_} not measurable" if open_ else "measured")


# -------------------------------------------------------------------------------------------------------- the drives

SCENARIOS = ("clean", "former members", "claim numbers", "concentrated", "small strata", "foreign ids", "strangers")


def make_drive(scenario: str, seed: int, people: int = 8000) -> RowDrive:
    rng = np.random.default_rng([seed, 7])
    plan = Plan(people=people, ids="block" if scenario == "claim numbers" else "luhn", special=False)
    if scenario == "former members":
        plan = replace(plan, former=0.15)
    if scenario == "concentrated":
        plan = replace(plan, concentrated=0.5)
    population = make_population(seed, plan)
    dealt = unused(population.people, rng)
    size = 40 if scenario == "small strata" else int(rng.integers(150, 500))
    lines: list[str] = []
    truth: dict[str, frozenset[str]] = {}
    for shape in SHAPES:
        here, dealt = dealt[:size], dealt[size:]
        for p in here:
            line, elements = shape(p)
            lines.append(line)
            if not p.former and (elements & {"ssn", "member_id"} or {"name", "birth_date"} <= elements):
                truth[p.key] = elements
    noise = [_CHANCE[scenario](population, seed, rng)] if scenario in _CHANCE else []
    noise.append(_invoices(12_000, rng))
    own = "\n".join(lines[n] for n in rng.permutation(len(lines)).tolist())
    return RowDrive(scenario, population.snapshot, tuple(part.encode() for part in (own + "\n", *noise)), truth)


def _elements(p: Person, *wanted: str) -> frozenset[str]:
    return frozenset(name for name in wanted if name != "ssn" or p.ssn)


def _whole_row(p: Person) -> tuple[str, frozenset[str]]:
    row = ",".join((p.member_id, write.grouped(p.ssn), p.given, p.family, write.iso(p.birth), p.phone))
    return row, _elements(p, "member_id", "ssn", "name", "birth_date", "phone")


def _name_and_birth(p: Person) -> tuple[str, frozenset[str]]:
    return f"{p.family}, {p.given},{write.american_padded(p.birth)}", _elements(p, "name", "birth_date")


def _id_alone(p: Person) -> tuple[str, frozenset[str]]:
    return f"claim of {p.member_id} paid", _elements(p, "member_id")


def _ssn_alone(p: Person) -> tuple[str, frozenset[str]]:
    return f"ref {p.ssn}" if p.ssn else "ref none", _elements(p, "ssn")


SHAPES = (_whole_row, _name_and_birth, _id_alone, _ssn_alone)


def _invoices(count: int, rng: np.random.Generator) -> str:
    """Rows of business that hold numbers of nine digits, dates and amounts, and nobody."""
    numbers, amounts = rng.integers(100_000_000, 1_000_000_000, count), rng.integers(1, 10**6, count)
    return "".join(
        f"invoice,{n},2016-05-{a % 28 + 1:02d},{a}\n" for n, a in zip(numbers.tolist(), amounts.tolist(), strict=True)
    )


def _claim_numbers(population: Population, _: int, rng: np.random.Generator) -> str:
    """Consecutive numbers that run through the blocks in which ids were issued."""
    first = sorted(int(p.member_id[1:]) for p in population.people)
    begin = first[int(rng.integers(len(first)))] - int(rng.integers(0, 900))
    return "".join(f"claim {begin + n}\n" for n in range(3000))


def _foreign_ids(population: Population, _: int, rng: np.random.Generator) -> str:
    return "".join(f"payer {number}\n" for number in other_ids(3000, population, rng))


def _strangers(population: Population, seed: int, rng: np.random.Generator, few: float = 0.0) -> str:
    rows = strangers(6000, seed, population, concentrated=few)
    return "".join(f"{p.family}, {p.given},{write.american_padded(p.birth)}\n" for p in rows)


_CHANCE: dict[str, Callable[[Population, int, np.random.Generator], str]] = {
    "former members": _foreign_ids,
    "claim numbers": _claim_numbers,
    "concentrated": lambda population, seed, rng: _strangers(population, seed, rng, 0.7),
    "foreign ids": _foreign_ids,
    "strangers": _strangers,
}


# --------------------------------------------------------------------------------------------------------- the study


@dataclass(frozen=True)
class Judged:
    scenario: str
    measured: bool
    covered: bool
    truth: int
    answer: Answer
    seconds: float


def judge(drive: RowDrive, ask: Estimator = estimate) -> Judged:
    begun = time.perf_counter()
    answer = ask(drive.records, drive.texts)
    seconds = time.perf_counter() - begun
    measured = answer.low is not None and answer.high is not None
    covered = measured and answer.low <= len(drive.truth) <= answer.high  # type: ignore[operator]
    return Judged(drive.scenario, measured, bool(covered), len(drive.truth), answer, seconds)


def _one(task: tuple[str, int, int]) -> Judged:
    return judge(make_drive(*task))


def at_least(successes: int, trials: int, confidence: float = 0.95) -> float:
    """Clopper and Pearson's lower bound (two-sided) of a share: P(X >= successes) is (1 - confidence)/2 there."""
    if not successes:
        return 0.0
    low, high, wanted = 0.0, successes / trials, (1 - confidence) / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _upper_tail(successes, trials, middle) < wanted else (low, middle)
    return low


def _upper_tail(successes: int, trials: int, share: float) -> float:
    if share <= 0.0 or share >= 1.0:
        return share
    whole = math.lgamma(trials + 1)
    return math.fsum(
        math.exp(
            whole - math.lgamma(n + 1) - math.lgamma(trials - n + 1)
            + n * math.log(share) + (trials - n) * math.log1p(-share)
        )
        for n in range(successes, trials + 1)
    )  # fmt: skip


def table(judged: Sequence[Judged]) -> str:
    """Markdown, a row a scenario and one for all."""
    rows = ["| scenario | drives | measured | covered | at least | not measured | mean width | s a drive |"]
    rows.append("|---|---|---|---|---|---|---|---|")
    for name in (*SCENARIOS, "all"):
        here = [item for item in judged if name in (item.scenario, "all")]
        if not here:
            continue
        measured = [item for item in here if item.measured]
        covered = sum(item.covered for item in measured)
        width = sum(item.answer.high - item.answer.low for item in measured) / max(1, len(measured))  # type: ignore[operator]
        bound = f"{at_least(covered, len(measured)):.3f}" if measured else "-"
        seconds = sum(item.seconds for item in here) / len(here)
        rows.append(
            f"| {name} | {len(here)} | {len(measured)} | {covered} | {bound} | {len(here) - len(measured)} "
            f"| {width:.0f} | {seconds:.2f} |"
        )
    return "\n".join(rows)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--drives", type=int, default=60)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--people", type=int, default=8000)
    given = options.parse_args()
    tasks = [(name, seed, given.people) for seed in range(given.drives) for name in SCENARIOS]
    with get_context("spawn").Pool(given.processes) as pool:
        print(table(list(pool.imap_unordered(_one, tasks))))


if __name__ == "__main__":
    main()
