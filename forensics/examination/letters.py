"""The list of persons to notify: names and addresses, only of those included, and only once everybody is decided."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options

from forensics.casefile.decisions import INCLUDED, PENDING
from forensics.casefile.views import CaseView
from forensics.errors import EnvironmentFailed, Refused
from forensics.examination.open_case import OpenCase
from forensics.model import Exposure, SourceRecord, Tier

WANTED = (
    "record_key", "given_name", "middle_name", "family_name", "suffix", "address", "city", "state", "postal_code",
    "country", "email", "guardian_name", "language", "confidential_address", "personal_representative",
)  # fmt: skip
"""The fields that a letter needs, where the records have them; never a number or a birth date."""

FIELDS = tuple(name for name in WANTED if name in {field.name for field in fields(SourceRecord)})
COLUMNS = (*FIELDS, "elements", "minor", "deceased")


def rows(case: OpenCase, view: CaseView) -> list[tuple[str, ...]]:
    """One row an included person, by record key. Raises `Refused` while anybody is pending, of whatever tier."""
    pending = len(view.queue_ids(tuple(Tier), PENDING))
    if pending:
        raise Refused(
            f"{pending:,} person(s) are neither included nor excluded.",
            "Decide them first: drivecustody review CASE list --pending",
        )
    included = view.queue_ids(tuple(Tier), INCLUDED)
    wanted, found = set(included), []
    persons: dict[int, Exposure] = {}
    for at in range(0, len(included), 500):
        persons |= view.persons(included[at : at + 500])
    for number, record in case.store.source_records():
        if number in wanted:
            told = persons[number]
            values = tuple(_text(getattr(record, name)) for name in FIELDS)
            found.append((*values, " ".join(told.elements), _text(told.minor), _text(told.deceased)))
    return sorted(found)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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
