"""What leaves the case about persons: places without values, and names only of those whom somebody included."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from forensics.errors import Refused
from forensics.examination import review
from forensics.examination.export import export
from forensics.examination.open_case import OpenCase
from forensics.examination.serve import serve
from forensics.jobs.events import silent
from forensics.model import Tier
from tests.unit.review_fixtures import ANNA, RECORDS, cheap_guesses, found_case

__all__ = ["cheap_guesses", "found_case"]


def decide_everybody(case: OpenCase) -> None:
    review.decide(case, decision="excluded", keys=["W3"], reason="another person")
    review.decide(case, decision="included", tiers=list(Tier), reason="whole rows")


def read(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))


def test_findings_are_places_and_hold_no_value(found_case: OpenCase, tmp_path: Path) -> None:
    made = export(found_case, silent(), kind="findings", out=tmp_path / "f.csv")
    rows = read(tmp_path / "f.csv")
    assert made["rows"] == len(rows) - 1 == 5
    assert rows[1:] == sorted(rows[1:])
    assert ["W3", "E-001/vol2/notes.txt@90+40", "live", "possible", "birth_date name ssn", "ssn", "birth_date name",
            "line"] in rows  # fmt: skip
    text = (tmp_path / "f.csv").read_text()
    for record in RECORDS:
        assert not any(value and value in text for value in (record.ssn, record.family_name, record.birth_date))


def test_nobody_is_notified_while_anybody_is_pending(found_case: OpenCase, tmp_path: Path) -> None:
    review.decide(found_case, decision="included", keys=["W1", "W2", "W4"])
    with pytest.raises(Refused, match="1 person") as refusal:
        export(found_case, silent(), kind="notification", out=tmp_path / "n.csv", plain=True)
    assert "--pending" in refusal.value.remedy
    assert not (tmp_path / "n.csv").exists()


def test_names_do_not_leave_in_clear_unasked(found_case: OpenCase, tmp_path: Path) -> None:
    decide_everybody(found_case)
    with pytest.raises(Refused, match="encrypted"):
        export(found_case, silent(), kind="notification", out=tmp_path / "n.csv")
    assert list(tmp_path.glob("n*")) == []


def test_only_the_included_are_notified_and_no_number_of_theirs_is_written(
    found_case: OpenCase, tmp_path: Path
) -> None:
    decide_everybody(found_case)
    export(found_case, silent(), kind="notification", out=tmp_path / "n.csv", plain=True)
    header, *rows = read(tmp_path / "n.csv")
    assert [row[0] for row in rows] == ["W1", "W2", "W4"]
    anna = dict(zip(header, rows[0], strict=True))
    assert (anna["family_name"], anna["address"], anna["minor"]) == (ANNA.family_name, ANNA.address, "false")
    assert dict(zip(header, rows[1], strict=True))["minor"] == "true"
    text = (tmp_path / "n.csv").read_text()
    assert not any(value and value in text for r in RECORDS for value in (r.ssn, r.birth_date))
    assert (tmp_path / "n.csv").stat().st_mode & 0o777 == 0o600
    said = found_case.ledger.events()[-1].data
    assert (said["rows"], said["encrypted_to"]) == (3, "")
    assert "Marlowe" not in json.dumps(said)


def test_openssl_opens_the_list_with_the_recipients_key_and_it_holds_nothing_in_clear(
    found_case: OpenCase, tmp_path: Path
) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj",
         "/CN=Counsel"], cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    decide_everybody(found_case)
    out = tmp_path / "n.p7m"
    made = export(found_case, silent(), kind="notification", out=out, to_certificate=tmp_path / "cert.pem")
    assert b"Marlowe" not in out.read_bytes()
    assert len(made["encrypted_to"]) == 64
    opened = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", out, "-inkey", tmp_path / "key.pem"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    assert opened.count(b"\r\n") == 4
    assert b"Marlowe" in opened


def test_the_windows_companion_decides_undoes_and_reveals_with_a_record_of_it(found_case: OpenCase) -> None:
    requests = [
        {"id": 1, "verb": "review decide", "keys": ["W1"], "decision": "included"},
        {"id": 2, "verb": "review decide", "keys": ["W3"], "decision": "excluded"},
        {"id": 3, "verb": "review undo", "keys": ["W1"]},
        {"id": 4, "verb": "reveal", "record_key": "W1"},
        {"id": 5, "verb": "reveal", "record_key": "W1", "reason": "she asked"},
        {"id": 6, "verb": "reveal", "record_key": "W5", "reason": "she asked"},
    ]
    answers: list[dict[str, object]] = []
    serve(found_case, silent(), answers.append, [json.dumps(request) for request in requests])
    assert [a["outcome"] for a in answers] == ["ok", "refused", "ok", "refused", "ok", "refused"]
    assert answers[2]["review"] == {"W1": "pending"}
    record = answers[4]["record"]
    assert isinstance(record, dict)
    assert record["ssn"] == ANNA.ssn
    assert [e.event for e in found_case.ledger.events()].count("values-revealed") == 1


def test_the_companion_decides_a_tier_and_takes_it_back_by_its_act(found_case: OpenCase) -> None:
    requests = [
        {"id": 1, "verb": "review decide", "tiers": ["confirmed"], "decision": "included", "reason": "whole rows"},
        {"id": 2, "verb": "review decide", "tiers": ["certain"], "decision": "included", "reason": "whole rows"},
        {"id": 3, "verb": "review undo", "act": 7},
        {"id": 4, "verb": "review undo", "act": 1},
    ]
    answers: list[dict[str, object]] = []
    serve(found_case, silent(), answers.append, [json.dumps(request) for request in requests])
    assert [a["outcome"] for a in answers] == ["ok", "refused", "refused", "ok"]
    assert (answers[0]["decided"], answers[3]["undone"]) == (2, 2)
