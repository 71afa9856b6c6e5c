"""What a file system tells plainly, many names at a time; `ext4` and `fat` read it, `files` makes entries of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forensics.model import Run


@dataclass(frozen=True, slots=True)
class PlainFiles:
    """Columns: the place of each plain file among the names of its directory, ascending; its size, where its bytes are,
    and its times. Beside them, as starts and lengths in turn, the space that they hold beyond their bytes."""

    places: list[int]
    sizes: list[int]
    runs: list[tuple[Run, ...]]
    modified: list[str]
    created: list[str]
    accessed: list[str]
    slack: list[int]


NO_FILES = PlainFiles([], [], [], [], [], [], [])


@dataclass(frozen=True, slots=True)
class PlainDirectory:
    """The live names of a directory in which nothing else could be read, in its order and without `.` and `..`."""

    names: list[bytes]
    addresses: list[int]
    files: PlainFiles


class PlainReader(Protocol):
    """One file system, as far as it is plain: The Sleuth Kit would say the same of that, one by one."""

    clock: str
    """That of its times (`times`)."""

    def directory(self, address: int) -> PlainDirectory | None:
        """What the live directory with this metadata address holds; None where it is not plain."""

    def without_orphans(self, all_plain: bool, /) -> bool:
        """Whether it is certain that no deleted entry is left that no name leads to. False where that is not known.

        `all_plain` says whether all directories but the root were.
        """


def single_runs(starts: NDArray[np.int64], sizes: list[int]) -> list[tuple[Run, ...]]:
    """For each content the one run that it consists of."""
    new = tuple.__new__  # a third of the time of calling the class
    return list(zip(map(new, repeat(Run), zip(repeat(0), starts.tolist(), sizes))))


def spare(starts: NDArray[np.int64], sizes: NDArray[np.int64], held: NDArray[np.int64]) -> list[int]:
    """Starts and lengths in turn of the space behind those contents that do not fill what they hold."""
    more = held > sizes
    rows: list[int] = np.stack((starts[more] + sizes[more], held[more] - sizes[more]), axis=1).ravel().tolist()
    return rows
