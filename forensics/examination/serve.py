"""The window's companion: one process that has the case open and answers requests, a JSON line each.

| request | answer |
|---|---|
| `{"id", "verb": "read", "locator", "offset", "length", "reason"}` | `data` (base64), `size`; recorded first |
| `{"id", "verb": "search", "query", "after", "limit", "reason"}` | `hits` …; with a reason not masked, recorded |
| `{"id", "verb": "text", "part", "reason"}` | a stretch of extracted text; recorded first |
| `{"id", "verb": "look open", "locator", "reason"}` | `look`, `size`; recorded, once for all that is read of it |
| `{"id", "verb": "look bytes", "look", "offset", "length"}` | `data` (base64) |
| `{"id", "verb": "look find", "look", "hex", "offset"}` | `found`, or None and `to`: where to go on; `back` too |
| `{"id", "verb": "look place", "look", "offset"}` | `device_offset`, None where it has none; `length` |
| `{"id", "verb": "look picture", "look"}` | `width`, `height`, `rgb` (base64), decoded by a worker |
| `{"id", "verb": "look save", "look", "out", "reason"}` | `sha256`, `as_indexed` of a copy; recorded first |
| `{"id", "verb": "duties"}` | as the verb: which notices are due when, and to how many |
| `{"id", "verb": "custody list"}` | `size`, `head`, `events` |
| `{"id", "verb": "review decide", "keys" or "tiers", "decision", "reason", "by"}` | `decided`, `act`; as the verb |
| `{"id", "verb": "review undo", "keys" or "act", "reason", "by"}` | `undone`, `review` |
| `{"id", "verb": "reveal", "record_key", "reason", "by"}` | `record`: the person's values; recorded first |
| `{"id", "verb": "passport", "record_key"}` | the passport, masked; with `out` its PDF is written |
| `{"id", "verb": "review sample draw", "size", "seed", "tiers", "by"}` | `sample`, `items`, `population` |
| `{"id", "verb": "review sample list", "reviewer", "unanswered"}` | `questions`: `item`, `place`, `record` … |
| `{"id", "verb": "review sample show", "item", "by"}` | `record`, `place`, `lines` of what stands there |
| `{"id", "verb": "review sample answer", "item", "answer", "reviewer"}` | `unanswered`: how many are left |
| `{"id", "verb": "review sample reveal", "item", "reason", "by"}` | `record`: the values; recorded first |
| `{"id", "verb": "review sample close" or "review sample result", "by"}` | what it shows |

A verb that this version does not have is answered with `refused`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from forensics.casefile.search_view import PAGE
from forensics.errors import DriveCustodyError, Refused
from forensics.examination import review, sample, search
from forensics.examination.custody import list_events
from forensics.examination.duties import list_duties
from forensics.examination.images import image_paths
from forensics.examination.isolation import Isolation
from forensics.examination.look import Looks
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import (
    OPENING_SECONDS,
    SECONDS,
    ReadEntry,
    no_entry,
    read_entry,
    read_free,
    read_slack,
)
from forensics.examination.passport import passport, passport_pdf
from forensics.jobs import pool
from forensics.jobs.events import Emit, Job, silent
from forensics.model import Locator, Tier

MOST = 1 << 20
"""Bytes of one answer at most."""

_SAMPLE = "review sample "
_LOOK = "look "


def serve(case: OpenCase, job: Job, emit: Emit, lines: Iterable[str]) -> dict[str, Any]:
    """Answer until the lines end."""
    answered = 0
    looks = Looks(case)
    try:
        for line in lines:
            if job.stopping:
                break
            if line.strip():
                emit({"event": "answer", **_answer(case, looks, line)})
                answered += 1
    finally:
        looks.close()
    return {"answered": answered}


def _answer(case: OpenCase, looks: Looks, line: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
        number = request.get("id")
    except (ValueError, AttributeError):
        return {"id": None, "outcome": "refused", "message": "A request is one JSON object a line."}
    try:
        if request.get("verb") == "read":
            answer = _read(case, request)
        elif request.get("verb") == "search":
            reason = str(request.get("reason", ""))
            limit = int(request.get("limit", PAGE))
            answer = search.search(
                case, query=str(request["query"]), after=str(request.get("after", "")), limit=limit,
                reveal=bool(reason), reason=reason,
            )  # fmt: skip
        elif str(request.get("verb", "")).startswith(_LOOK):
            answer = looks.request(str(request["verb"])[len(_LOOK) :], request)
        elif request.get("verb") == "text":
            answer = search.text(case, part=int(request["part"]), reason=str(request.get("reason", "")))
        elif request.get("verb") == "custody list":
            answer = list_events(case)
        elif request.get("verb") == "duties":
            answer = list_duties(case)
        elif request.get("verb") == "review decide":
            answer = review.decide(
                case, decision=str(request["decision"]), keys=[str(key) for key in request.get("keys", ())],
                tiers=[Tier(tier) for tier in request.get("tiers", ())], **_why(request),
            )  # fmt: skip
        elif request.get("verb") == "review undo":
            act = None if request.get("act") is None else int(request["act"])
            answer = review.undo(case, keys=[str(key) for key in request.get("keys", ())], act=act, **_why(request))
        elif request.get("verb") == "reveal":
            answer = {"record": review.revealed(case, record_key=str(request["record_key"]), **_why(request))}
        elif request.get("verb") == "passport":
            answer = _passport(case, request)
        elif str(request.get("verb", "")).startswith(_SAMPLE):
            answer = sample.request(case, str(request["verb"])[len(_SAMPLE) :], request)
        else:
            raise Refused(
                "There is no such request in this version.",
                "Requests: read, look …, search, text, custody list, duties, review …, reveal, passport.",
            )
    except DriveCustodyError as error:
        return {"id": number, "outcome": "refused", "message": str(error)}
    except (KeyError, TypeError, ValueError, OverflowError):
        return {"id": number, "outcome": "refused", "message": "The request lacks something, or has it wrong."}
    return {"id": number, "outcome": "ok", **answer}


def _passport(case: OpenCase, request: dict[str, Any]) -> dict[str, Any]:
    key, by = str(request["record_key"]), str(request.get("by", ""))
    if not request.get("out"):
        return passport(case, record_key=key)
    return passport_pdf(case, silent(), record_key=key, out=Path(str(request["out"])), by=by)


def _why(request: dict[str, Any]) -> dict[str, Any]:
    return {"reason": str(request.get("reason", "")), "by": str(request.get("by", ""))}


def _read(case: OpenCase, request: dict[str, Any]) -> dict[str, Any]:
    locator = Locator.parse(str(request["locator"]))
    offset, length = int(request.get("offset", 0)), min(MOST, int(request.get("length", MOST)))
    if offset < 0 or length < 0:
        raise ValueError("offsets and lengths count up from zero")
    reason = str(request.get("reason", "")).strip()
    if not reason:
        raise Refused("Reading contents is recorded in the ledger and needs a reason.", "Give a reason.")
    acquisition = next((a for a in case.store.acquisitions() if a.exhibit == locator.exhibit), None)
    if acquisition is None:
        raise Refused(f"{locator.exhibit} has no image.", "First: drivecustody acquire, or import-image.")
    segments = image_paths(case, acquisition)
    if no_entry(locator):
        case.record("content-read", {"offset": offset, "length": length, "reason": reason}, locator.exhibit)
        start = (locator.offset or 0) + offset
        data, size = read_free(case, segments, locator, start, length)
    elif locator.slack:
        case.record("content-read", {"offset": offset, "length": length, "reason": reason}, locator.exhibit)
        data = read_slack(case, segments, locator, (locator.offset or 0) + offset, length)
        size = len(data)
    else:
        stored = case.store.entry_by_locator(locator.whole)
        # The number stands for the entry: names on the exhibit may be names of people.
        said = {"entry": stored.id, "offset": offset, "length": length, "reason": reason}
        case.record("content-read", said, locator.exhibit)
        size = stored.entry.size
        if stored.parent is not None:
            data = case.store.content_range(stored.id, offset, length)
        else:
            volume = next(v for number, v, _ in case.store.volumes(locator.exhibit) if number == stored.volume)
            item = ReadEntry(segments, volume, stored.entry, offset, length)
            locks = Isolation().locks([segments])
            seconds = SECONDS if volume.layer is None else OPENING_SECONDS
            data = next(iter(pool.run(read_entry, [item], workers=1, seconds=seconds, locks=locks))).value or b""
    return {"size": size, "offset": offset, "data": base64.b64encode(data).decode("ascii")}
