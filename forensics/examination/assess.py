"""Evidence to exposure: the persons, and the counts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from forensics.casefile.snapshots import older_values, standing_of
from forensics.casefile.stored import SourceSet
from forensics.casefile.unmatched import tables_on_drive
from forensics.errors import Refused
from forensics.examination.dating import dated_tables
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.records_index import by_fingerprints
from forensics.examination.unmatched import not_in_records
from forensics.exposure.assessment import SURE, Counts, Places, assessment
from forensics.exposure.digest import ResultDigest, basis
from forensics.exposure.estimate import CONFIRMED_SHARE, LEVEL, PROBABLE_SHARE, Decoyed, Measured, bounds, measure
from forensics.exposure.recall import recall
from forensics.exposure.strata import STRATA, stratum_of
from forensics.exposure.tiers import MAJORITY_YEARS, RULE, counting, exposure_of
from forensics.exposure.trail import Trail, sensitivity, waterfall
from forensics.jobs.events import Job
from forensics.matching.agreement import DECIDING
from forensics.matching.chance import SEEDS, WRONG, decode
from forensics.matching.records import DistinctPersons
from forensics.matching.windows import NEAR
from forensics.model import Exposure, Kind, Moved, SourceRecord, Tier

SAID = (
    "source_records", "tiers", "minors", "deceased", "estimate_status", "floor", "estimate", "low", "high",
    "result_sha256",
)  # fmt: skip
"""What the ledger keeps of the result."""

Found = tuple[int, Exposure, int, tuple[Moved, ...], bytes]
"""Number of the record, the person rated by the ceiling of its stratum, the stratum, which decoys it has, and the basis
of the result's digest."""


@verb("assess")
def assess(case: OpenCase, job: Job) -> dict[str, Any]:
    """Rate every person the records have evidence for, and count. The result is that of `assess --json`."""
    store = case.store
    if not store.fact("matched"):
        raise Refused(
            "The records have not been compared with the drive.", f"First: drivecustody match {case.folder.path.name}"
        )
    today = reference_day(case)
    sets = store.source_sets()
    places, trail = Places(), Trail()
    # Whose second record it is takes values; fingerprints have none.
    distinct = None if by_fingerprints(sets) else DistinctPersons()
    found = list(_found(case, job, places, today, trail, distinct))
    standing = standing_of(store.engine)
    strata = measured(
        store.decoy_hits().tolist(),
        store.fact("decoys"),
        Counter(stratum for _, _, stratum, _, _ in found),
        Counter((kind, stratum) for _, _, stratum, holds, _ in found for kind in holds),
        standing,
    )
    counts = Counts()
    exposures = []
    digest = ResultDigest()
    for number, person, stratum, _, rests_on in found:
        rated = replace(person, tier=strata[stratum].tier)
        counts.add(stratum, rated)
        digest.add(rated, rests_on)
        exposures.append((number, rated))
    with case.view() as view:
        left = [(item.size, item.reason) for item in view.not_examined()]
    persons = _persons(case, sets)
    result = assessment(
        counts,
        strata=strata,
        source_records=store.record_count(),
        persons_after_merge=persons,
        not_examined=left,
    )
    result["dated_tables"] = dated_tables(store)
    result["recall"] = recall(store.fact("spikes"), strata)
    unmatched, tables = not_in_records(tables_on_drive(store.engine))
    result["not_in_records"] = None if by_fingerprints(sets) else unmatched
    result["not_in_records_tables"] = [] if by_fingerprints(sets) else tables
    sure_places = [place for place, (_, _, stratum, _, _) in enumerate(found) if strata[stratum].tier in SURE]
    result["waterfall"] = waterfall(
        trail,
        met=store.met(),
        possible=counts.tiers[Tier.POSSIBLE],
        likely=counts.sure,
        persons=distinct.count_of(sure_places) if distinct else None,
    )
    result["sensitivity"] = sensitivity(trail, strata, [one.found for one in strata], NEAR)
    if by_fingerprints(sets):
        # Both are told by values that are not here: none that is known of is not none.
        result["minors"] = result["deceased"] = None
    result["result_sha256"] = digest.hexdigest(settings=_settings(case, sets), estimate=result)
    sure = [place for place, one in enumerate(strata) if one.tier in SURE]
    store.replace_exposure(exposures, result, places.counts(sure))
    job.changed("exposure")
    said = {name: result[name] for name in SAID}
    said["strata"] = [
        {name: one[name] for name in ("name", "tier", "found", "decoys_found")} for one in result["strata"]
    ]
    return {**result, "custody": {**said, "minor_on": today.isoformat()}}


