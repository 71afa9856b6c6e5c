"""What share of planted persons was found, with its interval: the recall of each layout, and of no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forensics.exposure.assessment import SURE
from forensics.exposure.estimate import Measured
from forensics.exposure.review_sample import clopper_pearson

LEAST = 30
"""Planted persons below which a layout is said to be tried too little; its interval shows it too."""

SAID = (
    "Share of invented persons found (confirmed or probable) who were planted in copies of this drive's contents, by "
    "layout. How often each layout stands on this drive is not known, so there is no recall of the whole; layouts that "
    "nobody planted, and contents that could not be examined, are not in it. Rows of tables were written as the rows "
    "beside them in which records were found: tables of which no row was found are not tried."
)


def recall(planted: Mapping[str, Any] | None, strata: Sequence[Measured]) -> dict[str, Any] | None:
    """The measured recall, or None where nobody was planted. `found` are those in strata that decoys gave a tier of
    confirmed or probable, `met` all that were found in any way; the interval is Clopper and Pearson's, 95 %."""
    if planted is None:
        return None
    rows = []
    for one in planted["layouts"]:
        n = int(one["planted"])
        by_stratum = {int(stratum): int(count) for stratum, count in one["found"].items()}
        found = sum(count for stratum, count in by_stratum.items() if strata[stratum].tier in SURE)
        row: dict[str, Any] = {"layout": one["layout"], "planted": n, "found": found, "met": sum(by_stratum.values())}
        if n:
            lower, upper = clopper_pearson(n - found, n)
            row |= {"share": round(found / n, 4), "low": round(1 - upper, 4), "high": round(1 - lower, 4)}
        else:
            row |= {"share": None, "low": None, "high": None}
        rows.append({**row, "note": _note(n)})
    return {"each": planted["each"], "layouts": rows, "said": SAID}


def _note(planted: int) -> str:
    if not planted:
        return "not measured: this drive has no place for it, or the records no such value"
    return "too few places on this drive" if planted < LEAST else ""
