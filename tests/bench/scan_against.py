"""The raw scan beside that of another revision, in turns: what a change costs or saves on a machine that is not quiet.

    git worktree add OTHER REVISION
    PYTHONPATH=. .venv/bin/python tests/bench/scan_against.py OTHER [--members 798243] [--mib 64] [--rounds 5]

Each revision gets a process that builds its own index and scans when it is told to; records and source are those of
`exposure.py`, made once. Prints CPU seconds, medians of the rounds, and fails where the two find different hits.
"""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MIB = 1 << 20


def scan_when_told(records: Path, source: Path) -> None:
    """For each line read, one line written: CPU seconds of a scan of the source, and a hash of what it found."""
    from forensics.detection.scan import scan
    from forensics.matching.index import RecordIndex

    index = RecordIndex.from_fields(pickle.loads(records.read_bytes()))
    data = source.read_bytes()
    for _ in sys.stdin:
        begun = time.process_time()
        hits = scan(data, index)
        spent = time.process_time() - begun
        found = hash(tuple(map(bytes, hits)))
        print(spent, found, flush=True)


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("other", type=Path)
    options.add_argument("--members", type=int, default=798_243)
    options.add_argument("--mib", type=int, default=64)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--scan", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.scan:
        scan_when_told(*given.scan)
        return 0

    import numpy as np

    from forensics.demonstration.members import make_members
    from tests.bench.exposure import mix, rows_of, table

    folder = Path(tempfile.mkdtemp())
    random = np.random.Generator(np.random.PCG64(6))
    members = make_members(given.members, random)
    records, source = folder / "records", folder / "source"
    records.write_bytes(pickle.dumps(list(rows_of(members))))
    source.write_bytes(mix(table(members, min(given.mib, 64) * MIB, random), given.mib * MIB, random))
    sides = {
        name: subprocess.Popen(
            [sys.executable, __file__, given.other, "--scan", records, source],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=where,
            env={**os.environ, "PYTHONPATH": str(where.resolve()), "PYTHONHASHSEED": "0"},
        )
        for name, where in (("this revision", Path.cwd()), ("the other", given.other))
    }  # fmt: skip
    costs: dict[str, list[float]] = {name: [] for name in sides}
    found = set()
    for _ in range(given.rounds):
        for name, side in sides.items():
            assert side.stdin is not None
            assert side.stdout is not None
            side.stdin.write("\n")
            spent, hits = side.stdout.readline().split()
            costs[name].append(float(spent))
            found.add(hits)
    for side in sides.values():
        side.communicate()
    shutil.rmtree(folder)
    print(f"{given.members:,} records, {given.mib} MiB, {given.rounds} rounds\n")
    print("| raw scan | CPU s | MiB per CPU-s |\n|---|---|---|")
    for name, each in costs.items():
        print(f"| {name} | {statistics.median(each):.2f} | {given.mib / statistics.median(each):.0f} |")
    ours, theirs = costs.values()
    print(f"\ntimes as quick: {statistics.median(b / a for a, b in zip(ours, theirs, strict=True)):.2f}")
    return int(len(found) != 1)


if __name__ == "__main__":
    sys.exit(main())
