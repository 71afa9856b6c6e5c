"""Files on unreadable places and files with silent zeros, told from files that hold zeros by right."""

from __future__ import annotations

import pytest

from forensics.evidence.plausibility import Plausibility
from forensics.evidence.zero_map import ZeroMap
from forensics.model import BadRange, Extent, Run

UNIT = 32768
SIZE = 100 * UNIT


def zeros(*units: int) -> ZeroMap:
    found = ZeroMap(SIZE)
    for unit in units:
        found.add(unit * UNIT)
    return found


FILE = (Run(0, 10 * UNIT + 4096, 6 * UNIT), Run(6 * UNIT, 50 * UNIT, 2 * UNIT))


def test_zeros_in_the_middle_of_a_text_are_implausible_and_placed() -> None:
    weighed = Plausibility(zeros(13, 14), ())
    assert weighed.implausible(FILE, 8 * UNIT, "csv") == [Extent(13 * UNIT, 2 * UNIT)]


def test_zeros_in_every_run_of_a_file_are_found_and_those_beside_it_are_not() -> None:
    weighed = Plausibility(zeros(9, 12, 20, 51, 52), ())
    assert weighed.implausible(FILE, 8 * UNIT, "zip") == [Extent(12 * UNIT, UNIT), Extent(51 * UNIT, UNIT)]


def test_a_unit_that_the_file_only_touches_proves_nothing() -> None:
    """A file may begin in the middle of a unit; less than 32 KiB of zeros in it can be padding."""
    assert Plausibility(zeros(10, 16), ()).implausible(FILE, 8 * UNIT, "csv") == []


@pytest.mark.parametrize("type", ["sqlite", "exe", "ole", "unknown"])
def test_types_that_hold_zeros_by_right_are_believed(type: str) -> None:
    assert Plausibility(zeros(12, 13, 14), ()).implausible(FILE, 8 * UNIT, type) == []


def test_a_file_that_is_nothing_but_zeros_is_not_believed() -> None:
    weighed = Plausibility(zeros(*range(11, 16), 50, 51), ())
    assert sum(extent.length for extent in weighed.implausible(FILE, 8 * UNIT, "unknown")) == 7 * UNIT


def test_what_could_not_be_read_is_named_so_and_not_as_silent_zeros() -> None:
    weighed = Plausibility(zeros(12), [BadRange(12 * UNIT + 512, 1024), BadRange(70 * UNIT, 512)])
    assert weighed.unread(FILE) == [Extent(12 * UNIT + 512, 1024)]
    assert weighed.implausible(FILE, 8 * UNIT, "csv") == []
