"""Counsel's memorandum: duties, four factors, worksheet, letters and what changed, from the case as it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile.decisions import INCLUDED, PENDING
from forensics.casefile.views import CaseView
from forensics.errors import Defect, Refused
from forensics.examination import differences, duties
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.report_facts import gather
from forensics.exposure.differences import counted as counted_differences
from forensics.exposure.letters import LetterCounts, letter
from forensics.jobs.events import Job
from forensics.model import ELEMENTS, Tier
from forensics.report.access_sections import window
from forensics.report.counsel import (
    CounselFacts,
    DifferenceSheet,
    DutyLine,
    Factor,
    LettersSheet,
    build_memo,
    only_text,
)
from forensics.report.facts import ReportFacts
from forensics.report.wording import ELEMENT_NAMES

LOCATION = "Other Portable Electronic Device"
"""As the portal of HHS names a thumb drive."""

PHI = {
    "Clinical": ("medical", "mrn", "biometric", "genetic"),
    "Demographic": ("name", "birth_date", "ssn", "address", "phone", "email", "drivers_license", "passport"),
    "Financial": ("financial_account", "tax_id"),
    "Other": ("member_id", "health_insurance", "login", "photo", "other_id", "certificate", "vehicle", "device_serial",
              "ip", "url"),
}  # fmt: skip


@verb("counsel")
def counsel_memo(case: OpenCase, job: Job, *, out: Path, since: int | None = None) -> dict[str, Any]:
    """Write the memorandum to a new file. It is recorded by its SHA-256, and no package takes it.

    Raises `Refused` before `assess`, where `out` exists, and for an earlier report that there is none of.
    """
    if out.exists():
        raise Refused(f"{out.name} exists already and is never overwritten.", "Choose another file name.")
    job.check()
    made = sum(event.event == "report-made" for event in case.ledger.events())
    with case.view() as view:
        told = duties.list_duties(case)
        facts = gather(case, view, None, max(made, 1))
        counsel = _gathered(view, facts, told, since)
    out.parent.mkdir(parents=True, exist_ok=True)
    build_memo(facts, counsel, out)
    said = {"sha256": hashing.of_file(out), "size": out.stat().st_size, "duties": len(told["duties"])}
    return {**said, "out": str(out), "custody": {"sha256": said["sha256"]}}


def _gathered(view: CaseView, facts: ReportFacts, told: dict[str, Any], since: int | None) -> CounselFacts:
    lines = [(duty["kind"], _line(duty)) for duty in told["duties"]]
    return CounselFacts(
        situation=(
            ("Organisation", f"{facts.case.organisation} ({', '.join(told['entity_types'])})"),
            ("Discovered", told["discovered"] or "not given"),
            ("Time zone", told["time_zone"]),
            ("Notices sent", told["noticed"] or "not given"),
            ("Persons counted", f"{told['persons']:,} confirmed, probable or included, and not excluded"),
            ("Open", f"{told['open_persons']:,} only possible and not decided; counted apart"),
            ("Rules", "; ".join(f"{book['name']} (as of {book['as_of']})" for book in told["rules"])),
        ),
        duties=tuple(line for kind, line in lines if kind == "notice"),
        forms=tuple(line for kind, line in lines if kind != "notice"),
        open_questions=_open(told),
        assumes=tuple(f"{book['name']}: {text}" for book in told["rules"] for text in book["assumes"]),
        factors=_factors(facts),
        worksheet=_worksheet(facts, told),
        phi=tuple((name, bool(set(held) & set(facts.exposure.elements))) for name, held in PHI.items())
        if facts.exposure
        else (),
        letters=_letters(view),
        difference=_difference(view, since),
    )


def _line(duty: Mapping[str, Any]) -> DutyLine:
    due = f"{duty['due']}, {duty['weekday']}" if duty["due"] else duty["because"]
    if duty["due"] and duty["because"]:
        due += f" ({duty['because']})"
    persons = "" if duty["kind"] == "delay" else f"{duty['persons']:,}"
    if duty["open_persons"]:
        persons += f" + {duty['open_persons']:,} open"
    if duty["minors"]:
        persons += f" ({duty['minors']:,} minors)"
    notify = f"{duty['notify']} of {duty['state']}" if duty["state"] else duty["notify"]
    return DutyLine(
        due, notify, duty["when"], duty["citation"], duty["status"], "; ".join(duty["sources"]), persons, duty["note"],
        duty["firing"] == "depends",
    )  # fmt: skip


def _open(told: Mapping[str, Any]) -> tuple[str, ...]:
    said = [
        f"No rule here is about the kind of organisation “{entity}”." for entity in told["entity_types_without_rules"]
    ]
    if told["discovered"] is None:
        said.append("No day of discovery was given, so nothing that is counted from it has a date.")
    if told["open_persons"]:
        said.append(f"{told['open_persons']:,} persons are only possible; whether they are told is to be decided.")
    if told["persons_without_state"]:
        said.append(
            f"{told['persons_without_state']:,} persons have no state of residence; no state's rule counts them."
        )
    said.append("Contracts often have the shortest clocks: their clauses are added with duties CASE --rules FILE.")
    return tuple(said)


def _factors(facts: ReportFacts) -> tuple[Factor, ...]:
    case, exposure = facts.case, facts.exposure
    dates = dict(case.dates)
    nature: list[tuple[str, str]] = []
    if exposure:
        nature += [
            (
                f"{ELEMENT_NAMES[element]}: {exposure.likely(element):,} persons confirmed or probable",
                "section 7",
            )
            for element in exposure.elements
            if exposure.likely(element)
        ]
        nature.append((f"Minors: {exposure.assessment.minors or 0:,}", "section 7"))
        nature += [
            (f"{holder.persons:,} persons stand together in one content", holder.locator)
            for holder in exposure.holders[:5]
        ]
    who = [(f"{item.label}: received from {item.received_from}", f"item sheet {item.label}, section 3")
           for item in facts.exhibits]  # fmt: skip
    who += [
        (f"{name}: {dates[name]}", "as the organisation stated")
        for name in ("Person left", "Known by")
        if name in dates
    ]
    viewed = [("Opened or copied elsewhere: not examined in this version", "section 9")]
    if facts.times:
        shown = window(facts.times)
        created = sum(pair[0] for pair in shown.values())
        viewed.append((f"{created:,} files were created on the drive in those days", "section 9, chart"))
    for made in facts.acquisitions:
        seen = made.acquisition.seen_before
        if seen and seen.mounted:
            viewed.append((f"{made.acquisition.exhibit} was mounted on the examiner’s computer", "section 4"))
    mitigated = [(f"{item.label} is in custody since {item.received_at}", "ledger, annex A") for item in facts.exhibits]
    if "Returned" in dates:
        mitigated.append((f"Returned on {dates['Returned']}", "as the organisation stated"))
    mitigated += [
        (f"Seal of {item.label}: {item.seal}", f"item sheet {item.label}") for item in facts.exhibits if item.seal
    ]
    mitigated.append(("A statement of the person on copies made: none is in this case", "custody form"))
    return (
        Factor("(i) Nature and extent of the information, and likelihood of re-identification", tuple(nature)),
        Factor("(ii) The unauthorised person who used it or to whom it was disclosed", tuple(who)),
        Factor("(iii) Whether the information was actually acquired or viewed", tuple(viewed)),
        Factor("(iv) The extent to which the risk has been mitigated", tuple(mitigated)),
    )


def _worksheet(facts: ReportFacts, told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    dates = dict(facts.case.dates)
    by_id = {duty["id"]: duty for duty in told["duties"]}
    large, small = by_id.get("hipaa-hhs-large"), by_id.get("hipaa-hhs-small")
    kind = ""
    if large and small:
        kind = "depends on open persons: 500 or more, or fewer than 500"
    elif large or small:
        kind = "500 or more individuals" if large else "fewer than 500 individuals"
    individuals = f"{told['persons']:,}" + (f" and {told['open_persons']:,} open" if told["open_persons"] else "")
    substitute = by_id.keys() & {"hipaa-substitute", "hipaa-substitute-few"}
    media = sorted(duty["state"] for duty in told["duties"] if duty["id"] == "hipaa-media")
    started = " and ".join(f"{name.lower()} {dates[name]}" for name in ("Copied", "Returned") if name in dates)
    return only_text(
        [
            ("Report type", "Initial breach report" if kind else ""),
            ("Size", kind),
            ("Covered entity or associate", f"{facts.case.organisation} ({', '.join(facts.case.entity_types)})"),
            ("Breach started and ended", started),
            ("Discovered", told["discovered"]),
            ("Individuals affected", individuals),
            ("Type of breach", ""),
            ("Location of the information", LOCATION),
            ("Brief description", ""),
            ("Safeguards in place before", ""),
            ("Notices to individuals sent", told["noticed"]),
            ("Substitute notice", "needed" if substitute else "not needed by the records"),
            ("Media notice", ", ".join(media) or "no State above 500"),
            ("Actions taken in response", ""),
            ("Attested by", ""),
        ]
    )  # fmt: skip


def _letters(view: CaseView) -> LettersSheet:
    """The letters if everybody who counts now is told. Raises `Defect` if they are not as many as the persons."""
    mailing = datetime.now(UTC).date()
    counts, persons = LetterCounts(), 0
    for person in duties.counted(view):
        if person.review == INCLUDED or person.tier is not Tier.POSSIBLE:
            persons += 1
            counts.add(person.record, letter(person.record, person.elements, mailing))
    if not counts.adds_up(persons):
        raise Defect("The letters are not as many as the persons counted.")
    return LettersSheet(
        mailing.isoformat(), counts.total, _sorted(counts.versions), _sorted(counts.addresses),
        _sorted(counts.languages), counts.through_representatives, counts.age_unknown, counts.substitute,
        counts.conspicuous, len(view.queue_ids(tuple(Tier), PENDING)),
    )  # fmt: skip


def _sorted(counts: Mapping[Any, int]) -> tuple[tuple[str, int], ...]:
    return tuple((str(name), n) for name, n in sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0]))))


def _difference(view: CaseView, since: int | None) -> DifferenceSheet | None:
    if not view.report_versions() and since is None:
        return None
    earlier, later, found = differences.between(view, since)
    gained = Counter(element for one in found for element in one.elements_gained)
    lost = Counter(element for one in found for element in one.elements_lost)
    result = (view.assessment() or {}).get("result_sha256", "")
    return DifferenceSheet(
        f"report {earlier.report_id} of {earlier.utc}",
        f"report {later.report_id} of {later.utc}" if later else "The case as it stands",
        tuple((str(change), str(why), n) for (change, why), n in counted_differences(found).items()),
        tuple((ELEMENT_NAMES[e], gained[e], lost[e]) for e in ELEMENTS if gained[e] or lost[e]),
        earlier.result_sha256 == (later.result_sha256 if later else result),
    )
