"""Strict reading of a CMS signature: every byte of it is either signed, or the only one that could stand there.

A verifier that asks only "is the signature valid?" lets about a quarter of the container's bytes pass unseen: version
numbers, algorithm identifiers, issuer certificates, unsigned attributes. Here the container is written again from its
signed parts, by DER's rules, and compared (RFC 5652; CAdES-BES of ETSI EN 319 122-1; RFC 3161 for the time stamp).
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

MOST_BYTES = 1 << 20
"""A signature with its certificates and a time stamp is some kilobytes; more is not parsed."""

Digest = Callable[[str], bytes]
"""hashlib name → digest of the content that was signed."""

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def der(tag: int, *parts: bytes) -> bytes:
    """One DER value: tag, shortest length, contents."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _oid(dotted: str) -> bytes:
    encoded: bytes = core.ObjectIdentifier(dotted).dump()
    return encoded


_NULL = der(0x05)
_DIGEST_OIDS = {
    "sha256": _oid("2.16.840.1.101.3.4.2.1"),
    "sha384": _oid("2.16.840.1.101.3.4.2.2"),
    "sha512": _oid("2.16.840.1.101.3.4.2.3"),
}
_ECDSA_OIDS = {  # RFC 5758, section 3.2: no parameters
    "sha256": _oid("1.2.840.10045.4.3.2"),
    "sha384": _oid("1.2.840.10045.4.3.3"),
    "sha512": _oid("1.2.840.10045.4.3.4"),
}
_RSA_OIDS = {  # RFC 8017, appendix A.2.4: parameters NULL
    "sha256": _oid("1.2.840.113549.1.1.11"),
    "sha384": _oid("1.2.840.113549.1.1.12"),
    "sha512": _oid("1.2.840.113549.1.1.13"),
}
_RSA_ENCRYPTION = _oid("1.2.840.113549.1.1.1")
_SIGNED_DATA = _oid("1.2.840.113549.1.7.2")
_DATA = _oid("1.2.840.113549.1.7.1")
_TST_INFO = _oid("1.2.840.113549.1.9.16.1.4")
_TIME_STAMP_TOKEN = _oid("1.2.840.113549.1.9.16.2.14")


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """An RFC 3161 token: what it says, and what is wrong with it.

    `chain` runs from the authority's certificate upwards as far as issuers are embedded; `complete` says that it ends
    in a root. `nonce` is the asker's number, None where the question had none.
    """

    time: datetime | None
    authority: str
    faults: tuple[str, ...]
    chain: tuple[x509.Certificate, ...] = ()
    complete: bool = False
    nonce: int | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """What a container holds and what is wrong with it.

    `unsigned` are reasons why nobody signed these attributes with the named key, `elsewhere` why they speak of another
    content or certificate. `form` are reasons why bytes around them are not as they were written, `links` why the
    embedded certificates are not one chain. `chain` runs from the signer's certificate upwards as far as issuers are
    embedded; `complete` says that it ends in a root. `claimed` is the signer's clock, `stamp` None where there is no
    time stamp.
    """

    unsigned: tuple[str, ...]
    form: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    chain: tuple[x509.Certificate, ...] = ()
    complete: bool = False
    claimed: datetime | None = None
    stamp: TimeStamp | None = None

    @property
    def forgery(self) -> tuple[str, ...]:
        """Why the signature does not hold for this content; empty where it does."""
        return self.unsigned + self.elsewhere

    @property
    def alterations(self) -> tuple[str, ...]:
        """Why the container is not byte for byte what a signer wrote; empty where it is."""
        return self.links + self.form

    @property
    def signer(self) -> x509.Certificate | None:
        return self.chain[0] if self.chain else None


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate in DER, lower-case hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def common_name(certificate: x509.Certificate) -> str:
    """The name a certificate carries for people; hostile until the chain is trusted."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def examine(untrusted: bytes, digest: Digest) -> Examined:
    """Everything that can be said about a detached signature over content with this digest."""
    if len(untrusted) > MOST_BYTES:
        return Examined(("the signature is too large to be one",), ())
    # asn1crypto and cryptography answer hostile bytes with a dozen kinds of exception; all of them mean this.
    try:
        return _examine(untrusted, digest, token=False)
    except Exception as problem:
        return Examined((f"not a CMS signature that can be read ({type(problem).__name__})",), ())


def _examine(untrusted: bytes, digest: Digest | None, *, token: bool) -> Examined:
    info = cms.ContentInfo.load(untrusted, strict=True)
    data = info["content"]
    (who,) = data["signer_infos"]
    algorithm = who["digest_algorithm"]["algorithm"].native
    if algorithm not in _HASHES:
        return Examined((f"the digest algorithm {algorithm} is not accepted",), ())
    raw = [each.chosen.dump() for each in data["certificates"]]
    with warnings.catch_warnings():
        # What `cryptography` only warns of, a negative serial number say, RFC 5280 does not allow.
        warnings.simplefilter("error")
        certificates = [x509.load_der_x509_certificate(each) for each in raw]
    sid = who["sid"].chosen
    signers = [
        certificate
        for certificate in certificates
        if certificate.serial_number == sid["serial_number"].native
        and certificate.issuer.public_bytes() == sid["issuer"].dump()
    ]
    if len(signers) != 1:
        return Examined(("the signer's certificate is not embedded exactly once",), ())
    signer = signers[0]
    attributes = who["signed_attrs"]
    signature: bytes = who["signature"].native
    content = data["encap_content_info"]["content"].contents if token else b""
    wanted = hashlib.new(algorithm, content).digest() if digest is None else digest(algorithm)

    elsewhere = _wrong_attributes(attributes, wanted, signer, "tst_info" if token else "data")
    verifies = _verifies(signer, who, algorithm, signature)
    unsigned = () if verifies else ("the signature value does not verify",)
    chain, complete, links = _chain(signer, certificates)
    form = []
    if any(_certificate_again(each) != each.public_bytes(Encoding.DER) for each in certificates):
        form.append("a certificate is not written as it was made")
    # A token's bytes come from others, who often leave out their root; the highest issuer of such a chain is then not
    # checked byte by byte. Ours always carry the root.
    if not token and len(chain) != len(certificates):
        links.append("a certificate is embedded that the chain does not need")
    if not token and len(chain) > 1 and not complete:
        links.append("the embedded certificates do not end in a root")
    again = _written_again(who, raw, signer, algorithm, token, content)
    if again != untrusted:
        at = next((i for i, (a, b) in enumerate(zip(again, untrusted, strict=False)) if a != b), -1)
        form.append(f"byte {at} of the signature is not as it would be written")
    stamp = None
    if who["unsigned_attrs"]:
        if token:
            form.append("the time stamp has unsigned attributes")
        else:
            stamp = _stamp(who["unsigned_attrs"], signature)
    return Examined(unsigned, tuple(form), tuple(elsewhere), tuple(links), chain, complete, _claimed(attributes), stamp)


def _written_again(
    who: cms.SignerInfo,
    certificates: Sequence[bytes],
    signer: x509.Certificate,
    algorithm: str,
    token: bool,
    content: bytes,
) -> bytes:
    """The container as DER makes it from the certificates, the signed attributes, the signature and the time stamp."""
    # The parameters of a digest algorithm may be absent or NULL (RFC 5754, section 2); both places must agree.
    plain = der(0x30, _DIGEST_OIDS[algorithm])
    digest_algorithm = plain if who["digest_algorithm"].dump() == plain else der(0x30, _DIGEST_OIDS[algorithm], _NULL)
    attributes = sorted(each.dump() for each in who["signed_attrs"])
    issuer_and_serial = der(0x30, signer.issuer.public_bytes(), core.Integer(signer.serial_number).dump())
    parts = [
        der(0x02, b"\x01"),
        issuer_and_serial,
        digest_algorithm,
        der(0xA0, *attributes),
        _signature_algorithm(who, signer, algorithm),
        der(0x04, who["signature"].native),
    ]
    if who["unsigned_attrs"] and not token:
        stamp = who["unsigned_attrs"][0]["values"][0].dump()
        parts.append(der(0xA1, der(0x30, _TIME_STAMP_TOKEN, der(0x31, stamp))))
    encapsulated = der(0x30, _TST_INFO, der(0xA0, der(0x04, content))) if token else der(0x30, _DATA)
    signed_data = der(
        0x30,
        der(0x02, b"\x03" if token else b"\x01"),
        der(0x31, digest_algorithm),
        encapsulated,
        # DER sorts a SET OF; tokens come from authorities that do not all keep to that, and are taken as they are.
        der(0xA0, *(certificates if token else sorted(certificates))),
        der(0x31, der(0x30, *parts)),
    )
    return der(0x30, _SIGNED_DATA, der(0xA0, signed_data))


def _certificate_again(certificate: x509.Certificate) -> bytes:
    """The certificate from its signed part and its signature: readers pass over unused bits of the latter."""
    signed_part = certificate.tbs_certificate_bytes
    # RFC 5280, section 4.1.1.2: the algorithm outside is the one that the signed part names.
    algorithm = asn1_x509.TbsCertificate.load(signed_part)["signature"].dump()
    return der(0x30, signed_part, algorithm, der(0x03, b"\0", certificate.signature))


def _signature_algorithm(who: cms.SignerInfo, signer: x509.Certificate, algorithm: str) -> bytes:
    """The algorithm identifier that must stand there; RSA has several, of which the one that stands there may stay."""
    if isinstance(signer.public_key(), ec.EllipticCurvePublicKey):
        return der(0x30, _ECDSA_OIDS[algorithm])
    stands: bytes = who["signature_algorithm"].dump()
    if stands == der(0x30, _RSA_ENCRYPTION, _NULL):
        return stands
    # The parameters of PSS are many; where the signature itself covers them (RFC 6211) they may stand as they are.
    protected = any(each["type"].native == "cms_algorithm_protection" for each in who["signed_attrs"])
    if protected and who["signature_algorithm"]["algorithm"].native == "rsassa_pss":
        return stands
    return der(0x30, _RSA_OIDS[algorithm], _NULL)


def _wrong_attributes(
    attributes: cms.CMSAttributes, digest: bytes, signer: x509.Certificate, content: str
) -> list[str]:
    seen: dict[str, core.Asn1Value] = {}
    for each in attributes:
        name = each["type"].native
        if name in seen or len(each["values"]) != 1:
            return [f"the signed attribute {name} stands more than once"]
        seen[name] = each["values"][0]
    wrong = []
    if "content_type" not in seen or seen["content_type"].native != content:
        wrong.append("the signed content type is not the one expected")
    if "message_digest" not in seen or seen["message_digest"].native != digest:
        wrong.append("the content is not the content that was signed")
    if not _names_certificate(seen, signer):
        wrong.append("the signed certificate reference is not the signer's")
    return wrong


def _names_certificate(seen: dict[str, core.Asn1Value], signer: x509.Certificate) -> bool:
    """Whether the signed attributes name the signer's certificate (RFC 5035; SHA-1 in the older form of RFC 2634)."""
    der = signer.public_bytes(Encoding.DER)
    if "signing_certificate_v2" in seen:
        reference = seen["signing_certificate_v2"]["certs"][0]
        name = reference["hash_algorithm"]["algorithm"].native
        return name in _HASHES and reference["cert_hash"].native == hashlib.new(name, der).digest()
    if "signing_certificate" in seen:
        old = hashlib.sha1(der, usedforsecurity=False).digest()
        return bool(seen["signing_certificate"]["certs"][0]["cert_hash"].native == old)
    return False


