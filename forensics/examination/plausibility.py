"""After the contents are known: which files lie on what could not be read, and which hold silent zeros."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.casefile.implausible import UNREAD, entries_on_device, replace_implausible
from forensics.casefile.implausible import ZEROS as SILENT_ZEROS
from forensics.errors import NotIntact
from forensics.evidence.plausibility import Plausibility
from forensics.evidence.zero_map import read_zero_map
from forensics.examination.images import ZEROS
from forensics.examination.open_case import OpenCase
from forensics.model import Acquisition, Extent

Doubt = tuple[int, str, list[Extent]]


def weigh_plausibility(case: OpenCase) -> int:
    """Write down every file whose bytes are not to be believed; returns how many such rows there are."""
    found = [doubt for acquisition in case.store.acquisitions() for doubt in _doubts(case, acquisition)]
    with case.store.begin() as connection:
        replace_implausible(connection, found)
    return len(found)


def _doubts(case: OpenCase, acquisition: Acquisition) -> Iterator[Doubt]:
    try:
        zeros = read_zero_map(case.folder.images(acquisition.exhibit) / ZEROS, acquisition.size)
    except (OSError, ValueError) as error:
        raise NotIntact(
            f"The map of zeros beside the image of {acquisition.exhibit} is not the one that was made.",
            "Fetch it from the second copy or the package, and check the case: drivecustody verify.",
        ) from error
    plausibility = Plausibility(zeros, acquisition.bad)
    with case.store.begin() as connection:
        for entry in entries_on_device(connection, acquisition.exhibit):
            if unread := plausibility.unread(entry.runs):
                yield entry.id, UNREAD, unread
            if implausible := plausibility.implausible(entry.runs, entry.size, entry.type):
                yield entry.id, SILENT_ZEROS, implausible
