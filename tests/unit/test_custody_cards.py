"""A key on a card signs without leaving it, a revoked person signs no more; SoftHSM is the card, openssl judges."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from forensics.custody import cades, certificates, identities
from forensics.custody.cards import Card
from forensics.custody.identities import Identities
from forensics.errors import EnvironmentFailed, Refused
from forensics.report.document import build
from forensics.report.signing import check_pdf, sign
from forensics.signatures import cms
from tests.unit.report_fixtures import report_facts

MODULES = [Path("/usr/lib/softhsm/libsofthsm2.so"), Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")]
MODULE = next((path for path in MODULES if path.is_file()), None)
PIN, TOKEN = "864213", "Custody card"

needs_card = pytest.mark.skipif(MODULE is None, reason="softhsm2 is not installed")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    found = Identities(tmp_path_factory.mktemp("identities"))
    found.create_authority("Plan", "pw")
    found.create("Dana Examiner", "pw")
    return found


@pytest.fixture(scope="module")
def cards(people: Identities, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Card]:
    """A token with an EC and an RSA key under the authority; SoftHSM reads its place once, at the first use."""
    assert MODULE
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    patch = pytest.MonkeyPatch()
    patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
    run = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", "12345678"]
    subprocess.run(run, check=True, capture_output=True)
    import pkcs11
    from pkcs11.util.x509 import decode_x509_certificate

    authority = people.authorities()[0]
    root = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    key, _, _ = identities.key_files.unlock(authority.certificate.with_suffix(".p12"), "pw", "it")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    made = {}
    for number, (label, private) in enumerate(
        {"ec": ec.generate_private_key(ec.SECP256R1()), "rsa": rsa.generate_private_key(65537, 2048)}.items(), 1
    ):
        usage = certificates.usage(digital_signature=True, content_commitment=True)
        purposes = [identities.DOCUMENT_SIGNING, x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]
        certificate = certificates.issue(f"Card {label.upper()}", private.public_key(), key, root, usage, purposes)
        (folder / "key.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        run = [
            "softhsm2-util",
            "--import",
            folder / "key.pem",
            "--token",
            TOKEN,
            "--label",
            label,
            "--id",
            f"0{number}",
        ]
        subprocess.run([*run, "--pin", PIN], check=True, capture_output=True)
        with pkcs11.lib(str(MODULE)).get_token(token_label=TOKEN).open(user_pin=PIN, rw=True) as session:
            template = decode_x509_certificate(certificate.public_bytes(Encoding.DER))
            template |= {pkcs11.Attribute.LABEL: label, pkcs11.Attribute.TOKEN: True}
            session.create_object(template)
        made[label] = Card(MODULE, TOKEN, label)
    return made


@needs_card
@pytest.mark.parametrize("label", ["ec", "rsa"])
def test_a_card_signs_checkpoints_and_reports_that_hold(
    people: Identities, cards: dict[str, Card], label: str, tmp_path: Path
) -> None:
    told = people.import_card(cards[label], PIN, people.authorities()[0].certificate)
    assert told.kind == "card"
    signer = people.load(told.name, PIN)
    assert signer._key is None
    p7s = signer.cades(b"text")
    stored = [x509.load_pem_x509_certificate(pem) for pem in (signer.certificate_pem, *signer.chain_pem)]
    assert all(fact.holds for fact in cades.check(b"text", p7s, "s", stored))
    for name, data in (("p7s", p7s), ("text", b"text"), ("root", signer.chain_pem[-1])):
        (tmp_path / name).write_bytes(data)
    judged = [
        "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "p7s", "-content", "text",
        "-CAfile", "root", "-purpose", "any", "-out", "/dev/null",
    ]  # fmt: skip
    assert subprocess.run(judged, cwd=tmp_path, capture_output=True).returncode == 0
    build(report_facts(signer), tmp_path / "u.pdf")  # type: ignore[arg-type]
    sign(tmp_path / "u.pdf", tmp_path / "r.pdf", signer, reason="x")
    assert [fact for fact in check_pdf(tmp_path / "r.pdf") if fact.holds is False] == []
    pdfsig = subprocess.run(["pdfsig", "-nocert", tmp_path / "r.pdf"], capture_output=True, text=True).stdout
    assert "Signature is Valid." in pdfsig
    kept = people.folder / "people" / f"card-{label}"
    kept = kept if kept.is_dir() else next((people.folder / "people").glob(f"card-{label}*"))
    assert sorted(path.name for path in kept.iterdir()) == ["card.json", "signing.pem"]
    assert PIN not in (kept / "card.json").read_text()


@needs_card
def test_a_wrong_pin_another_label_or_no_card_is_said_with_a_remedy(people: Identities, cards: dict[str, Card]) -> None:
    with pytest.raises(Refused, match="PIN"):
        people.import_card(cards["ec"], "000000", people.authorities()[0].certificate)
    with pytest.raises(Refused, match="no private key"):
        people.import_card(Card(cards["ec"].module, TOKEN, "other"), PIN)
    for absent in (Card(cards["ec"].module, "No such token", "ec"), Card(Path("/no/module.so"), TOKEN, "ec")):
        with pytest.raises(EnvironmentFailed):
            people.import_card(absent, PIN)
    with pytest.raises(Refused, match="chain"):
        people.import_card(cards["ec"], PIN)


# -------------------------------------------------------------------------------------------------------- revocation


def test_who_was_revoked_signs_no_more_and_openssl_refuses_the_certificate(tmp_path: Path) -> None:
    people = Identities(tmp_path)
    people.create_authority("Plan", "pw")
    people.create("Dana Examiner", "dana", authority_passphrase="pw")
    people.create("Cass Custodian", "cass", authority_passphrase="pw")
    authority = people.authorities()[0]
    (tmp_path / "chain.pem").write_bytes(authority.certificate.read_bytes())

    def judged(name: str) -> int:
        listed = x509.load_der_x509_crl(authority.revocation_list.read_bytes())
        (tmp_path / "crl.pem").write_bytes(listed.public_bytes(Encoding.PEM))
        leaf = next((tmp_path / "people").glob(f"{name}*")) / "signing.pem"
        command = ["openssl", "verify", "-crl_check", "-CAfile", "chain.pem", "-CRLfile", "crl.pem", leaf]
        return subprocess.run(command, cwd=tmp_path, capture_output=True).returncode

    assert judged("dana") == 0
    assert people.revoke("Dana Examiner", "pw", "left").state == "revoked"
    assert judged("dana") != 0
    assert judged("cass") == 0
    with pytest.raises(Refused, match="revoked"):
        people.load("Dana Examiner", "dana")
    assert people.load("Cass Custodian", "cass").name == "Cass Custodian"
    assert {each.name: each.state for each in people.list()} == {
        "Custody signing authority": "valid", "Dana Examiner": "revoked", "Cass Custodian": "valid",
    }  # fmt: skip
    listed = x509.load_der_x509_crl(authority.revocation_list.read_bytes())
    assert len(list(listed)) == 2, "the encryption certificate is revoked with the other"
    for wrong in (("Dana Examiner", "pw", "left"), ("Nobody", "pw", "left"), ("Cass Custodian", "pw", "because"),
                  ("Cass Custodian", "no", "left")):  # fmt: skip
        with pytest.raises(Refused):
            people.revoke(*wrong)


def test_a_certificate_near_its_end_is_said_to_expire_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = Identities(tmp_path)
    people.create_authority("Plan", "pw")
    monkeypatch.setattr(certificates, "PERSON_DAYS", identities.WARN_DAYS - 1)
    assert people.create("Dana Examiner", "pw").state == "expires soon"
    later = datetime.now(UTC) + timedelta(days=identities.WARN_DAYS)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return later

    monkeypatch.setattr(identities, "datetime", Later)
    assert {each.state for each in people.list() if each.name == "Dana Examiner"} == {"expired"}


def test_the_digest_that_a_card_signs_is_the_messages() -> None:
    """The prefix under PKCS #1 v1.5 is SHA-256's, as `cryptography` writes it."""
    from forensics.custody.cards import _DIGEST_INFO_SHA256

    key = rsa.generate_private_key(65537, 2048)
    signature = cades.by_key(key)(b"message")
    numbers = key.public_key().public_numbers()
    padded = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(256, "big")
    assert padded.endswith(b"\0" + _DIGEST_INFO_SHA256 + hashlib.sha256(b"message").digest())
    assert cms.MOST_BYTES
