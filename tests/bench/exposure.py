"""What finding people costs, part by part: index of the records, raw scan, tables; beside `grep -F` and bulk_extractor.

    PYTHONPATH=. .venv/bin/python tests/bench/exposure.py [--members 798243] [--mib 256] [--rounds 3] [--tables 16]
                                                                    [--folder DIR]
    PYTHONPATH=. .venv/bin/python tests/bench/exposure.py --index-only [--members 10000000]

Prints Markdown tables for docs/benchmarks.md and ends with 1 where a target of the raw scan or of the index was missed.
The source is 40 % noise, 30 % rows of a table and 30 % zeros in stretches of 1 MiB; a row in a thousand shows a record.
`grep` gets every member id and every SSN as a pattern; bulk_extractor (where it is installed) runs its scanner `accts`
alone. The programs take turns; ratios are medians of the rounds. CPU seconds of ours are those of the part alone: what
an index costs stands in rows of its own, and reading it into a worker happens once a run.

Of the index, making the records themselves is not counted. "Keys" is what finds a record: tables of Arrow to sorted
keys, bitmaps and all, the bytes of these arrays, and the most that the process held beside the records' generator
while they were made. "Values" is what a record is compared by: rows to tables of Arrow, and the bytes of these. The
targets are for the keys, of up to a million records and of ten million. The whole job, records to persons, is
`worked_example.py` with `--drive-share`, `--image-gib` and `--processors`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from forensics.demonstration.members import Members, make_members
from forensics.detection.scan import scan
from forensics.examination.records_index import decoys_of
from forensics.examination.units import compare_piece, take_index
from forensics.matching.index import RecordIndex, tables_of
from forensics.matching.record_keys import RecordKeys
from forensics.model import Piece, Unit

MIB = 1 << 20
SCAN_TARGET, TABLE_TARGET, TWO_TARGET, EXTRACTOR_TARGET = 100.0, 200.0, 1.7, 2.5
SHOWS_A_RECORD = 1000
INDEX_TARGETS = ((1_000_000, 3.0, 100.0), (sys.maxsize, 15.0, 1024.0))
"""Up to so many records: CPU seconds and MiB that their keys may take."""

_data = b""
_index: RecordIndex | None = None


def rows_of(members: Members) -> Iterator[tuple[object, ...]]:
    for number, row in enumerate(members.rows(), 1):
        yield (
            number, row.first_name, row.last_name, row.birth_date, row.ssn.replace("-", ""),
            row.member_id, row.address, "".join(filter(str.isdigit, row.phone)), row.email,
        )  # fmt: skip


def table(members: Members, size: int, random: np.random.Generator) -> bytes:
    """Rows of strangers with SSN, id, name, birth date and a sum of money, and among them some of members."""
    known = [row for row, _ in zip(members.rows(), range(2_000), strict=False)]
    names = [(row.first_name, row.last_name) for row in known]
    lines, length = ["SSN,MEMBER,FIRST,LAST,BORN,AMOUNT\n"], 0
    while length < size:
        if not random.integers(SHOWS_A_RECORD):
            row = known[random.integers(len(known))]
            cells = [row.ssn, row.member_id, row.first_name, row.last_name, row.birth_date]
        else:
            number, person = random.integers(10**8, 10**9), random.integers(10**8, 10**9)
            first, _ = names[random.integers(len(names))]
            _, last = names[random.integers(len(names))]
            born = f"{random.integers(1930, 2015)}-{random.integers(1, 13):02}-{random.integers(1, 29):02}"
            cells = [f"{number}", f"C{person}", first, last, born]
        lines.append(",".join([*cells, f"{random.integers(100_000) / 100:.2f}"]) + "\n")
        length += len(lines[-1])
    return "".join(lines).encode()[:size]


def mix(rows: bytes, size: int, random: np.random.Generator) -> bytes:
    parts, at = [], 0
    for kind in random.choice(3, size // MIB, p=(0.4, 0.3, 0.3)):
        if kind == 0:
            parts.append(random.bytes(MIB))
        elif kind == 1:
            parts.append(rows[at : at + MIB])
            at = (at + MIB) % (len(rows) - MIB)
        else:
            parts.append(bytes(MIB))
    return b"".join(parts)


def _share(which: int, of: int) -> int:
    assert _index is not None
    size = len(_data) // of
    return len(scan(_data, _index, which * size, (which + 1) * size).offset)


def scan_with(processes: int) -> tuple[float, float]:
    """Wall and CPU seconds of the raw scan; the processes are forked, so that they have index and data already."""
    before, begun = os.times(), time.monotonic()
    if processes == 1:
        _share(0, 1)
    else:
        with get_context("fork").Pool(processes) as pool:
            pool.starmap(_share, [(which, processes * 8) for which in range(processes * 8)], 1)
            pool.close()
            pool.join()
    wall, after = time.monotonic() - begun, os.times()
    return wall, sum(after[:4]) - sum(before[:4])


def run(*words: object, ok: tuple[int, ...] = (0,)) -> tuple[float, float]:
    before, begun = os.times(), time.monotonic()
    done = subprocess.run([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if done.returncode not in ok:
        raise SystemExit(f"{words[0]} ended with status {done.returncode}")
    after = os.times()
    return time.monotonic() - begun, sum(after[2:4]) - sum(before[2:4])


def pieces(rows: bytes) -> Iterator[bytes]:
    """The table cut behind rows, in pieces of 4 MiB as extraction cuts them, near enough."""
    start = 0
    while start < len(rows):
        end = rows.find(b"\n", min(len(rows), start + 4 * MIB) - 1) + 1 or len(rows)
        yield rows[start:end]
        start = end


def compare_table(index: RecordIndex, rows: bytes, decoys: bool) -> float:
    begun = time.process_time()
    for part in pieces(rows):
        piece = Piece((), Unit.ROW, True, 1, 0, len(part), "utf-8", ",")
        compare_piece(piece, part, 0, index, decoys=decoys)
    return time.process_time() - begun


class Index(NamedTuple):
    """What the keys of all records cost, and what their values do: CPU seconds, bytes of arrays, most bytes held."""

    keys_s: float
    keys_bytes: int
    keys_peak: int
    values_s: float
    values_bytes: int


def measure_index(members: Members) -> Index:
    """A table of records at a time, and no table longer than its keys take; memory is that of a process of its own."""
    found, first, keys_s, values_s, values_bytes = RecordKeys(), 0, 0.0, 0.0, 0
    rows = rows_of(members)
    resident = peak = 0
    while page := list(islice(rows, PAGE)):
        begun = time.process_time()
        tables = list(tables_of(enumerated(page)))
        values_s += time.process_time() - begun
        page.clear()
        if not first:
            resident = psutil.Process().memory_info().rss
        begun = time.process_time()
        for one in tables:
            found.add(one, first)
            first += len(one)
        keys_s += time.process_time() - begun
        values_bytes += sum(one.nbytes for one in tables)
        peak = max(peak, psutil.Process().memory_info().rss)
    Path("/proc/self/clear_refs").write_text("5")  # the highest resident size is counted from here
    begun = time.process_time()
    made, names = found.tables(), found.names()
    keys_s += time.process_time() - begun
    peak = max(peak, _highest())
    held = sum(one.nbytes for one in made.values()) + names.nbytes
    return Index(keys_s, held, peak - resident, values_s, values_bytes)


PAGE = 200_000


def enumerated(page: list[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    """The rows numbered from 0 on, as the first of a table is."""
    return ((number, *row[1:]) for number, row in enumerate(page))


def _highest() -> int:
    """The highest resident size of this process since it was last set back, in bytes (proc(5), `VmHWM`)."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) << 10


