"""The custody of an exhibit from receipt to transfer, as people type it; openssl and pdftotext judge what comes out."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from worked_example import COMMAND, text_of

from tests.unit.local_authority import Authority, time_authority


@dataclass
class Office:
    """A folder with a case, people who sign, and a way to run the command."""

    folder: Path
    authority: Authority

    @property
    def case(self) -> Path:
        return self.folder / "one.dcase"

    def run(self, *arguments: object, status: int = 0, passphrase: str = "case") -> dict[str, object]:
        """The result of a command, which must end with this status; every secret comes from a file."""
        identities = {"DRIVECUSTODY_IDENTITIES": str(self.folder / "identities")}
        done = subprocess.run(
            [COMMAND, *map(str, arguments), "--json", *self._passphrase(arguments, passphrase)],
            capture_output=True, text=True, env={**os.environ, **identities}, stdin=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        last = json.loads(done.stdout.splitlines()[-1])
        assert last["event"] == "finished"
        found = last.get("result") or {}
        return found if isinstance(found, dict) else {}

    def _passphrase(self, arguments: tuple[object, ...], which: str) -> list[object]:
        return [] if arguments[0] in ("identity", "verify") else ["--passphrase-file", self.folder / which]

    def secret(self, name: str) -> Path:
        return self.folder / name

    def facts(self, *arguments: object, status: int = 0) -> dict[tuple[str, str], bool | None]:
        told = self.run("verify", *arguments, status=status)["facts"]
        assert isinstance(told, list)
        return {(fact["subject"], fact["check"]): fact["holds"] for fact in told}

    def ledger(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.case / "custody" / "ledger.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    for name in ("case", "next", "root", "dana", "cass"):
        (folder / name).write_text(f"secret words of {name}\n")
    with time_authority(folder / "authority") as authority:
        made = Office(folder, authority)
        made.run(
            "identity", "create-authority", "--organisation", "Plan", "--identity-passphrase-file", folder / "root"
        )
        for name in ("dana", "cass"):
            made.run(
                "identity", "create", name.title(), "--identity-passphrase-file", folder / name,
                "--authority-passphrase-file", folder / "root",
            )  # fmt: skip
        made.run(
            "new", made.case, "--number", "2026-7", "--title", "Stick", "--organisation", "Plan", "--entity-type",
            "business", "--examiner", "Dana",
        )  # fmt: skip
        Image.new("RGB", (3000, 2000), (90, 120, 160)).save(folder / "front.jpg")
        (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture at all")
        (folder / "statement.pdf").write_bytes(b"%PDF- a statement with a signature")
        made.run(
            "receive", made.case, "--exhibit", "E-001", "--from", "Robin Leaver", "--to", "Dana", "--description",
            "Black stick", "--seal", "0042117", "--photo", folder / "front.jpg", "--photo", folder / "broken.jpg",
            "--statement", folder / "statement.pdf", "--set", "serial_label=SN-77", "--set", "copies_made=none known",
        )  # fmt: skip
        yield made


def test_every_field_of_the_form_is_taken_and_no_other(office: Office) -> None:
    office.run(
        "custody", office.case, "add", "--type", "seal", "--exhibit", "E-001", "--set", "seal_before=0042117",
        "--set", "seal_after=0042118", "--set", "seal_intact=yes", "--set", f"hash_before={'a' * 64}",
        "--set", f"hash_after={'A' * 64}",
    )  # fmt: skip
    entry = office.ledger()[-1]
    assert entry["event"] == "seal"
    assert entry["data"] == {
        "seal_before": "0042117", "seal_after": "0042118", "seal_intact": "yes", "hash_before": "a" * 64,
        "hash_after": "A" * 64, "hashes_equal": True,
    }  # fmt: skip
    for wrong in ("colour=red", "seal_intact=perhaps", "note=a\x07b"):
        office.run("custody", office.case, "add", "--type", "seal", "--exhibit", "E-001", "--set", wrong, status=3)
    office.run("custody", office.case, "add", "--type", "theft", "--note", "x", status=3)


def test_a_correction_leaves_the_wrong_entry_and_names_it(office: Office) -> None:
    wrong = office.run("custody", office.case, "add", "--note", "Seal number is 4711", "--exhibit", "E-001")["seq"]
    office.run("custody", office.case, "add", "--note", "It is 0042117", "--corrects", wrong)
    assert office.ledger()[-1]["data"]["corrects"] == wrong  # type: ignore[index]
    assert office.facts(office.case)["ledger.jsonl", "corrections"] is True
    office.run("custody", office.case, "add", "--note", "x", "--corrects", 9999, status=3)


def test_a_transfer_is_signed_by_both_stamped_and_the_receipt_finds_a_cut(office: Office, tmp_path: Path) -> None:
    told = office.run(
        "custody", office.case, "transfer", "--exhibit", "E-001", "--from", "Dana", "--to", "Cass", "--purpose",
        "Storage", "--sign", "Dana", "--identity-passphrase-file", office.secret("dana"), "--countersign", "Cass",
        "--countersign-passphrase-file", office.secret("cass"), "--timestamp", office.authority.url,
    )  # fmt: skip
    number = told["checkpoint"]
    assert told["signatures"] == [number, f"{number}-2"]
    root = office.folder / "identities" / "authorities"
    own_root = next(root.glob("*/authority.pem"))
    facts = office.facts(office.case, "--trust", own_root, "--trust", office.authority.root)
    for subject, check in (
        (f"checkpoints/{number}", "signature intact"), (f"checkpoints/{number}", "trusted"),
        (f"checkpoints/{number}-2.p7s", "signature intact"), (f"checkpoints/{number}-2.p7s", "trusted"),
        (f"checkpoints/{number}.tsr", "time stamp"), (f"checkpoints/{number}-2.tsr", "time stamp trusted"),
    ):  # fmt: skip
        assert facts[subject, check] is True, (subject, check)
    office.run("custody", office.case, "receipt", "--out", tmp_path / "receipt")
    kept = tmp_path / "receipt" / f"{number}.txt"
    assert office.facts(office.case, "--receipt", kept)[f"receipt {number}.txt", "agrees with the ledger"] is True
    copy = Path(shutil.copytree(office.case, tmp_path / "cut.dcase"))
    shutil.rmtree(copy / "custody" / "checkpoints")
    ledger = copy / "custody" / "ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:4]))
    office.facts(copy)
    facts = office.facts(copy, "--receipt", kept, status=1)
    assert facts[f"receipt {number}.txt", "agrees with the ledger"] is False


def test_nobody_signs_for_both_sides(office: Office) -> None:
    office.run(
        "custody", office.case, "transfer", "--exhibit", "E-001", "--from", "Dana", "--to", "Cass", "--sign", "Dana",
        "--identity-passphrase-file", office.secret("dana"), "--countersign", "Dana",
        "--countersign-passphrase-file", office.secret("dana"), status=3,
    )  # fmt: skip


def test_a_workstation_without_network_brings_the_time_on_a_stick(office: Office, tmp_path: Path) -> None:
    office.run(
        "custody", office.case, "checkpoint", "--sign", "Dana", "--identity-passphrase-file", office.secret("dana"),
        "--query", tmp_path / "q.tsq",
    )  # fmt: skip
    office.authority.answer(tmp_path / "q.tsq", tmp_path / "a.tsr")
    which = office.run("custody", office.case, "timestamp", "--response", tmp_path / "a.tsr")["signature"]
    kept = office.case / "custody" / "checkpoints" / f"{which}.tsr"
    judged = ["openssl", "ts", "-verify", "-data", kept.with_suffix(".p7s"), "-in", kept,
              "-CAfile", office.authority.root]  # fmt: skip
    assert subprocess.run(judged, capture_output=True).returncode == 0
    later = office.run(
        "custody", office.case, "countersign", "--sign", "Cass", "--identity-passphrase-file", office.secret("cass")
    )
    assert later["signature"] == f"{which}-2"
    office.facts(office.case)


def test_the_form_shows_item_photographs_events_and_survives_a_file_that_is_no_picture(
    office: Office, tmp_path: Path
) -> None:
    office.run("custody", office.case, "form", "--exhibit", "E-001", "--out", tmp_path / "form.pdf")
    text = text_of(tmp_path / "form.pdf")
    for wanted in ("Black stick", "SN-77", "none known", "Robin Leaver", "front.jpg", "statement.pdf",
                   "could not be shown as a picture", "signed by hand"):  # fmt: skip
        assert wanted in text, wanted
    pictures = subprocess.run(["pdfimages", "-list", tmp_path / "form.pdf"], capture_output=True, text=True).stdout
    assert pictures.count(" image ") == 1
    subprocess.run(["qpdf", "--check", tmp_path / "form.pdf"], check=True, capture_output=True)
    entry = office.ledger()[-1]
    assert entry["data"]["form_sha256"]  # type: ignore[index]


def test_the_report_shows_the_photographs_with_the_digests_of_the_files(office: Office, tmp_path: Path) -> None:
    out = tmp_path / "draft.pdf"
    office.run("report", office.case, "--out", out)
    text = text_of(out)
    annex = text[text.rindex("Annex I: photographs of the exhibits") :]
    for name in ("front.jpg", "broken.jpg"):
        digest = hashlib.sha256((office.case / "images" / "E-001" / "photographs" / name).read_bytes()).hexdigest()
        assert f"E-001: {name}" in annex
        assert digest in annex
    assert annex.count("could not be shown as a picture") == 1
    listed = subprocess.run(["pdfimages", "-list", out], capture_output=True, text=True, check=True).stdout
    assert " jpeg " in listed


def test_a_photograph_that_was_changed_is_found(office: Office, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(office.case, tmp_path / "photo.dcase"))
    photo = copy / "images" / "E-001" / "photographs" / "front.jpg"
    photo.write_bytes(photo.read_bytes() + b"\0")
    assert office.facts(copy, status=1)["E-001/front.jpg", "as recorded in the ledger"] is False


def test_the_passphrase_changes_and_the_organisation_keeps_a_way_back(office: Office, tmp_path: Path) -> None:
    case = Path(shutil.copytree(office.case, tmp_path / "keys.dcase"))
    person = office.folder / "identities" / "people" / "dana"
    person = person if person.is_dir() else next((office.folder / "identities" / "people").glob("dana*"))
    office.run("passphrase", case, "add-certificate", "--certificate", person / "encryption.pem")
    office.run("passphrase", case, "change", "--new-passphrase-file", office.secret("next"))
    office.run("custody", case, "list", status=3)
    office.run("custody", case, "list", passphrase="next")
    office.run(
        "passphrase", case, "recover", "--key", person / "encryption.p12", "--identity-passphrase-file",
        office.secret("dana"), "--new-passphrase-file", office.secret("case"),
    )  # fmt: skip
    events = office.run("custody", case, "list")["events"]
    assert isinstance(events, list)
    assert "opened-by-certificate" in [event["event"] for event in events]
    office.run(
        "passphrase", case, "recover", "--key", person / "signing.p12", "--identity-passphrase-file",
        office.secret("dana"), "--new-passphrase-file", office.secret("case"), status=3,
    )  # fmt: skip
    office.facts(case)