def _verifies(signer: x509.Certificate, who: cms.SignerInfo, algorithm: str, signature: bytes) -> bool:
    # RFC 5652, section 5.4: what is signed is the attributes as a SET OF, not under the tag they are stored with.
    message = der(0x31, *sorted(each.dump() for each in who["signed_attrs"]))
    key, chosen = signer.public_key(), _HASHES[algorithm]
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(chosen))
        elif isinstance(key, rsa.RSAPublicKey):
            if who["signature_algorithm"]["algorithm"].native == "rsassa_pss":
                key.verify(signature, message, padding.PSS(padding.MGF1(chosen), padding.PSS.AUTO), chosen)
            else:
                key.verify(signature, message, padding.PKCS1v15(), chosen)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _chain(
    signer: x509.Certificate, embedded: Sequence[x509.Certificate]
) -> tuple[tuple[x509.Certificate, ...], bool, list[str]]:
    """From the signer up as far as issuers are embedded; whether that ends in a root; links that do not verify."""
    chain = [signer]
    while chain[-1].issuer != chain[-1].subject:
        issuers = [each for each in embedded if each.subject == chain[-1].issuer and each not in chain]
        above = next((each for each in issuers if _issued(chain[-1], each)), None)
        if above is None:
            broken = ["a certificate does not verify against its embedded issuer"] if issuers else []
            # An issuer whose name was changed looks like one that was left out; the key identifiers tell them apart.
            _, wanted = _key_identifiers(chain[-1])
            if wanted is not None and wanted in {_key_identifiers(each)[0] for each in embedded}:
                broken.append("the issuer's certificate is embedded under another name")
            return tuple(chain), False, broken
        chain.append(above)
    broken = [] if _issued(chain[-1], chain[-1]) else ["the root certificate's own signature does not verify"]
    return tuple(chain), True, broken


