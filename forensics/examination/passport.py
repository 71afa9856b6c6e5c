"""One person, everything, why: the evidence and its strata, how the person arose, what was decided, what to check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forensics import __version__, hashing
from forensics.casefile import decisions
from forensics.casefile.person_view import PlaceRow, SourceRow
from forensics.casefile.views import CaseView
from forensics.errors import Refused
from forensics.examination import review
from forensics.examination.open_case import OpenCase, verb
from forensics.exposure.strata import STRATA, stratum_at
from forensics.exposure.tiers import RULE, counting
from forensics.jobs.events import Job
from forensics.matching.records import namesakes, one_person_by
from forensics.model import EntryStatus, Exposure, Locator, Region, SourceRecord, Tier
from forensics.report.files import write_whole
from forensics.report.passport import PassportFacts, build_passport

FLAGS = {
    "guardian_name": "a guardian is named",
    "confidential_address": "the address is marked confidential",
    "personal_representative": "a personal representative is named",
    "sensitive": "the record is marked sensitive",
}
"""Fields of the records that change how somebody is written to; what they say stays in the case."""


def passport(
    case: OpenCase, *, record_key: str, reveal: bool = False, reason: str = "", by: str = ""
) -> dict[str, Any]:
    """Everything about one person who was found; values masked, or recorded first (`review.reveal`) and whole.

    Raises `Refused` for a key that nobody who was found has, and for a reveal without a reason.
    """
    review.require_assessed(case)
    with case.view() as view:
        number = _found(view, record_key)
        result = view.assessment() or {}
        told = _gathered(view, number, view.persons([number])[number], case.store.source_record(number), result)
        told["record"] = {name: value for name, value in view.masked_record(number).items() if name != "extra"}
    told["revealed"] = reveal
    if reveal:
        told["record"] = review.revealed(case, record_key=record_key, reason=reason, by=by)
    return told


@verb("passport")
def passport_pdf(case: OpenCase, job: Job, *, record_key: str, out: Path, by: str = "") -> dict[str, Any]:
    """Write the passport as a PDF of one page, masked. The case notes whose it was, the ledger only that there is one.

    Raises `Refused` where `out` exists, and as `passport` does.
    """
    if out.exists():
        raise Refused(f"{out.name} exists already and is never overwritten.", "Choose another name.")
    told = passport(case, record_key=record_key)
    job.check()
    made = sum(event.event == "passport-made" for event in case.ledger.events())
    identity = f"{case.details.number}-P{made + 1}"
    size, head = case.ledger.head()
    pdf, shown = build_passport(_facts(case, told, identity, size, head))
    digest = hashing.of_bytes(pdf)
    who = by or case.details.examiner
    with case.store.begin() as connection:
        number = decisions.add_reveal(connection, record_key, "passport", "", who)
        said = {"passport_id": identity, "sha256": digest, "size": len(pdf), "reveal": number, "by": who}
        case.record("passport-made", said)
    # Recorded first: a page that left unrecorded would be worse than a record of a page that a full disk prevented.
    write_whole(out, pdf, private=True)
    counts = {"places": told["places"], "rows_shown": shown}
    return {**told, **said, **counts, "out": str(out), "custody": {"passport_id": identity, "sha256": digest}}


def _found(view: CaseView, record_key: str) -> int:
    number = view.record_number(record_key)
    if number is not None:
        return number
    if view.in_records(record_key):
        raise Refused(
            "This record was not found in the bytes examined.",
            "Nobody else is meant? Keys of those who were found: drivecustody review CASE list",
        )
    raise Refused("No source record has this key.", "Take it from: drivecustody review CASE list")


def _gathered(
    view: CaseView, number: int, person: Exposure, record: SourceRecord, result: Mapping[str, Any]
) -> dict[str, Any]:
    rows = view.evidence_with_others(number)
    stratum, counted = counting([row.evidence for row in rows])
    counts = {id(item) for item in counted}
    evidence = [
        {
            **_place(row), "counts": id(row.evidence) in counts,
            "uncertain": _uncertain(view, row.evidence.locator),
        }
        for row in rows
    ]  # fmt: skip
    same, others = _others(view, record)
    arose = {"rows": [asdict(row) for row in view.source_rows(record.record_key)], "same_person": same,
             "namesakes": others}  # fmt: skip
    measured = _measured(result, stratum)
    told: dict[str, Any] = {
        **asdict(person),
        "tier": str(person.tier),
        "elements": list(person.elements),
        "why": [*_allowed(stratum), *_chance(measured)],
        "stratum": measured,
        "evidence": evidence,
        "further_places": len({e["place"] for e in evidence}) - len({e["place"] for e in evidence if e["counts"]}),
        "arose": arose,
        "flags": [words for name, words in FLAGS.items() if record.extra.get(name)],
        "decisions": [asdict(row) for row in view.decisions_of(record.record_key)],
    }
    return {**told, "check": checks(told)}


def _place(row: PlaceRow) -> dict[str, Any]:
    item = row.evidence
    stratum = stratum_at(item)
    return {
        "place": item.locator,
        "region": str(item.region),
        "archived": item.archived,
        "road": item.road,
        "why": item.why,
        "agree": sorted(item.agree),
        "conflict": sorted(item.conflict),
        "also": sorted(item.elements - item.agree - item.conflict),
        "stratum": None if stratum is None else STRATA[stratum].name,
        "other_records": row.others,
    }


def _uncertain(view: CaseView, locator: str) -> bool:
    place = Locator.parse(locator)
    if place.region is not Region.DELETED:
        return False
    entry = place._replace(inner=(), offset=None, length=None)
    return view.entry_status(str(entry)) == EntryStatus.DELETED_UNCERTAIN


def _others(view: CaseView, record: SourceRecord) -> tuple[list[dict[str, Any]], list[str]]:
    """Other keys of this person with the rule that joins them, directly or by way of each other; and namesakes."""
    if not record.birth_date:
        return [], []
    alike = [one for one in view.born_on(record.birth_date) if namesakes(one, record)]
    joined: dict[str, str] = {record.record_key: ""}
    reached = [record]
    while reached:
        at = reached.pop()
        for one in alike:
            if one.record_key not in joined and (rule := one_person_by(at, one)):
                joined[one.record_key] = rule
                reached.append(one)
    keys = sorted(key for key in joined if key != record.record_key)
    same = []
    for key in keys:
        number = view.record_number(key)
        person = None if number is None else view.persons([number])[number]
        tier, state = ("", "") if person is None else (str(person.tier), person.review)
        same.append({"record_key": key, "rule": joined[key], "tier": tier, "review": state})
    return same, sorted(one.record_key for one in alike if one.record_key not in joined)


def _measured(result: Mapping[str, Any], stratum: int | None) -> dict[str, Any] | None:
    strata: Sequence[dict[str, Any]] = result.get("strata") or ()
    return None if stratum is None or stratum >= len(strata) else dict(strata[stratum])


def _allowed(stratum: int | None) -> list[str]:
    """What the best place shows, and the tier it may give; whether it does is up to the decoys."""
    if stratum is None:
        return []
    ceiling = STRATA[stratum].ceiling
    allows = "is possible at most" if ceiling is Tier.POSSIBLE else f"may be {ceiling}"
    return [f"The best place shows {STRATA[stratum].name}, which {allows}: {RULE[ceiling]}."]


def _chance(measured: Mapping[str, Any] | None) -> list[str]:
    """What decoys say of the persons found in the same way."""
    if measured is None:
        return ["How many persons found in this way are there by chance was not measured."]
    found = f"{measured['found']:,} person(s) were found in this way ({measured['name']})"
    if measured["chance"] is None:
        return [f"{found}; how many of them by chance is not measurable: {measured['because']}."]
    said = (
        f"{found}; chance explains {measured['chance_low']:,} to {measured['chance_high']:,} of them (95 %): "
        f"{measured['decoys_found']:,} decoys were found over {measured['moves']:.1f} moves of all records."
    )
    because = f"All of them have the tier {measured['tier']}: {measured['because']}." if measured["because"] else ""
    return [text for text in (said, because) if text]


def checks(told: Mapping[str, Any]) -> list[str]:
    """What a reviewer should look at before deciding about this person, each a sentence."""
    rows = [row for row in told["evidence"] if row["counts"]]
    said = []
    differing = sorted({name for row in told["evidence"] for name in row["conflict"]})
    if differing:
        places = len({row["place"] for row in told["evidence"] if row["conflict"]})
        where = f"{places:,} {'place' if places == 1 else 'places'}"
        said.append(f"At {where} a field differs ({_words(differing)}): another person, an old value, an error?")
    if told["tier"] == Tier.POSSIBLE:
        named = any({"name", "birth_date"} & set(row["agree"]) for row in rows)
        said.append(
            "Chance or a namesake may explain all of it: look for a field that only this person has."
            if named
            else "Nothing here shows this person alone: look for a name or a birth date beside the number."
        )
    shared = sum(row["other_records"] > 0 for row in rows)
    if shared:
        said.append(f"At {shared:,} of the places other records were found as well: whose row is it?")
    if rows and all(row["region"] == Region.UNALLOCATED for row in rows):
        said.append("Everything stands in unallocated space: the passage may be cut, or joined from two files.")
    if any(row["uncertain"] for row in rows):
        said.append("A deleted file here is uncertain: its clusters may since belong to another file.")
    if told["arose"]["same_person"]:
        said.append("The same person has other record keys: decide them alike, and write once.")
    if told["arose"]["namesakes"]:
        said.append("Another record has the same name and birth date: make sure which of them is meant.")
    if len(told["arose"]["rows"]) > 1:
        said.append("The records of this key changed over time: the drive may show older values.")
    if told["minor"]:
        said.append("A minor: notice goes to the parent or guardian.")
    if told["deceased"]:
        said.append("Recorded as deceased: notice goes to next of kin or personal representative.")
    said += [f"In the records {words}: look before writing." for words in told["flags"]]
    return said or ["Nothing unusual: compare one place with the record."]


def _words(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


def _facts(case: OpenCase, told: Mapping[str, Any], identity: str, size: int, head: str) -> PassportFacts:
    rows = [SourceRow(**{**row, "differs": tuple(row["differs"])}) for row in told["arose"]["rows"]]
    return PassportFacts(
        identity=identity,
        case_number=case.details.number,
        organisation=case.details.organisation,
        date=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        tool_version=__version__,
        ledger_size=size,
        ledger_head=head,
        record=told["record"],
        tier=Tier(told["tier"]),
        why=tuple(told["why"]),
        elements=tuple(told["elements"]),
        places=told["places"],
        further_places=told["further_places"],
        by_region=(told["live"], told["deleted"], told["unallocated"], told["archived"]),
        minor=told["minor"],
        deceased=told["deceased"],
        flags=tuple(told["flags"]),
        evidence=tuple(told["evidence"]),
        arose=tuple(_arose(rows, told["arose"])),
        review=told["review"],
        decisions=tuple(told["decisions"]),
        check=tuple(told["check"]),
    )


def _arose(rows: Sequence[SourceRow], arose: Mapping[str, Any]) -> list[str]:
    """How the person arose, in sentences."""
    said = []
    for row in rows:
        until = f" to {row.last_as_of}" if row.last_as_of != row.as_of else ""
        state = "its values stand" if row.standing else f"older values of {_words(row.differs)}"
        said.append(f"{row.name}{f', {row.as_of}' if row.as_of else ''}{until}: same record key, {state}.")
    for one in arose["same_person"]:
        found = f"found, {one['tier']}, {one['review']}" if one["tier"] else "not found"
        said.append(f"Record {one['record_key']}: {one['rule']}; {found}.")
    return said
