"""Shadow copies that lie, in isolated workers: nothing dies, each ends with a status, memory and time are bounded."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from shadow_copies import vss

from forensics.evidence.shadow import HEADER
from forensics.examination.isolation import Isolation
from forensics.jobs import pool
from hostile.shadow_mutations import Mutation, read_all

CATALOG = 0x17E4000
"""Where the header of `vss.raw` says that the catalog begins (offset 48)."""

BLOCK = 16 << 10


def _structures() -> list[int]:
    """Where the structures of VSS stand: header, catalog, and every block of a store with the identifier in front."""
    data, identifier = vss(), vss()[HEADER : HEADER + 16]
    found, at = [], -1
    while (at := data.find(identifier, at + 1)) >= 0:
        if at % 512 == 0:
            found.append(at)
    return found


def _mutations(image: Path, count: int, seed: int) -> Iterator[Mutation]:
    chance = random.Random(seed)
    places = _structures()
    assert HEADER in places
    assert CATALOG in places
    for _ in range(count):
        patches = []
        for _ in range(chance.choice((1, 1, 2, 8, 64))):
            at = chance.choice(places) + chance.choice((16, 32, 128, chance.randrange(128, BLOCK)))
            value = chance.choice(
                (b"\xff" * 8, bytes(8), chance.randbytes(1), chance.randbytes(8), b"\x7f" + b"\xff" * 7)
            )
            patches.append((at, value))
        yield Mutation(image, tuple(patches))


def _held(tmp_path: Path, count: int, seed: int) -> Counter[str]:
    image = tmp_path / "vss.raw"
    image.write_bytes(vss())
    ended: Counter[str] = Counter()
    locks = Isolation().locks([(image,)])
    for result in pool.run(read_all, _mutations(image, count, seed), workers=2, seconds=60, locks=locks):
        if result.value is None:
            ended[f"worker: {result.outcome.reason}"] += 1
            continue
        for name, reason, _, _ in result.value:
            assert name == "vol0" or "/vss" in name
            ended[reason or "ok"] += 1
    return ended


def test_a_hundred_and_fifty_lying_shadow_copies_each_end_with_a_status(tmp_path: Path) -> None:
    ended = _held(tmp_path, 150, 20210501)
    assert not [reason for reason in ended if reason.startswith("worker")], ended
    # Some can still be read, and some cannot: otherwise the mutations would show little.
    assert ended["ok"] > 50
    assert sum(ended.values()) - ended["ok"] > 5, ended


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(4))
def test_two_thousand_lying_shadow_copies_each_end_with_a_status(tmp_path: Path, seed: int) -> None:
    ended = _held(tmp_path, 500, seed)
    assert not [reason for reason in ended if reason.startswith("worker")], ended
