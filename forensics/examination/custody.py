"""The ledger by hand: entries that people make, transfers that both parties sign, checkpoints, stamps and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forensics.custody import additions
from forensics.custody.checkpoints import (
    Checkpoint,
    make_checkpoint,
    newest,
    store_certificates,
    write_receipt,
)
from forensics.custody.ledger import CORRECTION
from forensics.errors import EnvironmentFailed, Refused
from forensics.examination.custody_form import EVENT_FIELDS, EVENT_TYPES, compared, fields
from forensics.examination.open_case import OpenCase, origin
from forensics.examination.receive import require_exhibit
from forensics.model import Signer
from forensics.report import package
from forensics.report.files import write_whole
from forensics.signatures import timestamp


def list_events(case: OpenCase) -> dict[str, Any]:
    """Every entry of the ledger. Raises `NotIntact` at the first that does not hold."""
    size, head = case.ledger.head()
    events = [
        {"seq": e.seq, "utc": e.utc, "actor": e.actor, "event": e.event, "exhibit": e.exhibit, "data": e.data}
        for e in case.ledger.events()
    ]
    return {"size": size, "head": head, "events": events}


def add_note(
    case: OpenCase,
    text: str,
    exhibit: str = "",
    *,
    kind: str = "note",
    more: Mapping[str, str] | None = None,
    corrects: int = 0,
) -> dict[str, Any]:
    """Write an event that somebody reports into the ledger, where it can never be taken out again.

    `kind` is one of `EVENT_TYPES`, `more` fields of the form. With `corrects` the entry names an earlier one, by number
    and digest, and says what is right instead; the earlier one stays as it is.
    """
    if exhibit:
        require_exhibit(case, exhibit)
    if kind not in EVENT_TYPES:
        raise Refused(f"There is no kind of event {kind}.", f"There are: {', '.join(EVENT_TYPES)}.")
    told: dict[str, Any] = compared(fields({**(more or {}), "note": text}, EVENT_FIELDS))
    if not told or (kind == "note" and not told.get("note")):
        raise Refused("A note needs a text.", "Give it with --note.")
    with case.held("custody"):
        if corrects:
            events = case.ledger.events()
            if not 0 < corrects <= len(events):
                raise Refused(f"The ledger has no entry {corrects}.", "`custody CASE list` shows the numbers.")
            told |= {"corrects": corrects, "corrects_sha256": events[corrects - 1].digest}
            event = case.record(CORRECTION, told, exhibit or events[corrects - 1].exhibit)
        else:
            event = case.record(kind, told, exhibit)
    return {"seq": event.seq}


def transfer(
    case: OpenCase,
    exhibit: str,
    giver: str,
    taker: str,
    more: Mapping[str, str] | None = None,
    *,
    given_by: Signer | None = None,
    taken_by: Signer | None = None,
    time_url: str = "",
) -> dict[str, Any]:
    """Record that an exhibit changed hands; the two parties sign one checkpoint that covers the entry.

    Whoever has no identity at hand signs later (`countersign`), or on the paper form.
    """
    require_exhibit(case, exhibit)
    if taken_by is not None and given_by is None:
        raise Refused("The one who gives signs first.", "Give --sign NAME for the giver, --countersign for the taker.")
    if given_by is not None and taken_by is not None and given_by.fingerprint == taken_by.fingerprint:
        raise Refused("Giver and taker are the same person.", "A transfer is signed by two.")
    told = fields({**(more or {}), "from": giver, "to": taker}, EVENT_FIELDS)
    with case.held("custody"):
        event = case.record("transfer", compared(told), exhibit, signer=given_by)
        result: dict[str, Any] = {"seq": event.seq}
        if given_by is not None:
            made = sign_ledger(case, given_by, time_url)
            result |= {"checkpoint": made.path_txt.stem, "signatures": [made.path_txt.stem]}
            if taken_by is not None:
                result["signatures"].append(_countersign(case, made.path_txt.stem, taken_by, time_url))
    return result


def countersign(case: OpenCase, number: str, signer: Signer, time_url: str = "") -> dict[str, Any]:
    """A second person's signature over a checkpoint that another signed; the newest where no number is given."""
    with case.held("custody"):
        which = _countersign(case, number or newest(case.folder.custody), signer, time_url)
    return {"checkpoint": which[:6], "signature": which}


