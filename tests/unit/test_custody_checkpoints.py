"""A checkpoint must find what the chain cannot, a ledger sealed anew or cut off; no byte of it may change unseen."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.custody import cades, checkpoints
from forensics.custody.checkpoints import check_checkpoints, check_receipt, make_checkpoint
from forensics.custody.identities import Identities, Identity
from forensics.custody.ledger import NO_HEAD, Ledger, check
from forensics.errors import EnvironmentFailed, NotIntact, Refused
from forensics.model import CustodyEvent, Fact

ORIGIN = "2026-0042 3f6c2e1a"


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    """Two persons under one authority, and one under another; made by `Identities`, passphrase `pw`."""
    folder = Identities(tmp_path_factory.mktemp("identities"))
    folder.create_authority("Test Health Plan", "pw")
    folder.create("Dana Examiner", "pw")
    folder.create("Cass Custodian", "pw")
    folder.create_authority("Elsewhere", "pw")
    folder.create("Mal Lory", "pw", authority="Elsewhere")
    return {name.split()[0]: folder.load(name, "pw") for name in ("Dana Examiner", "Cass Custodian", "Mal Lory")}


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    book = Ledger(tmp_path / "case" / "custody")
    for number in range(4):
        book.append("note", actor="a", exhibit="E-001", data={"n": number})
    return book


@pytest.fixture
def signed(book: Ledger, signers: dict[str, Identity]) -> Ledger:
    """Two checkpoints by two people, with entries between and after."""
    make_checkpoint(book.folder, book, ORIGIN, signers["Dana"])
    book.append("note", actor="a")
    make_checkpoint(book.folder, book, ORIGIN, signers["Cass"])
    book.append("note", actor="a")
    return book


def broken(facts: list[Fact]) -> list[tuple[str, str]]:
    return [(fact.subject, fact.check) for fact in facts if fact.holds is False]


def flips(path: Path, masks: Sequence[int] = (0x01, 0x80)) -> Iterator[int]:
    """The file with one byte changed, for every byte and mask; put right afterwards."""
    data = path.read_bytes()
    for at in range(len(data)):
        for mask in masks:
            path.write_bytes(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :])
            yield at
    path.write_bytes(data)


def resealed(lines: list[bytes]) -> bytes:
    """The lines sealed anew as somebody would who knows the format: numbers, `prev` and own digests all agree."""

    def dump(entry: object) -> bytes:
        return json.dumps(entry, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    out, prev = [], NO_HEAD
    for number, line in enumerate(lines, 1):
        entry = {name: value for name, value in json.loads(line).items() if name != "sha256"}
        entry |= {"seq": number, "prev": prev}
        out.append(dump(entry | {"sha256": hashlib.sha256(dump(entry)).hexdigest()}))
        prev = hashlib.sha256(out[-1]).hexdigest()
    return b"".join(out)


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)


# ------------------------------------------------------------------------------------------------------------- good


def test_an_intact_case_with_two_checkpoints_holds_in_every_fact(signed: Ledger) -> None:
    facts = check_checkpoints(signed.folder)
    assert [fact for fact in facts if fact.holds is not True] == []
    assert {fact.check for fact in facts if fact.subject == "checkpoints/000002"} >= {*cades.CHECKS, "text form"}
    assert any("trusted: not asserted" in fact.detail for fact in facts)
    assert not broken(check(signed.path))


def test_a_checkpoint_text_is_what_the_page_promises_and_its_hashes_are_the_next_entry(
    book: Ledger, signers: dict[str, Identity]
) -> None:
    size, head = book.head()
    made = make_checkpoint(book.folder, book, ORIGIN, signers["Dana"])
    assert made.path_txt.read_bytes() == f"custody-ledger/v1 {ORIGIN}\n{size}\n{head}\n".encode()
    assert (made.size, made.head) == (size, head) == (4, book.events()[3].digest)
    entry = book.events()[4]
    assert (entry.event, entry.actor) == ("checkpoint", signers["Dana"].fingerprint)
    assert entry.data["txt_sha256"] == hashlib.sha256(made.path_txt.read_bytes()).hexdigest()
    assert entry.data["p7s_sha256"] == hashlib.sha256(made.path_p7s.read_bytes()).hexdigest()


def test_openssl_accepts_a_checkpoint_under_the_authority_that_is_kept_in_certs(signed: Ledger) -> None:
    for number, person in (("000001", "Dana"), ("000002", "Cass")):
        text = signed.folder / "checkpoints" / f"{number}.txt"
        p7s = text.with_suffix(".p7s")
        root = next(
            path
            for path in (signed.folder / "certs").iterdir()
            if b"CA:TRUE" in openssl("x509", "-in", path, "-noout", "-text").stdout.encode()
        )
        verify = ("cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", p7s, "-purpose", "any")
        for purpose in ("any", "smimesign"):
            done = openssl(*verify[:-1], purpose, "-content", text, "-CAfile", root, "-out", "/dev/null")
            assert done.returncode == 0, (person, done.stderr)
            assert "CAdES Verification successful" in done.stderr
        other = signed.path
        assert openssl(*verify, "-content", other, "-CAfile", root, "-out", "/dev/null").returncode != 0


def test_a_case_nobody_signed_is_neither_good_nor_bad(book: Ledger) -> None:
    assert [fact.holds for fact in check_checkpoints(book.folder)] == [None]


# ------------------------------------------------------------------------------------------------- every byte changed


@pytest.mark.parametrize("suffix", [".txt", ".p7s"])
def test_every_flipped_byte_of_a_checkpoint_file_is_found(
    book: Ledger, signers: dict[str, Identity], suffix: str
) -> None:
    make_checkpoint(book.folder, book, ORIGIN, signers["Dana"])
    path = book.folder / "checkpoints" / f"000001{suffix}"
    assert [at for at in flips(path, (0x01,)) if not broken(check_checkpoints(book.folder))] == []


def test_every_flipped_byte_of_every_certificate_file_is_found(signed: Ledger) -> None:
    paths = sorted((signed.folder / "certs").iterdir())
    assert len(paths) == 3
    for path in paths:
        name = f"certs/{path.name}"
        for at in flips(path):
            certificates, facts = checkpoints._stored_certificates(signed.folder / "certs")
            assert (name, "certificate as stored") in broken(facts), at
            assert len(certificates) == 2
    assert not broken(check_checkpoints(signed.folder))


def test_every_flipped_byte_of_a_signature_is_found_without_the_ledger_s_help(signers: dict[str, Identity]) -> None:
    """As for a receipt, whose hash no ledger records; `openssl cms -verify` misses about a quarter of these."""
    signer, content = signers["Dana"], b"custody-ledger/v1 x\n1\n" + b"0" * 64 + b"\n"
    stored = [x509.load_pem_x509_certificate(pem) for pem in (signer.certificate_pem, *signer.chain_pem)]
    p7s = signer.cades(content)
    assert not broken(cades.check(content, p7s, "s", stored))
    unseen = [
        (at, mask)
        for at in range(len(p7s))
        for mask in (0x01, 0x80)
        if not broken(cades.check(content, p7s[:at] + bytes([p7s[at] ^ mask]) + p7s[at + 1 :], "s", stored))
    ]
    assert unseen == []
    assert [at for at in range(0, len(p7s), 7) if not broken(cades.check(content, p7s[:at], "s", stored))] == []
    assert broken(cades.check(content, p7s + b"\0", "s", stored))
    for at in range(len(content)):
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        assert ("s", "covers the content") in broken(cades.check(changed, p7s, "s", stored))


def _with(change: Callable[[cms.SignedData], None], p7s: bytes) -> bytes:
    info = cms.ContentInfo.load(p7s)
    change(info["content"])
    encoded: bytes = info.dump(force=True)
    return encoded


def _add_unsigned(data: cms.SignedData) -> None:
    data["signer_infos"][0]["unsigned_attrs"] = cms.CMSAttributes(
        [cms.CMSAttribute({"type": "content_type", "values": ["data"]})]
    )


def _drop_root(data: cms.SignedData) -> None:
    data["certificates"] = [each for each in data["certificates"] if each.chosen.subject != each.chosen.issuer]


def _name_another_digest(data: cms.SignedData) -> None:
    data["digest_algorithms"] = [{"algorithm": "sha512"}]


def _sign_twice(data: cms.SignedData) -> None:
    data["signer_infos"] = [data["signer_infos"][0], data["signer_infos"][0]]


def _enclose_the_content(data: cms.SignedData) -> None:
    data["encap_content_info"] = {"content_type": "data", "content": b"another text"}


@pytest.mark.parametrize(
    ("change", "check_name"),
    [
        (_add_unsigned, "no unsigned attributes"),
        (_drop_root, "certificate valid at signing time"),
        (_name_another_digest, "canonical DER"),
        (_sign_twice, "signature intact"),
        (_enclose_the_content, "canonical DER"),
    ],
)
def test_what_openssl_lets_pass_around_a_signature_is_found(
    signers: dict[str, Identity], change: Callable[[cms.SignedData], None], check_name: str
) -> None:
    signer = signers["Dana"]
    stored = [x509.load_pem_x509_certificate(pem) for pem in (signer.certificate_pem, *signer.chain_pem)]
    changed = _with(change, signer.cades(b"text"))
    assert ("s", check_name) in broken(cades.check(b"text", changed, "s", stored))


def test_certificates_in_another_order_are_not_the_signature_that_was_made(signers: dict[str, Identity]) -> None:
    signer = signers["Dana"]
    p7s = signer.cades(b"text")
    first, second = (each.chosen.dump() for each in cms.ContentInfo.load(p7s)["content"]["certificates"])
    assert first + second in p7s
    assert ("s", "canonical DER") in broken(
        cades.check(b"text", p7s.replace(first + second, second + first), "s", None)
    )


def test_a_signature_from_outside_the_stored_certificates_is_found(
    signed: Ledger, signers: dict[str, Identity]
) -> None:
    """An insider replaces text and signature by those of a key of his own."""
    text = signed.folder / "checkpoints" / "000001.txt"
    text.with_suffix(".p7s").write_bytes(signers["Mal"].cades(text.read_bytes()))
    assert broken(check_checkpoints(signed.folder)) == [
        ("checkpoints/000001", "certificates as stored"),
        ("checkpoints/000001", "recorded in the ledger"),
    ]


# ---------------------------------------------------------------------------------------- certificates and their time


def _certificate(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    issuer: tuple[ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, x509.Certificate] | None,
    *,
    days: int = 30,
    authority: bool = False,
    lasting: bool = True,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Root" if authority else "Person")])
    now = datetime.now(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer[1].subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(
            x509.KeyUsage(not authority, lasting and not authority, *[False] * 3, authority, authority, False, False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(issuer[0] if issuer else key, hashes.SHA256())
    )


@pytest.mark.parametrize(
    ("days", "lasting", "signed_days_ago", "holds"),
    [(30, True, 0, True), (-10, True, 0, False), (-10, True, 20, True), (30, True, 70, False), (30, False, 0, False)],
)
def test_a_certificate_is_judged_at_the_time_of_signing(
    days: int, lasting: bool, signed_days_ago: int, holds: bool
) -> None:
    root_key, key = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    root = _certificate(root_key, None, authority=True, days=300)
    person = _certificate(key, (root_key, root), days=days, lasting=lasting)
    p7s = cades.sign(b"text", cades.by_key(key), person, [root], datetime.now(UTC) - timedelta(days=signed_days_ago))
    fact = cades.check(b"text", p7s, "s", [root, person])[-1]
    assert (fact.check, fact.holds) == ("certificate valid at signing time", holds), fact.detail


def test_a_certificate_that_another_root_of_the_same_name_issued_is_found() -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    root, impostor = (_certificate(key, None, authority=True) for key in keys[:2])
    person = _certificate(keys[2], (keys[0], root))
    p7s = cades.sign(b"text", cades.by_key(keys[2]), person, [impostor], datetime.now(UTC))
    fact = cades.check(b"text", p7s, "s", [impostor, person])[-1]
    assert fact.holds is False


def test_a_signature_that_openssl_makes_is_judged_by_the_same_rules(tmp_path: Path) -> None:
    """`openssl cms -sign -cades` is an independent writer: whatever we say of it, it must not be an exception."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate(root_key, None, authority=True)
    person = _certificate(key, (root_key, root))
    for name, data in (
        ("root.pem", root.public_bytes(Encoding.PEM)),
        ("person.pem", person.public_bytes(Encoding.PEM)),
        ("person.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
        ("text", b"text"),
    ):
        (tmp_path / name).write_bytes(data)
    made = openssl(
        *("cms", "-sign", "-cades", "-binary", "-outform", "DER", "-md", "sha256", "-in", tmp_path / "text"),
        *("-signer", tmp_path / "person.pem", "-inkey", tmp_path / "person.key", "-certfile", tmp_path / "root.pem"),
        *("-out", tmp_path / "p7s"),
    )
    assert made.returncode == 0, made.stderr
    facts = {
        fact.check: fact.holds for fact in cades.check(b"text", (tmp_path / "p7s").read_bytes(), "s", [root, person])
    }
    assert facts["signature intact"]
    assert facts["covers the content"]
    assert facts["certificates as stored"]


# -------------------------------------------------------------------------------- what the chain alone does not find


def test_a_ledger_sealed_anew_is_found_by_its_checkpoints(signed: Ledger) -> None:
    lines = signed.path.read_bytes().splitlines(keepends=True)
    for at in range(4):
        signed.path.write_bytes(resealed(lines[:at] + lines[at + 1 :]))
        assert not broken(check(signed.path))
        assert ("checkpoints/000001", "agrees with the ledger") in broken(check_checkpoints(signed.folder))
    swapped = [lines[1], lines[0], *lines[2:]]
    signed.path.write_bytes(resealed(swapped))
    assert ("checkpoints/000002", "agrees with the ledger") in broken(check_checkpoints(signed.folder))


def test_a_ledger_cut_before_its_newest_checkpoint_was_recorded_is_found(signed: Ledger) -> None:
    lines = signed.path.read_bytes().splitlines(keepends=True)
    for keep in range(len(lines) - 1):
        signed.path.write_bytes(b"".join(lines[:keep]))
        assert broken(check_checkpoints(signed.folder)), keep


def test_a_checkpoint_or_certificate_that_is_gone_or_planted_is_found(signed: Ledger) -> None:
    folder = signed.folder
    for path in sorted((folder / "checkpoints").glob("0*")) + sorted((folder / "certs").iterdir()):
        hidden = folder / "hidden"
        path.rename(hidden)
        assert broken(check_checkpoints(folder)), path.name
        hidden.rename(path)
    for name in ("000001.txt", "000001.p7s"):
        (folder / "checkpoints" / name).rename(folder / name)
    assert ("checkpoints/000001", "files present") in broken(check_checkpoints(folder))
    for name in ("000001.txt", "000001.p7s"):
        shutil.copy(folder / name, folder / "checkpoints" / name.replace("1", "9"))
        (folder / name).rename(folder / "checkpoints" / name)
    assert broken(check_checkpoints(folder)) == [("checkpoints/000009", "recorded in the ledger")]


def test_a_checkpoint_of_another_case_is_found(book: Ledger, signers: dict[str, Identity]) -> None:
    make_checkpoint(book.folder, book, ORIGIN, signers["Dana"])
    make_checkpoint(book.folder, book, "2026-0043 other", signers["Dana"])
    assert broken(check_checkpoints(book.folder)) == [("checkpoints", "one case")]


# --------------------------------------------------------------------------------------------------------- receipts


def test_a_receipt_finds_truncation_to_every_earlier_state(signed: Ledger, tmp_path: Path) -> None:
    receipt = Path(shutil.copy(signed.folder / "checkpoints" / "000002.txt", tmp_path / "kept by the other party.txt"))
    assert not broken(check_receipt(receipt, signed.path))
    lines = signed.path.read_bytes().splitlines(keepends=True)
    size = int(receipt.read_text().splitlines()[1])
    for keep in range(len(lines) + 1):
        signed.path.write_bytes(b"".join(lines[:keep]))
        found = [fact for fact in check_receipt(receipt, signed.path) if fact.holds is False]
        assert bool(found) == (keep < size), keep
        if found:
            assert f"cut off, it has {keep} entries" in found[0].detail


def test_a_receipt_finds_an_insider_who_cut_sealed_and_signed_anew(
    book: Ledger, signers: dict[str, Identity], tmp_path: Path
) -> None:
    made = make_checkpoint(book.folder, book, ORIGIN, signers["Dana"])
    kept = tmp_path / "kept"
    kept.mkdir()
    receipt = Path(shutil.copy(made.path_txt, kept))
    shutil.copy(made.path_p7s, kept)
    lines = book.path.read_bytes().splitlines(keepends=True)
    shutil.rmtree(book.folder / "checkpoints")
    book.path.write_bytes(resealed([lines[0], lines[2], lines[3]]))
    book.append("note", actor="a", data={"n": 3})
    make_checkpoint(book.folder, book, ORIGIN, signers["Dana"])
    assert not broken(check(book.path) + check_checkpoints(book.folder))
    assert broken(check_receipt(receipt, book.folder)) == [(f"receipt {receipt.name}", "agrees with the ledger")]


def test_a_receipt_s_signature_is_checked_where_it_is_beside_it(signed: Ledger, tmp_path: Path) -> None:
    receipt = Path(shutil.copy(signed.folder / "checkpoints" / "000001.txt", tmp_path))
    alone = {fact.check: fact.holds for fact in check_receipt(receipt, signed.folder)}
    assert alone["signature intact"] is None
    p7s = Path(shutil.copy(signed.folder / "checkpoints" / "000001.p7s", tmp_path))
    for either in (receipt, p7s):
        facts = check_receipt(either, signed.folder)
        assert {fact.check for fact in facts} >= {*cades.CHECKS, "agrees with the ledger", "one case"}
        assert all(fact.holds for fact in facts)
    for _ in flips(receipt):
        assert broken(check_receipt(receipt, signed.folder))


def test_a_file_that_is_no_receipt_is_said_to_be_none(signed: Ledger, tmp_path: Path) -> None:
    for content in (b"", b"\xff\xfe", b"custody-ledger/v1 x\n01\n" + b"0" * 64 + b"\n", b"x" * (2 << 20)):
        (tmp_path / "receipt.txt").write_bytes(content)
        assert broken(check_receipt(tmp_path / "receipt.txt", signed.path)) == [("receipt receipt.txt", "text form")]
    assert broken(check_receipt(tmp_path / "absent.txt", signed.path))


# ----------------------------------------------------------------------------------------------------------- making


def test_a_damaged_ledger_is_not_signed(signed: Ledger, signers: dict[str, Identity]) -> None:
    data = signed.path.read_bytes()
    signed.path.write_bytes(data.replace(b'"n":1', b'"n":7'))
    with pytest.raises(NotIntact, match="line 2"):
        make_checkpoint(signed.folder, signed, ORIGIN, signers["Dana"])


@pytest.mark.parametrize("origin", ["", " ", "2026\n1", "a\tb"])
def test_an_origin_that_would_break_the_text_is_refused(
    book: Ledger, signers: dict[str, Identity], origin: str
) -> None:
    with pytest.raises(Refused):
        make_checkpoint(book.folder, book, origin, signers["Dana"])


def test_a_checkpoint_cut_short_before_its_entry_is_forgotten_and_after_it_is_finished(
    book: Ledger, signers: dict[str, Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Ledger.append

    def fail_before(*args: object, **kwargs: object) -> CustodyEvent:
        raise EnvironmentFailed("no power")

    monkeypatch.setattr(Ledger, "append", fail_before)
    with pytest.raises(EnvironmentFailed):
        make_checkpoint(book.folder, book, ORIGIN, signers["Dana"])
    assert [fact.check for fact in check_checkpoints(book.folder) if fact.holds is None] == ["made"]

    def fail_after(self: Ledger, event: str, *, actor: str, data: dict[str, object]) -> CustodyEvent:
        real(self, event, actor=actor, data=data)
        raise EnvironmentFailed("no power")

    monkeypatch.setattr(Ledger, "append", fail_after)
    with pytest.raises(EnvironmentFailed):
        make_checkpoint(book.folder, book, ORIGIN, signers["Dana"])
    assert broken(check_checkpoints(book.folder)) == [("checkpoints/000001", "files present")]
    monkeypatch.setattr(Ledger, "append", real)
    made = make_checkpoint(book.folder, book, ORIGIN, signers["Dana"])
    assert made.path_txt.name == "000002.txt"
    assert not broken(check_checkpoints(book.folder))
    assert sorted(path.name for path in (book.folder / "checkpoints").glob("0*")) == [
        "000001.p7s",
        "000001.txt",
        "000002.p7s",
        "000002.txt",
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=4))
def test_no_hostile_signature_is_an_exception_or_intact(
    signers: dict[str, Identity], edits: list[tuple[int, bytes, int]]
) -> None:
    original = changed = _p7s_of(signers["Dana"])
    for place, instead, dropped in edits:
        at = place % (len(changed) + 1)
        changed = changed[:at] + instead + changed[at + dropped :]
    stored = [
        x509.load_pem_x509_certificate(pem) for pem in (signers["Dana"].certificate_pem, *signers["Dana"].chain_pem)
    ]
    for certificates in (stored, None):
        facts = cades.check(b"text", changed, "s", certificates)
        assert [fact.check for fact in facts] == list(cades.CHECKS)
        if certificates and changed != original:
            assert broken(facts)


_MADE: dict[str, bytes] = {}


def _p7s_of(signer: Identity) -> bytes:
    return _MADE.setdefault(signer.name, signer.cades(b"text"))
