"""Time stamps and second signatures must prove what they say, be judged the same by openssl, and hide no byte."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import tsp
from cryptography import x509

from forensics.custody import additions, ledger
from forensics.custody.checkpoints import (
    check_checkpoints,
    check_receipt,
    make_checkpoint,
    newest,
    store_certificates,
    write_receipt,
)
from forensics.custody.identities import Identities, Identity
from forensics.custody.ledger import Ledger
from forensics.errors import EnvironmentFailed, Refused
from forensics.model import Fact
from forensics.signatures import timestamp
from tests.unit.local_authority import Authority, time_authority

ORIGIN = "2026-0042 3f6c2e1a"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with time_authority(tmp_path_factory.mktemp("time") / "authority") as made:
        yield made


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    folder = Identities(tmp_path_factory.mktemp("identities"))
    folder.create_authority("Test Health Plan", "pw")
    return {name: folder.load(folder.create(name, "pw").name, "pw") for name in ("Dana Giver", "Cass Taker")}


@pytest.fixture
def book(tmp_path: Path, signers: dict[str, Identity]) -> Ledger:
    """A transfer, signed by the one who gives."""
    book = Ledger(tmp_path / "case" / "custody")
    book.append("transfer", actor="a", exhibit="E-001", data={"from": "Dana Giver", "to": "Cass Taker"})
    make_checkpoint(book.folder, book, ORIGIN, signers["Dana Giver"])
    return book


@pytest.fixture
def full(book: Ledger, signers: dict[str, Identity], authority: Authority) -> Ledger:
    """The same, signed by the one who takes, both signatures stamped."""
    additions.countersign(book.folder, book, "000001", signers["Cass Taker"], store_certificates)
    for which in ("000001", "000001-2"):
        answer = timestamp.ask(authority.url, additions.question(book.folder, which))
        additions.add_time_stamp(book.folder, book, which, answer, "a")
    return book


def broken(facts: list[Fact]) -> list[tuple[str, str]]:
    return [(fact.subject, fact.check) for fact in facts if fact.holds is False]


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)


def test_a_transfer_that_two_people_signed_and_an_authority_stamped_holds_in_every_fact(full: Ledger) -> None:
    facts = check_checkpoints(full.folder)
    assert broken(facts) == []
    seen = {(fact.subject, fact.check): fact for fact in facts}
    assert seen["checkpoints/000001", "signature intact"].detail.startswith("by Dana Giver, ")
    assert seen["checkpoints/000001-2.p7s", "signature intact"].detail.startswith("by Cass Taker, ")
    for name in ("000001.tsr", "000001-2.tsr"):
        assert seen[f"checkpoints/{name}", "time stamp"].holds is True
        assert "Time Unit 1" in seen[f"checkpoints/{name}", "time stamp"].detail
        assert seen[f"checkpoints/{name}", "clock"].holds is True
        assert seen[f"checkpoints/{name}", "time stamp trusted"].holds is None


def test_the_hashes_of_stamp_and_signature_are_the_entry_that_follows(full: Ledger) -> None:
    entries = [event for event in full.events() if event.event == additions.STAMPED]
    folder = full.folder / "checkpoints"
    assert entries[0].data["sha256"] == hashlib.sha256((folder / "000001.tsr").read_bytes()).hexdigest()
    assert entries[0].data["p7s_sha256"] == hashlib.sha256((folder / "000001.p7s").read_bytes()).hexdigest()


def test_openssl_judges_the_kept_answer_and_the_second_signature(
    full: Ledger, authority: Authority, tmp_path: Path, signers: dict[str, Identity]
) -> None:
    folder = full.folder / "checkpoints"
    for which in ("000001", "000001-2"):
        verify = ("ts", "-verify", "-in", folder / f"{which}.tsr", "-CAfile", authority.root)
        done = openssl(*verify, "-data", folder / f"{which}.p7s")
        assert done.returncode == 0, done.stderr
        assert openssl(*verify, "-data", folder / "000001.txt").returncode != 0
    (tmp_path / "root.pem").write_bytes(signers["Cass Taker"].chain_pem[-1])
    done = openssl(
        *("cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", folder / "000001-2.p7s", "-purpose", "any"),
        *("-content", folder / "000001.txt", "-CAfile", tmp_path / "root.pem", "-out", "/dev/null"),
    )
    assert done.returncode == 0, done.stderr


def test_trust_in_an_authority_is_asserted_only_under_a_root_the_user_named(
    full: Ledger, authority: Authority, signers: dict[str, Identity]
) -> None:
    time_root = x509.load_pem_x509_certificate(authority.root.read_bytes())
    own_root = x509.load_pem_x509_certificate(signers["Dana Giver"].chain_pem[-1])

    def trusted(*roots: x509.Certificate) -> dict[str, bool | None]:
        facts = check_checkpoints(full.folder, roots)
        return {fact.subject: fact.holds for fact in facts if fact.check in ("trusted", "time stamp trusted")}

    assert trusted(time_root, own_root) == {
        "checkpoints/000001": True,
        "checkpoints/000001-2.p7s": True,
        "checkpoints/000001.tsr": True,
        "checkpoints/000001-2.tsr": True,
    }
    assert trusted(own_root)["checkpoints/000001.tsr"] is False
    assert trusted(time_root)["checkpoints/000001"] is False


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", ["000001.tsr", "000001-2.p7s"])
def test_every_flipped_byte_of_an_addition_is_found(full: Ledger, name: str, every: int) -> None:
    path = full.folder / "checkpoints" / name
    data, ledger_bytes = path.read_bytes(), full.path.read_bytes()
    missed = []
    for at in range(0, len(data), every):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        if not broken(additions.check_additions(full.folder, ledger_bytes, [])):
            missed.append(at)
    assert missed == []


def test_a_stamp_hides_no_byte_even_where_no_ledger_records_it(full: Ledger) -> None:
    """As beside a receipt: 375 of 1,580 bytes escape `openssl ts -verify`, none of them this reader."""
    p7s = (full.folder / "checkpoints" / "000001.p7s").read_bytes()
    tsr = (full.folder / "checkpoints" / "000001.tsr").read_bytes()
    assert not broken(timestamp.check(tsr, p7s, "s")[1])
    missed = [
        at
        for at in range(len(tsr))
        if not broken(timestamp.check(tsr[:at] + bytes([tsr[at] ^ 1]) + tsr[at + 1 :], p7s, "s")[1])
    ]
    assert missed == []


def test_additions_that_are_gone_planted_or_moved_are_found(full: Ledger) -> None:
    folder = full.folder / "checkpoints"
    for name in ("000001.tsr", "000001-2.p7s", "000001-2.tsr"):
        away = (folder / name).rename(full.folder / "away")
        assert (f"checkpoints/{name}", "files present") in broken(check_checkpoints(full.folder))
        away.rename(folder / name)
    for source, planted in (("000001.tsr", "000002.tsr"), ("000001-2.p7s", "000001-3.p7s"), ("000001.tsr", "x.bin")):
        shutil.copy(folder / source, folder / planted)
        assert (f"checkpoints/{planted}", "recorded in the ledger") in broken(check_checkpoints(full.folder))
        (folder / planted).unlink()
    assert broken(check_checkpoints(full.folder)) == []


def test_an_answer_over_something_else_or_refused_or_garbled_is_not_kept(
    book: Ledger, authority: Authority, tmp_path: Path
) -> None:
    answer = timestamp.ask(authority.url, timestamp.question(b"another file"))
    with pytest.raises(Refused, match="over something else"):
        additions.add_time_stamp(book.folder, book, "000001", answer, "a")
    refused = tsp.TimeStampResp.load(answer).copy()
    refused["status"]["status"] = "rejection"
    for bad in (b"", b"no", refused.dump(force=True), answer[:-1], answer + b"\0"):
        with pytest.raises(Refused):
            additions.add_time_stamp(book.folder, book, "000001", bad, "a")
    assert not (book.folder / "checkpoints" / "000001.tsr").exists()
    authority.garbles = True
    try:
        with pytest.raises(EnvironmentFailed):
            timestamp.stamped(authority.url, b"x")
    finally:
        authority.garbles = False
    with pytest.raises(Refused):
        timestamp.ask("file:///etc/passwd", b"")
    with pytest.raises(EnvironmentFailed):
        timestamp.ask("http://127.0.0.1:9/", b"")


def test_an_offline_workstation_takes_the_question_to_an_authority_and_brings_the_answer_back(
    book: Ledger, authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "stick.tsq").write_bytes(additions.question(book.folder, "000001"))
    shown = openssl("ts", "-query", "-in", tmp_path / "stick.tsq", "-text").stdout
    assert "sha256" in shown
    authority.answer(tmp_path / "stick.tsq", tmp_path / "stick.tsr")
    _, when = additions.add_time_stamp(book.folder, book, "000001", (tmp_path / "stick.tsr").read_bytes(), "a")
    assert abs(when - datetime.now(UTC)) < timedelta(minutes=2)
    assert broken(check_checkpoints(book.folder)) == []


def test_a_status_text_of_the_authority_is_not_kept(book: Ledger, authority: Authority) -> None:
    answer = tsp.TimeStampResp.load(timestamp.ask(authority.url, additions.question(book.folder, "000001")))
    answer["status"] = {"status": "granted", "status_string": ["Operation Okay"]}
    additions.add_time_stamp(book.folder, book, "000001", answer.dump(force=True), "a")
    assert b"Operation Okay" not in (book.folder / "checkpoints" / "000001.tsr").read_bytes()
    assert broken(check_checkpoints(book.folder)) == []


def test_a_workstation_whose_clock_was_wrong_is_told_apart_by_the_stamp(
    tmp_path: Path, signers: dict[str, Identity], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Ledger(tmp_path / "wrong" / "custody")
    real = ledger.time.time_ns
    monkeypatch.setattr(ledger.time, "time_ns", lambda: real() + 3600 * 10**9)
    book.append("note", actor="a")
    make_checkpoint(book.folder, book, ORIGIN, signers["Dana Giver"])
    additions.add_time_stamp(
        book.folder, book, "000001", timestamp.ask(authority.url, additions.question(book.folder, "000001")), "a"
    )
    (clock,) = [fact for fact in check_checkpoints(book.folder) if fact.check == "clock"]
    assert clock.holds is None
    assert "s fast" in clock.detail


def test_nobody_signs_the_same_checkpoint_twice(book: Ledger, signers: dict[str, Identity]) -> None:
    with pytest.raises(Refused, match="already"):
        additions.countersign(book.folder, book, "000001", signers["Dana Giver"], store_certificates)
    with pytest.raises(Refused, match="no checkpoint"):
        additions.countersign(book.folder, book, "000009", signers["Cass Taker"], store_certificates)
    additions.countersign(book.folder, book, "000001", signers["Cass Taker"], store_certificates)
    with pytest.raises(Refused, match="already"):
        additions.countersign(book.folder, book, "000001", signers["Cass Taker"], store_certificates)


def test_an_addition_cut_short_before_its_entry_is_forgotten_and_after_it_is_finished(
    book: Ledger, signers: dict[str, Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Ledger.append

    def fail(before: bool) -> None:
        def append(self: Ledger, event: str, **said: object) -> object:
            if not before:
                real(self, event, **said)  # type: ignore[arg-type]
            raise EnvironmentFailed("no power")

        monkeypatch.setattr(Ledger, "append", append)
        with pytest.raises(EnvironmentFailed):
            additions.countersign(book.folder, book, "000001", signers["Cass Taker"], store_certificates)
        monkeypatch.setattr(Ledger, "append", real)

    fail(before=True)
    assert broken(check_checkpoints(book.folder)) == []
    fail(before=False)
    assert broken(check_checkpoints(book.folder)) == [("checkpoints/000001-2.p7s", "files present")]
    additions.finish_interrupted(book.folder / "checkpoints", book)
    assert broken(check_checkpoints(book.folder)) == []


def test_a_receipt_holds_everything_a_stranger_needs_and_finds_a_cut_ledger(full: Ledger, tmp_path: Path) -> None:
    made = write_receipt(full.folder, newest(full.folder), tmp_path / "receipt")
    assert {path.name for path in made if path.suffix not in (".pem", ".crl")} == {
        "000001.txt", "000001.p7s", "000001-2.p7s", "000001.tsr", "000001-2.tsr",
    }  # fmt: skip
    assert {path.name for path in made if path.suffix == ".crl"} == {p.name for p in (full.folder / "crls").iterdir()}
    facts = check_receipt(tmp_path / "receipt" / "000001.txt", full.folder)
    assert broken(facts) == []
    assert "time stamp" in {fact.check for fact in facts}
    full.path.write_bytes(b"")
    assert broken(check_receipt(tmp_path / "receipt" / "000001.txt", full.folder))
    with pytest.raises(Refused):
        write_receipt(full.folder, "000001", tmp_path / "receipt")


def test_a_correction_names_the_entry_it_corrects_as_it_stands(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "custody")
    wrong = book.append("note", actor="a", data={"note": "seal 4711"})
    said = {"corrects": wrong.seq, "corrects_sha256": wrong.digest, "note": "seal 4117"}
    book.append(ledger.CORRECTION, actor="a", data=said)
    facts = {fact.check: fact for fact in ledger.check(book.path)}
    assert facts["corrections"].holds is True
    for bad in ({"corrects": 9}, {"corrects_sha256": "0" * 64}, {"corrects": 0}, {"corrects": True}):
        other = Ledger(tmp_path / json.dumps(bad))
        first = other.append("note", actor="a")
        other.append(ledger.CORRECTION, actor="a", data={"corrects": first.seq, "corrects_sha256": first.digest, **bad})
        assert ("ledger.jsonl", "corrections") in broken(ledger.check(other.path))
