"""Nobody signs without a certificate that names them, and other people's programs must agree with what we issue."""

from __future__ import annotations

import io
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from forensics.custody import cades, certificates, key_files
from forensics.custody.identities import Identities, IdentityKind
from forensics.errors import NotIntact, Refused
from forensics.model import Signer
from forensics.signatures.cms import common_name

PASSPHRASE = "pässphrase 🔑 with a blank"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    """One authority and one person of it, with a passphrase that needs more than ASCII. Tests only read it."""
    made = Identities(tmp_path_factory.mktemp("identities") / "new folder")
    made.create_authority("Test Health Plan", "of the authority")
    made.create("Dana Examiner", PASSPHRASE, authority_passphrase="of the authority")
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer derivation rounds, where the passphrase is not what is tested."""
    monkeypatch.setattr(key_files, "ROUNDS", 1000)


def openssl(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, input=given)


def authority_of(folder: Identities) -> Path:
    return folder.folder / "authorities" / "test-health-plan"


def person_of(folder: Identities) -> Path:
    return folder.folder / "people" / "dana-examiner"


# ------------------------------------------------------------------------------------------------ independent judges


def test_openssl_verifies_both_certificates_of_a_person_with_the_revocation_list(made: Identities) -> None:
    root, revoked = authority_of(made) / "authority.pem", authority_of(made) / "authority.crl"
    for name, purpose in (("signing.pem", "smimesign"), ("encryption.pem", "smimeencrypt")):
        done = openssl(
            *("verify", "-x509_strict", "-crl_check", "-CAfile", root, "-CRLfile", revoked, "-purpose", purpose),
            person_of(made) / name,
        )
        assert done.returncode == 0, done.stderr + done.stdout
    assert openssl("verify", "-x509_strict", "-CAfile", root, root).returncode == 0
    assert openssl("crl", "-inform", "DER", "-in", revoked, "-CAfile", root, "-noout").stderr == b"verify OK\n"


def test_a_signing_certificate_says_what_it_is_for(made: Identities) -> None:
    text = openssl("x509", "-in", person_of(made) / "signing.pem", "-noout", "-text").stdout.decode()
    for part in (
        "O = Test Health Plan, CN = Dana Examiner",
        "Digital Signature, Non Repudiation\n",
        "1.3.6.1.5.5.7.3.36",
        "E-mail Protection",
        "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
        "X509v3 CRL Distribution Points",
        "prime256v1",
        "CA:FALSE",
    ):
        assert part in text, part
    assert "URI:" not in text
    encryption = openssl("x509", "-in", person_of(made) / "encryption.pem", "-noout", "-text").stdout.decode()
    assert "Public-Key: (3072 bit)" in encryption
    assert "Key Encipherment\n" in encryption
    assert "Digital Signature" not in encryption


def test_openssl_opens_the_key_files_and_both_derivations_are_slow(made: Identities) -> None:
    for path in (person_of(made) / "signing.pem", person_of(made) / "encryption.pem"):
        done = openssl(
            *("pkcs12", "-in", path.with_suffix(".p12"), "-passin", "stdin", "-info", "-noout"),
            given=PASSPHRASE.encode() + b"\n",
        )
        assert done.returncode == 0, done.stderr
        assert b"MAC: sha256, Iteration 600000\n" in done.stderr
        assert done.stderr.count(b"PBES2, PBKDF2, AES-256-CBC, Iteration 600000, PRF hmacWithSHA256") == 2


def test_what_openssl_encrypts_to_a_person_only_that_person_s_key_opens(made: Identities, tmp_path: Path) -> None:
    certificate = tmp_path / "to.pem"
    certificate.write_bytes(made.encryption_certificate("Dana Examiner"))
    sealed = tmp_path / "sealed.p7m"
    assert openssl("cms", "-encrypt", "-aes256", "-out", sealed, certificate, given=b"a secret").returncode == 0
    key = tmp_path / "key.pem"
    done = openssl(
        *("pkcs12", "-in", person_of(made) / "encryption.p12", "-passin", "stdin", "-nodes", "-nocerts", "-out", key),
        given=PASSPHRASE.encode() + b"\n",
    )
    assert done.returncode == 0
    assert b"a secret" in openssl("cms", "-decrypt", "-in", sealed, "-inkey", key, "-recip", certificate).stdout


def test_pdfsig_accepts_a_document_signed_with_an_identity(made: Identities, tmp_path: Path) -> None:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import PdfSignatureMetadata, signers
    from reportlab.pdfgen import canvas

    blank = io.BytesIO()
    page = canvas.Canvas(blank)
    page.drawString(100, 100, "report")
    page.save()
    signer = made.load("Dana Examiner", PASSPHRASE).pdf_signer()
    out = signers.sign_pdf(
        IncrementalPdfFileWriter(blank), PdfSignatureMetadata(field_name="Examiner", md_algorithm="sha256"), signer
    )
    path = tmp_path / "signed.pdf"
    path.write_bytes(out.getvalue())
    done = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True)
    assert "Signature is Valid." in done.stdout
    assert "Dana Examiner" in done.stdout


# ------------------------------------------------------------------------------------------------------------ loading


def test_a_loaded_identity_is_a_signer_and_signs(made: Identities) -> None:
    identity = made.load("Dana Examiner", PASSPHRASE)
    signer: Signer = identity
    assert (signer.name, signer.organisation) == ("Dana Examiner", "Test Health Plan")
    assert signer.fingerprint == made.list()[1].fingerprint
    assert len(signer.chain_pem) == 1
    assert identity.revocation_list
    certificates = [x509.load_pem_x509_certificate(pem) for pem in (signer.certificate_pem, *signer.chain_pem)]
    assert all(fact.holds for fact in cades.check(b"text", signer.cades(b"text"), "s", certificates))
    assert made.load("dana-examiner", PASSPHRASE).fingerprint == signer.fingerprint


def test_loading_does_not_keep_a_person_waiting(made: Identities) -> None:
    started = time.perf_counter()
    made.load("Dana Examiner", PASSPHRASE)
    assert time.perf_counter() - started < 10


def test_listing_shows_who_there_is_without_a_passphrase(made: Identities) -> None:
    authority, person = made.list()
    assert (authority.kind, authority.organisation) == (IdentityKind.AUTHORITY, "Test Health Plan")
    assert (person.kind, person.name, person.organisation) == (IdentityKind.PERSON, "Dana Examiner", "Test Health Plan")
    assert datetime.fromisoformat(person.not_after) > datetime.now(UTC) + timedelta(days=700)
    assert made.authorities()[0].fingerprint == authority.fingerprint
    assert Identities(made.folder / "nowhere").list() == []


@pytest.mark.parametrize("wrong", ["", "pw", PASSPHRASE + " ", PASSPHRASE.replace("ä", "a"), "\ud800"])
def test_a_wrong_passphrase_is_refused_with_a_remedy(made: Identities, wrong: str) -> None:
    with pytest.raises(Refused) as raised:
        made.load("Dana Examiner", wrong)
    assert "passphrase does not open" in raised.value.message
    assert raised.value.remedy
    assert not wrong or wrong not in str(raised.value)


def test_an_unknown_person_is_refused_and_those_there_are_are_named(made: Identities, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Dana Examiner"):
        made.load("Somebody Else", PASSPHRASE)
    with pytest.raises(Refused, match="identity create"):
        Identities(tmp_path).load("Dana Examiner", PASSPHRASE)
    with pytest.raises(Refused):
        made.load("../authorities/test-health-plan", "of the authority")


def test_no_key_is_readable_by_others_or_stands_in_the_clear(made: Identities) -> None:
    files = [path for path in made.folder.rglob("*") if path.is_file()]
    assert len(files) == 7
    for path in files:
        assert path.stat().st_mode & 0o077 == 0, path
        assert b"PRIVATE KEY" not in path.read_bytes()
    for folder in (authority_of(made), person_of(made)):
        assert folder.stat().st_mode & 0o077 == 0
    identity = made.load("Dana Examiner", PASSPHRASE)
    # The Base64 of a certificate may spell anything.
    shown = re.sub(r"-----BEGIN (CERTIFICATE|X509 CRL)-----.*?-----END \1-----", "", repr(identity))
    assert "key" not in shown.lower().replace("forensics.custody", "")


def test_a_swapped_certificate_is_not_used_with_the_key(quick: None, tmp_path: Path) -> None:
    made = Identities(tmp_path)
    made.create_authority("Test Health Plan", "pw")
    made.create("Dana Examiner", "pw")
    made.create("Cass Custodian", "pw")
    other = tmp_path / "people" / "cass-custodian" / "signing.pem"
    (person_of(made) / "signing.pem").write_bytes(other.read_bytes())
    with pytest.raises(NotIntact):
        made.load("dana-examiner", "pw")
    other.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(NotIntact):
        made.list()


def test_an_expired_certificate_does_not_sign(quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Identities(tmp_path)
    monkeypatch.setattr(certificates, "now", lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(days=800))
    made.create_authority("Test Health Plan", "pw")
    made.create("Dana Examiner", "pw")
    with pytest.raises(Refused, match="not today"):
        made.load("Dana Examiner", "pw")


# ------------------------------------------------------------------------------------------------------------- making


def test_without_an_authority_nobody_is_created(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="identity create-authority"):
        Identities(tmp_path).create("Dana Examiner", "pw")
    assert Identities(tmp_path).list() == []


def test_nothing_is_overwritten_and_a_refusal_leaves_no_trace(quick: None, tmp_path: Path) -> None:
    made = Identities(tmp_path)
    made.create_authority("Test Health Plan", "pw")
    made.create("Dana Examiner", "pw")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for again in (
        lambda: made.create("Dana Examiner", "pw"),
        lambda: made.create("dana  examiner", "pw"),
        lambda: made.create_authority("Test Health Plan", "pw"),
        lambda: made.create("Cass Custodian", "not the authority's"),
        lambda: made.create("Cass Custodian", "pw", authority="Elsewhere"),
        lambda: made.create("", "pw"),
        lambda: made.create("x" * 65, "pw"),
        lambda: made.create("Cass\x00Custodian", "pw"),
        lambda: made.create("Cass Custodian", "", authority_passphrase="pw"),
        lambda: made.create("Cass Custodian", "\ud800", authority_passphrase="pw"),
    ):
        with pytest.raises(Refused):
            again()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert [path.name for path in (tmp_path / "people").iterdir()] == ["dana-examiner"]


def test_any_name_becomes_a_file_name_inside_the_folder_and_is_found_again(quick: None, tmp_path: Path) -> None:
    made = Identities(tmp_path)
    made.create_authority("../../etc/Zürich & Söhne", "pw")
    names = ["../../x", "José", "Jose", "山田太郎", "CON", "nul", "a/b", "a b", "..", "-rf"]
    for name in names:
        made.create(name, "pw")
    folders = sorted(path.name for path in (tmp_path / "people").iterdir())
    assert len(folders) == len(names)
    for folder in folders:
        assert folder.isascii()
        assert not {"/", "\\", ".", " "} & set(folder)
        assert folder not in ("con", "nul")
        assert not folder.startswith("-")
    assert {path.name for path in tmp_path.iterdir()} == {"authorities", "people"}
    for name in names:
        assert made.load(name, "pw").name == name


def test_two_authorities_ask_for_a_choice(quick: None, tmp_path: Path) -> None:
    made = Identities(tmp_path)
    made.create_authority("Test Health Plan", "pw")
    made.create_authority("Elsewhere", "pw")
    with pytest.raises(Refused, match="Elsewhere, Test Health Plan"):
        made.create("Dana Examiner", "pw")
    assert made.create("Dana Examiner", "pw", authority="Elsewhere").organisation == "Elsewhere"


def test_issuing_renews_the_revocation_list(quick: None, tmp_path: Path) -> None:
    made = Identities(tmp_path)
    path = made.create_authority("Test Health Plan", "pw").revocation_list
    numbers = []
    for name in ("Dana Examiner", "Cass Custodian"):
        made.create(name, "pw")
        found = x509.load_der_x509_crl(path.read_bytes())
        numbers.append(found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
    assert numbers == [2, 3]
    root = path.with_suffix(".pem")
    assert openssl("crl", "-inform", "DER", "-in", path, "-CAfile", root, "-noout").stderr == b"verify OK\n"


# ---------------------------------------------------------------------------------------------------------- importing

Pair = tuple[ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, x509.Certificate]


def issued(
    name: str,
    issuer: Pair | None,
    *,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
    ca: bool = False,
    lasting: bool = True,
    days: int = 30,
) -> Pair:
    """A certificate as another authority might issue it."""
    key = key or ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Other"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
        ]
    )
    now = datetime.now(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(
            x509.KeyUsage(not ca, lasting and not ca, False, False, False, ca, ca, False, False), critical=True
        )
    )
    return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())


@pytest.fixture(scope="module")
def outside() -> tuple[Pair, Pair]:
    root = issued("Root", None, ca=True)
    return root, issued("Intermediate", root, ca=True)


def p12(path: Path, who: Pair, others: list[Pair], passphrase: str = "theirs") -> Path:
    data = pkcs12.serialize_key_and_certificates(
        b"x", who[0], who[1], [each[1] for each in others] or None, BestAvailableEncryption(passphrase.encode())
    )
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_an_imported_identity_signs_under_its_whole_chain(
    quick: None, tmp_path: Path, outside: tuple[Pair, Pair], kind: str
) -> None:
    root, intermediate = outside
    who = issued("Ina Import", intermediate, key=rsa.generate_private_key(65537, 2048) if kind == "RSA" else None)
    made = Identities(tmp_path / "identities")
    info = made.import_pkcs12(p12(tmp_path / "in.p12", who, [root, intermediate]), "theirs", "ours")
    assert (info.kind, info.name, info.organisation) == (IdentityKind.IMPORTED, "Ina Import", "Other")
    assert made.list() == [info]
    identity = made.load("Ina Import", "ours")
    assert [common_name(x509.load_pem_x509_certificate(pem)) for pem in identity.chain_pem] == [
        "Intermediate",
        "Root",
    ]
    certificates = [x509.load_pem_x509_certificate(pem) for pem in (identity.certificate_pem, *identity.chain_pem)]
    p7s = identity.cades(b"text")
    facts = cades.check(b"text", p7s, "s", certificates)
    assert all(fact.holds for fact in facts), facts
    for name, data in (("p7s", p7s), ("text", b"text"), ("root.pem", identity.chain_pem[-1])):
        (tmp_path / name).write_bytes(data)
    done = openssl(
        *("cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "p7s", "-purpose", "any"),
        *("-content", tmp_path / "text", "-CAfile", tmp_path / "root.pem", "-out", tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(Refused, match="no certificate to encrypt to"):
        made.encryption_certificate("Ina Import")


def test_what_could_not_sign_a_report_is_not_imported(quick: None, tmp_path: Path, outside: tuple[Pair, Pair]) -> None:
    root, intermediate = outside
    chain = [intermediate, root]
    good = issued("Ina Import", intermediate)
    bad = {
        "a wrong passphrase": (p12(tmp_path / "0", good, chain, "another"), "passphrase"),
        "no root": (p12(tmp_path / "1", good, [intermediate]), "up to its root"),
        "self-signed": (p12(tmp_path / "2", issued("Solo", None), []), "vouches for itself"),
        "an authority": (p12(tmp_path / "3", issued("CA", intermediate, ca=True), chain), "nonRepudiation"),
        "no lasting signatures": (p12(tmp_path / "4", issued("x", intermediate, lasting=False), chain), "nonRepud"),
        "expired": (p12(tmp_path / "5", issued("x", intermediate, days=-1), chain), "not today"),
        "a weak key": (
            p12(tmp_path / "6", issued("x", intermediate, key=rsa.generate_private_key(65537, 1024)), chain),
            "cannot sign here",
        ),
        "someone else's issuer": (
            p12(tmp_path / "7", good, [issued("Intermediate", root, ca=True), root]),
            "up to its root",
        ),
    }
    (tmp_path / "8").write_bytes(b"not a key file")
    bad["no key file"] = (tmp_path / "8", "damaged")
    made = Identities(tmp_path / "identities")
    for what, (path, message) in bad.items():
        with pytest.raises(Refused, match=message):
            pytest.fail(f"imported {what}: {made.import_pkcs12(path, 'theirs', 'ours')}")
    assert made.list() == []
