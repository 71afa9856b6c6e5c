"""Who was revoked before they signed is told so, who was revoked later is not; openssl judges the same lists."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from forensics.custody.checkpoints import check_checkpoints, make_checkpoint
from forensics.custody.identities import Identities, Identity
from forensics.custody.key_files import unlock
from forensics.custody.ledger import Ledger
from forensics.examination.verify import verify
from forensics.jobs.events import silent
from forensics.model import Fact
from forensics.report.document import build
from forensics.report.package import build_package
from forensics.report.package_check import check_package
from forensics.report.signing import check_pdf, sign
from forensics.signatures import revocation
from forensics.signatures.revocation import NONE_AT_HAND, RevocationLists
from tests.unit.report_fixtures import report_facts

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class People:
    folder: Path
    dana: Identity
    key: ec.EllipticCurvePrivateKey
    issuer: x509.Certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return (x509.load_pem_x509_certificate(self.dana.certificate_pem), self.issuer)

    def crl(
        self,
        revoked: datetime | None,
        *,
        this: datetime = NOW,
        until: datetime = NOW + 30 * DAY,
        invalid: datetime | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
        more: x509.ExtensionType | None = None,
    ) -> bytes:
        """A list of the authority, with Dana's certificate on it from that moment on."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuer.subject)
            .last_update(this)
            .next_update(until)
            .add_extension(x509.CRLNumber(7), critical=False)
        )
        if more is not None:
            builder = builder.add_extension(more, critical=True)
        if revoked is not None:
            one = x509.RevokedCertificateBuilder().serial_number(self.chain[0].serial_number).revocation_date(revoked)
            one = one.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
            if invalid is not None:
                one = one.add_extension(x509.InvalidityDate(invalid), critical=False)
            builder = builder.add_revoked_certificate(one.build())
        return builder.sign(key or self.key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    folder = tmp_path_factory.mktemp("identities")
    made = Identities(folder)
    made.create_authority("Test Health Plan", "pw")
    made.create("Dana Examiner", "pw")
    (authority,) = (folder / "authorities").iterdir()
    key, issuer, _ = unlock(authority / "authority.p12", "pw", "it")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return People(folder, made.load("Dana Examiner", "pw"), key, issuer)


def asked(people: People, *lists: bytes, proved: datetime | None = None, claimed: datetime | None = NOW) -> Fact:
    return revocation.check(people.chain, "s", RevocationLists.read(lists), claimed=claimed, proved=proved)


def test_each_answer_is_given_with_the_list_that_gives_it(people: People) -> None:
    before = asked(people, people.crl(NOW - HOUR))
    assert before.holds is False
    assert f"revoked on {NOW - HOUR:%Y-%m-%dT%H:%M:%SZ} (key compromise), says CRL 7 (this update" in before.detail
    assert f"next update {NOW + 30 * DAY:%Y-%m-%dT%H:%M:%SZ}" in before.detail
    later = people.crl(NOW + HOUR)
    assert asked(people, later).holds is None
    assert "its own clock alone" in asked(people, later).detail
    assert asked(people, later, proved=NOW).holds is True
    assert asked(people, people.crl(NOW + HOUR, invalid=NOW - DAY), proved=NOW).holds is False
    assert asked(people, people.crl(None)).holds is True
    assert asked(people, people.crl(None), people.crl(NOW - HOUR)).holds is False
    stale = people.crl(None, this=NOW - 9 * DAY, until=NOW - 8 * DAY)
    assert asked(people, stale).holds is None
    assert "run out" in asked(people, stale).detail
    assert (asked(people).holds, asked(people).detail) == (None, "no CRL of its issuer at hand")


def test_a_list_that_the_issuer_did_not_sign_or_that_covers_not_all_says_nothing(people: People) -> None:
    another = ec.generate_private_key(ec.SECP256R1())
    partial = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    for data in (
        people.crl(NOW - HOUR, key=another),
        people.crl(NOW - HOUR, more=partial),
        people.crl(NOW - HOUR, more=x509.DeltaCRLIndicator(3)),
        people.crl(NOW - HOUR)[:-4],
        b"",
        b"-----BEGIN X509 CRL-----\n!!\n",
    ):
        assert asked(people, data).detail == "no CRL of its issuer at hand"


def test_every_flipped_byte_of_a_list_takes_its_word_away_or_leaves_it(people: People) -> None:
    """A changed list never turns a revoked certificate into one that is not on it."""
    data = people.crl(NOW - HOUR)
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert asked(people, changed).holds is not True, at


def test_openssl_says_of_the_same_lists_what_we_say(people: People, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(people.issuer.public_bytes(Encoding.PEM))
    (tmp_path / "leaf.pem").write_bytes(people.dana.certificate_pem)
    for revoked, holds in ((None, True), (NOW - HOUR, False)):
        (tmp_path / "list.crl").write_bytes(people.crl(revoked, this=NOW - 2 * HOUR))
        form = ["openssl", "crl", "-inform", "DER", "-in", "list.crl"]
        judged = subprocess.run([*form, "-CAfile", "root.pem", "-noout"], cwd=tmp_path, capture_output=True, text=True)
        assert "verify OK" in judged.stderr
        subprocess.run([*form, "-out", "list.pem"], cwd=tmp_path, check=True, capture_output=True)
        command = ["openssl", "verify", "-crl_check", "-CAfile", "root.pem", "-CRLfile", "list.pem", "leaf.pem"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert ("certificate revoked" not in done.stdout + done.stderr) is holds
        assert asked(people, (tmp_path / "list.crl").read_bytes()).holds is holds
        assert asked(people, (tmp_path / "list.pem").read_bytes()).holds is holds


def about(facts: list[Fact]) -> list[bool | None]:
    return [fact.holds for fact in facts if fact.check == revocation.CHECK]


def test_checkpoint_report_and_package_signed_after_a_revocation_are_told(people: People, tmp_path: Path) -> None:
    """Signed by a copy of the key that somebody kept, after the authority had taken the certificate back."""
    taken_back = RevocationLists.read([people.crl(NOW - HOUR)])
    for listed, lists, wanted in (
        (None, NONE_AT_HAND, None),
        (people.crl(None), NONE_AT_HAND, True),
        (people.crl(None), taken_back, False),
    ):
        signer = replace(people.dana, revocation_list=listed)
        folder = tmp_path / f"{wanted}"
        book = Ledger(folder / "custody")
        book.append("note", actor="a", data={"note": "n"})
        make_checkpoint(book.folder, book, "1 id", signer)
        assert about(check_checkpoints(book.folder, (), lists)) == [wanted]
        build(report_facts(signer), folder / "u.pdf")  # type: ignore[arg-type]
        sign(folder / "u.pdf", folder / "r.pdf", signer, reason="test")
        more = lists + RevocationLists.read([listed] if listed else [])
        assert about(check_pdf(folder / "r.pdf", lists=more)) == [wanted]
        kept = {f"custody/crls/{path.name}": path for path in (book.folder / "crls").glob("*.crl")}
        parts: dict[str, Path | bytes] = {"custody/ledger.jsonl": book.path, **kept}
        build_package(parts, folder / "pack", signer, {}, [])
        assert about(check_package(folder / "pack", lists=lists)) == [wanted]


def test_a_kept_list_that_was_changed_or_taken_away_is_found(people: People, tmp_path: Path) -> None:
    book = Ledger(tmp_path / "custody")
    book.append("note", actor="a", data={"note": "n"})
    make_checkpoint(book.folder, book, "1 id", people.dana)
    (path,) = (book.folder / "crls").iterdir()
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert [f.subject for f in check_checkpoints(book.folder) if f.holds is False] == [f"crls/{path.name}"]
    path.unlink()
    assert [f.subject for f in check_checkpoints(book.folder) if f.holds is False] == [f"crls/{path.name}"]


def test_the_verb_takes_lists_from_files_and_ends_with_status_1(people: People, tmp_path: Path) -> None:
    build(report_facts(people.dana), tmp_path / "u.pdf")  # type: ignore[arg-type]
    sign(tmp_path / "u.pdf", tmp_path / "r.pdf", people.dana, reason="test")
    (tmp_path / "list.crl").write_bytes(people.crl(NOW - HOUR))
    said = verify(silent(), tmp_path / "r.pdf", revoked=[tmp_path / "list.crl"])
    assert [fact["check"] for fact in said["facts"] if fact["holds"] is False] == ["revocation"]
    assert said["status"] == 1
    assert verify(silent(), tmp_path / "r.pdf")["intact"]
