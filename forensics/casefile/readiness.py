"""What is missing before a report can be signed, read from the case; the command line and the window say the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from forensics.casefile import testimony, workstation
from forensics.casefile.decisions import PENDING
from forensics.casefile.views import CaseView
from forensics.model import Tier


class Need(StrEnum):
    """What an item is needed for: the signature, the certificate alone, or nothing (it is to be known)."""

    SIGNATURE = "signature"
    CERTIFICATE = "certificate"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist. `holds` False is missing; `remedy` says how it is made good, empty where it holds."""

    key: str
    holds: bool
    said: str
    need: Need
    remedy: str = ""


def checklist(view: CaseView) -> list[Item]:
    """Everything to be looked at before a report is signed, in the order of the work."""
    return [*_work(view), *_certificate(view), *_notes(view)]


def missing(items: list[Item], *, certificate: bool = True) -> list[Item]:
    """What keeps a report from being signed; without the certificate its own items do not count."""
    needed = (Need.SIGNATURE, Need.CERTIFICATE) if certificate else (Need.SIGNATURE,)
    return [item for item in items if not item.holds and item.need in needed]


def _item(key: str, holds: object, yes: str, no: str, remedy: str, need: Need = Need.SIGNATURE) -> Item:
    return Item(key, bool(holds), yes if holds else no, need, "" if holds else remedy)


def _work(view: CaseView) -> list[Item]:
    exhibits, images = view.exhibits(), {made.exhibit: made for made in view.acquisitions()}
    unimaged = [exhibit.label for exhibit in exhibits if exhibit.label not in images]
    # An image that was taken in without a digest has nothing that a reading could be compared with.
    unread = [
        made.exhibit for made in images.values() if not made.verified and not (made.imported and not made.stored_hashes)
    ]
    return [
        _item("received", exhibits, "An exhibit was received", "No exhibit was received", "drivecustody receive"),
        _item(
            "acquired", exhibits and not unimaged, "Every exhibit was imaged",
            f"Not imaged: {', '.join(unimaged) or 'no exhibit'}", "drivecustody acquire",
        ),
        _item(
            "verified", images and not unread, "Every image was read back and compared",
            f"Not read back: {', '.join(unread) or 'no image'}", "drivecustody verify-image",
        ),
        _item("indexed", view.fact("indexed"), "The contents were examined", "The contents were not examined",
              "drivecustody index"),
        _item("records", view.source_sets(), "Source records were loaded", "No source records were loaded",
              "drivecustody records add"),
        _item("matched", view.fact("matched"), "Compared with the records", "Not compared with the records",
              "drivecustody match"),
        _item("assessed", view.assessment() is not None, "The exposure was assessed", "The exposure was not assessed",
              "drivecustody assess"),
    ]  # fmt: skip


def _certificate(view: CaseView) -> list[Item]:
    sheet = view.fact(testimony.FACT) or {}
    made = testimony.ticks(view.fact(testimony.TICKS), view.acquisitions())
    need = Need.CERTIFICATE
    items = [
        _item("employer", sheet.get("employer"), "The examiner's employer is stated",
              "The examiner's employer is not stated", "report CASE --employer NAME", need),
        _item("qualifications", sheet.get("qualifications"), "The examiner's qualifications are stated",
              "The examiner's qualifications are not stated", "report CASE --qualifications FILE", need),
    ]  # fmt: skip
    for key in testimony.STATEMENTS:
        tick = made.get(key)
        no = f"Statement “{key}” was made about an earlier state" if tick else f"Statement “{key}” is not made"
        items.append(
            _item(f"statement-{key}", tick and tick.current, f"Statement “{key}” made by {tick.who if tick else ''}",
                  no, f"report CASE --statement {key}", need)
        )  # fmt: skip
    return items


def _notes(view: CaseView) -> list[Item]:
    test = workstation.last_self_test()
    sheet = view.fact(testimony.FACT) or {}
    pending = len(view.queue_ids(tuple(Tier), PENDING)) if view.assessment() is not None else 0
    left, bad = len(view.not_examined()), sum(len(made.bad) for made in view.acquisitions())
    unstated = [row.label for row in view.exhibits() if not row.details.get("authority")]
    return [
        _item("selftest", test and test.intact and test.current, "The workstation passed its self-test",
              "This workstation was not tested with this version", "drivecustody selftest", Need.NOTE),
        _item("authority", not unstated, "The authority for the examination is stated",
              f"No authority is stated for {', '.join(unstated)}", "receive --authority", Need.NOTE),
        _item("bad", not bad, "Every sector could be read", f"{bad:,} ranges could not be read; the report lists them",
              "", Need.NOTE),
        _item("examined", not left, "Everything found was examined",
              f"{left:,} not examined; the report lists them", "", Need.NOTE),
        _item("decided", not pending, "Everybody was decided", f"{pending:,} persons are not decided",
              "drivecustody review", Need.NOTE),
        _item("second", sheet.get("second_examiner"), "A second examiner is named", "No second examiner is named",
              "report CASE --second-examiner NAME", Need.NOTE),
    ]  # fmt: skip
