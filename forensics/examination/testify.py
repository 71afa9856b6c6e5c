"""The examiner's own words: qualifications, and statements ticked one by one, each an entry of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from forensics.casefile import testimony
from forensics.casefile.decisions import now
from forensics.casefile.readiness import checklist, missing
from forensics.errors import EnvironmentFailed, Refused
from forensics.examination.open_case import OpenCase

ALL = "all"
QUALIFICATIONS_LIMIT = 8_000
"""Characters: two pages. A longer account is a document of its own."""


def state(
    case: OpenCase,
    *,
    employer: str = "",
    qualifications: Path | None = None,
    second_examiner: str = "",
    legend: str = "",
) -> None:
    """Keep what the examiner states about themselves and the report. Empty ones stay as they were."""
    sheet = dict(case.store.fact(testimony.FACT) or {})
    given = {
        "employer": employer, "second_examiner": second_examiner, "legend": legend,
        "qualifications": _text(qualifications) if qualifications else "",
    }  # fmt: skip
    changed = {name: value.strip() for name, value in given.items() if value.strip()}
    if changed:
        case.store.put_fact(testimony.FACT, sheet | changed)
        case.record("examiner-stated", {"stated": sorted(changed)})


def tick(case: OpenCase, keys: Sequence[str], who: str = "") -> list[str]:
    """Make these statements as `who`, else as the examiner; `all` are all of them. Each becomes an entry of the ledger
    with the digest of its words and of the acquisitions it is about.

    Raises `Refused` for a statement that does not exist, before anything is acquired, and for `matched` where an image
    was not read back.
    """
    chosen = list(testimony.STATEMENTS) if ALL in keys else list(dict.fromkeys(keys))
    if strange := [key for key in chosen if key not in testimony.STATEMENTS]:
        raise Refused(
            f"There is no statement {strange[0]}.", f"The statements are: {', '.join(testimony.STATEMENTS)}, or all."
        )
    acquisitions = case.store.acquisitions()
    if not acquisitions:
        raise Refused("Nothing was acquired that a statement could be about.", "First: drivecustody acquire")
    if "matched" in chosen and not all(made.verified for made in acquisitions):
        raise Refused(
            "An image was not read back, so nobody can say that its digests agree.",
            "First: drivecustody verify-image",
        )
    stored = dict(case.store.fact(testimony.TICKS) or {})
    about, name = testimony.about(acquisitions), who or case.details.examiner
    for key in chosen:
        made = {"who": name, "utc": now(), "about": about, "text": testimony.text_digest(key)}
        stored[key] = made
        case.record("statement-made", {"statement": key, "by": name, "about": about, "text_sha256": made["text"]})
    case.store.put_fact(testimony.TICKS, stored)
    return chosen


def begun(case: OpenCase) -> bool:
    """Whether anything of the certificate was stated. One that was begun has to be completed before a signature; where
    nothing was, a report is signed without it and says that it was not made."""
    return bool(case.store.fact(testimony.FACT) or case.store.fact(testimony.TICKS))


def check(case: OpenCase, *, certificate: bool = True) -> dict[str, Any]:
    """The checklist as JSON values, and what of it keeps the report from being signed."""
    with case.view() as view:
        items = checklist(view)
    return {
        "checklist": [
            {"key": i.key, "holds": i.holds, "said": i.said, "need": str(i.need), "remedy": i.remedy} for i in items
        ],
        "missing": [item.key for item in missing(items, certificate=certificate)],
        "ready": not missing(items, certificate=certificate),
    }


def require_ready(case: OpenCase, *, certificate: bool) -> None:
    """Raises `Refused` with the list of all that is missing before a signature."""
    with case.view() as view:
        left = missing(checklist(view), certificate=certificate)
    if left:
        said = "; ".join(item.said for item in left)
        remedies = "; ".join(dict.fromkeys(item.remedy for item in left if item.remedy))
        more = ""
        if certificate and any(item.need == "certificate" for item in left):
            more = " To sign the report without its certificate: --without-certificate."
        raise Refused(f"The report cannot be signed yet. Missing: {said}.", f"{remedies}.{more}")


def _text(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFailed(f"{path.name} cannot be read as text.", "Write it in UTF-8.") from error
    if len(text) > QUALIFICATIONS_LIMIT:
        raise Refused(
            f"{path.name} has more than {QUALIFICATIONS_LIMIT:,} characters.", "Give two pages, and attach the rest."
        )
    return text
