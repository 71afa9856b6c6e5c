"""Detached CAdES signatures, made in one exact form, so that any other byte in one is an alteration.

The form is CAdES-B-B (ETSI EN 319 122-1) in CMS SignedData (RFC 5652): SHA-256, DER, no unsigned attributes,
certificates up to the root. `forensics.signatures.cms` writes it again from its signed parts and compares the bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from asn1crypto import algos, cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from forensics.model import Fact
from forensics.signatures import revocation
from forensics.signatures.cms import common_name, examine, fingerprint, path_problem

SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

MakeSignature = Callable[[bytes], bytes]
"""Signed bytes → signature value: PKCS #1 v1.5 with SHA-256, or ECDSA with SHA-256 in DER, as the certificate's key."""


def by_key(key: SigningKey) -> MakeSignature:
    """A key in memory as what makes signatures."""
    if isinstance(key, rsa.RSAPrivateKey):
        by_rsa = key
        return lambda message: by_rsa.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return lambda message: key.sign(message, ec.ECDSA(hashes.SHA256()))


def sign(
    content: bytes,
    make: MakeSignature,
    certificate: x509.Certificate,
    issuers: Sequence[x509.Certificate],
    when: datetime,
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
    return _encode([certificate, *issuers], certificate, attributes, make(attributes.dump()))


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


CHECKS = (
    "signature intact",
    "covers the content",
    "canonical DER",
    "no unsigned attributes",
    "certificates as stored",
    "certificate valid at signing time",
)


def check(
    content: bytes,
    p7s: bytes,
    subject: str,
    stored: Iterable[x509.Certificate] | None,
    roots: Sequence[x509.Certificate] = (),
) -> list[Fact]:
    """Six separate facts about a detached signature: one for each of `CHECKS`; with `roots` also `trusted`.

    `stored` are the certificates kept apart from the signature; with None that fact is left open. Without `roots`
    none is trusted: its fingerprint is shown, for a person to compare with the one printed in the report.
    """
    seen = examine(p7s, lambda algorithm: hashlib.new(algorithm, content).digest())
    if not seen.signer:
        said = "not a CMS signature of the form this program makes"
        return [Fact(subject, CHECKS[0], False, said), *(Fact(subject, name, None, said) for name in CHECKS[1:])]
    elsewhere = seen.elsewhere or (() if seen.claimed else ("the signature names no time",))
    stamped = seen.stamp is not None
    facts = [
        Fact(subject, CHECKS[0], not seen.unsigned, f"by {common_name(seen.signer)}, {fingerprint(seen.signer)}"),
        Fact(subject, CHECKS[1], not elsewhere, "; ".join(elsewhere)),
        Fact(subject, CHECKS[2], not seen.form, "; ".join(seen.form)),
        Fact(subject, CHECKS[3], not stamped),
    ]
    if stored is None:
        facts.append(Fact(subject, CHECKS[4], None, "no certificates were kept apart from the signature"))
    else:
        kept = set(stored)
        missing = [fingerprint(each) for each in seen.chain if each not in kept]
        facts.append(Fact(subject, CHECKS[4], not missing, f"not stored: {', '.join(missing)}" if missing else ""))
    if all(fact.holds is not False for fact in facts):
        facts.append(_check_path(seen.chain, seen.complete, seen.links, seen.claimed or datetime.now(UTC), subject))
    else:
        facts.append(Fact(subject, CHECKS[5], None, "not asked of a signature that is not as it was made"))
    if roots:
        problem = path_problem(seen.chain, roots, seen.claimed or datetime.now(UTC))
        facts.append(Fact(subject, "trusted", problem is None, problem or "leads to a root you named"))
    return facts


def check_revocation(
    p7s: bytes, subject: str, lists: revocation.RevocationLists, proved: datetime | None = None
) -> Fact:
    """Whether the signer's certificate was revoked when it signed; `proved` is what a time stamp over `p7s` says."""
    seen = examine(p7s, lambda _: b"")
    return revocation.check(seen.chain, subject, lists, claimed=seen.claimed, proved=proved)


def _check_path(
    chain: Sequence[x509.Certificate], complete: bool, links: Sequence[str], when: datetime, subject: str
) -> Fact:
    if links or not complete or len(chain) < 2:
        return Fact(subject, CHECKS[5], False, "; ".join(links) or "the signature carries no root certificate")
    root = chain[-1]
    if problem := path_problem(chain, [root], when):
        return Fact(subject, CHECKS[5], False, problem)
    told = f"by the signer's clock, {when.astimezone(UTC).isoformat()}; root {common_name(root)}"
    return Fact(subject, CHECKS[5], True, f"{told}, SHA-256 {fingerprint(root)}, trusted: not asserted")
