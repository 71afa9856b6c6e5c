"""A stranger with the package, sh, sha256sum, openssl and python3 must get to the end, and see what was done to it."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from forensics.custody import additions
from forensics.custody.checkpoints import make_checkpoint, store_certificates
from forensics.custody.identities import Identities
from forensics.custody.ledger import Ledger
from forensics.report.document import build
from forensics.report.package import STAMP, build_package
from forensics.report.signing import sign
from forensics.resources import resource
from forensics.signatures import timestamp
from tests.unit.local_authority import time_authority
from tests.unit.report_fixtures import report_facts

TOOLS = ("sh", "sha256sum", "openssl", "python3", "pdfsig", "mktemp", "rm", "cat", "grep")
"""All that VERIFY.txt may call."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A stamped package of a ledger with a transfer that two people signed, and a folder with only the tools."""
    work = tmp_path_factory.mktemp("recipe")
    people = Identities(work / "identities")
    people.create_authority("Test Health Plan", "pw")
    dana, cass = (people.load(people.create(name, "pw").name, "pw") for name in ("Dana Giver", "Cass Taker"))
    # Somebody of another organisation signed the report, and so a checkpoint before it.
    people.create_authority("Outside Laboratory", "pw")
    robin = people.load(people.create("Robin Reporter", "pw", authority="Outside Laboratory").name, "pw")
    book = Ledger(work / "custody")
    book.append("transfer", actor="a", exhibit="E-001", data={"from": "Dana Giver", "to": "Cass Taker"})
    make_checkpoint(book.folder, book, "2026-0042 3f6c", dana)
    additions.countersign(book.folder, book, "000001", cass, store_certificates)
    make_checkpoint(book.folder, book, "2026-0042 3f6c", robin)
    build(report_facts(robin), work / "u.pdf")  # type: ignore[arg-type]
    with time_authority(work / "authority") as authority:
        answer = timestamp.ask(authority.url, additions.question(book.folder, "000001"))
        additions.add_time_stamp(book.folder, book, "000001", answer, "a")
        sign(work / "u.pdf", work / "r.pdf", robin, reason="test", timestamper_url=authority.url)
        parts: dict[str, Path | bytes] = {
            name: resource("package", name).read_bytes() for name in ("verify_ledger.py", "verify_package.py")
        }
        parts |= {"report.pdf": work / "r.pdf", "custody/ledger.jsonl": book.path}
        for folder in ("checkpoints", "certs", "crls"):
            parts |= {f"custody/{folder}/{path.name}": path for path in (book.folder / folder).glob("[!.]*")}
        build_package(
            parts, work / "pack", dana, {}, ["The image"], lambda data: timestamp.stamped(authority.url, data)
        )
    tools = work / "tools"
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to("/usr/bin/python3" if name == "python3" else found)
    shutil.copytree(book.folder / "checkpoints", work / "receipt")
    return work / "pack", tools


@pytest.fixture
def pack(made: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "pack"))


def run(pack: Path, tools: Path, *command: str) -> subprocess.CompletedProcess[str]:
    alone = {"PATH": str(tools), "HOME": str(pack.parent), "TMPDIR": str(pack.parent), "LC_ALL": "C.UTF-8"}
    return subprocess.run([str(tools / command[0]), *command[1:]], cwd=pack, env=alone, capture_output=True, text=True)


def test_every_command_of_the_recipe_is_run_as_it_stands_with_nothing_but_the_tools_it_names(
    pack: Path, made: tuple[Path, Path]
) -> None:
    ran = run(pack, made[1], "sh", "-e", "VERIFY.txt")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # The list of files, two signatures of one checkpoint and one of another, the report's; two stamps; all facts again.
    assert ran.stderr.count("CAdES Verification successful") == 5
    assert (ran.stdout + ran.stderr).count("Verification: OK") == 2
    assert ran.stdout.count("Time stamp: ") == 2
    # Two lists of one authority with four certificates (one of them twice, as the package's signer), one with two.
    assert ran.stdout.count("verify OK") == 3
    assert ran.stdout.count(".pem: OK") == 2 * 4 + 2
    assert "added files: none" in ran.stdout
    assert "chain and own digests hold" in ran.stdout
    assert "Signature is Valid." in ran.stdout
    assert "DOES NOT HOLD" not in ran.stdout
    assert sorted(path.name for path in pack.iterdir()) == sorted(path.name for path in made[0].iterdir())


