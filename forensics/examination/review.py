"""Clerical review: everybody found is pending until a person includes or excludes them and says why.

Nothing here is done by `run`: who is notified is a decision of the organisation (45 CFR 164.404), and no threshold
stands in for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from forensics.casefile import decisions
from forensics.casefile.decisions import EXCLUDED, INCLUDED, PENDING
from forensics.errors import Refused
from forensics.examination.custody import sign_ledger
from forensics.examination.open_case import OpenCase
from forensics.model import Signer, Tier

_PAGE = 500


def require_assessed(case: OpenCase) -> None:
    """Raise `Refused` before `assess`: until then nobody has been found."""
    if case.store.fact("assessment") is None:
        raise Refused("The exposure has not been assessed.", f"First: drivecustody assess {case.folder.path.name}")


def queue(
    case: OpenCase,
    *,
    tiers: Sequence[Tier] = tuple(Tier),
    pending: bool = False,
    conflicts: bool = False,
    limit: int | None = None,
) -> dict[str, Any]:
    """The queue of review, conflicts and weak tiers first, with what was decided. No values of anybody."""
    require_assessed(case)
    with case.view() as view:
        ids = view.queue_ids(tiers, PENDING if pending else "", conflicts)
        shown = ids if limit is None else ids[:limit]
        persons = []
        for at in range(0, len(shown), _PAGE):
            page = view.queue(shown[at : at + _PAGE])
            for number in shown[at : at + _PAGE]:
                row = asdict(page[number])
                del row["record"]
                last = view.decisions_of(row["record_key"])[-1:] if row["review"] != PENDING else []
                row |= {name: getattr(last[0], name) if last else "" for name in ("reason", "who", "utc")}
                persons.append(row)
        counts = view.review_counts()
    return {
        "total": len(ids),
        "persons": persons,
        "review": {state: sum(by_tier.values()) for state, by_tier in counts.items()},
        "by_tier": counts,
    }


def decide(
    case: OpenCase,
    *,
    decision: str,
    keys: Sequence[str] = (),
    tiers: Sequence[Tier] = (),
    reason: str = "",
    by: str = "",
    signer: Signer | None = None,
) -> dict[str, Any]:
    """Include or exclude persons by their record keys, or everybody of a tier who is still pending; or say of single
    persons that they are undecided (`PENDING`), which keeps a note and takes nothing back.

    An exclusion and a decision about a whole tier need a reason; a decision that a person made about somebody alone is
    not overruled by one about the tier. `by` is the examiner of the case unless given. With `signer` the ledger is
    signed as it stands afterwards.

    Raises `Refused` for a key that nobody exposed has, and where there is nothing to decide.
    """
    require_assessed(case)
    if decision not in (INCLUDED, EXCLUDED, PENDING):
        raise Refused("A person is included, excluded or undecided.", "Give --include, --exclude or --undecided.")
    if decision == PENDING and tiers:
        raise Refused("A whole tier is not made undecided.", "Take a decision back with: drivecustody review CASE undo")
    if bool(keys) == bool(tiers):
        raise Refused("It is not said whose review it is.", "Give record keys, or --tier for everybody pending in it.")
    if not reason.strip() and (decision == EXCLUDED or tiers):
        raise Refused("An exclusion, or a decision about a whole tier, needs a reason.", "Give it with --reason.")
    with case.view() as view:
        if tiers:
            page = view.queue_ids(tiers, PENDING)
            wanted = [view.queue(page[at : at + _PAGE]) for at in range(0, len(page), _PAGE)]
            chosen = [row.record_key for rows in wanted for row in rows.values()]
        else:
            chosen = list(dict.fromkeys(keys))
            unknown = sum(view.record_number(key) is None for key in chosen)
            if unknown:
                raise Refused(
                    f"{unknown:,} of the record keys belong to nobody who was found.",
                    "Take the keys from: drivecustody review CASE list",
                )
    if not chosen:
        raise Refused("Nobody in this tier is pending.", "drivecustody review CASE list shows who is.")
    said = {"tiers": sorted(map(str, tiers)), "by": by or case.details.examiner}
    made = _write(case, [(key, decision, None) for key in chosen], reason.strip(), by, decision, said)
    if signer is not None:
        sign_ledger(case, signer)
    return {"decided": made.rows, "decision": decision, "act": made.act, "signed": signer is not None}


def undo(
    case: OpenCase, *, keys: Sequence[str] = (), act: int | None = None, by: str = "", reason: str = ""
) -> dict[str, Any]:
    """Take back the newest act that still stands, or the newest decision about each of these persons.

    `act` is the number of the act that the caller takes for the newest. Nothing is erased: the undoing is decided and
    recorded like anything else. Raises `Refused` where nothing stands, and where something newer than `act` does.
    """
    require_assessed(case)
    with case.store.begin() as connection:
        newest = decisions.newest_act(connection)
        if act is not None and not keys and newest is not None and newest != act:
            raise Refused("Something else was decided meanwhile.", "Look at the newest decision before taking it back.")
        chosen = list(dict.fromkeys(keys)) or decisions.keys_of_act(connection, newest)
        standing = decisions.standing(connection, chosen)
        rows = [
            (key, decisions.before(connection, key, standing[key][0]), standing[key][0])
            for key in chosen
            if key in standing
        ]
    if not rows:
        raise Refused("There is no decision to take back.", "drivecustody review CASE list shows what was decided.")
    said = {"undone_rows": len(rows), "by": by or case.details.examiner}
    made = _write(case, rows, reason.strip(), by, "undone", said)
    return {"undone": made.rows, "act": made.act, "review": {key: decision for key, decision, _ in rows}}


def _write(
    case: OpenCase,
    rows: Sequence[tuple[str, str, int | None]],
    reason: str,
    by: str,
    decision: str,
    said: dict[str, Any],
) -> decisions.Decided:
    """One act into the case and the ledger: both, or, where the ledger cannot be written, neither.

    The ledger gets numbers and a seal. Keys and reasons stay in the encrypted case: a key may be an id number, and a
    reason may name somebody.
    """
    with case.store.begin() as connection:
        made = decisions.add(connection, case.key, rows, reason, by or case.details.examiner)
        case.record(
            "review-decided",
            {
                "act": made.act, "decision": decision, "persons": made.rows, "first_row": made.first,
                "last_row": made.last, "seal": made.seal, **said,
            },
        )  # fmt: skip
    return made


def broken_acts(case: OpenCase) -> list[int]:
    """The acts whose rows are not those that the ledger sealed; empty where every decision is as it was made."""
    events = [event for event in case.ledger.events() if event.event == "review-decided"]
    with case.store.begin() as connection:
        return [
            int(event.data["act"])
            for event in events
            if decisions.seal_of_act(connection, case.key, int(event.data["act"])) != event.data["seal"]
        ]


def reveal(case: OpenCase, *, record_key: str, what: str, reason: str, by: str = "") -> int:
    """Record that somebody is about to see a person's values, before they do; returns the number of the reveal.

    Raises `Refused` without a reason. The reason stays in the case, because it may name a person; the ledger has the
    number.
    """
    if not reason.strip():
        raise Refused("Seeing a person's values is recorded and needs a reason.", "Give it with --reason.")
    who = by or case.details.examiner
    with case.store.begin() as connection:
        number = decisions.add_reveal(connection, record_key, what, reason.strip(), who)
        case.record("values-revealed", {"reveal": number, "what": what, "by": who})
    return number


def revealed(case: OpenCase, *, record_key: str, reason: str, by: str = "") -> dict[str, str]:
    """The values of an exposed person's record, empty ones left out; recorded first (`reveal`).

    Raises `Refused` without a reason, and for a key that nobody exposed has.
    """
    require_assessed(case)
    with case.view() as view:
        number = view.record_number(record_key)
    if number is None:
        raise Refused("Nobody who was found has this record key.", "Take it from: drivecustody review CASE list")
    record = case.store.source_record(number)
    reveal(case, record_key=record_key, what="record", reason=reason, by=by)
    values = asdict(record)
    values |= values.pop("extra")
    return {name: str(value) for name, value in values.items() if value not in ("", False, None)}
