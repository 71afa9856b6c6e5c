"""Who is in and who is out: decided by people, never overwritten, and never lost."""

from __future__ import annotations

import json
import os

import pytest
from sqlalchemy import text

from forensics.casefile.masking import masked
from forensics.errors import EnvironmentFailed, Refused
from forensics.examination import review
from forensics.examination.open_case import OpenCase
from forensics.examination.verify import verify
from forensics.jobs.events import silent
from forensics.model import SourceRecord, Tier
from tests.unit.review_fixtures import assess, cheap_guesses, found_case

__all__ = ["cheap_guesses", "found_case"]


def states(case: OpenCase) -> dict[str, str]:
    return {person["record_key"]: person["review"] for person in review.queue(case)["persons"]}


def test_everybody_is_pending_until_somebody_decides(found_case: OpenCase) -> None:
    assert states(found_case) == dict.fromkeys(("W1", "W2", "W3", "W4"), "pending")


def test_the_queue_begins_with_conflicts_and_then_weak_tiers(found_case: OpenCase) -> None:
    assert list(states(found_case)) == ["W3", "W4", "W1", "W2"]
    only = review.queue(found_case, conflicts=True)
    assert [(p["record_key"], p["conflicts"]) for p in only["persons"]] == [("W3", 1)]
    assert [p["record_key"] for p in review.queue(found_case, tiers=(Tier.CONFIRMED,))["persons"]] == ["W1", "W2"]
    assert review.queue(found_case, limit=1)["total"] == 4


def test_a_decision_has_its_reason_its_maker_and_its_time(found_case: OpenCase) -> None:
    review.decide(found_case, decision="excluded", keys=["W3"], reason="another person’s number", by="C. Counsel")
    row = next(p for p in review.queue(found_case)["persons"] if p["record_key"] == "W3")
    assert (row["review"], row["reason"], row["who"]) == ("excluded", "another person’s number", "C. Counsel")
    assert row["utc"].endswith("Z")
    assert [p["record_key"] for p in review.queue(found_case, pending=True)["persons"]] == ["W4", "W1", "W2"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"decision": "excluded", "keys": ["W1"]},
        {"decision": "excluded", "keys": ["W1"], "reason": "  "},
        {"decision": "included", "tiers": [Tier.CONFIRMED]},
        {"decision": "included"},
        {"decision": "", "keys": ["W1"]},
        {"decision": "included", "keys": ["W1", "W-900"], "reason": "x"},
        {"decision": "included", "keys": ["W5"], "reason": "not found on the drive"},
    ],
)
def test_what_is_not_said_or_not_there_is_not_decided(found_case: OpenCase, wanted: dict[str, object]) -> None:
    with pytest.raises(Refused) as refusal:
        review.decide(found_case, **wanted)  # type: ignore[arg-type]
    assert "W-900" not in str(refusal.value)
    assert refusal.value.remedy
    assert set(states(found_case).values()) == {"pending"}


def test_a_decision_about_a_tier_leaves_what_was_decided_about_somebody_alone(found_case: OpenCase) -> None:
    review.decide(found_case, decision="excluded", keys=["W2"], reason="consented")
    made = review.decide(found_case, decision="included", tiers=[Tier.CONFIRMED], reason="whole rows")
    assert made["decided"] == 1
    assert states(found_case) == {"W1": "included", "W2": "excluded", "W3": "pending", "W4": "pending"}


def test_undo_takes_back_the_newest_act_and_then_the_one_before(found_case: OpenCase) -> None:
    review.decide(found_case, decision="included", keys=["W1"])
    review.decide(found_case, decision="excluded", keys=["W1", "W4"], reason="mistaken")
    review.undo(found_case)
    assert states(found_case) == {"W1": "included", "W2": "pending", "W3": "pending", "W4": "pending"}
    review.undo(found_case)
    assert set(states(found_case).values()) == {"pending"}
    with pytest.raises(Refused, match="no decision"):
        review.undo(found_case)
    with found_case.view() as view:
        kept = view.decisions_of("W1")
    assert [(row.decision, row.undoes is None) for row in kept] == [
        ("included", True), ("excluded", True), ("included", False), ("pending", False),
    ]  # fmt: skip


def test_undo_of_one_person_leaves_the_rest_of_the_act(found_case: OpenCase) -> None:
    review.decide(found_case, decision="included", tiers=[Tier.CONFIRMED], reason="whole rows")
    review.undo(found_case, keys=["W1"])
    assert (states(found_case)["W1"], states(found_case)["W2"]) == ("pending", "included")
    review.undo(found_case)
    assert states(found_case)["W2"] == "pending"


def test_an_undecided_person_has_a_note_and_is_pending_openly(found_case: OpenCase) -> None:
    review.decide(found_case, decision="included", keys=["W1"])
    review.decide(found_case, decision="pending", keys=["W1"], reason="ask the plan")
    assert states(found_case)["W1"] == "pending"
    with found_case.view() as view:
        assert [(row.decision, row.reason) for row in view.decisions_of("W1")][1] == ("pending", "ask the plan")
    assert review.broken_acts(found_case) == []
    review.undo(found_case)
    assert states(found_case)["W1"] == "included"
    with pytest.raises(Refused, match="tier"):
        review.decide(found_case, decision="pending", tiers=[Tier.CONFIRMED], reason="all of them")


