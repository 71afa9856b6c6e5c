"""The report and counsel's memorandum of a whole small case: what is printed is what the database holds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from forensics.casefile import testimony
from forensics.casefile.coverage import IN_WORDS
from forensics.custody.identities import Identities
from forensics.errors import Refused
from forensics.examination import differences, duties, review, testify
from forensics.examination.counsel import counsel_memo
from forensics.examination.demo import SIGNER, demo
from forensics.examination.export import export
from forensics.examination.images import verify_image
from forensics.examination.open_case import OpenCase
from forensics.examination.report import report
from forensics.jobs.events import silent
from forensics.model import Tier
from forensics.report.wording import ELEMENT_NAMES

MEMBERS, AFFECTED = 1500, 120


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("case") / "demo"
    demo(silent(), folder, members=MEMBERS, affected=AFFECTED)
    return folder


@pytest.fixture
def case(made: Path) -> Iterator[OpenCase]:
    passphrase = (made / "case-passphrase.txt").read_text().strip()
    with OpenCase.unlock(made / "demonstration.dcase", passphrase) as opened:
        yield opened


@pytest.fixture(scope="module")
def texts(made: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The text of a draft and of the memorandum that was made after it."""
    folder = tmp_path_factory.mktemp("pdf")
    with OpenCase.unlock(made / "demonstration.dcase", (made / "case-passphrase.txt").read_text().strip()) as opened:
        verify_image(opened, silent(), exhibit="E-001")
        report(opened, silent(), out=folder / "draft.pdf")
        counsel_memo(opened, silent(), out=folder / "counsel.pdf")
    return text_of(folder / "draft.pdf"), text_of(folder / "counsel.pdf")


def text_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True, text=True).stdout


def rows(text: str, label: str) -> list[list[int]]:
    """The whole numbers behind a label, of every line that begins with it."""
    found = []
    for line in text.splitlines():
        cells = re.split(r"\s{2,}", line.strip())
        if cells[0] == label and len(cells) > 1:
            numbers = [int(cell.replace(",", "")) for cell in cells[1:] if re.fullmatch(r"[\d,]+", cell)]
            found.append(numbers)
    return found


def test_every_number_of_persons_read_back_is_that_of_the_database(texts: tuple[str, str], case: OpenCase) -> None:
    text, _ = texts
    with case.view() as view:
        persons = list(view.all_persons(tuple(Tier)))
        by_tier = Counter(person.tier for person in persons)
        sure = [person for person in persons if person.tier is not Tier.POSSIBLE]
        for tier in Tier:
            assert rows(text, tier.value.capitalize())[0] == [by_tier[tier]]
        for element, name in ELEMENT_NAMES.items():
            counts = [sum(element in p.elements for p in persons if p.tier is tier) for tier in Tier]
            if any(counts):
                assert [*counts, sum(counts)] in [row[:4] for row in rows(text, name)], name
        assert [by_tier[tier] for tier in Tier] + [len(persons)] in [row[:4] for row in rows(text, "Persons")]
        states = Counter(person.state for person in sure)
        assert f"{len(sure):,} persons (confirmed and probable) in {len(states)} rows" in text
        assert [sum(person.minor for person in sure)] in rows(text, "Minors")
        assert rows(text, "All contents")[0] == [sum(view.counts_by("status").values())]
        whole = sum(made.size for made in view.acquisitions())
        assert rows(text, "All bytes")[0] == [whole]
        assert sum(printed[0][0] for name in IN_WORDS.values() if (printed := rows(text, name))) == whole


def test_the_log_prints_what_an_entry_holds_in_words_and_not_as_a_program_writes_it(texts: tuple[str, str]) -> None:
    text = texts[0]
    log = text[text.rindex("Annex A: custody log") : text.rindex("Annex B: what was not examined")]
    assert "verified E-001 sha256: " in re.sub(r"\s+", " ", log)
    assert "{" not in log


def test_the_waterfall_read_back_adds_up_from_the_records_to_the_persons(texts: tuple[str, str]) -> None:
    text, _ = texts
    steps = [
        "Rows of source records", "Records, each key once", "With evidence on the exhibit", "Confirmed or probable",
        "Less those excluded by review",
    ]  # fmt: skip
    # The table has number and loss; the bars above it have numbers too, and the loss behind a minus.
    table = [next(row for row in reversed(rows(text, step)) if len(row) == 2) for step in steps]
    assert table[0][0] == MEMBERS
    for earlier, later in pairwise(table):
        assert earlier[0] == later[0] + later[1]