def _countersign(case: OpenCase, number: str, signer: Signer, time_url: str) -> str:
    which = additions.countersign(case.folder.custody, case.ledger, number, signer, store_certificates)
    if time_url:
        _stamp(case, which, time_url, signer.fingerprint)
    return which


def checkpoint(case: OpenCase, signer: Signer, time_url: str = "", query: Path | None = None) -> dict[str, Any]:
    """Sign the ledger as it stands; stamp it by an authority, or write the question to take to one."""
    with case.held("custody"):
        made = sign_ledger(case, signer, time_url)
        if query is not None:
            write_whole(query, additions.question(case.folder.custody, made.path_txt.stem))
    return {"size": made.size, "head": made.head, "file": made.path_txt.name}


def sign_ledger(case: OpenCase, signer: Signer, time_url: str = "") -> Checkpoint:
    """A checkpoint under a person's key, in a case that is held; stamped where an authority's URL is given."""
    if time_url:
        timestamp.require_url(time_url)
    made = make_checkpoint(case.folder.custody, case.ledger, origin(case.details), signer)
    if time_url:
        _stamp(case, made.path_txt.stem, time_url, signer.fingerprint)
    return made


def _stamp(case: OpenCase, which: str, url: str, actor: str) -> None:
    answer = timestamp.ask(url, additions.question(case.folder.custody, which))
    try:
        additions.add_time_stamp(case.folder.custody, case.ledger, which, answer, actor)
    except Refused as cause:
        raise timestamp.no_time() from cause


def write_question(case: OpenCase, which: str, out: Path, of_package: Path | None = None) -> dict[str, Any]:
    """Write the time-stamp question (`.tsq`) for a checkpoint's signature, or a package's, to take to an authority."""
    if of_package is not None:
        query = timestamp.question(package.read_signature(of_package))
    else:
        which = which or newest(case.folder.custody)
        query = additions.question(case.folder.custody, which)
    write_whole(out, query)
    return {"out": str(out), "signature": of_package.name if of_package else which}


def take_answer(case: OpenCase, which: str, response: Path, of_package: Path | None = None) -> dict[str, Any]:
    """Keep the answer (`.tsr`) that an authority gave on another machine, and record it."""
    try:
        untrusted = response.read_bytes()[: 1 << 20]
    except OSError as error:
        raise EnvironmentFailed(f"{response.name} cannot be read.", "Check the path of the answer.") from error
    with case.held("custody"):
        if of_package is None:
            which = which or newest(case.folder.custody)
            _, when = additions.add_time_stamp(
                case.folder.custody, case.ledger, which, untrusted, case.details.examiner
            )
            return {"signature": which, "time": when.isoformat()}
        signature = package.read_signature(of_package)
        answer = timestamp.accepted(untrusted, signature)
        stamp_sha256, zip_sha256 = package.add_stamp(of_package, answer)
        stamp = timestamp.examine(answer, signature)
        told = {"name": of_package.name, "stamp_sha256": stamp_sha256, "zip_sha256": zip_sha256, "by": stamp.authority}
        when_text = f"{stamp.time:%Y-%m-%dT%H:%M:%SZ}" if stamp.time else ""
        case.record("package-time-stamped", {**told, "time": when_text})
    return {"signature": of_package.name, "time": when_text}


def receipt(case: OpenCase, number: str, out: Path) -> dict[str, Any]:
    """Write a checkpoint with its signatures and certificates for somebody else to keep, and record that."""
    number = number or newest(case.folder.custody)
    with case.held("custody"):
        made = write_receipt(case.folder.custody, number, out)
        case.record("receipt-given", {"number": number, "files": len(made)})
    return {"checkpoint": number, "out": str(out), "files": len(made)}