def _persons(case: OpenCase, sets: list[SourceSet]) -> int | None:
    """Distinct persons in the records; over several sets they have to be counted together, which takes the values."""
    if len(sets) == 1:
        return int(sets[0].quality["persons"])
    if by_fingerprints(sets):
        return None
    persons = DistinctPersons()
    for _, record in case.store.source_records(standing=True):
        persons.add(record)
    return persons.count()


def _settings(case: OpenCase, sets: list[SourceSet]) -> dict[str, Any]:
    """What was compared, and how. The day by which somebody is a minor is not here: it may be the day of the case, and
    what it decides stands with each person."""
    return {
        "exhibits": sorted(
            [made.exhibit, made.size, made.hashes.get("sha256") or made.hashes] for made in case.store.acquisitions()
        ),
        "records": sorted([one.sha256, one.as_of, one.mapping] for one in sets),
        "minor_below": MAJORITY_YEARS,
        "decoys_of_a_kind": SEEDS,
        "shares": [CONFIRMED_SHARE, PROBABLE_SHARE],
        "level": LEVEL,
        "rule": {str(tier): words for tier, words in RULE.items()},
        "strata": [[one.name, str(one.ceiling)] for one in STRATA],
        "rows_alike": bool(case.store.fact("linked")),
    }


def reference_day(case: OpenCase) -> date:
    """The day on which somebody is a minor or not: of the incident, else of the copying, return, or the case."""
    details = case.details
    day = details.incident or details.copied or details.returned or details.created[:10]
    return date.fromisoformat(day)


def _found(
    case: OpenCase, job: Job, places: Places, today: date, trail: Trail, distinct: DistinctPersons | None
) -> Iterator[Found]:
    older: dict[int, frozenset[Moved]] = {}
    for number, record in older_values(case.store.engine):
        older[number] = older.get(number, frozenset()).union(moves_of(record))
    for number, record, evidence in case.store.evidence_by_record():
        job.check()
        stratum, counted = counting(evidence)
        trail.add(evidence, stratum, counted)
        if stratum is None:
            continue
        if distinct:
            distinct.add(record)
        places.add(stratum, counted)
        person = exposure_of(record, STRATA[stratum].ceiling, counted, today)
        moves = older[number].union(moves_of(record)) if number in older else moves_of(record)
        yield number, person, stratum, tuple(moves), basis(record, evidence)


def moves_of(record: SourceRecord) -> tuple[Moved, ...]:
    """Which decoys this record has."""
    if record.fingerprints:
        asked = dict(zip(Kind, record.fingerprints.split("\t"), strict=False))
        return tuple(move for move in Moved if asked[Kind.MEMBER_ID if move is Moved.CHECKED_ID else Kind(move)])
    held = {
        Moved.SSN: record.ssn,
        Moved.MEMBER_ID: record.member_id,
        Moved.CHECKED_ID: record.member_id,
        Moved.NAME_AND_BIRTH_DATE: record.given_name and record.family_name and record.birth_date,
    }
    return tuple(kind for kind, value in held.items() if value)


def measured(
    codes: Iterable[int],
    told: Mapping[str, Any],
    found: Counter[int],
    holding: Counter[tuple[Moved, int]],
    standing: Mapping[int, int] | None = None,
) -> list[Measured]:
    """Every stratum measured by the decoys found (`matching.chance.code`) and `records_index.decoys_of` the records.

    `found` counts persons a stratum, `holding` those of them that have decoys of a kind. `standing` says whose older
    values a record is: decoys of all values of a person are that person's.
    """
    best: dict[tuple[Moved, int, int], int] = {}
    for number in codes:
        hit = decode(number)
        stratum = stratum_of(hit.elements & DECIDING, hit.elements)
        if stratum is not None and hit.kind in STRATA[stratum].moved:
            who = hit.kind, hit.seed, (standing or {}).get(hit.record, hit.record)
            best[who] = min(best.get(who, stratum), stratum)
    hits = Counter((kind, stratum, seed) for (kind, seed, _), stratum in best.items())
    places = range(len(STRATA))
    decoyed = {
        kind: Decoyed(
            held["records"],
            tuple(held["kept"]),
            tuple(tuple(hits[kind, stratum, seed] for seed in range(len(held["kept"]))) for stratum in places),
            WRONG if kind is Moved.CHECKED_ID else 0,
        )
        for kind in Moved
        if (held := told["kinds"].get(str(kind)))
    }
    return measure(
        [found[stratum] for stratum in places],
        {kind: [holding[kind, stratum] for stratum in places] for kind in Moved},
        decoyed,
        bounds=bounds([found[stratum] for stratum in places], decoyed, told["agreement"]),
    )
