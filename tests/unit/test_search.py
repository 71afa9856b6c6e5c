"""The search finds what stands in names and contents, says where, and shows no more than was typed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from forensics.casefile import protection
from forensics.casefile.search_query import parse
from forensics.errors import Cancelled, Refused
from forensics.examination import text_index
from forensics.examination.index import index
from forensics.examination.open_case import OpenCase
from forensics.examination.passage import passage
from forensics.examination.search import search
from forensics.examination.serve import serve
from forensics.jobs.events import Event, Job, silent
from tests.unit.searched_drive import FILES, ROWS, examined_case, open_case


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenCase]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protection, "MEMORY_KIB", 64)
        patched.setattr(protection, "ITERATIONS", 1)
        with examined_case(tmp_path_factory.mktemp("search")) as opened:
            yield opened


def places(case: OpenCase, query: str) -> list[str]:
    """The locators of all text that a query finds, without exhibit and volume."""
    hits = search(case, query=query, limit=1000)["hits"]
    return [hit["locator"].removeprefix("E-001/vol0/") for hit in hits if hit["kind"] == "text"]


def said(hit: dict[str, Any]) -> str:
    return "".join(text for text, _ in hit["snippet"])


def test_a_number_is_found_with_and_without_dashes_in_every_encoding(case: OpenCase) -> None:
    for query in ("899-77-0123", '"899 77 0123"', "899770123"):
        assert places(case, query) == ["HR/members.csv!row 3", "HR/wide.txt@20+18"], query


def test_an_address_is_a_phrase_and_found_inside_of_two_archives(case: OpenCase) -> None:
    assert places(case, "a.lee@example.com") == ["Payroll/backup.zip!old.zip!inner.txt@30+17"]
    assert places(case, "a.lee@example.org") == []


@pytest.mark.parametrize("query", ["Müller", "müller", "MUELLER", "Mueller", "Mu\u0308ller"])
def test_umlauts_are_found_however_they_are_written(case: OpenCase, query: str) -> None:
    assert places(case, query) == ["HR/members.csv!row 3", "Payroll/backup.zip!names.txt@0+7"]


def test_accents_and_their_absence_are_one(case: OpenCase) -> None:
    for query in ("González", "gonzalez", "Gonza\u0301lez"):
        assert len(places(case, query)) == 1, query


def test_a_deleted_text_is_found_and_said_to_be_deleted(case: OpenCase) -> None:
    (hit,) = [hit for hit in search(case, query="xylophone")["hits"] if hit["kind"] == "text"]
    assert hit["status"] == "deleted"
    assert hit["locator"].startswith("E-001/vol0/deleted/")


def test_a_phrase_runs_over_the_cut_of_a_text_and_is_found_once(case: OpenCase) -> None:
    content = FILES["HR/letter.txt"]
    at = content.index(b"Zebra")
    assert places(case, '"here zebra crossing quagga"') == []
    assert places(case, '"zebra crossing quagga"') == [f"HR/letter.txt@{at}+21"]
    assert places(case, "quagga") == [f"HR/letter.txt@{content.index(b'Quagga')}+6"]


def test_a_phrase_runs_from_cell_to_cell_but_not_into_the_next_row(case: OpenCase) -> None:
    assert places(case, '"given7 family7"') == ["HR/members.csv!row 7"]
    hit = next(h for h in search(case, query='"given7 family7"')["hits"] if h["kind"] == "text")
    assert hit["column"] == 2
    assert places(case, '"02 07 m00007"') == []


def test_the_row_of_every_find_is_the_row_that_a_reviewer_is_shown(case: OpenCase) -> None:
    for number in (3, 1234, ROWS - 1):
        (place,) = places(case, f"m{number:05d}") if number != 3 else places(case, "899-77-0123")[:1]
        assert place == f"HR/members.csv!row {number}"
        (line,) = [line for line in passage(case, f"E-001/vol0/{place}") if line["here"]]
        assert (f"M{number:05d}" if number != 3 else "899-77-0123") in line["text"]


def test_words_are_looked_for_in_the_whole_file_and_not_only_side_by_side(case: OpenCase) -> None:
    assert search(case, query="salary okapi")["files"] == 1
    assert search(case, query="okapi")["files"] == 2
    assert search(case, query="okapi NOT salary")["files"] == 1
    assert search(case, query="okapi AND NOT salary")["files"] == 1
    assert search(case, query="(salary OR zebra) NOT fox")["files"] == 1
    assert search(case, query="m00002 m03999")["files"] == 1
    assert {place.partition("@")[0] for place in places(case, "okapi NOT salary")} != {"report_2025-final.txt"}


def test_a_prefix_finds_and_a_word_alone_does_not(case: OpenCase) -> None:
    assert search(case, query="xylo*")["files"] == 1
    assert search(case, query="xylo")["files"] == 0
    assert places(case, '"zebra cross*"') == [f"HR/letter.txt@{FILES['HR/letter.txt'].index(b'Zebra')}+14"]


def test_names_are_counted_apart_and_come_before_text(case: OpenCase) -> None:
    found = search(case, query="payroll")
    assert (found["folders"], found["names"], found["files"]) == (1, 0, 2)
    assert [hit["kind"] for hit in found["hits"]] == ["folder", "text", "text"]
    assert found["hits"][0]["locator"] == "E-001/vol0/Payroll"
    assert search(case, query="name:members")["names"] == 1
    assert search(case, query="name:2025")["hits"][0]["locator"] == "E-001/vol0/report_2025-final.txt"
    assert [hit["locator"] for hit in search(case, query="inner.txt")["hits"]] == [
        "E-001/vol0/Payroll/backup.zip!old.zip!inner.txt"
    ]


def test_only_what_was_typed_is_shown_until_a_reason_is_given(case: OpenCase) -> None:
    hit = search(case, query="899-77-0123")["hits"][0]
    assert "899-77-0123" in said(hit)
    assert not any(word in said(hit) for word in ("Anna", "ller", "1980", "M00001"))
    assert [text for text, found in hit["snippet"] if found] == ["899-77-0123"]
    begun = next(h for h in search(case, query='"899 7*"')["hits"] if h["kind"] == "text")
    assert "".join(text for text, found in begun["snippet"] if found) == "899-7•"
    before = len(case.ledger.events())
    open_hit = search(case, query="899-77-0123", reveal=True, reason="to see whose it is")["hits"][0]
    assert "Müller | 899-77-0123 | 1980-02-03" in said(open_hit)
    (event,) = case.ledger.events()[before:]
    assert (event.event, event.data["reason"]) == ("search-revealed", "to see whose it is")
    assert "899" not in json.dumps(event.data["entries"]) + event.data["reason"]
    with pytest.raises(Refused, match="reason"):
        search(case, query="anna", reveal=True)


def test_a_query_is_nowhere_in_the_ledger(case: OpenCase) -> None:
    search(case, query="xylophone", reveal=True, reason="why not")
    assert "xylophone" not in (case.folder.custody / "ledger.jsonl").read_text()


def test_pages_follow_each_other_without_a_gap_or_a_repetition(case: OpenCase) -> None:
    whole = search(case, query="1961", limit=1000)
    assert whole["passages"] > 5
    got: list[str] = []
    after = ""
    while True:
        page = search(case, query="1961", limit=7, after=after)
        got += [hit["locator"] for hit in page["hits"]]
        after = page["after"]
        if not after or len(got) >= 1000:
            break
    assert got[:1000] == [hit["locator"] for hit in whole["hits"]]
    assert len(set(got)) == len(got)
    with pytest.raises(Refused, match="page"):
        search(case, query="1961", after="nonsense")


@pytest.mark.parametrize(
    ("query", "remedy"),
    [
        ('"anna smith', "at the end of the phrase"),
        ("(anna", "Put a )"),
        ("anna)", "Take it away"),
        ("anna OR", "Write a word behind"),
        ("AND anna", "both sides"),
        ("NOT anna", "smith NOT invoice"),
        ("---", "Only letters and digits"),
        ("*", "Only letters and digits"),
        ("  ", "Type a word"),
        ("a " * 51, "most telling"),
        ("(" * 30 + "a" + ")" * 30, "several steps"),
        ("x" * 2000, "most telling"),
    ],
)
def test_what_is_no_query_is_refused_with_what_to_write(case: OpenCase, query: str, remedy: str) -> None:
    with pytest.raises(Refused) as refused:
        search(case, query=query)
    assert remedy in refused.value.remedy


@pytest.mark.parametrize(
    "query", ["a' OR 1=1 --", 'x" OR "y', "text:a", "{name}: a", "a^2", "NEAR(a b)", "a + b", "\0a"]
)
def test_no_sign_that_people_type_is_an_operator_of_the_database(case: OpenCase, query: str) -> None:
    with suppress(Refused):
        assert search(case, query=query)["files"] >= 0


def test_what_is_looked_for_is_said() -> None:
    assert parse("Müller smi*").read_as == "(müller OR mueller) AND smi*"
    assert parse("899-77-0123").read_as == '("899 77 0123" OR 899770123)'
    assert parse("a OR b c").read_as == "a OR (b AND c)"


def test_a_piece_that_is_removed_is_not_found_any_more(tmp_path: Path, case: OpenCase) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protection, "MEMORY_KIB", 64)
        with examined_case(tmp_path) as opened:
            assert search(opened, query="xylophone")["files"] == 1
            with opened.store.begin() as connection:
                number = connection.scalar(text("SELECT id FROM file_entry WHERE name LIKE '%one.txt'"))
                connection.execute(text("DELETE FROM piece WHERE entry_id = :n"), {"n": number})
            assert search(opened, query="xylophone")["files"] == 0
            with opened.store.begin() as connection:
                assert (
                    connection.scalar(text("SELECT count(*) FROM search_part WHERE entry_id = :n"), {"n": number}) == 0
                )


def test_an_interrupted_index_goes_on_and_ends_as_if_nothing_was(
    tmp_path: Path, case: OpenCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_index, "COMMIT_BYTES", 1)
    monkeypatch.setattr(protection, "MEMORY_KIB", 64)
    with open_case(tmp_path) as opened:
        monkeypatch.setattr("forensics.jobs.events.PROGRESS_EVERY_S", 0.0)
        rounds, done = 0, False
        while not done:
            rounds += 1
            with suppress(Cancelled):
                index(opened, stopping_job())
                done = True
        assert rounds > 2
        assert parts(opened) == parts(case)
        assert search(opened, query="1961")["passages"] == search(case, query="1961")["passages"]


def stopping_job() -> Job:
    """A job that is stopped as soon as some text went into the index."""

    def stop(event: Event) -> None:
        if event["event"] == "progress" and event["phase"] == "index text" and event["done"]:
            job.stop()

    job = Job(stop)
    return job


def parts(case: OpenCase) -> list[tuple[Any, ...]]:
    query = (
        "SELECT e.locator, i.steps, p.byte_offset, p.first, p.own, b.text FROM search_part p JOIN search_body b"
        " ON b.part_id = p.id JOIN piece i ON i.id = p.piece_id JOIN file_entry e ON e.id = p.entry_id ORDER BY 1, 2, 3"
    )
    with case.store.begin() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_case_that_was_not_indexed_says_what_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "MEMORY_KIB", 64)
    with open_case(tmp_path) as opened, pytest.raises(Refused, match="drivecustody index"):
        search(opened, query="anna")


def test_no_text_of_the_drive_lies_in_clear_beside_the_case(case: OpenCase) -> None:
    for path in case.folder.path.rglob("*"):
        if path.is_file() and "images" not in path.parts:
            assert b"Xylophone" not in path.read_bytes(), path.name


def test_the_window_is_told_hits_and_text_and_both_are_recorded(case: OpenCase) -> None:
    answers: list[dict[str, Any]] = []
    with case.view() as view:
        hit = view.search_page("xylophone").hits[-1]
    before = len(case.ledger.events())
    requests = [
        {"id": 1, "verb": "search", "query": "xylophone"},
        {"id": 2, "verb": "search", "query": "xylophone", "reason": "why"},
        {"id": 3, "verb": "text", "part": hit.part, "reason": "why"},
        {"id": 4, "verb": "text", "part": hit.part},
        {"id": 5, "verb": "search", "query": '"'},
    ]
    serve(case, silent(), answers.append, [json.dumps(request) for request in requests])
    assert [answer["outcome"] for answer in answers] == ["ok", "ok", "ok", "refused", "refused"]
    assert "Okapi" not in json.dumps(answers[0])
    assert "Okapi" in json.dumps(answers[1])
    assert answers[2]["text"][hit.at : hit.at + hit.length] == "Xylophone"
    assert [event.event for event in case.ledger.events()[before:]] == ["search-revealed", "content-read"]


def test_the_command_reads_a_query_from_its_input_and_prints_places(case: OpenCase, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("correct horse battery staple\n")
    done = subprocess.run(
        ["bash", "-c", 'printf "899-77-0123\\n" | "$0" -m forensics search "$1" - --json --passphrase-file "$2"',
         sys.executable, case.folder.path, tmp_path / "p"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    *_, last = done.stdout.splitlines()
    assert json.loads(last)["result"]["hits"][0]["locator"] == "E-001/vol0/HR/members.csv!row 3"
    wrong = subprocess.run(
        [sys.executable, "-m", "forensics", "search", case.folder.path, '"open', "--passphrase-file", tmp_path / "p"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert wrong.returncode == 3
    assert "A quote is not closed" in wrong.stderr
