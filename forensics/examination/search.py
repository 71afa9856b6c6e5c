"""The search as a verb: what is found and where, masked, or revealed for a reason that the ledger keeps.

The ledger never gets the query: it may be somebody's name or number.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from forensics.casefile.search_view import PAGE, SearchHit
from forensics.errors import Refused
from forensics.examination.open_case import OpenCase

MOST = 1_000
"""Hits of one answer at most."""


def search(
    case: OpenCase, *, query: str, after: str = "", limit: int = PAGE, reveal: bool = False, reason: str = ""
) -> dict[str, Any]:
    """Counts and one page of hits. With `reveal` the text around them is shown, after it was recorded why.

    Raises `Refused` where the query is none, or a reveal has no reason.
    """
    reason = reason.strip()
    if reveal and not reason:
        raise Refused(
            "Showing text of the exhibit is recorded in the ledger and needs a reason.", "Give --reason TEXT."
        )
    with case.view() as view:
        counts = view.search_counts(query)
        page = view.search_page(query, after, min(limit, MOST), masked=not reveal)
    if reveal:
        shown = sorted({hit.entry for hit in page.hits if hit.kind == "text" and hit.entry is not None})
        # Numbers of entries, not their names: names on the exhibit may be names of people.
        case.record("search-revealed", {"hits": len(page.hits), "entries": shown, "reason": reason})
    return {**asdict(counts), "hits": [_said(hit) for hit in page.hits], "after": page.after, "masked": not reveal}


def _said(hit: SearchHit) -> dict[str, Any]:
    return {
        "kind": hit.kind, "locator": hit.locator, "status": hit.status, "type": hit.type, "column": hit.column,
        "snippet": [[text, found] for text, found in hit.snippet],
    }  # fmt: skip


def text(case: OpenCase, *, part: int, reason: str) -> dict[str, Any]:
    """A stretch of the extracted text of a file, as `CaseView.text_part` numbers them; recorded first.

    Raises `Refused` without a reason, or where there is no such stretch.
    """
    reason = reason.strip()
    if not reason:
        raise Refused("Reading contents is recorded in the ledger and needs a reason.", "Give a reason.")
    with case.view() as view:
        found = view.text_part(part)
    if found is None:
        raise Refused("There is no such text.", "Search again: the contents were indexed anew.")
    case.record("content-read", {"entry": found.entry, "part": part, "reason": reason})
    return asdict(found)
