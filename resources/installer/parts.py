"""What the bundle weighs, part by part: `python3 resources/installer/parts.py dist/drivecustody` prints a table."""

from __future__ import annotations

import re
import sys
from pathlib import Path

PARTS = {
    r"[^/]*$": "the two programs, with all Python code in them",
    r"lib/(PySide6|shiboken6)/|lib/lib(Qt6|pyside6|shiboken6)": "Qt (PySide6)",
    r"lib/(pytsk3|pyewf|pyqcow|pyvhdi|pyvmdk)\.": "pytsk3 and libewf",
    r"lib/(PIL|pillow\.libs)/": "pillow",
    r"lib/resources/": "our fonts, icons and texts",
    r"lib/(base_library\.zip$|lib[^/]*$|(lib-dynload|python3[^/]*|Python[^/]*)(/|$))": "Python and its libraries",
    r"lib/[^/]*\.(dist|egg)-info/": "names, versions and licences of packages",
    r"lib/(\w+)": r"\1",
}
"""The first pattern that the path of a file in the bundle begins with tells which part it belongs to."""


def part_of(path: str) -> str:
    """The part of the bundle that a file in it, named from the bundle's root, belongs to."""
    for pattern, part in PARTS.items():
        found = re.match(pattern, path)
        if found:
            return found.expand(part)
    return "other"


def parts(bundle: Path) -> dict[str, int]:
    """Bytes of each part of the bundle, the largest first; a link counts nothing beside what it points to."""
    sizes: dict[str, int] = {}
    for path in bundle.rglob("*"):
        if path.is_file() and not path.is_symlink():
            part = part_of(path.relative_to(bundle).as_posix())
            sizes[part] = sizes.get(part, 0) + path.stat().st_size
    return dict(sorted(sizes.items(), key=lambda each: -each[1]))


def table(bundle: Path) -> list[str]:
    """The lines of the table; what is under a megabyte is summed up."""
    sizes = parts(bundle)
    small = [count for count in sizes.values() if count < 1e6]
    return [
        "| part | MB |",
        "|---|---:|",
        *(f"| {part} | {count / 1e6:.1f} |" for part, count in sizes.items() if count >= 1e6),
        f"| {len(small)} parts of less than 1 MB each | {sum(small) / 1e6:.1f} |",
        f"| **all** | **{sum(sizes.values()) / 1e6:.1f}** |",
    ]


if __name__ == "__main__":
    print("\n".join(table(Path(sys.argv[1]))))
