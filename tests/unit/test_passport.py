"""The passport says of one person what the case holds, masked; its PDF is one page and counts what it leaves out."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from forensics.casefile import case as cases
from forensics.casefile.case import CaseDetails
from forensics.casefile.store import Store
from forensics.casefile.stored import FoundEvidence, MatchUnit, SourceSet
from forensics.cli.commands import app
from forensics.errors import Defect, Refused
from forensics.examination import review
from forensics.examination.open_case import OpenCase
from forensics.examination.passport import passport, passport_pdf
from forensics.examination.serve import serve
from forensics.exposure.strata import STRATA
from forensics.exposure.tiers import counting, exposure_of
from forensics.jobs.events import silent
from forensics.matching.records import DistinctPersons, one_person_by
from forensics.model import (
    OK,
    EntryStatus,
    Evidence,
    FileEntry,
    Locator,
    Region,
    SourceRecord,
    Tier,
    Volume,
)
from forensics.report.passport import PassportFacts, build_passport
from tests.unit.review_fixtures import ANNA, ANNA_AGAIN, BEN, RECORDS, cases_day, cheap_guesses, evidence, found_case

__all__ = ["cheap_guesses", "found_case"]

PASSPHRASE = "correct horse battery staple"
MEASURED = {
    "name": STRATA[1].name, "tier": "confirmed", "because": "by decoys", "found": 412, "chance": 1.5, "chance_low": 0,
    "chance_high": 4, "upper": 5, "decoys_found": 31, "moves": 19.7, "dispersion": 1.1,
}  # fmt: skip
ANNA_BEFORE = replace(ANNA, address="4 Old Rd", phone="")
NAMESAKE = SourceRecord("W6", "ANNA", "", "Marlowe", "", "1980-02-03", "899770000", "W6", "77 Far St")
BY_ADDRESS = replace(ANNA_AGAIN, record_key="W8", ssn="", member_id="W8")
PLACES = 60


def text_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True, text=True).stdout


def flat(words: str) -> str:
    return " ".join(words.split())


def folder_of(tmp_path: Path) -> Path:
    return tmp_path / "many.dcase"


@pytest.fixture
def many(tmp_path: Path, cheap_guesses: None) -> Iterator[OpenCase]:
    """Anna stands at sixty places that count and at one where her number stands alone; two snapshots, a second key and
    a namesake."""
    details = CaseDetails("2026-001", "A case", "Plan", ("business",), "R. Reader", incident="2026-01-05")
    folder, key, _ = cases.create(folder_of(tmp_path), details, PASSPHRASE)
    with Store(folder, key) as store:
        store.add_exhibit("E-001", "2026-01-06T09:00:00Z", {})
        store.add_volumes([Volume("E-001", 2, 0, 1 << 30, "partition", "FAT32", "", 4096, OK)])
        long = (b"A folder with a long name", b"x" * 200, b"\xe2\x80\xae list.csv")
        entries = [
            FileEntry(Locator("E-001", 2, path=long), EntryStatus.LIVE, 9000, 5, "", "", "", (), "FAT"),
            FileEntry(Locator("E-001", 2, Region.DELETED, 57, (b"old.csv",)), EntryStatus.DELETED_UNCERTAIN, 9000, 57,
                      "", "", "", (), "FAT"),
        ]  # fmt: skip
        store.add_entries(store.volumes("E-001")[0][0], entries)
        store.add_source_set(
            SourceSet("2025.csv", "ab" * 32, "2025-01-01", 0, {"record_key": "id"}), [ANNA_BEFORE, *RECORDS[1:]]
        )
        store.add_source_set(
            SourceSet("2026.csv", "cd" * 32, "2026-01-01", 0, {"record_key": "id"}), [ANNA, NAMESAKE, BY_ADDRESS]
        )
        with store.begin() as connection:
            number = connection.scalar(text("SELECT id FROM source_record WHERE record_key = 'W1' AND set_id = 2"))
        store.plan_match([MatchUnit(0, "E-001", 0, 100, None)])
        places = []
        for n in range(PLACES):
            deleted = n >= 50
            item = evidence(number, f"!row {n + 2}", "name birth_date ssn", more="address")
            if n == 5:
                item = evidence(number, f"!row {n + 2}", "name birth_date ssn", "member_id")
            region = Region.DELETED if deleted else Region.LIVE
            places.append(FoundEvidence(2 if deleted else 1, item.locator, replace(item, region=region)))
        alone = Evidence("E-001/unallocated@0x00100000+9", number, Region.UNALLOCATED, False, frozenset({"ssn"}),
                         frozenset({"ssn"}), frozenset(), "window")  # fmt: skip
        ben = evidence(2, "!row 2", "name birth_date ssn")
        store.finish_unit(
            1, OK, [*places, FoundEvidence(None, alone.locator, alone), FoundEvidence(1, ben.locator, ben)]
        )
        store.put_fact("matched", True)
        rated = []
        for found, record, held in store.evidence_by_record():
            stratum, counted = counting(held)
            assert stratum is not None
            rated.append((found, exposure_of(record, STRATA[stratum].ceiling, counted, cases_day())))
        strata = [{**MEASURED, "name": one.name, "tier": str(one.ceiling)} for one in STRATA]
        store.replace_exposure(rated, {"source_records": 6, "strata": strata}, {"total": PLACES})
    with OpenCase(folder, key) as opened:
        yield opened


def test_it_says_what_the_database_holds(many: OpenCase) -> None:
    told = passport(many, record_key="W1")
    with many.store.begin() as connection:
        x = connection.execute(text("SELECT * FROM exposure WHERE record_key = 'W1'")).one()
        rows = connection.execute(text(f"SELECT count(*), count(DISTINCT tail) FROM evidence WHERE record={x.record}"))
        count, distinct = rows.one()
    assert (told["tier"], told["places"], told["live"], told["deleted"]) == (x.tier, x.places, x.live, x.deleted)
    assert (told["places"], told["live"], told["deleted"], told["further_places"]) == (60, 50, 10, 1)
    assert len(told["evidence"]) == count == 61
    assert len({row["place"] for row in told["evidence"]}) == distinct
    by_place = {row["place"].rpartition("!")[2]: row for row in told["evidence"]}
    assert (by_place["row 7"]["conflict"], by_place["row 7"]["agree"]) == (["member_id"], ["birth_date", "name", "ssn"])
    assert by_place["row 3"]["also"] == ["address"]
    assert (by_place["row 2"]["other_records"], by_place["row 3"]["other_records"]) == (1, 0)
    assert by_place["row 60"]["uncertain"]
    assert not by_place["row 3"]["uncertain"]
    alone = next(row for row in told["evidence"] if row["region"] == "unallocated")
    assert (alone["counts"], alone["stratum"]) == (False, "SSN alone or contradicted")
    assert told["elements"] == ["address", "birth_date", "member_id", "name", "ssn"]


def test_why_names_the_stratum_and_what_decoys_say_of_it(many: OpenCase) -> None:
    told = passport(many, record_key="W1")
    said = " ".join(told["why"])
    assert STRATA[0].name in said
    assert "chance explains 0 to 4" in said
    assert "31 decoys were found over 19.7 moves" in said
    assert "have the tier confirmed: by decoys" in said
    assert told["stratum"]["found"] == 412


def test_a_chance_that_nobody_can_measure_is_said_so(many: OpenCase) -> None:
    result = many.store.fact("assessment")
    result["strata"][0] |= {
        "chance": None,
        "chance_low": None,
        "chance_high": None,
        "because": "too few decoys are free",
    }
    many.store.put_fact("assessment", result)
    said = " ".join(passport(many, record_key="W1")["why"])
    assert "not measurable: too few decoys are free" in said
    assert "decoys were found" not in said


def test_a_person_whom_decoys_demoted_is_not_explained_by_the_rule_of_the_lower_tier(many: OpenCase) -> None:
    with many.store.begin() as connection:
        connection.execute(text("UPDATE exposure SET tier = 'possible' WHERE record_key = 'W1'"))
    said = " ".join(passport(many, record_key="W1")["why"])
    assert "which may be confirmed" in said
    assert "an identifier alone" not in said


def test_how_the_person_arose_is_said_with_the_rule(many: OpenCase) -> None:
    arose = passport(many, record_key="W1")["arose"]
    assert [(row["name"], row["as_of"], row["standing"], row["differs"]) for row in arose["rows"]] == [
        ("2025.csv", "2025-01-01", False, ("address", "phone")),
        ("2026.csv", "2026-01-01", True, ()),
    ]
    assert arose["same_person"][0] == {
        "record_key": "W5", "rule": "same full name, birth date and SSN", "tier": "", "review": ""
    }  # fmt: skip
    assert arose["namesakes"] == ["W6"]


def test_one_person_is_the_rule_by_which_persons_are_counted() -> None:
    for other in (ANNA_AGAIN, NAMESAKE, BEN, ANNA_BEFORE, replace(ANNA, record_key="K", ssn=""),
                  replace(ANNA, record_key="K", ssn="", address="12 ELM ST."),
                  replace(ANNA, record_key="K", given_name="", address="12 Elm St")):  # fmt: skip
        persons = DistinctPersons()
        persons.add(ANNA)
        persons.add(other)
        assert bool(one_person_by(ANNA, other)) is (persons.count() == 1), other


def test_keys_that_are_one_person_only_by_way_of_a_third_are_found(many: OpenCase) -> None:
    assert not one_person_by(ANNA, BY_ADDRESS)
    same = passport(many, record_key="W1")["arose"]["same_person"]
    assert [(one["record_key"], one["rule"]) for one in same] == [
        ("W5", "same full name, birth date and SSN"), ("W8", "same full name, birth date and address"),
    ]  # fmt: skip


def test_what_to_check_follows_from_what_was_found(many: OpenCase, found_case: OpenCase) -> None:
    said = " ".join(passport(many, record_key="W1")["check"])
    for words in ("1 place a field differs (member id)", "1 of the places other records", "is uncertain",
                  "other record keys", "same name and birth date", "older values"):  # fmt: skip
        assert words in said, words
    assert "A minor" in " ".join(passport(found_case, record_key="W2")["check"])
    assert "deceased" in " ".join(passport(found_case, record_key="W4")["check"])
    assert "Nothing here shows this person alone" in " ".join(passport(found_case, record_key="W3")["check"])
    assert passport(found_case, record_key="W2")["minor"]


def test_nothing_whole_is_shown_unless_it_is_revealed_and_that_is_recorded(many: OpenCase) -> None:
    told = passport(many, record_key="W1")
    assert told["record"]["ssn"] == "•••-••-1234"
    said = json.dumps(told, ensure_ascii=False)
    assert not any(value in said for value in (ANNA.ssn, ANNA.family_name, ANNA.birth_date, ANNA.address, ANNA.email))
    before = len(many.ledger.events())
    with pytest.raises(Refused, match="reason"):
        passport(many, record_key="W1", reveal=True)
    assert len(many.ledger.events()) == before
    told = passport(many, record_key="W1", reveal=True, reason="she called")
    assert told["record"]["ssn"] == ANNA.ssn
    assert many.ledger.events()[-1].event == "values-revealed"
    assert "W1" not in json.dumps(many.ledger.events()[-1].data)


def test_an_unknown_key_and_one_that_was_not_found_are_two_answers(many: OpenCase) -> None:
    with pytest.raises(Refused, match="No source record has this key") as refusal:
        passport(many, record_key="K-900")
    assert refusal.value.remedy
    assert "K-900" not in str(refusal.value)
    with pytest.raises(Refused, match="not found in the bytes examined"):
        passport(many, record_key="W5")


def test_the_page_says_what_the_case_holds_and_counts_what_it_leaves_out(many: OpenCase, tmp_path: Path) -> None:
    review.decide(many, decision="excluded", keys=["W1"], reason="a mistake")
    review.decide(many, decision="included", keys=["W1"], by="C. Counsel", reason="Mrs Nobody said so")
    out = tmp_path / "p.pdf"
    made = passport_pdf(many, silent(), record_key="W1", out=out)
    info = subprocess.run(["pdfinfo", out], capture_output=True, check=True, text=True).stdout
    assert re.search(r"Pages:\s+1\n", info)
    page = text_of(out)
    told = flat(page)
    for words in ("Person passport 2026-001-P1", "Confidential", "Confirmed", "•••-••-1234", "1980-••-••", "A•••",
                  "chance explains 0 to 4", "31 decoys", "50 live, 10 deleted", "included", "C. Counsel",
                  "2025.csv, 2025-01-01: same record key, older values of address, phone",
                  "Record W5: same full name, birth date and SSN; not found", "Minor no"):  # fmt: skip
        assert words in told, words
    assert not any(value in page for value in (ANNA.ssn, ANNA.family_name, ANNA.birth_date, ANNA.address, ANNA.email))
    assert "Nobody said so" not in told
    shown = len(re.findall(r"!row \d+", page))
    left = re.search(r"And (\d+) more places, and (\d+) where a number alone stands", told)
    assert left is not None
    assert 2 <= shown == made["rows_shown"] < PLACES
    assert page.index("row 7") < page.index("row 10")
    assert (shown + int(left[1]), int(left[2])) == (PLACES, 1)
    fonts = subprocess.run(["pdffonts", out], capture_output=True, check=True, text=True).stdout.splitlines()[2:]
    assert all(line.split()[-5] == "yes" for line in fonts), fonts


def test_the_file_is_private_is_never_overwritten_and_the_ledger_names_nobody(many: OpenCase, tmp_path: Path) -> None:
    out = tmp_path / "W1 Anna Marlowe.pdf"
    made = passport_pdf(many, silent(), record_key="W1", out=out)
    assert out.stat().st_mode & 0o777 == 0o600
    content = out.read_bytes()
    with pytest.raises(Refused, match="never overwritten"):
        passport_pdf(many, silent(), record_key="W1", out=out)
    assert out.read_bytes() == content
    assert passport_pdf(many, silent(), record_key="W2", out=tmp_path / "2.pdf")["passport_id"] == "2026-001-P2"
    events = many.ledger.events()
    assert next(e.data["sha256"] for e in events if e.event == "passport-made") == made["sha256"]
    said = json.dumps([event.data for event in events])
    assert not any(word in said for word in ("W1", "W2", "Marlowe", "Anna"))
    with many.store.begin() as connection:
        kept = connection.execute(text("SELECT record_key, what FROM reveal ORDER BY id")).all()
    assert [tuple(row) for row in kept] == [("W1", "passport"), ("W2", "passport")]


def facts(rows: int, **changes: Any) -> PassportFacts:
    evidence_rows = tuple(
        {"place": f"E-001/vol2/{'y' * 400}/{n:03}.csv!row {n}", "region": "live", "archived": True, "road": "table",
         "agree": ["name", "ssn", "birth_date", "member_id"], "conflict": [], "also": ["address", "phone", "email"],
         "counts": True, "uncertain": False}
        for n in range(rows)
    )  # fmt: skip
    long = "‮<b>&" + "w" * 5000
    told: dict[str, Any] = {
        "identity": "2026-001-P1", "case_number": "2026-001", "organisation": "Plan", "date": "2026-01-05T10:00:00Z",
        "tool_version": "0.1.0", "ledger_size": 3, "ledger_head": "ab" * 32,
        "record": dict.fromkeys(("record_key", "suffix", "state", "ssn", "email", "phone", "city"), long),
        "tier": Tier.CONFIRMED, "why": (long[:400],), "elements": ("name", "ssn"), "places": rows, "further_places": 0,
        "by_region": (rows, 0, 0, rows), "evidence": evidence_rows, "arose": (long,) * 30, "review": "pending",
        "decisions": tuple({"utc": "2026-01-05T10:00:00Z", "who": long, "decision": "included", "reason": long,
                            "undoes": None} for _ in range(40)),
        "check": ("Another record has the same name and birth date: make sure which of them is meant.",) * 11,
    }  # fmt: skip
    return PassportFacts(**{**told, **changes})


@pytest.mark.parametrize("rows", [0, 1, 13, 14, 15, 700])
def test_whatever_stands_in_it_it_is_one_page(rows: int, tmp_path: Path) -> None:
    pdf, shown = build_passport(facts(rows))
    (tmp_path / "p.pdf").write_bytes(pdf)
    info = subprocess.run(["pdfinfo", tmp_path / "p.pdf"], capture_output=True, check=True, text=True).stdout
    assert re.search(r"Pages:\s+1\n", info)
    told = flat(text_of(tmp_path / "p.pdf"))
    left = re.search(r"And (\d+) more places", told)
    assert shown + (int(left[1]) if left else 0) == rows
    listed, earlier = (re.search(words, told) for words in (r"And (\d+) more in the case", r"And (\d+) earlier"))
    assert listed is not None
    assert earlier is not None
    assert int(earlier[1]) < 40
    assert int(listed[1]) < 30
    assert "And 2 more in the case" in told
    assert "Page 1 of 1" in told
    assert build_passport(facts(rows))[0] == pdf


def test_places_that_do_not_add_up_are_never_printed() -> None:
    for wrong in ({"places": 4}, {"further_places": 1}, {"by_region": (2, 0, 0, 0)}, {"by_region": (3, 0, 0, 4)}):
        with pytest.raises(Defect):
            build_passport(facts(3, **wrong))


def test_the_window_s_companion_gives_it_and_writes_its_page(many: OpenCase, tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = []
    requests = [{"id": 1, "verb": "passport", "record_key": "W1"}, {"id": 2, "verb": "passport", "record_key": "K-9"},
                {"id": 3, "verb": "passport", "record_key": "W1", "out": str(tmp_path / "p.pdf")}]  # fmt: skip
    serve(many, silent(), answers.append, [json.dumps(request) for request in requests])
    assert [a["outcome"] for a in answers] == ["ok", "refused", "ok"]
    assert answers[0]["record"]["ssn"] == "•••-••-1234"
    assert text_of(tmp_path / "p.pdf").count("Person passport") == 1


def test_the_command_reads_the_key_from_stdin_and_says_by_its_status_what_is_wrong(
    many: OpenCase, tmp_path: Path
) -> None:
    many.close()
    (tmp_path / "p").write_text(PASSPHRASE + "\n")
    (tmp_path / "keys").write_text("W1\nW2\n")

    def run(*words: object, stdin: str = "", status: int = 0) -> dict[str, Any]:
        given = ["passport", str(folder_of(tmp_path)), *map(str, words), "--passphrase-file", str(tmp_path / "p")]
        done = CliRunner().invoke(app, [*given, "--json"], input=stdin)
        assert done.exit_code == status, done.output
        last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if status != 2 else {}
        return last

    assert run("-", stdin="W1\n")["result"]["places"] == 60
    assert run("W1")["result"]["record"]["ssn"] == "•••-••-1234"
    assert run("W1", "--reveal", "--reason", "she called")["result"]["record"]["ssn"] == ANNA.ssn
    assert run("W1", "--out", tmp_path / "p.pdf")["result"]["out"] == str(tmp_path / "p.pdf")
    run("W1", "--out", tmp_path / "p.pdf", status=3)
    run("W1", "--reveal", status=3)
    refused = run("K-900", status=3)
    assert "K-900" not in json.dumps(refused)
    run("--keys-file", tmp_path / "keys", status=3)
    run(status=2)
    run("W1", "--reveal", "--out", tmp_path / "q.pdf", status=2)
    assert not (tmp_path / "q.pdf").exists()
