"""Makes drives whose every structure may lie, from a seed, and examines them with the command under a watch."""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from worked_example import COMMAND, drivecustody

from forensics.casefile.views import CaseView
from forensics.extraction.content import CHILDREN_LIMIT

MIB = 1 << 20
PASSPHRASE = "a passphrase for tests"
SLOT = 4 * MIB
"""The room of one volume on a drive of many."""

PARTITIONS = 112
"""On one drive; a GPT has 128 entries."""

RSS_OF_THE_COMMAND = 2 * CHILDREN_LIMIT + (256 << 20)
"""One answer with all the children that a content may have is there twice while it is read, and never two of them."""

RSS_OF_A_WORKER = 3 << 30


@dataclass
class Examined:
    """What the command left of a hostile drive, and what it took."""

    case: Path
    status: int
    result: dict[str, object]
    seconds: float
    rss: int
    worker_rss: int
    stray: list[str] = field(default_factory=list)

    def view(self) -> CaseView:
        return CaseView.open(self.case, PASSPHRASE)

    def must_hold(self, seconds: float) -> None:
        """What is promised of every drive: an end, a status for each item, and nothing left outside the case."""
        assert self.status == 0
        assert self.stray == []
        assert self.rss < RSS_OF_THE_COMMAND
        assert self.worker_rss < RSS_OF_A_WORKER
        assert self.seconds < seconds
        with self.view() as view:
            assert "pending" not in view.counts_by("outcome")
            for volume in view.volumes():
                assert volume.outcome.kind == "ok" or volume.outcome.reason
            assert all(item.reason for item in view.not_examined())
            assert sum(share.bytes for share in view.coverage()) == sum(a.size for a in view.acquisitions())


def examine(folder: Path, image: Path) -> Examined:
    """Take the image in and index it, with folders of its own for whatever the command may write to."""
    case, outside = folder / "hostile.dcase", folder / "outside"
    homes = {name: outside / name for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "DRIVECUSTODY_STATE")}
    here = outside / "here"
    for place in (*homes.values(), here):
        place.mkdir(parents=True)
    environment = {
        **os.environ, **{name: str(place) for name, place in homes.items()}, "DRIVECUSTODY_PASSPHRASE": PASSPHRASE,
    }  # fmt: skip
    drivecustody(
        "new", case, "--number", "1", "--title", "T", "--organisation", "O", "--entity-type", "hipaa_covered_entity",
        "--examiner", "E", env=environment,
    )  # fmt: skip
    drivecustody("receive", case, "--exhibit", "E-001", "--from", "A", "--to", "B", env=environment)
    drivecustody("import-image", case, "--exhibit", "E-001", image, env=environment)
    before = _files(folder, case)
    log = folder / "events.jsonl"
    begun = time.monotonic()
    with log.open("wb") as out:
        child = subprocess.Popen(
            [COMMAND, "index", case, "--json"], env=environment, stdout=out, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL, cwd=here,
        )  # fmt: skip
        watch = _Watch(child.pid)
        status = child.wait(timeout=3600)
    seconds = time.monotonic() - begun
    watch.stop()
    last = json.loads(log.read_bytes().splitlines()[-1])
    stray = sorted(_files(folder, case) - before - {str(log)}) + [str(p) for p in (case / "scratch").iterdir()]
    return Examined(case, status, last.get("result") or {}, seconds, watch.parent, watch.worker, stray)


def _files(folder: Path, case: Path) -> set[str]:
    """Every name beneath `folder` but what is in the case, and what a traversal of a few steps would hit."""
    beside = {str(path) for path in folder.parent.glob("evil*")} | {str(path) for path in Path("/tmp").glob("evil*")}
    return beside | {str(path) for path in folder.rglob("*") if not path.is_relative_to(case)}


class _Watch:
    """The largest resident sets of a process and of its children, sampled ten times a second."""

    def __init__(self, pid: int) -> None:
        self.parent = self.worker = 0
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.wait(0.1):
            try:
                self.parent = max(self.parent, self._process.memory_info().rss)
                for child in self._process.children(recursive=True):
                    self.worker = max(self.worker, child.memory_info().rss)
            except psutil.Error:
                continue

    def stop(self) -> None:
        self._done.set()
        self._thread.join()


# ------------------------------------------------------------------------------------------------- file systems


