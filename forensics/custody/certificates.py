"""X.509 certificates and revocation lists (RFC 5280): made by an authority, and asked what they allow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from forensics.errors import Refused

PERSON_DAYS, CRL_DAYS = 730, 365

BACKDATED = timedelta(minutes=5)
"""So that a machine whose clock is a little slow does not meet a certificate from its future."""


def now() -> datetime:
    """In whole seconds, as certificates have it."""
    return datetime.now(UTC).replace(microsecond=0)


def usage(**granted: bool) -> x509.KeyUsage:
    """The key usages that are named, and no other."""
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: granted.get(name, False) for name in names})


def issue(
    name: str,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    authority_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate,
    usage: x509.KeyUsage,
    purposes: Sequence[x509.ObjectIdentifier],
) -> x509.Certificate:
    """A certificate for a person, of the issuer's organisation, for `PERSON_DAYS` but no longer than the issuer's."""
    today = now()
    # The list is found under the issuer's directory name (RFC 5280, 4.2.1.13), for the authority has no server: a
    # URL would either be false, or tell somebody's network that a report was just opened.
    revocation = x509.DistributionPoint([x509.DirectoryName(issuer.subject)], None, None, None)
    return (
        x509.CertificateBuilder()
        .subject_name(
            x509.Name(
                [
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation_of(issuer)),
                    x509.NameAttribute(NameOID.COMMON_NAME, name),
                ]
            )
        )
        .issuer_name(issuer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(today - BACKDATED, issuer.not_valid_before_utc))
        .not_valid_after(min(today + timedelta(days=PERSON_DAYS), issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
        .add_extension(x509.CRLDistributionPoints([revocation]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def revocation_list(
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate,
    number: int,
    revoked: Sequence[x509.RevokedCertificate] = (),
) -> bytes:
    """The list in DER, good for `CRL_DAYS`."""
    today = now()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(today - BACKDATED)
        .next_update(today + timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for each in revoked:
        builder = builder.add_revoked_certificate(each)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def require_valid_now(certificate: x509.Certificate) -> None:
    """Raises `Refused` before and after its days."""
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Refused(
            f"The certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}, not today.",
            "Set the clock right, or make a new identity.",
        )


def require_signing(certificate: x509.Certificate) -> None:
    """Raises `Refused` where it does not say that it may sign for good (nonRepudiation), or is an authority's."""
    remedy = "Bring a certificate for signing documents or mail."
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.content_commitment:
            raise Refused("The certificate may not be used for lasting signatures (nonRepudiation).", remedy)
        if certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise Refused("This is the certificate of an authority, not of a person.", remedy)
    except x509.ExtensionNotFound as error:
        if error.oid == x509.KeyUsage.oid:
            raise Refused("The certificate does not say what it may be used for.", remedy) from None


def chain_of(certificate: x509.Certificate, others: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """The issuers of `certificate` among `others`, root last. Raises `Refused` where they do not reach a root."""
    chain: list[x509.Certificate] = []
    last = certificate
    while last.issuer != last.subject:
        for other in others:
            if other not in chain and is_issued_by(last, other):
                chain.append(other)
                last = other
                break
        else:
            raise Refused(
                "The file does not hold the chain of certificates up to its root.",
                "Export it again with all certificates of the certification path.",
            )
    return tuple(chain)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def organisation_of(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else ""
