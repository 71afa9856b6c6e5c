"""The list of persons to notify: names and addresses, only of those included, and only once everybody is decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options

from forensics.casefile.affected import Affected
from forensics.casefile.decisions import INCLUDED, PENDING
from forensics.casefile.views import CaseView
from forensics.errors import Defect, EnvironmentFailed, Refused
from forensics.exposure.letters import AddressKind, LetterCounts, letter
from forensics.model import Tier

FIELDS = ("given_name", "middle_name", "family_name", "suffix")
PLACE = ("address", "city", "state", "postal_code")
COLUMNS = (
    "record_key", *FIELDS, "addressee", "version", "address_kind", *PLACE, "country", "confidential_address", "email",
    "guardian_name", "personal_representative", "language", "elements", "minor", "deceased",
)  # fmt: skip
"""What a letter needs; never a number or a birth date. `minor` is that on the day of mailing."""


def require_decided(view: CaseView) -> None:
    """Raises `Refused` while anybody is pending, of whatever tier: the burden of proof that somebody need not be told
    is the organisation's (45 CFR 164.414(b))."""
    pending = len(view.queue_ids(tuple(Tier), PENDING))
    if pending:
        raise Refused(
            f"{pending:,} person(s) are neither included nor excluded.",
            "Decide them first: drivecustody review CASE list --pending",
        )


def included(view: CaseView) -> Iterator[Affected]:
    """Those who were included, one a record key."""
    seen: set[str] = set()
    for person in view.affected():
        if person.review == INCLUDED and person.record.record_key not in seen:
            seen.add(person.record.record_key)
            yield person


def rows(view: CaseView, mailing: date) -> tuple[list[tuple[str, ...]], LetterCounts]:
    """One row a recipient, by record key, and how many there are of each kind.

    The home address of somebody who asked to be written to elsewhere is not among the columns of their row. Raises
    `Refused` while anybody is pending, `Defect` if the letters are not as many as the persons included.
    """
    require_decided(view)
    counts = LetterCounts()
    found = []
    for person in included(view):
        record, made = person.record, letter(person.record, person.elements, mailing)
        counts.add(record, made)
        at_home = made.kind is AddressKind.HOME
        place = [getattr(record, name) if at_home else "" for name in PLACE]
        found.append(
            (
                record.record_key, *(getattr(record, name) for name in FIELDS), made.addressee, str(made.version),
                str(made.kind), *place, record.extra.get("country", "") if at_home else "",
                " ".join(made.lines) if made.kind is AddressKind.CONFIDENTIAL else "", record.email,
                record.extra.get("guardian_name", ""), record.extra.get("personal_representative", ""),
                made.language, " ".join(person.elements),
                _text(made.version.startswith("minor")), _text(record.deceased),
            )
        )  # fmt: skip
    persons = {key for key, review in view.decided() if review == INCLUDED}
    if not counts.adds_up(len(found)) or persons != {row[0] for row in found}:
        raise Defect("The letters are not as many as the persons included.")
    return sorted(found), counts


def told(counts: LetterCounts) -> dict[str, object]:
    """The counts as JSON values; no value of anybody."""
    return {
        "letters": counts.total,
        "versions": {str(version): n for version, n in sorted(counts.versions.items())},
        "addresses": {str(kind): n for kind, n in sorted(counts.addresses.items())},
        "languages": dict(sorted(counts.languages.items())),
        "through_representatives": counts.through_representatives,
        "age_unknown": counts.age_unknown,
        "substitute_notice": counts.substitute,
        "substitute_notice_conspicuous": counts.conspicuous,
    }


def _text(value: bool) -> str:
    return str(value).lower()


def recipient(path: Path) -> x509.Certificate:
    """The certificate in a PEM file. Raises `EnvironmentFailed` where it cannot be read, `Refused` where it is none."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise EnvironmentFailed(f"{path.name} cannot be read.", "Check the path of the certificate.") from error
    except ValueError as error:
        raise Refused(f"{path.name} holds no certificate in PEM.", "Ask the recipient for one.") from error


def sealed(data: bytes, certificate: x509.Certificate) -> bytes:
    """CMS EnvelopedData in DER (RFC 5652) with AES-256-CBC; `openssl cms -decrypt -inform DER` opens it.

    Raises `Refused` where the certificate's key is not RSA: the library wraps keys for no other.
    """
    builder = PKCS7EnvelopeBuilder().set_data(data).set_content_encryption_algorithm(AES256)
    try:
        return builder.add_recipient(certificate).encrypt(Encoding.DER, [PKCS7Options.Binary])
    except TypeError as error:
        raise Refused(
            "This certificate has no RSA key.", "Ask the recipient for an RSA encryption certificate."
        ) from error


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, lower-case hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()
