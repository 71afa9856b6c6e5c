"""The spike test: persons planted in copies are found where they can be, and a broken search would show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exposed_drive import RECORDS, SHOWN, cells, files, indexed, table, write_records
from worked_example import text_of

from forensics import hashing
from forensics.errors import Refused
from forensics.examination import spike_units
from forensics.examination.assess import assess
from forensics.examination.fingerprints import make_fingerprints
from forensics.examination.match import match
from forensics.examination.open_case import OpenCase
from forensics.examination.records import add_records
from forensics.examination.report import report
from forensics.examination.units import ScanPiece
from forensics.exposure.recall import LEAST, recall
from forensics.jobs.events import silent
from forensics.matching.index import RecordIndex
from forensics.matching.layout import Layout
from forensics.matching.records import Origin
from forensics.matching.spikes import invented, row_like
from forensics.model import EntryStatus, FileEntry, Locator, Piece, SourceRecord, Tier, Unit

EACH = 60


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenCase]:
    folder = tmp_path_factory.mktemp("spikes")
    with indexed(folder, files(), (write_records(RECORDS, folder / "records.csv"), "")) as opened:
        yield opened


def image_hash(case: OpenCase) -> str:
    (image,) = case.folder.images("E-001").glob("*.E01")
    return hashing.of_file(image)


@pytest.fixture(scope="module")
def result(case: OpenCase) -> dict[str, Any]:
    before = image_hash(case)
    match(case, silent())
    plain = assess(case, silent())
    assert plain["recall"] is None
    evidence = case.store.evidence_counts()
    told = match(case, silent(), spikes=EACH)
    assert told["planted"] > 0
    # Nothing of it is evidence, and the image is as it was.
    assert case.store.evidence_counts() == evidence
    assert image_hash(case) == before
    with_spikes = assess(case, silent())
    for name in ("tiers", "floor", "low", "estimate", "high", "strata", "elements", "waterfall"):
        assert with_spikes[name] == plain[name]
    return with_spikes


def by_layout(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["layout"]: row for row in result["recall"]["layouts"]}


def test_persons_are_found_in_every_layout_that_has_a_place(result: dict[str, Any]) -> None:
    rows = by_layout(result)
    assert len(rows) == 28
    for layout, row in rows.items():
        assert row["planted"] >= LEAST, layout
        assert row["share"] == round(row["found"] / row["planted"], 4)
        assert row["low"] <= row["share"] <= row["high"]
        assert row["found"] <= row["met"] <= row["planted"]
    assert rows["a table: as the table writes its rows"]["share"] >= 0.95
    assert rows["UTF-8: SSN with hyphens, first and last name"]["share"] >= 0.95
    assert rows["UTF-16LE: SSN with hyphens, first and last name"]["share"] >= 0.95
    assert rows["EBCDIC, records of 240 bytes: SSN with hyphens, first and last name"]["share"] >= 0.9
    # The raw scan knows EBCDIC by its look, which a line among zeros has not: the test says so, and hides nothing.
    assert rows["EBCDIC, a line alone: SSN with hyphens, first and last name"]["high"] < 0.1


def test_the_same_case_has_the_same_recall(case: OpenCase, result: dict[str, Any]) -> None:
    match(case, silent(), spikes=EACH)
    again = assess(case, silent())
    assert again["recall"] == result["recall"]
    assert again["result_sha256"] == result["result_sha256"]


def test_the_report_prints_it_and_what_it_is_not(case: OpenCase, result: dict[str, Any], tmp_path: Path) -> None:
    report(case, silent(), out=tmp_path / "r.pdf")
    said = " ".join(text_of(tmp_path / "r.pdf").split())
    assert "Recall: persons planted in copies" in said
    assert "there is no recall of the whole" in said
    assert "recall in layouts that were not planted" in said.lower()
    assert "Spike test of recall" not in said


def test_who_is_not_in_the_records_is_not_found_where_planted() -> None:
    """Every second planted person has other values in the index: half of them are found, so something is measured."""
    people = [
        SourceRecord(m.member_id, m.first_name, "", m.last_name, birth_date=m.birth_date, ssn=m.ssn.replace("-", ""),
                     member_id=m.member_id, phone="".join(c for c in m.phone if c.isdigit()))
        for m in RECORDS
    ]  # fmt: skip
    real = RecordIndex.build(enumerate(people, 1))
    made = invented(people, 80, real, 1)
    assert len({one.ssn for one in made} | {one.ssn for one in people}) == len(made) + len(people)
    numbered = dict(enumerate(made, len(people) + 1))
    wrong = invented(people, 200, real, 2)[-40:]
    known = {n: wrong[n // 2 % 40] if n % 2 else one for n, one in numbered.items()}
    spike_units.take_spikes(RecordIndex.build([*enumerate(people, 1), *known.items()]), numbered)
    data = table([cells(one) for one in SHOWN])
    piece = Piece((), Unit.ROW, True, 1, 0, len(data), "utf-8", ",", data=data)
    entry = FileEntry(Locator("E-001", 0, path=(b"a.csv",)), EntryStatus.LIVE, len(data), 0, "", "", "", (), "")
    item = ScanPiece(1, 1, entry, piece, (), None, None, 0)
    layout = f"a table: {spike_units.AS_THE_TABLE}"
    marks = spike_units.plant(spike_units.Spike(item, ((layout, tuple(numbered)),)))
    assert marks.planted == {layout: 80}
    assert sum(marks.found[layout].values()) == 40


@pytest.mark.parametrize(
    ("cell", "parts", "written"),
    [
        ("123-45-6789", {"ssn"}, "012-34-5670"),
        ("1 23 456789", {"ssn"}, "0 12 345670"),
        ("(860) 555-0123", {"phone"}, "(203) 555-0199"),
        ("2/3/1961", {"birth_date"}, "11/9/1975"),
        ("02/03/1961", {"birth_date"}, "11/09/1975"),
        ("19610203", {"birth_date"}, "19751109"),
        ("3-Feb-61", {"birth_date"}, "9-Nov-75"),
        ("February 3, 1961", {"birth_date"}, "November 9, 1975"),
        ("the third of February", {"birth_date"}, None),
        ("IBANEZ, MARIA", {"given", "family"}, "OKAFOR, PETER"),
        ("maria ibanez", {"given", "family"}, "peter okafor"),
        ("W204001234", {"member_id"}, "W999000001"),
        ("204001234", {"member_id"}, "999000001"),
        ("x@example.org", {"email"}, ""),
        (" ", {"ssn"}, " "),
    ],
)
def test_a_cell_is_written_as_its_neighbours_are(cell: str, parts: set[str], written: str | None) -> None:
    maria = SourceRecord("1", "Maria", "", "Ibanez", "", "1961-02-03", "123456789", "W204001234", phone="8605550123")
    peter = SourceRecord("2", "Peter", "", "Okafor", "", "1975-11-09", "012345670", "W999000001", phone="2035550199")
    person = RecordIndex.build([(1, maria)]).person(1)
    layout = Layout(dict.fromkeys(parts, 0), day_first=False)
    told = row_like([cell, "kept"], person, layout, peter)
    assert told == (None if written is None else [written, "kept"])


def test_fingerprints_have_nobody_to_plant(tmp_path: Path) -> None:
    write_records(RECORDS, tmp_path / "r.csv")
    make_fingerprints(silent(), origin=Origin(tmp_path / "r.csv"), out=tmp_path / "o.fingerprints")
    with indexed(tmp_path, {}) as opened:
        add_records(opened, silent(), file=tmp_path / "o.fingerprints", key_file=tmp_path / "o.fingerprints.key")
        with pytest.raises(Refused, match="these are fingerprints"):
            match(opened, silent(), spikes=5)
        with pytest.raises(Refused, match="equal or not"):
            match(opened, silent(), fuzzy=True)


def test_recall_counts_only_strata_that_are_sure() -> None:
    from forensics.exposure.estimate import Measured

    def stratum(tier: Tier) -> Measured:
        return Measured("s", 1, None, None, None, None, 0, 0.0, None, tier, "")

    strata = [stratum(Tier.CONFIRMED), stratum(Tier.POSSIBLE)]
    told = recall({"each": 50, "layouts": [
        {"layout": "a", "planted": 50, "found": {"0": 40, "1": 7}},
        {"layout": "b", "planted": 3, "found": {}},
        {"layout": "c", "planted": 0, "found": {}},
    ]}, strata)  # fmt: skip
    assert told is not None
    first, few, none = told["layouts"]
    assert (first["found"], first["met"], first["share"]) == (40, 47, 0.8)
    # Clopper and Pearson (1934) for 40 of 50.
    assert (first["low"], first["high"]) == (pytest.approx(0.6628, abs=1e-4), pytest.approx(0.8997, abs=1e-4))
    assert few["note"].startswith("too few")
    assert (none["share"], none["note"][:12]) == (None, "not measured")
    assert recall(None, strata) is None
