"""A labelled drive from a seed, its records, its truth, and the marks that a run over it gets."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from labelled.filesystems import make_image
from labelled.layouts import LAYOUTS, PACKED, contents
from labelled.population import PLACEHOLDERS, Plan, Population, make_population, strangers, unused, write_records


@dataclass
class Truth:
    layouts: dict[str, set[str]] = field(default_factory=dict)
    """Layout → keys of those it shows so that a reader could name them; of `never` layouts, all it shows."""
    elements: dict[str, frozenset[str]] = field(default_factory=dict)
    exposed: set[str] = field(default_factory=set)
    """Keys whose values stand on the drive, identifiable or not; a person's other record counts as well."""
    twice: set[str] = field(default_factory=set)


def identifiable(elements: frozenset[str], unique: bool) -> bool:
    ids = elements & {"ssn", "member_id"}
    return (
        bool(ids and elements & {"name", "birth_date"})
        or len(ids) == 2
        or (unique and {"name", "birth_date"} <= elements)
    )


def make_drive(folder: Path, seed: int, system: str, *, each: int = 30, own: bool = True) -> Truth:
    """`drive.img` and `records.csv` in `folder`. `own` False: only strangers are on it."""
    population = make_population(seed, Plan(ids="luhn" if seed % 2 else "block"))
    write_records(population.snapshot, folder / "records.csv")
    truth = Truth()
    placed: dict[str, list[tuple[str, bytes]]] = {"live": [], "deleted": [], "slack": [], "free": []}
    if own:
        _place(placed, population, truth, seed, system, each)
    other = strangers(900, seed, population, concentrated=0.2, ids="same shape")
    placed["live"] += [(f"stranger {name}.csv", contents(LAYOUTS[name], other)[1]) for name in ("csv", "last, first")]
    make_image(
        folder / "drive.img", system, files=placed["live"], deleted=placed["deleted"],
        slack=[data for _, data in placed["slack"]], free=[data for _, data in placed["free"]], seed=seed,
        partitioned=seed % 3 != 0,
    )  # fmt: skip
    return truth


def _place(
    placed: dict[str, list[tuple[str, bytes]]], population: Population, truth: Truth, seed: int, system: str, each: int
) -> None:
    shared = population.shared_names()
    left = unused(population.snapshot, np.random.default_rng([seed, 9]))
    for number, (name, layout) in enumerate(LAYOUTS.items()):
        if system == "raw" and layout.wrap in PACKED:
            continue
        here = [p for p in left if layout.wants(p)][: 4 if layout.region == "slack" else each]
        taken = {p.key for p in here}
        left = [p for p in left if p.key not in taken]
        for p in here:
            elements = layout.elements(p)
            unique = p.name_and_birth not in shared or bool(p.same_as)
            sure = identifiable(elements - ({"ssn"} if p.ssn in PLACEHOLDERS else set()), unique)
            if layout.kind == "never" or sure:
                truth.layouts.setdefault(name, set()).add(p.key)
                truth.elements[p.key] = elements
            if name != "other birth date":
                truth.exposed |= {p.key} | ({p.same_as} - {""})
            if p.same_as:
                truth.twice |= {p.key, p.same_as}
        groups = [[p] for p in here] if layout.region == "slack" else [here]
        for part, group in enumerate(groups):
            suffix, data = contents(layout, group)
            for copy in range(layout.copies):
                placed[layout.region].append((f"f{number:02d} {part} {copy}{suffix}", data))


@dataclass(frozen=True)
class Marks:
    """What an export of persons is worth against the truth."""

    found: dict[str, tuple[int, int, int]]
    """Layout → who is identifiable, of them confirmed or probable, of these with all elements right."""
    confirmed: set[str]
    probable: set[str]
    wrong_confirmed: set[str]
    wrong_probable: set[str]

    def recall(self, *kinds: str) -> float:
        here = [marks for name, marks in self.found.items() if LAYOUTS[name].kind in kinds]
        return sum(found for _, found, _ in here) / max(1, sum(wanted for wanted, *_ in here))

    def elements_right(self) -> float:
        here = [marks for name, marks in self.found.items() if LAYOUTS[name].kind != "never"]
        return sum(right for *_, right in here) / max(1, sum(found for _, found, _ in here))

    def table(self) -> str:
        rows = ["| layout | kind | persons | found | elements right |", "|---|---|---|---|---|"]
        rows += [f"| {n} | {LAYOUTS[n].kind} | {a} | {b} | {c} |" for n, (a, b, c) in self.found.items()]
        return "\n".join(rows)


def marks(export: Path, truth: Truth) -> Marks:
    """Reads `export CASE persons --all-tiers`."""
    with export.open(newline="", encoding="utf-8") as stream:
        persons = {row["record_key"]: row for row in csv.DictReader(stream)}
    tiers = {tier: {k for k, row in persons.items() if row["tier"] == tier} for tier in ("confirmed", "probable")}
    sure = tiers["confirmed"] | tiers["probable"]
    found = {}
    for name, keys in truth.layouts.items():
        here = keys & sure
        right = sum(k in truth.twice or frozenset(persons[k]["elements"].split()) == truth.elements[k] for k in here)
        found[name] = (len(keys), len(here), right)
    wrong = {tier: keys - truth.exposed for tier, keys in tiers.items()}
    return Marks(found, tiers["confirmed"], tiers["probable"], wrong["confirmed"], wrong["probable"])
