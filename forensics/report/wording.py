"""What the report says in sentences: values in, text out, so that each claim can be tested without a PDF."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.model import Tier
from forensics.report.facts import AcquisitionSheet, Assessment, ExposureSheet, ReportFacts, SampleSheet
from forensics.report.typography import count, size_text

TITLE = "Chain of custody and exposure report"

ELEMENT_NAMES = {
    "name": "Name", "birth_date": "Birth date", "ssn": "Social Security number", "member_id": "Member id",
    "address": "Address", "phone": "Telephone", "email": "E-mail", "drivers_license": "Driver's licence",
    "passport": "Passport", "tax_id": "Tax id", "financial_account": "Financial account", "medical": "Medical",
    "health_insurance": "Health insurance", "mrn": "Medical record no.", "login": "Login", "biometric": "Biometric",
    "genetic": "Genetic", "vehicle": "Vehicle", "device_serial": "Device serial", "ip": "IP address", "url": "URL",
    "photo": "Photograph", "certificate": "Certificate", "other_id": "Other id",
}  # fmt: skip

TIER_NAMES = {Tier.CONFIRMED: "Confirmed", Tier.PROBABLE: "Probable", Tier.POSSIBLE: "Possible"}

LIMITS = (
    "Copying leaves no trace that must stay on the source. From this drive alone it can be neither shown nor excluded "
    "that files were opened or copied elsewhere, before or after the dates given.",
    "The report speaks of the bytes that could be read and examined. Data in unreadable ranges, in locked or "
    "unsupported content, or overwritten before the drive was received is not in the numbers.",
    "A value on the drive that agrees with a record is evidence of that record, not proof of it: values can be shared, "
    "mistyped in the source, or agree by chance.",
    "Persons who are in no supplied set of source records cannot be found by comparison with them.",
    "Time stamps of files come from the clocks of the computers that wrote them; some record no time zone.",
    "A deleted file may be recovered in part, and its clusters may since have been used by another file.",
    "Other drives, mailboxes, cloud accounts or printed copies were not part of this examination.",
)

ALTERNATIVES = (
    "The files may have been placed on the drive in the course of ordinary work, by whoever had access to it.",
    "The files may have been placed on, or removed from, the drive after the dates given and before its receipt.",
    "A person may be found through a record of somebody else: a member of the same household, or an equal name.",
)

BLIND_SAMPLE = "Blind sample of misattributions"
SPIKE_TEST = "Spike test of recall"

NOT_IN_THIS_REPORT = (
    "Opened or copied elsewhere: indicators for and against (section 9 has times of the file table only)",
    BLIND_SAMPLE,
    SPIKE_TEST,
    "Notice duties and dates (they belong in a separate memorandum for counsel)",
    "The list of persons: no name, number or birth date of a data subject is printed here",
)


DATED = (
    "Only persons tell the snapshots apart who are not in all of them with the same values. A snapshot agrees with "
    "such a person if its values explain the row as well as any other's. p is the exact sign test between the best "
    "snapshot and the nearest other; it is called better where p is below 0.05, divided by the number of comparisons. "
    "A table may be older than the day of the snapshot it agrees with: nothing that changed since was supplied."
)


IN_NO_RECORD = (
    "Rows of tables that show persons of the source records, which look like persons themselves (name, birth date or "
    "number in the same columns, in the same form) and are in no record: former members, applicants, persons of "
    "another organisation. A person counts once, however many copies of a table there are. Rows of parts in which too "
    "few records stand to know the columns are not told. Persons in tables that show no record at all are not seen."
)


OTHER_RULES = (
    "The first row is the rule of this report; each other row changes one thing of it. Tiers are those that decoys "
    "gave the strata of this report: chance was not measured again, and explains more in a wider window. Within one "
    "line or row: values that stand in another line of the same passage or letter are left out."
)


RESULT_DIGEST = (
    "Whoever examines the same image with the same source records and settings finds the same digest: it is made of "
    "every person, tier, element and place, of the numbers of this section, and of the settings; not of the case, the "
    "clock, or the order of the work."
)


def people(n: int) -> str:
    return f"{n:,} person" if n == 1 else f"{n:,} persons"


def items(n: int) -> str:
    return f"{n:,} item" if n == 1 else f"{n:,} items"


def five_sentences(facts: ReportFacts) -> tuple[str, str, str, str, str]:
    """The answer: how many, what, is the copy sound, what was not examined, what was not measured."""
    return (
        how_many(facts),
        which_elements(facts.exposure),
        how_sound(facts.acquisitions),
        what_was_left(facts),
        what_was_not_measured(facts),
    )


def how_many(facts: ReportFacts) -> str:
    if facts.exposure is None:
        return "The contents were not compared with source records, so no number of persons is given."
    told = facts.exposure.assessment
    dates = sorted({sheet.as_of for sheet in facts.records if sheet.as_of})
    as_of = f" (as of {', '.join(dates)})" if dates else ""
    supplied = f"Of {told.source_records:,} supplied source records{as_of}"
    confirmed, probable, possible = (told.tiers[tier] for tier in (Tier.CONFIRMED, Tier.PROBABLE, Tier.POSSIBLE))
    tiers = f"{confirmed:,} confirmed, {probable:,} probable"
    more = (
        f"{possible:,} more {'is' if possible == 1 else 'are'} possible: an identifier alone, which chance may "
        "explain, or fields that contradict each other."
    )
    if told.low is not None and told.high is not None:
        return (
            f"{supplied}, {told.low:,} to {told.high:,} persons are estimated to have identifying fields in the bytes "
            f"examined (95 % interval; {tiers}). {more}"
        )
    verb = "has" if told.likely == 1 else "have"
    return f"{supplied}, {people(told.likely)} {verb} identifying fields in the bytes examined ({tiers}). {more}"


def which_elements(exposure: ExposureSheet | None) -> str:
    if exposure is None:
        return "Which elements of personal data stand on the exhibit was not measured."
    told = exposure.assessment
    ssn = exposure.likely("ssn")
    verb = "stands" if ssn == 1 else "stand"
    number = "a Social Security number" if ssn == 1 else "Social Security numbers"
    return (
        f"For {people(ssn)} of these, {number} {verb} there together with other data of that person; "
        f"minors: {count(told.minors)}; recorded as deceased: {count(told.deceased)}."
    )


def how_sound(sheets: Sequence[AcquisitionSheet]) -> str:
    if not sheets:
        return "No exhibit has been acquired."
    parts = []
    for sheet in sheets:
        made = sheet.acquisition
        if made.verified:
            state = "was read again in full and its digests agreed with those of the acquisition"
        else:
            state = "was not verified by a second reading"
        bad = f"{sheet.bad_bytes:,} bytes could not be read" if sheet.bad_bytes else "every byte could be read"
        parts.append(f"The image of {made.exhibit} ({made.size:,} bytes) {state}; {bad}.")
        if made.seen_before and made.seen_before.mounted:
            parts.append(
                f"BEFORE THE ACQUISITION a file system of {made.exhibit} was mounted on this computer, according to "
                f"{len(made.seen_before.mounted)} line(s) of its log; the drive may have been changed by that."
            )
    return " ".join(parts)


def what_was_left(facts: ReportFacts) -> str:
    n, size = len(facts.not_examined), sum(item.bytes for item in facts.not_examined)
    if facts.contents is None:
        return "The contents of the exhibit have not been listed, so what was not examined is not known."
    if not n:
        return "Every content that was found could be examined."
    return f"{items(n)} ({size_text(size)}) could not be examined; each is counted with its reason in annex B."


def what_was_not_measured(facts: ReportFacts) -> str:
    missing = unmeasured(facts)
    said = f"Not measured: {'; '.join(missing)}. " if missing else ""
    return (
        f"{said}Whether data was opened or copied elsewhere was not examined, and this drive alone cannot exclude it."
    )


def unmeasured(facts: ReportFacts) -> tuple[str, ...]:
    """What the numbers of this report do not rest on, each as a short phrase."""
    missing = []
    if facts.coverage is None:
        missing.append("coverage of the device byte by byte")
    if facts.exposure:
        told: Assessment = facts.exposure.assessment
        if None in (told.low, told.high):
            missing.append("the chance error of the count")
        if told.floor is None:
            missing.append("the floor")
        if told.persons_after_merge is None:
            missing.append("persons who hold several source records")
        if told.not_in_records is None:
            missing.append("persons on the drive who are in no source record")
        if not (facts.sample and facts.sample.measured):
            missing.append("misattribution")
        missing.append("recall in layouts that were not planted" if told.recall else "recall")
    return tuple(missing)


def not_in_this_report(facts: ReportFacts) -> tuple[str, ...]:
    planted = facts.exposure is not None and bool(facts.exposure.assessment.recall)
    there = {BLIND_SAMPLE: facts.sample is not None, SPIKE_TEST: planted}
    return tuple(text for text in NOT_IN_THIS_REPORT if not there.get(text))


def sample_sentences(sample: SampleSheet) -> tuple[str, ...]:
    """What is said under the table of the blind sample."""
    said = [
        f"Drawn from {people(sample.population)}, closed {sample.closed}; reviewers: {sample.reviewers:,}. "
        f"Of {sample.catch_answers:,} answers to catch-rows, {sample.caught:,} were no."
    ]
    if sample.kappa is not None:
        said.append(f"Agreement of the two reviewers over items and catch-rows: Cohen’s κ {sample.kappa:.2f}.")
    if not sample.current:
        said.append("It was drawn from an earlier result and says nothing of the persons of this report.")
    return tuple(said)


def signing_subject(fingerprint: str | None) -> str:
    """The PDF's Subject, by which `signing` knows a draft from a document made for one certificate."""
    return f"Made to be signed by certificate {fingerprint}" if fingerprint else "Draft, not signed"