def test_the_memorandum_has_the_numbers_of_the_report_and_stays_out_of_the_package(
    texts: tuple[str, str], case: OpenCase, made: Path
) -> None:
    _, memo = texts
    told = duties.list_duties(case)
    with case.view() as view:
        assert told["persons"] == len(list(view.all_persons((Tier.CONFIRMED, Tier.PROBABLE))))
    assert rows(memo, "All letters") == [[told["persons"]]] * 3
    assert "2016-10-16, Sunday" in re.sub(r"\s+", " ", memo) or "2016-10-16," in memo
    assert "Other Portable Electronic Device" in memo
    assert "fewer than 500 individuals" in memo
    assert "counsel to determine" in memo
    with ZipFile(made / "demonstration.dcase" / "packages" / "package-1.zip") as package:
        assert not any("counsel" in name for name in package.namelist())


def test_no_value_of_anybody_stands_in_report_or_memorandum(texts: tuple[str, str], case: OpenCase) -> None:
    text = "".join(texts)
    with case.view() as view:
        people = list(view.affected())
    assert people
    for person in people:
        record = person.record
        assert record.ssn not in text or not record.ssn
        assert record.birth_date not in text
        assert f"{record.given_name} {record.family_name}" not in text
        assert record.record_key not in text


def test_the_certificate_of_the_signed_report_names_every_statement(made: Path) -> None:
    text = re.sub(r"\s+", " ", text_of(made / "demonstration.dcase" / "reports" / "report-1.pdf"))
    for sentence in testimony.STATEMENTS.values():
        assert sentence in text
    assert text.count(f"made by {SIGNER}") == len(testimony.STATEMENTS)
    assert "NOT EXECUTED" not in text
    assert "Build SHA-256" in text
    assert "DRAFT" not in text


def test_a_signature_waits_for_every_statement_and_says_which_is_missing(
    case: OpenCase, made: Path, tmp_path: Path
) -> None:
    signer = Identities(made / "identities").load(SIGNER, (made / "identity-passphrase.txt").read_text().strip())
    kept, sheet = case.store.fact(testimony.TICKS), case.store.fact(testimony.FACT)
    try:
        case.store.put_fact(testimony.TICKS, {key: told for key, told in kept.items() if key != "matched"})
        assert testify.check(case)["missing"] == ["statement-matched"]
        with pytest.raises(Refused, match="“matched” is not made") as refused:
            report(case, silent(), out=tmp_path / "r.pdf", signer=signer)
        assert "--statement matched" in refused.value.remedy
        assert not (tmp_path / "r.pdf").exists()
        # A statement about other digests than those of the images is none.
        case.store.put_fact(testimony.TICKS, {**kept, "true": {**kept["true"], "about": "0" * 64}})
        assert testify.check(case)["missing"] == ["statement-true"]
        case.store.put_fact(testimony.TICKS, kept)
        case.store.put_fact(testimony.FACT, {})
        assert testify.check(case)["missing"] == ["employer", "qualifications"]
        assert testify.check(case, certificate=False)["ready"]
        made_report = report(case, silent(), out=tmp_path / "r.pdf", signer=signer, certificate=False)
        assert (made_report["signed"], made_report["certificate"]) == (True, False)
        assert "NOT EXECUTED" in text_of(tmp_path / "r.pdf")
    finally:
        case.store.put_fact(testimony.TICKS, kept)
        case.store.put_fact(testimony.FACT, sheet)


def test_the_command_lists_what_is_missing_and_ends_with_the_status_of_a_rule(made: Path, tmp_path: Path) -> None:
    whole = made / "demonstration.dcase"
    secret = ("--passphrase-file", str(made / "case-passphrase.txt"), "--json")

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "forensics", *arguments, *secret], capture_output=True, text=True, timeout=120,
            env={**os.environ, "DRIVECUSTODY_IDENTITIES": str(made / "identities")}, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    status, told = run("report", str(whole), "--check")
    assert (status, told["result"]["ready"], told["result"]["missing"]) == (0, True, [])
    assert {item["need"] for item in told["result"]["checklist"]} == {"signature", "certificate", "note"}
    with OpenCase.unlock(whole, (made / "case-passphrase.txt").read_text().strip()) as opened:
        kept = opened.store.fact(testimony.TICKS)
        opened.store.put_fact(testimony.TICKS, {})
    sign = ("--sign", SIGNER, "--identity-passphrase-file", str(made / "identity-passphrase.txt"))
    status, told = run("report", str(whole), "--out", str(tmp_path / "r.pdf"), *sign)
    assert (status, told["outcome"]) == (3, "refused")
    assert all(f"“{key}”" in json.dumps(told, ensure_ascii=False) for key in testimony.STATEMENTS)
    status, told = run("report", str(whole), "--statement", "all")
    assert (status, told["result"]["missing"]) == (0, [])
    assert set(kept) == set(told["result"]["statements"])
    status, told = run("duties", str(whole))
    assert status == 0
    assert {duty["id"] for duty in told["result"]["duties"]} >= {"hipaa-individual", "hipaa-hhs-small"}
    assert all(duty["review"] == "for counsel's review" for duty in told["result"]["duties"])