def blank(path: Path, size: int) -> Path:
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


def _run(*command: object) -> None:
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC"}
    subprocess.run([str(word) for word in command], check=True, capture_output=True, env=environment)


def templates(folder: Path) -> dict[str, bytes]:
    """A small healthy volume of each file system, with directories, live and, on FAT, deleted files."""
    tree = folder / "tree"
    (tree / "one" / "two").mkdir(parents=True)
    (tree / "one" / "members.csv").write_text("name,ssn\n" + "Ada Example,078-05-1120\n" * 300)
    (tree / "one" / "two" / "note.txt").write_text("a note\n" * 500)
    (tree / "big.bin").write_bytes(bytes(range(256)) * 400)
    made = {}
    for name, bits, sectors in (("FAT12", 12, 4), ("FAT16", 16, 1), ("FAT32", 32, 1)):
        # FAT32 asks for 65,525 clusters, so its volume is larger than its room and only its first part is there.
        path = blank(folder / name, SLOT if bits != 32 else 34 * MIB)
        _run("mkfs.vfat", "-F", bits, "-s", sectors, path)
        _run("mcopy", "-s", "-i", path, tree / "one", tree / "big.bin", "::")
        _run("mcopy", "-i", path, tree / "big.bin", "::gone.bin")
        _run("mdel", "-i", path, "::gone.bin")
        made[name] = path.read_bytes()[:SLOT]
    path = blank(folder / "NTFS", SLOT)
    _run("mkntfs", "-F", "-q", "-c", 4096, path)
    _run("ntfscp", "-f", path, tree / "big.bin", "big.bin")
    _run("ntfscp", "-f", path, tree / "one" / "members.csv", "members.csv")
    _run("ntfscp", "-f", "-N", "stream", path, tree / "one" / "two" / "note.txt", "members.csv")
    made["NTFS"] = path.read_bytes()
    path = blank(folder / "exFAT", SLOT)
    _run("mkfs.exfat", path)
    made["exFAT"] = path.read_bytes()
    for name in ("ext2", "ext4"):
        path = blank(folder / name, SLOT)
        _run(f"mkfs.{name}", "-q", "-F", "-d", tree, path)
        made[name] = path.read_bytes()
    return made


def mutated(template: bytes, chance: random.Random) -> bytes:
    """The same bytes with some of those that carry structure changed, or cut off, or a block put elsewhere."""
    data = bytearray(template)
    structure = _structure(template)
    for _ in range(chance.choice((1, 2, 4, 16, 64, 256))):
        at = chance.choice(structure) + chance.randrange(64)
        match chance.randrange(4):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                width = chance.choice((2, 4, 8))
                value = chance.choice((0, 1, (1 << width * 8 - 1) - 1, (1 << width * 8) - 1))
                data[at : at + width] = value.to_bytes(width, "little")
            case 3:
                source = chance.choice(structure)
                data[at : at + 64] = template[source : source + 64]
    if chance.random() < 0.1:
        keep = chance.randrange(4096, len(data))
        data[keep:] = bytes(len(data) - keep)
    return bytes(data[: len(template)])


def _structure(template: bytes) -> list[int]:
    """Where 64 bytes are not all the same: tables, records, directories (and some content)."""
    places = range(0, len(template) - 128, 64)
    found = [at for at in places if template[at : at + 64].count(template[at]) != 64]
    return [at for at in found if template[at : at + 64] not in (bytes(range(64)), bytes(range(64, 128)))]


def drive_of_volumes(path: Path, volumes: list[bytes]) -> Path:
    """One image with a GPT of as many partitions."""
    first = 2048
    step = SLOT // 512
    lines = ["label: gpt"] + [f"start={first + n * step},size={step}" for n in range(len(volumes))]
    blank(path, (len(volumes) * SLOT) + 2 * MIB)
    subprocess.run(["sfdisk", "-q", str(path)], input="\n".join(lines).encode(), check=True, capture_output=True)
    with path.open("r+b") as stream:
        for number, volume in enumerate(volumes):
            stream.seek((first + number * step) * 512)
            stream.write(volume)
    return path


def drive_of_files(path: Path, folder: Path, size: int) -> Path:
    """One ext4 volume with all that is in a folder."""
    blank(path, size)
    _run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-N", 250_000, "-d", folder, path)
    return path
