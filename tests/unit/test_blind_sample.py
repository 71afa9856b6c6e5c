"""The blind sample: nothing shown tells a catch-row from an item, and who approves everything measures nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from forensics.casefile import case as cases
from forensics.casefile.masking import masked
from forensics.casefile.store import Store
from forensics.casefile.stored import FoundEvidence, MatchUnit, SourceSet
from forensics.cli.commands import app
from forensics.errors import Refused
from forensics.examination import review, sample
from forensics.examination.open_case import OpenCase
from forensics.examination.report_facts import _sample
from forensics.examination.serve import serve
from forensics.examination.verify import verify
from forensics.exposure.review_sample import clopper_pearson, mispaired, split
from forensics.exposure.strata import STRATA
from forensics.exposure.tiers import counting, exposure_of
from forensics.jobs.events import silent
from forensics.model import OK, EntryStatus, Evidence, FileEntry, Locator, Region, SourceRecord, Tier, Volume
from tests.unit.review_fixtures import DETAILS, cases_day, cheap_guesses, evidence

__all__ = ["cheap_guesses"]

PASSPHRASE = "correct horse battery staple"
GIVEN = ("Anna", "Ben", "Cara", "Drew", "Elle", "Finn", "Gwen", "Hugo", "Iris", "Jon")
FAMILY = ("Marlowe", "Nolan", "Osei", "Price", "Quist", "Rossi", "Stone", "Toda", "Unger", "Voss")


def person(n: int) -> SourceRecord:
    return SourceRecord(
        f"W{n:03}", GIVEN[n % 10], "", FAMILY[n // 10 % 10], "", f"{1950 + n % 50}-0{1 + n % 9}-1{n % 10}",
        f"8997{10_007 * n % 90_000 + 10_000}", f"W{n:03}", f"{n} Elm St", "Hartford", "CT",
    )  # fmt: skip


PEOPLE = [person(n) for n in range(100)]
CONFIRMED = range(70)
PROBABLE = range(70, 100)


def found(n: int) -> Evidence:
    if n in CONFIRMED:
        return evidence(n + 1, f"!row {n + 2}", "name birth_date ssn")
    return evidence(n + 1, f"@{n * 100}+40", "name birth_date", road="line")


@pytest.fixture
def hundred(tmp_path: Path, cheap_guesses: None) -> Iterator[OpenCase]:
    """Seventy confirmed in the rows of one table, thirty probable in the lines of one text; one of them twice."""
    folder, key, _ = cases.create(tmp_path / "hundred.dcase", DETAILS, PASSPHRASE)
    with Store(folder, key) as store:
        store.add_exhibit("E-001", "2026-01-06T09:00:00Z", {})
        store.add_volumes([Volume("E-001", 2, 0, 1 << 30, "partition", "FAT32", "", 4096, OK)])
        entries = [
            FileEntry(Locator("E-001", 2, path=(name,)), EntryStatus.LIVE, 9000, 5, "", "", "", (), "FAT")
            for name in (b"list.csv", b"notes.txt")
        ]
        store.add_entries(store.volumes("E-001")[0][0], entries)
        store.add_source_set(SourceSet("members.csv", "ab" * 32, "2026-01-01", 0, {"record_key": "id"}), PEOPLE)
        store.plan_match([MatchUnit(0, "E-001", 0, 100, None)])
        places = [FoundEvidence(1 if n in CONFIRMED else 2, found(n).locator, found(n)) for n in range(100)]
        alone = evidence(1, "@99+9", "ssn", road="window")
        store.finish_unit(1, OK, [*places, FoundEvidence(2, alone.locator, alone)])
        store.put_fact("matched", True)
        assess(store)
    with OpenCase(folder, key) as opened:
        yield opened


def assess(store: Store, digest: str = "d1" * 32) -> None:
    rated = []
    for number, record, places in store.evidence_by_record():
        stratum, counted = counting(places)
        assert stratum is not None
        rated.append((number, exposure_of(record, STRATA[stratum].ceiling, counted, cases_day())))
    store.replace_exposure(rated, {"source_records": 100, "result_sha256": digest}, {"total": 100})


def items(case: OpenCase) -> dict[int, bool]:
    """Item → whether it is a catch-row, of the newest sample: what nobody who answers may see."""
    newest = "SELECT * FROM sample_item WHERE sample_id = (SELECT max(sample_id) FROM sample_item)"
    with case.store.begin() as connection:
        return {row.id: bool(row.catch_row) for row in connection.execute(text(newest))}


def reply(case: OpenCase, said: Callable[[int, bool], str], reviewer: str = "") -> None:
    for item, caught in items(case).items():
        sample.answer(case, item=item, said=said(item, caught), reviewer=reviewer)


def honest(_: int, caught: bool) -> str:
    return "no" if caught else "yes"


def test_places_and_records_of_catch_rows_are_like_all_others_and_plainly_do_not_belong_together(
    hundred: OpenCase,
) -> None:
    made = sample.draw(hundred, size=60, seed=3)
    assert (made["items"], made["population"]) == (66, 100)
    with hundred.store.begin() as connection:
        rows = connection.execute(text("SELECT * FROM sample_item ORDER BY id")).all()
    assert Counter(bool(row.catch_row) for row in rows) == {False: 60, True: 6}
    place_of = {p.record_key: ("E-001/vol2/list.csv" if n < 70 else "E-001/vol2/notes.txt") + found(n).locator
                for n, p in enumerate(PEOPLE)}  # fmt: skip
    assert all((place_of[row.record_key] == row.locator) is not bool(row.catch_row) for row in rows)
    # Every record and every place is there once, and all stand somewhere: neither gives a catch-row away.
    assert len({row.record_key for row in rows}) == len({row.locator for row in rows}) == 66
    assert {row.locator for row in rows} <= set(place_of.values())
    holder = {place: key for key, place in place_of.items()}
    by_key = {p.record_key: p for p in PEOPLE}
    for row in rows:
        if row.catch_row:
            shown, there = masked(by_key[row.record_key]), masked(by_key[holder[row.locator]])
            assert sum(shown[name] != there[name] for name in ("given_name", "family_name", "birth_date", "ssn")) >= 2
    # They are mixed in, not at one end.
    at = [number for number, row in enumerate(rows) if row.catch_row]
    assert at[-1] - at[0] > 10


def test_what_is_shown_has_one_form_and_neither_tier_key_nor_whole_value(hundred: OpenCase) -> None:
    sample.draw(hundred, size=60, seed=3)
    told = sample.questions(hundred)
    asked = told["questions"]
    assert len(asked) == told["unanswered"] == 66
    assert {frozenset(question) for question in asked} == {frozenset({"item", "place", "record", "answered"})}
    assert len({frozenset(question["record"]) for question in asked}) == 1
    said = json.dumps(told)
    assert not any(tier in said for tier in Tier)
    assert "record_key" not in said
    assert not any(value in said for p in PEOPLE for value in (p.ssn, p.birth_date, p.family_name))


def test_the_same_seed_draws_the_same_and_both_documents_have_their_share(hundred: OpenCase) -> None:
    def drawn() -> list[tuple[str, str, bool]]:
        with hundred.store.begin() as connection:
            newest = "SELECT * FROM sample_item WHERE sample_id = (SELECT max(sample_id) FROM sample_item) ORDER BY id"
            return [(r.record_key, r.locator, bool(r.catch_row)) for r in connection.execute(text(newest))]

    sample.draw(hundred, size=60, seed=3)
    first = drawn()
    files = Counter(locator.split("!")[0].split("@")[0] for _, locator, _ in first)
    assert files == {"E-001/vol2/list.csv": 46, "E-001/vol2/notes.txt": 20}
    reply(hundred, honest)
    sample.close(hundred)
    sample.draw(hundred, size=60, seed=3)
    assert drawn() == first
    reply(hundred, honest)
    sample.close(hundred)
    sample.draw(hundred, size=60, seed=4)
    assert drawn() != first


def test_a_careful_reviewer_gets_the_published_interval_by_tier(hundred: OpenCase) -> None:
    sample.draw(hundred, size=60, seed=3)
    wrong = [item for item, caught in items(hundred).items() if not caught][:2]
    reply(hundred, lambda item, caught: "unsure" if item in wrong else honest(item, caught))
    told = sample.close(hundred)
    low, high = clopper_pearson(2, 60)
    assert (told["precision"]["errors"], told["precision"]["share"]) == (2, pytest.approx(58 / 60))
    assert (told["precision"]["low"], told["precision"]["high"]) == (pytest.approx(1 - high), pytest.approx(1 - low))
    assert (told["caught"], told["catch_answers"], told["unsure"], told["current"]) == (6, 6, 2, True)
    assert sum(one["items"] for one in told["tiers"].values()) == 60
    assert told["tiers"]["confirmed"]["share"] is not None
    assert told["tiers"]["probable"]["share"] is None
    assert "too few answers" in told["tiers"]["probable"]["because"]
    assert sample.result(hundred) == told


def test_who_says_yes_to_everything_measures_nothing(hundred: OpenCase) -> None:
    sample.draw(hundred, size=60, seed=3)
    reply(hundred, lambda _item, _caught: "yes")
    told = sample.close(hundred)
    assert (told["errors"], told["caught"]) == (0, 0)
    assert (told["precision"]["share"], told["precision"]["low"]) == (None, None)
    assert "0 of 6 catch-rows" in told["precision"]["because"]


def test_one_careless_reviewer_of_two_spoils_it_and_two_careful_ones_are_compared(hundred: OpenCase) -> None:
    sample.draw(hundred, size=60, seed=3)
    reply(hundred, honest, "A. Able")
    reply(hundred, lambda _item, _caught: "yes", "B. Bold")
    assert sample.close(hundred)["precision"]["share"] is None
    sample.draw(hundred, size=60, seed=5)
    odd = next(item for item, caught in reversed(items(hundred).items()) if not caught)
    newest = items(hundred)
    for who in ("A. Able", "B. Bold"):
        for item, caught in newest.items():
            said = "no" if item == odd and who[0] == "A" else honest(item, caught)
            sample.answer(hundred, item=item, said=said, reviewer=who)
    told = sample.close(hundred)
    assert (told["errors"], told["reviewers"]) == (1, ["A. Able", "B. Bold"])
    assert 0.9 < told["kappa"] < 1


def test_what_nobody_answered_counts_against_the_list_in_the_lower_end(hundred: OpenCase) -> None:
    sample.draw(hundred, size=60, seed=3)
    left = [item for item, caught in items(hundred).items() if not caught][:20]
    for item, caught in items(hundred).items():
        if item not in left:
            sample.answer(hundred, item=item, said=honest(item, caught))
    told = sample.close(hundred)["precision"]
    assert (told["answered"], told["share"], told["high"]) == (40, 1.0, 1.0)
    assert told["low"] == pytest.approx(1 - clopper_pearson(20, 60)[1])


def test_too_few_answers_are_not_measurable_and_say_so(hundred: OpenCase) -> None:
    sample.draw(hundred, size=60, seed=3)
    honest_items = [item for item, caught in items(hundred).items() if not caught][:29]
    for item, caught in items(hundred).items():
        if caught or item in honest_items:
            sample.answer(hundred, item=item, said=honest(item, caught))
    told = sample.close(hundred)["precision"]
    assert (told["share"], told["because"]) == (None, "too few answers: 29 of at least 30")


def test_an_open_sample_tells_nothing_and_a_closed_one_takes_nothing(hundred: OpenCase) -> None:
    with pytest.raises(Refused, match="No blind sample is open"):
        sample.questions(hundred)
    sample.draw(hundred, size=60, seed=3)
    for step in ("draw", "result", "close"):
        with pytest.raises(Refused) as refusal:
            sample.request(hundred, step, {"size": 60})
        assert refusal.value.remedy
    with pytest.raises(Refused, match="no such item"):
        sample.answer(hundred, item=999, said="yes")
    with pytest.raises(Refused, match="yes, no or unsure"):
        sample.answer(hundred, item=1, said="maybe")
    reply(hundred, honest)
    sample.close(hundred)
    with pytest.raises(Refused, match="No blind sample is open"):
        sample.answer(hundred, item=1, said="no")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [({"size": 29}, "29|30"), ({"size": 60, "tiers": [Tier.POSSIBLE]}, "confirmed and probable"),
     ({"size": 60, "tiers": [Tier.PROBABLE]}, "30 persons are too few")],
)  # fmt: skip
def test_what_could_measure_nothing_is_not_drawn(hundred: OpenCase, wanted: dict[str, object], words: str) -> None:
    with pytest.raises(Refused, match=words):
        sample.draw(hundred, seed=1, **wanted)  # type: ignore[arg-type]
    assert not [event for event in hundred.ledger.events() if event.event == "sample-drawn"]


def test_persons_who_share_everything_visible_are_never_put_together(hundred: OpenCase) -> None:
    one = sample._Person(PEOPLE[0], Tier.CONFIRMED, [found(0)])
    other = sample._Person(PEOPLE[33], Tier.CONFIRMED, [found(33)])
    assert sample._plainly_other(one, other)
    for field in ("ssn", "member_id", "address"):
        same = replace(PEOPLE[33], **{field: getattr(PEOPLE[0], field)})
        assert not sample._plainly_other(one, sample._Person(same, Tier.CONFIRMED, [found(33)])), field
    namesake = replace(PEOPLE[33], given_name="ANNA", family_name="Marlowe")
    assert not sample._plainly_other(one, sample._Person(namesake, Tier.CONFIRMED, [found(33)]))
    close = evidence(34, "!row 6", "name ssn")
    assert not sample._plainly_other(one, sample._Person(PEOPLE[33], Tier.CONFIRMED, [found(33), close]))
    # Same initials, year and last four digits under the mask: a reviewer could not say no.
    alike = SourceRecord("K", "Alan", "", "Moore", "", "1950-12-31", "100" + "00" + PEOPLE[0].ssn[-4:], "X000")
    assert not sample._plainly_other(one, sample._Person(alike, Tier.CONFIRMED, [found(33)]))


def test_records_are_put_to_places_so_that_each_is_used_once() -> None:
    assert mispaired(4, lambda place, record: True) == [1, 2, 3, 0]
    # Shift 1 is forbidden everywhere by one pair, shift 2 is free.
    assert mispaired(4, lambda place, record: (place, record) != (0, 1)) == [2, 3, 0, 1]
    given = mispaired(4, lambda place, record: {place, record} != {0, 1} and place != 2)
    assert given[2] is None
    used = [record for record in given if record is not None]
    assert len(used) == len(set(used))
    assert split(100_000, 598) == (598, 60)
    assert split(100, 598) == (90, 9)
    assert split(33, 598) == (27, 6)
    assert split(4, 598) == (0, 4)


def test_the_ledger_has_counts_and_seals_and_nobody_and_finds_a_changed_answer(hundred: OpenCase) -> None:
    sample.draw(hundred, size=60, seed=3)
    drawn = hundred.ledger.events()[-1]
    assert "seed" not in drawn.data
    assert sample.broken_samples(hundred) == []
    reply(hundred, honest, "A. Able")
    assert sample.broken_samples(hundred) == []
    sample.close(hundred)
    events = hundred.ledger.events()
    closed = events[-1]
    assert (closed.event, closed.data["seed"], closed.data["answered"], closed.data["caught"]) == (
        "sample-closed", 3, 60, 6,
    )  # fmt: skip
    said = json.dumps([event.data for event in events])
    assert not any(value in said for p in PEOPLE for value in (p.record_key, p.ssn, p.family_name))
    assert sample.broken_samples(hundred) == []
    for change in ("UPDATE sample_answer SET answer = 'yes' WHERE answer = 'no'",
                   "UPDATE sample_item SET catch_row = 0"):  # fmt: skip
        with hundred.store.begin() as connection:
            connection.execute(text(change))
        assert sample.broken_samples(hundred) == [1], change
    told = verify(silent(), hundred.folder.path, passphrase=f"key:{hundred.key.hex()}")
    assert [(f["holds"], f["detail"]) for f in told["facts"] if f["subject"] == "samples"] == [
        (False, "changed since: sample 1")
    ]


def test_an_item_s_values_are_seen_with_a_record_of_it_and_without_the_key(hundred: OpenCase) -> None:
    sample.draw(hundred, size=60, seed=3)
    with pytest.raises(Refused, match="reason"):
        sample.reveal(hundred, item=1, reason="")
    told = sample.reveal(hundred, item=1, reason="digits are smudged")
    assert len(told["record"]["ssn"]) == 9
    assert "record_key" not in told["record"]
    assert hundred.ledger.events()[-1].event == "values-revealed"


def test_after_a_new_assessment_the_report_is_told_that_the_sample_is_old(hundred: OpenCase) -> None:
    sample.draw(hundred, size=60, seed=3)
    reply(hundred, honest)
    sample.close(hundred)
    with hundred.view() as view:
        sheet = _sample(sample.latest(view))
    assert sheet is not None
    assert sheet.measured
    assert [row.name for row in sheet.rows] == ["Both tiers", "Confirmed", "Probable"]
    assess(hundred.store, "e2" * 32)
    with hundred.view() as view:
        sheet = _sample(sample.latest(view))
    assert sheet is not None
    assert not sheet.measured


def test_the_window_s_companion_runs_a_sample(hundred: OpenCase) -> None:
    answers: list[dict[str, object]] = []
    draw = {"id": 0, "verb": "review sample draw", "size": 60, "seed": 3}
    serve(hundred, silent(), answers.append, [json.dumps(draw)])
    requests = [
        {"id": item, "verb": "review sample answer", "item": item, "answer": honest(item, caught), "reviewer": "A"}
        for item, caught in items(hundred).items()
    ]
    requests += [{"id": 100, "verb": "review sample list", "reviewer": "A", "unanswered": True},
                 {"id": 101, "verb": "review sample close"}, {"id": 102, "verb": "review sample result"},
                 {"id": 103, "verb": "review sample peek"}]  # fmt: skip
    serve(hundred, silent(), answers.append, [json.dumps(request) for request in requests])
    assert [a["outcome"] for a in answers[:-1]] == ["ok"] * (len(answers) - 1)
    assert answers[-1]["outcome"] == "refused"
    assert answers[-4]["questions"] == []
    assert answers[-2]["precision"] == answers[-3]["precision"]


def test_the_command_draws_lists_takes_answers_and_closes(hundred: OpenCase, tmp_path: Path) -> None:
    case = hundred.folder.path
    hundred.close()
    (tmp_path / "p").write_text(PASSPHRASE + "\n")

    def run(*words: object, status: int = 0) -> dict[str, object]:
        given = ["review", str(case), "sample", *map(str, words), "--json", "--passphrase-file", str(tmp_path / "p")]
        done = CliRunner().invoke(app, given)
        assert done.exit_code == status, done.output
        if status == 2:
            return {}
        last: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return last

    assert run("draw", "--size", 60, "--seed", 3)["outcome"] == "ok"
    listed = run("list", "--reviewer", "A. Able")["result"]
    assert isinstance(listed, dict)
    assert len(listed["questions"]) == 66
    first = listed["questions"][0]["item"]
    told = run("answer", first, "unsure", "--reviewer", "A. Able")["result"]
    assert isinstance(told, dict)
    assert told["unanswered"] == 65
    run("answer", first, status=2)
    run("peek", status=2)
    run("show", status=2)
    run("answer", 999, "yes", status=3)
    run("draw", status=3)
    closed = run("close")["result"]
    assert isinstance(closed, dict)
    assert closed["precision"]["share"] is None
    assert run("result")["result"] == closed


def test_whoever_was_found_in_review_is_still_decided_there(hundred: OpenCase) -> None:
    assert review.queue(hundred)["total"] == 100
    assert found(99).region is Region.LIVE


def test_a_sample_of_few_persons_in_one_table_can_be_drawn_with_any_seed() -> None:
    people = [
        SimpleNamespace(
            record=SourceRecord(
                f"K-{n}", f"Given{chr(65 + n % 26)}", "", f"Family{n}", birth_date=f"19{50 + n}-05-{1 + n % 28:02d}",
                ssn=f"51{n % 10}4{n % 10}{3000 + n}",
            ),
            tier=Tier.CONFIRMED, place=f"E-001/vol2/list.csv!row {n}", places=(f"E-001/vol2/list.csv!row {n}",),
            file="E-001/vol2/list.csv",
        )
        for n in range(1, 47)
    ]  # fmt: skip
    for seed in range(200):
        asked = sample._drawn(cast(Any, list(people)), 30, 6, seed)
        assert sum(item.catch_row for item in asked) >= 6