def _key_identifiers(certificate: x509.Certificate) -> tuple[bytes | None, bytes | None]:
    """The identifiers of the certificate's own key and of its issuer's, where it carries them (RFC 5280, 4.2.1.1-2)."""
    own = issuers = None
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectKeyIdentifier):
            own = extension.value.digest
        elif isinstance(extension.value, x509.AuthorityKeyIdentifier):
            issuers = extension.value.key_identifier
    return own, issuers


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _claimed(attributes: cms.CMSAttributes) -> datetime | None:
    for each in attributes:
        if each["type"].native == "signing_time":
            told = each["values"][0].native
            return told if isinstance(told, datetime) else None
    return None


def _stamp(unsigned: cms.CMSAttributes, signature: bytes) -> TimeStamp:
    if (
        len(unsigned) != 1
        or unsigned[0]["type"].native != "signature_time_stamp_token"
        or len(unsigned[0]["values"]) != 1
    ):
        return TimeStamp(None, "", ("the unsigned attributes are not one time stamp",))
    return examine_token(unsigned[0]["values"][0].dump(), lambda name: hashlib.new(name, signature).digest())


def examine_token(untrusted: bytes, digest: Digest) -> TimeStamp:
    """What an RFC 3161 token says and what is wrong with it, for content with this digest; never raises for its bytes.

    No authority is trusted here: `chain` is for the caller to lead to a root.
    """
    if len(untrusted) > MOST_BYTES:
        return TimeStamp(None, "", ("the time stamp is too large to be one",))
    try:
        return _examine_token(untrusted, digest)
    except Exception as problem:
        return TimeStamp(None, "", (f"not a time stamp that can be read ({type(problem).__name__})",))


