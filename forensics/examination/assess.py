"""Evidence to exposure: the persons, and the counts of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from forensics.casefile.stored import SourceSet
from forensics.errors import Refused
from forensics.examination.open_case import OpenCase, verb
from forensics.exposure.assessment import SURE, Counts, Places, assessment
from forensics.exposure.tiers import counting, exposure_of
from forensics.jobs.events import Job
from forensics.matching.records import DistinctPersons
from forensics.model import Exposure


@verb("assess")
def assess(case: OpenCase, job: Job) -> dict[str, Any]:
    """Rate every person the records have evidence for, and count. The result is that of `assess --json`."""
    store = case.store
    if not store.fact("matched"):
        raise Refused(
            "The records have not been compared with the drive.", f"First: drivecustody match {case.folder.path.name}"
        )
    counts = Counts()
    today = reference_day(case)
    places = Places()
    exposures = list(_exposures(case, job, counts, places, today))
    sets = store.source_sets()
    with case.view() as view:
        left = [(item.size, item.reason) for item in view.not_examined()]
    persons = _persons(case, sets)
    result = assessment(
        counts,
        source_records=store.record_count(),
        persons_after_merge=persons,
        not_examined=left,
    )
    store.replace_exposure(exposures, result, places.counts())
    job.changed("exposure")
    said = {name: result[name] for name in ("source_records", "tiers", "minors", "deceased", "estimate_status")}
    return {**result, "custody": {**said, "minor_on": today.isoformat()}}


def _persons(case: OpenCase, sets: list[SourceSet]) -> int:
    """Distinct persons in the records; over several sets they have to be counted together."""
    if len(sets) == 1:
        return int(sets[0].quality["persons"])
    persons = DistinctPersons()
    for _, record in case.store.source_records(standing=True):
        persons.add(record)
    return persons.count()


def reference_day(case: OpenCase) -> date:
    """The day on which somebody is a minor or not: of the incident, else of the copying, return, or the case."""
    details = case.details
    day = details.incident or details.copied or details.returned or details.created[:10]
    return date.fromisoformat(day)


def _exposures(case: OpenCase, job: Job, counts: Counts, places: Places, today: date) -> Iterator[tuple[int, Exposure]]:
    for number, record, evidence in case.store.evidence_by_record():
        job.check()
        tier, counted = counting(evidence)
        if tier is None:
            continue
        person = exposure_of(record, tier, counted, today)
        counts.add(person)
        if tier in SURE:
            places.add(counted)
        yield number, person