def test_an_undo_that_names_an_act_takes_back_that_one_or_nothing(found_case: OpenCase) -> None:
    first = review.decide(found_case, decision="included", tiers=[Tier.CONFIRMED], reason="whole rows")["act"]
    with found_case.view() as view:
        newest = view.newest_act()
    assert newest is not None
    assert (newest.act, newest.decision, newest.persons) == (first, "included", 2)
    assert newest.who == found_case.details.examiner
    second = review.decide(found_case, decision="excluded", keys=["W3"], reason="another person")["act"]
    with pytest.raises(Refused, match="meanwhile"):
        review.undo(found_case, act=first)
    assert states(found_case) == {"W1": "included", "W2": "included", "W3": "excluded", "W4": "pending"}
    review.undo(found_case, act=second)
    review.undo(found_case, act=first)
    assert set(states(found_case).values()) == {"pending"}
    with found_case.view() as view:
        assert view.newest_act() is None


def test_pending_persons_with_a_conflict_are_counted_by_tier(found_case: OpenCase) -> None:
    with found_case.view() as view:
        assert view.conflicts_pending() == {"confirmed": 0, "probable": 0, "possible": 1}
    review.decide(found_case, decision="excluded", keys=["W3"], reason="another person")
    with found_case.view() as view:
        assert view.conflicts_pending() == {"confirmed": 0, "probable": 0, "possible": 0}


def test_decisions_outlive_a_new_assessment(found_case: OpenCase) -> None:
    review.decide(found_case, decision="excluded", keys=["W3"], reason="another person")
    with found_case.store.begin() as connection:
        connection.execute(text("DELETE FROM exposure"))
    assess(found_case.store)
    assert states(found_case) == {"W1": "pending", "W2": "pending", "W3": "excluded", "W4": "pending"}
    assert list(states(found_case)) == ["W3", "W4", "W1", "W2"]


def test_the_ledger_has_counts_and_a_seal_and_nothing_of_anybody(found_case: OpenCase) -> None:
    review.decide(found_case, decision="excluded", keys=["W3"], reason="is Mrs Marlowe")
    event = found_case.ledger.events()[-1]
    assert event.event == "review-decided"
    assert (event.data["persons"], event.data["decision"]) == (1, "excluded")
    said = json.dumps(event.data)
    assert "W3" not in said
    assert "Marlowe" not in said
    assert review.broken_acts(found_case) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE decision SET decision = 'included' WHERE act = 2",
        "UPDATE decision SET reason = 'other' WHERE act = 2",
        "UPDATE decision SET record_key = 'W1' WHERE act = 2",
        "DELETE FROM decision WHERE act = 2",
    ],
)
def test_a_decision_that_was_changed_afterwards_is_found(found_case: OpenCase, change: str) -> None:
    review.decide(found_case, decision="included", keys=["W1"])
    review.decide(found_case, decision="excluded", keys=["W3"], reason="another person")
    with found_case.store.begin() as connection:
        connection.execute(text(change))
    assert review.broken_acts(found_case) == [2]
    told = verify(silent(), found_case.folder.path, passphrase=f"key:{found_case.key.hex()}")
    assert {(f["subject"], f["detail"]) for f in told["facts"] if f["holds"] is False} == {
        ("decisions", "changed since: act 2")
    }
    assert told["status"] == 1
    told = verify(silent(), found_case.folder.path)
    assert [f["holds"] for f in told["facts"] if f["subject"] == "decisions"] == [None]


def test_where_the_ledger_cannot_be_written_nothing_is_decided(
    found_case: OpenCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(EnvironmentFailed):
            review.decide(found_case, decision="included", keys=["W1"])
    assert set(states(found_case).values()) == {"pending"}


def test_a_reveal_is_recorded_before_anything_is_seen_and_needs_a_reason(found_case: OpenCase) -> None:
    with pytest.raises(Refused, match="reason"):
        review.reveal(found_case, record_key="W1", what="record", reason=" ")
    assert review.reveal(found_case, record_key="W1", what="record", reason="call of Anna Marlowe") == 1
    event = found_case.ledger.events()[-1]
    assert (event.event, event.data) == ("values-revealed", {"reveal": 1, "what": "record", "by": "R. Reader"})


def test_no_whole_value_of_anybody_is_shown_masked() -> None:
    record = SourceRecord(
        "K-1", "Anna", "Maria", "Marlowe", "Jr", "1980-02-03", "899771234", "W204000005", "12 Elm St", "Hartford",
        "CT", "06103", "2035550101", "anna@example.org", True,
    )  # fmt: skip
    shown = masked(record)
    assert set(shown) == {field for field in record.__slots__ if getattr(record, field)}
    for field in set(shown) - {"record_key", "suffix", "state", "deceased"}:
        assert getattr(record, field) not in shown[field], field
    assert shown["ssn"] == "•••-••-1234"
    assert shown["birth_date"].startswith("1980-")
    assert "ssn" not in masked(SourceRecord("K-1"))
    assert masked(SourceRecord("K-1", member_id="12"))["member_id"] == "•2"
