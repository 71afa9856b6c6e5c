"""Our walk and readers beside fls, fiwalk, tsk_recover with sha256sum, calamine and PDFium alone.

    .venv/bin/python tests/bench/contents.py [--files 200000] [--rows 1000000] [--pages 500] [--rounds 3] [--folder DIR]

Prints two Markdown tables for docs/benchmarks.md and ends with 1 where a target was missed. The programs take turns,
round by round, and each ratio is the median of the rounds' ratios. CPU seconds are those of the process and its
children, start of the interpreter included; a line below the table says how much that is. `fls` gives names and times,
and `fiwalk` what our list gives: names, times and where the bytes of each file are. Each part runs in a process of its
own. The second table is the command `index` on a drive of FILES files of 1 KiB: memory is the largest sum of the
proportional set sizes (PSS) of it and its workers, seen five times a second.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import watched

ROOT = Path(__file__).parents[2]
MIB = 1 << 20
MEMORY_TARGET = 1024 * MIB


@dataclass(frozen=True)
class Contest:
    """One row: what we do, the other's command, which cost is compared, and the highest allowed ratio."""

    name: str
    ours: str
    theirs: Callable[[Path], list[object]]
    measure: str
    limit: float


def _fls(drive: str) -> Callable[[Path], list[object]]:
    return lambda folder: ["fls", "-r", "-m", "/", folder / drive]


def _fiwalk(drive: str) -> Callable[[Path], list[object]]:
    """-g: contents are not read; -z: not hashed; -x: to standard output."""
    return lambda folder: ["fiwalk", "-g", "-z", "-x", folder / drive]


def _recover(drive: str) -> Callable[[Path], list[object]]:
    script = 'tsk_recover -a "$1" "$2" > /dev/null && find "$2" -type f -print0 | xargs -0 sha256sum && rm -rf "$2"'
    return lambda folder: ["sh", "-c", script, "sh", folder / drive, folder / "recovered"]


def _alone(what: str) -> Callable[[Path], list[object]]:
    return lambda folder: [sys.executable, Path(__file__).with_name("contents_work.py"), what, folder]


CONTESTS = (
    Contest("list ext4 ÷ fls -r", "list files.ext4", _fls("files.ext4"), "cpu", 2.0),
    Contest("list FAT32 ÷ fls -r", "list files.fat", _fls("files.fat"), "cpu", 2.0),
    Contest("list ext4 ÷ fiwalk -g -z", "list files.ext4", _fiwalk("files.ext4"), "cpu", 2.0),
    Contest("list FAT32 ÷ fiwalk -g -z", "list files.fat", _fiwalk("files.fat"), "cpu", 2.0),
    Contest("list, read, SHA-256, ext4 ÷ tsk_recover, sha256sum", "hash files.ext4", _recover("files.ext4"), "wall", 1 / 3),  # noqa: E501
    Contest("list, read, SHA-256, FAT32 ÷ tsk_recover, sha256sum", "hash files.fat", _recover("files.fat"), "wall", 1 / 3),  # noqa: E501
    Contest("XLSX to pieces ÷ calamine alone", "extract table.xlsx", _alone("calamine"), "wall", 1.2),
    Contest("PDF to pieces ÷ PDFium alone", "extract pages.pdf", _alone("pdfium"), "wall", 1.2),
)  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ sources


def make_sources(folder: Path, files: int, rows: int, pages: int) -> None:
    """Two drives with the same files, FAT32 with a quarter of them; a sheet of ten columns; a PDF."""
    tree = folder / "tree"
    for number in range(files):
        name = tree / f"{number // 1000:03}" / f"letter {number % 1000:03}.txt"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_text(f"Letter {number}, of nobody in particular.\n" * 24)
    size = (files // 200 + 64) * MIB
    _blank(folder / "files.ext4", size)
    _run(
        "mkfs.ext4",
        "-q",
        "-F",
        "-O",
        "^has_journal",
        "-N",
        files + files // 500 + 100,
        "-d",
        tree,
        folder / "files.ext4",
    )
    _make_fat(folder / "files.fat", tree, files // 4, size // 2)
    _run("rm", "-rf", tree)
    _make_sheet(folder / "table.xlsx", rows)
    _make_pages(folder / "pages.pdf", pages)


def _make_fat(path: Path, tree: Path, files: int, size: int) -> None:
    """The first files of the tree as one FAT32 volume, by the house's own writer: mcopy takes minutes over 50,000."""
    from forensics.demonstration.fat32 import PARTITION_LBA, SECTOR, Fat32Image, Stamps

    stamps = Stamps.at(datetime(2026, 1, 2, 3, 4, 6))
    disk = path.with_suffix(".disk")
    with Fat32Image(
        disk, size=max(size, 80 * MIB), cluster_size=1024, label="FILES", serial=1, formatted=stamps.created
    ) as image:
        folders: set[Path] = set()
        for name in sorted(tree.rglob("*.txt"))[:files]:
            if name.parent not in folders:
                folders.add(name.parent)
                image.directory(name.parent.name, stamps)
            image.file(f"{name.parent.name}/{name.name}", name.read_bytes(), stamps)
    with disk.open("rb") as whole, path.open("xb") as volume:
        whole.seek(PARTITION_LBA * SECTOR)
        shutil.copyfileobj(whole, volume, MIB)
    disk.unlink()


def _make_sheet(path: Path, rows: int) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet("members")
    for row in range(rows):
        cells = (
            f"M{row:09}", "Given", f"Family{row % 5000}", f"19{row % 90 + 10}-0{row % 9 + 1}-1{row % 9}",
            f"9{row % 90 + 10:02}-{row % 90 + 10}-{row % 9000 + 1000}", f"{row % 9999} Main Street",
            "Springfield", "IL",
        )  # fmt: skip
        for column, cell in enumerate(cells):
            sheet.write_string(row, column, cell)
        sheet.write_number(row, 8, row)
        sheet.write_number(row, 9, row / 7)
    book.close()


def _make_pages(path: Path, pages: int) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path))
    for page in range(pages):
        for line in range(50):
            canvas.drawString(
                60, 780 - 14 * line, f"{page:04}-{line:02} Given Family{line} 1970-01-{line % 28 + 1:02} 12 Main Street"
            )
        canvas.showPage()
    canvas.save()


