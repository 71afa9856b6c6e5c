"""The worked example at a size of one's choice, verb by verb: wall, CPU, memory, bytes a second, persons by layout.

    .venv/bin/python tests/bench/worked_example.py FOLDER [--members 798243] [--affected 56000] [--share 0.125]
        [--drive-share 0.45] [--image-gib 16] [--processors 1] [--until assess]

Prints two Markdown tables for docs/benchmarks.md. FOLDER must be new and have room for three times the drive. With
`--share` records, persons and every part of the drive are that share of the whole; with `--drive-share` the records
stay whole. `--image-gib` makes the drive that large without putting more on it (the image is sparse), `--processors`
lets the verbs use so many, `--until` stops behind a verb.
Memory is the largest sum of the proportional set sizes (PSS) of the verb and its workers, seen five times a second.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from dataclasses import replace
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from watched import measure  # noqa: E402 - the path above comes first
from worked_example import Example  # noqa: E402

from forensics.demonstration.drive import Scale, make_demonstration  # noqa: E402
from forensics.model import Tier  # noqa: E402


def part_of(whole: Scale, share: float, image_gib: float | None) -> Scale:
    """The same drive, smaller: the number of monthly extracts stays, because each holds fewer persons."""
    return replace(
        whole,
        image=int(image_gib * 1024) << 20 if image_gib else int(whole.image * share) // (1 << 20) << 20,
        claims=round(whole.claims * share),
        photographs=max(1, round(whole.photographs * share)),
        blobs=int(whole.blobs * share),
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("folder", type=Path)
    options.add_argument("--members", type=int, default=798_243)
    options.add_argument("--affected", type=int, default=56_000)
    options.add_argument("--share", type=float, default=1.0)
    options.add_argument("--drive-share", type=float, default=1.0)
    options.add_argument("--image-gib", type=float)
    options.add_argument("--processors", type=int)
    options.add_argument("--until", default="verify")
    given = options.parse_args()
    if given.processors:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.processors])
    share = given.share * given.drive_share
    members, affected = round(given.members * given.share), round(given.affected * share)
    scale = part_of(Scale.for_affected(given.affected), share, given.image_gib)
    made = make_demonstration(given.folder, members=members, affected=affected, scale=scale)
    (given.folder / "case-passphrase.txt").write_text("bench\n")
    example = Example(given.folder, made.truth)
    env = {
        **os.environ,
        "DRIVECUSTODY_PASSPHRASE": "bench",
        "DRIVECUSTODY_IDENTITIES": str(given.folder / "identities"),
    }
    case, drive, records = example.case, made.image.stat().st_size, made.records.stat().st_size
    said = ["--number", "B", "--title", "bench", "--organisation", "O", "--entity-type", "business", "--examiner", "B"]
    steps: list[tuple[str, int, list[object]]] = [
        ("new", 0, ["new", case, *said]),
        ("receive", 0, ["receive", case, "--exhibit", "E-001", "--from", "A", "--to", "B"]),
        ("acquire", drive, ["acquire", case, "--exhibit", "E-001", made.image]),
        ("verify-image", drive, ["verify-image", case]),
        ("index", drive, ["index", case]),
        ("records add", records, ["records", "add", case, made.records]),
        ("match", drive, ["match", case]),
        ("assess", 0, ["assess", case]),
        ("report", 0, ["report", case, "--out", case / "reports" / "draft.pdf"]),
        ("package", 0, ["package", case, "--out", case / "packages" / "draft.zip"]),
        ("verify", drive, ["verify", case]),
    ]
    steps = steps[: 1 + [name for name, *_ in steps].index(given.until)]
    processors = len(os.sched_getaffinity(0))
    print(f"Python {platform.python_version()}, {processors} processors, {psutil.virtual_memory().total >> 30} GiB; ")
    print(f"{members:,} records, {affected:,} affected, drive {drive / (1 << 30):.2f} GiB\n")
    print("| verb | wall s | CPU s | memory MiB | MiB/s |\n|---|---|---|---|---|")
    for name, size, arguments in steps:
        cost = measure(arguments, env)
        rate = f"{size / (1 << 20) / cost.wall:.0f}" if size else ""
        print(f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak >> 20:,} | {rate} |", flush=True)
    with example.view() as view:
        found = {person.record_key: person for person in view.all_persons(tuple(Tier))}
    sure = {key for key, person in found.items() if person.tier is not Tier.POSSIBLE}
    confirmed = {key for key, person in found.items() if person.tier is Tier.CONFIRMED}
    exposed, wanted = set(made.truth.elements), set(made.truth.identifiable)
    print("\n| layout | persons | found | share |\n|---|---|---|---|")
    for layout, keys in made.truth.layouts.items():
        if here := keys & wanted:
            print(f"| {layout} | {len(here):,} | {len(here & sure):,} | {len(here & sure) / len(here):.4f} |")
    print(f"| all | {len(wanted):,} | {len(wanted & sure):,} | {len(wanted & sure) / len(wanted):.4f} |")
    differ = [frozenset(found[key].elements) ^ made.truth.elements[key] for key in wanted & sure]
    right = sum(not one for one in differ)
    images = sum(path.stat().st_size for path in (case / "images" / "E-001").iterdir())
    print(f"\nConfirmed {len(confirmed):,}, of them not on the drive {len(confirmed - exposed)}.")
    print(f"Confirmed or probable and not on the drive {len(sure - exposed)}; possible {len(found) - len(sure):,}.")
    print(f"All elements right for {right / len(differ):.4f} of the persons found.")
    print(f"case.db {(case / 'case.db').stat().st_size / (1 << 20):.0f} MiB; images {images / (1 << 20):.0f} MiB.")


if __name__ == "__main__":
    main()
