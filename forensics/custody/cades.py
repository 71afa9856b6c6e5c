"""Detached CAdES signatures, made in one exact form, so that any other byte in one is an alteration.

A signature protects its content and the signed attributes; about a quarter of the bytes of a CMS file around them
change without `openssl cms -verify` noticing. So this module writes one form only (CAdES-B-B, ETSI EN 319 122-1, in
CMS SignedData, RFC 5652: SHA-256, DER, no unsigned attributes, certificates up to the root), and checking writes the
same form again from its signed parts and compares the bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import algos, cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from forensics.model import Fact

SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
MOST_BYTES = 1 << 20
"""A signature with a chain of certificates is a few kilobytes; more than this is not read."""


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of the certificate in DER, lower-case hex: how people and this program name it."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def sign(
    content: bytes, key: SigningKey, certificate: x509.Certificate, issuers: Sequence[x509.Certificate], when: datetime
) -> bytes:
    """A detached CAdES-B-B signature over `content` in DER. `when` is what the signer's clock says, no more."""
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
            cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": when.replace(microsecond=0)})]}),
            cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(content).digest()]}),
            cms.CMSAttribute({"type": "signing_certificate_v2", "values": [_certificate_reference(certificate)]}),
        ]
    )
    to_sign = attributes.dump()
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(to_sign, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = key.sign(to_sign, ec.ECDSA(hashes.SHA256()))
    return _encode([certificate, *issuers], certificate, attributes, signature)


def _certificate_reference(certificate: x509.Certificate) -> tsp.SigningCertificateV2:
    # SHA-256 is the DEFAULT of ESSCertIDv2 (RFC 5035), and DER leaves a default out.
    return tsp.SigningCertificateV2(
        {"certs": [tsp.ESSCertIDv2({"cert_hash": certificate.fingerprint(hashes.SHA256())})]}
    )


def _encode(
    certificates: Iterable[x509.Certificate],
    signer: x509.Certificate,
    attributes: cms.CMSAttributes,
    signature: bytes,
) -> bytes:
    by_rsa = isinstance(signer.public_key(), rsa.RSAPublicKey)
    parsed = {cert: asn1_x509.Certificate.load(cert.public_bytes(Encoding.DER)) for cert in (*certificates, signer)}
    digest = algos.DigestAlgorithm({"algorithm": "sha256"})
    signed_data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [digest],
            "encap_content_info": {"content_type": "data"},
            "certificates": [cms.CertificateChoices("certificate", each) for each in parsed.values()],
            "signer_infos": [
                {
                    "version": "v1",
                    "sid": cms.SignerIdentifier(
                        {
                            "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                                {"issuer": parsed[signer].issuer, "serial_number": parsed[signer].serial_number}
                            )
                        }
                    ),
                    "digest_algorithm": digest,
                    "signed_attrs": cms.CMSAttributes.load(attributes.dump()),
                    "signature_algorithm": {"algorithm": "sha256_rsa" if by_rsa else "sha256_ecdsa"},
                    "signature": signature,
                }
            ],
        }
    )
    encoded: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed_data}).dump()
    return encoded


# -------------------------------------------------------------------------------------------------------- checking


@dataclass(frozen=True, slots=True)
class _Signature:
    certificates: tuple[x509.Certificate, ...]
    signer: x509.Certificate
    attributes: cms.CMSAttributes
    content_type: str | None
    message_digest: bytes | None
    certificate_digest: bytes | None
    time: datetime | None
    signature: bytes
    unsigned: bool


class _NotOurs(Exception):
    """These bytes are not a signature of the form that `sign` writes."""


def _read(untrusted: bytes) -> _Signature:
    try:
        info = cms.ContentInfo.load(untrusted, strict=True)
        if info["content_type"].native != "signed_data":
            raise _NotOurs
        data = info["content"]
        (who,) = data["signer_infos"]
        certificates = tuple(_whole_certificate(each.chosen.dump()) for each in data["certificates"])
        parsed = [each.chosen for each in data["certificates"]]
        wanted = who["sid"].chosen
        (signer,) = (
            certificate
            for certificate, each in zip(certificates, parsed, strict=True)
            if each.issuer.dump() == wanted["issuer"].dump() and each.serial_number == wanted["serial_number"].native
        )
        attributes = who["signed_attrs"].untag()
        attributes.dump(force=True)
        signed = {each["type"].native: each["values"].native for each in attributes}
        if len(signed) != len(attributes) or any(len(values) != 1 for values in signed.values()):
            raise _NotOurs
        reference = signed.get("signing_certificate_v2", [{"certs": []}])[0]["certs"][:1]
        return _Signature(
            certificates=certificates,
            signer=signer,
            attributes=attributes,
            content_type=signed.get("content_type", [None])[0],
            message_digest=signed.get("message_digest", [None])[0],
            certificate_digest=reference[0]["cert_hash"] if reference else None,
            time=signed.get("signing_time", [None])[0],
            signature=who["signature"].native,
            unsigned=bool(who["unsigned_attrs"]),
        )
    # asn1crypto and cryptography meet hostile bytes with a dozen kinds of exception; all of them say the same here.
    except Exception as error:
        raise _NotOurs from error