def test_a_statement_is_an_entry_of_the_ledger_with_the_digest_of_its_words(case: OpenCase) -> None:
    testify.tick(case, ["corpus"], "Second Person")
    newest = case.ledger.events()[-1]
    assert newest.event == "statement-made"
    assert newest.data["text_sha256"] == testimony.text_digest("corpus")
    assert newest.data["about"] == testimony.about(case.store.acquisitions())
    assert testimony.ticks(case.store.fact(testimony.TICKS), case.store.acquisitions())["corpus"].who == "Second Person"
    with pytest.raises(Refused, match="no statement nonsense"):
        testify.tick(case, ["nonsense"])


def test_between_two_reports_one_is_removed_and_one_added_with_the_reason(case: OpenCase, tmp_path: Path) -> None:
    with case.view() as view:
        sure = next(view.all_persons((Tier.CONFIRMED,))).record_key
        possible = [person.record_key for person in view.all_persons((Tier.POSSIBLE,))]
    report(case, silent(), out=tmp_path / "before.pdf")
    review.decide(case, decision="excluded", keys=[sure], reason="employee, already told")
    if possible:
        review.decide(case, decision="included", keys=possible[:1], reason="called us")
    report(case, silent(), out=tmp_path / "after.pdf")
    try:
        with case.view() as view:
            found = {row[0]: row[1:] for row in differences.rows(view, None)}
        assert found[sure][:2] == ("removed", "excluded by review")
        assert found[sure][-1] == "employee, already told"
        if possible:
            assert found[possible[0]][:2] == ("added", "included by review")
        assert len(found) == 1 + bool(possible)
        counsel_memo(case, silent(), out=tmp_path / "counsel.pdf")
        memo = text_of(tmp_path / "counsel.pdf")
        assert re.search(r"removed\s+excluded by review\s+1\b", memo)
        assert sure not in memo
        with pytest.raises(Refused, match="only encrypted"):
            export(case, silent(), kind="differences", out=tmp_path / "d.csv")
        made = export(case, silent(), kind="differences", out=tmp_path / "d.csv", plain=True)
        assert made["rows"] == len(found)
    finally:
        review.undo(case, keys=[sure, *possible[:1]])


def test_rules_of_a_contract_are_kept_with_the_case_and_recorded(case: OpenCase, tmp_path: Path) -> None:
    rules = tmp_path / "contract.toml"
    rules.write_text(
        'schema = 1\njurisdiction = "contract"\nname = "Agreement"\nas_of = "2026-11-24"\n[[rule]]\nid = "agency"\n'
        'citation = "clause 3"\nentity_types = ["any"]\nwhen = "Any member"\nnotify = "The agency"\nwithin = 24\n'
        'unit = "hours"\nstatus = "read"\nsources = ["the agreement"]\n',
        "utf-8",
    )
    told = duties.set_duties(
        case, silent(), rules=[rules], time_zone="America/Los_Angeles", discovered_at="2016-08-17T10:00"
    )
    first = told["duties"][0]
    assert (first["id"], first["due"]) == ("agency", "2016-08-18T10:00:00-07:00")
    said = case.ledger.events()[-1].data
    assert list(said["rules"]) == ["contract.toml"]
    assert json.dumps(told).count("review") >= len(told["duties"])
    with pytest.raises(Refused, match="not on 2016-08-17"):
        duties.set_duties(case, silent(), discovered_at="2016-08-19T10:00")
    with pytest.raises(Refused, match="no time zone"):
        duties.set_duties(case, silent(), time_zone="Mars/Olympus")
    with case.view() as view:
        listed = duties.rows(view)
    assert Counter(row[0] for row in listed)["agency"] == first["persons"] + first["open_persons"]