def test_the_stand_alone_script_says_each_fact_apart(pack: Path, made: tuple[Path, Path]) -> None:
    receipt = made[0].parent / "receipt" / "000001.txt"
    ran = run(pack, made[1], "python3", "verify_package.py", ".", "--receipt", str(receipt))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for wanted in (
        "HOLDS          tagmanifest-sha256.txt.p7s: signature",
        "HOLDS          tagmanifest-sha256.txt.p7s: signed by whom bag-info.txt names",
        "NOT ASKED      tagmanifest-sha256.txt.p7s: trusted",
        "HOLDS          tagmanifest-sha256.txt.p7s.tsr: time stamp",
        "HOLDS          000001-2.p7s: signature",
        "HOLDS          000001.tsr: time stamp",
        "HOLDS          tagmanifest-sha256.txt.p7s: revocation",
        "HOLDS          000001-2.p7s: revocation",
        "HOLDS          report.pdf: revocation",
        "HOLDS          report.pdf: covered to its last byte",
        "HOLDS          receipt 000001.txt: names a state of this ledger",
    ):
        assert wanted in ran.stdout


def _flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :])


def _flip_last(path: Path) -> None:
    """The signature value; openssl passes over a quarter of the bytes around it, `drivecustody verify` over none."""
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def _relisted(pack: Path) -> None:
    """What somebody does who changes a file and its place in both lists, but cannot sign."""
    (pack / "data" / "custody" / "ledger.jsonl").write_bytes(b"{}\n")
    for listing in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        lines = (pack / listing).read_text().splitlines()
        fresh = [f"{hashlib.sha256((pack / line[66:]).read_bytes()).hexdigest()}  {line[66:]}\n" for line in lines]
        (pack / listing).write_text("".join(fresh))


HARM = {
    "a byte of the ledger": lambda pack: _flip(pack / "data/custody/ledger.jsonl"),
    "a byte of the report": lambda pack: _flip(pack / "data/report.pdf"),
    "a byte of a checkpoint": lambda pack: _flip(pack / "data/custody/checkpoints/000001.txt"),
    "a byte of the list": lambda pack: _flip(pack / "manifest-sha256.txt"),
    "a byte of the signature": lambda pack: _flip_last(pack / "tagmanifest-sha256.txt.p7s"),
    "a byte of the stamp": lambda pack: _flip_last(pack / STAMP),
    "a planted file": lambda pack: (pack / "data/planted.txt").write_text("x"),
    "a planted tag file": lambda pack: (pack / "README").write_text("x"),
    "a removed file": lambda pack: (pack / "data/custody/certs").rename(pack.parent / "away"),
    "a renamed file": lambda pack: (pack / "data/report.pdf").rename(pack / "data/Report.pdf"),
    "lists made anew": _relisted,
}


@pytest.mark.parametrize("harm", HARM)
def test_recipe_and_script_both_see_what_was_done_to_a_package(pack: Path, made: tuple[Path, Path], harm: str) -> None:
    HARM[harm](pack)
    assert run(pack, made[1], "sh", "-e", "VERIFY.txt").returncode != 0
    ran = run(pack, made[1], "python3", "verify_package.py", ".")
    assert ran.returncode != 0
    assert "DOES NOT HOLD" in ran.stdout
    assert "Traceback" not in ran.stderr


