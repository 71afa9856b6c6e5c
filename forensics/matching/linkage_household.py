"""Which member of a household a row means. Weights cannot say it: to them each slip of writing is a slip by itself, but
in lists that are kept by families whole fields come from the line of a relative, birth dates above all.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from forensics.matching.likeness import Bools
from forensics.matching.linkage_fields import FIELDS
from forensics.matching.linkage_weights import EQUAL, FAMILY, GIVEN, MISSING, Indices, Said, Values

LEAST_OWN = 2
"""Fields that have to agree to some degree of those that a household does not share, so that no single one decides."""

LARGEST_FAMILY = 20
"""Records with one family name and without an address, above which they are hardly one family."""

ADDRESS = "address"
IDENTIFIERS = ("ssn", "member_id")

_OWN = tuple(field.name for field in FIELDS if not field.household and field.name != GIVEN)

_SAID_OF_ONE = tuple(field.name for field in FIELDS if field.name in (GIVEN, FAMILY, "suffix", "email"))

_WORST = max(len(field.levels) for field in FIELDS)


class Households:
    """The records of one address, to the letter: the people between whom a line of a list may have slipped. Those that
    have no address may live with any other that has none and the same family name, if it is rare."""

    def __init__(self, records: Values) -> None:
        address, family = records.codes[ADDRESS], records.codes[FAMILY]
        self._known = address != 0
        bearers = np.bincount(family[~self._known], minlength=len(records.distinct[FAMILY]))
        rare = (family != 0) & (bearers[family] <= LARGEST_FAMILY)
        self._home = np.where(~self._known & rare, len(records.distinct[ADDRESS]) + family, address)
        self._alone = (np.bincount(address, minlength=1) == 1)[address] & self._known
        self._initial = _initials(records)

    def told_apart(self, said: Mapping[str, Said], rows: Values, row: Indices, record: Indices) -> Bools:
        """Pairs in which nothing points to another of the household instead. An identifier settles it."""
        home = self._home[record]
        _, household = np.unique(row * (int(home.max()) + 1) + home, return_inverse=True)
        another = _named_better(said, household) | (_named_as_well(said, household) & self._known[record])
        initial = _initials(rows)[row] | self._initial[record]
        enough = _by_more_than_a_date(said, initial) & ~(another & (home != 0))
        identified = np.any([said[name].level == EQUAL for name in IDENTIFIERS], axis=0)
        apart: Bools = identified | self._alone[record] | enough
        return apart


def _initials(table: Values) -> Bools:
    """Of which rows the given name is one letter."""
    initials = np.array([len(name) == 1 for name in table.distinct[GIVEN]], bool)
    return initials[table.codes[GIVEN]]


def _by_more_than_a_date(said: Mapping[str, Said], initial: Bools) -> Bools:
    """Pairs in which two fields of the person's own agree, or the given name to the letter.

    A date that was copied and one name that is like another are each a single slip. An initial is too little beside it,
    and a given name that is not the same says nothing beside another family name: both are then another's, or nobody's.
    """
    given = said[GIVEN]
    like = given.agrees & ~said[FAMILY].differs & ~initial
    own = np.sum([said[name].agrees for name in _OWN], axis=0) + like
    enough: Bools = (own >= LEAST_OWN) | (given.level == EQUAL)
    return enough


def _named_better(said: Mapping[str, Said], household: Indices) -> Bools:
    """Pairs of which another of the household fits the row's names better: one of them, and the other one no worse.

    Such a row is as likely Aria's with the birth date of Ariana as Ariana's with her name cut off, and is nobody's.
    """
    given, family = (np.where((level := said[name].level) == MISSING, _WORST, level) for name in (GIVEN, FAMILY))
    # In column n + 1: the best family name that goes with a given name of level n or a better one.
    best = np.full((int(household.max()) + 1, _WORST + 2), _WORST + 1, np.int8)
    np.minimum.at(best, (household, given + 1), family)
    np.minimum.accumulate(best, axis=1, out=best)
    better: Bools = (best[household, given + 1] < family) | (best[household, given] <= family)
    return better


def _named_as_well(said: Mapping[str, Said], household: Indices) -> Bools:
    """Pairs that nothing but a birth date tells from another of the household, as where of two only the initial stands.

    Father and son of one name that stands there to the letter are told by the date: nobody has anything else.
    """
    seen = household
    for name in _SAID_OF_ONE:
        seen = seen * (_WORST + 1) + said[name].level - MISSING
    _, which, often = np.unique(seen, return_inverse=True, return_counts=True)
    named = (said[GIVEN].level == EQUAL) & (said[FAMILY].level == EQUAL)
    as_well: Bools = (often[which] > 1) & ~named
    return as_well
