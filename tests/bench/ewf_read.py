"""Reading an E01 at any place: our reader beside libewf by pyewf, in turns; medians.

    PYTHONPATH=. .venv/bin/python tests/bench/ewf_read.py [--size MIB] [--rounds N] [--folder FOLDER]

The source is 40 % noise, 30 % CSV and 30 % zeros, in runs of 4 MiB; the sets are made by ewfacquire. Each round opens
the image again, so that caches begin empty; the files are in the page cache.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from forensics.evidence.ewf_libewf import LibewfReader
from forensics.evidence.ewf_read import EwfReader

MIB = 1 << 20
READERS = {"ours": EwfReader, "libewf": LibewfReader}
Reader = EwfReader | LibewfReader


def source(path: Path, size: int) -> None:
    chance = random.Random(1)
    rows = "".join(
        f"{chance.randrange(10**9):09d},Member{chance.randrange(9999)},19{chance.randrange(10, 99)}-04-11\n"
        for _ in range(150_000)
    ).encode()[: 4 * MIB]
    rows += bytes(4 * MIB - len(rows))
    with path.open("wb") as stream:
        for part in range(size // (4 * MIB)):
            kind = part % 10
            stream.write(chance.randbytes(4 * MIB) if kind < 4 else rows if kind < 7 else bytes(4 * MIB))


def in_order(reader: Reader, length: int) -> None:
    for offset in range(0, reader.size, length):
        reader.read_at(offset, min(length, reader.size - offset))


def at_random(reader: Reader, length: int) -> None:
    chance = random.Random(2)
    for _ in range(4000):
        reader.read_at(chance.randrange(reader.size - length) // 512 * 512, length)


def near(reader: Reader) -> None:
    """As a file system reads its own structures: again and again within 2 MiB."""
    chance = random.Random(3)
    for _ in range(4000):
        reader.read_at(40 * MIB % (reader.size // 2) + chance.randrange(2 * MIB) // 512 * 512, 4096)


WORK: dict[str, Callable[[Reader], None]] = {
    "1 MiB, in order": lambda reader: in_order(reader, MIB),
    "64 KiB, in order": lambda reader: in_order(reader, 65536),
    "4 KiB, in order": lambda reader: in_order(reader, 4096),
    "4 KiB, at random, 4,000 times": lambda reader: at_random(reader, 4096),
    "64 KiB, at random, 4,000 times": lambda reader: at_random(reader, 65536),
    "4 KiB within 2 MiB, 4,000 times": near,
}


def sets(folder: Path, raw: Path) -> Iterator[tuple[str, list[Path]]]:
    for compression in ("none", "fast"):
        target = folder / compression
        command = ["ewfacquire", "-u", "-q", "-c", compression, "-S", "67108864", "-t", target, raw]
        subprocess.run(command, check=True, capture_output=True)
        yield compression, sorted(path for path in folder.iterdir() if path.stem == compression)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--size", type=int, default=256)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--folder", type=Path)
    chosen = options.parse_args()
    print("| set | reads | ours ms | libewf ms | ratio |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        raw = Path(name) / "drive.dd"
        source(raw, chosen.size * MIB)
        for compression, segments in sets(Path(name), raw):
            for reads, work in WORK.items():
                taken: dict[str, list[float]] = {reader: [] for reader in READERS}
                for _ in range(chosen.rounds):
                    for reader, open_reader in READERS.items():
                        with closing(open_reader(segments)) as image:
                            begun = time.process_time()
                            work(image)
                            taken[reader].append(time.process_time() - begun)
                ours, theirs = (statistics.median(times) * 1000 for times in taken.values())
                print(f"| {compression} | {reads} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} |", flush=True)


if __name__ == "__main__":
    main()