def _whole_certificate(untrusted: bytes) -> x509.Certificate:
    """The certificate, read to its end: `cryptography` parses names, key and extensions only when asked for them.

    What it would only warn of (a negative serial number, say) is an error here.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certificate = x509.load_der_x509_certificate(untrusted)
        for part in (certificate.subject, certificate.issuer):
            part.rfc4514_string()
        certificate.public_key()
        list(certificate.extensions)
    return certificate


def _signed(found: _Signature) -> bool:
    """Whether the signer's key made this signature over these attributes."""
    key = found.signer.public_key()
    message = found.attributes.dump(force=True)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(found.signature, message, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(found.signature, message, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _covers(content: bytes, found: _Signature) -> bool:
    """Whether the signed attributes speak of this content, this certificate and an instant."""
    return (
        found.time is not None
        and found.content_type == "data"
        and found.message_digest == hashlib.sha256(content).digest()
        and found.certificate_digest == found.signer.fingerprint(hashes.SHA256())
    )


CHECKS = (
    "signature intact",
    "covers the content",
    "canonical DER",
    "no unsigned attributes",
    "certificates as stored",
    "certificate valid at signing time",
)


def check(content: bytes, p7s: bytes, subject: str, stored: Iterable[x509.Certificate] | None) -> list[Fact]:
    """Six separate facts about a detached signature: one for each of `CHECKS`.

    `stored` are the certificates kept apart from the signature; with None that fact is left open. No root is trusted
    here: its fingerprint is shown, for a person to compare with the one printed in the report.
    """
    try:
        found = _read(p7s)
    except _NotOurs:
        seen = "not a CMS signature of the form this program makes"
        return [Fact(subject, CHECKS[0], False, seen), *(Fact(subject, name, None, seen) for name in CHECKS[1:])]
    try:
        again = _encode(found.certificates, found.signer, found.attributes, found.signature)
    except (ValueError, TypeError):
        again = b""
    at = next((i for i, (a, b) in enumerate(zip(again, p7s, strict=False)) if a != b), min(len(again), len(p7s)))
    facts = [
        Fact(subject, CHECKS[0], _signed(found), f"by {common_name(found.signer)}, {fingerprint(found.signer)}"),
        Fact(subject, CHECKS[1], _covers(content, found)),
        Fact(subject, CHECKS[2], again == p7s, "" if again == p7s else f"byte {at} is not as it would be written"),
        Fact(subject, CHECKS[3], not found.unsigned),
    ]
    if stored is None:
        facts.append(Fact(subject, CHECKS[4], None, "no certificates were kept apart from the signature"))
    else:
        kept = set(stored)
        missing = [fingerprint(each) for each in found.certificates if each not in kept]
        facts.append(Fact(subject, CHECKS[4], not missing, f"not stored: {', '.join(missing)}" if missing else ""))
    if all(fact.holds is not False for fact in facts):
        facts.append(_check_path(found, subject))
    else:
        facts.append(Fact(subject, CHECKS[5], None, "not asked of a signature that is not as it was made"))
    return facts


def _check_path(found: _Signature, subject: str) -> Fact:
    from pyhanko_certvalidator import CertificateValidator, ValidationContext

    roots = [each for each in found.certificates if each.issuer == each.subject and each != found.signer]
    if not roots:
        return Fact(subject, CHECKS[5], False, "the signature carries no root certificate")
    parsed = {each: asn1_x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in found.certificates}
    # Revocation lists are not consulted: the workstation is offline, and a CRL of today says nothing of that day.
    context = ValidationContext(
        trust_roots=[parsed[each] for each in roots],
        other_certs=list(parsed.values()),
        moment=found.time,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    validator = CertificateValidator(parsed[found.signer], validation_context=context)
    try:
        path = asyncio.run(validator.async_validate_usage({"non_repudiation"}))  # type: ignore[no-untyped-call]
    # Besides its own errors, the validator raises whatever a hostile certificate provokes in the parsers below it.
    except Exception as error:
        return Fact(subject, CHECKS[5], False, f"{type(error).__name__}: {error}")
    root = x509.load_der_x509_certificate(path.first.dump())
    when = found.time.astimezone(UTC).isoformat() if found.time else ""
    return Fact(
        subject,
        CHECKS[5],
        True,
        f"by the signer's clock, {when}; root {common_name(root)}, SHA-256 {fingerprint(root)}, trusted: not asserted",
    )


def common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
