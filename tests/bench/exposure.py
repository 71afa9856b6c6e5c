"""What finding people costs, part by part: index of the records, raw scan, tables; beside `grep -F` and bulk_extractor.

    PYTHONPATH=. .venv/bin/python tests/bench/exposure.py [--members 798243] [--mib 256] [--rounds 3] [--folder DIR]

Prints Markdown tables for docs/benchmarks.md and ends with 1 where a target of the raw scan was missed. The source is
40 % noise, 30 % rows of a table and 30 % zeros in stretches of 1 MiB; a row in a thousand shows a record. `grep` gets
every member id and every SSN as a pattern; bulk_extractor (where it is installed) runs its scanner `accts` alone. The
programs take turns; ratios are medians of the rounds. CPU seconds of ours are those of the part alone: what an index
costs stands in a row of its own, and reading it into a worker happens once a run. Memory of the index is what it
adds to the process. The whole job, records to persons, is `worked_example.py` with `--drive-share`, `--image-gib` and
`--processors`.
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
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil

from forensics.demonstration.members import Members, make_members
from forensics.detection.scan import scan
from forensics.examination.records_index import decoys_of
from forensics.examination.units import compare_piece, take_index
from forensics.matching.index import RecordIndex
from forensics.model import Piece, Unit

MIB = 1 << 20
SCAN_TARGET, TABLE_TARGET, TWO_TARGET, EXTRACTOR_TARGET = 100.0, 200.0, 1.7, 2.5
SHOWS_A_RECORD = 1000

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


def main() -> int:
    global _data, _index
    options = argparse.ArgumentParser()
    options.add_argument("--members", type=int, default=798_243)
    options.add_argument("--mib", type=int, default=256)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path)
    given = options.parse_args()
    random = np.random.Generator(np.random.PCG64(6))
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)

    members = make_members(given.members, random)
    with (folder / "patterns").open("w") as patterns:
        for row in members.rows():
            spelled = (row.member_id, row.ssn, row.ssn.replace("-", ""))
            patterns.write("".join(f"{value}\n" for value in spelled if value))
    resident, begun = psutil.Process().memory_info().rss, time.process_time()
    _index = RecordIndex.from_fields(rows_of(members))
    built, held = time.process_time() - begun, psutil.Process().memory_info().rss - resident
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
    for name, decoys in (("tables, evidence alone", False), ("tables, with decoys", True)):
        cpu = statistics.median(compare_table(_index, rows, decoys) for _ in range(given.rounds))
        print(f"| {name}, {len(rows) // MIB} MiB | | {cpu:.1f} | {len(rows) / MIB / cpu:.0f} |")
    print(f"| index of the records | | {built:.1f} | {held / MIB:.0f} MiB held |")
    print(f"| decoys that are free, counted | | {counted:.1f} | |")

    ours = [given.mib / cpu for _, cpu in costs["raw scan"]]
    two = [one[0] / both[0] for one, both in zip(costs["raw scan"], costs["raw scan, 2 processes"], strict=True)]
    told = [
        ("raw scan, MiB per CPU-s", statistics.median(ours), SCAN_TARGET),
        ("2 processes, times as quick", statistics.median(two), TWO_TARGET),
    ]
    for name in list(costs)[2:]:
        pairs = zip(costs["raw scan"], costs[name], strict=True)
        ratio = statistics.median(theirs[1] / mine[1] for mine, theirs in pairs)
        told.append((f"CPU of {name} ÷ ours", ratio, EXTRACTOR_TARGET if name.startswith("bulk") else 0.0))
    print("\n| figure | measured | target (≥) |\n|---|---|---|")
    for name, value, target in told:
        print(f"| {name} | {value:.2f} | {target or ''} |")
    return int(any(value < target for _, value, target in told))


if __name__ == "__main__":
    sys.exit(main())
