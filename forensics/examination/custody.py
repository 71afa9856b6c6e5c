"""The ledger by hand: entries that people make, transfers, and signed checkpoints."""

from __future__ import annotations

from typing import Any

from forensics.custody.checkpoints import Checkpoint, make_checkpoint
from forensics.errors import Refused
from forensics.examination.open_case import OpenCase, origin
from forensics.examination.receive import require_exhibit
from forensics.model import Signer


def list_events(case: OpenCase) -> dict[str, Any]:
    """Every entry of the ledger. Raises `NotIntact` at the first that does not hold."""
    size, head = case.ledger.head()
    events = [
        {"seq": e.seq, "utc": e.utc, "actor": e.actor, "event": e.event, "exhibit": e.exhibit, "data": e.data}
        for e in case.ledger.events()
    ]
    return {"size": size, "head": head, "events": events}


def add_note(case: OpenCase, text: str, exhibit: str = "") -> dict[str, Any]:
    """Write a sentence of the examiner into the ledger, where it can never be taken out again."""
    if exhibit:
        require_exhibit(case, exhibit)
    if not text.strip():
        raise Refused("A note needs a text.", "Give it with --note.")
    with case.held("custody"):
        event = case.record("note", {"note": text.strip()}, exhibit)
    return {"seq": event.seq}


def transfer(
    case: OpenCase, exhibit: str, giver: str, taker: str, purpose: str = "", seal: str = "", place: str = ""
) -> dict[str, Any]:
    """Record that an exhibit changed hands."""
    require_exhibit(case, exhibit)
    with case.held("custody"):
        said = {"from": giver, "to": taker, "purpose": purpose, "seal": seal, "place": place}
        event = case.record("transfer", said, exhibit)
    return {"seq": event.seq}


def checkpoint(case: OpenCase, signer: Signer) -> dict[str, Any]:
    """Sign the ledger as it stands."""
    with case.held("custody"):
        made = sign_ledger(case, signer)
    return {"size": made.size, "head": made.head, "file": made.path_txt.name}


def sign_ledger(case: OpenCase, signer: Signer) -> Checkpoint:
    """A checkpoint under a person's key, in a case that is held."""
    return make_checkpoint(case.folder.custody, case.ledger, origin(case.details), signer)
