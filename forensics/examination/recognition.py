"""What the recognition of text on pictures did in a case, for the result, the ledger and the report."""

from __future__ import annotations

from typing import Any

from forensics.casefile.recognition import count_left, count_noted
from forensics.casefile.store import Store
from forensics.extraction.pdf import IMAGES_ONLY, SOME_IMAGES
from forensics.extraction.pictures import NOT_READ
from forensics.extraction.recognition import NONE_RECOGNISED, RECOGNISED_BY, Recogniser

FACT = "recognition"
NOTES_UNREAD = (NOT_READ, SOME_IMAGES)


def unread(store: Store) -> int:
    """How many pictures and scans were not examined for text."""
    return count_left(store, NOTES_UNREAD, (IMAGES_ONLY,))


def tell_recognition(store: Store, recogniser: Recogniser | None) -> dict[str, Any]:
    """`program` and `languages` of this call, empty where it had none; how many contents had recognised text, had
    none, or were not examined for it. Kept in the case for the report, with the program that last read something."""
    told = {
        "program": f"tesseract {recogniser.version}" if recogniser else "",
        "languages": list(recogniser.languages) if recogniser else [],
        "with_text": count_noted(store, RECOGNISED_BY),
        "without_text": count_noted(store, NONE_RECOGNISED),
        "not_read": unread(store),
    }
    before = store.fact(FACT) or {}
    by = told if recogniser or not before else before
    store.put_fact(FACT, {**told, "program": by["program"], "languages": by["languages"]})
    return told


def recognition_in_words(held: dict[str, Any] | None) -> tuple[str, ...]:
    """A sentence for the report; none where there were no pictures."""
    if not held or not (held["with_text"] or held["without_text"] or held["not_read"]):
        return ()
    said = ""
    if held["program"]:
        said = (
            f"Text on pictures and scanned pages was recognised by {held['program']} ({', '.join(held['languages'])}): "
            f"{held['with_text']:,} contents had some, {held['without_text']:,} had none. Such text may be wrong. "
        )
    if held["not_read"]:
        said += f"{held['not_read']:,} pictures and scans were not examined for text."
    return (said.strip(),)