def told_of_index(members: int, cost: Index) -> list[tuple[str, float, float]]:
    """What the index costs, printed; and of each figure with a target by how much it is below it."""
    print("| index of the records | CPU s | MiB of arrays | MiB held at most |\n|---|---|---|---|")
    print(f"| keys | {cost.keys_s:.1f} | {cost.keys_bytes / MIB:.0f} | {cost.keys_peak / MIB:.0f} |")
    print(f"| values | {cost.values_s:.1f} | {cost.values_bytes / MIB:.0f} | |")
    seconds, mib = next(target[1:] for target in INDEX_TARGETS if members <= target[0])
    return [
        (f"keys, CPU s (target {seconds:g}) below target, times", seconds / cost.keys_s, 1.0),
        (f"keys, MiB of arrays (target {mib:g}) below target, times", mib * MIB / cost.keys_bytes, 1.0),
    ]


def main() -> int:
    global _data, _index
    options = argparse.ArgumentParser()
    options.add_argument("--members", type=int, default=798_243)
    options.add_argument("--mib", type=int, default=256)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path)
    options.add_argument("--tables", type=int, default=16, help="MiB of the rows that are compared as tables")
    options.add_argument("--index-only", action="store_true")
    given = options.parse_args()
    random = np.random.Generator(np.random.PCG64(6))
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)

    members = make_members(given.members, random)
    with get_context("fork").Pool(1) as apart:
        cost = apart.apply(measure_index, (members,))
    if given.index_only:
        return print_figures(told_of_index(given.members, cost))
    with (folder / "patterns").open("w") as patterns:
        for row in members.rows():
            spelled = (row.member_id, row.ssn, row.ssn.replace("-", ""))
            patterns.write("".join(f"{value}\n" for value in spelled if value))
    _index = RecordIndex.from_fields(rows_of(members))
    begun = time.process_time()
    decoys_of(_index)
    counted = time.process_time() - begun
    take_index(_index)
    rows = table(members, min(given.mib, 64) * MIB, random)
    _data = mix(rows, given.mib * MIB, random)
    source = folder / "source.img"
    source.write_bytes(_data)

    contests: dict[str, Callable[[], tuple[float, float]]] = {
        "raw scan": lambda: scan_with(1),
        "raw scan, 2 processes": lambda: scan_with(2),
        "grep -F -a -c": lambda: run("grep", "-F", "-a", "-c", "-f", folder / "patterns", source, ok=(0, 1)),
    }
    if shutil.which("bulk_extractor"):

        def extractor() -> tuple[float, float]:
            shutil.rmtree(folder / "out", ignore_errors=True)
            return run("bulk_extractor", "-q", "-E", "accts", "-o", folder / "out", source)

        contests["bulk_extractor -E accts"] = extractor
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in contests}
    for _ in range(given.rounds):
        for name, contest in contests.items():
            costs[name].append(contest())
    print(f"{given.members:,} records, {given.mib} MiB, {given.rounds} rounds\n")
    print("| part | wall s | CPU s | MiB per CPU-s |\n|---|---|---|---|")
    for name, each in costs.items():
        wall, cpu = (statistics.median(column) for column in zip(*each, strict=True))
        print(f"| {name} | {wall:.1f} | {cpu:.1f} | {given.mib / cpu:.0f} |")
    rows = rows[: given.tables * MIB]
    for name, decoys in (("tables, evidence alone", False), ("tables, with decoys", True)):
        cpu = statistics.median(compare_table(_index, rows, decoys) for _ in range(given.rounds))
        print(f"| {name}, {len(rows) // MIB} MiB | | {cpu:.1f} | {len(rows) / MIB / cpu:.0f} |")
    print(f"| decoys that are free, counted | | {counted:.1f} | |\n")
    told = told_of_index(given.members, cost)

    ours = [given.mib / cpu for _, cpu in costs["raw scan"]]
    two = [one[0] / both[0] for one, both in zip(costs["raw scan"], costs["raw scan, 2 processes"], strict=True)]
    told += [
        ("raw scan, MiB per CPU-s", statistics.median(ours), SCAN_TARGET),
        ("2 processes, times as quick", statistics.median(two), TWO_TARGET),
    ]
    for name in list(costs)[2:]:
        pairs = zip(costs["raw scan"], costs[name], strict=True)
        ratio = statistics.median(theirs[1] / mine[1] for mine, theirs in pairs)
        told.append((f"CPU of {name} ÷ ours", ratio, EXTRACTOR_TARGET if name.startswith("bulk") else 0.0))
    return print_figures(told)


def print_figures(told: list[tuple[str, float, float]]) -> int:
    """The figures and their targets; 1 if one was missed."""
    print("\n| figure | measured | target (≥) |\n|---|---|---|")
    for name, value, target in told:
        print(f"| {name} | {value:.2f} | {target or ''} |")
    return int(any(value < target for _, value, target in told))


if __name__ == "__main__":
    sys.exit(main())
