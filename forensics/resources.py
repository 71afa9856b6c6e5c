"""Where the files that come with the program are: fonts, texts, scripts for packages."""

from __future__ import annotations

import sys
from pathlib import Path

from forensics.errors import Defect


def resource(*parts: str) -> Path:
    """A file of `resources/`, beside the source or inside the bundle. Raises `Defect` where it is missing."""
    base = Path(getattr(sys, "_MEIPASS", Path(__file__).resolve().parent.parent))
    path = base.joinpath("resources", *parts)
    if not path.is_file():
        raise Defect(f"The installation lacks resources/{'/'.join(parts)}.", "Install DriveCustody again.")
    return path
