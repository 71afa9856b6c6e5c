"""The command line's contract, checked by the program that the contract comes with, where that is at hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from worked_example import COMMAND

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT.parent / "shared" / "acceptance" / "contract.py"


@pytest.mark.skipif(not CONTRACT.is_file(), reason="the contract's own checks are not beside this clone")
def test_the_contract_holds() -> None:
    done = subprocess.run([sys.executable, CONTRACT, COMMAND], capture_output=True, text=True, cwd=ROOT, timeout=900)
    assert done.stdout.rstrip().endswith(" 0 failed"), done.stdout[-3000:]
    assert done.returncode == 0
