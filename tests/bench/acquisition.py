"""Our imager, E01 writer and verifier beside dc3dd, ewfacquire and ewfverify: CPU, wall, size, memory, ratios, targets.

    .venv/bin/python tests/bench/acquisition.py [--size 2GiB] [--rounds 3] [--folder /dev/shm]

Prints one Markdown table for docs/benchmarks.md and ends with 1 where a target was missed. The source is a mix in
extents of 1 to 32 MiB: 40 % noise, 30 % CSV, 30 % zeros. Source and images are in memory (tmpfs), so no drive hides
what the programs cost; that takes three times SIZE. The programs take turns, round by round, and each figure is the
median of the rounds. CPU seconds are those of the process and its children, start of the interpreter included. Memory
is the largest resident set of the process; of ours, what an idle process with the same modules takes is subtracted.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MIB = 1 << 20
SEGMENT = 2 << 30


@dataclass(frozen=True)
class Contest:
    """One row: what we do, what the other program does, and the highest allowed ratio of each measure."""

    name: str
    ours: str
    theirs: Callable[[Path, Path], list[object]]
    cpu: float | None
    wall: float
    size: float | None
    memory: int


def dc3dd(source: Path, folder: Path) -> list[object]:
    return ["dc3dd", f"if={source}", f"of={folder}/image.raw", "hash=md5", "hash=sha256", f"log={folder}/log"]


def ewfacquire(level: str) -> Callable[[Path, Path], list[object]]:
    def command(source: Path, folder: Path) -> list[object]:
        given = ["-u", "-q", "-f", "encase6", "-c", level, "-d", "sha1", "-S", SEGMENT, "-t", folder / "image"]
        return ["ewfacquire", *given, source]

    return command


def ewfverify(_source: Path, folder: Path) -> list[object]:
    return ["ewfverify", "-q", folder / "image.E01"]


CONTESTS = (
    Contest("raw, MD5 + SHA-256 ÷ dc3dd, the same", "raw", dc3dd, 0.55, 0.70, 1.00, 64),
    Contest("E01 fast, MD5 + SHA-1 + SHA-256 ÷ ewfacquire fast, MD5 + SHA-1", "fast", ewfacquire("fast"), 0.40, 0.30, 1.00, 64),  # noqa: E501
    Contest("E01 small, the same ÷ ewfacquire best, the same", "small", ewfacquire("best"), 0.43, 0.40, 1.00, 64),
    Contest("verify E01 fast, MD5 + SHA-256 ÷ ewfverify, MD5", "verify", ewfverify, None, 0.55, None, 96),
)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- our part


def work(what: str, source: Path, folder: Path) -> None:
    """What a child of this program does: one pass of ours over `source`, or with `idle` nothing after its imports."""
    sys.path.insert(0, str(ROOT))
    from forensics.evidence.ewf_writer import Compression, EwfSink
    from forensics.evidence.image import open_image
    from forensics.evidence.imager import image
    from forensics.evidence.raw import RawSink
    from forensics.evidence.sink import Sink
    from forensics.evidence.source import open_source
    from forensics.evidence.verify import verify

    if what == "idle":
        return
    if what == "verify":
        with open_image([folder / "image.E01"]) as opened:
            verify(opened, ("md5", "sha256"), lambda _done, _size: None, lambda: None)
        return
    with open_source(source) as drive:
        sink: Sink
        if what == "raw":
            sink, algorithms = RawSink(folder / "image.raw", drive.size), ["md5", "sha256"]
        else:
            compression = Compression(what)
            sink = EwfSink(folder / "image.E01", drive.size, compression=compression, segment_size=SEGMENT)
            algorithms = ["md5", "sha1", "sha256"]
        image(drive, sink, algorithms, progress=lambda _done, _size: None, check=lambda: None)


def make_source(path: Path, size: int) -> None:
    """The mix, the same for every run of one size. CSV rows repeat after 64 MiB, far beyond what Deflate sees."""
    chance = random.Random(7)
    rows = _rows(chance, min(64 * MIB, size))
    amounts = {"noise": size // MIB * 4 // 10, "rows": size // MIB * 3 // 10}
    amounts["zeros"] = size // MIB - sum(amounts.values())
    with path.open("xb") as stream:
        while any(amounts.values()):
            (kind,) = chance.choices(list(amounts), list(amounts.values()))
            extent = min(amounts[kind], chance.choice((1, 2, 4, 8, 16, 32)))
            amounts[kind] -= extent
            for _ in range(extent):
                start = chance.randrange(len(rows) - MIB + 1)
                blocks = {"zeros": lambda: bytes(MIB), "noise": lambda: chance.randbytes(MIB)}
                stream.write(blocks[kind]() if kind in blocks else rows[start : start + MIB])


def _rows(chance: random.Random, size: int) -> bytes:
    first = ("Maria", "John", "Aisha", "Wei", "Carlos", "Dana", "Olga", "Pierre", "Liam", "Noah", "Emma", "Sofia")
    last = ("Smith", "Garcia", "Nguyen", "Khan", "Müller", "Okafor", "Brown", "Lee", "Kowalski", "Rossi")
    rows, made, number = [], 0, chance.randrange(10**8)
    below = chance.randrange
    while made < size:
        number += 1
        row = (
            f"{number:09d},{chance.choice(first)},{chance.choice(last)},{1930 + below(80)}-{1 + below(12):02d}-"
            f"{1 + below(28):02d},{100 + below(800)}-{10 + below(89)}-{1000 + below(8999)},{1 + below(9998)} Main St,"
            f"Springfield,IL,{60000 + below(3000)},PPO-{1 + below(39):03d}\r\n"
        ).encode()
        rows.append(row)
        made += len(row)
    return b"".join(rows)[:size]


# --------------------------------------------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Cost:
    cpu: float
    wall: float
    memory: int
    size: int


def measure(command: list[object], folder: Path, pattern: str = "image.*") -> Cost:
    """Runs one program alone. Ends this one where it fails."""
    begun = time.monotonic()
    with (folder / "output").open("wb") as output:
        child = subprocess.Popen([str(part) for part in command], stdout=output, stderr=subprocess.STDOUT)
        _pid, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begun
    if child.returncode:
        said = (folder / "output").read_text("utf-8", "replace")[-2000:]
        raise SystemExit(f"{command[0]} ended with status {child.returncode}:\n{said}")
    size = sum(path.stat().st_size for path in folder.glob(pattern))
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss << 10, size)


def ours(what: str, source: Path, folder: Path) -> list[object]:
    return [sys.executable, Path(__file__), "--work", what, "--source", source, "--folder", folder]


def one_round(source: Path, scratch: Path, costs: dict[str, list[Cost]]) -> None:
    """Every program once; ewfverify and our verifier read the same image, the one that we wrote."""

    def keep(name: str, cost: Cost) -> None:
        costs.setdefault(name, []).append(cost)

    image = scratch / "image.E01"
    keep("idle", measure(ours("idle", source, scratch), scratch))
    for contest in CONTESTS:
        if contest.ours == "verify":
            measure(ours("fast", source, scratch), scratch)
        keep(contest.ours, measure(ours(contest.ours, source, scratch), scratch))
        if contest.ours != "verify":
            _clear(scratch)
        keep(contest.name, measure(contest.theirs(source, scratch), scratch))
        _clear(scratch)
    assert not image.exists()


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


# ------------------------------------------------------------------------------------------------------------- table


def middle(costs: list[Cost]) -> Cost:
    cpu, wall = (statistics.median(getattr(cost, name) for cost in costs) for name in ("cpu", "wall"))
    memory, size = (int(statistics.median(getattr(cost, name) for cost in costs)) for name in ("memory", "size"))
    return Cost(cpu, wall, memory, size)


def table(costs: dict[str, list[Cost]]) -> tuple[str, int]:
    """The Markdown, and how many targets were missed. Ratios are medians of the ratios of each round."""
    head = ["ours ÷ theirs", "CPU s", "ratio (≤)", "wall s", "ratio (≤)", "image MiB", "ratio (≤)", "memory MiB (≤)"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    missed = 0
    idle = middle(costs["idle"])
    for contest in CONTESTS:
        mine, other = costs[contest.ours], costs[contest.name]
        a, b = middle(mine), middle(other)
        cells = [contest.name]
        for name, limit, form in (
            ("cpu", contest.cpu, ".2f"),
            ("wall", contest.wall, ".2f"),
            ("size", contest.size, ".0f"),
        ):
            pairs = [(getattr(x, name), getattr(y, name)) for x, y in zip(mine, other, strict=True)]
            ratio = statistics.median(x / y for x, y in pairs)
            scale = MIB if name == "size" else 1
            if name == "size" and limit is None:
                cells += ["", ""]
                continue
            missed += limit is not None and ratio > limit
            said = f"{ratio:.3f}" if name == "size" else f"{ratio:.2f}"
            said = f"**{said}**" if limit is not None and ratio > limit else said
            cells += [
                f"{getattr(a, name) / scale:{form}} ÷ {getattr(b, name) / scale:{form}}",
                said if limit is None else f"{said} ({limit:.2f})",
            ]
        above = (a.memory - idle.memory) / MIB
        missed += above > contest.memory
        said = f"**{above:.0f}**" if above > contest.memory else f"{above:.0f}"
        cells.append(f"{said} ({contest.memory})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines), missed


def in_bytes(text: str) -> int:
    number, unit = text.rstrip("GMiB"), text.lstrip("0123456789")
    return int(number) * {"GiB": 1 << 30, "MiB": MIB}[unit]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--size", type=in_bytes, default=2 << 30, help="as 512MiB or 2GiB")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, default=Path("/dev/shm"))
    options.add_argument("--work", help=argparse.SUPPRESS)
    options.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.work == "touch":
        with given.source.open("xb") as stream:
            for _ in range(3 * given.size // MIB):
                stream.write(bytes(MIB))
        given.source.unlink()
        return 0
    if given.work == "source":
        make_source(given.source, given.size)
        return 0
    if given.work:
        work(given.work, given.source, given.folder)
        return 0
    costs: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        scratch, source = Path(name) / "scratch", Path(name) / "source"
        scratch.mkdir()
        size = f"{given.size // MIB}MiB"
        # In a child, because a program's largest resident set begins with that of who started it. First all memory
        # that the images will take is touched: for a virtual machine the first touch of a page costs several copies.
        for step in ("touch", "source"):
            subprocess.run([sys.executable, __file__, "--work", step, "--source", source, "--size", size], check=True)
        begun = os.getloadavg()[0]
        for _ in range(given.rounds):
            one_round(source, scratch, costs)
    text, missed = table(costs)
    print(
        f"Python {platform.python_version()}, Linux {platform.release()}, {os.cpu_count()} processors; source {size}, "
        f"{given.rounds} rounds; load before {begun:.1f}.\n\n{text}\n"
    )
    print(
        f"Idle process: {middle(costs['idle']).memory / MIB:.0f} MiB, {middle(costs['idle']).cpu:.2f} CPU s. ", end=""
    )
    print(f"Targets missed: {missed}.")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
