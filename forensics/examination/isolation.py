"""In what the workers of a verb were locked up: measured in each, and the weakest of them is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from forensics.jobs.confinement import Confinement
from forensics.jobs.pool import Locks


class Isolation:
    """Collects what the kernel held in every worker."""

    def __init__(self) -> None:
        self.workers = 0
        self._weakest = Confinement()

    def locks(self, images: Iterable[tuple[Path, ...]], program: Sequence[Path] = ()) -> Locks:
        """The locks of workers that read these images. The folder, because the pieces of an image are looked for.

        `program` is what workers start another program from: the program itself and the data it reads.
        """
        folders = {segment.parent for segments in images for segment in segments}
        return Locks(tuple(sorted({*folders, *program})), programs=bool(program), told=self._note)

    def _note(self, held: Confinement) -> None:
        weakest = self._weakest if self.workers else held
        self._weakest = Confinement(
            min(weakest.landlock, held.landlock), weakest.seccomp and held.seccomp, weakest.programs or held.programs
        )
        self.workers += 1

    @property
    def measured(self) -> bool:
        return self.workers > 0

    def told(self) -> dict[str, Any]:
        """`landlock` (the kernel's version, 0 for none), `seccomp`, `programs` (whether any could start one), `workers`
        that were asked, and a phrase."""
        held = self._weakest
        return {
            "landlock": held.landlock, "seccomp": held.seccomp, "programs": held.programs, "workers": self.workers,
            "in_words": held.in_words,
        }  # fmt: skip