def _examine_token(untrusted: bytes, digest: Digest) -> TimeStamp:
    seen = _examine(untrusted, None, token=True)
    faults = [*seen.forgery, *seen.alterations]
    told = tsp.TSTInfo.load(
        cms.ContentInfo.load(untrusted)["content"]["encap_content_info"]["content"].contents, strict=True
    )
    imprint = told["message_imprint"]
    name = imprint["hash_algorithm"]["algorithm"].native
    if name not in _HASHES or imprint["hashed_message"].native != digest(name):
        faults.append("the time stamp is over something else")
    if seen.signer is None or not _may_stamp(seen.signer):
        faults.append("the time stamp was not made by a certificate for time stamping")
    when = told["gen_time"].native
    named = common_name(seen.signer) if seen.signer else ""
    return TimeStamp(when.astimezone(UTC), named, tuple(faults), seen.chain, seen.complete, told["nonce"].native)


def _may_stamp(certificate: x509.Certificate) -> bool:
    """RFC 3161, section 2.3: the extended key usage is time stamping and nothing else."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return list(usage) == [ExtendedKeyUsageOID.TIME_STAMPING]


SIGNING = frozenset({"non_repudiation"})
STAMPING = frozenset({"digital_signature"})


def path_problem(
    chain: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    moment: datetime,
    usage: frozenset[str] = SIGNING,
    purposes: frozenset[str] = frozenset(),
) -> str | None:
    """Why the chain does not lead to one of the roots at that moment (RFC 5280), or None where it does.

    `usage` are the key usages the first certificate must have, `purposes` its extended ones. Revocation is not asked
    about: the workstation is offline, and today's list says nothing of that day.
    """
    import asyncio

    from pyhanko_certvalidator import CertificateValidator, ValidationContext

    def parsed(certificate: x509.Certificate) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))

    context = ValidationContext(
        trust_roots=[parsed(root) for root in roots],
        other_certs=[parsed(each) for each in chain],
        moment=moment,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    validator = CertificateValidator(parsed(chain[0]), validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage(set(usage), set(purposes) or None))  # type: ignore[no-untyped-call]
    # Besides its own errors, the validator raises whatever a hostile certificate provokes in the parsers below it.
    except Exception as problem:
        return str(problem) or type(problem).__name__
    return None