def _blank(path: Path, size: int) -> None:
    with path.open("xb") as stream:
        stream.truncate(size)


def _run(*command: object) -> None:
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC"}
    subprocess.run([str(part) for part in command], check=True, capture_output=True, env=environment)


# ---------------------------------------------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Cost:
    cpu: float
    wall: float
    memory: int


def measure(command: list[object], folder: Path) -> Cost:
    """Runs one program alone. Ends this one where it fails.

    Linux counts the memory of this process, before it becomes the program, as the program's too (getrusage(2)): what is
    told is no less than that, which is why the sources are made in a process apart.
    """
    begun = time.monotonic()
    with (folder / "output").open("wb") as output:
        child = subprocess.Popen([str(part) for part in command], stdout=output, stderr=subprocess.STDOUT)
        _pid, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        said = (folder / "output").read_text("utf-8", "replace")[-2000:]
        raise SystemExit(f"{command[0]} ended with status {child.returncode}:\n{said}")
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - begun, used.ru_maxrss << 10)


def contest_table(folder: Path, rounds: int) -> tuple[str, int]:
    """The Markdown, and how many targets were missed."""
    costs: dict[str, list[tuple[Cost, Cost]]] = {contest.name: [] for contest in CONTESTS}
    for _ in range(rounds):
        for contest in CONTESTS:
            ours = measure(_alone(contest.ours)(folder), folder)
            costs[contest.name].append((ours, measure(contest.theirs(folder), folder)))
    lines = ["| ours ÷ theirs | CPU s | wall s | memory MiB | ratio (≤) |", "|---" * 5 + "|"]
    missed = 0
    for contest in CONTESTS:
        pairs = costs[contest.name]
        ratio = statistics.median(getattr(a, contest.measure) / getattr(b, contest.measure) for a, b in pairs)
        cells = [
            " ÷ ".join(
                format(statistics.median(getattr(pair[side], what) / scale for pair in pairs), form) for side in (0, 1)
            )
            for what, scale, form in (("cpu", 1, ".2f"), ("wall", 1, ".2f"), ("memory", MIB, ".0f"))
        ]
        missed += ratio > contest.limit
        said = f"**{ratio:.2f}**" if ratio > contest.limit else f"{ratio:.2f}"
        lines.append(
            "| " + " | ".join([contest.name, *cells, f"{contest.measure} {said} ({contest.limit:.2f})"]) + " |"
        )
    start = statistics.median(measure(_alone("start")(folder), folder).cpu for _ in range(max(3, rounds)))
    lines += ["", f"The start alone, of the interpreter and all modules of a worker, takes {start:.2f} CPU s."]
    return "\n".join(lines), missed


def index_table(folder: Path, files: int) -> tuple[str, int]:
    """The command `index` on the drive of many files, and whether its memory target was missed."""
    secret = {**os.environ, "DRIVECUSTODY_PASSPHRASE": "many small files"}
    case = folder / "bench.dcase"
    watched.measure(["new", case, "--number", "1", "--title", "t", "--organisation", "O", "--entity-type", "business",
             "--examiner", "X"], secret)  # fmt: skip
    watched.measure(["receive", case, "--exhibit", "E-001", "--from", "A", "--to", "B"], secret)
    watched.measure(["acquire", case, "--exhibit", "E-001", folder / "files.ext4", "--format", "raw"], secret)
    cost = watched.measure(["index", case], secret)
    lines = ["| verb | files | wall s | CPU s | memory MiB (≤) |", "|---" * 5 + "|"]
    said = f"{cost.peak / MIB:.0f}" if cost.peak <= MEMORY_TARGET else f"**{cost.peak / MIB:.0f}**"
    lines.append(f"| index | {files:,} | {cost.wall:.0f} | {cost.cpu:.0f} | {said} ({MEMORY_TARGET // MIB}) |")
    return "\n".join(lines), int(cost.peak > MEMORY_TARGET)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--files", type=int, default=200_000)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--pages", type=int, default=500)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, default=Path("/dev/shm"))
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        sys.path.insert(0, str(ROOT))
        maker = get_context("spawn").Process(target=make_sources, args=(folder, given.files, given.rows, given.pages))
        maker.start()
        maker.join()
        if maker.exitcode:
            return int(maker.exitcode)
        print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {given.files:,} files, "
              f"{given.rows:,} rows, {given.pages} pages, {given.rounds} rounds", end="\n\n")  # fmt: skip
        said, missed = contest_table(folder, given.rounds)
        print(said, end="\n\n", flush=True)
        said, more = index_table(folder, given.files)
        print(said)
    return int(missed + more > 0)


if __name__ == "__main__":
    raise SystemExit(main())