def test_a_package_whose_ledger_was_cut_is_seen_by_a_receipt_alone(pack: Path, made: tuple[Path, Path]) -> None:
    """Everything inside agrees; only the other party's copy shows that the newest entries are gone."""
    ledger = pack / "data" / "custody" / "ledger.jsonl"
    receipt = pack.parent / "later.txt"
    lines = ledger.read_bytes().splitlines(keepends=True)
    receipt.write_text(f"custody-ledger/v1 2026-0042 3f6c\n{len(lines) + 3}\n{'a' * 64}\n")
    ran = run(pack, made[1], "python3", "verify_package.py", ".", "--receipt", str(receipt))
    assert ran.returncode == 1
    assert "DOES NOT HOLD  receipt later.txt" in ran.stdout


def test_the_stand_alone_script_tells_of_a_signer_who_had_been_revoked(
    pack: Path, made: tuple[Path, Path], tmp_path: Path
) -> None:
    """The list is put in unlisted: what the script says of files is not asked here."""
    people = Identities(made[0].parent / "identities")
    kept = {path.name: path.read_bytes() for path in (made[0] / "data/custody/crls").iterdir()}
    revoked = Identities(Path(shutil.copytree(people.folder, tmp_path / "identities")))
    (dana,) = (each for each in revoked.list() if each.name == "Dana Giver")
    revoked.revoke(dana.name, "pw", "left")
    for number, authority in enumerate(revoked.authorities()):
        data = authority.revocation_list.read_bytes()
        assert data not in kept.values() or authority.organisation == "Outside Laboratory"
        (pack / "data/custody/crls" / f"new-{number}.crl").write_bytes(data)
    ran = run(pack, made[1], "python3", "verify_package.py", ".")
    # Revoked after it signed, by a clock that nobody vouches for in a signature alone.
    assert "NOT ASKED      tagmanifest-sha256.txt.p7s: revocation (revoked on " in ran.stdout
    assert "NOT ASKED      000001.p7s: revocation (revoked on " in ran.stdout
    assert "HOLDS          000001-2.p7s: revocation" in ran.stdout
    script = (pack / "verify_package.py").read_text()
    (pack / "verify_package.py").write_text(script.replace("return when(said[1])", "return datetime(2199, 1, 1)"))
    ran = run(pack, made[1], "python3", "verify_package.py", ".")
    assert "DOES NOT HOLD  tagmanifest-sha256.txt.p7s: revocation (revoked on " in ran.stdout


def step_about(pack: Path, words: str) -> str:
    """The one step of VERIFY.txt that says this, as it stands."""
    text = (pack / "VERIFY.txt").read_text("utf-8")
    (found,) = (step for step in re.split(r"\n(?=# \d+\. )", text) if words in step)
    return found


def test_the_recipe_tells_of_a_signer_who_had_been_revoked(pack: Path, made: tuple[Path, Path], tmp_path: Path) -> None:
    """Cass, who signed beside, and then Dana, who signed the package, are put on a list that lies in the package."""
    step = step_about(pack, "revocation lists")
    assert run(pack, made[1], "sh", "-e", "-c", step).returncode == 0
    revoked = Identities(Path(shutil.copytree(made[0].parent / "identities", tmp_path / "identities")))
    (authority,) = (each for each in revoked.authorities() if each.organisation == "Test Health Plan")
    for person, status in (("Cass Taker", 0), ("Dana Giver", 1)):
        (one,) = (each for each in revoked.list() if each.name == person)
        revoked.revoke(one.name, "pw", "left")
        (pack / "data/custody/crls" / f"of {person}.crl".replace(" ", "-")).write_bytes(
            authority.revocation_list.read_bytes()
        )
        ran = run(pack, made[1], "sh", "-e", "-c", step)
        assert ran.returncode == status, ran.stdout + ran.stderr
        assert "certificate revoked" in ran.stdout
        assert person in ran.stdout
        assert "Revocation Date: " in ran.stdout


def test_the_recipe_sees_a_list_that_nobody_in_the_package_signed(pack: Path, made: tuple[Path, Path]) -> None:
    step = step_about(pack, "revocation lists")
    crl = next((pack / "data/custody/crls").iterdir())
    _flip_last(crl)
    ran = run(pack, made[1], "sh", "-e", "-c", step)
    assert ran.returncode != 0
    assert "verify failure" in ran.stdout
