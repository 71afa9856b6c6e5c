"""The bench that docs/benchmarks.md quotes still runs; its figures mean nothing at this size."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench" / "acquisition.py"


def test_the_acquisition_bench_prints_a_row_for_every_contest(tmp_path: Path) -> None:
    for program in ("dc3dd", "ewfacquire", "ewfverify"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    command = [sys.executable, BENCH, "--size", "4MiB", "--rounds", "1", "--folder", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    rows = [line for line in done.stdout.splitlines() if " ÷ " in line and not line.startswith("| ours")]
    assert [re.split(r"[ ,]", row)[1] for row in rows] == ["raw", "E01", "E01", "verify"]
    assert all(re.search(r"\| \d+\.\d+ ÷ \d+\.\d+ \|", row) for row in rows)
    assert "Targets missed:" in done.stdout
    assert list(tmp_path.iterdir()) == []
