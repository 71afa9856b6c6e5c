"""The error map is a ddrescue map file: other tools go on from it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import Refused
from forensics.evidence.map_file import ErrorMap, read_map, write_map
from forensics.model import BadRange

OF_DDRESCUE = """\
# Mapfile. Created by GNU ddrescue version 1.27
# Command line: ddrescue /dev/sdb disk.img disk.map
# Start time:   2026-01-02 10:00:00
# current_pos  current_status  current_pass
0x00120000     -               1
#      pos        size  status
0x00000000  0x00117000  +
0x00117000  0x00000200  -
0x00117200  0x00001000  +
0x00118200  0x00007E00  /
0x00120000  0x00048000  ?
"""
"""Written from the manual of GNU ddrescue, "Mapfile structure"."""


def test_a_map_of_ddrescue_is_read(tmp_path: Path) -> None:
    (tmp_path / "map").write_text(OF_DDRESCUE)
    assert read_map(tmp_path / "map") == ErrorMap(
        size=0x168000,
        bad=(BadRange(0x117000, 512),),
        unread=(BadRange(0x118200, 0x7E00), BadRange(0x120000, 0x48000)),
    )


@given(st.sets(st.integers(0, 99)))
def test_a_map_reads_back_to_what_was_written(tmp_path_factory: pytest.TempPathFactory, sectors: set[int]) -> None:
    path = tmp_path_factory.mktemp("map") / "E-001.map"
    bad = tuple(BadRange(sector * 1024, 512) for sector in sorted(sectors))
    write_map(path, 100 * 1024, bad)
    assert read_map(path) == ErrorMap(100 * 1024, bad)


def test_a_map_covers_every_byte_once(tmp_path: Path) -> None:
    write_map(tmp_path / "map", 4096, [BadRange(1024, 512), BadRange(3584, 512)])
    lines = [line.split() for line in (tmp_path / "map").read_text().splitlines() if not line.startswith("#")][1:]
    assert [(int(pos, 0), int(size, 0), status) for pos, size, status in lines] == [
        (0, 1024, "+"), (1024, 512, "-"), (1536, 2048, "+"), (3584, 512, "-"),
    ]  # fmt: skip


def test_what_is_no_map_is_refused(tmp_path: Path) -> None:
    for text in ("", "hello\nworld\n", "# only\n0x0 + 1\n"):
        (tmp_path / "map").write_text(text)
        with pytest.raises(Refused):
            read_map(tmp_path / "map")
