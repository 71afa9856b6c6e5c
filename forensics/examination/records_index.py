"""All records of a case as the index that `match` asks, and what `assess` has to know of their decoys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forensics.casefile.snapshots import standing_of
from forensics.casefile.store import Store
from forensics.casefile.stored import SourceSet
from forensics.matching.chance import agreement_by_accident, held, moves_of
from forensics.matching.check_digit_arrays import CHECK_DIGITS
from forensics.matching.fingerprint_file import FingerprintIndex, Header
from forensics.matching.fingerprints import FingerprintKey
from forensics.matching.index import FIELDS, RecordIndex
from forensics.model import Kind, Moved

KEY_FACT = "fingerprint_key"


def by_fingerprints(sets: Sequence[SourceSet]) -> bool:
    """Whether the values of these records are not in the case, only their fingerprints."""
    return any("fingerprints" in one.quality for one in sets)


def records_index(store: Store) -> tuple[RecordIndex, dict[str, Any]]:
    """The index of a case's records, and what `decoys_of` says of them."""
    sets = store.source_sets()
    if by_fingerprints(sets):
        return _of_fingerprints(store, [Header.parse(str(one.quality["fingerprints"])) for one in sets])
    index = RecordIndex.from_fields(store.record_fields(FIELDS), _check_digit(sets))
    return index, by_person(decoys_of(index), index, standing_of(store.engine))


def _check_digit(sets: Sequence[SourceSet]) -> str:
    """The scheme that the ids of all sets of records follow, where decoys can be made by it."""
    schemes = {str(known.quality["member_id_check_digit"]) for known in sets}
    (scheme,) = schemes if len(schemes) == 1 else ("",)
    return scheme if scheme in CHECK_DIGITS else ""


def decoys_of(index: RecordIndex) -> dict[str, Any]:
    """What `assess` has to know of the decoys: how many there are, and how often two records agree by accident."""
    kinds = {str(move): asdict(held(index, move)) for move in moves_of(index)}
    return {"kinds": kinds, "agreement": agreement_by_accident(index)}


def by_person(told: dict[str, Any], index: RecordIndex, standing: Mapping[int, int]) -> dict[str, Any]:
    """The same with persons in place of sets of values, where `standing` says whose older values some are.

    A person found by an older or a newer value counts once, so a decoy of either is a decoy of one person: counted by
    values, chance would look as many times larger as there are snapshots.
    """
    if not standing:
        return told
    kinds = {}
    for move, one in told["kinds"].items():
        persons = len(np.unique(_standing(index.tables[_kind(Moved(move))].records, standing)))
        share = persons / max(1, one["records"])
        kinds[move] = {"records": persons, "kept": [round(kept * share) for kept in one["kept"]]}
    return {**told, "kinds": kinds}


def _kind(move: Moved) -> Kind:
    return Kind.MEMBER_ID if move is Moved.CHECKED_ID else Kind(move)


def _standing(records: NDArray[np.uint32], standing: Mapping[int, int]) -> NDArray[np.int64]:
    of = np.arange(max(int(records.max(initial=0)), *standing) + 1)
    of[list(standing)] = list(standing.values())
    found: NDArray[np.int64] = of[records.astype(np.int64)]
    return found


def _of_fingerprints(store: Store, headers: Sequence[Header]) -> tuple[RecordIndex, dict[str, Any]]:
    """Only who has the values can count the decoys that are free: each file says it of its own records. Of several
    snapshots of one table the least share is taken."""
    key = FingerprintKey(bytes.fromhex(str(store.fact(KEY_FACT))))
    lengths, schemes = headers[0].lengths, {header.check_digit for header in headers}
    for header in headers:
        lengths |= header.lengths
    together = replace(
        headers[0],
        lengths=lengths,
        run_lengths=tuple(sorted({length for header in headers for length in header.run_lengths})),
        check_digit=headers[0].check_digit if len(schemes) == 1 else "",
    )
    index = FingerprintIndex.from_rows(store.record_fields(("record_key", "fingerprints")), together, key)
    kinds = {}
    for move in moves_of(index):
        said = [header.decoys["kinds"][str(move)] for header in headers]
        records = len(np.unique(index.tables[_kind(move)].records))
        shares = [[kept / max(1, one["records"]) for kept in one["kept"]] for one in said]
        kinds[str(move)] = {
            "records": records,
            "kept": [int(min(seed) * records) for seed in zip(*shares, strict=True)],
        }
    agreement = {
        name: max(float(header.decoys["agreement"][name]) for header in headers)
        for name in headers[0].decoys["agreement"]
    }
    told = {"kinds": kinds, "agreement": agreement}
    return index, by_person(told, index, standing_of(store.engine))
