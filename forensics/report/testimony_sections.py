"""Section 12: who examined, the certificate under Rule 902(14), and the opinion of sections 7 to 9.

Two things that must not be taken for one another: a certificate about copying and digests, which makes the image
authentic, and an opinion about what the copy holds, which is argued over.
"""

from __future__ import annotations

from reportlab.platypus import CondPageBreak, Flowable, PageBreak

from forensics.report.blocks import h2, p
from forensics.report.facts import AcquisitionSheet, ReportFacts
from forensics.report.figures import CheckLines, sheet
from forensics.report.sheets import Testimony
from forensics.report.typography import percent

TITLE = "Certification under Federal Rules of Evidence 902(14)"

NOT_EXECUTED = (
    "NOT EXECUTED. The statements marked “not made” were not made by anybody, and this page certifies nothing. The "
    "signature of the report does not make them."
)

PRECONDITION = (
    "Rule 902(14) asks, as 902(11) does, that before the trial or hearing the proponent give an adverse party "
    "reasonable written notice of the intent to offer the record, and make the record and this certification available "
    "for inspection, so that the party has a fair opportunity to challenge them."
)

SCOPE = (
    "This certification is about acquisition and digests only: that the image is a copy of the exhibit as it was read. "
    "It says nothing about who put the data there, whose it is, how many persons are on it, or what was done with it."
)


def examiner_and_certificate(facts: ReportFacts) -> list[Flowable]:
    """Section 12. What nobody stated is said to be missing."""
    told = facts.testimony
    rows = [
        ("Examiner", facts.case.examiner),
        ("Employer", told.employer if told and told.employer else "not stated"),
        ("Second examiner", told.second_examiner if told and told.second_examiner else "none named"),
    ]
    story: list[Flowable] = [sheet(rows), h2("Qualifications")]
    account = told.qualifications if told else ""
    story += [p(line) for line in account.splitlines() if line.strip()] or [p("Not stated.")]
    if told and told.second_examiner:
        story.append(
            p(
                f"{told.second_examiner} is named as second examiner, who reviews the work and its conclusions and "
                "signs in the field Witness of the cover. Until that field is signed, no second person vouches for it."
            )
        )
    if told:
        story += [PageBreak(), h2(TITLE), *_certificate(facts, told)]
    return [*story, CondPageBreak(220), h2("Statement of opinion on sections 7 to 9"), *_opinion(facts)]


def _certificate(facts: ReportFacts, told: Testimony) -> list[Flowable]:
    story: list[Flowable] = [p(SCOPE), p(PRECONDITION, "small")]
    if not (told.complete and told.executed):
        story.append(p(NOT_EXECUTED if told.executed or not told.complete else "DRAFT: not signed.", "warning"))
    rows = [
        ("Name", facts.case.examiner),
        ("Employer", told.employer or "not stated"),
        ("Case", f"{facts.case.number}, {facts.case.organisation}"),
    ]
    if facts.program:
        rows += [
            ("Tool", f"{facts.program.name} {facts.program.version}"),
            ("Self-test", facts.program.self_test),
        ]
    story.append(sheet(rows))
    if facts.program:
        story.append(sheet([("Build SHA-256", facts.program.build)], mono=True))
    for made in facts.acquisitions:
        story += _of_exhibit(made)
    story += [
        CondPageBreak(320),
        h2("Statements of the examiner"),
        p("Each is made by the person named beside it, one by one, and is an entry of the custody ledger.", "small"),
        CheckLines(
            [
                (
                    line.ticked, line.text,
                    f"made by {line.who}, {line.utc}" if line.ticked else "not made",
                )
                for line in told.statements
            ]
        ),
    ]  # fmt: skip
    executed = next((line.utc[:10] for line in told.statements if line.key == "true" and line.ticked), "")
    signed = "by the electronic signature of the cover" if told.executed and told.complete else "not signed"
    return [
        *story,
        sheet([("Executed on", executed or "not executed"), ("Signature", signed)]),
    ]


def _of_exhibit(made: AcquisitionSheet) -> list[Flowable]:
    it, device = made.acquisition, made.acquisition.device
    named = " ".join(part for part in (device.vendor, device.model, device.serial) if part) if device else ""
    bad = f"{len(it.bad):,} ranges with {made.bad_bytes:,} bytes could not be read" if it.bad else "none"
    match = "yes" if it.verified else "not compared"
    rows = [
        ("Exhibit", f"{it.exhibit}{', ' + named if named else ''}"),
        ("Acquired", f"{it.started} to {it.finished}, {it.size:,} bytes, as {it.format}"),
        ("Steps", "image taken in from elsewhere" if it.imported else "write protection measured; every byte read in "
         "order; digests computed from the bytes as they were read; image read back and compared"),
        ("Unreadable", bad),
        ("Digests equal", f"{match}{': ' + it.verified_by if it.verified_by else ''}"),
    ]  # fmt: skip
    compared = it.stored_hashes if it.imported and it.stored_hashes else it.hashes
    digests = []
    for name, value in sorted(it.hashes.items()):
        digests.append((f"{name.upper()} acquired", value))
        again = compared.get(name, "") if it.verified else ""
        digests.append((f"{name.upper()} compared", again or "not compared"))
    return [h2(f"Exhibit {it.exhibit}"), sheet(rows), sheet(digests, mono=True, label=0.22)]


def _opinion(facts: ReportFacts) -> list[Flowable]:
    """What the examiner holds to be so, apart from what the certificate says."""
    story: list[Flowable] = [
        p(
            "What sections 7 to 9 say is no part of the certification above. It is the opinion of the examiner "
            "(Federal Rules of Evidence 702), reached by the method of section 10, within the limits of section 11, "
            "and is signed with this report."
        )
    ]
    exposure = facts.exposure
    if exposure is None:
        return [*story, p("No opinion is given: the contents were not compared with source records.")]
    told = exposure.assessment
    said = (
        f"In my opinion {told.likely:,} of the {told.source_records:,} persons of the source records, "
        f"{percent(told.likely, told.source_records)}, have data of theirs on the exhibit."
    )
    if told.low is not None and told.high is not None:
        said += f" As far as chance agreement goes, the number lies between {told.low:,} and {told.high:,} (95 %)."
    story += [
        p(said),
        p(
            "I have no opinion on whether the data was opened or copied elsewhere: section 9 gives what the file table "
            "says, and it settles nothing."
        ),
    ]
    signed = facts.testimony is not None and facts.testimony.executed
    return [*story, p("Signed with the report, on its cover." if signed else "DRAFT: not signed.", "small")]
