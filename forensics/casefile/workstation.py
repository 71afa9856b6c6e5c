"""What is kept of this workstation outside every case: the last self-test, and with which versions it ran."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as library
from pathlib import Path
from typing import Any

from forensics import __version__, hashing

LIBRARIES = ("pytsk3", "libewf-python", "numpy", "pyarrow", "sqlalchemy", "sqlcipher3", "reportlab", "pyhanko",
             "python-calamine", "pypdfium2")  # fmt: skip
"""The libraries on which a finding rests; reports name their versions."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The last self-test of this workstation. `environment` is that of `environment()` when it ran."""

    result_id: str
    time: str
    intact: bool
    passed: int
    checks: int
    environment: dict[str, Any]

    @property
    def current(self) -> bool:
        """Whether program, libraries, Python and system are still those that were tested."""
        return self.environment == environment()


def environment() -> dict[str, Any]:
    """The versions of all that a self-test tests, as JSON values."""
    return {
        "program": __version__,
        "python": platform.python_version(),
        "libraries": {name: library(name) for name in LIBRARIES},
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


@cache
def build_digest() -> str:
    """SHA-256 over the program's own files: of every module its path and SHA-256, in the order of the paths; of a
    bundle, its executable. Says which program made a report, in the same words on every machine."""
    if getattr(sys, "frozen", False):
        return hashing.of_file(Path(sys.executable))
    base = Path(__file__).resolve().parents[1]
    told = [f"{hashing.of_file(path)}  {path.relative_to(base).as_posix()}\n" for path in sorted(base.rglob("*.py"))]
    return hashing.of_bytes("".join(told).encode("utf-8"))


def state_folder() -> Path:
    """Where it is kept: `DRIVECUSTODY_STATE`, else the user's data folder."""
    if named := os.environ.get("DRIVECUSTODY_STATE"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("drivecustody", appauthor=False))


def keep(test: dict[str, Any]) -> bool:
    """Remember the result of a self-test. False where the user's data folder cannot be written to."""
    path = _file()
    draft = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(test, sort_keys=True) + "\n", "utf-8")
        draft.replace(path)
    except OSError:
        return False
    return True


def last_self_test() -> SelfTest | None:
    """The last self-test; None where none has been run here, or what was kept of it cannot be read."""
    try:
        kept = json.loads(_file().read_text("utf-8"))
        facts = kept["facts"]
        return SelfTest(
            str(kept["result_id"]), str(kept["time"]), kept["intact"] is True,
            sum(fact["holds"] is True for fact in facts), len(facts), dict(kept["environment"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None


def last_self_test_in_words() -> str:
    """What a report says of the last self-test."""
    test = last_self_test()
    if test is None:
        return "Workstation self-test: not run on this workstation."
    said = f"Workstation self-test: id {test.result_id}, {test.time}, passed {test.passed} of {test.checks} checks."
    return said if test.current else f"{said} It ran with other versions than those of this report."


def _file() -> Path:
    return state_folder() / "selftest.json"
